#ifndef DSRUN_CMD_TERM_H
#define DSRUN_CMD_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/*
 * What a person sees: standard output for what was asked for, standard error
 * for everything said about it.
 *
 * Colour is decided for each stream by itself: a terminal, no NO_COLOR (when
 * not empty), TERM not "dumb"; --no-color and --color overrule both.  Whatever
 * came from outside (names, numbers, a peer's error) is printed with its
 * control bytes made visible, so that no job can move a cursor or change a
 * title.  Texts of our own use term_paint.
 */

enum term_paint {
	TERM_PLAIN,
	TERM_BOLD,
	TERM_DIM,
	TERM_RED,
	TERM_GREEN,
	TERM_YELLOW,
	TERM_ORANGE
};

enum term_color {
	TERM_COLOR_AUTO,
	TERM_COLOR_ON,
	TERM_COLOR_OFF
};

struct term {
	FILE *out;
	FILE *err;
	bool out_tty, err_tty;
	bool out_color, err_color;
	bool in_tty;
	bool rich;   /* 256 colours */
	int columns; /* of the terminal; 80 when it does not say */
};

void term_init(struct term *t, enum term_color color);

/* Escape sequences for stream f, "" when it has no colour. */
const char *term_on(const struct term *t, const FILE *f, enum term_paint paint);
const char *term_off(const struct term *t, const FILE *f);

/* Print with control bytes made visible; a newline stays. */
void term_clean(FILE *f, const char *text);
/* The same, appended, and newlines too become visible. */
void term_clean_buf(struct buf *out, const char *text);

/* Columns that text takes: wide letters two, combining ones none. */
size_t term_width(const char *text);
/* Bytes of the longest beginning of text that fits into columns. */
size_t term_fit(const char *text, size_t columns);

#endif
