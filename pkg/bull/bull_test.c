#include "bull/bull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#include "bull/bull_add.h"
#include "net/net_env.h"
#include "net/net_redis.h"
#include "net/net_redis_server_test.h"

#include "bull/bull_priv.h"

#define LIMIT_MS 20000
#define LOCK_MS 60000

/* A server for all tests; each test begins with an empty one. */
static struct redis_server server;

struct world {
	struct env *env;
	struct net_redis *redis;
	struct bull *b;
	struct env_timer limit;
	struct bull_call c;
	int done;
	enum bull_library library;
};

/* Tests run for each library; these are the world's parameters. */
static const enum bull_library libraries[] = {BULL_CLASSIC, BULL_MQ5, BULL_MQ6};

static void
on_limit(struct env_timer *t)
{
	(void)t;
	fail_msg("no answer in %d ms", LIMIT_MS);
}

static void
on_done(struct bull_call *c)
{
	struct world *w = CONTAINER_OF(c, struct world, c);

	w->done++;
	net_env_stop(w->env);
}

static void
flush(void)
{
	(void)REDIS_ASK(&server, "FLUSHALL");
}

static void
open_world(struct world *w, enum bull_library pinned, const char *token)
{
	struct net_redis_options r = {0};
	struct bull_options o = {0};
	char url[64];
	struct err err;

	*w = (struct world){.limit.fn = on_limit, .library = pinned};
	assert_int_equal(net_env_open(&w->env, &err), ERR_NONE);
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", server.port);
	r.env = w->env;
	r.url = url;
	assert_int_equal(net_redis_open(&r, &w->redis, &err), ERR_NONE);
	o.env = w->env;
	o.redis = w->redis;
	o.queue = "calls";
	o.token = token;
	o.worker = "w1";
	o.library = pinned;
	assert_int_equal(bull_open(&o, &w->b, &err), ERR_NONE);
}

static void
close_world(struct world *w)
{
	bull_call_fini(&w->c);
	bull_close(&w->b);
	net_redis_close(&w->redis);
	net_env_close(&w->env);
}

static struct bull_call *
fresh(struct world *w)
{
	bull_call_fini(&w->c);
	w->c = (struct bull_call){.done = on_done};
	w->done = 0;
	return &w->c;
}

/* Runs the loop until the call is answered. */
static void
await(struct world *w)
{
	assert_int_equal(w->done, 0);
	env_timer_start_real(w->env, &w->limit, LIMIT_MS);
	while (w->done == 0)
		net_env_run(w->env);
	env_timer_stop(w->env, &w->limit);
}

static void
await_ok(struct world *w)
{
	await(w);
	if (w->c.code != ERR_NONE)
		fail_msg("%s", w->c.err.text);
	assert_true(w->c.sent);
}

static void
detect(struct world *w)
{
	bull_detect(w->b, fresh(w));
	await(w);
}

static void
begin(struct world *w, enum bull_library library)
{
	flush();
	open_world(w, library, "j1");
	detect(w);
	assert_int_equal(w->c.code, ERR_NONE);
	assert_int_equal(bull_library(w->b), library);
}

static void
add(struct world *w, struct bull_new n)
{
	struct err err = {.text = ""};

	n.name = n.name != NULL ? n.name : "call";
	n.data = n.data != NULL ? n.data : "{\"phone\":\"+15125550100\"}";
	n.data_len = strlen(n.data);
	if (bull_add(w->b, &n, fresh(w), &err) != ERR_NONE)
		fail_msg("%s", err.text);
	await_ok(w);
}

/* A job that outlives the call it came from. */
struct kept {
	struct bull_ref ref;
	char id[64], lease[128], stamp[32];
};

static void
keep(struct kept *k, const struct bull_job *j)
{
	*k = (struct kept){.id = ""};
	(void)snprintf(k->id, sizeof(k->id), "%s", j->ref.id);
	(void)snprintf(k->lease, sizeof(k->lease), "%s", j->ref.lease);
	(void)snprintf(k->stamp, sizeof(k->stamp), "%s", j->ref.stamp);
	k->ref = (struct bull_ref){k->id, k->lease, k->stamp, j->ref.tries};
}

