#include "run/run_world_test.h"

/*
 * What follows an attempt: the ladder's row for each outcome, refusals by the
 * carrier's policy, requests that were never sent, and time that runs out.
 */

#define ENDS_IN(outcome_)                                     \
	{                                                     \
		AT(100, FAKE_PLACED), AT(1000, FAKE_RING),    \
		    AT(8000, FAKE_OVER, .outcome = outcome_), \
		{                                             \
			0                                     \
		}                                             \
	}

static const struct fake_step no_answer[] = ENDS_IN(JOB_OUTCOME_NO_ANSWER);
static const struct fake_step completed[] = ENDS_IN(JOB_OUTCOME_COMPLETED);

static int64_t
drained(struct world *w, const char *retry, const struct fake_step *script)
{
	w->retry = retry;
	world_open(w);
	w->fake.scripts[0] = script;
	int64_t id = JOB(w, .org = "clinic");

	world_drain(w);
	return id;
}

/* --- rows --- */

static void
an_outcome_without_a_row_ends_the_job_with_it(void **state)
{
	static const enum job_outcome ends[] = {JOB_OUTCOME_COMPLETED,
	    JOB_OUTCOME_VOICEMAIL, JOB_OUTCOME_NO_ANSWER, JOB_OUTCOME_BUSY,
	    JOB_OUTCOME_FAILED, JOB_OUTCOME_HANGUP, JOB_OUTCOME_INTERRUPTED};
	struct world *w = *state;
	struct fake_step scripts[ARRAY_LEN(ends)][3] = {0};
	int64_t ids[ARRAY_LEN(ends)];

	world_open(w);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		scripts[i][0] = (struct fake_step)AT(100, FAKE_PLACED);
		scripts[i][1] =
		    (struct fake_step)AT(900, FAKE_OVER, .outcome = ends[i]);
		w->fake.scripts[i] = scripts[i];
		ids[i] = JOB(w, .priority = (int64_t)i);
	}
	world_drain(w);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		JOB_IS(w, ids[i], JOB_DONE, ends[i]);
		assert_int_equal(world_job(w, ids[i]).tries, 1);
		assert_int_equal(w->p.outcomes[ends[i]], 1);
	}
	assert_int_equal(fake_count(&w->fake, "dial"), ARRAY_LEN(ends));
	assert_int_equal(w->p.finished, ARRAY_LEN(ends));
}

static void
a_row_says_when_the_next_try_is(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w,
	    "max_attempts: 3, no-answer: {after: 1h, jitter: none}", no_answer);
	struct journal_job job = world_job(w, id);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE RING END");
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NO_ANSWER);
	assert_int_equal(job.reason, JOB_REASON_LADDER);
	assert_true(job.not_before_ms >= a.ended_ms + HOUR);
	assert_int_equal(a.state, ATTEMPT_ENDED);
	assert_int_equal(a.outcome, JOB_OUTCOME_NO_ANSWER);
	/* the drain does not wait for it, and there is no result yet */
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(w->p.finished, 0);
	assert_int_equal(w->p.pushed, 0);
}

static void
a_drain_that_may_wait_goes_through_the_ladder_with_backoff(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 3, no-answer: {after: 1m, factor: 3, "
		   "jitter: none}";
	world_open(w);
	w->fake.scripts[0] = no_answer;
	w->o.wait_ms = HOUR;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_NO_ANSWER);
	assert_int_equal(world_job(w, id).tries, 3);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_EXHAUSTED);
	assert_int_equal(fake_count(&w->fake, "dial"), 3);
	int64_t ended_1 = world_attempt(w, id, 1).ended_ms;
	int64_t ended_2 = world_attempt(w, id, 2).ended_ms;

	assert_true(fake_nth(&w->fake, "dial", 1)->at_ms >= ended_1 + MINUTE);
	assert_true(
	    fake_nth(&w->fake, "dial", 2)->at_ms >= ended_2 + 3 * MINUTE);
	/* another attempt is another permission */
	assert_string_not_equal(fake_nth(&w->fake, "dial", 0)->key,
	    fake_nth(&w->fake, "dial", 1)->key);
	assert_string_not_equal(fake_nth(&w->fake, "dial", 1)->key,
	    fake_nth(&w->fake, "dial", 2)->key);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

static void
each_outcome_has_a_row_of_its_own(void **state)
{
	static const struct fake_step busy[] = ENDS_IN(JOB_OUTCOME_BUSY);
	struct world *w = *state;

	w->retry = "max_attempts: 5, busy: {after: 2m, factor: 10, jitter: "
		   "none}, no-answer: {after: 1m, factor: 10, jitter: none}";
	world_open(w);
	w->fake.scripts[0] = busy;
	w->fake.scripts[1] = no_answer;
	w->fake.scripts[2] = completed;
	w->o.wait_ms = HOUR;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(world_job(w, id).tries, 3);
	/* the first unanswered call waits the first delay of its own row */
	int64_t gap = fake_nth(&w->fake, "dial", 2)->at_ms -
		      world_attempt(w, id, 2).ended_ms;

	assert_true(gap >= MINUTE);
	assert_true(gap < 5 * MINUTE);
}

