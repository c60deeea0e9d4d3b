#include "carrier/carrier_sim_script.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define STEP_MS_MAX (60 * 60 * 1000)
#define TEXT_MAX 1000

/* What all scenes share while they are read. */
struct reader {
	struct carrier_sim_persona *p;
	struct conf_problems *ps;
	const struct conf_node *script;
};

void
carrier_sim_script_range(const struct conf_node *n,
    struct carrier_sim_range *out, struct conf_problems *ps)
{
	const char *text = NULL;
	struct err err;
	char lo[32];

	if (!conf_node_str(n, &text, ps))
		return;
	const char *dots = strstr(text, "..");
	size_t len = dots != NULL ? (size_t)(dots - text) : strlen(text);
	(void)snprintf(
	    lo, sizeof(lo), "%.*s", (int)(len < 31 ? len : 31), text);

	struct carrier_sim_range got;
	enum err_code code = text_duration_ms(lo, &got.lo, &err);
	got.hi = got.lo;
	if (code == ERR_NONE && dots != NULL)
		code = text_duration_ms(dots + 2, &got.hi, &err);
	if (code != ERR_NONE || got.hi < got.lo || got.hi > STEP_MS_MAX)
		conf_node_problem(n, ps,
		    "expected a duration or a range of them up to 1h, such as "
		    "2s or 2s..9s, got %.40s",
		    text);
	else
		*out = got;
}

void
carrier_sim_script_outcome(
    const struct conf_node *n, enum job_outcome *out, struct conf_problems *ps)
{
	static const char *const words[] = {"auto", "completed", "voicemail",
	    "no-answer", "busy", "failed", "hangup", NULL};
	struct err ignored;
	size_t i = 0;

	if (!conf_node_choice(n, words, &i, ps))
		return;
	*out = JOB_OUTCOME_NONE;
	if (i > 0)
		(void)job_outcome_parse(words[i], out, &ignored);
}

/* The first step of a scene: all steps of the scenes before it. */
static int
scene_start(const struct reader *r, size_t scene)
{
	size_t start = 0;

	/* `start` lies first, whatever its place in the file. */
	const struct conf_node *first = conf_node_get(r->script, "start");
	const struct conf_node *it = conf_node_at(r->script, scene);
	if (it == first)
		return 0;
	start = conf_node_count(first);
	for (size_t i = 0; i < scene; i++)
		if (conf_node_at(r->script, i) != first)
			start += conf_node_count(conf_node_at(r->script, i));
	return (int)start;
}

static int
target_of(const struct reader *r, const struct conf_node *n)
{
	const char *name = NULL;

	if (!conf_node_str(n, &name, r->ps))
		return -1;
	for (size_t i = 0; i < conf_node_count(r->script); i++)
		if (strcmp(conf_node_key(conf_node_at(r->script, i)), name) ==
		    0)
			return scene_start(r, i);
	conf_node_problem(
	    n, r->ps, "no scene of this script is called %.60s", name);
	return -1;
}

static char *
text_of(const struct reader *r, const struct conf_node *n)
{
	const char *text = NULL;

	if (!conf_node_str(n, &text, r->ps))
		return mem_strdup("");
	if (strlen(text) <= TEXT_MAX)
		return mem_strdup(text);
	conf_node_problem(n, r->ps, "longer than %d bytes", TEXT_MAX);
	return mem_strdup("");
}

static void
read_menu(const struct reader *r, const struct conf_node *n,
    struct carrier_sim_step *out)
{
	static const char *const keys[] = {
	    "say", "keys", "wait", "times", "invalid", "else", NULL};
	static const char *const says[] = {"say", NULL};
	const struct conf_node *map = conf_node_need(n, "keys", r->ps);
	const struct conf_node *invalid = conf_node_get(n, "invalid");

	conf_node_only(n, keys, r->ps);
	out->text = text_of(r, conf_node_need(n, "say", r->ps));
	out->ms = 5000;
	out->times = 2;
	(void)conf_node_duration(
	    conf_node_get(n, "wait"), 100, STEP_MS_MAX, &out->ms, r->ps);
	(void)conf_node_i64(
	    conf_node_get(n, "times"), 1, 20, &out->times, r->ps);
	if (invalid != NULL) {
		conf_node_only(invalid, says, r->ps);
		out->invalid =
		    text_of(r, conf_node_need(invalid, "say", r->ps));
	}
	out->target = target_of(r, conf_node_need(n, "else", r->ps));
	for (size_t i = 0; i < conf_node_count(map); i++) {
		const struct conf_node *key = conf_node_at(map, i);
		const char *name = conf_node_key(key);
		const char *at =
		    strlen(name) == 1 ? strchr(CARRIER_SIM_KEYS, *name) : NULL;

		if (at == NULL)
			conf_node_problem(
			    key, r->ps, "expected one of the keys 0-9 * #");
		else
			out->keys[at - CARRIER_SIM_KEYS] = target_of(r, key);
	}
}

static void
read_chance(const struct reader *r, const struct conf_node *n,
    struct carrier_sim_step *out)
{
	static const char *const keys[] = {"p", "goto", NULL};

	conf_node_only(n, keys, r->ps);
	(void)conf_node_double(
	    conf_node_need(n, "p", r->ps), 0, 1, &out->chance, r->ps);
	out->target = target_of(r, conf_node_need(n, "goto", r->ps));
}

static void
read_beep(const struct reader *r, const struct conf_node *n,
    struct carrier_sim_step *out)
{
	static const char *const keys[] = {"hz", "for", NULL};

