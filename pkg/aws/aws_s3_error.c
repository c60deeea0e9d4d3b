#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_xml.h"

#include "aws/aws_priv.h"
#include "aws/aws_s3_priv.h"

#define AGAIN(code_)                      \
	{                                 \
		code_, true, false, false \
	}
#define NOT_NOW(code_)                     \
	{                                  \
		code_, false, false, false \
	}
#define CLOCK                                  \
	{                                      \
		ERR_CONFIG, false, true, false \
	}
#define KEYS                                   \
	{                                      \
		ERR_CONFIG, false, false, true \
	}
#define SET_UP                                  \
	{                                       \
		ERR_CONFIG, false, false, false \
	}
#define NEVER                                     \
	{                                         \
		ERR_REJECTED, false, false, false \
	}
#define ABSENT                                     \
	{                                          \
		ERR_NOT_FOUND, false, false, false \
	}

/*
 * By name where it says more than the status: what Amazon's clients retry
 * (smithy's constants), what a person must set right, and what concerns this
 * one object.
 */
static const struct {
	const char *reason;
	struct aws_s3_fate fate;
} named[] = {
    {"InternalError", AGAIN(ERR_UNREACHABLE)},
    {"ServiceUnavailable", AGAIN(ERR_THROTTLED)},
    {"RequestTimeout", AGAIN(ERR_TIMEOUT)},
    {"RequestTimeoutException", AGAIN(ERR_TIMEOUT)},
    {"IncompleteBody", AGAIN(ERR_UNREACHABLE)},
    {"SlowDown", AGAIN(ERR_THROTTLED)},
    {"Throttling", AGAIN(ERR_THROTTLED)},
    {"ThrottlingException", AGAIN(ERR_THROTTLED)},
    {"ThrottledException", AGAIN(ERR_THROTTLED)},
    {"RequestThrottled", AGAIN(ERR_THROTTLED)},
    {"RequestThrottledException", AGAIN(ERR_THROTTLED)},
    {"RequestLimitExceeded", AGAIN(ERR_THROTTLED)},
    {"BandwidthLimitExceeded", AGAIN(ERR_THROTTLED)},
    {"LimitExceededException", AGAIN(ERR_THROTTLED)},
    {"PriorRequestNotComplete", AGAIN(ERR_THROTTLED)},
    {"ProvisionedThroughputExceededException", AGAIN(ERR_THROTTLED)},
    {"TooManyRequestsException", AGAIN(ERR_THROTTLED)},
    {"TransactionInProgressException", AGAIN(ERR_THROTTLED)},
    {"EC2ThrottledException", AGAIN(ERR_THROTTLED)},
    {"KMS.ThrottlingException", AGAIN(ERR_THROTTLED)},
    {"ConditionalRequestConflict", NOT_NOW(ERR_BUSY)},
    {"OperationAborted", NOT_NOW(ERR_BUSY)},
    {"RequestTimeTooSkewed", CLOCK},
    {"RequestExpired", CLOCK},
    {"RequestInTheFuture", CLOCK},
    {"AuthFailure", CLOCK},
    {"InvalidSignatureException", CLOCK},
    {"SignatureDoesNotMatch", CLOCK},
    {"ExpiredToken", KEYS},
    {"ExpiredTokenException", KEYS},
    {"TokenRefreshRequired", KEYS},
    {"AccessDenied", SET_UP},
    {"AccountProblem", SET_UP},
    {"AllAccessDisabled", SET_UP},
    {"AuthorizationHeaderMalformed", SET_UP},
    {"InvalidAccessKeyId", SET_UP},
    {"InvalidBucketName", SET_UP},
    {"IllegalLocationConstraintException", SET_UP},
    {"InvalidEncryptionAlgorithmError", SET_UP},
    {"InvalidObjectState", NEVER},
    {"InvalidStorageClass", SET_UP},
    {"InvalidToken", SET_UP},
    {"NoSuchBucket", SET_UP},
    {"NotSignedUp", SET_UP},
    {"PermanentRedirect", SET_UP},
    {"QuotaExceeded", SET_UP},
    {"UnauthorizedAccess", SET_UP},
    {"XMinioAdminBucketQuotaExceeded", SET_UP},
    {"EntityTooSmall", NEVER},
    {"InvalidPart", NEVER},
    {"InvalidPartOrder", NEVER},
    {"NoSuchKey", ABSENT},
    {"NoSuchUpload", ABSENT},
};

