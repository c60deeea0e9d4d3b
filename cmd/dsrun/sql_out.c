#include "sql_out.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* So many rows are lined up together. */
#define ROWS_MAX 5000

void
sql_out_init(struct sql_out *o, struct ctx *ctx, bool hold)
{
	memset(o, 0, sizeof(*o));
	o->ctx = ctx;
	o->hold = hold;
}

static void
columns_free(struct table_column **columns, int count)
{
	for (int i = 0; *columns != NULL && i < count; i++) {
		char *head = (char *)(uintptr_t)(*columns)[i].head;

		mem_free(&head);
	}
	mem_free(columns);
}

static void
hold(struct sql_out *o, int64_t changed)
{
	o->held = mem_realloc(o->held, o->held_count + 1, sizeof(*o->held));
	o->held[o->held_count++] = (struct sql_held){.table = o->table,
	    .columns = o->columns,
	    .column_count = o->column_count,
	    .changed = changed};
	o->table = NULL;
	o->columns = NULL;
}

/* The table so far is done with. */
static void
flush(struct sql_out *o)
{
	if (o->table == NULL)
		return;
	if (o->hold) {
		hold(o, -1);
		return;
	}
	table_print(o->table, &o->ctx->term);
	table_free(&o->table);
	columns_free(&o->columns, o->column_count);
}

static void
drop(struct sql_out *o)
{
	table_free(&o->table);
	columns_free(&o->columns, o->column_count);
	for (size_t i = 0; i < o->held_count; i++) {
		table_free(&o->held[i].table);
		columns_free(&o->held[i].columns, o->held[i].column_count);
	}
	mem_free(&o->held);
	o->held_count = 0;
}

/* --- json ----------------------------------------------------------------- */

static void
json_open(struct sql_out *o)
{
	ctx_json_begin(o->ctx, &o->doc);
	json_write_key(&o->doc.w, "results");
	json_write_array(&o->doc.w);
	o->in_result = false;
}

static void
json_close_result(struct sql_out *o)
{
	if (o->in_result) {
		json_write_end(&o->doc.w);
		json_write_end(&o->doc.w);
	}
	o->in_result = false;
}

static void
json_begin(struct sql_out *o, const char *const *names, int columns)
{
	struct json_writer *w = &o->doc.w;

	json_close_result(o);
	json_write_object(w);
	json_write_key(w, "columns");
	json_write_array(w);
	for (int i = 0; i < columns; i++)
		json_write_str(w, names[i]);
	json_write_end(w);
	json_write_key(w, "rows");
	json_write_array(w);
	o->in_result = true;
}

static char *
hex_of(const struct journal_cell *c)
{
	char *hex = mem_zalloc(2 * c->len + 1, 1);

	(void)text_hex(c->bytes, c->len, hex);
	return hex;
}

/* Beyond 2^53 a reader in JavaScript would see another number. */
#define EXACT_MAX INT64_C(9007199254740991)

static void
json_cell(struct json_writer *w, const struct journal_cell *c)
{
	char *hex;

	switch (c->type) {
	case JOURNAL_CELL_INTEGER:
		if (c->integer <= EXACT_MAX && c->integer >= -EXACT_MAX) {
			json_write_i64(w, c->integer);
		} else {
			char *text = mem_printf("%lld", (long long)c->integer);

			json_write_str(w, text);
			mem_free(&text);
		}
		break;
	case JOURNAL_CELL_REAL:
		json_write_double(w, c->real);
		break;
	case JOURNAL_CELL_TEXT:
		json_write_strn(w, c->bytes, c->len);
		break;
	case JOURNAL_CELL_BLOB:
		hex = hex_of(c);
		json_write_str(w, hex);
		mem_free(&hex);
		break;
	case JOURNAL_CELL_NULL:
	default:
		json_write_null(w);
	}
}

/* --- text ----------------------------------------------------------------- */

/* A table takes its heads as they are, and these are not ours. */
static char *
head_of(const char *name)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);
	char *head;

	term_clean_buf(&b, name);
	head = mem_strdup(buf_text(&b));
	buf_free(&b);
	return head;
}

