#include "source/source_line.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#include "job/job_key.h"
#include "json/json.h"
#include "json/json_write.h"
#include "rules/rules_phone.h"

#define DEPTH_MAX 16
#define MEMBERS_MAX 10000

/* In the order in which errors are looked for. */
const char *const source_line_fields[] = {"phone", "id", "kind", "campaignId",
    "org", "contact", "data", "step", "finalStep", "priority", "notBefore",
    "expiresAt", NULL};

/* The canonical order (RFC 8785); the same names. */
static const char *const canonical_order[] = {"campaignId", "contact", "data",
    "expiresAt", "finalStep", "id", "kind", "notBefore", "org", "phone",
    "priority", "step"};

/* Null counts as not there. */
static const struct json *
named(const struct json *line, const char *key)
{
	const struct json *j = json_get(line, key);

	return j == NULL || json_kind(j) == JSON_NULL ? NULL : j;
}

static bool
is_reject(const struct json *line)
{
	const struct json *error = json_get(line, "error");
	const struct json *number = json_get(line, "line");

	return error != NULL && json_kind(error) == JSON_STRING &&
	       number != NULL && json_kind(number) == JSON_NUMBER;
}

static enum err_code
only_known(const struct json *line, struct err *err)
{
	bool reject = is_reject(line);

	for (size_t i = 0; i < json_count(line); i++) {
		const char *key = json_key(json_at(line, i));
		const char *const *f = source_line_fields;
		const char *near;

		while (*f != NULL && strcmp(*f, key) != 0)
			f++;
		if (*f != NULL ||
		    (reject && (text_eq(key, "error") || text_eq(key, "line"))))
			continue;
		near = text_nearest(key, source_line_fields);
		if (near != NULL)
			return err_set(err, ERR_MALFORMED, 0,
			    "unknown field \"%.64s\"; did you mean \"%s\"?",
			    key, near);
		return err_set(err, ERR_MALFORMED, 0,
		    "unknown field \"%.64s\"; what the call should know goes "
		    "into \"contact\" or \"data\"",
		    key);
	}
	return ERR_NONE;
}

static enum err_code
wrong_kind(const char *key, const char *expected, const struct json *j,
    struct err *err)
{
	return err_set(err, ERR_MALFORMED, 0, "%s: expected %s, got %s", key,
	    expected, json_kind_name(json_kind(j)));
}

/* Text of min to max bytes that a log, a path and a terminal can show. */
static enum err_code
text_field(const struct json *line, const char *key, size_t min, size_t max,
    char **out, struct err *err)
{
	const struct json *j = named(line, key);
	const char *text = "";
	char expected[40];
	size_t len;

	(void)snprintf(expected, sizeof(expected),
	    "a string of %zu to %zu bytes", min, max);
	if (j != NULL && json_to_str(j, &text, err) != ERR_NONE)
		return wrong_kind(key, expected, j, err);
	len = strlen(text);
	if (len > max || (j != NULL && len < min))
		return err_set(err, ERR_MALFORMED, 0,
		    "%s: expected %s, got %zu bytes", key, expected, len);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return err_set(err, ERR_MALFORMED, 0,
			    "%s: expected printable text, got a control "
			    "character at byte %zu",
			    key, i + 1);
	*out = mem_strdup(text);
	return ERR_NONE;
}

static enum err_code
number_field(const struct json *line, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
	const struct json *j = named(line, key);
	const char *text = NULL;
	struct err why;

	if (j == NULL || json_to_i64(j, min, max, out, &why) == ERR_NONE)
		return ERR_NONE;
	if (json_to_str(j, &text, &why) == ERR_NONE)
		return err_set(err, ERR_MALFORMED, 0,
		    "%s: expected a whole number from %lld to %lld, got the "
		    "text \"%.40s\"",
		    key, (long long)min, (long long)max, text);
	if (json_kind(j) != JSON_NUMBER)
		return wrong_kind(key, "a whole number", j, err);
	return err_set(err, ERR_MALFORMED, 0,
	    "%s: expected a whole number from %lld to %lld", key,
	    (long long)min, (long long)max);
}

