#ifndef DSRUN_RULES_AREA_H
#define DSRUN_RULES_AREA_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * In which time zones may a number lie?  A table, read from a CSV file
 * (rules/nanp_zones.csv) with its version and source in comment lines.
 *
 * A prefix is a hint only: people keep their number when they move.  A number
 * that the table does not know has no zone, and who asks must not dial.  A
 * table does not change once it is read: any thread may look.
 */

#define RULES_AREA_ZONES_MAX 8
#define RULES_AREA_BYTES_MAX 1048576
#define RULES_AREA_ROWS_MAX 10000

struct rules_areas;

struct rules_area {
	int64_t prefix; /* first digits of the number: 1512 for +1512 */
	size_t count;   /* at least 1 */
	const char *zone[RULES_AREA_ZONES_MAX];
};

/*
 * Release with rules_area_free.  ERR_CONFIG names file and line, and what was
 * expected: a missing table must not look like one that knows no number.
 */
enum err_code rules_area_load(struct env *env, const char *path,
    struct rules_areas **out, struct err *err);
void rules_area_free(struct rules_areas **a);

/* The row with the longest prefix of number; NULL = unknown. */
const struct rules_area *rules_area_find(
    const struct rules_areas *a, int64_t number);

/* As the file's "# version:" line says; belongs to the table. */
const char *rules_area_version(const struct rules_areas *a);
size_t rules_area_count(const struct rules_areas *a);

#endif
