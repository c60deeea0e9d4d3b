#include "talk/talk_transcript.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"
#include "talk/talk_file.h"

static const char *const role_names[TALK_ROLE_COUNT] = {
    "agent", "callee", "tool", "dtmf"};

void
talk_transcript_free(struct talk_transcript **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < (*t)->count; i++)
		mem_free(&(*t)->entry[i].text);
	mem_free(&(*t)->entry);
	mem_free(&(*t)->call);
	mem_free(&(*t)->kind);
	mem_free(t);
}

static struct talk_entry *
add(struct talk_transcript *t, enum talk_role role, int64_t start_ms,
    int64_t end_ms, const char *text)
{
	if (t->count == t->cap) {
		t->cap = t->cap == 0 ? 32 : 2 * t->cap;
		t->entry = mem_realloc(t->entry, t->cap, sizeof(*t->entry));
	}

	struct talk_entry *e = &t->entry[t->count++];

	*e = (struct talk_entry){.role = role,
	    .start_ms = start_ms,
	    .end_ms = end_ms,
	    .interrupted_at_ms = -1,
	    .text = mem_strdup(text == NULL ? "" : text)};
	return e;
}

/* ---- from a talk file ---- */

/* Our words with this id that have not ended yet; NULL = none. */
static struct talk_entry *
find_open(struct talk_transcript *t, int64_t id)
{
	for (size_t i = t->count; i-- > 0;)
		if (t->entry[i].say_id == id && id != 0)
			return &t->entry[i];
	return NULL;
}

static void
end_words(struct talk_transcript *t, const struct talk_event *ev)
{
	struct talk_entry *e = find_open(t, ev->id);

	if (e == NULL)
		return;
	e->say_id = 0;
	e->end_ms = ev->at_ms;
	e->start_ms = ev->at_ms - ev->played_ms;
	if (e->start_ms < 0)
		e->start_ms = 0;
	if (ev->ok)
		return;
	e->interrupted_at_ms = ev->at_ms;
	mem_free(&e->text);
	e->text = mem_strdup(ev->text == NULL ? "" : ev->text);
}

static void
take_event(struct talk_transcript *t, const struct talk_event *ev)
{
	char key[2] = {ev->digit, '\0'};
	struct talk_entry *e;

	switch ((int)ev->kind) {
	case TALK_EV_CAPTION:
		(void)add(
		    t, TALK_ROLE_CALLEE, ev->start_ms, ev->end_ms, ev->text);
		break;
	case TALK_EV_MODEL_TEXT:
		(void)add(
		    t, TALK_ROLE_AGENT, ev->start_ms, ev->end_ms, ev->text);
		break;
	case TALK_EV_DTMF:
		add(t, TALK_ROLE_DTMF, ev->at_ms, ev->at_ms, key)->by =
		    "callee";
		break;
	case TALK_EV_SPOKEN:
		end_words(t, ev);
		break;
	case TALK_EV_TOOL_RESULT:
		e = find_open(t, ev->id);
		if (e == NULL)
			break;
		e->say_id = 0;
		e->end_ms = ev->at_ms;
		if (ev->ok && ev->text != NULL) {
			mem_free(&e->text);
			e->text = mem_strdup(ev->text);
		}
		break;
	default:
		break;
	}
}

static void
take_effect(
    struct talk_transcript *t, const struct talk_effect *fx, int64_t at_ms)
{
	switch ((int)fx->kind) {
	case TALK_DO_SAY:
		add(t, TALK_ROLE_AGENT, at_ms, at_ms, fx->text)->say_id =
		    fx->id;
		break;
	case TALK_DO_BOOK:
		add(t, TALK_ROLE_TOOL, at_ms, at_ms, fx->text)->say_id = fx->id;
		break;
	case TALK_DO_PRESS:
		add(t, TALK_ROLE_DTMF, at_ms, at_ms, fx->text)->by = "agent";
		break;
	default:
		break;
	}
}

/* What had no end before the crash ended with the recording. */
static void
close_open(struct talk_transcript *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct talk_entry *e = &t->entry[i];

		if (e->say_id == 0)
			continue;
		e->say_id = 0;
		if (e->role != TALK_ROLE_AGENT || e->start_ms > t->duration_ms)
			continue;
		e->end_ms = t->duration_ms;
		e->interrupted_at_ms = t->duration_ms;
	}
}

