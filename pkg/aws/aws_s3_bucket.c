#include "aws/aws_s3_bucket.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_xml.h"

#include "aws/aws_s3_priv.h"

#define DAYS_MAX 36500
/* Amazon's least age of what goes to a class with infrequent access, and its
 * least stay there. */
#define INFREQUENT_DAYS 30

static bool
is_class(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 32 &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == n;
}

static bool
is_infrequent(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, "_IA") == 0;
}

/* What Amazon asks of STANDARD_IA and ONEZONE_IA. */
static enum err_code
infrequent_valid(const struct aws_s3_lifecycle *l, struct err *err)
{
	const struct {
		int64_t days, next;
		const char *name;
	} stays[] = {
	    {l->archive_days, l->cold_days != 0 ? l->cold_days : l->delete_days,
		l->archive_class},
	    {l->cold_days, l->delete_days, l->cold_class}};

	for (size_t i = 0; i < ARRAY_LEN(stays); i++) {
		if (stays[i].days == 0 || !is_infrequent(stays[i].name))
			continue;
		if (stays[i].days < INFREQUENT_DAYS ||
		    (stays[i].next != 0 &&
			stays[i].next < stays[i].days + INFREQUENT_DAYS))
			return err_set(err, ERR_CONFIG, 0,
			    "lifecycle: objects go to %s after %d days or "
			    "later, and stay there for as long",
			    stays[i].name, INFREQUENT_DAYS);
	}
	return ERR_NONE;
}

enum err_code
aws_s3_lifecycle_valid(const struct aws_s3_lifecycle *l, struct err *err)
{
	const int64_t days[] = {l->archive_days, l->cold_days, l->delete_days,
	    l->noncurrent_days, l->abort_days};
	int64_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (days[i] < 0 || days[i] > DAYS_MAX)
			return err_set(err, ERR_CONFIG, 0,
			    "lifecycle: days must be 0 (never) to %d",
			    DAYS_MAX);
	for (size_t i = 0; i < 3; i++) {
		if (days[i] != 0 && days[i] <= last)
			return err_set(err, ERR_CONFIG, 0,
			    "lifecycle: archive, cold and delete must come in "
			    "this order");
		if (days[i] != 0)
			last = days[i];
	}
	if ((l->archive_days != 0 && !is_class(l->archive_class)) ||
	    (l->cold_days != 0 && !is_class(l->cold_class)))
		return err_set(err, ERR_CONFIG, 0,
		    "lifecycle: a storage class is a word such as DEEP_ARCHIVE");
	if (days[0] + days[1] + days[2] + days[3] + days[4] == 0)
		return err_set(
		    err, ERR_CONFIG, 0, "lifecycle: nothing is to happen");
	return infrequent_valid(l, err);
}

/* A rule as it is read; our own. */
struct rule {
	char id[256];
	char prefix[1025];
	bool enabled;
	int64_t archive_days, cold_days, delete_days;
	char archive_class[32], cold_class[32];
	int64_t noncurrent_days, abort_days;
	int transitions;
	bool narrower; /* a filter that we never set: tags, sizes */
	int64_t days;  /* of the transition being read */
	char class[32];
};

struct reading {
	struct rule now, ours;
	bool has_ours;
	struct buf *others; /* NULL: not kept */
	const char *text;   /* of the document */
	int64_t count;      /* of others */
};

static void
copy(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text);
}

static void
on_transition(struct rule *r)
{
	r->transitions++;
	if (r->transitions == 1 || r->days < r->archive_days) {
		if (r->transitions > 1) {
			r->cold_days = r->archive_days;
			copy(r->cold_class, sizeof(r->cold_class),
			    r->archive_class);
		}
		r->archive_days = r->days;
		copy(r->archive_class, sizeof(r->archive_class), r->class);
	} else {
		r->cold_days = r->days;
		copy(r->cold_class, sizeof(r->cold_class), r->class);
	}
}

