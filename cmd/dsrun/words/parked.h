#ifndef DSRUN_CMD_WORDS_PARKED_H
#define DSRUN_CMD_WORDS_PARKED_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun parked` says about itself; only cmd_parked.c includes it. */

static const struct cli_example parked_examples[] = {
    {"dsrun parked", "each with its evidence and what to type"},
    {NULL, NULL},
};

static const struct cli_option parked_options[] = {
    {.name = "limit",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "at most so many jobs (50)",
	.min = 1,
	.max = 100000},
    {.name = "after",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "go on after this job (the next of the page before)"},
    {.name = "full",
	.type = CLI_FLAG,
	.help = "whole telephone numbers (--json has them always)"},
    {.name = NULL},
};

static const char parked_details[] =
    "Nobody but a person can know whether these phones "
    "rang.  Until then the job, its number and its "
    "organisation wait.";

#define PARKED_WORDS                                            \
	.name = "parked", .group = GROUP_DECIDE,                \
	.summary = "list attempts that a person must decide",   \
	.examples = parked_examples, .details = parked_details, \
	.options = parked_options

#endif
