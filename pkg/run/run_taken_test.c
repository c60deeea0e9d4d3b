#include "journal/journal_fault_test.h"
#include "run/run_world_test.h"

/*
 * Owners that die by SIGKILL with an attempt in hand, in each state and for
 * each class of carrier, and the run that takes over.
 */

/* In a child: the script, until the first attempt is durably in w->until. */
static void
live_until_death(struct world *w)
{
	struct fake_step scripts[][5] = {
	    [ATTEMPT_INTENT] = {AT(10, FAKE_DO, .act = world_die)},
	    [ATTEMPT_UNKNOWN] = {AT(10, FAKE_UNKNOWN),
		AT(20, FAKE_DO, .act = world_die)},
	    [ATTEMPT_PLACED] = {AT(10, FAKE_PLACED),
		AT(20, FAKE_DO, .act = world_die)},
	    [ATTEMPT_RINGING] = {AT(10, FAKE_PLACED), AT(20, FAKE_RING),
		AT(30, FAKE_DO, .act = world_die)},
	    [ATTEMPT_ANSWERED] = {AT(10, FAKE_PLACED), AT(20, FAKE_ANSWER),
		AT(30, FAKE_DO, .act = world_die)}};

	w->fake.look_ms = 4 * HOUR; /* no further than UNKNOWN */
	w->fake.scripts[0] = scripts[w->until];
	world_drain(w);
}

static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(8000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
static int64_t
died_in(struct world *w, enum carrier_class cls, enum attempt_state state)
{
	w->cls = cls;
	w->until = state;
	world_open(w);
	int64_t id = JOB(w, .id = "a", .org = "clinic");

	world_was_killed(world_child(w, live_until_death));
	ATTEMPT_IS(w, id, 1, state);
	assert_int_equal(world_job(w, id).state, JOB_HELD);
	w->fake.scripts[0] = completed;
	return id;
}

static void
was_hung_up(struct world *w, int64_t id)
{
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
	assert_string_equal(fake_nth(&w->fake, "hangup", 0)->what,
	    world_attempt(w, id, 1).carrier_call);
}

/* --- died with a request that may have left --- */

static void
an_intent_of_the_dead_becomes_unknown_and_is_looked_up_twice(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_INTENT);
	int64_t began_ms = env_now_ms(w->env);

	world_drain(w);
	assert_string_equal(world_story(w, id),
	    "ADMIT ARM OWNER_DEAD SETTLE LOOK VANISH DUE ARM PLACE END");
	/* settle begins with the one who took over, by the stored terms */
	assert_true(fake_nth(&w->fake, "lookup", 0)->at_ms >= began_ms + 2500);
	assert_true(fake_nth(&w->fake, "lookup", 1)->at_ms >=
		    fake_nth(&w->fake, "lookup", 0)->at_ms + 500);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(w->p.recovered, 1);
	assert_int_equal(world_job(w, id).tries, 2);
}

/* In a child: told everything at once, and dead after so many of its steps. */
static void
die_among_steps(void *arg, const char *name)
{
	struct world *w = arg;

	if (strcmp(name, "run.step.stage") == 0 && --w->number == 0)
		(void)kill(getpid(), SIGKILL);
}

static void
live_told_at_once(struct world *w)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_PLACED, .with = true), AT(10, FAKE_RING, .with = true),
	    AT(10, FAKE_ANSWER, .with = true),
	    AT(10, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

	w->fake.scripts[0] = script;
	crash_hook(die_among_steps, w);
	world_drain(w);
}

