#include "carrier/carrier_sim_persona.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_script.h"
#include "conf/conf_yaml.h"

#define FILE_MAX (256 << 10)
#define NUMBERS_MAX 1000

/* Where no file says who has a number. */
static const struct carrier_sim_persona nobody = {
    .name = (char *)(uintptr_t) "nobody",
    .answer = CARRIER_SIM_ANSWER_BAD_NUMBER,
};

/* Somebody of an older log whose file is no longer there. */
static const struct carrier_sim_persona gone = {
    .name = (char *)(uintptr_t) "gone",
    .answer = CARRIER_SIM_ANSWER_NONE,
    .outcome = JOB_OUTCOME_COMPLETED,
    .turn_ms = 700,
    .unattended = {{20000, 20000}, CARRIER_SIM_BY_CALLEE, JOB_OUTCOME_HANGUP},
    .served = {{20000, 20000}, CARRIER_SIM_BY_AGENT, JOB_OUTCOME_COMPLETED},
};

static const char *const answers[] = {"human", "machine", "instant", "busy",
    "none", "failed", "bad-number", "rejected", "limit", NULL};

/* The files of a directory, as they are found. */
struct names {
	char **items;
	size_t count;
};

static void
add_name(void *arg, const char *name)
{
	struct names *n = arg;
	size_t len = strlen(name);

	if (len <= 5 || strcmp(name + len - 5, ".yaml") != 0 || *name == '.' ||
	    n->count > CARRIER_SIM_PERSONAS_MAX)
		return;
	n->items = mem_realloc(n->items, n->count + 1, sizeof(*n->items));
	n->items[n->count++] = mem_strdup(name);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
read_end(const struct conf_node *n, bool with_after,
    struct carrier_sim_end *out, struct conf_problems *ps)
{
	static const char *const keys[] = {"by", "outcome", "after", NULL};
	static const char *const bys[] = {"callee", "agent", "network", NULL};
	size_t by = 0;

	if (n == NULL)
		return;
	conf_node_only(n, keys, ps);
	if (conf_node_choice(conf_node_get(n, "by"), bys, &by, ps))
		out->by = (enum carrier_sim_by)(by + 1);
	carrier_sim_script_outcome(
	    conf_node_get(n, "outcome"), &out->outcome, ps);
	if (with_after)
		carrier_sim_script_range(
		    conf_node_get(n, "after"), &out->after, ps);
	else if (conf_node_get(n, "after") != NULL)
		conf_node_problem(conf_node_get(n, "after"), ps,
		    "give it as patience instead");
}

static void
read_numbers(const struct conf_node *list, struct carrier_sim_persona *p,
    struct conf_problems *ps)
{
	size_t count = conf_node_count(conf_node_list(list, ps));

	if (count > NUMBERS_MAX) {
		conf_node_problem(list, ps, "more than %d", NUMBERS_MAX);
		return;
	}
	p->numbers = mem_zalloc(count + 1, sizeof(*p->numbers));
	for (size_t i = 0; i < count; i++) {
		const char *text = "";

		(void)conf_node_str(conf_node_at(list, i), &text, ps);
		size_t digits = strspn(text, "+0123456789*");
		if (text[digits] != '\0' || strlen(text) > 20)
			conf_node_problem(conf_node_at(list, i), ps,
			    "expected a number such as +12025550101, +1999* or "
			    "*0101");
		p->numbers[p->number_count++] = mem_strdup(text);
	}
}

/* What a file need not say. */
static void
defaults(struct carrier_sim_persona *p)
{
	bool machine = p->answer == CARRIER_SIM_ANSWER_MACHINE;
	bool human = p->answer == CARRIER_SIM_ANSWER_HUMAN;

	p->ring = human || machine ? (struct carrier_sim_range){2000, 8000}
				   : (struct carrier_sim_range){0, 0};
	p->turn_ms = 700;
	p->outcome = JOB_OUTCOME_COMPLETED;
	p->unattended = (struct carrier_sim_end){
	    {10000, 30000}, CARRIER_SIM_BY_CALLEE, JOB_OUTCOME_HANGUP};
	p->served = (struct carrier_sim_end){
	    {20000, 60000}, CARRIER_SIM_BY_AGENT, JOB_OUTCOME_COMPLETED};
}

static bool
is_answered(const struct carrier_sim_persona *p)
{
	return p->answer == CARRIER_SIM_ANSWER_HUMAN ||
	       p->answer == CARRIER_SIM_ANSWER_MACHINE;
}

static void
read_persona(const struct conf_node *root, const char *stem,
    struct carrier_sim_persona *p, struct conf_problems *ps)
{
	static const char *const keys[] = {"name", "weight", "numbers", "ring",
	    "answer", "outcome", "patience", "turn", "unattended", "served",
	    "script", NULL};
	const char *name = NULL;
	size_t answer = 0;

	p->name = mem_strdup(stem);
	conf_node_only(root, keys, ps);
	if (conf_node_str(conf_node_need(root, "name", ps), &name, ps) &&
	    strcmp(name, stem) != 0)
		conf_node_problem(conf_node_get(root, "name"), ps,
		    "expected the file's own name, %s", stem);
	if (strcmp(stem, nobody.name) == 0)
		conf_node_problem(root, ps,
		    "expected another name: %s is who has a number that no "
		    "persona has",
		    stem);
	(void)conf_node_choice(
	    conf_node_need(root, "answer", ps), answers, &answer, ps);
	p->answer = (enum carrier_sim_answer)answer;
	defaults(p);
	(void)conf_node_i64(
	    conf_node_get(root, "weight"), 0, 1000000, &p->weight, ps);
	read_numbers(conf_node_get(root, "numbers"), p, ps);
	carrier_sim_script_range(conf_node_get(root, "ring"), &p->ring, ps);
	(void)conf_node_duration(
	    conf_node_get(root, "turn"), 100, 60000, &p->turn_ms, ps);
	carrier_sim_script_outcome(
	    conf_node_get(root, "outcome"), &p->outcome, ps);
	p->served.outcome = p->outcome;
	carrier_sim_script_range(
	    conf_node_get(root, "patience"), &p->unattended.after, ps);
	read_end(conf_node_get(root, "unattended"), false, &p->unattended, ps);
	read_end(conf_node_get(root, "served"), true, &p->served, ps);
	if (is_answered(p))
		carrier_sim_script_read(
		    conf_node_need(root, "script", ps), p, ps);
	else if (conf_node_get(root, "script") != NULL)
		conf_node_problem(conf_node_get(root, "script"), ps,
		    "answer: %s has no conversation; remove it",
		    answers[p->answer]);
}

static enum err_code
read_file(struct env *env, const char *dir, const char *file,
    struct carrier_sim_persona *p, struct conf_problems *ps, struct err *err)
{
	char *path = mem_printf("%s/%s", dir, file);
	char *stem = mem_strndup(file, strlen(file) - 5);
	struct conf_yaml *doc = NULL;
	char *text = NULL;
	size_t len = 0;
	enum err_code code =
	    env_read_whole(env, path, FILE_MAX, &text, &len, err);

	if (code == ERR_NONE) {
		struct conf_yaml_limits limits = CONF_YAML_LIMITS_DEFAULT;

		if (strlen(stem) >= CARRIER_SIM_WORD_MAX)
			conf_problems_add(ps, path, 0, "", "name too long");
		if (conf_yaml_parse(path, text, len, &limits, &doc, ps))
			read_persona(conf_yaml_root(doc), stem, p, ps);
	}
	conf_yaml_free(&doc);
	mem_free(&text);
	mem_free(&stem);
	mem_free(&path);
	return code;
}

static enum err_code
refuse(struct conf_problems *ps, struct err *err)
{
	struct buf text = BUF_INIT(1 << 20);

	conf_problems_sort(ps);
	conf_problems_print(&text, ps->items, ps->count);
	if (text.len > 0 && text.bytes[text.len - 1] == '\n')
		text.bytes[text.len - 1] = '\0';
	enum err_code code = err_set(err, ERR_CONFIG, 0, "%s", buf_text(&text));
	buf_free(&text);
	return code;
}

enum err_code
carrier_sim_personas_load(struct carrier_sim_personas *p, struct env *env,
    const char *dir, struct err *err)
{
	struct names names = {NULL, 0};
	struct conf_problems ps = {NULL, 0, 0};
	enum err_code code = env_list_dir(env, dir, add_name, &names, err);

	*p = (struct carrier_sim_personas){NULL, 0, 0};
	if (code == ERR_NONE &&
	    (names.count == 0 || names.count > CARRIER_SIM_PERSONAS_MAX))
		code = err_set(err, ERR_CONFIG, 0,
		    "%s: expected 1 to %d personas (*.yaml)", dir,
		    CARRIER_SIM_PERSONAS_MAX);
	else if (code != ERR_NONE)
		code = err_set(err, ERR_CONFIG, err->sys,
		    "carrier.sim.personas: %s: no directory that can be read",
		    dir);
	if (names.count > 0)
		qsort(names.items, names.count, sizeof(*names.items), by_text);
	p->items = mem_zalloc(names.count, sizeof(*p->items));
	for (size_t i = 0; i < names.count; i++) {
		if (code == ERR_NONE)
			code = read_file(env, dir, names.items[i],
			    &p->items[p->count++], &ps, err);
		mem_free(&names.items[i]);
	}
	mem_free(&names.items);
	for (size_t i = 0; i < p->count; i++)
		p->weight += p->items[i].weight;
	if (code == ERR_NONE && ps.count > 0)
		code = refuse(&ps, err);
	conf_problems_fini(&ps);
	if (code != ERR_NONE)
		carrier_sim_personas_free(p);
	return code;
}

void
carrier_sim_personas_free(struct carrier_sim_personas *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct carrier_sim_persona *one = &p->items[i];

		for (size_t k = 0; k < one->number_count; k++)
			mem_free(&one->numbers[k]);
		mem_free(&one->numbers);
		mem_free(&one->name);
		carrier_sim_script_free(one);
	}
	mem_free(&p->items);
	p->count = 0;
	p->weight = 0;
}

