#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_credentials.h"
#include "aws/aws_s3_bucket.h"
#include "aws/aws_s3_upload.h"
#include "aws/aws_xml.h"
#include "fuzz.h"
#include "mem_env.h"
#include "net/net_http.h"

/*
 * What a server that calls itself S3, STS or a metadata service answers.  The
 * input is one letter for what is asked, and then the answers in their order,
 * ended by a byte of 1: three digits (anything else: no answer comes), a line
 * end, header lines, an empty line, a body.
 *
 * Whatever they say: what is asked ends once, with a code and its text; no
 * request has a line or a blank that a server put there, or goes, signed, to a
 * host that is not the bucket's; success is not told where the answers do not
 * prove it.  The client of pkg/net is not linked: its functions are here.
 */

#define NOW_MS INT64_C(1795888800000)
#define HOST "s3.example.org"
#define REQUESTS_MAX 4096

struct world {
	struct env *env;
	struct env_ops ops;
	struct list posts;
	struct net_http_request *flying;
	struct fuzz_in in;
	struct aws_credentials *keys;
	struct aws_s3 *s3;
	bool signs; /* requests of S3, not those for keys */
	size_t requests, done;
	int last_status;
	bool asked;      /* the last request was a HEAD */
	struct buf sent; /* the last request's body */
};

static struct world *world;

/* --- the loop --- */

static int64_t
on_clock(struct env *env)
{
	(void)env;
	return NOW_MS * 1000;
}

static void
on_random(struct env *env, void *bytes, size_t len)
{
	(void)env;
	memset(bytes, 0x5a, len);
}

static void
on_post(struct env *env, struct env_post *p)
{
	(void)env;
	if (list_empty(&p->node))
		list_add_tail(&world->posts, &p->node);
}

/* --- the network --- */

void
net_http_start(struct net_http *h, struct net_http_request *r)
{
	CHECK((void *)h == (void *)world && world->flying == NULL);
	CHECK(++world->requests <= REQUESTS_MAX);
	world->flying = r;
}

void
net_http_cancel(struct net_http_request *r)
{
	if (world->flying == r)
		world->flying = NULL;
}

void
net_http_request_fini(struct net_http_request *r)
{
	buf_free(&r->body_in);
	buf_free(&r->headers_in);
}

/* Signed for the bucket's host or one below it. */
static void
check_host(const char *url)
{
	size_t n;

	CHECK(text_starts(url, "https://"));
	url += 8;
	n = strcspn(url, "/?#");
	n = strcspn(url, ":") < n ? strcspn(url, ":") : n;
	CHECK(n >= sizeof(HOST) - 1);
	CHECK(memcmp(url + n - sizeof(HOST) + 1, HOST, sizeof(HOST) - 1) == 0);
	CHECK(n == sizeof(HOST) - 1 || url[n - sizeof(HOST)] == '.');
	CHECK(memchr(url, '@', n) == NULL);
}

static void
check_request(const struct net_http_request *r)
{
	for (const char *at = r->url; *at != '\0'; at++)
		CHECK(*at > ' ' && *at < 0x7f);
	for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
		for (const char *at = r->headers[i]; *at != '\0'; at++)
			CHECK((unsigned char)*at >= ' ' && *at != 0x7f);
	if (world->signs)
		check_host(r->url);
	buf_clear(&world->sent);
	if (r->body_len > 0 && r->read == NULL)
		buf_put(&world->sent, r->body, r->body_len);
}

static bool
take(struct fuzz_in *in, const uint8_t **line, size_t *len)
{
	const uint8_t *end = memchr(in->at, '\n', in->left);

	*line = in->at;
	*len = end != NULL ? (size_t)(end - in->at) : in->left;
	in->at += *len + (end != NULL);
	in->left -= *len + (end != NULL);
	return end != NULL;
}

/* Header lines as libcurl gives them. */
static void
take_headers(struct net_http_request *r, struct fuzz_in *in)
{
	const uint8_t *line;
	size_t len;

	while (take(in, &line, &len) && len > 0) {
		if (r->headers_in.len + len + 2 > NET_HTTP_HEADERS_MAX)
			return;
		for (size_t i = 0; i < len; i++)
			buf_putc(&r->headers_in,
			    line[i] == '\0' || line[i] == '\r' ? '?'
							       : (char)line[i]);
		buf_puts(&r->headers_in, "\r\n");
	}
}

