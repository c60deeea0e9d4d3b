#include "run/run_decide.h"
#include "run/run_world_test.h"

#include "run/run_priv.h"

/*
 * Evidence that comes when nobody holds the attempt any more: for a PARKED one
 * it is the answer, for one that was held not to exist it is an alarm.
 */

static const struct fake_step unsure[] = {AT(100, FAKE_UNKNOWN), {0}};
static const struct fake_step never[] = {AT(100, FAKE_NEVER), {0}};
static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(8000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

static void
tell(struct world *w, enum carrier_stage stage, enum job_outcome outcome)
{
	struct journal_attempt a = world_attempt(w, 1, 1);
	char key[FAKE_KEY];

	(void)text_hex(a.key, SHA256_BYTES, key);
	fake_tell_key(&w->fake, key, NULL, stage, outcome);
}

static bool
tell_over(void *arg)
{
	tell(arg, CARRIER_STAGE_ENDED, JOB_OUTCOME_VOICEMAIL);
	return true;
}

static bool
tell_no_answer(void *arg)
{
	tell(arg, CARRIER_STAGE_ENDED, JOB_OUTCOME_NO_ANSWER);
	return true;
}

static bool
tell_ringing(void *arg)
{
	tell(arg, CARRIER_STAGE_RINGING, JOB_OUTCOME_NONE);
	return true;
}

/* A run over another job; at its beginning a notice of job 1 comes. */
static void
told_in_another_run(struct world *w, bool (*act)(void *arg))
{
	struct fake_step script[] = {AT(10, FAKE_DO, .act = act),
	    AT(100, FAKE_PLACED),
	    AT(300 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

	memset(w->fake.scripts, 0, sizeof(w->fake.scripts));
	w->fake.dials = 0;
	w->fake.scripts[0] = script;
	(void)JOB(w, .campaign = "autumn");
	world_drain(w);
	memset(w->fake.scripts, 0, sizeof(w->fake.scripts));
}

static int64_t
drained(struct world *w, enum carrier_class cls, const struct fake_step *script)
{
	w->cls = cls;
	w->limits = "max_call: 4h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	world_open(w);
	w->fake.scripts[0] = script;
	int64_t id = JOB(w, .id = "a", .org = "clinic");

	world_drain(w);
	return id;
}

static bool paused;

static enum err_code
look_at_pause(struct world *w, struct journal *j, struct err *err)
{
	struct journal_job job;

	(void)w;
	return journal_job_get(j, 1, &job, err) == ERR_NONE
		   ? journal_is_paused(j, job.campaign_id, &paused, err)
		   : err->code;
}

/* --- PARKED --- */

static void
the_end_of_a_parked_call_ends_the_job_as_told(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_BLIND, unsure);

	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	told_in_another_run(w, tell_over);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_string_equal(world_story(w, id), "ADMIT ARM DOUBT PARK END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_VOICEMAIL);
	assert_int_equal(a.state, ATTEMPT_ENDED);
	assert_int_equal(a.outcome, JOB_OUTCOME_VOICEMAIL);
	assert_int_equal(a.number, 0);
	assert_true(a.placed_ms > 0);
	assert_true(a.ended_ms >= a.placed_ms);
	assert_true(a.carrier_call[0] != '\0');
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
	assert_int_equal(
	    world_found(w, "out/results.jsonl", "\"voicemail\""), 1);
	world_now(w, look_at_pause);
	assert_false(paused);
}

static void
the_end_of_a_parked_call_goes_by_the_ladder(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 2, no-answer: {after: 3h, jitter: none}";
	int64_t id = drained(w, CARRIER_BLIND, unsure);

	told_in_another_run(w, tell_no_answer);
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NO_ANSWER);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_LADDER);
}

static void
a_parked_call_that_only_rings_stays_parked(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_BLIND, unsure);

	told_in_another_run(w, tell_ringing);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	ATTEMPT_IS(w, id, 1, ATTEMPT_PARKED);
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
}

static void
a_notice_of_a_call_that_has_ended_changes_nothing(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_BLIND, completed);

	told_in_another_run(w, tell_no_answer);
	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
}

/* --- held not to exist --- */

static void
a_conflict_was_raised(struct world *w)
{
	ATTEMPT_IS(w, 1, 1, ATTEMPT_CONFLICT);
	world_now(w, look_at_pause);
	assert_true(paused);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
	assert_memory_equal(fake_nth(&w->fake, "hangup", 0)->what, "c-", 2);
	assert_string_equal(w->attention, "conflict 257\n");
}

