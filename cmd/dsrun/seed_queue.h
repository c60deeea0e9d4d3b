#ifndef DSRUN_CMD_SEED_QUEUE_H
#define DSRUN_CMD_SEED_QUEUE_H

#include "ctx.h"
#include "seed_people.h"

/*
 * Adds count people to the configured queue, as a producer does: jobs named
 * after their kind (run->kind, which is not NULL), with the ids that
 * seed_person gives them.  One after the other; *added says how many are
 * there, also after an error.  ERR_CONFIG: no queue is configured, or it is
 * another library's; ERR_UNREACHABLE after some seconds.
 */
enum err_code seed_queue(struct ctx *ctx, const struct conf *conf,
    const struct seed_run *run, int64_t count, int64_t *added, struct err *err);

#endif
