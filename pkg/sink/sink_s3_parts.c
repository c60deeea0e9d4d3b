#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"

#include "sink/sink_s3_priv.h"

/* What the row keeps of an upload, to find it after a crash. */
struct kept {
	struct json *doc; /* owns the texts */
	const char *bucket, *key, *upload, *sha256;
	int64_t part_bytes;
};

static bool
kept_read(const char *text, struct kept *k)
{
	struct json_limits limits = {SINK_PUSH_KEPT_MAX, 2, 10};
	struct err ignored;
	bool ok = false;

	memset(k, 0, sizeof(*k));
	if (*text == '\0')
		return false;
	if (json_parse(text, strlen(text), &limits, &k->doc, &ignored) ==
	    ERR_NONE)
		ok = json_str(k->doc, "bucket", &k->bucket, &ignored) ==
			 ERR_NONE &&
		     json_str(k->doc, "key", &k->key, &ignored) == ERR_NONE &&
		     json_str(k->doc, "upload", &k->upload, &ignored) ==
			 ERR_NONE &&
		     json_str(k->doc, "sha256", &k->sha256, &ignored) ==
			 ERR_NONE &&
		     json_i64(k->doc, "partBytes", 1, JSON_I64_MAX,
			 &k->part_bytes, &ignored) == ERR_NONE &&
		     *k->upload != '\0';
	if (!ok)
		json_free(&k->doc);
	return ok;
}

static bool
kept_fits(const struct kept *k, const struct sink_s3_push *x)
{
	char hex[AWS_HASH_MAX];

	return strcmp(k->key, x->key) == 0 && k->part_bytes == x->part_size &&
	       strcmp(k->sha256, text_hex(x->sha256, SHA256_BYTES, hex)) == 0;
}

static void
kept_write(const struct sink_s3_push *x, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	char hex[AWS_HASH_MAX];

	json_write_object(&w);
	json_field_str(&w, "bucket", x->s->bucket);
	json_field_str(&w, "key", x->key);
	json_field_str(&w, "upload", x->upload_id);
	json_field_i64(&w, "partBytes", x->part_size);
	json_field_str(&w, "sha256", text_hex(x->sha256, SHA256_BYTES, hex));
	json_write_end(&w);
}

void
sink_s3_parts_fini(struct sink_s3_push *x)
{
	aws_s3_end(&x->create.op);
	aws_s3_parts_fini(&x->held);
	aws_s3_end(&x->complete.op);
	aws_s3_end(&x->abort.op);
	for (size_t i = 0; i < SINK_S3_SLOTS_MAX; i++) {
		aws_s3_end(&x->slot[i].part.op);
		x->slot[i].busy = false;
	}
	mem_free(&x->abort_key);
	mem_free(&x->abort_id);
	mem_free(&x->upload_id);
	mem_free(&x->part);
	mem_free(&x->sent);
}

/* Whatever comes of it: an upload that could not be aborted is reaped later,
 * by the bucket's rule or by doctor. */
static void
on_aborted(struct aws_s3_op *op)
{
	struct aws_s3_abort *a = CONTAINER_OF(op, struct aws_s3_abort, op);
	struct sink_s3_push *x = CONTAINER_OF(a, struct sink_s3_push, abort);

	aws_s3_end(op);
	x->aborted(x);
}

static void
abort_then(struct sink_s3_push *x, const char *key, const char *upload_id,
    void (*next)(struct sink_s3_push *x))
{
	mem_free(&x->abort_key);
	mem_free(&x->abort_id);
	x->abort_key = mem_strdup(key);
	x->abort_id = mem_strdup(upload_id);
	x->aborted = next;
	x->abort.op.done = on_aborted;
	x->abort.key = x->abort_key;
	x->abort.upload_id = x->abort_id;
	aws_s3_abort(x->s->s3, &x->abort);
}

static void
finish_complete(struct sink_s3_push *x)
{
	sink_s3_finish(x, &x->complete.op);
}

