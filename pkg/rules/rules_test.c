#include "rules/rules.h"

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
static struct rules_atlas *atlas;
/* Monday, 2026-01-05, 14:00 in Chicago. */
static const int64_t afternoon = INT64_C(1767643200000);
static struct rules_windows windows; /* 8 to 21, every day */
static struct rules_places chicago;

static int
open_all(void **state)
{
	const struct rules_asked asked = {"contact", NULL, 15125550100};
	struct err err = {0};

	(void)state;
	for (int d = 0; d < 7; d++)
		windows.day[d] = (struct rules_day){1, {{480, 1260}}};
	if (net_env_open(&env, &err) != ERR_NONE ||
	    rules_atlas_open(env, NULL, "rules/nanp_zones.csv", &atlas, &err) !=
		ERR_NONE)
		return -1;
	return rules_atlas_places(atlas, &asked, &chicago, &err) == ERR_NONE
		   ? 0
		   : -1;
}

static int
close_all(void **state)
{
	(void)state;
	rules_atlas_close(&atlas);
	net_env_close(&env);
	return 0;
}

/* A number that may be dialled on Monday afternoon. */
static struct rules_facts
fine(void)
{
	struct rules_facts f = {
	    .number = 15125550100,
	    .windows = &windows,
	    .places = &chicago,
	    .places_version = rules_atlas_version(atlas),
	    .per_number_per_day = 3,
	    .min_gap_ms = 2 * HOUR,
	    .all = {9, 10},
	    .campaign = {4, 5},
	    .kind = {0, 0},
	};
	return f;
}

static struct rules_answer
check(const struct rules_facts *f, int64_t now_ms)
{
	struct rules_answer a;

	rules_check(f, now_ms, &a);
	return a;
}

/* Exactly this gate stops it, in this way. */
static void
expect_stop(const struct rules_facts *f, int64_t now_ms, enum rules_gate gate,
    enum rules_ruling ruling, const char *word, int64_t at_ms)
{
	struct rules_answer a = check(f, now_ms);

	assert_false(rules_may_dial(&a));
	assert_int_equal(a.decisive, gate);
	assert_int_equal(a.verdict[gate].gate, gate);
	assert_int_equal(a.verdict[gate].ruling, ruling);
	assert_string_equal(a.verdict[gate].word, word);
	assert_int_equal(a.verdict[gate].at_ms, at_ms);
	assert_int_equal(a.dial_until_ms, 0);
	for (enum rules_gate g = 0; g < RULES_GATE_COUNT; g++)
		assert_true(g == gate || a.verdict[g].ruling < RULES_WAIT);
}

static void
a_fine_number_may_be_dialled_until_its_hours_end(void **state)
{
	struct rules_facts f = fine();
	struct rules_answer a = check(&f, afternoon);

	(void)state;
	assert_true(rules_may_dial(&a));
	assert_int_equal(a.dial_until_ms, afternoon + 7 * HOUR);
	for (enum rules_gate g = 0; g < RULES_GATE_COUNT; g++) {
		assert_int_equal(a.verdict[g].gate, g);
		assert_true(a.verdict[g].ruling <= RULES_UNCHECKED);
		assert_string_equal(a.verdict[g].word, "");
	}
}

static void
what_has_no_data_yet_says_so_and_stops_nothing(void **state)
{
	static const enum rules_gate none[] = {RULES_GATE_LISTS,
	    RULES_GATE_CONSENT, RULES_GATE_VOICE, RULES_GATE_BLOCKED};
	struct rules_facts f = fine();
	struct rules_answer a = check(&f, afternoon);
	char text[RULES_TEXT_MAX];
	size_t unchecked = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		assert_int_equal(a.verdict[none[i]].ruling, RULES_UNCHECKED);
		assert_string_equal(a.verdict[none[i]].version, "");
		assert_string_equal(
		    rules_verdict_text(&f, &a.verdict[none[i]], text),
		    "not checked: dsrun has no data for it");
	}
	for (enum rules_gate g = 0; g < RULES_GATE_COUNT; g++)
		unchecked += a.verdict[g].ruling == RULES_UNCHECKED;
	assert_int_equal(unchecked, ARRAY_LEN(none));
}

static void
a_number_that_is_none_is_never_dialled(void **state)
{
	static const int64_t bad[] = {
	    0, -1, 999999, INT64_C(1000000000000000), INT64_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rules_facts f = fine();

		f.number = bad[i];
		expect_stop(&f, afternoon, RULES_GATE_NUMBER, RULES_NEVER,
		    "bad-number", 0);
	}
}

