#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "run/run_priv.h"

/*
 * The transactions of one call.  The loop decides on a plan; here, on the
 * writer's thread, messages that came meanwhile are folded in first (so that
 * nothing is let go with a cancel or a callback unread), then the plan is done:
 * steps of the journal, and the rows that belong to them.
 *
 * Everything is done on copies; the loop takes them over when the commit is
 * durable, so a rolled-back run leaves no trace.
 */

static void
passed(struct run_call *c)
{
	CHECK(c->tx_steps < RUN_STEPS_MAX);
	c->tx_passed[c->tx_steps++] = c->tx_attempt.state;
}

/* One step on the transaction's copies. */
static enum err_code
step(struct run_call *c, struct journal *j, enum attempt_event event,
    enum job_event job_event, const char *detail, struct err *err)
{
	struct journal_change change = {.job = &c->tx_job,
	    .attempt = &c->tx_attempt,
	    .attempt_event = event,
	    .job_event = job_event,
	    .more = c->tx_more,
	    .detail = detail};

	c->tx_more = false;
	if (journal_step(j, &change, err) != ERR_NONE)
		return err->code;
	passed(c);
	c->tx_final = job_is_final(c->tx_job.state);
	if (c->tx_final)
		return run_step_finished(j, &c->tx_job,
		    c->tx_attempt.placed_ms > 0 ? c->tx_attempt.id : 0, err);
	return ERR_NONE;
}

/*
 * Every open message of this attempt.  Evidence is folded at once, since the
 * step it leads to is in this transaction; a cancel stays open until the
 * attempt is let go, so that a crash before that does not forget it.
 */
