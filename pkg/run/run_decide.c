#include "run/run_decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_read.h"

#include "run/run_decide_priv.h"

/*
 * A person's word is one step of the tables like any other, with the same
 * guards; what differs is what it rests on, so it names its deed.
 *
 * Evidence beats a person: messages that came for a parked attempt are folded
 * in the same transaction, and if they tell of a call, that is what is written
 * down.  A crash here leaves all of the transaction or nothing.
 */

void
run_decide_say(
    struct run_decision *d, enum run_decide_result result, const char *fmt, ...)
{
	va_list ap;

	d->result = result;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
}

enum err_code
run_decide_refuse(struct run_decision *d, enum err_code code, const char *text)
{
	run_decide_say(d, RUN_DECIDE_REFUSED, "%s", text);
	d->code = code;
	return ERR_NONE;
}

static const char *
verb_name(enum run_decide_verb verb)
{
	static const char *const names[] = {"resolve placed", "resolve absent",
	    "resolve drop", "cancel", "retry", "redial"};

	return names[verb];
}

/* The deed's row, once something is really changed. */
static enum err_code
deed(struct deciding *x, struct err *err)
{
	char what[64];

	if (x->deed != 0)
		return ERR_NONE;
	if (x->count == 1)
		(void)snprintf(what, sizeof(what), "%s #%lld",
		    verb_name(x->ask->verb), (long long)x->jobs[0].job);
	else
		(void)snprintf(what, sizeof(what), "%s %zu jobs",
		    verb_name(x->ask->verb), x->count);
	if (journal_deed(x->j, what, x->ask->by, x->ask->reason, &x->deed,
		err) != ERR_NONE)
		return err->code;
	(void)snprintf(
	    x->detail, sizeof(x->detail), "deed %lld", (long long)x->deed);
	return ERR_NONE;
}

/* One step, and the rows that a finish is followed by. */
enum err_code
run_decide_step(struct deciding *x, struct journal_job *job,
    struct journal_attempt *a, enum attempt_event attempt_event,
    enum job_event job_event, const char *detail, struct err *err)
{
	struct journal_change change = {.job = job,
	    .attempt = a,
	    .attempt_event = attempt_event,
	    .job_event = job_event};

	if (deed(x, err) != ERR_NONE)
		return err->code;
	change.detail = detail != NULL ? detail : x->detail;
	if (journal_step(x->j, &change, err) != ERR_NONE)
		return err->code;
	CRASH_POINT("run.decide.stepped");
	return job_is_final(job->state)
		   ? run_step_finished(x->j, job,
			 a != NULL && a->placed_ms > 0 ? a->id : 0, err)
		   : ERR_NONE;
}

