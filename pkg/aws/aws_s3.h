#ifndef DSRUN_AWS_S3_H
#define DSRUN_AWS_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "aws/aws_credentials.h"
#include "aws/aws_sign.h"
#include "net/net_http.h"

/*
 * S3, one try at a time: objects here, large ones in aws_s3_upload.h, the
 * bucket's own settings in aws_s3_bucket.h.
 *
 * There is no retry loop: the answer says whether another try makes sense,
 * when, and whether the service is to blame; the caller's queue does the rest.
 * Three things are mended within one try, each at most once, since the same
 * request can only succeed after them: a clock that the server's Date shows to
 * be wrong (by more than 4 minutes; the difference is kept for later
 * requests), keys that have ended, and a bucket in another region.
 *
 * Codes: ERR_TIMEOUT, ERR_UNREACHABLE (500, 502, 504, no connection), ERR_BUSY
 * (409: another writes the same key now), ERR_THROTTLED (503, 429): again.
 * ERR_CONFIG: nothing will succeed until a person changes the set-up (keys,
 * permissions, bucket, KMS key, certificate).  ERR_REJECTED, ERR_NOT_FOUND,
 * ERR_EXISTS: this object never.
 *
 * Loop's thread only.
 */

struct aws_s3;

enum aws_s3_style {
	/* Virtual host for Amazon's own endpoints (unless the bucket's name
	 * has a dot: no certificate fits then), path for others. */
	AWS_S3_STYLE_AUTO,
	AWS_S3_STYLE_VIRTUAL,
	AWS_S3_STYLE_PATH
};

enum aws_s3_sse {
	AWS_S3_SSE_NONE, /* as the bucket's default says */
	AWS_S3_SSE_S3,
	AWS_S3_SSE_KMS
};

struct aws_s3_options {
	struct env *env;
	struct net_http *http;
	struct aws_credentials *credentials;
	/* "https://host[:port]"; "" or NULL: Amazon's for the region. */
	const char *endpoint;
	const char *region; /* "" or NULL: us-east-1 */
	const char *bucket;
	enum aws_s3_style style;
	enum aws_s3_sse sse;
	const char *kms_key_id;       /* "" = the account's default key; an ARN
				       * for another account's */
	const char *kms_context_json; /* encryption context, or "" */
	bool bucket_key;              /* fewer calls of KMS */
	int64_t stall_ms;             /* no byte moved: 0 = 30 s */
};

/* Copies; env, http and credentials are borrowed.  ERR_CONFIG: an endpoint,
 * region or bucket that cannot be. */
enum err_code aws_s3_open(
    const struct aws_s3_options *options, struct aws_s3 **out, struct err *err);
/* After every operation was finished or ended.  NULL-safe. */
void aws_s3_close(struct aws_s3 **s3);

const char *aws_s3_region(const struct aws_s3 *s3); /* as learnt by now */

/* "https://bucket.s3.eu-west-1.amazonaws.com/a%20b": appended; where an object
 * is read, before it is there. */
void aws_s3_url(const struct aws_s3 *s3, const char *key, struct buf *out);

#define AWS_S3_REASON_MAX 64
#define AWS_S3_ETAG_MAX 160

struct aws_s3_send; /* private */

/*
 * What all operations have in common, their first member.  Start functions
 * never call done() before they return; done() is called once, unless the
 * operation was ended.
 */
struct aws_s3_op {
	void (*done)(struct aws_s3_op *op);
	/* out */
	enum err_code code;
	struct err err;
	int64_t retry_after_ms; /* -1: not said */
	bool blame;             /* the service failed, not the request */
	int status;             /* of the last answer; 0 = none came */
	char reason[AWS_S3_REASON_MAX]; /* its code: "SlowDown"; "" = none */
	/* its own */
	struct aws_s3_send *send;
};

/* Cancel if need be, and release what the operation holds, also its results
 * behind pointers.  Repeatable; zeroed is fine. */
void aws_s3_end(struct aws_s3_op *op);

/* An object as it is to be. */
struct aws_s3_object {
	const char *key; /* any UTF-8, at most 1,024 bytes */
	const char *content_type;
	const char *storage_class; /* "" = STANDARD */
	const struct aws_pair *tags;
	size_t tag_count; /* at most 10 */
	/* x-amz-meta-NAME; US-ASCII, together at most 2 KB. */
	const struct aws_pair *meta;
	size_t meta_count; /* at most 8 */
	int64_t len;
	uint8_t sha256[SHA256_BYTES]; /* of all of it; also in x-amz-meta-
				       * sha256, for whoever copies it on */
	/* Of an object in parts: aws_s3_composite; else "". */
	const char *composite;
};

/* The bytes: in memory, or of a file from offset on.  They must be those that
 * sha256 was made of: the server compares. */
struct aws_s3_body {
	const void *bytes;
	struct env_file *file;
	int64_t offset;
	size_t len;
	uint8_t sha256[SHA256_BYTES];
};

/*
 * Put an object that must not be replaced: If-None-Match: *.  When the key is
 * there already, its checksum decides: ERR_NONE and existed (an earlier try
 * whose answer was lost), or ERR_EXISTS for other bytes.  ERR_CONFIG when the
 * server did not encrypt as it was told (the object is there then).
 * reason "BadDigest" or "XAmzContentSHA256Mismatch" with ERR_REJECTED: the
 * bytes changed on the way, or in the file: read it again.
 */
struct aws_s3_put {
	struct aws_s3_op op;
	const struct aws_s3_object *object;
	struct aws_s3_body body;
	bool existed; /* out */
};

/* *p, with done, object and body filled in, lives until done() or end; so does
 * what it points at. */
void aws_s3_put(struct aws_s3 *s3, struct aws_s3_put *p);

/* What a HEAD says; "" and -1 for what it does not. */
struct aws_s3_seen {
	int64_t len;
	char etag[AWS_S3_ETAG_MAX];
	char checksum[64]; /* SHA-256 in base 64; with "-N": of N parts */
	char meta_sha256[AWS_HASH_MAX];
	char content_type[128];
	char storage_class[32];
	char sse[16];
	char kms_key[256];
};

/* ERR_NOT_FOUND: no such object. */
struct aws_s3_head {
	struct aws_s3_op op;
	const char *key;
	struct aws_s3_seen seen; /* out */
};
void aws_s3_head(struct aws_s3 *s3, struct aws_s3_head *h);

/*
 * Is what was seen these bytes?  By its checksum; when that is of parts cut
 * otherwise, or there is none, by length and x-amz-meta-sha256.  And is it
 * encrypted as this client is told?  Else ERR_EXISTS with the reason.
 */
enum err_code aws_s3_judge(const struct aws_s3 *s3,
    const struct aws_s3_seen *seen, const struct aws_s3_object *object,
    struct err *err);

/* A small object as a whole. */
struct aws_s3_get {
	struct aws_s3_op op;
	const char *key;
	size_t max;             /* bytes; more: ERR_REJECTED */
	const struct buf *body; /* out, until end */
};
void aws_s3_get(struct aws_s3 *s3, struct aws_s3_get *g);

#endif
