/*
 * dsrun's S3 client from a command line, for tests with real servers.
 *
 *   s3_client [--OPTION VALUE]... COMMAND
 *
 *   put KEY FILE         an object that must not be there
 *   head KEY, get KEY, url KEY
 *   check, set           the bucket; lifecycle days by --days A,C,D,N,U
 *   reap SECONDS         uploads older than that
 *
 * Options and output: s3_options.h.
 */
#include "aws/aws_s3_bucket.h"
#include "aws/aws_s3_upload.h"
#include "s3_options.h"

static void
field_op(struct json_writer *w, const struct aws_s3_op *op)
{
	field_err(w, op->code, &op->err);
	json_field_bool(w, "blame", op->blame);
	json_field_i64(w, "status", op->status);
	json_field_str(w, "reason", op->reason);
	json_field_str(w, "region", aws_s3_region(sink_s3_client(d.sink)));
}

static void
on_put(struct aws_s3_op *op)
{
	struct aws_s3_put *p = CONTAINER_OF(op, struct aws_s3_put, op);
	struct buf b;
	struct json_writer w = begin(&b);

	field_op(&w, op);
	json_field_bool(&w, "existed", p->existed);
	end(&w);
}

static void
on_head(struct aws_s3_op *op)
{
	struct aws_s3_head *h = CONTAINER_OF(op, struct aws_s3_head, op);
	struct buf b;
	struct json_writer w = begin(&b);

	field_op(&w, op);
	json_field_i64(&w, "len", h->seen.len);
	json_field_str(&w, "checksum", h->seen.checksum);
	json_field_str(&w, "metaSha256", h->seen.meta_sha256);
	json_field_str(&w, "contentType", h->seen.content_type);
	json_field_str(&w, "sse", h->seen.sse);
	json_field_str(&w, "kmsKey", h->seen.kms_key);
	end(&w);
}

