#include <string.h>

#include "base/text.h"

#include "runner.h"
#include "words/worker.h"

/* It stands in tables and is typed after --worker-id: a name, not a text. */
#define NAME_BYTES_MAX 63

static enum err_code
check_name(const char *name, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.:@";
	size_t len = strlen(name);

	if (len == 0 || len > NAME_BYTES_MAX || strspn(name, allowed) != len)
		return err_set(err, ERR_USAGE, 0,
		    "--worker-id \"%.80s\": expected 1 to %d letters, digits "
		    "or _ - . : @",
		    name, NAME_BYTES_MAX);
	if (strspn(name, "0123456789") == len)
		return err_set(err, ERR_USAGE, 0,
		    "--worker-id %s: a number is what `dsrun status` gives "
		    "each run itself; choose a name, as in worker-%s",
		    name, name);
	return ERR_NONE;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct runner_options o = {.command = "worker",
	    .worker = cli_text(&ctx->args, "worker-id"),
	    .mode = RUN_WORKER};

	if (o.worker != NULL && check_name(o.worker, err) != ERR_NONE)
		return err->code;
	return runner_run(ctx, &o, err);
}

const struct command cmd_worker = {WORKER_WORDS, .run = run};
