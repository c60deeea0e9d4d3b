#include "source/source_csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#include "json/json_write.h"
#include "source/source_line.h"

/* What people call their columns, by its lower-case letters alone. */
static const struct {
	const char *letters;
	const char *field;
} guesses[] = {
    {"phone", "phone"},
    {"phonenumber", "phone"},
    {"telephone", "phone"},
    {"mobile", "phone"},
    {"number", "phone"},
    {"id", "id"},
    {"kind", "kind"},
    {"campaign", "campaignId"},
    {"campaignid", "campaignId"},
    {"org", "org"},
    {"organization", "org"},
    {"organisation", "org"},
    {"company", "org"},
    {"firstname", "contact.first_name"},
    {"lastname", "contact.last_name"},
    {"name", "contact.last_name"},
    {"title", "contact.title"},
    {"practice", "contact.practice"},
    {"email", "contact.email"},
    {"timezone", "contact.timezone"},
    {"step", "step"},
    {"finalstep", "finalStep"},
    {"priority", "priority"},
    {"notbefore", "notBefore"},
    {"expiresat", "expiresAt"},
};

static bool
is_member(const char *name, const char *object)
{
	size_t n = strlen(object);

	return strncmp(name, object, n) == 0 && name[n] == '.' &&
	       name[n + 1] != '\0' && strchr(name + n + 1, '.') == NULL;
}

static bool
is_field(const char *name)
{
	for (const char *const *f = source_line_fields; *f != NULL; f++)
		if (strcmp(*f, name) == 0)
			return true;
	return is_member(name, "contact") || is_member(name, "data");
}

static const char *
guess(const char *name)
{
	const char *letters[ARRAY_LEN(guesses) + 1] = {NULL};
	const char *near;
	char plain[64];
	size_t n = 0;

	for (; *name != '\0' && n + 1 < sizeof(plain); name++)
		if (*name >= 'A' && *name <= 'Z')
			plain[n++] = (char)(*name - 'A' + 'a');
		else if (*name >= 'a' && *name <= 'z')
			plain[n++] = *name;
	plain[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(guesses); i++)
		letters[i] = guesses[i].letters;
	near = text_nearest(plain, letters);
	for (size_t i = 0; near != NULL && i < ARRAY_LEN(guesses); i++)
		if (guesses[i].letters == near)
			return guesses[i].field;
	return NULL;
}

enum err_code
source_map_parse(const char *text, struct source_map *out, struct err *err)
{
	const char *sign = strrchr(text, '=');

	*out = (struct source_map){NULL, NULL};
	if (sign == NULL)
		return err_set(err, ERR_USAGE, 0,
		    "--map \"%.80s\": expected COLUMN=FIELD, such as "
		    "\"Phone 1=phone\", or COLUMN= to leave it out",
		    text);
	if (sign[1] != '\0' && !is_field(sign + 1)) {
		const char *near = guess(sign + 1);

		return err_set(err, ERR_USAGE, 0,
		    "--map \"%.80s\": there is no field \"%.64s\"%s%s%s", text,
		    sign + 1, near != NULL ? "; did you mean \"" : "",
		    near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
	out->from = mem_strndup(text, (size_t)(sign - text));
	out->to = mem_strdup(sign + 1);
	return ERR_NONE;
}

void
source_map_fini(struct source_map *m)
{
	mem_free(&m->from);
	mem_free(&m->to);
}

void
source_csv_fini(struct source_csv *csv)
{
	for (size_t i = 0; i < csv->count; i++)
		mem_free(&csv->fields[i]);
	csv->count = 0;
}

/* Without blanks around it. */
static char *
trimmed(const char *text)
{
	size_t n;

	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	return mem_strndup(text, n);
}

static const struct source_map *
mapped(const struct source_map *maps, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(maps[i].from, name) == 0)
			return &maps[i];
	return NULL;
}

/* Name every column, and list in unknown those that have no meaning. */
static void
name_columns(struct source_csv *csv, const struct source_cells *header,
    const struct source_map *maps, size_t map_count, struct buf *unknown)
{
	for (size_t i = 0; i < header->count; i++) {
		char *name = trimmed(source_cells_text(header, i));
		const struct source_map *m = mapped(maps, map_count, name);
		const char *near = guess(name);

		if (m == NULL && !is_field(name)) {
			buf_printf(unknown,
			    "%s\"%.64s\" (--map \"%.64s=%s\"%s)",
			    unknown->len > 0 ? ", " : "", name, name,
			    near != NULL ? near : "",
			    near != NULL ? "?" : " leaves it out");
		}
		if (m != NULL) {
			mem_free(&name);
			name = mem_strdup(m->to);
		}
		csv->fields[csv->count++] = name;
	}
}

/* The same field, or an object and a part of it. */
static bool
clash(const char *a, const char *b)
{
	size_t n = strcspn(a, ".");
	size_t m = strcspn(b, ".");

	if (*a == '\0' || strcmp(a, b) == 0)
		return *a != '\0';
	return (a[n] == '\0') != (b[m] == '\0') && n == m &&
	       strncmp(a, b, n) == 0;
}

static enum err_code
no_clash(char *const *fields, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (clash(fields[i], fields[j]))
				return err_set(err, ERR_MALFORMED, 0,
				    "columns %zu (\"%.64s\") and %zu "
				    "(\"%.64s\") say the same; leave one out "
				    "with --map \"COLUMN=\"",
				    i + 1, fields[i], j + 1, fields[j]);
	return ERR_NONE;
}

static enum err_code
no_idle_map(const struct source_cells *header, const struct source_map *maps,
    size_t map_count, struct err *err)
{
	for (size_t m = 0; m < map_count; m++) {
		bool used = false;

		for (size_t i = 0; i < header->count && !used; i++) {
			char *name = trimmed(source_cells_text(header, i));

			used = strcmp(name, maps[m].from) == 0;
			mem_free(&name);
		}
		if (!used)
			return err_set(err, ERR_MALFORMED, 0,
			    "--map \"%.64s=%s\": there is no such column",
			    maps[m].from, maps[m].to);
	}
	return ERR_NONE;
}

static enum err_code
no_phone(const struct source_cells *header, struct err *err)
{
	const char *first = source_cells_text(header, 0);

	if (header->count == 1 && strpbrk(first, ";\t") != NULL)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected columns separated by commas, got \"%.80s\"",
		    first);
	return err_set(err, ERR_MALFORMED, 0,
	    "there is no column \"phone\" among the %zu columns; name one with "
	    "--map \"COLUMN=phone\"",
	    header->count);
}

