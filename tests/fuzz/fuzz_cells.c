#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "fuzz.h"
#include "source/source_cells.h"

/*
 * CSV the other way round: the input is a table (cells end with 1F, rows with
 * 1E), written as RFC 4180 says, with or without the quotes that are not
 * needed; reading must give that table.
 */

#define CELL_END 0x1f
#define ROW_END 0x1e
#define LINE_BYTES 4096

struct table {
	const char *at;
	size_t left;
	bool crlf;
	bool quote_all;
};

static bool
needs_quotes(const char *cell, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(",\"\r\n", cell[i]) != NULL)
			return true;
	return false;
}

static void
put_cell(struct buf *out, const char *cell, size_t len, bool quoted)
{
	if (!quoted) {
		buf_put(out, cell, len);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (cell[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, cell[i]);
	}
	buf_putc(out, '"');
}

/* The next cell; *last when its row ends with it.  False: no row is left. */
static bool
next_cell(struct table *t, const char **cell, size_t *len, bool *last)
{
	size_t n = 0;

	if (t->left == 0)
		return false;
	while (n < t->left && t->at[n] != CELL_END && t->at[n] != ROW_END)
		n++;
	*cell = t->at;
	*len = n;
	*last = n == t->left || t->at[n] == ROW_END;
	t->at += n < t->left ? n + 1 : n;
	t->left -= n < t->left ? n + 1 : n;
	return true;
}

static void
put_table(struct table t, struct buf *out)
{
	const char *cell = NULL;
	size_t len = 0;
	bool last = false;

	while (next_cell(&t, &cell, &len, &last)) {
		put_cell(
		    out, cell, len, t.quote_all || needs_quotes(cell, len));
		buf_puts(out, !last ? "," : t.crlf ? "\r\n" : "\n");
	}
}

struct pipe {
	const char *bytes;
	size_t left;
};

static enum err_code
read_pipe(void *arg, void *bytes, size_t len, size_t *got, struct err *err)
{
	struct pipe *p = arg;

	(void)err;
	*got = p->left < len ? p->left : len;
	memcpy(bytes, p->bytes, *got);
	p->bytes += *got;
	p->left -= *got;
	return ERR_NONE;
}

/* Takes the cells of one row from t and compares. */
static void
check_row(struct table *t, const struct source_cells *c)
{
	const char *cell = NULL;
	size_t len = 0;
	size_t i = 0;
	bool last = false;
	bool any = false;

	/* Rows without any value are passed over. */
	while (!any) {
		struct table row = *t;

		CHECK(t->left > 0);
		for (last = false; !last && next_cell(t, &cell, &len, &last);)
			any = any || len > 0;
		if (any)
			*t = row;
	}
	for (last = false; !last && next_cell(t, &cell, &len, &last); i++) {
		const char *got = source_cells_text(c, i);

		CHECK(i < c->count && strlen(got) == len);
		CHECK(memcmp(got, cell, len) == 0);
	}
	CHECK(i == c->count && c->line > 0);
}

/* Whether every row can be told at all: text, not too long, not too wide. */
static bool
is_plain(struct table t)
{
	const char *cell = NULL;
	size_t len = 0;
	size_t cells = 0;
	bool last = false;

	while (next_cell(&t, &cell, &len, &last)) {
		if (!text_is_utf8(cell, len))
			return false;
		cells = last ? 0 : cells + 1;
		if (cells >= SOURCE_COLUMNS_MAX)
			return false;
	}
	return true;
}

static bool
is_blank(struct table t)
{
	const char *cell = NULL;
	size_t len = 0;
	size_t any = 0;
	bool last = false;

	while (next_cell(&t, &cell, &len, &last))
		any += len;
	return any == 0;
}

static void
check_table(struct table t)
{
	struct buf text = BUF_INIT(1 << 16);
	struct source_cells cells = {0};
	enum source_cells_got got = SOURCE_CELLS_ROW;
	struct err err = {0};
	struct err why = {0};

	put_table(t, &text);

	struct pipe pipe = {buf_text(&text), text.len};
	struct source_text in = {
	    .read = read_pipe, .arg = &pipe, .max_bytes = LINE_BYTES};

	CHECK(source_text_open(&in, &err) == ERR_NONE);
	while (got == SOURCE_CELLS_ROW) {
		CHECK(source_cells_next(&in, &cells, &got, &why, &err) ==
		      ERR_NONE);
		CHECK(got != SOURCE_CELLS_BAD);
		if (got == SOURCE_CELLS_ROW)
			check_row(&t, &cells);
	}
	CHECK(is_blank(t));
	source_cells_fini(&cells);
	source_text_close(&in);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct table t = {(const char *)bytes + 1, len - 1, false, false};

	if (len < 2 || len > LINE_BYTES / 3)
		return 0;
	/* The last cell needs no end, and one that has none is there. */
	while (t.left > 0 && t.at[t.left - 1] == CELL_END)
		t.left--;
	t.crlf = (bytes[0] & 1) != 0;
	t.quote_all = (bytes[0] & 2) != 0;
	/* A byte order mark is none of the first cell. */
	if (is_plain(t) && bytes[1] != 0xef)
		check_table(t);
	return 0;
}
