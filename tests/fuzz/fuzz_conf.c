#include "base/mem.h"
#include "base/text.h"

#include "conf/conf.h"
#include "conf/conf_table.h"
#include "fuzz.h"
#include "mem_env.h"
#include "rules/rules_phone.h"

/*
 * A whole configuration: dsrun.yaml, a kind and a .env, parted by lines "%%".
 * Every problem has a place and a text; without problems every value is within
 * its row's bounds, and what `dsrun config` shows reads as the same setting.
 */

#define CWD "/box"
#define PARTS 3

static void
split(const char *text, size_t len, struct env *env)
{
	static const char *const paths[PARTS] = {
	    CWD "/dsrun.yaml", CWD "/jobs/intro-call.yaml", CWD "/.env"};
	static const char mark[] = "%%\n";

	for (size_t i = 0; i < PARTS; i++) {
		const char *end = memmem(text, len, mark, sizeof(mark) - 1);
		size_t n = end != NULL ? (size_t)(end - text) : len;

		mem_env_put(env, paths[i], text, n);
		if (end == NULL)
			return;
		text += n + sizeof(mark) - 1;
		len -= n + sizeof(mark) - 1;
	}
}

/* What a load gave. */
struct loaded {
	struct conf *c;
	struct conf_problem *problems;
	size_t count;
	enum err_code code;
};

static void
load(struct env *env, const struct conf_flag *flags, size_t flag_count,
    struct loaded *l)
{
	const struct conf_options options = {
	    .cwd = CWD, .flags = flags, .flag_count = flag_count};
	struct err err = {0};

	l->code =
	    conf_load(env, &options, &l->c, &l->problems, &l->count, &err);
	CHECK((l->code == ERR_NONE) == (l->count == 0));
	CHECK(l->code == ERR_NONE || l->code == ERR_CONFIG);
	if (l->code != ERR_NONE)
		fuzz_refused(l->code, &err);
}

static void
unload(struct loaded *l)
{
	conf_free(&l->c);
	conf_problems_free(&l->problems, l->count);
}

static void
check_problems(const struct loaded *l)
{
	CHECK(l->count <= CONF_PROBLEMS_MAX);
	for (size_t i = 0; i < l->count; i++) {
		const struct conf_problem *p = &l->problems[i];

		CHECK(*p->file != '\0' && *p->text != '\0' && p->line >= 0);
		CHECK(i == 0 || strcmp(p[-1].file, p->file) < 0 ||
		      (text_eq(p[-1].file, p->file) && p[-1].line <= p->line));
	}
}

static void
check_row(const struct conf_row *row, const struct conf *c)
{
	const void *field = (const char *)c + row->offset;
	int64_t v = 0;

	if (row->type != CONF_TYPE_I64 && row->type != CONF_TYPE_SIZE &&
	    row->type != CONF_TYPE_DURATION)
		return;
	memcpy(&v, field, sizeof(v));
	CHECK(v >= row->min && v <= row->max);
}

static void
check_windows(const struct conf_windows *w)
{
	CHECK(memchr(w->zone, '\0', sizeof(w->zone)) != NULL && *w->zone != 0);
	for (size_t d = 0; d < 8; d++) {
		size_t count = d < 7 ? w->day[d].count : w->holiday.count;
		const struct conf_span *s =
		    d < 7 ? w->day[d].spans : w->holiday.spans;

		CHECK(count <= CONF_SPANS_MAX);
		for (size_t i = 0; i < count; i++)
			CHECK(s[i].start >= 0 && s[i].start < s[i].end &&
			      s[i].end <= 1440);
	}
}

static void
check_kind(const struct conf_kind *k)
{
	char normal[RULES_PHONE_MAX];
	struct err err = {0};

	CHECK(text_eq(k->name, "intro-call") && k->path != NULL);
	CHECK(k->model != NULL && k->script.greeting != NULL);
	CHECK(rules_phone_normalise(k->from, normal, &err) == ERR_NONE);
	CHECK(k->ring_ms > 0 && k->ring_ms < k->max_call_ms);
	CHECK(k->concurrency >= 0 && k->max_attempts >= 1);
	CHECK(k->per_number_per_day >= 0 && k->min_gap_ms >= 0);
	check_windows(&k->windows);
	for (size_t i = 0; i < JOB_OUTCOME_COUNT; i++) {
		CHECK(k->retry[i].after_ms >= 0 && k->retry[i].max_ms >= 0);
		CHECK(!k->retry[i].again || k->retry[i].factor >= 1);
	}
	for (size_t i = 0; i < k->script.objection_count; i++)
		CHECK(k->script.objections[i].when != NULL &&
		      k->script.objections[i].say != NULL);
}

/* All shown settings as flags, over an empty file, must show the same. */
static void
check_shown(struct env *env, const struct conf *c)
{
	struct conf_flag flags[128];
	struct loaded again;
	size_t n = 0;

	CHECK(c->setting_count < ARRAY_LEN(flags));
	for (size_t i = 0; i < c->setting_count; i++)
		if (c->settings[i].origin != CONF_DEFAULT &&
		    !text_eq(c->settings[i].text, "***"))
			flags[n++] = (struct conf_flag){
			    c->settings[i].key, c->settings[i].text};
	mem_env_put(env, CWD "/dsrun.yaml", "", 0);
	mem_env_put(env, CWD "/.env", "", 0);
	load(env, flags, n, &again);
	CHECK(again.code == ERR_NONE);
	for (size_t i = 0; i < c->setting_count; i++)
		CHECK(text_eq(c->settings[i].text, again.c->settings[i].text));
	unload(&again);
}

static void
check_same_problems(struct env *env, const struct loaded *want)
{
	struct loaded again;

	load(env, NULL, 0, &again);
	CHECK(again.count == want->count);
	for (size_t i = 0; i < want->count; i++) {
		CHECK(text_eq(want->problems[i].text, again.problems[i].text));
		CHECK(want->problems[i].line == again.problems[i].line);
	}
	unload(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct env *env = mem_env_new();
	struct loaded l;
	size_t rows = 0;
	const struct conf_row *row = conf_rows(&rows);

	mem_env_put(env, "/usr/share/zoneinfo/America/Chicago", "TZif2", 5);
	split((const char *)bytes, len, env);
	load(env, NULL, 0, &l);
	check_problems(&l);
	CHECK(l.c->setting_count == rows);
	if (l.code == ERR_NONE) {
		for (size_t i = 0; i < rows; i++)
			check_row(&row[i], l.c);
		for (size_t i = 0; i < l.c->kind_count; i++)
			check_kind(&l.c->kinds[i]);
		check_shown(env, l.c);
	} else if (len % 4 == 0) {
		check_same_problems(env, &l); /* costs as much as all else */
	}
	unload(&l);
	mem_env_free(&env);
	return 0;
}
