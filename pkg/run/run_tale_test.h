#ifndef DSRUN_RUN_TALE_TEST_H
#define DSRUN_RUN_TALE_TEST_H

#include "journal/journal_check.h"
#include "journal/journal_fault_test.h"
#include "run/run_world_test.h"

/*
 * Runs on a machine that fails: the n-th statement, call of the disk or call
 * of env fails, until a run came to its end before.  Each run ends, with an
 * error that says something or as if nothing had been; the next one, with the
 * faults gone, brings job 1 to its end, and no phone rang twice for it.
 */

struct tale {
	const char *name;
	void (*prepare)(struct world *w);
	int calls; /* how often job 1's phone may ring, whatever happens */
	/* What else happens before the next run; may be NULL. */
	void (*then)(struct world *w);
};

static inline void
tale_must_pass(struct world *w)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	OK(journal_check(w->j, NULL, &c, &w->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
}

/* The run ends; what it says of a failure is in w->err. */
static inline enum err_code
tale_run(struct world *w)
{
	w->ended = false;
	w->attention[0] = '\0';
	memset(&w->err, 0, sizeof(w->err));
	if (run_start(&w->o, &w->run, &w->err) != ERR_NONE)
		return w->err.code;
	world_finish(w);
	return w->code;
}

/* The network stays as it is; dsrun begins anew. */
static inline void
tale_anew(struct world *w)
{
	char *dir = mem_printf("%s/data", w->dir);
	struct journal_options o = {.env = w->env,
	    .dir = dir,
	    .mode = JOURNAL_MUST_EXIST,
	    .build_ms = 1000};

	journal_close(&w->j);
	OK(journal_open(&o, &w->j, &w->err));
	w->o.journal = w->j;
	mem_free(&dir);
}

/* Has a phone rung, or is one about to? */
static inline bool
tale_network_knows(const struct world *w)
{
	for (size_t i = 0; i < w->fake.dials; i++)
		if (w->fake.calls[i].placed_ms > 0 ||
		    env_timer_running(&w->fake.calls[i].timer))
			return true;
	return false;
}

/* How often job 1's phone rang: a carrier that takes keys makes one call of the
 * same key asked for twice. */
static inline int
tale_rang(const struct world *w)
{
	int n = 0;

	for (size_t i = 0; i < w->fake.dials; i++) {
		const struct fake_call *c = &w->fake.calls[i];
		bool again = strcmp(fake_nth(&w->fake, "dial", i)->what,
				 "+15125550100") != 0;

		for (size_t k = 0; k < i && w->cls == CARRIER_KEYED; k++)
			again = again ||
				(w->fake.calls[k].placed_ms > 0 &&
				    strcmp(w->fake.calls[k].key, c->key) == 0);
		n += c->placed_ms > 0 && !again;
	}
	return n;
}

static inline void
tale_look(struct world *w, const struct tale *t, enum err_code code)
{
	struct journal_job job;

	tale_anew(w);
	tale_must_pass(w);
	if (code != ERR_NONE || world_job(w, 1).state < JOB_DONE) {
		/* The network says what it knows. */
		if (tale_network_knows(w))
			FAKE_FOUND(&w->fake, FAKE_IS_OVER);
		if (t->then != NULL)
			t->then(w);
		code = tale_run(w);
		if (code != ERR_NONE)
			fail_msg("the run after it: %s", w->err.text);
	}
	job = world_job(w, 1);
	if (!job_is_final(job.state))
		fail_msg("the job is %s: %s", job_state_name(job.state),
		    world_story(w, 1));
	if (tale_rang(w) > t->calls)
		fail_msg("%s: rang %d times: %s", t->name, tale_rang(w),
		    world_story(w, 1));
	tale_must_pass(w);
}

static inline bool
tale_told(
    const struct tale *t, enum fault_kind kind, long n, int sys, bool repeat)
{
	void *state = NULL;
	struct world *w;
	enum err_code code;
	bool hit;

	assert_int_equal(world_setup(&state), 0);
	w = state;
	fault_install(w->env);
	t->prepare(w);
	fault_arm(kind, n, sys, repeat);
	code = tale_run(w);
	hit = fault_disarm();
	if (code != ERR_NONE && w->err.text[0] == '\0')
		fail_msg("%s, %ld: no text", t->name, n);
	if (!hit && code != ERR_NONE)
		fail_msg("%s: %s", t->name, w->err.text);
	tale_look(w, t, code);
	assert_int_equal(world_teardown(&state), 0);
	return hit;
}

static inline void
tale_everywhere(const struct tale *tales, size_t count, enum fault_kind kind,
    int sys, bool repeat)
{
	for (size_t i = 0; i < count; i++)
		for (long n = fault_first();
		     tale_told(&tales[i], kind, n, sys, repeat);
		     n += fault_stride())
			;
}

/* --- what a carrier tells of what nobody holds --- */

static char tale_key[FAKE_KEY];

static inline bool
tale_tell_over(void *arg)
{
	struct world *w = arg;

	fake_tell_key(&w->fake, tale_key, NULL, CARRIER_STAGE_ENDED,
	    JOB_OUTCOME_VOICEMAIL);
	return true;
}

/* Another job, whose call is there when a notice of job 1's last one comes. */
static inline void
tale_tell_beside_another(struct world *w)
{
	static const struct fake_step script[] = {
	    AT(10, FAKE_DO, .act = tale_tell_over), AT(100, FAKE_PLACED),
	    AT(20 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
	struct journal_attempt a =
	    world_attempt(w, 1, (int)world_job(w, 1).attempts);

	(void)text_hex(a.key, SHA256_BYTES, tale_key);
	for (size_t i = 0; i < ARRAY_LEN(w->fake.scripts); i++)
		w->fake.scripts[i] = script;
	(void)JOB(w, .campaign = "autumn");
}

#endif
