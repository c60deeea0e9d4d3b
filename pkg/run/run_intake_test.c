#include "run/run_intake.h"

#include "run/run_world_test.h"

/*
 * Jobs from a source into the journal: batches, known and changed identities,
 * errors on either side, and a death before the source is told.
 */

#define BATCH 500

/* A source that makes up jobs "s-0", "s-1" ... as long as it has some. */
struct maker {
	struct source source;
	struct world *w;
	int made, have;
	int fails_at; /* next() fails there; -1 = never */
	int refuses;  /* taken() fails after so many; -1 = never */
	const char *phone;
	uint8_t content;
	bool same; /* all have the id of the first */
	int taken[3], released;
	bool durable; /* each was in the journal when it was taken */
};

static enum err_code
maker_next(void *s, struct source_job **out, struct err *err)
{
	struct maker *m = s;
	struct source_job *j;

	*out = NULL;
	if (m->made == m->fails_at)
		return err_set(err, ERR_MALFORMED, 0, "line %d", m->made + 1);
	if (m->made == m->have)
		return ERR_NONE;
	j = source_job_new();
	j->source = "made";
	j->id = mem_printf("s-%d", m->same ? 0 : m->made);
	memset(j->content, m->content + (m->same ? m->made : 0),
	    sizeof(j->content));
	j->kind = mem_strdup("k");
	j->phone = m->phone != NULL ? mem_strdup(m->phone)
				    : mem_printf("+1512555%04d", m->made);
	j->campaign = mem_strdup("spring");
	j->org = mem_strdup(m->made % 2 == 0 ? "clinic" : "");
	j->contact = mem_strdup("{\"first_name\":\"Ana\"}");
	j->data = mem_strdup("{\"x\":1}");
	j->step = 2;
	j->final_step = true;
	j->priority = 7;
	j->not_before_ms = WORLD_START_MS + 24 * HOUR;
	j->expires_ms = WORLD_START_MS + 48 * HOUR;
	m->made++;
	*out = j;
	return ERR_NONE;
}

static enum err_code
maker_taken(
    void *s, struct source_job **job, enum source_taken how, struct err *err)
{
	struct maker *m = s;
	int64_t id = 0;
	struct err ignored;

	if (m->refuses == m->taken[0] + m->taken[1] + m->taken[2]) {
		source_job_free(job);
		return err_set(err, ERR_IO, 0, "the source is gone");
	}
	m->durable = m->durable && journal_read_find(m->w->j, (*job)->id, &id,
				       &ignored) == ERR_NONE;
	m->taken[how]++;
	source_job_free(job);
	return ERR_NONE;
}

static void
maker_release(void *s, struct source_job **job)
{
	struct maker *m = s;

	m->released++;
	source_job_free(job);
}

static const struct source_ops maker_ops = {.next = maker_next,
    .taken = maker_taken,
    .release = maker_release};

static void
maker_begin(struct maker *m, struct world *w, int have)
{
	*m = (struct maker){.source = {.ops = &maker_ops, .impl = m},
	    .w = w,
	    .have = have,
	    .fails_at = -1,
	    .refuses = -1,
	    .durable = true};
}

struct idle {
	struct world *w;
	int times;
	enum err_code code;
	char text[ERR_TEXT_MAX];
};

static void
on_idle(void *arg, enum err_code code, const struct err *err)
{
	struct idle *i = arg;

	i->times++;
	i->code = code;
	(void)snprintf(
	    i->text, sizeof(i->text), "%s", code != ERR_NONE ? err->text : "");
	net_env_stop(i->w->env);
}

/* All that the source has, once. */
static struct idle
take_in(struct world *w, struct maker *m)
{
	struct idle idle = {.w = w};
	struct run_intake_options o = {.env = w->env,
	    .journal = w->j,
	    .source = &m->source,
	    .idle = on_idle,
	    .arg = &idle};
	struct run_intake *in = run_intake_new(&o);

	run_intake_poke(in);
	assert_true(run_intake_busy(in));
	run_intake_poke(in); /* is being asked already */
	world_for(w, WORLD_LIMIT_MS);
	assert_int_equal(idle.times, 1);
	assert_false(run_intake_busy(in));
	run_intake_free(&in);
	assert_null(in);
	return idle;
}

static int64_t
jobs_there(struct world *w)
{
	struct journal_counts c;

	OK(journal_read_counts(w->j, &c, &w->err));
	return c.jobs[JOB_QUEUED] + c.jobs[JOB_READY];
}

/* --- what comes in --- */

static void
a_job_lands_with_everything_it_says(void **state)
{
	struct world *w = *state;
	struct maker m;
	struct journal_person p;
	int64_t id = 0;

	world_open(w);
	maker_begin(&m, w, 2);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	OK(journal_read_find(w->j, "made:s-0", &id, &w->err));
	struct journal_job job = world_job(w, id);

	assert_string_equal(job.source, "made");
	assert_string_equal(job.ext, "s-0");
	assert_string_equal(job.kind, "k");
	assert_string_equal(job.campaign, "spring");
	assert_int_equal(job.step, 2);
	assert_true(job.final_step);
	assert_int_equal(job.state, JOB_QUEUED);
	assert_int_equal(job.priority, 7);
	assert_int_equal(job.not_before_ms, WORLD_START_MS + 24 * HOUR);
	assert_int_equal(job.expires_ms, WORLD_START_MS + 48 * HOUR);
	OK(journal_read_person(w->j, id, &p, &w->err));
	assert_int_equal(p.number, 15125550000);
	assert_string_equal(p.org_name, "clinic");
	assert_string_equal(p.contact, "{\"first_name\":\"Ana\"}");
	assert_string_equal(p.data, "{\"x\":1}");
	journal_person_free(&p);
	/* no organisation is none, and not one without a name */
	OK(journal_read_find(w->j, "made:s-1", &id, &w->err));
	OK(journal_read_person(w->j, id, &p, &w->err));
	assert_int_equal(p.org, 0);
	assert_null(p.org_name);
	journal_person_free(&p);
}

