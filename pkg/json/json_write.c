#include "json/json_write.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

#include "json_priv.h"

static uint64_t
level(const struct json_writer *w)
{
	return UINT64_C(1) << (w->depth - 1);
}

static void
break_line(struct json_writer *w)
{
	if (!w->indent)
		return;
	buf_putc(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		buf_puts(w->out, "  ");
}

/* What stands between this member or item and the one before. */
static void
separate(struct json_writer *w)
{
	if ((w->has_more & level(w)) != 0)
		buf_putc(w->out, ',');
	w->has_more |= level(w);
	break_line(w);
}

/* Before each value. */
static void
place(struct json_writer *w)
{
	CHECK(!w->done);
	if (w->depth == 0) {
		w->done = true;
		return;
	}
	bool member = (w->in_object & level(w)) != 0;

	CHECK(member == w->keyed);
	if (!member)
		separate(w);
	w->keyed = false;
}

static void
begin(struct json_writer *w, bool object)
{
	place(w);
	w->done = false;
	CHECK(w->depth < JSON_WRITE_DEPTH_MAX);
	w->depth++;
	w->has_more &= ~level(w);
	w->in_object &= ~level(w);
	if (object)
		w->in_object |= level(w);
	buf_putc(w->out, object ? '{' : '[');
}

void
json_write_object(struct json_writer *w)
{
	begin(w, true);
}

void
json_write_array(struct json_writer *w)
{
	begin(w, false);
}

void
json_write_end(struct json_writer *w)
{
	CHECK(w->depth > 0 && !w->keyed);
	bool object = (w->in_object & level(w)) != 0;
	bool empty = (w->has_more & level(w)) == 0;

	w->depth--;
	if (!empty)
		break_line(w);
	buf_putc(w->out, object ? '}' : ']');
	w->done = w->depth == 0;
}

void
json_write_key(struct json_writer *w, const char *key)
{
	CHECK(w->depth > 0 && (w->in_object & level(w)) != 0 && !w->keyed);
	separate(w);
	json_quote(w->out, key, strlen(key));
	buf_puts(w->out, w->indent ? ": " : ":");
	w->keyed = true;
}

void
json_write_strn(struct json_writer *w, const char *text, size_t len)
{
	place(w);
	json_quote(w->out, text, len);
}

void
json_write_str(struct json_writer *w, const char *text)
{
	if (text == NULL)
		json_write_null(w);
	else
		json_write_strn(w, text, strlen(text));
}

void
json_write_i64(struct json_writer *w, int64_t value)
{
	place(w);
	buf_put_i64(w->out, value);
}

void
json_write_double(struct json_writer *w, double value)
{
	char text[JSON_NUMBER_MAX];

	if (!isfinite(value)) {
		json_write_null(w);
		return;
	}
	place(w);
	buf_puts(w->out, json_number_text(value, text));
}

void
json_write_bool(struct json_writer *w, bool value)
{
	place(w);
	buf_puts(w->out, value ? "true" : "false");
}

void
json_write_null(struct json_writer *w)
{
	place(w);
	buf_puts(w->out, "null");
}

/* Recursive; what was read is at most JSON_DEPTH_MAX deep, begin() checks. */
void
json_write_value(struct json_writer *w, const struct json *j)
{
	struct err err;
	const char *text = NULL;
	double number = 0;
	bool yes = false;
	enum json_kind kind = json_kind(j);

	if (kind == JSON_STRING && json_to_str(j, &text, &err) == ERR_NONE)
		json_write_str(w, text);
	else if (kind == JSON_NUMBER &&
		 json_to_double(j, &number, &err) == ERR_NONE)
		json_write_double(w, number);
	else if (kind == JSON_BOOL && json_to_bool(j, &yes, &err) == ERR_NONE)
		json_write_bool(w, yes);
	else if (kind == JSON_NULL)
		json_write_null(w);
	else {
		begin(w, kind == JSON_OBJECT);
		for (size_t i = 0; i < json_count(j); i++) {
			if (kind == JSON_OBJECT)
				json_write_key(w, json_key(json_at(j, i)));
			json_write_value(w, json_at(j, i));
		}
		json_write_end(w);
	}
}

enum err_code
json_write_raw(
    struct json_writer *w, const char *text, size_t len, struct err *err)
{
	const struct json_limits limits = {len, JSON_WRITE_DEPTH_MAX, SIZE_MAX};
	bool quoted = false;
	size_t values = 0;

	if (json_scan(text, len, &limits, &values, err) != ERR_NONE)
		return err->code;
	place(w);
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted && c == '\\') {
			buf_put(w->out, text + i, 2);
			i++;
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		if (quoted || strchr(" \t\r\n", c) == NULL)
			buf_putc(w->out, c);
	}
	return ERR_NONE;
}

void
json_field_str(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_str(w, text);
}

void
json_field_i64(struct json_writer *w, const char *key, int64_t value)
{
	json_write_key(w, key);
	json_write_i64(w, value);
}

void
json_field_double(struct json_writer *w, const char *key, double value)
{
	json_write_key(w, key);
	json_write_double(w, value);
}

void
json_field_bool(struct json_writer *w, const char *key, bool value)
{
	json_write_key(w, key);
	json_write_bool(w, value);
}

void
json_field_null(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_write_null(w);
}

void
json_field_time(struct json_writer *w, const char *key, int64_t at_ms)
{
	char text[TEXT_TIME_MAX];

	json_field_str(w, key, at_ms < 0 ? NULL : text_of_time(at_ms, text));
}
