#include "rules/rules_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "net/net_env.h"

static struct env *env;

static const char *const names[] = {
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "Pacific/Honolulu",
    "Europe/London",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "America/Nuuk",
    "America/Adak",
    "America/Puerto_Rico",
    "Asia/Gaza",
    "Etc/UTC",
};

static int
open_env(void **state)
{
	struct err err = {0};

	(void)state;
	return net_env_open(&env, &err) == ERR_NONE ? 0 : -1;
}

static int
close_env(void **state)
{
	(void)state;
	net_env_close(&env);
	return 0;
}

static struct rules_zone *
load(const char *name)
{
	struct rules_zone *z = NULL;
	struct err err = {0};
	enum err_code code = rules_zone_load(env, NULL, name, &z, &err);

	if (code != ERR_NONE)
		print_error("%s\n", err.text);
	assert_int_equal(code, ERR_NONE);
	return z;
}

static int64_t
at(const char *text)
{
	struct err err = {0};
	int64_t ms = 0;

	assert_int_equal(text_rfc3339_ms(text, &ms, &err), ERR_NONE);
	return ms;
}

/* libc's word on it; TZ must be set. */
static void
expect_as_libc(const struct rules_zone *z, int64_t unix_s)
{
	struct rules_local l;
	struct tm tm;
	time_t t = (time_t)unix_s;

	assert_non_null(localtime_r(&t, &tm));
	rules_zone_local(z, unix_s * 1000 + 999, &l);
	if (l.offset_s != tm.tm_gmtoff)
		print_error("%s at %lld: %d, libc has %ld\n",
		    rules_zone_name(z), (long long)unix_s, (int)l.offset_s,
		    tm.tm_gmtoff);
	assert_int_equal(l.offset_s, tm.tm_gmtoff);
	assert_int_equal(l.year, tm.tm_year + 1900);
	assert_int_equal(l.month, tm.tm_mon + 1);
	assert_int_equal(l.day, tm.tm_mday);
	assert_int_equal(l.weekday, (tm.tm_wday + 6) % 7);
	assert_int_equal(l.minute, tm.tm_hour * 60 + tm.tm_min);
	assert_int_equal(l.date, text_days_of_date(l.year, l.month, l.day));
}

/* An odd step visits every hour and weekday; then each change, both sides. */
static void
every_zone_agrees_with_libc_from_1990_to_2060_and_at_each_change(void **state)
{
	int64_t first = at("1990-01-01T00:00:00Z") / 1000;
	int64_t last = at("2060-12-31T00:00:00Z") / 1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct rules_zone *z = load(names[i]);
		int64_t t;
		size_t changes = 0;

		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		for (t = first; t < last; t += 500009)
			expect_as_libc(z, t);
		for (t = rules_zone_next_change_ms(z, first * 1000) / 1000;
		     t < last;
		     t = rules_zone_next_change_ms(z, t * 1000) / 1000) {
			expect_as_libc(z, t - 1);
			expect_as_libc(z, t);
			expect_as_libc(z, t + 1);
			assert_true(++changes < 1000);
		}
		rules_zone_free(&z);
	}
	unsetenv("TZ");
}

/* Between two changes that the zone names, libc sees none either. */
static void
no_change_is_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct rules_zone *z = load(names[i]);
		int64_t t = at("2000-01-01T00:00:00Z");
		int64_t end = at("2045-01-01T00:00:00Z");

		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		while (t < end) {
			int64_t next = rules_zone_next_change_ms(z, t);
			int64_t until = next < end ? next : end;
			struct rules_local l;

			assert_true(next > t);
			rules_zone_local(z, t, &l);
			for (int64_t s = t / 1000; s < until / 1000;
			     s += 6 * 3600) {
				struct tm tm;
				time_t tt = (time_t)s;

				(void)localtime_r(&tt, &tm);
				assert_int_equal(tm.tm_gmtoff, l.offset_s);
			}
			t = next;
		}
		rules_zone_free(&z);
	}
	unsetenv("TZ");
}

