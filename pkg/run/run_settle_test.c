#include "run/run_world_test.h"

/*
 * An attempt whose answer was lost, for each class of carrier: what is asked,
 * when, and what may follow.
 */

static const struct fake_step unsure[] = {
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};
static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(8000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

static int64_t
opened(struct world *w, enum carrier_class cls)
{
	w->cls = cls;
	world_open(w);
	w->fake.scripts[0] = unsure;
	w->fake.scripts[1] = completed;
	return JOB(w, .org = "clinic");
}

static void
parked(struct world *w, int64_t id, enum job_reason reason)
{
	struct journal_job job = world_job(w, id);
	struct journal_attempt a = world_attempt(w, id, 1);

	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_string_equal(
	    job_reason_word(job.reason), job_reason_word(reason));
	assert_int_equal(a.state, ATTEMPT_PARKED);
	assert_int_equal(a.owner, 0);
	assert_int_equal(w->p.parked, 1);
	assert_string_equal(w->attention, "parked #1-1\n");
	/* number and organisation stay, the slot until no call can live */
	assert_int_equal(a.number, 15125550100);
	assert_true(a.org != 0);
	assert_true(a.slot_until_ms >= a.armed_ms + 2500 + 10000 + 60000);
	assert_true(a.slot_until_ms <= a.dial_until_ms + 2500 + 10000 + 60000);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 0);
}

/* --- lookups --- */

static void
absent_twice_after_the_settle_time_allows_another_attempt(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_NAMED);

	world_drain(w);
	const struct fake_did *dial = fake_nth(&w->fake, "dial", 0);
	const struct fake_did *first = fake_nth(&w->fake, "lookup", 0);
	const struct fake_did *second = fake_nth(&w->fake, "lookup", 1);

	assert_string_equal(world_story(w, id),
	    "ADMIT ARM DOUBT LOOK VANISH DUE ARM PLACE END");
	assert_int_equal(fake_count(&w->fake, "lookup"), 2);
	assert_true(first->at_ms >= dial->at_ms + 100 + 2500);
	assert_true(second->at_ms >= first->at_ms + 50 + 500);
	assert_string_equal(first->key, dial->key);
	assert_string_equal(second->key, dial->key);
	assert_true(fake_nth(&w->fake, "dial", 1)->at_ms > second->at_ms);
	assert_string_not_equal(fake_nth(&w->fake, "dial", 1)->key, dial->key);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	ATTEMPT_IS(w, id, 2, ATTEMPT_ENDED);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	/* it reached INTENT: it was a try */
	assert_int_equal(world_job(w, id).tries, 2);
}

static void
absent_on_the_last_try_fails_the_job(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 1, network: {after: 1s}";
	int64_t id = opened(w, CARRIER_QUERYABLE);

	world_drain(w);
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_NETWORK);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
}

static void
the_network_row_spaces_the_attempts_out(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 2, network: {after: 30m, jitter: none}";
	int64_t id = opened(w, CARRIER_QUERYABLE);

	world_drain(w);
	assert_int_equal(world_job(w, id).state, JOB_QUEUED);
	assert_int_equal(world_job(w, id).not_before_ms,
	    world_attempt(w, id, 1).ended_ms + 30 * MINUTE);
}

static void
absent_once_and_then_found_is_found(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_NAMED);

	FAKE_FOUND(&w->fake, FAKE_ABSENT, FAKE_IS_OVER);
	world_drain(w);
	assert_string_equal(
	    world_story(w, id), "ADMIT ARM DOUBT LOOK PLACE ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_int_equal(a.placed_ms, a.armed_ms + 100);
	assert_int_equal(a.answered_ms, a.armed_ms + 200);
	assert_string_equal(a.carrier_call, w->fake.calls[0].id);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
}

static void
a_call_found_live_is_hung_up_where_we_should_speak(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_NAMED);

	FAKE_FOUND(&w->fake, FAKE_IS_RINGING, FAKE_IS_ANSWERED,
	    FAKE_IS_ANSWERED, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_string_equal(
	    fake_nth(&w->fake, "hangup", 0)->what, w->fake.calls[0].id);
}

