#ifndef DSRUN_CMD_WORDS_BACKUP_H
#define DSRUN_CMD_WORDS_BACKUP_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun backup` says about itself; only cmd_backup.c includes it. */

static const struct cli_example backup_examples[] = {
    {"dsrun backup /mnt/backup/dsrun-2026-01-05.db",
	"to another disk, verified"},
    {NULL, NULL},
};

static const struct cli_argument backup_arguments[] = {
    {.name = "FILE", .help = "where to; it must not exist", .is_file = true},
    {.name = NULL},
};

static const char backup_details[] =
    "The copy is complete in itself.  Recordings are files "
    "of their own: copy recordings/ and out/ with any tool.";

#define BACKUP_WORDS                                            \
	.name = "backup", .group = GROUP_KEEP,                  \
	.summary = "copy the journal while it is in use",       \
	.examples = backup_examples, .details = backup_details, \
	.arguments = backup_arguments

#endif
