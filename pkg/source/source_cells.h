#ifndef DSRUN_SOURCE_CELLS_H
#define DSRUN_SOURCE_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include "source/source_text.h"

/*
 * One record of CSV after another (RFC 4180: commas, quotes doubled within
 * quotes, line ends within quotes, CRLF or LF).  What RFC 4180 does not allow
 * is refused, not guessed at: a wrong guess may shift a row and dial another
 * number.
 *
 * A record that is not well formed costs its first line only; reading goes on
 * with the next one, so that a quote never closed does not swallow the file.
 */

#define SOURCE_COLUMNS_MAX 256

struct source_cells {
	struct buf text;               /* the values, each ended by NUL */
	size_t at[SOURCE_COLUMNS_MAX]; /* where each begins in text */
	size_t count;
	int64_t line;   /* where the record begins */
	struct buf raw; /* the record as it stood; of BAD: its first line */
};

enum source_cells_got {
	SOURCE_CELLS_ROW,
	SOURCE_CELLS_BAD, /* *why says what is wrong with it */
	SOURCE_CELLS_END
};

/* Zeroed memory is valid.  Release with fini; repeatable. */
void source_cells_fini(struct source_cells *c);

/*
 * The next record that is not blank (a line without any value is).  An error
 * is the stream's, and reading cannot go on.
 */
enum err_code source_cells_next(struct source_text *t, struct source_cells *c,
    enum source_cells_got *got, struct err *why, struct err *err);

/* Value number i; lives until the next record. */
const char *source_cells_text(const struct source_cells *c, size_t i);

#endif
