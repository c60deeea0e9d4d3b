#ifndef DSRUN_CONF_PROBLEM_H
#define DSRUN_CONF_PROBLEM_H

#include <stddef.h>

#include "base/buf.h"

/*
 * What is wrong with files that people write, collected so that they see
 * everything at once.  A zeroed list is empty; its owner calls
 * conf_problems_fini, or takes items away as conf_load does.
 */
struct conf_problem {
	char *file; /* or "environment", "command line" */
	int line;   /* 0 = none */
	char *key;
	char *text; /* what was expected, and what to do */
};

/* More are counted in the last one only: a wrong file may hold thousands. */
#define CONF_PROBLEMS_MAX 200

struct conf_problems {
	struct conf_problem *items;
	size_t count;
	size_t dropped;
};

/* file and key are copied; key may be "". */
void conf_problems_add(struct conf_problems *list, const char *file, int line,
    const char *key, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* By file, then line; what was added first stays first. */
void conf_problems_sort(struct conf_problems *list);
void conf_problems_fini(struct conf_problems *list);

/* "dsrun.yaml:12: limits.queue: expected ...", one a line; appended. */
void conf_problems_print(
    struct buf *out, const struct conf_problem *problems, size_t count);

/* Release what conf_load gave; NULL-safe. */
void conf_problems_free(struct conf_problem **problems, size_t count);

#endif
