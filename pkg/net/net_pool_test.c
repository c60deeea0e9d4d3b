#include "net/net_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "net/net_env.h"

struct world {
	struct env *env;
	struct net_pool *pool;
	pthread_barrier_t meet;
	atomic_bool begun;
	size_t dones;
	int order[64];
	bool close_in_done;
	int64_t pause_us;
	int left; /* of work that submits itself again */
};

struct job {
	struct env_work work;
	struct world *w;
	int number;
	pthread_t thread;
	bool hears_term;
};

static int
set_up(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	struct err err;

	assert_int_equal(net_env_open(&w->env, &err), ERR_NONE);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	net_pool_close(&w->pool);
	net_pool_close(&w->pool);
	net_env_close(&w->env);
	mem_free(state);
	return 0;
}

static void
open_pool(struct world *w, size_t threads)
{
	struct err err;

	assert_int_equal(
	    net_pool_open(w->env, threads, &w->pool, &err), ERR_NONE);
}

static void
on_done(struct env_work *work)
{
	struct job *j = CONTAINER_OF(work, struct job, work);
	struct world *w = j->w;

	if (w->dones < ARRAY_LEN(w->order))
		w->order[w->dones] = j->number;
	w->dones++;
	if (w->close_in_done)
		net_pool_close(&w->pool);
	else if (w->left > 0 && w->left-- > 0)
		net_pool_submit(w->pool, work);
}

static void
run_note(struct env_work *work)
{
	struct job *j = CONTAINER_OF(work, struct job, work);
	sigset_t masked;

	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &masked), 0);
	j->hears_term = sigismember(&masked, SIGTERM) == 0;
	j->thread = pthread_self();
}

/* Passes only when as many run at the same time as the barrier counts. */
static void
run_meet(struct env_work *work)
{
	struct job *j = CONTAINER_OF(work, struct job, work);

	(void)pthread_barrier_wait(&j->w->meet);
}

static void
run_long(struct env_work *work)
{
	struct job *j = CONTAINER_OF(work, struct job, work);

	atomic_store(&j->w->begun, true);
	env_pause(j->w->env, j->w->pause_us);
}

static void
submit(struct world *w, struct job *j, int number,
    void (*run)(struct env_work *work))
{
	j->work.run = run;
	j->work.done = on_done;
	j->w = w;
	j->number = number;
	net_pool_submit(w->pool, &j->work);
}

static void
one_thread_keeps_the_order(void **state)
{
	struct world *w = *state;
	struct job j[50];

	memset(j, 0, sizeof(j));
	open_pool(w, 1);
	for (int i = 0; i < 50; i++)
		submit(w, &j[i], i, run_note);
	assert_int_equal(net_pool_pending(w->pool), 50);
	assert_int_equal(w->dones, 0);
	net_env_run(w->env);
	assert_int_equal(w->dones, 50);
	assert_int_equal(net_pool_pending(w->pool), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(w->order[i], i);
}

static void
work_runs_on_threads_that_hear_no_signals(void **state)
{
	struct world *w = *state;
	struct job j;

	memset(&j, 0, sizeof(j));
	open_pool(w, 4);
	submit(w, &j, 0, run_note);
	net_env_run(w->env);
	assert_int_equal(w->dones, 1);
	assert_false(pthread_equal(j.thread, pthread_self()));
	assert_false(j.hears_term);
}

static void
as_many_run_at_once_as_there_are_threads(void **state)
{
	struct world *w = *state;
	struct job j[16];

	memset(j, 0, sizeof(j));
	assert_int_equal(pthread_barrier_init(&w->meet, NULL, 8), 0);
	open_pool(w, 8);
	for (int round = 0; round < 10; round++) {
		w->dones = 0;
		for (int i = 0; i < 16; i++)
			submit(w, &j[i], i, run_meet);
		net_env_run(w->env);
		assert_int_equal(w->dones, 16);
	}
	(void)pthread_barrier_destroy(&w->meet);
}

static void
a_done_may_submit_again(void **state)
{
	struct world *w = *state;
	struct job j[4];

	memset(j, 0, sizeof(j));
	w->left = 5000;
	open_pool(w, 3);
	for (int i = 0; i < 4; i++)
		submit(w, &j[i], i, run_note);
	net_env_run(w->env);
	assert_int_equal(w->dones, 5004);
}

static void
close_waits_for_what_began_and_drops_the_rest(void **state)
{
	struct world *w = *state;
	struct job j[3];

	memset(j, 0, sizeof(j));
	w->pause_us = 50000;
	open_pool(w, 1);
	submit(w, &j[0], 0, run_long);
	submit(w, &j[1], 1, run_meet); /* would wait for ever */
	submit(w, &j[2], 2, run_meet);
	while (!atomic_load(&w->begun))
		env_pause(w->env, 100);
	net_pool_close(&w->pool);
	assert_null(w->pool);
	/* Owners may be gone by now. */
	memset(j, 0xff, sizeof(j));
	net_env_run(w->env);
	assert_int_equal(w->dones, 0);
}

static void
a_done_may_close_the_pool(void **state)
{
	struct world *w = *state;
	struct job j[3];

	memset(j, 0, sizeof(j));
	w->close_in_done = true;
	open_pool(w, 1);
	for (int i = 0; i < 3; i++)
		submit(w, &j[i], i, run_note);
	env_pause(w->env, 20000); /* so that all are ready in one round */
	net_env_run(w->env);
	assert_int_equal(w->dones, 1);
	assert_null(w->pool);
}

static void
an_env_may_end_right_after_its_pool(void **state)
{
	struct world *w = *state;

	open_pool(w, 2);
	net_pool_close(&w->pool);
	net_env_close(&w->env);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(one_thread_keeps_the_order),
	    TEST(work_runs_on_threads_that_hear_no_signals),
	    TEST(as_many_run_at_once_as_there_are_threads),
	    TEST(a_done_may_submit_again),
	    TEST(close_waits_for_what_began_and_drops_the_rest),
	    TEST(a_done_may_close_the_pool),
	    TEST(an_env_may_end_right_after_its_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