static void
spring_and_autumn_in_new_york_are_to_the_millisecond(void **state)
{
	struct rules_zone *z = load("America/New_York");
	int64_t spring = at("2026-03-08T07:00:00Z");
	int64_t autumn = at("2026-11-01T06:00:00Z");
	struct rules_local l;

	(void)state;
	rules_zone_local(z, spring - 1, &l);
	assert_int_equal(l.minute, 60 + 59);
	rules_zone_local(z, spring, &l);
	assert_int_equal(l.minute, 3 * 60);
	assert_int_equal(l.weekday, 6);
	assert_int_equal(rules_zone_next_change_ms(z, spring - 1), spring);
	assert_int_equal(rules_zone_next_change_ms(z, spring), autumn);
	rules_zone_local(z, autumn - 1, &l);
	assert_int_equal(l.minute, 60 + 59);
	rules_zone_local(z, autumn, &l);
	assert_int_equal(l.minute, 60);
	rules_zone_free(&z);
}

static void
before_1970_days_and_weekdays_hold_too(void **state)
{
	struct rules_zone *z = load("Etc/UTC");
	struct rules_local l;

	(void)state;
	rules_zone_local(z, -1, &l);
	assert_int_equal(l.year, 1969);
	assert_int_equal(l.month, 12);
	assert_int_equal(l.day, 31);
	assert_int_equal(l.weekday, 2);
	assert_int_equal(l.minute, 1439);
	assert_int_equal(rules_zone_next_change_ms(z, 0), INT64_MAX);
	rules_zone_free(&z);
}

static void
the_ends_of_time_do_not_overflow(void **state)
{
	static const int64_t ends[] = {INT64_MIN, INT64_MIN / 1000, -1, 0,
	    INT64_MAX / 1000, INT64_MAX - 1, INT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct rules_zone *z = load(names[i]);

		for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
			struct rules_local l;

			rules_zone_local(z, ends[k], &l);
			assert_in_range(l.minute, 0, 1439);
			assert_in_range(l.weekday, 0, 6);
			assert_true(
			    rules_zone_next_change_ms(z, ends[k]) > ends[k] ||
			    ends[k] == INT64_MAX);
		}
		rules_zone_free(&z);
	}
}

static void
a_name_that_is_none_or_not_there_is_never_utc(void **state)
{
	static const char *const bad[] = {"", "/etc/localtime", "../etc/passwd",
	    "America/../../etc/passwd", "America/", "/America", "America//Adak",
	    "America/New York", "America/Nowhere", "America", "Mars/Olympus",
	    "America/New_York\n", "a.b",
	    "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rules_zone *z = NULL;
		struct err err = {0};

		assert_int_equal(rules_zone_load(env, NULL, bad[i], &z, &err),
		    ERR_NOT_FOUND);
		assert_null(z);
		assert_true(strlen(err.text) > 20);
	}
}

static void
the_error_of_a_missing_zone_says_what_to_do(void **state)
{
	struct rules_zone *z = NULL;
	struct err err = {0};

	(void)state;
	(void)rules_zone_load(
	    env, "/nonexistent", "America/New_York", &z, &err);
	assert_string_equal(err.text,
	    "no time zone \"America/New_York\" in /nonexistent: correct the "
	    "name, or install the package tzdata");
}

static void
leap_second_zones_and_other_files_are_refused(void **state)
{
	struct rules_zone *z = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    rules_zone_load(env, NULL, "leapseconds", &z, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "is not a time zone file"));
	if (access(RULES_ZONE_DIR "/right/Europe/London", R_OK) == 0) {
		assert_int_equal(
		    rules_zone_load(env, NULL, "right/Europe/London", &z, &err),
		    ERR_MALFORMED);
		assert_non_null(strstr(err.text, "leap seconds"));
	}
	assert_null(z);
}

/* A TZif file by hand: no transitions, type 0 of offset_s, and a footer. */
static void
make_file(struct buf *b, int32_t offset_s, const char *footer)
{
	uint8_t header[44] = {'T', 'Z', 'i', 'f', '2'};
	uint8_t type[10] = {0};

	header[39] = 1; /* types */
	header[43] = 4; /* characters */
	for (int i = 0; i < 4; i++)
		type[i] = (uint8_t)((uint32_t)offset_s >> (24 - 8 * i));
	memcpy(type + 6, "LMT", 4);
	for (int i = 0; i < 2; i++) {
		buf_put(b, header, sizeof(header));
		buf_put(b, type, sizeof(type));
	}
	buf_printf(b, "\n%s\n", footer);
}