static void
on_complete(struct aws_s3_op *op)
{
	struct aws_s3_complete *c =
	    CONTAINER_OF(op, struct aws_s3_complete, op);
	struct sink_s3_push *x = CONTAINER_OF(c, struct sink_s3_push, complete);

	CRASH_POINT("sink.s3.completed");
	/* Gone with nothing made of it, or not as it was when its parts were
	 * sent: the next try begins anew. */
	if ((c->gone && op->code == ERR_NOT_FOUND) ||
	    text_starts(op->reason, "InvalidPart"))
		op->code = op->err.code = ERR_BUSY;
	/* Not to be completed any more: its parts would only cost. */
	if ((op->code == ERR_NONE && c->existed) || op->code == ERR_EXISTS ||
	    (op->code == ERR_BUSY && !c->gone))
		abort_then(x, x->key, x->upload_id, finish_complete);
	else
		sink_s3_finish(x, op);
}

static void
complete(struct sink_s3_push *x)
{
	x->complete.op.done = on_complete;
	x->complete.object = &x->object;
	x->complete.upload_id = x->upload_id;
	x->complete.part = x->part;
	x->complete.count = x->part_count;
	aws_s3_complete(x->s->s3, &x->complete);
}

static void poke(struct sink_s3_push *x);

static void
on_part(struct aws_s3_op *op)
{
	struct aws_s3_part *p = CONTAINER_OF(op, struct aws_s3_part, op);
	struct sink_s3_slot *slot = CONTAINER_OF(p, struct sink_s3_slot, part);
	struct sink_s3_push *x = slot->owner;
	size_t i = (size_t)p->number - 1;

	CRASH_POINT("sink.s3.part");
	slot->busy = false;
	/* Completed or aborted under our hands; the next try finds out which,
	 * and begins anew if need be. */
	if (op->code == ERR_NOT_FOUND)
		op->code = op->err.code = ERR_BUSY;
	/* The others under way are given up; what arrived of them is found by
	 * the next try. */
	if (op->code != ERR_NONE) {
		sink_s3_finish(x, op);
		return;
	}
	x->sent[i] = true;
	(void)snprintf(x->part[i].etag, sizeof(x->part[i].etag), "%s", p->etag);
	aws_s3_end(op);
	poke(x);
}

static int64_t
length_of(const struct sink_s3_push *x, size_t index)
{
	int64_t at = (int64_t)index * x->part_size;

	return x->size - at < x->part_size ? x->size - at : x->part_size;
}

static void
send_part(struct sink_s3_push *x, struct sink_s3_slot *slot, size_t index)
{
	struct aws_s3_part *p = &slot->part;

	slot->owner = x;
	slot->busy = true;
	p->op.done = on_part;
	p->key = x->key;
	p->upload_id = x->upload_id;
	p->number = (int64_t)index + 1;
	p->body = (struct aws_s3_body){.file = x->file,
	    .offset = (int64_t)index * x->part_size,
	    .len = (size_t)length_of(x, index)};
	memcpy(p->body.sha256, x->part_sha256[index], SHA256_BYTES);
	aws_s3_part(x->s->s3, p);
}

/* Fill the free slots; all sent: complete. */
static void
poke(struct sink_s3_push *x)
{
	size_t busy = 0;

	for (size_t i = 0; i < x->s->slots; i++) {
		while (x->next < x->part_count && x->sent[x->next])
			x->next++;
		if (!x->slot[i].busy && x->next < x->part_count)
			send_part(x, &x->slot[i], x->next++);
		busy += x->slot[i].busy;
	}
	if (busy == 0)
		complete(x);
}

static void
begin_parts(struct sink_s3_push *x)
{
	x->part = mem_zalloc(x->part_count, sizeof(*x->part));
	x->sent = mem_zalloc(x->part_count, sizeof(*x->sent));
	for (size_t i = 0; i < x->part_count; i++) {
		x->part[i].number = (int64_t)i + 1;
		x->part[i].size = length_of(x, i);
		x->part[i].has_sha256 = true;
		memcpy(x->part[i].sha256, x->part_sha256[i], SHA256_BYTES);
	}
	for (size_t h = 0; h < x->held.count; h++) {
		const struct aws_s3_part_held *held = &x->held.part[h];
		size_t i = (size_t)held->number - 1;

		if (i >= x->part_count || !held->has_sha256 ||
		    held->size != x->part[i].size ||
		    memcmp(held->sha256, x->part[i].sha256, SHA256_BYTES) != 0)
			continue;
		x->sent[i] = true;
		memcpy(x->part[i].etag, held->etag, sizeof(held->etag));
	}
	x->next = 0;
	poke(x);
}