	conf_node_only(n, keys, r->ps);
	out->hz = 1000;
	out->ms = 500;
	(void)conf_node_i64(conf_node_get(n, "hz"), 50, 3900, &out->hz, r->ps);
	(void)conf_node_duration(
	    conf_node_get(n, "for"), 20, 10000, &out->ms, r->ps);
}

static void
read_record(const struct reader *r, const struct conf_node *n,
    struct carrier_sim_step *out)
{
	static const char *const keys[] = {"for", "silence", NULL};

	conf_node_only(n, keys, r->ps);
	out->ms = 60000;
	out->silence_ms = 6000;
	(void)conf_node_duration(
	    conf_node_get(n, "for"), 1000, STEP_MS_MAX, &out->ms, r->ps);
	(void)conf_node_duration(conf_node_get(n, "silence"), 1000, STEP_MS_MAX,
	    &out->silence_ms, r->ps);
}

static void
read_press(const struct reader *r, const struct conf_node *n,
    struct carrier_sim_step *out)
{
	out->text = text_of(r, n);
	if (strspn(out->text, CARRIER_SIM_KEYS) != strlen(out->text) ||
	    strlen(out->text) > 32)
		conf_node_problem(
		    n, r->ps, "expected up to 32 of the keys 0-9 * #");
}

static void
read_step(const struct reader *r, const struct conf_node *item,
    struct carrier_sim_step *out)
{
	static const char *const words[] = {"say", "pause", "listen", "chance",
	    "goto", "menu", "ringback", "beep", "record", "press", "hangup",
	    NULL};
	const struct conf_node *n = conf_node_at(conf_node_map(item, r->ps), 0);

	for (size_t i = 0; i < CARRIER_SIM_KEYS_COUNT; i++)
		out->keys[i] = -1;
	if (n == NULL || conf_node_count(item) != 1) {
		conf_node_problem(
		    item, r->ps, "expected one step, such as say: \"Hello?\"");
		return;
	}
	conf_node_only(item, words, r->ps);
	for (size_t k = 0; words[k] != NULL; k++)
		if (strcmp(words[k], conf_node_key(n)) == 0)
			out->kind = (enum carrier_sim_step_kind)k;
	switch (out->kind) {
	case CARRIER_SIM_STEP_SAY:
		out->text = text_of(r, n);
		break;
	case CARRIER_SIM_STEP_PAUSE:
	case CARRIER_SIM_STEP_LISTEN:
	case CARRIER_SIM_STEP_RINGBACK:
		(void)conf_node_duration(n, 20, STEP_MS_MAX, &out->ms, r->ps);
		break;
	case CARRIER_SIM_STEP_CHANCE:
		read_chance(r, n, out);
		break;
	case CARRIER_SIM_STEP_GOTO:
		out->target = target_of(r, n);
		break;
	case CARRIER_SIM_STEP_MENU:
		read_menu(r, n, out);
		break;
	case CARRIER_SIM_STEP_BEEP:
		read_beep(r, n, out);
		break;
	case CARRIER_SIM_STEP_RECORD:
		read_record(r, n, out);
		break;
	case CARRIER_SIM_STEP_PRESS:
		read_press(r, n, out);
		break;
	case CARRIER_SIM_STEP_HANGUP:
		carrier_sim_script_outcome(n, &out->outcome, r->ps);
		break;
	case CARRIER_SIM_STEP_COUNT:
		break;
	}
}

static void
read_scene(const struct reader *r, const struct conf_node *scene, size_t begin)
{
	size_t count = conf_node_count(conf_node_list(scene, r->ps));

	for (size_t i = 0; i < count; i++)
		read_step(r, conf_node_at(scene, i), &r->p->steps[begin + i]);
	if (count == 0) {
		conf_node_problem(scene, r->ps, "a scene needs steps");
		return;
	}
	enum carrier_sim_step_kind last = r->p->steps[begin + count - 1].kind;
	if (last != CARRIER_SIM_STEP_GOTO && last != CARRIER_SIM_STEP_MENU &&
	    last != CARRIER_SIM_STEP_HANGUP)
		conf_node_problem(
		    scene, r->ps, "its last step must be goto, menu or hangup");
}

void
carrier_sim_script_read(const struct conf_node *script,
    struct carrier_sim_persona *out, struct conf_problems *ps)
{
	struct reader r = {out, ps, conf_node_map(script, ps)};
	size_t steps = 0;

	if (r.script == NULL || conf_node_need(r.script, "start", ps) == NULL)
		return;
	for (size_t i = 0; i < conf_node_count(r.script); i++)
		steps += conf_node_count(conf_node_at(r.script, i));
	if (steps > CARRIER_SIM_STEPS_MAX) {
		conf_node_problem(
		    script, ps, "more than %d steps", CARRIER_SIM_STEPS_MAX);
		return;
	}
	out->steps = mem_zalloc(steps, sizeof(*out->steps));
	out->step_count = steps;
	for (size_t i = 0; i < conf_node_count(r.script); i++)
		read_scene(
		    &r, conf_node_at(r.script, i), (size_t)scene_start(&r, i));
}

void
carrier_sim_script_free(struct carrier_sim_persona *p)
{
	for (size_t i = 0; i < p->step_count; i++) {
		mem_free(&p->steps[i].text);
		mem_free(&p->steps[i].invalid);
	}
	mem_free(&p->steps);
	p->step_count = 0;
}
