#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "journal/journal_life.h"

#include "run/run_priv.h"

/*
 * Why is this job not being called?  The gates as they would decide now, and
 * behind them what a claim looks at by itself: whether number and organisation
 * are free, and whether there is a slot.
 */

struct why {
	struct journal_tx tx;
	const struct run_options *o;
	int64_t job;
	struct run_gate gate;
};

static void say(struct why *w, const char *gate, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
say(struct why *w, const char *gate, bool ok, const char *fmt, ...)
{
	struct run_verdict *v;
	va_list ap;

	if (w->gate.count >= RUN_VERDICTS_MAX)
		return;
	v = &w->gate.verdicts[w->gate.count++];
	*v = (struct run_verdict){
	    .gate = gate, .result = ok ? "ok" : "wait", .data = ""};
	va_start(ap, fmt);
	(void)vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
}

static enum err_code
free_or_not(struct why *w, struct journal *j, const char *gate, int64_t attempt,
    struct err *err)
{
	struct journal_attempt a;

	/* Its own attempt, while it is being called, is no obstacle. */
	if (attempt == 0 || journal_attempt_job(attempt) == w->job) {
		say(w, gate, true, "no other call has it");
		return ERR_NONE;
	}
	if (journal_attempt_get(j, attempt, &a, err) != ERR_NONE)
		return err->code;
	say(w, gate, false, "attempt %lld of job #%lld has it: %s",
	    (long long)journal_attempt_number(attempt),
	    (long long)journal_attempt_job(attempt),
	    job_attempt_state_name(a.state));
	return ERR_NONE;
}

static void
slots(struct why *w, const char *gate, int64_t live, int64_t limit)
{
	if (limit > 0)
		say(w, gate, live < limit, "%lld of %lld are in use",
		    (long long)live, (long long)limit);
	else
		say(w, gate, true, "%lld in use, no limit", (long long)live);
}

static enum err_code
room(struct why *w, struct journal *j, const struct journal_job *job,
    const struct journal_person *person, struct err *err)
{
	const struct run_options *o = w->o;
	struct journal_live live = {0};
	int64_t number_by = 0;
	int64_t org_by = 0;

	if (journal_holders(j, person->number, person->org, &number_by, &org_by,
		err) != ERR_NONE ||
	    journal_slots(j, job->campaign_id, job->kind_id, &live, err) !=
		ERR_NONE ||
	    free_or_not(w, j, "number-free", number_by, err) != ERR_NONE)
		return err->code;
	if (person->org != 0 &&
	    free_or_not(w, j, "org-free", org_by, err) != ERR_NONE)
		return err->code;
	if (job->state == JOB_HELD)
		return ERR_NONE;
	slots(w, "slots", live.all,
	    o->concurrency > 0 ? o->concurrency : o->conf->limits.concurrency);
	slots(w, "slots-campaign", live.campaign,
	    o->conf->limits.campaign_concurrency);
	if (w->gate.kind != NULL)
		slots(w, "slots-kind", live.kind, w->gate.kind->concurrency);
	return ERR_NONE;
}

static enum err_code
why_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct why *w = CONTAINER_OF(tx, struct why, tx);
	struct journal_job job;
	struct journal_person person = {0};
	struct run_verdict *verdicts = w->gate.verdicts;
	enum err_code code = journal_job_get(j, w->job, &job, err);

	memset(&w->gate, 0, sizeof(w->gate));
	w->gate.verdicts = verdicts;
	if (code == ERR_NONE)
		code = journal_person_get(j, w->job, &person, err);
	if (code == ERR_NONE)
		code =
		    run_gate_ask(w->o, j, &job, &person, NULL, &w->gate, err);
	if (code == ERR_NONE)
		code = room(w, j, &job, &person, err);
	journal_person_free(&person);
	return code;
}

enum err_code
run_why(const struct run_options *options, int64_t job,
    struct run_verdict verdicts[RUN_VERDICTS_MAX], size_t *count,
    struct err *err)
{
	struct why w = {.tx = {.run = why_run, .cls = JOURNAL_CLAIM},
	    .o = options,
	    .job = job,
	    .gate = {.verdicts = verdicts}};
	enum err_code code = journal_now(options->journal, &w.tx, err);

	*count = w.gate.count;
	return code;
}
