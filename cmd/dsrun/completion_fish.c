#include <stddef.h>

#include "completion.h"

static void
quoted(const char *text, struct buf *out)
{
	buf_putc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

static void
condition(const struct command *c, struct buf *out)
{
	buf_puts(out, "complete -c dsrun");
	if (c == NULL)
		return;
	buf_printf(out, " -n '__fish_seen_subcommand_from %s", c->name);
	for (size_t i = 0; c->aliases != NULL && c->aliases[i] != NULL; i++)
		buf_printf(out, " %s", c->aliases[i]);
	buf_puts(out, "'");
}

static void
choices_of(const char *const *choices, struct buf *out)
{
	buf_puts(out, " -a '");
	for (size_t i = 0; choices[i] != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", choices[i]);
	buf_puts(out, "'");
}

static void
option(const struct command *c, const struct cli_option *o, struct buf *out)
{
	condition(c, out);
	buf_printf(out, " -l %s", o->name);
	if (o->letter != 0)
		buf_printf(out, " -s %c", o->letter);
	if (o->choices != NULL) {
		buf_puts(out, " -x");
		choices_of(o->choices, out);
	} else if (o->type == CLI_DIR) {
		buf_puts(out, " -x -a '(__fish_complete_directories)'");
	} else if (o->type != CLI_FLAG) {
		buf_puts(out, o->type == CLI_FILE ? " -r -F" : " -x");
	}
	buf_puts(out, " -d ");
	quoted(o->help, out);
	buf_puts(out, "\n");
	if ((o->flags & CLI_NEGATABLE) == 0)
		return;
	condition(c, out);
	buf_printf(out, " -l no-%s -d ", o->name);
	quoted(o->help, out);
	buf_puts(out, "\n");
}

void
completion_fish(const struct cli_app *app, struct buf *out)
{
	buf_puts(out, "# dsrun completion fish > "
		      "~/.config/fish/completions/dsrun.fish\n"
		      "complete -c dsrun -f\n");
	for (const struct cli_option *o = app->globals; o->name != NULL; o++)
		option(NULL, o, out);
	for (size_t i = 0; app->commands[i] != NULL; i++) {
		const struct command *c = app->commands[i];

		buf_printf(out,
		    "complete -c dsrun -n __fish_use_subcommand -a %s -d ",
		    c->name);
		quoted(c->summary, out);
		buf_puts(out, "\n");
		for (const struct cli_option *o = c->options;
		     o != NULL && o->name != NULL; o++)
			option(c, o, out);
		for (const struct cli_argument *a = c->arguments;
		     a != NULL && a->name != NULL; a++) {
			if (a->choices == NULL && !a->is_file)
				continue;
			condition(c, out);
			if (a->choices != NULL)
				choices_of(a->choices, out);
			else
				buf_puts(out, " -F");
			buf_puts(out, "\n");
		}
	}
}
