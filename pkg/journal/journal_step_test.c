#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * What a step stores of an attempt: as few columns as it can, and each that
 * its caller has changed.
 */

static void
set_nothing(struct journal_attempt *a)
{
	(void)a;
}

static void
set_call(struct journal_attempt *a)
{
	(void)snprintf(a->carrier_call, sizeof(a->carrier_call), "call-7");
}

static void
set_times(struct journal_attempt *a)
{
	a->placed_ms = 1;
	a->answered_ms = 2;
	a->ended_ms = 3;
}

static void
set_outcome(struct journal_attempt *a)
{
	a->outcome = JOB_OUTCOME_BUSY;
}

static void
set_bounds(struct journal_attempt *a)
{
	a->dial_until_ms = 4;
}

static void
set_armed(struct journal_attempt *a)
{
	a->armed_ms += 5;
}

static void
set_slot(struct journal_attempt *a)
{
	a->slot_until_ms = 6;
}

static void
set_settle_boot(struct journal_attempt *a)
{
	a->settle_boot[15] = 7;
}

static void
set_settle_ms(struct journal_attempt *a)
{
	a->settle_boot_ms = 8;
}

static void
set_looked(struct journal_attempt *a)
{
	a->looked_boot_ms = 9;
}

static void
set_lookups(struct journal_attempt *a)
{
	a->lookups = 10;
}

static void
set_resends(struct journal_attempt *a)
{
	a->resends = 11;
}

static void
set_detail(struct journal_attempt *a)
{
	(void)snprintf(a->detail, sizeof(a->detail), "busy here");
}

static void
clear_detail(struct journal_attempt *a)
{
	*a->detail = '\0';
}

static void (*const changes[])(struct journal_attempt *a) = {set_nothing,
    set_call, set_times, set_outcome, set_bounds, set_armed, set_slot,
    set_settle_boot, set_settle_ms, set_looked, set_lookups, set_resends,
    set_detail, clear_detail};

/* Every column. */
static void
same_as_stored(struct fix *f, const struct journal_attempt *want)
{
	struct journal_attempt got;

	memset(&got, 0, sizeof(got));
	OK(journal_read_attempt(f->j, want->id, &got, &f->err));
#define SAME(field) assert_int_equal(got.field, want->field)
	SAME(state);
	SAME(owner);
	SAME(campaign_id);
	SAME(kind_id);
	SAME(number);
	SAME(org);
	SAME(has_key);
	SAME(terms_id);
	SAME(dial_until_ms);
	SAME(settle_boot_ms);
	SAME(looked_boot_ms);
	SAME(lookups);
	SAME(resends);
	SAME(armed_ms);
	SAME(placed_ms);
	SAME(answered_ms);
	SAME(ended_ms);
	SAME(slot_until_ms);
	SAME(outcome);
	SAME(last);
#undef SAME
	assert_memory_equal(got.key, want->key, sizeof(got.key));
	assert_memory_equal(got.request, want->request, sizeof(got.request));
	assert_memory_equal(
	    got.settle_boot, want->settle_boot, sizeof(got.settle_boot));
	assert_string_equal(got.carrier_call, want->carrier_call);
	assert_string_equal(got.detail, want->detail);
}

static void
arm(struct fix *f, struct life *l, const char *ext)
{
	l->org = ext; /* one of its own */
	life_add(f, l, ext);
	assert_true(life_claim(f, l));
	assert_true(l->attempt.org != 0);
	same_as_stored(f, &l->attempt);
}

