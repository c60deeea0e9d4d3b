#include "journal/journal_fix_test.h"
#include "journal/journal_prune.h"
#include "journal/journal_read.h"

/* What the result of a row of the outbox is made of. */

static const int kinds[] = {0, 2};

static enum err_code
found_out(struct journal *j, void *arg, struct err *err)
{
	const struct life *l = arg;
	struct journal_artifact a = {.kind = 2, .path = "b/1.json", .bytes = 2};
	enum err_code code = journal_finding_put(
	    j, l->attempt.id, "human", "no_need", "{\"day\":1}", err);

	memset(a.sha256, 7, sizeof(a.sha256));
	return code != ERR_NONE
		   ? code
		   : journal_artifact_put(j, l->attempt.id, &a, err);
}

static enum err_code
erased(struct journal *j, void *arg, struct err *err)
{
	return journal_erase(j, *(int64_t *)arg, "ann", "asked to", err);
}

static const struct life *life;
static int seen;

static struct journal_outbox
row_of(const struct life *l)
{
	return (struct journal_outbox){.id = l->job.outbox,
	    .job = l->id,
	    .revision = l->job.revision,
	    .attempt = l->attempt.id};
}

static void
see_all(void *arg, const struct journal_facts *facts)
{
	(void)arg;
	seen++;
	assert_string_equal(facts->source, life->job.source);
	assert_string_equal(facts->ext, "a");
	assert_string_equal(facts->kind, life->job.kind);
	assert_string_equal(facts->campaign, life->job.campaign);
	assert_int_equal(facts->step, life->job.step);
	assert_int_equal(facts->final_step, life->job.final_step);
	assert_int_equal(facts->state, JOB_DONE);
	assert_int_equal(facts->outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(facts->reason, JOB_REASON_NONE);
	assert_int_equal(facts->tries, life->job.tries);
	assert_int_equal(facts->revision, 1);
	assert_true(facts->number > 0);
	assert_string_equal(facts->kept, "");
	assert_int_equal(facts->terms_id, life->attempt.terms_id);
	assert_string_equal(facts->carrier_call, life->attempt.carrier_call);
	assert_int_equal(facts->placed_ms, life->attempt.placed_ms);
	assert_int_equal(facts->answered_ms, life->attempt.answered_ms);
	assert_int_equal(facts->ended_ms, life->attempt.ended_ms);
	assert_string_equal(facts->answered_by, "human");
	assert_string_equal(facts->decline, "no_need");
	assert_string_equal(facts->meeting, "{\"day\":1}");
	assert_string_equal(facts->files[0].path, "");
	assert_string_equal(facts->files[1].path, "b/1.json");
	assert_int_equal(facts->files[0].sha256[0], 0);
	assert_int_equal(facts->files[1].sha256[31], 7);
}

static void
a_row_says_all_of_its_job_its_call_and_what_came_of_it(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct life b = {0};
	struct journal_outbox box;

	life_whole(f, &b, "b"); /* another's facts are not mixed in */
	life_add(f, &a, "a");
	assert_true(life_claim(f, &a));
	(void)snprintf(
	    a.attempt.carrier_call, sizeof(a.attempt.carrier_call), "call-17");
	a.attempt.placed_ms = 1000;
	a.attempt.answered_ms = 2000;
	a.attempt.ended_ms = 3000;
	life_finish(f, &a);
	OK(once(f, found_out, &a));
	life = &a;
	seen = 0;
	box = row_of(&a);
	OK(journal_read_facts(f->j, &box, kinds, see_all, NULL, &f->err));
	assert_int_equal(seen, 1);
}

static void
see_little(void *arg, const struct journal_facts *facts)
{
	(void)arg;
	seen++;
	assert_int_equal(facts->number, 0);
	assert_string_equal(facts->answered_by, "");
	assert_string_equal(facts->meeting, "");
	assert_string_equal(facts->ext, "a");
}

static void
an_erased_job_still_has_its_result(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct journal_outbox box;

	life_whole(f, &a, "a");
	OK(once(f, found_out, &a));
	box = row_of(&a);
	OK(once(f, outbox_all_done, NULL));
	OK(once(f, erased, &a.id));
	seen = 0;
	OK(journal_read_facts(f->j, &box, kinds, see_little, NULL, &f->err));
	assert_int_equal(seen, 1);
}

static void
not_called(void *arg, const struct journal_facts *facts)
{
	(void)arg;
	(void)facts;
	fail_msg("there is nothing to be seen");
}

static void
a_row_that_is_gone_is_not_found(void **state)
{
	struct fix *f = *state;
	struct journal_outbox box = {.id = 4711};

	assert_int_equal(
	    journal_read_facts(f->j, &box, kinds, not_called, NULL, &f->err),
	    ERR_NOT_FOUND);
}

static void
a_row_without_its_attempt_is_damage(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct journal_outbox box;

	life_whole(f, &a, "a");
	box = row_of(&a);
	sql_on(f, "journal.db", "PRAGMA foreign_keys=OFF; DELETE FROM attempt");
	assert_int_equal(
	    journal_read_facts(f->j, &box, kinds, not_called, NULL, &f->err),
	    ERR_DAMAGED);
	SAYS("no attempt 1 of job #1");
}

static void
a_number_of_a_newer_program_is_damage(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct journal_outbox box;

	life_whole(f, &a, "a");
	box = row_of(&a);
	sql_on(f, "journal.db", "UPDATE job SET outcome=99");
	assert_int_equal(
	    journal_read_facts(f->j, &box, kinds, not_called, NULL, &f->err),
	    ERR_DAMAGED);
	SAYS("a number this program does not know");
	sql_on(f, "journal.db", "UPDATE job SET outcome=0,reason=99");
	assert_int_equal(
	    journal_read_facts(f->j, &box, kinds, not_called, NULL, &f->err),
	    ERR_DAMAGED);
}

int
main(void)
{
#define N(test) cmocka_unit_test_setup_teardown(test, setup_opened, teardown)
	const struct CMUnitTest tests[] = {
	    N(a_row_says_all_of_its_job_its_call_and_what_came_of_it),
	    N(an_erased_job_still_has_its_result),
	    N(a_row_that_is_gone_is_not_found),
	    N(a_row_without_its_attempt_is_damage),
	    N(a_number_of_a_newer_program_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
