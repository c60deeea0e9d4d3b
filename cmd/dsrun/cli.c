#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#define NAMES_MAX 160

struct reader {
	const struct cli_app *app;
	int argc;
	char **argv;
	int at;
	bool only_words; /* after "--" */
	struct cli_args *out;
	struct cli_problem *problem;
};

static enum err_code
fault(struct reader *r, enum cli_fault kind)
{
	r->problem->fault = kind;
	return ERR_USAGE;
}

static void
suggest(struct reader *r, const char *dashes, const char *nearest)
{
	if (nearest != NULL)
		(void)snprintf(r->problem->nearest, sizeof(r->problem->nearest),
		    "%s%s", dashes, nearest);
}

const struct command *
cli_find(const struct cli_app *app, const char *name)
{
	for (size_t i = 0; app->commands[i] != NULL; i++) {
		const char *const *alias = app->commands[i]->aliases;

		if (strcmp(app->commands[i]->name, name) == 0)
			return app->commands[i];
		for (; alias != NULL && *alias != NULL; alias++)
			if (strcmp(*alias, name) == 0)
				return app->commands[i];
	}
	return NULL;
}

static const char *
nearest_command(const struct cli_app *app, const char *name)
{
	const char *names[NAMES_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; app->commands[i] != NULL; i++) {
		const char *const *alias = app->commands[i]->aliases;

		CHECK(n < NAMES_MAX);
		names[n++] = app->commands[i]->name;
		for (; alias != NULL && *alias != NULL && n < NAMES_MAX;
		     alias++)
			names[n++] = *alias;
	}
	names[n] = NULL;
	return text_nearest(name, names);
}

/* The command's own options come first, so that they may take a letter. */
static const struct cli_option *
next_table(const struct cli_args *args, int *which)
{
	const struct cli_option *t = NULL;

	while (t == NULL && *which < 2) {
		if (*which == 1)
			t = args->app->globals;
		else if (args->command != NULL)
			t = args->command->options;
		(*which)++;
	}
	return t;
}

static const struct cli_option *
find_long(
    const struct cli_args *args, const char *name, size_t len, bool *negated)
{
	const struct cli_option *o;

	for (int which = 0; (o = next_table(args, &which)) != NULL;)
		for (; o->name != NULL; o++) {
			*negated = false;
			if (strlen(o->name) == len &&
			    strncmp(o->name, name, len) == 0)
				return o;
			*negated = (o->flags & CLI_NEGATABLE) != 0 &&
				   len == strlen(o->name) + 3 &&
				   strncmp(name, "no-", 3) == 0 &&
				   strncmp(name + 3, o->name, len - 3) == 0;
			if (*negated)
				return o;
		}
	return NULL;
}

static const struct cli_option *
find_letter(const struct cli_args *args, char letter)
{
	const struct cli_option *o;

	for (int which = 0; (o = next_table(args, &which)) != NULL;)
		for (; o->name != NULL; o++)
			if (o->letter == letter)
				return o;
	return NULL;
}

/* Also the "no-" forms, which stand in no table. */
static void
suggest_option(struct reader *r, const char *name, size_t len)
{
	const char *names[NAMES_MAX + 1];
	char negated[NAMES_MAX][CLI_NAME_MAX];
	const struct cli_option *o;
	size_t n = 0;
	char *text = mem_strndup(name, len);

	for (int which = 0; (o = next_table(r->out, &which)) != NULL;)
		for (; o->name != NULL && n + 2 <= NAMES_MAX; o++) {
			names[n++] = o->name;
			if ((o->flags & CLI_NEGATABLE) == 0)
				continue;
			(void)snprintf(
			    negated[n], CLI_NAME_MAX, "no-%s", o->name);
			names[n] = negated[n];
			n++;
		}
	names[n] = NULL;
	suggest(r, "--", text_nearest(text, names));
	mem_free(&text);
}

static bool
is_choice(const char *const *choices, const char *value)
{
	for (; *choices != NULL; choices++)
		if (strcmp(*choices, value) == 0)
			return true;
	return false;
}

