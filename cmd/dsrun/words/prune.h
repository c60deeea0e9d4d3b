#ifndef DSRUN_CMD_WORDS_PRUNE_H
#define DSRUN_CMD_WORDS_PRUNE_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun prune` says about itself; only cmd_prune.c includes it. */

static const struct cli_example prune_examples[] = {
    {"dsrun prune --older-than 90d",
	"asks nothing: the archive is verified first"},
    {"dsrun prune --older-than 90d --dry-run", "how much it would be"},
    {NULL, NULL},
};

static const struct cli_option prune_options[] = {
    {.name = "older-than",
	.type = CLI_DURATION,
	.flags = CLI_REQUIRED,
	.value = "D",
	.help = "finished before that"},
    {.name = "dry-run", .letter = 'n', .type = CLI_FLAG, .help = "only count"},
    {.name = NULL},
};

static const char prune_details[] =
    "Events, attempts and personal data of finished jobs go"
    " to a file in archive/.  The job's row stays: an "
    "identity is never forgotten.  A job whose result "
    "is a dead letter stays whole until that is pushed "
    "or dropped.";

#define PRUNE_WORDS                                           \
	.name = "prune", .group = GROUP_KEEP,                 \
	.summary = "archive and remove what is long over",    \
	.examples = prune_examples, .details = prune_details, \
	.options = prune_options

#endif
