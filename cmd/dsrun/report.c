#include "report.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void
head(struct ctx *ctx, enum term_paint paint, const char *text)
{
	FILE *f = ctx->term.err;
	const struct command *c = ctx->args.command;

	(void)fprintf(f, "%sdsrun%s%s: ", term_on(&ctx->term, f, paint),
	    c != NULL ? " " : "", c != NULL ? c->name : "");
	term_clean(f, text);
	(void)fprintf(f, "%s", term_off(&ctx->term, f));
}

static void
hint(struct ctx *ctx, const char *label, const char *text)
{
	FILE *f = ctx->term.err;

	(void)fprintf(f, "  %s%s%s", term_on(&ctx->term, f, TERM_DIM), label,
	    term_off(&ctx->term, f));
	term_clean(f, text);
	(void)fputc('\n', f);
}

/* Also the way to more help: it is what an unknown command is told. */
static void
usage(struct ctx *ctx)
{
	const struct command *c = ctx->args.command;

	if (c == NULL) {
		hint(ctx, "usage: ", "dsrun COMMAND [options]");
		hint(ctx, "all commands: ", "dsrun help");
		return;
	}
	(void)fprintf(ctx->term.err, "  %shelp:%s dsrun help %s\n",
	    term_on(&ctx->term, ctx->term.err, TERM_DIM),
	    term_off(&ctx->term, ctx->term.err), c->name);
}

/* One that shows what is missing, or else the first. */
static const char *
example(const struct command *c, const char *missing)
{
	for (size_t i = 0; *missing != '\0' && c->examples[i].line != NULL; i++)
		if (strstr(c->examples[i].line, missing) != NULL)
			return c->examples[i].line;
	return c->examples[0].line;
}

void
report_usage(
    struct ctx *ctx, const struct cli_problem *problem, const struct err *err)
{
	const struct command *c = ctx->args.command;
	bool is_missing = problem->fault == CLI_FAULT_MISSING ||
			  problem->fault == CLI_FAULT_NO_COMMAND;

	head(ctx, is_missing ? TERM_YELLOW : TERM_RED, err->text);
	(void)fputc('\n', ctx->term.err);
	if (problem->nearest[0] != '\0')
		hint(ctx, "did you mean: ", problem->nearest);
	if (is_missing && c != NULL)
		hint(ctx, "for example: ", example(c, problem->missing));
	usage(ctx);
}

static bool
is_network(enum err_code code)
{
	return code == ERR_TIMEOUT || code == ERR_UNREACHABLE ||
	       code == ERR_THROTTLED;
}

/* Which service it was, by what every error of one begins with; it can be
 * asked.  NULL: none. */
static const char *
doctor_of(const char *text)
{
	static const struct {
		const char *begins;
		const char *doctor;
	} rows[] = {{"mongo: ", "dsrun doctor --mongo"},
	    {"s3: ", "dsrun doctor --s3"}, {"bull: ", "dsrun doctor --queue"},
	    {"queue ", "dsrun doctor --queue"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (text_starts(text, rows[i].begins))
			return rows[i].doctor;
	return NULL;
}

void
report_error(struct ctx *ctx, const struct err *err)
{
	FILE *f = ctx->term.err;

	head(ctx, is_network(err->code) ? TERM_ORANGE : TERM_RED, err->text);
	(void)fprintf(f, " (%s)\n", err_name(err->code));
	if (ctx->next_try[0] != '\0')
		hint(ctx, "next try: ", ctx->next_try);
	else if (is_network(err->code))
		hint(ctx, "next try: ", "at the next run; nothing is lost");
	if (doctor_of(err->text) != NULL)
		hint(ctx, "look: ", doctor_of(err->text));
}

void
report_problems(struct ctx *ctx)
{
	FILE *f = ctx->term.err;

	for (size_t i = 0; i < ctx->problem_count; i++) {
		const struct conf_problem *p = &ctx->problems[i];

		(void)fputs(term_on(&ctx->term, f, TERM_RED), f);
		term_clean(f, p->file != NULL ? p->file : "configuration");
		if (p->line > 0)
			(void)fprintf(f, ":%d", p->line);
		(void)fprintf(f, "%s: ", term_off(&ctx->term, f));
		if (p->key != NULL && p->key[0] != '\0') {
			term_clean(f, p->key);
			(void)fputs(": ", f);
		}
		term_clean(f, p->text);
		(void)fputc('\n', f);
	}
}

void
report_error_json(
    struct json_writer *w, const struct err *err, enum exit_status status)
{
	json_write_key(w, "error");
	json_write_object(w);
	json_field_str(w, "code", err_name(err->code));
	json_field_str(w, "message", err->text);
	json_field_i64(w, "exit", status);
	json_write_end(w);
}

void
report_problems_json(struct json_writer *w, const struct ctx *ctx)
{
	json_write_key(w, "problems");
	json_write_array(w);
	for (size_t i = 0; i < ctx->problem_count; i++) {
		const struct conf_problem *p = &ctx->problems[i];

		json_write_object(w);
		json_field_str(w, "file", p->file);
		if (p->line > 0)
			json_field_i64(w, "line", p->line);
		else
			json_field_null(w, "line");
		json_field_str(w, "key", p->key);
		json_field_str(w, "message", p->text);
		json_write_end(w);
	}
	json_write_end(w);
}
