#include "conf/conf_table.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

#define SECRET_BYTES_MAX (64 << 10)
#define PREFIX "DSRUN_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* One reading of all rows. */
struct table {
	struct env *env;
	const struct conf_row *rows;
	size_t count;
	const struct conf_sources *from;
	void *base;
	struct conf_setting *settings;
	struct conf_problems *ps;
};

/* One value on its way into its field. */
struct given {
	enum conf_origin origin;
	const char *file; /* as in a problem */
	int line;
	const char *key; /* as written there */
	const char *text;
	const char *dir; /* for paths */
};

static void
remember(struct table *t, size_t i, const struct given *g)
{
	struct conf_setting *s = &t->settings[i];

	mem_free(&s->text);
	mem_free(&s->where);
	mem_free(&s->file);
	s->text = conf_value_shown(&t->rows[i], t->base, g->text);
	s->origin = g->origin;
	s->file = mem_strdup(g->file);
	s->line = g->line;
	if (g->line > 0)
		s->where = mem_printf("%s:%d", g->file, g->line);
	else if (g->origin == CONF_ENV)
		s->where = mem_printf("%s %s", g->file, g->key);
	else
		s->where = mem_strdup(g->file);
}

static void
take(struct table *t, size_t i, const struct given *g)
{
	struct err err;

	if (conf_value_set(&t->rows[i], t->base, g->text, g->dir, &err) ==
	    ERR_NONE)
		remember(t, i, g);
	else
		conf_problems_add(
		    t->ps, g->file, g->line, g->key, "%s", err.text);
}

/* g->text names the file that holds the secret. */
static void
take_secret_file(struct table *t, size_t i, const struct given *g)
{
	struct given inner = *g;
	char *path = conf_path_join(g->dir, g->text);
	char *bytes = NULL;
	size_t len = 0;
	struct err err;

	if (env_read_whole(t->env, path, SECRET_BYTES_MAX, &bytes, &len,
		&err) != ERR_NONE) {
		conf_problems_add(t->ps, g->file, g->line, g->key,
		    "expected a file that holds the secret: %s", err.text);
		mem_free(&path);
		return;
	}
	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	bytes[len] = '\0';
	inner.text = bytes;
	if (len == 0 || strlen(bytes) != len)
		conf_problems_add(t->ps, g->file, g->line, g->key,
		    "%s: expected one line of text, the secret", path);
	else
		take(t, i, &inner);
	mem_wipe(bytes, len);
	mem_free(&bytes);
	mem_free(&path);
}

static void
from_default(struct table *t, size_t i)
{
	const struct conf_row *row = &t->rows[i];
	struct given g = {CONF_DEFAULT, "default", 0, row->key,
	    row->def != NULL ? row->def : "",
	    t->from->yaml_dir != NULL ? t->from->yaml_dir : t->from->cwd};
	struct err err;

	/* A default that its own row refuses is a bug. */
	CHECK(row->def == NULL ||
	      conf_value_set(row, t->base, row->def, g.dir, &err) == ERR_NONE);
	t->settings[i].key = mem_strdup(row->key);
	remember(t, i, &g);
}

static const struct conf_node *
node_of(const struct conf_node *n, const char *key)
{
	char part[CONF_ENV_NAME_MAX];

	while (n != NULL && *key != '\0') {
		size_t len = strcspn(key, ".");

		CHECK(len < sizeof(part));
		memcpy(part, key, len);
		part[len] = '\0';
		n = conf_node_get(n, part);
		key += len + (key[len] == '.');
	}
	return n;
}