/* 0: no; an exact match counts more than any pattern. */
static size_t
match(const char *pattern, const char *to)
{
	size_t len = strlen(pattern);
	size_t n = strlen(to);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, to, len - 1) == 0 ? len : 0;
	if (*pattern == '*')
		return n >= len - 1 &&
			       strcmp(pattern + 1, to + n - (len - 1)) == 0
			   ? len
			   : 0;
	return strcmp(pattern, to) == 0 ? SIZE_MAX : 0;
}

const struct carrier_sim_persona *
carrier_sim_personas_choose(
    const struct carrier_sim_personas *p, const char *to, double draw)
{
	const struct carrier_sim_persona *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < p->count; i++)
		for (size_t k = 0; k < p->items[i].number_count; k++) {
			size_t m = match(p->items[i].numbers[k], to);

			if (m > most) {
				most = m;
				best = &p->items[i];
			}
		}
	if (best != NULL)
		return best;

	int64_t left = (int64_t)(draw * (double)p->weight);
	for (size_t i = 0; i < p->count; i++) {
		left -= p->items[i].weight;
		if (left < 0)
			return &p->items[i];
	}
	return &nobody;
}

const struct carrier_sim_persona *
carrier_sim_personas_find(
    const struct carrier_sim_personas *p, const char *name)
{
	if (strcmp(name, nobody.name) == 0)
		return &nobody;
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->items[i].name, name) == 0)
			return &p->items[i];
	return &gone;
}
