#ifndef DSRUN_AWS_S3_UPLOAD_H
#define DSRUN_AWS_S3_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/aws_s3.h"

/*
 * A large object in parts: create, the parts in any order and several at once,
 * complete; abort when it is not to be.  Nothing is seen under the key before
 * it is complete, and parts stay (and cost) until complete or abort: the
 * upload's id is to be written down before the first part is sent.
 *
 * Limits of S3: 1 to 10,000 parts of 5 MiB to 5 GiB, the last may be smaller.
 */

#define AWS_S3_UPLOAD_ID_MAX 1024
#define AWS_S3_PARTS_MAX 10000
#define AWS_S3_PART_MIN (5 << 20)

/* object: with its length, hash and headers. */
struct aws_s3_create {
	struct aws_s3_op op;
	const struct aws_s3_object *object;
	char upload_id[AWS_S3_UPLOAD_ID_MAX]; /* out */
};
void aws_s3_create(struct aws_s3 *s3, struct aws_s3_create *c);

/* ERR_NOT_FOUND, reason "NoSuchUpload": completed or aborted since. */
struct aws_s3_part {
	struct aws_s3_op op;
	const char *key;
	const char *upload_id;
	int64_t number; /* from 1 */
	struct aws_s3_body body;
	char etag[AWS_S3_ETAG_MAX]; /* out */
};
void aws_s3_part(struct aws_s3 *s3, struct aws_s3_part *p);

/* A part that the server holds. */
struct aws_s3_part_held {
	int64_t number;
	int64_t size;
	bool has_sha256; /* it told */
	uint8_t sha256[SHA256_BYTES];
	char etag[AWS_S3_ETAG_MAX];
};

/* All parts that the server holds, by number; parts until aws_s3_end. */
struct aws_s3_parts {
	struct aws_s3_op op;
	const char *key;
	const char *upload_id;
	struct aws_s3_part_held *part; /* out; freed by aws_s3_parts_fini */
	size_t count;
};
void aws_s3_parts(struct aws_s3 *s3, struct aws_s3_parts *p);
void aws_s3_parts_fini(struct aws_s3_parts *p); /* ends it; repeatable */

/*
 * Make the object of parts 1 to count.  It must not be there yet: as in
 * aws_s3_put, the same bytes are ERR_NONE and existed, others ERR_EXISTS; in
 * both cases the upload is still there, to be aborted.  A 200 with an error in
 * it, which S3 may say after a while, is that error.
 * ERR_BUSY: another writes this key; S3 then wants the upload begun anew.
 * ERR_NOT_FOUND, and gone: the upload does not exist and neither does the
 * object, as far as we may see.
 */
struct aws_s3_complete {
	struct aws_s3_op op;
	const struct aws_s3_object *object;
	const char *upload_id;
	const struct aws_s3_part_held *part;
	size_t count;
	bool existed, gone; /* out */
};
void aws_s3_complete(struct aws_s3 *s3, struct aws_s3_complete *c);

/* ERR_NONE also when there is no such upload. */
struct aws_s3_abort {
	struct aws_s3_op op;
	const char *key;
	const char *upload_id;
};
void aws_s3_abort(struct aws_s3 *s3, struct aws_s3_abort *a);

/*
 * Abort the uploads of keys with this prefix that were begun before before_ms:
 * what a machine that never came back has left.  Not for an upload that may
 * still go on.  ERR_UNREACHABLE, blame: a list that is not as documented, that
 * repeats itself, or has more than 1,000 pages; what was aborted by then is.
 */
struct aws_s3_reap {
	struct aws_s3_op op;
	const char *prefix;
	int64_t before_ms;
	int64_t found, aborted; /* out */
	struct aws_s3 *s3;      /* its own from here on */
	struct aws_s3_page *page;
	char *after_key, *after_id; /* where this page began; NULL: first */
	int64_t pages;
};
void aws_s3_reap(struct aws_s3 *s3, struct aws_s3_reap *r);
void aws_s3_reap_fini(struct aws_s3_reap *r); /* ends it; repeatable */

/* The checksum of an object in parts: "BASE64-N". */
#define AWS_S3_COMPOSITE_MAX 56
const char *aws_s3_composite(const uint8_t (*sha256)[SHA256_BYTES],
    size_t count, char out[AWS_S3_COMPOSITE_MAX]);

#endif
