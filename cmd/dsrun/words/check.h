#ifndef DSRUN_CMD_WORDS_CHECK_H
#define DSRUN_CMD_WORDS_CHECK_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun check` says about itself; only cmd_check.c includes it. */

static const struct cli_example check_examples[] = {
    {"dsrun check", "the journal in use"},
    {"dsrun check backup.db", "a backup"},
    {"dsrun check --json", "for programs"},
    {NULL, NULL},
};

static const struct cli_argument check_arguments[] = {
    {.name = "BACKUP",
	.help = "a file that dsrun backup made; absent: the journal",
	.optional = true,
	.is_file = true},
    {.name = NULL},
};

static const char check_details[] =
    "Every state is computed again from its events, every "
    "chain and seal verified, and the invariants are "
    "compared with the network's own log; recordings, "
    "transcripts and talk files are hashed again.  Exit "
    "code 12 when anything is not as it must be; one that "
    "is no longer there is only listed.";

#define CHECK_WORDS                                                       \
	.name = "check", .group = GROUP_KEEP,                             \
	.summary =                                                        \
	    "prove that the journal is whole and every promise was kept", \
	.examples = check_examples, .details = check_details,             \
	.arguments = check_arguments

#endif
