#include "rules/rules_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_env.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static struct env *env;

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

static int64_t
at(const char *text)
{
	struct err err = {0};
	int64_t ms = 0;

	assert_int_equal(text_rfc3339_ms(text, &ms, &err), ERR_NONE);
	return ms;
}

/* The same hours from Monday to Friday, others at the weekend. */
static struct rules_windows
hours(int start, int end, int sat_start, int sat_end)
{
	struct rules_windows w = {0};

	for (int d = 0; d < 5 && start < end; d++)
		w.day[d] = (struct rules_day){1, {{start, end}}};
	if (sat_start < sat_end)
		w.day[5] = (struct rules_day){1, {{sat_start, sat_end}}};
	return w;
}

/* Mon-Fri 8-21, Sat 10-17, no Sunday. */
#define OFFICE hours(480, 1260, 600, 1020)

static struct rules_opening
ask_zones(struct rules_windows w, const char *const *names, size_t count,
    const struct rules_holidays *holidays, int64_t now_ms)
{
	struct rules_zone *zones[4] = {NULL};
	const struct rules_zone *lent[4] = {NULL};
	struct rules_opening out;
	struct err err = {0};

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(
		    rules_zone_load(env, NULL, names[i], &zones[i], &err),
		    ERR_NONE);
		lent[i] = zones[i];
	}
	rules_window_at(&w, lent, count, holidays, now_ms, &out);
	for (size_t i = 0; i < count; i++)
		rules_zone_free(&zones[i]);
	return out;
}

static struct rules_opening
ask(struct rules_windows w, const char *zone, const char *now)
{
	return ask_zones(w, &zone, 1, NULL, at(now));
}

static void
expect_open(struct rules_opening o, const char *until)
{
	assert_true(o.open);
	assert_int_equal(o.until_ms, at(until));
	assert_int_equal(o.next_ms, -1);
}

static void
expect_closed(struct rules_opening o, const char *next)
{
	assert_false(o.open);
	assert_int_equal(o.next_ms, at(next));
	assert_int_equal(o.until_ms, 0);
}

/* Monday, 2026-01-05, New York at UTC-5. */
static void
the_last_millisecond_is_open_and_the_next_is_not(void **state)
{
	(void)state;
	expect_open(ask(OFFICE, "America/New_York", "2026-01-06T01:59:59.999Z"),
	    "2026-01-06T02:00:00Z");
	expect_closed(
	    ask(OFFICE, "America/New_York", "2026-01-06T02:00:00.000Z"),
	    "2026-01-06T13:00:00Z");
}

static void
the_first_millisecond_is_open_and_the_one_before_is_not(void **state)
{
	(void)state;
	expect_closed(
	    ask(OFFICE, "America/New_York", "2026-01-05T12:59:59.999Z"),
	    "2026-01-05T13:00:00Z");
	expect_open(ask(OFFICE, "America/New_York", "2026-01-05T13:00:00.000Z"),
	    "2026-01-06T02:00:00Z");
}

static void
saturday_has_its_own_hours_and_sunday_none(void **state)
{
	(void)state;
	expect_open(ask(OFFICE, "America/New_York", "2026-01-10T15:00:00Z"),
	    "2026-01-10T22:00:00Z");
	expect_closed(ask(OFFICE, "America/New_York", "2026-01-10T22:00:00Z"),
	    "2026-01-12T13:00:00Z");
	expect_closed(ask(OFFICE, "America/New_York", "2026-01-11T18:00:00Z"),
	    "2026-01-12T13:00:00Z");
}

static void
it_is_the_callees_weekday_that_counts(void **state)
{
	(void)state;
	/* Sunday evening in London is Monday morning in Kathmandu. */
	expect_open(ask(OFFICE, "Asia/Kathmandu", "2026-01-12T02:15:00Z"),
	    "2026-01-12T15:15:00Z");
	expect_closed(ask(OFFICE, "Asia/Kathmandu", "2026-01-12T02:14:59.999Z"),
	    "2026-01-12T02:15:00Z");
}

static void
two_zones_are_open_only_while_both_are(void **state)
{
	static const char *const both[] = {
	    "America/New_York", "America/Los_Angeles"};
	static const char *const turned[] = {
	    "America/Los_Angeles", "America/New_York"};
	struct rules_windows w = OFFICE;

	(void)state;
	/* 8:00 in Los Angeles is 11:00 in New York; 21:00 there ends it. */
	expect_closed(
	    ask_zones(w, both, 2, NULL, at("2026-01-05T15:59:59.999Z")),
	    "2026-01-05T16:00:00Z");
	expect_open(ask_zones(w, both, 2, NULL, at("2026-01-05T16:00:00Z")),
	    "2026-01-06T02:00:00Z");
	expect_open(ask_zones(w, turned, 2, NULL, at("2026-01-06T01:59:59Z")),
	    "2026-01-06T02:00:00Z");
	expect_closed(ask_zones(w, turned, 2, NULL, at("2026-01-06T02:00:00Z")),
	    "2026-01-06T16:00:00Z");
}

