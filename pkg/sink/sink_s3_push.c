#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "sink/sink_s3_priv.h"

static void
drop_meta(struct sink_s3_push *x)
{
	for (size_t i = 0; i < SINK_S3_META_MAX; i++) {
		char *value = (char *)(uintptr_t)x->meta[i].value;

		mem_free(&value);
		x->meta[i].value = NULL;
	}
}

/* What the pool made of one file. */
static void
drop_made(struct sink_s3_push *x)
{
	struct err ignored;

	if (x->path != NULL && x->file == NULL)
		(void)env_remove(x->s->env, x->path, &ignored);
	env_close(x->s->env, &x->file);
	mem_free(&x->path);
	mem_free(&x->text);
	mem_free(&x->part_sha256);
	x->part_count = 0;
	x->composite[0] = '\0';
	mem_free(&x->key);
	drop_meta(x);
}

void
sink_s3_push_free(struct sink_s3_push *x)
{
	list_remove(&x->node);
	list_remove(&x->post.node);
	aws_s3_end(&x->put.op);
	aws_s3_end(&x->head.op);
	sink_s3_parts_fini(x);
	drop_made(x);
	mem_free(&x->transcript_path);
	mem_free(&x->recording_path);
	mem_free(&x);
}

/* The last of every way; x is gone after it. */
static void
over(struct sink_s3_push *x)
{
	struct sink_push *p = x->push;

	p->impl = NULL;
	sink_s3_push_free(x);
	p->done(p);
}

/* Not read, not written: of this row's files, or of the disk, and no fault of
 * the set-up that would keep all others. */
static enum err_code
of_row(enum err_code code)
{
	return code != ERR_CONFIG && err_class(code) == ERR_CLASS_FATAL
		   ? ERR_BUSY
		   : code;
}

void
sink_s3_fail(struct sink_s3_push *x, enum err_code code, const struct err *err)
{
	code = of_row(code);
	x->push->code = code;
	x->push->err = *err;
	x->push->err.code = code;
	x->push->retry_after_ms = -1;
	x->push->blame = false;
	over(x);
}

/* The bytes were other than their hash on arrival: bad memory or wire, or a
 * file that changed.  The next try reads it again, and finds out. */
static bool
arrived_changed(const struct aws_s3_op *op)
{
	return strcmp(op->reason, "BadDigest") == 0 ||
	       strcmp(op->reason, "XAmzContentSHA256Mismatch") == 0 ||
	       strcmp(op->reason, "XAmzContentChecksumMismatch") == 0;
}

void
sink_s3_finish(struct sink_s3_push *x, const struct aws_s3_op *op)
{
	struct sink_push *p = x->push;

	p->code = x->transcript.code;
	p->err = x->transcript;
	p->retry_after_ms = -1;
	p->blame = false;
	if (op != NULL && op->code != ERR_NONE) {
		p->code = op->code;
		p->err = op->err;
		p->retry_after_ms = op->retry_after_ms;
		p->blame = op->blame;
		if (arrived_changed(op))
			p->code = p->err.code = ERR_UNREACHABLE;
	}
	over(x);
}

/* The object that the pool has made: its key, headers and hashes. */
static void
describe(struct sink_s3_push *x)
{
	const struct sink_result *r = x->push->result;
	struct sink_s3 *s = x->s;
	const uint8_t *source =
	    x->encoding ? x->recording_sha256 : x->transcript_sha256;
	char hex[AWS_HASH_MAX];
	char id[TEXT_FILE_MAX];
	struct buf key = BUF_INIT(2 * SINK_S3_KEY_MAX);

	sink_s3_key(s->prefix, r, x->encoding ? s->ext : "json", &key);
	CHECK(key.len <= SINK_S3_KEY_MAX);
	x->key = key.bytes;
	x->meta[0] = (struct aws_pair){
	    "x-amz-meta-job", mem_strdup(text_file_safe(r->id, id))};
	x->meta[1] = (struct aws_pair){
	    "x-amz-meta-attempt", mem_printf("%lld", (long long)r->attempt)};
	x->meta[2] = (struct aws_pair){"x-amz-meta-source-sha256",
	    mem_strdup(text_hex(source, SHA256_BYTES, hex))};
	if (x->part_count > 0)
		(void)aws_s3_composite(
		    (const uint8_t(*)[SHA256_BYTES])x->part_sha256,
		    x->part_count, x->composite);
	x->object = (struct aws_s3_object){.key = x->key,
	    .content_type = x->encoding ? s->content_type : "application/json",
	    .storage_class = s->storage_class,
	    .tags = s->tags,
	    .tag_count = s->tag_count,
	    .meta = x->meta,
	    .meta_count = SINK_S3_META_MAX,
	    .len = x->size,
	    .composite = x->composite};
	memcpy(x->object.sha256, x->sha256, SHA256_BYTES);
}

static void begin_recording(struct sink_s3_push *x);

/* An object's end; the recording comes after the transcript. */
static void
made(struct sink_s3_push *x, struct aws_s3_op *op)
{
	if (op->code != ERR_NONE || x->encoding || x->recording_path == NULL) {
		sink_s3_finish(x, op);
		return;
	}
	aws_s3_end(op);
	drop_made(x);
	begin_recording(x);
}

static void
on_put(struct aws_s3_op *op)
{
	struct aws_s3_put *put = CONTAINER_OF(op, struct aws_s3_put, op);

	CRASH_POINT("sink.s3.put");
	made(CONTAINER_OF(put, struct sink_s3_push, put), op);
}