static int32_t
offset_by(const char *footer, const char *time)
{
	struct buf b = BUF_INIT(1024);
	struct rules_zone *z = NULL;
	struct err err = {0};
	struct rules_local l;
	enum err_code code;

	make_file(&b, 17, footer);
	code = rules_zone_parse(b.bytes, b.len, footer, &z, &err);
	buf_free(&b);
	if (code != ERR_NONE) {
		assert_int_equal(code, ERR_MALFORMED);
		assert_null(z);
		return -1;
	}
	rules_zone_local(z, at(time), &l);
	rules_zone_free(&z);
	return l.offset_s;
}

/* The three ways to name a day, as POSIX has them. */
static void
every_form_of_a_footer_rule_is_understood(void **state)
{
	static const struct {
		const char *rule;
		const char *at;
		int32_t offset_s;
	} cases[] = {
	    {"EST5", "2026-07-01T00:00:00Z", -18000},
	    {"<+0545>-5:45", "2026-07-01T00:00:00Z", 20700},
	    {"LMT-0:20:15", "2026-07-01T00:00:00Z", 1215},
	    {"LMT+0:20:15", "2026-07-01T00:00:00Z", -1215},
	    {"", "2026-07-01T00:00:00Z", 17},
	    {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000},
	    {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400},
	    {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T05:59:59Z", -14400},
	    {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18000},
	    /* The south: daylight time over the new year. */
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-12-31T23:59:59Z", 39600},
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36000},
	    /* Week 5 is the last, in a month of four and of five. */
	    {"AAA1BBB,M2.5.0,M10.5.0", "2026-02-22T03:00:00Z", 0},
	    {"AAA1BBB,M2.5.0,M10.5.0", "2026-02-22T02:59:59Z", -3600},
	    {"AAA1BBB,M2.5.6/0,M10.5.0", "2020-02-29T01:00:00Z", 0},
	    {"AAA1BBB,M2.5.6/0,M10.5.0", "2020-02-29T00:59:59Z", -3600},
	    /* J60 is the first of March in every year, 59 is not. */
	    {"AAA0BBB,J60/0,J300/0", "2024-02-29T23:59:59Z", 0},
	    {"AAA0BBB,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600},
	    {"AAA0BBB,J60/0,J300/0", "2025-03-01T00:00:00Z", 3600},
	    {"AAA0BBB,J60/0,J300/0", "2025-02-28T23:59:59Z", 0},
	    {"AAA0BBB,59/0,300/0", "2024-02-29T00:00:00Z", 3600},
	    {"AAA0BBB,59/0,300/0", "2025-03-01T00:00:00Z", 3600},
	    {"AAA0BBB,59/0,300/0", "2025-02-28T23:59:59Z", 0},
	    /* Hours before the day and far behind it. */
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600},
	    {"AAA0BBB,M3.4.4/50,M10.4.4/50", "2026-03-28T01:59:59Z", 0},
	    {"AAA0BBB,M3.4.4/50,M10.4.4/50", "2026-03-28T02:00:00Z", 3600},
	    /* Over the end of a year. */
	    {"AAA0BBB,0/-3,J100/0", "2025-12-31T20:59:59Z", 0},
	    {"AAA0BBB,0/-3,J100/0", "2025-12-31T21:00:00Z", 3600},
	    /* Daylight time that lies below standard time, as in Dublin. */
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-15T00:00:00Z", 0},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-15T00:00:00Z", 3600},
	    /* Daylight time all year (RFC 8536's example). */
	    {"EST5EDT,0/0,J365/25", "2026-01-01T05:00:00Z", -14400},
	    {"EST5EDT,0/0,J365/25", "2026-01-01T04:59:59Z", -14400},
	    {"EST5EDT,0/0,J365/25", "2026-07-01T00:00:00Z", -14400},
	    /* Half an hour. */
	    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-15T00:00:00Z",
		39600},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int32_t offset = offset_by(cases[i].rule, cases[i].at);

		if (offset != cases[i].offset_s)
			print_error("%s at %s: %d\n", cases[i].rule,
			    cases[i].at, (int)offset);
		assert_int_equal(offset, cases[i].offset_s);
	}
}

