#ifndef DSRUN_SOURCE_CSV_H
#define DSRUN_SOURCE_CSV_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#include "source/source_cells.h"

/*
 * Columns to fields.  A row of CSV (or the flags of one job) becomes the line
 * of JSON that says the same, so that both have the same rules, the same
 * identity and the same rejects.
 *
 * Names of columns are the names of fields, contact.NAME and data.NAME for
 * what stands in these objects (as text), or contact and data as a whole (as
 * JSON).  Other names need a map.  An empty value is a field not named.
 */

/* "Phone 1=phone"; to "" drops the column. */
struct source_map {
	char *from;
	char *to;
};

/*
 * Read the argument of --map.  ERR_USAGE when it is no FROM=TO or TO is no
 * field.  Released by source_map_fini.
 */
enum err_code source_map_parse(
    const char *text, struct source_map *out, struct err *err);
void source_map_fini(struct source_map *m);

struct source_csv {
	char *fields[SOURCE_COLUMNS_MAX]; /* of each column; "" = dropped */
	size_t count;
};

/*
 * Make sense of a header.  ERR_MALFORMED: a column that is unknown (with what
 * to give to --map), named twice, or missing; a map that names no column.
 * Release with fini, also after an error.
 */
enum err_code source_csv_header(struct source_csv *csv,
    const struct source_cells *header, const struct source_map *maps,
    size_t map_count, struct err *err);
void source_csv_fini(struct source_csv *csv);

/* Append the row as one line of JSON; ERR_MALFORMED: not as many values. */
enum err_code source_csv_row(const struct source_csv *csv,
    const struct source_cells *row, struct buf *line, struct err *err);

/*
 * The same for names and values from elsewhere (flags).  ERR_USAGE for a name
 * that is no field, or that stands twice.
 */
enum err_code source_csv_pairs(const char *const *names,
    const char *const *values, size_t count, struct buf *line, struct err *err);

#endif
