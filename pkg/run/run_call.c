#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/text.h"

#include "job/job_key.h"
#include "rules/rules_phone.h"

#include "run/run_priv.h"

/*
 * One live attempt of this process, from INTENT (or CLAIMED) to its end.
 *
 * Two things are kept apart: the evidence, which runs ahead (what the carrier
 * has said), and the attempt, which is as far as the journal is durable.
 * run_call_poke looks at both and starts the one thing that may start now: a
 * transaction that brings the journal up to the evidence, the dial request,
 * the conversation, a lookup, a timer.  It may be called at any time.
 *
 * If this process dies here: the attempt stays in the journal as it is, the
 * kernel drops the owner's lock, and whoever takes over finds out what became
 * of it (run_settle.c).
 */

void
run_call_hear(struct run_call *c, const struct carrier_progress *p,
    const char *call_id, int64_t placed_ms, int64_t answered_ms,
    const char *source)
{
	run_evidence_add(
	    &c->evidence, p, call_id, placed_ms, answered_ms, source);
	run_call_later(c);
}

/* --- the carrier's ear
 * ---------------------------------------------------------- */

static void
ear_progress(struct carrier_ear *e, const struct carrier_progress *p)
{
	struct run_call *c = CONTAINER_OF(e, struct run_call, ear);

	run_call_hear(c, p, NULL, 0, 0, "live");
}

static void
ear_caption(
    struct carrier_ear *e, const char *text, int64_t start_ms, int64_t end_ms)
{
	struct run_call *c = CONTAINER_OF(e, struct run_call, ear);

	if (c->talk != NULL && !c->talk_ending)
		run_talk_caption(c->talk, text, start_ms, end_ms);
}

static void
ear_dtmf(struct carrier_ear *e, char digit, int64_t at_ms)
{
	struct run_call *c = CONTAINER_OF(e, struct run_call, ear);

	if (c->talk != NULL && !c->talk_ending)
		run_talk_dtmf(c->talk, digit, at_ms);
}

/* --- dialling
 * --------------------------------------------------------------------- */

static void
dial_done(struct carrier_dial *d)
{
	struct run_call *c = CONTAINER_OF(d, struct run_call, dial);
	struct carrier_progress p = {
	    .stage = CARRIER_STAGE_PLACED, .at_ms = d->placed_ms};

	c->dialling = false;
	c->answered_dial = true;
	c->answer = d->answer;
	CRASH_POINT("run.dial.answered");
	if (d->answer == CARRIER_ANSWER_PLACED)
		run_evidence_add(
		    &c->evidence, &p, d->call_id, d->placed_ms, 0, "answer");
	run_call_later(c);
}

/* Give the request to the carrier: the attempt is durably in INTENT, or is
 * UNKNOWN with a carrier that honours the key. */
static void
dial(struct run_call *c)
{
	CHECK(!c->dialling && c->carrier != NULL);
	CHECK(c->attempt.state == ATTEMPT_INTENT ||
	      c->attempt.state == ATTEMPT_UNKNOWN);
	c->dial = (struct carrier_dial){.key = c->key,
	    .to = c->to,
	    .from = c->terms.from,
	    .event_seq = c->event_seq,
	    .event_hash = c->event_hash,
	    .dial_until_ms = c->attempt.dial_until_ms,
	    .dial_until_boot_ms = c->dial_until_boot_ms,
	    .ring_ms = c->terms.ring_ms,
	    .max_call_ms = c->terms.terms.max_call_ms,
	    .ear = c->attempt.state == ATTEMPT_INTENT ? &c->ear : NULL,
	    .done = dial_done};
	c->dialled = true;
	c->dialling = true;
	c->answered_dial = false;
	CRASH_POINT("run.dial.before");
	c->carrier->ops->dial(c->carrier->impl, &c->dial);
	CRASH_POINT("run.dial.after");
}

/* --- deciding
 * ----------------------------------------------------------------------------
 */

static int
stage_of(enum attempt_state s)
{
	return s == ATTEMPT_PLACED     ? 1
	       : s == ATTEMPT_RINGING  ? 2
	       : s == ATTEMPT_ANSWERED ? 3
				       : 0;
}

/* The call is over, and so is all that it leaves. */
static bool
is_over(const struct run_call *c)
{
	return c->evidence.ended && !c->repairing &&
	       (c->repaired || !c->recovered) &&
	       (c->talk == NULL || c->talk_over);
}