static void
do_not_call_and_opt_out_are_never_dialled(void **state)
{
	struct rules_facts f = fine();

	(void)state;
	f.do_not_call = true;
	expect_stop(
	    &f, afternoon, RULES_GATE_DNC, RULES_NEVER, "do-not-call", 0);
	f = fine();
	f.opted_out = true;
	expect_stop(
	    &f, afternoon, RULES_GATE_OPT_OUT, RULES_NEVER, "opt-out", 0);
}

static void
hours_end_at_the_very_millisecond(void **state)
{
	struct rules_facts f = fine();
	int64_t nine = afternoon + 7 * HOUR;
	struct rules_answer a = check(&f, nine - 1);

	(void)state;
	assert_true(rules_may_dial(&a));
	assert_int_equal(a.dial_until_ms, nine);
	expect_stop(&f, nine, RULES_GATE_WINDOW, RULES_LATER, "window",
	    nine + 11 * HOUR);
	expect_stop(&f, nine + 11 * HOUR - 1, RULES_GATE_WINDOW, RULES_LATER,
	    "window", nine + 11 * HOUR);
	a = check(&f, nine + 11 * HOUR);
	assert_true(rules_may_dial(&a));
}

static void
an_unknown_zone_is_never_dialled_and_says_what_is_missing(void **state)
{
	const struct rules_asked asked = {"contact", "EST", 15125550100};
	struct rules_places nowhere;
	struct rules_facts f = fine();
	struct err err = {0};
	char text[RULES_TEXT_MAX];

	(void)state;
	assert_int_equal(
	    rules_atlas_places(atlas, &asked, &nowhere, &err), ERR_NONE);
	f.places = &nowhere;
	expect_stop(
	    &f, afternoon, RULES_GATE_WINDOW, RULES_NEVER, "zone-unknown", 0);

	struct rules_answer a = check(&f, afternoon);

	assert_non_null(
	    strstr(rules_verdict_text(&f, &a.verdict[RULES_GATE_WINDOW], text),
		"not known: contact.timezone \"EST\" names no place"));
}

static void
hours_that_never_open_are_never_dialled(void **state)
{
	const struct rules_windows none = {0};
	struct rules_facts f = fine();

	(void)state;
	f.windows = &none;
	expect_stop(
	    &f, afternoon, RULES_GATE_WINDOW, RULES_NEVER, "never-open", 0);
}

/* Three dials in 24 hours: the oldest of them must have passed. */
static void
a_number_waits_until_its_oldest_dial_is_a_day_old(void **state)
{
	const int64_t dialled[] = {afternoon - 3 * HOUR, afternoon - 6 * HOUR,
	    afternoon - 20 * HOUR, afternoon - 30 * HOUR};
	struct rules_facts f = fine();
	struct rules_answer a;

	(void)state;
	f.dialled_ms = dialled;
	f.dialled_count = ARRAY_LEN(dialled);
	expect_stop(&f, afternoon, RULES_GATE_CAP, RULES_LATER, "cap",
	    afternoon + 4 * HOUR);
	expect_stop(&f, afternoon + 4 * HOUR - 1, RULES_GATE_CAP, RULES_LATER,
	    "cap", afternoon + 4 * HOUR);
	a = check(&f, afternoon + 4 * HOUR);
	assert_true(rules_may_dial(&a));
	assert_int_equal(a.verdict[RULES_GATE_CAP].have, 2);
	f.per_number_per_day = 4;
	a = check(&f, afternoon);
	assert_true(rules_may_dial(&a));
	assert_int_equal(a.verdict[RULES_GATE_CAP].have, 3);
	/* A lower cap waits for more of them to pass. */
	f.per_number_per_day = 1;
	expect_stop(&f, afternoon, RULES_GATE_CAP, RULES_LATER, "cap",
	    afternoon + 21 * HOUR);
	f.per_number_per_day = 0;
	a = check(&f, afternoon);
	assert_true(rules_may_dial(&a));
}

static void
two_dials_keep_their_distance(void **state)
{
	const int64_t dialled[] = {afternoon - 2 * HOUR + 1};
	struct rules_facts f = fine();
	struct rules_answer a;

	(void)state;
	f.dialled_ms = dialled;
	f.dialled_count = 1;
	expect_stop(
	    &f, afternoon, RULES_GATE_GAP, RULES_LATER, "gap", afternoon + 1);
	a = check(&f, afternoon + 1);
	assert_true(rules_may_dial(&a));
	f.min_gap_ms = 0;
	a = check(&f, afternoon);
	assert_true(rules_may_dial(&a));
}

