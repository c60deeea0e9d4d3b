#include "table.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define GAP 2
#define LEAST 8

struct cell {
	char *text;
	enum term_paint paint;
	size_t width;
};

struct table {
	const struct table_column *columns;
	size_t width; /* columns in a row */
	struct cell *cells;
	size_t count;
	size_t room;
};

struct table *
table_new(const struct table_column *columns)
{
	struct table *t = mem_zalloc(1, sizeof(*t));

	t->columns = columns;
	while (columns[t->width].head != NULL)
		t->width++;
	CHECK(t->width > 0);
	return t;
}

void
table_free(struct table **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < (*t)->count; i++)
		mem_free(&(*t)->cells[i].text);
	mem_free(&(*t)->cells);
	mem_free(t);
}

void
table_paint(struct table *t, enum term_paint paint, const char *text)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	term_clean_buf(&b, text != NULL ? text : "-");
	if (t->count == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		t->cells = mem_realloc(t->cells, t->room, sizeof(*t->cells));
	}
	t->cells[t->count++] = (struct cell){.text = mem_strdup(buf_text(&b)),
	    .paint = paint,
	    .width = term_width(buf_text(&b))};
	buf_free(&b);
}

void
table_cell(struct table *t, const char *text)
{
	table_paint(t, TERM_PLAIN, text);
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

/* Take from the widest that may shrink, one column at a time. */
static void
shrink(const struct table *t, size_t *widths, size_t columns)
{
	size_t sum = GAP * (t->width - 1);

	for (size_t c = 0; c < t->width; c++)
		sum += widths[c];
	for (; sum > columns; sum--) {
		size_t widest = t->width;

		for (size_t c = 0; c < t->width; c++)
			if (t->columns[c].shrinks && widths[c] > LEAST &&
			    (widest == t->width || widths[c] > widths[widest]))
				widest = c;
		if (widest == t->width)
			return;
		widths[widest]--;
	}
}

static void
spaces(FILE *f, size_t n)
{
	(void)fprintf(f, "%*s", (int)n, "");
}

static void
print_cell(const struct table *t, const struct term *term,
    const struct cell *cell, size_t column, size_t width, bool is_last)
{
	size_t shown = cell->width <= width ? cell->width : width;

	if (t->columns[column].right)
		spaces(term->out, width - shown);
	(void)fputs(term_on(term, term->out, cell->paint), term->out);
	if (cell->width <= width) {
		(void)fputs(cell->text, term->out);
	} else {
		size_t fit = term_fit(cell->text, width - 1);

		(void)fwrite(cell->text, 1, fit, term->out);
		(void)fputs("\u2026", term->out);
	}
	if (cell->paint != TERM_PLAIN)
		(void)fputs(term_off(term, term->out), term->out);
	if (!t->columns[column].right && !is_last)
		spaces(term->out, width - shown);
	(void)fputs(is_last ? "\n" : "  ", term->out);
}

/* What follows the last cell that says something is not padded. */
static void
print_row(const struct table *t, const struct term *term,
    const struct cell *cells, const size_t *widths)
{
	size_t last = t->width;

	while (last > 1 && cells[last - 1].text[0] == '\0')
		last--;
	for (size_t c = 0; c < last; c++)
		print_cell(t, term, &cells[c], c, widths[c], c + 1 == last);
}

static void
print_heads(
    const struct table *t, const struct term *term, const size_t *widths)
{
	struct cell *heads = mem_zalloc(t->width, sizeof(*heads));

	for (size_t c = 0; c < t->width; c++)
		heads[c] = (struct cell){.text = mem_strdup(t->columns[c].head),
		    .paint = TERM_BOLD,
		    .width = term_width(t->columns[c].head)};
	print_row(t, term, heads, widths);
	for (size_t c = 0; c < t->width; c++)
		mem_free(&heads[c].text);
	mem_free(&heads);
}

void
table_print(const struct table *t, const struct term *term)
{
	size_t rows = t->count / t->width;
	size_t *widths = mem_zalloc(t->width, sizeof(*widths));

	for (size_t c = 0; c < t->width; c++) {
		widths[c] = term_width(t->columns[c].head);
		for (size_t r = 0; r < rows; r++) {
			const struct cell *cell = &t->cells[r * t->width + c];

			if (cell->width > widths[c])
				widths[c] = cell->width;
		}
	}
	if (term->out_tty)
		shrink(t, widths, (size_t)term->columns);
	if (rows > 0)
		print_heads(t, term, widths);
	for (size_t r = 0; r < rows; r++)
		print_row(t, term, &t->cells[r * t->width], widths);
	mem_free(&widths);
}
