#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_priv.h"
#include "aws/aws_s3_priv.h"

#define CONNECT_MS 10000
#define TOTAL_MS 60000
/* 8 kB/s is as slow as a line may be. */
#define BYTES_PER_MS 8
#define OWN_BODY_MAX (4 << 20)
#define HEAD_MAX ((size_t)1 << 50)

/* Signed requests are refused beyond 5 to 15 minutes; a difference below this
 * cannot be what was wrong. */
#define SKEW_MS (4 * 60 * 1000)

static void
pairs_free(struct aws_pair *pairs, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		char *value = (char *)(uintptr_t)pairs[i].value;

		mem_free(&value);
	}
	*count = 0;
}

static void
land(struct aws_s3_send *s)
{
	if (s->flying) {
		net_http_cancel(&s->r);
		net_http_request_fini(&s->r);
	}
	s->flying = false;
	memset(&s->r, 0, sizeof(s->r));
}

static void
release(struct aws_s3_send *s)
{
	land(s);
	aws_credentials_cancel(&s->ask);
	pairs_free(s->query, &s->query_count);
	pairs_free(s->headers, &s->header_count);
	mem_free(&s->key);
	mem_free(&s->other);
	buf_free(&s->own_body);
	buf_free(&s->authority);
	buf_free(&s->path);
	buf_free(&s->url);
	if (s->lines.bytes != NULL)
		mem_wipe(s->lines.bytes, s->lines.len);
	buf_free(&s->lines);
}

void
aws_s3_end(struct aws_s3_op *op)
{
	if (op->send == NULL)
		return;
	release(op->send);
	mem_free(&op->send);
}

static void on_keys(struct aws_credentials_ask *a);

void
aws_s3_begin(struct aws_s3 *s3, struct aws_s3_op *op, const char *method,
    const char *key, bool (*answered)(struct aws_s3_op *op))
{
	struct aws_s3_send *s = op->send;

	if (s == NULL)
		s = op->send = mem_zalloc(1, sizeof(*s));
	else
		release(s);
	memset(s, 0, sizeof(*s));
	s->s3 = s3;
	s->op = op;
	s->answered = answered;
	s->method = method;
	s->key = mem_strdup(key);
	s->own_body.max = OWN_BODY_MAX;
	s->authority.max = 1024;
	s->path.max = 8192;
	s->url.max = 65536;
	s->lines.max = 1 << 18;
	/* Of a HEAD only the length comes, which may be any. */
	s->response_max =
	    strcmp(method, "HEAD") == 0 ? HEAD_MAX : AWS_S3_ANSWER_MAX;
	s->ask.done = on_keys;
	sha256_once("", 0, s->body.sha256);
	op->code = ERR_NONE;
	op->err.text[0] = '\0';
	op->retry_after_ms = -1;
	op->blame = false;
	op->status = 0;
	op->reason[0] = '\0';
}

void
aws_s3_query(struct aws_s3_op *op, const char *name, const char *value)
{
	struct aws_s3_send *s = op->send;

	CHECK(s->query_count < AWS_S3_QUERY_MAX);
	s->query[s->query_count++] = (struct aws_pair){name, mem_strdup(value)};
}

void
aws_s3_query_i64(struct aws_s3_op *op, const char *name, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	aws_s3_query(op, name, text);
}

void
aws_s3_header(struct aws_s3_op *op, const char *name, const char *value)
{
	struct aws_s3_send *s = op->send;

	CHECK(s->header_count < AWS_S3_HEADERS_MAX);
	s->headers[s->header_count++] =
	    (struct aws_pair){name, mem_strdup(value)};
}

struct buf *
aws_s3_own_body(struct aws_s3_op *op, const char *content_type)
{
	aws_s3_header(op, "Content-Type", content_type);
	return &op->send->own_body;
}

const struct net_http_request *
aws_s3_answer(const struct aws_s3_op *op)
{
	return &op->send->r;
}

void
aws_s3_answer_header(
    const struct aws_s3_op *op, const char *name, char *out, size_t size)
{
	const char *value = NULL;
	size_t n = 0;

	if (!net_http_header(&op->send->r, name, &value, &n))
		n = 0;
	if (n >= size)
		n = size - 1;
	if (n > 0)
		memcpy(out, value, n);
	out[n] = '\0';
}

static void
over(struct aws_s3_send *s)
{
	s->op->done(s->op);
}

static enum err_code
read_body(struct net_http_request *r, void *bytes, size_t max, size_t *got,
    struct err *err)
{
	struct aws_s3_send *s = CONTAINER_OF(r, struct aws_s3_send, r);
	size_t left = s->body.len - s->read_at;
	enum err_code code =
	    env_pread(s->s3->env, s->body.file, bytes, max < left ? max : left,
		s->body.offset + (int64_t)s->read_at, got, err);

