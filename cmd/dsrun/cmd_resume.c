#include "pausing.h"
#include "words/resume.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	return pausing_run(ctx, false, err);
}

const struct command cmd_resume = {RESUME_WORDS, .run = run};
