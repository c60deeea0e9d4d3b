#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

/*
 * Every step of a job and of an attempt, walked in a journal: what is asked
 * for is what then stands in both rows, and the check, which folds the events
 * by itself, finds nothing.
 */

struct step {
	enum attempt_state was;
	enum attempt_event event;
	enum attempt_state next;
	/* each job event that it may come with, and where the job is then */
	struct {
		enum job_event event;
		enum job_state next;
	} job[4];
};

#define LADDER                                                         \
	{                                                              \
		{JOB_EV_LATER, JOB_QUEUED}, {JOB_EV_FINISH, JOB_DONE}, \
		    {JOB_EV_FAIL, JOB_FAILED},                         \
		{                                                      \
			JOB_EV_CANCEL, JOB_CANCELLED                   \
		}                                                      \
	}
#define BACK                                                             \
	{                                                                \
		{JOB_EV_LATER, JOB_QUEUED}, {JOB_EV_RELEASE, JOB_READY}, \
		    {JOB_EV_PARK, JOB_PARKED},                           \
		{                                                        \
			JOB_EV_CANCEL, JOB_CANCELLED                     \
		}                                                        \
	}
#define STAYS                            \
	{                                \
		{JOB_EV_NOTE, JOB_HELD}, \
		{                        \
			0                \
		}                        \
	}
#define ONLY(event, next)      \
	{                      \
		{event, next}, \
		{              \
			0      \
		}              \
	}
#define A(was, event, next, ...)                                               \
	{                                                                      \
		ATTEMPT_##was, ATTEMPT_EV_##event, ATTEMPT_##next, __VA_ARGS__ \
	}

static const struct step steps[] = {
    A(CLAIMED, ARM, INTENT, STAYS),
    A(CLAIMED, RELEASE, NEW, BACK),
    A(CLAIMED, OWNER_DEAD, NEW, BACK),
    A(CLAIMED, DENY, CANCELLED, ONLY(JOB_EV_FAIL, JOB_FAILED)),
    A(CLAIMED, CANCEL, CANCELLED, ONLY(JOB_EV_CANCEL, JOB_CANCELLED)),
    A(INTENT, UNSENT, NEW, BACK),
    A(INTENT, REFUSE, REFUSED, LADDER),
    A(INTENT, DOUBT, UNKNOWN, STAYS),
    A(INTENT, OWNER_DEAD, UNKNOWN, STAYS),
    A(INTENT, PLACE, PLACED, STAYS),
    A(INTENT, RING, RINGING, STAYS),
    A(INTENT, ANSWER, ANSWERED, STAYS),
    A(INTENT, END, ENDED, LADDER),
    A(PLACED, RING, RINGING, STAYS),
    A(PLACED, ANSWER, ANSWERED, STAYS),
    A(PLACED, END, ENDED, LADDER),
    A(PLACED, OWNER_DEAD, PLACED, STAYS),
    A(PLACED, PARK, PARKED, ONLY(JOB_EV_PARK, JOB_PARKED)),
    A(RINGING, ANSWER, ANSWERED, STAYS),
    A(RINGING, END, ENDED, LADDER),
    A(RINGING, OWNER_DEAD, RINGING, STAYS),
    A(RINGING, PARK, PARKED, ONLY(JOB_EV_PARK, JOB_PARKED)),
    A(ANSWERED, END, ENDED, LADDER),
    A(ANSWERED, OWNER_DEAD, ANSWERED, STAYS),
    A(ANSWERED, PARK, PARKED, ONLY(JOB_EV_PARK, JOB_PARKED)),
    A(UNKNOWN, SETTLE, UNKNOWN, STAYS),
    A(UNKNOWN, LOOK, UNKNOWN, STAYS),
    A(UNKNOWN, RESEND, UNKNOWN, STAYS),
    A(UNKNOWN, OWNER_DEAD, UNKNOWN, STAYS),
    A(UNKNOWN, PLACE, PLACED, STAYS),
    A(UNKNOWN, RING, RINGING, STAYS),
    A(UNKNOWN, ANSWER, ANSWERED, STAYS),
    A(UNKNOWN, END, ENDED, LADDER),
    A(UNKNOWN, VANISH, ABSENT, LADDER),
    A(UNKNOWN, PARK, PARKED, ONLY(JOB_EV_PARK, JOB_PARKED)),
    A(PARKED, END, ENDED, LADDER),
    A(PARKED, RESOLVE_PLACED, ENDED, LADDER),
    A(PARKED, RESOLVE_ABSENT, ABSENT, LADDER),
    A(PARKED, RESOLVE_DROP, CANCELLED, ONLY(JOB_EV_CANCEL, JOB_CANCELLED)),
};