static void
fill(struct net_http_request *r)
{
	struct world *w = world;
	const uint8_t *end = memchr(w->in.at, 1, w->in.left);
	size_t len = end != NULL ? (size_t)(end - w->in.at) : w->in.left;
	struct fuzz_in in = {w->in.at, len};
	size_t max = r->response_max != 0 ? r->response_max : 1 << 20;

	w->in.at += len + (end != NULL);
	w->in.left -= len + (end != NULL);
	r->headers_in = BUF_INIT(NET_HTTP_HEADERS_MAX);
	r->body_in = BUF_INIT(1 << 20);
	r->sent = true;
	r->code = ERR_NONE;
	if (len < 4 || in.at[3] != '\n' || in.at[0] < '1' || in.at[0] > '5' ||
	    in.at[1] < '0' || in.at[1] > '9' || in.at[2] < '0' ||
	    in.at[2] > '9') {
		r->code = err_set(
		    &r->err, ERR_UNREACHABLE, 0, "%s: no answer", r->method);
		return;
	}
	r->status =
	    (in.at[0] - '0') * 100 + (in.at[1] - '0') * 10 + in.at[2] - '0';
	in.at += 4;
	in.left -= 4;
	take_headers(r, &in);
	if (strcmp(r->method, "HEAD") != 0)
		buf_put(&r->body_in, in.at, in.left);
	if (r->body_in.len > max)
		r->code = err_set(&r->err, ERR_MALFORMED, 0, "too long");
	w->last_status = r->status;
	w->asked = strcmp(r->method, "HEAD") == 0;
}

static void
turn(struct world *w)
{
	struct list *node = list_pop(&w->posts);
	struct net_http_request *r = w->flying;

	if (node != NULL) {
		struct env_post *p = CONTAINER_OF(node, struct env_post, node);

		p->fn(p);
		return;
	}
	check_request(r);
	fill(r);
	w->flying = NULL;
	r->done(r);
}

static void
run(struct world *w)
{
	while (w->flying != NULL || !list_empty(&w->posts))
		turn(w);
	CHECK(w->done == 1);
}

/* --- what is asked --- */

static const char body[] = "twelve bytes";

static void
on_done(struct aws_s3_op *op)
{
	world->done++;
	CHECK(memchr(op->reason, '\0', sizeof(op->reason)) != NULL);
	CHECK(op->retry_after_ms >= -1);
	if (op->code == ERR_NONE)
		return;
	op->err.code = op->code;
	fuzz_refused(op->code, &op->err);
	/* What is to blame is tried again; so no person is called for it. */
	if (op->blame)
		CHECK(err_class(op->code) == ERR_CLASS_RETRY);
}

static struct aws_s3_object
object_of(void)
{
	static const struct aws_pair meta[] = {{"source-sha256", "00"}};
	struct aws_s3_object o = {.key = "a b/\xc3\xbc.wav",
	    .content_type = "audio/wav",
	    .storage_class = "",
	    .meta = meta,
	    .meta_count = 1,
	    .len = sizeof(body) - 1,
	    .composite = ""};

	sha256_once(body, sizeof(body) - 1, o.sha256);
	return o;
}

static struct aws_s3_body
body_of(const struct aws_s3_object *o)
{
	struct aws_s3_body b = {.bytes = body, .len = sizeof(body) - 1};

	memcpy(b.sha256, o->sha256, SHA256_BYTES);
	return b;
}

static void
ask_put(struct world *w)
{
	struct aws_s3_object o = object_of();
	struct aws_s3_put p = {
	    .op.done = on_done, .object = &o, .body = body_of(&o)};

	aws_s3_put(w->s3, &p);
	run(w);
	if (p.op.code == ERR_NONE)
		CHECK(w->last_status < 300 && p.existed == w->asked);
	aws_s3_end(&p.op);
}

static void
ask_head(struct world *w)
{
	struct aws_s3_object o = object_of();
	struct aws_s3_head h = {.op.done = on_done, .key = o.key};
	struct err err;

	aws_s3_head(w->s3, &h);
	run(w);
	CHECK(h.seen.len >= -1);
	CHECK(memchr(h.seen.etag, '\0', sizeof(h.seen.etag)) != NULL);
	if (h.op.code == ERR_NONE &&
	    aws_s3_judge(w->s3, &h.seen, &o, &err) == ERR_NONE)
		CHECK(h.seen.len == o.len && strcmp(h.seen.sse, "AES256") == 0);
	aws_s3_end(&h.op);
}

