#ifndef DSRUN_CMD_EXIT_H
#define DSRUN_CMD_EXIT_H

#include <stddef.h>

#include "base/err.h"

/*
 * The exit codes of all commands: the one table that scripts hold on to.
 * Only ever added to.  `dsrun help exit-codes` prints it.
 */

/* name, number, what it says, what to do */
#define EXIT_CODES(X)                                                      \
	X(EXIT_DONE, 0, "done, or nothing to do", "")                      \
	X(EXIT_ERROR, 1, "error", "read the message")                      \
	X(EXIT_USAGE, 2, "wrong use", "see `dsrun help COMMAND`")          \
	X(EXIT_PARTIAL, 3,                                                 \
	    "some jobs FAILED or lines were refused, the rest is done",    \
	    "see `dsrun jobs --state FAILED` or the rejects file")         \
	X(EXIT_PERSON, 4,                                                  \
	    "a person is needed (parked jobs, clock, new incarnation)",    \
	    "see `dsrun status`")                                          \
	X(EXIT_TEMPORARY, 5, "temporary trouble", "cron may try again")    \
	X(EXIT_EMPTY, 6, "nothing to do (with --exit-empty only)", "")     \
	X(EXIT_HELD, 11, "another run holds what this needs",              \
	    "wait for it, or stop the process named")                      \
	X(EXIT_DAMAGED, 12, "the journal is damaged or went back in time", \
	    "see `dsrun check`; nothing is dialled until then")            \
	X(EXIT_CONFIG, 78,                                                 \
	    "configuration, or a journal written by a newer dsrun",        \
	    "see `dsrun config check`")

#define X(name, number, text, advice) name = number,
enum exit_status {
	EXIT_CODES(X)
};
#undef X

/* What a failed command ends with. */
enum exit_status exit_of_err(enum err_code code);

/* Which of two to end with, where both hold: 12, 78, 11, 1, 4, 3, 5. */
enum exit_status exit_worse(enum exit_status a, enum exit_status b);

struct exit_row {
	enum exit_status status;
	const char *name; /* "EXIT_PARTIAL" */
	const char *text;
	const char *advice; /* "" = none */
};

/* In order of their numbers. */
const struct exit_row *exit_rows(size_t *count);

#endif
