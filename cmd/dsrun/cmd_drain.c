#include <signal.h>
#include <string.h>

#include "base/mem.h"

#include "ctx.h"
#include "journal/journal_read.h"
#include "net/net_env.h"
#include "progress.h"
#include "runner.h"
#include "words/drain.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	int64_t duration = cli_duration_ms(&ctx->args, "max-duration", 0);
	const char *cutoff = cli_text(&ctx->args, "cutoff");
	bool hard = cutoff != NULL && strcmp(cutoff, "hard") == 0;
	struct runner_options o = {.command = "drain",
	    .mode = RUN_DRAIN,
	    .max_jobs = cli_number(&ctx->args, "max-jobs", 0),
	    .soft_after_ms = hard ? 0 : duration,
	    .hard_after_ms = hard ? duration : 0,
	    .wait_ms = cli_duration_ms(&ctx->args, "wait", 0),
	    .summary = cli_flag(&ctx->args, "summary", false),
	    .exit_empty = cli_flag(&ctx->args, "exit-empty", false)};

	if (cli_flag(&ctx->args, "dry-run", false))
		return runner_dry(ctx, err);
	return runner_run(ctx, &o, err);
}

const struct command cmd_drain = {DRAIN_WORDS, .run = run};