/* Every message that lies there for attempt; nothing is marked yet. */
enum err_code
run_decide_inbox(struct deciding *x, int64_t attempt, struct run_evidence *e,
    bool *cancel, struct err *err)
{
	struct journal_message m = {0};
	int64_t after = 0;
	enum err_code code;

	while ((code = journal_inbox_get(x->j, attempt, after, &m, err)) ==
	       ERR_NONE) {
		after = m.id;
		*cancel = *cancel || m.code == JOURNAL_MSG_CANCEL;
		if (m.code == JOURNAL_MSG_EVIDENCE && m.body != NULL)
			code = run_notice_read(m.body, e, err);
		journal_message_free(&m);
		if (code != ERR_NONE)
			return code;
	}
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

/* --- cancel ----------------------------------------------------------------
 */

/* The owner is told; a message that lies there already is enough. */
static enum err_code
tell(struct deciding *x, struct run_decision *d, struct err *err)
{
	struct run_evidence ignored = {0};
	bool told = false;
	bool added = false;
	char ext[64];

	if (run_decide_inbox(x, d->attempt, &ignored, &told, err) != ERR_NONE)
		return err->code;
	d->result = told ? RUN_DECIDE_ALREADY : RUN_DECIDE_TOLD;
	if (told)
		return ERR_NONE;
	if (deed(x, err) != ERR_NONE)
		return err->code;
	/* An attempt that was given back keeps its number, so the deed makes
	 * the message another one than the last time. */
	(void)snprintf(ext, sizeof(ext), "cancel %lld deed %lld",
	    (long long)d->attempt, (long long)x->deed);
	return journal_inbox_put(x->j, "person", ext, d->attempt,
	    JOURNAL_MSG_CANCEL, NULL, &added, err);
}

static enum err_code
cancel(struct deciding *x, struct run_decision *d, struct journal_job *job,
    struct err *err)
{
	switch (job->state) {
	case JOB_QUEUED:
	case JOB_READY:
		run_decide_say(d, RUN_DECIDE_DONE, "%s", "");
		job->reason = JOB_REASON_CANCELLED;
		if (run_decide_step(x, job, NULL, ATTEMPT_EV_CLAIM,
			JOB_EV_CANCEL, NULL, err) != ERR_NONE)
			return err->code;
		return d->attempt != 0
			   ? journal_inbox_fold_all(x->j, d->attempt, err)
			   : ERR_NONE;
	case JOB_HELD:
		return tell(x, d, err);
	case JOB_PARKED:
		return run_decide_refuse(d, ERR_PERSON,
		    "it is PARKED, its phone may have rung: see `dsrun "
		    "parked`, then `dsrun resolve JOB --as drop`");
	case JOB_CANCELLED:
		run_decide_say(
		    d, RUN_DECIDE_ALREADY, "it is CANCELLED already");
		return ERR_NONE;
	case JOB_DONE:
	case JOB_FAILED:
	case JOB_EXPIRED:
	case JOB_NONE:
	case JOB_STATE_COUNT:
	default:
		run_decide_say(d, RUN_DECIDE_REFUSED,
		    "it is %s: there is nothing left to cancel",
		    job_state_name(job->state));
		d->code = ERR_STATE;
		return ERR_NONE;
	}
}

/* --- again -----------------------------------------------------------------
 */

/* NULL: it may be called again. */
static const char *
not_again(struct deciding *x, const struct journal_job *job)
{
	if (job->attempts >= JOURNAL_ATTEMPTS_MAX)
		return "it has had as many attempts as a job can have: "
		       "enqueue it under another id";
	if (x->ask->expires_ms == 0 && job->expires_ms > 0 &&
	    job->expires_ms <= journal_group_ms(x->j))
		return "its expiresAt has passed, it would expire uncalled: "
		       "say until when with --expires-at";
	if (x->ask->expires_ms != 0 &&
	    x->ask->expires_ms <= journal_group_ms(x->j))
		return "--expires-at lies in the past";
	return NULL;
}

static enum err_code
again(struct deciding *x, struct run_decision *d, struct journal_job *job,
    struct err *err)
{
	bool retry = x->ask->verb == RUN_DECIDE_RETRY;
	struct journal_person person = {0};
	const char *why;
	enum err_code code;

	if (job->state == JOB_HELD)
		return run_decide_refuse(d, ERR_BUSY, "");
	if (job->state == JOB_PARKED)
		return run_decide_refuse(d, ERR_PERSON,
		    "it is PARKED, its phone may have rung: see `dsrun "
		    "parked`, then `dsrun resolve JOB`");
	if (!job_is_final(job->state)) {
		run_decide_say(d, RUN_DECIDE_REFUSED,
		    "it is %s and will be called anyway: see `dsrun why`",
		    job_state_name(job->state));
		d->code = ERR_STATE;
		return ERR_NONE;
	}
	code = journal_person_get(x->j, job->id, &person, err);
	journal_person_free(&person);
	if (code == ERR_NOT_FOUND)
		return run_decide_refuse(d, ERR_STATE,
		    "its personal data was erased: there is no number to "
		    "call");
	if (code != ERR_NONE)
		return code;
	why = not_again(x, job);
	if (why != NULL)
		return run_decide_refuse(d, ERR_STATE, why);
	run_decide_say(d, RUN_DECIDE_DONE, "%s", "");
	job->not_before_ms = journal_group_ms(x->j);
	job->opened_ms = job->not_before_ms;
	job->reason = JOB_REASON_RETRIED;
	job->outcome = JOB_OUTCOME_NONE;
	job->crashes = 0;
	if (x->ask->expires_ms != 0)
		job->expires_ms = x->ask->expires_ms;
	if (retry)
		job->tries = 0;
	return run_decide_step(x, job, NULL, ATTEMPT_EV_CLAIM,
	    retry ? JOB_EV_RETRY : JOB_EV_REDIAL, NULL, err);
}

/* --- one transaction -------------------------------------------------------
 */

static enum err_code
decide_one(struct deciding *x, struct run_decision *d, struct err *err)
{
	struct journal_job job = {0};
	struct journal_attempt a = {0};
	enum err_code code = journal_job_get(x->j, d->job, &job, err);

	*d = (struct run_decision){.job = d->job, .state = job.state};
	memcpy(d->ext, job.ext, sizeof(d->ext));
	if (code == ERR_NOT_FOUND && job.id == d->job)
		return run_decide_refuse(d, ERR_STATE,
		    "it is over and was pruned to the archive: enqueue it "
		    "under another id");
	if (code == ERR_NOT_FOUND)
		return run_decide_refuse(d, ERR_NOT_FOUND, "");
	if (code == ERR_NONE && job.attempts > 0) {
		d->attempt = job.id * 256 + job.attempts;
		code = journal_attempt_get(x->j, d->attempt, &a, err);
	}
	if (code != ERR_NONE)
		return code;
	switch (x->ask->verb) {
	case RUN_DECIDE_PLACED:
	case RUN_DECIDE_ABSENT:
	case RUN_DECIDE_DROP:
		code = run_decide_resolve(x, d, &job, &a, err);
		break;
	case RUN_DECIDE_CANCEL:
		code = cancel(x, d, &job, err);
		break;
	case RUN_DECIDE_RETRY:
	case RUN_DECIDE_REDIAL:
	default:
		code = again(x, d, &job, err);
		break;
	}
	d->state = job.state;
	d->outcome = job.outcome;
	d->attempt_state = a.state;
	d->owner = a.owner;
	return code == ERR_NONE ? code
				: err_wrap(err, "job #%lld", (long long)job.id);
}

static enum err_code
decide_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct deciding *x = CONTAINER_OF(tx, struct deciding, tx);
	enum err_code code = ERR_NONE;

	x->j = j;
	x->deed = 0;
	for (size_t i = 0; i < x->count && code == ERR_NONE; i++)
		code = decide_one(x, &x->jobs[i], err);
	return code;
}

