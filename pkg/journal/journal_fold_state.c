#include "journal/journal_check_priv.h"

/*
 * One event against the tables of pkg/job and the invariants of attempts.
 */

#define BAD(f, id, ...) \
	journal_check_bad((f)->out, JOURNAL_CHECK_##id, __VA_ARGS__)
#define LL(x) ((long long)(x))

static bool
holds(int state)
{
	return state >= ATTEMPT_CLAIMED && state <= ATTEMPT_PARKED;
}

/* I4: the number and organisation of an attempt that begins or ends to hold
 * them. */
static enum err_code
hold(struct journal_fold *f, const struct journal_fold_event *e, bool take,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    f->db, "SELECT number,org FROM person WHERE job=?1", err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, e->f.job);
	if (journal_db_row(f->db, st, &row, err) != ERR_NONE)
		return err->code;
	for (int kind = 0; row && kind < 2; kind++) {
		int64_t key = sqlite3_column_int64(st, kind);
		int64_t other = 0;

		if (key == 0)
			continue;
		if (take)
			other = journal_held_take(&f->held,
			    (enum journal_held_kind)kind, key, e->f.attempt);
		else
			journal_held_give(&f->held,
			    (enum journal_held_kind)kind, key, e->f.attempt);
		if (other != 0)
			BAD(f, I4,
			    "event %lld: attempt %lld of job #%lld was begun "
			    "while attempt %lld of job #%lld held the same %s",
			    LL(e->f.seq),
			    LL(journal_attempt_number(e->f.attempt)),
			    LL(e->f.job), LL(journal_attempt_number(other)),
			    LL(journal_attempt_job(other)),
			    kind == 0 ? "number" : "organisation");
	}
	if (take && row)
		f->out->item[JOURNAL_CHECK_I4].checked++;
	if (row)
		(void)sqlite3_reset(st);
	return ERR_NONE;
}

static void
doubt_rules(struct journal_fold *f, const struct journal_fold_event *e,
    const struct journal_fold_attempt *a, enum attempt_event event)
{
	static const unsigned out_of_unknown =
	    1U << ATTEMPT_EV_PLACE | 1U << ATTEMPT_EV_RING |
	    1U << ATTEMPT_EV_ANSWER | 1U << ATTEMPT_EV_END |
	    1U << ATTEMPT_EV_VANISH | 1U << ATTEMPT_EV_PARK;
	static const unsigned out_of_parked =
	    1U << ATTEMPT_EV_END | 1U << ATTEMPT_EV_RESOLVE_PLACED |
	    1U << ATTEMPT_EV_RESOLVE_ABSENT | 1U << ATTEMPT_EV_RESOLVE_DROP;
	bool left = e->f.attempt_state != a->state;
	unsigned allowed = ~0U;

	if (a->state == ATTEMPT_UNKNOWN)
		allowed = out_of_unknown;
	else if (a->state == ATTEMPT_PARKED)
		allowed = out_of_parked;
	else
		return;
	f->out->item[JOURNAL_CHECK_I6].checked += left;
	if (left && (allowed & 1U << event) == 0)
		BAD(f, I6,
		    "event %lld: attempt %lld of job #%lld left %s by %s",
		    LL(e->f.seq), LL(journal_attempt_number(e->f.attempt)),
		    LL(e->f.job),
		    job_attempt_state_name((enum attempt_state)a->state),
		    job_attempt_event_name(event));
	if (event == ATTEMPT_EV_VANISH && !a->looked)
		BAD(f, I6,
		    "event %lld: attempt %lld of job #%lld was held to be "
		    "absent after one lookup",
		    LL(e->f.seq), LL(journal_attempt_number(e->f.attempt)),
		    LL(e->f.job));
}

/* I11, and which lookups count. */
static void
tries(const struct journal_fold_event *e, struct journal_fold_job *job,
    struct journal_fold_attempt *a, enum attempt_event event)
{
	if (event == ATTEMPT_EV_ARM) {
		job->tries_least++;
		job->tries_most++;
		a->intent = e->f.seq;
	}
	if (event == ATTEMPT_EV_UNSENT) {
		job->tries_least -= job->tries_least > 0;
		job->tries_most -= job->tries_most > 0;
	}
	/* "Come again later" is no try, the ladder's later is one: an event
	 * does not say which of them it was, nor which of them a cancel met. */
	if (event == ATTEMPT_EV_REFUSE &&
	    (e->f.job_state == JOB_QUEUED || e->f.job_state == JOB_CANCELLED))
		job->tries_least -= job->tries_least > 0;
	if (event == ATTEMPT_EV_LOOK)
		a->looked = true;
	else if (event != ATTEMPT_EV_PARK)
		a->looked = false;
}

/* The attempt as it was before e; one that begins is made. */
static struct journal_fold_attempt *
attempt_of(struct journal_fold *f, const struct journal_fold_event *e,
    struct journal_fold_job *job)
{
	int number = (int)journal_attempt_number(e->f.attempt);
	struct journal_fold_attempt *a = journal_fold_attempt(f, job, number);
	const struct journal_fold_attempt *newest =
	    &f->mem.attempts[job->attempt];
	uint32_t i;

	if (a != NULL)
		return a;
	if (journal_attempt_job(e->f.attempt) != e->f.job ||
	    number != (job->attempt == 0 ? 1 : newest->number + 1))
		BAD(f, I9,
		    "event %lld of job #%lld begins attempt id %lld: not its "
		    "next one",
		    LL(e->f.seq), LL(e->f.job), LL(e->f.attempt));
	if (job->attempt != 0 && (newest->state == ATTEMPT_UNKNOWN ||
				     newest->state == ATTEMPT_PARKED))
		BAD(f, I6,
		    "event %lld begins attempt %d of job #%lld while its "
		    "attempt %d is %s",
		    LL(e->f.seq), number, LL(e->f.job), newest->number,
		    job_attempt_state_name((enum attempt_state)newest->state));
	i = journal_fold_mem_attempt(&f->mem);
	a = &f->mem.attempts[i];
	a->number = (uint8_t)number;
	a->older = job->attempt;
	job->attempt = i;
	f->out->attempts++;
	return a;
}

