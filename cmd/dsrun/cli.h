#ifndef DSRUN_CMD_CLI_H
#define DSRUN_CMD_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Commands as data, and the reader of the command line.
 *
 * A command is a table: its options, its arguments and its help.  From it the
 * parser, `dsrun help`, the shells' completions and the suggestions for what
 * was mistyped are made, so that they cannot disagree.
 *
 *   --name VALUE  --name=VALUE  -n VALUE  -nVALUE  --flag  -f  --no-flag  --
 *
 * Global options may stand before or after the command.  A value is never
 * taken from a word that begins with "--" (write --name=--value), so that a
 * forgotten value is found.  The last of several wins, unless CLI_REPEATED.
 */

struct ctx;

#define CLI_NAME_MAX 64 /* an option's or command's, with its NUL */

enum cli_type {
	CLI_FLAG,
	CLI_TEXT,
	CLI_NUMBER,
	CLI_DURATION, /* "90s", "4m" */
	CLI_TIME,     /* RFC 3339 */
	CLI_FILE,     /* as text; shells complete file names */
	CLI_DIR
};

enum cli_option_flag {
	CLI_REPEATED = 1,  /* may stand several times: cli_text_at */
	CLI_NEGATABLE = 2, /* a flag that --no-NAME takes back */
	CLI_REQUIRED = 4,
};

struct cli_option {
	const char *name; /* without dashes; NULL ends a table */
	char letter;      /* 0: none */
	enum cli_type type;
	unsigned flags;
	const char *value; /* what help calls the value; NULL for a flag */
	const char *help;
	int64_t min, max;           /* CLI_NUMBER; both 0: from 0 up */
	const char *const *choices; /* NULL-ended; NULL: any text */
	const char *conf_key;       /* the setting that it overrides */
};

struct cli_argument {
	const char *name; /* "JOB"; NULL ends a table */
	const char *help;
	bool optional;
	bool repeated; /* only the last one */
	bool is_file;
	const char *const *choices;
};

struct cli_example {
	const char *line; /* "dsrun show job-17"; NULL ends a table */
	const char *what;
};

struct command {
	const char *name;
	const char *const *aliases;         /* NULL-ended; NULL: none */
	const char *group;                  /* heading in the overview */
	const char *summary;                /* one line, no full stop */
	const struct cli_example *examples; /* at least one */
	const char *details;                /* paragraphs; may be NULL */
	const struct cli_option *options;   /* NULL: none of its own */
	const struct cli_argument *arguments;
	/* A brake, or what one looks at before pulling it: works with any
	 * configuration that surely names the directory. */
	bool is_brake;
	/* Ends with exit code ctx->exit, or with that of the error. */
	enum err_code (*run)(struct ctx *ctx, struct err *err);
};

/* NULL-ended. */
struct cli_app {
	const struct command *const *commands;
	const struct cli_option *globals;
};

struct cli_given {
	const struct cli_option *option;
	const char *value; /* NULL for a flag */
	bool off;          /* --no-NAME */
};

/* Texts are borrowed from argv. */
struct cli_args {
	const struct cli_app *app;
	const struct command *command; /* NULL: none was named */
	const char *called; /* as it was named, perhaps by an alias */
	struct cli_given *given;
	size_t given_count;
	const char **words;
	size_t word_count;
};

/* What is wrong decides how it is shown. */
enum cli_fault {
	CLI_FAULT_NONE,
	CLI_FAULT_NO_COMMAND,
	CLI_FAULT_UNKNOWN_COMMAND,
	CLI_FAULT_UNKNOWN_OPTION,
	CLI_FAULT_MISSING, /* an argument or a value is not there */
	CLI_FAULT_VALUE,   /* it is there, but cannot be used */
};

struct cli_problem {
	enum cli_fault fault;
	char nearest[CLI_NAME_MAX]; /* what was meant, perhaps; or "" */
	char missing[CLI_NAME_MAX]; /* the option without a value; or "" */
};

/*
 * Read argv[1..].  Release out with cli_args_fini in any case.  ERR_USAGE
 * fills problem; out->command then is the command named, if it is known.
 * With --help or --version among the words nothing is required.
 */
enum err_code cli_parse(const struct cli_app *app, int argc, char **argv,
    struct cli_args *out, struct cli_problem *problem, struct err *err);
void cli_args_fini(struct cli_args *args);

/* By name or alias; NULL when there is none. */
const struct command *cli_find(const struct cli_app *app, const char *name);

/*
 * What was given.  Asking for an option that is in no table is a bug.  Values
 * were checked when read, so that these cannot fail; without the option they
 * return otherwise.
 */
bool cli_flag(const struct cli_args *args, const char *name, bool otherwise);
bool cli_given(const struct cli_args *args, const char *name);
const char *cli_text(const struct cli_args *args, const char *name);
/* The n-th of a repeated one, from 0; NULL after the last. */
const char *cli_text_at(
    const struct cli_args *args, const char *name, size_t n);
int64_t cli_number(
    const struct cli_args *args, const char *name, int64_t otherwise);
int64_t cli_duration_ms(
    const struct cli_args *args, const char *name, int64_t otherwise);
int64_t cli_time_ms(
    const struct cli_args *args, const char *name, int64_t otherwise);
/* The n-th argument after the command, from 0; NULL after the last. */
const char *cli_word(const struct cli_args *args, size_t n);

/* Does --json stand among the words?  For errors found while reading. */
bool cli_wants(int argc, char **argv, const char *option);

#endif
