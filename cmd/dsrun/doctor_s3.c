#include "doctor_s3.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "aws/aws_credentials.h"
#include "aws/aws_s3_bucket.h"
#include "doctor.h"
#include "net/net_env.h"
#include "net/net_http.h"
#include "wire_sinks.h"

/* The bucket: is it there, does it encrypt, how long do objects live? */

static const char rule_check[] = "s3 lifecycle";

struct asking {
	struct doctor *d;
	struct net_http *public_http; /* for keys: the system's authorities */
	struct net_http *http;
	struct aws_credentials *keys;
	struct aws_s3 *s3;
	struct aws_s3_lifecycle want;
	struct aws_s3_check check;
	struct aws_s3_lifecycle_put put;
};

static enum err_code
open_all(struct asking *a, struct err *err)
{
	const struct conf_s3 *c = &a->d->conf->s3;
	struct env *env = a->d->ctx->env;
	struct net_http_options ho = {.env = env};
	struct aws_s3_options o = wire_sinks_s3(c);

	if (net_http_open(&ho, &a->public_http, err) != ERR_NONE)
		return err->code;
	ho.ca_file = c->ca_file;
	if (net_http_open(&ho, &a->http, err) != ERR_NONE)
		return err->code;

	struct aws_credentials_options ko = {.env = env,
	    .http = a->public_http,
	    .access_key = c->access_key,
	    .secret_key = c->secret_key,
	    .region = c->region};

	if (aws_credentials_open(&ko, &a->keys, err) != ERR_NONE)
		return err->code;
	o.env = env;
	o.http = a->http;
	o.credentials = a->keys;
	return aws_s3_open(&o, &a->s3, err);
}

static void
close_all(struct asking *a)
{
	aws_s3_end(&a->check.op);
	aws_s3_end(&a->put.op);
	aws_s3_close(&a->s3);
	aws_credentials_close(&a->keys);
	net_http_close(&a->http);
	net_http_close(&a->public_http);
}

static struct aws_s3_lifecycle
wanted(const struct conf_s3 *c)
{
	struct aws_s3_lifecycle l = AWS_S3_LIFECYCLE_DEFAULT;

	l.prefix = c->prefix != NULL ? c->prefix : "";
	l.archive_days = c->archive_days;
	l.cold_days = c->cold_days;
	l.delete_days = c->delete_days;
	l.noncurrent_days = c->old_versions_days;
	l.archive_class = c->archive_class;
	l.cold_class = c->cold_class;
	return l;
}

static void
check_done(struct aws_s3_op *op)
{
	struct asking *a = CONTAINER_OF(op, struct asking, check.op);

	net_env_stop(a->d->ctx->env);
}

static void
put_done(struct aws_s3_op *op)
{
	struct asking *a = CONTAINER_OF(op, struct asking, put.op);

	net_env_stop(a->d->ctx->env);
}

static void
say_encryption(struct asking *a)
{
	static const char name[] = "s3 encryption";
	const struct aws_s3_check *c = &a->check;
	const char *ours = a->d->conf->s3.encryption;
	const char *theirs = *c->encryption_unknown != '\0'
				 ? c->encryption_unknown
			     : *c->encryption != '\0' ? c->encryption
						      : "none";

	if (strcmp(ours, "none") != 0)
		doctor_say(a->d, DOCTOR_OK, name, NULL,
		    "each object is sent with %s; the bucket's own default: %s",
		    strcmp(ours, "kms") == 0 ? "SSE-KMS" : "SSE-S3", theirs);
	else if (*c->encryption != '\0')
		doctor_say(a->d, DOCTOR_OK, name, NULL,
		    "by the bucket's own default: %s", theirs);
	else
		doctor_say(a->d, DOCTOR_WARN, name,
		    "set s3.encryption: s3, or the bucket's default",
		    "recordings may lie there as they are (s3.encryption: "
		    "none; the bucket's own default: %s)",
		    theirs);
}

/* A deletion in a bucket with versions deletes nothing by itself. */
static void
say_versioning(struct asking *a)
{
	static const char name[] = "s3 versioning";
	const struct aws_s3_check *c = &a->check;

	if (*c->versioning_unknown != '\0' &&
	    strcmp(c->versioning_unknown, "NotImplemented") != 0)
		doctor_say(a->d, DOCTOR_WARN, name,
		    "allow these keys s3:GetBucketVersioning, or look with "
		    "others",
		    "cannot be seen: %s", c->versioning_unknown);
	else if (*c->versioning == '\0')
		doctor_say(a->d, DOCTOR_OK, name, NULL,
		    "none: what is deleted is gone");
	else if (a->want.noncurrent_days != 0)
		doctor_say(a->d, DOCTOR_OK, name, NULL,
		    "%s: what is deleted can be had back for %lld days (rule " AWS_S3_LIFECYCLE_ID
		    ")",
		    c->versioning, (long long)a->want.noncurrent_days);
	else
		doctor_say(a->d, DOCTOR_WARN, name,
		    "set s3.old_versions_days, then `dsrun doctor --s3 --fix`",
		    "%s: what is deleted, by the lifecycle too, stays for ever "
		    "as an old version",
		    c->versioning);
}

