#include "sink/sink_mongo.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_pool.h"

#define LEAST 8 /* rows of a bulk to a server in trouble */

/* A push on its way.  The thread reads only its row, whose texts are a copy:
 * what the push points at may go with a cancel. */
struct item {
	struct sink_push *push; /* NULL: cancelled */
	char *texts;
};

struct bulk {
	struct env_work work;
	struct sink_mongo *sink;
	struct item *items;
	struct mongo_row *rows; /* of the items, in their order */
	size_t count;
};

struct sink_mongo {
	struct sink_pusher port;
	struct env *env;
	struct mongo_options options;
	char *texts[5 + MONGO_COLLECTION_COUNT]; /* of options */
	uint8_t master_key[MONGO_MASTER_KEY_BYTES];
	struct mongo *mongo;
	struct net_pool *pool;
	struct list gathered;
	struct bulk *bulk; /* under way; NULL: none */
	bool due;          /* flushed while one was under way, or left by it */
	size_t most;       /* rows of the next bulk */
	/* Why there is no mongo: told to what was flushed, from the loop. */
	struct err refusal;
	struct list refused;
	struct env_post post;
};

/* Did they say no?  Why a call came to nothing says more than that, and what
 * only means "not this time" leaves the steps that follow open. */
static bool
is_declined(const char *reason)
{
	static const char *const others[] = {"dead_line", "kept_waiting",
	    "max_duration", "menu_loop", "no_decision", "no_message",
	    "nobody_came", "not_available", "silence"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(reason, others[i]) == 0)
			return false;
	return *reason != '\0';
}

static enum mongo_status
status_of(const struct sink_result *r)
{
	if (r->meeting_json[0] != '\0')
		return MONGO_BOOKED;
	if (is_declined(r->decline_reason))
		return MONGO_DECLINED;
	if (!r->final_step)
		return MONGO_IN_PROGRESS;
	return r->state == JOB_DONE && (r->outcome == JOB_OUTCOME_COMPLETED ||
					   r->outcome == JOB_OUTCOME_VOICEMAIL)
		   ? MONGO_COMPLETED
		   : MONGO_FAILED;
}

void
sink_mongo_row(
    const struct sink_result *r, int64_t now_ms, struct mongo_row *out)
{
	bool called = r->call_id[0] != '\0';

	*out = (struct mongo_row){
	    .campaign = r->campaign,
	    .status = status_of(r),
	    .step = r->step,
	    .completed_ms = r->state == JOB_DONE && called ? r->ended_ms : 0,
	    .revision = r->revision,
	    .now_ms = now_ms,
	    .carrier = r->carrier,
	    .call_id = r->call_id,
	    .call_ms = r->placed_ms,
	    .duration_ms = sink_result_talked_ms(r),
	    .outcome = r->outcome == JOB_OUTCOME_NONE
			   ? ""
			   : job_outcome_name(r->outcome),
	    .decline_reason = r->decline_reason,
	    .attempts = r->attempts,
	    .cost_micros = r->cost_micros,
	    .meeting_json = r->meeting_json,
	    .recording_url = r->recording_url,
	    .transcript_url = r->transcript_url,
	};
}

/* mem_free. */
static char *
own_texts(struct mongo_row *r)
{
	const char **const texts[] = {&r->campaign, &r->carrier, &r->call_id,
	    &r->decline_reason, &r->meeting_json, &r->recording_url,
	    &r->transcript_url};
	size_t size = 0;
	char *copy;
	char *at;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		size += strlen(*texts[i]) + 1;
	copy = at = mem_zalloc(size, 1);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		size_t len = strlen(*texts[i]) + 1;

		memcpy(at, *texts[i], len);
		*texts[i] = at;
		at += len;
	}
	return copy;
}

static void
bulk_free(struct bulk **bp)
{
	struct bulk *b = *bp;

	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++)
		mem_free(&b->items[i].texts);
	mem_free(&b->items);
	mem_free(&b->rows);
	mem_free(bp);
}

/* A conflict is between writers, no fault of the service. */
static bool
is_to_blame(enum err_code code)
{
	enum err_class class = err_class(code);

	return class == ERR_CLASS_FATAL ||
	       (class == ERR_CLASS_RETRY && code != ERR_BUSY);
}

static void
finish(
    struct sink_push *p, enum err_code code, const struct err *err, bool *told)
{
	p->impl = NULL;
	p->code = code;
	if (code != ERR_NONE)
		p->err = *err;
	p->retry_after_ms = -1;
	p->blame = is_to_blame(code);
	p->echo = p->blame && *told;
	*told = *told || p->blame;
	p->done(p);
}

static void send_all(struct sink_mongo *s);

static void
on_thread(struct env_work *w)
{
	struct bulk *b = CONTAINER_OF(w, struct bulk, work);

	mongo_write(b->sink->mongo, b->rows, b->count);
}

/* A server too slow for as many in its time would be too slow for ever. */
static void
choose_most(struct sink_mongo *s, const struct bulk *b)
{
	bool bad = false;

	for (size_t i = 0; i < b->count; i++)
		bad = bad || is_to_blame(b->rows[i].code);
	s->most = bad ? s->most / 4 : s->most * 2;
	if (s->most < LEAST)
		s->most = LEAST;
	if (s->most > SINK_MONGO_AT_ONCE)
		s->most = SINK_MONGO_AT_ONCE;
}

