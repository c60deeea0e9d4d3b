#ifndef DSRUN_CMD_WORDS_STOP_H
#define DSRUN_CMD_WORDS_STOP_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun stop` says about itself; only cmd_stop.c includes it. */

static const char *const stop_aliases[] = {"stop-worker", NULL};

static const struct cli_example stop_examples[] = {
    {"dsrun stop", "all of them, letting calls end"},
    {"dsrun stop 7", "one, by the id in dsrun status"},
    {"dsrun stop --force", "at once; the next run recovers"},
    {NULL, NULL},
};

static const struct cli_option stop_options[] = {
    {.name = "worker-id",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "the same as WORKER"},
    {.name = "force",
	.letter = 'f',
	.type = CLI_FLAG,
	.help = "do not wait for live calls"},
    {.name = NULL},
};

static const struct cli_argument stop_arguments[] = {
    {.name = "WORKER",
	.help = "an id that dsrun status shows; absent: all",
	.optional = true},
    {.name = NULL},
};

#define STOP_WORDS                                                     \
	.name = "stop", .aliases = stop_aliases, .group = GROUP_CALLS, \
	.summary = "end workers and drains of this directory",         \
	.examples = stop_examples, .options = stop_options,            \
	.arguments = stop_arguments

#endif