static bool
job_may_go(const struct journal_fold_step *s, int was, int next)
{
	const struct job_row *row = NULL;
	struct err ignored;
	int step = 0;

	if (was == next &&
	    (s->job_events == 0 || (s->job_events & JOB_BIT(NOTE)) != 0))
		return true;
	for (enum job_event ev = 0; ev < JOB_EVENT_COUNT; ev++)
		if ((s->job_events >> ev & 1U) != 0 &&
		    job_find((enum job_state)was, ev, &row, &step, &ignored) ==
			ERR_NONE &&
		    (int)row->next == next)
			return true;
	return false;
}

static enum err_code
attempt_moves(struct journal_fold *f, const struct journal_fold_event *e,
    struct journal_fold_job *job, const struct journal_fold_step *s,
    struct err *err)
{
	struct journal_fold_attempt *a = attempt_of(f, e, job);
	enum attempt_event event = (enum attempt_event)s->event;
	bool was_live = job_attempt_is_live((enum attempt_state)a->state);
	bool is_live =
	    job_attempt_is_live((enum attempt_state)e->f.attempt_state);
	enum err_code code = ERR_NONE;

	if (a->state != s->was)
		BAD(f, I9,
		    "event %lld: attempt %d of job #%lld was %s, but %s "
		    "happened to a %s one",
		    LL(e->f.seq), a->number, LL(e->f.job),
		    job_attempt_state_name((enum attempt_state)a->state),
		    job_attempt_event_name(event),
		    job_attempt_state_name((enum attempt_state)s->was));
	if (job_attempt_is_final((enum attempt_state)a->state) &&
	    event != ATTEMPT_EV_CONTRADICT)
		BAD(f, I7,
		    "event %lld: attempt %d of job #%lld was %s, which is "
		    "final, and took %s",
		    LL(e->f.seq), a->number, LL(e->f.job),
		    job_attempt_state_name((enum attempt_state)a->state),
		    job_attempt_event_name(event));
	if (!job_may_go(s, job->state, e->f.job_state))
		BAD(f, I9,
		    "event %lld: %s of an attempt does not make a %s job "
		    "(#%lld) %s",
		    LL(e->f.seq), job_attempt_event_name(event),
		    job_state_name((enum job_state)job->state), LL(e->f.job),
		    job_state_name((enum job_state)e->f.job_state));
	doubt_rules(f, e, a, event);
	if (holds(a->state) != holds(e->f.attempt_state))
		code = hold(f, e, !holds(a->state), err);
	tries(e, job, a, event);
	job->live = (uint8_t)(job->live + is_live - was_live);
	f->live += is_live - was_live;
	f->out->item[JOURNAL_CHECK_I3].checked += is_live && !was_live;
	f->out->item[JOURNAL_CHECK_I7].checked +=
	    job_attempt_is_final((enum attempt_state)e->f.attempt_state);
	a->state = (uint8_t)e->f.attempt_state;
	a->event = (uint8_t)event;
	a->by_person = a->by_person || event == ATTEMPT_EV_RESOLVE_PLACED ||
		       event == ATTEMPT_EV_RESOLVE_ABSENT ||
		       event == ATTEMPT_EV_RESOLVE_DROP;
	a->last = e->f.seq;
	return code;
}

static void
job_moves(struct journal_fold *f, const struct journal_fold_event *e,
    struct journal_fold_job *job, const struct journal_fold_step *s)
{
	if (job->state != s->was)
		BAD(f, I9,
		    "event %lld: job #%lld was %s, but %s happened to a %s one",
		    LL(e->f.seq), LL(e->f.job),
		    job_state_name((enum job_state)job->state),
		    job_event_name((enum job_event)s->event),
		    job_state_name((enum job_state)s->was));
	if (s->event == JOB_EV_RETRY) {
		job->tries_least = 0; /* the ladder begins anew */
		job->tries_most = 0;
	}
}

enum err_code
journal_fold_state(struct journal_fold *f, const struct journal_fold_event *e,
    struct journal_fold_job *job, struct err *err)
{
	const struct journal_fold_step *s = &f->step[e->f.step];
	enum err_code code = ERR_NONE;
	int says = s->of_attempt ? e->f.attempt_state : e->f.job_state;

	if (!s->known || s->of_attempt != (e->f.attempt != 0) ||
	    s->of_attempt != (e->f.attempt_state >= 0)) {
		BAD(f, I9,
		    "event %lld (job #%lld): step %d is none of the table",
		    LL(e->f.seq), LL(e->f.job), e->f.step);
		return ERR_NONE;
	}
	if (says != s->next)
		BAD(f, I9,
		    "event %lld (job #%lld): its step leads to state %d, "
		    "it says %d",
		    LL(e->f.seq), LL(e->f.job), s->next, says);
	if (s->of_attempt)
		code = attempt_moves(f, e, job, s, err);
	else
		job_moves(f, e, job, s);
	if (job->live > 1 || (job->live == 1) != (e->f.job_state == JOB_HELD))
		BAD(f, I3,
		    "event %lld leaves job #%lld %s with %d live attempts",
		    LL(e->f.seq), LL(e->f.job),
		    job_state_name((enum job_state)e->f.job_state), job->live);
	return code;
}