static void
on_rule_field(struct rule *r, const char *name, const char *text)
{
	static const char *const narrow[] = {"Filter/Tag", "Filter/And",
	    "Filter/ObjectSizeGreaterThan", "Filter/ObjectSizeLessThan"};
	struct err ignored;
	int64_t n = -1;

	(void)text_i64(text, 0, DAYS_MAX, &n, &ignored);
	for (size_t i = 0; i < ARRAY_LEN(narrow); i++)
		if (strcmp(name, narrow[i]) == 0)
			r->narrower = true;
	if (strcmp(name, "ID") == 0)
		copy(r->id, sizeof(r->id), text);
	else if (strcmp(name, "Status") == 0)
		r->enabled = strcmp(text, "Enabled") == 0;
	else if (strcmp(name, "Prefix") == 0 ||
		 strcmp(name, "Filter/Prefix") == 0)
		copy(r->prefix, sizeof(r->prefix), text);
	else if (strcmp(name, "Transition/Days") == 0)
		r->days = n;
	else if (strcmp(name, "Transition/StorageClass") == 0)
		copy(r->class, sizeof(r->class), text);
	else if (strcmp(name, "Transition") == 0)
		on_transition(r);
	else if (strcmp(name, "Expiration/Days") == 0)
		r->delete_days = n;
	else if (strcmp(name, "NoncurrentVersionExpiration/NoncurrentDays") ==
		 0)
		r->noncurrent_days = n;
	else if (strcmp(name,
		     "AbortIncompleteMultipartUpload/DaysAfterInitiation") == 0)
		r->abort_days = n;
}

static void
on_element(void *arg, const struct aws_xml_element *e)
{
	static const char rule[] = "LifecycleConfiguration/Rule";
	struct reading *r = arg;
	const char *name = e->path + sizeof(rule) - 1;

	if (!text_starts(e->path, rule))
		return;
	if (*name == '/') {
		on_rule_field(&r->now, name + 1, e->text);
		return;
	}
	if (strcmp(r->now.id, AWS_S3_LIFECYCLE_ID) == 0) {
		r->ours = r->now;
		r->has_ours = true;
	} else {
		r->count++;
		if (r->others != NULL)
			buf_put(
			    r->others, r->text + e->begin, e->end - e->begin);
	}
	memset(&r->now, 0, sizeof(r->now));
}

/* A server that cannot hold transitions or aborts shows them as missing. */
static void
compare(const struct rule *r, const struct aws_s3_lifecycle *w, char *out,
    size_t size)
{
	const struct {
		const char *what;
		int64_t is, want;
	} rows[] = {
	    {"archive", r->archive_days, w->archive_days},
	    {"cold", r->cold_days, w->cold_days},
	    {"delete", r->delete_days, w->delete_days},
	    {"old versions", r->noncurrent_days, w->noncurrent_days},
	    {"abandoned uploads", r->abort_days, w->abort_days},
	};
	struct buf b = BUF_INIT(4096);

	if (!r->enabled)
		buf_puts(&b, "it is disabled; ");
	if (strcmp(r->prefix, w->prefix) != 0 || r->narrower)
		buf_puts(&b, "it is for other objects; ");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is != rows[i].want)
			buf_printf(&b, "%s: %lld days, wanted %lld; ",
			    rows[i].what, (long long)rows[i].is,
			    (long long)rows[i].want);
	if (w->archive_days != 0 && r->archive_days == w->archive_days &&
	    strcmp(r->archive_class, w->archive_class) != 0)
		buf_printf(&b, "archive: to %s, wanted %s; ", r->archive_class,
		    w->archive_class);
	if (w->cold_days != 0 && r->cold_days == w->cold_days &&
	    strcmp(r->cold_class, w->cold_class) != 0)
		buf_printf(&b, "cold: to %s, wanted %s; ", r->cold_class,
		    w->cold_class);
	if (b.len > 0)
		buf_cut(&b, b.len - 2);
	copy(out, size, buf_text(&b));
	buf_free(&b);
}

/* Only cold: the first transition read is that one. */
static void
settle(struct rule *r, const struct aws_s3_lifecycle *w)
{
	if (r->transitions != 1 || w->archive_days != 0 || w->cold_days == 0)
		return;
	r->cold_days = r->archive_days;
	copy(r->cold_class, sizeof(r->cold_class), r->archive_class);
	r->archive_days = 0;
}

/*
 * Is the answer that there is nothing of this kind (none; "": no error says
 * so), or that it cannot be known?  Then the word, and the operation goes on.
 */
static bool
excused(struct aws_s3_op *op, const char *none, char *word, size_t size)
{
	if (op->code == ERR_NONE || err_class(op->code) == ERR_CLASS_RETRY ||
	    op->status == 0)
		return false;
	if (*none == '\0' || strcmp(op->reason, none) != 0)
		copy(word, size,
		    *op->reason != '\0' ? op->reason : "not answered");
	op->code = ERR_NONE;
	return true;
}

