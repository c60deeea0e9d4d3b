#include "journal/journal_lease.h"

#include "base/buf.h"

#include "journal/journal_fix_test.h"
#include "journal/journal_life.h"
#include "journal/journal_read.h"

/*
 * Jobs that a queue waits for: taken, called, given back, put off, met again
 * and answered.
 */

struct taking {
	int64_t job;
	const char *ticket;
	enum journal_met met;
};

static enum err_code
take_run(struct journal *j, void *arg, struct err *err)
{
	struct taking *t = arg;

	return journal_lease_take(j, t->job, t->ticket, true,
	    journal_group_ms(j) + 1000, &t->met, err);
}

static enum err_code
new_run(struct journal *j, void *arg, struct err *err)
{
	struct taking *t = arg;

	return journal_lease_new(j, t->job, "file", t->ticket, false,
	    journal_group_ms(j) + 1000, err);
}

static enum journal_met
take(struct fix *f, int64_t job, const char *ticket)
{
	struct taking t = {.job = job, .ticket = ticket};

	OK(once(f, take_run, &t));
	return t.met;
}

/* A job of the queue, as intake takes it. */
static void
taken(struct fix *f, struct life *l, const char *ext)
{
	life_add(f, l, ext);
	assert_int_equal(take(f, l->id, "t1"), JOURNAL_MET_NEW);
}

static struct journal_lease
lease(struct fix *f, int64_t job)
{
	struct journal_lease l;
	bool found = false;

	OK(journal_read_lease(f->j, job, &l, &found, &f->err));
	assert_true(found);
	return l;
}

static struct journal_job
job(struct fix *f, int64_t id)
{
	struct journal_job out;

	OK(journal_read_job(f->j, id, &out, &f->err));
	return out;
}

struct returning {
	int64_t beyond_ms, max, count;
};

static enum err_code
return_run(struct journal *j, void *arg, struct err *err)
{
	struct returning *r = arg;

	return journal_lease_return(
	    j, "file", r->beyond_ms, r->max, &r->count, err);
}

static int64_t
give_back(struct fix *f, int64_t beyond_ms, int64_t max)
{
	struct returning r = {.beyond_ms = beyond_ms, .max = max};

	OK(once(f, return_run, &r));
	return r.count;
}

static enum err_code
away_run(struct journal *j, void *arg, struct err *err)
{
	return journal_lease_away(j, *(int64_t *)arg, err);
}

static enum err_code
answered_run(struct journal *j, void *arg, struct err *err)
{
	return journal_lease_answered(j, *(int64_t *)arg, err);
}

static void
list_one(void *arg, const struct journal_lease *l)
{
	struct buf *b = arg;

	buf_printf(b, "%s:%s ", l->ext, l->ticket);
}