static void
from_yaml(struct table *t, size_t i)
{
	const struct conf_row *row = &t->rows[i];
	const struct conf_node *n = node_of(t->from->yaml, row->key);
	char *file_key = mem_printf("%s_file", row->key);
	char name[CONF_ENV_NAME_MAX];
	struct given g = {CONF_FILE, t->from->yaml_file, 0, row->key, NULL,
	    t->from->yaml_dir};

	if (n != NULL && row->secret) {
		conf_node_problem(n, t->ps,
		    "a secret does not belong in this file: set %s, or name a "
		    "file that holds it as %s",
		    conf_env_name(row->key, name), file_key);
	} else if (conf_node_str(n, &g.text, t->ps)) {
		g.line = conf_node_line(n);
		take(t, i, &g);
	}
	n = row->secret ? node_of(t->from->yaml, file_key) : NULL;
	if (conf_node_str(n, &g.text, t->ps)) {
		g.line = conf_node_line(n);
		g.key = file_key;
		take_secret_file(t, i, &g);
	}
	mem_free(&file_key);
}

static const char *
environ_get(char *const *environ_, const char *name)
{
	size_t len = strlen(name);

	for (; environ_ != NULL && *environ_ != NULL; environ_++)
		if (strncmp(*environ_, name, len) == 0 &&
		    (*environ_)[len] == '=')
			return *environ_ + len + 1;
	return NULL;
}

/* NAME from .env or the environment; NULL also when empty. */
static bool
look_up(const struct table *t, const char *name, struct given *g)
{
	const struct conf_dotenv_item *item = NULL;

	g->key = name;
	if (g->origin == CONF_ENV) {
		g->text = environ_get(t->from->environ_, name);
	} else {
		if (t->from->dotenv != NULL)
			item = conf_dotenv_get(t->from->dotenv, name);
		g->text = item != NULL ? item->value : NULL;
		g->line = item != NULL ? item->line : 0;
	}
	return g->text != NULL && *g->text != '\0';
}