static void
zones_whose_hours_never_meet_never_open(void **state)
{
	static const char *const far[] = {"Pacific/Honolulu", "Asia/Kathmandu"};
	struct rules_opening o = ask_zones(
	    hours(540, 1020, 0, 0), far, 2, NULL, at("2026-01-05T12:00:00Z"));

	(void)state;
	assert_false(o.open);
	assert_int_equal(o.next_ms, -1);
}

static void
without_any_hours_it_never_opens(void **state)
{
	struct rules_opening o =
	    ask(hours(0, 0, 0, 0), "America/New_York", "2026-01-05T15:00:00Z");

	(void)state;
	assert_false(o.open);
	assert_int_equal(o.next_ms, -1);
}

static void
always_is_open_to_the_end_of_what_is_looked_at(void **state)
{
	struct rules_windows w = {0};
	int64_t now = at("2026-03-01T15:00:00.123Z");
	static const char *const zone[] = {"America/New_York"};

	(void)state;
	for (int d = 0; d < 7; d++)
		w.day[d] = (struct rules_day){1, {{0, 1440}}};

	struct rules_opening o = ask_zones(w, zone, 1, NULL, now);

	assert_true(o.open);
	assert_int_equal(o.until_ms, now + 14 * DAY);
}

static void
a_window_up_to_midnight_goes_on_into_the_next_day(void **state)
{
	struct rules_windows w = {0};

	(void)state;
	w.day[0] = (struct rules_day){1, {{1200, 1440}}};
	w.day[1] = (struct rules_day){1, {{0, 60}}};
	expect_open(ask(w, "Europe/London", "2026-01-05T23:59:59.999Z"),
	    "2026-01-06T01:00:00Z");
	expect_closed(ask(w, "Europe/London", "2026-01-06T01:00:00Z"),
	    "2026-01-12T20:00:00Z");
}

static void
several_spans_of_one_day_have_a_break_between(void **state)
{
	struct rules_windows w = {0};

	(void)state;
	w.day[0] = (struct rules_day){3, {{840, 1080}, {540, 720}, {720, 750}}};
	expect_open(ask(w, "Europe/London", "2026-01-05T09:00:00Z"),
	    "2026-01-05T12:30:00Z");
	expect_closed(ask(w, "Europe/London", "2026-01-05T12:30:00Z"),
	    "2026-01-05T14:00:00Z");
	expect_open(ask(w, "Europe/London", "2026-01-05T14:00:00Z"),
	    "2026-01-05T18:00:00Z");
}

/* New York, 2026-03-08: from 2:00 straight to 3:00. */
static void
the_hour_that_spring_skips_is_never_open(void **state)
{
	struct rules_windows w = {0};

	(void)state;
	w.day[6] = (struct rules_day){1, {{120, 180}}};
	expect_closed(ask(w, "America/New_York", "2026-03-08T06:59:59.999Z"),
	    "2026-03-15T06:00:00Z");
	expect_closed(ask(w, "America/New_York", "2026-03-08T07:00:00Z"),
	    "2026-03-15T06:00:00Z");
	/* A span that begins in the gap opens where the clock comes out. */
	w.day[6] = (struct rules_day){1, {{150, 240}}};
	expect_closed(ask(w, "America/New_York", "2026-03-08T06:59:59.999Z"),
	    "2026-03-08T07:00:00Z");
	expect_open(ask(w, "America/New_York", "2026-03-08T07:00:00Z"),
	    "2026-03-08T08:00:00Z");
	/* One that ends in it closes where the clock goes in. */
	w.day[6] = (struct rules_day){1, {{60, 150}}};
	expect_open(ask(w, "America/New_York", "2026-03-08T06:30:00Z"),
	    "2026-03-08T07:00:00Z");
}

/* New York, 2026-11-01: 1:00 to 2:00 comes twice. */
static void
the_hour_that_autumn_repeats_is_open_twice(void **state)
{
	struct rules_windows w = {0};

	(void)state;
	w.day[6] = (struct rules_day){1, {{90, 120}}};
	expect_open(ask(w, "America/New_York", "2026-11-01T05:30:00Z"),
	    "2026-11-01T06:00:00Z");
	expect_closed(ask(w, "America/New_York", "2026-11-01T06:00:00Z"),
	    "2026-11-01T06:30:00Z");
	expect_open(ask(w, "America/New_York", "2026-11-01T06:30:00Z"),
	    "2026-11-01T07:00:00Z");
	/* A span around it lasts an hour longer. */
	w.day[6] = (struct rules_day){1, {{60, 180}}};
	expect_open(ask(w, "America/New_York", "2026-11-01T05:00:00Z"),
	    "2026-11-01T08:00:00Z");
}

static void
an_evening_window_keeps_its_local_end_across_the_change(void **state)
{
	(void)state;
	expect_closed(ask(OFFICE, "America/New_York", "2026-03-07T22:00:00Z"),
	    "2026-03-09T12:00:00Z");
	expect_closed(ask(OFFICE, "America/New_York", "2026-10-31T21:00:00Z"),
	    "2026-11-02T13:00:00Z");
}