static void
a_death_among_steps_of_one_transaction_leaves_none_of_them(void **state)
{
	struct world *w = *state;

	world_open(w);
	for (int64_t n = 1; n <= 3; n++) {
		int64_t id = JOB(w);

		w->number = n;
		world_was_killed(world_child(w, live_told_at_once));
		assert_string_equal(world_story(w, id), "ADMIT ARM");
		ATTEMPT_IS(w, id, 1, ATTEMPT_INTENT);
		FAKE_FOUND(&w->fake, FAKE_IS_OVER);
		world_drain(w);
		assert_string_equal(world_story(w, id),
		    "ADMIT ARM OWNER_DEAD SETTLE PLACE ANSWER END");
		JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
		assert_int_equal(fake_count(&w->fake, "dial"), 0);
	}
}

static void
an_intent_of_the_dead_that_rang_is_found(void **state)
{
	struct world *w = *state;
	int64_t id;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_INTENT);
	FAKE_FOUND(&w->fake, FAKE_IS_RINGING, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	was_hung_up(w, id);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(world_job(w, id).tries, 1);
}

/* A hang-up may be lost: whom the carrier still finds alive is hung up again.
 */
static void
a_call_that_lives_on_is_hung_up_again(void **state)
{
	struct world *w = *state;
	int64_t id;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_ANSWERED);
	w->fake.ignores_hangup = true;
	FAKE_FOUND(&w->fake, FAKE_IS_RINGING, FAKE_IS_RINGING, FAKE_IS_RINGING,
	    FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 3);
}

static void
a_keyed_request_of_the_dead_is_made_again(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_KEYED, ATTEMPT_INTENT);
	struct journal_attempt a = world_attempt(w, id, 1);
	char key[FAKE_KEY];

	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	(void)text_hex(a.key, SHA256_BYTES, key);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_string_equal(fake_nth(&w->fake, "dial", 0)->key, key);
	/* it names the event that the dead one's request named */
	assert_int_equal(fake_nth(&w->fake, "dial", 0)->event_seq, 2);
	assert_string_equal(world_story(w, id),
	    "ADMIT ARM OWNER_DEAD SETTLE RESEND PLACE ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
what_a_callback_would_tell_is_awaited_after_a_death(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_CALLBACK, ATTEMPT_INTENT);
	int64_t began_ms = env_now_ms(w->env);

	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_DEADLINE);
	assert_true(env_now_ms(w->env) >= began_ms + 2500 + 60000);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
}

static void
a_blind_request_of_the_dead_is_parked(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_BLIND, ATTEMPT_INTENT);

	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_BLIND);
	assert_string_equal(
	    world_story(w, id), "ADMIT ARM OWNER_DEAD SETTLE PARK");
	assert_string_equal(w->attention, "parked #1-1\n");
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static void
a_settle_time_begins_anew_with_who_takes_over(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_UNKNOWN);
	int64_t began_ms = env_now_ms(w->env);

	assert_true(world_attempt(w, id, 1).settle_boot_ms > 0);
	world_drain(w);
	assert_true(fake_nth(&w->fake, "lookup", 0)->at_ms >= began_ms + 2500);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
another_account_than_the_deads_parks_the_job(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_INTENT);

	(void)strcpy(w->fake.terms.account, "account-2");
	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_ACCOUNT);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
}

static void
a_carrier_that_is_gone_parks_the_job(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_INTENT);

	w->o.carrier_count = 0;
	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CARRIER);
}

/* --- died with a call that was there --- */

static void
a_live_call_of_the_dead_is_hung_up_and_interrupted(void **state)
{
	static const enum attempt_state states[] = {
	    ATTEMPT_PLACED, ATTEMPT_RINGING, ATTEMPT_ANSWERED};
	static const char *const stories[] = {
	    "ADMIT ARM PLACE OWNER_DEAD ANSWER END",
	    "ADMIT ARM PLACE RING OWNER_DEAD ANSWER END",
	    "ADMIT ARM PLACE ANSWER OWNER_DEAD END"};
	struct world *w = *state;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		w->until = states[i];
		if (i == 0)
			world_open(w);
		int64_t id = JOB(w, .org = "clinic");

		world_was_killed(world_child(w, live_until_death));
		ATTEMPT_IS(w, id, 1, states[i]);
		FAKE_FOUND(&w->fake, FAKE_IS_ANSWERED, FAKE_IS_OVER);
		world_drain(w);
		JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
		assert_string_equal(world_story(w, id), stories[i]);
		was_hung_up(w, id);
		assert_int_equal(w->p.recovered, 1);
		assert_int_equal(w->p.outcomes[JOB_OUTCOME_INTERRUPTED], 1);
	}
}