static enum err_code
fold(struct run_call *c, struct journal *j, struct err *err)
{
	struct journal_message m = {0};
	int64_t after = 0;
	enum err_code code;

	while ((code = journal_inbox_get(
		    j, c->tx_attempt.id, after, &m, err)) == ERR_NONE) {
		after = m.id;
		c->tx_unread = true;
		if (m.code == JOURNAL_MSG_CANCEL)
			c->tx_cancel = true;
		if (m.code == JOURNAL_MSG_EVIDENCE && m.body != NULL)
			code = run_notice_read(m.body, &c->tx_evidence, err);
		/* In CLAIMED no step can hold it yet: it stays open. */
		if (code == ERR_NONE && m.code == JOURNAL_MSG_EVIDENCE &&
		    c->tx_attempt.state != ATTEMPT_CLAIMED)
			code = journal_inbox_folded(j, m.id, err);
		journal_message_free(&m);
		CRASH_POINT("run.fold");
		if (code != ERR_NONE)
			return code;
	}
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

/* --- the plans
 * ---------------------------------------------------------------- */

static void
settle_begins(struct run_call *c)
{
	struct env *env = c->run->env;

	memcpy(c->tx_attempt.settle_boot, env->boot_id, ENV_ID_BYTES);
	c->tx_attempt.settle_boot_ms = env_boot_ms(env);
	c->tx_attempt.lookups = 0;
	c->tx_attempt.looked_boot_ms = 0;
}

/*
 * Before a call that stood still behind its dial_until is tried again: a
 * carrier whose clock is not ours would else be asked without end.
 */
#define UNSENT_PAUSE_MS 1000

static enum err_code
do_release(struct run_call *c, struct journal *j, const struct run_gate *g,
    enum attempt_event event, struct err *err)
{
	enum job_event job_event = JOB_EV_RELEASE;

	c->tx_job.reason = JOB_REASON_RELEASED;
	if (c->tx_cancel) {
		job_event = JOB_EV_CANCEL;
		c->tx_job.reason = JOB_REASON_CANCELLED;
	} else if (g != NULL && g->result == RUN_GATE_LATER) {
		job_event = JOB_EV_LATER;
		c->tx_job.reason = g->reason;
		c->tx_job.not_before_ms = g->not_before_ms;
	}
	if (event == ATTEMPT_EV_UNSENT) {
		c->tx_job.tries--; /* no byte left: no try */
		if (job_event == JOB_EV_RELEASE) {
			job_event = JOB_EV_LATER;
			c->tx_job.not_before_ms =
			    journal_group_ms(j) + UNSENT_PAUSE_MS;
		}
	}
	return step(c, j, event, job_event, NULL, err);
}

static enum err_code
arm_step(struct run_call *c, struct journal *j, bool adopt, struct err *err)
{
	struct journal_change change = {.job = &c->tx_job,
	    .attempt = &c->tx_attempt,
	    .attempt_event = ATTEMPT_EV_ARM,
	    .job_event = JOB_EV_NOTE,
	    .job_changed = true, /* its tries */
	    .detail = adopt ? "the network knows the key" : NULL};

	c->tx_job.tries++;
	if (journal_step(j, &change, err) != ERR_NONE)
		return err->code;
	passed(c);
	return ERR_NONE;
}

/* CLAIMED: the gates are read again, for what happened since the claim. */
static enum err_code
do_arm(struct run_call *c, struct journal *j, bool adopt, struct err *err)
{
	struct journal_person person;
	struct run_gate gate = {0};
	const char *why;
	enum err_code code = journal_person_get(j, c->tx_job.id, &person, err);

	if (code == ERR_NONE)
		code = run_gate_ask(
		    &c->run->o, j, &c->tx_job, &person, NULL, &gate, err);
	if (code == ERR_NOT_FOUND) {
		gate.result = RUN_GATE_NEVER;
		gate.reason = JOB_REASON_ERASED;
		code = ERR_NONE;
	}
	if (code == ERR_NONE && !adopt) {
		if (c->tx_cancel) {
			c->tx_job.reason = JOB_REASON_CANCELLED;
			code = step(
			    c, j, ATTEMPT_EV_CANCEL, JOB_EV_CANCEL, NULL, err);
			goto out;
		}
		if (gate.result == RUN_GATE_NEVER) {
			c->tx_job.reason = gate.reason;
			code = step(c, j, ATTEMPT_EV_DENY, JOB_EV_FAIL,
			    job_reason_word(gate.reason), err);
			goto out;
		}
		if (gate.result != RUN_GATE_OK) {
			code = do_release(c, j, &gate, ATTEMPT_EV_RELEASE, err);
			goto out;
		}
	}
	if (code != ERR_NONE)
		goto out;
	if (!adopt && !journal_clock_trusted(j, &why)) {
		code = do_release(c, j, NULL, ATTEMPT_EV_RELEASE, err);
		goto out;
	}
	/* What another life was allowed this one does not know. */
	c->tx_attempt.dial_until_ms = adopt ? 0 : gate.dial_until_ms;
	c->tx_attempt.armed_ms = journal_group_ms(j);
	c->tx_dial_until_boot_ms = run_step_dial_until_boot(j, &gate);
	code = arm_step(c, j, adopt, err);
	if (code == ERR_NONE)
		code = journal_dial_put(j, person.number,
		    c->tx_attempt.armed_ms, c->tx_attempt.id, err);
	c->tx_dial = code == ERR_NONE && !adopt;
out:
	journal_person_free(&person);
	return code;
}

static enum err_code
do_refuse(struct run_call *c, struct journal *j, struct err *err)
{
	bool network = c->ask.answer == CARRIER_ANSWER_NETWORK;
	enum job_event event = JOB_EV_FAIL;

	c->tx_attempt.outcome =
	    network ? JOB_OUTCOME_NETWORK : JOB_OUTCOME_REFUSED;
	c->tx_attempt.ended_ms = journal_group_ms(j);
	c->tx_job.outcome = c->tx_attempt.outcome;
	if (!network && c->ask.policy == CARRIER_NEVER) {
		c->tx_job.reason = JOB_REASON_REFUSED;
	} else if (!network && c->ask.policy == CARRIER_LATER) {
		c->tx_job.tries--; /* "come again" is no try */
		c->tx_job.reason = JOB_REASON_LATER;
		c->tx_job.not_before_ms =
		    journal_group_ms(j) + (c->ask.retry_after_ms > 0
						  ? c->ask.retry_after_ms
						  : INT64_C(60000));
		event = JOB_EV_LATER;
	} else if (run_step_ladder(c->run->o.conf, j, &c->tx_job,
		       c->tx_attempt.id, c->tx_attempt.outcome, c->tx_cancel,
		       c->ask.jitter, &event, err) != ERR_NONE) {
		return err->code;
	}
	if (c->tx_cancel) {
		event = JOB_EV_CANCEL;
		c->tx_job.reason = JOB_REASON_CANCELLED;
	}
	return step(c, j, ATTEMPT_EV_REFUSE, event, c->ask.code, err);
}

static int
rank(enum attempt_state s)
{
	static const int ranks[ATTEMPT_STATE_COUNT] = {[ATTEMPT_PLACED] = 1,
	    [ATTEMPT_RINGING] = 2,
	    [ATTEMPT_ANSWERED] = 3,
	    [ATTEMPT_ENDED] = 4,
	    [ATTEMPT_REFUSED] = 4,
	    [ATTEMPT_ABSENT] = 4,
	    [ATTEMPT_CANCELLED] = 4,
	    [ATTEMPT_CONFLICT] = 4};

	return ranks[s];
}

/* How far a call has come. */
static int
reached(const struct run_evidence *e)
{
	return e->answered ? 3 : e->ringing ? 2 : e->placed ? 1 : 0;
}

/* ends: the end follows at once. */
static enum err_code
do_stage(struct run_call *c, struct journal *j, bool ends, struct err *err)
{
	const struct run_evidence *e = &c->tx_evidence;
	struct journal_attempt *a = &c->tx_attempt;
	enum attempt_event event = ATTEMPT_EV_ANSWER;
	int next = 3;

	(void)snprintf(
	    a->carrier_call, sizeof(a->carrier_call), "%s", e->call_id);
	if (e->placed_ms > 0)
		a->placed_ms = e->placed_ms;
	if (a->placed_ms == 0)
		a->placed_ms = journal_group_ms(j);
	if (rank(a->state) < 1) {
		event = ATTEMPT_EV_PLACE;
		next = 1;
	} else if (e->ringing && rank(a->state) < 2) {
		event = ATTEMPT_EV_RING;
		next = 2;
	} else {
		a->answered_ms =
		    e->answered_ms > 0 ? e->answered_ms : journal_group_ms(j);
	}
	c->tx_more = ends || next < reached(e);
	return step(c, j, event, JOB_EV_NOTE,
	    strcmp(e->source, "live") == 0 ? NULL : e->source, err);
}

static enum err_code
artifacts(struct run_call *c, struct journal *j, struct err *err)
{
	const struct run_talk_result *t = &c->result;
	enum err_code code = ERR_NONE;

	if (!c->ask.has_result)
		return ERR_NONE;
	for (int i = 0; i < RUN_ARTIFACT_COUNT && code == ERR_NONE; i++) {
		struct journal_artifact a = {
		    .kind = i, .bytes = t->artifact[i].bytes};

		if (t->artifact[i].file[0] == '\0')
			continue;
		(void)snprintf(
		    a.path, sizeof(a.path), "%s", t->artifact[i].file);
		a.ms = i == RUN_ARTIFACT_RECORDING ? t->duration_ms : 0;
		memcpy(a.sha256, t->artifact[i].sha256, SHA256_BYTES);
		code = journal_artifact_put(j, c->tx_attempt.id, &a, err);
	}
	if (code == ERR_NONE)
		code = journal_finding_put(j, c->tx_attempt.id,
		    t->answered_by[0] != '\0' ? t->answered_by
					      : c->tx_evidence.answered_by,
		    t->decline_reason,
		    t->meeting_json != NULL ? t->meeting_json : "", err);
	return code;
}

/*
 * Txn C.  What the network says of the end is the outcome, but for a call
 * that we (recovering) cut off: that is `interrupted`.
 */
static enum err_code
do_end(struct run_call *c, struct journal *j, struct err *err)
{
	const struct run_evidence *e = &c->tx_evidence;
	struct journal_attempt *a = &c->tx_attempt;
	enum job_event event = JOB_EV_FINISH;
	enum err_code code;

	if (e->call_id[0] != '\0')
		(void)snprintf(
		    a->carrier_call, sizeof(a->carrier_call), "%s", e->call_id);
	if (a->placed_ms == 0)
		a->placed_ms =
		    e->placed_ms > 0 ? e->placed_ms : journal_group_ms(j);
	if (a->answered_ms == 0 && e->answered)
		a->answered_ms = e->answered_ms;
	a->ended_ms = e->ended_ms > 0 ? e->ended_ms : journal_group_ms(j);
	a->outcome = c->ask.hung_up ? JOB_OUTCOME_INTERRUPTED : e->outcome;
	if (a->outcome == JOB_OUTCOME_NONE)
		a->outcome = JOB_OUTCOME_INTERRUPTED;
	code = artifacts(c, j, err);
	if (code == ERR_NONE && c->ask.has_result && c->result.opt_out) {
		bool added = false;
		int64_t number = a->number;

		code = journal_dnc_put(
		    j, number, 2, "callee", "asked in a call", &added, err);
	}
	if (code == ERR_NONE)
		code = run_step_ladder(c->run->o.conf, j, &c->tx_job, a->id,
		    a->outcome, c->tx_cancel, c->ask.jitter, &event, err);
	if (code != ERR_NONE)
		return code;
	return step(c, j, ATTEMPT_EV_END, event,
	    strcmp(e->source, "live") == 0 ? NULL : e->source, err);
}

/* Every stage the evidence shows, each its own step. */
static enum err_code
stages(struct run_call *c, struct journal *j, bool ends, struct err *err)
{
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE &&
	       rank(c->tx_attempt.state) < reached(&c->tx_evidence)) {
		code = do_stage(c, j, ends, err);
		CRASH_POINT("run.step.stage");
	}
	return code;
}

