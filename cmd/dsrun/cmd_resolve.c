#include "base/text.h"

#include "deciding.h"
#include "words/resolve.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *as = cli_text(&ctx->args, "as");

	return deciding_command(ctx,
	    text_eq(as, "placed")   ? RUN_DECIDE_PLACED
	    : text_eq(as, "absent") ? RUN_DECIDE_ABSENT
				    : RUN_DECIDE_DROP,
	    err);
}

const struct command cmd_resolve = {RESOLVE_WORDS, .run = run};
