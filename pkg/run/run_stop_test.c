#include "run/run_world_test.h"

/*
 * How runs end: by themselves, softly, within the grace, and hard, when live
 * attempts are left for the next run.
 */

#define LONG_CALLS "max_call: 4h, ring: 10s, per_number_per_day: 0, min_gap: 0s"

/* 200 ms (real) long. */
static const struct fake_step calls[] = {AT(100, FAKE_PLACED),
    AT(1000, FAKE_RING),
    AT(200 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
static const struct fake_step endless[] = {
    AT(100, FAKE_PLACED), AT(1000, FAKE_RING), {0}};

static void
opened(struct world *w, const struct fake_step *script)
{
	w->limits = LONG_CALLS;
	world_open(w);
	w->fake.scripts[0] = script;
}

/* The next life of the same directory, in this process. */
static void
live_again(struct world *w)
{
	int64_t origin_ms = w->env->origin_ms;

	world_shut(w);
	world_reopen(w, origin_ms);
}

/* --- by themselves --- */

static void
a_drain_without_jobs_ends(void **state)
{
	struct world *w = *state;

	opened(w, calls);
	world_drain(w);
	assert_int_equal(w->p.claimed, 0);
	assert_int_equal(journal_owner(w->j), 0);
}

static void
a_worker_does_not_end_and_takes_jobs_as_they_come(void **state)
{
	struct world *w = *state;

	opened(w, calls);
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 50);
	assert_false(w->ended);
	assert_true(journal_owner(w->j) > 0);
	int64_t id = JOB(w, .id = "late");

	world_for(w, 700);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_false(w->ended);
	run_stop(w->run, false);
	world_finish(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(journal_owner(w->j), 0);
}

static void
a_worker_wakes_for_a_job_that_becomes_due(void **state)
{
	struct world *w = *state;

	opened(w, calls);
	w->o.mode = RUN_WORKER;
	int64_t due_ms = env_now_ms(w->env) + 5 * MINUTE;
	int64_t id = JOB(w, .not_before_ms = due_ms);

	world_begin(w);
	world_for(w, 700);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_true(fake_nth(&w->fake, "dial", 0)->at_ms >= due_ms);
	run_stop(w->run, false);
	world_finish(w);
}

struct summary {
	int64_t started_ms, ended_ms;
	char text[512];
};

static void
take_summary(void *arg, const struct journal_run_row *r)
{
	struct summary *s = arg;

	s->started_ms = r->started_ms;
	s->ended_ms = r->ended_ms;
	(void)snprintf(s->text, sizeof(s->text), "%s",
	    r->summary != NULL ? r->summary : "");
}

static void
a_run_leaves_its_summary(void **state)
{
	struct world *w = *state;
	struct summary s = {0};

	opened(w, calls);
	(void)JOB(w, .id = "a");
	world_drain(w);
	OK(journal_read_last_run(w->j, "drain", take_summary, &s, &w->err));
	assert_true(s.started_ms >= WORLD_START_MS);
	assert_true(s.ended_ms >= s.started_ms + 200 * SECOND);
	assert_string_equal(s.text,
	    "{\"claimed\":1,\"finished\":1,\"recovered\":0,\"parked\":0,"
	    "\"pushed\":1,\"dead\":0,\"outcomes\":{\"completed\":1},"
	    "\"error\":null}");
}

/* --- softly --- */

static void
a_soft_stop_lets_calls_end_and_claims_no_more(void **state)
{
	struct world *w = *state;

	opened(w, calls);
	w->o.concurrency = 1;
	int64_t first = JOB(w, .priority = 1);
	int64_t second = JOB(w, .priority = 2);

	world_begin(w);
	world_for(w, 60);
	run_stop(w->run, false);
	world_finish(w);
	assert_int_equal(w->code, ERR_NONE);
	JOB_IS(w, first, JOB_DONE, JOB_OUTCOME_COMPLETED);
	JOB_IS(w, second, JOB_READY, JOB_OUTCOME_NONE);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_true(w->p.stopping);
	assert_int_equal(w->p.pushed, 1);
	assert_int_equal(journal_owner(w->j), 0);
}

static void
the_soft_limit_is_a_soft_stop(void **state)
{
	struct world *w = *state;

	opened(w, calls);
	w->o.concurrency = 1;
	w->o.soft_after_ms = 60;
	for (int i = 0; i < 4; i++)
		(void)JOB(w, .org = NULL);
	world_drain(w);
	assert_int_equal(fake_count(&w->fake, "dial"), 1);
	assert_int_equal(w->p.finished, 1);
}

/* --- hard --- */

static void
the_next_run_finds(struct world *w, int64_t id)
{
	assert_int_equal(w->code, ERR_NONE);
	JOB_IS(w, id, JOB_HELD, JOB_OUTCOME_NONE);
	ATTEMPT_IS(w, id, 1, ATTEMPT_RINGING);
	assert_int_equal(fake_count(&w->fake, "hangup"), 0);
	assert_null(w->fake.calls[0].ear);
	live_again(w);
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	assert_int_equal(w->p.recovered, 1);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
	assert_string_equal(
	    world_story(w, id), "ADMIT ARM PLACE RING OWNER_DEAD ANSWER END");
}

static void
a_hard_stop_leaves_live_attempts_to_the_next_run(void **state)
{
	struct world *w = *state;

	opened(w, endless);
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	world_for(w, 60);
	run_stop(w->run, true);
	world_finish(w);
	the_next_run_finds(w, id);
}

static void
a_second_soft_stop_is_hard(void **state)
{
	struct world *w = *state;

	opened(w, endless);
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	world_for(w, 60);
	run_stop(w->run, false);
	world_for(w, 60);
	assert_false(w->ended);
	run_stop(w->run, false);
	world_finish(w);
	the_next_run_finds(w, id);
}

static void
after_its_grace_a_soft_stop_is_hard(void **state)
{
	struct world *w = *state;

	w->box = "run: {grace: 150ms}\n";
	opened(w, endless);
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	world_for(w, 60);
	run_stop(w->run, false);
	world_for(w, 50);
	assert_false(w->ended);
	world_finish(w);
	the_next_run_finds(w, id);
}

static void
the_hard_limit_is_a_hard_stop(void **state)
{
	struct world *w = *state;

	opened(w, endless);
	w->o.hard_after_ms = 80;
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	world_finish(w);
	the_next_run_finds(w, id);
}

static void
a_hard_stop_lets_a_request_go_whose_answer_is_out(void **state)
{
	static const struct fake_step silent[] = {
	    AT(4 * HOUR, FAKE_PLACED), {0}};
	struct world *w = *state;

	opened(w, silent);
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	world_for(w, 60);
	run_stop(w->run, true);
	world_finish(w);
	assert_int_equal(fake_count(&w->fake, "abandon"), 1);
	ATTEMPT_IS(w, id, 1, ATTEMPT_INTENT);
	live_again(w);
	FAKE_FOUND(&w->fake, FAKE_IS_OVER);
	world_drain(w);
	JOB_IS(w, id, JOB_DONE, JOB_OUTCOME_COMPLETED);
}

static void
a_hard_stop_lets_a_lookup_go(void **state)
{
	static const struct fake_step unsure[] = {AT(100, FAKE_UNKNOWN), {0}};
	struct world *w = *state;

	opened(w, unsure);
	w->fake.look_ms = 4 * HOUR;
	int64_t id = JOB(w, .id = "a");

	world_begin(w);
	world_for(w, 60);
	run_stop(w->run, true);
	world_finish(w);
	assert_int_equal(fake_count(&w->fake, "stop"), 1);
	ATTEMPT_IS(w, id, 1, ATTEMPT_UNKNOWN);
}

/* --- a journal that another holds --- */

/* In a child: told to, holds the journal's lock for 700 ms. */
struct holder {
	int go[2], held[2];
	pid_t pid;
};

static struct holder holder;

static enum err_code
sit_on_it(struct world *w, struct journal *j, struct err *err)
{
	(void)j;
	(void)err;
	if (write(holder.held[1], "x", 1) != 1)
		_exit(98);
	env_pause(w->env, 700000);
	return ERR_NONE;
}

static void
start_holder(struct world *w)
{
	int64_t origin_ms = w->env->origin_ms;
	char byte;

	world_shut(w);
	assert_int_equal(pipe(holder.go), 0);
	assert_int_equal(pipe(holder.held), 0);
	holder.pid = fork();
	assert_true(holder.pid >= 0);
	if (holder.pid == 0) {
		world_reopen(w, origin_ms);
		if (read(holder.go[0], &byte, 1) != 1)
			_exit(97);
		world_now(w, sit_on_it);
		_exit(0);
	}
	world_reopen(w, origin_ms);
}

static void
hold(void)
{
	char byte;

	assert_int_equal(write(holder.go[1], "x", 1), 1);
	assert_int_equal(read(holder.held[0], &byte, 1), 1);
}

static void
end_holder(void)
{
	int status = 0;

	assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		(void)close(holder.go[i]);
		(void)close(holder.held[i]);
	}
}

static void
a_hard_stop_waits_for_what_is_being_written_and_then_ends(void **state)
{
	static const struct fake_step script[] = {
	    AT(100, FAKE_PLACED), AT(150 * SECOND, FAKE_RING), {0}};
	struct world *w = *state;

	opened(w, script);
	int64_t id = JOB(w, .id = "a");

	start_holder(w);
	w->fake.scripts[0] = script;
	world_begin(w);
	world_for(w, 60);
	ATTEMPT_IS(w, id, 1, ATTEMPT_PLACED);
	hold();
	world_for(w, 150);
	run_stop(w->run, true);
	world_finish(w);
	end_holder();
	assert_int_equal(w->code, ERR_NONE);
	/* it was durable before the run ended */
	ATTEMPT_IS(w, id, 1, ATTEMPT_RINGING);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_drain_without_jobs_ends),
	    T(a_worker_does_not_end_and_takes_jobs_as_they_come),
	    T(a_worker_wakes_for_a_job_that_becomes_due),
	    T(a_run_leaves_its_summary),
	    T(a_soft_stop_lets_calls_end_and_claims_no_more),
	    T(the_soft_limit_is_a_soft_stop),
	    T(a_hard_stop_leaves_live_attempts_to_the_next_run),
	    T(a_second_soft_stop_is_hard),
	    T(after_its_grace_a_soft_stop_is_hard),
	    T(the_hard_limit_is_a_hard_stop),
	    T(a_hard_stop_lets_a_request_go_whose_answer_is_out),
	    T(a_hard_stop_lets_a_lookup_go),
	    T(a_hard_stop_waits_for_what_is_being_written_and_then_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