static void
take(struct world *w, struct kept *k, size_t n, int64_t lock_ms)
{
	bull_take(w->b, (int64_t)n, lock_ms, fresh(w));
	await_ok(w);
	assert_int_equal(w->c.job_count, n);
	for (size_t i = 0; i < n; i++)
		keep(&k[i], &w->c.jobs[i]);
}

static enum bull_answer
complete(struct world *w, const struct kept *k)
{
	struct err err = {.text = ""};

	assert_int_equal(
	    bull_complete(w->b, &k->ref, "{\"ok\":1}", 8, fresh(w), &err),
	    ERR_NONE);
	await_ok(w);
	return w->c.answer;
}

static enum bull_answer
try_failed(
    struct world *w, const struct kept *k, bool final, int64_t backoff_ms)
{
	bull_fail(w->b, &k->ref, "broke", "at x", final, backoff_ms, fresh(w));
	await_ok(w);
	return w->c.answer;
}

static void
look(struct world *w)
{
	bull_look(w->b, fresh(w));
	await_ok(w);
}

#define EACH_LIBRARY(w)                                            \
	for (size_t each_ = 0; each_ < ARRAY_LEN(libraries) &&     \
			       (begin(&(w), libraries[each_]), 1); \
	     each_++, close_world(&(w)))

static void
a_job_is_taken_and_completed_once(void **state)
{
	struct world w;
	struct kept k;

	(void)state;
	EACH_LIBRARY(w)
	{
		const struct bull_job *j;

		add(&w, (struct bull_new){.attempts = 3, .priority = 2});
		bull_take(w.b, 5, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_TAKEN);
		assert_int_equal(w.c.job_count, 1);
		j = &w.c.jobs[0];
		assert_string_equal(j->ref.id, "1");
		assert_true(bull_is_ours(w.b, j->ref.lease));
		assert_in_range(bull_lease_taken_ms(j->ref.lease),
		    w.c.now_ms - 1, w.c.now_ms);
		assert_int_equal(bull_lease_taken_ms("a-node-worker:12"), 0);
		assert_int_equal(bull_lease_taken_ms(""), 0);
		assert_string_equal(j->name, "call");
		assert_string_equal(j->data, "{\"phone\":\"+15125550100\"}");
		assert_int_equal(j->attempts, 3);
		assert_int_equal(j->priority, 2);
		assert_int_equal(j->ref.tries, 0);
		assert_true(j->added_ms > 0 && j->added_ms <= w.c.now_ms);
		assert_int_equal(j->starts, w.library == BULL_CLASSIC ? 0 : 1);
		assert_string_equal(j->doomed, "");
		keep(&k, j);
		assert_int_equal(complete(&w, &k), BULL_DONE);
		assert_int_equal(complete(&w, &k), BULL_ALREADY);
		look(&w);
		assert_int_equal(w.c.counts.completed, 1);
		assert_int_equal(w.c.counts.active, 0);
		bull_take(w.b, 5, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_EMPTY);
	}
}

static void
many_are_completed_in_one_call_each_by_itself(void **state)
{
	static const enum bull_answer first[] = {BULL_DONE, BULL_OTHERS,
	    BULL_DONE, BULL_GONE},
				      again[] = {BULL_ALREADY, BULL_OTHERS,
					  BULL_ALREADY, BULL_GONE};
	struct bull_end ends[4];
	struct kept k[4];
	struct world w;

	(void)state;
	EACH_LIBRARY(w)
	{
		for (int i = 0; i < 4; i++)
			add(&w, (struct bull_new){0});
		take(&w, k, 4, LOCK_MS);
		for (int i = 0; i < 4; i++)
			ends[i] = (struct bull_end){&k[i].ref, "{\"n\":1}", 7};
		(void)REDIS_ASK(
		    &server, "SET", "bull:calls:2:lock", "another:5");
		(void)REDIS_ASK(&server, "DEL", "bull:calls:4");
		for (int turn = 0; turn < 2; turn++) {
			bull_complete_all(w.b, ends, 4, fresh(&w));
			await_ok(&w);
			assert_int_equal(w.c.ended_count, 4);
			for (int i = 0; i < 4; i++)
				assert_int_equal(w.c.ended[i].answer,
				    turn == 0 ? first[i] : again[i]);
			assert_string_equal(w.c.ended[0].text, "");
			assert_string_equal(w.c.ended[1].text, "another:5");
		}
		look(&w);
		assert_int_equal(w.c.counts.completed, 2);
	}
}

