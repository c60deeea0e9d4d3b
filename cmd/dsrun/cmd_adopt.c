#include "restoring.h"
#include "words/adopt.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	return restoring_run(ctx, NULL, NULL, err);
}

const struct command cmd_adopt = {ADOPT_WORDS, .run = run};
