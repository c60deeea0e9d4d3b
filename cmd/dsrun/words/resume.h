#ifndef DSRUN_CMD_WORDS_RESUME_H
#define DSRUN_CMD_WORDS_RESUME_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun resume` says about itself; only cmd_resume.c includes it. */

static const struct cli_example resume_examples[] = {
    {"dsrun resume --reason 'script corrected'", "the general one"},
    {"dsrun resume --campaign 65a1 --reason 'client agrees'",
	"of one campaign"},
    {NULL, NULL},
};

static const struct cli_option resume_options[] = {
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

#define RESUME_WORDS                                                 \
	.name = "resume", .group = GROUP_DECIDE,                     \
	.summary = "take a pause back", .examples = resume_examples, \
	.options = resume_options

#endif
