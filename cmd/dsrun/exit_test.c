#include "exit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static void
each_error_has_the_code_that_says_who_must_act(void **state)
{
	static const struct {
		enum err_code code;
		int exit;
	} expected[] = {
	    {ERR_NONE, 0},
	    {ERR_CONFIG, 78},
	    {ERR_DAMAGED, 12},
	    {ERR_BUSY, 11},
	    {ERR_USAGE, 2},
	    {ERR_PERSON, 4},
	    {ERR_TIMEOUT, 5},
	    {ERR_UNREACHABLE, 5},
	    {ERR_THROTTLED, 5},
	    {ERR_SPACE, 5},
	    {ERR_REJECTED, 1},
	    {ERR_MALFORMED, 1},
	    {ERR_NOT_FOUND, 1},
	    {ERR_EXISTS, 1},
	    {ERR_STATE, 1},
	    {ERR_CANCELLED, 1},
	    {ERR_IO, 1},
	    {ERR_STORE, 1},
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(expected), ERR_CODE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_int_equal(
		    exit_of_err(expected[i].code), expected[i].exit);
}

static void
where_several_hold_the_order_is_12_78_11_1_4_3_5(void **state)
{
	static const enum exit_status order[] = {12, 78, 11, 1, 4, 3, 5, 6, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t j = i; j < ARRAY_LEN(order); j++) {
			assert_int_equal(
			    exit_worse(order[i], order[j]), order[i]);
			assert_int_equal(
			    exit_worse(order[j], order[i]), order[i]);
		}
}

static void
the_table_is_in_order_and_each_number_stands_once(void **state)
{
	size_t n;
	const struct exit_row *rows = exit_rows(&n);

	(void)state;
	assert_int_equal(n, 10);
	for (size_t i = 1; i < n; i++)
		assert_true(rows[i - 1].status < rows[i].status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_error_has_the_code_that_says_who_must_act),
	    cmocka_unit_test(where_several_hold_the_order_is_12_78_11_1_4_3_5),
	    cmocka_unit_test(the_table_is_in_order_and_each_number_stands_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
