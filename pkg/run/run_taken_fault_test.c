#include "run/run_tale_test.h"

/*
 * What others left or tell, on a machine that fails: attempts of the dead, a
 * recording of theirs, notices, a cancel.
 */

#define LONG_CALLS "max_call: 1h, ring: 10s, per_number_per_day: 0, min_gap: 0s"

static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(3000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
static const struct fake_step unsure[] = {
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};
static const struct fake_step refused[] = {
    AT(100, FAKE_NEVER, .text = "bad-number"), {0}};

/* A child of this one died on the way: all is opened anew, for faults. */
static void
taken_up(struct world *w)
{
	fault_install(w->env);
	tale_anew(w);
	w->fake.scripts[0] = completed;
}

/* --- attempts of the dead --- */

static void
until_death(struct world *w)
{
	static const struct fake_step scripts[][4] = {
	    [ATTEMPT_INTENT] = {AT(10, FAKE_DO, .act = world_die)},
	    [ATTEMPT_RINGING] = {AT(10, FAKE_PLACED), AT(20, FAKE_RING),
		AT(30, FAKE_DO, .act = world_die)}};

	w->fake.scripts[0] = scripts[w->until];
	world_drain(w);
}

static void
died_in(struct world *w, enum attempt_state state)
{
	w->until = state;
	w->limits = LONG_CALLS;
	world_open(w);
	(void)JOB(w, .id = "a", .org = "clinic");
	world_was_killed(world_child(w, until_death));
	ATTEMPT_IS(w, 1, 1, state);
	taken_up(w);
}

static void
died_with_a_request_out(struct world *w)
{
	died_in(w, ATTEMPT_INTENT);
}

static void
died_while_it_rang(struct world *w)
{
	died_in(w, ATTEMPT_RINGING);
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
}

static void
claim_and_die(struct world *w)
{
	w->o.prepare = true;
	crash_hook(world_die_at, mem_strdup("run.claim.durable"));
	world_drain(w);
}

static enum err_code
put_cancel(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;

	(void)w;
	return journal_inbox_put(j, "ana", "cancel-1", 256 + 1,
	    JOURNAL_MSG_CANCEL, NULL, &added, err);
}

/* It goes back with its messages unread, and is taken again. */
static void
died_before_it_armed(struct world *w)
{
	world_open(w);
	(void)JOB(w, .id = "a");
	world_was_killed(world_child(w, claim_and_die));
	ATTEMPT_IS(w, 1, 1, ATTEMPT_CLAIMED);
	taken_up(w);
}

static void
cancelled_after_a_death(struct world *w)
{
	died_before_it_armed(w);
	world_now(w, put_cancel);
}

static bool
die_recorded(void *arg)
{
	struct world *w = arg;

	if (world_attempt(w, 1, 1).state == ATTEMPT_ANSWERED &&
	    world_found(w, "recordings/1-1.talk.jsonl", "opt_out") > 0) {
		cover_keep();
		(void)kill(getpid(), SIGKILL);
	}
	return false;
}

static void
talk_until_death(struct world *w)
{
	static const struct fake_step script[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER), AT(2000, FAKE_DO, .act = die_recorded), {0}};

	w->fake.media = true;
	w->fake.ignores_hangup = true;
	w->fake.scripts[0] = script;
	w->fake.words[0] = (struct fake_word){100, "Take me off your list."};
	world_drain(w);
}

static void
died_while_it_talked(struct world *w)
{
	w->with_model = true;
	w->limits = LONG_CALLS;
	world_open(w);
	(void)JOB(w, .id = "a");
	world_was_killed(world_child(w, talk_until_death));
	taken_up(w);
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
}

/* --- what carriers tell of what nobody holds --- */

static void
drained(struct world *w, enum carrier_class cls, const struct fake_step *script)
{
	w->cls = cls;
	w->limits = LONG_CALLS;
	world_open(w);
	w->fake.scripts[0] = script;
	(void)JOB(w, .id = "a", .org = "clinic");
	world_drain(w);
}

static void
told_of_a_parked_call(struct world *w)
{
	drained(w, CARRIER_BLIND, unsure);
	JOB_IS(w, 1, JOB_PARKED, JOB_OUTCOME_NONE);
	tale_tell_beside_another(w);
}

static void
told_of_a_refused_call(struct world *w)
{
	drained(w, CARRIER_NAMED, refused);
	JOB_IS(w, 1, JOB_FAILED, JOB_OUTCOME_REFUSED);
	tale_tell_beside_another(w);
}

static const struct tale tales[] = {
    {"died with a request out", died_with_a_request_out, 1, NULL},
    {"died while it rang", died_while_it_rang, 0, NULL},
    {"died before it armed", died_before_it_armed, 1, NULL},
    {"cancelled after a death", cancelled_after_a_death, 0, NULL},
    {"died while it talked", died_while_it_talked, 0, NULL},
    {"told of a parked call", told_of_a_parked_call, 0,
	tale_tell_beside_another},
    /* What is told to hang up a call that it refused makes one of it. */
    {"told of a refused call", told_of_a_refused_call, 1, NULL},
};

static void
a_statement_that_is_interrupted_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_STEP, EIO, false);
}

static void
a_statement_that_cannot_be_compiled_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_PREPARE, EIO, false);
}

static void
a_disk_that_was_full_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_DISK, ENOSPC, false);
}

static void
a_kernel_that_fails_calls_nobody_twice(void **state)
{
	(void)state;
	tale_everywhere(tales, ARRAY_LEN(tales), FAULT_ENV, EMFILE, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_statement_that_is_interrupted_calls_nobody_twice),
	    cmocka_unit_test(
		a_statement_that_cannot_be_compiled_calls_nobody_twice),
	    cmocka_unit_test(a_disk_that_was_full_calls_nobody_twice),
	    cmocka_unit_test(a_kernel_that_fails_calls_nobody_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
