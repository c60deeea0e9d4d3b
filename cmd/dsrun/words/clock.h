#ifndef DSRUN_CMD_WORDS_CLOCK_H
#define DSRUN_CMD_WORDS_CLOCK_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun clock` says about itself; only cmd_clock.c includes it. */

static const char *const clock_accept_choices[] = {"accept", NULL};

static const struct cli_example clock_examples[] = {
    {"dsrun clock", "what speaks for and against it"},
    {"dsrun clock accept --by ana", "it is right as it stands now"},
    {NULL, NULL},
};

static const struct cli_option clock_options[] = {
    {.name = "by",
	.type = CLI_TEXT,
	.value = "NAME",
	.help = "who says so (else your user name); kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = NULL},
};

static const struct cli_argument clock_arguments[] = {
    {.name = "accept",
	.help = "the clock is right",
	.optional = true,
	.choices = clock_accept_choices},
    {.name = NULL},
};

static const char clock_details[] =
    "A clock that jumped stops dialling, expiring and "
    "pruning until a person accepts it.";

#define CLOCK_WORDS                                                        \
	.name = "clock", .group = GROUP_DECIDE,                            \
	.summary = "show whether the wall clock is trusted, or accept it", \
	.examples = clock_examples, .details = clock_details,              \
	.options = clock_options, .arguments = clock_arguments

#endif
