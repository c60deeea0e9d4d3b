#ifndef DSRUN_CMD_WORDS_OUTBOX_H
#define DSRUN_CMD_WORDS_OUTBOX_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun outbox` says about itself; only cmd_outbox.c includes it. */

static const char *const outbox_state_choices[] = {"pending", "dead", NULL};

static const char *const outbox_sink_choices[] = {
    "file", "mongo", "s3", "bull", "webhook", "logtail", NULL};

static const char *const outbox_action_choices[] = {
    "list", "retry", "drop", NULL};

static const struct cli_example outbox_examples[] = {
    {"dsrun outbox", "what waits and why"},
    {"dsrun outbox --state dead", "what was given up"},
    {"dsrun outbox retry --by ana", "try dead letters again"},
    {"dsrun outbox retry 17 --by ana", "one, also one that waits, at once"},
    {"dsrun outbox drop 17 --reason 'sent by hand'", "push it no more"},
    {"dsrun outbox drop --all --sink webhook --reason 'receiver is gone'",
	"a heap of dead letters at once"},
    {NULL, NULL},
};

static const struct cli_option outbox_options[] = {
    {.name = "state",
	.type = CLI_TEXT,
	.value = "STATE",
	.help = "pending or dead (drop --all: dead, unless it says pending)",
	.choices = outbox_state_choices},
    {.name = "sink",
	.type = CLI_TEXT,
	.value = "SINK",
	.help = "only of this sink, as the list names it",
	.choices = outbox_sink_choices},
    {.name = "all",
	.type = CLI_FLAG,
	.help = "drop every row that --state and --sink leave; asks first"},
    {.name = "limit",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "at most so many rows (50)",
	.min = 1,
	.max = 100000},
    {.name = "after",
	.type = CLI_NUMBER,
	.value = "ROW",
	.help = "go on after this row (the next of the page before)"},
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

static const struct cli_argument outbox_arguments[] = {
    {.name = "ACTION",
	.help = "list (else), retry or drop",
	.optional = true,
	.choices = outbox_action_choices},
    {.name = "ROW",
	.help = "numbers that the list shows; retry without any: all "
		"dead ones",
	.optional = true,
	.repeated = true},
    {.name = NULL},
};

static const char outbox_details[] =
    "A result that cannot be pushed waits longer each time and becomes a dead "
    "letter; what comes after it goes on.  A retry makes it due at once.  A "
    "dropped one stays in the list of "
    "the dead, and may be tried again.";

#define OUTBOX_WORDS                                                        \
	.name = "outbox", .group = GROUP_LOOK,                              \
	.summary = "list results that wait to be pushed, and dead letters", \
	.examples = outbox_examples, .details = outbox_details,             \
	.options = outbox_options, .arguments = outbox_arguments

#endif
