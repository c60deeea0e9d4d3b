#ifndef DSRUN_CMD_WORDS_DNC_H
#define DSRUN_CMD_WORDS_DNC_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun dnc` says about itself; only cmd_dnc.c includes it. */

static const char *const dnc_action_choices[] = {
    "add", "remove", "list", "import", NULL};

static const struct cli_example dnc_examples[] = {
    {"dsrun dnc add +15125550100 --reason 'asked by phone'", "one number"},
    {"dsrun dnc import list.txt --reason 'state list of May'",
	"one number a line"},
    {"dsrun dnc list", "all of them"},
    {"dsrun dnc remove +15125550100 --reason 'signed "
     "consent' --by ana",
	"take one off"},
    {NULL, NULL},
};

static const struct cli_option dnc_options[] = {
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "limit",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "at most so many rows",
	.min = 1,
	.max = 100000},
    {.name = "after",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "go on after this number (the next of the page before)"},
    {.name = NULL},
};

static const struct cli_argument dnc_arguments[] = {
    {.name = "ACTION",
	.help = "add, remove, list or import",
	.choices = dnc_action_choices},
    {.name = "NUMBER",
	.help = "numbers; for import a file or -",
	.optional = true,
	.repeated = true,
	.is_file = true},
    {.name = NULL},
};

#define DNC_WORDS                                                    \
	.name = "dnc", .group = GROUP_DECIDE,                        \
	.summary = "keep the list of numbers that are never called", \
	.examples = dnc_examples, .options = dnc_options,            \
	.arguments = dnc_arguments

#endif
