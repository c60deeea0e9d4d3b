#include "journal/journal_copy.h"
#include "run/run_world_test.h"

/*
 * A journal that was restored or adopted: it may not know of calls that were
 * placed, so every key is asked for before it is used.
 */

static const struct fake_step calls[] = {AT(100, FAKE_PLACED),
    AT(20 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

/* One job, and the journal adopted after it. */
static int64_t
adopted(struct world *w, enum carrier_class cls)
{
	char *dir = mem_printf("%s/data", w->dir);
	int64_t origin_ms = w->env->origin_ms;

	w->cls = cls;
	world_open(w);
	int64_t id = JOB(
	    w, .id = "a", .org = "clinic", .opened_ms = WORLD_START_MS - HOUR);
	struct journal_restore_options o = {.env = w->env,
	    .dir = dir,
	    .by = "ana",
	    .reason = "moved",
	    .build_ms = 1000};

	journal_close(&w->j);
	OK(journal_restore(&o, &w->err));
	world_shut(w);
	world_reopen(w, origin_ms);
	assert_true(journal_is_fresh(w->j));
	w->fake.scripts[0] = calls;
	mem_free(&dir);
	return id;
}

static void
a_key_is_asked_for_before_it_is_used(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_NAMED);
	int64_t opened_ms = journal_opened_ms(w->j);

	world_drain(w);
	assert_string_equal(world_story(w, id), "ADMIT CLAIM ARM PLACE END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	const struct fake_did *asked = fake_nth(&w->fake, "lookup", 0);
	const struct fake_did *dial = fake_nth(&w->fake, "dial", 0);

	assert_string_equal(asked->key, dial->key);
	assert_true(asked->at_ms <= dial->at_ms - 50);
	/* what was in flight when the other life ended has settled */
	assert_true(asked->at_ms >= opened_ms + 2500);
	assert_int_equal(fake_count(&w->fake, "lookup"), 1);
}

static void
a_call_of_the_other_life_is_taken_as_it_ended(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_QUERYABLE);

	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	assert_string_equal(
	    world_story(w, id), "ADMIT CLAIM ARM PLACE ANSWER END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(world_job(w, id).tries, 1);
	/* its request was that life's: nobody here allowed it */
	assert_int_equal(world_attempt(w, id, 1).dial_until_ms, 0);
	assert_int_equal(world_found(w, "out/results.jsonl", "\n"), 1);
}

static void
a_call_of_the_other_life_that_lives_is_hung_up(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_KEYED);

	FAKE_FOUND(&w->fake, FAKE_IS_ANSWERED, FAKE_IS_ANSWERED, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_INTERRUPTED);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(fake_count(&w->fake, "hangup"), 2);
	/* it is asked about again, not awaited for its longest time */
	assert_int_equal(fake_count(&w->fake, "lookup"), 3);
}

static void
nothing_is_dialled_before_the_question_is_answered(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_QUERYABLE);

	FAKE_FOUND(&w->fake, FAKE_FAILS, FAKE_FAILS, FAKE_ABSENT);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "lookup"), 3);
	assert_true(fake_nth(&w->fake, "lookup", 2)->at_ms >=
		    fake_nth(&w->fake, "lookup", 1)->at_ms + 2000);
	assert_true(fake_nth(&w->fake, "dial", 0)->at_ms >
		    fake_nth(&w->fake, "lookup", 2)->at_ms);
}

static void
was_parked(struct world *w, int64_t id)
{
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_RESTORED);
	assert_string_equal(world_story(w, id), "ADMIT PARK");
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
	assert_int_equal(w->p.parked, 1);
	assert_string_equal(w->attention, "parked #1\n");
}

static void
who_cannot_ask_leaves_a_job_to_a_person(void **state)
{
	struct world *w = *state;

	int64_t id = adopted(w, CARRIER_CALLBACK);

	world_drain(w);
	was_parked(w, id);
}

static void
neither_can_who_is_blind(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_BLIND);

	world_drain(w);
	was_parked(w, id);
}

/* Nobody can say how long ago the other life called. */
static void
neither_can_who_asks_by_a_clock_that_went_back(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_QUERYABLE);

	w->env->origin_ms -= 2 * HOUR;
	world_drain(w);
	was_parked(w, id);
}

static void
a_job_made_after_the_restore_needs_no_question(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_CALLBACK);
	int64_t later = JOB(w, .opened_ms = env_now_ms(w->env) + HOUR);

	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	JOB_IS(w, later, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
}

/* Once the other life's call stands as armed, and before all that it did. */
static void
adopt_and_die(struct world *w)
{
	w->fake.terms.memory_ms = 20 * MINUTE;
	FAKE_FOUND(&w->fake, FAKE_IS_ANSWERED);
	crash_hook(world_die_at, mem_strdup("run.step.stage"));
	world_drain(w);
}

/* Nobody here knows until when it was allowed to leave: it may have now. */
static void
a_call_of_the_other_life_that_is_parked_holds_its_slot_from_then(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_QUERYABLE);
	int64_t before_ms;

	world_was_killed(world_child(w, adopt_and_die));
	ATTEMPT_IS(w, id, 1, ATTEMPT_INTENT);
	assert_int_equal(world_attempt(w, id, 1).dial_until_ms, 0);
	FAKE_FOUND(&w->fake, FAKE_FAILS);
	before_ms = env_now_ms(w->env);
	world_drain(w);
	ATTEMPT_IS(w, id, 1, ATTEMPT_PARKED);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_true(world_attempt(w, id, 1).slot_until_ms >=
		    before_ms + 2500 + 10 * SECOND + 60 * SECOND);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static enum err_code
accept(struct world *w, struct journal *j, struct err *err)
{
	(void)w;
	return journal_incarnation_accept(j, "ana", "looked", err);
}

static void
once_accepted_nobody_is_asked(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_BLIND);

	world_now(w, accept);
	world_drain(w);
	assert_string_equal(world_story(w, id), "ADMIT ARM PLACE END");
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_int_equal(fake_count(&w->fake, "lookup"), 0);
}

static void
a_soft_stop_gives_back_what_still_waits(void **state)
{
	struct world *w = *state;
	int64_t id = adopted(w, CARRIER_QUERYABLE);

	FAKE_FOUND(&w->fake, FAKE_FAILS);
	world_begin(w);
	world_for(w, 50);
	ATTEMPT_IS(w, id, 1, ATTEMPT_CLAIMED);
	run_stop(w->run, false);
	world_finish(w);
	assert_string_equal(world_story(w, id), "ADMIT CLAIM RELEASE");
	JOB_IS(w, id, JOB_READY, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).tries, 0);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_key_is_asked_for_before_it_is_used),
	    T(a_call_of_the_other_life_is_taken_as_it_ended),
	    T(a_call_of_the_other_life_that_lives_is_hung_up),
	    T(nothing_is_dialled_before_the_question_is_answered),
	    T(who_cannot_ask_leaves_a_job_to_a_person),
	    T(neither_can_who_is_blind),
	    T(neither_can_who_asks_by_a_clock_that_went_back),
	    T(a_job_made_after_the_restore_needs_no_question),
	    T(a_call_of_the_other_life_that_is_parked_holds_its_slot_from_then),
	    T(once_accepted_nobody_is_asked),
	    T(a_soft_stop_gives_back_what_still_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
