#include <math.h>
#include <stdlib.h>

#include "base/text.h"

#include "fuzz.h"
#include "json/json.h"
#include "json/json_write.h"

/*
 * JSON of others: limits hold, every value is what its getters say, and what
 * is written again in any of the writer's forms reads as the same.
 */

#define OUT_MAX (1 << 20)

static const struct json_limits limits = {2048, 16, 200};
/* What we write may be longer (1e20, \u0001), never deeper or more. */
static const struct json_limits wider = {OUT_MAX, 16, 200};

static void
check_number(const struct json *j)
{
	char text[JSON_NUMBER_MAX];
	struct err err = {0};
	double v = 0;
	int64_t whole = 0;

	CHECK(json_to_double(j, &v, &err) == ERR_NONE && isfinite(v));
	CHECK(strtod(json_number_text(v, text), NULL) == v);
	if (json_to_i64(j, -JSON_I64_MAX, JSON_I64_MAX, &whole, &err) ==
	    ERR_NONE)
		CHECK((double)whole == v);
	else
		fuzz_refused(err.code, &err);
}

/* Counts the values below and with j. */
static size_t
check_value(const struct json *j, size_t depth)
{
	enum json_kind kind = json_kind(j);
	bool container = kind == JSON_ARRAY || kind == JSON_OBJECT;
	const char *text = NULL;
	struct err err = {0};
	size_t values = 1;

	CHECK(depth + container <= limits.depth);
	CHECK(text_is_utf8(json_key(j), strlen(json_key(j))));
	CHECK(container || json_count(j) == 0);
	if (kind == JSON_NUMBER)
		check_number(j);
	else
		CHECK(json_to_double(j, &(double){0}, &err) == ERR_MALFORMED);
	if (kind == JSON_STRING) {
		CHECK(json_to_str(j, &text, &err) == ERR_NONE);
		CHECK(text_is_utf8(text, strlen(text)));
	}
	for (size_t i = 0; i < json_count(j); i++) {
		const struct json *item = json_at(j, i);

		/* No key stands twice, so the first of its name is this one. */
		if (kind == JSON_OBJECT)
			CHECK(json_get(j, json_key(item)) == item);
		values += check_value(item, depth + 1);
	}
	CHECK(json_at(j, json_count(j)) == NULL);
	return values;
}

/* Reads as a document whose canonical form is want. */
static void
check_same(const struct buf *text, const struct buf *want)
{
	struct buf canonical = BUF_INIT(OUT_MAX);
	struct json *j = NULL;
	struct err err = {0};

	CHECK(json_parse(buf_text(text), text->len, &wider, &j, &err) ==
	      ERR_NONE);
	json_canonical(j, &canonical);
	CHECK(canonical.len == want->len &&
	      memcmp(canonical.bytes, want->bytes, want->len) == 0);
	json_free(&j);
	buf_free(&canonical);
}

static void
check_forms(const struct json *j, const char *text, size_t len)
{
	struct buf canonical = BUF_INIT(OUT_MAX);
	struct buf out = BUF_INIT(OUT_MAX);
	struct err err = {0};

	json_canonical(j, &canonical);
	CHECK(text_is_utf8(canonical.bytes, canonical.len));
	check_same(&canonical, &canonical);
	for (int indent = 0; indent < 2; indent++) {
		struct json_writer w = JSON_WRITER_INIT(&out);

		w.indent = indent == 1;
		json_write_value(&w, j);
		CHECK(indent == 1 || memchr(out.bytes, '\n', out.len) == NULL);
		check_same(&out, &canonical);
		buf_clear(&out);
	}

	struct json_writer raw = JSON_WRITER_INIT(&out);

	CHECK(json_write_raw(&raw, text, len, &err) == ERR_NONE);
	CHECK(out.len <= len);
	check_same(&out, &canonical);
	buf_free(&out);
	buf_free(&canonical);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct json_limits tight = limits;
	struct json *j = NULL;
	struct err err = {0};
	enum err_code code = json_parse(text, len, &limits, &j, &err);

	if (code != ERR_NONE) {
		CHECK(code == ERR_MALFORMED && j == NULL);
		fuzz_refused(code, &err);
		return 0;
	}
	CHECK(len <= limits.bytes);
	CHECK(check_value(j, 0) <= limits.members);
	check_forms(j, text, len);
	json_free(&j);
	tight.bytes = len - 1;
	CHECK(json_parse(text, len, &tight, &j, &err) == ERR_MALFORMED);
	return 0;
}
