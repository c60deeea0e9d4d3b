#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "job/job_key.h"
#include "journal/journal_lease.h"
#include "rules/rules_phone.h"

#include "run/run_priv.h"

/*
 * One claim: wake what is due, expire what is over, then arm as many READY
 * jobs as there is room for, all in one transaction (txn A of each).  Where
 * something must be awaited before the dial (a restored journal asks for the
 * key first) they are claimed only, and armed by run_step.c.
 */

#define CLAIM_MAX 200
#define TIME_MAX 500

struct run_claim {
	struct run *run;
	struct journal_tx tx;
	int64_t want;
	int64_t live; /* calls of this run as it began */
	bool unsure;  /* a queue's jobs may have been removed: not those */
	/* out */
	struct run_armed *armed;
	size_t count;
	int64_t woken, expired, moved, failed, cancelled;
	int64_t *parked; /* jobs */
	size_t parked_count;
	int64_t next_due_ms;
	bool held_up;
	bool clock_ok;
	bool alone; /* one is taken that may have killed two owners */
	/* Of the kind asked last, which has one carrier: a claim of many has
	 * few. */
	struct claim_terms {
		const struct conf_kind *kind;
		struct run_terms terms;
		int64_t id;
	} terms;
};

static void
armed_clear(struct run_claim *c)
{
	for (size_t i = 0; i < c->count; i++) {
		mem_free(&c->armed[i].contact);
		mem_free(&c->armed[i].data);
	}
	c->count = 0;
}

static enum err_code
terms_of(struct run_claim *c, struct journal *j, const struct run_gate *g,
    struct err *err)
{
	struct claim_terms *t = &c->terms;
	char text[JOURNAL_TERMS_MAX];

	if (t->kind == g->kind)
		return ERR_NONE;
	memset(t, 0, sizeof(*t));
	g->carrier->ops->terms(g->carrier->impl, &t->terms.terms);
	t->terms.terms.max_call_ms = g->kind->max_call_ms;
	t->terms.ring_ms = g->kind->ring_ms;
	(void)snprintf(
	    t->terms.from, sizeof(t->terms.from), "%s", g->kind->from);
	run_terms_write(&t->terms, text);
	if (journal_terms_put(j, text, &t->id, err) != ERR_NONE)
		return err->code;
	t->kind = g->kind;
	return ERR_NONE;
}

static void
request_hash(struct journal_attempt *a, const struct run_terms *t)
{
	struct sha256 s;

	sha256_init(&s);
	sha256_i64(&s, a->number);
	sha256_field(&s, t->from, strlen(t->from));
	sha256_i64(&s, t->ring_ms);
	sha256_i64(&s, t->terms.max_call_ms);
	sha256_end(&s, a->request);
}

static enum err_code
attempt_make(struct run_claim *claim, struct journal *j,
    const struct journal_candidate *c, const struct run_gate *g,
    struct run_armed *out, struct err *err)
{
	const char *prefix = claim->run->o.conf->key_prefix;
	struct journal_attempt *a = &out->attempt;

	memset(out, 0, sizeof(*out));
	out->job = c->job;
	if (c->taken_back) {
		if (journal_attempt_get(j, c->next_attempt, a, err) != ERR_NONE)
			return err->code;
	} else {
		a->id = c->next_attempt;
		a->is_new = true;
		out->job.attempts++;
	}
	if (terms_of(claim, j, g, err) != ERR_NONE)
		return err->code;
	out->terms = claim->terms.terms;
	a->terms_id = claim->terms.id;
	a->owner = journal_owner(j);
	a->campaign_id = c->job.campaign_id;
	a->kind_id = c->job.kind_id;
	a->number = c->person.number;
	a->org = c->person.org;
	a->has_key = true;
	job_key_attempt(prefix != NULL ? (const void *)prefix : journal_id(j),
	    prefix != NULL ? strlen(prefix) : ENV_ID_BYTES, c->job.source,
	    c->job.ext, journal_attempt_number(a->id), a->key);
	a->dial_until_ms = g->dial_until_ms;
	request_hash(a, &out->terms);
	out->kind = g->kind;
	out->carrier = g->carrier;
	out->number = c->person.number;
	return ERR_NONE;
}

static enum err_code
job_only(struct journal *j, struct journal_job *job, enum job_event event,
    struct err *err)
{
	struct journal_change change = {.job = job, .job_event = event};

	if (journal_step(j, &change, err) != ERR_NONE)
		return err->code;
	return job_is_final(job->state) ? run_step_finished(j, job, 0, err)
					: ERR_NONE;
}

/* A restored journal, a carrier that cannot be asked any more: a person looks,
 * unless the source made the job after the restore. */
