#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "conf/conf_yaml.h"

#include "conf_yaml_priv.h"

size_t
conf_yaml_bad_line(const char *text, size_t len)
{
	size_t line = 0;

	for (size_t at = 0; at < len; line++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n =
		    end != NULL ? (size_t)(end - text) - at + 1 : len - at;

		if (!text_is_utf8(text + at, n) ||
		    memchr(text + at, '\0', n) != NULL)
			break;
		at += n;
	}
	return line;
}

const struct conf_node *
conf_node_get(const struct conf_node *map, const char *key)
{
	if (map == NULL || map->kind != CONF_NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->children[i]->key, key) == 0)
			return map->children[i];
	return NULL;
}

size_t
conf_node_count(const struct conf_node *n)
{
	return n != NULL ? n->count : 0;
}

const struct conf_node *
conf_node_at(const struct conf_node *n, size_t index)
{
	return index < conf_node_count(n) ? n->children[index] : NULL;
}

enum conf_node_kind
conf_node_kind(const struct conf_node *n)
{
	return n->kind;
}

const char *
conf_node_key(const struct conf_node *n)
{
	return n->key != NULL ? n->key : "";
}

int
conf_node_line(const struct conf_node *n)
{
	return n->line;
}

int
conf_node_column(const struct conf_node *n)
{
	return n->column;
}

int
conf_node_text_line(const struct conf_node *n, size_t offset)
{
	int line = n->text_line;

	/* Other styles fold lines; where they broke is not kept. */
	if (n->literal) {
		line++;
		for (size_t i = 0; i < offset && n->text[i] != '\0'; i++)
			line += n->text[i] == '\n';
	}
	return line;
}

void
conf_node_path(const struct conf_node *n, struct buf *out)
{
	if (n->parent == NULL)
		return;
	conf_node_path(n->parent, out);
	if (n->key != NULL) {
		if (out->len > 0)
			buf_putc(out, '.');
		buf_printf(out, "%.60s", n->key);
		return;
	}
	for (size_t i = 0; i < n->parent->count; i++)
		if (n->parent->children[i] == n)
			buf_printf(out, "[%zu]", i);
}

static void
problem_at(const struct conf_node *n, const char *key, struct conf_problems *ps,
    const char *text)
{
	struct buf path = BUF_INIT(16 << 10);

	conf_node_path(n, &path);
	if (key != NULL)
		buf_printf(&path, "%s%s", path.len > 0 ? "." : "", key);
	conf_problems_add(
	    ps, n->doc->file, n->line, buf_text(&path), "%s", text);
	buf_free(&path);
}

void
conf_node_problem(
    const struct conf_node *n, struct conf_problems *ps, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_at(n, NULL, ps, text);
}

const struct conf_node *
conf_node_need(
    const struct conf_node *map, const char *key, struct conf_problems *ps)
{
	const struct conf_node *n = conf_node_get(map, key);

	if (n == NULL && map != NULL && map->kind == CONF_NODE_MAP)
		problem_at(map, key, ps, "missing: it must be given");
	return n;
}

static const char *
kind_name(const struct conf_node *n)
{
	if (n->kind == CONF_NODE_MAP)
		return "a section";
	if (n->kind == CONF_NODE_LIST)
		return "a list";
	return *n->text == '\0' ? "nothing" : "a text";
}

static const struct conf_node *
of_kind(const struct conf_node *n, enum conf_node_kind kind, const char *wanted,
    struct conf_problems *ps)
{
	if (n == NULL || n->kind == kind)
		return n;
	conf_node_problem(n, ps, "expected %s, got %s", wanted, kind_name(n));
	return NULL;
}

const struct conf_node *
conf_node_map(const struct conf_node *n, struct conf_problems *ps)
{
	return of_kind(n, CONF_NODE_MAP, "a section of keys", ps);
}

const struct conf_node *
conf_node_list(const struct conf_node *n, struct conf_problems *ps)
{
	return of_kind(n, CONF_NODE_LIST, "a list", ps);
}

void
conf_node_only(const struct conf_node *map, const char *const *keys,
    struct conf_problems *ps)
{
	if (conf_node_map(map, ps) == NULL)
		return;
	for (size_t i = 0; i < map->count; i++) {
		const struct conf_node *n = map->children[i];
		size_t k = 0;

		while (keys[k] != NULL && strcmp(keys[k], n->key) != 0)
			k++;
		if (keys[k] != NULL)
			continue;
		const char *near = text_nearest(n->key, keys);

		if (near != NULL)
			conf_node_problem(
			    n, ps, "unknown key; did you mean %s?", near);
		else
			conf_node_problem(n, ps, "unknown key; remove it");
	}
}

bool
conf_node_str(
    const struct conf_node *n, const char **out, struct conf_problems *ps)
{
	if (of_kind(n, CONF_NODE_TEXT, "a text", ps) == NULL)
		return false;
	if (*n->text == '\0' ||
	    (n->plain &&
		(strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0))) {
		conf_node_problem(
		    n, ps, "expected a text, got nothing: remove the key");
		return false;
	}
	*out = n->text;
	return true;
}

bool
conf_node_bool(const struct conf_node *n, bool *out, struct conf_problems *ps)
{
	const char *text = NULL;

	if (!conf_node_str(n, &text, ps))
		return false;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
		conf_node_problem(
		    n, ps, "expected true or false, got \"%.40s\"", text);
		return false;
	}
	*out = *text == 't';
	return true;
}

bool
conf_node_i64(const struct conf_node *n, int64_t min, int64_t max, int64_t *out,
    struct conf_problems *ps)
{
	const char *text = NULL;
	struct err err;

	if (!conf_node_str(n, &text, ps))
		return false;
	if (text_i64(text, min, max, out, &err) == ERR_NONE)
		return true;
	conf_node_problem(n, ps, "%s", err.text);
	return false;
}

bool
conf_node_double(const struct conf_node *n, double min, double max, double *out,
    struct conf_problems *ps)
{
	const char *text = NULL;
	struct err err;

	if (!conf_node_str(n, &text, ps))
		return false;
	if (text_double(text, min, max, out, &err) == ERR_NONE)
		return true;
	conf_node_problem(n, ps, "%s", err.text);
	return false;
}

bool
conf_node_duration(const struct conf_node *n, int64_t min_ms, int64_t max_ms,
    int64_t *out, struct conf_problems *ps)
{
	const char *text = NULL;
	char least[24];
	char most[24];
	struct err err;
	int64_t ms = 0;

	if (!conf_node_str(n, &text, ps))
		return false;
	if (text_duration_ms(text, &ms, &err) != ERR_NONE) {
		conf_node_problem(n, ps, "%s", err.text);
		return false;
	}
	if (ms < min_ms || ms > max_ms) {
		conf_node_problem(n, ps,
		    "expected a duration from %s to %s, got %s",
		    text_of_duration(min_ms, least, sizeof(least)),
		    text_of_duration(max_ms, most, sizeof(most)), text);
		return false;
	}
	*out = ms;
	return true;
}

bool
conf_node_choice(const struct conf_node *n, const char *const *words,
    size_t *out, struct conf_problems *ps)
{
	struct buf all = BUF_INIT(4096);
	const char *text = NULL;

	if (!conf_node_str(n, &text, ps))
		return false;
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			buf_free(&all);
			return true;
		}
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	const char *near = text_nearest(text, words);

	conf_node_problem(n, ps, "expected %s%s, got \"%.40s\"%s%s%s",
	    words[1] != NULL ? "one of " : "", buf_text(&all), text,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?" : "");
	buf_free(&all);
	return false;
}
