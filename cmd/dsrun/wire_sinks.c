#include "wire_sinks.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include "net/net_http.h"
#include "net/net_pool.h"
#include "sink/sink_logtail.h"
#include "sink/sink_mongo.h"
#include "sink/sink_refused.h"
#include "sink/sink_s3.h"
#include "sink/sink_webhook.h"
#include "wire.h"

#define ENCODERS 2 /* threads that encode recordings */

struct wire_sinks {
	struct ctx *ctx;
	const struct conf *conf;
	struct net_pool *pool;
	struct journal *journal;
	struct net_http *http;     /* the webhook's */
	struct net_http *log_http; /* the log service's */
	struct sink_s3 *s3;
	bool s3_failed;
	struct sink_pusher *mongo, *webhook, *logtail;
	uint8_t master_key[MONGO_MASTER_KEY_BYTES];
	struct run_pusher pushers[RUN_PUSHERS_MAX];
	size_t count;
};

unsigned
wire_sinks_mask(const struct conf *conf)
{
	unsigned mask = 1U << JOURNAL_SINK_FILE;

	if (conf->mongo.uri != NULL)
		mask |= 1U << JOURNAL_SINK_MONGO;
	if (conf->s3.bucket != NULL)
		mask |= 1U << JOURNAL_SINK_S3;
	if (conf->bull.queue != NULL)
		mask |= 1U << JOURNAL_SINK_BULL;
	if (conf->webhook.url != NULL)
		mask |= 1U << JOURNAL_SINK_WEBHOOK;
	if (conf->logtail.host != NULL)
		mask |= 1U << JOURNAL_SINK_LOGTAIL;
	return mask;
}

/* --- S3 ---------------------------------------------------------------------
 */

static enum aws_s3_style
style_of(const struct conf_s3 *s3)
{
	if (strcmp(s3->style, "path") == 0)
		return AWS_S3_STYLE_PATH;
	return strcmp(s3->style, "virtual") == 0 ? AWS_S3_STYLE_VIRTUAL
						 : AWS_S3_STYLE_AUTO;
}

static enum aws_s3_sse
sse_of(const struct conf_s3 *s3)
{
	if (strcmp(s3->encryption, "kms") == 0)
		return AWS_S3_SSE_KMS;
	return strcmp(s3->encryption, "s3") == 0 ? AWS_S3_SSE_S3
						 : AWS_S3_SSE_NONE;
}

struct aws_s3_options
wire_sinks_s3(const struct conf_s3 *s3)
{
	return (struct aws_s3_options){.endpoint = s3->endpoint,
	    .region = s3->region,
	    .bucket = s3->bucket,
	    .style = style_of(s3),
	    .sse = sse_of(s3),
	    .kms_key_id = s3->kms_key != NULL ? s3->kms_key : "",
	    .kms_context_json = ""};
}

static enum err_code
open_s3(struct wire_sinks *w, struct err *err)
{
	const struct conf_s3 *s3 = &w->conf->s3;
	char *work = mem_printf("%s/out", w->conf->dir);
	struct sink_s3_options o = {.env = w->ctx->env,
	    .work_dir = work,
	    .s3 = wire_sinks_s3(s3),
	    .ca_file = s3->ca_file,
	    .access_key = s3->access_key,
	    .secret_key = s3->secret_key,
	    .prefix = s3->prefix != NULL ? s3->prefix : "",
	    .storage_class = s3->storage_class != NULL ? s3->storage_class : "",
	    .multipart_bytes = s3->multipart_bytes,
	    .part_bytes = s3->part_bytes};
	enum media_encode_format format = MEDIA_ENCODE_OPUS;
	enum err_code code = ERR_NONE;
	struct err missing;

	CHECK(media_encode_parse(s3->format, &format));
	if (sink_s3_media_encoder(format, &o.encoder, &missing) != ERR_NONE)
		o.refused = &missing;
	if (w->pool == NULL)
		code = net_pool_open(w->ctx->env, ENCODERS, &w->pool, err);
	o.pool = w->pool;
	if (code == ERR_NONE)
		code = sink_s3_open(&o, &w->s3, err);
	mem_free(&work);
	return code == ERR_NONE ? code : err_wrap(err, "s3");
}

