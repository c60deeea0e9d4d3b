#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_s3_upload.h"
#include "doctor_s3.h"
#include "net/net_env.h"

/*
 * May these keys do what a sync does?  Asked by doing it: an object is made
 * under a name of its own, read, and an upload in parts is begun, given one,
 * listed and aborted.  Nothing is deleted, since a sync never deletes either:
 * the object stays, and where it is there already the server's refusal to
 * replace it shows the same.  Its name follows from how objects are to be, so
 * that other settings are tried with another.
 */

static const char check[] = "s3 write";
static const char stale_check[] = "s3 uploads";

#define STALE_DAYS 7
#define DAY_MS INT64_C(86400000)

struct trying {
	struct doctor *d;
	struct aws_s3 *s3;
	char *key, *text;
	struct aws_s3_object object;
	struct aws_s3_put put;
	struct aws_s3_get get;
	struct aws_s3_create create;
	struct aws_s3_part part;
	struct aws_s3_parts parts;
	struct aws_s3_abort abort;
	struct aws_s3_reap reap;
};

static void
fail(struct trying *t, const struct aws_s3_op *op, const char *right)
{
	const struct conf_s3 *c = &t->d->conf->s3;
	bool refused = op->status == 403 || op->status == 401;
	char *advice = mem_printf("these keys need %s on arn:aws:s3:::%s/%s*%s",
	    right, c->bucket, c->prefix != NULL ? c->prefix : "",
	    strcmp(c->encryption, "kms") == 0
		? ", and kms:GenerateDataKey and kms:Decrypt on the KMS key"
		: "");

	/* The object is there, and not as it was to be. */
	bool taken = op->status / 100 == 2 && op->code == ERR_CONFIG;

	doctor_fail(t->d, check,
	    refused ? advice
	    : taken ? "a server without a key service needs s3.encryption: "
		      "none; recordings then lie there as it keeps them"
		    : NULL,
	    &op->err);
	mem_free(&advice);
	net_env_stop(t->d->ctx->env);
}

static void
on_abort(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, abort.op);

	if (op->code != ERR_NONE) {
		fail(t, op, "s3:AbortMultipartUpload");
		return;
	}
	doctor_say(t->d, DOCTOR_OK, check, NULL, "%s %s; parts too",
	    t->put.existed ? "allowed: the server refused to replace"
			   : "wrote and read",
	    t->key);
	net_env_stop(t->d->ctx->env);
}

static void
on_parts(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, parts.op);

	if (op->code != ERR_NONE) {
		fail(t, op, "s3:ListMultipartUploadParts");
		return;
	}
	t->abort.op.done = on_abort;
	t->abort.key = t->key;
	t->abort.upload_id = t->create.upload_id;
	aws_s3_abort(t->s3, &t->abort);
}

static void
on_part(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, part.op);

	if (op->code != ERR_NONE) {
		fail(t, op, "s3:PutObject");
		return;
	}
	t->parts.op.done = on_parts;
	t->parts.key = t->key;
	t->parts.upload_id = t->create.upload_id;
	aws_s3_parts(t->s3, &t->parts);
}

static void
on_create(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, create.op);

	if (op->code != ERR_NONE) {
		fail(t, op, "s3:PutObject");
		return;
	}
	t->part.op.done = on_part;
	t->part.key = t->key;
	t->part.upload_id = t->create.upload_id;
	t->part.number = 1;
	t->part.body = t->put.body;
	aws_s3_part(t->s3, &t->part);
}

static void
try_parts(struct trying *t)
{
	t->create.op.done = on_create;
	t->create.object = &t->object;
	aws_s3_create(t->s3, &t->create);
}

static void
on_get(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, get.op);
	size_t len = strlen(t->text);

	if (op->code == ERR_NONE &&
	    (t->get.body->len != len ||
		memcmp(t->get.body->bytes, t->text, len) != 0))
		op->code = err_set(&op->err, ERR_REJECTED, 0,
		    "%s: what was read is not what was written", t->key);
	if (op->code != ERR_NONE)
		fail(t, op, "s3:GetObject");
	else
		try_parts(t);
}

static void
on_put(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, put.op);

	if (op->code != ERR_NONE) {
		fail(t, op, "s3:PutObject and s3:GetObject");
		return;
	}
	/* Compared by its checksum then; it may lie in an archive by now. */
	if (t->put.existed) {
		try_parts(t);
		return;
	}
	t->get.op.done = on_get;
	t->get.key = t->key;
	t->get.max = strlen(t->text);
	aws_s3_get(t->s3, &t->get);
}

static void
name_it(struct trying *t)
{
	const struct conf_s3 *c = &t->d->conf->s3;
	uint8_t hash[SHA256_BYTES];
	char hex[9];

	t->text = mem_printf("dsrun doctor wrote this to see whether it may.\n"
			     "encryption: %s %s\nstorage class: %s\n",
	    c->encryption, c->kms_key != NULL ? c->kms_key : "",
	    c->storage_class != NULL ? c->storage_class : "");
	sha256_once(t->text, strlen(t->text), hash);
	t->key = mem_printf("%sdsrun-doctor-%s.txt",
	    c->prefix != NULL ? c->prefix : "", text_hex(hash, 4, hex));
	t->object = (struct aws_s3_object){.key = t->key,
	    .content_type = "text/plain",
	    .storage_class = c->storage_class != NULL ? c->storage_class : "",
	    .len = (int64_t)strlen(t->text),
	    .composite = ""};
	memcpy(t->object.sha256, hash, SHA256_BYTES);
}

static void
on_reap(struct aws_s3_op *op)
{
	struct trying *t = CONTAINER_OF(op, struct trying, reap.op);

	if (op->code != ERR_NONE)
		doctor_say(t->d, DOCTOR_WARN, stale_check,
		    "allow these keys s3:ListBucketMultipartUploads, or leave "
		    "it to the lifecycle",
		    "uploads that were never completed cannot be ended: %s",
		    op->err.text);
	else
		doctor_say(t->d, DOCTOR_OK, stale_check, NULL,
		    "%lld that were begun more than %d days ago were aborted",
		    (long long)t->reap.aborted, STALE_DAYS);
	net_env_stop(t->d->ctx->env);
}

void
doctor_s3_try(struct doctor *d, struct aws_s3 *s3)
{
	struct trying t = {.d = d, .s3 = s3};
	struct env *env = d->ctx->env;

	name_it(&t);
	t.put.op.done = on_put;
	t.put.object = &t.object;
	t.put.body =
	    (struct aws_s3_body){.bytes = t.text, .len = strlen(t.text)};
	memcpy(t.put.body.sha256, t.object.sha256, SHA256_BYTES);
	aws_s3_put(s3, &t.put);
	net_env_run(env);
	t.reap.op.done = on_reap;
	t.reap.prefix = d->conf->s3.prefix != NULL ? d->conf->s3.prefix : "";
	t.reap.before_ms = env_now_ms(env) - STALE_DAYS * DAY_MS;
	aws_s3_reap(s3, &t.reap);
	net_env_run(env);
	aws_s3_end(&t.put.op);
	aws_s3_end(&t.get.op);
	aws_s3_end(&t.create.op);
	aws_s3_end(&t.part.op);
	aws_s3_parts_fini(&t.parts);
	aws_s3_end(&t.abort.op);
	aws_s3_reap_fini(&t.reap);
	mem_free(&t.key);
	mem_free(&t.text);
}