static void
a_busy_number_or_organisation_waits(void **state)
{
	struct rules_facts f = fine();

	(void)state;
	f.number_busy = true;
	expect_stop(&f, afternoon, RULES_GATE_NUMBER_FREE, RULES_WAIT,
	    "number-busy", 0);
	f = fine();
	f.org_busy = true;
	expect_stop(
	    &f, afternoon, RULES_GATE_ORG_FREE, RULES_WAIT, "org-busy", 0);
}

static void
full_slots_wait_and_no_limit_is_none(void **state)
{
	struct rules_facts f = fine();
	struct rules_answer a;

	(void)state;
	f.all.live = 10;
	expect_stop(
	    &f, afternoon, RULES_GATE_SLOT_ALL, RULES_WAIT, "no-slot", 0);
	f = fine();
	f.campaign.live = 6;
	expect_stop(&f, afternoon, RULES_GATE_SLOT_CAMPAIGN, RULES_WAIT,
	    "no-slot-campaign", 0);
	f = fine();
	f.kind = (struct rules_slots){1, 1};
	expect_stop(
	    &f, afternoon, RULES_GATE_SLOT_KIND, RULES_WAIT, "no-slot-kind", 0);
	f = fine();
	f.all = f.campaign = f.kind = (struct rules_slots){1000000, 0};
	a = check(&f, afternoon);
	assert_true(rules_may_dial(&a));
}

/* All gates are asked; the first in the order of the design decides. */
static void
the_first_gate_that_stops_decides_and_all_are_shown(void **state)
{
	static const enum rules_gate order[] = {RULES_GATE_NUMBER,
	    RULES_GATE_DNC, RULES_GATE_OPT_OUT, RULES_GATE_WINDOW,
	    RULES_GATE_CAP, RULES_GATE_GAP, RULES_GATE_NUMBER_FREE,
	    RULES_GATE_ORG_FREE, RULES_GATE_SLOT_ALL, RULES_GATE_SLOT_CAMPAIGN,
	    RULES_GATE_SLOT_KIND, RULES_GATE_COUNT};
	/* Dialled at night; in the morning cap and gap still stop it. */
	int64_t now = afternoon + 8 * HOUR;
	int64_t morning = afternoon + 18 * HOUR;
	const int64_t dialled[] = {now, now, now};
	struct rules_facts f = fine();

	(void)state;
	f.number = 0;
	f.do_not_call = f.opted_out = f.number_busy = f.org_busy = true;
	f.dialled_ms = dialled;
	f.dialled_count = 3;
	f.min_gap_ms = 12 * HOUR;
	f.all = f.campaign = f.kind = (struct rules_slots){1, 1};
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct rules_answer a = check(&f, now);

		assert_int_equal(a.decisive, order[i]);
		for (size_t k = i; order[k] < RULES_GATE_COUNT; k++)
			assert_true(a.verdict[order[k]].ruling >= RULES_WAIT);
		/* Heal one after the other. */
		if (order[i] == RULES_GATE_NUMBER)
			f.number = 15125550100;
		else if (order[i] == RULES_GATE_DNC)
			f.do_not_call = false;
		else if (order[i] == RULES_GATE_OPT_OUT)
			f.opted_out = false;
		else if (order[i] == RULES_GATE_WINDOW)
			now = morning;
		else if (order[i] == RULES_GATE_CAP)
			f.per_number_per_day = 0;
		else if (order[i] == RULES_GATE_GAP)
			f.min_gap_ms = 0;
		else if (order[i] == RULES_GATE_NUMBER_FREE)
			f.number_busy = false;
		else if (order[i] == RULES_GATE_ORG_FREE)
			f.org_busy = false;
		else if (order[i] == RULES_GATE_SLOT_ALL)
			f.all.live = 0;
		else if (order[i] == RULES_GATE_SLOT_CAMPAIGN)
			f.campaign.live = 0;
		else
			f.kind.live = 0;
	}
}

static void
each_verdict_names_the_data_it_rests_on(void **state)
{
	struct rules_facts f = fine();
	struct rules_answer a = check(&f, afternoon);

	(void)state;
	for (enum rules_gate g = 0; g < RULES_GATE_COUNT; g++)
		assert_int_equal(*a.verdict[g].version == '\0',
		    a.verdict[g].ruling == RULES_UNCHECKED);
	assert_string_equal(
	    a.verdict[RULES_GATE_WINDOW].version, rules_atlas_version(atlas));
}

