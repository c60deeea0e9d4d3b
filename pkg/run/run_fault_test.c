#include "journal/journal_check.h"
#include "journal/journal_fault_test.h"
#include "run/run_world_test.h"

/*
 * Runs on a machine that fails: the n-th statement, call of the disk or call
 * of env fails, until a run came to its end before.  Each run ends, with an
 * error that says something or as if nothing had been; the next one, with the
 * faults gone, brings every job to its end, and no phone rang twice for it.
 */

struct tale {
	const char *name;
	void (*prepare)(struct world *w);
	int calls; /* how often a phone may ring for it, whatever happens */
};

/* --- tales ------------------------------------------------------------------
 */

static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(500, FAKE_RING), AT(900, FAKE_ANSWER, .text = "human"),
    AT(3000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};
static const struct fake_step busy[] = {
    AT(100, FAKE_PLACED), AT(900, FAKE_OVER, .outcome = JOB_OUTCOME_BUSY), {0}};
static const struct fake_step answered[] = {AT(100, FAKE_PLACED),
    AT(1000, FAKE_ANSWER, .text = "human"),
    AT(4 * HOUR, FAKE_OVER, .outcome = JOB_OUTCOME_HANGUP), {0}};
static const struct fake_step unsure[] = {
    AT(100, FAKE_UNKNOWN, .text = "timeout"), {0}};
static const struct fake_step refused[] = {
    AT(100, FAKE_NEVER, .text = "bad-number"), {0}};

static void
one_call(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = completed;
	(void)JOB(w, .id = "a", .org = "clinic");
}

static void
claimed_first(struct world *w)
{
	w->prepare = true;
	one_call(w);
}

static void
busy_then_completed(struct world *w)
{
	w->retry = "max_attempts: 2, busy: {after: 1m, factor: 1, max: 1m}";
	world_open(w);
	w->o.wait_ms = HOUR;
	w->fake.scripts[0] = busy;
	w->fake.scripts[1] = completed;
	(void)JOB(w, .id = "a");
}

static void
a_talk(struct world *w)
{
	w->with_model = true;
	world_open(w);
	w->fake.media = true;
	w->fake.scripts[0] = answered;
	w->fake.words[0] = (struct fake_word){100, "No, not interested."};
	(void)JOB(w, .id = "a");
}

/* Absent twice: a new attempt is allowed. */
static void
doubt(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = unsure;
	w->fake.scripts[1] = completed;
	(void)JOB(w, .id = "a");
}

static void
doubt_with_a_key(struct world *w)
{
	w->cls = CARRIER_KEYED;
	doubt(w);
}

static void
refused_for_ever(struct world *w)
{
	world_open(w);
	w->fake.scripts[0] = refused;
	(void)JOB(w, .id = "a");
}

static const struct tale tales[] = {
    {"one call", one_call, 1},
    {"claimed first", claimed_first, 1},
    {"busy, then completed", busy_then_completed, 2},
    {"a talk", a_talk, 1},
    {"doubt", doubt, 1},
    {"doubt, with a key", doubt_with_a_key, 1},
    {"refused", refused_for_ever, 0},
};

/* --- the loop --------------------------------------------------------------
 */

static void
must_pass(struct world *w)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	OK(journal_check(w->j, NULL, &c, &w->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
}

/* The run ends; what it says of a failure is in w->err. */
static enum err_code
run_it(struct world *w)
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
static void
anew(struct world *w)
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

/* How often a phone rang: a carrier that takes keys makes one call of the same
 * key asked for twice. */
static int
rang(const struct world *w)
{
	int n = 0;

	for (size_t i = 0; i < w->fake.dials; i++) {
		const struct fake_call *c = &w->fake.calls[i];
		bool again = false;

		for (size_t k = 0; k < i && w->cls == CARRIER_KEYED; k++)
			again = again ||
				(w->fake.calls[k].placed_ms > 0 &&
				    strcmp(w->fake.calls[k].key, c->key) == 0);
		n += c->placed_ms > 0 && !again;
	}
	return n;
}

static void
look(struct world *w, const struct tale *t, enum err_code code)
{
	struct journal_job job;

	anew(w);
	must_pass(w);
	if (code != ERR_NONE || world_job(w, 1).state < JOB_DONE) {
		/* The network says what it knows. */
		if (rang(w) > 0)
			FAKE_FOUND(&w->fake, FAKE_IS_OVER);
		code = run_it(w);
		if (code != ERR_NONE)
			fail_msg("the run after it: %s", w->err.text);
	}
	job = world_job(w, 1);
	if (!job_is_final(job.state))
		fail_msg("the job is %s: %s", job_state_name(job.state),
		    world_story(w, 1));
	if (rang(w) > t->calls)
		fail_msg("%s: rang %d times: %s", t->name, rang(w),
		    world_story(w, 1));
	must_pass(w);
}

static bool
told(const struct tale *t, enum fault_kind kind, long n, int sys, bool repeat)
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
	code = run_it(w);
	hit = fault_disarm();
	if (code != ERR_NONE && w->err.text[0] == '\0')
		fail_msg("%s, %ld: no text", t->name, n);
	if (!hit && code != ERR_NONE)
		fail_msg("%s: %s", t->name, w->err.text);
	look(w, t, code);
	assert_int_equal(world_teardown(&state), 0);
	return hit;
}

static void
everywhere(enum fault_kind kind, int sys, bool repeat)
{
	for (size_t i = 0; i < ARRAY_LEN(tales); i++)
		for (long n = fault_first();
		     told(&tales[i], kind, n, sys, repeat); n += fault_stride())
			;
}

static void
a_statement_that_is_interrupted_calls_nobody_twice(void **state)
{
	(void)state;
	everywhere(FAULT_STEP, EIO, false);
}

static void
a_disk_that_fails_calls_nobody_twice(void **state)
{
	(void)state;
	everywhere(FAULT_DISK, EIO, false);
}

static void
a_disk_that_was_full_calls_nobody_twice(void **state)
{
	(void)state;
	everywhere(FAULT_DISK, ENOSPC, false);
}

static void
a_kernel_that_fails_calls_nobody_twice(void **state)
{
	(void)state;
	everywhere(FAULT_ENV, EMFILE, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_statement_that_is_interrupted_calls_nobody_twice),
	    cmocka_unit_test(a_disk_that_fails_calls_nobody_twice),
	    cmocka_unit_test(a_disk_that_was_full_calls_nobody_twice),
	    cmocka_unit_test(a_kernel_that_fails_calls_nobody_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