static void
a_call_of_a_refused_attempt_is_a_conflict(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_NAMED, never);

	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_REFUSED);
	told_in_another_run(w, tell_ringing);
	a_conflict_was_raised(w);
	/* a final job stays what it is; its campaign waits for a person */
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_REFUSED);
	assert_string_equal(world_story(w, id), "ADMIT ARM REFUSE CONTRADICT");
}

/* Its second result must not be sent for its first. */
static void
a_word_behind_a_job_s_end_is_no_other_end_of_it(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_NAMED, never);
	struct run_decide_ask ask = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = RUN_DECIDE_RETRY,
	    .by = "ana",
	    .reason = "it was us"};
	struct run_decision d = {.job = id};
	struct journal_job job;

	told_in_another_run(w, tell_ringing);
	ATTEMPT_IS(w, id, 1, ATTEMPT_CONFLICT);
	job = world_job(w, id);
	OK(run_past(w->j, 1, &job, &w->err)); /* as it stands */
	assert_int_equal(job.state, JOB_FAILED);
	OK(run_decide(&ask, &d, 1, &w->err));
	assert_int_equal(d.result, RUN_DECIDE_DONE);
	job = world_job(w, id);
	assert_int_equal(job.state, JOB_QUEUED);
	OK(run_past(w->j, 1, &job, &w->err));
	assert_int_equal(job.state, JOB_FAILED);
	assert_int_equal(job.outcome, JOB_OUTCOME_REFUSED);
	assert_int_equal(job.tries, 1);
	job = world_job(w, id);
	assert_int_equal(run_past(w->j, 2, &job, &w->err), ERR_DAMAGED);
}

static void
a_call_of_an_absent_attempt_parks_a_job_that_would_dial_again(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 2, network: {after: 5h, jitter: none}";
	int64_t id = drained(w, CARRIER_NAMED, unsure);

	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	assert_int_equal(world_job(w, id).state, JOB_QUEUED);
	told_in_another_run(w, tell_ringing);
	a_conflict_was_raised(w);
	assert_int_equal(world_job(w, id).state, JOB_PARKED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CONFLICT);
}

static enum err_code
put_cancel(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;

	(void)w;
	return journal_inbox_put(j, "ana", "cancel-1", 256 + 1,
	    JOURNAL_MSG_CANCEL, NULL, &added, err);
}

/* Between claim and arm, once. */
static void
cancel_once_claimed(void *arg, const char *name)
{
	if (strcmp(name, "run.claim.durable") == 0 &&
	    ((struct world *)arg)->number++ == 0)
		world_send(arg, put_cancel);
}

static void
a_call_of_a_cancelled_attempt_is_a_conflict(void **state)
{
	struct world *w = *state;

	w->prepare = true;
	crash_hook(cancel_once_claimed, w);
	int64_t id = drained(w, CARRIER_NAMED, completed);

	crash_hook(NULL, NULL);
	ATTEMPT_IS(w, id, 1, ATTEMPT_CANCELLED);
	told_in_another_run(w, tell_ringing);
	a_conflict_was_raised(w);
	assert_int_equal(world_job(w, id).state, JOB_CANCELLED);
}

static bool
cancel_now(void *arg)
{
	world_send(arg, put_cancel);
	return true;
}

/* Another life's call, for nothing was sent here. */
static void
another_life_called(struct world *w, enum job_state then)
{
	ATTEMPT_IS(w, 1, 1, ATTEMPT_NEW);
	told_in_another_run(w, tell_ringing);
	ATTEMPT_IS(w, 1, 1, ATTEMPT_NEW);
	assert_int_equal(world_job(w, 1).state, then);
	assert_string_equal(w->attention, "conflict 257\n");
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
}

static void
a_call_of_an_attempt_that_came_back_unsent_is_a_conflict(void **state)
{
	static const struct fake_step unsent[] = {
	    AT(10, FAKE_DO, .act = cancel_now), AT(11, FAKE_UNSENT), {0}};
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_NAMED, unsent);

	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_NONE);
	another_life_called(w, JOB_CANCELLED);
}

static enum err_code
pause_spring(struct world *w, struct journal *j, struct err *err)
{
	bool changed;

	(void)w;
	return journal_pause(j, "spring", "ana", "because", &changed, err);
}

