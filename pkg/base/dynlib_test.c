#include "base/dynlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct {
	double (*cos)(double x);
	double (*sin)(double x);
	void (*none)(void);
} m;

static const struct dynlib_symbol symbols[] = {
    {"cos", &m.cos}, {"sin", &m.sin}, {NULL, NULL}};
static const struct dynlib_symbol too_new[] = {
    {"cos", &m.cos}, {"cos_of_the_future", &m.none}, {NULL, NULL}};

static int
forget(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	return 0;
}

static void
a_library_that_is_there_fills_the_table(void **state)
{
	static const char *const sonames[] = {"libm.so.6", NULL};
	struct err err;

	(void)state;
	assert_int_equal(
	    dynlib_open(sonames, "libc6", symbols, &err), ERR_NONE);
	assert_true(m.cos(0) > 0.999 && m.sin(0) < 0.001);
	assert_int_equal(
	    dynlib_open(sonames, "libc6", symbols, &err), ERR_NONE);
	assert_true(m.cos(0) > 0.999);
}

static void
the_next_name_is_tried_when_the_first_is_missing(void **state)
{
	static const char *const sonames[] = {
	    "libdsrun-none.so.9", "libm.so.6", NULL};
	struct err err;

	(void)state;
	assert_int_equal(
	    dynlib_open(sonames, "libc6", symbols, &err), ERR_NONE);
	assert_non_null(m.cos);
}

static void
a_missing_library_is_named_with_its_package(void **state)
{
	static const char *const sonames[] = {
	    "libdsrun-none.so.9", "libdsrun-none.so.8", NULL};
	struct err err;

	(void)state;
	assert_int_equal(
	    dynlib_open(sonames, "libdsrun9", symbols, &err), ERR_CONFIG);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, "libdsrun-none.so.9"));
	assert_null(strstr(err.text, "libdsrun-none.so.8"));
	assert_non_null(strstr(err.text, "install the package libdsrun9"));
	assert_null(m.cos);
}

static void
a_library_without_a_symbol_leaves_the_table_alone(void **state)
{
	static const char *const sonames[] = {"libm.so.6", NULL};
	struct err err;

	(void)state;
	assert_int_equal(
	    dynlib_open(sonames, "libc6", too_new, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "cos_of_the_future"));
	assert_null(m.cos);
	assert_null(m.none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		a_library_that_is_there_fills_the_table, forget),
	    cmocka_unit_test_setup(
		the_next_name_is_tried_when_the_first_is_missing, forget),
	    cmocka_unit_test_setup(
		a_missing_library_is_named_with_its_package, forget),
	    cmocka_unit_test_setup(
		a_library_without_a_symbol_leaves_the_table_alone, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
