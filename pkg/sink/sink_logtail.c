#include "sink/sink_logtail.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

#include "sink/sink_json.h"

#include "sink/sink_http_priv.h"
#include "sink/sink_logtail_priv.h"

#define ANSWER_MAX 65536
#define AT_ONCE 256
#define TOKEN_MAX 512

struct sink_logtail {
	struct sink_pusher port;
	struct env *env;
	struct net_http *http;
	char *url;
	char *bearer; /* "Authorization: Bearer ..." */
	char *origin;
	char *dir;
	size_t batch_lines;
	int64_t total_ms;
	void (*attention)(void *arg, const char *what);
	void *arg;
	bool refused;         /* it wants nothing more: all goes to the file */
	struct list gathered; /* lines that go with the next flush */
	struct list unfit;    /* that cannot be rendered */
	struct list sent;     /* batches under way */
	struct list to_keep;  /* batches for the file */
	struct env_timer later; /* tells unfit and to_keep from the loop */
};

/* Lies in gathered, unfit or its batch. */
struct line {
	struct sink_push *push;
	struct batch *batch; /* NULL until it has one */
	struct list node;
	struct buf text;
};

/* One request. */
struct batch {
	struct sink_logtail *tail;
	struct list node;
	struct list lines;
	size_t count; /* of lines, those told already too */
	struct net_http_request request;
	struct buf plain;
	struct buf packed;
	const char *headers[4];
};

static void
line_free(struct line *l)
{
	list_remove(&l->node);
	l->push->impl = NULL;
	buf_free(&l->text);
	mem_free(&l);
}

static void
tell(struct line *l, const struct sink_http_verdict *v, bool echo)
{
	struct sink_push *p = l->push;

	sink_http_tell(p, v);
	p->echo = echo;
	line_free(l);
	p->done(p);
}

static void
batch_free(struct batch *b)
{
	net_http_cancel(&b->request);
	net_http_request_fini(&b->request);
	list_remove(&b->node);
	buf_free(&b->plain);
	buf_free(&b->packed);
	mem_free(&b);
}

/* Every line hears the same.  What it makes its owner do (start others, cancel
 * one of these) is allowed. */
static void
tell_batch(struct batch *b, const struct sink_http_verdict *v)
{
	struct list *node;
	bool echo = false;

	while ((node = list_pop(&b->lines)) != NULL) {
		tell(CONTAINER_OF(node, struct line, node), v, echo);
		echo = true;
	}
	batch_free(b);
}

static void
join(struct batch *b)
{
	buf_clear(&b->plain);
	LIST_FOREACH (it, &b->lines) {
		const struct line *l = CONTAINER_OF(it, struct line, node);

		buf_put(&b->plain, l->text.bytes, l->text.len);
	}
}

/* To the file, since it is wanted nowhere else. */
static void
keep_batch(struct batch *b)
{
	struct sink_http_verdict v = {.retry_after_ms = -1};

	net_http_request_fini(&b->request);

	join(b);
	if (b->plain.len > 0)
		v.code = sink_logtail_keep(b->tail->env, b->tail->dir,
		    b->plain.bytes, b->plain.len, &v.err);
	/* A directory that cannot be made says nothing of the lines. */
	if (err_class(v.code) == ERR_CLASS_FINAL)
		v.code = v.err.code = ERR_IO;
	tell_batch(b, &v);
}

static void on_done(struct net_http_request *request);

static void
send_batch(struct batch *b)
{
	struct sink_logtail *t = b->tail;
	struct err err;
	size_t h = 0;

	join(b);
	b->headers[h++] = t->bearer;
	b->headers[h++] = "Content-Type: application/x-ndjson";
	b->request.body = b->plain.bytes;
	b->request.body_len = b->plain.len;
	/* Without zlib it goes as it is. */
	buf_clear(&b->packed);
	if (sink_logtail_gzip(b->plain.bytes, b->plain.len, &b->packed, &err) ==
	    ERR_NONE) {
		b->headers[h++] = "Content-Encoding: gzip";
		b->request.body = b->packed.bytes;
		b->request.body_len = b->packed.len;
	}
	b->headers[h] = NULL;
	b->request.method = "POST";
	b->request.url = t->url;
	b->request.headers = b->headers;
	b->request.total_ms = t->total_ms;
	b->request.response_max = ANSWER_MAX;
	b->request.done = on_done;
	net_http_start(t->http, &b->request);
}

