#ifndef DSRUN_SINK_MONGO_H
#define DSRUN_SINK_MONGO_H

#include <stdint.h>

#include "base/env.h"

#include "mongo/mongo.h"
#include "mongo/mongo_row.h"
#include "sink/sink.h"
#include "sink/sink_push.h"

/*
 * Results in MongoDB: a call record and the campaign's history and status
 * (mongo/mongo_row.h), idempotent by revision.
 *
 * What is started is gathered; flush sends all of it as one bulk on a thread
 * of the sink's own, and what is gathered meanwhile goes with the next flush,
 * at the latest when the first bulk is back.  After a bulk that the service
 * did not carry out the next is a quarter as large, after others twice as
 * large again, so that a slow server gets what it can do in time.  The library
 * is loaded, and the thread begins, with the first flush.
 *
 * The state of a campaign after a result:
 *   booked       a meeting was agreed
 *   declined     the callee declined, with a reason
 *   in_progress  neither, and it was not the last step
 *   completed    the last step, and it reached a person or a voicemail
 *   failed       the last step, and it did not
 * Its step is completed when the job is DONE.
 */

/* A bulk's own cost is small beside its rows' from here on; each row under way
 * costs its worker 3 KB. */
#define SINK_MONGO_AT_ONCE 500

/*
 * Talks to nobody, and does not look at the options before the first flush: a
 * URI that cannot be used is each push's ERR_CONFIG.  env is borrowed, and a
 * real one (net_env_open); options are copied.  Freed by its ops->free, which
 * waits for the command under way (mongo.h) and calls nobody back.
 */
struct sink_pusher *sink_mongo_new(
    struct env *env, const struct mongo_options *o);

/* What a result is in MongoDB.  Its strings are r's. */
void sink_mongo_row(
    const struct sink_result *r, int64_t now_ms, struct mongo_row *out);

#endif
