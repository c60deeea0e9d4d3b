#ifndef DSRUN_CMD_WORDS_DRAIN_H
#define DSRUN_CMD_WORDS_DRAIN_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun drain` says about itself; only cmd_drain.c includes it. */

static const char *const drain_cutoff_choices[] = {"soft", "hard", NULL};

static const struct cli_example drain_examples[] = {
    {"dsrun drain", "everything that is due"},
    {"dsrun drain --max-duration 4m", "from cron every 5 minutes"},
    {"dsrun drain --dry-run", "what it would do"},
    {"dsrun drain --max-jobs 10 --concurrency 2", "a careful start"},
    {NULL, NULL},
};

static const struct cli_option drain_options[] = {
    {.name = "max-jobs",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "claim at most so many jobs",
	.min = 1,
	.max = 1000000000},
    {.name = "max-duration",
	.type = CLI_DURATION,
	.value = "D",
	.help = "begin no call after this time"},
    {.name = "wait",
	.type = CLI_DURATION,
	.value = "D",
	.help = "also wait for jobs that become due within D"},
    {.name = "cutoff",
	.type = CLI_TEXT,
	.value = "HOW",
	.help = "at the end of --max-duration: soft lets live calls end"
		" within the grace (default), hard leaves them to the next run",
	.choices = drain_cutoff_choices},
    {.name = "concurrency",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "live calls at once",
	.min = 1,
	.max = 100000,
	.conf_key = "limits.concurrency"},
    {.name = "grace",
	.type = CLI_DURATION,
	.value = "D",
	.help = "after a stop, how long live calls may go on",
	.conf_key = "run.grace"},
    {.name = "dry-run",
	.letter = 'n',
	.type = CLI_FLAG,
	.help = "say what would be called or why not; change nothing"},
    {.name = "summary",
	.type = CLI_FLAG,
	.help = "tell what was done also off a terminal"},
    {.name = "exit-empty",
	.type = CLI_FLAG,
	.help = "end with 6 when there was nothing to do"},
    {.name = NULL},
};

static const char drain_details[] =
    "Two drains at once are safe: they share the limits "
    "through the journal.  TERM or INT stops claiming and "
    "lets calls end within the grace; a second one ends at "
    "once.  Killed at any moment, the next run goes on.";

#define DRAIN_WORDS                                                     \
	.name = "drain", .group = GROUP_CALLS,                          \
	.summary = "place every call that may be placed now, then end", \
	.examples = drain_examples, .details = drain_details,           \
	.options = drain_options

#endif
