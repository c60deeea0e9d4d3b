#include "run/run_push_test.h"

/*
 * Results on their way to a sink behind a network: how many at once, in which
 * order, what a service's breaker and limiter do over several runs, and a kill
 * at every point.
 */

/* --- the plain way --- */

static void
a_sync_pushes_what_a_drain_left(void **state)
{
	struct world *w = *state;

	finished(w, 30);
	assert_int_equal(outbox(w).pending, 30);
	peer.takes_ms = 2;
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 30);
	assert_int_equal(peer.started, 30);
	assert_int_equal(peer.most, 8);
	assert_true(peer.flushes >= 4);
	assert_int_equal(w->p.pushed, 30);
	assert_true(service(w).last_ok_ms >= WORLD_START_MS);
	/* Nothing is left for the next one. */
	sync_once(w);
	assert_int_equal(peer.started, 30);
}

/* Or a bulk would be followed by one of a single row. */
static void
what_is_said_in_one_breath_is_one_turn(void **state)
{
	struct world *w = *state;

	finished(w, 32);
	peer.together = true;
	peer.takes_ms = 2;
	sync_once(w);
	assert_int_equal(outbox(w).done, 32);
	assert_int_equal(peer.started, 32);
	assert_int_equal(peer.flushes, 4);
}

static void
a_sink_that_a_drain_serves_gets_results_in_it(void **state)
{
	struct world *w = *state;

	opened(w);
	pushers[0].in_drain = true;
	(void)JOB(w, .id = "a");
	world_drain(w);
	pushers[0].in_drain = false;
	assert_int_equal(outbox(w).done, 1);
	assert_int_equal(peer.started, 1);
}

static void
a_worker_pushes_results_as_they_come(void **state)
{
	struct world *w = *state;

	opened(w);
	w->o.mode = RUN_WORKER;
	(void)JOB(w, .id = "a");
	world_begin(w);
	world_for(w, 900);
	assert_int_equal(outbox(w).done, 1);
	run_stop(w->run, false);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
}

/* --- order --- */

static void
results_of_a_job_reach_a_sink_in_order(void **state)
{
	struct world *w = *state;
	struct run_decide_ask ask = {0};
	struct run_decision d = {0};

	opened(w);
	int64_t id = JOB(w, .id = "a");

	world_drain(w);
	ask = (struct run_decide_ask){.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = RUN_DECIDE_RETRY,
	    .by = "ana",
	    .reason = "again"};
	d.job = id;
	OK(run_decide(&ask, &d, 1, &w->err));
	world_drain(w);
	peer.code = ERR_UNREACHABLE;
	peer.times = 1;
	peer.takes_ms = 5;
	sync_once(w);
	assert_string_equal(peer.order, "a1 a1 a2 ");
	assert_int_equal(outbox(w).done, 2);
}

/* --- breaker and limiter --- */

static void
a_breaker_opens_and_the_next_run_knows(void **state)
{
	struct world *w = *state;

	finished(w, 60);
	peer.code = ERR_THROTTLED;
	peer.blame = true;
	peer.retry_after_ms = HOUR;
	peer.times = 1000;
	sync_once(w);
	int first = peer.started;

	/* the threshold, and what was under way with it */
	assert_in_range(first, 5, 5 + 8);
	assert_int_equal(service(w).breaker, 1);
	assert_string_equal(service(w).last_error, "the service says no");
	assert_int_equal(w->code, ERR_THROTTLED);
	peer.times = 0;
	sync_once(w);
	assert_int_equal(peer.started, first);
	assert_int_equal(outbox(w).pending, 60);
}

static void
a_limiter_holds_over_two_runs(void **state)
{
	struct world *w = *state;

	finished(w, 260);
	pusher.service = "livekit"; /* 100 a minute */
	w->o.soft_after_ms = 200;
	sync_once(w);
	assert_in_range(peer.started, 100, 105);
	sync_once(w);
	assert_in_range(peer.started, 100, 110);
	assert_int_equal(outbox(w).pending, 260 - peer.started);
}

/* --- what a sink keeps --- */

static void
what_a_sink_keeps_is_there_at_the_next_try(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.keeps = "upload-7";
	peer.code = ERR_THROTTLED;
	peer.times = 1;
	sync_once(w);
	assert_string_equal(peer.kept, "");
	w->env->origin_ms += 2 * WORLD_SPEED * HOUR;
	sync_once(w);
	assert_int_equal(peer.started, 2);
	assert_string_equal(peer.kept, "upload-7");
	assert_int_equal(outbox(w).done, 1);
}