static bool
must_park(struct run *r, struct journal *j, const struct journal_job *job,
    const struct run_gate *g)
{
	int64_t age_ms = journal_group_ms(j) - journal_knew_ms(j);
	struct carrier_terms t;

	if (!journal_is_fresh(j) || job->opened_ms > journal_opened_ms(j))
		return false;
	(void)r;
	g->carrier->ops->terms(g->carrier->impl, &t);
	/* A call of the other life may be forgotten by now: "absent" would
	 * say nothing.  Nor where the clock was set back since. */
	if (age_ms < 0 || age_ms >= t.memory_ms - t.settle_ms)
		return true;
	return t.cls == CARRIER_CALLBACK || t.cls == CARRIER_BLIND;
}

/* A claim may want thousands, and finds a few most often. */
static struct run_armed *
armed_next(struct run_claim *c)
{
	if (c->count % 64 == 0)
		c->armed =
		    mem_realloc(c->armed, c->count + 64, sizeof(*c->armed));
	return &c->armed[c->count];
}

static enum err_code
take(struct run_claim *c, struct journal *j, struct journal_candidate *cand,
    const struct run_gate *g, struct err *err)
{
	struct run_armed *out = armed_next(c);
	bool await = journal_is_fresh(j) || c->run->o.prepare;
	struct journal_change change = {.job = &out->job,
	    .attempt = &out->attempt,
	    .attempt_event = await ? ATTEMPT_EV_CLAIM : ATTEMPT_EV_ARM,
	    .job_event = JOB_EV_CLAIM};

	if (attempt_make(c, j, cand, g, out, err) != ERR_NONE)
		return err->code;
	if (!await) {
		out->attempt.armed_ms = journal_group_ms(j);
		out->dial_until_boot_ms = run_step_dial_until_boot(j, g);
		out->job.tries++;
		out->job.crashes = 0;
	}
	out->job.reason = JOB_REASON_NONE;
	if (journal_step(j, &change, err) != ERR_NONE)
		return err->code;
	if (!await &&
	    journal_dial_put(j, cand->person.number, out->attempt.armed_ms,
		out->attempt.id, err) != ERR_NONE)
		return err->code;
	out->contact = cand->person.contact;
	out->data = cand->person.data;
	cand->person.contact = NULL;
	cand->person.data = NULL;
	c->count++;
	return ERR_NONE;
}

/*
 * An attempt whose owner died before it armed goes back with its messages
 * unread: a cancel among them wins, nothing has been sent.
 */
static enum err_code
cancelled_meanwhile(struct journal *j, const struct journal_candidate *cand,
    bool *out, struct err *err)
{
	struct journal_message m = {0};
	int64_t after = 0;
	enum err_code code = ERR_NOT_FOUND;

	*out = false;
	while (cand->taken_back && !*out &&
	       (code = journal_inbox_get(
		    j, cand->next_attempt, after, &m, err)) == ERR_NONE) {
		after = m.id;
		*out = m.code == JOURNAL_MSG_CANCEL;
		journal_message_free(&m);
	}
	if (*out)
		return journal_inbox_fold_all(j, cand->next_attempt, err);
	if (code == ERR_NOT_FOUND) {
		err->code = ERR_NONE;
		code = ERR_NONE;
	}
	return code;
}

/* The queue says in a moment whether it has this one still. */
static enum err_code
is_unsure(const struct run_claim *c, struct journal *j, int64_t job, bool *out,
    struct err *err)
{
	int64_t until_ms = 0;

	*out = false;
	return c->unsure ? journal_lease_until(j, job, out, &until_ms, err)
			 : ERR_NONE;
}

static enum journal_verdict
visit(struct journal *j, void *arg, struct journal_candidate *cand,
    const struct journal_live *live, struct err *err)
{
	struct run_claim *c = arg;
	struct run_gate g = {0};
	struct journal_job job = cand->job;
	bool alone = job.crashes >= RUN_CRASHES_ALONE;
	bool cancelled = false;
	bool unsure = false;

	if (c->alone)
		return JOURNAL_STOP;
	if (is_unsure(c, j, job.id, &unsure, err) != ERR_NONE)
		return JOURNAL_STOP;
	if (unsure)
		return JOURNAL_SKIP;
	if (cancelled_meanwhile(j, cand, &cancelled, err) != ERR_NONE)
		return JOURNAL_STOP;
	if (cancelled) {
		job.reason = JOB_REASON_CANCELLED;
		(void)job_only(j, &job, JOB_EV_CANCEL, err);
		c->cancelled++;
		return JOURNAL_MOVED;
	}
	if (run_gate_ask(&c->run->o, j, &job, &cand->person, live, &g, err) !=
	    ERR_NONE)
		return JOURNAL_STOP;
	switch (g.result) {
	case RUN_GATE_WAIT:
		return JOURNAL_SKIP;
	case RUN_GATE_LATER:
		job.reason = g.reason;
		job.not_before_ms = g.not_before_ms;
		(void)job_only(j, &job, JOB_EV_LATER, err);
		return JOURNAL_MOVED;
	case RUN_GATE_NEVER:
		job.reason = g.reason;
		(void)job_only(j, &job, JOB_EV_FAIL, err);
		c->failed++;
		return JOURNAL_MOVED;
	case RUN_GATE_OK:
	default:
		break;
	}
	if (job.attempts >= JOURNAL_ATTEMPTS_MAX) {
		job.reason = JOB_REASON_EXHAUSTED;
		(void)job_only(j, &job, JOB_EV_FAIL, err);
		c->failed++;
		return JOURNAL_MOVED;
	}
	if (must_park(c->run, j, &job, &g)) {
		job.reason = JOB_REASON_RESTORED;
		(void)job_only(j, &job, JOB_EV_PARK, err);
		if (c->parked_count % 64 == 0)
			c->parked = mem_realloc(c->parked, c->parked_count + 64,
			    sizeof(*c->parked));
		c->parked[c->parked_count++] = job.id;
		return JOURNAL_MOVED;
	}
	/* Two deaths with it in hand: it is tried again with nothing else. */
	if (alone && (c->count > 0 || c->live > 0))
		return JOURNAL_SKIP;
	if (take(c, j, cand, &g, err) != ERR_NONE)
		return JOURNAL_STOP;
	c->alone = alone;
	return JOURNAL_TAKE;
}

