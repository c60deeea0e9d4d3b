#include "rules/rules_area.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#include "net/net_env.h"

/* Tests run in the root of the tree. */
#define SHIPPED "rules/nanp_zones.csv"

static struct env *env;
static char dir[] = "/tmp/rules_area_XXXXXX";

static int
open_all(void **state)
{
	struct err err = {0};

	(void)state;
	return mkdtemp(dir) != NULL && net_env_open(&env, &err) == ERR_NONE
		   ? 0
		   : -1;
}

static int
close_all(void **state)
{
	(void)state;
	net_env_close(&env);
	return rmdir(dir);
}

static enum err_code
load_bytes(
    const char *text, size_t len, struct rules_areas **out, struct err *err)
{
	char *path = mem_printf("%s/areas.csv", dir);
	enum err_code code;

	assert_int_equal(env_write_whole(env, path, text, len, err), ERR_NONE);
	code = rules_area_load(env, path, out, err);
	assert_int_equal(unlink(path), 0);
	mem_free(&path);
	return code;
}

static struct rules_areas *
shipped(void)
{
	struct rules_areas *a = NULL;
	struct err err = {0};

	assert_int_equal(rules_area_load(env, SHIPPED, &a, &err), ERR_NONE);
	return a;
}

static void
the_shipped_table_knows_one_zone_and_several(void **state)
{
	struct rules_areas *a = shipped();
	const struct rules_area *row = rules_area_find(a, 15125550100);

	(void)state;
	assert_non_null(row);
	assert_int_equal(row->prefix, 1512);
	assert_int_equal(row->count, 1);
	assert_string_equal(row->zone[0], "America/Chicago");
	row = rules_area_find(a, 18505550100);
	assert_non_null(row);
	assert_int_equal(row->count, 2);
	assert_string_equal(row->zone[0], "America/Chicago");
	assert_string_equal(row->zone[1], "America/New_York");
	assert_true(strlen(rules_area_version(a)) >= 10);
	assert_true(rules_area_count(a) > 350);
	rules_area_free(&a);
}

static bool
has_zone(const struct rules_area *row, const char *zone)
{
	for (size_t i = 0; i < row->count; i++)
		if (strcmp(row->zone[i], zone) == 0)
			return true;
	return false;
}

static const struct rules_area *
area_of(const struct rules_areas *a, int code)
{
	const struct rules_area *row =
	    rules_area_find(a, INT64_C(10005550100) + code * INT64_C(10000000));

	assert_non_null(row);
	return row;
}

/* Overlays share their ground, so no zone of it may be left out. */
static void
the_shipped_overlays_have_the_zones_of_what_they_overlay(void **state)
{
	static const int pairs[][2] = {{270, 364}, {850, 448}, {541, 458},
	    {407, 689}, {423, 729}, {812, 930}, {208, 986}, {212, 646},
	    {310, 424}, {602, 480}};
	struct rules_areas *a = shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct rules_area *ground = area_of(a, pairs[i][0]);
		const struct rules_area *overlay = area_of(a, pairs[i][1]);

		for (size_t k = 0; k < ground->count; k++)
			assert_true(has_zone(overlay, ground->zone[k]));
	}
	rules_area_free(&a);
}

static void
toll_free_premium_and_foreign_numbers_are_unknown(void **state)
{
	static const int64_t unknown[] = {18005550100, 18885550100, 19005550100,
	    14165550100, 442079460000, 966112345678, 17005550100, 18095550100,
	    1, 151, 0, -15125550100};
	struct rules_areas *a = shipped();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		assert_null(rules_area_find(a, unknown[i]));
	rules_area_free(&a);
}

