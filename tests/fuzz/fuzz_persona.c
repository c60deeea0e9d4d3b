#include "base/text.h"

#include "carrier/carrier_sim_persona.h"
#include "fuzz.h"
#include "mem_env.h"

/*
 * A persona's file: what is read can be played.  Every step leads to a step
 * that is there, every span of time has an end not before its beginning.
 */

static void
check_range(const struct carrier_sim_range *r)
{
	CHECK(r->lo >= 0 && r->lo <= r->hi);
}

static void
check_step(
    const struct carrier_sim_persona *p, const struct carrier_sim_step *s)
{
	int count = (int)p->step_count;

	CHECK(
	    s->kind < CARRIER_SIM_STEP_COUNT && s->outcome < JOB_OUTCOME_COUNT);
	CHECK(s->ms >= 0 && s->silence_ms >= 0 && s->times >= 0);
	CHECK(s->chance >= 0 && s->chance <= 1);
	if (s->kind == CARRIER_SIM_STEP_CHANCE ||
	    s->kind == CARRIER_SIM_STEP_GOTO)
		CHECK(s->target >= 0 && s->target < count);
	if (s->kind == CARRIER_SIM_STEP_SAY || s->kind == CARRIER_SIM_STEP_MENU)
		CHECK(s->text != NULL);
	if (s->kind == CARRIER_SIM_STEP_PRESS)
		CHECK(s->text != NULL &&
		      strspn(s->text, CARRIER_SIM_KEYS) == strlen(s->text));
	if (s->kind != CARRIER_SIM_STEP_MENU)
		return;
	CHECK(s->target >= -1 && s->target < count && s->times >= 1);
	for (size_t i = 0; i < CARRIER_SIM_KEYS_COUNT; i++)
		CHECK(s->keys[i] >= -1 && s->keys[i] < count);
}

static void
check_persona(const struct carrier_sim_persona *p)
{
	CHECK(text_eq(p->name, "human") && p->weight >= 0);
	CHECK(p->answer < CARRIER_SIM_ANSWER_COUNT);
	CHECK(p->step_count <= CARRIER_SIM_STEPS_MAX);
	CHECK(p->outcome < JOB_OUTCOME_COUNT && p->turn_ms >= 0);
	check_range(&p->ring);
	check_range(&p->unattended.after);
	check_range(&p->served.after);
	for (size_t i = 0; i < p->step_count; i++)
		check_step(p, &p->steps[i]);
}

static void
check_choice(const struct carrier_sim_personas *ps)
{
	static const char *const numbers[] = {
	    "+12025550101", "+15550000000", "+1", ""};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		for (int draw = 0; draw < 4; draw++)
			CHECK(carrier_sim_personas_choose(
				  ps, numbers[i], draw / 4.0) != NULL);
	CHECK(carrier_sim_personas_find(ps, "human") == &ps->items[0]);
	CHECK(carrier_sim_personas_find(ps, "nobody-known") != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct env *env = mem_env_new();
	struct carrier_sim_personas ps = {0};
	struct err err = {0};
	enum err_code code;

	mem_env_put(env, "/personas/human.yaml", bytes, len);
	code = carrier_sim_personas_load(&ps, env, "/personas", &err);
	if (code != ERR_NONE) {
		CHECK(code == ERR_CONFIG);
		fuzz_refused(code, &err);
		CHECK(strstr(err.text, "human.yaml") != NULL);
	} else {
		CHECK(ps.count == 1);
		check_persona(&ps.items[0]);
		check_choice(&ps);
	}
	carrier_sim_personas_free(&ps);
	mem_env_free(&env);
	return 0;
}
