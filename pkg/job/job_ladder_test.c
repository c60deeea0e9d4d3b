#include "job/job_ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define NOW INT64_C(1767603600000)

/* The ladder of the documentation's example. */
static const struct job_rung rungs[JOB_OUTCOME_COUNT] = {
    [JOB_OUTCOME_NO_ANSWER] = {true, 30 * MINUTE, 2, 4 * HOUR, false},
    [JOB_OUTCOME_BUSY] = {true, 10 * MINUTE, 2, 2 * HOUR, true},
    [JOB_OUTCOME_FAILED] = {true, 15 * MINUTE, 1, 0, false},
    [JOB_OUTCOME_NETWORK] = {true, 30000, 2, 10 * MINUTE, false},
};
static const struct job_ladder ladder = {3, rungs};

static struct job_ladder_answer
ask_at(enum job_outcome outcome, int64_t tries, int64_t nth, int64_t expires_ms)
{
	const struct job_ladder_ask ask = {
	    .outcome = outcome,
	    .tries = tries,
	    .nth = nth,
	    .jitter = 1.0,
	    .now_ms = NOW,
	    .expires_ms = expires_ms,
	};
	struct job_ladder_answer out;

	job_ladder_next(&ladder, &ask, &out);
	return out;
}

static void
an_unanswered_call_is_tried_again_after_its_first_delay(void **state)
{
	struct job_ladder_answer a = ask_at(JOB_OUTCOME_NO_ANSWER, 1, 1, -1);

	(void)state;
	assert_int_equal(a.verdict, JOB_LADDER_AGAIN);
	assert_int_equal(a.not_before_ms, NOW + 30 * MINUTE);
	assert_int_equal(a.reason, JOB_REASON_LADDER);
}

static void
the_delay_grows_by_its_factor_and_stops_at_its_cap(void **state)
{
	const struct job_rung *r = &rungs[JOB_OUTCOME_NO_ANSWER];

	(void)state;
	assert_int_equal(job_rung_delay_ms(r, 1, 0), 30 * MINUTE);
	assert_int_equal(job_rung_delay_ms(r, 2, 0), HOUR);
	assert_int_equal(job_rung_delay_ms(r, 3, 0), 2 * HOUR);
	assert_int_equal(job_rung_delay_ms(r, 4, 0), 4 * HOUR);
	assert_int_equal(job_rung_delay_ms(r, 5, 0), 4 * HOUR);
	assert_int_equal(job_rung_delay_ms(r, INT64_MAX, 0), 4 * HOUR);
}

static void
without_a_factor_every_delay_is_the_same(void **state)
{
	const struct job_rung *r = &rungs[JOB_OUTCOME_FAILED];

	(void)state;
	assert_int_equal(job_rung_delay_ms(r, 1, 0), 15 * MINUTE);
	assert_int_equal(job_rung_delay_ms(r, INT64_MAX, 0), 15 * MINUTE);
}

static void
a_delay_without_a_cap_never_overflows(void **state)
{
	const struct job_rung r = {true, INT64_MAX, 1e300, INT64_MAX, false};
	const struct job_rung zero = {true, 0, 1e300, 0, false};

	(void)state;
	assert_int_equal(job_rung_delay_ms(&r, 1, 0), JOB_DELAY_MAX_MS);
	assert_int_equal(job_rung_delay_ms(&r, INT64_MAX, 0), JOB_DELAY_MAX_MS);
	assert_int_equal(job_rung_delay_ms(&zero, INT64_MAX, 0), 0);
}

static void
full_jitter_spreads_from_nothing_to_the_whole_delay(void **state)
{
	const struct job_rung *r = &rungs[JOB_OUTCOME_BUSY];

	(void)state;
	assert_int_equal(job_rung_delay_ms(r, 1, 0.0), 0);
	assert_int_equal(job_rung_delay_ms(r, 1, 0.25), 150000);
	assert_int_equal(job_rung_delay_ms(r, 1, 1.0), 10 * MINUTE);
	/* The cap is applied before the jitter, not after it. */
	assert_int_equal(job_rung_delay_ms(r, 20, 0.5), HOUR);
}

static void
the_last_try_that_the_ladder_allows_ends_the_job(void **state)
{
	(void)state;
	assert_int_equal(
	    ask_at(JOB_OUTCOME_NO_ANSWER, 2, 2, -1).verdict, JOB_LADDER_AGAIN);

	struct job_ladder_answer a = ask_at(JOB_OUTCOME_NO_ANSWER, 3, 3, -1);

	assert_int_equal(a.verdict, JOB_LADDER_FINISH);
	assert_int_equal(a.reason, JOB_REASON_EXHAUSTED);
	assert_int_equal(a.not_before_ms, 0);
	assert_int_equal(
	    ask_at(JOB_OUTCOME_NO_ANSWER, 4, 3, -1).verdict, JOB_LADDER_FINISH);
}

