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
	"one number a line, or CSV with a column phone"},
    {"dsrun dnc import list.csv --prefix +1", "numbers without a country"},
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
	.help = "who says so (else your user name); kept in the journal"},
    {.name = "prefix",
	.type = CLI_TEXT,
	.value = "+N",
	.help = "the country of numbers that are written without a plus"},
    {.name = "limit",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "at most so many rows (1000)",
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
	.help = "numbers (list: only these); for import a file or -",
	.optional = true,
	.repeated = true,
	.is_file = true},
    {.name = NULL},
};

static const char dnc_details[] =
    "It holds for every campaign and every kind, from the next dial on.  In a "
    "file, empty lines and lines that begin with # are passed over; a line "
    "that is no number is refused with its reason, the rest is taken.";

#define DNC_WORDS                                                    \
	.name = "dnc", .group = GROUP_DECIDE,                        \
	.summary = "keep the list of numbers that are never called", \
	.examples = dnc_examples, .details = dnc_details,            \
	.options = dnc_options, .arguments = dnc_arguments

#endif