/* A done() may start, cancel and flush; the bulk stays until all were told. */
static void
on_loop(struct env_work *w)
{
	struct bulk *b = CONTAINER_OF(w, struct bulk, work);
	struct sink_mongo *s = b->sink;
	bool told = false; /* that something is wrong with the service */

	choose_most(s, b);
	for (size_t i = 0; i < b->count; i++) {
		struct sink_push *p = b->items[i].push;

		b->items[i].push = NULL;
		if (p != NULL)
			finish(p, b->rows[i].code, &b->rows[i].err, &told);
	}
	s->bulk = NULL;
	bulk_free(&b);
	if (s->due)
		send_all(s);
}

static void
tell_refused(struct env_post *post)
{
	struct sink_mongo *s = CONTAINER_OF(post, struct sink_mongo, post);
	struct list now;
	struct list *node;
	bool told = false;

	list_init(&now);
	while ((node = list_pop(&s->refused)) != NULL)
		list_add_tail(&now, node);
	while ((node = list_pop(&now)) != NULL)
		finish(CONTAINER_OF(node, struct sink_push, node),
		    s->refusal.code, &s->refusal, &told);
}

static enum err_code
get_ready(struct sink_mongo *s, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (s->mongo == NULL)
		code = mongo_open(&s->options, &s->mongo, err);
	if (code == ERR_NONE && s->pool == NULL)
		code = net_pool_open(s->env, 1, &s->pool, err);
	return code;
}

static struct bulk *
gather(struct sink_mongo *s)
{
	struct bulk *b = mem_zalloc(1, sizeof(*b));
	int64_t now_ms = env_now_ms(s->env);
	struct list *node;
	size_t n = 0;

	LIST_FOREACH (it, &s->gathered)
		n += n < s->most;
	b->work = (struct env_work){.run = on_thread, .done = on_loop};
	b->sink = s;
	b->items = mem_zalloc(n, sizeof(*b->items));
	b->rows = mem_zalloc(n, sizeof(*b->rows));
	while (b->count < n && (node = list_pop(&s->gathered)) != NULL) {
		struct sink_push *p =
		    CONTAINER_OF(node, struct sink_push, node);
		struct item *it = &b->items[b->count];
		struct mongo_row *r = &b->rows[b->count++];

		it->push = p;
		p->impl = it;
		sink_mongo_row(p->result, now_ms, r);
		it->texts = own_texts(r);
	}
	return b;
}

/* What was gathered, as one bulk, and what it leaves when that is back. */
static void
send_all(struct sink_mongo *s)
{
	struct list *node;

	s->due = false;
	if (list_empty(&s->gathered))
		return;
	if (get_ready(s, &s->refusal) != ERR_NONE) {
		while ((node = list_pop(&s->gathered)) != NULL)
			list_add_tail(&s->refused, node);
		env_post(s->env, &s->post);
		return;
	}
	s->bulk = gather(s);
	s->due = !list_empty(&s->gathered);
	net_pool_submit(s->pool, &s->bulk->work);
}

static void
op_start(void *impl, struct sink_push *p)
{
	struct sink_mongo *s = impl;

	p->impl = NULL;
	list_add_tail(&s->gathered, &p->node);
}

/* Gathered or refused it is in a list, sent it is an item. */
static void
op_cancel(void *impl, struct sink_push *p)
{
	struct item *it = p->impl;

	(void)impl;
	if (it != NULL) {
		it->push = NULL;
		p->impl = NULL;
		return;
	}
	list_remove(&p->node);
}

static void
op_flush(void *impl)
{
	struct sink_mongo *s = impl;

	if (s->bulk != NULL)
		s->due = true;
	else
		send_all(s);
}

static void
let_go(struct list *l)
{
	while (list_pop(l) != NULL)
		continue;
}

static void
op_free(void *impl)
{
	struct sink_mongo *s = impl;

	if (s->mongo != NULL)
		mongo_stop(s->mongo);
	net_pool_close(&s->pool);
	mongo_close(&s->mongo);
	bulk_free(&s->bulk);
	let_go(&s->gathered);
	let_go(&s->refused);
	list_remove(&s->post.node);
	for (size_t i = 0; i < ARRAY_LEN(s->texts); i++)
		mem_free(&s->texts[i]);
	mem_wipe(s->master_key, sizeof(s->master_key));
	mem_free(&s);
}

static const struct sink_push_ops ops = {
    .start = op_start,
    .cancel = op_cancel,
    .flush = op_flush,
    .free = op_free,
};

static void
own_options(struct sink_mongo *s, const struct mongo_options *o)
{
	struct mongo_options *own = &s->options;
	const char **texts[ARRAY_LEN(s->texts) + 1] = {&own->uri,
	    &own->database, &own->app_name, &own->tls_ca_file,
	    &own->tls_cert_file};
	size_t n = 5;

	*own = *o;
	for (size_t c = 0; c < MONGO_COLLECTION_COUNT; c++)
		texts[n++] = &own->collection[c];
	CHECK(n == ARRAY_LEN(s->texts));
	for (size_t i = 0; i < n; i++)
		*texts[i] = s->texts[i] = mem_strdup(*texts[i]);
	if (o->master_key != NULL) {
		memcpy(s->master_key, o->master_key, sizeof(s->master_key));
		own->master_key = s->master_key;
	}
}

struct sink_pusher *
sink_mongo_new(struct env *env, const struct mongo_options *o)
{
	struct sink_mongo *s = mem_zalloc(1, sizeof(*s));

	s->env = env;
	s->most = SINK_MONGO_AT_ONCE;
	own_options(s, o);
	list_init(&s->gathered);
	list_init(&s->refused);
	s->post.fn = tell_refused;
	s->port = (struct sink_pusher){.name = "mongo",
	    .service = "mongodb",
	    .ops = &ops,
	    .impl = s,
	    .at_once = SINK_MONGO_AT_ONCE};
	return &s->port;
}
