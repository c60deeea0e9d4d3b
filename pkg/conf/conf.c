#include "conf/conf.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

#ifndef DSRUN_PREFIX
#define DSRUN_PREFIX "/usr/local"
#endif

#define SYSTEM_FILE "/etc/dsrun/dsrun.yaml"
#define SUMMARY_MAX 380

/* One conf_load. */
struct load {
	struct env *env;
	const struct conf_options *options;
	struct conf *c;
	struct conf_problems ps;
	struct conf_yaml *yaml;
	struct conf_dotenv dotenv;
	char *dotenv_path;
	struct conf_flag *flags; /* the caller's, and --dir */
	size_t flag_count;
};

static const char *
environ_get(char *const *environ_, const char *name)
{
	size_t len = strlen(name);

	for (; environ_ != NULL && *environ_ != NULL; environ_++)
		if (strncmp(*environ_, name, len) == 0 &&
		    (*environ_)[len] == '=' && (*environ_)[len + 1] != '\0')
			return *environ_ + len + 1;
	return NULL;
}

/* NULL when it is not there, and a problem when that cannot be told. */
static char *
read_file(
    struct load *l, const char *path, size_t max, const char *why, size_t *len)
{
	const char *shown = conf_path_shown(l->options->cwd, path);
	char *bytes = NULL;
	struct err err;
	enum err_code code =
	    env_read_whole(l->env, path, max, &bytes, len, &err);

	if (code == ERR_NOT_FOUND && why != NULL)
		conf_problems_add(&l->ps, shown, 0, "",
		    "expected this file to be there, for %s names it", why);
	else if (code != ERR_NONE && code != ERR_NOT_FOUND)
		conf_problems_add(&l->ps, shown, 0, "", "%s", err.text);
	return bytes;
}

static bool
is_there(struct load *l, const char *path)
{
	struct env_stat st;
	struct err err;

	return env_stat(l->env, path, &st, &err) != ERR_NOT_FOUND;
}

/* --config, DSRUN_CONFIG, ./dsrun.yaml, /etc; *why names who asked for it. */
static char *
find_file(struct load *l, const char **why)
{
	const struct conf_options *o = l->options;
	const char *named = environ_get(o->environ_, "DSRUN_CONFIG");
	char *path = NULL;

	*why = NULL;
	if (o->config != NULL) {
		*why = "--config";
		return conf_path_join(o->cwd, o->config);
	}
	if (named != NULL) {
		*why = "DSRUN_CONFIG";
		return conf_path_join(o->cwd, named);
	}
	path = conf_path_join(o->cwd, "dsrun.yaml");
	if (is_there(l, path))
		return path;
	mem_free(&path);
	return is_there(l, SYSTEM_FILE) ? mem_strdup(SYSTEM_FILE) : NULL;
}

static void
read_yaml(struct load *l)
{
	const struct conf_yaml_limits limits = CONF_YAML_LIMITS_DEFAULT;
	const char *cwd = l->options->cwd;
	const char *why = NULL;
	char *bytes = NULL;
	size_t len = 0;

	l->c->path = find_file(l, &why);
	l->c->base_dir =
	    l->c->path != NULL ? conf_path_dir(l->c->path) : mem_strdup(cwd);
	if (l->c->path == NULL)
		return;
	bytes = read_file(l, l->c->path, limits.bytes, why, &len);
	if (bytes != NULL)
		(void)conf_yaml_parse(conf_path_shown(cwd, l->c->path), bytes,
		    len, &limits, &l->yaml, &l->ps);
	mem_free(&bytes);
}

static void
read_dotenv(struct load *l)
{
	const struct conf_options *o = l->options;
	const char *why = o->env_file != NULL ? "--env-file" : NULL;
	char *bytes = NULL;
	size_t len = 0;

	l->dotenv_path = why != NULL ? conf_path_join(o->cwd, o->env_file)
				     : conf_path_join(l->c->base_dir, ".env");
	bytes = read_file(l, l->dotenv_path, CONF_DOTENV_BYTES_MAX, why, &len);
	if (bytes == NULL)
		return;
	(void)conf_dotenv_parse(conf_path_shown(o->cwd, l->dotenv_path), bytes,
	    len, &l->dotenv, &l->ps);
	mem_wipe(bytes, len);
	mem_free(&bytes);
}

