#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
null_equals_only_null(void **state)
{
	(void)state;
	assert_true(text_eq(NULL, NULL));
	assert_false(text_eq(NULL, ""));
	assert_false(text_eq("", NULL));
	assert_true(text_eq("a", "a"));
	assert_false(text_eq("a", "A"));
	assert_true(text_starts("drain", "dr"));
	assert_true(text_starts("drain", ""));
	assert_false(text_starts("dr", "drain"));
}

static void
a_whole_number_is_the_whole_text_within_bounds(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
		bool ok;
		int64_t value;
	} rows[] = {
	    {"0", 0, 10, true, 0},
	    {"10", 0, 10, true, 10},
	    {"-3", -3, 10, true, -3},
	    {"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
	    {"-9223372036854775808", INT64_MIN, 0, true, INT64_MIN},
	    {"11", 0, 10, false, 0},
	    {"-1", 0, 10, false, 0},
	    {"9223372036854775808", 0, INT64_MAX, false, 0},
	    {"", 0, 10, false, 0},
	    {"-", -5, 10, false, 0},
	    {" 1", 0, 10, false, 0},
	    {"+1", 0, 10, false, 0},
	    {"1 ", 0, 10, false, 0},
	    {"1x", 0, 10, false, 0},
	    {"0x1", 0, 10, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;
		int64_t got = 77;
		enum err_code code = text_i64(
		    rows[i].text, rows[i].min, rows[i].max, &got, &err);

		assert_int_equal(code, rows[i].ok ? ERR_NONE : ERR_MALFORMED);
		assert_true(got == (rows[i].ok ? rows[i].value : 77));
	}
}

static void
a_number_is_finite_and_within_bounds(void **state)
{
	struct err err;
	double got = 0;

	(void)state;
	assert_int_equal(text_double("0.5", 0, 1, &got, &err), ERR_NONE);
	assert_true(got > 0.499 && got < 0.501);
	assert_int_equal(text_double("1e-1", 0, 1, &got, &err), ERR_NONE);
	static const char *const bad[] = {
	    "", "x", "1.5", "-0.1", "nan", "inf", "0.5 ", "1e999"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    text_double(bad[i], 0, 1, &got, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "from 0 to 1"));
}

static void
durations_are_read_and_written_in_their_largest_unit(void **state)
{
	static const struct {
		const char *in;
		int64_t ms;
		const char *out;
	} rows[] = {
	    {"0", 0, "0s"},
	    {"0s", 0, "0s"},
	    {"500ms", 500, "500ms"},
	    {"1500ms", 1500, "1500ms"},
	    {"90s", 90000, "90s"},
	    {"120s", 120000, "2m"},
	    {"10m", 600000, "10m"},
	    {"4h", 14400000, "4h"},
	    {"24h", 86400000, "1d"},
	    {"2d", 172800000, "2d"},
	    {"3650d", INT64_C(315360000000), "3650d"},
	};
	static const char *const bad[] = {"", "s", "1", "1x", "1 s", "-1s",
	    "1.5s", "1sm", "3651d", "315360000001ms", "999999999999999999999s",
	    "00000000000000001s"};
	struct err err;
	int64_t got;
	char buf[24];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    text_duration_ms(rows[i].in, &got, &err), ERR_NONE);
		assert_true(got == rows[i].ms);
		assert_string_equal(
		    text_of_duration(got, buf, sizeof(buf)), rows[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    text_duration_ms(bad[i], &got, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "500ms, 30s, 10m, 4h or 2d"));
}

static void
times_are_read_with_offsets_fractions_and_leap_days(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"1969-12-31T23:59:59.5Z", -500},
	    {"2024-02-29T23:59:59.999Z", INT64_C(1709251199999)},
	    {"2000-02-29t00:00:00z", INT64_C(951782400000)},
	    {"2026-01-05T09:00:00+01:00", INT64_C(1767600000000)},
	    {"2026-01-05T09:00:00-05:30", INT64_C(1767623400000)},
	    {"2026-01-05T08:00:00.000000Z", INT64_C(1767600000000)},
	    {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
	    {"0001-01-01T00:00:00Z", INT64_C(-62135596800000)},
	    {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
	    {"2026-01-05T08:00:00.1239Z", INT64_C(1767600000123)},
	};
	static const char *const bad[] = {"", "2026-01-05",
	    "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
	    "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
	    "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
	    "2026-01-05T24:00:00Z", "2026-01-05T09:60:00Z",
	    "2026-01-05T09:00:61Z", "2026-01-05T09:00:00",
	    "2026-01-05 09:00:00Z", "2026-01-05T09:00:00.Z",
	    "2026-01-05T09:00:00Zx", "2026-01-05T09:00:00+1:00",
	    "2026-01-05T09:00:00+24:00", "2026-01-05T09:00:00+0100",
	    "26-01-05T09:00:00Z", "0000-01-01T00:00:00Z"};
	struct err err;
	int64_t got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    text_rfc3339_ms(rows[i].text, &got, &err), ERR_NONE);
		assert_true(got == rows[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    text_rfc3339_ms(bad[i], &got, &err), ERR_MALFORMED);
}

static void
a_time_written_is_read_back_the_same(void **state)
{
	char buf[TEXT_TIME_MAX];
	struct err err;
	int64_t got;

	(void)state;
	assert_string_equal(text_of_time(INT64_C(1709251199999), buf),
	    "2024-02-29T23:59:59.999Z");
	assert_string_equal(text_of_time(-1, buf), "1969-12-31T23:59:59.999Z");
	assert_string_equal(text_of_time(0, buf), "1970-01-01T00:00:00.000Z");
	assert_string_equal(
	    text_of_time(INT64_C(253402300800000) + 45296789, buf),
	    "10000-01-01T12:34:56.789Z");
	for (int64_t ms = INT64_C(-62135596800000);
	     ms < INT64_C(253402300799000); ms += INT64_C(86399876543) * 7) {
		assert_int_equal(
		    text_rfc3339_ms(text_of_time(ms, buf), &got, &err),
		    ERR_NONE);
		assert_true(got == ms);
	}
}

/* Counted by hand: the day after each date is the next in the calendar. */
static void
four_hundred_years_of_days_follow_each_other(void **state)
{
	static const int lengths[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t day = text_days_of_date(1800, 1, 1);

	(void)state;
	assert_int_equal(text_days_of_date(1970, 1, 1), 0);
	assert_true(day == -62091);
	for (int y = 1800; y < 2200; y++)
		for (int m = 1; m <= 12; m++) {
			bool leap =
			    (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
			int last = lengths[m - 1] + (m == 2 && leap);

			for (int d = 1; d <= last; d++, day++) {
				int gy, gm, gd;

				assert_true(text_days_of_date(y, m, d) == day);
				text_date_of_days(day, &gy, &gm, &gd);
				assert_true(gy == y && gm == m && gd == d);
			}
		}
}

static void
hex_goes_there_and_back(void **state)
{
	static const uint8_t bytes[] = {0, 0x1f, 0xa0, 0xff};
	uint8_t got[4];
	char hex[9];

	(void)state;
	assert_string_equal(text_hex(bytes, 4, hex), "001fa0ff");
	assert_string_equal(text_hex(bytes, 0, hex), "");
	assert_true(text_unhex("001FA0ff", got, 4));
	assert_memory_equal(got, bytes, 4);
	assert_false(text_unhex("001fa0f", got, 4));
	assert_false(text_unhex("001fa0ff0", got, 4));
	assert_false(text_unhex("001fa0fg", got, 4));
	assert_false(text_unhex("001fa0f:", got, 4));
	assert_true(text_unhex("", got, 0));
}

static void
the_nearest_word_is_offered_only_when_it_is_near(void **state)
{
	static const char *const words[] = {
	    "drain", "sync", "status", "states", "enqueue", NULL};
	static const char *const none[] = {NULL};

	(void)state;
	assert_string_equal(text_nearest("drian", words), "drain");
	assert_string_equal(text_nearest("drai", words), "drain");
	assert_string_equal(text_nearest("statsu", words), "status");
	assert_string_equal(text_nearest("stat", words), "status");
	assert_string_equal(text_nearest("enqeue", words), "enqueue");
	assert_string_equal(text_nearest("sync", words), "sync");
	assert_null(text_nearest("frobnicate", words));
	assert_null(text_nearest("xyz", words));
	assert_null(text_nearest("drain", none));
	assert_null(text_nearest(
	    "a word that is far longer than thirty-one letters in all", words));
}

static void
a_safe_name_is_safe_and_different_names_stay_different(void **state)
{
	static const char *const names[] = {"", ".", "..", "...", "a", "A",
	    "a/b", "a%2Fb", "a b", "a\nb", ".hidden", "%2Ehidden", "x.y-z_1",
	    "\xc3\xa4", "~", "%", "../../etc/passwd"};
	char out[40][TEXT_FILE_MAX];
	char longer[400];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)text_file_safe(names[i], out[n++]);
	memset(longer, 'q', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (size_t cut = 95; cut < 110; cut++) {
		longer[cut] = '\0';
		(void)text_file_safe(longer, out[n++]);
		longer[cut] = 'q';
	}
	longer[390] = '1';
	(void)text_file_safe(longer, out[n++]);
	longer[390] = '2';
	(void)text_file_safe(longer, out[n++]);
	memset(longer, '/', sizeof(longer) - 1);
	(void)text_file_safe(longer, out[n++]);

	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(out[i]) < TEXT_FILE_MAX);
		assert_true(out[i][0] != '\0' && out[i][0] != '.');
		assert_null(strchr(out[i], '/'));
		assert_null(strpbrk(out[i], " \n"));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(out[i], out[j]);
	}
	assert_string_equal(out[12], "x.y-z_1");
	assert_string_equal(out[6], "a%2Fb");
}

static void
utf8_is_told_from_what_only_looks_like_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool ok;
	} rows[] = {
	    {"", 0, true},
	    {"plain", 5, true},
	    {"\xc3\xa4", 2, true},
	    {"\xe2\x82\xac", 3, true},
	    {"\xf0\x9f\x93\x9e", 4, true},
	    {"\xf4\x8f\xbf\xbf", 4, true},
	    {"\xee\x80\x80", 3, true},
	    {"a\0b", 3, false},
	    {"\xc3", 1, false},
	    {"\xc3(", 2, false},
	    {"\xe2\x82", 2, false},
	    {"\xc0\x80", 2, false},
	    {"\xc1\xbf", 2, false},
	    {"\xe0\x9f\xbf", 3, false},
	    {"\xf0\x8f\xbf\xbf", 4, false},
	    {"\xed\xa0\x80", 3, false},
	    {"\xf4\x90\x80\x80", 4, false},
	    {"\xf8\x88\x80\x80\x80", 5, false},
	    {"\x80", 1, false},
	    {"ok\xff", 3, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    text_is_utf8(rows[i].bytes, rows[i].len), rows[i].ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(null_equals_only_null),
	    cmocka_unit_test(a_whole_number_is_the_whole_text_within_bounds),
	    cmocka_unit_test(a_number_is_finite_and_within_bounds),
	    cmocka_unit_test(
		durations_are_read_and_written_in_their_largest_unit),
	    cmocka_unit_test(
		times_are_read_with_offsets_fractions_and_leap_days),
	    cmocka_unit_test(a_time_written_is_read_back_the_same),
	    cmocka_unit_test(four_hundred_years_of_days_follow_each_other),
	    cmocka_unit_test(hex_goes_there_and_back),
	    cmocka_unit_test(the_nearest_word_is_offered_only_when_it_is_near),
	    cmocka_unit_test(
		a_safe_name_is_safe_and_different_names_stay_different),
	    cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