static void
a_call_of_the_dead_that_ended_meanwhile_ends_as_found(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_RINGING);

	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
	assert_int_equal(fake_count(&w->fake, "lookup"), 1);
	struct journal_attempt a = world_attempt(w, id, 1);

	assert_int_equal(a.answered_ms, a.armed_ms + 200);
	assert_true(a.ended_ms >= a.answered_ms);
}

static void
an_interrupted_call_goes_by_its_row(void **state)
{
	struct world *w = *state;

	w->retry = "max_attempts: 2, interrupted: {after: 2h, jitter: none}";
	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_ANSWERED);

	FAKE_FOUND(&w->fake, FAKE_IS_ANSWERED, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_QUEUED, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(world_job(w, id).tries, 1);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_LADDER);
	assert_true(world_job(w, id).not_before_ms >=
		    world_attempt(w, id, 1).ended_ms + 2 * HOUR);
}

static void
a_call_that_is_never_found_is_interrupted_at_its_longest_time(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_PLACED);
	struct journal_attempt before = world_attempt(w, id, 1);

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_true(world_attempt(w, id, 1).ended_ms >=
		    before.placed_ms + 10000 + 60000);
	/* asked until then */
	assert_true(fake_count(&w->fake, "lookup") >= 1);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static void
a_lookup_that_fails_is_no_news_of_a_call(void **state)
{
	struct world *w = *state;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	int64_t id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_PLACED);

	FAKE_FOUND(&w->fake, FAKE_FAILS, FAKE_FAILS, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "lookup"), 3);
	assert_true(fake_nth(&w->fake, "lookup", 1)->at_ms >=
		    fake_nth(&w->fake, "lookup", 0)->at_ms + 2000);
}

static void
a_call_of_a_carrier_that_cannot_be_asked_is_hung_up_at_once(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_BLIND, ATTEMPT_ANSWERED);

	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
	was_hung_up(w, id);
}

static void
a_call_of_another_account_waits_for_a_person_or_its_longest_time(void **state)
{
	struct world *w = *state;
	int64_t id;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_PLACED);
	(void)strcpy(w->fake.terms.account, "account-2");
	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_ACCOUNT);
	/* Once it must be over, nobody need be asked. */
	w->until = ATTEMPT_PLACED;
	id = JOB(w, .id = "b");
	world_was_killed(world_child(w, live_until_death));
	(void)strcpy(w->fake.terms.account, "account-2");
	w->env->origin_ms += 3 * HOUR;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
}

static void
a_call_of_a_carrier_that_is_gone_ends_at_its_longest_time(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_RINGING);

	w->o.carrier_count = 0;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
}

/* By a clock that was set ahead it is over; it may speak to nobody for an hour,
 * and the number be called beside it. */
static void
a_call_that_lives_behind_its_longest_time_is_hung_up(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_QUERYABLE, ATTEMPT_PLACED);

	FAKE_FOUND(&w->fake, FAKE_IS_ANSWERED);
	w->env->origin_ms += 3 * HOUR;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 1);
}

/* By the wall clock it has hardly begun; that clock was set back. */
static void
a_clock_set_back_does_not_make_a_call_longer(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_BLIND, ATTEMPT_PLACED);
	int64_t taken_ms = env_boot_ms(w->env);

	w->env->wall_offset_ms = -HOUR;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_true(env_boot_ms(w->env) >= taken_ms + 10000 + 60000);
	assert_true(env_boot_ms(w->env) < taken_ms + HOUR / 2);
}