static bool
pause_now(void *arg)
{
	world_send(arg, pause_spring);
	return true;
}

static void
a_call_of_an_attempt_that_waits_again_parks_its_job(void **state)
{
	static const struct fake_step unsent[] = {
	    AT(10, FAKE_DO, .act = pause_now), AT(11, FAKE_UNSENT), {0}};
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_NAMED, unsent);

	w->env->origin_ms += MINUTE; /* behind its pause */
	world_drain(w);
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
	another_life_called(w, JOB_PARKED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CONFLICT);
}

/* The caps count the try that was not sent, so it waits for its hour. */
static void
a_call_of_an_attempt_that_waits_for_its_time_parks_its_job(void **state)
{
	static const struct fake_step unsent[] = {AT(11, FAKE_UNSENT), {0}};
	struct world *w = *state;

	w->limits = "max_call: 4h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 1h";
	world_open(w);
	w->fake.scripts[0] = unsent;
	int64_t id = JOB(w, .id = "a", .org = "clinic");

	world_drain(w);
	w->env->origin_ms += MINUTE; /* behind its pause */
	world_drain(w);
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_GAP);
	another_life_called(w, JOB_PARKED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CONFLICT);
	/* Its next word finds the job where it is, and nobody is told again. */
	told_in_another_run(w, tell_over);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_string_equal(w->attention, "");
	assert_int_equal(fake_count(&w->fake, "taken"), 2);
}

/* A word without any time, from a carrier that is busy. */
static bool
tell_undated(void *arg)
{
	struct world *w = arg;
	struct journal_attempt a = world_attempt(w, 1, 1);
	struct fake_call c = {.id = "c-undated"};
	struct carrier_progress p = {.stage = CARRIER_STAGE_ENDED,
	    .outcome = JOB_OUTCOME_BUSY,
	    .by = "callee"};

	(void)text_hex(a.key, SHA256_BYTES, c.key);
	fake_tell(&w->fake, &c, NULL, &p);
	return true;
}

static bool
tell_answered_and_over(void *arg)
{
	struct world *w = arg;
	struct journal_attempt a = world_attempt(w, 1, 1);
	int64_t now = env_now_ms(w->env);
	struct fake_call c = {.id = "c-dated",
	    .placed_ms = now - 3000,
	    .answered_ms = now - 2000};
	struct carrier_progress p = {.stage = CARRIER_STAGE_ENDED,
	    .at_ms = now,
	    .outcome = JOB_OUTCOME_COMPLETED,
	    .by = "callee"};

	(void)text_hex(a.key, SHA256_BYTES, c.key);
	fake_tell(&w->fake, &c, NULL, &p);
	return true;
}

static void
a_parked_call_ends_with_the_times_that_were_told(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_BLIND, unsure);

	told_in_another_run(w, tell_undated);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_BUSY);
	assert_int_equal(world_attempt(w, id, 1).placed_ms, 0);
}

static void
a_parked_call_that_was_answered_says_when(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_BLIND, unsure);

	told_in_another_run(w, tell_answered_and_over);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_int_equal(a.ended_ms - a.placed_ms, 3000);
	assert_int_equal(a.ended_ms - a.answered_ms, 2000);
}

static void
a_call_of_an_absent_attempt_parks_a_job_that_waits_for_a_pause(void **state)
{
	static const struct fake_step doubted[] = {
	    AT(10, FAKE_DO, .act = pause_now), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_NAMED, doubted);

	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NETWORK);
	told_in_another_run(w, tell_ringing);
	a_conflict_was_raised(w);
	assert_int_equal(world_job(w, id).state, JOB_PARKED);
}

static void
nobody_needs_to_be_told(void **state)
{
	struct world *w = *state;

	w->cls = CARRIER_BLIND;
	world_open(w);
	w->o.attention = NULL;
	w->fake.scripts[0] = unsure;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_string_equal(w->attention, "");
}

static bool
tell_over_twice(void *arg)
{
	struct world *w = arg;
	struct journal_attempt a = world_attempt(w, 1, 1);
	char key[FAKE_KEY];

	(void)text_hex(a.key, SHA256_BYTES, key);
	for (int i = 0; i < 2; i++)
		fake_tell_key(&w->fake, key, "n-same", CARRIER_STAGE_ENDED,
		    JOB_OUTCOME_VOICEMAIL);
	return true;
}