static void
a_holiday_takes_its_own_hours_when_they_are_set(void **state)
{
	static const char *const zone[] = {"America/New_York"};
	const int64_t dates[] = {
	    text_days_of_date(2026, 1, 1), text_days_of_date(2026, 1, 6)};
	const struct rules_holidays holidays = {dates, 2};
	struct rules_windows w = OFFICE;
	int64_t tuesday = at("2026-01-06T15:00:00Z");

	(void)state;
	assert_true(ask_zones(w, zone, 1, &holidays, tuesday).open);
	w.holidays_set = true;
	expect_closed(
	    ask_zones(w, zone, 1, &holidays, tuesday), "2026-01-07T13:00:00Z");
	w.holiday = (struct rules_day){1, {{660, 720}}};
	expect_closed(
	    ask_zones(w, zone, 1, &holidays, tuesday), "2026-01-06T16:00:00Z");
	assert_true(ask_zones(w, zone, 1, NULL, tuesday).open);
	/* Monday's hours end as ever. */
	expect_open(
	    ask_zones(w, zone, 1, &holidays, at("2026-01-05T15:00:00Z")),
	    "2026-01-06T02:00:00Z");
}

static void
an_opening_thirteen_days_away_is_found_and_one_in_fifteen_is_not(void **state)
{
	static const char *const zone[] = {"Etc/UTC"};
	struct rules_windows w = {0};
	int64_t monday = text_days_of_date(2026, 1, 5);
	const int64_t next[] = {monday, monday + 7, monday + 14};
	struct rules_holidays holidays = {next, 2};

	(void)state;
	w.holidays_set = true;
	w.day[0] = (struct rules_day){1, {{600, 660}}};
	expect_closed(
	    ask_zones(w, zone, 1, &holidays, at("2026-01-05T12:00:00Z")),
	    "2026-01-19T10:00:00Z");
	holidays.count = 3;
	assert_int_equal(
	    ask_zones(w, zone, 1, &holidays, at("2026-01-05T12:00:00Z"))
		.next_ms,
	    -1);
}

/* The walk from edge to edge against looking at every minute. */
static void
every_minute_of_the_weeks_of_change_agrees_with_a_plain_look(void **state)
{
	static const char *const zones[] = {"America/New_York",
	    "Australia/Lord_Howe", "Africa/Casablanca", "America/Nuuk"};
	struct rules_windows w = OFFICE;
	struct err err = {0};

	(void)state;
	w.day[6] = (struct rules_day){2, {{45, 195}, {1380, 1440}}};
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		struct rules_zone *z = NULL;
		const struct rules_zone *lent;
		int64_t first, until;

		assert_int_equal(
		    rules_zone_load(env, NULL, zones[i], &z, &err), ERR_NONE);
		lent = z;
		first =
		    rules_zone_next_change_ms(z, at("2026-02-01T00:00:00Z"));
		until = first + 3 * DAY;
		for (int64_t t = first - 3 * DAY; t < until;) {
			struct rules_opening o;
			int64_t end;

			rules_window_at(&w, &lent, 1, NULL, t, &o);
			end = o.open ? o.until_ms : o.next_ms;
			assert_true(end > t);
			for (int64_t m = t; m < end && m < until; m += 60000) {
				struct rules_local l;
				bool open = false;

				rules_zone_local(z, m, &l);
				for (size_t s = 0; s < w.day[l.weekday].count;
				     s++)
					open |=
					    l.minute >= w.day[l.weekday]
							    .spans[s]
							    .start &&
					    l.minute <
						w.day[l.weekday].spans[s].end;
				assert_int_equal(open, o.open);
			}
			t = end;
		}
		rules_zone_free(&z);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_millisecond_is_open_and_the_next_is_not),
	    cmocka_unit_test(
		the_first_millisecond_is_open_and_the_one_before_is_not),
	    cmocka_unit_test(saturday_has_its_own_hours_and_sunday_none),
	    cmocka_unit_test(it_is_the_callees_weekday_that_counts),
	    cmocka_unit_test(two_zones_are_open_only_while_both_are),
	    cmocka_unit_test(zones_whose_hours_never_meet_never_open),
	    cmocka_unit_test(without_any_hours_it_never_opens),
	    cmocka_unit_test(always_is_open_to_the_end_of_what_is_looked_at),
	    cmocka_unit_test(a_window_up_to_midnight_goes_on_into_the_next_day),
	    cmocka_unit_test(several_spans_of_one_day_have_a_break_between),
	    cmocka_unit_test(the_hour_that_spring_skips_is_never_open),
	    cmocka_unit_test(the_hour_that_autumn_repeats_is_open_twice),
	    cmocka_unit_test(
		an_evening_window_keeps_its_local_end_across_the_change),
	    cmocka_unit_test(a_holiday_takes_its_own_hours_when_they_are_set),
	    cmocka_unit_test(
		an_opening_thirteen_days_away_is_found_and_one_in_fifteen_is_not),
	    cmocka_unit_test(
		every_minute_of_the_weeks_of_change_agrees_with_a_plain_look),
	};

	return cmocka_run_group_tests(tests, open_env, close_env);
}