/* --- what people read, once it is durable ----------------------------------
 */

struct pid_of {
	struct run_decision *d;
	char command[32];
};

static void
owner_seen(void *arg, const struct journal_owner_row *o)
{
	struct pid_of *p = arg;

	if (o->id != p->d->owner)
		return;
	p->d->pid = o->pid;
	p->d->alive = o->alive;
	memcpy(p->command, o->command, sizeof(p->command));
}

static void
owned_text(struct run_decision *d, const struct pid_of *p)
{
	const char *state = job_attempt_state_name(d->attempt_state);
	bool sent = d->attempt_state != ATTEMPT_CLAIMED;

	if (d->result == RUN_DECIDE_REFUSED && d->alive)
		run_decide_say(d, d->result,
		    "its attempt is %s and belongs to dsrun %s, pid %lld, "
		    "which is alive: wait for it, or stop it",
		    state, p->command, (long long)d->pid);
	else if (d->result == RUN_DECIDE_REFUSED)
		run_decide_say(d, d->result,
		    "its attempt is %s and belonged to dsrun %s, pid %lld, "
		    "which is gone: the next `dsrun drain` takes it over and "
		    "finds out what became of it",
		    state, p->command, (long long)d->pid);
	else if (d->alive)
		run_decide_say(d, d->result, "%s dsrun %s, pid %lld, to %s",
		    d->result == RUN_DECIDE_ALREADY ? "already told" : "told",
		    p->command, (long long)d->pid,
		    sent ? "hang up; no other try follows" : "let go of it");
	else
		run_decide_say(d, d->result,
		    "its run, pid %lld, is gone: the next `dsrun drain` %s",
		    (long long)d->pid,
		    sent ? "hangs up what still lives; no other try follows"
			 : "lets go of it");
}

static void
done_text(struct run_decision *d, enum run_decide_verb verb)
{
	if (d->state == JOB_QUEUED && verb <= RUN_DECIDE_DROP)
		run_decide_say(d, d->result,
		    "QUEUED: it may be called now, through all "
		    "rules");
	else if (d->state == JOB_QUEUED)
		run_decide_say(d, d->result,
		    "QUEUED: called again as soon as the rules "
		    "allow");
	else if (d->outcome != JOB_OUTCOME_NONE)
		run_decide_say(d, d->result, "%s, outcome %s",
		    job_state_name(d->state), job_outcome_name(d->outcome));
	else
		run_decide_say(d, d->result, "%s", job_state_name(d->state));
}

static enum err_code
finish_text(
    const struct run_decide_ask *ask, struct run_decision *d, struct err *err)
{
	struct pid_of p = {.d = d};
	if (d->result == RUN_DECIDE_REFUSED && d->code == ERR_NOT_FOUND)
		run_decide_say(d, d->result, "no job #%lld: see `dsrun jobs`",
		    (long long)d->job);
	if (d->result == RUN_DECIDE_DONE)
		done_text(d, ask->verb);
	if (d->text[0] != '\0')
		return ERR_NONE;
	if (journal_read_owners(ask->journal, true, owner_seen, &p, err) !=
	    ERR_NONE)
		return err->code;
	owned_text(d, &p);
	return ERR_NONE;
}

enum err_code
run_decide(const struct run_decide_ask *ask, struct run_decision *jobs,
    size_t count, struct err *err)
{
	struct deciding x = {.tx = {.run = decide_run, .cls = JOURNAL_CLAIM},
	    .ask = ask,
	    .jobs = jobs,
	    .count = count};
	uint64_t bits = 0;
	enum err_code code;

	CHECK(ask->by != NULL && ask->reason != NULL);
	CHECK(count <= RUN_DECIDE_MAX);
	env_random(ask->env, &bits, sizeof(bits));
	x.jitter = (double)(bits >> 11) / 9007199254740992.0;
	code = journal_now(ask->journal, &x.tx, err);
	CRASH_POINT("run.decide.durable");
	for (size_t i = 0; i < count && code == ERR_NONE; i++)
		code = finish_text(ask, &jobs[i], err);
	return code;
}

const char *
run_decide_result_name(enum run_decide_result result)
{
	static const char *const names[] = {
	    "done", "evidence", "told", "already", "refused"};

	return names[result];
}