static void
live_unnamed_until_death(struct world *w)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_LIVE), AT(20, FAKE_DO, .act = world_die)};

	w->fake.scripts[0] = script;
	world_drain(w);
}

/* Only the ear told of it: without its name it cannot be hung up. */
static void
a_call_without_a_name_is_not_hung_up(void **state)
{
	struct world *w = *state;

	w->cls = CARRIER_BLIND;
	w->until = ATTEMPT_PLACED;
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	world_was_killed(world_child(w, live_unnamed_until_death));
	ATTEMPT_IS(w, id, 1, ATTEMPT_PLACED);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
}

static void
a_settle_time_begins_anew_after_a_reboot(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_UNKNOWN);
	int64_t began_ms = env_now_ms(w->env);

	w->env->boot_id[0] ^= 1;
	world_drain(w);
	assert_true(fake_nth(&w->fake, "lookup", 0)->at_ms >= began_ms + 2500);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
}

static void
a_job_of_a_kind_that_is_gone_fails_when_its_call_vanished(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_INTENT);

	w->conf->kind_count = 0;
	world_drain(w);
	w->conf->kind_count = 1;
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	JOB_IS(w, id, JOB_FAILED, JOB_OUTCOME_NETWORK);
}

static void
on_file(struct world *w, const char *sql)
{
	char *path = mem_printf("%s/data/journal.db", w->dir);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	mem_free(&path);
}

/* The others go on, with terms of their own; the next run tries again. */
static void
an_attempt_whose_terms_cannot_be_read_is_left_for_the_next_run(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_INTENT);
	int64_t other = JOB(w, .id = "b");

	on_file(w, "CREATE TABLE kept AS SELECT * FROM terms;"
		   "UPDATE terms SET text='{' || id");
	world_drain(w);
	JOB_IS(w, id, JOB_HELD, JOB_OUTCOME_NONE);
	JOB_IS(w, other, JOB_DONE, JOB_OUTCOME_COMPLETED);
	on_file(w,
	    "UPDATE terms SET text=(SELECT ' ' || k.text FROM kept k WHERE "
	    "k.id=terms.id) WHERE id IN (SELECT id FROM kept);"
	    "DROP TABLE kept");
	int64_t origin_ms = w->env->origin_ms;

	world_shut(w);
	world_reopen(w, origin_ms);
	w->fake.scripts[0] = completed;
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static bool
tell_over(void *arg)
{
	struct world *w = arg;
	char key[FAKE_KEY];

	(void)text_hex(world_attempt(w, 1, 1).key, SHA256_BYTES, key);
	fake_tell_key(
	    &w->fake, key, NULL, CARRIER_STAGE_ENDED, JOB_OUTCOME_VOICEMAIL);
	return true;
}

