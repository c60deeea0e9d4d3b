#ifndef DSRUN_CMD_WORDS_INIT_H
#define DSRUN_CMD_WORDS_INIT_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun init` says about itself; only cmd_init.c includes it. */

static const struct cli_example init_examples[] = {
    {"dsrun init", "in the directory that dsrun config names"},
    {"dsrun init --dir /var/lib/dsrun", "somewhere else"},
    {NULL, NULL},
};

static const char init_details[] =
    "A journal that is there already is left alone.";

#define INIT_WORDS                                                            \
	.name = "init", .group = GROUP_KEEP, .summary = "create the journal", \
	.examples = init_examples, .details = init_details

#endif
