#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_s3_priv.h"

#define ERROR_MAX 65536 /* bytes of a refusal */

void
aws_s3_header_sse(struct aws_s3_op *op)
{
	const struct aws_s3 *s3 = op->send->s3;

	if (s3->sse == AWS_S3_SSE_S3)
		aws_s3_header(op, "x-amz-server-side-encryption", "AES256");
	if (s3->sse != AWS_S3_SSE_KMS)
		return;
	aws_s3_header(op, "x-amz-server-side-encryption", "aws:kms");
	if (*s3->kms_key_id != '\0')
		aws_s3_header(op, "x-amz-server-side-encryption-aws-kms-key-id",
		    s3->kms_key_id);
	if (*s3->kms_context != '\0')
		aws_s3_header(op, "x-amz-server-side-encryption-context",
		    s3->kms_context);
	if (s3->bucket_key)
		aws_s3_header(op,
		    "x-amz-server-side-encryption-bucket-key-enabled", "true");
}

static const char *
sse_wanted(const struct aws_s3 *s3)
{
	return s3->sse == AWS_S3_SSE_KMS ? "aws:kms" : "AES256";
}

bool
aws_s3_silent_sse(const struct aws_s3_op *op)
{
	char got[32];

	aws_s3_answer_header(
	    op, "x-amz-server-side-encryption", got, sizeof(got));
	return op->send->s3->sse != AWS_S3_SSE_NONE && *got == '\0';
}

void
aws_s3_check_sse(struct aws_s3_op *op, bool may_be_silent)
{
	const struct aws_s3_send *s = op->send;
	const char *want = sse_wanted(s->s3);
	char got[32];

	if (op->code != ERR_NONE || s->s3->sse == AWS_S3_SSE_NONE)
		return;
	aws_s3_answer_header(
	    op, "x-amz-server-side-encryption", got, sizeof(got));
	if (strcmp(got, want) == 0 || (may_be_silent && *got == '\0'))
		return;
	op->code = err_set(&op->err, ERR_CONFIG, op->status,
	    "S3 %s %s/%.120s: the server did not encrypt with %s as it was "
	    "told (its answer: \"%s\")",
	    s->method, s->s3->bucket, s->key, want, got);
}

/* "k=v&k2=v2", encoded as a query is. */
static void
put_tags(struct aws_s3_op *op, const struct aws_s3_object *o)
{
	struct buf b = BUF_INIT(16384);

	if (o->tag_count == 0)
		return;
	aws_query_put(&b, o->tags, o->tag_count);
	aws_s3_header(op, "x-amz-tagging", b.bytes);
	buf_free(&b);
}

void
aws_s3_header_object(struct aws_s3_op *op, const struct aws_s3_object *o)
{
	char hex[AWS_HASH_MAX];

	aws_s3_header(op, "Content-Type", o->content_type);
	if (o->storage_class != NULL && *o->storage_class != '\0')
		aws_s3_header(op, "x-amz-storage-class", o->storage_class);
	put_tags(op, o);
	aws_s3_header_sse(op);
	aws_s3_header(
	    op, "x-amz-meta-sha256", text_hex(o->sha256, SHA256_BYTES, hex));
	for (size_t i = 0; i < o->meta_count; i++)
		aws_s3_header(op, o->meta[i].name, o->meta[i].value);
}

void
aws_s3_seen_take(const struct aws_s3_op *op, struct aws_s3_seen *seen)
{
	char len[32];
	struct err ignored;

	aws_s3_answer_header(op, "content-length", len, sizeof(len));
	seen->len = -1;
	(void)text_i64(len, 0, INT64_MAX, &seen->len, &ignored);
	aws_s3_answer_header(op, "etag", seen->etag, sizeof(seen->etag));
	aws_s3_answer_header(op, "x-amz-checksum-sha256", seen->checksum,
	    sizeof(seen->checksum));
	aws_s3_answer_header(op, "x-amz-meta-sha256", seen->meta_sha256,
	    sizeof(seen->meta_sha256));
	aws_s3_answer_header(
	    op, "content-type", seen->content_type, sizeof(seen->content_type));
	aws_s3_answer_header(op, "x-amz-storage-class", seen->storage_class,
	    sizeof(seen->storage_class));
	aws_s3_answer_header(
	    op, "x-amz-server-side-encryption", seen->sse, sizeof(seen->sse));
	aws_s3_answer_header(op, "x-amz-server-side-encryption-aws-kms-key-id",
	    seen->kms_key, sizeof(seen->kms_key));
}

static bool
is_same(const struct aws_s3_seen *seen, const struct aws_s3_object *o)
{
	char whole[BASE64_MAX(SHA256_BYTES)];
	char hex[AWS_HASH_MAX];

	if (seen->len != o->len)
		return false;
	(void)base64_put(o->sha256, SHA256_BYTES, whole);
	if (strcmp(seen->checksum, whole) == 0)
		return true;
	if (o->composite != NULL && *o->composite != '\0' &&
	    strcmp(seen->checksum, o->composite) == 0)
		return true;
	/* A checksum of the whole that differs is a word against it. */
	if (*seen->checksum != '\0' && strchr(seen->checksum, '-') == NULL)
		return false;
	return strcmp(seen->meta_sha256,
		   text_hex(o->sha256, SHA256_BYTES, hex)) == 0;
}