static void
from_names(struct table *t, size_t i, struct given g)
{
	const struct conf_row *row = &t->rows[i];
	char name[CONF_ENV_NAME_MAX];
	char file_name[CONF_ENV_NAME_MAX + 8];
	bool given = look_up(t, conf_env_name(row->key, name), &g);

	if (given)
		take(t, i, &g);
	(void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
	if (!row->secret || !look_up(t, file_name, &g))
		return;
	if (given)
		conf_problems_add(t->ps, g.file, g.line, g.key,
		    "%s is given too: remove one", name);
	else
		take_secret_file(t, i, &g);
}

static void
from_flags(struct table *t, size_t i)
{
	const struct conf_row *row = &t->rows[i];
	struct given g = {
	    CONF_FLAG, "command line", 0, row->key, NULL, t->from->cwd};
	char name[CONF_ENV_NAME_MAX];

	for (size_t f = 0; f < t->from->flag_count; f++) {
		if (strcmp(t->from->flags[f].key, row->key) != 0)
			continue;
		g.text = t->from->flags[f].value;
		if (row->secret)
			conf_problems_add(t->ps, g.file, 0, row->key,
			    "a secret must not stand on the command line, "
			    "where everybody on this machine can read it: set "
			    "%s or %s_FILE",
			    conf_env_name(row->key, name), name);
		else
			take(t, i, &g);
	}
}

static bool
is_setting_name(const struct table *t, const char *name)
{
	char own[CONF_ENV_NAME_MAX];

	for (size_t i = 0; i < t->count; i++) {
		const char *known = conf_env_name(t->rows[i].key, own);
		size_t n = strlen(known);

		if (strcmp(name, known) == 0 ||
		    (t->rows[i].secret && strncmp(name, known, n) == 0 &&
			strcmp(name + n, "_FILE") == 0))
			return true;
	}
	return false;
}

/* The setting it was meant to be; NULL when none is near.  Without prefix. */
static const char *
nearest_name(const struct table *t, const char *name, char *out)
{
	const char **words = mem_zalloc(t->count + 1, sizeof(*words));
	char(*names)[CONF_ENV_NAME_MAX] = mem_zalloc(t->count, sizeof(*names));

	for (size_t i = 0; i < t->count; i++)
		words[i] = conf_env_name(t->rows[i].key, names[i]) + PREFIX_LEN;
	const char *near = text_nearest(name + PREFIX_LEN, words);

	if (near != NULL)
		(void)snprintf(out, CONF_ENV_NAME_MAX, PREFIX "%.80s", near);
	mem_free(&words);
	mem_free(&names);
	return near != NULL ? out : NULL;
}

static void
unknown_in_dotenv(struct table *t)
{
	const struct conf_dotenv *d = t->from->dotenv;
	char out[CONF_ENV_NAME_MAX];

	for (size_t i = 0; d != NULL && i < d->count; i++) {
		const char *name = d->items[i].name;

		/* What the program itself reads elsewhere stays out of .env. */
		if (!text_starts(name, PREFIX) || is_setting_name(t, name))
			continue;
		const char *near = nearest_name(t, name, out);

		conf_problems_add(t->ps, t->from->dotenv_file, d->items[i].line,
		    name, "no such setting; %s%s",
		    near != NULL ? "did you mean " : "remove it",
		    near != NULL ? near : "");
	}
}

/*
 * Only long names that are nearly a setting: short ones (DSRUN_BIN) are near
 * to anything, and people may keep names of their own.
 */
static void
unknown_in_environ(struct table *t)
{
	char *const *e = t->from->environ_;
	char out[CONF_ENV_NAME_MAX];
	char name[CONF_ENV_NAME_MAX];

	for (; e != NULL && *e != NULL; e++) {
		size_t len = strcspn(*e, "=");

		if (!text_starts(*e, PREFIX) || len >= sizeof(name) ||
		    len < PREFIX_LEN + 6)
			continue;
		memcpy(name, *e, len);
		name[len] = '\0';
		const char *near = is_setting_name(t, name)
				       ? NULL
				       : nearest_name(t, name, out);

		if (near != NULL)
			conf_problems_add(t->ps, "environment", 0, name,
			    "no such setting; did you mean %s?", near);
	}
}

static void
unknown_flags(struct table *t)
{
	const char **words = mem_zalloc(t->count + 1, sizeof(*words));

	for (size_t i = 0; i < t->count; i++)
		words[i] = t->rows[i].key;
	for (size_t f = 0; f < t->from->flag_count; f++) {
		const char *key = t->from->flags[f].key;
		size_t i = 0;

		while (i < t->count && strcmp(words[i], key) != 0)
			i++;
		if (i < t->count)
			continue;
		const char *near = text_nearest(key, words);

		conf_problems_add(t->ps, "command line", 0, key,
		    "no such setting; %s%s",
		    near != NULL ? "did you mean " : "see `dsrun config`",
		    near != NULL ? near : "");
	}
	mem_free(&words);
}

void
conf_table_read(struct env *env, const struct conf_row *rows, size_t count,
    const struct conf_sources *from, void *base, struct conf_setting **settings,
    struct conf_problems *ps)
{
	struct table t = {env, rows, count, from, base, NULL, ps};
	const struct given dotenv = {
	    CONF_DOTENV, from->dotenv_file, 0, NULL, NULL, from->dotenv_dir};
	const struct given environ_ = {
	    CONF_ENV, "environment", 0, NULL, NULL, from->cwd};

	t.settings = mem_zalloc(count, sizeof(*t.settings));
	*settings = t.settings;
	for (size_t i = 0; i < count; i++) {
		CHECK(!rows[i].secret || rows[i].type == CONF_TYPE_TEXT);
		from_default(&t, i);
		from_yaml(&t, i);
		from_names(&t, i, dotenv);
		from_names(&t, i, environ_);
		from_flags(&t, i);
	}
	if (from->yaml != NULL)
		conf_table_unknown(rows, count, from->yaml, ps);
	unknown_in_dotenv(&t);
	unknown_in_environ(&t);
	unknown_flags(&t);
}

void
conf_table_free(const struct conf_row *rows, size_t count, void *base,
    struct conf_setting **settings)
{
	for (size_t i = 0; base != NULL && i < count; i++)
		conf_value_release(&rows[i], base);
	for (size_t i = 0; *settings != NULL && i < count; i++) {
		mem_free(&(*settings)[i].key);
		mem_free(&(*settings)[i].text);
		mem_free(&(*settings)[i].where);
		mem_free(&(*settings)[i].file);
	}
	mem_free(settings);
}
