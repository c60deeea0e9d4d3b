#ifndef DSRUN_CMD_WIRE_SINKS_H
#define DSRUN_CMD_WIRE_SINKS_H

#include "base/buf.h"

#include "aws/aws_s3.h"
#include "ctx.h"
#include "journal/journal.h"
#include "mongo/mongo.h"
#include "run/run.h"

/* The sinks behind a network that the configuration names. */

/* Their bits, and the file's, for journal_set_sinks. */
unsigned wire_sinks_mask(const struct conf *conf);

/* For those who only look: how a service is reached, borrowed from the
 * configuration; of S3 all but env, http and credentials. */
struct aws_s3_options wire_sinks_s3(const struct conf_s3 *s3);
/* ERR_CONFIG: master_key, which is to be wiped, is none. */
enum err_code wire_sinks_mongo(const struct conf_mongo *m,
    uint8_t master_key[MONGO_MASTER_KEY_BYTES], struct mongo_options *out,
    struct err *err);

struct wire_sinks;

/*
 * Nothing is asked of the network yet, and of those that a run does not push to
 * (a drain pushes to none of these) no library is loaded.  ERR_CONFIG: one
 * cannot be what it is said to be.
 */
enum err_code wire_sinks_open(struct ctx *ctx, const struct conf *conf,
    struct journal *journal, enum run_mode mode, struct wire_sinks **out,
    struct err *err);
/* One more, which a drain pushes to as well. */
void wire_sinks_add(struct wire_sinks *w, enum journal_sink number,
    const struct sink_pusher *sink);
/* Pushes under way never call back.  NULL-safe. */
void wire_sinks_close(struct wire_sinks **w);

const struct run_pusher *wire_sinks_pushers(
    const struct wire_sinks *w, size_t *count);

/* run_options.url: where a recording or a transcript is, or will be. */
void wire_sinks_url(
    void *arg, const struct sink_result *r, bool transcript, struct buf *out);

#endif