static void
on_get(struct aws_s3_op *op)
{
	struct aws_s3_get *g = CONTAINER_OF(op, struct aws_s3_get, op);
	struct buf b;
	struct json_writer w = begin(&b);
	uint8_t hash[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	field_op(&w, op);
	if (op->code == ERR_NONE) {
		sha256_once(buf_text(g->body), g->body->len, hash);
		json_field_str(&w, "sha256", text_hex(hash, sizeof(hash), hex));
	}
	end(&w);
}

static void
on_check(struct aws_s3_op *op)
{
	struct aws_s3_check *c = CONTAINER_OF(op, struct aws_s3_check, op);
	struct buf b;
	struct json_writer w = begin(&b);

	field_op(&w, op);
	json_field_str(&w, "bucketRegion", c->region);
	json_field_str(&w, "encryption", c->encryption);
	json_field_str(&w, "encryptionUnknown", c->encryption_unknown);
	json_field_str(&w, "kmsKey", c->kms_key);
	json_field_bool(&w, "hasRule", c->has_rule);
	json_field_str(&w, "differs", c->differs);
	json_field_str(&w, "lifecycleUnknown", c->lifecycle_unknown);
	end(&w);
}

static void
on_set(struct aws_s3_op *op)
{
	struct aws_s3_lifecycle_put *p =
	    CONTAINER_OF(op, struct aws_s3_lifecycle_put, op);
	struct buf b;
	struct json_writer w = begin(&b);

	field_op(&w, op);
	json_field_i64(&w, "kept", p->kept);
	end(&w);
}

static void
on_reap(struct aws_s3_op *op)
{
	struct aws_s3_reap *r = CONTAINER_OF(op, struct aws_s3_reap, op);
	struct buf b;
	struct json_writer w = begin(&b);

	field_op(&w, op);
	json_field_i64(&w, "found", r->found);
	json_field_i64(&w, "aborted", r->aborted);
	end(&w);
}

static void
put(const char *key, const char *path)
{
	struct aws_s3_put p = {.op.done = on_put};
	struct aws_s3_object o = {.key = key,
	    .content_type = "application/octet-stream",
	    .storage_class = d.options.storage_class,
	    .tags = d.options.tags,
	    .tag_count = d.options.tag_count};
	char *text = NULL;
	size_t len = 0;

	if (env_read_whole(d.env, path, 1 << 30, &text, &len, &d.err) !=
	    ERR_NONE)
		die("file");
	o.len = (int64_t)len;
	sha256_once(text, len, o.sha256);
	p.object = &o;
	p.body = (struct aws_s3_body){.bytes = text, .len = len};
	memcpy(p.body.sha256, o.sha256, SHA256_BYTES);
	if (d.damage)
		p.body.sha256[0] ^= 1;
	aws_s3_put(sink_s3_client(d.sink), &p);
	net_env_run(d.env);
	aws_s3_end(&p.op);
	mem_free(&text);
}

static void
look(const char *what, const char *key)
{
	struct aws_s3_head h = {.op.done = on_head, .key = key};
	struct aws_s3_get g = {.op.done = on_get, .key = key, .max = 1 << 30};
	struct aws_s3 *s3 = sink_s3_client(d.sink);

	if (strcmp(what, "head") == 0)
		aws_s3_head(s3, &h);
	else
		aws_s3_get(s3, &g);
	net_env_run(d.env);
	aws_s3_end(&h.op);
	aws_s3_end(&g.op);
}

static void
bucket(const char *what)
{
	struct aws_s3_lifecycle want = AWS_S3_LIFECYCLE_DEFAULT;
	struct aws_s3_check c = {.op.done = on_check, .want = &want};
	struct aws_s3_lifecycle_put p = {.op.done = on_set, .want = &want};
	struct aws_s3 *s3 = sink_s3_client(d.sink);
	long n[5];

	want.prefix = sink_s3_prefix(d.sink);
	if (d.days != NULL && sscanf(d.days, "%ld,%ld,%ld,%ld,%ld", &n[0],
				  &n[1], &n[2], &n[3], &n[4]) == 5) {
		want.archive_days = n[0];
		want.cold_days = n[1];
		want.delete_days = n[2];
		want.noncurrent_days = n[3];
		want.abort_days = n[4];
	}
	if (aws_s3_lifecycle_valid(&want, &d.err) != ERR_NONE)
		die("days");
	if (strcmp(what, "check") == 0)
		aws_s3_check(s3, &c);
	else
		aws_s3_lifecycle_put(s3, &p);
	net_env_run(d.env);
	aws_s3_end(&c.op);
	aws_s3_end(&p.op);
}

static void
reap(long seconds)
{
	struct aws_s3_reap r = {.op.done = on_reap,
	    .prefix = sink_s3_prefix(d.sink),
	    .before_ms = env_now_ms(d.env) - seconds * 1000};

	aws_s3_reap(sink_s3_client(d.sink), &r);
	net_env_run(d.env);
	aws_s3_reap_fini(&r);
}

static int
run(int argc, char **argv, int at)
{
	const char *command = argv[at];
	const char *arg = at + 1 < argc ? argv[at + 1] : "";
	struct buf url = BUF_INIT(8192);

	d.left = 1;
	if (strcmp(command, "put") == 0 && at + 2 < argc) {
		put(arg, argv[at + 2]);
	} else if (strcmp(command, "head") == 0 ||
		   strcmp(command, "get") == 0) {
		look(command, arg);
	} else if (strcmp(command, "url") == 0) {
		aws_s3_url(sink_s3_client(d.sink), arg, &url);
		puts(url.bytes);
	} else if (strcmp(command, "check") == 0 ||
		   strcmp(command, "set") == 0) {
		bucket(command);
	} else if (strcmp(command, "reap") == 0) {
		reap(atol(arg));
	} else {
		die(command);
	}
	buf_free(&url);
	return d.status;
}
