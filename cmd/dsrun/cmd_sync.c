#include "runner.h"
#include "words/sync.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct runner_options o = {.command = "sync",
	    .mode = RUN_SYNC,
	    .soft_after_ms = cli_duration_ms(&ctx->args, "max-duration", 0),
	    .exit_empty = cli_flag(&ctx->args, "exit-empty", false)};

	return runner_run(ctx, &o, err);
}

const struct command cmd_sync = {SYNC_WORDS, .run = run};