static void
text_begin(struct sql_out *o, const char *const *names, int columns)
{
	flush(o);
	o->columns = mem_zalloc((size_t)columns + 1, sizeof(*o->columns));
	o->column_count = columns;
	for (int i = 0; i < columns; i++)
		o->columns[i] = (struct table_column){
		    .head = head_of(names[i]), .shrinks = true};
	o->table = table_new(o->columns);
	o->rows = 0;
}

static void
text_cell(struct table *t, const struct journal_cell *c)
{
	char *hex;
	char *text;

	switch (c->type) {
	case JOURNAL_CELL_INTEGER:
		table_cellf(t, "%lld", (long long)c->integer);
		break;
	case JOURNAL_CELL_REAL:
		table_cellf(t, "%.17g", c->real);
		break;
	case JOURNAL_CELL_TEXT:
		text = mem_strndup(c->bytes, c->len);
		table_cell(t, text);
		mem_free(&text);
		break;
	case JOURNAL_CELL_BLOB:
		hex = hex_of(c);
		table_cell(t, hex);
		mem_free(&hex);
		break;
	case JOURNAL_CELL_NULL:
	default:
		table_paint(t, TERM_DIM, "NULL");
	}
}

/* A full table goes out; what follows is lined up anew, under its heads. */
static void
text_row(struct sql_out *o, const struct journal_cell *cells, int columns)
{
	if (o->rows == ROWS_MAX && !o->hold) {
		table_print(o->table, &o->ctx->term);
		table_free(&o->table);
		o->table = table_new(o->columns);
		o->rows = 0;
	}
	o->rows++;
	for (int i = 0; i < columns; i++)
		text_cell(o->table, &cells[i]);
}

/* --- callbacks ------------------------------------------------------------ */

static void
on_restart(void *arg)
{
	struct sql_out *o = arg;

	drop(o);
	if (o->ctx->json) {
		buf_free(&o->doc.text);
		json_open(o);
	}
}

static void
on_begin(void *arg, const char *const *names, int columns)
{
	struct sql_out *o = arg;

	if (o->ctx->json)
		json_begin(o, names, columns);
	else
		text_begin(o, names, columns);
}

static void
on_row(void *arg, const struct journal_cell *cells, int columns)
{
	struct sql_out *o = arg;

	if (!o->ctx->json) {
		text_row(o, cells, columns);
		return;
	}
	json_write_array(&o->doc.w);
	for (int i = 0; i < columns; i++)
		json_cell(&o->doc.w, &cells[i]);
	json_write_end(&o->doc.w);
}

static void
say_changed(struct sql_out *o, int64_t rows)
{
	ctx_say(o->ctx, "%lld row%s changed", (long long)rows,
	    rows == 1 ? "" : "s");
}

static void
on_changed(void *arg, int64_t rows)
{
	struct sql_out *o = arg;

	if (o->ctx->json) {
		json_close_result(o);
		json_write_object(&o->doc.w);
		json_field_i64(&o->doc.w, "changed", rows);
		json_write_end(&o->doc.w);
		return;
	}
	flush(o);
	if (o->hold)
		hold(o, rows);
	else if (rows > 0)
		say_changed(o, rows);
}

struct journal_sql
sql_out_options(struct sql_out *o)
{
	if (o->ctx->json)
		json_open(o);
	return (struct journal_sql){.write = o->hold,
	    .restart = on_restart,
	    .begin = on_begin,
	    .row = on_row,
	    .changed = on_changed,
	    .arg = o};
}

void
sql_out_end(struct sql_out *o, bool ok)
{
	if (o->ctx->json && ok) {
		json_close_result(o);
		json_write_end(&o->doc.w);
		ctx_json_end(o->ctx, &o->doc);
	} else if (o->ctx->json) {
		buf_free(&o->doc.text);
	}
	if (ok || !o->hold) /* what was read before a mistake is shown */
		flush(o);
	for (size_t i = 0; ok && i < o->held_count; i++) {
		struct sql_held *h = &o->held[i];

		if (h->table != NULL)
			table_print(h->table, &o->ctx->term);
		else
			say_changed(o, h->changed);
	}
	drop(o);
}
