#ifndef DSRUN_SINK_S3_PRIV_H
#define DSRUN_SINK_S3_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/aws_credentials.h"
#include "aws/aws_s3.h"
#include "aws/aws_s3_upload.h"
#include "net/net_http.h"
#include "net/net_pool.h"
#include "sink/sink_s3.h"

#define SINK_S3_SLOTS_MAX 8
#define SINK_S3_KEY_MAX 1024
#define SINK_S3_META_MAX 3

struct sink_s3 {
	struct sink_pusher pusher;
	struct env *env;
	struct net_pool *pool;
	struct net_http *http;        /* to S3 */
	struct net_http *http_public; /* to STS; NULL: the same */
	struct aws_credentials *credentials;
	struct aws_s3 *s3;
	struct err refusal; /* of every push; code ERR_NONE: none */
	struct sink_s3_encoder encoder;
	char *ext, *content_type;
	char *work_dir, *prefix, *storage_class, *bucket;
	struct aws_pair tags[10]; /* owned */
	size_t tag_count;
	int64_t multipart_bytes, part_bytes;
	size_t slots;
	/* work_dir/s3.HEX.lock, held: the files s3.HEX.* are of the living */
	char *stem;
	struct env_file *lock;
	int64_t made; /* files so far */
	struct list pushes;
};

/* One part under way. */
struct sink_s3_slot {
	struct sink_s3_push *owner;
	struct aws_s3_part part;
	bool busy;
};

/* One push under way. */
struct sink_s3_push {
	struct sink_s3 *s;
	struct sink_push *push; /* NULL: cancelled, the pool still works */
	struct list node;
	struct env_post post;
	struct env_work work;
	bool working;
	bool encoding; /* else reading the transcript */
	atomic_bool stop;

	/* of the result, copied: the pool's thread may outlive it */
	char *transcript_path, *recording_path; /* NULL = none */
	uint8_t transcript_sha256[SHA256_BYTES];
	uint8_t recording_sha256[SHA256_BYTES];

	/* what the pool made */
	enum err_code code;
	struct err err;
	struct err transcript; /* why it was not sent; code ERR_NONE: it was */
	char *path;            /* of the encoded file, while it has a name */
	char *text;
	size_t text_len;
	struct env_file *file;
	int64_t size, part_size;
	uint8_t (*part_sha256)[SHA256_BYTES];
	size_t part_count; /* 0: in one */
	uint8_t sha256[SHA256_BYTES];

	/* the object being made */
	char *key;
	struct aws_s3_object object;
	struct aws_pair meta[SINK_S3_META_MAX]; /* values are owned */
	char composite[AWS_S3_COMPOSITE_MAX];
	struct aws_s3_put put;

	/* in parts */
	struct aws_s3_head head;
	struct aws_s3_create create;
	struct aws_s3_parts held;
	struct aws_s3_complete complete;
	struct aws_s3_abort abort;
	void (*aborted)(struct sink_s3_push *x);
	char *abort_key, *abort_id;
	char *upload_id;
	struct aws_s3_part_held *part; /* part_count of them */
	bool *sent;
	size_t next; /* index that the next free slot looks at */
	struct sink_s3_slot slot[SINK_S3_SLOTS_MAX];
};

const struct sink_push_ops *sink_s3_ops(void);

/* Ends and forgets it, wherever it stands; not while the pool works on it. */
void sink_s3_push_free(struct sink_s3_push *x);

/* The end: op NULL = it went well. */
void sink_s3_finish(struct sink_s3_push *x, const struct aws_s3_op *op);
void sink_s3_fail(
    struct sink_s3_push *x, enum err_code code, const struct err *err);

/* The recording in parts; its key is free. */
void sink_s3_parts_begin(struct sink_s3_push *x);
/* Ends every request of it; repeatable. */
void sink_s3_parts_fini(struct sink_s3_push *x);

/* Aborts the upload that the row keeps, if any; then next(). */
void sink_s3_kept_drop(
    struct sink_s3_push *x, void (*next)(struct sink_s3_push *x));

/* On the pool's thread. */
void sink_s3_read_text(struct sink_s3_push *x);
void sink_s3_make_file(struct sink_s3_push *x);

/* The directory of encoded files: a stem of one's own, and away with those of
 * the dead. */
enum err_code sink_s3_stem_open(struct sink_s3 *s, struct err *err);
void sink_s3_stem_close(struct sink_s3 *s);

#endif
