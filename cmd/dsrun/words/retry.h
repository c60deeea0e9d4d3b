#ifndef DSRUN_CMD_WORDS_RETRY_H
#define DSRUN_CMD_WORDS_RETRY_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun retry` says about itself; only cmd_retry.c includes it. */

static const struct cli_example retry_examples[] = {
    {"dsrun retry job-17 --by ana --reason 'number "
     "corrected'",
	"through all rules"},
    {NULL, NULL},
};

static const struct cli_option retry_options[] = {
    {.name = "by",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = "expires-at",
	.type = CLI_TIME,
	.value = "TIME",
	.help = "call until then; needed when its expiresAt has passed"},
    {.name = NULL},
};

static const struct cli_argument retry_arguments[] = {
    {.name = "JOB",
	.help = "its id, source:id where two sources know it, or the "
		"journal's number as #17",
	.repeated = true},
    {.name = NULL},
};

static const char retry_details[] =
    "Refused with 11 while an attempt is live, with 4 while"
    " one is parked.  A job that was pruned, or whose personal data was "
    "erased, cannot be called again.";

#define RETRY_WORDS                                                          \
	.name = "retry", .group = GROUP_DECIDE,                              \
	.summary =                                                           \
	    "call jobs again that are over, from the start of their ladder", \
	.examples = retry_examples, .details = retry_details,                \
	.options = retry_options, .arguments = retry_arguments

#endif