static void
a_result_that_is_no_json_is_refused_at_once(void **state)
{
	struct world w;
	struct kept k;
	struct err err;

	(void)state;
	begin(&w, BULL_CLASSIC);
	add(&w, (struct bull_new){0});
	take(&w, &k, 1, LOCK_MS);
	assert_int_equal(
	    bull_complete(w.b, &k.ref, "{oops", 5, fresh(&w), &err),
	    ERR_MALFORMED);
	assert_int_equal(
	    bull_progress(w.b, &k.ref, "", 0, fresh(&w), &err), ERR_MALFORMED);
	assert_int_equal(complete(&w, &k), BULL_DONE);
	close_world(&w);
}

static void
a_failed_try_comes_again_by_the_jobs_own_rules(void **state)
{
	struct world w;
	struct kept k, again;

	(void)state;
	EACH_LIBRARY(w)
	{
		add(&w, (struct bull_new){.attempts = 3,
			    .backoff =
				"{\"type\":\"exponential\",\"delay\":1000}"});
		take(&w, &k, 1, LOCK_MS);
		assert_int_equal(try_failed(&w, &k, false, -1), BULL_DELAYED);
		assert_true(w.c.due_ms > 0);
		assert_int_equal(try_failed(&w, &k, false, -1), BULL_ALREADY);
		assert_string_equal(w.c.text, "delayed");
		assert_int_equal(complete(&w, &k), BULL_MOVED);
		assert_string_equal(w.c.text, "delayed");
		(void)REDIS_ASK(
		    &server, "ZADD", "bull:calls:delayed", "1", "1");
		bull_promote(w.b, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.count, 1);
		take(&w, &again, 1, LOCK_MS);
		assert_int_equal(again.ref.tries, 1);
		assert_int_equal(
		    try_failed(&w, &again, false, 0), BULL_RETRIED);
		take(&w, &again, 1, LOCK_MS);
		assert_int_equal(
		    try_failed(&w, &again, false, -1), BULL_FAILED);
		look(&w);
		assert_int_equal(w.c.counts.failed, 1);
		assert_string_equal(
		    REDIS_ASK(&server, "HGET", "bull:calls:1", "stacktrace"),
		    "[\"at x\",\"at x\",\"at x\"]");
	}
}

static void
a_backoff_that_is_not_known_changes_nothing(void **state)
{
	struct world w;
	struct kept k;

	(void)state;
	EACH_LIBRARY(w)
	{
		add(&w, (struct bull_new){
			    .attempts = 2, .backoff = "{\"type\":\"moon\"}"});
		take(&w, &k, 1, LOCK_MS);
		assert_int_equal(try_failed(&w, &k, false, -1), BULL_BACKOFF);
		assert_string_equal(w.c.text, "moon");
		assert_int_equal(try_failed(&w, &k, true, -1), BULL_FAILED);
	}
}

static void
text_that_is_no_utf8_becomes_text(void **state)
{
	struct world w;
	struct kept k;

	(void)state;
	begin(&w, BULL_MQ6);
	add(&w, (struct bull_new){0});
	take(&w, &k, 1, LOCK_MS);
	bull_fail(w.b, &k.ref, "a\xff", "b\xc3", true, -1, fresh(&w));
	await_ok(&w);
	assert_string_equal(
	    REDIS_ASK(&server, "HGET", "bull:calls:1", "failedReason"), "a?");
	close_world(&w);
}

static void
delayed_and_handed_back_jobs_count_no_try(void **state)
{
	struct world w;
	struct kept k, again;

	(void)state;
	EACH_LIBRARY(w)
	{
		int64_t due;

		add(&w, (struct bull_new){0});
		add(&w, (struct bull_new){0});
		take(&w, &k, 1, LOCK_MS);
		bull_hand_back(w.b, &k.ref, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_DONE);
		bull_hand_back(w.b, &k.ref, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_ALREADY);
		take(&w, &again, 1, LOCK_MS);
		assert_string_equal(again.id, k.id);
		assert_string_not_equal(again.lease, k.lease);
		assert_int_equal(again.ref.tries, 0);
		due = w.c.now_ms + 3600000;
		bull_delay(w.b, &again.ref, due, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_DONE);
		assert_int_equal(w.c.due_ms, due);
		bull_delay(w.b, &again.ref, due, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_ALREADY);
		take(&w, &k, 1, LOCK_MS);
		assert_int_equal(w.c.due_ms, due);
	}
}