static enum err_code
bool_field(const struct json *line, const char *key, bool *out, struct err *err)
{
	const struct json *j = named(line, key);
	struct err why;

	if (j == NULL || json_to_bool(j, out, &why) == ERR_NONE)
		return ERR_NONE;
	return wrong_kind(key, "true or false", j, err);
}

static enum err_code
time_field(
    const struct json *line, const char *key, int64_t *out, struct err *err)
{
	const struct json *j = named(line, key);
	const char *text = NULL;

	if (j == NULL)
		return ERR_NONE;
	if (json_to_str(j, &text, err) != ERR_NONE)
		return wrong_kind(
		    key, "a time such as \"2026-01-05T09:00:00Z\"", j, err);
	if (text_rfc3339_ms(text, out, err) != ERR_NONE)
		return err_wrap(err, "%s", key);
	if (*out <= 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "%s: expected a time after 1970, got \"%.40s\"", key, text);
	return ERR_NONE;
}

static enum err_code
object_field(
    const struct json *line, const char *key, char **out, struct err *err)
{
	const struct json *j = named(line, key);
	struct buf text = BUF_INIT(SIZE_MAX / 2);

	if (j != NULL && json_kind(j) != JSON_OBJECT)
		return wrong_kind(key, "an object", j, err);
	if (j == NULL)
		buf_puts(&text, "{}");
	else
		json_canonical(j, &text);
	*out = mem_strndup(text.bytes, text.len);
	buf_free(&text);
	return ERR_NONE;
}

static enum err_code
phone_field(const struct json *line, struct source_job *j, struct err *err)
{
	const struct json *phone = named(line, "phone");
	const char *text = NULL;
	char normal[RULES_PHONE_MAX];

	if (phone == NULL)
		return err_set(err, ERR_MALFORMED, 0,
		    "phone: missing, expected a number such as +15125550100");
	if (json_to_str(phone, &text, err) != ERR_NONE)
		return wrong_kind(
		    "phone", "a string such as \"+15125550100\"", phone, err);
	if (rules_phone_normalise(text, normal, err) != ERR_NONE ||
	    rules_phone_parse(normal, &j->number, err) != ERR_NONE)
		return err_wrap(err, "phone");
	j->phone = mem_strdup(normal);
	return ERR_NONE;
}

static enum err_code
kind_field(const struct source_rules *rules, const struct json *line,
    struct source_job *j, struct err *err)
{
	const char *near;

	if (text_field(line, "kind", 1, SOURCE_ID_MAX, &j->kind, err) !=
	    ERR_NONE)
		return err->code;
	if (*j->kind == '\0' && rules->default_kind == NULL)
		return err_set(err, ERR_MALFORMED, 0,
		    "kind: missing, and the configuration has no "
		    "default_kind");
	if (*j->kind == '\0') {
		mem_free(&j->kind);
		j->kind = mem_strdup(rules->default_kind);
	}
	if (rules->kinds == NULL)
		return ERR_NONE;
	for (const char *const *k = rules->kinds; *k != NULL; k++)
		if (strcmp(*k, j->kind) == 0)
			return ERR_NONE;
	near = text_nearest(j->kind, rules->kinds);
	return err_set(err, ERR_MALFORMED, 0,
	    "kind: there is no jobs/%.64s.yaml%s%s%s", j->kind,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
	    near != NULL ? "\"?" : "");
}

static enum err_code
fields(const struct source_rules *rules, const struct json *line,
    struct source_job *j, struct err *err)
{
	enum err_code code = only_known(line, err);