static void
a_source_hears_of_a_job_only_once_it_is_durable(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 3);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_true(m.durable);
	assert_int_equal(m.taken[SOURCE_ADDED], 3);
	assert_int_equal(m.released, 0);
}

static void
more_than_a_batch_comes_in_batches(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 2 * BATCH + 1);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_int_equal(m.taken[SOURCE_ADDED], 2 * BATCH + 1);
	assert_int_equal(jobs_there(w), 2 * BATCH + 1);
}

static void
a_source_without_jobs_is_idle_at_once(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 0);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_int_equal(jobs_there(w), 0);
}

/* --- identities --- */

static void
the_same_jobs_again_are_known(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 3);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	maker_begin(&m, w, 4);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_int_equal(m.taken[SOURCE_KNOWN], 3);
	assert_int_equal(m.taken[SOURCE_ADDED], 1);
	assert_int_equal(jobs_there(w), 4);
}

static void
a_known_id_with_other_content_differs_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct maker m;
	int64_t id = 0;

	world_open(w);
	maker_begin(&m, w, 1);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	maker_begin(&m, w, 1);
	m.content = 9;
	m.phone = "+15125559999";
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_int_equal(m.taken[SOURCE_DIFFERS], 1);
	OK(journal_read_find(w->j, "s-0", &id, &w->err));
	struct journal_person p;

	OK(journal_read_person(w->j, id, &p, &w->err));
	assert_int_equal(p.number, 15125550000);
	journal_person_free(&p);
}

static void
an_id_twice_in_one_batch_is_one_job(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 3);
	m.same = true;
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_int_equal(m.taken[SOURCE_ADDED], 1);
	assert_int_equal(m.taken[SOURCE_DIFFERS], 2);
	assert_int_equal(jobs_there(w), 1);
}

/* --- errors --- */

static void
what_came_before_a_sources_error_is_kept(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 10);
	m.fails_at = 4;
	struct idle idle = take_in(w, &m);

	assert_int_equal(idle.code, ERR_MALFORMED);
	assert_string_equal(idle.text, "line 5");
	assert_int_equal(m.taken[SOURCE_ADDED], 4);
	assert_int_equal(jobs_there(w), 4);
}

static void
a_source_that_fails_at_once_is_told_of(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 10);
	m.fails_at = 0;
	assert_int_equal(take_in(w, &m).code, ERR_MALFORMED);
	assert_int_equal(jobs_there(w), 0);
}

static void
a_batch_that_cannot_be_written_is_given_back(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 5);
	m.phone = "no number";
	assert_int_equal(take_in(w, &m).code, ERR_MALFORMED);
	assert_int_equal(m.released, 5);
	assert_int_equal(m.taken[SOURCE_ADDED], 0);
	assert_int_equal(jobs_there(w), 0);
}

static void
a_source_that_is_gone_gets_the_rest_back(void **state)
{
	struct world *w = *state;
	struct maker m;

	world_open(w);
	maker_begin(&m, w, 5);
	m.refuses = 2;
	struct idle idle = take_in(w, &m);

	assert_int_equal(idle.code, ERR_IO);
	assert_string_equal(idle.text, "the source is gone");
	assert_int_equal(m.taken[SOURCE_ADDED], 2);
	assert_int_equal(m.released, 2);
	/* they are in the journal, and known the next time */
	assert_int_equal(jobs_there(w), 5);
	maker_begin(&m, w, 5);
	assert_int_equal(take_in(w, &m).code, ERR_NONE);
	assert_int_equal(m.taken[SOURCE_KNOWN], 5);
}

/* --- deaths --- */

static void
take_in_and_die(struct world *w)
{
	struct maker m;

	crash_hook(world_die_at, w->story);
	maker_begin(&m, w, 5);
	(void)take_in(w, &m);
}

static void
a_death_anywhere_loses_no_job_and_doubles_none(void **state)
{
	static const char *const points[] = {
	    "intake.batch.run", "intake.batch.durable", "intake.job.taken"};
	static const int known[] = {0, 5, 5};
	struct world *w = *state;
	struct maker m;

	world_open(w);
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		(void)snprintf(w->story, sizeof(w->story), "%s", points[i]);
		world_was_killed(world_child(w, take_in_and_die));
		assert_int_equal(jobs_there(w), known[i]);
		maker_begin(&m, w, 5);
		assert_int_equal(take_in(w, &m).code, ERR_NONE);
		assert_int_equal(m.taken[SOURCE_KNOWN], known[i]);
		assert_int_equal(m.taken[SOURCE_ADDED], 5 - known[i]);
		assert_int_equal(jobs_there(w), 5);
	}
}

int
main(void)
{
#define T(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_job_lands_with_everything_it_says),
	    T(a_source_hears_of_a_job_only_once_it_is_durable),
	    T(more_than_a_batch_comes_in_batches),
	    T(a_source_without_jobs_is_idle_at_once),
	    T(the_same_jobs_again_are_known),
	    T(a_known_id_with_other_content_differs_and_changes_nothing),
	    T(an_id_twice_in_one_batch_is_one_job),
	    T(what_came_before_a_sources_error_is_kept),
	    T(a_source_that_fails_at_once_is_told_of),
	    T(a_batch_that_cannot_be_written_is_given_back),
	    T(a_source_that_is_gone_gets_the_rest_back),
	    T(a_death_anywhere_loses_no_job_and_doubles_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