/* Evidence that the journal does not have yet? */
static enum run_plan
plan_evidence(const struct run_call *c)
{
	const struct run_evidence *e = &c->evidence;
	int stage = stage_of(c->attempt.state);
	int known = e->answered ? 3 : e->ringing ? 2 : e->placed ? 1 : 0;

	if (known > stage)
		return RUN_PLAN_STAGE;
	if (is_over(c))
		return RUN_PLAN_END;
	return RUN_PLAN_NONE;
}

static enum run_plan
plan_intent(const struct run_call *c)
{
	/* PLACED is evidence, and that was looked at before. */
	static const enum run_plan plans[] = {
	    [CARRIER_ANSWER_PLACED] = RUN_PLAN_NONE,
	    [CARRIER_ANSWER_UNSENT] = RUN_PLAN_UNSENT,
	    [CARRIER_ANSWER_REFUSED] = RUN_PLAN_REFUSE,
	    [CARRIER_ANSWER_NETWORK] = RUN_PLAN_REFUSE,
	    [CARRIER_ANSWER_UNKNOWN] = RUN_PLAN_DOUBT};

	return c->answered_dial ? plans[c->answer] : RUN_PLAN_NONE;
}

static enum run_plan
plan_claimed(struct run_call *c)
{
	if (c->run->stopping || c->cancel)
		return RUN_PLAN_RELEASE;
	if (journal_is_fresh(c->run->journal) && !c->checked_key)
		return RUN_PLAN_NONE; /* run_settle.c asks for the key */
	if (c->evidence.placed)
		return RUN_PLAN_ADOPT;
	return c->prepared ? RUN_PLAN_ARM : RUN_PLAN_NONE;
}

static enum run_plan
plan(struct run_call *c)
{
	enum run_plan p;

	if (c->attempt.state == ATTEMPT_CLAIMED)
		return plan_claimed(c);
	p = plan_evidence(c);
	if (p == RUN_PLAN_NONE && c->attempt.state == ATTEMPT_INTENT)
		p = plan_intent(c);
	return p;
}

/* --- after a transaction
 * -------------------------------------------------------------------- */

static void
log_step(const struct run_call *c, enum attempt_state s)
{
	bool last = s == c->attempt.state;

	LOG(c->run->o.log, LOG_LEVEL_INFO, "attempt.step",
	    LOG_INT("job", c->job.id),
	    LOG_INT("attempt", journal_attempt_number(c->attempt.id)),
	    LOG_STR("state", job_attempt_state_name(s)),
	    LOG_STR(
		"job_state", job_state_name(last ? c->job.state : JOB_HELD)),
	    LOG_STR("call", c->evidence.call_id),
	    LOG_STR("outcome", job_outcome_name(last ? c->attempt.outcome
						     : JOB_OUTCOME_NONE)));
}

static void
count(struct run_call *c)
{
	struct run_progress *p = &c->run->progress;

	if (c->attempt.state == ATTEMPT_ENDED ||
	    c->attempt.state == ATTEMPT_REFUSED)
		p->outcomes[c->attempt.outcome]++;
	if (c->attempt.state == ATTEMPT_PARKED || c->job.state == JOB_PARKED)
		run_parked(
		    c->run, c->job.id, journal_attempt_number(c->attempt.id));
	if (job_is_final(c->job.state))
		p->finished++;
	p->failed += c->job.state == JOB_FAILED;
	p->cancelled += c->job.state == JOB_CANCELLED;
}

static void
retry_later(struct run_call *c)
{
	env_timer_start_real(c->run->env, &c->timer, 1000);
}

/*
 * The guard missed: something else happened to the job (late evidence on an
 * earlier attempt of it).  While the attempt is still ours and where it was,
 * its new chain's end is all there is to know.
 */
#define GUARD_MISSES_MAX 10

static bool
read_again(struct run_call *c)
{
	struct journal_attempt a;
	struct journal_job job;
	struct err err;

	if (c->guard_misses++ >= GUARD_MISSES_MAX ||
	    journal_read_attempt(c->run->journal, c->attempt.id, &a, &err) !=
		ERR_NONE ||
	    journal_read_job(c->run->journal, c->job.id, &job, &err) !=
		ERR_NONE ||
	    a.last != c->attempt.last || a.owner != c->attempt.owner)
		return false;
	c->job = job;
	return true;
}

