#ifndef DSRUN_CMD_SEED_PEOPLE_H
#define DSRUN_CMD_SEED_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * People who do not exist, for tests: names that the recorded voices can say,
 * and numbers of the range that is kept for fiction (555-0100 to 555-0199 of
 * an area code).
 */

struct seed_run {
	uint64_t random;   /* what the people are drawn from */
	const char *label; /* begins every id: "seed-3fa8" */
	const char *kind;  /* or NULL */
	const char *campaign;
	int64_t step;
	bool is_final;
};

/* The n-th of them, from 0, appended as one line of JSON and a newline. */
void seed_person(const struct seed_run *run, int64_t n, struct buf *out);

/* So many numbers are there; the next one begins anew. */
int64_t seed_numbers(void);

#endif
