#ifndef DSRUN_CMD_WORDS_INCARNATION_H
#define DSRUN_CMD_WORDS_INCARNATION_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun incarnation` says about itself; only cmd_incarnation.c includes
 * it. */

static const char *const incarnation_accept_choices[] = {"accept", NULL};

static const struct cli_example incarnation_examples[] = {
    {"dsrun incarnation", "since when, and what is still asked of carriers"},
    {"dsrun incarnation accept --by ana", "dial without asking first again"},
    {NULL, NULL},
};

static const struct cli_option incarnation_options[] = {
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

static const struct cli_argument incarnation_arguments[] = {
    {.name = "accept",
	.help = "go on as before the restore",
	.optional = true,
	.choices = incarnation_accept_choices},
    {.name = NULL},
};

static const char incarnation_details[] =
    "After restore and adopt every call is preceded by a "
    "lookup, until a person accepts: when a drain has gone "
    "through what was there.  Asks while jobs still wait, "
    "for they would be called unasked.";

#define INCARNATION_WORDS                                                      \
	.name = "incarnation", .group = GROUP_DECIDE,                          \
	.summary = "show the journal's incarnation, or accept a restored one", \
	.examples = incarnation_examples, .details = incarnation_details,      \
	.options = incarnation_options, .arguments = incarnation_arguments

#endif
