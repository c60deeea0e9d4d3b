#ifndef DSRUN_CMD_DECIDING_H
#define DSRUN_CMD_DECIDING_H

#include "ctx.h"
#include "deed.h"
#include "journal/journal.h"
#include "run/run_decide.h"

/* What resolve, cancel, retry and replay --redial share. */

struct deciding_jobs {
	int64_t *ids;
	size_t count;
};

void deciding_add(struct deciding_jobs *jobs, int64_t id);

/* The jobs named on the command line; mem_free ids in any case. */
enum err_code deciding_named(struct ctx *ctx, struct journal *j,
    struct deciding_jobs *out, struct err *err);

/*
 * Decide, then show: a line or member for each job, exit status by the worst.
 * When there is only one and it is refused, that is the command's error.
 */
enum err_code deciding_run(struct ctx *ctx, struct journal *j,
    enum run_decide_verb verb, const struct deciding_jobs *jobs,
    const struct deed *deed, int64_t expires_ms, struct err *err);

/* retry: on the jobs named. */
enum err_code deciding_command(
    struct ctx *ctx, enum run_decide_verb verb, struct err *err);

#endif