static struct aws_s3_fate
by_status(int status)
{
	if (status == 429 || status == 503)
		return (struct aws_s3_fate)AGAIN(ERR_THROTTLED);
	if (status == 408)
		return (struct aws_s3_fate)AGAIN(ERR_TIMEOUT);
	/* 501 is said by servers that lack the operation. */
	if (status == 501)
		return (struct aws_s3_fate)SET_UP;
	if (status >= 500)
		return (struct aws_s3_fate)AGAIN(ERR_UNREACHABLE);
	/* A HEAD is refused without a word. */
	if (status == 401 || status == 403)
		return (struct aws_s3_fate)CLOCK;
	if (status == 404)
		return (struct aws_s3_fate)ABSENT;
	if (status == 409)
		return (struct aws_s3_fate)NOT_NOW(ERR_BUSY);
	/* Followed already where it may be. */
	if (status >= 300 && status < 400)
		return (struct aws_s3_fate)SET_UP;
	if (status == 412)
		return (struct aws_s3_fate)NOT_NOW(ERR_EXISTS);
	return (struct aws_s3_fate)NEVER;
}

struct aws_s3_fate
aws_s3_fate(int status, const char *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (strcmp(named[i].reason, reason) == 0)
			return named[i].fate;
	/* Of the key, whatever it is: as Amazon and as MinIO call it. */
	if (text_starts(reason, "KMS.") || text_starts(reason, "kms:"))
		return (struct aws_s3_fate)SET_UP;
	/* A 200 with an error that is not known: at least it is no success. */
	if (status < 300)
		return (struct aws_s3_fate)AGAIN(ERR_UNREACHABLE);
	return by_status(status);
}

/* For people, on one line; what does not fit is cut. */
static void
copy_text(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
		out[n++] = (unsigned char)*text < 0x20 ? ' ' : *text;
	/* No half of a UTF-8 sequence at the end. */
	while (n > 0 && !text_is_utf8(out, n))
		n--;
	out[n] = '\0';
}

struct reading {
	struct aws_s3_op *op;
	bool found;
};

static void
on_element(void *arg, const struct aws_xml_element *e)
{
	struct reading *r = arg;
	struct aws_s3_send *s = r->op->send;

	if (strcmp(e->path, "Error/Code") == 0) {
		r->found = true;
		copy_text(r->op->reason, sizeof(r->op->reason), e->text);
	} else if (strcmp(e->path, "Error/Message") == 0) {
		copy_text(s->message, sizeof(s->message), e->text);
	} else if (strcmp(e->path, "Error/Region") == 0) {
		copy_text(s->region_said, sizeof(s->region_said), e->text);
	}
}

bool
aws_s3_read_error(struct aws_s3_op *op)
{
	struct reading r = {op, false};
	const struct buf *body = &op->send->r.body_in;
	struct err ignored;

	op->reason[0] = '\0';
	op->send->message[0] = '\0';
	op->send->region_said[0] = '\0';
	/* A proxy's page of HTML is none, and the status then decides. */
	if (body->len > 0)
		(void)aws_xml_read(
		    body->bytes, body->len, on_element, &r, &ignored);
	return r.found;
}

void
aws_s3_fail(struct aws_s3_op *op)
{
	struct aws_s3_send *s = op->send;
	struct aws_s3_fate fate = aws_s3_fate(op->status, op->reason);
	char id[64];

	aws_s3_answer_header(op, "x-amz-request-id", id, sizeof(id));
	op->blame = fate.blame;
	op->retry_after_ms =
	    net_http_retry_after_ms(&s->r, aws_now_ms(s->s3->env));
	op->code = err_set(&op->err, fate.code, op->status,
	    "S3 %s %s/%.120s: %d%s%s%s%s%s%s", s->method, s->s3->bucket,
	    s->key != NULL ? s->key : "", op->status,
	    *op->reason != '\0' ? " " : "", op->reason,
	    *s->message != '\0' ? ": " : "", s->message,
	    *id != '\0' ? ", request " : "", id);
}