static void
must_pass(struct fix *f)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	OK(journal_check(f->j, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
}

static void
stands(struct fix *f, const struct life *l, enum job_state job,
    enum attempt_state attempt)
{
	struct journal_job j;
	struct journal_attempt a;

	OK(journal_read_job(f->j, l->id, &j, &f->err));
	if (j.state != job)
		fail_msg("the job is %s, not %s", job_state_name(j.state),
		    job_state_name(job));
	if (l->attempt.id == 0)
		return;
	OK(journal_read_attempt(f->j, l->attempt.id, &a, &f->err));
	if (a.state != attempt)
		fail_msg("the attempt is %s, not %s",
		    job_attempt_state_name(a.state),
		    job_attempt_state_name(attempt));
}

/* A job with a live or parked attempt in that state. */
static void
bring(struct fix *f, struct life *l, enum attempt_state state)
{
	static int n;
	static const enum attempt_event by[] = {
	    [ATTEMPT_PLACED] = ATTEMPT_EV_PLACE,
	    [ATTEMPT_RINGING] = ATTEMPT_EV_RING,
	    [ATTEMPT_ANSWERED] = ATTEMPT_EV_ANSWER,
	    [ATTEMPT_UNKNOWN] = ATTEMPT_EV_DOUBT,
	    [ATTEMPT_PARKED] = ATTEMPT_EV_DOUBT};
	char ext[16];

	*l = (struct life){.claim_only = state == ATTEMPT_CLAIMED};
	(void)snprintf(ext, sizeof(ext), "w-%d", n++);
	life_add(f, l, ext);
	assert_true(life_claim(f, l));
	if (state > ATTEMPT_INTENT)
		life_step(f, l, by[state], JOB_EV_NOTE);
	if (state == ATTEMPT_PARKED)
		life_step(f, l, ATTEMPT_EV_PARK, JOB_EV_PARK);
	stands(f, l, state == ATTEMPT_PARKED ? JOB_PARKED : JOB_HELD, state);
}

/* As run/ sets them: what was armed is a try, what ended has an outcome. */
static void
fill(struct fix *f, struct life *l, const struct step *s)
{
	if (s->event == ATTEMPT_EV_ARM) {
		l->attempt.has_key = true;
		l->attempt.armed_ms = 1;
		l->job.tries++;
		l->job_changed = true;
	}
	/* Absence is proved by two lookups: this is the second. */
	if (s->event == ATTEMPT_EV_VANISH)
		life_step(f, l, ATTEMPT_EV_LOOK, JOB_EV_NOTE);
	if (s->event == ATTEMPT_EV_UNSENT)
		l->job.tries--;
	if (s->next == ATTEMPT_ENDED)
		l->attempt.outcome = l->job.outcome = JOB_OUTCOME_BUSY;
	if (s->next == ATTEMPT_REFUSED)
		l->attempt.outcome = l->job.outcome = JOB_OUTCOME_REFUSED;
}

static void
a_step_of_an_attempt_moves_it_and_its_job_as_designed(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct step *s = &steps[i];

		for (size_t k = 0; k < 4 && (k == 0 || s->job[k].event != 0);
		     k++) {
			struct life l;

			bring(f, &l, s->was);
			fill(f, &l, s);
			if (life_try(f, &l, s->event, s->job[k].event) !=
			    ERR_NONE)
				fail_msg("%s %s %s: %s",
				    job_attempt_state_name(s->was),
				    job_attempt_event_name(s->event),
				    job_event_name(s->job[k].event),
				    f->err.text);
			stands(f, &l, s->job[k].next, s->next);
		}
	}
	must_pass(f);
}

