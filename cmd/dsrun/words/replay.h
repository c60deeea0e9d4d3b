#ifndef DSRUN_CMD_WORDS_REPLAY_H
#define DSRUN_CMD_WORDS_REPLAY_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun replay` says about itself; only cmd_replay.c includes it. */

static const struct cli_example replay_examples[] = {
    {"dsrun replay job-17",
	"timeline, then the same effects or the difference"},
    {"dsrun replay job-17 --redial --by ana --reason "
     "'line was bad'",
	"call again, through all rules"},
    {NULL, NULL},
};

static const struct cli_option replay_options[] = {
    {.name = "job",
	.type = CLI_TEXT,
	.value = "JOB",
	.help = "the same as JOB"},
    {.name = "attempt",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "of which attempt (else the last)",
	.min = 1,
	.max = 100000},
    {.name = "redial",
	.type = CLI_FLAG,
	.help = "make a new attempt; asks first"},
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = "expires-at",
	.type = CLI_TIME,
	.value = "TIME",
	.help = "with --redial: call until then; needed when the job's "
		"expiresAt has passed"},
    {.name = NULL},
};

static const struct cli_argument replay_arguments[] = {
    {.name = "JOB",
	.help = "its id, source:id where two sources know it, or the "
		"journal's number as #17",
	.optional = true},
    {.name = NULL},
};

static const char replay_details[] =
    "Offline: nothing is dialled, unless --redial asks for "
    "a new attempt, which the next drain makes when the rules allow.  Exit "
    "code 1 when the conversation would go another way now, or a file is not "
    "as it was recorded.";

#define REPLAY_WORDS                                                        \
	.name = "replay", .group = GROUP_LOOK,                              \
	.summary =                                                          \
	    "feed a call's recorded events through the conversation again", \
	.examples = replay_examples, .details = replay_details,             \
	.options = replay_options, .arguments = replay_arguments

#endif