static void
a_call_found_live_goes_on_where_the_carriers_agent_speaks(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_NAMED);

	w->fake.terms.agent_is_ours = false;
	FAKE_FOUND(&w->fake, FAKE_IS_RINGING, FAKE_IS_ANSWERED, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
	/* asked again and again, at its own pace */
	assert_true(fake_nth(&w->fake, "lookup", 2)->at_ms >=
		    fake_nth(&w->fake, "lookup", 1)->at_ms + 2000);
}

static void
a_lookup_that_fails_is_made_again_and_proves_nothing(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_QUERYABLE);

	FAKE_FOUND(&w->fake, FAKE_FAILS, FAKE_ABSENT, FAKE_FAILS, FAKE_ABSENT);
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "lookup"), 4);
	assert_true(fake_nth(&w->fake, "lookup", 1)->at_ms >=
		    fake_nth(&w->fake, "lookup", 0)->at_ms + 2000);
	assert_string_equal(world_story(w, id),
	    "ADMIT ARM DOUBT LOOK VANISH DUE ARM PLACE END");
}

static void
lookups_that_fail_until_the_deadline_park_the_job(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_QUERYABLE);

	w->fake.terms.memory_ms = 30 * SECOND;
	FAKE_FOUND(&w->fake, FAKE_FAILS);
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_string_equal(world_story(w, id), "ADMIT ARM DOUBT PARK");
	assert_true(env_now_ms(w->env) >=
		    world_attempt(w, id, 1).armed_ms + 29 * SECOND);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
}

/* One that is out of reach is asked less and less often, up to each minute. */
static void
a_carrier_that_does_not_answer_is_asked_ever_more_seldom(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_QUERYABLE);
	int64_t last;
	size_t n;

	w->fake.terms.memory_ms = 30 * MINUTE;
	FAKE_FOUND(&w->fake, FAKE_FAILS);
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	n = fake_count(&w->fake, "lookup");
	assert_in_range(n, 30, 36);
	last = fake_nth(&w->fake, "lookup", n - 1)->at_ms -
	       fake_nth(&w->fake, "lookup", n - 2)->at_ms;
	assert_in_range(last, MINUTE, MINUTE + 5 * SECOND);
}

static void
absent_does_not_count_once_the_carrier_may_have_forgotten(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_QUERYABLE);

	w->fake.terms.memory_ms = 100 * SECOND;
	w->fake.look_ms = 120 * SECOND;
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_int_equal(fake_count(&w->fake, "lookup"), 1);
}

static bool
set_back_100_s(void *arg)
{
	struct world *w = arg;

	w->env->origin_ms -= 100 * SECOND;
	return true;
}

static const struct fake_step unsure_and_set_back[] = {
    AT(100, FAKE_DO, .act = set_back_100_s, .with = true),
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};

static void
absent_does_not_count_when_the_clock_went_back_behind_the_request(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_QUERYABLE);

	w->fake.scripts[0] = unsure_and_set_back;
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
}

static void
the_carriers_memory_is_not_longer_for_a_clock_that_was_set_back(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_QUERYABLE);

	/* 22 s after the request, says the wall. */
	w->fake.scripts[0] = unsure_and_set_back;
	w->fake.terms.memory_ms = 100 * SECOND;
	w->fake.look_ms = 120 * SECOND;
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_string_equal(world_story(w, id), "ADMIT ARM DOUBT PARK");
}

static bool
change_account(void *arg)
{
	struct world *w = arg;

	(void)strcpy(w->fake.terms.account, "account-2");
	return true;
}

static void
another_account_cannot_be_asked(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = change_account), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_NAMED);

	w->fake.scripts[0] = script;
	world_drain(w);
	parked(w, id, JOB_REASON_ACCOUNT);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
}

/* --- the same key again --- */

