#include "sink/sink_bull.h"

#include "bull/bull_add.h"
#include "bull/bull_ticket.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_lease.h"
#include "net/net_redis.h"
#include "net/net_redis_server_test.h"

/*
 * Answers to a real Redis, without Node: what a queue hears of each end, once,
 * also when its lock ran out, when the job was put back or taken again, and
 * when nobody waits for it any more.
 */

#define LIMIT_MS 20000
#define LOCK_MS 60000

static struct redis_server server;

struct world {
	struct fix *f;
	struct net_redis *redis;
	struct bull *b;
	struct sink_pusher *sink;
	struct env_timer tick;
	struct bull_call c;
	bool answered;
	struct sink_push p;
	struct sink_result r;
	int done;
	int64_t until, job;
	char *ticket;
};

static void
ticked(struct env_timer *t)
{
	net_env_stop(CONTAINER_OF(t, struct world, tick)->f->env);
}

static void
turn(struct world *w)
{
	if (redis_server_now_ms() > w->until)
		fail_msg("waited in vain");
	env_timer_start_real(w->f->env, &w->tick, 2);
	net_env_run(w->f->env);
	env_timer_stop(w->f->env, &w->tick);
}

static void
on_call(struct bull_call *c)
{
	CONTAINER_OF(c, struct world, c)->answered = true;
}

static struct bull_call *
fresh(struct world *w)
{
	bull_call_fini(&w->c);
	w->c = (struct bull_call){.done = on_call};
	w->answered = false;
	w->until = redis_server_now_ms() + LIMIT_MS;
	return &w->c;
}

static void
await(struct world *w)
{
	while (!w->answered)
		turn(w);
	if (w->c.code != ERR_NONE)
		fail_msg("%s", w->c.err.text);
}

static void
begin(struct world *w, struct fix *f)
{
	char url[64];

	*w = (struct world){.f = f, .tick.fn = ticked};
	(void)REDIS_ASK(&server, "FLUSHALL");
	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", server.port);
	OK(net_redis_open(
	    &(struct net_redis_options){.env = f->env, .url = url}, &w->redis,
	    &f->err));
	OK(bull_open(&(struct bull_options){.env = f->env,
			 .redis = w->redis,
			 .queue = "calls",
			 .token = "j1",
			 .library = BULL_CLASSIC},
	    &w->b, &f->err));
	bull_detect(w->b, fresh(w));
	await(w);
	w->sink = sink_bull_new(&(struct sink_bull_options){
	    .env = f->env, .journal = f->j, .bull = w->b, .lock_ms = LOCK_MS});
}

static void
end(struct world *w)
{
	w->sink->ops->free(w->sink->impl);
	bull_call_fini(&w->c);
	bull_close(&w->b);
	net_redis_close(&w->redis);
	mem_free(&w->ticket);
}

static enum err_code
lease_run(struct journal *j, void *arg, struct err *err)
{
	struct world *w = arg;
	enum journal_met met;

	return journal_lease_take(j, w->job, w->ticket, true,
	    journal_group_ms(j) + LOCK_MS, &met, err);
}

/* Takes the one that waits, and writes it down. */
static void
take(struct world *w)
{
	struct buf text = BUF_INIT(4096);
	struct fix *f = w->f;

	bull_take(w->b, 1, LOCK_MS, fresh(w));
	await(w);
	assert_int_equal(w->c.job_count, 1);
	bull_ticket_write(&w->c.jobs[0].ref, w->c.jobs[0].attempts, &text);
	mem_free(&w->ticket);
	w->ticket = mem_strdup(buf_text(&text));
	buf_free(&text);
	OK(once(f, lease_run, w));
}

/* A job of the queue, taken, with its row. */
static void
taken(struct world *w, int64_t attempts)
{
	struct fix *f = w->f;
	struct life l = {0};
	struct bull_new n = {
	    .name = "call", .data = "{}", .data_len = 2, .attempts = attempts};

	OK(bull_add(w->b, &n, fresh(w), &f->err));
	await(w);
	life_add(f, &l, "one");
	w->job = l.id;
	take(w);
	w->r = (struct sink_result){.job = l.id,
	    .id = "one",
	    .state = JOB_DONE,
	    .outcome = JOB_OUTCOME_COMPLETED,
	    .attempts = 1,
	    .reason = "",
	    .call_id = "",
	    .recording_url = "",
	    .transcript_url = "",
	    .revision = 1};
}