static void
held_are(struct fix *f, enum journal_lease_state state, const char *want)
{
	struct buf b = BUF_INIT(1024);

	OK(journal_read_leases(
	    f->j, "file", state, 0, 100, list_one, &b, &f->err));
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

static enum err_code
due_run(struct journal *j, void *arg, struct err *err)
{
	struct journal_outbox rows[8];

	return journal_outbox_due(
	    j, JOURNAL_SINK_BULL, INT64_MAX, rows, 8, arg, err);
}

static size_t
answers_due(struct fix *f)
{
	size_t count = 0;

	OK(once(f, due_run, &count));
	return count;
}

/* --- */

static void
a_taken_job_is_held_until_it_is_answered(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct life b = {0};
	struct journal_lease l;
	bool found = true;

	life_add(f, &b, "from a file");
	taken(f, &a, "a");
	held_are(f, JOURNAL_LEASE_HELD, "a:t1 ");
	OK(journal_read_lease(f->j, b.id, &l, &found, &f->err));
	assert_false(found);
	assert_true(lease(f, a.id).own_ladder);
	assert_true(lease(f, a.id).until_ms > 0);
	OK(once(f, answered_run, &a.id));
	held_are(f, JOURNAL_LEASE_HELD, "");
	assert_int_equal(lease(f, a.id).state, JOURNAL_LEASE_ANSWERED);
}

static void
what_nobody_has_begun_goes_back_and_is_not_called(void **state)
{
	struct fix *f = *state;
	struct life called = {0};
	struct life waits = {0};

	taken(f, &called, "called");
	assert_true(life_claim(f, &called));
	taken(f, &waits, "waits");
	assert_int_equal(give_back(f, 0, 10), 1);
	held_are(f, JOURNAL_LEASE_HELD, "called:t1 ");
	held_are(f, JOURNAL_LEASE_RETURNING, "waits:t1 ");
	assert_int_equal(job(f, waits.id).state, JOB_QUEUED);
	assert_int_equal(job(f, waits.id).reason, JOB_REASON_AWAY);
	assert_false(life_claim(f, &waits));
	/* Again: nothing more to do. */
	assert_int_equal(give_back(f, 0, 10), 0);
	OK(once(f, away_run, &waits.id));
	held_are(f, JOURNAL_LEASE_RETURNING, "");
	/* Met again, under another lease. */
	assert_int_equal(take(f, waits.id, "t2"), JOURNAL_MET_BACK);
	assert_int_equal(job(f, waits.id).state, JOB_READY);
	held_are(f, JOURNAL_LEASE_HELD, "called:t1 waits:t2 ");
	assert_true(life_claim(f, &waits));
}

static void
only_what_is_due_far_ahead_is_put_off(void **state)
{
	struct fix *f = *state;
	int64_t now = env_now_ms(f->env);
	struct life near = {.not_before_ms = now + 1000000};
	struct life far = {.not_before_ms = now + 9000000};

	taken(f, &near, "near");
	taken(f, &far, "far");
	assert_int_equal(give_back(f, now + 5000000, 10), 1);
	held_are(f, JOURNAL_LEASE_RETURNING, "far:t1 ");
	assert_int_equal(lease(f, far.id).due_ms, now + 9000000);
	assert_int_equal(job(f, far.id).not_before_ms, JOURNAL_AWAY_MS);
	assert_int_equal(take(f, far.id, "t2"), JOURNAL_MET_BACK);
	assert_int_equal(lease(f, far.id).due_ms, 0);
}

static void
a_lost_lease_ends_no_call(void **state)
{
	struct fix *f = *state;
	struct life called = {0};
	struct life waits = {0};

	taken(f, &called, "called");
	assert_true(life_claim(f, &called));
	taken(f, &waits, "waits");
	OK(once(f, away_run, &called.id));
	OK(once(f, away_run, &waits.id));
	assert_int_equal(job(f, called.id).state, JOB_HELD);
	assert_int_equal(job(f, waits.id).reason, JOB_REASON_AWAY);
	assert_int_equal(lease(f, called.id).state, JOURNAL_LEASE_AWAY);
	/* What the queue has already is not given back to it. */
	assert_int_equal(give_back(f, 0, 10), 0);
	/* We got it again: the call is the same one. */
	assert_int_equal(take(f, called.id, "t2"), JOURNAL_MET_HERE);
	life_finish(f, &called);
	assert_int_equal(job(f, called.id).state, JOB_DONE);
}

static enum err_code
gone_run(struct journal *j, void *arg, struct err *err)
{
	return journal_lease_gone(j, *(int64_t *)arg, err);
}

static void
away_are(struct fix *f, int64_t after_job, const char *want)
{
	struct buf b = BUF_INIT(1024);

	OK(journal_read_away(
	    f->j, "file", after_job, 2, list_one, &b, &f->err));
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

static void
what_its_queue_no_longer_has_is_cancelled_unless_it_is_called(void **state)
{
	struct fix *f = *state;
	struct life called = {0};
	struct life waits[4] = {{.id = 0}};
	static const char *const names[] = {"a", "b", "c", "d"};

	taken(f, &called, "called");
	assert_true(life_claim(f, &called));
	for (size_t i = 0; i < 4; i++)
		taken(f, &waits[i], names[i]);
	away_are(f, 0, "");
	for (size_t i = 0; i < 3; i++)
		OK(once(f, away_run, &waits[i].id));
	OK(once(f, away_run, &called.id));
	away_are(f, 0, "a:t1 b:t1 ");
	away_are(f, waits[1].id, "c:t1 ");
	/* One that went back, one that is here, one that is called. */
	OK(once(f, gone_run, &waits[1].id));
	OK(once(f, gone_run, &waits[3].id));
	OK(once(f, gone_run, &called.id));
	away_are(f, 0, "a:t1 c:t1 ");
	for (size_t i = 1; i < 4; i += 2) {
		assert_int_equal(job(f, waits[i].id).state, JOB_CANCELLED);
		assert_int_equal(job(f, waits[i].id).reason, JOB_REASON_GONE);
		assert_int_equal(
		    lease(f, waits[i].id).state, JOURNAL_LEASE_AWAY);
		assert_false(life_claim(f, &waits[i]));
	}
	held_are(f, JOURNAL_LEASE_HELD, "");
	assert_int_equal(job(f, called.id).state, JOB_HELD);
	life_finish(f, &called);
	assert_int_equal(job(f, called.id).state, JOB_DONE);
	/* What is over stays as it is. */
	OK(once(f, gone_run, &called.id));
	OK(once(f, gone_run, &waits[1].id));
	assert_int_equal(job(f, called.id).state, JOB_DONE);
	assert_int_equal(job(f, waits[1].id).state, JOB_CANCELLED);
}

static void
a_job_that_is_over_has_its_result_sent_again(void **state)
{
	struct fix *f = *state;
	struct life a = {0};

	journal_set_sinks(
	    f->j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
	taken(f, &a, "a");
	assert_true(life_claim(f, &a));
	life_finish(f, &a);
	assert_int_equal(answers_due(f), 1);
	sql_on(f, "journal.db", "UPDATE outbox SET state=1");
	assert_int_equal(answers_due(f), 0);
	assert_int_equal(take(f, a.id, "t2"), JOURNAL_MET_FINAL);
	assert_int_equal(answers_due(f), 1);
	assert_string_equal(lease(f, a.id).ticket, "t2");
	/* Also when no queue had a right to it then. */
	sql_on(f, "journal.db", "DELETE FROM outbox WHERE sink=4");
	assert_int_equal(take(f, a.id, "t3"), JOURNAL_MET_FINAL);
	assert_int_equal(answers_due(f), 1);
}

struct renewal {
	int64_t job;
	const char *ticket;
	bool back;
};

static enum err_code
renew_run(struct journal *j, void *arg, struct err *err)
{
	struct renewal *r = arg;

	return journal_lease_renew(j, r->job, r->ticket, 4711, &r->back, err);
}

static void
a_renewal_moves_the_end_of_what_is_held_alone(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct renewal r = {0};

	taken(f, &a, "a");
	r.job = a.id;
	OK(once(f, renew_run, &r));
	assert_int_equal(lease(f, a.id).until_ms, 4711);
	assert_string_equal(lease(f, a.id).ticket, "t1");
	r.ticket = "t2";
	OK(once(f, renew_run, &r));
	assert_string_equal(lease(f, a.id).ticket, "t2");
	OK(once(f, away_run, &a.id));
	r.ticket = "t3";
	OK(once(f, renew_run, &r));
	assert_string_equal(lease(f, a.id).ticket, "t2");
	assert_false(r.back);
}

/* As the gate moves a job whose lock may have ended. */
static enum err_code
doubt_run(struct journal *j, void *arg, struct err *err)
{
	struct journal_job job;
	struct journal_change change = {.job = &job, .job_event = JOB_EV_LATER};

	if (journal_job_get(j, *(int64_t *)arg, &job, err) != ERR_NONE)
		return err->code;
	job.reason = JOB_REASON_AWAY;
	job.not_before_ms = JOURNAL_AWAY_MS;
	return journal_step(j, &change, err);
}

struct shut_out {
	int64_t kind, id;
	size_t count;
};

static enum err_code
shut_out_run(struct journal *j, void *arg, struct err *err)
{
	struct shut_out *s = arg;

	return journal_shut_out(j, s->kind, &s->id, 1, &s->count, err);
}

static enum err_code
put_off_run(struct journal *j, void *arg, struct err *err)
{
	struct journal_job job;
	struct journal_change change = {.job = &job, .job_event = JOB_EV_LATER};

	if (journal_job_get(j, *(int64_t *)arg, &job, err) != ERR_NONE)
		return err->code;
	job.reason = JOB_REASON_WINDOW;
	job.not_before_ms = INT64_C(9000000000000);
	return journal_step(j, &change, err);
}

/* Its queue may have it back by then. */
static void
what_a_queue_may_have_does_not_wait_for_hours_here(void **state)
{
	struct fix *f = *state;
	struct life own = {0}, a = {0};
	struct shut_out s = {0};

	taken(f, &a, "a");
	OK(once(f, put_off_run, &a.id));
	OK(once(f, shut_out_run, &s));
	assert_int_equal(s.count, 0);
	life_add(f, &own, "own");
	OK(once(f, put_off_run, &own.id));
	OK(once(f, shut_out_run, &s));
	assert_int_equal(s.count, 1);
	assert_int_equal(s.id, own.id);
	s.kind = job(f, own.id).kind_id;
	OK(once(f, shut_out_run, &s));
	assert_int_equal(s.count, 1);
	assert_int_equal(s.id, own.id);
	s.kind++;
	OK(once(f, shut_out_run, &s));
	assert_int_equal(s.count, 0);
}

static void
what_is_in_doubt_is_not_put_off_and_comes_with_its_renewal(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct renewal r = {0};

	taken(f, &a, "a");
	r.job = a.id;
	OK(once(f, doubt_run, &a.id));
	assert_false(life_claim(f, &a));
	assert_int_equal(give_back(f, env_now_ms(f->env) + 1000, 10), 0);
	held_are(f, JOURNAL_LEASE_HELD, "a:t1 ");
	OK(once(f, renew_run, &r));
	assert_true(r.back);
	assert_int_equal(job(f, a.id).state, JOB_READY);
	OK(once(f, renew_run, &r));
	assert_false(r.back);
	/* A run that stops hands it back all the same. */
	OK(once(f, doubt_run, &a.id));
	assert_int_equal(give_back(f, 0, 10), 1);
	held_are(f, JOURNAL_LEASE_RETURNING, "a:t1 ");
}

static void
a_delivery_that_was_let_go_is_not_taken_again(void **state)
{
	struct fix *f = *state;
	struct life a = {0};

	taken(f, &a, "a");
	assert_int_equal(give_back(f, 0, 10), 1);
	/* The answer to the same take, read late by another process. */
	assert_int_equal(take(f, a.id, "t1"), JOURNAL_MET_LET_GO);
	held_are(f, JOURNAL_LEASE_RETURNING, "a:t1 ");
	OK(once(f, away_run, &a.id));
	assert_int_equal(take(f, a.id, "t1"), JOURNAL_MET_LET_GO);
	assert_int_equal(lease(f, a.id).state, JOURNAL_LEASE_AWAY);
	assert_false(life_claim(f, &a));
	assert_int_equal(take(f, a.id, "t2"), JOURNAL_MET_BACK);
	assert_int_equal(take(f, a.id, "t2"), JOURNAL_MET_HERE);
	assert_true(life_claim(f, &a));
}

/* Each began with what an error before had left. */
static enum err_code
stale_run(struct journal *j, void *arg, struct err *err)
{
	struct taking *t = arg;
	bool found = true;
	struct journal_lease l;

	(void)err_set(err, ERR_REJECTED, 0, "an earlier one");
	if (journal_lease_get(j, t->job, &l, &found, err) != ERR_NONE)
		return err->code;
	(void)err_set(err, ERR_REJECTED, 0, "an earlier one");
	return journal_lease_take(j, t->job, t->ticket, true, 1, &t->met, err);
}

static enum err_code
stale_return(struct journal *j, void *arg, struct err *err)
{
	(void)err_set(err, ERR_REJECTED, 0, "an earlier one");
	return return_run(j, arg, err);
}

static void
an_earlier_error_is_not_this_one_s(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct taking t = {.ticket = "t1"};
	struct returning r = {.max = 9};
	struct journal_lease l;
	struct buf b = BUF_INIT(1024);
	bool found = true;

	life_add(f, &a, "a");
	t.job = a.id;
	(void)err_set(&f->err, ERR_REJECTED, 0, "an earlier one");
	assert_int_equal(journal_read_leases(f->j, "file", JOURNAL_LEASE_HELD,
			     0, 9, list_one, &b, &f->err),
	    ERR_NONE);
	assert_int_equal(
	    journal_read_lease(f->j, a.id, &l, &found, &f->err), ERR_NONE);
	assert_false(found);
	assert_int_equal(once(f, stale_run, &t), ERR_NONE);
	assert_int_equal(once(f, stale_return, &r), ERR_NONE);
	assert_int_equal(r.count, 1);
	buf_free(&b);
}

static void
a_new_job_s_first_lease_is_its_sources(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct taking t = {.ticket = "t1"};
	struct buf b = BUF_INIT(1024);

	life_add(f, &a, "a");
	t.job = a.id;
	OK(once(f, new_run, &t));
	OK(journal_read_leases(
	    f->j, "file", JOURNAL_LEASE_HELD, 0, 9, list_one, &b, &f->err));
	assert_true(b.len > 0);
	assert_string_equal(lease(f, a.id).ticket, "t1");
	assert_false(lease(f, a.id).own_ladder);
	/* Met again it is taken, not new. */
	assert_int_not_equal(once(f, new_run, &t), ERR_NONE);
	assert_int_equal(take(f, a.id, "t2"), JOURNAL_MET_HERE);
	assert_string_equal(lease(f, a.id).ticket, "t2");
	buf_free(&b);
}

int
main(void)
{
#define N(test) cmocka_unit_test_setup_teardown(test, setup_opened, teardown)
	const struct CMUnitTest tests[] = {
	    N(a_new_job_s_first_lease_is_its_sources),
	    N(a_taken_job_is_held_until_it_is_answered),
	    N(what_nobody_has_begun_goes_back_and_is_not_called),
	    N(only_what_is_due_far_ahead_is_put_off),
	    N(a_lost_lease_ends_no_call),
	    N(what_its_queue_no_longer_has_is_cancelled_unless_it_is_called),
	    N(a_job_that_is_over_has_its_result_sent_again),
	    N(a_renewal_moves_the_end_of_what_is_held_alone),
	    N(what_a_queue_may_have_does_not_wait_for_hours_here),
	    N(what_is_in_doubt_is_not_put_off_and_comes_with_its_renewal),
	    N(a_delivery_that_was_let_go_is_not_taken_again),
	    N(an_earlier_error_is_not_this_one_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