static void
a_keyed_request_is_made_again_with_the_same_key(void **state)
{
	struct world *w = *state;

	w->limits = "max_call: 60s, ring: 10s, per_number_per_day: 1, "
		    "min_gap: 10m";
	int64_t id = opened(w, CARRIER_KEYED);

	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	/* our own dial does not stand in its way, whatever the caps */
	assert_string_equal(
	    world_story(w, id), "ADMIT ARM DOUBT RESEND PLACE ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "dial"), 2);
	assert_string_equal(fake_nth(&w->fake, "dial", 0)->key,
	    fake_nth(&w->fake, "dial", 1)->key);
	assert_int_equal(fake_nth(&w->fake, "dial", 0)->event_seq,
	    fake_nth(&w->fake, "dial", 1)->event_seq);
	assert_int_equal(world_attempt(w, id, 1).resends, 1);
	assert_int_equal(world_job(w, id).tries, 1);
}

static void
the_same_key_is_sent_three_times_more_and_then_looked_up(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 1";
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[1] = unsure;
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 4);
	assert_int_equal(world_attempt(w, id, 1).resends, 3);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	assert_int_equal(fake_count(&w->fake, "lookup"), 2);
	/* the settle time begins with the last request */
	assert_true(fake_nth(&w->fake, "lookup", 0)->at_ms >=
		    fake_nth(&w->fake, "dial", 3)->at_ms + 100 + 2500);
}

static void
a_refusal_of_the_repetition_says_nothing_of_the_first_request(void **state)
{
	static const struct fake_step never[] = {AT(100, FAKE_NEVER), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[1] = never;
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ENDED);
}

static enum err_code
pause_campaign(struct world *w, struct journal *j, struct err *err)
{
	bool changed;

	(void)w;
	return journal_pause(j, "spring", "ana", "because", &changed, err);
}

static enum err_code
list_number(struct world *w, struct journal *j, struct err *err)
{
	bool added;

	(void)w;
	return journal_dnc_put(
	    j, 15125550100, 1, "ana", "because", &added, err);
}

static enum err_code
put_cancel(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;

	(void)w;
	return journal_inbox_put(j, "ana", "cancel-1", 256 + 1,
	    JOURNAL_MSG_CANCEL, NULL, &added, err);
}

static bool
pause_now(void *arg)
{
	world_send(arg, pause_campaign);
	return true;
}

static bool
list_now(void *arg)
{
	world_send(arg, list_number);
	return true;
}

static bool
cancel_now(void *arg)
{
	world_send(arg, put_cancel);
	return true;
}

/* Something happens between the request and its answer. */
static int64_t
doubted_while(struct world *w, bool (*act)(void *arg))
{
	struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = act), AT(100, FAKE_UNKNOWN), {0}};
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[0] = script;
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(fake_count(&w->fake, "lookup"), 2);
	assert_int_equal(world_attempt(w, id, 1).resends, 0);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	/* a gate that said no once is not asked until it says yes */
	assert_true(fake_nth(&w->fake, "lookup", 0)->at_ms <
		    world_attempt(w, id, 1).armed_ms + 5 * MINUTE);
	return id;
}

static void
a_pause_stops_the_repetition(void **state)
{
	struct world *w = *state;
	int64_t id = doubted_while(w, pause_now);

	assert_int_equal(world_job(w, id).state, JOB_READY);
}

static void
the_do_not_call_list_stops_the_repetition(void **state)
{
	struct world *w = *state;
	int64_t id = doubted_while(w, list_now);

	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_NETWORK);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_DNC);
}

static void
a_cancel_stops_the_repetition(void **state)
{
	struct world *w = *state;
	int64_t id = doubted_while(w, cancel_now);

	JOB_IS(w, id, JOB_CANCELLED, JOB_OUTCOME_NETWORK);
}

static bool
set_ahead(void *arg)
{
	struct world *w = arg;

	w->env->wall_offset_ms = MINUTE;
	return true;
}

