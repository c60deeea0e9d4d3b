#include "pausing.h"
#include "words/pause.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	return pausing_run(ctx, true, err);
}

const struct command cmd_pause = {PAUSE_WORDS, .is_brake = true, .run = run};
