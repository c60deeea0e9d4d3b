#include "base/mem.h"
#include "base/text.h"

#include "conf/conf_yaml.h"
#include "fuzz.h"

/*
 * YAML that people write: limits hold, every node knows a place that exists,
 * every getter that refuses says so, and a tree written in the plainest YAML
 * there is reads as the same tree.
 */

#define OUT_MAX (1 << 20)

static const struct conf_yaml_limits limits = {2048, 8, 200};
static const struct conf_yaml_limits wider = {OUT_MAX, 8, 200};

struct walk {
	struct conf_problems ps;
	size_t nodes;
	int lines; /* of the text */
};

/* ps must have grown by a problem exactly when a getter said no. */
static void
told(struct walk *w, size_t before, bool good)
{
	size_t now = w->ps.count + w->ps.dropped;

	CHECK(now == before + !good);
}

static void
check_getters(struct walk *w, const struct conf_node *n)
{
	static const char *const words[] = {"sim", "none", "full", NULL};
	const char *text = NULL;
	size_t before = w->ps.count + w->ps.dropped;
	size_t index = 99;
	int64_t v = -1;
	double d = -1;
	bool yes = false;

	told(w, before, conf_node_str(n, &text, &w->ps));
	CHECK(text == NULL || *text != '\0');
	before = w->ps.count + w->ps.dropped;
	told(w, before, conf_node_bool(n, &yes, &w->ps));
	before = w->ps.count + w->ps.dropped;
	told(w, before, conf_node_i64(n, 0, 500, &v, &w->ps));
	CHECK(v >= -1 && v <= 500);
	before = w->ps.count + w->ps.dropped;
	told(w, before, conf_node_double(n, 0, 1, &d, &w->ps));
	CHECK(d == -1 || (d >= 0 && d <= 1));
	before = w->ps.count + w->ps.dropped;
	v = -1;
	told(w, before, conf_node_duration(n, 10, 86400000, &v, &w->ps));
	CHECK(v == -1 || (v >= 10 && v <= 86400000));
	before = w->ps.count + w->ps.dropped;
	told(w, before, conf_node_choice(n, words, &index, &w->ps));
	CHECK(index == 99 || index < 3);
	conf_problems_fini(&w->ps);
}

/* Of an empty text nothing can be asked: it has no getter. */
static const char *
text_of(const struct conf_node *n)
{
	struct conf_problems ps = {0};
	const char *text = "";

	(void)conf_node_str(n, &text, &ps);
	conf_problems_fini(&ps);
	return text;
}

static void
check_text_lines(const struct walk *w, const struct conf_node *n)
{
	int line = conf_node_line(n);

	for (size_t i = 0, len = strlen(text_of(n)); i < len; i++) {
		CHECK(conf_node_text_line(n, i) >= line);
		line = conf_node_text_line(n, i);
	}
	CHECK(line <= w->lines);
}

static void
check_node(struct walk *w, const struct conf_node *n, size_t depth)
{
	enum conf_node_kind kind = conf_node_kind(n);
	struct buf path = BUF_INIT(1 << 16);

	w->nodes++;
	CHECK(depth + (kind != CONF_NODE_TEXT) <= limits.depth);
	CHECK(conf_node_line(n) >= 1 && conf_node_line(n) <= w->lines);
	CHECK(conf_node_column(n) >= 1);
	conf_node_path(n, &path);
	CHECK((path.len == 0) == (depth == 0));
	buf_free(&path);
	check_getters(w, n);
	if (kind == CONF_NODE_TEXT)
		check_text_lines(w, n);
	CHECK(kind != CONF_NODE_TEXT || conf_node_count(n) == 0);
	for (size_t i = 0; i < conf_node_count(n); i++) {
		const struct conf_node *child = conf_node_at(n, i);
		const char *key = conf_node_key(child);

		CHECK((kind == CONF_NODE_MAP) == (*key != '\0'));
		CHECK(text_is_utf8(key, strlen(key)));
		if (kind == CONF_NODE_MAP)
			CHECK(conf_node_get(n, key) != NULL);
		check_node(w, child, depth + 1);
	}
}

/* The character that begins here, and how many bytes it has. */
static uint32_t
point_of(const char *text, size_t *len)
{
	uint8_t lead = (uint8_t)*text;
	uint32_t c = lead < 0xe0   ? lead & 0x1f
		     : lead < 0xf0 ? lead & 15
				   : lead & 7;

	*len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (*len == 1)
		return lead;
	for (size_t i = 1; i < *len; i++)
		c = c << 6 | ((uint8_t)text[i] & 0x3f);
	return c;
}

static void
put_text(struct buf *out, const char *text)
{
	size_t n = 0;

	CHECK(text_is_utf8(text, strlen(text)));
	buf_putc(out, '"');
	for (; *text != '\0'; text += n) {
		uint32_t c = point_of(text, &n);

		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			buf_putc(out, *text);
		else
			buf_printf(out, "\\U%08x", (unsigned)c);
	}
	buf_putc(out, '"');
}

static void
put_node(struct buf *out, const struct conf_node *n)
{
	enum conf_node_kind kind = conf_node_kind(n);

	if (kind == CONF_NODE_TEXT) {
		put_text(out, text_of(n));
		return;
	}
	buf_putc(out, kind == CONF_NODE_MAP ? '{' : '[');
	for (size_t i = 0; i < conf_node_count(n); i++) {
		const struct conf_node *child = conf_node_at(n, i);

		buf_puts(out, i > 0 ? ",\n" : "");
		if (kind == CONF_NODE_MAP) {
			/* "?": the value may stand far from a long key */
			buf_puts(out, "? ");
			put_text(out, conf_node_key(child));
			buf_puts(out, "\n: ");
		}
		put_node(out, child);
	}
	buf_putc(out, kind == CONF_NODE_MAP ? '}' : ']');
}

static void
check_again(const struct conf_node *root)
{
	struct buf text = BUF_INIT(OUT_MAX);
	struct buf same = BUF_INIT(OUT_MAX);
	struct conf_problems ps = {0};
	struct conf_yaml *y = NULL;

	put_node(&text, root);
	CHECK(conf_yaml_parse("again", text.bytes, text.len, &wider, &y, &ps));
	put_node(&same, conf_yaml_root(y));
	CHECK(same.len == text.len &&
	      memcmp(same.bytes, text.bytes, text.len) == 0);
	conf_yaml_free(&y);
	conf_problems_fini(&ps);
	buf_free(&text);
	buf_free(&same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct walk w = {.lines = 1};
	struct conf_problems ps = {0};
	struct conf_yaml *y = NULL;
	bool good = conf_yaml_parse(
	    "a.yaml", (const char *)bytes, len, &limits, &y, &ps);

	for (size_t i = 0; i < len; i++)
		w.lines += bytes[i] == '\n' || bytes[i] == '\r' ||
			   bytes[i] >= 0x80; /* NEL, LS and PS end lines too */
	CHECK(good == (y != NULL));
	CHECK(good || ps.count > 0);
	for (size_t i = 0; i < ps.count; i++) {
		CHECK(text_eq(ps.items[i].file, "a.yaml"));
		CHECK(ps.items[i].text[0] != '\0');
		CHECK(ps.items[i].line >= (len <= limits.bytes) &&
		      ps.items[i].line <= w.lines);
	}
	if (good) {
		CHECK(len <= limits.bytes);
		check_node(&w, conf_yaml_root(y), 0);
		CHECK(w.nodes <= limits.nodes);
		check_again(conf_yaml_root(y));
	}
	conf_yaml_free(&y);
	conf_problems_fini(&ps);
	return 0;
}
