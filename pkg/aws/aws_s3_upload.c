#include "aws/aws_s3_upload.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_xml.h"

#include "aws/aws_s3_priv.h"

const char *
aws_s3_composite(const uint8_t (*sha256)[SHA256_BYTES], size_t count,
    char out[AWS_S3_COMPOSITE_MAX])
{
	uint8_t hash[SHA256_BYTES];
	char sum[BASE64_MAX(SHA256_BYTES)];

	sha256_once(sha256, count * SHA256_BYTES, hash);
	(void)snprintf(out, AWS_S3_COMPOSITE_MAX, "%s-%u",
	    base64_put(hash, sizeof(hash), sum), (unsigned)(count % 100000));
	return out;
}

static void
not_as_documented(struct aws_s3_op *op)
{
	op->blame = true;
	op->code = err_set(&op->err, ERR_UNREACHABLE, op->status,
	    "S3 %s %s: an answer that is not as documented", op->send->method,
	    op->send->s3->bucket);
}

struct created {
	char *out;
	bool too_long;
};

static void
on_created_element(void *arg, const struct aws_xml_element *e)
{
	struct created *c = arg;

	if (strcmp(e->path, "InitiateMultipartUploadResult/UploadId") != 0)
		return;
	c->too_long = strlen(e->text) >= AWS_S3_UPLOAD_ID_MAX;
	if (!c->too_long)
		memcpy(c->out, e->text, strlen(e->text) + 1);
}

static bool
on_create(struct aws_s3_op *op)
{
	struct aws_s3_create *c = CONTAINER_OF(op, struct aws_s3_create, op);
	const struct net_http_request *r = aws_s3_answer(op);
	struct created got = {c->upload_id, false};
	struct err ignored;

	/* A server that is silent here is asked when it is complete. */
	aws_s3_check_sse(op, true);
	if (op->code != ERR_NONE)
		return false;
	if (aws_xml_read(buf_text(&r->body_in), r->body_in.len,
		on_created_element, &got, &ignored) != ERR_NONE ||
	    got.too_long || *c->upload_id == '\0')
		not_as_documented(op);
	return false;
}

void
aws_s3_create(struct aws_s3 *s3, struct aws_s3_create *c)
{
	aws_s3_begin(s3, &c->op, "POST", c->object->key, on_create);
	c->upload_id[0] = '\0';
	aws_s3_query(&c->op, "uploads", "");
	aws_s3_header_object(&c->op, c->object);
	aws_s3_header(&c->op, "x-amz-checksum-algorithm", "SHA256");
	aws_s3_go(&c->op);
}

static bool
on_part(struct aws_s3_op *op)
{
	struct aws_s3_part *p = CONTAINER_OF(op, struct aws_s3_part, op);

	if (op->code != ERR_NONE)
		return false;
	aws_s3_answer_header(op, "etag", p->etag, sizeof(p->etag));
	if (*p->etag == '\0')
		not_as_documented(op);
	return false;
}

void
aws_s3_part(struct aws_s3 *s3, struct aws_s3_part *p)
{
	char sum[BASE64_MAX(SHA256_BYTES)];

	CHECK(p->number >= 1 && p->number <= AWS_S3_PARTS_MAX);
	aws_s3_begin(s3, &p->op, "PUT", p->key, on_part);
	p->etag[0] = '\0';
	p->op.send->body = p->body;
	aws_s3_query_i64(&p->op, "partNumber", p->number);
	aws_s3_query(&p->op, "uploadId", p->upload_id);
	aws_s3_header(&p->op, "Content-Type", "application/octet-stream");
	aws_s3_header(&p->op, "x-amz-checksum-sha256",
	    base64_put(p->body.sha256, SHA256_BYTES, sum));
	aws_s3_go(&p->op);
}

/* One page of parts. */
struct listing {
	struct aws_s3_parts *to;
	struct aws_s3_part_held now;
	bool truncated, seen;
	int64_t next;
	bool bad;
};

