#include "json/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "json_priv.h"

/*
 * cJSON decodes; this tree, one block with children side by side, adds what
 * cJSON lacks: the way up (paths in errors) and counts.
 */
struct json {
	cJSON *item; /* the root's owns all of them */
	const struct json *parent;
	struct json *children;
	size_t count;
};

/* Shown of a path; of a longer one the end. */
#define PATH_SHOWN 160

static bool
is_container(const cJSON *item)
{
	return cJSON_IsObject(item) || cJSON_IsArray(item);
}

/*
 * Breadth first, so that children lie side by side.  The scan counted the
 * values, so the block never moves and parents may be pointed at.
 */
static void
spread(struct json *nodes, size_t count)
{
	size_t used = 1;

	for (size_t i = 0; i < used; i++) {
		struct json *j = &nodes[i];

		j->children = &nodes[used];
		if (!is_container(j->item))
			continue;
		for (cJSON *c = j->item->child; c != NULL; c = c->next) {
			CHECK(used < count);
			nodes[used].item = c;
			nodes[used].parent = j;
			used++;
			j->count++;
		}
	}
	CHECK(used == count);
}

static int
by_key(const void *a, const void *b)
{
	const struct json *const *x = a;
	const struct json *const *y = b;

	return strcmp((*x)->item->string, (*y)->item->string);
}

/* n log n: a hostile document may hold a hundred thousand keys. */
static enum err_code
keys_differ(const struct json *obj, struct err *err)
{
	const struct json **sorted =
	    mem_zalloc(obj->count, sizeof(const struct json *));
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < obj->count; i++)
		sorted[i] = &obj->children[i];
	qsort(sorted, obj->count, sizeof(*sorted), by_key);
	for (size_t i = 1; i < obj->count && code == ERR_NONE; i++)
		if (by_key(&sorted[i - 1], &sorted[i]) == 0)
			code = json_refuse(sorted[i], NULL, err, "given twice");
	mem_free(&sorted);
	return code;
}

enum err_code
json_parse(const char *text, size_t len, const struct json_limits *limits,
    struct json **out, struct err *err)
{
	size_t count = 0;
	enum err_code code = json_scan(text, len, limits, &count, err);

	*out = NULL;
	if (code != ERR_NONE)
		return code;

	struct json *nodes = mem_zalloc(count, sizeof(*nodes));
	nodes->item = cJSON_ParseWithLength(text, len);
	/* The scan accepts less than cJSON does. */
	CHECK(nodes->item != NULL);
	spread(nodes, count);
	for (size_t i = 0; i < count && code == ERR_NONE; i++)
		if (cJSON_IsObject(nodes[i].item))
			code = keys_differ(&nodes[i], err);
	if (code != ERR_NONE)
		json_free(&nodes);
	*out = nodes;
	return code;
}

void
json_free(struct json **doc)
{
	if (*doc == NULL)
		return;
	CHECK((*doc)->parent == NULL);
	cJSON_Delete((*doc)->item);
	mem_free(doc);
}

enum json_kind
json_kind(const struct json *j)
{
	if (cJSON_IsObject(j->item))
		return JSON_OBJECT;
	if (cJSON_IsArray(j->item))
		return JSON_ARRAY;
	if (cJSON_IsString(j->item))
		return JSON_STRING;
	if (cJSON_IsNumber(j->item))
		return JSON_NUMBER;
	return cJSON_IsBool(j->item) ? JSON_BOOL : JSON_NULL;
}

const char *
json_kind_name(enum json_kind kind)
{
	static const char *const names[] = {"null", "true or false", "a number",
	    "a string", "an array", "an object"};

	CHECK((size_t)kind < ARRAY_LEN(names));
	return names[kind];
}

const struct json *
json_get(const struct json *obj, const char *key)
{
	if (obj == NULL || !cJSON_IsObject(obj->item))
		return NULL;
	for (size_t i = 0; i < obj->count; i++)
		if (strcmp(obj->children[i].item->string, key) == 0)
			return &obj->children[i];
	return NULL;
}

size_t
json_count(const struct json *j)
{
	return j != NULL ? j->count : 0;
}

const struct json *
json_at(const struct json *j, size_t index)
{
	return index < json_count(j) ? &j->children[index] : NULL;
}

const char *
json_key(const struct json *j)
{
	return j->item->string != NULL ? j->item->string : "";
}