static void
without_a_limit_of_tries_the_ladder_goes_on(void **state)
{
	const struct job_ladder endless = {0, rungs};
	const struct job_ladder_ask ask = {
	    JOB_OUTCOME_FAILED, 1000, 1000, 0.5, NOW, -1};
	struct job_ladder_answer a;

	(void)state;
	job_ladder_next(&endless, &ask, &a);
	assert_int_equal(a.verdict, JOB_LADDER_AGAIN);
	assert_int_equal(a.not_before_ms, NOW + 15 * MINUTE);
}

static void
an_outcome_without_a_step_ends_the_job_at_once(void **state)
{
	static const enum job_outcome calls[] = {JOB_OUTCOME_COMPLETED,
	    JOB_OUTCOME_VOICEMAIL, JOB_OUTCOME_HANGUP, JOB_OUTCOME_INTERRUPTED,
	    JOB_OUTCOME_UNKNOWN};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct job_ladder_answer a = ask_at(calls[i], 1, 1, -1);

		assert_int_equal(a.verdict, JOB_LADDER_FINISH);
		assert_int_equal(a.reason, JOB_REASON_NONE);
	}
}

static void
what_never_became_a_call_fails_the_job(void **state)
{
	struct job_ladder_answer a = ask_at(JOB_OUTCOME_REFUSED, 1, 1, -1);

	(void)state;
	assert_int_equal(a.verdict, JOB_LADDER_FAIL);
	assert_int_equal(a.reason, JOB_REASON_REFUSED);
	a = ask_at(JOB_OUTCOME_NETWORK, 3, 3, -1);
	assert_int_equal(a.verdict, JOB_LADDER_FAIL);
	assert_int_equal(a.reason, JOB_REASON_EXHAUSTED);
	/* The outcome "failed" was a call of the network's. */
	assert_int_equal(
	    ask_at(JOB_OUTCOME_FAILED, 3, 3, -1).verdict, JOB_LADDER_FINISH);
}

static void
a_busy_line_after_other_outcomes_begins_at_its_own_first_delay(void **state)
{
	struct job_ladder_answer a = ask_at(JOB_OUTCOME_BUSY, 2, 1, -1);

	(void)state;
	assert_int_equal(a.verdict, JOB_LADDER_AGAIN);
	assert_int_equal(a.not_before_ms, NOW + 10 * MINUTE);
}

static void
a_next_try_at_or_past_the_expiry_is_none(void **state)
{
	int64_t next = NOW + 30 * MINUTE;

	(void)state;
	assert_int_equal(ask_at(JOB_OUTCOME_NO_ANSWER, 1, 1, next + 1).verdict,
	    JOB_LADDER_AGAIN);
	assert_int_equal(ask_at(JOB_OUTCOME_NO_ANSWER, 1, 1, next).verdict,
	    JOB_LADDER_FINISH);
	assert_int_equal(
	    ask_at(JOB_OUTCOME_NETWORK, 1, 1, NOW).verdict, JOB_LADDER_FAIL);
	assert_int_equal(
	    ask_at(JOB_OUTCOME_NO_ANSWER, 1, 1, 0).verdict, JOB_LADDER_FINISH);
}

static void
a_clock_at_the_end_of_time_ends_the_job_instead_of_overflowing(void **state)
{
	const struct job_ladder_ask ask = {
	    JOB_OUTCOME_FAILED, 1, 1, 0.5, INT64_MAX, -1};
	struct job_ladder_answer a;

	(void)state;
	job_ladder_next(&ladder, &ask, &a);
	assert_int_equal(a.verdict, JOB_LADDER_FINISH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		an_unanswered_call_is_tried_again_after_its_first_delay),
	    cmocka_unit_test(
		the_delay_grows_by_its_factor_and_stops_at_its_cap),
	    cmocka_unit_test(without_a_factor_every_delay_is_the_same),
	    cmocka_unit_test(a_delay_without_a_cap_never_overflows),
	    cmocka_unit_test(
		full_jitter_spreads_from_nothing_to_the_whole_delay),
	    cmocka_unit_test(the_last_try_that_the_ladder_allows_ends_the_job),
	    cmocka_unit_test(without_a_limit_of_tries_the_ladder_goes_on),
	    cmocka_unit_test(an_outcome_without_a_step_ends_the_job_at_once),
	    cmocka_unit_test(what_never_became_a_call_fails_the_job),
	    cmocka_unit_test(
		a_busy_line_after_other_outcomes_begins_at_its_own_first_delay),
	    cmocka_unit_test(a_next_try_at_or_past_the_expiry_is_none),
	    cmocka_unit_test(
		a_clock_at_the_end_of_time_ends_the_job_instead_of_overflowing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
