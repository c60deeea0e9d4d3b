#ifndef DSRUN_BASE_BUF_H
#define DSRUN_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A growing run of bytes with a hard upper limit.  bytes[len] is always a
 * NUL, so that text needs no copy.  The owner calls buf_free; a zeroed struct
 * with max set is a valid empty buffer.
 */
struct buf {
	char *bytes; /* NULL until something was put in */
	size_t len;
	size_t cap;
	size_t max; /* bytes; more is ERR_MALFORMED from the buf_try_ calls */
};

#define BUF_INIT(max_) ((struct buf){NULL, 0, 0, (max_)})

/* For input of a size that others decide: refuses to pass max. */
enum err_code buf_try_put(
    struct buf *b, const void *bytes, size_t len, struct err *err);

/* For output whose size we decide: passing max is a bug (CHECK). */
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_put_i64(struct buf *b, int64_t n); /* as %lld */
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "" while empty. */
const char *buf_text(const struct buf *b);

/* Empty it, keeping the memory. */
void buf_clear(struct buf *b);

/* Take away what stands behind the first len bytes; len is at most b->len. */
void buf_cut(struct buf *b, size_t len);

/* Take the first n bytes away. */
void buf_consume(struct buf *b, size_t n);

/* Release; NULL-safe and repeatable; max stays. */
void buf_free(struct buf *b);

#endif
