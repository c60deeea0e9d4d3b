#include "run/run_decide.h"
#include "run/run_tale_test.h"

/*
 * What a person decides, and hours that were changed, on a machine that fails:
 * the n-th statement is interrupted.  Either the deed is done as a whole, or an
 * error says something and nothing was changed, so that it can be repeated.
 */

struct deed {
	const char *name;
	void (*prepare)(struct world *w);
	enum err_code (*act)(struct world *w, struct err *err);
	const char *story; /* of job 1, once it is done */
	bool looks_again;  /* afterwards, in a transaction more */
};

/* --- jobs that wait for a word --- */

static const struct fake_step unsure[] = {AT(100, FAKE_UNKNOWN), {0}};
static const struct fake_step completed[] = {AT(100, FAKE_PLACED),
    AT(8000, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

static struct run_decision
decided(struct world *w, enum run_decide_verb verb, struct err *err)
{
	struct run_decide_ask ask = {.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .verb = verb,
	    .by = "ana",
	    .reason = "she was there"};
	struct run_decision d = {.job = 1};

	(void)run_decide(&ask, &d, 1, err);
	return d;
}

/* Called again by a person, and then in doubt: most is asked about such a job.
 */
static void
parked(struct world *w)
{
	w->cls = CARRIER_BLIND;
	w->retry = "max_attempts: 3, busy: {after: 1m, factor: 1, max: 1m}";
	world_open(w);
	w->fake.scripts[0] = completed;
	w->fake.scripts[1] = unsure;
	(void)JOB(w, .id = "a");
	world_drain(w);
	JOB_IS(w, 1, JOB_DONE, JOB_OUTCOME_COMPLETED);
	(void)decided(w, RUN_DECIDE_RETRY, &w->err);
	world_drain(w);
	JOB_IS(w, 1, JOB_PARKED, JOB_OUTCOME_NONE);
}

static enum err_code
put_evidence(struct world *w, struct journal *j, struct err *err)
{
	bool added = false;

	(void)w;
	return journal_inbox_put(j, "carrier", "n-1", 256 + 2,
	    JOURNAL_MSG_EVIDENCE,
	    "{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":5000,"
	    "\"answered\":false,\"answered_ms\":0,\"answered_by\":\"\","
	    "\"ended\":true,\"ended_ms\":9000,\"outcome\":\"busy\","
	    "\"by\":\"callee\"}",
	    &added, err);
}

static void
parked_with_evidence(struct world *w)
{
	parked(w);
	world_now(w, put_evidence);
}

static enum err_code
park(struct world *w, struct journal *j, struct err *err)
{
	struct journal_job job;
	struct journal_change c = {.job = &job, .job_event = JOB_EV_PARK};

	(void)w;
	if (journal_job_get(j, 1, &job, err) != ERR_NONE)
		return err->code;
	job.reason = JOB_REASON_RESTORED;
	return journal_step(j, &c, err);
}

static enum err_code
wake(struct world *w, struct journal *j, struct err *err)
{
	int64_t woken = 0;

	(void)w;
	return journal_wake(j, INT64_MAX, &woken, err);
}

static void
parked_before_any_attempt(struct world *w)
{
	world_open(w);
	(void)JOB(w, .id = "a");
	world_now(w, wake);
	world_now(w, park);
}

static enum err_code
placed(struct world *w, struct err *err)
{
	(void)decided(w, RUN_DECIDE_PLACED, err);
	return err->code;
}

static enum err_code
absent(struct world *w, struct err *err)
{
	(void)decided(w, RUN_DECIDE_ABSENT, err);
	return err->code;
}

/* --- hours that were changed --- */

static void
shut_out(struct world *w)
{
	char *jobs = mem_printf("%s/jobs", w->dir);

	w->windows = "zone: Etc/UTC, mon-fri: \"18:00-19:00\"";
	OK(env_make_dirs(w->env, jobs, &w->err));
	world_kind(w, "m", w->limits, w->windows, w->retry);
	world_open(w);
	(void)JOB(w, .id = "a");
	(void)JOB(w, .id = "b", .kind = "m");
	world_drain(w);
	for (size_t i = 0; i < w->conf->kind_count; i++)
		for (int day = 0; day < 5; day++)
			w->conf->kinds[i].windows.day[day].spans[0].start =
			    60 * 17;
	mem_free(&jobs);
}

static enum err_code
reopen(struct world *w, struct err *err)
{
	int64_t count = 0;

	(void)run_reopen(&w->o, &count, err);
	if (err->code == ERR_NONE)
		assert_int_equal(count, 2);
	return err->code;
}

#define IN_DOUBT "ADMIT ARM PLACE END RETRY DUE ARM DOUBT PARK "

static const struct deed deeds[] = {
    {"it rang", parked, placed, IN_DOUBT "RESOLVE_PLACED", false},
    {"it never rang", parked, absent, IN_DOUBT "RESOLVE_ABSENT", false},
    {"evidence lies there", parked_with_evidence, absent, IN_DOUBT "END",
	false},
    {"nothing was sent", parked_before_any_attempt, absent, "ADMIT PARK LATER",
	false},
    {"hours were opened", shut_out, reopen, "ADMIT LATER LATER", true},
};

static bool
is_done(struct world *w, const struct deed *d)
{
	return strcmp(world_story(w, 1), d->story) == 0;
}

static struct world *
prepared(const struct deed *d)
{
	void *state = NULL;
	struct world *w;

	assert_int_equal(world_setup(&state), 0);
	w = state;
	fault_install(w->env);
	d->prepare(w);
	return w;
}

static void
done_with(struct world **w)
{
	void *state = *w;

	assert_int_equal(world_teardown(&state), 0);
	*w = NULL;
}

/*
 * The n-th statement fails, from the first to the one behind the deed's last:
 * one that is interrupted may have ended before it looked.
 */
static void
everywhere(const struct deed *d, enum fault_kind kind)
{
	struct world *w = NULL;
	int failed = 0;
	bool hit = true;

	for (long n = 1; hit; n++) {
		struct err err = {0};
		struct journal_job was;
		char *story;

		if (w == NULL)
			w = prepared(d);
		tale_anew(w); /* its statements are compiled anew */
		journal_set_sinks(
		    w->j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
		was = world_job(w, 1);
		story = mem_strdup(world_story(w, 1));
		fault_arm(kind, n, EIO, false);
		(void)d->act(w, &err);
		hit = fault_disarm();
		tale_must_pass(w);
		if (err.code != ERR_NONE && (!hit || err.text[0] == '\0'))
			fail_msg("%s, %ld: \"%s\"", d->name, n, err.text);
		if (err.code == ERR_NONE && !is_done(w, d))
			fail_msg("%s: %s", d->name, world_story(w, 1));
		if (err.code == ERR_NONE || (d->looks_again && is_done(w, d))) {
			done_with(&w);
		} else {
			failed++;
			assert_string_equal(world_story(w, 1), story);
			assert_int_equal(world_job(w, 1).state, was.state);
			assert_int_equal(world_job(w, 1).tries, was.tries);
		}
		mem_free(&story);
	}
	if (w != NULL)
		done_with(&w);
	assert_true(failed > 5);
}

static void
a_deed_whose_statement_fails_changes_nothing_and_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
		everywhere(&deeds[i], FAULT_PREPARE);
}

static void
a_deed_that_is_interrupted_changes_nothing_and_can_be_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
		everywhere(&deeds[i], FAULT_STEP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_deed_whose_statement_fails_changes_nothing_and_can_be_repeated),
	    cmocka_unit_test(
		a_deed_that_is_interrupted_changes_nothing_and_can_be_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