static void
a_next_try_behind_the_jobs_end_is_none(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 3, no-answer: {after: 2h, jitter: none}";
	world_open(w);
	w->fake.scripts[0] = no_answer;
	int64_t id = JOB(w, .expires_ms = WORLD_START_MS + HOUR);

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_NO_ANSWER);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

/* --- nothing went out --- */

static void
a_network_that_failed_before_the_first_byte_fails_the_job(void **state)
{
	static const struct fake_step script[] = {
	    AT(100, FAKE_NETWORK, .text = "dns"), {0}};
	struct world *w = *state;
	int64_t id = drained(w, "max_attempts: 3", script);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_string_equal(world_story(w, id), "ADMIT ARM REFUSE");
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_NETWORK);
	assert_int_equal(a.state, ATTEMPT_REFUSED);
	assert_int_equal(a.outcome, JOB_OUTCOME_NETWORK);
	assert_true(a.ended_ms >= a.armed_ms);
	assert_int_equal(w->p.failed, 1);
	assert_int_equal(world_found(w, "out/results.jsonl", "\"network\""), 1);
}

static void
a_network_row_of_the_ladder_tries_again(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_NETWORK), {0}};
	struct world *w = *state;
	int64_t id = drained(
	    w, "max_attempts: 3, network: {after: 30m, jitter: none}", script);

	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NETWORK);
	assert_int_equal(world_job(w, id).tries, 1);
}

static void
a_request_that_was_not_sent_goes_back_without_a_try(void **state)
{
	static const struct fake_step unsent[] = {AT(100, FAKE_UNSENT), {0}};
	struct world *w = *state;

	world_open(w);
	w->fake.scripts[0] = unsent;
	w->fake.scripts[1] = completed;
	w->o.wait_ms = HOUR;
	int64_t id = JOB(w, .org = "clinic");

	world_drain(w);
	assert_string_equal(
	    world_story(w, id), "ADMIT ARM UNSENT DUE ARM PLACE RING END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(world_job(w, id).tries, 1);
	assert_int_equal(world_job(w, id).attempts, 1);
	/* the same permission: nothing had left */
	assert_string_equal(fake_nth(&w->fake, "dial", 0)->key,
	    fake_nth(&w->fake, "dial", 1)->key);
	assert_true(fake_nth(&w->fake, "dial", 1)->event_seq >
		    fake_nth(&w->fake, "dial", 0)->event_seq);
	/* nor at once: a carrier with another clock says so each time */
	assert_true(world_job(w, id).not_before_ms >=
		    fake_nth(&w->fake, "dial", 0)->at_ms + 1000);
}

/* --- refusals --- */

static void
a_number_refused_for_good_fails_the_job(void **state)
{
	static const struct fake_step script[] = {
	    AT(100, FAKE_NEVER, .text = "bad-number"), {0}};
	struct world *w = *state;
	int64_t id = drained(w,
	    "max_attempts: 3, refused: {after: 1m}, network: {after: 1m}",
	    script);

	assert_string_equal(world_story(w, id), "ADMIT ARM REFUSE");
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_REFUSED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_REFUSED);
	assert_int_equal(world_job(w, id).tries, 1);
	assert_int_equal(world_attempt(w, id, 1).outcome, JOB_OUTCOME_REFUSED);
	assert_int_equal(w->p.outcomes[JOB_OUTCOME_REFUSED], 1);
}

static void
come_again_later_is_no_try(void **state)
{
	static const struct fake_step later[] = {
	    AT(100, FAKE_LATER, .text = "limit"), {0}};
	struct world *w = *state;

	w->retry = "max_attempts: 1";
	world_open(w);
	w->fake.scripts[0] = later;
	w->fake.scripts[1] = later;
	w->fake.scripts[2] = completed;
	w->fake.retry_after_ms = 2 * MINUTE;
	w->o.wait_ms = HOUR;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(world_job(w, id).tries, 1);
	assert_int_equal(world_job(w, id).attempts, 3);
	ATTEMPT_IS(w, id, 1, ATTEMPT_REFUSED);
	ATTEMPT_IS(w, id, 2, ATTEMPT_REFUSED);
	assert_true(fake_nth(&w->fake, "dial", 1)->at_ms >=
		    world_attempt(w, id, 1).ended_ms + 2 * MINUTE);
}