static void
what_a_dead_process_took_is_found_by_its_token(void **state)
{
	struct world w, next;
	struct kept k[3] = {{.id = ""}};

	(void)state;
	EACH_LIBRARY(w)
	{
		struct bull_lease l[2];

		for (int i = 0; i < 3; i++)
			add(&w, (struct bull_new){0});
		take(&w, k, 2, LOCK_MS);
		open_world(&next, w.library, "j1");
		detect(&next);
		bull_ours(next.b, fresh(&next));
		await_ok(&next);
		assert_int_equal(next.c.lease_count, 2);
		assert_string_equal(next.c.leases[0].id, k[0].id);
		assert_string_equal(next.c.leases[0].lease, k[0].lease);
		assert_true(next.c.leases[0].left_ms > LOCK_MS / 2);
		for (int i = 0; i < 2; i++)
			l[i] = (struct bull_lease){k[i].id, k[i].lease, 0};
		bull_read(next.b, l, 2, fresh(&next));
		await_ok(&next);
		assert_int_equal(next.c.count, 2);
		assert_int_equal(next.c.job_count, 2);
		assert_string_equal(next.c.jobs[1].ref.lease, k[1].lease);
		assert_int_equal(complete(&next, &k[0]), BULL_DONE);
		close_world(&next);
		open_world(&next, w.library, "j10");
		detect(&next);
		bull_ours(next.b, fresh(&next));
		await_ok(&next);
		assert_int_equal(next.c.lease_count, 0);
		close_world(&next);
	}
}

static void
a_lock_that_ran_out_is_reclaimed_from_nobody_only(void **state)
{
	struct world w;
	struct kept k[3] = {{.id = ""}};

	(void)state;
	EACH_LIBRARY(w)
	{
		struct bull_lease l[3];

		for (int i = 0; i < 3; i++)
			add(&w, (struct bull_new){0});
		take(&w, k, 3, LOCK_MS);
		for (int i = 0; i < 3; i++)
			l[i] = (struct bull_lease){k[i].id, k[i].lease, 0};
		(void)REDIS_ASK(&server, "DEL", "bull:calls:1:lock");
		(void)REDIS_ASK(
		    &server, "SET", "bull:calls:2:lock", "somebody");
		bull_renew(w.b, l, 3, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.held_count, 3);
		assert_false(w.c.held[0]);
		assert_false(w.c.held[1]);
		assert_true(w.c.held[2]);
		bull_reclaim(w.b, &k[0].ref, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_DONE);
		assert_string_equal(w.c.text, k[0].lease);
		bull_reclaim(w.b, &k[1].ref, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_OTHERS);
		assert_string_equal(w.c.text, "somebody");
		assert_int_equal(complete(&w, &k[1]), BULL_OTHERS);
		assert_int_equal(complete(&w, &k[0]), BULL_DONE);
		bull_reclaim(w.b, &k[0].ref, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_MOVED);
		assert_string_equal(w.c.text, "completed");
		(void)REDIS_ASK(&server, "DEL", "bull:calls:3");
		bull_reclaim(w.b, &k[2].ref, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_GONE);
		assert_string_equal(w.c.text, "removed");
	}
}

static const char *
reclaimed(struct world *w, const struct kept *k)
{
	bull_reclaim(w->b, &k->ref, LOCK_MS, fresh(w));
	await_ok(w);
	assert_int_equal(w->c.answer, BULL_GONE);
	return w->c.text;
}

