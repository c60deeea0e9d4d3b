#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "commands.h"
#include "help.h"
#include "table.h"

#define EXIT_TOPIC "exit-codes"

static enum err_code
show_exit_codes(struct ctx *ctx)
{
	static const struct table_column columns[] = {
	    {.head = "CODE", .right = true},
	    {.head = "MEANING"},
	    {.head = "WHAT TO DO"},
	    {.head = NULL},
	};
	struct ctx_document d;
	size_t n;
	const struct exit_row *rows = exit_rows(&n);

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_write_key(&d.w, "exitCodes");
		json_write_array(&d.w);
		for (size_t i = 0; i < n; i++) {
			json_write_object(&d.w);
			json_field_i64(&d.w, "code", rows[i].status);
			json_field_str(&d.w, "name", rows[i].name);
			json_field_str(&d.w, "meaning", rows[i].text);
			json_write_end(&d.w);
		}
		json_write_end(&d.w);
		ctx_json_end(ctx, &d);
		return ERR_NONE;
	}
	struct table *t = table_new(columns);

	for (size_t i = 0; i < n; i++) {
		table_cellf(t, "%d", (int)rows[i].status);
		table_cell(t, rows[i].text);
		table_cell(t, rows[i].advice);
	}
	table_cell(t, "128+N");
	table_cell(t, "ended hard by signal N");
	table_cell(t, "run it again: it goes on where it was");
	table_print(t, &ctx->term);
	table_free(&t);
	(void)fputs("\nWhere several hold: 12, 78, 11, 1, 4, 3, 5.  3 and 4 "
		    "only for what this run caused;\na call that nobody "
		    "answered is no failure.\n",
	    ctx->term.out);
	return ERR_NONE;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const struct cli_app *app = ctx->args.app;
	const char *topic = cli_word(&ctx->args, 0);
	const char *names[160];
	size_t n = 0;

	if (topic == NULL)
		return help_show(ctx, NULL);
	if (strcmp(topic, EXIT_TOPIC) == 0)
		return show_exit_codes(ctx);
	if (cli_find(app, topic) != NULL)
		return help_show(ctx, cli_find(app, topic));
	names[n++] = EXIT_TOPIC;
	for (size_t i = 0; app->commands[i] != NULL && n < 159; i++)
		names[n++] = app->commands[i]->name;
	names[n] = NULL;
	const char *nearest = text_nearest(topic, names);

	return err_set(err, ERR_USAGE, 0,
	    "no help for \"%.60s\"%s%s; `dsrun help` lists all commands", topic,
	    nearest != NULL ? ", perhaps you mean " : "",
	    nearest != NULL ? nearest : "");
}

static const struct cli_example examples[] = {
    {"dsrun help", "all commands"},
    {"dsrun help doctor", "one command, examples first"},
    {"dsrun help exit-codes", "what each exit code says"},
    {NULL, NULL},
};

static const struct cli_argument arguments[] = {
    {.name = "TOPIC", .help = "a command, or exit-codes", .optional = true},
    {.name = NULL},
};

const struct command cmd_help = {
    .name = "help",
    .group = GROUP_BOX,
    .summary = "explain a command, or list them all",
    .examples = examples,
    .arguments = arguments,
    .run = run,
};