static void
ask_get(struct world *w)
{
	struct aws_s3_get g = {.op.done = on_done, .key = "k", .max = 100};

	aws_s3_get(w->s3, &g);
	run(w);
	CHECK((g.op.code == ERR_NONE) == (g.body != NULL));
	if (g.body != NULL)
		CHECK(g.body->len <= 100 && w->last_status < 300);
	aws_s3_end(&g.op);
}

static void
ask_create(struct world *w)
{
	struct aws_s3_object o = object_of();
	struct aws_s3_create c = {.op.done = on_done, .object = &o};

	aws_s3_create(w->s3, &c);
	run(w);
	if (c.op.code == ERR_NONE)
		CHECK(c.upload_id[0] != '\0' &&
		      memchr(c.upload_id, '\0', sizeof(c.upload_id)) != NULL);
	aws_s3_end(&c.op);
}

static void
ask_part(struct world *w)
{
	struct aws_s3_object o = object_of();
	struct aws_s3_part p = {.op.done = on_done,
	    .key = o.key,
	    .upload_id = "u/1+",
	    .number = 1,
	    .body = body_of(&o)};

	aws_s3_part(w->s3, &p);
	run(w);
	if (p.op.code == ERR_NONE)
		CHECK(p.etag[0] != '\0' &&
		      memchr(p.etag, '\0', sizeof(p.etag)) != NULL);
	aws_s3_end(&p.op);
}

static void
ask_parts(struct world *w)
{
	struct aws_s3_parts p = {
	    .op.done = on_done, .key = "k", .upload_id = "u"};

	aws_s3_parts(w->s3, &p);
	run(w);
	CHECK(p.count <= AWS_S3_PARTS_MAX);
	for (size_t i = 0; i < p.count; i++) {
		CHECK(p.part[i].number >= 1 &&
		      p.part[i].number <= AWS_S3_PARTS_MAX);
		CHECK(i == 0 || p.part[i].number > p.part[i - 1].number);
		CHECK(p.part[i].size >= 0 && p.part[i].etag[0] != '\0');
	}
	aws_s3_parts_fini(&p);
}

static void
ask_complete(struct world *w)
{
	struct aws_s3_object o = object_of();
	struct aws_s3_part_held held = {.number = 1,
	    .size = sizeof(body) - 1,
	    .has_sha256 = true,
	    .etag = "\"e<1>&\""};
	struct aws_s3_complete c = {.op.done = on_done,
	    .object = &o,
	    .upload_id = "u",
	    .part = &held,
	    .count = 1};

	aws_s3_complete(w->s3, &c);
	run(w);
	if (c.op.code == ERR_NONE)
		CHECK(w->last_status < 300 && !c.gone);
	if (c.gone)
		CHECK(c.op.code != ERR_NONE);
	aws_s3_end(&c.op);
}

static void
ask_abort(struct world *w)
{
	struct aws_s3_abort a = {
	    .op.done = on_done, .key = "k", .upload_id = "u"};

	aws_s3_abort(w->s3, &a);
	run(w);
	aws_s3_end(&a.op);
}

static void
ask_reap(struct world *w)
{
	struct aws_s3_reap r = {
	    .op.done = on_done, .prefix = "a/", .before_ms = NOW_MS};

	aws_s3_reap(w->s3, &r);
	run(w);
	CHECK(r.aborted <= r.found);
	aws_s3_reap_fini(&r);
}

static void
ask_check(struct world *w)
{
	struct aws_s3_lifecycle want = AWS_S3_LIFECYCLE_DEFAULT;
	struct aws_s3_check c = {.op.done = on_done, .want = &want};

	aws_s3_check(w->s3, &c);
	run(w);
	CHECK(memchr(c.differs, '\0', sizeof(c.differs)) != NULL);
	CHECK(memchr(c.region, '\0', sizeof(c.region)) != NULL);
	if (c.op.code == ERR_NONE && *c.differs == '\0')
		CHECK(c.has_rule);
	aws_s3_end(&c.op);
}

struct rules {
	int64_t count;
	int64_t ours;
	bool is_ours;
};

static void
on_rule(void *arg, const struct aws_xml_element *e)
{
	struct rules *r = arg;

	if (strcmp(e->path, "LifecycleConfiguration/Rule/ID") == 0)
		r->is_ours = strcmp(e->text, AWS_S3_LIFECYCLE_ID) == 0;
	if (strcmp(e->path, "LifecycleConfiguration/Rule") != 0)
		return;
	r->count++;
	r->ours += r->is_ours;
	r->is_ours = false;
}

