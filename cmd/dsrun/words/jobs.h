#ifndef DSRUN_CMD_WORDS_JOBS_H
#define DSRUN_CMD_WORDS_JOBS_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun jobs` says about itself; only cmd_jobs.c includes it. */

static const char *const jobs_state_choices[] = {"QUEUED", "READY", "HELD",
    "DONE", "FAILED", "EXPIRED", "CANCELLED", "PARKED", NULL};

static const struct cli_example jobs_examples[] = {
    {"dsrun jobs --newest", "what came last"},
    {"dsrun jobs --state FAILED", "what could not be called"},
    {"dsrun jobs --campaign 65a1 --limit 20", "of one campaign"},
    {"dsrun jobs --after clinics-020", "the next page"},
    {NULL, NULL},
};

static const struct cli_option jobs_options[] = {
    {.name = "state",
	.type = CLI_TEXT,
	.value = "STATE",
	.help = "only in this state",
	.choices = jobs_state_choices},
    {.name = "campaign",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "only of this campaign"},
    {.name = "newest",
	.type = CLI_FLAG,
	.help = "the newest first (else in the order they came)"},
    {.name = "limit",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "at most so many rows (50)",
	.min = 1,
	.max = 100000},
    {.name = "after",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "go on after this job (the next of the page before)"},
    {.name = "full",
	.type = CLI_FLAG,
	.help = "whole telephone numbers (--json has them always)"},
    {.name = NULL},
};

#define JOBS_WORDS                                                   \
	.name = "jobs", .group = GROUP_LOOK, .summary = "list jobs", \
	.examples = jobs_examples, .options = jobs_options

#endif
