#include "talk/talk_text.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"

static const char *const roots[] = {"agent", "contact", "data", NULL};

/* One placeholder as it stands in a template. */
struct place {
	const char *begin; /* at "{{" */
	const char *end;   /* after "}}" */
	char name[TALK_NAME_MAX];
	const char *fallback; /* NULL = none */
	size_t fallback_len;
};

void
talk_values_init(struct talk_values *v)
{
	list_init(&v->list);
	v->count = 0;
}

void
talk_values_fini(struct talk_values *v)
{
	struct list *node;

	while ((node = list_pop(&v->list)) != NULL) {
		struct talk_value *value =
		    CONTAINER_OF(node, struct talk_value, node);

		mem_free(&value->name);
		mem_free(&value->text);
		mem_free(&value);
	}
	v->count = 0;
}

const char *
talk_values_get(const struct talk_values *v, const char *name)
{
	LIST_FOREACH (node, &v->list) {
		const struct talk_value *value =
		    CONTAINER_OF(node, struct talk_value, node);

		if (strcmp(value->name, name) == 0)
			return value->text;
	}
	return NULL;
}

/* Cut to TALK_VALUE_MAX at a character's border; no control characters. */
static char *
clean(const char *text)
{
	size_t len = strlen(text);

	if (len > TALK_VALUE_MAX) {
		len = TALK_VALUE_MAX;
		while (len > 0 && ((unsigned char)text[len] & 0xC0U) == 0x80U)
			len--;
	}

	char *copy = mem_strndup(text, len);

	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20U || *p == 0x7F)
			*p = ' ';
	return copy;
}

enum err_code
talk_values_add(
    struct talk_values *v, const char *name, const char *text, struct err *err)
{
	if (talk_values_get(v, name) != NULL)
		return ERR_NONE;
	if (v->count == TALK_VALUES_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "more than %d different placeholders; remove \"%.40s\"",
		    TALK_VALUES_MAX, name);
	if (strlen(name) >= TALK_NAME_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "a placeholder's name has more than %d bytes: %.40s...",
		    TALK_NAME_MAX - 1, name);
	if (!text_is_utf8(text, strlen(text)))
		return err_set(
		    err, ERR_MALFORMED, 0, "%s: expected UTF-8 text", name);

	struct talk_value *value = mem_zalloc(1, sizeof(*value));

	value->name = mem_strdup(name);
	value->text = clean(text);
	list_add_tail(&v->list, &value->node);
	v->count++;
	return ERR_NONE;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static enum err_code
check_name(const struct place *p, const char *template, struct err *err)
{
	int at = (int)(p->begin - template);
	const char *dot = strchr(p->name, '.');

	if (p->name[0] == '\0')
		return err_set(err, ERR_MALFORMED, 0,
		    "byte %d: expected a name such as contact.first_name "
		    "within {{ }}",
		    at);

	char root[TALK_NAME_MAX];
	size_t len = dot == NULL ? strlen(p->name) : (size_t)(dot - p->name);

	memcpy(root, p->name, len);
	root[len] = '\0';
	for (const char *const *r = roots; *r != NULL; r++)
		if (strcmp(root, *r) == 0 && dot != NULL && dot[1] != '\0' &&
		    strstr(p->name, "..") == NULL)
			return ERR_NONE;

	const char *near = text_nearest(root, roots);

	return err_set(err, ERR_MALFORMED, 0,
	    "byte %d: \"%s\": expected contact.NAME, data.NAME or "
	    "agent.NAME%s%s%s",
	    at, p->name, near == NULL ? "" : "; did you mean ",
	    near == NULL ? "" : near, near == NULL ? "" : ".NAME?");
}

/* Fill name and fallback from what stands between the braces. */
static enum err_code
read_inside(
    struct place *p, const char *template, const char *close, struct err *err)
{
	const char *s = p->begin + 2;
	size_t len = 0;