/* The rules of others are sent back as they were, and ours once. */
static void
ask_lifecycle(struct world *w)
{
	struct aws_s3_lifecycle want = AWS_S3_LIFECYCLE_DEFAULT;
	struct aws_s3_lifecycle_put p = {.op.done = on_done, .want = &want};
	struct rules r = {.count = 0};
	struct err err;

	want.prefix = "a&b/";
	aws_s3_lifecycle_put(w->s3, &p);
	run(w);
	if (w->sent.len > 0 && aws_xml_read(w->sent.bytes, w->sent.len, on_rule,
				   &r, &err) == ERR_NONE)
		CHECK(r.ours == 1 && r.count == p.kept + 1);
	aws_s3_end(&p.op);
}

/* --- keys --- */

static const char *const container[] = {
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/keys", NULL};
static const char *const identity[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "token",
    "AWS_ROLE_ARN", "arn:aws:iam::1:role/r", NULL};
static const char *const instance[] = {NULL};

static const char *
lookup(void *arg, const char *name)
{
	const char *const *pairs = arg;

	for (; *pairs != NULL; pairs += 2)
		if (strcmp(pairs[0], name) == 0)
			return pairs[1];
	return NULL;
}

static void
check_key(const char *text, bool needed)
{
	CHECK(!needed || *text != '\0');
	for (; *text != '\0'; text++)
		CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void
on_keys(struct aws_credentials_ask *a)
{
	world->done++;
	CHECK((a->code == ERR_NONE) == (a->keys != NULL));
	if (a->code != ERR_NONE) {
		fuzz_refused(a->code, &a->err);
		return;
	}
	check_key(a->keys->access_key, true);
	check_key(a->keys->session_token, false);
	CHECK(a->keys->secret_key[0] != '\0');
}

static void
ask_keys(struct world *w, const char *const *variables)
{
	struct aws_credentials_options o = {.env = w->env,
	    .http = (void *)w,
	    .lookup = lookup,
	    .lookup_arg = (void *)(uintptr_t)variables};
	struct aws_credentials_ask a = {.done = on_keys};
	struct aws_credentials *keys = NULL;
	struct err err;

	mem_env_put(w->env, "token", "a.b.c\n", 6);
	CHECK(aws_credentials_open(&o, &keys, &err) == ERR_NONE);
	for (int i = 0; i < 3; i++) {
		w->done = 0;
		aws_credentials_get(keys, &a);
		run(w);
		(void)aws_credentials_renew(keys, a.generation);
	}
	aws_credentials_close(&keys);
}

static void
ask_s3(struct world *w, void (*ask)(struct world *w))
{
	struct aws_credentials_options ko = {.env = w->env,
	    .http = (void *)w,
	    .access_key = "AKID",
	    .secret_key = "secret"};
	struct aws_s3_options o = {.env = w->env,
	    .http = (void *)w,
	    .endpoint = "https://" HOST,
	    .bucket = "bkt",
	    .sse = AWS_S3_SSE_S3};
	struct err err;

	CHECK(aws_credentials_open(&ko, &w->keys, &err) == ERR_NONE);
	o.credentials = w->keys;
	CHECK(aws_s3_open(&o, &w->s3, &err) == ERR_NONE);
	w->signs = true;
	ask(w);
	aws_s3_close(&w->s3);
	aws_credentials_close(&w->keys);
}

static const struct {
	char letter;
	void (*ask)(struct world *w);
} asks[] = {{'p', ask_put}, {'h', ask_head}, {'g', ask_get}, {'n', ask_create},
    {'t', ask_part}, {'l', ask_parts}, {'c', ask_complete}, {'a', ask_abort},
    {'r', ask_reap}, {'b', ask_check}, {'s', ask_lifecycle}};

static const struct {
	char letter;
	const char *const *variables;
} sources[] = {{'C', container}, {'W', identity}, {'I', instance}};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct world w = {.in = {bytes, len}, .sent = BUF_INIT(4 << 20)};
	char letter = (char)fuzz_u8(&w.in);

	world = &w;
	list_init(&w.posts);
	w.env = mem_env_new();
	w.ops = *w.env->ops;
	w.ops.wall_us = w.ops.boot_us = on_clock;
	w.ops.random = on_random;
	w.ops.post = on_post;
	w.env->ops = &w.ops;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++)
		if (asks[i].letter == letter)
			ask_s3(&w, asks[i].ask);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (sources[i].letter == letter)
			ask_keys(&w, sources[i].variables);
	buf_free(&w.sent);
	mem_env_free(&w.env);
	return 0;
}
