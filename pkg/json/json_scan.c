#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#include "json_priv.h"

/*
 * The grammar of RFC 8259, checked before cJSON sees a byte.  cJSON itself is
 * generous (control characters in strings, "01", any byte below 33 as a
 * blank, NUL by \u0000 ends a string early), has its depth limit compiled in
 * and says only that something is wrong, not what and where.
 */

/* cJSON copies a number into 64 bytes. */
#define NUMBER_MAX 63

/* From here on a number is written with an exponent (json_number_text). */
#define DIGITS_END 1e21

struct scan {
	const char *text;
	size_t len;
	size_t at;
	const struct json_limits *limits;
	size_t depth;
	size_t values;
	struct err *err;
};

static enum err_code value(struct scan *s);

static enum err_code
fail_at(struct scan *s, size_t at, const char *what)
{
	size_t line = 1;
	size_t column = 1;

	for (size_t i = 0; i < at && i < s->len; i++) {
		column++;
		if (s->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	if (line == 1)
		return err_set(
		    s->err, ERR_MALFORMED, 0, "column %zu: %s", column, what);
	return err_set(s->err, ERR_MALFORMED, 0, "line %zu column %zu: %s",
	    line, column, what);
}

static enum err_code
fail(struct scan *s, const char *what)
{
	return fail_at(s, s->at, what);
}

/* NUL stands for the end: a NUL in the text fits nowhere either. */
static char
peek(const struct scan *s)
{
	return s->at < s->len ? s->text[s->at] : '\0';
}

static void
blanks(struct scan *s)
{
	while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]) != NULL &&
	       s->text[s->at] != '\0')
		s->at++;
}