static void
a_footer_that_is_no_rule_is_refused(void **state)
{
	static const char *const bad[] = {"E5", "EST", "5", "EST5EDT", "EST25",
	    "EST5EDT,", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,", "<EST5", "<+1>5",
	    "EST5EDT,M0.2.0,M11.1.0", "EST5EDT,M13.2.0,M11.1.0",
	    "EST5EDT,M3.0.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0",
	    "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,M3.2,M11.1.0", "EST5EDT,J0,J300",
	    "EST5EDT,J366,J300", "EST5EDT,366,300",
	    "EST5EDT,M3.2.0/168,M11.1.0", "EST5EDT,M3.2.0/1:60,M11.1.0",
	    "EST5EDT,M3.2.0,M11.1.0x", "EST5EDT,M3.2.0,M11.1.0,", "EST5:60",
	    "EST99999999999", "EST5EDT,M3.2.0/,M11.1.0"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (offset_by(bad[i], "2026-01-01T00:00:00Z") != -1) {
			print_error("%s was taken\n", bad[i]);
			fail();
		}
}

/* Cut anywhere, or with any byte changed: an error or a zone, no crash. */
static void
a_damaged_file_is_refused_or_read_but_never_harms(void **state)
{
	char *bytes = NULL;
	size_t len = 0;
	struct err err = {0};
	struct rules_local l;

	(void)state;
	assert_int_equal(env_read_whole(env, RULES_ZONE_DIR "/America/Nuuk",
			     RULES_ZONE_BYTES_MAX, &bytes, &len, &err),
	    ERR_NONE);
	for (size_t cut = 0; cut < len; cut++) {
		struct rules_zone *z = NULL;
		char *part = mem_dup(bytes, cut);

		assert_int_equal(rules_zone_parse(part, cut, "cut", &z, &err),
		    ERR_MALFORMED);
		assert_null(z);
		assert_non_null(strstr(err.text, "time zone \"cut\""));
		mem_free(&part);
	}
	for (size_t i = 0; i < len; i++) {
		struct rules_zone *z = NULL;
		char was = bytes[i];

		for (int bit = 0; bit < 8; bit++) {
			bytes[i] = (char)(was ^ 1 << bit);
			if (rules_zone_parse(bytes, len, "flip", &z, &err) !=
			    ERR_NONE)
				continue;
			rules_zone_local(z, INT64_C(1800000000000), &l);
			(void)rules_zone_next_change_ms(z, 0);
			rules_zone_free(&z);
		}
		bytes[i] = was;
	}
	mem_free(&bytes);
}

static void
version_one_alone_is_refused_because_it_ends(void **state)
{
	struct buf b = BUF_INIT(1024);
	struct rules_zone *z = NULL;
	struct err err = {0};

	(void)state;
	make_file(&b, 0, "UTC0");
	b.bytes[4] = '\0';
	assert_int_equal(
	    rules_zone_parse(b.bytes, b.len, "old", &z, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "version 1"));
	buf_free(&b);
}

static void
freeing_nothing_is_fine(void **state)
{
	struct rules_zone *z = NULL;

	(void)state;
	rules_zone_free(&z);
	assert_null(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_zone_agrees_with_libc_from_1990_to_2060_and_at_each_change),
	    cmocka_unit_test(no_change_is_left_out),
	    cmocka_unit_test(
		spring_and_autumn_in_new_york_are_to_the_millisecond),
	    cmocka_unit_test(before_1970_days_and_weekdays_hold_too),
	    cmocka_unit_test(the_ends_of_time_do_not_overflow),
	    cmocka_unit_test(a_name_that_is_none_or_not_there_is_never_utc),
	    cmocka_unit_test(the_error_of_a_missing_zone_says_what_to_do),
	    cmocka_unit_test(leap_second_zones_and_other_files_are_refused),
	    cmocka_unit_test(every_form_of_a_footer_rule_is_understood),
	    cmocka_unit_test(a_footer_that_is_no_rule_is_refused),
	    cmocka_unit_test(a_damaged_file_is_refused_or_read_but_never_harms),
	    cmocka_unit_test(version_one_alone_is_refused_because_it_ends),
	    cmocka_unit_test(freeing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, open_env, close_env);
}