static struct batch *
batch_new(struct sink_logtail *t)
{
	struct batch *b = mem_zalloc(1, sizeof(*b));

	b->tail = t;
	list_init(&b->lines);
	/* A line more than fits may be the only one. */
	b->plain = BUF_INIT(SINK_LOGTAIL_BYTES + LOGTAIL_LINE_MAX);
	b->packed = BUF_INIT(2 * (SINK_LOGTAIL_BYTES + LOGTAIL_LINE_MAX));
	list_add_tail(&t->sent, &b->node);
	return b;
}

static void
batch_add(struct batch *b, struct line *l)
{
	list_remove(&l->node);
	list_add_tail(&b->lines, &l->node);
	l->batch = b;
	b->count++;
}

/* The second half goes by itself; the first again. */
static void
halve(struct batch *b)
{
	struct batch *rest = batch_new(b->tail);
	size_t keep = b->count / 2;
	size_t seen = 0;

	LIST_FOREACH_SAFE (it, &b->lines) {
		if (seen++ < keep)
			continue;
		b->count--;
		batch_add(rest, CONTAINER_OF(it, struct line, node));
	}
	net_http_request_fini(&b->request);
	memset(&b->request, 0, sizeof(b->request));
	send_batch(b);
	send_batch(rest);
}

static void
say_refused(struct sink_logtail *t, const struct err *why)
{
	char *what;

	if (t->refused)
		return;
	t->refused = true;
	if (t->attention == NULL)
		return;
	what = mem_printf("the log service takes nothing more from us (%s); "
			  "events go to %s/%s instead",
	    why->text, t->dir, SINK_LOGTAIL_FILE);
	t->attention(t->arg, what);
	mem_free(&what);
}

/* Something in this batch, or its size, and not we. */
static bool
is_of_lines(int status)
{
	return status == 400 || status == 406 || status == 413 || status == 422;
}

static void
on_done(struct net_http_request *request)
{
	struct batch *b = CONTAINER_OF(request, struct batch, request);
	struct sink_http_verdict v;

	sink_http_judge(b->tail->env, request, &v);
	if (err_class(v.code) != ERR_CLASS_FINAL) {
		tell_batch(b, &v);
	} else if (!is_of_lines(request->status)) {
		say_refused(b->tail, &v.err);
		keep_batch(b);
	} else if (b->count > 1) {
		halve(b);
	} else {
		tell_batch(b, &v);
	}
}

/* As many as go together. */
static struct batch *
gather(struct sink_logtail *t)
{
	struct batch *b = batch_new(t);
	size_t bytes = 0;

	while (!list_empty(&t->gathered) && b->count < t->batch_lines) {
		struct line *l =
		    CONTAINER_OF(t->gathered.next, struct line, node);

		if (b->count > 0 && bytes + l->text.len > SINK_LOGTAIL_BYTES)
			break;
		bytes += l->text.len;
		batch_add(b, l);
	}
	return b;
}

static void
op_flush(void *impl)
{
	struct sink_logtail *t = impl;

	while (!list_empty(&t->gathered)) {
		struct batch *b = gather(t);

		if (!t->refused) {
			send_batch(b);
			continue;
		}
		list_remove(&b->node);
		list_add_tail(&t->to_keep, &b->node);
		env_timer_start_real(t->env, &t->later, 0);
	}
}

static void
on_later(struct env_timer *timer)
{
	struct sink_logtail *t =
	    CONTAINER_OF(timer, struct sink_logtail, later);
	struct list *node;

	while ((node = list_pop(&t->unfit)) != NULL) {
		struct line *l = CONTAINER_OF(node, struct line, node);
		struct sink_http_verdict v = {.retry_after_ms = -1};

		v.err = l->push->err;
		v.code = v.err.code;
		tell(l, &v, false);
	}
	while ((node = list_pop(&t->to_keep)) != NULL)
		keep_batch(CONTAINER_OF(node, struct batch, node));
}