static void
put_whole(struct sink_s3_push *x)
{
	x->put.op.done = on_put;
	x->put.object = &x->object;
	x->put.body = (struct aws_s3_body){
	    .bytes = x->text, .file = x->file, .len = (size_t)x->size};
	memcpy(x->put.body.sha256, x->sha256, SHA256_BYTES);
	aws_s3_put(x->s->s3, &x->put);
}

static void
send(struct sink_s3_push *x)
{
	if (x->part_count > 0)
		sink_s3_parts_begin(x);
	else
		put_whole(x);
}

static void
made_before(struct sink_s3_push *x)
{
	made(x, &x->head.op);
}

static void
on_head(struct aws_s3_op *op)
{
	struct aws_s3_head *h = CONTAINER_OF(op, struct aws_s3_head, op);
	struct sink_s3_push *x = CONTAINER_OF(h, struct sink_s3_push, head);

	/* Amazon says 403 of what is not there to whom it does not list the
	 * bucket.  If it means what it says, the answer to the PUT has the
	 * reason, which one to a HEAD has not. */
	if (op->code == ERR_NOT_FOUND || op->status == 403) {
		send(x);
		return;
	}
	if (op->code == ERR_NONE)
		op->code =
		    aws_s3_judge(x->s->s3, &h->seen, &x->object, &op->err);
	if (x->encoding && (op->code == ERR_NONE || op->code == ERR_EXISTS))
		sink_s3_kept_drop(x, made_before);
	else
		made(x, op);
}

/*
 * Before hundreds of megabytes, and after a try that failed: is it there
 * already?  A server that refuses a PUT may close the connection under a body
 * that is still going out, and then its 412 is lost each time.
 */
static void
look_and_send(struct sink_s3_push *x)
{
	if (x->part_count == 0 && x->push->tries == 0) {
		send(x);
		return;
	}
	x->head.op.done = on_head;
	x->head.key = x->key;
	aws_s3_head(x->s->s3, &x->head);
}

/* A transcript that cannot be sent is told at the end; the recording goes. */
static bool
keeps_recording(const struct sink_s3_push *x)
{
	return !x->encoding && x->code != ERR_NONE && x->recording_path != NULL;
}

static void
on_worked(struct env_work *w)
{
	struct sink_s3_push *x = CONTAINER_OF(w, struct sink_s3_push, work);

	x->working = false;
	if (x->push == NULL) {
		sink_s3_push_free(x);
	} else if (keeps_recording(x)) {
		x->transcript = x->err;
		x->transcript.code = of_row(x->code);
		drop_made(x);
		begin_recording(x);
	} else if (x->code != ERR_NONE) {
		sink_s3_fail(x, x->code, &x->err);
	} else {
		describe(x);
		look_and_send(x);
	}
}

static void
on_work(struct env_work *w)
{
	struct sink_s3_push *x = CONTAINER_OF(w, struct sink_s3_push, work);

	if (atomic_load(&x->stop))
		return;
	if (x->encoding)
		sink_s3_make_file(x);
	else
		sink_s3_read_text(x);
}

static void
submit(struct sink_s3_push *x)
{
	x->work.run = on_work;
	x->work.done = on_worked;
	x->working = true;
	net_pool_submit(x->s->pool, &x->work);
}

static void
begin_recording(struct sink_s3_push *x)
{
	x->encoding = true;
	x->path = mem_printf(
	    "%s.%lld.%s", x->s->stem, (long long)++x->s->made, x->s->ext);
	submit(x);
}

static void
on_nothing(struct env_post *post)
{
	sink_s3_finish(CONTAINER_OF(post, struct sink_s3_push, post), NULL);
}

static void
on_refused(struct env_post *post)
{
	struct sink_s3_push *x = CONTAINER_OF(post, struct sink_s3_push, post);

	sink_s3_fail(x, ERR_CONFIG, &x->s->refusal);
}

static void
op_start(void *impl, struct sink_push *p)
{
	struct sink_s3 *s = impl;
	const struct sink_result *r = p->result;
	struct sink_s3_push *x = mem_zalloc(1, sizeof(*x));

	x->s = s;
	x->push = p;
	atomic_init(&x->stop, false);
	p->impl = x;
	list_add_tail(&s->pushes, &x->node);
	memcpy(x->transcript_sha256, r->transcript_sha256, SHA256_BYTES);
	memcpy(x->recording_sha256, r->recording_sha256, SHA256_BYTES);
	if (*r->transcript_path != '\0')
		x->transcript_path = mem_strdup(r->transcript_path);
	if (*r->recording_path != '\0')
		x->recording_path = mem_strdup(r->recording_path);
	if (s->refusal.code != ERR_NONE) {
		x->post.fn = on_refused;
		env_post(s->env, &x->post);
	} else if (x->transcript_path != NULL) {
		submit(x);
	} else if (x->recording_path != NULL) {
		begin_recording(x);
	} else {
		x->post.fn = on_nothing;
		env_post(s->env, &x->post);
	}
}

static void
op_cancel(void *impl, struct sink_push *p)
{
	struct sink_s3_push *x = p->impl;

	(void)impl;
	p->impl = NULL;
	if (x == NULL)
		return;
	x->push = NULL;
	atomic_store(&x->stop, true);
	if (!x->working)
		sink_s3_push_free(x);
}

static void
op_free(void *impl)
{
	struct sink_s3 *s = impl;

	sink_s3_close(&s);
}

const struct sink_push_ops *
sink_s3_ops(void)
{
	static const struct sink_push_ops ops = {
	    .start = op_start,
	    .cancel = op_cancel,
	    .free = op_free,
	};

	return &ops;
}
