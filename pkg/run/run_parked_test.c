#include "journal/journal_lease.h"
#include "run/run_decide.h"
#include "run/run_world_test.h"

/*
 * Jobs that park again, or that somebody else has meanwhile: who is told, and
 * what a person's word leads to.
 */

/* Three processes died with it in hand, and nothing was sent. */
static void
parked_by_crashes(struct world *w, int64_t id)
{
	for (int i = 0; i < 3; i++)
		world_was_killed(world_child(w, world_claim_and_die));
	world_drain(w);
	JOB_IS(w, id, JOB_PARKED, JOB_OUTCOME_NONE);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_CRASHES);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

static struct run_decision
resolved(struct world *w, enum run_decide_verb verb, int64_t id)
{
	struct run_decide_ask ask = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = verb,
	    .by = "ana",
	    .reason = "it was the disk"};
	struct run_decision d = {.job = id};

	OK(run_decide(&ask, &d, 1, &w->err));
	assert_int_equal(d.result, RUN_DECIDE_DONE);
	return d;
}

static void
a_job_that_kills_again_once_it_was_resolved_is_told_again(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .id = "a");

	parked_by_crashes(w, id);
	assert_string_equal(w->attention, "parked #1-1\n");
	world_drain(w);
	assert_string_equal(w->attention, "");
	assert_int_equal(resolved(w, RUN_DECIDE_ABSENT, id).state, JOB_QUEUED);
	assert_int_equal(world_job(w, id).crashes, 0);
	parked_by_crashes(w, id);
	assert_string_equal(w->attention, "parked #1-1\n");
	assert_int_equal(w->p.parked, 1);
}

static enum err_code
took_it_back(struct world *w, struct journal *j, struct err *err)
{
	enum err_code code = journal_lease_new(j, 1, "bull:calls", "lease-1",
	    false, env_now_ms(w->env) + HOUR, err);

	return code == ERR_NONE ? journal_lease_away(j, 1, err) : code;
}

static void
a_job_parked_by_crashes_that_its_queue_has_is_left_to_it(void **state)
{
	struct world *w = *state;

	world_open(w);
	int64_t id = JOB(w, .id = "a");

	parked_by_crashes(w, id);
	world_now(w, took_it_back);
	/* It never rang here, and one call there is enough. */
	assert_int_equal(resolved(w, RUN_DECIDE_ABSENT, id).state, JOB_FAILED);
	assert_int_equal(world_job(w, id).reason, JOB_REASON_AWAY);
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 0);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_job_that_kills_again_once_it_was_resolved_is_told_again),
	    T(a_job_parked_by_crashes_that_its_queue_has_is_left_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
