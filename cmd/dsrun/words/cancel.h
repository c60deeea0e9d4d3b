#ifndef DSRUN_CMD_WORDS_CANCEL_H
#define DSRUN_CMD_WORDS_CANCEL_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun cancel` says about itself; only cmd_cancel.c includes it. */

static const struct cli_example cancel_examples[] = {
    {"dsrun cancel job-17 --reason 'signed up already'",
	"not called any more; a live call is hung up"},
    {"dsrun cancel --campaign spring --yes", "all of a campaign, at once"},
    {NULL, NULL},
};

static const struct cli_option cancel_options[] = {
    {.name = "campaign",
	.type = CLI_TEXT,
	.value = "C",
	.help = "every job of this campaign that is not over; asks first"},
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so (else your user name); kept in the journal"},
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
	.optional = true,
	.repeated = true},
    {.name = NULL},
};

static const char cancel_details[] =
    "A job that waits is CANCELLED at once.  One that is being called belongs "
    "to its run, which is told and hangs up; one that a dead run left is let "
    "go by the next.  A PARKED job's phone may have rung: it is resolved, not "
    "cancelled (exit code 4).  Cancelling twice is no error.";

#define CANCEL_WORDS                                                          \
	.name = "cancel", .group = GROUP_DECIDE, .summary = "take jobs back", \
	.examples = cancel_examples, .details = cancel_details,               \
	.options = cancel_options, .arguments = cancel_arguments

#endif