	if (code == ERR_NONE)
		code = phone_field(line, j, err);
	if (code == ERR_NONE)
		code = text_field(line, "id", 1, SOURCE_ID_MAX, &j->id, err);
	if (code == ERR_NONE)
		code = kind_field(rules, line, j, err);
	if (code == ERR_NONE)
		code = text_field(
		    line, "campaignId", 0, SOURCE_ID_MAX, &j->campaign, err);
	if (code == ERR_NONE)
		code = text_field(line, "org", 0, SOURCE_ORG_MAX, &j->org, err);
	if (code == ERR_NONE)
		code = object_field(line, "contact", &j->contact, err);
	if (code == ERR_NONE)
		code = object_field(line, "data", &j->data, err);
	if (code == ERR_NONE)
		code = number_field(
		    line, "step", 0, SOURCE_STEP_MAX, &j->step, err);
	if (code == ERR_NONE)
		code = bool_field(line, "finalStep", &j->final_step, err);
	if (code == ERR_NONE)
		code = number_field(line, "priority", -SOURCE_PRIORITY_MAX,
		    SOURCE_PRIORITY_MAX, &j->priority, err);
	if (code == ERR_NONE)
		code = time_field(line, "notBefore", &j->not_before_ms, err);
	if (code == ERR_NONE)
		code = time_field(line, "expiresAt", &j->expires_ms, err);
	if (code == ERR_NONE && j->expires_ms != 0 &&
	    j->expires_ms <= j->not_before_ms)
		code = err_set(err, ERR_MALFORMED, 0,
		    "expiresAt: expected a time after notBefore");
	return code;
}

static void
identify(const struct json *line, struct source_job *j)
{
	struct buf canonical = BUF_INIT(SIZE_MAX / 2);
	uint8_t hash[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	for (size_t i = 0; i < ARRAY_LEN(canonical_order); i++) {
		const char *key = canonical_order[i];
		const struct json *member = named(line, key);

		if (member == NULL)
			continue;
		buf_printf(&canonical,
		    "%c\"%s\":", canonical.len == 0 ? '{' : ',', key);
		if (text_eq(key, "phone"))
			buf_printf(&canonical, "\"%s\"", j->phone);
		else
			json_canonical(member, &canonical);
	}
	buf_putc(&canonical, '}');
	job_hash_content(canonical.bytes, canonical.len, hash);
	memcpy(j->content, hash, sizeof(j->content));
	if (*j->id == '\0') {
		mem_free(&j->id);
		j->id = mem_strdup(text_hex(hash, sizeof(hash), hex));
	}
	buf_free(&canonical);
}

/*
 * Say that it is no JSON where that is so: errors about the text itself name a
 * column (of line 1, for it was read alone), others a path.
 */
static void
not_json(struct err *err)
{
	char why[ERR_TEXT_MAX];
	const char *text = err->text;

	if (text_starts(text, "line 1 "))
		text += strlen("line 1 ");
	if (!text_starts(text, "column "))
		return;
	(void)snprintf(why, sizeof(why), "%s", text);
	(void)err_set(err, err->code, 0, "not JSON: %s", why);
}

enum err_code
source_line_parse(const struct source_rules *rules, const char *text,
    size_t len, int64_t line, struct source_job **out, struct err *err)
{
	struct json_limits limits = {len + 1, DEPTH_MAX, MEMBERS_MAX};
	struct source_job *j = source_job_new();
	struct json *doc = NULL;
	enum err_code code = json_parse(text, len, &limits, &doc, err);

	if (code != ERR_NONE)
		not_json(err);
	else if (json_kind(doc) != JSON_OBJECT)
		code = err_set(err, ERR_MALFORMED, 0,
		    "expected an object { ... } on one line, got %s",
		    json_kind_name(json_kind(doc)));
	else
		code = fields(rules, doc, j, err);
	if (code == ERR_NONE) {
		j->source = rules->source;
		j->line = line;
		j->raw = mem_strndup(text, len);
		identify(doc, j);
	} else {
		source_job_free(&j);
	}
	json_free(&doc);
	*out = j;
	return code;
}