static bool
hex4(const struct scan *s, size_t at, uint32_t *out)
{
	uint32_t v = 0;

	if (s->len - at < 4 || at > s->len)
		return false;
	for (size_t i = at; i < at + 4; i++) {
		char c = s->text[i];
		uint32_t d = 16;

		if (c >= '0' && c <= '9')
			d = (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			d = (uint32_t)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			d = (uint32_t)(c - 'A') + 10;
		if (d == 16)
			return false;
		v = v << 4 | d;
	}
	*out = v;
	return true;
}

/* After "\u". */
static enum err_code
unicode_escape(struct scan *s)
{
	uint32_t unit;
	uint32_t low;

	if (!hex4(s, s->at, &unit))
		return fail(s, "expected four hex digits after \\u");
	if (unit == 0)
		return fail(s, "\\u0000 is not allowed");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return fail(s, "a low surrogate without its high one");
	s->at += 4;
	if (unit < 0xd800 || unit > 0xdbff)
		return ERR_NONE;
	if (s->len - s->at < 6 || s->text[s->at] != '\\' ||
	    s->text[s->at + 1] != 'u' || !hex4(s, s->at + 2, &low) ||
	    low < 0xdc00 || low > 0xdfff)
		return fail(s, "a high surrogate without its low one");
	s->at += 6;
	return ERR_NONE;
}

static enum err_code
string(struct scan *s)
{
	size_t start = s->at++;

	while (s->at < s->len) {
		unsigned char c = (unsigned char)s->text[s->at];
		uint32_t point;

		if (c == '"') {
			s->at++;
			return ERR_NONE;
		}
		if (c < 0x20)
			return fail(s, c == 0 ? "NUL in a string"
					      : "a control character in a "
						"string; write it as \\n, \\t "
						"or \\u00XX");
		if (c == '\\') {
			char e = s->at + 1 < s->len ? s->text[s->at + 1] : 0;

			if (e == '\0' || strchr("\"\\/bfnrtu", e) == NULL)
				return fail(s, "no such escape");
			s->at += 2;
			if (e == 'u' && unicode_escape(s) != ERR_NONE)
				return s->err->code;
			continue;
		}
		size_t n = json_utf8(s->text + s->at, s->len - s->at, &point);

		if (n == 0)
			return fail(s, "invalid UTF-8");
		s->at += n;
	}
	return fail_at(s, start, "this string has no end");
}

static size_t
digits(struct scan *s)
{
	size_t start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at - start;
}

/* The text is right; can a double keep it? */
static enum err_code
number_fits(struct scan *s, size_t start, bool whole)
{
	char text[NUMBER_MAX + 1];
	size_t len = s->at - start;

	if (len > NUMBER_MAX)
		return fail_at(s, start, "a number of more than 63 characters");
	memcpy(text, s->text + start, len);
	text[len] = '\0';

	double v = strtod(text, NULL);
	if (!isfinite(v))
		return fail_at(s, start, "a number too large");
	/* 2^53 itself could be 2^53 + 1, rounded.  1e20 is as whole: it would
	 * be written as digits, and not be read again. */
	if (fabs(v) > (double)JSON_I64_MAX && (whole || fabs(v) < DIGITS_END))
		return fail_at(s, start,
		    "a whole number beyond 9007199254740991 would be "
		    "changed; send it as a string");
	return ERR_NONE;
}

static enum err_code
number(struct scan *s)
{
	size_t start = s->at;
	bool whole = true;

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (digits(s) == 0)
		return fail(s, "expected a digit");
	if (peek(s) >= '0' && peek(s) <= '9')
		return fail_at(s, start, "a number must not begin with 0");
	if (peek(s) == '.') {
		whole = false;
		s->at++;
		if (digits(s) == 0)
			return fail(s, "expected a digit after the point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		whole = false;
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (digits(s) == 0)
			return fail(s, "expected a digit in the exponent");
	}
	return number_fits(s, start, whole);
}

static enum err_code
word(struct scan *s, const char *text)
{
	size_t n = strlen(text);

	if (s->len - s->at < n || memcmp(s->text + s->at, text, n) != 0)
		return fail(s, "expected true, false or null");
	s->at += n;
	return ERR_NONE;
}

static enum err_code
member_key(struct scan *s)
{
	if (peek(s) != '"')
		return fail(s, "expected a key in double quotes");
	if (string(s) != ERR_NONE)
		return s->err->code;
	blanks(s);
	if (peek(s) != ':')
		return fail(s, "expected : after a key");
	s->at++;
	blanks(s);
	return ERR_NONE;
}

/* From [ or { to its end. */
static enum err_code
container(struct scan *s)
{
	bool object = peek(s) == '{';
	char close = object ? '}' : ']';

	if (s->depth == s->limits->depth)
		return fail(s, "nested too deeply");
	s->depth++;
	s->at++;
	blanks(s);
	for (bool first = true; peek(s) != close || !first; first = false) {
		if (object && member_key(s) != ERR_NONE)
			return s->err->code;
		if (value(s) != ERR_NONE)
			return s->err->code;
		blanks(s);
		if (peek(s) == close)
			break;
		if (peek(s) != ',')
			return fail(
			    s, object ? "expected , or }" : "expected , or ]");
		s->at++;
		blanks(s);
	}
	s->at++;
	s->depth--;
	return ERR_NONE;
}

/* Recursive; limits->depth bounds it. */
static enum err_code
value(struct scan *s)
{
	char c = peek(s);

	if (s->values == s->limits->members)
		return fail(s, "more values than are allowed in one document");
	s->values++;
	if (s->at == s->len)
		return fail(s, "expected a value, got the end");
	if (c == '{' || c == '[')
		return container(s);
	if (c == '"')
		return string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return number(s);
	if (c == 't')
		return word(s, "true");
	if (c == 'f')
		return word(s, "false");
	if (c == 'n')
		return word(s, "null");
	return fail(s, "expected a value");
}

enum err_code
json_scan(const char *text, size_t len, const struct json_limits *limits,
    size_t *values, struct err *err)
{
	struct scan s = {text, len, 0, limits, 0, 0, err};

	CHECK(limits->depth <= JSON_DEPTH_MAX);
	if (len > limits->bytes)
		return err_set(err, ERR_MALFORMED, 0,
		    "%zu bytes, more than the %zu allowed", len, limits->bytes);
	blanks(&s);
	if (value(&s) != ERR_NONE)
		return err->code;
	blanks(&s);
	if (s.at != len)
		return fail(&s, "expected nothing after the value");
	*values = s.values;
	return ERR_NONE;
}
