#include "rules/rules_area.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PREFIX_DIGITS_MAX 12
#define VERSION_MARK "# version:"

struct rules_areas {
	char *text; /* the file; the rows' names lie in it */
	const char *version;
	struct rules_area *rows; /* by prefix */
	size_t count;
};

/* Where the reader stands, for errors. */
struct place {
	const char *path;
	int line;
};

static enum err_code
wrong(const struct place *at, struct err *err, const char *expected)
{
	return err_set(err, ERR_CONFIG, 0, "%s:%d: expected %s", at->path,
	    at->line, expected);
}

/* Ends the field at its separator and gives the rest; NULL = no more. */
static char *
cut(char *text, char separator)
{
	char *end = strchr(text, separator);

	if (end == NULL)
		return NULL;
	*end = '\0';
	return end + 1;
}

static char *
trimmed(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static enum err_code
read_row(
    struct rules_area *row, char *line, const struct place *at, struct err *err)
{
	char *zone = cut(line, ',');
	size_t digits;

	memset(row, 0, sizeof(*row));
	digits = line[0] == '+' ? strspn(line + 1, "0123456789") : 0;
	if (digits == 0 || digits > PREFIX_DIGITS_MAX || line[1] == '0' ||
	    line[1 + digits] != '\0' || zone == NULL)
		return wrong(at, err,
		    "a prefix such as +1512, a comma and its time zones");
	row->prefix = strtoll(line + 1, NULL, 10);
	while (zone != NULL) {
		char *next = cut(zone, '|');

		if (row->count == RULES_AREA_ZONES_MAX || *zone == '\0')
			return wrong(at, err,
			    "1 to 8 time zones such as America/Chicago, with "
			    "'|' between them");
		row->zone[row->count++] = zone;
		zone = next;
	}
	return ERR_NONE;
}

static enum err_code
read_line(struct rules_areas *a, char *line, bool *header,
    const struct place *at, struct err *err)
{
	line = trimmed(line);
	if (strncmp(line, VERSION_MARK, strlen(VERSION_MARK)) == 0)
		a->version = trimmed(line + strlen(VERSION_MARK));
	if (*line == '\0' || *line == '#')
		return ERR_NONE;
	if (!*header) {
		*header = true;
		return strcmp(line, "prefix,zones") == 0
			   ? ERR_NONE
			   : wrong(at, err, "the header \"prefix,zones\"");
	}
	if (a->count == RULES_AREA_ROWS_MAX)
		return wrong(at, err, "at most 10000 rows");
	a->rows = mem_realloc(a->rows, a->count + 1, sizeof(a->rows[0]));
	return read_row(&a->rows[a->count++], line, at, err);
}

static int
by_prefix(const void *a, const void *b)
{
	const struct rules_area *x = a;
	const struct rules_area *y = b;

	return (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

static enum err_code
read_all(struct rules_areas *a, const char *path, struct err *err)
{
	struct place at = {path, 0};
	bool header = false;
	char *line = a->text;

	while (line != NULL) {
		char *next = cut(line, '\n');
		enum err_code code;

		at.line++;
		code = read_line(a, line, &header, &at, err);
		if (code != ERR_NONE)
			return code;
		line = next;
	}
	if (a->count == 0)
		return wrong(&at, err, "at least one row");
	if (a->version == NULL || *a->version == '\0')
		return wrong(&at, err, "a line \"# version: ...\" in the file");
	qsort(a->rows, a->count, sizeof(a->rows[0]), by_prefix);
	for (size_t i = 1; i < a->count; i++)
		if (a->rows[i].prefix == a->rows[i - 1].prefix)
			return err_set(err, ERR_CONFIG, 0,
			    "%s: +%lld stands there twice: join its zones in "
			    "one row",
			    path, (long long)a->rows[i].prefix);
	return ERR_NONE;
}

enum err_code
rules_area_load(struct env *env, const char *path, struct rules_areas **out,
    struct err *err)
{
	struct rules_areas *a = mem_zalloc(1, sizeof(*a));
	size_t len;
	enum err_code code;

	*out = NULL;
	code = env_read_whole(
	    env, path, RULES_AREA_BYTES_MAX, &a->text, &len, err);
	if (code == ERR_NOT_FOUND || code == ERR_MALFORMED)
		code = err_set(err, ERR_CONFIG, 0,
		    "%s: expected the table of area codes there, a file of at "
		    "most %d bytes: set its directory, or install it again",
		    path, RULES_AREA_BYTES_MAX);
	if (code == ERR_NONE && strlen(a->text) != len)
		code = err_set(err, ERR_CONFIG, 0,
		    "%s: expected text, got a byte 0", path);
	if (code == ERR_NONE)
		code = read_all(a, path, err);
	if (code != ERR_NONE)
		rules_area_free(&a);
	*out = a;
	return code;
}

void
rules_area_free(struct rules_areas **a)
{
	if (*a == NULL)
		return;
	mem_free(&(*a)->text);
	mem_free(&(*a)->rows);
	mem_free(a);
}

const struct rules_area *
rules_area_find(const struct rules_areas *a, int64_t number)
{
	for (; number > 0; number /= 10) {
		const struct rules_area key = {.prefix = number};
		const struct rules_area *row = bsearch(
		    &key, a->rows, a->count, sizeof(a->rows[0]), by_prefix);

		if (row != NULL)
			return row;
	}
	return NULL;
}

const char *
rules_area_version(const struct rules_areas *a)
{
	return a->version;
}

size_t
rules_area_count(const struct rules_areas *a)
{
	return a->count;
}