static void
the_same_word_of_a_parked_call_counts_once(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_BLIND, unsure);

	told_in_another_run(w, tell_over_twice);
	assert_string_equal(world_story(w, id), "ADMIT ARM DOUBT PARK END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_VOICEMAIL);
	assert_int_equal(fake_count(&w->fake, "taken"), 2);
}

static void
a_conflict_while_the_next_attempt_is_live_leaves_that_one_alone(void **state)
{
	static const struct fake_step second[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_RING), AT(2000, FAKE_DO, .act = tell_ringing),
	    AT(300 * SECOND, FAKE_ANSWER),
	    AT(301 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;

	w->limits = "max_call: 4h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	world_open(w);
	w->fake.scripts[0] = unsure;
	w->fake.scripts[1] = second;
	int64_t id = JOB(w, .id = "a", .org = "clinic");

	world_drain(w);
	a_conflict_was_raised(w);
	ATTEMPT_IS(w, id, 2, ATTEMPT_ENDED);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(world_job(w, id).tries, 2);
}

static void
a_conflict_without_a_campaign_pauses_those_without_one(void **state)
{
	struct world *w = *state;

	w->limits = "max_call: 4h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	world_open(w);
	w->fake.scripts[0] = never;
	int64_t id = JOB(w, .id = "a", .campaign = "");

	world_drain(w);
	told_in_another_run(w, tell_ringing);
	a_conflict_was_raised(w);
	assert_int_equal(world_job(w, id).state, JOB_FAILED);
	/* the other campaign went on */
	JOB_IS(w, id + 1, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

/* --- whose notice it is --- */

static bool
tell_by_the_other(void *arg)
{
	struct world *w = arg;
	struct fake *other = w->carriers[1].carrier->impl;
	struct journal_attempt a = world_attempt(w, 1, 1);
	char key[FAKE_KEY];

	(void)text_hex(a.key, SHA256_BYTES, key);
	fake_tell_key(other, key, NULL, CARRIER_STAGE_ENDED, JOB_OUTCOME_BUSY);
	return true;
}

static void
a_notice_is_taken_at_the_carrier_that_told_it(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(200, FAKE_DO, .act = tell_by_the_other), {0}};
	struct world *w = *state;
	struct fake other;

	world_open(w);
	fake_init(&other, w->env, CARRIER_CALLBACK, w);
	w->carriers[1] = (struct run_carrier){"other", &other.carrier};
	w->o.carrier_count = 2;
	w->fake.scripts[0] = script;
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_BUSY);
	assert_int_equal(fake_count(&other, "taken"), 1);
	assert_int_equal(fake_count(&w->fake, "taken"), 0);
}

static void
nobody_listens_when_the_run_is_over(void **state)
{
	struct world *w = *state;
	int64_t id = drained(w, CARRIER_NAMED, completed);

	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_null(w->fake.heard);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_end_of_a_parked_call_ends_the_job_as_told),
	    T(the_end_of_a_parked_call_goes_by_the_ladder),
	    T(a_parked_call_that_only_rings_stays_parked),
	    T(a_notice_of_a_call_that_has_ended_changes_nothing),
	    T(a_call_of_a_refused_attempt_is_a_conflict),
	    T(a_word_behind_a_job_s_end_is_no_other_end_of_it),
	    T(a_call_of_an_absent_attempt_parks_a_job_that_would_dial_again),
	    T(a_call_of_an_attempt_that_came_back_unsent_is_a_conflict),
	    T(a_call_of_an_attempt_that_waits_again_parks_its_job),
	    T(a_call_of_an_attempt_that_waits_for_its_time_parks_its_job),
	    T(the_same_word_of_a_parked_call_counts_once),
	    T(a_parked_call_ends_with_the_times_that_were_told),
	    T(a_parked_call_that_was_answered_says_when),
	    T(a_call_of_an_absent_attempt_parks_a_job_that_waits_for_a_pause),
	    T(nobody_needs_to_be_told),
	    T(a_call_of_a_cancelled_attempt_is_a_conflict),
	    T(a_conflict_while_the_next_attempt_is_live_leaves_that_one_alone),
	    T(a_conflict_without_a_campaign_pauses_those_without_one),
	    T(a_notice_is_taken_at_the_carrier_that_told_it),
	    T(nobody_listens_when_the_run_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
