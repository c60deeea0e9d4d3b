#include "sink/sink_webhook.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/hmac.h"
#include "base/mem.h"
#include "base/text.h"

#include "sink/sink_json.h"

#include "sink/sink_http_priv.h"

#define ANSWER_MAX 65536
#define HEX (2 * SHA256_BYTES + 1)

struct sink_webhook {
	struct sink_pusher port;
	struct env *env;
	struct net_http *http;
	char *url;
	char *origin;
	char *secrets[SINK_WEBHOOK_SECRETS_MAX];
	size_t secret_count;
	int64_t total_ms;
	struct list deliveries;
};

/* One try. */
struct delivery {
	struct sink_webhook *hook;
	struct sink_push *push;
	struct list node;
	struct net_http_request request;
	struct env_timer at_once; /* for what failed before it began */
	struct buf body;
	char event[64];
	char signature[64 + SINK_WEBHOOK_SECRETS_MAX * (HEX + 4)];
	const char *headers[4];
};

static void
delivery_free(struct delivery *d)
{
	net_http_cancel(&d->request);
	net_http_request_fini(&d->request);
	env_timer_stop(d->hook->env, &d->at_once);
	list_remove(&d->node);
	buf_free(&d->body);
	mem_free(&d);
}

static void
answer(struct delivery *d, const struct sink_http_verdict *v)
{
	struct sink_push *p = d->push;

	sink_http_tell(p, v);
	p->impl = NULL;
	delivery_free(d);
	p->done(p);
}

static void
on_done(struct net_http_request *request)
{
	struct delivery *d = CONTAINER_OF(request, struct delivery, request);
	struct sink_http_verdict v;

	sink_http_judge(d->hook->env, request, &v);
	answer(d, &v);
}

/* What cannot be rendered never will be. */
static void
on_not_rendered(struct env_timer *t)
{
	struct delivery *d = CONTAINER_OF(t, struct delivery, at_once);
	struct sink_http_verdict v = {.retry_after_ms = -1};

	v.err = d->push->err;
	v.code = v.err.code;
	answer(d, &v);
}

/* "t.body" by every secret. */
static void
sign(struct delivery *d)
{
	const struct sink_webhook *hook = d->hook;
	char t[24];
	char hex[HEX];
	size_t len;

	(void)snprintf(t, sizeof(t), "%lld",
	    (long long)(sink_http_now_ms(hook->env) / 1000));
	len = (size_t)snprintf(
	    d->signature, sizeof(d->signature), "DSRun-Signature: t=%s", t);
	for (size_t i = 0; i < hook->secret_count; i++) {
		const char *secret = hook->secrets[i];
		struct hmac mac;
		uint8_t sum[SHA256_BYTES];

		hmac_init(&mac, secret, strlen(secret));
		hmac_add(&mac, t, strlen(t));
		hmac_add(&mac, ".", 1);
		hmac_add(&mac, d->body.bytes, d->body.len);
		hmac_end(&mac, sum);
		CHECK(len + 4 + HEX <= sizeof(d->signature));
		len += (size_t)snprintf(d->signature + len,
		    sizeof(d->signature) - len, ",v1=%s",
		    text_hex(sum, sizeof(sum), hex));
	}
}

static void
deliver(struct delivery *d)
{
	char id[SINK_EVENT_MAX];

	(void)snprintf(d->event, sizeof(d->event), "DSRun-Event-Id: %s",
	    sink_event_id(d->hook->origin, d->push->result, id));
	sign(d);
	d->headers[0] = "Content-Type: application/json";
	d->headers[1] = d->event;
	d->headers[2] = d->signature;
	d->request.method = "POST";
	d->request.url = d->hook->url;
	d->request.headers = d->headers;
	d->request.body = d->body.bytes;
	d->request.body_len = d->body.len;
	d->request.total_ms = d->hook->total_ms;
	d->request.response_max = ANSWER_MAX;
	d->request.done = on_done;
	net_http_start(d->hook->http, &d->request);
}

static void
op_start(void *impl, struct sink_push *p)
{
	static const struct sink_json_files nothing;
	struct sink_webhook *hook = impl;
	struct delivery *d = mem_zalloc(1, sizeof(*d));

	d->hook = hook;
	d->push = p;
	d->body = BUF_INIT(SINK_JSON_LINE_MAX);
	d->at_once.fn = on_not_rendered;
	list_add_tail(&hook->deliveries, &d->node);
	p->impl = d;
	if (sink_json_render(p->result, &nothing, &d->body, &p->err) !=
	    ERR_NONE) {
		env_timer_start_real(hook->env, &d->at_once, 0);
		return;
	}
	buf_cut(&d->body, d->body.len - 1);
	deliver(d);
}

static void
op_cancel(void *impl, struct sink_push *p)
{
	(void)impl;
	if (p->impl == NULL)
		return;
	delivery_free(p->impl);
	p->impl = NULL;
}

static void
op_free(void *impl)
{
	struct sink_webhook *hook = impl;

	LIST_FOREACH_SAFE (it, &hook->deliveries)
		op_cancel(hook, CONTAINER_OF(it, struct delivery, node)->push);
	for (size_t i = 0; i < hook->secret_count; i++) {
		mem_wipe(hook->secrets[i], strlen(hook->secrets[i]));
		mem_free(&hook->secrets[i]);
	}
	mem_free(&hook->url);
	mem_free(&hook->origin);
	mem_free(&hook);
}

static const struct sink_push_ops ops = {
    .start = op_start,
    .cancel = op_cancel,
    .free = op_free,
};

static enum err_code
check(const struct sink_webhook_options *o, size_t *secrets, struct err *err)
{
	size_t n = 0;

	for (; o->secrets[n] != NULL; n++)
		if (*o->secrets[n] == '\0')
			return err_set(
			    err, ERR_CONFIG, 0, "webhook: an empty secret");
	if (n == 0 || n > SINK_WEBHOOK_SECRETS_MAX)
		return err_set(err, ERR_CONFIG, 0,
		    "webhook: %zu secrets, expected 1 to %d", n,
		    SINK_WEBHOOK_SECRETS_MAX);
	*secrets = n;
	return sink_http_check_url("webhook", o->url, err);
}

enum err_code
sink_webhook_new(const struct sink_webhook_options *options,
    struct sink_pusher **out, struct err *err)
{
	struct sink_webhook *hook;
	size_t secrets = 0;

	*out = NULL;
	if (check(options, &secrets, err) != ERR_NONE)
		return err->code;
	hook = mem_zalloc(1, sizeof(*hook));
	hook->env = options->env;
	hook->http = options->http;
	hook->url = mem_strdup(options->url);
	hook->origin = mem_strdup(options->origin);
	for (size_t i = 0; i < secrets; i++)
		hook->secrets[i] = mem_strdup(options->secrets[i]);
	hook->secret_count = secrets;
	hook->total_ms = options->total_ms;
	list_init(&hook->deliveries);
	hook->port = (struct sink_pusher){
	    .name = "webhook",
	    .service = "webhook",
	    .ops = &ops,
	    .impl = hook,
	    .at_once = options->at_once > 0 ? options->at_once : 4,
	};
	*out = &hook->port;
	return ERR_NONE;
}
