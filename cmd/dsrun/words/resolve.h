#ifndef DSRUN_CMD_WORDS_RESOLVE_H
#define DSRUN_CMD_WORDS_RESOLVE_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun resolve` says about itself; only cmd_resolve.c includes it. */

static const char *const resolve_as_choices[] = {
    "placed", "absent", "drop", NULL};

static const struct cli_example resolve_examples[] = {
    {"dsrun resolve job-17 --as absent --by ana --reason "
     "'not in their list'",
	"it never rang: a new attempt is allowed"},
    {"dsrun resolve job-17 --as placed --by ana --reason "
     "'callee confirmed'",
	"it rang: it counts as a try"},
    {"dsrun resolve job-17 --as drop --by ana --reason "
     "'campaign is over'",
	"forget it"},
    {"dsrun resolve --all --cause restored --as drop --by ana --reason "
     "'called by hand'",
	"a heap of them at once"},
    {NULL, NULL},
};

static const struct cli_option resolve_options[] = {
    {.name = "as",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "WHAT",
	.help = "placed, absent or drop",
	.choices = resolve_as_choices},
    {.name = "by",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = "all",
	.type = CLI_FLAG,
	.help = "every parked job, or those that the next two leave; asks "
		"first"},
    {.name = "campaign",
	.type = CLI_TEXT,
	.value = "C",
	.help = "with --all: only of this campaign"},
    {.name = "cause",
	.type = CLI_TEXT,
	.value = "WORD",
	.help = "with --all: only what was parked for it (`reason` in dsrun "
		"parked --json)"},
    {.name = NULL},
};

static const struct cli_argument resolve_arguments[] = {
    {.name = "JOB",
	.help = "its id, source:id where two sources know it, or the "
		"journal's number as #17",
	.optional = true,
	.repeated = true},
    {.name = NULL},
};

static const char resolve_details[] =
    "placed counts as a try and goes on by the ladder's row `unknown`; absent "
    "lets it be called again now; drop cancels the job.  Evidence that came "
    "meanwhile beats your word.  An attempt that a run still owns is refused "
    "with exit code 11.";

#define RESOLVE_WORDS                                             \
	.name = "resolve", .group = GROUP_DECIDE,                 \
	.summary = "decide what became of a parked attempt",      \
	.examples = resolve_examples, .details = resolve_details, \
	.options = resolve_options, .arguments = resolve_arguments

#endif