/* "bash, zsh or fish" */
static void
list_choices(const char *const *choices, char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (size_t i = 0; choices[i] != NULL && n < size; i++) {
		const char *joint = i == 0                   ? ""
				    : choices[i + 1] == NULL ? " or "
							     : ", ";

		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", joint, choices[i]);
	}
}

static enum err_code
wrong_choice(struct reader *r, const char *what, const char *const *choices,
    const char *value, struct err *err)
{
	char list[200];

	list_choices(choices, list, sizeof(list));
	(void)err_set(err, ERR_USAGE, 0, "%s is \"%.60s\": expected %s", what,
	    value, list);
	suggest(r, "", text_nearest(value, choices));
	return fault(r, CLI_FAULT_VALUE);
}

static enum err_code
check_value(struct reader *r, const struct cli_option *o, const char *value,
    struct err *err)
{
	int64_t n;
	enum err_code code = ERR_NONE;

	if (o->choices != NULL && !is_choice(o->choices, value)) {
		char what[80];

		(void)snprintf(what, sizeof(what), "--%s", o->name);
		return wrong_choice(r, what, o->choices, value, err);
	}
	if (o->type == CLI_NUMBER)
		code = text_i64(value, o->min,
		    o->min == 0 && o->max == 0 ? INT64_MAX : o->max, &n, err);
	else if (o->type == CLI_DURATION)
		code = text_duration_ms(value, &n, err);
	else if (o->type == CLI_TIME)
		code = text_rfc3339_ms(value, &n, err);
	else if (*value == '\0')
		code = err_set(err, ERR_USAGE, 0, "the value is empty");
	if (code == ERR_NONE)
		return ERR_NONE;
	(void)err_wrap(err, "--%s", o->name);
	err->code = ERR_USAGE;
	return fault(r, CLI_FAULT_VALUE);
}

static void
add(struct cli_args *out, const struct cli_option *o, const char *value,
    bool off)
{
	out->given =
	    mem_realloc(out->given, out->given_count + 1, sizeof(*out->given));
	out->given[out->given_count++] =
	    (struct cli_given){.option = o, .value = value, .off = off};
}

/* The value of o: attached, or the next word. */
static enum err_code
take_value(struct reader *r, const struct cli_option *o, const char *attached,
    struct err *err)
{
	const char *value = attached;

	if (value == NULL && r->at < r->argc &&
	    !text_starts(r->argv[r->at], "--"))
		value = r->argv[r->at++];
	if (value == NULL) {
		(void)err_set(err, ERR_USAGE, 0, "--%s needs a value: --%s %s",
		    o->name, o->name, o->value);
		(void)snprintf(r->problem->missing, sizeof(r->problem->missing),
		    "--%s", o->name);
		return fault(r, CLI_FAULT_MISSING);
	}
	add(r->out, o, value, false);
	return check_value(r, o, value, err);
}

static enum err_code
read_long(struct reader *r, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
	bool off = false;
	const struct cli_option *o = find_long(r->out, word, len, &off);

	if (o == NULL) {
		(void)err_set(err, ERR_USAGE, 0, "unknown option --%.*s",
		    (int)(len < 60 ? len : 60), word);
		suggest_option(r, word, len);
		return fault(r, CLI_FAULT_UNKNOWN_OPTION);
	}
	if (o->type != CLI_FLAG)
		return take_value(
		    r, o, equals != NULL ? equals + 1 : NULL, err);
	if (equals != NULL) {
		(void)err_set(
		    err, ERR_USAGE, 0, "--%s takes no value", o->name);
		return fault(r, CLI_FAULT_VALUE);
	}
	add(r->out, o, NULL, off);
	return ERR_NONE;
}

static enum err_code
read_letters(struct reader *r, const char *word, struct err *err)
{
	for (; *word != '\0'; word++) {
		const struct cli_option *o = find_letter(r->out, *word);

		if (o == NULL) {
			(void)err_set(
			    err, ERR_USAGE, 0, "unknown option -%c", *word);
			return fault(r, CLI_FAULT_UNKNOWN_OPTION);
		}
		if (o->type != CLI_FLAG)
			return take_value(
			    r, o, word[1] != '\0' ? word + 1 : NULL, err);
		add(r->out, o, NULL, false);
	}
	return ERR_NONE;
}

