#ifndef DSRUN_CMD_SQL_OUT_H
#define DSRUN_CMD_SQL_OUT_H

#include "ctx.h"
#include "journal/journal_read.h"
#include "table.h"

/*
 * What SQL answers, as tables or as one document.
 *
 * Tables of a reading run are printed as they fill, so that a large answer
 * takes no large memory; those of a writing run when it is on disk, because
 * it may have to be run twice.
 */

struct sql_out {
	struct ctx *ctx;
	bool hold; /* print nothing before the end */
	struct ctx_document doc;
	bool in_result; /* the document has an open list of rows */
	struct table *table;
	struct table_column *columns;
	int column_count;
	int64_t rows; /* in table */
	struct sql_held {
		struct table *table;
		struct table_column *columns;
		int column_count;
		int64_t changed; /* of a statement without columns */
	} * held;
	size_t held_count;
};

void sql_out_init(struct sql_out *o, struct ctx *ctx, bool hold);
/* For journal_sql; o must outlive it. */
struct journal_sql sql_out_options(struct sql_out *o);
/* ok false: forget what was not printed yet. */
void sql_out_end(struct sql_out *o, bool ok);

#endif