	if (code == ERR_NONE && *got == 0 && left > 0)
		code = err_set(err, ERR_STATE, 0,
		    "the file became shorter while it was sent");
	if (code == ERR_NONE)
		s->read_at += *got;
	return code;
}

static void
line_put(struct aws_s3_send *s, const char *name, const char *value)
{
	buf_printf(&s->lines, "%s: %s", name, value);
	buf_putc(&s->lines, '\0');
}

static void
lines_set(struct aws_s3_send *s, const struct aws_signed *sig,
    const struct aws_keys *keys)
{
	size_t n = 0;

	buf_clear(&s->lines);
	line_put(s, "Authorization", sig->authorization);
	line_put(s, "x-amz-date", sig->date);
	line_put(s, "x-amz-content-sha256", sig->payload_sha256);
	if (*keys->session_token != '\0')
		line_put(s, "x-amz-security-token", keys->session_token);
	for (size_t i = 0; i < s->header_count; i++)
		line_put(s, s->headers[i].name, s->headers[i].value);
	for (size_t at = 0; at < s->lines.len;
	     at += strlen(s->lines.bytes + at) + 1)
		s->line[n++] = s->lines.bytes + at;
	s->line[n] = NULL;
}

/* Url and path; they change with the region, so each time. */
static void
place_set(struct aws_s3_send *s)
{
	buf_clear(&s->authority);
	buf_clear(&s->path);
	buf_clear(&s->url);
	if (s->other != NULL)
		buf_puts(&s->authority, s->other);
	else
		aws_s3_authority(s->s3, &s->authority);
	aws_s3_path(s->s3, s->key, &s->path);
	buf_printf(&s->url, "%s%s%s", s->s3->tls ? "https://" : "http://",
	    s->authority.bytes, s->path.bytes);
	if (s->query_count > 0) {
		buf_putc(&s->url, '?');
		aws_query_put(&s->url, s->query, s->query_count);
	}
}

/* The Host header has no port that is the scheme's own. */
static void
host_of(const struct aws_s3_send *s, char *out, size_t size)
{
	const char *own = s->s3->tls ? ":443" : ":80";
	const char *text = s->authority.bytes;
	size_t n = strlen(text);

	if (n > strlen(own) && strcmp(text + n - strlen(own), own) == 0)
		n -= strlen(own);
	(void)snprintf(out, size, "%.*s", (int)n, text);
}

static void on_http(struct net_http_request *r);

static void
on_keys(struct aws_credentials_ask *a)
{
	struct aws_s3_send *s = CONTAINER_OF(a, struct aws_s3_send, ask);
	struct aws_sign_request sign;
	struct aws_signed signature;
	char host[512];

	if (a->code != ERR_NONE) {
		s->op->code = a->code;
		s->op->err = a->err;
		/* Who gives out keys is away, and not this object's fault. */
		s->op->blame = err_class(a->code) == ERR_CLASS_RETRY;
		over(s);
		return;
	}
	if (s->own_body.len > 0) {
		s->body.bytes = s->own_body.bytes;
		s->body.len = s->own_body.len;
		sha256_once(s->body.bytes, s->body.len, s->body.sha256);
	}
	place_set(s);
	host_of(s, host, sizeof(host));
	s->signed_ms = aws_now_ms(s->s3->env);
	s->generation = a->generation;
	sign = (struct aws_sign_request){.method = s->method,
	    .host = host,
	    .path = s->path.bytes,
	    .query = s->query,
	    .query_count = s->query_count,
	    .headers = s->headers,
	    .header_count = s->header_count,
	    .payload_sha256 = s->body.sha256,
	    .region = s->s3->region,
	    .service = "s3",
	    .at_ms = s->signed_ms + s->s3->skew_ms};
	aws_sign(&sign, a->keys, &signature);
	lines_set(s, &signature, a->keys);
	aws_signed_fini(&signature);
	land(s);
	s->read_at = 0;
	s->r.method = s->method;
	s->r.url = s->url.bytes;
	s->r.headers = s->line;
	s->r.body = s->body.bytes;
	s->r.body_len = s->body.len;
	s->r.read = s->body.file != NULL && s->body.len > 0 ? read_body : NULL;
	s->r.connect_ms = CONNECT_MS;
	s->r.stall_ms = s->s3->stall_ms;
	s->r.total_ms =
	    TOTAL_MS + (int64_t)(s->body.len / (size_t)BYTES_PER_MS);
	s->r.response_max = s->response_max;
	s->r.done = on_http;
	s->flying = true;
	net_http_start(s->s3->http, &s->r);
}