void
wire_sinks_url(
    void *arg, const struct sink_result *r, bool transcript, struct buf *out)
{
	struct wire_sinks *w = arg;
	struct err err;

	if (w->conf->s3.bucket == NULL || w->s3_failed)
		return;
	if (w->s3 == NULL && open_s3(w, &err) != ERR_NONE) {
		w->s3_failed = true;
		ctx_say(w->ctx, "%s", err.text);
		return;
	}
	if (transcript)
		sink_s3_transcript_url(w->s3, r, out);
	else
		sink_s3_recording_url(w->s3, r, out);
}

/* --- the others -------------------------------------------------------------
 */

enum err_code
wire_sinks_mongo(const struct conf_mongo *m,
    uint8_t master_key[MONGO_MASTER_KEY_BYTES], struct mongo_options *out,
    struct err *err)
{
	*out = (struct mongo_options){.uri = m->uri,
	    .database = m->database,
	    .tls_ca_file = m->ca_file,
	    .tls_cert_file = m->cert_file};
	if (m->master_key == NULL)
		return ERR_NONE;
	if (mongo_master_key(m->master_key, strlen(m->master_key), master_key,
		err) != ERR_NONE)
		return err_wrap(err, "mongo.master_key");
	out->master_key = master_key;
	return ERR_NONE;
}

static enum err_code
open_mongo(struct wire_sinks *w, struct err *err)
{
	struct mongo_options o;

	if (wire_sinks_mongo(&w->conf->mongo, w->master_key, &o, err) !=
	    ERR_NONE)
		return err->code;
	w->mongo = sink_mongo_new(w->ctx->env, &o);
	return ERR_NONE;
}

static enum err_code
open_webhook(struct wire_sinks *w, struct err *err)
{
	const struct conf_webhook *h = &w->conf->webhook;
	const char *secrets[] = {h->secret, h->old_secret, NULL};
	struct net_http_options ho = {
	    .env = w->ctx->env, .ca_file = h->ca_file};
	struct sink_webhook_options o = {.env = w->ctx->env,
	    .url = h->url,
	    .secrets = secrets,
	    .origin = journal_id_hex(w->journal)};
	enum err_code code = net_http_open(&ho, &w->http, err);

	o.http = w->http;
	if (code == ERR_NONE)
		code = sink_webhook_new(&o, &w->webhook, err);
	return code == ERR_NONE ? code : err_wrap(err, "webhook");
}

/* --- the log service --------------------------------------------------------
 */

/* Told once a day: the runs of cron are many, and each finds it out anew. */
struct refusal {
	struct journal_tx tx;
	struct ctx *ctx;
	char key[32];
	char *what;
	bool first;
};

static enum err_code
refusal_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct refusal *r = CONTAINER_OF(tx, struct refusal, tx);

	return journal_attention_once(j, r->key, &r->first, err);
}

static void
refusal_done(struct journal_tx *tx)
{
	struct refusal *r = CONTAINER_OF(tx, struct refusal, tx);

	/* Errors are shown on standard error too, and cron mails that. */
	LOG(ctx_log(r->ctx), r->first ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
	    "logtail.refused", LOG_STR("what", r->what));
	if (tx->code == ERR_NONE && r->first)
		wire_attention(r->ctx, r->what);
	mem_free(&r->what);
	mem_free(&r);
}

static void
on_refused(void *arg, const char *what)
{
	struct wire_sinks *w = arg;
	struct refusal *r = mem_zalloc(1, sizeof(*r));
	char day[TEXT_TIME_MAX];
	struct err err;

	(void)text_of_time(w->ctx->env->ops->wall_us(w->ctx->env) / 1000, day);
	(void)snprintf(r->key, sizeof(r->key), "logtail refused %.10s", day);
	r->ctx = w->ctx;
	r->what = mem_strdup(what);
	r->tx.run = refusal_run;
	r->tx.done = refusal_done;
	r->tx.cls = JOURNAL_LIVE;
	CHECK(journal_submit(w->journal, &r->tx, &err) == ERR_NONE);
}

