#include "conf/conf_yaml.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "conf_yaml_priv.h"

#define DEPTH_MAX 64

/* One reading; only as long as conf_yaml_parse. */
struct reader {
	yaml_parser_t parser;
	struct conf_yaml *doc;
	const struct conf_yaml_limits *limits;
	struct conf_problems *ps;
	struct conf_node *stack[DEPTH_MAX]; /* open maps and lists */
	size_t depth;
	char *key; /* of the member whose value comes next; owned */
	size_t key_line, key_column;
	size_t lines; /* of the text; SIZE_MAX: not counted */
	bool failed;
};

static void
node_free(struct conf_node *n)
{
	for (size_t i = 0; i < n->count; i++) {
		node_free(n->children[i]);
		mem_free(&n->children[i]);
	}
	mem_free(&n->children);
	mem_free(&n->key);
	mem_free(&n->text);
}

void
conf_yaml_free(struct conf_yaml **y)
{
	if (*y == NULL)
		return;
	if ((*y)->root != NULL)
		node_free((*y)->root);
	mem_free(&(*y)->root);
	mem_free(&(*y)->file);
	mem_free(y);
}

/* From 1.  libyaml puts the end of the text into a line of its own. */
static int
line_at(const struct reader *r, size_t line)
{
	return (int)(line < r->lines ? line : r->lines - 1) + 1;
}

static void
fail(struct reader *r, size_t line, const char *text)
{
	if (!r->failed)
		conf_problems_add(
		    r->ps, r->doc->file, line_at(r, line), "", "%s", text);
	r->failed = true;
}

static struct conf_node *
top(const struct reader *r)
{
	return r->depth > 0 ? r->stack[r->depth - 1] : NULL;
}

/* A node at mark, hung where it belongs. */
static struct conf_node *
add(struct reader *r, enum conf_node_kind kind, const yaml_mark_t *mark)
{
	struct conf_node *up = top(r);

	if (r->doc->count == r->limits->nodes) {
		fail(r, mark->line, "too many keys and values in one file");
		return NULL;
	}
	r->doc->count++;

	struct conf_node *n = mem_zalloc(1, sizeof(*n));
	n->doc = r->doc;
	n->parent = up;
	n->kind = kind;
	n->key = r->key;
	n->line = line_at(r, r->key != NULL ? r->key_line : mark->line);
	n->column = (int)(r->key != NULL ? r->key_column : mark->column) + 1;
	n->text_line = line_at(r, mark->line);
	r->key = NULL;
	if (up == NULL) {
		r->doc->root = n;
		return n;
	}
	/* Found by key before it is hung: the first of two counts. */
	const struct conf_node *twin =
	    n->key != NULL ? conf_node_get(up, n->key) : NULL;

	if (twin != NULL)
		conf_node_problem(n, r->ps,
		    "given twice, first in line %d: remove one", twin->line);
	if (up->count == up->room) {
		up->room = up->room > 0 ? 2 * up->room : 8;
		up->children = mem_realloc(
		    up->children, up->room, sizeof(struct conf_node *));
	}
	up->children[up->count++] = n;
	return n;
}

static void
open_node(struct reader *r, enum conf_node_kind kind, const yaml_mark_t *mark)
{
	if (r->depth == r->limits->depth) {
		fail(r, mark->line, "nested too deeply");
		return;
	}
	struct conf_node *n = add(r, kind, mark);

	if (n != NULL)
		r->stack[r->depth++] = n;
}

static void
scalar(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	struct conf_node *up = top(r);

	if (strlen(text) != len) {
		fail(r, e->start_mark.line, "NUL in a text");
		return;
	}
	if (up != NULL && up->kind == CONF_NODE_MAP && r->key == NULL) {
		if (len == 0)
			fail(r, e->start_mark.line, "a key is missing");
		r->key = mem_strndup(text, len);
		r->key_line = e->start_mark.line;
		r->key_column = e->start_mark.column;
		return;
	}
	struct conf_node *n = add(r, CONF_NODE_TEXT, &e->start_mark);

	if (n == NULL)
		return;
	n->text = mem_strndup(text, len);
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->literal = e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
}

static bool
is_marked(const yaml_char_t *anchor, const yaml_char_t *tag)
{
	return anchor != NULL || tag != NULL;
}