static void
what_was_held_not_to_be_comes_into_conflict(void **state)
{
	static const struct {
		enum attempt_state was, first;
		enum attempt_event event;
		enum job_event job;
	} rows[] = {
	    {ATTEMPT_ABSENT, ATTEMPT_UNKNOWN, ATTEMPT_EV_VANISH, JOB_EV_LATER},
	    {ATTEMPT_REFUSED, ATTEMPT_INTENT, ATTEMPT_EV_REFUSE, JOB_EV_LATER},
	    {ATTEMPT_CANCELLED, ATTEMPT_PARKED, ATTEMPT_EV_RESOLVE_DROP,
		JOB_EV_CANCEL}};
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int park = 0; park < 2; park++) {
			struct life l;
			enum job_state was;

			bring(f, &l, rows[i].first);
			if (rows[i].event == ATTEMPT_EV_VANISH)
				life_step(f, &l, ATTEMPT_EV_LOOK, JOB_EV_NOTE);
			if (rows[i].event == ATTEMPT_EV_REFUSE)
				l.attempt.outcome = JOB_OUTCOME_REFUSED;
			life_step(f, &l, rows[i].event, rows[i].job);
			if (park && rows[i].job == JOB_EV_CANCEL) {
				l.job.tries = 0;
				life_job(f, &l, JOB_EV_RETRY);
			}
			was = l.job.state;
			assert_int_equal(l.attempt.state, rows[i].was);
			life_step(f, &l, ATTEMPT_EV_CONTRADICT,
			    park ? JOB_EV_PARK : JOB_EV_NOTE);
			stands(
			    f, &l, park ? JOB_PARKED : was, ATTEMPT_CONFLICT);
		}
	must_pass(f);
}

/* --- the job alone ---------------------------------------------------------
 */

struct move {
	enum job_state was;
	enum job_event event;
	enum job_state next;
};

#define J(was, event, next)                           \
	{                                             \
		JOB_##was, JOB_EV_##event, JOB_##next \
	}

static const struct move moves[] = {
    J(QUEUED, DUE, READY),
    J(QUEUED, LATER, QUEUED),
    J(QUEUED, EXPIRE, EXPIRED),
    J(QUEUED, CANCEL, CANCELLED),
    J(QUEUED, FAIL, FAILED),
    J(QUEUED, PARK, PARKED),
    J(QUEUED, NOTE, QUEUED),
    J(READY, LATER, QUEUED),
    J(READY, EXPIRE, EXPIRED),
    J(READY, CANCEL, CANCELLED),
    J(READY, FAIL, FAILED),
    J(READY, PARK, PARKED),
    J(READY, NOTE, READY),
    J(HELD, NOTE, HELD),
    J(PARKED, FINISH, DONE),
    J(PARKED, FAIL, FAILED),
    J(PARKED, LATER, QUEUED),
    J(PARKED, CANCEL, CANCELLED),
    J(PARKED, NOTE, PARKED),
    J(DONE, RETRY, QUEUED),
    J(FAILED, RETRY, QUEUED),
    J(EXPIRED, RETRY, QUEUED),
    J(CANCELLED, RETRY, QUEUED),
    J(DONE, REDIAL, QUEUED),
    J(FAILED, REDIAL, QUEUED),
    J(EXPIRED, REDIAL, QUEUED),
    J(CANCELLED, REDIAL, QUEUED),
    J(DONE, NOTE, DONE),
    J(FAILED, NOTE, FAILED),
    J(EXPIRED, NOTE, EXPIRED),
    J(CANCELLED, NOTE, CANCELLED),
};

static void
bring_job(struct fix *f, struct life *l, enum job_state state)
{
	static int n;
	static const enum job_event by[] = {[JOB_FAILED] = JOB_EV_FAIL,
	    [JOB_EXPIRED] = JOB_EV_EXPIRE,
	    [JOB_CANCELLED] = JOB_EV_CANCEL,
	    [JOB_PARKED] = JOB_EV_PARK};
	char ext[16];

	*l = (struct life){
	    .not_before_ms = state == JOB_QUEUED ? INT64_C(9000000000000) : 0};
	(void)snprintf(ext, sizeof(ext), "j-%d", n++);
	if (state == JOB_DONE) {
		life_whole(f, l, ext);
	} else {
		life_add(f, l, ext);
		if (state == JOB_HELD)
			assert_true(life_claim(f, l));
	}
	OK(journal_read_job(f->j, l->id, &l->job, &f->err));
	if (by[state] != 0 && state > JOB_DONE)
		life_job(f, l, by[state]);
	stands(f, l, state, l->attempt.state);
}

static void
a_step_of_a_job_alone_moves_it_as_designed(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		struct life l;

		bring_job(f, &l, moves[i].was);
		if (moves[i].event == JOB_EV_RETRY)
			l.job.tries = 0; /* from the start of its ladder */
		life_job(f, &l, moves[i].event);
		stands(f, &l, moves[i].next, l.attempt.state);
		assert_int_equal(l.job.state, moves[i].next);
	}
	must_pass(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_step_of_an_attempt_moves_it_and_its_job_as_designed),
	    T(what_was_held_not_to_be_comes_into_conflict),
	    T(a_step_of_a_job_alone_moves_it_as_designed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
