#ifndef DSRUN_CMD_WORDS_STATUS_H
#define DSRUN_CMD_WORDS_STATUS_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun status` says about itself; only cmd_status.c includes it. */

static const char *const status_aliases[] = {"check-status", NULL};

static const struct cli_example status_examples[] = {
    {"dsrun status", "what needs a person comes first"},
    {"dsrun status --json", "for programs"},
    {"dsrun status --worker-id 7", "one worker"},
    {NULL, NULL},
};

static const struct cli_option status_options[] = {
    {.name = "worker-id",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "only this worker"},
    {.name = NULL},
};

#define STATUS_WORDS                                                      \
	.name = "status", .aliases = status_aliases, .group = GROUP_LOOK, \
	.summary = "how many jobs are where, and who is at work",         \
	.examples = status_examples, .options = status_options

#endif