static void
the_longest_prefix_holds(void **state)
{
	static const char text[] = "# version: 7\n"
				   "prefix,zones\n"
				   "+44,Europe/London\n"
				   "+441481,Europe/Guernsey\r\n"
				   "\n"
				   "# a comment\n"
				   "+1512,A/B|C/D|E/F\n";
	struct rules_areas *a = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(load_bytes(text, strlen(text), &a, &err), ERR_NONE);
	assert_string_equal(
	    rules_area_find(a, 441481960000)->zone[0], "Europe/Guernsey");
	assert_string_equal(
	    rules_area_find(a, 442079460000)->zone[0], "Europe/London");
	assert_int_equal(rules_area_find(a, 15125550100)->count, 3);
	assert_string_equal(rules_area_find(a, 15125550100)->zone[2], "E/F");
	assert_null(rules_area_find(a, 15135550100));
	assert_string_equal(rules_area_version(a), "7");
	assert_int_equal(rules_area_count(a), 3);
	rules_area_free(&a);
	assert_null(a);
	rules_area_free(&a);
}

#define HEAD "# version: 1\nprefix,zones\n"

static void
a_bad_table_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
	    {"", ":1: expected at least one row"},
	    {HEAD, ":3: expected at least one row"},
	    {"prefix,zones\n+1512,A/B\n", "expected a line \"# version"},
	    {"# version: \nprefix,zones\n+1512,A/B\n",
		"expected a line \"# version"},
	    {"+1512,A/B\n", ":1: expected the header"},
	    {HEAD "1512,A/B\n", ":3: expected a prefix such as +1512"},
	    {HEAD "+,A/B\n", ":3: expected a prefix"},
	    {HEAD "+0512,A/B\n", ":3: expected a prefix"},
	    {HEAD "+1512x,A/B\n", ":3: expected a prefix"},
	    {HEAD "+1234567890123,A/B\n", ":3: expected a prefix"},
	    {HEAD "+1512\n", ":3: expected a prefix"},
	    {HEAD "+1512,\n", ":3: expected 1 to 8 time zones"},
	    {HEAD "+1512,A/B|\n", ":3: expected 1 to 8 time zones"},
	    {HEAD "+1512,a|b|c|d|e|f|g|h|i\n", ":3: expected 1 to 8"},
	    {HEAD "+1512,A/B\n+1513,A/B\n+1512,C/D\n", "+1512 stands there"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rules_areas *a = NULL;
		struct err err = {0};

		assert_int_equal(
		    load_bytes(bad[i].text, strlen(bad[i].text), &a, &err),
		    ERR_CONFIG);
		if (strstr(err.text, bad[i].why) == NULL)
			print_error("%s\n", err.text);
		assert_non_null(strstr(err.text, bad[i].why));
		assert_non_null(strstr(err.text, "areas.csv"));
		assert_null(a);
	}
}

static void
a_missing_table_a_huge_one_and_a_byte_0_are_refused(void **state)
{
	struct rules_areas *a = NULL;
	struct err err = {0};
	char *huge = mem_zalloc(RULES_AREA_BYTES_MAX + 1, 1);

	(void)state;
	assert_int_equal(
	    rules_area_load(env, "/nonexistent/z.csv", &a, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/z.csv"));
	memset(huge, '\n', RULES_AREA_BYTES_MAX + 1);
	assert_int_equal(
	    load_bytes(huge, RULES_AREA_BYTES_MAX + 1, &a, &err), ERR_CONFIG);
	mem_free(&huge);
	assert_int_equal(
	    load_bytes(HEAD "+1512,A/B\n\0", sizeof(HEAD) + 11, &a, &err),
	    ERR_CONFIG);
	assert_non_null(strstr(err.text, "byte 0"));
	assert_null(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shipped_table_knows_one_zone_and_several),
	    cmocka_unit_test(
		the_shipped_overlays_have_the_zones_of_what_they_overlay),
	    cmocka_unit_test(toll_free_premium_and_foreign_numbers_are_unknown),
	    cmocka_unit_test(the_longest_prefix_holds),
	    cmocka_unit_test(a_bad_table_is_refused_with_its_line),
	    cmocka_unit_test(
		a_missing_table_a_huge_one_and_a_byte_0_are_refused),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
