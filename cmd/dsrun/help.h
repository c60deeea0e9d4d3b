#ifndef DSRUN_CMD_HELP_H
#define DSRUN_CMD_HELP_H

#include "ctx.h"

/* Help on standard output: of one command, or of all when it is NULL. */
enum err_code help_show(struct ctx *ctx, const struct command *command);

#endif
