#ifndef DSRUN_CMD_ATTENTION_H
#define DSRUN_CMD_ATTENTION_H

#include "ctx.h"

/*
 * What a person is told by `on_attention`.
 *
 * The first of a burst at once, in a process of its own; what follows within
 * ATTENTION_MS is gathered and told together, so that a thousand jobs which a
 * restore has parked are two or three mails and not a thousand, all at once.
 * Nobody waits for the command.  What is gathered when dsrun is killed is told
 * to nobody; the journal has it, and `dsrun status`.
 */

#define ATTENTION_MS 10000

/* Nothing where no command is set. */
void attention_tell(struct ctx *ctx, const char *what);

/* Tell what is still gathered, and free it.  Before the env is closed. */
void attention_end(struct ctx *ctx);

#endif