static enum err_code
claim_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_claim *c = CONTAINER_OF(tx, struct run_claim, tx);
	const char *why;
	struct journal_claim jc = {.want = c->want,
	    .limit_all = c->run->limit,
	    .limit_campaign = c->run->o.conf->limits.campaign_concurrency,
	    .visit = visit,
	    .arg = c};
	enum err_code code;

	armed_clear(c);
	c->failed = 0;
	c->parked_count = 0;
	c->cancelled = 0;
	c->alone = false;
	/* The row may not be there: this may be a second try. */
	c->terms.kind = NULL;
	code = journal_wake(j, TIME_MAX, &c->woken, err);
	c->clock_ok = journal_clock_trusted(j, &why);
	if (code == ERR_NONE)
		code = journal_expire(j, TIME_MAX, &c->expired, err);
	if (code == ERR_NONE && c->clock_ok)
		code = journal_claim(j, &jc, err);
	c->moved = jc.moved;
	c->held_up = jc.held_up;
	if (code == ERR_NONE)
		code = journal_next_due(j, &c->next_due_ms, err);
	CRASH_POINT("run.claim.ready");
	return code;
}

static void
claim_done(struct journal_tx *tx)
{
	struct run_claim *c = CONTAINER_OF(tx, struct run_claim, tx);
	struct run *r = c->run;

	r->claim = NULL;
	CRASH_POINT("run.claim.durable");
	if (tx->code != ERR_NONE) {
		armed_clear(c); /* nothing of it is there */
		/* Busy or full: who has calls waits on and says so, a worker
		 * comes again, and a drain without calls gives up. */
		r->nothing = true;
		r->progress.waits = tx->code == ERR_SPACE
					? "room on the disk"
					: "the journal's lock";
		if (err_class(tx->code) == ERR_CLASS_FATAL ||
		    (r->live == 0 && r->o.mode == RUN_DRAIN))
			run_fail(r, tx->code, &tx->err);
	} else {
		r->nothing = c->count == 0 && c->moved == 0 && c->woken == 0 &&
			     c->expired == 0;
		/* What is due by a clock that is not trusted is not due. */
		r->next_due_ms = c->clock_ok ? c->next_due_ms : 0;
		r->progress.claimed += (int64_t)c->count;
		r->progress.failed += c->failed;
		r->progress.finished += c->failed + c->expired + c->cancelled;
		r->progress.cancelled += c->cancelled;
		r->progress.expired += c->expired;
		for (size_t i = 0; i < c->parked_count; i++)
			run_parked(r, c->parked[i], 0);
		r->progress.waits = c->clock_ok ? NULL : "the clock";
		if (c->failed + c->expired + c->cancelled > 0)
			run_sync_poke(r->sync);
		for (size_t i = 0; i < c->count; i++)
			run_call_begin(r, &c->armed[i]);
		/* It took all that one claim may: there may be more. */
		if (c->count >= CLAIM_MAX)
			r->again = true;
	}
	armed_clear(c);
	mem_free(&c->armed);
	mem_free(&c->parked);
	mem_free(&c);
	run_poke(r);
}

void
run_claim_start(struct run *r, int64_t want)
{
	struct run_claim *c = mem_zalloc(1, sizeof(*c));
	struct err err;

	c->run = r;
	c->want = want < CLAIM_MAX ? want : CLAIM_MAX;
	c->live = r->live;
	c->unsure = !run_queue_is_sure(r->queue);
	c->tx.run = claim_run;
	c->tx.done = claim_done;
	c->tx.cls = JOURNAL_CLAIM;
	r->again = false;
	r->claim = c;
	if (journal_submit(r->journal, &c->tx, &err) != ERR_NONE) {
		r->claim = NULL;
		r->again = true; /* the queue is full: the tick comes again */
		mem_free(&c);
	}
}