static void
tx_done(struct journal_tx *tx)
{
	struct run_call *c = CONTAINER_OF(tx, struct run_call, tx);
	struct run *r = c->run;

	c->busy = false;
	if (tx->code != ERR_NONE) {
		if (tx->code == ERR_STATE && read_again(c)) {
			run_call_poke(c);
			return;
		}
		if (err_class(tx->code) == ERR_CLASS_RETRY) {
			retry_later(c);
			return;
		}
		run_fail(r, tx->code, &tx->err);
		return;
	}
	if (c->ask.plan == RUN_PLAN_ARM || c->ask.plan == RUN_PLAN_ADOPT) {
		c->event_seq = c->tx_attempt.last;
		memcpy(c->event_hash, c->tx_job.last_hash, SHA256_BYTES);
	}
	c->guard_misses = 0;
	c->job = c->tx_job;
	c->attempt = c->tx_attempt;
	run_evidence_merge(&c->evidence, &c->tx_evidence);
	c->cancel = c->cancel || c->tx_cancel;
	for (int i = 0; i < c->tx_steps; i++)
		log_step(c, c->tx_passed[i]);
	if (!job_attempt_is_live(c->attempt.state)) {
		count(c);
		run_call_over(r, c);
		return;
	}
	if (c->ask.plan == RUN_PLAN_DOUBT && c->dial.ear != NULL) {
		/* From here on the carrier's list is the witness. */
		c->recovered = true;
	}
	if (c->ask.plan == RUN_PLAN_ADOPT) {
		c->recovered = true; /* another life dialled it */
		c->taken_boot_ms = env_boot_ms(r->env);
	}
	if (c->ask.plan == RUN_PLAN_VANISH)
		run_settle_clock(c);
	if (c->ask.plan == RUN_PLAN_RESEND && !c->tx_dial)
		c->resend_refused = true;
	if (c->tx_dial && !r->hard_stop) {
		c->dial_until_boot_ms = c->tx_dial_until_boot_ms;
		dial(c);
	}
	run_call_poke(c);
}

void
run_call_submit(
    struct run_call *c, enum run_plan plan, enum job_reason park_reason)
{
	struct err err = {0};

	CHECK(!c->busy);
	c->busy = true;
	c->ask = (struct run_ask){.plan = plan,
	    .evidence = c->evidence,
	    .cancel = c->cancel,
	    .fold = c->fold,
	    .hung_up = c->hung_up_by_us,
	    .has_result = c->has_result,
	    .talking = (c->talk != NULL && !c->talk_over) || c->repairing,
	    .over = is_over(c),
	    .answer = c->answer,
	    .policy = c->dial.policy,
	    .retry_after_ms = c->dial.retry_after_ms,
	    .jitter = run_jitter(c->run),
	    .park_reason = park_reason};
	memcpy(c->ask.code, c->dial.code, sizeof(c->ask.code));
	c->fold = false;
	c->tx.run = run_step_run;
	c->tx.done = tx_done;
	c->tx.cls = JOURNAL_LIVE;
	if (journal_submit(c->run->journal, &c->tx, &err) != ERR_NONE) {
		c->busy = false;
		run_fail(c->run, err.code, &err);
	}
}

void
run_call_poke(struct run_call *c)
{
	enum run_plan p;

	if (c->run->hard_stop)
		return;
	run_voice_poke(c);
	if (c->busy)
		return;
	p = plan(c);
	if (p != RUN_PLAN_NONE) {
		run_call_submit(c, p, JOB_REASON_NONE);
		return;
	}
	if (c->attempt.state == ATTEMPT_INTENT && !c->dialled && !c->recovered)
		dial(c);
	else if (c->recovered || c->attempt.state == ATTEMPT_CLAIMED)
		run_settle_poke(c);
	else if (c->fold)
		run_call_submit(c, RUN_PLAN_NONE, JOB_REASON_NONE);
	else if (stage_of(c->attempt.state) > 0)
		run_settle_watch(c);
}

void
run_call_later(struct run_call *c)
{
	if (list_empty(&c->heard))
		list_add_tail(&c->run->heard, &c->heard);
	run_poke(c->run);
}

/* --- begin and end
 * ----------------------------------------------------------------------------
 */

static void
timer_fired(struct env_timer *t)
{
	struct run_call *c = CONTAINER_OF(t, struct run_call, timer);

	c->due = true;
	run_call_poke(c);
}

static struct run_call *
call_new(struct run *r, int64_t attempt)
{
	struct run_call *c = mem_zalloc(1, sizeof(*c));

	c->run = r;
	c->timer.fn = timer_fired;
	c->ear.progress = ear_progress;
	c->ear.caption = ear_caption;
	c->ear.dtmf = ear_dtmf;
	list_add_tail(&r->calls, &c->node);
	list_add_tail(RUN_BUCKET(r, attempt), &c->same);
	r->live++;
	return c;
}