/*
 * The stages, and the end when nothing of the call is under way: what is known
 * together becomes durable together.
 */
static enum err_code
do_stages(struct run_call *c, struct journal *j, struct err *err)
{
	enum err_code code = stages(c, j, c->ask.over, err);

	return code == ERR_NONE && c->ask.over ? do_end(c, j, err) : code;
}

static enum err_code
do_vanish(struct run_call *c, struct journal *j, struct err *err)
{
	enum job_event event = JOB_EV_LATER;
	const char *why;

	/* "Absent" counts while the carrier remembers, and that is told by
	 * the clock. */
	if (!journal_clock_trusted(j, &why))
		return ERR_NONE;
	c->tx_attempt.ended_ms = journal_group_ms(j);
	if (run_step_ladder(c->run->o.conf, j, &c->tx_job, c->tx_attempt.id,
		JOB_OUTCOME_NETWORK, c->tx_cancel, c->ask.jitter, &event,
		err) != ERR_NONE)
		return err->code;
	if (event == JOB_EV_FAIL && c->kind != NULL &&
	    c->tx_job.tries < c->kind->max_attempts) {
		/* Nothing rang: a ladder without a row for `network` does
		 * not mean that the job may be lost. */
		event = JOB_EV_LATER;
		c->tx_job.reason = JOB_REASON_LADDER;
		c->tx_job.not_before_ms = journal_group_ms(j);
	}
	return step(c, j, ATTEMPT_EV_VANISH, event, NULL, err);
}

