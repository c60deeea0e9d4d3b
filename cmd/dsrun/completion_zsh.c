#include <stddef.h>

#include "completion.h"

/* Within '...[help]...' of _arguments. */
static void
escaped(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_puts(out, "'\\'");
		else if (*text == '[' || *text == ']' || *text == ':' ||
			 *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

static void
action(const char *name, const char *const *choices, bool file, bool dir,
    struct buf *out)
{
	buf_puts(out, ":");
	escaped(name, out);
	buf_puts(out, ":");
	if (choices != NULL) {
		buf_puts(out, "(");
		for (size_t i = 0; choices[i] != NULL; i++)
			buf_printf(out, "%s%s", i > 0 ? " " : "", choices[i]);
		buf_puts(out, ")");
	} else if (file || dir) {
		buf_puts(out, dir ? "_directories" : "_files");
	}
}

static void
spec(const struct cli_option *o, const char *dashes, char letter,
    struct buf *out)
{
	buf_printf(out, " '%s", (o->flags & CLI_REPEATED) != 0 ? "*" : "");
	if (letter != 0)
		buf_printf(out, "-%c", letter);
	else
		buf_printf(out, "%s%s", dashes, o->name);
	if (o->type != CLI_FLAG && letter == 0)
		buf_puts(out, "=");
	buf_puts(out, "[");
	escaped(o->help, out);
	buf_puts(out, "]");
	if (o->type != CLI_FLAG)
		action(o->value, o->choices, o->type == CLI_FILE,
		    o->type == CLI_DIR, out);
	buf_puts(out, "'");
}

static void
specs(const struct cli_option *o, struct buf *out)
{
	for (; o != NULL && o->name != NULL; o++) {
		spec(o, "--", 0, out);
		if ((o->flags & CLI_NEGATABLE) != 0)
			spec(o, "--no-", 0, out);
		if (o->letter != 0)
			spec(o, "", o->letter, out);
	}
}

static void
command_case(const struct command *c, struct buf *out)
{
	buf_printf(out, "\t\t%s", c->name);
	for (size_t i = 0; c->aliases != NULL && c->aliases[i] != NULL; i++)
		buf_printf(out, "|%s", c->aliases[i]);
	buf_puts(out, ") _arguments $globals");
	specs(c->options, out);
	for (const struct cli_argument *a = c->arguments;
	     a != NULL && a->name != NULL; a++) {
		buf_puts(out, a->repeated ? " '*" : " '");
		if (!a->repeated)
			buf_printf(out, "%d", (int)(a - c->arguments) + 1);
		action(a->name, a->choices, a->is_file, false, out);
		buf_puts(out, "'");
	}
	buf_puts(out, " ;;\n");
}

void
completion_zsh(const struct cli_app *app, struct buf *out)
{
	buf_puts(out, "#compdef dsrun\n"
		      "# dsrun completion zsh > a file _dsrun in your $fpath\n"
		      "_dsrun() {\n\tlocal context state line\n"
		      "\tlocal -a globals commands\n\tglobals=(");
	specs(app->globals, out);
	buf_puts(out, ")\n\tcommands=(");
	for (size_t i = 0; app->commands[i] != NULL; i++) {
		buf_printf(out, " '%s:", app->commands[i]->name);
		escaped(app->commands[i]->summary, out);
		buf_puts(out, "'");
	}
	buf_puts(out, ")\n\t_arguments -C $globals '1:command:->command' "
		      "'*::argument:->rest'\n\tcase $state in\n"
		      "\tcommand) _describe command commands ;;\n"
		      "\trest)\n\t\tcase $words[1] in\n");
	for (size_t i = 0; app->commands[i] != NULL; i++)
		command_case(app->commands[i], out);
	buf_puts(out, "\t\tesac ;;\n\tesac\n}\n"
		      "if [[ $funcstack[1] == _dsrun ]]; then _dsrun \"$@\"; "
		      "else compdef _dsrun dsrun; fi\n");
}
