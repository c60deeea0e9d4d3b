#ifndef DSRUN_CMD_PROGRESS_H
#define DSRUN_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "term.h"

/*
 * One line on standard error that tells how far a run is:
 *
 *   calls [#########.........] 96/200  48%  12 live  8.1/s  eta 13s
 *
 * Redrawn in place, at most ten times a second.  Off a terminal (or made
 * quiet) nothing is ever printed.  Whoever prints something else on standard
 * error calls progress_clear first; the next update draws the line again.
 */

struct progress {
	const struct term *term;
	const char *what; /* "calls" */
	bool on;
	bool drawn;
	int64_t first_ms;
	int64_t last_ms;
	int64_t first_done;
};

struct progress_state {
	int64_t done;
	int64_t total; /* 0: not known */
	int64_t live;  /* -1: says nothing */
};

/* term and what are borrowed. */
void progress_init(
    struct progress *p, const struct term *term, const char *what, bool quiet);

/* real_ms: a clock of real time that never goes back. */
void progress_update(
    struct progress *p, const struct progress_state *s, int64_t real_ms);

/* Wipe the line, also at the end. */
void progress_clear(struct progress *p);

/* The line itself, for a terminal of that many columns. */
void progress_line(const struct progress *p, const struct progress_state *s,
    int64_t real_ms, int columns, char *out, size_t size);

#endif
