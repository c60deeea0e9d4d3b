#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

/* Keys of a settings file that no row knows. */

struct search {
	const struct conf_row *rows;
	size_t count;
	struct conf_problems *ps;
};

static const char *
last_part(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot != NULL ? dot + 1 : key;
}

/* Is path a row's key, or with _file a secret's? */
static bool
is_key(const struct search *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++) {
		size_t n = strlen(s->rows[i].key);

		if (strncmp(path, s->rows[i].key, n) == 0 &&
		    (path[n] == '\0' ||
			(s->rows[i].secret && strcmp(path + n, "_file") == 0)))
			return true;
	}
	return false;
}

static bool
is_section(const struct search *s, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < s->count; i++)
		if (strncmp(s->rows[i].key, path, n) == 0 &&
		    s->rows[i].key[n] == '.')
			return true;
	return false;
}

/* What may stand in the section, as words ended by NULL. */
static char **
words_within(const struct search *s, const char *section)
{
	char **words = mem_zalloc(s->count + 1, sizeof(*words));
	size_t skip = *section != '\0' ? strlen(section) + 1 : 0;
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		const char *key = s->rows[i].key;

		if (skip > 0 && (strncmp(key, section, skip - 1) != 0 ||
				    key[skip - 1] != '.'))
			continue;
		words[n++] = mem_strndup(key + skip, strcspn(key + skip, "."));
	}
	return words;
}

static void
unknown(const struct search *s, const char *section, const struct conf_node *n)
{
	const char *key = conf_node_key(n);
	char **words = words_within(s, section);
	const char *near = text_nearest(key, (const char *const *)words);
	const char *elsewhere = NULL;

	for (size_t i = 0; i < s->count; i++)
		if (strcmp(last_part(s->rows[i].key), key) == 0 ||
		    strcmp(s->rows[i].key, key) == 0)
			elsewhere = s->rows[i].key;
	if (elsewhere != NULL)
		conf_node_problem(n, s->ps,
		    "unknown key here; did you mean %s, each part a section?",
		    elsewhere);
	else if (near != NULL)
		conf_node_problem(
		    n, s->ps, "unknown key; did you mean %s?", near);
	else
		conf_node_problem(n, s->ps,
		    "unknown key; remove it (`dsrun config` lists all keys)");
	for (size_t i = 0; words[i] != NULL; i++)
		mem_free(&words[i]);
	mem_free(&words);
}

/* Recursive; conf_yaml bounded the depth. */
static void
walk(const struct search *s, const char *section, const struct conf_node *map)
{
	for (size_t i = 0; i < conf_node_count(map); i++) {
		const struct conf_node *n = conf_node_at(map, i);
		const char *key = conf_node_key(n);
		struct buf path = BUF_INIT(SIZE_MAX / 2);

		buf_printf(
		    &path, "%s%s%s", section, *section != '\0' ? "." : "", key);
		if (strchr(key, '.') != NULL)
			unknown(s, section, n);
		else if (is_section(s, buf_text(&path)))
			walk(s, buf_text(&path), conf_node_map(n, s->ps));
		else if (!is_key(s, buf_text(&path)))
			unknown(s, section, n);
		buf_free(&path);
	}
}

void
conf_table_unknown(const struct conf_row *rows, size_t count,
    const struct conf_node *root, struct conf_problems *ps)
{
	const struct search s = {rows, count, ps};

	walk(&s, "", conf_node_map(root, ps));
}
