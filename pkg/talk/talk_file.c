#include "talk/talk_file.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"

struct talk_reader {
	const char *text;
	size_t len;
	size_t at; /* where the next line begins */
	int64_t number;
	bool torn;
	struct json *head; /* owns the header's texts */
	struct json *doc;  /* of the last record */
	struct talk_values values;
	struct talk_header header;
};

void
talk_file_put_header(const struct talk_header *h, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	char hex[2 * SHA256_BYTES + 1];

	json_write_object(&w);
	json_field_i64(&w, "schema", 1);
	json_field_str(&w, "talk", h->talk);
	json_field_str(&w, "kind", h->kind);
	json_field_str(
	    &w, "script", text_hex(h->script, sizeof(h->script), hex));
	json_field_i64(&w, "answeredAtMs", h->answered_ms);
	json_write_key(&w, "values");
	json_write_object(&w);
	LIST_FOREACH (node, &h->values->list) {
		const struct talk_value *v =
		    CONTAINER_OF(node, struct talk_value, node);

		json_field_str(&w, v->name, v->text);
	}
	json_write_end(&w);
	json_write_end(&w);
	buf_putc(out, '\n');
}

static void
put_effect(struct json_writer *w, const struct talk_effect *e)
{
	bool timer =
	    e->kind == TALK_DO_SET_TIMER || e->kind == TALK_DO_CANCEL_TIMER;

	json_write_object(w);
	json_field_str(w, "do", talk_effect_name(e->kind));
	if (timer)
		json_field_str(
		    w, "timer", talk_timer_name((enum talk_timer)e->id));
	else if (e->id != 0)
		json_field_i64(w, "id", e->id);
	if (e->kind == TALK_DO_SET_TIMER)
		json_field_i64(w, "at", e->at_ms);
	if (e->text != NULL)
		json_field_str(w, "text", e->text);
	json_write_end(w);
}

void
talk_file_put_event(const struct talk_event *e,
    const struct talk_effect *effects, size_t count, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	char digit[2] = {e->digit, '\0'};

	json_write_object(&w);
	json_field_i64(&w, "at", e->at_ms);
	json_field_str(&w, "ev", talk_event_name(e->kind));
	if (e->kind == TALK_EV_TIMER)
		json_field_str(
		    &w, "timer", talk_timer_name((enum talk_timer)e->id));
	else if (e->id != 0)
		json_field_i64(&w, "id", e->id);
	if (e->start_ms != 0 || e->end_ms != 0) {
		json_field_i64(&w, "start", e->start_ms);
		json_field_i64(&w, "end", e->end_ms);
	}
	if (e->played_ms != 0)
		json_field_i64(&w, "played", e->played_ms);
	if (e->ok)
		json_field_bool(&w, "ok", true);
	if (e->digit != '\0')
		json_field_str(&w, "digit", digit);
	if (e->text != NULL)
		json_field_str(&w, "text", e->text);
	json_write_key(&w, "fx");
	json_write_array(&w);
	for (size_t i = 0; i < count; i++)
		put_effect(&w, &effects[i]);
	json_write_end(&w);
	json_write_end(&w);
	buf_putc(out, '\n');
}

/* ---- reading ---- */

/* The next whole line; false at the end, r->torn when a part is left. */
static bool
next_line(struct talk_reader *r, const char **line, size_t *len)
{
	const char *from = r->text + r->at;
	const char *stop = memchr(from, '\n', r->len - r->at);

	r->torn = stop == NULL && r->at < r->len;
	if (stop == NULL)
		return false;
	*line = from;
	*len = (size_t)(stop - from);
	r->at += *len + 1;
	r->number++;
	return true;
}

static enum err_code
parse_line(const char *line, size_t len, struct json **out, struct err *err)
{
	const struct json_limits limits = {TALK_LINE_MAX, 8, 2000};

	if (json_parse(line, len, &limits, out, err) != ERR_NONE)
		return err->code;
	return json_expect(*out, JSON_OBJECT, err);
}