static void
a_callback_after_the_death_ends_the_call_as_told(void **state)
{
	static const struct fake_step other[] = {
	    AT(10, FAKE_DO, .act = tell_over), AT(100, FAKE_PLACED),
	    AT(200, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct world *w = *state;

	w->limits = "max_call: 1h, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	w->cls = CARRIER_CALLBACK;
	w->until = ATTEMPT_PLACED;
	world_open(w);
	int64_t id = JOB(w, .id = "a");

	world_was_killed(world_child(w, live_until_death));
	(void)JOB(w, .id = "b");
	w->fake.scripts[0] = other;
	world_drain(w);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ENDED);
	assert_int_equal(fake_count(&w->fake, "taken"), 1);
	assert_true(world_attempt(w, id, 1).ended_ms <
		    world_attempt(w, id, 1).placed_ms + HOUR);
}

/* --- several deaths --- */

static void
drain_and_die_again(struct world *w)
{
	w->fake.look_ms = 4 * HOUR;
	crash_hook(world_die_at, mem_strdup("run.lookup.before"));
	world_drain(w);
}

static void
deaths_while_recovering_change_nothing(void **state)
{
	struct world *w = *state;
	int64_t id = died_in(w, CARRIER_NAMED, ATTEMPT_INTENT);

	for (int i = 0; i < 3; i++)
		world_was_killed(world_child(w, drain_and_die_again));
	w->fake.scripts[0] = completed;
	world_drain(w);
	ATTEMPT_IS(w, id, 1, ATTEMPT_ABSENT);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	/* each found out anew, none dialled without two lookups of its own */
	assert_string_equal(world_story(w, id),
	    "ADMIT ARM OWNER_DEAD SETTLE OWNER_DEAD SETTLE OWNER_DEAD SETTLE "
	    "OWNER_DEAD SETTLE LOOK VANISH DUE ARM PLACE END");
	assert_int_equal(fake_count(&w->fake, "lookup"), 2);
}

static void
arm_three_and_die(struct world *w)
{
	static const struct fake_step hang[] = {
	    AT(20, FAKE_DO, .act = world_die), {0}};

	w->until = ATTEMPT_INTENT;
	w->fake.scripts[0] = hang;
	world_drain(w);
}

static void
everything_of_a_dead_owner_is_taken_over_at_once(void **state)
{
	struct world *w = *state;

	w->cls = CARRIER_BLIND;
	world_open(w);
	int64_t ids[3] = {
	    JOB(w, .id = "a"), JOB(w, .id = "b"), JOB(w, .id = "c")};

	world_was_killed(world_child(w, arm_three_and_die));
	world_drain(w);
	assert_int_equal(w->p.recovered, 3);
	assert_int_equal(w->p.parked, 3);
	for (int i = 0; i < 3; i++)
		JOB_IS(w, ids[i], JOB_PARKED, JOB_OUTCOME_NONE);
	/* there is no dead owner left */
	world_drain(w);
	assert_int_equal(w->p.recovered, 0);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(an_intent_of_the_dead_becomes_unknown_and_is_looked_up_twice),
	    T(a_death_among_steps_of_one_transaction_leaves_none_of_them),
	    T(an_intent_of_the_dead_that_rang_is_found),
	    T(a_call_that_lives_on_is_hung_up_again),
	    T(a_keyed_request_of_the_dead_is_made_again),
	    T(what_a_callback_would_tell_is_awaited_after_a_death),
	    T(a_blind_request_of_the_dead_is_parked),
	    T(a_settle_time_begins_anew_with_who_takes_over),
	    T(another_account_than_the_deads_parks_the_job),
	    T(a_carrier_that_is_gone_parks_the_job),
	    T(a_live_call_of_the_dead_is_hung_up_and_interrupted),
	    T(a_call_of_the_dead_that_ended_meanwhile_ends_as_found),
	    T(an_interrupted_call_goes_by_its_row),
	    T(a_call_that_is_never_found_is_interrupted_at_its_longest_time),
	    T(a_lookup_that_fails_is_no_news_of_a_call),
	    T(a_call_of_a_carrier_that_cannot_be_asked_is_hung_up_at_once),
	    T(a_call_of_another_account_waits_for_a_person_or_its_longest_time),
	    T(a_call_of_a_carrier_that_is_gone_ends_at_its_longest_time),
	    T(a_call_that_lives_behind_its_longest_time_is_hung_up),
	    T(a_clock_set_back_does_not_make_a_call_longer),
	    T(a_call_without_a_name_is_not_hung_up),
	    T(a_settle_time_begins_anew_after_a_reboot),
	    T(a_job_of_a_kind_that_is_gone_fails_when_its_call_vanished),
	    T(an_attempt_whose_terms_cannot_be_read_is_left_for_the_next_run),
	    T(a_callback_after_the_death_ends_the_call_as_told),
	    T(deaths_while_recovering_change_nothing),
	    T(everything_of_a_dead_owner_is_taken_over_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