static bool
set_right(void *arg)
{
	struct world *w = arg;

	w->env->wall_offset_ms = 0;
	return true;
}

/* Neither may "absent" count then.  The carrier is asked now and then, until
 * it may have forgotten. */
static void
a_clock_that_jumped_stops_the_repetition_and_proves_nothing(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = set_ahead), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[0] = script;
	w->fake.terms.memory_ms = 10 * MINUTE;
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_string_equal(world_story(w, id), "ADMIT ARM DOUBT LOOK PARK");
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(world_attempt(w, id, 1).resends, 0);
	assert_true(fake_count(&w->fake, "lookup") <= 11);
}

/* It was set right: asked once more, the carrier is believed. */
static void
a_clock_that_is_right_again_proves(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = set_ahead), AT(100, FAKE_UNKNOWN),
	    AT(5 * MINUTE, FAKE_DO, .act = set_right), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_NAMED);

	w->fake.scripts[0] = script;
	world_drain(w);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_true(fake_count(&w->fake, "lookup") > 2);
	assert_true(fake_nth(&w->fake, "dial", 1)->at_ms >=
		    fake_nth(&w->fake, "dial", 0)->at_ms + 4 * MINUTE);
}

static void
nothing_is_repeated_through_another_account(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = change_account), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[0] = script;
	world_drain(w);
	parked(w, id, JOB_REASON_ACCOUNT);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(world_attempt(w, id, 1).resends, 0);
}

static void
nothing_is_repeated_once_its_time_or_the_key_is_over(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 1";
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.terms.key_window_ms = 2600;
	world_drain(w);
	assert_int_equal(world_attempt(w, id, 1).resends, 0);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
}

static bool
let_time_pass(void *arg)
{
	struct world *w = arg;

	w->env->origin_ms += 11 * MINUTE;
	return true;
}

static void
nothing_is_repeated_after_dial_until(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = let_time_pass), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;

	w->retry = "max_attempts: 1";
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[0] = script;
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(world_attempt(w, id, 1).resends, 0);
}

/* Its key may be over by days. */
static void
nothing_is_repeated_once_the_clock_was_set_back(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_KEYED);

	w->fake.scripts[0] = unsure_and_set_back;
	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(world_attempt(w, id, 1).resends, 0);
}

/* Else a machine that sleeps between our word and the request's first byte
 * would wake up and ring a second time. */
static void
what_is_repeated_is_not_sent_once_its_key_is_over(void **state)
{
	struct world *w = *state;

	(void)opened(w, CARRIER_KEYED);
	w->fake.terms.key_window_ms = 60 * SECOND;
	world_drain(w);
	const struct fake_did *first = fake_nth(&w->fake, "dial", 0);
	const struct fake_did *again = fake_nth(&w->fake, "dial", 1);

	assert_string_equal(again->key, first->key);
	assert_true(first->left_ms > 60 * SECOND);
	assert_true(again->left_ms > 0);
	assert_true(
	    again->at_ms + again->left_ms <= first->at_ms + 60 * SECOND);
}

/* --- carriers that cannot be asked --- */

static void
a_callback_is_awaited_for_the_longest_call_and_then_parked(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_CALLBACK);

	world_drain(w);
	parked(w, id, JOB_REASON_DEADLINE);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
	assert_true(env_now_ms(w->env) >=
		    fake_nth(&w->fake, "dial", 0)->at_ms + 2500 + 60000);
}

/* It is not over the moment it began. */
static void
a_call_lasts_though_its_carriers_clock_is_an_hour_behind(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_CALLBACK);

	w->fake.behind_ms = HOUR;
	w->fake.scripts[0] = completed;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
a_callback_in_time_ends_the_doubt(void **state)
{
	static const struct fake_step script[] = {AT(100, FAKE_UNKNOWN),
	    AT(2000, FAKE_RING, .told = true),
	    AT(30000, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY, .told = true),
	    {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_CALLBACK);

	w->fake.terms.agent_is_ours = false;
	w->fake.scripts[0] = script;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_BUSY);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ENDED);
	assert_int_equal(fake_count(&w->fake, "taken"), 2);
}

