#ifndef DSRUN_CMD_WORDS_WORKER_H
#define DSRUN_CMD_WORDS_WORKER_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun worker` says about itself; only cmd_worker.c includes it. */

static const char *const worker_aliases[] = {"start-worker", NULL};

static const struct cli_example worker_examples[] = {
    {"dsrun worker", "until TERM, INT or dsrun stop"},
    {"dsrun worker --worker-id north", "with a name for status and stop"},
    {"dsrun worker --concurrency 5", "at most five live calls"},
    {NULL, NULL},
};

static const struct cli_option worker_options[] = {
    {.name = "worker-id",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "its name in dsrun status and for dsrun stop"},
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
    {.name = NULL},
};

static const char worker_details[] =
    "A drain that does not end: it takes files from spool/,"
    " claims, recovers what dead runs left, and syncs.  "
    "`dsrun status` shows it by its id.";

#define WORKER_WORDS                                                       \
	.name = "worker", .aliases = worker_aliases, .group = GROUP_CALLS, \
	.summary = "place calls as jobs come, until it is stopped",        \
	.examples = worker_examples, .details = worker_details,            \
	.options = worker_options

#endif
