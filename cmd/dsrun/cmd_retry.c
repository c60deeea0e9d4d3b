#include "deciding.h"
#include "words/retry.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	return deciding_command(ctx, RUN_DECIDE_RETRY, err);
}

const struct command cmd_retry = {RETRY_WORDS, .run = run};
