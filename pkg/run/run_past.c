#include <string.h>

#include "run/run_priv.h"

/*
 * A job as it was at one of its ends, for a result that is sent after a person
 * had it called again.  Its events tell: each end is a step into a final state.
 */

struct past {
	int64_t want; /* the revision */
	int64_t seen;
	enum job_state was;
	enum job_state state; /* at that end; JOB_NONE = not found */
	int64_t tries, attempt;
	int64_t end_tries, end_attempt;
};

static void
event_seen(void *arg, const struct journal_event *e)
{
	struct past *p = arg;

	if (e->of_attempt)
		p->attempt = e->attempt;
	if (strcmp(e->name, "RETRY") == 0)
		p->tries = 0;
	if (strcmp(e->name, "RETRY") == 0 || strcmp(e->name, "REDIAL") == 0)
		p->attempt = 0;
	p->tries += strcmp(e->name, "ARM") == 0;
	p->tries -= strcmp(e->name, "UNSENT") == 0;
	if (job_is_final(e->job_state) && !job_is_final(p->was) &&
	    ++p->seen == p->want) {
		p->state = e->job_state;
		p->end_tries = p->tries;
		p->end_attempt = p->attempt;
	}
	p->was = e->job_state;
}

enum err_code
run_past(struct journal *j, int64_t revision, struct journal_job *job,
    struct err *err)
{
	struct past p = {.want = revision, .was = JOB_NONE, .state = JOB_NONE};
	struct journal_attempt a = {.outcome = JOB_OUTCOME_NONE};

	if (job->revision == revision && job_is_final(job->state))
		return ERR_NONE;
	if (journal_read_events(j, job->id, event_seen, &p, err) != ERR_NONE)
		return err->code;
	if (p.state == JOB_NONE)
		return err_set(err, ERR_DAMAGED, 0,
		    "job #%lld has no end number %lld: see `dsrun check`",
		    (long long)job->id, (long long)revision);
	if (p.end_attempt != 0 &&
	    journal_read_attempt(j, p.end_attempt, &a, err) != ERR_NONE)
		return err->code;
	job->state = p.state;
	job->revision = revision;
	job->tries = p.end_tries;
	job->reason = JOB_REASON_NONE;
	job->outcome = a.outcome;
	if (a.outcome == JOB_OUTCOME_NONE && a.state == ATTEMPT_ABSENT)
		job->outcome = JOB_OUTCOME_NETWORK;
	if (job->outcome == JOB_OUTCOME_NONE && job->state == JOB_DONE)
		job->outcome = JOB_OUTCOME_UNKNOWN; /* a person's word */
	return ERR_NONE;
}