static void
what_is_kept_last_counts(void **state)
{
	struct world *w = *state;

	finished(w, 1);
	peer.keeps = "upload-7";
	peer.then_keeps = "upload-7 and a part of it";
	peer.code = ERR_THROTTLED;
	peer.times = 1;
	sync_once(w);
	w->env->origin_ms += 2 * WORLD_SPEED * HOUR;
	sync_once(w);
	assert_string_equal(peer.kept, "upload-7 and a part of it");
	assert_int_equal(outbox(w).done, 1);
}

static void
a_stop_while_something_is_being_kept_frees_it_once(void **state)
{
	struct world *w = *state;

	finished(w, 3);
	peer.keeps = "upload-7";
	peer.stops = &w->run;
	sync_once(w);
	assert_int_equal(peer.now, 0);
	assert_int_equal(outbox(w).pending, 3);
	peer.stops = NULL;
	sync_once(w);
	assert_int_equal(outbox(w).done, 3);
	assert_string_equal(peer.kept, "upload-7");
}

/* --- rows that go --- */

static void
take_away(void *arg, const char *name)
{
	struct world *w = arg;
	char *path;
	sqlite3 *db = NULL;

	if (strcmp(name, "push.turned") != 0)
		return;
	crash_hook(NULL, NULL);
	path = mem_printf("%s/journal.db", journal_dir(w->j));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "DELETE FROM outbox WHERE sink=5 AND job=2", NULL,
		NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	mem_free(&path);
}

/* Given up by a person, and pruned, between a turn and what it took. */
static void
a_row_that_is_gone_meanwhile_is_passed_over(void **state)
{
	struct world *w = *state;

	finished(w, 3);
	crash_hook(take_away, w);
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(peer.started, 2);
	assert_int_equal(outbox(w).done, 2);
	assert_int_equal(outbox(w).pending, 0);
}

/* --- stops --- */

static void
a_stop_takes_no_more_and_lets_what_is_under_way_end(void **state)
{
	struct world *w = *state;

	finished(w, 30);
	peer.takes_ms = 60;
	w->o.mode = RUN_SYNC;
	world_begin(w);
	world_for(w, 30);
	assert_int_equal(peer.now, 8);
	run_stop(w->run, false);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
	assert_int_equal(peer.started, 8);
	assert_int_equal(outbox(w).done, 8);
	assert_int_equal(peer.cancelled, 0);
}

static void
a_hard_stop_leaves_what_is_under_way_for_the_next_run(void **state)
{
	struct world *w = *state;

	finished(w, 30);
	peer.hangs = true;
	w->o.mode = RUN_SYNC;
	world_begin(w);
	world_for(w, 30);
	run_stop(w->run, true);
	world_finish(w);
	assert_int_equal(peer.cancelled, 8);
	assert_int_equal(peer.now, 0);
	peer.hangs = false;
	sync_once(w);
	assert_int_equal(outbox(w).done, 30);
}

/* --- several services --- */

/* A second one, which takes all that it is given. */
static struct {
	struct env *env;
	struct env_post post;
	struct list waiting;
	int started;
} quick;

static void
quick_answers(struct env_post *post)
{
	struct list *node;

	(void)post;
	while ((node = list_pop(&quick.waiting)) != NULL) {
		struct sink_push *p =
		    CONTAINER_OF(node, struct sink_push, node);

		p->code = ERR_NONE;
		p->done(p);
	}
}

static void
quick_start(void *s, struct sink_push *p)
{
	(void)s;
	quick.started++;
	list_add_tail(&quick.waiting, &p->node);
	env_post(quick.env, &quick.post);
}

static void
quick_cancel(void *s, struct sink_push *p)
{
	(void)s;
	list_remove(&p->node);
}

