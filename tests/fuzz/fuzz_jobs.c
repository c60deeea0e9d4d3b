#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "fuzz.h"
#include "json/json.h"
#include "json/json_write.h"
#include "rules/rules_phone.h"
#include "source/source_line.h"

/*
 * A line of JSONL: a job is within every limit, and its identity depends on
 * what the line says, not on how it is written.
 */

#define LINE_MAX_BYTES 2048
#define OUT_MAX (1 << 20)

static const char *const kinds[] = {"intro-call", "reminder", NULL};
static const struct source_rules rules = {"fuzz", kinds, "reminder"};

static void
check_object(const char *text)
{
	const struct json_limits limits = {OUT_MAX, 32, 10000};
	struct json *j = NULL;
	struct err err = {0};

	CHECK(json_parse(text, strlen(text), &limits, &j, &err) == ERR_NONE);
	CHECK(json_kind(j) == JSON_OBJECT);
	json_free(&j);
}

static void
check_job(const struct source_job *j, const char *text, size_t len)
{
	char normal[RULES_PHONE_MAX];

	CHECK(text_eq(j->source, "fuzz") && j->line == 7);
	CHECK(*j->id != '\0' && strlen(j->id) <= SOURCE_ID_MAX);
	CHECK(text_eq(j->kind, kinds[0]) || text_eq(j->kind, kinds[1]));
	CHECK(strlen(j->campaign) <= SOURCE_ID_MAX);
	CHECK(strlen(j->org) <= SOURCE_ORG_MAX);
	CHECK(text_eq(rules_phone_text(j->number, normal), j->phone));
	CHECK(j->step >= 0 && j->step <= SOURCE_STEP_MAX);
	CHECK(j->priority >= -SOURCE_PRIORITY_MAX &&
	      j->priority <= SOURCE_PRIORITY_MAX);
	CHECK(j->not_before_ms >= 0 && j->expires_ms >= 0);
	CHECK(j->expires_ms == 0 || j->expires_ms > j->not_before_ms);
	CHECK(strlen(j->raw) == len && memcmp(j->raw, text, len) == 0);
	check_object(j->contact);
	check_object(j->data);
}

static void
check_equal(const struct source_job *a, const struct source_job *b)
{
	CHECK(memcmp(a->content, b->content, sizeof(a->content)) == 0);
	CHECK(text_eq(a->id, b->id) && text_eq(a->kind, b->kind));
	CHECK(text_eq(a->phone, b->phone) && a->number == b->number);
	CHECK(text_eq(a->campaign, b->campaign) && text_eq(a->org, b->org));
	CHECK(text_eq(a->contact, b->contact) && text_eq(a->data, b->data));
	CHECK(a->step == b->step && a->final_step == b->final_step);
	CHECK(a->priority == b->priority);
	CHECK(a->not_before_ms == b->not_before_ms);
	CHECK(a->expires_ms == b->expires_ms);
}

/* The line in another form must be the same job. */
static void
check_written(const struct source_job *want, const struct buf *text)
{
	struct source_job *j = NULL;
	struct err err = {0};

	CHECK(source_line_parse(
		  &rules, buf_text(text), text->len, 9, &j, &err) == ERR_NONE);
	check_equal(want, j);
	source_job_free(&j);
}

/*
 * Indented, with the members from last to first, the number as it is dialled,
 * and what a reject adds to its line.
 */
static void
put_otherwise(struct buf *out, const struct json *line, const char *phone)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	w.indent = true;
	json_write_object(&w);
	for (size_t i = json_count(line); i > 0; i--) {
		const struct json *m = json_at(line, i - 1);

		if (text_eq(json_key(m), "error") ||
		    text_eq(json_key(m), "line"))
			continue;
		json_write_key(&w, json_key(m));
		if (text_eq(json_key(m), "phone"))
			json_write_str(&w, phone);
		else
			json_write_value(&w, m);
	}
	json_field_str(&w, "error", "what was wrong with it");
	json_field_i64(&w, "line", 3);
	json_write_end(&w);
}

static void
check_identity(const struct source_job *j, const char *text, size_t len)
{
	const struct json_limits limits = {LINE_MAX_BYTES, 32, 10000};
	struct buf out = BUF_INIT(OUT_MAX);
	struct json *line = NULL;
	struct err err = {0};

	CHECK(json_parse(text, len, &limits, &line, &err) == ERR_NONE);
	json_canonical(line, &out);
	check_written(j, &out);
	buf_clear(&out);
	put_otherwise(&out, line, j->phone);
	check_written(j, &out);
	buf_free(&out);
	json_free(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct source_job *j = NULL;
	struct err err = {0};
	enum err_code code;

	if (len > LINE_MAX_BYTES)
		return 0;
	code = source_line_parse(&rules, text, len, 7, &j, &err);
	if (code != ERR_NONE) {
		CHECK(code == ERR_MALFORMED && j == NULL);
		fuzz_refused(code, &err);
		return 0;
	}
	check_job(j, text, len);
	check_identity(j, text, len);
	source_job_free(&j);
	return 0;
}
