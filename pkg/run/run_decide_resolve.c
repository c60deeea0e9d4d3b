#include <stdio.h>
#include <string.h>

#include "journal/journal_lease.h"

#include "run/run_decide_priv.h"

/*
 * What a person says of a parked attempt.
 *
 * Evidence beats a person: messages that came for the attempt are folded in the
 * same transaction, and if they tell of a call, that is what is written down.
 */

static enum err_code
ladder(struct deciding *x, struct journal_job *job, struct journal_attempt *a,
    enum job_outcome outcome, bool cancelled, enum job_event *event,
    struct err *err)
{
	return run_step_ladder(x->ask->conf, x->j, job, a->id, outcome,
	    cancelled, x->jitter, event, err);
}

/* Somebody who was there has spoken: the person's word is not needed. */
static enum err_code
by_evidence(struct deciding *x, struct run_decision *d, struct journal_job *job,
    struct journal_attempt *a, const struct run_evidence *e, bool cancelled,
    struct err *err)
{
	enum job_event event = JOB_EV_FINISH;

	cancelled = cancelled || x->ask->verb == RUN_DECIDE_DROP;
	a->outcome = e->ended ? e->outcome : JOB_OUTCOME_UNKNOWN;
	if (e->placed_ms > 0)
		a->placed_ms = e->placed_ms;
	if (e->answered_ms > 0)
		a->answered_ms = e->answered_ms;
	a->ended_ms = e->ended_ms > 0 ? e->ended_ms : journal_group_ms(x->j);
	if (e->call_id[0] != '\0')
		(void)snprintf(
		    a->carrier_call, sizeof(a->carrier_call), "%s", e->call_id);
	if (ladder(x, job, a, a->outcome, cancelled, &event, err) != ERR_NONE)
		return err->code;
	if (x->ask->verb == RUN_DECIDE_DROP)
		job->reason = JOB_REASON_DROPPED;
	run_decide_say(d, RUN_DECIDE_EVIDENCE,
	    "the carrier has told of the call meanwhile: %s; that was written "
	    "down instead",
	    job_outcome_name(a->outcome));
	return run_decide_step(x, job, a, ATTEMPT_EV_END, event, "notice", err);
}

/*
 * Its queue was told that a person must decide, or took it back: whoever looks
 * after the queue may have it tried again there, and to call it here too would
 * be a second call.
 */
static enum err_code
is_the_queues(struct deciding *x, const struct journal_job *job, bool *out,
    struct err *err)
{
	struct journal_lease lease;
	bool found = false;

	*out = false;
	if (journal_lease_get(x->j, job->id, &lease, &found, err) != ERR_NONE)
		return err->code;
	*out = found && lease.state != JOURNAL_LEASE_HELD;
	return ERR_NONE;
}

static void
leave_to_queue(struct journal_job *job, enum job_event *event)
{
	job->reason = JOB_REASON_AWAY;
	*event = JOB_EV_FAIL;
}

/* What a person's "it never rang" leads to: now, unless no try is left. */
static enum err_code
absent(struct deciding *x, struct journal_job *job, struct journal_attempt *a,
    bool cancelled, enum job_event *event, struct err *err)
{
	const struct conf_kind *k = conf_kind_find(x->ask->conf, job->kind);
	int64_t now = journal_group_ms(x->j);
	bool away = false;

	a->ended_ms = now;
	if (ladder(x, job, a, JOB_OUTCOME_NETWORK, cancelled, event, err) !=
		ERR_NONE ||
	    is_the_queues(x, job, &away, err) != ERR_NONE)
		return err->code;
	if (cancelled)
		return ERR_NONE;
	if (away) {
		leave_to_queue(job, event);
		return ERR_NONE;
	}
	if ((k != NULL && job->tries >= k->max_attempts) ||
	    (job->expires_ms > 0 && now >= job->expires_ms)) {
		job->reason = JOB_REASON_EXHAUSTED;
		*event = JOB_EV_FAIL;
		return ERR_NONE;
	}
	job->reason = JOB_REASON_RETRIED;
	job->not_before_ms = now;
	*event = JOB_EV_LATER;
	return ERR_NONE;
}