void
aws_s3_go(struct aws_s3_op *op)
{
	aws_credentials_get(op->send->s3->credentials, &op->send->ask);
}

/* No answer came. */
static void
lost(struct aws_s3_send *s)
{
	struct aws_s3_op *op = s->op;

	op->code = s->r.code;
	op->err = s->r.err;
	if (s->r.code == ERR_TIMEOUT || s->r.code == ERR_UNREACHABLE ||
	    s->r.code == ERR_MALFORMED)
		op->blame = true;
	if (s->r.code == ERR_MALFORMED)
		op->code = op->err.code = ERR_UNREACHABLE;
	/* A certificate that is not trusted is no matter of this object. */
	if (s->r.code == ERR_REJECTED)
		op->code = op->err.code = ERR_CONFIG;
	(void)err_wrap(&op->err, "S3 %s %s/%.120s", s->method, s->s3->bucket,
	    s->key != NULL ? s->key : "");
}

static bool
mend_clock(struct aws_s3_send *s, struct aws_s3_fate fate)
{
	int64_t theirs = net_http_date_ms(&s->r);
	int64_t off;

	if (s->mended_clock || !fate.clock || theirs < 0)
		return false;
	off = theirs - (s->signed_ms + s->s3->skew_ms);
	if (off > -SKEW_MS && off < SKEW_MS)
		return false;
	s->mended_clock = true;
	s->s3->skew_ms = theirs - s->signed_ms;
	return true;
}

static bool
mend_keys(struct aws_s3_send *s, struct aws_s3_fate fate)
{
	if (s->mended_keys || !fate.keys)
		return false;
	s->mended_keys = true;
	return aws_credentials_renew(s->s3->credentials, s->generation);
}

/*
 * "https://HOST/..." of a redirect: HOST, when a request may be signed for it:
 * one of Amazon's when Amazon was asked, else the same host or one below it;
 * never from TLS to none.
 */
static char *
trusted_place(const struct aws_s3_send *s, const char *location)
{
	const char *scheme = s->s3->tls ? "https://" : "http://";
	const char *base = s->s3->authority;
	char host[256];
	size_t n, b;

	if (!text_starts(location, scheme))
		return NULL;
	location += strlen(scheme);
	n = strcspn(location, "/?#");
	if (n == 0 || n >= sizeof(host) || memchr(location, '@', n) != NULL)
		return NULL;
	(void)snprintf(host, sizeof(host), "%.*s",
	    (int)strcspn(location, ":/?#"), location);
	if (s->s3->amazon)
		base = text_starts(s->s3->region, "cn-") ? "amazonaws.com.cn"
							 : "amazonaws.com";
	b = strcspn(base, ":");
	size_t h = strlen(host);

	if (h < b || strncmp(host + h - b, base, b) != 0 ||
	    (h > b && host[h - b - 1] != '.') || (h == b && s->s3->amazon))
		return NULL;
	return mem_strndup(location, n);
}

static bool
is_region(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= 40 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* The bucket lives in another region, or its name does not lead there yet. */
static bool
mend_place(struct aws_s3_send *s)
{
	char text[512];
	int status = s->r.status;

	if (s->mended_place || status < 300 || status >= 500)
		return false;
	if (status >= 400 && *s->region_said == '\0' && status != 400)
		return false;
	aws_s3_answer_header(s->op, "x-amz-bucket-region", text, sizeof(text));
	if (*text == '\0')
		(void)snprintf(text, sizeof(text), "%s", s->region_said);
	if (is_region(text) && strcmp(text, s->s3->region) != 0) {
		mem_free(&s->s3->region);
		s->s3->region = mem_strdup(text);
		s->mended_place = true;
		return true;
	}
	if (status >= 400)
		return false;
	aws_s3_answer_header(s->op, "location", text, sizeof(text));
	s->other = trusted_place(s, text);
	s->mended_place = s->other != NULL;
	return s->mended_place;
}

static void
on_http(struct net_http_request *r)
{
	struct aws_s3_send *s = CONTAINER_OF(r, struct aws_s3_send, r);
	struct aws_s3_op *op = s->op;

	if (r->code != ERR_NONE) {
		lost(s);
	} else {
		op->status = r->status;
		if (r->status >= 300) {
			struct aws_s3_fate fate;

			(void)aws_s3_read_error(op);
			fate = aws_s3_fate(r->status, op->reason);
			if (mend_place(s) || mend_clock(s, fate) ||
			    mend_keys(s, fate)) {
				op->reason[0] = '\0';
				aws_s3_go(op);
				return;
			}
			aws_s3_fail(op);
		}
	}
	if (!s->answered(op))
		over(s);
}
