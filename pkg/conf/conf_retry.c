#include <string.h>

#include "base/mem.h"

#include "conf_priv.h"

#define DAY_MS INT64_C(86400000)
#define ATTEMPTS_MAX 20
#define FACTOR_MAX 10

/* One rung: none, or {after, factor, max, jitter}. */
static void
read_rung(
    const struct conf_node *n, struct job_rung *out, struct conf_problems *ps)
{
	static const char *const keys[] = {
	    "after", "factor", "max", "jitter", NULL};
	static const char *const jitters[] = {"none", "full", NULL};
	struct job_rung r = {.again = true, .factor = 1};
	size_t jitter = 0;
	const char *text = NULL;

	if (conf_node_kind(n) == CONF_NODE_TEXT) {
		if (conf_node_str(n, &text, ps) && strcmp(text, "none") != 0)
			conf_node_problem(n, ps,
			    "expected none or {after: 30m, factor: 2, max: "
			    "4h, jitter: full}, got \"%.40s\"",
			    text);
		return;
	}
	if (conf_node_map(n, ps) == NULL)
		return;
	conf_node_only(n, keys, ps);
	(void)conf_node_duration(conf_node_need(n, "after", ps), 1000,
	    365 * DAY_MS, &r.after_ms, ps);
	(void)conf_node_double(
	    conf_node_get(n, "factor"), 1, FACTOR_MAX, &r.factor, ps);
	if (conf_node_duration(
		conf_node_get(n, "max"), 1000, 365 * DAY_MS, &r.max_ms, ps) &&
	    r.max_ms < r.after_ms)
		conf_node_problem(conf_node_get(n, "max"), ps,
		    "expected at least the time of after");
	if (conf_node_choice(conf_node_get(n, "jitter"), jitters, &jitter, ps))
		r.full_jitter = jitter == 1;
	*out = r;
}

void
conf_retry_read(
    const struct conf_node *n, struct conf_kind *k, struct conf_problems *ps)
{
	const char *keys[JOB_OUTCOME_COUNT + 1] = {"max_attempts"};

	for (int o = JOB_OUTCOME_COMPLETED; o < JOB_OUTCOME_COUNT; o++)
		keys[o] = job_outcome_name((enum job_outcome)o);
	if (n == NULL)
		return;
	conf_node_only(n, keys, ps);
	(void)conf_node_i64(
	    conf_node_get(n, keys[0]), 1, ATTEMPTS_MAX, &k->max_attempts, ps);
	for (int o = JOB_OUTCOME_COMPLETED; o < JOB_OUTCOME_COUNT; o++) {
		const struct conf_node *rung = conf_node_get(n, keys[o]);

		if (rung == NULL)
			continue;
		read_rung(rung, &k->retry[o], ps);
		if (o == JOB_OUTCOME_COMPLETED && k->retry[o].again)
			conf_node_problem(rung, ps,
			    "expected none: who was talked to is not called "
			    "again by itself");
	}
}