/*
 * No call of it can live behind this moment.  Its request has left by now, for
 * whoever could send it is dead or has an answer, and not behind dial_until;
 * not necessarily when it was armed, for a process may stand still in between.
 */
static int64_t
slot_until(const struct run_call *c, struct journal *j)
{
	const struct carrier_terms *t = &c->terms.terms;
	const struct journal_attempt *a = &c->tx_attempt;
	int64_t left = journal_group_ms(j);

	if (a->dial_until_ms > 0 && left > a->dial_until_ms)
		left = a->dial_until_ms;
	if (left < a->armed_ms)
		left = a->armed_ms;
	return left + t->settle_ms + c->terms.ring_ms + t->max_call_ms;
}

static enum err_code
do_park(struct run_call *c, struct journal *j, struct err *err)
{
	c->tx_job.reason = c->ask.park_reason;
	c->tx_attempt.slot_until_ms = slot_until(c, j);
	return step(c, j, ATTEMPT_EV_PARK, JOB_EV_PARK,
	    job_reason_word(c->ask.park_reason), err);
}

/* The same key again, after the gates were read again. */
static enum err_code
do_resend(struct run_call *c, struct journal *j, struct err *err)
{
	struct journal_person person;
	struct run_gate gate = {0};
	const char *why;
	int64_t key_until;
	enum err_code code;

	if (!journal_clock_trusted(j, &why))
		return ERR_NONE;
	code = journal_person_get(j, c->tx_job.id, &person, err);
	if (code == ERR_NONE)
		code = run_gate_ask(
		    &c->run->o, j, &c->tx_job, &person, NULL, &gate, err);
	journal_person_free(&person);
	if (code != ERR_NONE && code != ERR_NOT_FOUND)
		return code;
	/* Our own dial stands in the caps: they do not speak against it. */
	if (code == ERR_NOT_FOUND || c->tx_cancel ||
	    (gate.result != RUN_GATE_OK && gate.reason != JOB_REASON_CAP &&
		gate.reason != JOB_REASON_GAP))
		return ERR_NONE;
	c->tx_attempt.resends++;
	c->tx_dial = true;
	gate.dial_until_ms = c->tx_attempt.dial_until_ms;
	c->tx_dial_until_boot_ms = run_step_dial_until_boot(j, &gate);
	/* A machine that sleeps now must not wake up behind the key's end. */
	key_until = env_boot_ms(c->run->env) + run_settle_key_left_ms(c);
	if (c->tx_dial_until_boot_ms > key_until)
		c->tx_dial_until_boot_ms = key_until;
	return step(c, j, ATTEMPT_EV_RESEND, JOB_EV_NOTE, NULL, err);
}

