#include <stddef.h>

#include "completion.h"

/* "config" or "worker|start-worker" */
static void
names(const struct command *c, struct buf *out)
{
	buf_puts(out, c->name);
	for (size_t i = 0; c->aliases != NULL && c->aliases[i] != NULL; i++)
		buf_printf(out, "|%s", c->aliases[i]);
}

static void
words(const char *const *list, struct buf *out)
{
	for (size_t i = 0; list[i] != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", list[i]);
}

static void
switches(const struct cli_option *o, struct buf *out)
{
	for (; o != NULL && o->name != NULL; o++) {
		buf_printf(out, " --%s", o->name);
		if ((o->flags & CLI_NEGATABLE) != 0)
			buf_printf(out, " --no-%s", o->name);
		if (o->letter != 0)
			buf_printf(out, " -%c", o->letter);
	}
}

/* What may follow each option that takes a value. */
static void
values(const struct command *c, const struct cli_option *o, struct buf *out)
{
	for (; o != NULL && o->name != NULL; o++) {
		if (o->type == CLI_FLAG)
			continue;
		buf_puts(out, "\t");
		if (c != NULL) {
			/* Each alias needs its own pattern. */
			buf_printf(out, "%s,--%s", c->name, o->name);
			for (size_t i = 0;
			     c->aliases != NULL && c->aliases[i] != NULL; i++)
				buf_printf(
				    out, "|%s,--%s", c->aliases[i], o->name);
		} else {
			buf_printf(out, "*,--%s", o->name);
		}
		buf_puts(out, ") COMPREPLY=(");
		if (o->choices != NULL) {
			buf_puts(out, "$(compgen -W '");
			words(o->choices, out);
			buf_puts(out, "' -- \"$cur\")");
		} else if (o->type == CLI_FILE || o->type == CLI_DIR) {
			buf_printf(out, "$(compgen -%c -- \"$cur\")",
			    o->type == CLI_DIR ? 'd' : 'f');
		}
		buf_puts(out, "); return ;;\n");
	}
}

static void
arguments(const struct command *c, struct buf *out)
{
	for (const struct cli_argument *a = c->arguments;
	     a != NULL && a->name != NULL; a++) {
		if (a->choices != NULL) {
			buf_puts(out, "; COMPREPLY+=($(compgen -W '");
			words(a->choices, out);
			buf_puts(out, "' -- \"$cur\"))");
		} else if (a->is_file) {
			buf_puts(
			    out, "; COMPREPLY+=($(compgen -f -- \"$cur\"))");
		}
	}
}

static void
skip_values(const struct cli_option *globals, struct buf *out)
{
	const char *joint = "";

	buf_puts(out, "\t\t");
	for (const struct cli_option *o = globals; o->name != NULL; o++) {
		if (o->type == CLI_FLAG)
			continue;
		buf_printf(out, "%s--%s", joint, o->name);
		joint = "|";
	}
	buf_puts(out, ") i=$((i + 1)) ;;\n");
}

void
completion_bash(const struct cli_app *app, struct buf *out)
{
	buf_puts(out, "# dsrun completion bash: put this into a file that "
		      "your shell reads,\n# or: source <(dsrun completion "
		      "bash)\n_dsrun() {\n"
		      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev= cmd= i\n"
		      "\tCOMPREPLY=()\n"
		      "\tprev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		      "\t# bash splits --name=value into three words\n"
		      "\tif [[ $cur == = ]]; then cur=; "
		      "elif [[ $prev == = ]]; then "
		      "prev=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
		      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		      "\t\tcase ${COMP_WORDS[i]} in\n");
	skip_values(app->globals, out);
	buf_puts(out, "\t\t-*|=) ;;\n\t\t*) cmd=${COMP_WORDS[i]}; break ;;\n"
		      "\t\tesac\n\tdone\n\tcase $cmd,$prev in\n");
	for (size_t i = 0; app->commands[i] != NULL; i++)
		values(app->commands[i], app->commands[i]->options, out);
	values(NULL, app->globals, out);
	buf_puts(out, "\tesac\n\tlocal options='");
	switches(app->globals, out);
	buf_puts(out, "' words=\n\tcase $cmd in\n\t'') words='");
	for (size_t i = 0; app->commands[i] != NULL; i++)
		buf_printf(
		    out, "%s%s", i > 0 ? " " : "", app->commands[i]->name);
	buf_puts(out, "' ;;\n");
	for (size_t i = 0; app->commands[i] != NULL; i++) {
		const struct command *c = app->commands[i];

		buf_puts(out, "\t");
		names(c, out);
		buf_puts(out, ") options+='");
		switches(c->options, out);
		buf_puts(out, "'; [[ $cur == -* ]] || { :");
		arguments(c, out);
		buf_puts(out, "; return; } ;;\n");
	}
	buf_puts(out, "\tesac\n\tif [[ $cur == -* ]]; then words=$options; "
		      "fi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))"
		      "\n}\ncomplete -F _dsrun dsrun\n");
}
