#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#include "json/json_write.h"

static double
double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void
expect_canonical(const char *text, const char *want)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct buf out = BUF_INIT(1 << 20);
	struct json *doc = NULL;
	struct err err = {0};

	if (json_parse(text, strlen(text), &limits, &doc, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	json_canonical(doc, &out);
	assert_string_equal(buf_text(&out), want);
	json_free(&doc);
	buf_free(&out);
}

/* RFC 8785, appendix B; the last rows are JavaScript's own answers. */
static void
numbers_look_as_in_javascript(void **state)
{
	static const struct {
		uint64_t bits;
		const char *want;
	} rows[] = {
	    {0x0000000000000000, "0"},
	    {0x8000000000000000, "0"},
	    {0x0000000000000001, "5e-324"},
	    {0x8000000000000001, "-5e-324"},
	    {0x7fefffffffffffff, "1.7976931348623157e+308"},
	    {0xffefffffffffffff, "-1.7976931348623157e+308"},
	    {0x4340000000000000, "9007199254740992"},
	    {0xc340000000000000, "-9007199254740992"},
	    {0x4430000000000000, "295147905179352830000"},
	    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
	    {0x44b52d02c7e14af6, "1e+23"},
	    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
	    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
	    {0x444b1ae4d6e2ef50, "1e+21"},
	    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
	    {0x3eb0c6f7a0b5ed8d, "0.000001"},
	    {0x41b3de4355555553, "333333333.3333332"},
	    {0x41b3de4355555554, "333333333.33333325"},
	    {0x41b3de4355555555, "333333333.3333333"},
	    {0x41b3de4355555556, "333333333.3333334"},
	    {0x41b3de4355555557, "333333333.33333343"},
	    {0xbecbf647612f3696, "-0.0000033333333333333333"},
	    {0x43143ff3c1cb0959, "1424953923781206.2"},
	    /* 2^-44: the nearest decimal of 16 digits belongs to another */
	    {0x3d30000000000000, "5.684341886080802e-14"},
	    {0x3ff0000000000000, "1"},
	    {0x4024000000000000, "10"},
	    {0x3fb999999999999a, "0.1"},
	};
	char text[JSON_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(
		    json_number_text(double_of(rows[i].bits), text),
		    rows[i].want);
}

static void
every_power_of_two_reads_back(void **state)
{
	char text[JSON_NUMBER_MAX];

	(void)state;
	for (uint64_t exponent = 1; exponent < 2047; exponent++) {
		double v = double_of(exponent << 52);

		(void)json_number_text(v, text);
		assert_true(strtod(text, NULL) == v);
		assert_true(strlen(text) <= 24);
	}
}

/* RFC 8785, section 3.2.2. */
static void
the_example_of_the_rfc_comes_out(void **state)
{
	(void)state;
	expect_canonical(
	    "{\n"
	    "  \"numbers\": [333333333.33333329, 1E30, 4.50,\n"
	    "              2e-3, 0.000000000000000000000000001],\n"
	    "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c"
	    "\\\\\\\"\\/\",\n"
	    "  \"literals\": [null, true, false]\n"
	    "}",
	    "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,"
	    "1e+30,4.5,0.002,1e-27],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\""
	    "\\\\\\\\\\\"/\"}");
}

/* RFC 8785, section 3.2.3. */
static void
keys_are_sorted_by_utf16_units(void **state)
{
	(void)state;
	expect_canonical("{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage "
			 "Return\", \"\\ufb33\": \"Hebrew Letter Dalet With "
			 "Dagesh\", \"1\": \"One\", \"\\ud83d\\ude00\": "
			 "\"Emoji: Grinning Face\", \"\\u0080\": \"Control\", "
			 "\"\\u00f6\": \"Latin Small Letter O With "
			 "Diaeresis\"}",
	    "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":"
	    "\"Control\",\"\xc3\xb6\":\"Latin Small Letter O With "
	    "Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":"
	    "\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet "
	    "With Dagesh\"}");
}

static void
a_prefix_comes_before_the_longer_key(void **state)
{
	(void)state;
	expect_canonical(
	    "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}");
	/* two characters with the same first unit */
	expect_canonical("{\"\\ud83d\\ude01\":1,\"\\ud83d\\ude00\":2}",
	    "{\"\xf0\x9f\x98\x80\":2,\"\xf0\x9f\x98\x81\":1}");
}

static void
objects_within_arrays_are_sorted_too(void **state)
{
	(void)state;
	expect_canonical("[ {\"b\":{\"d\":1,\"c\":[]}, \"a\":{}} , 2 ]",
	    "[{\"a\":{},\"b\":{\"c\":[],\"d\":1}},2]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_look_as_in_javascript),
	    cmocka_unit_test(every_power_of_two_reads_back),
	    cmocka_unit_test(the_example_of_the_rfc_comes_out),
	    cmocka_unit_test(keys_are_sorted_by_utf16_units),
	    cmocka_unit_test(a_prefix_comes_before_the_longer_key),
	    cmocka_unit_test(objects_within_arrays_are_sorted_too),
	};

	return cmocka_run_group_tests_name("json_canonical", tests, NULL, NULL);
}
