#include "ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "attention.h"
#include "net/net_env.h"
#include "report.h"

#define DOCUMENT_MAX ((size_t)1 << 31)

enum err_code
ctx_init(struct ctx *ctx, const struct cli_args *args, struct err *err)
{
	enum term_color color = TERM_COLOR_AUTO;

	*ctx = (struct ctx){.args = *args, .exit = EXIT_DONE};
	if (cli_given(args, "color"))
		color = cli_flag(args, "color", true) ? TERM_COLOR_ON
						      : TERM_COLOR_OFF;
	term_init(&ctx->term, color);
	ctx->json = cli_flag(args, "json", false);
	ctx->quiet = cli_flag(args, "quiet", false);
	ctx->verbose = cli_flag(args, "verbose", false);
	ctx->yes = cli_flag(args, "yes", false);
	ctx->no_input = cli_flag(args, "no-input", false);
	return net_env_open(&ctx->env, err);
}

void
ctx_fini(struct ctx *ctx)
{
	attention_end(ctx);
	log_free(&ctx->log);
	conf_problems_free(&ctx->problems, ctx->problem_count);
	conf_free(&ctx->conf);
	for (size_t i = 0; i < ctx->flag_count; i++)
		mem_free(&ctx->flag_keys[i]);
	mem_free(&ctx->flag_keys);
	mem_free(&ctx->flags);
	net_env_close(&ctx->env);
	cli_args_fini(&ctx->args);
}

static void
add_flag(struct ctx *ctx, char *key, const char *value)
{
	size_t n = ctx->flag_count + 1;

	ctx->flags = mem_realloc(ctx->flags, n, sizeof(*ctx->flags));
	ctx->flag_keys =
	    mem_realloc(ctx->flag_keys, n, sizeof(*ctx->flag_keys));
	ctx->flag_keys[n - 1] = key;
	ctx->flags[n - 1] = (struct conf_flag){.key = key, .value = value};
	ctx->flag_count = n;
}

/* --set KEY=VALUE, and every option that stands for a setting. */
static enum err_code
collect_flags(struct ctx *ctx, struct err *err)
{
	for (size_t i = 0; i < ctx->args.given_count; i++) {
		const struct cli_given *g = &ctx->args.given[i];

		if (g->option->conf_key != NULL)
			add_flag(ctx, mem_strdup(g->option->conf_key),
			    g->value != NULL ? g->value
			    : g->off         ? "false"
					     : "true");
		if (g->value == NULL || strcmp(g->option->name, "set") != 0)
			continue;
		const char *equals = strchr(g->value, '=');

		if (equals == NULL || equals == g->value)
			return err_set(err, ERR_USAGE, 0,
			    "--set %.60s: expected KEY=VALUE, as in --set "
			    "limits.concurrency=5",
			    g->value);
		add_flag(ctx,
		    mem_strndup(g->value, (size_t)(equals - g->value)),
		    equals + 1);
	}
	return ERR_NONE;
}

enum err_code
ctx_conf_quiet(struct ctx *ctx, const struct conf **out, struct err *err)
{
	enum err_code code = ERR_NONE;
	char cwd[4096];

	*out = ctx->conf;
	if (ctx->conf != NULL)
		return ERR_NONE;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return err_set(err, ERR_CONFIG, 0,
		    "the current directory cannot be named; go to one that "
		    "exists");
	code = collect_flags(ctx, err);
	if (code != ERR_NONE)
		return code;
	struct conf_options options = {.config = cli_text(&ctx->args, "config"),
	    .dir = cli_text(&ctx->args, "dir"),
	    .env_file = cli_text(&ctx->args, "env-file"),
	    .flags = ctx->flags,
	    .flag_count = ctx->flag_count,
	    .environ_ = environ,
	    .cwd = cwd};

	(void)conf_load(ctx->env, &options, &ctx->conf, &ctx->problems,
	    &ctx->problem_count, err);
	*out = ctx->conf;
	return ERR_NONE;
}

