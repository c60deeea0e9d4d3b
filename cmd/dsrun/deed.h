#ifndef DSRUN_CMD_DEED_H
#define DSRUN_CMD_DEED_H

#include "ctx.h"
#include "journal/journal.h"

/*
 * What a person does to a journal, and who says so.
 *
 * --by and --reason go into the journal, in rows that can be erased.  Both
 * are limited, and belong to the command line.
 */

#define DEED_TEXT_MAX 500

struct deed {
	char by[DEED_TEXT_MAX + 1];
	char reason[DEED_TEXT_MAX + 1]; /* "" when none was given */
};

/* The command has both options.  --by, else $USER, $LOGNAME, or the user's
 * number.  ERR_USAGE: too long. */
enum err_code deed_read(struct ctx *ctx, struct deed *out, struct err *err);

/* Open the journal, run tx at once, close it again. */
enum err_code deed_do(struct ctx *ctx, struct journal_tx *tx, struct err *err);

#endif
