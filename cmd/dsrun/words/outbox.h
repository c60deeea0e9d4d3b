#ifndef DSRUN_CMD_WORDS_OUTBOX_H
#define DSRUN_CMD_WORDS_OUTBOX_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun outbox` says about itself; only cmd_outbox.c includes it. */

static const char *const outbox_state_choices[] = {"pending", "dead", NULL};

static const char *const outbox_action_choices[] = {"list", "retry", NULL};

static const struct cli_example outbox_examples[] = {
    {"dsrun outbox", "what waits and why"},
    {"dsrun outbox --state dead", "what was given up"},
    {"dsrun outbox retry --by ana", "try dead letters again"},
    {NULL, NULL},
};

static const struct cli_option outbox_options[] = {
    {.name = "state",
	.type = CLI_TEXT,
	.value = "STATE",
	.help = "pending or dead",
	.choices = outbox_state_choices},
    {.name = "limit",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "at most so many rows",
	.min = 1,
	.max = 100000},
    {.name = "after",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "go on after this row (the next of the page before)"},
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = NULL},
};

static const struct cli_argument outbox_arguments[] = {
    {.name = "ACTION",
	.help = "list (else), or retry",
	.optional = true,
	.choices = outbox_action_choices},
    {.name = "ROW",
	.help = "numbers that the list shows; absent: all dead ones",
	.optional = true,
	.repeated = true},
    {.name = NULL},
};

#define OUTBOX_WORDS                                                        \
	.name = "outbox", .group = GROUP_LOOK,                              \
	.summary = "list results that wait to be pushed, and dead letters", \
	.examples = outbox_examples, .options = outbox_options,             \
	.arguments = outbox_arguments

#endif