static void
read_rows(struct load *l)
{
	const struct conf_options *o = l->options;
	const struct conf_node *root =
	    l->yaml != NULL ? conf_yaml_root(l->yaml) : NULL;
	char *dotenv_dir = conf_path_dir(l->dotenv_path);
	size_t count = 0;
	const struct conf_row *rows = conf_rows(&count);

	l->flags = mem_zalloc(o->flag_count + 1, sizeof(*l->flags));
	if (o->flag_count > 0)
		memcpy(l->flags, o->flags, o->flag_count * sizeof(*l->flags));
	l->flag_count = o->flag_count;
	if (o->dir != NULL)
		l->flags[l->flag_count++] = (struct conf_flag){"dir", o->dir};

	const struct conf_sources from = {root,
	    l->c->path != NULL ? conf_path_shown(o->cwd, l->c->path) : "",
	    l->c->base_dir, &l->dotenv, conf_path_shown(o->cwd, l->dotenv_path),
	    dotenv_dir, o->environ_, l->flags, l->flag_count, o->cwd};

	conf_table_read(
	    l->env, rows, count, &from, l->c, &l->c->settings, &l->ps);
	l->c->setting_count = count;
	l->c->outbox.retry.again = true;
	mem_free(&dotenv_dir);
}

/* Data that comes with dsrun: beside the file in a checkout, else installed. */
static void
find_data(struct load *l, const char *key, char **field, const char *here,
    const char *name)
{
	char *beside = NULL;

	if (*field != NULL)
		return;
	beside = mem_printf("%s/%s%s", l->c->base_dir, here, name);
	if (conf_path_is_dir(l->env, beside)) {
		*field = beside;
	} else {
		mem_free(&beside);
		*field = mem_printf(DSRUN_PREFIX "/share/dsrun/%s", name);
	}
	for (size_t i = 0; i < l->c->setting_count; i++)
		if (strcmp(l->c->settings[i].key, key) == 0) {
			mem_free(&l->c->settings[i].text);
			l->c->settings[i].text = mem_strdup(*field);
		}
}

/* whole: the files that may name the directory were read without a problem. */
static bool
dir_is_sure(struct load *l, bool whole)
{
	const struct conf_setting *dir = conf_setting_find(l->c, "dir");

	for (size_t i = 0; i < l->ps.count; i++)
		if (strcmp(l->ps.items[i].key, "dir") == 0 ||
		    strcmp(l->ps.items[i].key, "DSRUN_DIR") == 0)
			return false;
	return whole || dir->origin == CONF_FLAG || dir->origin == CONF_ENV;
}

static enum err_code
summary(const struct conf_problems *ps, struct err *err)
{
	const struct conf_problem one = ps->items[0];
	struct buf text = BUF_INIT(8192);

	conf_problems_print(&text, &one, 1);
	(void)err_set(err, ERR_CONFIG, 0,
	    "%zu problem%s in the configuration%s: %.*s",
	    ps->count + ps->dropped, ps->count > 1 ? "s" : "",
	    ps->count > 1 ? ", the first" : "",
	    text.len - 1 < SUMMARY_MAX ? (int)text.len - 1 : SUMMARY_MAX,
	    buf_text(&text));
	buf_free(&text);
	return ERR_CONFIG;
}

enum err_code
conf_load(struct env *env, const struct conf_options *options,
    struct conf **out, struct conf_problem **problems, size_t *problem_count,
    struct err *err)
{
	struct load l = {.env = env, .options = options};
	enum err_code code = ERR_NONE;

	l.c = mem_zalloc(1, sizeof(*l.c));
	read_yaml(&l);
	read_dotenv(&l);
	const bool whole = l.ps.count == 0;

	read_rows(&l);
	l.c->dir_sure = dir_is_sure(&l, whole);
	find_data(&l, "speech_dir", &l.c->speech_dir, "fixtures/", "speech");
	find_data(&l, "rules_dir", &l.c->rules_dir, "", "rules");
	find_data(&l, "carrier.sim.personas", &l.c->sim.personas, "fixtures/",
	    "personas");
	conf_kinds_read(env, l.c, options->cwd, &l.ps);
	conf_check(env, l.c, &l.ps);
	conf_problems_sort(&l.ps);
	if (l.ps.count > 0)
		code = summary(&l.ps, err);

	conf_yaml_free(&l.yaml);
	conf_dotenv_fini(&l.dotenv);
	mem_free(&l.dotenv_path);
	mem_free(&l.flags);
	*problems = l.ps.items;
	*problem_count = l.ps.count;
	*out = l.c;
	return code;
}

void
conf_free(struct conf **c)
{
	size_t count = 0;
	const struct conf_row *rows = conf_rows(&count);

	if (*c == NULL)
		return;
	conf_table_free(rows, count, *c, &(*c)->settings);
	for (size_t i = 0; i < (*c)->kind_count; i++)
		conf_kind_release(&(*c)->kinds[i]);
	mem_free(&(*c)->kinds);
	mem_free(&(*c)->path);
	mem_free(&(*c)->base_dir);
	mem_free(c);
}

const struct conf_setting *
conf_setting_find(const struct conf *c, const char *key)
{
	for (size_t i = 0; i < c->setting_count; i++)
		if (strcmp(c->settings[i].key, key) == 0)
			return &c->settings[i];
	return NULL;
}

const struct conf_kind *
conf_kind_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->kind_count; i++)
		if (strcmp(c->kinds[i].name, name) == 0)
			return &c->kinds[i];
	return NULL;
}