void
run_call_begin(struct run *r, const struct run_armed *a)
{
	struct run_call *c = call_new(r, a->attempt.id);

	c->job = a->job;
	c->attempt = a->attempt;
	c->terms = a->terms;
	c->kind = a->kind;
	c->carrier = a->carrier;
	c->contact = mem_strdup(a->contact);
	c->data = mem_strdup(a->data);
	c->event_seq = a->attempt.last;
	c->dial_until_boot_ms = a->dial_until_boot_ms;
	memcpy(c->event_hash, a->job.last_hash, SHA256_BYTES);
	(void)text_hex(a->attempt.key, SHA256_BYTES, c->key);
	(void)rules_phone_text(a->number, c->to);
	log_step(c, c->attempt.state);
	run_call_poke(c);
}

/* The INTENT event of an attempt, for a request that is sent again. */
static void
find_intent(void *arg, const struct journal_event *e)
{
	struct run_call *c = arg;

	if (e->attempt == c->attempt.id && strcmp(e->name, "ARM") == 0) {
		c->event_seq = e->seq;
		memcpy(c->event_hash, e->hash, SHA256_BYTES);
	}
}

/* Few terms are shared by many attempts. */
static enum err_code
read_terms(struct run *r, int64_t id, struct run_terms *out, struct err *err)
{
	char text[JOURNAL_TERMS_MAX];

	if (id != r->terms_id) {
		if (journal_read_terms(r->journal, id, text, err) != ERR_NONE ||
		    run_terms_read(text, &r->terms, err) != ERR_NONE) {
			r->terms_id = RUN_TERMS_NONE;
			return err->code;
		}
		r->terms_id = id;
	}
	*out = r->terms;
	return ERR_NONE;
}

enum err_code
run_call_adopt(struct run *r, int64_t attempt, struct err *err)
{
	struct run_call *c = call_new(r, attempt);
	enum err_code code =
	    journal_read_attempt(r->journal, attempt, &c->attempt, err);

	c->recovered = true;
	c->taken_boot_ms = env_boot_ms(r->env);
	c->dialled = true;
	if (code == ERR_NONE)
		code = journal_read_job(
		    r->journal, journal_attempt_job(attempt), &c->job, err);
	if (code == ERR_NONE)
		code = read_terms(r, c->attempt.terms_id, &c->terms, err);
	if (code == ERR_NONE && c->terms.terms.cls == CARRIER_KEYED)
		code = journal_read_events(
		    r->journal, c->job.id, find_intent, c, err);
	if (code != ERR_NONE) {
		run_call_free(&c);
		return err_wrap(err, "attempt %lld", (long long)attempt);
	}
	c->kind = conf_kind_find(r->o.conf, c->job.kind);
	c->carrier = run_gate_carrier(&r->o, c->terms.terms.carrier);
	(void)text_hex(c->attempt.key, SHA256_BYTES, c->key);
	(void)rules_phone_text(c->attempt.number, c->to);
	(void)snprintf(c->evidence.call_id, sizeof(c->evidence.call_id), "%s",
	    c->attempt.carrier_call);
	c->fold = true;
	LOG(r->o.log, LOG_LEVEL_WARN, "attempt.taken-over",
	    LOG_INT("job", c->job.id),
	    LOG_STR("state", job_attempt_state_name(c->attempt.state)));
	run_call_poke(c);
	return ERR_NONE;
}

struct run_call *
run_call_find(struct run *r, int64_t attempt)
{
	LIST_FOREACH (it, RUN_BUCKET(r, attempt)) {
		struct run_call *c = CONTAINER_OF(it, struct run_call, same);

		if (c->attempt.id == attempt)
			return c;
	}
	return NULL;
}

void
run_call_free(struct run_call **cp)
{
	struct run_call *c = *cp;

	if (c == NULL)
		return;
	env_timer_stop(c->run->env, &c->timer);
	/* Also after an answer without a call id: its ear is in us. */
	if (c->carrier != NULL && c->dial.done != NULL)
		c->carrier->ops->abandon(c->carrier->impl, &c->dial);
	if (c->carrier != NULL && c->looking)
		c->carrier->ops->lookup_stop(c->carrier->impl, &c->lookup);
	if (c->carrier != NULL && c->dial.ear != NULL &&
	    c->evidence.call_id[0] != '\0')
		c->carrier->ops->deaf(c->carrier->impl, c->evidence.call_id);
	if (c->talk == NULL)
		mem_free(&c->result.meeting_json);
	run_talk_free(&c->talk);
	mem_free(&c->repair_dir);
	list_remove(&c->heard);
	list_remove(&c->same);
	list_remove(&c->node);
	c->run->live--;
	mem_free(&c->contact);
	mem_free(&c->data);
	mem_free(cp);
}
