#ifndef DSRUN_CMD_VERSION_H
#define DSRUN_CMD_VERSION_H

#include "ctx.h"

/* Print the version, for people or with --json. */
enum err_code version_show(struct ctx *ctx);

#endif
