#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static __attribute__((noinline)) void
grow(struct buf *b, size_t more)
{
	size_t cap = b->cap < 64 ? 64 : b->cap;
	while (cap - b->len <= more)
		cap *= 2;
	b->bytes = mem_realloc(b->bytes, cap, 1);
	b->cap = cap;
}

static inline void
reserve(struct buf *b, size_t more)
{
	CHECK(more <= b->max - b->len);
	if (b->bytes == NULL || b->cap - b->len <= more)
		grow(b, more);
}

enum err_code
buf_try_put(struct buf *b, const void *bytes, size_t len, struct err *err)
{
	if (len > b->max - b->len)
		return err_set(
		    err, ERR_MALFORMED, 0, "more than %zu bytes", b->max);
	buf_put(b, bytes, len);
	return ERR_NONE;
}

void
buf_put(struct buf *b, const void *bytes, size_t len)
{
	reserve(b, len);
	if (len > 0)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
	b->bytes[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void
buf_putc(struct buf *b, char c)
{
	reserve(b, 1);
	b->bytes[b->len++] = c;
	b->bytes[b->len] = '\0';
}

void
buf_put_i64(struct buf *b, int64_t n)
{
	char text[20];
	size_t at = sizeof(text);
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (n < 0)
		text[--at] = '-';
	buf_put(b, text + at, sizeof(text) - at);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_list again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	CHECK(len >= 0);
	reserve(b, (size_t)len);
	(void)vsnprintf(b->bytes + b->len, (size_t)len + 1, fmt, again);
	va_end(again);
	b->len += (size_t)len;
}

const char *
buf_text(const struct buf *b)
{
	return b->bytes != NULL ? b->bytes : "";
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->bytes != NULL)
		b->bytes[0] = '\0';
}

void
buf_cut(struct buf *b, size_t len)
{
	CHECK(len <= b->len);
	b->len = len;
	if (b->bytes != NULL)
		b->bytes[len] = '\0';
}

void
buf_consume(struct buf *b, size_t n)
{
	CHECK(n <= b->len);
	if (n == 0)
		return;
	memmove(b->bytes, b->bytes + n, b->len - n + 1);
	b->len -= n;
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	mem_free(&b->bytes);
	b->len = 0;
	b->cap = 0;
}
