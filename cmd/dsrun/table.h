#ifndef DSRUN_CMD_TABLE_H
#define DSRUN_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "term.h"

/*
 * Rows with aligned columns on standard output.
 *
 * On a terminal the widest columns that may shrink are cut ("…") until a row
 * fits; off a terminal nothing is ever cut, so that grep and awk see it all.
 * Cells are copied; control bytes are made visible.
 */

struct table_column {
	const char *head; /* NULL ends a list */
	bool right;       /* numbers */
	bool shrinks;     /* may be cut to fit, down to 8 columns */
};

struct table;

/* columns must outlive the table. */
struct table *table_new(const struct table_column *columns);
void table_free(struct table **t); /* NULL-safe */

/* The next cell, row by row; NULL is "-". */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The next cell, in colour. */
void table_paint(struct table *t, enum term_paint paint, const char *text);

/* Only whole rows are printed; heads too, unless there is no row. */
void table_print(const struct table *t, const struct term *term);

#endif
