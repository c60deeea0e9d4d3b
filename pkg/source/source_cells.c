#include "source/source_cells.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum where {
	AT_START,  /* of a value */
	IN_PLAIN,  /* a value without quotes */
	IN_QUOTES, /* a value in quotes */
	AT_QUOTE,  /* after a quote in quotes: its end, or half of a pair */
	AT_CR,     /* after CR: LF must follow */
};

#define ENDED (-1)

struct scan {
	struct source_cells *cells;
	enum where where;
	size_t begun; /* where the present value begins in text */
	bool done;
	const char *bad; /* why it is not CSV; NULL = it is */
};

void
source_cells_fini(struct source_cells *c)
{
	buf_free(&c->text);
	buf_free(&c->raw);
	c->count = 0;
}

const char *
source_cells_text(const struct source_cells *c, size_t i)
{
	CHECK(i < c->count);
	return c->text.bytes + c->at[i];
}

static void
end_value(struct scan *s)
{
	struct source_cells *c = s->cells;

	if (c->count == SOURCE_COLUMNS_MAX) {
		s->bad = "more than 256 values in a row";
		return;
	}
	buf_putc(&c->text, '\0');
	c->at[c->count++] = s->begun;
	s->begun = c->text.len;
	s->where = AT_START;
}

/* What ends a value, wherever one may end; false: c is none of these. */
static bool
end_by(struct scan *s, int c)
{
	if (c == ',') {
		end_value(s);
	} else if (c == '\n' || c == ENDED) {
		end_value(s);
		s->done = true;
	} else if (c == '\r') {
		s->where = AT_CR;
	} else {
		return false;
	}
	return true;
}

static void
in_plain(struct scan *s, int c)
{
	if (end_by(s, c))
		return;
	if (c == '"' && s->where == IN_PLAIN) {
		s->bad = "a quote inside a value that does not begin with one; "
			 "put the value in quotes and double those within";
		return;
	}
	s->where = c == '"' ? IN_QUOTES : IN_PLAIN;
	if (c != '"')
		buf_putc(&s->cells->text, (char)c);
}

static void
in_quotes(struct scan *s, int c)
{
	if (c == ENDED)
		s->bad = "a quote is opened and never closed";
	else if (c == '"')
		s->where = AT_QUOTE;
	else
		buf_putc(&s->cells->text, (char)c);
}

static void
at_quote(struct scan *s, int c)
{
	if (c == '"') {
		buf_putc(&s->cells->text, '"');
		s->where = IN_QUOTES;
	} else if (!end_by(s, c)) {
		s->bad = "text after the quote that closes a value; double "
			 "quotes within a value";
	}
}

static void
step(struct scan *s, int c)
{
	if (c == '\0') {
		s->bad = "a NUL byte";
		return;
	}
	switch (s->where) {
	case AT_START:
	case IN_PLAIN:
		in_plain(s, c);
		break;
	case IN_QUOTES:
		in_quotes(s, c);
		break;
	case AT_QUOTE:
		at_quote(s, c);
		break;
	case AT_CR:
		if (c == '\n' || c == ENDED)
			(void)end_by(s, c);
		else
			s->bad = "a carriage return inside a value; put the "
				 "value in quotes";
		break;
	}
}

/* For the reject, without its line end. */
static void
keep_raw(
    struct source_text *t, struct source_cells *c, const char *bytes, size_t n)
{
	if (n > 0 && bytes[n - 1] == '\n')
		n--;
	if (n > 0 && bytes[n - 1] == '\r')
		n--;
	c->raw.max = t->max_bytes;
	buf_clear(&c->raw);
	buf_put(&c->raw, bytes, n < t->max_bytes ? n : t->max_bytes);
}

/* A record that is none: keep its first line, and go on after that. */
static enum err_code
pass_over(struct source_text *t, struct source_cells *c, struct err *err)
{
	const char *bytes = NULL;
	size_t len = 0;
	enum err_code code =
	    source_text_peek(t, t->max_bytes + 1, &bytes, &len, err);
	const char *lf = len > 0 ? memchr(bytes, '\n', len) : (char *)NULL;

	if (code != ERR_NONE)
		return code;
	keep_raw(t, c, bytes, lf != NULL ? (size_t)(lf - bytes) + 1 : len);
	return source_text_skip(t, err);
}

static bool
is_utf8(const struct source_cells *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const char *text = source_cells_text(c, i);

		if (!text_is_utf8(text, strlen(text)))
			return false;
	}
	return true;
}

static enum err_code
one_record(struct source_text *t, struct source_cells *c,
    enum source_cells_got *got, struct err *why, struct err *err)
{
	struct scan s = {c, AT_START, 0, false, NULL};
	const char *bytes = NULL;
	size_t len = 0;
	size_t n = 0;

	c->text.max = t->max_bytes + SOURCE_COLUMNS_MAX + 2;
	buf_clear(&c->text);
	c->count = 0;
	c->line = t->line;
	for (; !s.done && s.bad == NULL; n++) {
		if (source_text_peek(t, n + 1, &bytes, &len, err) != ERR_NONE)
			return err->code;
		if (n == 0 && len == 0) {
			*got = SOURCE_CELLS_END;
			return ERR_NONE;
		}
		if (n > t->max_bytes + 1)
			break;
		step(&s, n < len ? (int)(unsigned char)bytes[n] : ENDED);
	}
	if (s.done && s.bad == NULL && !is_utf8(c))
		s.bad = "bytes that are not UTF-8; save it as CSV UTF-8";
	if (s.done && s.bad == NULL) {
		*got = SOURCE_CELLS_ROW;
		keep_raw(t, c, bytes, n < len ? n : len);
		source_text_take(t, n < len ? n : len);
		return ERR_NONE;
	}
	*got = SOURCE_CELLS_BAD;
	if (s.bad != NULL)
		(void)err_set(why, ERR_MALFORMED, 0, "not CSV: %s", s.bad);
	else
		(void)err_set(why, ERR_MALFORMED, 0,
		    "expected at most %zu bytes, got more%s", t->max_bytes,
		    s.where == IN_QUOTES ? " (is a quote never closed?)" : "");
	return pass_over(t, c, err);
}

static bool
is_blank(const struct source_cells *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (*source_cells_text(c, i) != '\0')
			return false;
	return true;
}

enum err_code
source_cells_next(struct source_text *t, struct source_cells *c,
    enum source_cells_got *got, struct err *why, struct err *err)
{
	enum err_code code;

	do
		code = one_record(t, c, got, why, err);
	while (code == ERR_NONE && *got == SOURCE_CELLS_ROW && is_blank(c));
	return code;
}
