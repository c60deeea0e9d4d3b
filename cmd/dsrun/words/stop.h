#ifndef DSRUN_CMD_WORDS_STOP_H
#define DSRUN_CMD_WORDS_STOP_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun stop` says about itself; only cmd_stop.c includes it. */

static const char *const stop_aliases[] = {"stop-worker", NULL};

static const struct cli_example stop_examples[] = {
    {"dsrun stop", "every worker, letting live calls end"},
    {"dsrun stop north", "one, by its id or name in dsrun status"},
    {"dsrun stop --all --wait 10m", "drains too"},
    {"dsrun stop --force", "at once; the next run recovers their calls"},
    {NULL, NULL},
};

static const struct cli_option stop_options[] = {
    {.name = "worker-id",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "the same as WORKER"},
    {.name = "all", .type = CLI_FLAG, .help = "drains too (else only workers)"},
    {.name = "force",
	.letter = 'f',
	.type = CLI_FLAG,
	.help = "kill: do not wait for live calls"},
    {.name = "wait",
	.type = CLI_DURATION,
	.value = "D",
	.help = "until they are gone, at most D; 0 does not wait (else the "
		"grace of run.grace and 10s more)"},
    {.name = NULL},
};

static const struct cli_argument stop_arguments[] = {
    {.name = "WORKER",
	.help = "an id or a name that dsrun status shows; absent: every "
		"worker",
	.optional = true},
    {.name = NULL},
};

static const char stop_details[] =
    "A stopped worker claims no more and lets its calls end within its grace. "
    "Signals go only to processes that the kernel shows with this journal's "
    "lock.  Whatever still runs after the wait is an error with exit code 11.  "
    "Where the journal is refused, every process that uses it is stopped.";

#define STOP_WORDS                                                     \
	.name = "stop", .aliases = stop_aliases, .group = GROUP_CALLS, \
	.summary = "end workers and drains of this directory",         \
	.examples = stop_examples, .details = stop_details,            \
	.options = stop_options, .arguments = stop_arguments

#endif