	while (s < close && *s == ' ')
		s++;
	while (s < close && is_name_char(*s)) {
		if (len == TALK_NAME_MAX - 1)
			return err_set(err, ERR_MALFORMED, 0,
			    "byte %d: a name has at most %d bytes",
			    (int)(p->begin - template), TALK_NAME_MAX - 1);
		p->name[len++] = *s++;
	}
	p->name[len] = '\0';
	while (s < close && *s == ' ')
		s++;
	if (s < close && *s == '|') {
		p->fallback = s + 1;
		p->fallback_len = (size_t)(close - s) - 1;
	} else if (s < close) {
		return err_set(err, ERR_MALFORMED, 0,
		    "byte %d: \"%c\": expected \"|default\" or \"}}\" after "
		    "the name",
		    (int)(s - template), *s);
	}
	return check_name(p, template, err);
}

/* The next placeholder at or after from; begin NULL when there is none. */
static enum err_code
next_place(
    const char *template, const char *from, struct place *p, struct err *err)
{
	memset(p, 0, sizeof(*p));
	p->begin = strstr(from, "{{");
	if (p->begin == NULL)
		return ERR_NONE;

	const char *close = strstr(p->begin + 2, "}}");
	const char *again = strstr(p->begin + 2, "{{");

	if (close == NULL || (again != NULL && again < close))
		return err_set(err, ERR_MALFORMED, 0,
		    "byte %d: \"{{\" without \"}}\"",
		    (int)(p->begin - template));
	p->end = close + 2;
	p->fallback = "";
	return read_inside(p, template, close, err);
}

static enum err_code
check_size(const char *template, struct err *err)
{
	size_t len = strlen(template);

	if (len > TALK_TEMPLATE_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "%zu bytes; a text to say has at most %d", len,
		    TALK_TEMPLATE_MAX);
	return ERR_NONE;
}

enum err_code
talk_text_check(const char *template, struct err *err)
{
	const char *from = template;
	struct place p;
	enum err_code code = check_size(template, err);

	while (code == ERR_NONE) {
		code = next_place(template, from, &p, err);
		if (code != ERR_NONE || p.end == NULL)
			break;
		from = p.end;
	}
	return code;
}

/* What JSON has at name's path below its root, as text; false = nothing. */
static bool
look_up(const struct json *root, const char *name, struct buf *out)
{
	const char *s = strchr(name, '.') + 1;
	const struct json *j = root;
	char key[TALK_NAME_MAX];

	while (j != NULL && *s != '\0') {
		size_t len = strcspn(s, ".");

		memcpy(key, s, len);
		key[len] = '\0';
		j = json_get(j, key);
		s += len + (s[len] == '.');
	}
	if (j == NULL)
		return false;

	struct err unused;
	const char *text;
	double number;
	bool truth;

	if (json_to_str(j, &text, &unused) == ERR_NONE) {
		buf_puts(out, text);
	} else if (json_to_double(j, &number, &unused) == ERR_NONE) {
		char digits[32];
		int64_t whole;

		if (json_to_i64(j, -JSON_I64_MAX, JSON_I64_MAX, &whole,
			&unused) == ERR_NONE)
			buf_printf(out, "%lld", (long long)whole);
		else
			buf_puts(out, ((void)snprintf(digits, sizeof(digits),
					   "%g", number),
					  digits));
	} else if (json_to_bool(j, &truth, &unused) == ERR_NONE) {
		buf_puts(out, truth ? "yes" : "no");
	}
	return out->len > 0;
}

static enum err_code
gather_one(const struct place *p, const struct json *contact,
    const struct json *data, struct talk_values *values, struct err *err)
{
	const struct json *root = NULL;
	struct buf text = BUF_INIT(1 << 20);
	enum err_code code = ERR_NONE;

	if (text_starts(p->name, "contact."))
		root = contact;
	else if (text_starts(p->name, "data."))
		root = data;
	if (root != NULL && talk_values_get(values, p->name) == NULL &&
	    look_up(root, p->name, &text))
		code = talk_values_add(values, p->name, text.bytes, err);
	buf_free(&text);
	return code;
}

static enum err_code
parse_object(
    const char *text, const char *what, struct json **out, struct err *err)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;

	if (json_parse(text, strlen(text), &limits, out, err) != ERR_NONE ||
	    json_expect(*out, JSON_OBJECT, err) != ERR_NONE)
		return err_wrap(err, "%s", what);
	return ERR_NONE;
}

enum err_code
talk_text_gather(const char *template, const char *contact_json,
    const char *data_json, struct talk_values *values, struct err *err)
{
	struct json *contact = NULL, *data = NULL;
	const char *from = template;
	struct place p;
	enum err_code code = check_size(template, err);

	if (code == ERR_NONE)
		code = parse_object(contact_json, "contact", &contact, err);
	if (code == ERR_NONE)
		code = parse_object(data_json, "data", &data, err);
	while (code == ERR_NONE) {
		code = next_place(template, from, &p, err);
		if (code != ERR_NONE || p.end == NULL)
			break;
		code = gather_one(&p, contact, data, values, err);
		from = p.end;
	}
	json_free(&contact);
	json_free(&data);
	return code;
}

/* Nothing was put here: drop the blank before it, unless a word follows. */
static void
close_gap(struct buf *out, size_t start, const char *next)
{
	bool at_start = out->len == start;
	bool blank = !at_start && out->bytes[out->len - 1] == ' ';

	if (blank && (*next == '\0' || strchr(" ,.;:!?", *next) != NULL)) {
		out->len--;
		out->bytes[out->len] = '\0';
	}
}

static enum err_code
put_place(const struct place *p, const struct talk_values *values, size_t start,
    struct buf *out, struct err *err)
{
	const char *text = talk_values_get(values, p->name);

	if (text != NULL && text[0] != '\0')
		return buf_try_put(out, text, strlen(text), err);
	if (p->fallback_len > 0)
		return buf_try_put(out, p->fallback, p->fallback_len, err);
	close_gap(out, start, p->end);
	return ERR_NONE;
}

enum err_code
talk_text_render(const char *template, const struct talk_values *values,
    struct buf *out, struct err *err)
{
	size_t start = out->len;
	const char *from = template;
	struct place p;
	enum err_code code = check_size(template, err);

	while (code == ERR_NONE) {
		code = next_place(template, from, &p, err);
		if (code != ERR_NONE)
			break;

		size_t plain =
		    p.begin == NULL ? strlen(from) : (size_t)(p.begin - from);

		code = buf_try_put(out, from, plain, err);
		if (code != ERR_NONE || p.begin == NULL)
			break;
		CHECK(p.end != NULL);
		code = put_place(&p, values, start, out, err);
		from = p.end;
	}
	return code;
}