enum err_code
aws_s3_judge(const struct aws_s3 *s3, const struct aws_s3_seen *seen,
    const struct aws_s3_object *o, struct err *err)
{
	if (!is_same(seen, o))
		return err_set(err, ERR_EXISTS, 0,
		    "S3 %s/%.120s: holds other bytes already (%lld of them, "
		    "SHA-256 %.64s); nothing was replaced",
		    s3->bucket, o->key, (long long)seen->len,
		    *seen->checksum != '\0' ? seen->checksum
					    : seen->meta_sha256);
	if (s3->sse != AWS_S3_SSE_NONE &&
	    strcmp(seen->sse, sse_wanted(s3)) != 0)
		return err_set(err, ERR_EXISTS, 0,
		    "S3 %s/%.120s: is there already, but encrypted with "
		    "\"%s\" and not with %s; nothing was replaced",
		    s3->bucket, o->key, seen->sse, sse_wanted(s3));
	return ERR_NONE;
}

void
aws_s3_begin_head(struct aws_s3 *s3, struct aws_s3_op *op, const char *key,
    bool (*answered)(struct aws_s3_op *op))
{
	aws_s3_begin(s3, op, "HEAD", key, answered);
	aws_s3_header(op, "x-amz-checksum-mode", "ENABLED");
	aws_s3_go(op);
}

void
aws_s3_compare(
    struct aws_s3_op *op, const struct aws_s3_object *object, bool *existed)
{
	struct aws_s3_seen seen;

	/* Gone since: the next try finds the place free. */
	if (op->code == ERR_NOT_FOUND)
		op->code = err_set(&op->err, ERR_BUSY, op->status,
		    "S3 %s/%.120s: was there, and is not any more",
		    op->send->s3->bucket, op->send->key);
	if (op->code != ERR_NONE)
		return;
	aws_s3_seen_take(op, &seen);
	op->code = aws_s3_judge(op->send->s3, &seen, object, &op->err);
	*existed = op->code == ERR_NONE;
}

/* What is there after a 412. */
static bool
on_compared(struct aws_s3_op *op)
{
	struct aws_s3_put *p = CONTAINER_OF(op, struct aws_s3_put, op);

	aws_s3_compare(op, p->object, &p->existed);
	return false;
}

static bool
on_put(struct aws_s3_op *op)
{
	struct aws_s3_put *p = CONTAINER_OF(op, struct aws_s3_put, op);

	if (op->status == 412) {
		aws_s3_begin_head(
		    op->send->s3, op, p->object->key, on_compared);
		return true;
	}
	aws_s3_check_sse(op, false);
	return false;
}

void
aws_s3_put(struct aws_s3 *s3, struct aws_s3_put *p)
{
	char sum[BASE64_MAX(SHA256_BYTES)];

	aws_s3_begin(s3, &p->op, "PUT", p->object->key, on_put);
	p->existed = false;
	p->op.send->body = p->body;
	aws_s3_header_object(&p->op, p->object);
	aws_s3_header(&p->op, "If-None-Match", "*");
	aws_s3_header(&p->op, "x-amz-checksum-sha256",
	    base64_put(p->body.sha256, SHA256_BYTES, sum));
	aws_s3_go(&p->op);
}

static bool
on_head(struct aws_s3_op *op)
{
	struct aws_s3_head *h = CONTAINER_OF(op, struct aws_s3_head, op);

	if (op->code == ERR_NONE)
		aws_s3_seen_take(op, &h->seen);
	return false;
}

void
aws_s3_head(struct aws_s3 *s3, struct aws_s3_head *h)
{
	memset(&h->seen, 0, sizeof(h->seen));
	h->seen.len = -1;
	aws_s3_begin_head(s3, &h->op, h->key, on_head);
}

static bool
on_get(struct aws_s3_op *op)
{
	struct aws_s3_get *g = CONTAINER_OF(op, struct aws_s3_get, op);
	const struct net_http_request *r = aws_s3_answer(op);

	if ((op->code == ERR_NONE && r->body_in.len > g->max) ||
	    (op->status == 0 && r->code == ERR_MALFORMED)) {
		op->blame = false;
		op->code = err_set(&op->err, ERR_REJECTED, r->status,
		    "S3 GET %s/%.120s: longer than %zu bytes",
		    op->send->s3->bucket, g->key, g->max);
	}
	if (op->code == ERR_NONE)
		g->body = &r->body_in;
	return false;
}

void
aws_s3_get(struct aws_s3 *s3, struct aws_s3_get *g)
{
	aws_s3_begin(s3, &g->op, "GET", g->key, on_get);
	g->body = NULL;
	g->op.send->response_max = g->max + ERROR_MAX;
	aws_s3_go(&g->op);
}