static void
missing_are(struct world *w, const struct kept *k, size_t n, const char *want)
{
	struct bull_ref refs[4];

	for (size_t i = 0; i < n; i++)
		refs[i] = k[i].ref;
	bull_missing(w->b, refs, n, fresh(w));
	await_ok(w);
	assert_int_equal(w->c.held_count, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(w->c.held[i], want[i] == '1');
}

static void
a_redis_says_what_is_gone_only_of_what_it_remembers(void **state)
{
	struct world w;
	struct kept k[4] = {{.id = ""}};
	struct kept new[1] = {{.id = ""}};

	(void)state;
	EACH_LIBRARY(w)
	{
		for (int i = 0; i < 4; i++)
			add(&w, (struct bull_new){0});
		take(&w, k, 4, LOCK_MS);
		for (int i = 0; i < 3; i++) {
			bull_hand_back(w.b, &k[i].ref, fresh(&w));
			await_ok(&w);
		}
		missing_are(&w, k, 4, "0000");
		/* Removed, and done by another. */
		(void)REDIS_ASK(&server, "DEL", "bull:calls:1");
		(void)REDIS_ASK(
		    &server, "ZADD", "bull:calls:completed", "1", "2");
		missing_are(&w, k, 4, "1100");
		/* Another Redis for a while, or its memory is lost. */
		(void)REDIS_ASK(&server, "FLUSHALL");
		missing_are(&w, k, 4, "0000");
		assert_string_equal(reclaimed(&w, &k[3]), "lost");
		/* Also when it has given us something since. */
		add(&w, (struct bull_new){.id = "later"});
		take(&w, new, 1, LOCK_MS);
		missing_are(&w, k, 4, "0000");
		assert_string_equal(reclaimed(&w, &k[3]), "lost");
		(void)REDIS_ASK(&server, "DEL", "bull:calls:later");
		missing_are(&w, new, 1, "1");
	}
}

static void
a_stalled_job_is_put_back(void **state)
{
	struct world w;
	struct kept k;

	(void)state;
	EACH_LIBRARY(w)
	{
		add(&w, (struct bull_new){0});
		take(&w, &k, 1, LOCK_MS);
		(void)REDIS_ASK(&server, "DEL", "bull:calls:1:lock");
		bull_check_stalled(w.b, 1, 1, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_DONE);
		assert_int_equal(w.c.id_count, 0);
		redis_server_sleep_ms(5);
		bull_check_stalled(w.b, 1, 60000, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.id_count, 1);
		assert_string_equal(w.c.ids[0], "1");
		bull_check_stalled(w.b, 1, 60000, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_NOT_YET);
		assert_int_equal(complete(&w, &k), BULL_MOVED);
		assert_string_equal(w.c.text, "wait");
		bull_reclaim(w.b, &k.ref, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_DONE);
		assert_int_equal(complete(&w, &k), BULL_DONE);
	}
}

static void
notes_are_kept_while_the_job_is_there(void **state)
{
	struct world w;
	struct kept k;
	struct err err;

	(void)state;
	EACH_LIBRARY(w)
	{
		add(&w, (struct bull_new){.remove_on_complete = "true"});
		take(&w, &k, 1, LOCK_MS);
		assert_int_equal(
		    bull_progress(w.b, &k.ref, "40", 2, fresh(&w), &err),
		    ERR_NONE);
		await_ok(&w);
		bull_log(w.b, &k.ref, "rings", fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_DONE);
		assert_string_equal(
		    REDIS_ASK(&server, "HGET", "bull:calls:1", "progress"),
		    "40");
		assert_string_equal(
		    REDIS_ASK(&server, "LINDEX", "bull:calls:1:logs", "0"),
		    "rings");
		assert_int_equal(complete(&w, &k), BULL_DONE);
		assert_int_equal(complete(&w, &k), BULL_GONE);
		bull_log(w.b, &k.ref, "rings", fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.answer, BULL_GONE);
	}
}

static void
an_id_is_added_once(void **state)
{
	static const char *const bad[] = {"", "wait", "meta"};
	struct world w;
	struct err err;

	(void)state;
	EACH_LIBRARY(w)
	{
		struct bull_new n = {.id = "a-1"};

		add(&w, n);
		assert_int_equal(w.c.answer, BULL_DONE);
		assert_string_equal(w.c.text, "a-1");
		add(&w, n);
		assert_int_equal(w.c.answer, BULL_ALREADY);
		n = (struct bull_new){.name = "x", .data = "{}", .data_len = 2};
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			n.id = bad[i];
			assert_int_equal(
			    bull_add(w.b, &n, fresh(&w), &err), ERR_MALFORMED);
		}
		n.id = "17";
		if (w.library != BULL_CLASSIC)
			assert_int_equal(
			    bull_add(w.b, &n, fresh(&w), &err), ERR_MALFORMED);
		n.id = "a-2";
		n.data = "{x";
		assert_int_equal(
		    bull_add(w.b, &n, fresh(&w), &err), ERR_MALFORMED);
		look(&w);
		assert_int_equal(w.c.counts.wait, 1);
	}
}

