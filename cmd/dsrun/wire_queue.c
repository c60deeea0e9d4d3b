#include "wire_queue.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "bull/bull.h"
#include "net/net_redis.h"
#include "sink/sink_bull.h"
#include "source/source_bull.h"
#include "source/source_lookup_mongo.h"
#include "wire_sinks.h"

struct wire_queue {
	struct net_redis *redis;
	struct bull *bull;
	struct source_bull *source;
	struct sink_pusher *sink;
	struct source_lookup *lookup; /* NULL: no MongoDB */
	uint8_t master_key[MONGO_MASTER_KEY_BYTES];
	char *name;
	const char *kinds[CONF_KINDS_MAX + 1];
};

bool
wire_queue_is_set(const struct conf *conf)
{
	return conf->bull.queue != NULL;
}

struct net_redis_options
wire_queue_redis(struct env *env, const struct conf_bull *b)
{
	return (struct net_redis_options){.env = env,
	    .url = b->url,
	    .sentinels = b->sentinels,
	    .sentinel_master = b->master,
	    .sentinel_user = NULL,
	    .user = b->user,
	    .password = b->password,
	    .ca_file = b->ca_file,
	    .client_cert = b->cert_file,
	    .client_key = b->key_file};
}

/* One token for each incarnation: a restored journal is another consumer than
 * the one it was. */
static char *
token_of(const struct journal *journal)
{
	return mem_printf("dsrun-%.24s-%lld", journal_id_hex(journal),
	    (long long)journal_opened_ms(journal));
}

char *
wire_queue_name(const struct conf_bull *b)
{
	return source_bull_name(b->prefix, b->queue);
}

enum err_code
wire_queue_bull(struct env *env, const struct conf_bull *b,
    const struct journal *journal, struct net_redis *redis, struct bull **out,
    struct err *err)
{
	char *token =
	    journal != NULL ? token_of(journal) : mem_strdup("nobody");
	struct bull_options o = {.env = env,
	    .redis = redis,
	    .prefix = b->prefix,
	    .queue = b->queue,
	    .token = token,
	    .worker = "dsrun",
	    .limit = b->limit,
	    .limit_ms = b->limit_per_ms,
	    .metrics = b->metrics};
	enum err_code code;

	CHECK(bull_library_parse(b->library, &o.library));
	code = bull_open(&o, out, err);
	mem_free(&token);
	return code;
}

/* Connects when the first job needs it. */
static enum err_code
open_lookup(struct ctx *ctx, const struct conf_mongo *m, struct wire_queue *q,
    struct err *err)
{
	struct mongo_options o;

	if (m->uri == NULL)
		return ERR_NONE;
	if (wire_sinks_mongo(m, q->master_key, &o, err) != ERR_NONE)
		return err->code;
	q->lookup = source_lookup_mongo_new(ctx->env, &o);
	return ERR_NONE;
}

enum err_code
wire_queue_open(struct ctx *ctx, const struct conf *conf,
    struct journal *journal, struct wire_queue **out, struct err *err)
{
	const struct conf_bull *b = &conf->bull;
	struct net_redis_options o = wire_queue_redis(ctx->env, b);
	struct wire_queue *q = mem_zalloc(1, sizeof(*q));

	*out = q;
	for (size_t i = 0; i < conf->kind_count; i++)
		q->kinds[i] = conf->kinds[i].name;
	if (net_redis_open(&o, &q->redis, err) != ERR_NONE ||
	    wire_queue_bull(ctx->env, b, journal, q->redis, &q->bull, err) !=
		ERR_NONE)
		return err_wrap(err, "bull");
	if (open_lookup(ctx, &conf->mongo, q, err) != ERR_NONE)
		return err->code;
	q->name = wire_queue_name(b);
	q->source =
	    source_bull_new(&(struct source_bull_options){.env = ctx->env,
		.journal = journal,
		.bull = q->bull,
		.name = q->name,
		.kinds = q->kinds,
		.default_kind = conf->default_kind,
		.names = b->names,
		.lookup = q->lookup,
		.shared = strcmp(b->mode, "shared") == 0,
		.lock_ms = b->lock_ms,
		.margin_ms = b->lock_ms / 4,
		.max_stalled = b->max_stalled});
	q->sink = sink_bull_new(&(struct sink_bull_options){.env = ctx->env,
	    .journal = journal,
	    .bull = q->bull,
	    .lock_ms = b->lock_ms,
	    .name = q->name});
	return ERR_NONE;
}

struct source *
wire_queue_source(struct wire_queue *q)
{
	return source_bull_port(q->source);
}

const struct sink_pusher *
wire_queue_sink(struct wire_queue *q)
{
	return q->sink;
}

void
wire_queue_close(struct wire_queue **qp)
{
	struct wire_queue *q = *qp;

	if (q == NULL)
		return;
	source_bull_free(&q->source);
	source_lookup_mongo_free(&q->lookup);
	if (q->sink != NULL)
		q->sink->ops->free(q->sink->impl);
	bull_close(&q->bull);
	net_redis_close(&q->redis);
	mem_wipe(q->master_key, sizeof(q->master_key));
	mem_free(&q->name);
	mem_free(qp);
}
