#ifndef DSRUN_AWS_SIGN_H
#define DSRUN_AWS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"

/*
 * Signature Version 4: what a request says in, headers out.  Pure: no clock,
 * no socket, no credentials looked up.
 *
 * Our own and not libcurl's CURLOPT_AWS_SIGV4: that of Debian 12 sorts header
 * names wrong when one begins another (SSE-KMS does), signs headers that it
 * does not send, and does not sort the query.  Tested against the published
 * examples for S3.
 */

struct aws_pair {
	const char *name;
	const char *value;
};

struct aws_keys {
	const char *access_key;
	const char *secret_key;
	const char *session_token; /* "" = none */
};

#define AWS_TIME_MAX 17 /* "20130524T000000Z" */
#define AWS_HASH_MAX (2 * SHA256_BYTES + 1)

struct aws_sign_request {
	const char *method;
	const char *host; /* with ":port" unless it is the scheme's own */
	const char *path; /* as sent: aws_path_put */
	/* Not encoded, in any order; value "" for "?uploads=". */
	const struct aws_pair *query;
	size_t query_count;
	/*
	 * Every other header that is sent and signed, in any order, names in
	 * any case, each once: Content-Type, Range, If-None-Match, x-amz-...
	 */
	const struct aws_pair *headers;
	size_t header_count;
	const uint8_t *payload_sha256; /* of the body; 32 bytes */
	const char *region;
	const char *service; /* "s3" */
	int64_t at_ms;       /* Unix time, as the peer's clock shows it */
};

#define AWS_SIGN_PAIRS_MAX 48

/* What is to be sent besides, in this order. */
struct aws_signed {
	char date[AWS_TIME_MAX];           /* x-amz-date */
	char payload_sha256[AWS_HASH_MAX]; /* x-amz-content-sha256 */
	char signature[AWS_HASH_MAX];
	char *authorization; /* Authorization */
};

/*
 * At most AWS_SIGN_PAIRS_MAX - 4 headers and AWS_SIGN_PAIRS_MAX parameters
 * (CHECK).  A session token is signed, and is the caller's to send, as
 * x-amz-security-token.  Released by aws_signed_fini.
 */
void aws_sign(const struct aws_sign_request *r, const struct aws_keys *keys,
    struct aws_signed *out);
void aws_signed_fini(struct aws_signed *s); /* repeatable */

/* The canonical request, which a refused signature is compared by. */
void aws_sign_canonical(const struct aws_sign_request *r,
    const struct aws_keys *keys, struct buf *out);

/*
 * Append a key as a path: all but A-Z a-z 0-9 - . _ ~ and '/' as %XX.  The
 * caller puts the first '/' in front.
 */
void aws_path_put(struct buf *out, const char *key);

/* Append the query as it is sent and signed, sorted: "a=1&b=%2F". */
void aws_query_put(struct buf *out, const struct aws_pair *query, size_t count);

/* Append one name or value of a query or form: '/' becomes %2F too. */
void aws_encode_put(struct buf *out, const char *text);

#endif