static void
what_a_step_changes_is_stored(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct life l = {0};
		char ext[16];

		(void)snprintf(ext, sizeof(ext), "at-%zu", i);
		arm(f, &l, ext);
		/* From the struct that the last step left ... */
		changes[i](&l.attempt);
		life_step(f, &l, ATTEMPT_EV_PLACE, JOB_EV_NOTE);
		same_as_stored(f, &l.attempt);
		/* ... what it set stays ... */
		life_step(f, &l, ATTEMPT_EV_RING, JOB_EV_NOTE);
		same_as_stored(f, &l.attempt);
		/* ... and from one that was read. */
		OK(journal_read_attempt(
		    f->j, l.attempt.id, &l.attempt, &f->err));
		changes[ARRAY_LEN(changes) - 1 - i](&l.attempt);
		life_step(f, &l, ATTEMPT_EV_ANSWER, JOB_EV_NOTE);
		same_as_stored(f, &l.attempt);
		changes[(i + 5) % ARRAY_LEN(changes)](&l.attempt);
		l.attempt.outcome = JOB_OUTCOME_COMPLETED;
		l.job.outcome = JOB_OUTCOME_COMPLETED;
		life_step(f, &l, ATTEMPT_EV_END, JOB_EV_FINISH);
		assert_int_equal(l.attempt.number, 0);
		assert_int_equal(l.attempt.org, 0);
		assert_int_equal(l.attempt.owner, 0);
		same_as_stored(f, &l.attempt);
	}
	OK(journal_owner_close(f->j, &f->err));
}

/* One whose rest is not known to the journal is written whole. */
static void
a_struct_made_by_hand_is_stored_whole(void **state)
{
	struct fix *f = *state;
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	arm(f, &l, "hand");
	l.attempt.lookups = 3;
	life_step(f, &l, ATTEMPT_EV_PLACE, JOB_EV_NOTE);
	memset(&l.attempt.stored, 0, sizeof(l.attempt.stored));
	l.attempt.lookups = 0;
	l.attempt.armed_ms = 0;
	l.attempt.dial_until_ms = 0;
	life_step(f, &l, ATTEMPT_EV_RING, JOB_EV_NOTE);
	same_as_stored(f, &l.attempt);
	l.attempt.outcome = JOB_OUTCOME_COMPLETED;
	l.job.outcome = JOB_OUTCOME_COMPLETED;
	life_step(f, &l, ATTEMPT_EV_END, JOB_EV_FINISH);
	OK(journal_owner_close(f->j, &f->err));
}

/* --- several steps of one transaction ---------------------------------------
 */

struct walk {
	struct life *l;
	bool rests; /* a column of few steps changes on the way */
};

static enum err_code
walk_run(struct journal *j, void *arg, struct err *err)
{
	static const enum attempt_event events[] = {ATTEMPT_EV_PLACE,
	    ATTEMPT_EV_RING, ATTEMPT_EV_ANSWER, ATTEMPT_EV_END};
	struct walk *w = arg;
	struct journal_job job = w->l->job;
	struct journal_attempt attempt = w->l->attempt;
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(events) && code == ERR_NONE; i++) {
		bool ends = i + 1 == ARRAY_LEN(events);
		struct journal_change change = {.job = &job,
		    .attempt = &attempt,
		    .attempt_event = events[i],
		    .job_event = ends ? JOB_EV_FINISH : JOB_EV_NOTE,
		    .more = !ends};

		attempt.placed_ms = 17;
		if (i == 1 && w->rests)
			attempt.lookups = 4;
		if (ends)
			attempt.outcome = job.outcome = JOB_OUTCOME_BUSY;
		code = journal_step(j, &change, err);
	}
	if (code == ERR_NONE) {
		w->l->job = job;
		w->l->attempt = attempt;
	}
	return code;
}

static int64_t
events_of(struct fix *f, const struct life *l)
{
	char sql[80];
	int64_t n = 0;

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM event WHERE job=%lld", (long long)l->id);
	OK(journal_db_number(&f->j->r, sql, &n, &f->err));
	return n;
}