static void
pushed(struct sink_push *p)
{
	CONTAINER_OF(p, struct world, p)->done++;
}

static void
start_push(struct world *w)
{
	w->p = (struct sink_push){.result = &w->r, .kept = "", .done = pushed};
	w->done = 0;
	w->until = redis_server_now_ms() + LIMIT_MS;
	w->sink->ops->start(w->sink->impl, &w->p);
	w->sink->ops->flush(w->sink->impl);
	assert_int_equal(w->done, 0);
}

struct noting {
	int64_t job;
	const char *ticket;
};

static enum err_code
note_run(struct journal *j, void *arg, struct err *err)
{
	const struct noting *n = arg;

	return journal_lease_answered_as(j, n->job, n->ticket, err);
}

/* As a run does with the row. */
static void
note(struct world *w, struct sink_push *p)
{
	struct fix *f = w->f;
	struct noting n = {.job = p->result->job, .ticket = p->answered};

	if (p->answered != NULL)
		OK(once(f, note_run, &n));
	mem_free(&p->answered);
}

static void
push(struct world *w)
{
	start_push(w);
	while (w->done == 0)
		turn(w);
	if (w->p.code != ERR_NONE)
		fail_msg("%s", w->p.err.text);
	assert_int_equal(w->done, 1);
	note(w, &w->p);
}

static enum journal_lease_state
lease_state(struct world *w)
{
	struct fix *f = w->f;
	struct journal_lease l;
	bool found = false;

	OK(journal_read_lease(f->j, w->job, &l, &found, &f->err));
	assert_true(found);
	return l.state;
}

static void
is_in(const char *set, const char *want)
{
	char *key = mem_printf("bull:calls:%s", set);

	assert_string_equal(REDIS_ASK(&server, "ZCARD", key), want);
	mem_free(&key);
}

static void
answered_once(struct world *w)
{
	assert_int_equal(lease_state(w), JOURNAL_LEASE_ANSWERED);
	assert_string_equal(
	    REDIS_ASK(&server, "EXISTS", "bull:calls:1:lock"), "0");
	assert_string_equal(
	    REDIS_ASK(&server, "LLEN", "bull:calls:active"), "0");
	assert_string_equal(REDIS_ASK(&server, "LLEN", "bull:calls:wait"), "0");
}

/* As if a stalled check found it without its lock. */
static void
put_back(void)
{
	(void)REDIS_ASK(&server, "DEL", "bull:calls:1:lock");
	(void)REDIS_ASK(&server, "LREM", "bull:calls:active", "0", "1");
	(void)REDIS_ASK(&server, "RPUSH", "bull:calls:wait", "1");
}

/* --- */

static void
an_end_is_told_and_telling_it_again_changes_nothing(void **state)
{
	struct world w;

	begin(&w, *state);
	taken(&w, 1);
	push(&w);
	answered_once(&w);
	is_in("completed", "1");
	assert_non_null(
	    strstr(REDIS_ASK(&server, "HGET", "bull:calls:1", "returnvalue"),
		"\"outcome\":\"completed\""));
	push(&w);
	is_in("completed", "1");
	end(&w);
}

static void
a_failed_job_fails_and_a_failed_try_comes_again(void **state)
{
	static const struct {
		int64_t attempts;
		const char *failed, *waits;
	} cases[] = {{1, "1", "0"}, {2, "0", "1"}};

	for (size_t i = 0; i < 2; i++) {
		struct world w;

		begin(&w, *state);
		taken(&w, cases[i].attempts);
		w.r.state = JOB_FAILED;
		w.r.outcome = JOB_OUTCOME_BUSY;
		push(&w);
		is_in("failed", cases[i].failed);
		assert_string_equal(
		    REDIS_ASK(&server, "LLEN", "bull:calls:wait"),
		    cases[i].waits);
		assert_int_equal(lease_state(&w), JOURNAL_LEASE_ANSWERED);
		end(&w);
		shell(w.f, "rm -rf ./*");
	}
}

static void
a_job_that_was_put_back_is_reclaimed_and_answered(void **state)
{
	struct world w;

	begin(&w, *state);
	taken(&w, 1);
	put_back();
	push(&w);
	answered_once(&w);
	is_in("completed", "1");
	end(&w);
}

