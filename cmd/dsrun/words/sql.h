#ifndef DSRUN_CMD_WORDS_SQL_H
#define DSRUN_CMD_WORDS_SQL_H

#include "../cli.h"
#include "../commands.h"

/* What `dsrun sql` says about itself; only cmd_sql.c includes it. */

static const struct cli_example sql_examples[] = {
    {"dsrun sql 'SELECT state, count(*) FROM job GROUP BY "
     "state'",
	"read only"},
    {"dsrun sql < query.sql", "from a file"},
    {"dsrun sql", "on a terminal: statement by statement"},
    {NULL, NULL},
};

static const struct cli_option sql_options[] = {
    {.name = "write", .type = CLI_FLAG, .help = "allow changes; asks first"},
    {.name = NULL},
};

static const struct cli_argument sql_arguments[] = {
    {.name = "QUERY",
	.help = "one or more statements; absent: standard input",
	.optional = true},
    {.name = NULL},
};

static const char sql_details[] =
    "Use this and no other copy of SQLite while dsrun runs: closing the file "
    "elsewhere in a process drops its locks.  With --write all statements are "
    "one transaction, whole or not at all; what does not agree with the events "
    "is found by dsrun check.";

#define SQL_WORDS                                                      \
	.name = "sql", .group = GROUP_KEEP,                            \
	.summary = "ask the journal in SQL", .examples = sql_examples, \
	.details = sql_details, .options = sql_options,                \
	.arguments = sql_arguments

#endif
