#ifndef DSRUN_CMD_WORDS_SHOW_H
#define DSRUN_CMD_WORDS_SHOW_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun show` says about itself; only cmd_show.c includes it. */

static const struct cli_example show_examples[] = {
    {"dsrun show job-17", "by its id"},
    {"dsrun show file:job-17", "where two sources know the same id"},
    {"dsrun show '#17'", "by the journal's number"},
    {NULL, NULL},
};

static const struct cli_argument show_arguments[] = {
    {.name = "JOB",
	.help = "its id, source:id where two sources know it, or the "
		"journal's number as #17"},
    {.name = NULL},
};

#define SHOW_WORDS                                                             \
	.name = "show", .group = GROUP_LOOK,                                   \
	.summary = "show one job, its attempts and events, with the evidence", \
	.examples = show_examples, .arguments = show_arguments

#endif
