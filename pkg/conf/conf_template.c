#include "conf/conf_template.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Number of the first pair of c in text[from..len), or len. */
static size_t
find_pair(const char *text, size_t from, size_t len, char c)
{
	for (size_t i = from; i + 1 < len; i++)
		if (text[i] == c && text[i + 1] == c)
			return i;
	return len;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static bool
is(const struct conf_placeholder *p, const char *name)
{
	return p->name_len == strlen(name) &&
	       memcmp(p->name, name, p->name_len) == 0;
}

/* ROOT.NAME or ROOT.NAME.NAME... */
static bool
is_path(const char *name, size_t len, const char *root)
{
	size_t n = strlen(root);

	if (len < n + 2 || memcmp(name, root, n) != 0 || name[n] != '.' ||
	    name[len - 1] == '.')
		return false;
	return find_pair(name, 0, len, '.') == len;
}

static enum err_code
check_name(const struct conf_placeholder *p, struct err *err)
{
	static const char *const roots[] = {"contact", "data", "agent", NULL};
	char root[CONF_TEMPLATE_NAME_MAX + 1];
	size_t n = 0;

	if (p->name_len > CONF_TEMPLATE_NAME_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "a name of more than %d letters", CONF_TEMPLATE_NAME_MAX);
	if (is_path(p->name, p->name_len, "contact") ||
	    is_path(p->name, p->name_len, "data") || is(p, "agent.name") ||
	    is(p, "agent.company"))
		return ERR_NONE;
	while (n < p->name_len && p->name[n] != '.')
		n++;
	memcpy(root, p->name, n);
	root[n] = '\0';

	const char *near = text_nearest(root, roots);
	bool other = near != NULL && strcmp(near, root) != 0;

	return err_set(err, ERR_MALFORMED, 0,
	    "{{%.*s}}: expected contact.NAME, data.NAME, agent.name or "
	    "agent.company%s%s%s",
	    (int)p->name_len, p->name, other ? "; did you mean " : "",
	    other ? near : "", other ? "?" : "");
}

enum err_code
conf_template_next(const char *text, size_t len, size_t *at,
    struct conf_placeholder *out, bool *found, struct err *err)
{
	size_t open = find_pair(text, *at, len, '{');
	size_t close = find_pair(text, *at, len, '}');
	size_t i;

	*found = open < len;
	if (close < open) {
		*at = close;
		return err_set(err, ERR_MALFORMED, 0, "\"}}\" without \"{{\"");
	}
	if (!*found)
		return ERR_NONE;
	*at = open;
	if (close == len || find_pair(text, open + 2, len, '{') < close)
		return err_set(err, ERR_MALFORMED, 0, "\"{{\" without \"}}\"");
	for (i = open + 2; i < close && text[i] == ' ';)
		i++;
	out->offset = open;
	out->name = text + i;
	while (i < close && is_name_char(text[i]))
		i++;
	out->name_len = (size_t)(text + i - out->name);
	while (i < close && text[i] == ' ')
		i++;
	out->has_default = i < close && text[i] == '|';
	if (i < close && !out->has_default)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected \"|default\" or \"}}\" after {{%.*s",
		    (int)(out->name_len < 60 ? out->name_len : 60), out->name);
	*at = close + 2;
	if (check_name(out, err) != ERR_NONE) {
		*at = open;
		return err->code;
	}
	return ERR_NONE;
}