static bool
on_lifecycle(struct aws_s3_op *op)
{
	struct aws_s3_check *c = CONTAINER_OF(op, struct aws_s3_check, op);
	const struct net_http_request *http = aws_s3_answer(op);
	struct reading r = {.count = 0};
	struct err ignored;

	copy(c->differs, sizeof(c->differs), "there is no such rule");
	if (excused(op, "NoSuchLifecycleConfiguration", c->lifecycle_unknown,
		sizeof(c->lifecycle_unknown)) ||
	    op->code != ERR_NONE)
		return false;
	if (aws_xml_read(buf_text(&http->body_in), http->body_in.len,
		on_element, &r, &ignored) != ERR_NONE)
		copy(c->lifecycle_unknown, sizeof(c->lifecycle_unknown),
		    "not as documented");
	c->has_rule = r.has_ours;
	if (!r.has_ours)
		return false;
	settle(&r.ours, c->want);
	compare(&r.ours, c->want, c->differs, sizeof(c->differs));
	return false;
}

/* VersioningConfiguration; moto calls it otherwise, and no SDK asks. */
static void
on_versioning_element(void *arg, const struct aws_xml_element *e)
{
	struct aws_s3_check *c = arg;
	const char *name = strchr(e->path, '/');

	if (name != NULL && strcmp(name, "/Status") == 0)
		copy(c->versioning, sizeof(c->versioning), e->text);
}

static bool
on_versioning(struct aws_s3_op *op)
{
	struct aws_s3_check *c = CONTAINER_OF(op, struct aws_s3_check, op);
	const struct net_http_request *http = aws_s3_answer(op);
	struct aws_s3 *s3 = op->send->s3;
	struct err ignored;

	if (!excused(
		op, "", c->versioning_unknown, sizeof(c->versioning_unknown))) {
		if (op->code != ERR_NONE)
			return false;
		if (aws_xml_read(buf_text(&http->body_in), http->body_in.len,
			on_versioning_element, c, &ignored) != ERR_NONE)
			copy(c->versioning_unknown,
			    sizeof(c->versioning_unknown), "not as documented");
	}
	if (c->want == NULL)
		return false;
	aws_s3_begin(s3, op, "GET", NULL, on_lifecycle);
	aws_s3_query(op, "lifecycle", "");
	aws_s3_go(op);
	return true;
}

static void
on_encryption_element(void *arg, const struct aws_xml_element *e)
{
	static const char rule[] = "ServerSideEncryptionConfiguration/Rule/";
	static const char by[] = "ApplyServerSideEncryptionByDefault/";
	struct aws_s3_check *c = arg;
	const char *name = e->path + sizeof(rule) - 1;

	if (!text_starts(e->path, rule))
		return;
	if (strcmp(name, "BucketKeyEnabled") == 0)
		c->bucket_key = strcmp(e->text, "true") == 0;
	if (!text_starts(name, by))
		return;
	name += sizeof(by) - 1;
	if (strcmp(name, "SSEAlgorithm") == 0)
		copy(c->encryption, sizeof(c->encryption), e->text);
	else if (strcmp(name, "KMSMasterKeyID") == 0)
		copy(c->kms_key, sizeof(c->kms_key), e->text);
}

static bool
on_encryption(struct aws_s3_op *op)
{
	struct aws_s3_check *c = CONTAINER_OF(op, struct aws_s3_check, op);
	const struct net_http_request *http = aws_s3_answer(op);
	struct aws_s3 *s3 = op->send->s3;
	struct err ignored;

	if (!excused(op, "ServerSideEncryptionConfigurationNotFoundError",
		c->encryption_unknown, sizeof(c->encryption_unknown))) {
		if (op->code != ERR_NONE)
			return false;
		if (aws_xml_read(buf_text(&http->body_in), http->body_in.len,
			on_encryption_element, c, &ignored) != ERR_NONE)
			copy(c->encryption_unknown,
			    sizeof(c->encryption_unknown), "not as documented");
	}
	aws_s3_begin(s3, op, "GET", NULL, on_versioning);
	aws_s3_query(op, "versioning", "");
	aws_s3_go(op);
	return true;
}

static bool
on_bucket(struct aws_s3_op *op)
{
	struct aws_s3_check *c = CONTAINER_OF(op, struct aws_s3_check, op);
	struct aws_s3 *s3 = op->send->s3;

	if (op->code == ERR_NOT_FOUND)
		op->code = err_set(&op->err, ERR_CONFIG, op->status,
		    "S3: there is no bucket %s", s3->bucket);
	if (op->code != ERR_NONE)
		return false;
	aws_s3_answer_header(
	    op, "x-amz-bucket-region", c->region, sizeof(c->region));
	aws_s3_begin(s3, op, "GET", NULL, on_encryption);
	aws_s3_query(op, "encryption", "");
	aws_s3_go(op);
	return true;
}