static enum err_code
plan_run(struct run_call *c, struct journal *j, struct err *err)
{
	switch (c->ask.plan) {
	case RUN_PLAN_ARM:
		return do_arm(c, j, false, err);
	case RUN_PLAN_ADOPT:
		return do_arm(c, j, true, err);
	case RUN_PLAN_RELEASE:
		return do_release(c, j, NULL, ATTEMPT_EV_RELEASE, err);
	case RUN_PLAN_UNSENT:
		return do_release(c, j, NULL, ATTEMPT_EV_UNSENT, err);
	case RUN_PLAN_REFUSE:
		return do_refuse(c, j, err);
	case RUN_PLAN_DOUBT:
		settle_begins(c);
		return step(c, j, ATTEMPT_EV_DOUBT, JOB_EV_NOTE,
		    c->ask.code[0] != '\0' ? c->ask.code : NULL, err);
	case RUN_PLAN_STAGE:
		return do_stages(c, j, err);
	case RUN_PLAN_END:
		return do_end(c, j, err);
	case RUN_PLAN_SETTLE:
		settle_begins(c);
		return step(c, j, ATTEMPT_EV_SETTLE, JOB_EV_NOTE, NULL, err);
	case RUN_PLAN_LOOK:
		c->tx_attempt.lookups++;
		c->tx_attempt.looked_boot_ms = env_boot_ms(c->run->env);
		return step(c, j, ATTEMPT_EV_LOOK, JOB_EV_NOTE, NULL, err);
	case RUN_PLAN_VANISH:
		return do_vanish(c, j, err);
	case RUN_PLAN_RESEND:
		return do_resend(c, j, err);
	case RUN_PLAN_PARK:
		return do_park(c, j, err);
	case RUN_PLAN_NONE:
	default:
		return ERR_NONE;
	}
}

/* Does the plan let the attempt go, or begin something outside? */
static bool
must_fold(const struct run_call *c)
{
	return c->ask.fold || c->ask.over || c->ask.plan == RUN_PLAN_ARM ||
	       c->ask.plan == RUN_PLAN_RELEASE ||
	       c->ask.plan == RUN_PLAN_UNSENT ||
	       c->ask.plan == RUN_PLAN_REFUSE ||
	       c->ask.plan == RUN_PLAN_VANISH || c->ask.plan == RUN_PLAN_PARK ||
	       c->ask.plan == RUN_PLAN_RESEND;
}

static bool
news(const struct run_call *c)
{
	return (c->tx_evidence.placed && !c->ask.evidence.placed) ||
	       (c->tx_evidence.ringing && !c->ask.evidence.ringing) ||
	       (c->tx_evidence.answered && !c->ask.evidence.answered) ||
	       (c->tx_evidence.ended && !c->ask.evidence.ended);
}

/* All that a message says, step by step, in the transaction that folds it. */
static enum err_code
catch_up(struct run_call *c, struct journal *j, struct err *err)
{
	if (c->tx_attempt.state == ATTEMPT_CLAIMED)
		return ERR_NONE;
	return c->tx_evidence.ended ? do_end(c, j, err)
				    : stages(c, j, false, err);
}

enum err_code
run_step_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_call *c = CONTAINER_OF(tx, struct run_call, tx);
	enum err_code code = ERR_NONE;

	/* The attempt is ours alone.  Others may have noted something in the
	 * job's chain (a conflict of an attempt before this one): then the
	 * guard misses, and run_call.c reads the job again. */
	c->tx_job = c->job;
	c->tx_attempt = c->attempt;
	c->tx_evidence = c->ask.evidence;
	c->tx_cancel = c->ask.cancel;
	c->tx_final = false;
	c->tx_dial = false;
	c->tx_steps = 0;
	c->tx_more = false;
	c->tx_unread = !must_fold(c);
	if (!c->tx_unread)
		code = fold(c, j, err);
	if (code != ERR_NONE)
		return code;
	/* Evidence that just came makes "nothing was there" untrue. */
	if (news(c) && !c->ask.talking)
		code = catch_up(c, j, err);
	else
		code = plan_run(c, j, err);
	/* A cancel of what is PARKED now stays open: whoever resolves it must
	 * see it. */
	if (code == ERR_NONE && c->tx_unread &&
	    !job_attempt_is_live(c->tx_attempt.state) &&
	    c->tx_attempt.state != ATTEMPT_PARKED)
		code = journal_inbox_fold_all(j, c->tx_attempt.id, err);
	return code;
}