static void
on_part_field(struct listing *l, const char *name, const char *text)
{
	struct err ignored;

	if (strcmp(name, "PartNumber") == 0)
		(void)text_i64(
		    text, 1, AWS_S3_PARTS_MAX, &l->now.number, &ignored);
	else if (strcmp(name, "Size") == 0)
		(void)text_i64(text, 0, INT64_MAX, &l->now.size, &ignored);
	else if (strcmp(name, "ChecksumSHA256") == 0)
		l->now.has_sha256 =
		    base64_get(text, l->now.sha256, SHA256_BYTES);
	else if (strcmp(name, "ETag") == 0)
		(void)snprintf(l->now.etag, sizeof(l->now.etag), "%s", text);
}

static void
on_part_end(struct listing *l)
{
	struct aws_s3_parts *p = l->to;

	if (l->now.number == 0 || *l->now.etag == '\0' ||
	    p->count == AWS_S3_PARTS_MAX ||
	    (p->count > 0 && p->part[p->count - 1].number >= l->now.number)) {
		l->bad = true;
		return;
	}
	p->part = mem_realloc(p->part, p->count + 1, sizeof(*p->part));
	p->part[p->count++] = l->now;
	memset(&l->now, 0, sizeof(l->now));
}

/* ListPartsResult; "Response" is what moto calls it, and no SDK asks. */
static void
on_parts_element(void *arg, const struct aws_xml_element *e)
{
	static const char root[] = "ListParts";
	static const char field[] = "Part/";
	struct listing *l = arg;
	const char *name = strchr(e->path, '/');
	struct err ignored;

	if (!text_starts(e->path, root))
		return;
	if (name == NULL) {
		l->seen = true;
		return;
	}
	name++;
	if (strcmp(name, "IsTruncated") == 0)
		l->truncated = strcmp(e->text, "true") == 0;
	else if (strcmp(name, "NextPartNumberMarker") == 0)
		(void)text_i64(
		    e->text, 0, AWS_S3_PARTS_MAX, &l->next, &ignored);
	else if (strcmp(name, "Part") == 0)
		on_part_end(l);
	else if (text_starts(name, field))
		on_part_field(l, name + sizeof(field) - 1, e->text);
}

static bool on_parts(struct aws_s3_op *op);

static void
ask_parts(struct aws_s3 *s3, struct aws_s3_parts *p, int64_t after)
{
	aws_s3_begin(s3, &p->op, "GET", p->key, on_parts);
	aws_s3_query(&p->op, "uploadId", p->upload_id);
	aws_s3_query_i64(&p->op, "max-parts", 1000);
	if (after > 0)
		aws_s3_query_i64(&p->op, "part-number-marker", after);
	aws_s3_go(&p->op);
}

static bool
on_parts(struct aws_s3_op *op)
{
	struct aws_s3_parts *p = CONTAINER_OF(op, struct aws_s3_parts, op);
	const struct net_http_request *r = aws_s3_answer(op);
	struct listing l = {.to = p};
	int64_t last;
	struct err ignored;

	if (op->code != ERR_NONE)
		return false;
	last = p->count > 0 ? p->part[p->count - 1].number : 0;
	if (aws_xml_read(buf_text(&r->body_in), r->body_in.len,
		on_parts_element, &l, &ignored) != ERR_NONE ||
	    !l.seen || l.bad || (l.truncated && l.next <= last)) {
		not_as_documented(op);
		return false;
	}
	if (!l.truncated)
		return false;
	ask_parts(op->send->s3, p, l.next);
	return true;
}

void
aws_s3_parts(struct aws_s3 *s3, struct aws_s3_parts *p)
{
	p->part = NULL;
	p->count = 0;
	ask_parts(s3, p, 0);
}

void
aws_s3_parts_fini(struct aws_s3_parts *p)
{
	aws_s3_end(&p->op);
	mem_free(&p->part);
	p->count = 0;
}

/* Text within an element. */
static void
put_xml(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_puts(out, "&amp;");
		else if (*text == '<')
			buf_puts(out, "&lt;");
		else if (*text == '>')
			buf_puts(out, "&gt;");
		else
			buf_putc(out, *text);
	}
}

