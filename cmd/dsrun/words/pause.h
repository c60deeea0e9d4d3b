#ifndef DSRUN_CMD_WORDS_PAUSE_H
#define DSRUN_CMD_WORDS_PAUSE_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun pause` says about itself; only cmd_pause.c includes it. */

static const struct cli_example pause_examples[] = {
    {"dsrun pause --reason 'script is wrong'", "at all"},
    {"dsrun pause --campaign 65a1 --reason 'asked by client'",
	"of one campaign"},
    {NULL, NULL},
};

static const struct cli_option pause_options[] = {
    {.name = "campaign",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "only of this campaign"},
    {.name = "reason",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so (else your user name); kept in the journal"},
    {.name = NULL},
};

static const char pause_details[] =
    "Live calls go on.  It holds across runs and crashes "
    "until `dsrun resume`.";

#define PAUSE_WORDS                                                 \
	.name = "pause", .group = GROUP_DECIDE,                     \
	.summary = "begin no new call", .examples = pause_examples, \
	.details = pause_details, .options = pause_options

#endif