static void
a_service_that_hangs_holds_no_other_up(void **state)
{
	static const struct sink_push_ops ops = {
	    .start = quick_start, .cancel = quick_cancel};
	static struct sink_pusher other = {
	    "mongo", "mongodb", &ops, &quick, .at_once = 8};
	struct run_pusher both[] = {{JOURNAL_SINK_WEBHOOK, &pusher, false},
	    {JOURNAL_SINK_MONGO, &other, false}};
	struct world *w = *state;
	struct journal_counts c;
	char id[16];

	opened(w);
	journal_set_sinks(w->j, BIT(FILE) | BIT(WEBHOOK) | BIT(MONGO));
	for (int i = 0; i < 30; i++) {
		(void)snprintf(id, sizeof(id), "j%d", i);
		(void)JOB(w, .id = id, .expires_ms = WORLD_START_MS + 1);
	}
	world_drain(w);
	quick.env = w->env;
	quick.post.fn = quick_answers;
	list_init(&quick.waiting);
	w->o.pushers = both;
	w->o.pusher_count = 2;
	peer.hangs = true;
	w->o.mode = RUN_SYNC;
	world_begin(w);
	world_for(w, 500);
	assert_int_equal(quick.started, 30);
	assert_int_equal(peer.started, 8);
	assert_int_equal(outbox(w).pending, 30);
	OK(journal_read_counts(w->j, &c, &w->err));
	assert_int_equal(c.outbox_pending, 30); /* the webhook's alone */
	run_stop(w->run, true);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
}

/* --- two at once, and kills --- */

static void
a_second_sync_leaves_the_sink_to_the_first(void **state)
{
	struct world *w = *state;
	struct env_file *f = NULL;
	char *path;

	finished(w, 3);
	path = mem_printf("%s/data/out/push.lock", w->dir);
	OK(env_open(
	    w->env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &f, &w->err));
	mem_free(&path);
	OK(env_lock(w->env, f, JOURNAL_SINK_WEBHOOK, true, &w->err));
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(peer.started, 0);
	env_close(w->env, &f);
	sync_once(w);
	assert_int_equal(outbox(w).done, 3);
}

/* It looks now and then, and needs no new result for that. */
static void
a_worker_takes_a_sink_over_that_another_lets_go_of(void **state)
{
	struct world *w = *state;
	struct env_file *f = NULL;
	char *path;

	finished(w, 2);
	path = mem_printf("%s/data/out/push.lock", w->dir);
	OK(env_open(
	    w->env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &f, &w->err));
	mem_free(&path);
	OK(env_lock(w->env, f, JOURNAL_SINK_WEBHOOK, true, &w->err));
	w->o.mode = RUN_WORKER;
	world_begin(w);
	world_for(w, 200);
	assert_int_equal(peer.started, 0);
	env_close(w->env, &f);
	for (int i = 0; i < 40 && outbox(w).done < 2; i++)
		world_for(w, 100);
	assert_int_equal(outbox(w).done, 2);
	assert_int_equal(peer.started, 2);
	run_stop(w->run, false);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
}

static void
sync_and_die(struct world *w)
{
	crash_hook(world_die_at, w->story);
	wired(w);
	w->o.mode = RUN_SYNC;
	world_drain(w);
}

static void
a_kill_anywhere_leaves_each_row_to_be_done(void **state)
{
	static const char *const points[] = {
	    "push.begin", "push.said", "push.turned", "push.kept"};
	struct world *w = *state;
	char id[16];

	opened(w);
	peer.keeps = "k";
	for (int i = 0; i < (int)ARRAY_LEN(points); i++) {
		for (int n = 0; n < 3; n++) {
			(void)snprintf(id, sizeof(id), "%d-%d", i, n);
			(void)JOB(
			    w, .id = id, .expires_ms = WORLD_START_MS + 1);
		}
		world_drain(w);
		(void)snprintf(w->story, sizeof(w->story), "%s", points[i]);
		world_was_killed(world_child(w, sync_and_die));
		wired(w);
		sync_once(w);
		assert_int_equal(outbox(w).pending, 0);
		assert_int_equal(outbox(w).done, 3 * (i + 1));
	}
}

/* It waits in real time, so once is all that a test has time for. */
/* Unknown to our table of services, greedy, and without a flush. */
static void
a_sink_of_another_make_is_served_like_any(void **state)
{
	struct world *w = *state;
	struct sink_push_ops ops = peer_ops;

	finished(w, 30);
	ops.flush = NULL;
	pusher.ops = &ops;
	pusher.service = "pigeons";
	pusher.at_once = 100000;
	peer.takes_ms = 2;
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 30);
	assert_int_equal(peer.flushes, 0);
	assert_true(peer.most > 8);
	assert_string_equal(service(w).name, "pigeons");
}

/* --- faults --- */

/* A sync that cannot write down what was said gives up, and says why. */
static void
a_full_disk_ends_a_sync_and_the_next_one_pushes(void **state)
{
	struct world *w = *state;

	fault_install(w->env);
	finished(w, 3);
	fault_arm(FAULT_DISK, 1, ENOSPC, true);
	sync_once(w);
	assert_true(fault_disarm());
	assert_int_equal(w->code, ERR_SPACE);
	assert_non_null(strstr(w->err.text, "the disk is full"));
	assert_int_equal(outbox(w).pending, 3);
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 3);
}

