#ifndef DSRUN_CMD_RESTORING_H
#define DSRUN_CMD_RESTORING_H

#include "ctx.h"

/* What restore and adopt share: from is the backup, NULL = what lies there. */
enum err_code restoring_run(
    struct ctx *ctx, const char *from, const char *question, struct err *err);

#endif