void
aws_s3_check(struct aws_s3 *s3, struct aws_s3_check *c)
{
	c->region[0] = c->encryption[0] = c->kms_key[0] = '\0';
	c->encryption_unknown[0] = c->differs[0] = '\0';
	c->lifecycle_unknown[0] = '\0';
	c->versioning[0] = c->versioning_unknown[0] = '\0';
	c->bucket_key = c->has_rule = false;
	aws_s3_begin(s3, &c->op, "HEAD", NULL, on_bucket);
	aws_s3_go(&c->op);
}

static void
put_days(struct buf *b, const char *before, int64_t days, const char *after)
{
	if (days != 0)
		buf_printf(b, "%s%lld%s", before, (long long)days, after);
}

/* A prefix may hold what XML must not. */
static void
put_prefix(struct buf *b, const char *prefix)
{
	for (; *prefix != '\0'; prefix++)
		if (strchr("&<>", *prefix) != NULL)
			buf_printf(b, "&#%d;", *prefix);
		else
			buf_putc(b, *prefix);
}

static void
put_class(struct buf *b, int64_t days, const char *name)
{
	if (days != 0)
		buf_printf(b,
		    "<Transition><Days>%lld</Days><StorageClass>%s"
		    "</StorageClass></Transition>",
		    (long long)days, name);
}

static void
put_rule(struct buf *b, const struct aws_s3_lifecycle *w)
{
	buf_puts(b, "<Rule><ID>" AWS_S3_LIFECYCLE_ID "</ID><Filter><Prefix>");
	put_prefix(b, w->prefix);
	buf_puts(b, "</Prefix></Filter><Status>Enabled</Status>");
	put_class(b, w->archive_days, w->archive_class);
	put_class(b, w->cold_days, w->cold_class);
	put_days(
	    b, "<Expiration><Days>", w->delete_days, "</Days></Expiration>");
	put_days(b, "<NoncurrentVersionExpiration><NoncurrentDays>",
	    w->noncurrent_days,
	    "</NoncurrentDays></NoncurrentVersionExpiration>");
	put_days(b, "<AbortIncompleteMultipartUpload><DaysAfterInitiation>",
	    w->abort_days,
	    "</DaysAfterInitiation></AbortIncompleteMultipartUpload>");
	buf_puts(b, "</Rule>");
}

static bool
on_set(struct aws_s3_op *op)
{
	(void)op;
	return false;
}

static bool
on_rules(struct aws_s3_op *op)
{
	struct aws_s3_lifecycle_put *p =
	    CONTAINER_OF(op, struct aws_s3_lifecycle_put, op);
	const struct net_http_request *http = aws_s3_answer(op);
	struct buf others = BUF_INIT(AWS_S3_ANSWER_MAX);
	struct reading r = {.others = &others};
	char sum[BASE64_MAX(SHA256_BYTES)];
	uint8_t hash[SHA256_BYTES];
	struct buf *body;

	if (op->code != ERR_NONE &&
	    strcmp(op->reason, "NoSuchLifecycleConfiguration") != 0)
		return false;
	r.text = buf_text(&http->body_in);
	/* Rules that cannot be read are not to be lost. */
	if (op->code == ERR_NONE && aws_xml_read(r.text, http->body_in.len,
					on_element, &r, &op->err) != ERR_NONE) {
		op->code = ERR_MALFORMED;
		(void)err_wrap(&op->err, "S3 lifecycle rules of the bucket");
		buf_free(&others);
		return false;
	}
	p->kept = r.count;
	aws_s3_begin(op->send->s3, op, "PUT", NULL, on_set);
	aws_s3_query(op, "lifecycle", "");
	body = aws_s3_own_body(op, "application/xml");
	buf_puts(body, "<LifecycleConfiguration xmlns=\"http://s3.amazonaws."
		       "com/doc/2006-03-01/\">");
	if (others.len > 0)
		buf_put(body, others.bytes, others.len);
	put_rule(body, p->want);
	buf_puts(body, "</LifecycleConfiguration>");
	sha256_once(body->bytes, body->len, hash);
	aws_s3_header(
	    op, "x-amz-checksum-sha256", base64_put(hash, sizeof(hash), sum));
	aws_s3_go(op);
	buf_free(&others);
	return true;
}

void
aws_s3_lifecycle_put(struct aws_s3 *s3, struct aws_s3_lifecycle_put *p)
{
	p->kept = 0;
	aws_s3_begin(s3, &p->op, "GET", NULL, on_rules);
	aws_s3_query(&p->op, "lifecycle", "");
	aws_s3_go(&p->op);
}