/* What bombs are made of, and what changes meaning silently. */
static bool
refused(struct reader *r, const yaml_event_t *e)
{
	bool marked = e->type == YAML_ALIAS_EVENT;

	if (e->type == YAML_SCALAR_EVENT)
		marked = is_marked(e->data.scalar.anchor, e->data.scalar.tag);
	if (e->type == YAML_MAPPING_START_EVENT)
		marked = is_marked(
		    e->data.mapping_start.anchor, e->data.mapping_start.tag);
	if (e->type == YAML_SEQUENCE_START_EVENT)
		marked = is_marked(
		    e->data.sequence_start.anchor, e->data.sequence_start.tag);
	if (marked)
		fail(r, e->start_mark.line,
		    "anchors (&), aliases (*) and tags (!) are not read here: "
		    "write the text out, or put it in quotes");
	return marked;
}

static void
handle(struct reader *r, const yaml_event_t *e)
{
	bool begins = e->type == YAML_MAPPING_START_EVENT ||
		      e->type == YAML_SEQUENCE_START_EVENT;
	const struct conf_node *up = top(r);

	if (refused(r, e))
		return;
	if (begins && up != NULL && up->kind == CONF_NODE_MAP && r->key == NULL)
		fail(r, e->start_mark.line, "a key must be a plain text");
	else if (begins)
		open_node(r,
		    e->type == YAML_MAPPING_START_EVENT ? CONF_NODE_MAP
							: CONF_NODE_LIST,
		    &e->start_mark);
	else if (e->type == YAML_SCALAR_EVENT)
		scalar(r, e);
	else if (e->type == YAML_MAPPING_END_EVENT ||
		 e->type == YAML_SEQUENCE_END_EVENT)
		r->depth--;
	else if (e->type == YAML_DOCUMENT_START_EVENT && r->doc->root != NULL)
		fail(r, e->start_mark.line,
		    "a second document begins here: only one is read");
}

static void
syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	char text[200];

	(void)snprintf(text, sizeof(text), "not readable as YAML: %s%s%s",
	    p->problem != NULL ? p->problem : "out of memory",
	    p->context != NULL ? " " : "",
	    p->context != NULL ? p->context : "");
	fail(r, p->problem_mark.line, text);
}

static void
read_all(struct reader *r)
{
	for (bool more = true; more && !r->failed;) {
		yaml_event_t e;

		if (yaml_parser_parse(&r->parser, &e) == 0) {
			syntax(r);
			return;
		}
		handle(r, &e);
		more = e.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
}

/* Bytes of the line break that begins here, as libyaml counts them; or 0. */
static size_t
break_bytes(const char *text, size_t len)
{
	static const char *const breaks[] = {
	    "\r\n", "\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

	if (memchr("\r\n\xc2\xe2", *text, 4) == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
		size_t n = strlen(breaks[i]);

		if (n <= len && memcmp(text, breaks[i], n) == 0)
			return n;
	}
	return 0;
}

/* At least 1; a line break at the end begins no further one. */
static size_t
count_lines(const char *text, size_t len)
{
	size_t lines = 1;

	for (size_t at = 0; at < len;) {
		size_t n = break_bytes(text + at, len - at);

		at += n > 0 ? n : 1;
		lines += n > 0 && at < len;
	}
	return lines;
}

bool
conf_yaml_parse(const char *file, const char *text, size_t len,
    const struct conf_yaml_limits *limits, struct conf_yaml **out,
    struct conf_problems *ps)
{
	struct reader r = {.limits = limits, .ps = ps, .lines = SIZE_MAX};

	CHECK(limits->depth <= DEPTH_MAX);
	r.doc = mem_zalloc(1, sizeof(*r.doc));
	r.doc->file = mem_strdup(file);
	if (len > limits->bytes) {
		conf_problems_add(ps, file, 0, "",
		    "%zu bytes, more than the %zu allowed", len, limits->bytes);
		r.failed = true;
	} else if (!text_is_utf8(text, len) ||
		   (len > 0 && memchr(text, '\0', len) != NULL)) {
		fail(&r, conf_yaml_bad_line(text, len), "not UTF-8 text");
	} else {
		r.lines = count_lines(text, len);
		CHECK(yaml_parser_initialize(&r.parser) != 0);
		yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(
		    &r.parser, (const unsigned char *)text, len);
		read_all(&r);
		yaml_parser_delete(&r.parser);
	}
	if (!r.failed && r.doc->root == NULL)
		(void)add(&r, CONF_NODE_MAP, &(yaml_mark_t){0, 0, 0});
	mem_free(&r.key);
	if (r.failed)
		conf_yaml_free(&r.doc);
	*out = r.doc;
	return !r.failed;
}

const struct conf_node *
conf_yaml_root(const struct conf_yaml *y)
{
	return y->root;
}
