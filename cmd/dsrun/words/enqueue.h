#ifndef DSRUN_CMD_WORDS_ENQUEUE_H
#define DSRUN_CMD_WORDS_ENQUEUE_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun enqueue` says about itself; only cmd_enqueue.c includes it. */

static const char *const enqueue_format_choices[] = {"jsonl", "csv", NULL};

static const struct cli_example enqueue_examples[] = {
    {"dsrun enqueue jobs.jsonl", "one JSON object a line"},
    {"dsrun enqueue people.csv --map \"Phone 1=phone\"", "CSV with a header"},
    {"dsrun enqueue --phone +15125550100 --kind intro-call", "one job"},
    {"producer | dsrun enqueue -", "from a pipe"},
    {NULL, NULL},
};

static const struct cli_option enqueue_options[] = {
    {.name = "phone",
	.type = CLI_TEXT,
	.value = "NUMBER",
	.help = "one job: whom to call, as +15125550100"},
    {.name = "kind",
	.type = CLI_TEXT,
	.value = "KIND",
	.help = "a file in jobs/ (else default_kind)"},
    {.name = "id",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "one job: its id (else made of its content)"},
    {.name = "campaign-id",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "one job: its campaign"},
    {.name = "org",
	.type = CLI_TEXT,
	.value = "ORG",
	.help = "one job: one live call per organisation"},
    {.name = "step",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "one job: the step of its campaign",
	.min = 0,
	.max = 1000000},
    {.name = "final",
	.type = CLI_FLAG,
	.help = "one job: the last step of its campaign"},
    {.name = "priority",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "one job: lower goes first",
	.min = -1000000000,
	.max = 1000000000},
    {.name = "not-before",
	.type = CLI_TIME,
	.value = "TIME",
	.help = "one job: not before, as 2026-01-05T09:00:00Z"},
    {.name = "expires-at",
	.type = CLI_TIME,
	.value = "TIME",
	.help = "one job: not after"},
    {.name = "contact",
	.type = CLI_TEXT,
	.flags = CLI_REPEATED,
	.value = "KEY=VALUE",
	.help = "one job: a field of contact"},
    {.name = "data",
	.type = CLI_TEXT,
	.flags = CLI_REPEATED,
	.value = "KEY=VALUE",
	.help = "one job: a field of data"},
    {.name = "map",
	.type = CLI_TEXT,
	.flags = CLI_REPEATED,
	.value = "HEAD=FIELD",
	.help = "CSV: which column is which field"},
    {.name = "format",
	.type = CLI_TEXT,
	.value = "FORMAT",
	.help = "jsonl or csv (else by the name and the first line)",
	.choices = enqueue_format_choices},
    {.name = "dry-run",
	.letter = 'n',
	.type = CLI_FLAG,
	.help = "check every line, take none"},
    {.name = NULL},
};

static const struct cli_argument enqueue_arguments[] = {
    {.name = "FILE",
	.help = "a file, or - for standard input",
	.optional = true,
	.is_file = true},
    {.name = NULL},
};

static const char enqueue_details[] =
    "The same file twice adds nothing.  A line that cannot "
    "be used is refused with its number, field and reason, "
    "kept in rejects/, and the rest go on (exit code 3).";

#define ENQUEUE_WORDS                                                    \
	.name = "enqueue", .group = GROUP_CALLS,                         \
	.summary =                                                       \
	    "take jobs from a file, standard input or the command line", \
	.examples = enqueue_examples, .details = enqueue_details,        \
	.options = enqueue_options, .arguments = enqueue_arguments

#endif
