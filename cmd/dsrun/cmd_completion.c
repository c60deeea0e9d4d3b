#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "commands.h"
#include "completion.h"
#include "ctx.h"

#define SCRIPT_MAX ((size_t)1 << 20)

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static void (*const writers[])(const struct cli_app *, struct buf *) = {
    completion_bash, completion_zsh, completion_fish};

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *shell = cli_word(&ctx->args, 0);
	struct buf script = BUF_INIT(SCRIPT_MAX);
	struct ctx_document d;

	(void)err;
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		if (strcmp(shells[i], shell) == 0)
			writers[i](ctx->args.app, &script);
	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "shell", shell);
		json_field_str(&d.w, "script", buf_text(&script));
		ctx_json_end(ctx, &d);
	} else {
		(void)fwrite(buf_text(&script), 1, script.len, ctx->term.out);
	}
	buf_free(&script);
	return ERR_NONE;
}

static const struct cli_example examples[] = {
    {"source <(dsrun completion bash)", "for this bash"},
    {"dsrun completion bash > /etc/bash_completion.d/dsrun", "for every bash"},
    {"dsrun completion fish > ~/.config/fish/completions/dsrun.fish",
	"for fish"},
    {NULL, NULL},
};

static const struct cli_argument arguments[] = {
    {.name = "SHELL", .help = "bash, zsh or fish", .choices = shells},
    {.name = NULL},
};

const struct command cmd_completion = {
    .name = "completion",
    .group = GROUP_BOX,
    .summary = "print a script that completes words in your shell",
    .examples = examples,
    .arguments = arguments,
    .run = run,
};
