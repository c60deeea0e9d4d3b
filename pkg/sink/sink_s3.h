#ifndef DSRUN_SINK_S3_H
#define DSRUN_SINK_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "aws/aws_s3.h"
#include "media/media_encode.h"
#include "sink/sink.h"
#include "sink/sink_push.h"

struct net_pool;

/*
 * Recordings and transcripts to S3, each as one object that is made once and
 * never replaced:
 *
 *   PREFIX CAMPAIGN/CALL/ATTEMPT.wav    the recording, encoded (or .mp3, .opus)
 *   PREFIX CAMPAIGN/CALL/ATTEMPT.json   the transcript as it was recorded
 *
 * Keys are computed from the result alone, so that others can name an object
 * before it is there.  CAMPAIGN is the campaign's name, "-" for none; CALL is
 * the job's id; both made safe for a file (text_file_safe: what is no letter,
 * digit, '.', '_' or '-' as %XX in the key itself; long or beginning with '.':
 * cut, and a hash).  Only a file's ids are taken to be unique for all time: a
 * queue counts anew when it was emptied, so for every other source CALL ends
 * in '.' and 8 hex digits of a hash over the source, the carrier and its name
 * for the call.
 *
 * Deterministic: the same result gives the same keys, bytes and metadata
 * (x-amz-meta-sha256 of the object, -source-sha256 of the journalled file,
 * -job, -attempt).  So a try whose answer was lost finds its own object; other
 * bytes under the key are ERR_EXISTS (FINAL) and stay.
 *
 * A journalled file whose SHA-256 is not the journal's is never uploaded, and
 * stays where it is: ERR_PERSON (FINAL), "quarantined: ...".
 *
 * From multipart_bytes on an object goes in parts.  The upload's id is kept
 * with the row before the first part is sent; after a crash the recording is
 * encoded again, the server is asked which parts it holds, and only those whose
 * SHA-256 is missing or other are sent.  An upload that does not fit any more
 * (other bytes, key or part size) is aborted and begun anew.
 *
 * The transcript goes first: while S3 is away, no time is spent on encoding.
 */

struct sink_s3;

struct sink_s3_encoder {
	const char *ext; /* "wav" */
	const char *content_type;
	/*
	 * On a thread of the pool: make the file to of the journalled
	 * recording from.  ERR_DAMAGED: what was read is not sha256.  stop is
	 * asked now and then: ERR_CANCELLED.  made: the SHA-256 of to; a
	 * wrong one is found by the server.
	 */
	enum err_code (*encode)(void *arg, struct env *env, const char *from,
	    const uint8_t sha256[SHA256_BYTES], const char *to,
	    bool (*stop)(void *arg), void *stop_arg, uint8_t made[SHA256_BYTES],
	    struct err *err);
	void *arg;
};

/* That of media_encode.h; ERR_CONFIG when its library is missing here. */
enum err_code sink_s3_media_encoder(enum media_encode_format format,
    struct sink_s3_encoder *out, struct err *err);

struct sink_s3_options {
	struct env *env;
	struct net_pool *pool; /* closed before the sink is freed */
	/* Exists; room for at_once encoded recordings.  Files "s3.*" in it are
	 * the sink's; those of dead processes are removed at open. */
	const char *work_dir;
	/* Where to; env, http and credentials of it are made here. */
	struct aws_s3_options s3;
	const char *ca_file; /* PEM, for a server of one's own; "" or NULL */
	/* A pair given by the configuration; "" or NULL: the chain of
	 * aws_credentials.h. */
	const char *access_key, *secret_key, *session_token;
	const char *(*lookup)(void *arg, const char *name); /* of that chain */
	void *lookup_arg;
	const char *prefix;        /* of keys: "" or "recordings/" */
	const char *storage_class; /* "" = STANDARD */
	const struct aws_pair *tags;
	size_t tag_count;        /* at most 10 */
	int64_t multipart_bytes; /* 0 = 16 MiB; at least 5 MiB */
	int64_t part_bytes;      /* 0 = 16 MiB; at least 5 MiB */
	int64_t parts_at_once;   /* of one object; 0 = 4, at most 8 */
	int64_t at_once;         /* results; 0 = 8, at most 64 */
	struct sink_s3_encoder encoder;
	/* Why nothing can be pushed (the encoder's library is missing); NULL.
	 */
	const struct err *refused;
};

/*
 * Everything is copied; env, pool and the encoder's arg are borrowed.
 * ERR_CONFIG: what cannot be.  Nothing is asked of the network yet.
 * Credentials, or a CA's file, that are not there are told of each push: until
 * a person has seen to them results say where their objects will be.
 */
enum err_code sink_s3_open(const struct sink_s3_options *options,
    struct sink_s3 **out, struct err *err);
/* NULL-safe; pushes under way never call back.  After net_pool_close. */
void sink_s3_close(struct sink_s3 **s);

/* Borrowed; its ops->free closes the sink. */
const struct sink_pusher *sink_s3_pusher(const struct sink_s3 *s);

/* For doctor and tests: the client, and the prefix of all keys. */
struct aws_s3 *sink_s3_client(const struct sink_s3 *s);
const char *sink_s3_prefix(const struct sink_s3 *s);

/* PREFIX CAMPAIGN/CALL/ATTEMPT.ext, appended. */
void sink_s3_key(const char *prefix, const struct sink_result *r,
    const char *ext, struct buf *out);

/* Where the recording and the transcript are, or will be; appended.  Nothing
 * when the result has none. */
void sink_s3_recording_url(
    const struct sink_s3 *s, const struct sink_result *r, struct buf *out);
void sink_s3_transcript_url(
    const struct sink_s3 *s, const struct sink_result *r, struct buf *out);

#endif
