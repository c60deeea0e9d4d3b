#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "json/json_write.h"

#include "json_priv.h"

size_t
json_utf8(const char *text, size_t len, uint32_t *point)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} shapes[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800},
	    {0xf8, 0xf0, 0x10000}};
	const uint8_t *p = (const uint8_t *)text;

	for (size_t n = 0; len > 0 && n < ARRAY_LEN(shapes); n++) {
		if ((p[0] & shapes[n].mask) != shapes[n].lead)
			continue;
		if (n >= len)
			return 0;
		uint32_t c = p[0] & (uint8_t)~shapes[n].mask;

		for (size_t i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < shapes[n].least || c > 0x10ffff ||
		    (c >= 0xd800 && c <= 0xdfff))
			return 0;
		*point = c;
		return n + 1;
	}
	return 0;
}

static void
escape(struct buf *out, unsigned char c)
{
	static const char letters[] = {['\b'] = 'b',
	    ['\t'] = 't',
	    ['\n'] = 'n',
	    ['\f'] = 'f',
	    ['\r'] = 'r'};

	if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else if (c < sizeof(letters) && letters[c] != '\0')
		buf_printf(out, "\\%c", letters[c]);
	else
		buf_printf(out, "\\u%04x", c);
}

void
json_quote(struct buf *out, const char *text, size_t len)
{
	size_t plain = 0; /* start of what can be copied as it is */
	size_t at = 0;

	buf_putc(out, '"');
	while (at < len) {
		unsigned char c = (unsigned char)text[at];
		uint32_t point;

		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
			at++;
			continue;
		}
		size_t n = json_utf8(text + at, len - at, &point);

		if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
			at += n;
			continue;
		}
		buf_put(out, text + plain, at - plain);
		if (n == 0 || c == '\0')
			buf_puts(out, "\xef\xbf\xbd");
		else
			escape(out, c);
		plain = ++at;
	}
	buf_put(out, text + plain, at - plain);
	buf_putc(out, '"');
}

/*
 * The shortest digits that read back as v > 0, and the exponent of the first.
 *
 * %.*e gives the nearest decimal of that length.  Below a power of two
 * doubles lie closer together than above it, so that there the nearest may
 * belong to the neighbour below while the next one up reads back right.
 */
static size_t
shortest(double v, char digits[20], int *exponent)
{
	for (int precision = 0; precision < 17; precision++) {
		char text[40];
		long long whole = 0;

		(void)snprintf(text, sizeof(text), "%.*e", precision, v);
		for (const char *p = text; *p != 'e'; p++)
			if (*p != '.')
				whole = whole * 10 + (*p - '0');
		*exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
		for (long long step = 0; step <= 1; step++) {
			(void)snprintf(text, sizeof(text), "%llde%d",
			    whole + step, *exponent - precision);
			if (strtod(text, NULL) != v)
				continue;
			int n = snprintf(digits, 20, "%lld", whole + step);

			*exponent += n - 1 - precision; /* 99 + 1 = 100 */
			while (n > 1 && digits[n - 1] == '0')
				digits[--n] = '\0';
			return (size_t)n;
		}
	}
	check_failed(__FILE__, __LINE__, "17 digits read back");
}

/* ECMA-262 Number::toString: k digits, value = 0.digits x 10^n. */
const char *
json_number_text(double value, char out[JSON_NUMBER_MAX])
{
	struct buf b = BUF_INIT(JSON_NUMBER_MAX - 1);
	char digits[20];
	int exponent = 0;

	CHECK(isfinite(value));
	if (value == 0)
		return strcpy(out, "0");

	int k = (int)shortest(fabs(value), digits, &exponent);
	int n = exponent + 1;

	if (value < 0)
		buf_putc(&b, '-');
	if (n > 21 || n < -5) {
		buf_putc(&b, digits[0]);
		if (k > 1)
			buf_printf(&b, ".%s", digits + 1);
		buf_printf(&b, "e%+d", exponent);
	} else if (n <= 0) {
		buf_printf(&b, "0.%.*s%s", -n, "000000", digits);
	} else if (k <= n) {
		buf_puts(&b, digits);
		for (int i = k; i < n; i++)
			buf_putc(&b, '0');
	} else {
		buf_printf(&b, "%.*s.%s", n, digits, digits + n);
	}
	memcpy(out, b.bytes, b.len + 1);
	buf_free(&b);
	return out;
}
