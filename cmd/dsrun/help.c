#include "help.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "app.h"

#define LABEL_COLUMNS 26

static void
heading(struct ctx *ctx, const char *text)
{
	FILE *f = ctx->term.out;

	(void)fprintf(f, "\n%s%s%s\n", term_on(&ctx->term, f, TERM_BOLD), text,
	    term_off(&ctx->term, f));
}

/* text, broken at blanks; the cursor already stands at indent. */
static void
wrap(struct ctx *ctx, const char *text, int indent)
{
	int right = ctx->term.columns < 100 ? ctx->term.columns : 100;
	int at = indent;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (at > indent && at + 1 + (int)n > right) {
			(void)fprintf(ctx->term.out, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			(void)fputc(' ', ctx->term.out);
			at++;
		}
		(void)fwrite(text, 1, n, ctx->term.out);
		at += (int)n;
		text += n;
		text += strspn(text, " ");
	}
	(void)fputc('\n', ctx->term.out);
}

/*
 * A label and its text.  A long label stands on a line of its own, and so do
 * all where the text would be left with less than half of the terminal.
 */
static void
row(struct ctx *ctx, const char *label, int columns, const char *text)
{
	int n = (int)strlen(label);

	(void)fprintf(ctx->term.out, "  %s", label);
	if (columns + 2 > ctx->term.columns / 2) {
		(void)fprintf(ctx->term.out, "\n%6s", "");
		wrap(ctx, text, 6);
		return;
	}
	if (n > columns - 2)
		(void)fprintf(ctx->term.out, "\n%*s", columns + 2, "");
	else
		(void)fprintf(ctx->term.out, "%*s", columns - n, "");
	wrap(ctx, text, columns + 2);
}

static void
show_examples(struct ctx *ctx, const struct cli_example *e)
{
	int widest = 0;

	for (const struct cli_example *i = e; i->line != NULL; i++)
		if ((int)strlen(i->line) > widest && strlen(i->line) < 60)
			widest = (int)strlen(i->line);
	heading(ctx, "Examples:");
	for (; e->line != NULL; e++)
		row(ctx, e->line, widest + 2, e->what);
}

