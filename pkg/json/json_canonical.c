#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "json/json_write.h"

#include "json_priv.h"

/* The first UTF-16 code unit of a code point. */
static uint32_t
first_unit(uint32_t point)
{
	return point >= 0x10000 ? 0xd7c0 + (point >> 10) : point;
}

/*
 * UTF-16 order of two UTF-8 texts.  It differs from the order of the bytes
 * only where a character beyond U+FFFF (units from D800 on) meets one from
 * U+E000 to U+FFFF.
 */
static int
compare_utf16(const char *a, const char *b)
{
	size_t left_a = strlen(a);
	size_t left_b = strlen(b);

	while (left_a > 0 && left_b > 0) {
		uint32_t x = 0;
		uint32_t y = 0;
		size_t n = json_utf8(a, left_a, &x);
		size_t m = json_utf8(b, left_b, &y);

		if (first_unit(x) != first_unit(y))
			return first_unit(x) < first_unit(y) ? -1 : 1;
		if (x != y)
			return x < y ? -1 : 1;
		a += n;
		b += m;
		left_a -= n;
		left_b -= m;
	}
	return (left_a > 0) - (left_b > 0);
}

static int
by_key(const void *a, const void *b)
{
	const struct json *const *x = a;
	const struct json *const *y = b;

	return compare_utf16(json_key(*x), json_key(*y));
}

static void
object(const struct json *j, struct buf *out)
{
	size_t count = json_count(j);
	const struct json **sorted =
	    mem_zalloc(count, sizeof(const struct json *));

	for (size_t i = 0; i < count; i++)
		sorted[i] = json_at(j, i);
	qsort(sorted, count, sizeof(*sorted), by_key);
	buf_putc(out, '{');
	for (size_t i = 0; i < count; i++) {
		const char *key = json_key(sorted[i]);

		if (i > 0)
			buf_putc(out, ',');
		json_quote(out, key, strlen(key));
		buf_putc(out, ':');
		json_canonical(sorted[i], out);
	}
	buf_putc(out, '}');
	mem_free(&sorted);
}

static void
array(const struct json *j, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < json_count(j); i++) {
		if (i > 0)
			buf_putc(out, ',');
		json_canonical(json_at(j, i), out);
	}
	buf_putc(out, ']');
}

/* Recursive; json_parse bounded the depth. */
void
json_canonical(const struct json *j, struct buf *out)
{
	enum json_kind kind = json_kind(j);

	if (kind == JSON_OBJECT) {
		object(j, out);
	} else if (kind == JSON_ARRAY) {
		array(j, out);
	} else {
		struct json_writer w = JSON_WRITER_INIT(out);

		json_write_value(&w, j);
	}
}