enum err_code
source_csv_header(struct source_csv *csv, const struct source_cells *header,
    const struct source_map *maps, size_t map_count, struct err *err)
{
	struct buf unknown = BUF_INIT((size_t)SOURCE_COLUMNS_MAX * 300);
	enum err_code code = no_idle_map(header, maps, map_count, err);
	bool phone = false;

	csv->count = 0;
	name_columns(csv, header, maps, map_count, &unknown);
	for (size_t i = 0; i < csv->count; i++)
		phone = phone || strcmp(csv->fields[i], "phone") == 0;
	if (code == ERR_NONE && header->count == 1 && !phone)
		code = no_phone(header, err);
	if (code == ERR_NONE && unknown.len > 0)
		code = err_set(err, ERR_MALFORMED, 0, "unknown columns: %s",
		    unknown.bytes);
	if (code == ERR_NONE && !phone)
		code = no_phone(header, err);
	if (code == ERR_NONE)
		code = no_clash(csv->fields, csv->count, err);
	buf_free(&unknown);
	return code;
}

/*
 * Values keep their type where the text has one; what has not is left as text,
 * for the table of fields to refuse in its own words.
 */
static void
write_value(struct json_writer *w, const char *field, const char *text)
{
	struct err why;
	int64_t n;

	if (strcmp(field, "contact") == 0 || strcmp(field, "data") == 0) {
		if (json_write_raw(w, text, strlen(text), &why) == ERR_NONE)
			return;
	} else if (strcmp(field, "step") == 0 ||
		   strcmp(field, "priority") == 0) {
		if (text_i64(text, -JSON_I64_MAX, JSON_I64_MAX, &n, &why) ==
		    ERR_NONE) {
			json_write_i64(w, n);
			return;
		}
	} else if (strcmp(field, "finalStep") == 0) {
		bool yes = strcasecmp(text, "true") == 0;

		if (yes || strcasecmp(text, "false") == 0) {
			json_write_bool(w, yes);
			return;
		}
	}
	json_write_str(w, text);
}

struct pairs {
	const char *const *names;
	const char *const *values;
	size_t count;
};

static void
write_members(struct json_writer *w, const struct pairs *p, const char *object)
{
	bool begun = false;

	for (size_t i = 0; i < p->count; i++) {
		if (*p->values[i] == '\0' || !is_member(p->names[i], object))
			continue;
		if (!begun) {
			json_write_key(w, object);
			json_write_object(w);
		}
		begun = true;
		json_field_str(
		    w, p->names[i] + strlen(object) + 1, p->values[i]);
	}
	if (begun)
		json_write_end(w);
}

static void
write_line(const struct pairs *p, struct buf *line)
{
	struct json_writer w = JSON_WRITER_INIT(line);

	json_write_object(&w);
	for (size_t i = 0; i < p->count; i++) {
		if (*p->names[i] == '\0' || *p->values[i] == '\0' ||
		    strchr(p->names[i], '.') != NULL)
			continue;
		json_write_key(&w, p->names[i]);
		write_value(&w, p->names[i], p->values[i]);
	}
	write_members(&w, p, "contact");
	write_members(&w, p, "data");
	json_write_end(&w);
}

enum err_code
source_csv_row(const struct source_csv *csv, const struct source_cells *row,
    struct buf *line, struct err *err)
{
	const char *names[SOURCE_COLUMNS_MAX];
	const char *values[SOURCE_COLUMNS_MAX];

	if (row->count != csv->count)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected %zu values as in the header, got %zu", csv->count,
		    row->count);
	for (size_t i = 0; i < row->count; i++) {
		names[i] = csv->fields[i];
		values[i] = source_cells_text(row, i);
	}
	write_line(&(struct pairs){names, values, row->count}, line);
	return ERR_NONE;
}

enum err_code
source_csv_pairs(const char *const *names, const char *const *values,
    size_t count, struct buf *line, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *near = guess(names[i]);

		if (!is_field(names[i]))
			return err_set(err, ERR_USAGE, 0,
			    "there is no field \"%.64s\"%s%s%s", names[i],
			    near != NULL ? "; did you mean \"" : "",
			    near != NULL ? near : "",
			    near != NULL ? "\"?" : "");
		for (size_t j = 0; j < i; j++)
			if (clash(names[i], names[j]))
				return err_set(err, ERR_USAGE, 0,
				    "\"%.64s\" and \"%.64s\" say the same; "
				    "give one of them",
				    names[j], names[i]);
	}
	write_line(&(struct pairs){names, values, count}, line);
	return ERR_NONE;
}