static void
a_blind_carrier_leaves_it_to_a_person_at_once(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_BLIND);

	world_drain(w);
	parked(w, id, JOB_REASON_BLIND);
	assert_string_equal(world_story(w, id), "ADMIT ARM DOUBT PARK");
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
}

static bool
stand_still(void *arg)
{
	struct world *w = arg;

	w->env->origin_ms += 5 * MINUTE;
	return true;
}

/* Its process stood still between arming it and sending it. */
static void
a_parked_call_holds_its_slot_from_when_its_request_may_have_left(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = stand_still), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_BLIND);

	w->fake.scripts[0] = script;
	world_drain(w);
	parked(w, id, JOB_REASON_BLIND);
	assert_true(world_attempt(w, id, 1).slot_until_ms >=
		    world_attempt(w, id, 1).armed_ms + 5 * MINUTE + 72500);
}

static void
no_request_leaves_behind_dial_until(void **state)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = let_time_pass), AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_BLIND);
	struct journal_attempt a;

	w->fake.scripts[0] = script;
	world_drain(w);
	a = world_attempt(w, id, 1);
	assert_int_equal(a.slot_until_ms, a.dial_until_ms + 72500);
}

static void
a_parked_job_is_told_to_people_once(void **state)
{
	struct world *w = *state;
	int64_t id = opened(w, CARRIER_BLIND);

	world_drain(w);
	parked(w, id, JOB_REASON_BLIND);
	world_drain(w);
	assert_string_equal(w->attention, "");
	assert_int_equal(w->p.parked, 0);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(absent_twice_after_the_settle_time_allows_another_attempt),
	    T(absent_on_the_last_try_fails_the_job),
	    T(the_network_row_spaces_the_attempts_out),
	    T(absent_once_and_then_found_is_found),
	    T(a_call_found_live_is_hung_up_where_we_should_speak),
	    T(a_call_found_live_goes_on_where_the_carriers_agent_speaks),
	    T(a_lookup_that_fails_is_made_again_and_proves_nothing),
	    T(lookups_that_fail_until_the_deadline_park_the_job),
	    T(a_carrier_that_does_not_answer_is_asked_ever_more_seldom),
	    T(absent_does_not_count_once_the_carrier_may_have_forgotten),
	    T(absent_does_not_count_when_the_clock_went_back_behind_the_request),
	    T(the_carriers_memory_is_not_longer_for_a_clock_that_was_set_back),
	    T(another_account_cannot_be_asked),
	    T(a_keyed_request_is_made_again_with_the_same_key),
	    T(the_same_key_is_sent_three_times_more_and_then_looked_up),
	    T(a_refusal_of_the_repetition_says_nothing_of_the_first_request),
	    T(a_pause_stops_the_repetition),
	    T(the_do_not_call_list_stops_the_repetition),
	    T(a_cancel_stops_the_repetition),
	    T(a_clock_that_jumped_stops_the_repetition_and_proves_nothing),
	    T(a_clock_that_is_right_again_proves),
	    T(nothing_is_repeated_through_another_account),
	    T(nothing_is_repeated_once_its_time_or_the_key_is_over),
	    T(nothing_is_repeated_after_dial_until),
	    T(nothing_is_repeated_once_the_clock_was_set_back),
	    T(what_is_repeated_is_not_sent_once_its_key_is_over),
	    T(a_call_lasts_though_its_carriers_clock_is_an_hour_behind),
	    T(a_callback_is_awaited_for_the_longest_call_and_then_parked),
	    T(a_callback_in_time_ends_the_doubt),
	    T(a_blind_carrier_leaves_it_to_a_person_at_once),
	    T(a_parked_call_holds_its_slot_from_when_its_request_may_have_left),
	    T(no_request_leaves_behind_dial_until),
	    T(a_parked_job_is_told_to_people_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