static void
show_options(struct ctx *ctx, const struct cli_option *o, const char *title)
{
	char label[120];

	heading(ctx, title);
	for (; o->name != NULL; o++) {
		(void)snprintf(label, sizeof(label), "%c%c%s--%s%s%s%s",
		    o->letter != 0 ? '-' : ' ',
		    o->letter != 0 ? o->letter : ' ',
		    o->letter != 0 ? ", " : "  ",
		    (o->flags & CLI_NEGATABLE) != 0 ? "[no-]" : "", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		row(ctx, label, LABEL_COLUMNS, o->help);
	}
}

static void
show_usage(struct ctx *ctx, const struct command *c)
{
	FILE *f = ctx->term.out;

	heading(ctx, "Usage:");
	(void)fprintf(f, "  dsrun %s", c->name);
	for (const struct cli_argument *a = c->arguments;
	     a != NULL && a->name != NULL; a++) {
		(void)fputs(a->optional ? " [" : " ", f);
		if (a->choices == NULL)
			(void)fputs(a->name, f);
		for (size_t i = 0; a->choices != NULL && a->choices[i] != NULL;
		     i++)
			(void)fprintf(
			    f, "%s%s", i > 0 ? "|" : "", a->choices[i]);
		(void)fprintf(f, "%s%s", a->repeated ? "..." : "",
		    a->optional ? "]" : "");
	}
	for (const struct cli_option *o = c->options;
	     o != NULL && o->name != NULL; o++)
		if ((o->flags & CLI_REQUIRED) != 0)
			(void)fprintf(f, " --%s %s", o->name, o->value);
	(void)fputs(" [options]\n", f);
}

static void
global_names(char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (const struct cli_option *o = app_globals;
	     o->name != NULL && n < size; o++)
		n += (size_t)snprintf(out + n, size - n, "%s--%s%s",
		    n > 0 ? " " : "",
		    (o->flags & CLI_NEGATABLE) != 0 ? "[no-]" : "", o->name);
}

static void
show_command(struct ctx *ctx, const struct command *c)
{
	char names[400];

	(void)fprintf(ctx->term.out, "dsrun %s: ", c->name);
	wrap(ctx, c->summary, 8 + (int)strlen(c->name));
	show_examples(ctx, c->examples);
	show_usage(ctx, c);
	for (const struct cli_argument *a = c->arguments;
	     a != NULL && a->name != NULL; a++)
		row(ctx, a->name, LABEL_COLUMNS, a->help);
	if (c->aliases != NULL) {
		(void)fputs("  also called:", ctx->term.out);
		for (size_t i = 0; c->aliases[i] != NULL; i++)
			(void)fprintf(ctx->term.out, " %s", c->aliases[i]);
		(void)fputc('\n', ctx->term.out);
	}
	if (c->details != NULL) {
		(void)fputs("\n", ctx->term.out);
		wrap(ctx, c->details, 0);
	}
	if (c->options != NULL)
		show_options(ctx, c->options, "Options:");
	heading(ctx, "Options of every command (see dsrun help):");
	(void)fputs("  ", ctx->term.out);
	global_names(names, sizeof(names));
	wrap(ctx, names, 2);
}

/* The first example of each group: where to begin. */
static void
show_overview(struct ctx *ctx)
{
	const struct command *const *all = ctx->args.app->commands;
	const char *group = "";

	(void)fputs(
	    "dsrun: a crash-safe runner for AI phone calls\n", ctx->term.out);
	heading(ctx, "Examples:");
	for (size_t i = 0; all[i] != NULL; i++) {
		if (strcmp(all[i]->group, group) == 0)
			continue;
		row(ctx, all[i]->examples[0].line, 44,
		    all[i]->examples[0].what);
		group = all[i]->group;
	}
	heading(ctx, "Usage:");
	(void)fputs("  dsrun COMMAND [options]\n", ctx->term.out);
	group = "";
	for (size_t i = 0; all[i] != NULL; i++) {
		if (strcmp(all[i]->group, group) != 0)
			heading(ctx, all[i]->group);
		row(ctx, all[i]->name, 14, all[i]->summary);
		group = all[i]->group;
	}
	show_options(ctx, app_globals, "Options of every command:");
	(void)fputs("\nMore: dsrun help COMMAND, dsrun help exit-codes\n",
	    ctx->term.out);
}

static void
json_options(struct json_writer *w, const struct cli_option *o)
{
	json_write_key(w, "options");
	json_write_array(w);
	for (; o != NULL && o->name != NULL; o++) {
		char letter[2] = {o->letter, '\0'};

		json_write_object(w);
		json_field_str(w, "name", o->name);
		json_field_str(w, "letter", o->letter != 0 ? letter : NULL);
		json_field_str(w, "value", o->value);
		json_field_bool(w, "required", (o->flags & CLI_REQUIRED) != 0);
		json_field_bool(w, "repeated", (o->flags & CLI_REPEATED) != 0);
		json_field_str(w, "help", o->help);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
json_command(struct json_writer *w, const struct command *c)
{
	json_write_object(w);
	json_field_str(w, "name", c->name);
	json_field_str(w, "group", c->group);
	json_field_str(w, "summary", c->summary);
	json_write_key(w, "aliases");
	json_write_array(w);
	for (size_t i = 0; c->aliases != NULL && c->aliases[i] != NULL; i++)
		json_write_str(w, c->aliases[i]);
	json_write_end(w);
	json_write_key(w, "examples");
	json_write_array(w);
	for (size_t i = 0; c->examples[i].line != NULL; i++)
		json_write_str(w, c->examples[i].line);
	json_write_end(w);
	json_options(w, c->options);
	json_write_end(w);
}

enum err_code
help_show(struct ctx *ctx, const struct command *command)
{
	const struct command *const *all = ctx->args.app->commands;
	struct ctx_document d;

	if (!ctx->json && command != NULL)
		show_command(ctx, command);
	if (!ctx->json && command == NULL)
		show_overview(ctx);
	if (!ctx->json)
		return ERR_NONE;
	ctx_json_begin(ctx, &d);
	json_write_key(&d.w, "commands");
	json_write_array(&d.w);
	for (size_t i = 0; all[i] != NULL; i++)
		if (command == NULL || command == all[i])
			json_command(&d.w, all[i]);
	json_write_end(&d.w);
	json_options(&d.w, app_globals);
	ctx_json_end(ctx, &d);
	return ERR_NONE;
}
