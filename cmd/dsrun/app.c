#include "app.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctx.h"
#include "help.h"
#include "report.h"
#include "version.h"

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

const struct cli_option app_globals[] = {
    {.name = "dir",
	.type = CLI_DIR,
	.value = "DIR",
	.help = "the runner's directory (else DSRUN_DIR, dir: in the "
		"configuration, or data beside it)"},
    {.name = "config",
	.type = CLI_FILE,
	.value = "FILE",
	.help = "the configuration (else DSRUN_CONFIG, ./dsrun.yaml or "
		"/etc/dsrun/dsrun.yaml)"},
    {.name = "env-file",
	.type = CLI_FILE,
	.value = "FILE",
	.help = "read secrets from FILE (else .env beside the "
		"configuration)"},
    {.name = "set",
	.type = CLI_TEXT,
	.flags = CLI_REPEATED,
	.value = "KEY=VALUE",
	.help = "override a setting of the configuration"},
    {.name = "log-level",
	.type = CLI_TEXT,
	.value = "LEVEL",
	.help = "debug, info, warn or error",
	.choices = levels,
	.conf_key = "log.level"},
    {.name = "json",
	.type = CLI_FLAG,
	.help = "print one JSON document, also for an error"},
    {.name = "color",
	.type = CLI_FLAG,
	.flags = CLI_NEGATABLE,
	.help = "colours, or none with --no-color (else on a terminal, "
		"unless NO_COLOR is set)"},
    {.name = "quiet",
	.letter = 'q',
	.type = CLI_FLAG,
	.help = "say only errors"},
    {.name = "verbose",
	.letter = 'v',
	.type = CLI_FLAG,
	.help = "say more on standard error"},
    {.name = "yes",
	.letter = 'y',
	.type = CLI_FLAG,
	.help = "do not ask, it is meant"},
    {.name = "no-input",
	.type = CLI_FLAG,
	.help = "never ask; refuse what would need an answer"},
    {.name = "help",
	.letter = 'h',
	.type = CLI_FLAG,
	.help = "examples and options of a command"},
    {.name = "version", .type = CLI_FLAG, .help = "print the version"},
    {.name = NULL},
};

/* Wrong use is shown in its own way; as JSON it is an error like others. */
static void
fail_usage(
    struct ctx *ctx, const struct cli_problem *problem, const struct err *err)
{
	struct ctx_document d;

	ctx_exit(ctx, EXIT_USAGE);
	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		report_error_json(&d.w, err, EXIT_USAGE);
		ctx_json_end(ctx, &d);
	}
	report_usage(ctx, problem, err);
}

/* The parser stopped at a fault; what stands behind says how to show it. */
static void
look_ahead(struct ctx *ctx, int argc, char **argv)
{
	if (cli_wants(argc, argv, "--json"))
		ctx->json = true;
	if (cli_wants(argc, argv, "--no-color"))
		term_init(&ctx->term, TERM_COLOR_OFF);
	else if (cli_wants(argc, argv, "--color"))
		term_init(&ctx->term, TERM_COLOR_ON);
}

static enum err_code
run_command(struct ctx *ctx, struct err *err)
{
	if (cli_flag(&ctx->args, "help", false))
		return help_show(ctx, ctx->args.command);
	if (cli_flag(&ctx->args, "version", false))
		return version_show(ctx);
	return ctx->args.command->run(ctx, err);
}

/*
 * What was printed must have arrived: a full disk behind "dsrun jobs > file"
 * would else pass for success.
 */
static void
flush(struct ctx *ctx)
{
	if (fflush(ctx->term.out) == 0 && ferror(ctx->term.out) == 0)
		return;
	(void)fprintf(ctx->term.err,
	    "dsrun: cannot write to standard output: %s (ERR_IO)\n",
	    strerror(errno));
	ctx_exit(ctx, EXIT_ERROR);
}

int
app_run(const struct command *const *commands, int argc, char **argv)
{
	const struct cli_app app = {
	    .commands = commands, .globals = app_globals};
	struct err err = {.code = ERR_NONE};
	struct err opened = {.code = ERR_NONE};
	struct cli_problem problem;
	struct cli_args args;
	struct ctx ctx;

	enum err_code code = cli_parse(&app, argc, argv, &args, &problem, &err);

	(void)ctx_init(&ctx, &args, &opened);
	if (code != ERR_NONE)
		look_ahead(&ctx, argc, argv);
	if (code != ERR_NONE)
		fail_usage(&ctx, &problem, &err);
	else if (opened.code != ERR_NONE)
		ctx_fail(&ctx, &opened);
	else if (run_command(&ctx, &err) != ERR_NONE)
		ctx_fail(&ctx, &err);
	flush(&ctx);
	enum exit_status status = ctx.exit;

	ctx_fini(&ctx);
	return (int)status;
}
