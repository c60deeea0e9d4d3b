#include "restoring.h"
#include "words/restore.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	return restoring_run(ctx, cli_word(&ctx->args, 0),
	    "Put the backup in the journal's place", err);
}

const struct command cmd_restore = {RESTORE_WORDS, .run = run};
