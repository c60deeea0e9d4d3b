#ifndef DSRUN_CMD_WORDS_CANCEL_H
#define DSRUN_CMD_WORDS_CANCEL_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun cancel` says about itself; only cmd_cancel.c includes it. */

static const struct cli_example cancel_examples[] = {
    {"dsrun cancel job-17 --reason 'signed up already'",
	"not called any more; a live call is hung up"},
    {NULL, NULL},
};

static const struct cli_option cancel_options[] = {
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = NULL},
};

static const struct cli_argument cancel_arguments[] = {
    {.name = "JOB",
	.help = "its id, source:id where two sources know it, or the "
		"journal's number as #17",
	.repeated = true},
    {.name = NULL},
};

#define CANCEL_WORDS                                                          \
	.name = "cancel", .group = GROUP_DECIDE, .summary = "take jobs back", \
	.examples = cancel_examples, .options = cancel_options,               \
	.arguments = cancel_arguments

#endif
