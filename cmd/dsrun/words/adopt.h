#ifndef DSRUN_CMD_WORDS_ADOPT_H
#define DSRUN_CMD_WORDS_ADOPT_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun adopt` says about itself; only cmd_adopt.c includes it. */

static const struct cli_example adopt_examples[] = {
    {"dsrun adopt --by ana",
	"after it was copied, or its lock files were lost"},
    {NULL, NULL},
};

static const struct cli_option adopt_options[] = {
    {.name = "by",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = NULL},
};

static const char adopt_details[] =
    "Only when no dsrun works on any other copy of it.";

#define ADOPT_WORDS                                                         \
	.name = "adopt", .group = GROUP_KEEP,                               \
	.summary = "make a directory that came from elsewhere usable here", \
	.examples = adopt_examples, .details = adopt_details,               \
	.options = adopt_options

#endif
