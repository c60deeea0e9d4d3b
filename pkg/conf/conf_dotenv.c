#include "conf/conf_dotenv.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define NAME_MAX_BYTES 128

/* One line; at walks through it. */
struct line {
	const char *file;
	int number;
	const char *at;
	const char *end;
	struct conf_problems *ps;
};

static bool
fail(const struct line *l, const char *name, const char *text)
{
	conf_problems_add(l->ps, l->file, l->number, name, "%s", text);
	return false;
}

static void
blanks(struct line *l)
{
	while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
		l->at++;
}

static bool
is_name(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static bool
read_name(struct line *l, char name[NAME_MAX_BYTES])
{
	static const char export[] = "export";
	size_t skip = sizeof(export) - 1;
	size_t n = 0;

	if ((size_t)(l->end - l->at) > skip &&
	    memcmp(l->at, export, skip) == 0 &&
	    (l->at[skip] == ' ' || l->at[skip] == '\t')) {
		l->at += skip;
		blanks(l);
	}
	while (l->at < l->end && is_name(*l->at, n == 0)) {
		if (n == NAME_MAX_BYTES - 1)
			return fail(l, "", "a name of more than 127 letters");
		name[n++] = *l->at++;
	}
	name[n] = '\0';
	blanks(l);
	if (n == 0 || l->at == l->end || *l->at != '=')
		return fail(l, name, "expected NAME=VALUE");
	l->at++;
	return true;
}

/* After the value only a comment may stand. */
static bool
read_rest(struct line *l, const char *name)
{
	blanks(l);
	if (l->at < l->end && *l->at != '#')
		return fail(l, name,
		    "expected the end of the line after the closing quote; "
		    "put the whole value in quotes");
	return true;
}

static bool
read_single(struct line *l, const char *name, struct buf *out)
{
	const char *close =
	    memchr(l->at + 1, '\'', (size_t)(l->end - l->at) - 1);

	if (close == NULL)
		return fail(l, name, "expected a closing ' on the same line");
	buf_put(out, l->at + 1, (size_t)(close - l->at) - 1);
	l->at = close + 1;
	return read_rest(l, name);
}

static bool
read_escape(struct line *l, const char *name, struct buf *out)
{
	char c = '\0';

	if (++l->at < l->end)
		c = *l->at;
	if (c == 'n')
		buf_putc(out, '\n');
	else if (c == 't')
		buf_putc(out, '\t');
	else if (c != '\0' && strchr("\"\\$`", c) != NULL)
		buf_putc(out, c);
	else
		return fail(l, name,
		    "expected \\\", \\\\, \\n, \\t or \\$ after the \\; "
		    "write \\\\ for itself");
	return true;
}

static bool
read_double(struct line *l, const char *name, struct buf *out)
{
	for (l->at++; l->at < l->end && *l->at != '"'; l->at++) {
		if (*l->at == '\\') {
			if (!read_escape(l, name, out))
				return false;
			continue;
		}
		if (*l->at == '$' && l->at + 1 < l->end &&
		    (l->at[1] == '{' || l->at[1] == '(' ||
			is_name(l->at[1], true)))
			return fail(l, name,
			    "nothing is put in for $NAME here; write \\$ for "
			    "itself, or use ' quotes");
		buf_putc(out, *l->at);
	}
	if (l->at == l->end)
		return fail(l, name, "expected a closing \" on the same line");
	l->at++;
	return read_rest(l, name);
}

/* Up to a blank with # behind it; blanks at the end go. */
static void
read_plain(struct line *l, struct buf *out)
{
	const char *stop = l->at;

	for (const char *p = l->at; p < l->end; p++) {
		bool blank = *p == ' ' || *p == '\t';

		if (*p == '#' && (p == l->at || p[-1] == ' ' || p[-1] == '\t'))
			break;
		if (!blank)
			stop = p + 1;
	}
	buf_put(out, l->at, (size_t)(stop - l->at));
}

static bool
read_value(struct line *l, const char *name, struct buf *out)
{
	blanks(l);
	if (l->at < l->end && *l->at == '\'')
		return read_single(l, name, out);
	if (l->at < l->end && *l->at == '"')
		return read_double(l, name, out);
	read_plain(l, out);
	return true;
}

static bool
keep(struct line *l, const char *name, const struct buf *value,
    struct conf_dotenv *out)
{
	const struct conf_dotenv_item *twin = conf_dotenv_get(out, name);

	if (twin != NULL) {
		conf_problems_add(l->ps, l->file, l->number, name,
		    "given twice, first in line %d: remove one", twin->line);
		return false;
	}
	if (out->count == CONF_DOTENV_ITEMS_MAX)
		return fail(l, name, "more than 1000 lines");
	out->items =
	    mem_realloc(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = (struct conf_dotenv_item){
	    mem_strdup(name), mem_strdup(buf_text(value)), l->number};
	return true;
}

static bool
read_line(struct line *l, struct conf_dotenv *out)
{
	struct buf value = BUF_INIT(CONF_DOTENV_BYTES_MAX);
	char name[NAME_MAX_BYTES] = "";
	bool good = false;

	blanks(l);
	if (l->at == l->end || *l->at == '#')
		return true;
	if (!text_is_utf8(l->at, (size_t)(l->end - l->at)) ||
	    memchr(l->at, '\0', (size_t)(l->end - l->at)) != NULL)
		return fail(l, "", "not UTF-8 text");
	good = read_name(l, name) && read_value(l, name, &value) &&
	       keep(l, name, &value, out);
	if (value.bytes != NULL)
		mem_wipe(value.bytes, value.len);
	buf_free(&value);
	return good;
}

bool
conf_dotenv_parse(const char *file, const char *text, size_t len,
    struct conf_dotenv *out, struct conf_problems *ps)
{
	struct line l = {file, 0, NULL, NULL, ps};
	bool good = true;
	size_t at = 0;

	if (len > CONF_DOTENV_BYTES_MAX) {
		conf_problems_add(ps, file, 0, "",
		    "%zu bytes, more than the %d allowed", len,
		    CONF_DOTENV_BYTES_MAX);
		return false;
	}
	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);

		l.number++;
		l.at = text + at;
		l.end = end != NULL ? end : text + len;
		at = (size_t)(l.end - text) + 1;
		if (l.end > l.at && l.end[-1] == '\r')
			l.end--;
		good = read_line(&l, out) && good;
	}
	return good;
}

void
conf_dotenv_fini(struct conf_dotenv *d)
{
	for (size_t i = 0; i < d->count; i++) {
		mem_free(&d->items[i].name);
		mem_wipe(d->items[i].value, strlen(d->items[i].value));
		mem_free(&d->items[i].value);
	}
	mem_free(&d->items);
	d->count = 0;
}

const struct conf_dotenv_item *
conf_dotenv_get(const struct conf_dotenv *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->items[i].name, name) == 0)
			return &d->items[i];
	return NULL;
}