static enum err_code
read_values(struct talk_reader *r, const struct json *values, struct err *err)
{
	for (size_t i = 0; i < json_count(values); i++) {
		const struct json *j = json_at(values, i);
		const char *text;

		if (json_to_str(j, &text, err) != ERR_NONE ||
		    talk_values_add(&r->values, json_key(j), text, err) !=
			ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

static enum err_code
read_header(
    struct talk_reader *r, const char *line, size_t len, struct err *err)
{
	static const char *const known[] = {
	    "schema", "talk", "kind", "script", "answeredAtMs", "values", NULL};
	struct talk_header *h = &r->header;
	const struct json *values;
	const char *hex;
	int64_t schema;

	if (parse_line(line, len, &r->head, err) != ERR_NONE ||
	    json_only(r->head, known, err) != ERR_NONE ||
	    json_i64(r->head, "schema", 1, 1, &schema, err) != ERR_NONE ||
	    json_str(r->head, "talk", &h->talk, err) != ERR_NONE ||
	    json_str(r->head, "kind", &h->kind, err) != ERR_NONE ||
	    json_str(r->head, "script", &hex, err) != ERR_NONE ||
	    json_i64(r->head, "answeredAtMs", 0, JSON_I64_MAX, &h->answered_ms,
		err) != ERR_NONE ||
	    json_obj(r->head, "values", &values, err) != ERR_NONE)
		return err->code;
	if (!text_unhex(hex, h->script, sizeof(h->script)))
		return json_refuse(
		    r->head, "script", err, "expected 64 hexadecimal digits");
	h->values = &r->values;
	return read_values(r, values, err);
}

enum err_code
talk_reader_open(
    const char *text, size_t len, struct talk_reader **out, struct err *err)
{
	struct talk_reader *r = mem_zalloc(1, sizeof(*r));
	const char *line = NULL;
	size_t line_len = 0;
	enum err_code code = ERR_NONE;

	*out = NULL;
	talk_values_init(&r->values);
	r->text = text;
	r->len = len;
	if (len > TALK_FILE_MAX)
		code = err_set(err, ERR_MALFORMED, 0,
		    "%zu bytes; a talk file has at most %d", len,
		    TALK_FILE_MAX);
	else if (!next_line(r, &line, &line_len))
		code = err_set(err, ERR_NOT_FOUND, 0, "no whole line is there");
	else if ((code = read_header(r, line, line_len, err)) != ERR_NONE)
		(void)err_wrap(err, "line 1");
	if (code != ERR_NONE)
		talk_reader_close(&r);
	*out = r;
	return code;
}

void
talk_reader_close(struct talk_reader **r)
{
	if (*r == NULL)
		return;
	json_free(&(*r)->head);
	json_free(&(*r)->doc);
	talk_values_fini(&(*r)->values);
	mem_free(r);
}

const struct talk_header *
talk_reader_header(const struct talk_reader *r)
{
	return &r->header;
}

bool
talk_reader_torn(const struct talk_reader *r, size_t *offset)
{
	*offset = r->at;
	return r->torn;
}

/* Position of text in the n names; ERR_MALFORMED when it is none of them. */
static enum err_code
read_name(const struct json *obj, const char *key, const char *(*name)(int),
    int n, int *out, struct err *err)
{
	const char *text;

	if (json_str(obj, key, &text, err) != ERR_NONE)
		return err->code;
	for (*out = 0; *out < n; (*out)++)
		if (strcmp(text, name(*out)) == 0)
			return ERR_NONE;
	return json_refuse(obj, key, err, "\"%.40s\" is not known", text);
}

static const char *
event_name(int i)
{
	return talk_event_name((enum talk_event_kind)i);
}

static const char *
effect_name(int i)
{
	return talk_effect_name((enum talk_effect_kind)i);
}

static const char *
timer_name(int i)
{
	return talk_timer_name((enum talk_timer)i);
}

static enum err_code
read_timer(const struct json *obj, int64_t *id, struct err *err)
{
	int timer;

	if (read_name(obj, "timer", timer_name, TALK_TIMER_COUNT, &timer,
		err) != ERR_NONE)
		return err->code;
	*id = timer;
	return ERR_NONE;
}

static enum err_code
read_effect(const struct json *j, struct talk_effect *e, struct err *err)
{
	static const char *const known[] = {
	    "do", "timer", "id", "at", "text", NULL};
	int kind;

	*e = (struct talk_effect){0};
	if (json_expect(j, JSON_OBJECT, err) != ERR_NONE ||
	    json_only(j, known, err) != ERR_NONE ||
	    read_name(j, "do", effect_name, TALK_EFFECT_COUNT, &kind, err) !=
		ERR_NONE ||
	    json_opt_i64(j, "id", 1, JSON_I64_MAX, &e->id, err) != ERR_NONE ||
	    json_opt_i64(j, "at", 0, JSON_I64_MAX, &e->at_ms, err) !=
		ERR_NONE ||
	    json_opt_str(j, "text", &e->text, err) != ERR_NONE)
		return err->code;
	e->kind = (enum talk_effect_kind)kind;
	if (e->kind == TALK_DO_SET_TIMER || e->kind == TALK_DO_CANCEL_TIMER)
		return read_timer(j, &e->id, err);
	return ERR_NONE;
}

static enum err_code
read_effects(const struct json *doc, struct talk_record *out, struct err *err)
{
	const struct json *fx;

	if (json_arr(doc, "fx", &fx, err) != ERR_NONE)
		return err->code;
	out->effects = json_count(fx);
	if (out->effects > TALK_EFFECTS_MAX)
		return json_refuse(
		    doc, "fx", err, "more than %d effects", TALK_EFFECTS_MAX);
	for (size_t i = 0; i < out->effects; i++)
		if (read_effect(json_at(fx, i), &out->effect[i], err) !=
		    ERR_NONE)
			return err->code;
	return ERR_NONE;
}

static enum err_code
read_event(const struct json *j, struct talk_event *e, struct err *err)
{
	static const char *const known[] = {"at", "ev", "timer", "id", "start",
	    "end", "played", "ok", "digit", "text", "fx", NULL};
	const int64_t most = JSON_I64_MAX;
	const char *digit = "";
	int kind;

	*e = (struct talk_event){0};
	if (json_only(j, known, err) != ERR_NONE ||
	    read_name(j, "ev", event_name, TALK_EVENT_COUNT, &kind, err) !=
		ERR_NONE ||
	    json_i64(j, "at", 0, most, &e->at_ms, err) != ERR_NONE ||
	    json_opt_i64(j, "id", 1, most, &e->id, err) != ERR_NONE ||
	    json_opt_i64(j, "start", 0, most, &e->start_ms, err) != ERR_NONE ||
	    json_opt_i64(j, "end", 0, most, &e->end_ms, err) != ERR_NONE ||
	    json_opt_i64(j, "played", 0, most, &e->played_ms, err) !=
		ERR_NONE ||
	    json_opt_bool(j, "ok", &e->ok, err) != ERR_NONE ||
	    json_opt_str(j, "digit", &digit, err) != ERR_NONE ||
	    json_opt_str(j, "text", &e->text, err) != ERR_NONE)
		return err->code;
	if (strlen(digit) > 1)
		return json_refuse(j, "digit", err, "expected one key");
	if (e->text != NULL && strlen(e->text) > TALK_EVENT_TEXT_MAX)
		return json_refuse(
		    j, "text", err, "more than %d bytes", TALK_EVENT_TEXT_MAX);
	e->digit = digit[0];
	e->kind = (enum talk_event_kind)kind;
	return e->kind == TALK_EV_TIMER ? read_timer(j, &e->id, err) : ERR_NONE;
}

enum err_code
talk_reader_next(
    struct talk_reader *r, struct talk_record *out, bool *more, struct err *err)
{
	json_free(&r->doc);
	*more = next_line(r, &out->line, &out->line_len);
	if (!*more)
		return ERR_NONE;
	out->number = r->number;
	if (parse_line(out->line, out->line_len, &r->doc, err) != ERR_NONE ||
	    read_event(r->doc, &out->event, err) != ERR_NONE ||
	    read_effects(r->doc, out, err) != ERR_NONE)
		return err_wrap(err, "line %lld", (long long)r->number);
	return ERR_NONE;
}