static enum err_code
by_word(struct deciding *x, struct run_decision *d, struct journal_job *job,
    struct journal_attempt *a, bool cancelled, struct err *err)
{
	enum job_event event = JOB_EV_CANCEL;
	enum attempt_event attempt_event = ATTEMPT_EV_RESOLVE_DROP;

	run_decide_say(d, RUN_DECIDE_DONE, "%s", "");
	switch (x->ask->verb) {
	case RUN_DECIDE_PLACED:
		attempt_event = ATTEMPT_EV_RESOLVE_PLACED;
		a->outcome = JOB_OUTCOME_UNKNOWN;
		a->ended_ms = journal_group_ms(x->j);
		if (ladder(x, job, a, a->outcome, cancelled, &event, err) !=
		    ERR_NONE)
			return err->code;
		break;
	case RUN_DECIDE_ABSENT:
		attempt_event = ATTEMPT_EV_RESOLVE_ABSENT;
		if (absent(x, job, a, cancelled, &event, err) != ERR_NONE)
			return err->code;
		break;
	case RUN_DECIDE_DROP:
	case RUN_DECIDE_CANCEL:
	case RUN_DECIDE_RETRY:
	case RUN_DECIDE_REDIAL:
	default:
		a->ended_ms = journal_group_ms(x->j);
		job->reason = JOB_REASON_DROPPED;
		break;
	}
	return run_decide_step(x, job, a, attempt_event, event, NULL, err);
}

/* PARKED before anything was sent (restored, crashes), or by a conflict. */
static enum err_code
resolve_job(struct deciding *x, struct run_decision *d, struct journal_job *job,
    struct err *err)
{
	enum job_event event = JOB_EV_CANCEL;
	bool away = false;

	run_decide_say(d, RUN_DECIDE_DONE, "%s", "");
	if (is_the_queues(x, job, &away, err) != ERR_NONE)
		return err->code;
	if (x->ask->verb == RUN_DECIDE_ABSENT && away) {
		leave_to_queue(job, &event);
	} else if (x->ask->verb == RUN_DECIDE_ABSENT) {
		event = JOB_EV_LATER;
		job->not_before_ms = journal_group_ms(x->j);
		/* As of now it was not called: a restored journal need not
		 * park it again. */
		job->opened_ms = job->not_before_ms;
		job->crashes = 0;
		job->reason = JOB_REASON_RETRIED;
	} else if (x->ask->verb == RUN_DECIDE_PLACED) {
		event = JOB_EV_FINISH;
		job->outcome = JOB_OUTCOME_UNKNOWN;
		job->reason = JOB_REASON_NONE;
	} else {
		job->reason = JOB_REASON_DROPPED;
	}
	return run_decide_step(
	    x, job, NULL, ATTEMPT_EV_CLAIM, event, NULL, err);
}

enum err_code
run_decide_resolve(struct deciding *x, struct run_decision *d,
    struct journal_job *job, struct journal_attempt *a, struct err *err)
{
	struct run_evidence e = {0};
	bool cancel = false;
	bool has_attempt = d->attempt != 0 && a->state == ATTEMPT_PARKED;
	enum err_code code;

	if (job->state == JOB_HELD)
		return run_decide_refuse(
		    d, ERR_BUSY, ""); /* finish_text names the pid */
	if (job->state != JOB_PARKED) {
		run_decide_say(d, RUN_DECIDE_REFUSED,
		    "it is %s: there is nothing to resolve",
		    job_state_name(job->state));
		d->code = ERR_STATE;
		return ERR_NONE;
	}
	if (!has_attempt) {
		code = resolve_job(x, d, job, err);
	} else {
		code = run_decide_inbox(x, a->id, &e, &cancel, err);
		if (code == ERR_NONE)
			code = e.placed
				   ? by_evidence(x, d, job, a, &e, cancel, err)
				   : by_word(x, d, job, a, cancel, err);
	}
	/* A cancel for an attempt that will be claimed again stays: the claim
	 * reads it. */
	if (code == ERR_NONE && d->attempt != 0 &&
	    (has_attempt || job_is_final(job->state)))
		code = journal_inbox_fold_all(x->j, d->attempt, err);
	return code;
}