static int urls;

static void
url_of(void *arg, const struct sink_result *r, bool transcript, struct buf *out)
{
	(void)arg;
	urls++;
	buf_printf(out, "https://files/%s%s", r->id, transcript ? ".json" : "");
}

static void
push_again(struct world *w)
{
	wired(w);
	w->o.url = url_of;
	peer.hangs = false;
}

/* A drain that serves the sink itself; the service keeps a word first. */
static void
talked_and_pushed(struct world *w)
{
	static const struct fake_step answered[] = {AT(100, FAKE_PLACED),
	    AT(1000, FAKE_ANSWER, .text = "human"),
	    AT(30 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};

	w->with_model = true;
	opened(w);
	pushers[0].in_drain = true;
	push_again(w);
	peer.keeps = "begun";
	w->fake.media = true;
	w->fake.scripts[0] = answered;
	(void)JOB(w, .id = "a");
}

static const struct tale pushed = {
    "talked and pushed", talked_and_pushed, 1, push_again};

static void
under_faults(enum fault_kind kind, int sys)
{
	urls = 0;
	tale_everywhere(&pushed, 1, kind, sys, false);
	pushers[0].in_drain = false;
	assert_true(urls > 0);
}

static void
a_push_whose_statement_fails_loses_no_result(void **state)
{
	(void)state;
	under_faults(FAULT_STEP, EIO);
	under_faults(FAULT_PREPARE, EIO);
}

static void
a_push_whose_kernel_fails_loses_no_result(void **state)
{
	(void)state;
	under_faults(FAULT_ENV, EMFILE);
	under_faults(FAULT_DISK, ENOSPC);
}

static enum err_code
lease_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	(void)tx;
	return journal_lease_new(j, 1, "file", "t-1", true, 1, err);
}

static enum journal_lease_state
lease_state(struct world *w)
{
	struct journal_lease l;
	bool found = false;

	OK(journal_read_lease(w->j, 1, &l, &found, &w->err));
	assert_true(found);
	return l.state;
}

static void
pushed_as(struct world *w, const char *ticket, enum journal_lease_state want)
{
	struct journal_tx tx = {.run = lease_run};

	finished(w, 1);
	OK(journal_now(w->j, &tx, &w->err));
	peer.answers_as = ticket;
	sync_once(w);
	assert_int_equal(w->code, ERR_NONE);
	assert_int_equal(outbox(w).done, 1);
	assert_int_equal(lease_state(w), want);
}

static void
the_lease_that_was_answered_is_noted_with_its_row(void **state)
{
	pushed_as(*state, "t-1", JOURNAL_LEASE_ANSWERED);
}

static void
an_answer_to_an_older_delivery_is_none_to_the_newer(void **state)
{
	pushed_as(*state, "t-0", JOURNAL_LEASE_HELD);
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_lease_that_was_answered_is_noted_with_its_row),
	    T(an_answer_to_an_older_delivery_is_none_to_the_newer),
	    T(a_sync_pushes_what_a_drain_left),
	    T(what_is_said_in_one_breath_is_one_turn),
	    T(a_sink_that_a_drain_serves_gets_results_in_it),
	    T(a_worker_pushes_results_as_they_come),
	    T(results_of_a_job_reach_a_sink_in_order),
	    T(a_breaker_opens_and_the_next_run_knows),
	    T(a_limiter_holds_over_two_runs),
	    T(what_a_sink_keeps_is_there_at_the_next_try),
	    T(what_is_kept_last_counts),
	    T(a_stop_while_something_is_being_kept_frees_it_once),
	    T(a_row_that_is_gone_meanwhile_is_passed_over),
	    T(a_stop_takes_no_more_and_lets_what_is_under_way_end),
	    T(a_hard_stop_leaves_what_is_under_way_for_the_next_run),
	    T(a_service_that_hangs_holds_no_other_up),
	    T(a_second_sync_leaves_the_sink_to_the_first),
	    T(a_worker_takes_a_sink_over_that_another_lets_go_of),
	    T(a_kill_anywhere_leaves_each_row_to_be_done),
	    T(a_sink_of_another_make_is_served_like_any),
	    T(a_full_disk_ends_a_sync_and_the_next_one_pushes),
	    cmocka_unit_test(a_push_whose_statement_fails_loses_no_result),
	    cmocka_unit_test(a_push_whose_kernel_fails_loses_no_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