/* Insertion sort: entries come nearly in order, and it keeps equals so. */
static void
sort(struct talk_transcript *t)
{
	for (size_t i = 1; i < t->count; i++) {
		struct talk_entry e = t->entry[i];
		size_t j = i;

		for (; j > 0 && t->entry[j - 1].start_ms > e.start_ms; j--)
			t->entry[j] = t->entry[j - 1];
		t->entry[j] = e;
	}
}

/* Words of ours that nobody heard are not part of the talk. */
static void
drop_unheard(struct talk_transcript *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (t->entry[i].text[0] == '\0')
			mem_free(&t->entry[i].text);
		else
			t->entry[n++] = t->entry[i];
	}
	t->count = n;
}

static enum err_code
read_all(struct talk_transcript *t, struct talk_reader *r, struct err *err)
{
	struct talk_record rec;
	bool more = true;
	int64_t last_ms = 0;

	for (;;) {
		enum err_code code = talk_reader_next(r, &rec, &more, err);

		if (code != ERR_NONE)
			return code;
		if (!more)
			break;
		if (t->count > TALK_TRANSCRIPT_ENTRIES)
			return err_set(err, ERR_MALFORMED, 0,
			    "line %lld: more than %d entries",
			    (long long)rec.number, TALK_TRANSCRIPT_ENTRIES);
		take_event(t, &rec.event);
		for (size_t i = 0; i < rec.effects; i++)
			take_effect(t, &rec.effect[i], rec.event.at_ms);
		if (rec.event.at_ms > last_ms)
			last_ms = rec.event.at_ms;
	}
	if (t->duration_ms == 0)
		t->duration_ms = last_ms;
	return ERR_NONE;
}

enum err_code
talk_transcript_build(const char *talk_file, size_t len, int64_t duration_ms,
    struct talk_transcript **out, struct err *err)
{
	struct talk_reader *r = NULL;
	struct talk_transcript *t = mem_zalloc(1, sizeof(*t));
	enum err_code code = talk_reader_open(talk_file, len, &r, err);

	if (code == ERR_NONE) {
		const struct talk_header *h = talk_reader_header(r);

		t->call = mem_strdup(h->talk);
		t->kind = mem_strdup(h->kind);
		t->answered_ms = h->answered_ms;
		t->duration_ms = duration_ms;
		code = read_all(t, r, err);
	}
	talk_reader_close(&r);
	if (code != ERR_NONE) {
		talk_transcript_free(&t);
	} else {
		close_open(t);
		drop_unheard(t);
		sort(t);
	}
	*out = t;
	return code;
}

/* ---- from its own JSON ---- */

static enum err_code
read_role(const struct json *j, enum talk_role *out, struct err *err)
{
	const char *name;

	if (json_str(j, "role", &name, err) != ERR_NONE)
		return err->code;
	for (int i = 0; i < TALK_ROLE_COUNT; i++)
		if (strcmp(name, role_names[i]) == 0) {
			*out = (enum talk_role)i;
			return ERR_NONE;
		}
	return json_refuse(j, "role", err,
	    "expected agent, callee, tool or dtmf, got \"%.40s\"", name);
}

static enum err_code
read_entry(struct talk_transcript *t, const struct json *j, struct err *err)
{
	static const char *const known[] = {
	    "role", "startMs", "endMs", "text", "interruptedAtMs", "by", NULL};
	const int64_t most = JSON_I64_MAX;
	enum talk_role role = TALK_ROLE_AGENT;
	int64_t start = 0, end = 0, cut = -1;
	const char *text = NULL, *by = "";

	if (json_expect(j, JSON_OBJECT, err) != ERR_NONE ||
	    json_only(j, known, err) != ERR_NONE ||
	    read_role(j, &role, err) != ERR_NONE ||
	    json_i64(j, "startMs", 0, most, &start, err) != ERR_NONE ||
	    json_i64(j, "endMs", 0, most, &end, err) != ERR_NONE ||
	    json_opt_i64(j, "interruptedAtMs", 0, most, &cut, err) !=
		ERR_NONE ||
	    json_opt_str(j, "by", &by, err) != ERR_NONE ||
	    json_str(j, "text", &text, err) != ERR_NONE)
		return err->code;

	struct talk_entry *e = add(t, role, start, end, text);

	e->interrupted_at_ms = cut;
	if (strcmp(by, "agent") == 0)
		e->by = "agent";
	else if (by[0] != '\0')
		e->by = "callee";
	return ERR_NONE;
}