static void
op_start(void *impl, struct sink_push *p)
{
	struct sink_logtail *t = impl;
	struct line *l = mem_zalloc(1, sizeof(*l));
	char id[SINK_EVENT_MAX];

	l->push = p;
	l->text = BUF_INIT(LOGTAIL_LINE_MAX);
	p->impl = l;
	if (sink_logtail_render(p->result,
		sink_event_id(t->origin, p->result, id), env_now_ms(t->env),
		&l->text, &p->err) == ERR_NONE) {
		list_add_tail(&t->gathered, &l->node);
		return;
	}
	list_add_tail(&t->unfit, &l->node);
	env_timer_start_real(t->env, &t->later, 0);
}

/* Its batch may have been sent: then it is there or not, and nobody asks. */
static void
op_cancel(void *impl, struct sink_push *p)
{
	struct line *l = p->impl;
	struct batch *b;

	(void)impl;
	if (l == NULL)
		return;
	b = l->batch;
	line_free(l);
	if (b == NULL)
		return;
	b->count--;
	if (b->count == 0)
		batch_free(b);
}

static void
drop_lines(struct list *lines)
{
	struct list *node;

	while ((node = list_pop(lines)) != NULL)
		line_free(CONTAINER_OF(node, struct line, node));
}

static void
drop_batches(struct list *batches)
{
	struct list *node;

	while ((node = list_pop(batches)) != NULL) {
		struct batch *b = CONTAINER_OF(node, struct batch, node);

		drop_lines(&b->lines);
		batch_free(b);
	}
}

static void
op_free(void *impl)
{
	struct sink_logtail *t = impl;

	env_timer_stop(t->env, &t->later);
	drop_lines(&t->gathered);
	drop_lines(&t->unfit);
	drop_batches(&t->sent);
	drop_batches(&t->to_keep);
	mem_wipe(t->bearer, strlen(t->bearer));
	mem_free(&t->bearer);
	mem_free(&t->url);
	mem_free(&t->origin);
	mem_free(&t->dir);
	mem_free(&t);
}

static const struct sink_push_ops ops = {
    .start = op_start,
    .cancel = op_cancel,
    .flush = op_flush,
    .free = op_free,
};

/* It becomes part of a header. */
static enum err_code
check_token(const char *token, struct err *err)
{
	size_t len = strlen(token);

	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return err_set(err, ERR_CONFIG, 0,
			    "logtail: the token has a character that no token "
			    "has");
	if (len == 0 || len > TOKEN_MAX)
		return err_set(err, ERR_CONFIG, 0,
		    "logtail: a token of %zu bytes, expected 1 to %d", len,
		    TOKEN_MAX);
	return ERR_NONE;
}

enum err_code
sink_logtail_new(const struct sink_logtail_options *options,
    struct sink_pusher **out, struct err *err)
{
	struct sink_logtail *t;

	*out = NULL;
	if (check_token(options->token, err) != ERR_NONE ||
	    sink_http_check_url("logtail", options->url, err) != ERR_NONE)
		return err->code;
	CHECK(options->batch_lines >= 0 &&
	      options->batch_lines <= SINK_LOGTAIL_LINES);
	t = mem_zalloc(1, sizeof(*t));
	t->env = options->env;
	t->http = options->http;
	t->url = mem_strdup(options->url);
	t->bearer = mem_printf("Authorization: Bearer %s", options->token);
	t->origin = mem_strdup(options->origin);
	t->dir = mem_strdup(options->dir);
	t->batch_lines = options->batch_lines > 0 ? (size_t)options->batch_lines
						  : SINK_LOGTAIL_LINES;
	t->total_ms = options->total_ms;
	t->attention = options->attention;
	t->arg = options->arg;
	t->later.fn = on_later;
	list_init(&t->gathered);
	list_init(&t->unfit);
	list_init(&t->sent);
	list_init(&t->to_keep);
	t->port = (struct sink_pusher){
	    .name = "logtail",
	    .service = "logtail",
	    .ops = &ops,
	    .impl = t,
	    .at_once = AT_ONCE,
	};
	*out = &t->port;
	return ERR_NONE;
}