static void
come_again_later_without_a_time_means_a_minute(void **state)
{
	static const struct fake_step later[] = {AT(100, FAKE_LATER), {0}};
	struct world *w = *state;
	int64_t id = drained(w, "max_attempts: 1", later);
	struct journal_job job = world_job(w, id);

	assert_int_equal(job.state, JOB_QUEUED);
	assert_int_equal(job.reason, JOB_REASON_LATER);
	assert_int_equal(job.tries, 0);
	assert_int_equal(
	    job.not_before_ms, world_attempt(w, id, 1).ended_ms + MINUTE);
}

static void
a_refusal_left_to_the_ladder_goes_by_its_row(void **state)
{
	static const struct fake_step script[] = {
	    AT(100, FAKE_LADDER, .text = "rejected"), {0}};
	struct world *w = *state;

	w->retry = "max_attempts: 2, refused: {after: 1m, jitter: none}";
	world_open(w);
	w->fake.scripts[0] = script;
	w->o.wait_ms = HOUR;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_REFUSED);
	assert_int_equal(world_job(w, id).tries, 2);
	assert_int_equal(fake_count(&w->fake, "dial"), 2);
}

/* --- time --- */

static void
a_job_past_its_time_expires_without_a_call(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .expires_ms = WORLD_START_MS + 1);

	world_drain(w);
	assert_string_equal(world_story(w, id), "ADMIT EXPIRE");
	JOB_IS(w, id, JOB_EXPIRED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_EXPIRED);
	assert_int_equal(w->p.expired, 1);
	assert_int_equal(w->p.finished, 1);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

static void
a_request_may_not_leave_after_the_job_expired(void **state)
{
	struct world *w = *state;

	world_open(w);
	w->fake.scripts[0] = completed;
	int64_t until = env_now_ms(w->env) + 5 * MINUTE;
	int64_t id = JOB(w, .expires_ms = until);

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_nth(&w->fake, "dial", 0)->until_ms, until);
}

static void
a_job_waits_for_its_time_when_the_drain_may(void **state)
{
	struct world *w = *state;

	world_open(w);
	w->fake.scripts[0] = completed;
	w->o.wait_ms = HOUR;
	int64_t due = env_now_ms(w->env) + 10 * MINUTE;
	int64_t id = JOB(w, .not_before_ms = due);
	int64_t far = JOB(w, .not_before_ms = due + 24 * HOUR);

	world_drain(w);
	assert_string_equal(world_story(w, id), "QUEUE DUE ARM PLACE RING END");
	assert_true(fake_nth(&w->fake, "dial", 0)->at_ms >= due);
	assert_string_equal(world_story(w, far), "QUEUE");
}

/* A worker that waits for a far one sees the next try of a near one in time. */
static void
what_is_due_earlier_is_not_slept_through(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 2, no-answer: {after: 5m, jitter: none}";
	world_open(w);
	w->fake.scripts[0] = no_answer;
	w->fake.scripts[1] = completed;
	w->o.mode = RUN_WORKER;
	(void)JOB(
	    w, .id = "far", .not_before_ms = env_now_ms(w->env) + 40 * MINUTE);
	int64_t id = JOB(w, .id = "near");

	world_begin(w);
	for (int i = 0; i < 20 && fake_count(&w->fake, "dial") < 2; i++)
		world_for(w, 200);
	assert_true(fake_count(&w->fake, "dial") >= 2);
	assert_true(fake_nth(&w->fake, "dial", 1)->at_ms <=
		    world_attempt(w, id, 1).ended_ms + 12 * MINUTE);
	run_stop(w->run, true);
	world_finish(w);
}

static void
a_job_that_is_not_due_is_left_alone(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .not_before_ms = WORLD_START_MS + 24 * HOUR);

	world_drain(w);
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_NOT_BEFORE);
	assert_int_equal(w->p.claimed, 0);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(an_outcome_without_a_row_ends_the_job_with_it),
	    T(a_row_says_when_the_next_try_is),
	    T(a_drain_that_may_wait_goes_through_the_ladder_with_backoff),
	    T(each_outcome_has_a_row_of_its_own),
	    T(a_next_try_behind_the_jobs_end_is_none),
	    T(a_network_that_failed_before_the_first_byte_fails_the_job),
	    T(a_network_row_of_the_ladder_tries_again),
	    T(a_request_that_was_not_sent_goes_back_without_a_try),
	    T(a_number_refused_for_good_fails_the_job),
	    T(come_again_later_is_no_try),
	    T(come_again_later_without_a_time_means_a_minute),
	    T(a_refusal_left_to_the_ladder_goes_by_its_row),
	    T(a_job_past_its_time_expires_without_a_call),
	    T(a_request_may_not_leave_after_the_job_expired),
	    T(a_job_waits_for_its_time_when_the_drain_may),
	    T(a_job_that_is_not_due_is_left_alone),
	    T(what_is_due_earlier_is_not_slept_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
