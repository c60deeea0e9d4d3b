#ifndef DSRUN_CMD_PAUSING_H
#define DSRUN_CMD_PAUSING_H

#include "ctx.h"

/* pause (on) and resume: of all calls, or of those of --campaign. */
enum err_code pausing_run(struct ctx *ctx, bool on, struct err *err);

#endif