enum err_code
ctx_conf(struct ctx *ctx, const struct conf **out, struct err *err)
{
	const struct command *c = ctx->args.command;
	bool first = ctx->conf == NULL;
	enum err_code code = ctx_conf_quiet(ctx, out, err);

	if (code != ERR_NONE || ctx->problem_count == 0)
		return code;
	if (first || !c->is_brake)
		report_problems(ctx);
	if (c->is_brake && ctx->conf->dir_sure) {
		if (first)
			ctx_say(ctx,
			    "dsrun %s needs none of that and goes on; drain, "
			    "worker and sync do not",
			    c->name);
		return ERR_NONE;
	}
	return err_set(err, ERR_CONFIG, 0,
	    "%zu problem%s in the configuration%s%s%s", ctx->problem_count,
	    ctx->problem_count == 1 ? "" : "s", c->is_brake ? ": to " : "",
	    c->is_brake ? c->name : "",
	    c->is_brake ? " all the same, name the directory: --dir DIR" : "");
}

struct log *
ctx_log(struct ctx *ctx)
{
	struct log_options options = {.level = LOG_LEVEL_INFO,
	    .stderr_level = LOG_LEVEL_WARN,
	    .gather = true};
	struct err err;

	if (ctx->log != NULL || ctx->conf == NULL)
		return ctx->log;
	char *dir = mem_printf("%s/logs", ctx->conf->dir);

	options.dir = dir;
	(void)log_level_parse(ctx->conf->log.level, &options.level, &err);
	options.rotate_bytes = ctx->conf->log.rotate_bytes;
	options.keep_days = (int)ctx->conf->log.keep_days;
	if (ctx->quiet)
		options.stderr_level = LOG_LEVEL_ERROR;
	else if (ctx->verbose)
		options.stderr_level = options.level;
	ctx->log = log_new(ctx->env, &options);
	mem_free(&dir);
	return ctx->log;
}

void
ctx_exit(struct ctx *ctx, enum exit_status status)
{
	ctx->exit = exit_worse(ctx->exit, status);
}

static void vprint(FILE *f, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void
vprint(FILE *f, const char *fmt, va_list ap)
{
	char *text = NULL;

	CHECK(vasprintf(&text, fmt, ap) >= 0);
	term_clean(f, text);
	mem_free(&text);
}

void
ctx_say(struct ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet)
		return;
	va_start(ap, fmt);
	vprint(ctx->term.err, fmt, ap);
	va_end(ap);
	(void)fputc('\n', ctx->term.err);
}

void
ctx_print(struct ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(ctx->term.out, fmt, ap);
	va_end(ap);
}

void
ctx_json_begin(struct ctx *ctx, struct ctx_document *d)
{
	(void)ctx;
	d->text = BUF_INIT(DOCUMENT_MAX);
	d->w = JSON_WRITER_INIT(&d->text);
	json_write_object(&d->w);
	json_field_i64(&d->w, "schema", 1);
}

void
ctx_json_end(struct ctx *ctx, struct ctx_document *d)
{
	json_write_end(&d->w);
	buf_putc(&d->text, '\n');
	(void)fwrite(buf_text(&d->text), 1, d->text.len, ctx->term.out);
	ctx->document_written = true;
	buf_free(&d->text);
}

enum err_code
ctx_confirm(struct ctx *ctx, const char *what, struct err *err)
{
	char answer[16] = "";

	if (ctx->yes)
		return ERR_NONE;
	if (ctx->no_input || !ctx->term.in_tty || !ctx->term.err_tty)
		return err_set(err, ERR_USAGE, 0,
		    "%s? Nobody can be asked here: say --yes if that is meant",
		    what);
	term_clean(ctx->term.err, what);
	(void)fputs("? [y/N] ", ctx->term.err);
	(void)fflush(ctx->term.err);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (strcasecmp(answer, "y\n") == 0 ||
		strcasecmp(answer, "yes\n") == 0))
		return ERR_NONE;
	return err_set(err, ERR_CANCELLED, 0, "not done, nothing has changed");
}

void
ctx_fail(struct ctx *ctx, const struct err *err)
{
	struct ctx_document d;

	ctx_exit(ctx, exit_of_err(err->code));
	if (ctx->json && !ctx->document_written) {
		ctx_json_begin(ctx, &d);
		report_error_json(&d.w, err, ctx->exit);
		if (err->code == ERR_CONFIG)
			report_problems_json(&d.w, ctx);
		ctx_json_end(ctx, &d);
	}
	report_error(ctx, err);
}