static enum err_code
read_document(
    struct talk_transcript *t, const struct json *doc, struct err *err)
{
	const struct json *entries;
	const char *call, *kind;
	int64_t schema;

	if (json_i64(doc, "schema", 1, 1, &schema, err) != ERR_NONE ||
	    json_str(doc, "call", &call, err) != ERR_NONE ||
	    json_str(doc, "kind", &kind, err) != ERR_NONE ||
	    json_i64(doc, "answeredAtMs", 0, JSON_I64_MAX, &t->answered_ms,
		err) != ERR_NONE ||
	    json_i64(doc, "durationMs", 0, JSON_I64_MAX, &t->duration_ms,
		err) != ERR_NONE ||
	    json_arr(doc, "entries", &entries, err) != ERR_NONE)
		return err->code;
	t->call = mem_strdup(call);
	t->kind = mem_strdup(kind);
	for (size_t i = 0; i < json_count(entries); i++)
		if (read_entry(t, json_at(entries, i), err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}

enum err_code
talk_transcript_parse(
    const char *json, size_t len, struct talk_transcript **out, struct err *err)
{
	const struct json_limits limits = {
	    TALK_TRANSCRIPT_MAX, 8, 8 * TALK_TRANSCRIPT_ENTRIES};
	struct talk_transcript *t = mem_zalloc(1, sizeof(*t));
	struct json *doc = NULL;
	enum err_code code = json_parse(json, len, &limits, &doc, err);

	if (code == ERR_NONE)
		code = read_document(t, doc, err);
	json_free(&doc);
	if (code != ERR_NONE)
		talk_transcript_free(&t);
	*out = t;
	return code;
}

/* ---- writing ---- */

void
talk_transcript_json(const struct talk_transcript *t, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_object(&w);
	json_field_i64(&w, "schema", 1);
	json_field_str(&w, "call", t->call);
	json_field_str(&w, "kind", t->kind);
	json_field_i64(&w, "answeredAtMs", t->answered_ms);
	json_field_i64(&w, "durationMs", t->duration_ms);
	json_write_key(&w, "entries");
	json_write_array(&w);
	for (size_t i = 0; i < t->count; i++) {
		const struct talk_entry *e = &t->entry[i];

		json_write_object(&w);
		json_field_str(&w, "role", role_names[e->role]);
		json_field_i64(&w, "startMs", e->start_ms);
		json_field_i64(&w, "endMs", e->end_ms);
		json_field_str(&w, "text", e->text);
		if (e->interrupted_at_ms >= 0)
			json_field_i64(
			    &w, "interruptedAtMs", e->interrupted_at_ms);
		if (e->by != NULL)
			json_field_str(&w, "by", e->by);
		json_write_end(&w);
	}
	json_write_end(&w);
	json_write_end(&w);
	buf_putc(out, '\n');
}

static void
put_line(const struct talk_entry *e, struct buf *out)
{
	int64_t tenths = e->start_ms / 100;

	buf_printf(out, "%02lld:%02lld.%lld  ", (long long)(tenths / 600),
	    (long long)(tenths / 10 % 60), (long long)(tenths % 10));
	if (e->role == TALK_ROLE_DTMF)
		buf_printf(out, "%-8s[presses %s]", e->by == NULL ? "" : e->by,
		    e->text);
	else
		buf_printf(out, "%-8s%s", role_names[e->role], e->text);
	buf_puts(out, e->interrupted_at_ms >= 0 ? " -- [interrupted]\n" : "\n");
}

void
talk_transcript_text(const struct talk_transcript *t, struct buf *out)
{
	char at[TEXT_TIME_MAX];

	buf_printf(out, "Call %s (%s), answered %s, %lld.%lld s\n\n", t->call,
	    t->kind, text_of_time(t->answered_ms, at),
	    (long long)(t->duration_ms / 1000),
	    (long long)(t->duration_ms / 100 % 10));
	for (size_t i = 0; i < t->count; i++)
		put_line(&t->entry[i], out);
}