static enum err_code
read_command(struct reader *r, const char *word, struct err *err)
{
	r->out->command = cli_find(r->app, word);
	r->out->called = word;
	if (r->out->command != NULL)
		return ERR_NONE;
	(void)err_set(err, ERR_USAGE, 0, "unknown command \"%.60s\"", word);
	suggest(r, "", nearest_command(r->app, word));
	return fault(r, CLI_FAULT_UNKNOWN_COMMAND);
}

static enum err_code
read_word(struct reader *r, struct err *err)
{
	const char *word = r->argv[r->at++];
	struct cli_args *out = r->out;

	if (!r->only_words && strcmp(word, "--") == 0) {
		r->only_words = true;
		return ERR_NONE;
	}
	if (!r->only_words && text_starts(word, "--"))
		return read_long(r, word + 2, err);
	if (!r->only_words && word[0] == '-' && word[1] != '\0')
		return read_letters(r, word + 1, err);
	if (out->command == NULL)
		return read_command(r, word, err);
	out->words =
	    mem_realloc(out->words, out->word_count + 1, sizeof(*out->words));
	out->words[out->word_count++] = word;
	return ERR_NONE;
}

static enum err_code
missing(struct reader *r, const struct cli_option *o, const char *what,
    struct err *err)
{
	if (o != NULL)
		(void)snprintf(r->problem->missing, sizeof(r->problem->missing),
		    "--%s", o->name);
	(void)err_set(err, ERR_USAGE, 0, "%s is missing", what);
	return fault(r, CLI_FAULT_MISSING);
}

static enum err_code
check_words(struct reader *r, struct err *err)
{
	const struct cli_argument *a = r->out->command->arguments;
	size_t i = 0;

	for (; a != NULL && a->name != NULL; a++) {
		const char *word = cli_word(r->out, i);

		if (word == NULL && !a->optional)
			return missing(r, NULL, a->name, err);
		for (; word != NULL; word = cli_word(r->out, i)) {
			i++;
			if (*word == '\0')
				return missing(r, NULL, a->name, err);
			if (a->choices != NULL && !is_choice(a->choices, word))
				return wrong_choice(
				    r, a->name, a->choices, word, err);
			if (!a->repeated)
				break;
		}
	}
	if (cli_word(r->out, i) == NULL)
		return ERR_NONE;
	(void)err_set(err, ERR_USAGE, 0, "one word too many: \"%.60s\"",
	    cli_word(r->out, i));
	return fault(r, CLI_FAULT_VALUE);
}

static enum err_code
check_required(struct reader *r, struct err *err)
{
	const struct cli_option *o = r->out->command->options;
	char what[80];

	for (; o != NULL && o->name != NULL; o++)
		if ((o->flags & CLI_REQUIRED) != 0 &&
		    !cli_given(r->out, o->name)) {
			(void)snprintf(what, sizeof(what), "--%s %s", o->name,
			    o->value != NULL ? o->value : "");
			return missing(r, o, what, err);
		}
	return ERR_NONE;
}

enum err_code
cli_parse(const struct cli_app *app, int argc, char **argv,
    struct cli_args *out, struct cli_problem *problem, struct err *err)
{
	struct reader r = {.app = app,
	    .argc = argc,
	    .argv = argv,
	    .at = 1,
	    .out = out,
	    .problem = problem};
	enum err_code code = ERR_NONE;

	*out = (struct cli_args){.app = app};
	*problem = (struct cli_problem){.fault = CLI_FAULT_NONE};
	while (r.at < argc && code == ERR_NONE)
		code = read_word(&r, err);
	if (code != ERR_NONE || cli_flag(out, "help", false) ||
	    cli_flag(out, "version", false))
		return code;
	if (out->command == NULL) {
		(void)err_set(err, ERR_USAGE, 0, "no command was given");
		return fault(&r, CLI_FAULT_NO_COMMAND);
	}
	code = check_words(&r, err);
	return code == ERR_NONE ? check_required(&r, err) : code;
}

bool
cli_wants(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], option) == 0)
			return true;
	return false;
}
