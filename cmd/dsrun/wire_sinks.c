#include "wire_sinks.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_http.h"
#include "net/net_pool.h"
#include "sink/sink_mongo.h"
#include "sink/sink_s3.h"
#include "sink/sink_webhook.h"

#define ENCODERS 2 /* threads that encode recordings */

struct wire_sinks {
	struct ctx *ctx;
	const struct conf *conf;
	struct net_pool *pool;
	struct net_http *http; /* the webhook's */
	struct sink_s3 *s3;
	bool s3_failed;
	struct sink_pusher *mongo, *webhook;
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

static enum err_code
open_s3(struct wire_sinks *w, struct err *err)
{
	const struct conf_s3 *s3 = &w->conf->s3;
	char *work = mem_printf("%s/out", w->conf->dir);
	struct sink_s3_options o = {.env = w->ctx->env,
	    .work_dir = work,
	    .s3 = {.endpoint = s3->endpoint,
		.region = s3->region,
		.bucket = s3->bucket,
		.style = style_of(s3),
		.sse = sse_of(s3),
		.kms_key_id = s3->kms_key != NULL ? s3->kms_key : "",
		.kms_context_json = ""},
	    .ca_file = s3->ca_file,
	    .access_key = s3->access_key,
	    .secret_key = s3->secret_key,
	    .prefix = s3->prefix != NULL ? s3->prefix : "",
	    .storage_class = s3->storage_class != NULL ? s3->storage_class : "",
	    .multipart_bytes = s3->multipart_bytes,
	    .part_bytes = s3->part_bytes};
	enum media_encode_format format = MEDIA_ENCODE_OPUS;
	enum err_code code;

	CHECK(media_encode_parse(s3->format, &format));
	code = sink_s3_media_encoder(format, &o.encoder, err);
	if (code == ERR_NONE && w->pool == NULL)
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

static enum err_code
open_mongo(struct wire_sinks *w, struct err *err)
{
	const struct conf_mongo *m = &w->conf->mongo;
	struct mongo_options o = {.uri = m->uri,
	    .database = m->database,
	    .tls_ca_file = m->ca_file,
	    .tls_cert_file = m->cert_file};

	if (m->master_key != NULL) {
		if (mongo_master_key(m->master_key, strlen(m->master_key),
			w->master_key, err) != ERR_NONE)
			return err_wrap(err, "mongo.master_key");
		o.master_key = w->master_key;
	}
	w->mongo = sink_mongo_new(w->ctx->env, &o);
	return ERR_NONE;
}

static enum err_code
open_webhook(
    struct wire_sinks *w, const struct journal *journal, struct err *err)
{
	const struct conf_webhook *h = &w->conf->webhook;
	const char *secrets[] = {h->secret, h->old_secret, NULL};
	struct net_http_options ho = {
	    .env = w->ctx->env, .ca_file = h->ca_file};
	struct sink_webhook_options o = {.env = w->ctx->env,
	    .url = h->url,
	    .secrets = secrets,
	    .origin = journal_id_hex(journal)};
	enum err_code code = net_http_open(&ho, &w->http, err);

	o.http = w->http;
	if (code == ERR_NONE)
		code = sink_webhook_new(&o, &w->webhook, err);
	return code == ERR_NONE ? code : err_wrap(err, "webhook");
}

void
wire_sinks_add(struct wire_sinks *w, enum journal_sink number,
    const struct sink_pusher *sink)
{
	CHECK(w->count < RUN_PUSHERS_MAX);
	w->pushers[w->count++] =
	    (struct run_pusher){number, sink, number == JOURNAL_SINK_BULL};
}

static enum err_code
open_all(struct wire_sinks *w, const struct journal *journal, struct err *err)
{
	if (w->conf->mongo.uri != NULL) {
		if (open_mongo(w, err) != ERR_NONE)
			return err->code;
		wire_sinks_add(w, JOURNAL_SINK_MONGO, w->mongo);
	}
	if (w->conf->s3.bucket != NULL) {
		if (open_s3(w, err) != ERR_NONE)
			return err->code;
		wire_sinks_add(w, JOURNAL_SINK_S3, sink_s3_pusher(w->s3));
	}
	if (w->conf->webhook.url != NULL) {
		if (open_webhook(w, journal, err) != ERR_NONE)
			return err->code;
		wire_sinks_add(w, JOURNAL_SINK_WEBHOOK, w->webhook);
	}
	return ERR_NONE;
}

enum err_code
wire_sinks_open(struct ctx *ctx, const struct conf *conf,
    const struct journal *journal, enum run_mode mode, struct wire_sinks **out,
    struct err *err)
{
	struct wire_sinks *w = mem_zalloc(1, sizeof(*w));

	w->ctx = ctx;
	w->conf = conf;
	*out = w;
	return mode == RUN_DRAIN ? ERR_NONE : open_all(w, journal, err);
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
	net_http_close(&w->http);
	net_pool_close(&w->pool);
	sink_s3_close(&w->s3);
	mem_wipe(w->master_key, sizeof(w->master_key));
	mem_free(wp);
}