static void
finish_kept(struct sink_s3_push *x)
{
	sink_s3_fail(x, x->code, &x->err);
}

static void
on_kept(struct sink_push *p, enum err_code code)
{
	struct sink_s3_push *x = p->impl;

	if (x == NULL)
		return;
	CRASH_POINT("sink.s3.kept");
	if (code == ERR_NONE) {
		begin_parts(x);
		return;
	}
	/* Not written down: it would be lost by a crash, so it goes now. */
	x->code = err_set(&x->err, code, 0,
	    "the id of an upload to S3 could not be kept with its row");
	abort_then(x, x->key, x->upload_id, finish_kept);
}

static void
on_create(struct aws_s3_op *op)
{
	struct aws_s3_create *c = CONTAINER_OF(op, struct aws_s3_create, op);
	struct sink_s3_push *x = CONTAINER_OF(c, struct sink_s3_push, create);
	struct buf text = BUF_INIT(4 * SINK_PUSH_KEPT_MAX);

	CRASH_POINT("sink.s3.created");
	if (op->code != ERR_NONE) {
		sink_s3_finish(x, op);
		return;
	}
	x->upload_id = mem_strdup(c->upload_id);
	kept_write(x, &text);
	x->push->kept_done = on_kept;
	if (text.len < SINK_PUSH_KEPT_MAX) {
		x->push->keep(x->push, text.bytes);
	} else {
		x->code = err_set(&x->err, ERR_REJECTED, 0,
		    "the id of an upload to S3 is too long to be kept");
		abort_then(x, x->key, x->upload_id, finish_kept);
	}
	buf_free(&text);
}

static void
create(struct sink_s3_push *x)
{
	mem_free(&x->upload_id);
	x->create.op.done = on_create;
	x->create.object = &x->object;
	aws_s3_create(x->s->s3, &x->create);
}

static void
on_held(struct aws_s3_op *op)
{
	struct aws_s3_parts *held = CONTAINER_OF(op, struct aws_s3_parts, op);
	struct sink_s3_push *x = CONTAINER_OF(held, struct sink_s3_push, held);

	if (op->code == ERR_NOT_FOUND) {
		aws_s3_parts_fini(held);
		create(x);
	} else if (op->code != ERR_NONE) {
		sink_s3_finish(x, op);
	} else {
		begin_parts(x);
	}
}

static void
go_on(struct sink_s3_push *x, const struct kept *k)
{
	x->upload_id = mem_strdup(k->upload);
	x->held.op.done = on_held;
	x->held.key = x->key;
	x->held.upload_id = x->upload_id;
	aws_s3_parts(x->s->s3, &x->held);
}

/* The place is free: an upload to go on with, to get rid of, or none. */
static void
begin_upload(struct sink_s3_push *x)
{
	struct kept k;

	if (!kept_read(x->push->kept, &k)) {
		create(x);
		return;
	}
	if (strcmp(k.bucket, x->s->bucket) != 0)
		create(x);
	else if (kept_fits(&k, x))
		go_on(x, &k);
	else
		abort_then(x, k.key, k.upload, create);
	json_free(&k.doc);
}

/* Already there, whoever made it: what was kept of an upload is of no use. */
void
sink_s3_kept_drop(struct sink_s3_push *x, void (*next)(struct sink_s3_push *x))
{
	struct kept k;

	if (!kept_read(x->push->kept, &k)) {
		next(x);
		return;
	}
	if (strcmp(k.bucket, x->s->bucket) == 0)
		abort_then(x, k.key, k.upload, next);
	else
		next(x);
	json_free(&k.doc);
}

void
sink_s3_parts_begin(struct sink_s3_push *x)
{
	begin_upload(x);
}
