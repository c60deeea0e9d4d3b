#include "job/job_ladder.h"
#include "journal/journal_lease.h"
#include "journal/journal_life.h"

#include "run/run_priv.h"

/* What follows an attempt's end, and the times of its beginning. */

int64_t
run_step_dial_until_boot(struct journal *j, const struct run_gate *gate)
{
	return journal_group_boot_ms(j) +
	       (gate->dial_until_ms - journal_group_ms(j));
}

enum err_code
run_step_finished(struct journal *j, struct journal_job *job, int64_t attempt,
    struct err *err)
{
	return journal_outbox_add(j, job, attempt, err);
}

enum err_code
run_step_ladder(const struct conf *conf, struct journal *j,
    struct journal_job *job, int64_t attempt, enum job_outcome outcome,
    bool cancelled, double jitter, enum job_event *event, struct err *err)
{
	static const struct job_rung none[JOB_OUTCOME_COUNT];
	const struct conf_kind *k = conf_kind_find(conf, job->kind);
	struct job_ladder ladder = {.max_attempts = 1, .rung = none};
	struct job_ladder_ask ask = {.outcome = outcome,
	    .tries = job->tries,
	    .jitter = jitter,
	    .now_ms = journal_group_ms(j),
	    .expires_ms = job->expires_ms > 0 ? job->expires_ms : -1};
	struct job_ladder_answer answer;
	bool redial = false;
	bool one_try = false;
	bool away = false;

	if (k != NULL) {
		ladder.max_attempts = k->max_attempts;
		ladder.rung = k->retry;
	}
	job->outcome = outcome;
	if (cancelled) {
		job->reason = JOB_REASON_CANCELLED;
		*event = JOB_EV_CANCEL;
		return ERR_NONE;
	}
	if (journal_outcomes(j, job->id, attempt, outcome, &ask.nth, err) !=
		ERR_NONE ||
	    (job->revision > 0 &&
		journal_redialled(j, job, &redial, err) != ERR_NONE) ||
	    journal_lease_is_one_try(j, job->id, &one_try, err) != ERR_NONE)
		return err->code;
	ask.nth++;
	/* A retry begins the ladder anew: older outcomes do not count. */
	if (ask.nth > job->tries)
		ask.nth = job->tries > 0 ? job->tries : 1;
	/* One more call was asked for, or its queue asks for each. */
	if (redial || one_try)
		ladder.rung = none;
	job_ladder_next(&ladder, &ask, &answer);
	job->reason = answer.reason;
	switch (answer.verdict) {
	case JOB_LADDER_AGAIN:
		if (journal_lease_is_away(j, job->id, &away, err) != ERR_NONE)
			return err->code;
		job->not_before_ms = answer.not_before_ms;
		*event = JOB_EV_LATER;
		if (away) {
			job->not_before_ms = JOURNAL_AWAY_MS;
			job->reason = JOB_REASON_AWAY;
		}
		break;
	case JOB_LADDER_FAIL:
		*event = JOB_EV_FAIL;
		break;
	case JOB_LADDER_FINISH:
	default:
		*event = JOB_EV_FINISH;
		break;
	}
	return ERR_NONE;
}