static void
texts_tell_a_person_what_and_when(void **state)
{
	const int64_t dialled[] = {afternoon - HOUR, afternoon - 2 * HOUR};
	struct rules_facts f = fine();
	struct rules_answer a;
	char t[RULES_TEXT_MAX];

	(void)state;
	f.dialled_ms = dialled;
	f.dialled_count = 2;
	f.per_number_per_day = 2;
	f.do_not_call = true;
	a = check(&f, afternoon);
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[0], t), "the number is one");
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_DNC], t),
	    "does not hold: it is not on the do-not-call list");
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_WINDOW], t),
	    "open until 2026-01-06T03:00:00.000Z in America/Chicago");
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_CAP], t),
	    "2 of 2 dials in 24 h; not before 2026-01-06T18:00:00.000Z");
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_GAP], t),
	    "gap: not before 2026-01-05T21:00:00.000Z");
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_SLOT_ALL], t),
	    "9 of 10 live calls");
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_SLOT_KIND], t),
	    "0 live calls, no limit");
	a = check(&f, afternoon + 8 * HOUR);
	assert_string_equal(
	    rules_verdict_text(&f, &a.verdict[RULES_GATE_WINDOW], t),
	    "closed; opens at 2026-01-06T14:00:00.000Z in America/Chicago");
}

/* Hours for holidays without a list of them must not look as if checked. */
static void
holidays_without_data_are_said_to_be_unchecked(void **state)
{
	struct rules_windows w = windows;
	const int64_t date = text_days_of_date(2026, 1, 5);
	const struct rules_holidays holidays = {&date, 1};
	struct rules_facts f = fine();
	struct rules_answer a;
	char t[RULES_TEXT_MAX];

	(void)state;
	w.holidays_set = true;
	f.windows = &w;
	a = check(&f, afternoon);
	assert_true(rules_may_dial(&a));
	assert_non_null(
	    strstr(rules_verdict_text(&f, &a.verdict[RULES_GATE_WINDOW], t),
		"holidays not checked"));
	f.holidays = &holidays;
	expect_stop(&f, afternoon, RULES_GATE_WINDOW, RULES_LATER, "window",
	    afternoon + 18 * HOUR);
}

static void
every_text_of_the_longest_kind_fits(void **state)
{
	struct rules_places many = chicago;
	struct rules_facts f = fine();
	struct rules_answer a;
	char t[RULES_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < RULES_PLACES_MAX; i++)
		many.zone[i] = chicago.zone[0];
	many.count = RULES_PLACES_MAX;
	f.places = &many;
	for (int night = 0; night < 2; night++) {
		a = check(&f, afternoon + night * 8 * HOUR);
		for (enum rules_gate g = 0; g < RULES_GATE_COUNT; g++) {
			memset(t, 'x', sizeof(t));
			assert_true(strlen(rules_verdict_text(
					&f, &a.verdict[g], t)) > 10);
		}
	}
}

static void
words_of_gates_and_rulings_are_unique(void **state)
{
	(void)state;
	for (enum rules_gate a = 0; a < RULES_GATE_COUNT; a++) {
		assert_true(strlen(rules_gate_text(a)) > 10);
		for (enum rules_gate b = 0; b < a; b++)
			assert_string_not_equal(
			    rules_gate_word(a), rules_gate_word(b));
	}
	for (enum rules_ruling a = 0; a <= RULES_NEVER; a++)
		for (enum rules_ruling b = 0; b < a; b++)
			assert_string_not_equal(
			    rules_ruling_word(a), rules_ruling_word(b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_fine_number_may_be_dialled_until_its_hours_end),
	    cmocka_unit_test(what_has_no_data_yet_says_so_and_stops_nothing),
	    cmocka_unit_test(a_number_that_is_none_is_never_dialled),
	    cmocka_unit_test(do_not_call_and_opt_out_are_never_dialled),
	    cmocka_unit_test(hours_end_at_the_very_millisecond),
	    cmocka_unit_test(
		an_unknown_zone_is_never_dialled_and_says_what_is_missing),
	    cmocka_unit_test(hours_that_never_open_are_never_dialled),
	    cmocka_unit_test(a_number_waits_until_its_oldest_dial_is_a_day_old),
	    cmocka_unit_test(two_dials_keep_their_distance),
	    cmocka_unit_test(a_busy_number_or_organisation_waits),
	    cmocka_unit_test(full_slots_wait_and_no_limit_is_none),
	    cmocka_unit_test(
		the_first_gate_that_stops_decides_and_all_are_shown),
	    cmocka_unit_test(each_verdict_names_the_data_it_rests_on),
	    cmocka_unit_test(texts_tell_a_person_what_and_when),
	    cmocka_unit_test(holidays_without_data_are_said_to_be_unchecked),
	    cmocka_unit_test(every_text_of_the_longest_kind_fits),
	    cmocka_unit_test(words_of_gates_and_rulings_are_unique),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