static void
put_parts(struct buf *out, const struct aws_s3_complete *c)
{
	char sum[BASE64_MAX(SHA256_BYTES)];

	buf_puts(out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws."
		      "com/doc/2006-03-01/\">");
	for (size_t i = 0; i < c->count; i++) {
		buf_puts(out, "<Part><ChecksumSHA256>");
		buf_puts(out, base64_put(c->part[i].sha256, SHA256_BYTES, sum));
		buf_puts(out, "</ChecksumSHA256><ETag>");
		put_xml(out, c->part[i].etag);
		buf_printf(out, "</ETag><PartNumber>%lld</PartNumber></Part>",
		    (long long)c->part[i].number);
	}
	buf_puts(out, "</CompleteMultipartUpload>");
}

static bool
on_seen_instead(struct aws_s3_op *op)
{
	struct aws_s3_complete *c =
	    CONTAINER_OF(op, struct aws_s3_complete, op);

	/* 403: not there, or not to be seen by us. */
	if (c->gone && op->status == 403)
		op->code = op->err.code = ERR_NOT_FOUND;
	if (c->gone && op->code == ERR_NOT_FOUND)
		return false;
	aws_s3_compare(op, c->object, &c->existed);
	c->gone = false;
	return false;
}

static void
on_root(void *arg, const struct aws_xml_element *e)
{
	bool *whole = arg;

	if (strcmp(e->path, "CompleteMultipartUploadResult") == 0)
		*whole = true;
}

static bool
on_sse_seen(struct aws_s3_op *op)
{
	aws_s3_check_sse(op, false);
	return false;
}

static bool
on_complete(struct aws_s3_op *op)
{
	struct aws_s3_complete *c =
	    CONTAINER_OF(op, struct aws_s3_complete, op);
	const struct net_http_request *r = aws_s3_answer(op);
	bool whole = false;
	struct err ignored;

	/* Beside a 200 too. */
	if (op->code == ERR_NONE && aws_s3_read_error(op))
		aws_s3_fail(op);
	if (op->status == 412 ||
	    strcmp(op->reason, "PreconditionFailed") == 0 ||
	    strcmp(op->reason, "NoSuchUpload") == 0) {
		c->gone = strcmp(op->reason, "NoSuchUpload") == 0;
		aws_s3_begin_head(
		    op->send->s3, op, c->object->key, on_seen_instead);
		return true;
	}
	if (op->code != ERR_NONE)
		return false;
	if (aws_xml_read(buf_text(&r->body_in), r->body_in.len, on_root, &whole,
		&ignored) != ERR_NONE ||
	    !whole)
		not_as_documented(op);
	aws_s3_check_sse(op, true);
	if (op->code != ERR_NONE || !aws_s3_silent_sse(op))
		return false;
	/* MinIO does not say it here either. */
	aws_s3_begin_head(op->send->s3, op, c->object->key, on_sse_seen);
	return true;
}

void
aws_s3_complete(struct aws_s3 *s3, struct aws_s3_complete *c)
{
	struct buf *body;

	CHECK(c->count >= 1 && c->count <= AWS_S3_PARTS_MAX);
	aws_s3_begin(s3, &c->op, "POST", c->object->key, on_complete);
	c->existed = c->gone = false;
	aws_s3_query(&c->op, "uploadId", c->upload_id);
	aws_s3_header(&c->op, "If-None-Match", "*");
	body = aws_s3_own_body(&c->op, "application/xml");
	put_parts(body, c);
	aws_s3_go(&c->op);
}

static bool
on_abort(struct aws_s3_op *op)
{
	if (op->code == ERR_NOT_FOUND)
		op->code = ERR_NONE;
	return false;
}

static void
ask_abort(struct aws_s3 *s3, struct aws_s3_op *op, const char *key,
    const char *upload_id, bool (*answered)(struct aws_s3_op *op))
{
	aws_s3_begin(s3, op, "DELETE", key, answered);
	aws_s3_query(op, "uploadId", upload_id);
	aws_s3_go(op);
}

void
aws_s3_abort(struct aws_s3 *s3, struct aws_s3_abort *a)
{
	ask_abort(s3, &a->op, a->key, a->upload_id, on_abort);
}