static void
steps_on_the_way_leave_events_and_the_last_one_the_rows(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	for (int i = 0; i < 2; i++) {
		struct life l = {0};
		struct walk w = {.l = &l, .rests = i == 1};
		struct journal_job job;

		arm(f, &l, i == 0 ? "walk-a" : "walk-b");
		OK(once(f, walk_run, &w));
		assert_int_equal(events_of(f, &l), 2 + 4);
		assert_int_equal(l.attempt.state, ATTEMPT_ENDED);
		assert_int_equal(l.attempt.lookups, i == 1 ? 4 : 0);
		same_as_stored(f, &l.attempt);
		OK(journal_read_job(f->j, l.id, &job, &f->err));
		assert_int_equal(job.state, JOB_DONE);
		assert_int_equal(job.last, l.job.last);
		assert_int_equal(job.n, 6);
		/* And so it goes on from there. */
		assert_int_equal(l.job.row_last, 0);
		assert_int_equal(l.attempt.row_last, 0);
	}
	OK(journal_owner_close(f->j, &f->err));
}

static void
when_another_was_first_steps_on_the_way_leave_nothing(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	struct walk w = {.l = &l};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	arm(f, &l, "late");
	struct life before = l;

	life_step(f, &l, ATTEMPT_EV_PLACE, JOB_EV_NOTE);
	struct life after = l;

	l = before;
	assert_int_equal(once(f, walk_run, &w), ERR_STATE);
	assert_int_equal(events_of(f, &l), 3);
	same_as_stored(f, &after.attempt);
	OK(journal_owner_close(f->j, &f->err));
}

/* --- what is remembered within a group --------------------------------------
 */

struct remembering {
	struct journal_tx tx;
	int64_t id;
	bool paused;
};

static enum err_code
resumes_and_names_then_fails(
    struct journal *j, struct journal_tx *tx, struct err *err)
{
	int64_t id = 0;
	bool changed = false, paused = true;

	(void)tx;
	assert_int_equal(
	    journal_resume(j, "summer", "ana", "", &changed, err), ERR_NONE);
	assert_true(changed);
	assert_int_equal(journal_is_paused(j, 2, &paused, err), ERR_NONE);
	assert_false(paused);
	assert_int_equal(
	    journal_name_put(j, JOURNAL_NAME_CAMPAIGN, "new", &id, err),
	    ERR_NONE);
	return err_set(err, ERR_MALFORMED, 0, "and all that goes back");
}

static enum err_code
names_and_asks(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct remembering *r = CONTAINER_OF(tx, struct remembering, tx);

	assert_int_equal(
	    journal_name_put(j, JOURNAL_NAME_CAMPAIGN, "new", &r->id, err),
	    ERR_NONE);
	assert_int_equal(
	    journal_name_put(j, JOURNAL_NAME_CAMPAIGN, "new", &r->id, err),
	    ERR_NONE);
	return journal_is_paused(j, 2, &r->paused, err);
}

static enum err_code
pauses(struct journal *j, void *arg, struct err *err)
{
	bool changed = false;

	(void)arg;
	return journal_pause(j, "summer", "ana", "", &changed, err);
}

static void
what_a_member_took_back_is_not_remembered(void **state)
{
	struct fix *f = *state;
	struct remembering fails = {
	    .tx = {.run = resumes_and_names_then_fails}};
	struct remembering r = {.tx = {.run = names_and_asks}};
	struct list group = LIST_INIT(group);
	int64_t id = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, pauses, NULL));
	OK(journal_db_number(&f->j->r,
	    "SELECT id FROM campaign WHERE name='summer'", &id, &f->err));
	assert_int_equal(id, 2);
	list_add_tail(&group, &fails.tx.node);
	list_add_tail(&group, &r.tx.node);
	OK(journal_group_run(f->j, &group, JOURNAL_CLAIM, &f->err));
	assert_int_equal(fails.tx.code, ERR_MALFORMED);
	assert_int_equal(r.tx.code, ERR_NONE);
	assert_true(r.paused);
	OK(journal_db_number(&f->j->r,
	    "SELECT id FROM campaign WHERE name='new'", &id, &f->err));
	assert_true(id != 0);
	assert_int_equal(r.id, id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_a_member_took_back_is_not_remembered),
	    T(what_a_step_changes_is_stored),
	    T(a_struct_made_by_hand_is_stored_whole),
	    T(steps_on_the_way_leave_events_and_the_last_one_the_rows),
	    T(when_another_was_first_steps_on_the_way_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
