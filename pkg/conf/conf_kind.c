#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* The names in jobs/. */
struct names {
	char **items;
	size_t count;
	size_t dropped;
};

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text);
	size_t m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

static void
collect(void *arg, const char *name)
{
	struct names *names = arg;

	if (*name == '.' ||
	    !(ends_with(name, ".yaml") || ends_with(name, ".yml")))
		return;
	if (names->count == CONF_KINDS_MAX) {
		names->dropped++;
		return;
	}
	names->items =
	    mem_realloc(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++] = mem_strdup(name);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
by_default(struct conf_kind *k)
{
	k->max_call_ms = 5 * MINUTE;
	k->ring_ms = 30 * SECOND;
	k->per_number_per_day = 3;
	k->min_gap_ms = 15 * MINUTE;
	k->max_attempts = 3;
}

static bool
is_e164(const char *text)
{
	size_t n = strlen(text);

	return text[0] == '+' && n >= 8 && n <= 16 && text[1] >= '1' &&
	       text[1] <= '9' && strspn(text + 1, "0123456789") == n - 1;
}

static void
read_from(
    const struct conf_node *root, struct conf_kind *k, struct conf_problems *ps)
{
	const struct conf_node *n = conf_node_need(root, "from", ps);
	const char *text = NULL;

	if (!conf_node_str(n, &text, ps))
		return;
	if (!is_e164(text)) {
		conf_node_problem(n, ps,
		    "expected a number as E.164, + and 7 to 15 digits, such "
		    "as \"+15125550100\", got \"%.40s\"",
		    text);
		return;
	}
	k->from = mem_strdup(text);
}

static void
read_adapter(const struct conf_node *n, const char *const *words, char **out,
    struct conf_problems *ps)
{
	size_t i = 0;

	if (conf_node_choice(n, words, &i, ps))
		*out = mem_strdup(words[i]);
}

static void
read_limits(
    const struct conf_node *n, struct conf_kind *k, struct conf_problems *ps)
{
	static const char *const keys[] = {"concurrency", "max_call", "ring",
	    "per_number_per_day", "min_gap", NULL};

	if (n == NULL)
		return;
	conf_node_only(n, keys, ps);
	(void)conf_node_i64(
	    conf_node_get(n, keys[0]), 0, 10000, &k->concurrency, ps);
	(void)conf_node_duration(conf_node_get(n, keys[1]), 10 * SECOND,
	    4 * HOUR, &k->max_call_ms, ps);
	(void)conf_node_duration(
	    conf_node_get(n, keys[2]), 5 * SECOND, 2 * MINUTE, &k->ring_ms, ps);
	(void)conf_node_i64(
	    conf_node_get(n, keys[3]), 0, 100, &k->per_number_per_day, ps);
	(void)conf_node_duration(
	    conf_node_get(n, keys[4]), 0, 30 * 24 * HOUR, &k->min_gap_ms, ps);
	if (k->ring_ms >= k->max_call_ms)
		conf_node_problem(n, ps,
		    "ring must be shorter than max_call, which counts it");
}

static void
read_root(struct env *env, const struct conf_node *root, struct conf_kind *k,
    struct conf_problems *ps)
{
	static const char *const keys[] = {"kind", "carrier", "model", "from",
	    "limits", "windows", "retry", "script", "agent", NULL};
	const struct conf_node *kind = conf_node_need(root, "kind", ps);
	const char *text = NULL;

	conf_node_only(root, keys, ps);
	if (conf_node_str(kind, &text, ps) && strcmp(text, k->name) != 0)
		conf_node_problem(kind, ps,
		    "expected %s, as the file is named, got \"%.40s\"", k->name,
		    text);
	read_adapter(
	    conf_node_get(root, "carrier"), conf_carriers, &k->carrier, ps);
	read_adapter(conf_node_get(root, "model"), conf_models, &k->model, ps);
	if (k->model == NULL)
		k->model = mem_strdup(conf_models[0]);
	read_from(root, k, ps);
	read_limits(conf_node_get(root, "limits"), k, ps);
	conf_windows_read(env, conf_node_get(root, "windows"), &k->windows, ps);
	conf_retry_read(conf_node_get(root, "retry"), k, ps);
	conf_script_read(
	    conf_node_get(root, "script"), conf_node_get(root, "agent"), k, ps);
}

static void
read_kind(struct env *env, const char *path, const char *shown,
    struct conf_kind *k, struct conf_problems *ps)
{
	const struct conf_yaml_limits limits = CONF_YAML_LIMITS_DEFAULT;
	struct conf_yaml *y = NULL;
	char *bytes = NULL;
	size_t len = 0;
	struct err err;

	by_default(k);
	/* Windows have a default also when nothing else can be read. */
	conf_windows_read(env, NULL, &k->windows, ps);
	if (env_read_whole(env, path, limits.bytes, &bytes, &len, &err) !=
	    ERR_NONE)
		conf_problems_add(ps, shown, 0, "", "%s", err.text);
	else if (conf_yaml_parse(shown, bytes, len, &limits, &y, ps) &&
		 conf_node_map(conf_yaml_root(y), ps) != NULL)
		read_root(env, conf_yaml_root(y), k, ps);
	conf_yaml_free(&y);
	mem_free(&bytes);
}

/* Lower case, so that no file system takes two for one. */
static bool
is_kind_name(const char *name)
{
	size_t n = strlen(name);

	return n <= 64 && *name != '-' && *name != '_' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

static void
add_kind(struct env *env, struct conf *c, const char *dir, const char *name,
    const char *cwd, struct conf_problems *ps)
{
	char *path = conf_path_join(dir, name);
	const char *shown = conf_path_shown(cwd, path);
	char *stem = mem_strndup(name, strcspn(name, "."));

	if (!ends_with(name, ".yaml"))
		conf_problems_add(ps, shown, 0, "",
		    "expected a name that ends in .yaml: rename it");
	else if (strchr(name, '.') + strlen(".yaml") != name + strlen(name) ||
		 !is_kind_name(stem))
		conf_problems_add(ps, shown, 0, "",
		    "expected a file name of at most 64 lower-case letters, "
		    "digits, - and _, such as intro-call.yaml");
	else {
		struct conf_kind *k = &c->kinds[c->kind_count++];

		k->name = mem_strdup(stem);
		k->path = mem_strdup(shown);
		read_kind(env, path, shown, k, ps);
	}
	mem_free(&stem);
	mem_free(&path);
}

void
conf_kinds_read(
    struct env *env, struct conf *c, const char *cwd, struct conf_problems *ps)
{
	char *dir = conf_path_join(c->base_dir, "jobs");
	struct names names = {0};
	struct err err;
	enum err_code code = env_list_dir(env, dir, collect, &names, &err);

	if (code != ERR_NONE && code != ERR_NOT_FOUND)
		conf_problems_add(
		    ps, conf_path_shown(cwd, dir), 0, "", "%s", err.text);
	if (names.dropped > 0)
		conf_problems_add(ps, conf_path_shown(cwd, dir), 0, "",
		    "expected at most %d kinds of job, got %zu more",
		    CONF_KINDS_MAX, names.dropped);
	if (names.count > 0)
		qsort(names.items, names.count, sizeof(char *), by_text);
	c->kinds = mem_zalloc(names.count, sizeof(*c->kinds));
	for (size_t i = 0; i < names.count; i++) {
		add_kind(env, c, dir, names.items[i], cwd, ps);
		mem_free(&names.items[i]);
	}
	mem_free(&names.items);
	mem_free(&dir);
}

void
conf_kind_release(struct conf_kind *k)
{
	char **texts[] = {&k->name, &k->path, &k->carrier, &k->model, &k->from,
	    &k->agent_name, &k->agent_company, &k->script.greeting,
	    &k->script.intro, &k->script.meeting, &k->script.voicemail,
	    &k->script.goodbye, &k->script.goal};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		mem_free(texts[i]);
	for (size_t i = 0; i < k->script.objection_count; i++) {
		mem_free(&k->script.objections[i].when);
		mem_free(&k->script.objections[i].say);
	}
	mem_free(&k->script.objections);
}