static void
nobody_waits_for_what_is_gone_or_anothers(void **state)
{
	struct world w;

	begin(&w, *state);
	taken(&w, 1);
	(void)REDIS_ASK(&server, "SET", "bull:calls:1:lock", "other:7");
	push(&w);
	assert_int_equal(lease_state(&w), JOURNAL_LEASE_ANSWERED);
	is_in("completed", "0");
	assert_string_equal(
	    REDIS_ASK(&server, "GET", "bull:calls:1:lock"), "other:7");
	end(&w);
	shell(w.f, "rm -rf ./*");
	begin(&w, *state);
	taken(&w, 1);
	(void)REDIS_ASK(&server, "FLUSHALL");
	push(&w);
	assert_int_equal(lease_state(&w), JOURNAL_LEASE_ANSWERED);
	end(&w);
}

/* Another process of this journal took it again, and has not written that
 * down: the lease is ours all the same. */
static void
a_newer_lease_of_ours_is_answered_under(void **state)
{
	struct world w;

	begin(&w, *state);
	taken(&w, 1);
	put_back();
	bull_take(w.b, 1, LOCK_MS, fresh(&w));
	await(&w);
	assert_int_equal(w.c.job_count, 1);
	push(&w);
	answered_once(&w);
	is_in("completed", "1");
	end(&w);
}

/* --- several in one call --- */

#define MANY 200 /* more than one call says */

struct many {
	struct world *w;
	struct one {
		struct many *m;
		struct sink_push p;
		struct sink_result r;
		int done;
	} jobs[MANY];
	int done;
};

static void
one_pushed(struct sink_push *p)
{
	struct one *o = CONTAINER_OF(p, struct one, p);

	o->done++;
	o->m->done++;
}

/* Jobs of the queue, taken, each with its row and its push begun. */
static struct many *
many_begun(struct world *w, int n)
{
	struct many *m = mem_zalloc(1, sizeof(*m));
	struct fix *f = w->f;

	m->w = w;
	for (int i = 0; i < n; i++) {
		struct one *o = &m->jobs[i];
		struct bull_new job = {
		    .name = "call", .data = "{}", .data_len = 2};
		struct life l = {0};
		char *ext = mem_printf("many-%d", i);

		OK(bull_add(w->b, &job, fresh(w), &f->err));
		await(w);
		life_add(f, &l, ext);
		w->job = l.id;
		take(w);
		o->m = m;
		o->r = (struct sink_result){.job = l.id,
		    .id = "many",
		    .state = JOB_DONE,
		    .outcome = JOB_OUTCOME_COMPLETED,
		    .reason = "",
		    .call_id = "",
		    .recording_url = "",
		    .transcript_url = ""};
		o->p = (struct sink_push){
		    .result = &o->r, .kept = "", .done = one_pushed};
		w->sink->ops->start(w->sink->impl, &o->p);
		mem_free(&ext);
	}
	return m;
}

static void
many_await(struct many *m, int n)
{
	m->w->until = redis_server_now_ms() + LIMIT_MS;
	while (m->done < n)
		turn(m->w);
	assert_int_equal(m->done, n);
}

static void
many_end(struct many *m)
{
	for (int i = 0; i < MANY; i++)
		mem_free(&m->jobs[i].p.answered);
	mem_free(&m);
}

static void
what_is_flushed_together_is_completed_together(void **state)
{
	struct world w;
	struct many *m;

	begin(&w, *state);
	m = many_begun(&w, MANY);
	w.sink->ops->flush(w.sink->impl);
	many_await(m, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(m->jobs[i].done, 1);
		assert_int_equal(m->jobs[i].p.code, ERR_NONE);
		note(&w, &m->jobs[i].p);
		w.job = m->jobs[i].r.job;
		assert_int_equal(lease_state(&w), JOURNAL_LEASE_ANSWERED);
	}
	is_in("completed", "200");
	assert_string_equal(
	    REDIS_ASK(&server, "LLEN", "bull:calls:active"), "0");
	many_end(m);
	end(&w);
}