static void
a_job_too_large_is_named_and_left_out(void **state)
{
	struct world w;
	struct kept k = {.id = ""};
	struct buf big = BUF_INIT((size_t)8 << 20);

	(void)state;
	buf_putc(&big, '"');
	for (int i = 0; i < 3000000; i++)
		buf_putc(&big, 'x');
	buf_putc(&big, '"');
	EACH_LIBRARY(w)
	{
		add(&w, (struct bull_new){.name = "big", .data = big.bytes});
		bull_take(w.b, 1, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_int_equal(w.c.job_count, 1);
		assert_int_equal(w.c.jobs[0].left_out, 3000002);
		assert_int_equal(w.c.jobs[0].data_len, 0);
		assert_string_equal(w.c.jobs[0].name, "big");
		keep(&k, &w.c.jobs[0]);
		assert_int_equal(try_failed(&w, &k, true, -1), BULL_FAILED);
	}
	buf_free(&big);
}

static void
bad_opts_are_said(void **state)
{
	struct world w;

	(void)state;
	EACH_LIBRARY(w)
	{
		add(&w, (struct bull_new){0});
		(void)REDIS_ASK(
		    &server, "HSET", "bull:calls:1", "opts", "{nonsense");
		bull_take(w.b, 1, LOCK_MS, fresh(&w));
		await_ok(&w);
		assert_true(w.c.jobs[0].opts_bad);
		assert_int_equal(w.c.jobs[0].attempts, 1);
	}
}

static void
expect_config(struct world *w, const char *part)
{
	detect(w);
	if (w->c.code != ERR_CONFIG || strstr(w->c.err.text, part) == NULL)
		fail_msg("\"%s\" and not \"...%s...\"", w->c.err.text, part);
}

static void
a_queue_of_the_other_library_is_refused(void **state)
{
	struct world w;

	(void)state;
	begin(&w, BULL_CLASSIC);
	(void)REDIS_ASK(
	    &server, "HSET", "bull:calls:meta", "version", "bullmq:6.7.0");
	expect_config(&w, "of BullMQ (meta version bullmq:6.7.0), not of bull");
	close_world(&w);
	open_world(&w, BULL_MQ5, "j1");
	expect_config(&w, "a queue of bullmq:6.7.0 (its meta says so)");
	close_world(&w);
	open_world(&w, BULL_ANY, "j1");
	detect(&w);
	assert_int_equal(w.c.code, ERR_NONE);
	assert_int_equal(bull_library(w.b), BULL_MQ6);
	(void)REDIS_ASK(
	    &server, "HSET", "bull:calls:meta", "version", "bullmq:7.0.0");
	expect_config(&w, "known are BullMQ 5 and 6");
	(void)REDIS_ASK(
	    &server, "HSET", "bull:calls:meta", "version", "bullmq:4.1.0");
	expect_config(&w, "known are BullMQ 5 and 6");
	(void)REDIS_ASK(&server, "SET", "bull:calls:meta-paused", "1");
	expect_config(&w, "both libraries");
	(void)REDIS_ASK(&server, "SET", "bull:calls:wait", "1");
	expect_config(&w, "its key wait is a string and not a list");
	close_world(&w);
	flush();
	open_world(&w, BULL_MQ, "j1");
	(void)REDIS_ASK(&server, "SET", "bull:calls:meta-paused", "1");
	expect_config(&w, "of Bull (key meta-paused), not of bullmq");
	close_world(&w);
}

static void
an_empty_queue_is_the_pinned_ones_or_bulls(void **state)
{
	static const struct {
		enum bull_library pinned, is;
	} rows[] = {
	    {BULL_ANY, BULL_CLASSIC},
	    {BULL_CLASSIC, BULL_CLASSIC},
	    {BULL_MQ, BULL_MQ5},
	    {BULL_MQ5, BULL_MQ5},
	    {BULL_MQ6, BULL_MQ6},
	};

	(void)state;
	flush();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;

		open_world(&w, rows[i].pinned, "j1");
		detect(&w);
		assert_int_equal(w.c.code, ERR_NONE);
		assert_int_equal(bull_library(w.b), rows[i].is);
		close_world(&w);
	}
}

