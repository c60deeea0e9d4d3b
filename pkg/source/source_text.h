#ifndef DSRUN_SOURCE_TEXT_H
#define DSRUN_SOURCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

/*
 * A stream of text that may be any size and any bytes, held to a limit a
 * line: at most max_bytes + 64 kB of it are in memory.  The lines of JSONL
 * are read here; CSV looks at the window itself.
 *
 * A byte order mark at the beginning is passed over.
 */

/* Up to len bytes; *got 0 is the end.  For what is no file: stdin. */
typedef enum err_code (*source_read_fn)(
    void *arg, void *bytes, size_t len, size_t *got, struct err *err);

struct source_text {
	/* set by the caller; env and path, or read and arg */
	struct env *env;
	const char *path; /* borrowed */
	source_read_fn read;
	void *arg;
	size_t max_bytes; /* of a line, without its end */
	/* private */
	struct env_file *file;
	int64_t offset;
	struct buf window;
	size_t start; /* of what is unread in window */
	int64_t line; /* number of the line that begins at start */
	bool ended;   /* nothing is left to read */
	bool skip;    /* the line at start was LONG */
};

enum source_text_got {
	SOURCE_TEXT_LINE,
	SOURCE_TEXT_LONG, /* more than max_bytes: passed over whole */
	SOURCE_TEXT_END
};

/* ERR_NOT_FOUND, ERR_IO; ERR_MALFORMED for UTF-16. */
enum err_code source_text_open(struct source_text *t, struct err *err);
void source_text_close(struct source_text *t); /* repeatable */

/*
 * The next line without LF or CRLF; of a LONG one only its first bytes.  The
 * bytes live until the next call.  *line is its number, from 1.
 */
enum err_code source_text_line(struct source_text *t, enum source_text_got *got,
    const char **bytes, size_t *len, int64_t *line, struct err *err);

/*
 * For readers of records.  peek: at least want unread bytes in the window,
 * or all there are (*len says).  take: go on after n of them.
 */
enum err_code source_text_peek(struct source_text *t, size_t want,
    const char **bytes, size_t *len, struct err *err);
void source_text_take(struct source_text *t, size_t n);

/* Pass over everything up to and with the next LF. */
enum err_code source_text_skip(struct source_text *t, struct err *err);

#endif