/* Redis ends a script at the first command that it refuses. */
static void
one_that_redis_stumbles_over_holds_up_no_other(void **state)
{
	struct world w;
	struct many *m;

	begin(&w, *state);
	m = many_begun(&w, 5);
	(void)REDIS_ASK(&server, "DEL", "bull:calls:3");
	(void)REDIS_ASK(&server, "SET", "bull:calls:3", "no hash");
	w.sink->ops->flush(w.sink->impl);
	many_await(m, 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(m->jobs[i].done, 1);
		assert_int_equal(m->jobs[i].p.code != ERR_NONE, i == 2);
		assert_int_equal(m->jobs[i].p.answered != NULL, i != 2);
	}
	is_in("completed", "4");
	many_end(m);
	end(&w);
}

static void
of_several_each_has_its_own_answer(void **state)
{
	struct world w;
	struct many *m;

	begin(&w, *state);
	m = many_begun(&w, 4);
	(void)REDIS_ASK(&server, "SET", "bull:calls:1:lock", "other:7");
	(void)REDIS_ASK(&server, "DEL", "bull:calls:2:lock");
	(void)REDIS_ASK(&server, "LREM", "bull:calls:active", "0", "2");
	(void)REDIS_ASK(&server, "RPUSH", "bull:calls:wait", "2");
	(void)REDIS_ASK(&server, "DEL", "bull:calls:3");
	w.sink->ops->flush(w.sink->impl);
	many_await(m, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(m->jobs[i].p.code, ERR_NONE);
	assert_string_equal(
	    REDIS_ASK(&server, "GET", "bull:calls:1:lock"), "other:7");
	/* The second was put back: reclaimed, and completed after all. */
	is_in("completed", "2");
	many_end(m);
	end(&w);
}

static void
one_that_is_dropped_is_not_told_of_and_others_are(void **state)
{
	struct world w;
	struct many *m;

	begin(&w, *state);
	m = many_begun(&w, 3);
	w.sink->ops->cancel(w.sink->impl, &m->jobs[0].p);
	w.sink->ops->flush(w.sink->impl);
	w.sink->ops->cancel(w.sink->impl, &m->jobs[2].p);
	many_await(m, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(m->jobs[i].done, i == 1);
	/* The first was not said at all, the third may be said again. */
	is_in("completed", "2");
	many_end(m);
	m = many_begun(&w, 2);
	end(&w);
	many_end(m);
}

static void
a_job_of_no_queue_needs_nothing(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	struct world w;

	begin(&w, f);
	life_add(f, &l, "file");
	w.r = (struct sink_result){.job = l.id, .id = "file"};
	push(&w);
	end(&w);
}

static void
a_redis_that_is_away_is_to_blame_and_keeps_the_answer(void **state)
{
	struct world w;

	begin(&w, *state);
	taken(&w, 1);
	(void)REDIS_ASK(&server, "CLIENT", "PAUSE", "50", "ALL");
	start_push(&w);
	for (int i = 0; i < 5; i++)
		turn(&w);
	redis_server_sleep_ms(60);
	(void)REDIS_ASK(
	    &server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
	while (w.done == 0)
		turn(&w);
	if (w.p.code == ERR_NONE) {
		mem_free(&w.p.answered);
	} else {
		assert_int_equal(err_class(w.p.code), ERR_CLASS_RETRY);
		assert_true(w.p.blame);
		assert_int_equal(lease_state(&w), JOURNAL_LEASE_HELD);
	}
	push(&w);
	answered_once(&w);
	is_in("completed", "1");
	end(&w);
}

static int
opened(void **state)
{
	redis_server_need();
	return setup(state);
}

static int
start(void **state)
{
	(void)state;
	if (redis_server_has("redis-server"))
		redis_server_start(&server, NULL);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	redis_server_stop(&server);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, opened, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_end_is_told_and_telling_it_again_changes_nothing),
	    TEST(a_failed_job_fails_and_a_failed_try_comes_again),
	    TEST(a_job_that_was_put_back_is_reclaimed_and_answered),
	    TEST(nobody_waits_for_what_is_gone_or_anothers),
	    TEST(a_newer_lease_of_ours_is_answered_under),
	    TEST(what_is_flushed_together_is_completed_together),
	    TEST(one_that_redis_stumbles_over_holds_up_no_other),
	    TEST(of_several_each_has_its_own_answer),
	    TEST(one_that_is_dropped_is_not_told_of_and_others_are),
	    TEST(a_job_of_no_queue_needs_nothing),
	    TEST(a_redis_that_is_away_is_to_blame_and_keeps_the_answer),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
