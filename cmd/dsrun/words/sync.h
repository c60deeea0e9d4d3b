#ifndef DSRUN_CMD_WORDS_SYNC_H
#define DSRUN_CMD_WORDS_SYNC_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun sync` says about itself; only cmd_sync.c includes it. */

static const struct cli_example sync_examples[] = {
    {"dsrun sync", "everything that is due"},
    {"dsrun sync --max-duration 50s", "from cron every minute"},
    {NULL, NULL},
};

static const struct cli_option sync_options[] = {
    {.name = "max-duration",
	.type = CLI_DURATION,
	.value = "D",
	.help = "begin no push after this time"},
    {.name = "exit-empty",
	.type = CLI_FLAG,
	.help = "end with 6 when there was nothing to do"},
    {.name = NULL},
};

static const char sync_details[] =
    "A bad row never blocks the others: it waits longer "
    "each time and becomes a dead letter, which `dsrun "
    "outbox` shows.";

#define SYNC_WORDS                                          \
	.name = "sync", .group = GROUP_CALLS,               \
	.summary = "push results that wait in the outbox",  \
	.examples = sync_examples, .details = sync_details, \
	.options = sync_options

#endif