static void
names_are_checked(void **state)
{
	struct bull *b;
	struct err err;
	enum bull_library l = BULL_ANY;

	(void)state;
	assert_int_equal(
	    bull_open(&(struct bull_options){.token = "t"}, &b, &err),
	    ERR_CONFIG);
	assert_int_equal(
	    bull_open(&(struct bull_options){.queue = "q"}, &b, &err),
	    ERR_CONFIG);
	assert_int_equal(
	    bull_open(
		&(struct bull_options){.queue = "q", .token = "a:b"}, &b, &err),
	    ERR_CONFIG);
	assert_true(bull_library_parse("bullmq6", &l));
	assert_int_equal(l, BULL_MQ6);
	assert_false(bull_library_parse("kue", &l));
	assert_string_equal(bull_library_name(BULL_CLASSIC), "bull");
}

static void
a_cancelled_call_and_a_closed_queue_never_call_back(void **state)
{
	struct world w;
	struct bull_call other = {.done = on_done};

	(void)state;
	begin(&w, BULL_CLASSIC);
	bull_look(w.b, fresh(&w));
	bull_cancel(&w.c);
	bull_cancel(&w.c);
	bull_look(w.b, &other);
	bull_close(&w.b);
	bull_call_fini(&other);
	net_env_drain(w.env);
	redis_server_sleep_ms(20);
	net_env_drain(w.env);
	assert_int_equal(w.done, 0);
	close_world(&w);
}

static void
a_lost_connection_says_that_it_may_have_happened(void **state)
{
	struct world w;
	struct kept k;
	struct err err;
	enum bull_answer how;

	(void)state;
	begin(&w, BULL_MQ6);
	add(&w, (struct bull_new){0});
	take(&w, &k, 1, LOCK_MS);
	/* Redis does it, and the answer is cut off. */
	(void)REDIS_ASK(&server, "CLIENT", "PAUSE", "200", "WRITE");
	assert_int_equal(
	    bull_complete(w.b, &k.ref, "1", 1, fresh(&w), &err), ERR_NONE);
	net_env_drain(w.env);
	redis_server_sleep_ms(20);
	(void)REDIS_ASK(
	    &server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
	await(&w);
	assert_int_equal(w.c.code, ERR_UNREACHABLE);
	assert_true(w.c.sent);
	redis_server_sleep_ms(250);
	how = complete(&w, &k);
	if (how != BULL_DONE && how != BULL_ALREADY)
		fail_msg("answered %s", bull_answer_name(how));
	look(&w);
	assert_int_equal(w.c.counts.completed, 1);
	close_world(&w);
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

static int
need(void **state)
{
	(void)state;
	redis_server_need();
	return 0;
}

/* Else each call would go over the network twice. */
static void
each_script_carries_the_hash_that_redis_gives_it(void **state)
{
	static const char *const names[] = {"add", "complete", "delay",
	    "detect", "fail", "handback", "log", "look", "ours", "progress",
	    "promote", "read", "reclaim", "renew", "stalled", "take"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct net_redis_script *s = bull_script(names[i]);

		assert_string_equal(
		    REDIS_ASK(&server, "SCRIPT", "LOAD", s->text), s->sha1);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, need)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_job_is_taken_and_completed_once),
	    TEST(many_are_completed_in_one_call_each_by_itself),
	    TEST(a_result_that_is_no_json_is_refused_at_once),
	    TEST(a_failed_try_comes_again_by_the_jobs_own_rules),
	    TEST(a_backoff_that_is_not_known_changes_nothing),
	    TEST(text_that_is_no_utf8_becomes_text),
	    TEST(delayed_and_handed_back_jobs_count_no_try),
	    TEST(what_a_dead_process_took_is_found_by_its_token),
	    TEST(a_lock_that_ran_out_is_reclaimed_from_nobody_only),
	    TEST(a_redis_says_what_is_gone_only_of_what_it_remembers),
	    TEST(a_stalled_job_is_put_back),
	    TEST(notes_are_kept_while_the_job_is_there),
	    TEST(an_id_is_added_once),
	    TEST(a_job_too_large_is_named_and_left_out),
	    TEST(bad_opts_are_said),
	    TEST(a_queue_of_the_other_library_is_refused),
	    TEST(an_empty_queue_is_the_pinned_ones_or_bulls),
	    TEST(a_cancelled_call_and_a_closed_queue_never_call_back),
	    TEST(a_lost_connection_says_that_it_may_have_happened),
	    TEST(each_script_carries_the_hash_that_redis_gives_it),
	    cmocka_unit_test(names_are_checked),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
