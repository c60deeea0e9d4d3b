#ifndef DSRUN_AWS_S3_PRIV_H
#define DSRUN_AWS_S3_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"

#include "aws/aws_credentials.h"
#include "aws/aws_s3.h"
#include "aws/aws_sign.h"
#include "net/net_http.h"

struct aws_s3 {
	struct env *env;
	struct net_http *http;
	struct aws_credentials *credentials;
	bool amazon; /* no endpoint given: host follows the region */
	bool tls;
	bool virtual_host;
	char *authority; /* of the endpoint: "host[:port]"; NULL = amazon */
	char *region;
	char *bucket;
	enum aws_s3_sse sse;
	char *kms_key_id;
	char *kms_context; /* in base 64; "" = none */
	bool bucket_key;
	int64_t stall_ms;
	int64_t skew_ms; /* the server's clock minus ours */
};

/* Where requests go: "bucket.host:port". */
void aws_s3_authority(const struct aws_s3 *s3, struct buf *out);
/* key NULL = the bucket itself. */
void aws_s3_path(const struct aws_s3 *s3, const char *key, struct buf *out);

#define AWS_S3_HEADERS_MAX 32
#define AWS_S3_QUERY_MAX 6
/* Of any answer that is no object: a page of 1,000 parts or uploads. */
#define AWS_S3_ANSWER_MAX (2 << 20)

/* One request and its answer; an operation is one or several of them. */
struct aws_s3_send {
	struct aws_s3 *s3;
	struct aws_s3_op *op;
	/*
	 * The answer came, op's code, status and reason are set.  true: another
	 * request was begun; false: the operation is over.
	 */
	bool (*answered)(struct aws_s3_op *op);
	const char *method;
	char *key;                               /* NULL = the bucket */
	struct aws_pair query[AWS_S3_QUERY_MAX]; /* values are owned */
	size_t query_count;
	struct aws_pair headers[AWS_S3_HEADERS_MAX]; /* values are owned */
	size_t header_count;
	struct aws_s3_body body;
	struct buf own_body;
	size_t response_max;

	struct aws_credentials_ask ask;
	int64_t generation; /* of the keys it was signed with */
	int64_t signed_ms;  /* our clock's */
	bool mended_clock, mended_keys, mended_place;
	char *other; /* authority that a redirect named */
	char region_said[64];
	char message[200];
	struct buf authority, path, url;
	struct buf lines;
	const char *line[AWS_S3_HEADERS_MAX + 6];
	size_t read_at;
	bool flying;
	struct net_http_request r;
};

/* A fresh request of op; what an earlier one of it left is released. */
void aws_s3_begin(struct aws_s3 *s3, struct aws_s3_op *op, const char *method,
    const char *key, bool (*answered)(struct aws_s3_op *op));
void aws_s3_query(struct aws_s3_op *op, const char *name, const char *value);
void aws_s3_query_i64(struct aws_s3_op *op, const char *name, int64_t value);
void aws_s3_header(struct aws_s3_op *op, const char *name, const char *value);
/* The request's body is what stands in this, hashed when it is sent. */
struct buf *aws_s3_own_body(struct aws_s3_op *op, const char *content_type);
void aws_s3_go(struct aws_s3_op *op);

const struct net_http_request *aws_s3_answer(const struct aws_s3_op *op);
/* A header's value, cut to size - 1; "" when there is none. */
void aws_s3_answer_header(
    const struct aws_s3_op *op, const char *name, char *out, size_t size);

/* Encryption, as the client is told. */
void aws_s3_header_sse(struct aws_s3_op *op);
/* Told to encrypt, and the answer says nothing of it. */
bool aws_s3_silent_sse(const struct aws_s3_op *op);
/* Did the answer say so?  Sets ERR_CONFIG when it did not. */
void aws_s3_check_sse(struct aws_s3_op *op, bool may_be_silent);
/* Type, class, tags, metadata, encryption. */
void aws_s3_header_object(
    struct aws_s3_op *op, const struct aws_s3_object *object);
/* Ask what is there, with its checksum. */
void aws_s3_begin_head(struct aws_s3 *s3, struct aws_s3_op *op, const char *key,
    bool (*answered)(struct aws_s3_op *op));
/* After that answer: ERR_NONE and *existed, or ERR_EXISTS for other bytes. */
void aws_s3_compare(
    struct aws_s3_op *op, const struct aws_s3_object *object, bool *existed);
void aws_s3_seen_take(const struct aws_s3_op *op, struct aws_s3_seen *seen);

/*
 * What an error of S3 means: of the status, and of the reason where it says
 * more.
 */
struct aws_s3_fate {
	enum err_code code;
	bool blame;
	bool clock; /* may come from a wrong clock */
	bool keys;  /* the keys have ended */
};
struct aws_s3_fate aws_s3_fate(int status, const char *reason);

/* Read <Error> into op and its send; false: there is none in the body. */
bool aws_s3_read_error(struct aws_s3_op *op);
/* Set op's code and text by its status and reason. */
void aws_s3_fail(struct aws_s3_op *op);

#endif