/* a.b, or a["b c"] where the key could be misread */
static void
put_key(struct buf *out, const char *key)
{
	bool plain = *key != '\0';

	for (const char *p = key; *p != '\0'; p++)
		if ((unsigned char)*p < 0x80 &&
		    strchr("0123456789_-abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			*p) == NULL)
			plain = false;
	if (plain) {
		if (out->len > 0)
			buf_putc(out, '.');
		buf_puts(out, key);
		return;
	}
	buf_putc(out, '[');
	json_quote(out, key, strlen(key));
	buf_putc(out, ']');
}

static void
put_path(const struct json *j, struct buf *out)
{
	const struct json *chain[JSON_DEPTH_MAX + 1];
	size_t n = 0;

	for (; j->parent != NULL; j = j->parent)
		chain[n++] = j;
	while (n-- > 0) {
		const struct json *up = chain[n]->parent;

		if (cJSON_IsObject(up->item))
			put_key(out, json_key(chain[n]));
		else
			buf_printf(
			    out, "[%zu]", (size_t)(chain[n] - up->children));
	}
}

void
json_path(const struct json *j, struct buf *out)
{
	struct buf path = BUF_INIT(SIZE_MAX / 2);

	put_path(j, &path);
	buf_puts(out, buf_text(&path));
	buf_free(&path);
}

enum err_code
json_refuse(const struct json *obj, const char *key, struct err *err,
    const char *fmt, ...)
{
	struct buf path = BUF_INIT(SIZE_MAX / 2);
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	put_path(obj, &path);
	if (key != NULL)
		put_key(&path, key);

	const char *shown = buf_text(&path);
	bool cut = path.len > PATH_SHOWN;

	if (cut) {
		shown += path.len - PATH_SHOWN;
		while ((*shown & 0xc0) == 0x80)
			shown++;
	}
	(void)err_set(err, ERR_MALFORMED, 0, "%s%s%s%s", cut ? "..." : "",
	    shown, path.len > 0 ? ": " : "", what);
	buf_free(&path);
	return ERR_MALFORMED;
}

enum err_code
json_expect(const struct json *j, enum json_kind kind, struct err *err)
{
	if (json_kind(j) == kind)
		return ERR_NONE;
	return json_refuse(j, NULL, err, "expected %s, got %s",
	    json_kind_name(kind), json_kind_name(json_kind(j)));
}

enum err_code
json_to_str(const struct json *j, const char **out, struct err *err)
{
	if (json_expect(j, JSON_STRING, err) != ERR_NONE)
		return err->code;
	*out = j->item->valuestring;
	return ERR_NONE;
}

enum err_code
json_to_i64(const struct json *j, int64_t min, int64_t max, int64_t *out,
    struct err *err)
{
	if (json_expect(j, JSON_NUMBER, err) != ERR_NONE)
		return err->code;

	double v = j->item->valuedouble;
	if (v != floor(v))
		return json_refuse(
		    j, NULL, err, "expected a whole number, got %g", v);
	if (fabs(v) > (double)JSON_I64_MAX || (int64_t)v < min ||
	    (int64_t)v > max)
		return json_refuse(j, NULL, err,
		    "expected a number from %lld to %lld, got %.17g",
		    (long long)min, (long long)max, v);
	*out = (int64_t)v;
	return ERR_NONE;
}

enum err_code
json_to_double(const struct json *j, double *out, struct err *err)
{
	if (json_expect(j, JSON_NUMBER, err) != ERR_NONE)
		return err->code;
	*out = j->item->valuedouble;
	return ERR_NONE;
}

enum err_code
json_to_bool(const struct json *j, bool *out, struct err *err)
{
	if (json_expect(j, JSON_BOOL, err) != ERR_NONE)
		return err->code;
	*out = cJSON_IsTrue(j->item);
	return ERR_NONE;
}

enum err_code
json_only(const struct json *obj, const char *const *keys, struct err *err)
{
	if (json_expect(obj, JSON_OBJECT, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < obj->count; i++) {
		const char *key = json_key(&obj->children[i]);
		size_t k = 0;

		while (keys[k] != NULL && strcmp(keys[k], key) != 0)
			k++;
		if (keys[k] != NULL)
			continue;
		const char *near = text_nearest(key, keys);

		if (near == NULL)
			return json_refuse(
			    &obj->children[i], NULL, err, "no such field");
		return json_refuse(&obj->children[i], NULL, err,
		    "no such field; did you mean %s?", near);
	}
	return ERR_NONE;
}
