#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#include "bull/bull.h"
#include "net/net_env.h"
#include "net/net_redis.h"

/*
 * pkg/bull as a worker, to be killed at any moment and started again.
 *
 *   bull_worker PORT LIBRARY QUEUE TOKEN DIARY BATCH
 *
 * Works until the queue is empty, then ends with status 0.  What it does for a
 * job is one line in DIARY, "ID STAMP TRIES"; the diary is also its journal: a
 * job that stands there is only completed.  Ids must be the libraries' own
 * numbers, tries those of the first try.
 */

#define IDS_MAX 1000000
#define LOCK_MS 60000

struct worker;

/* A job of which the completion is under way. */
struct ending {
	struct bull_call call;
	struct worker *w;
};

struct worker {
	struct env *env;
	struct net_redis *redis;
	struct bull *b;
	struct bull_call call; /* detect, ours, read, take */
	struct bull_call read; /* the jobs of call's leases */
	int64_t batch;
	int diary;
	size_t looked_at; /* of call's leases */
	struct ending endings[BULL_BATCH_MAX];
	size_t ending_count;
	long done, already;
};

static bool did[IDS_MAX]; /* by id: it stands in the diary */

static void take(struct worker *w);
static void read_more(struct worker *w);

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bull_worker: %s: %s\n", what, why);
	exit(1);
}

static void
need(const struct bull_call *c)
{
	if (c->code != ERR_NONE)
		die(err_name(c->code), c->err.text);
}

static void
read_diary(struct worker *w, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		did[strtol(line, NULL, 10) % IDS_MAX] = true;
	if (f != NULL)
		(void)fclose(f);
	w->diary = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (w->diary < 0)
		die(path, "cannot be written");
}

static void
do_job(struct worker *w, const struct bull_ref *ref)
{
	long id = strtol(ref->id, NULL, 10);
	char line[256];
	int len = snprintf(line, sizeof(line), "%s %s %lld\n", ref->id,
	    ref->stamp, (long long)ref->tries);

	if (id <= 0 || id >= IDS_MAX)
		die(ref->id, "no id of the library's own");
	if (did[id])
		return;
	did[id] = true;
	if (write(w->diary, line, (size_t)len) != len)
		die("diary", "cannot be written");
}

/* All are through: what is next? */
static void
go_on(struct worker *w)
{
	if (w->looked_at < w->call.lease_count)
		read_more(w);
	else
		take(w);
}

static void
on_end(struct bull_call *c)
{
	struct ending *e = CONTAINER_OF(c, struct ending, call);
	struct worker *w = e->w;

	need(c);
	if (c->answer == BULL_DONE)
		w->done++;
	else if (c->answer == BULL_ALREADY || c->answer == BULL_GONE)
		w->already++;
	else
		die(bull_answer_name(c->answer), c->text);
	bull_call_fini(c);
	if (--w->ending_count == 0)
		go_on(w);
}

static void
work(struct worker *w, const struct bull_call *from)
{
	struct err err;

	w->ending_count = from->job_count;
	for (size_t i = 0; i < from->job_count; i++) {
		struct ending *e = &w->endings[i];

		do_job(w, &from->jobs[i].ref);
		*e = (struct ending){.w = w, .call.done = on_end};
		if (bull_complete(w->b, &from->jobs[i].ref, "{\"by\":\"us\"}",
			11, &e->call, &err) != ERR_NONE)
			die("complete", err.text);
	}
	if (from->job_count == 0)
		go_on(w);
}

static void
on_take(struct bull_call *c)
{
	struct worker *w = CONTAINER_OF(c, struct worker, call);

	need(c);
	if (c->answer == BULL_TAKEN)
		work(w, c);
	else if (c->answer == BULL_EMPTY)
		net_env_stop(w->env);
	else
		die("take", bull_answer_name(c->answer));
}

static void
take(struct worker *w)
{
	bull_call_fini(&w->call);
	w->call = (struct bull_call){.done = on_take};
	bull_take(w->b, w->batch, LOCK_MS, &w->call);
}

static void
on_read(struct bull_call *c)
{
	struct worker *w = CONTAINER_OF(c, struct worker, read);

	need(c);
	w->looked_at += (size_t)c->count;
	work(w, c);
}

static void
read_more(struct worker *w)
{
	size_t n = w->call.lease_count - w->looked_at;

	bull_call_fini(&w->read);
	w->read = (struct bull_call){.done = on_read};
	bull_read(w->b, w->call.leases + w->looked_at,
	    n < BULL_BATCH_MAX ? n : BULL_BATCH_MAX, &w->read);
}

static void
on_ours(struct bull_call *c)
{
	struct worker *w = CONTAINER_OF(c, struct worker, call);

	need(c);
	go_on(w);
}

static void
on_detect(struct bull_call *c)
{
	struct worker *w = CONTAINER_OF(c, struct worker, call);

	need(c);
	bull_call_fini(c);
	w->call = (struct bull_call){.done = on_ours};
	bull_ours(w->b, &w->call);
}

int
main(int argc, char **argv)
{
	static struct worker w = {.call.done = on_detect};
	struct net_redis_options r = {0};
	struct bull_options o = {.worker = "bull_worker"};
	char url[64];
	struct err err;

	if (argc != 7 || !bull_library_parse(argv[2], &o.library))
		die("usage", "PORT LIBRARY QUEUE TOKEN DIARY BATCH");
	read_diary(&w, argv[5]);
	w.batch = strtol(argv[6], NULL, 10);
	if (net_env_open(&w.env, &err) != ERR_NONE)
		die("env", err.text);
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%s", argv[1]);
	r.env = o.env = w.env;
	r.url = url;
	if (net_redis_open(&r, &w.redis, &err) != ERR_NONE)
		die("redis", err.text);
	o.redis = w.redis;
	o.queue = argv[3];
	o.token = argv[4];
	if (bull_open(&o, &w.b, &err) != ERR_NONE)
		die("queue", err.text);
	bull_detect(w.b, &w.call);
	net_env_run(w.env);
	(void)printf("%ld %ld\n", w.done, w.already);
	bull_call_fini(&w.call);
	bull_call_fini(&w.read);
	bull_close(&w.b);
	net_redis_close(&w.redis);
	net_env_close(&w.env);
	return 0;
}