/* " after N days to X" for what happens at all. */
static void
describe(const struct aws_s3_lifecycle *l, struct buf *out)
{
	const struct {
		int64_t days;
		const char *what;
	} rows[] = {{l->archive_days, l->archive_class},
	    {l->cold_days, l->cold_class}, {l->delete_days, "deleted"}};

	if (*l->prefix != '\0')
		buf_printf(out, "%s*: ", l->prefix);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].days != 0)
			buf_printf(out, "%s after %lld days, ", rows[i].what,
			    (long long)rows[i].days);
	if (l->noncurrent_days != 0)
		buf_printf(out, "old versions deleted %lld days later, ",
		    (long long)l->noncurrent_days);
	buf_printf(out, "uploads that were not completed end after %lld",
	    (long long)l->abort_days);
}

/* A server of one's own may have none at all: no right would help. */
static bool
has_no_lifecycles(const struct asking *a)
{
	return strcmp(a->check.lifecycle_unknown, "NotImplemented") == 0;
}

static void
say_no_lifecycles(struct asking *a)
{
	static const char text[] =
	    "this server has none: what is there stays for ever";
	static const char advice[] =
	    "remove old recordings by other means, and set s3.archive_days, "
	    "s3.cold_days and s3.delete_days to 0";
	const struct aws_s3_lifecycle *l = &a->want;
	struct err err;

	if (l->archive_days == 0 && l->cold_days == 0 && l->delete_days == 0) {
		doctor_say(a->d, DOCTOR_OK, rule_check, NULL,
		    "this server has none, and none is wanted");
	} else if (a->d->fix) {
		(void)err_set(&err, ERR_CONFIG, 0, "%s", text);
		doctor_fail(a->d, rule_check, advice, &err);
	} else {
		doctor_say(a->d, DOCTOR_WARN, rule_check, advice, "%s", text);
	}
}

static void
say_lifecycle(struct asking *a)
{
	struct aws_s3_check *c = &a->check;
	struct buf text = BUF_INIT(2048);

	describe(&a->want, &text);
	if (*c->lifecycle_unknown != '\0')
		doctor_say(a->d, DOCTOR_WARN, rule_check,
		    "allow these keys s3:GetLifecycleConfiguration, or look "
		    "with others",
		    "cannot be seen: %s", c->lifecycle_unknown);
	else if (*c->differs == '\0')
		doctor_say(
		    a->d, DOCTOR_OK, rule_check, NULL, "%s", buf_text(&text));
	else
		doctor_say(a->d, DOCTOR_WARN, rule_check,
		    "`dsrun doctor --s3 --fix` sets it (s3.archive_days, "
		    "s3.cold_days, s3.delete_days, s3.old_versions_days)",
		    "rule " AWS_S3_LIFECYCLE_ID ": %s; wanted: %s", c->differs,
		    buf_text(&text));
	buf_free(&text);
}

static void
set_lifecycle(struct asking *a)
{
	struct aws_s3_lifecycle_put *p = &a->put;
	struct buf text = BUF_INIT(2048);

	p->want = &a->want;
	p->op.done = put_done;
	aws_s3_lifecycle_put(a->s3, p);
	net_env_run(a->d->ctx->env);
	describe(&a->want, &text);
	if (p->op.code == ERR_NONE)
		doctor_say(a->d, DOCTOR_OK, rule_check, NULL,
		    "set, beside %lld rules of others: %s", (long long)p->kept,
		    buf_text(&text));
	else
		doctor_fail(a->d, rule_check,
		    err_class(p->op.code) == ERR_CLASS_RETRY
			? NULL
			: "these keys need s3:PutLifecycleConfiguration; a "
			  "server that has no archive classes needs "
			  "s3.archive_days: 0 and s3.cold_days: 0",
		    &p->op.err);
	buf_free(&text);
}

static enum err_code
ask(struct asking *a, const char *name, struct err *err)
{
	struct aws_s3_check *c = &a->check;
	const struct conf_s3 *s3 = &a->d->conf->s3;
	enum err_code code = aws_s3_lifecycle_valid(&a->want, err);

	if (code != ERR_NONE)
		return code;
	c->want = &a->want;
	c->op.done = check_done;
	aws_s3_check(a->s3, c);
	net_env_run(a->d->ctx->env);
	if (c->op.code != ERR_NONE) {
		*err = c->op.err;
		return c->op.code;
	}
	doctor_say(a->d, DOCTOR_OK, name, NULL,
	    "bucket %s answers%s%s, keys from %s", s3->bucket,
	    *c->region != '\0' ? ", region " : "", c->region,
	    aws_credentials_source(a->keys));
	if (*c->region != '\0' && strcmp(c->region, s3->region) != 0)
		doctor_say(a->d, DOCTOR_WARN, name,
		    "set s3.region to it: each run finds it out anew",
		    "it is in %s, s3.region is %s", c->region, s3->region);
	say_encryption(a);
	say_versioning(a);
	if (has_no_lifecycles(a))
		say_no_lifecycles(a);
	else if (a->d->fix &&
		 (*c->differs != '\0' || *c->lifecycle_unknown != '\0'))
		set_lifecycle(a);
	else
		say_lifecycle(a);
	if (a->d->fix)
		doctor_s3_try(a->d, a->s3);
	return ERR_NONE;
}

void
doctor_s3(struct doctor *d, const char *name)
{
	struct asking a = {.d = d, .want = wanted(&d->conf->s3)};
	struct err err;

	if (d->conf->s3.bucket == NULL) {
		(void)err_set(&err, ERR_CONFIG, 0, "s3.bucket is not set");
		doctor_fail(d, name, "name a bucket in dsrun.yaml", &err);
		return;
	}
	if (open_all(&a, &err) != ERR_NONE || ask(&a, name, &err) != ERR_NONE)
		doctor_fail(d, name, NULL, &err);
	close_all(&a);
}
