#ifndef DSRUN_CMD_WORDS_SEED_H
#define DSRUN_CMD_WORDS_SEED_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun seed` says about itself; only cmd_seed.c includes it. */

static const char *const seed_aliases[] = {"seed-queue", NULL};

static const struct cli_example seed_examples[] = {
    {"dsrun seed", "one job of a made-up person"},
    {"dsrun seed 65a1 --step 2", "of a campaign"},
    {"dsrun seed --count 50", "many"},
    {"dsrun seed-queue --campaign-id 65a1 --step 2 --final",
	"into the queue of bull.queue, as a producer would"},
    {NULL, NULL},
};

static const struct cli_option seed_options[] = {
    {.name = "campaign-id",
	.type = CLI_TEXT,
	.value = "ID",
	.help = "the same as campaignId"},
    {.name = "step",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "the step of its campaign",
	.min = 0,
	.max = 1000000},
    {.name = "final",
	.type = CLI_FLAG,
	.help = "the last step of its campaign"},
    {.name = "count",
	.type = CLI_NUMBER,
	.value = "N",
	.help = "so many jobs",
	.min = 1,
	.max = 100000},
    {.name = "queue",
	.type = CLI_FLAG,
	.help = "into the queue that jobs come from, not into the journal"},
    {.name = "kind",
	.type = CLI_TEXT,
	.value = "KIND",
	.help = "a file in jobs/ (else default_kind)"},
    {.name = NULL},
};

static const struct cli_argument seed_arguments[] = {
    {.name = "campaignId", .help = "their campaign", .optional = true},
    {.name = NULL},
};

static const char seed_details[] =
    "The people are made up; their numbers belong to the "
    "range that is kept for fiction (555-01xx).  Called seed-queue "
    "it means --queue, when bull.queue is set.";

#define SEED_WORDS                                                     \
	.name = "seed", .aliases = seed_aliases, .group = GROUP_CALLS, \
	.summary = "add test jobs", .examples = seed_examples,         \
	.details = seed_details, .options = seed_options,              \
	.arguments = seed_arguments

#endif