static enum err_code
open_logtail(struct wire_sinks *w, struct err *err)
{
	const struct conf_logtail *l = &w->conf->logtail;
	struct net_http_options ho = {
	    .env = w->ctx->env, .ca_file = l->ca_file};
	char *url = strstr(l->host, "://") != NULL
			? mem_strdup(l->host)
			: mem_printf("https://%s/", l->host);
	char *dir = mem_printf("%s/out", w->conf->dir);
	struct sink_logtail_options o = {.env = w->ctx->env,
	    .url = url,
	    .token = l->token,
	    .origin = journal_id_hex(w->journal),
	    .dir = dir,
	    .attention = on_refused,
	    .arg = w};
	enum err_code code = net_http_open(&ho, &w->log_http, err);

	o.http = w->log_http;
	if (code == ERR_NONE)
		code = sink_logtail_new(&o, &w->logtail, err);
	mem_free(&dir);
	mem_free(&url);
	return code == ERR_NONE ? code : err_wrap(err, "logtail");
}

void
wire_sinks_add(struct wire_sinks *w, enum journal_sink number,
    const struct sink_pusher *sink)
{
	CHECK(w->count < RUN_PUSHERS_MAX);
	w->pushers[w->count++] =
	    (struct run_pusher){number, sink, number == JOURNAL_SINK_BULL};
}

/* One that cannot be opened keeps no other from its results; what cannot be
 * for another reason than its settings ends the run. */
static enum err_code
add_opened(struct wire_sinks *w, enum journal_sink number, const char *service,
    enum err_code code, struct sink_pusher **sink, const struct err *err)
{
	if (code != ERR_NONE && code != ERR_CONFIG)
		return code;
	if (code == ERR_CONFIG)
		*sink = sink_refused_new(
		    w->ctx->env, journal_sink_name(number), service, err);
	wire_sinks_add(w, number, *sink);
	return ERR_NONE;
}

static enum err_code
open_all(struct wire_sinks *w, struct err *err)
{
	if (w->conf->mongo.uri != NULL &&
	    add_opened(w, JOURNAL_SINK_MONGO, "mongodb", open_mongo(w, err),
		&w->mongo, err) != ERR_NONE)
		return err->code;
	if (w->conf->s3.bucket != NULL) {
		if (open_s3(w, err) != ERR_NONE)
			return err->code;
		wire_sinks_add(w, JOURNAL_SINK_S3, sink_s3_pusher(w->s3));
	}
	if (w->conf->webhook.url != NULL &&
	    add_opened(w, JOURNAL_SINK_WEBHOOK, "webhook", open_webhook(w, err),
		&w->webhook, err) != ERR_NONE)
		return err->code;
	if (w->conf->logtail.host != NULL &&
	    add_opened(w, JOURNAL_SINK_LOGTAIL, "logtail", open_logtail(w, err),
		&w->logtail, err) != ERR_NONE)
		return err->code;
	return ERR_NONE;
}

enum err_code
wire_sinks_open(struct ctx *ctx, const struct conf *conf,
    struct journal *journal, enum run_mode mode, struct wire_sinks **out,
    struct err *err)
{
	struct wire_sinks *w = mem_zalloc(1, sizeof(*w));

	w->ctx = ctx;
	w->conf = conf;
	w->journal = journal;
	*out = w;
	return mode == RUN_DRAIN ? ERR_NONE : open_all(w, err);
}

const struct run_pusher *
wire_sinks_pushers(const struct wire_sinks *w, size_t *count)
{
	*count = w->count;
	return w->pushers;
}

static void
free_pusher(struct sink_pusher **p)
{
	if (*p != NULL)
		(*p)->ops->free((*p)->impl);
	*p = NULL;
}

void
wire_sinks_close(struct wire_sinks **wp)
{
	struct wire_sinks *w = *wp;

	if (w == NULL)
		return;
	free_pusher(&w->mongo);
	free_pusher(&w->webhook);
	free_pusher(&w->logtail);
	net_http_close(&w->http);
	net_http_close(&w->log_http);
	net_pool_close(&w->pool);
	sink_s3_close(&w->s3);
	mem_wipe(w->master_key, sizeof(w->master_key));
	mem_free(wp);
}
