#ifndef DSRUN_CMD_WORDS_RESTORE_H
#define DSRUN_CMD_WORDS_RESTORE_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun restore` says about itself; only cmd_restore.c includes it. */

static const struct cli_example restore_examples[] = {
    {"dsrun restore /mnt/backup/dsrun-2026-01-05.db --by ana", "asks first"},
    {NULL, NULL},
};

static const struct cli_option restore_options[] = {
    {.name = "by",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "NAME",
	.help = "who says so; kept in the journal"},
    {.name = "reason",
	.type = CLI_TEXT,
	.value = "TEXT",
	.help = "why; kept in the journal"},
    {.name = NULL},
};

static const struct cli_argument restore_arguments[] = {
    {.name = "FILE", .help = "a file that dsrun backup made", .is_file = true},
    {.name = NULL},
};

static const char restore_details[] =
    "The backup is verified before anything is replaced, "
    "and what is replaced is kept in archive/.  Its "
    "do-not-call list and pauses are added to the backup's, "
    "as far as they can be read.  Calls made "
    "since the backup are not forgotten: until `dsrun "
    "incarnation accept` every call is preceded by a lookup"
    " at its carrier.";

#define RESTORE_WORDS                                             \
	.name = "restore", .group = GROUP_KEEP,                   \
	.summary = "put a backup in the journal's place",         \
	.examples = restore_examples, .details = restore_details, \
	.options = restore_options, .arguments = restore_arguments

#endif
