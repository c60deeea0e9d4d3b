#ifndef DSRUN_CMD_WORDS_WHY_H
#define DSRUN_CMD_WORDS_WHY_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun why` says about itself; only cmd_why.c includes it. */

static const struct cli_example why_examples[] = {
    {"dsrun why job-17", "each rule, its verdict and its data"},
    {NULL, NULL},
};

static const struct cli_argument why_arguments[] = {
    {.name = "JOB",
	.help = "its id, source:id where two sources know it, or the "
		"journal's number as #17"},
    {.name = NULL},
};

#define WHY_WORDS                                           \
	.name = "why", .group = GROUP_LOOK,                 \
	.summary = "say why a job is not being called now", \
	.examples = why_examples, .arguments = why_arguments

#endif
