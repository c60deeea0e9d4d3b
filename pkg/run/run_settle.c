#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "run/run_priv.h"

/*
 * What became of it?  Attempts whose answer was lost, or whose owner died.
 *
 * UNKNOWN: nothing may be concluded before the settle time is over, counted
 * from an event (our connection was closed, or we took the dead owner's lock):
 * a killed process's kernel goes on sending, the carrier goes on processing,
 * its list lags.  Then the carrier's class decides: the same key again
 * (KEYED), two lookups a list lag apart (KEYED, NAMED, QUERYABLE), waiting for
 * a callback (CALLBACK), or a person (BLIND, and whenever time runs out).
 *
 * PLACED, RINGING, ANSWERED, taken over: the call is real.  It is looked up,
 * hung up when it still lives and the agent was ours, and ends as found, or
 * as `interrupted` when its longest possible time has passed.
 */

#define RESENDS_MAX 3
#define LOOKUP_AGAIN_MS 2000
#define LOOKUP_AGAIN_MAX_MS 60000 /* of a carrier that does not answer */
#define CLOCK_AGAIN_MS 60000      /* a clock is set within minutes, or never */

static bool
can_look_up(const struct run_call *c)
{
	enum carrier_class cls = c->terms.terms.cls;

	return c->carrier != NULL &&
	       (cls == CARRIER_KEYED || cls == CARRIER_NAMED ||
		   cls == CARRIER_QUERYABLE);
}

/* Another account cannot know what this one was asked. */
static bool
same_account(const struct run_call *c)
{
	struct carrier_terms now;

	c->carrier->ops->terms(c->carrier->impl, &now);
	return strcmp(now.account, c->terms.terms.account) == 0;
}

static void
park(struct run_call *c, enum job_reason reason)
{
	run_call_submit(c, RUN_PLAN_PARK, reason);
}

static void
wait_until(struct run_call *c, int64_t boot_ms)
{
	int64_t left = boot_ms - env_boot_ms(c->run->env);

	c->due = false;
	env_timer_start(c->run->env, &c->timer, left > 0 ? left : 0);
}

/* --- lookups
 * --------------------------------------------------------------------- */

static void
lookup_done(struct carrier_lookup *l)
{
	struct run_call *c = CONTAINER_OF(l, struct run_call, lookup);

	c->looking = false;
	CRASH_POINT("run.lookup.answered");
	c->lookup_errors = l->code != ERR_NONE ? c->lookup_errors + 1 : 0;
	if (l->code == ERR_NONE && l->found) {
		run_evidence_add(&c->evidence, &l->now, l->call_id,
		    l->placed_ms, l->answered_ms, "lookup");
	}
	c->checked_key = true;
	run_call_poke(c);
}

/* Whoever is out of reach is asked twice as late each time. */
static int64_t
again_ms(const struct run_call *c)
{
	int64_t ms = LOOKUP_AGAIN_MS;

	for (int64_t i = 1; i < c->lookup_errors && ms < LOOKUP_AGAIN_MAX_MS;
	     i++)
		ms *= 2;
	return ms < LOOKUP_AGAIN_MAX_MS ? ms : LOOKUP_AGAIN_MAX_MS;
}

void
run_settle_lookup(struct run_call *c)
{
	c->lookup = (struct carrier_lookup){.key = c->key,
	    .to = c->to,
	    .from = c->terms.from,
	    .armed_ms = c->attempt.armed_ms,
	    .done = lookup_done};
	c->looking = true;
	CRASH_POINT("run.lookup.before");
	c->carrier->ops->lookup(c->carrier->impl, &c->lookup);
}

/* --- UNKNOWN
 * ----------------------------------------------------------------------- */

/* What the last lookup, if one was made since the timer fired, has said. */
static bool
said_absent(const struct run_call *c)
{
	return c->checked_key && !c->lookup.found;
}

int64_t
run_settle_age_ms(const struct run_call *c)
{
	int64_t wall = env_now_ms(c->run->env) - c->attempt.armed_ms;
	int64_t settles = env_boot_ms(c->run->env) - c->attempt.settle_boot_ms;

	if (wall < 0)
		return INT64_MAX;
	return wall > settles ? wall : settles;
}

int64_t
run_settle_key_left_ms(const struct run_call *c)
{
	return c->terms.terms.key_window_ms - c->terms.terms.settle_ms -
	       run_settle_age_ms(c);
}

/*
 * "Absent" did not count, for the clock cannot be trusted now.  Asked again at
 * once, the carrier would be asked without end; it is asked now and then, until
 * it may have forgotten.
 */
void
run_settle_clock(struct run_call *c)
{
	wait_until(c, env_boot_ms(c->run->env) + CLOCK_AGAIN_MS);
}

static void
unknown_by_lookup(struct run_call *c)
{
	const struct carrier_terms *t = &c->terms.terms;
	int64_t now_boot = env_boot_ms(c->run->env);
	int64_t from = c->attempt.settle_boot_ms + t->settle_ms;
	bool is_late =
	    run_settle_age_ms(c) >= t->memory_ms - 2 * t->list_lag_ms;

	if (!same_account(c)) {
		park(c, JOB_REASON_ACCOUNT);
		return;
	}
	if (c->attempt.lookups > 0)
		from = c->attempt.looked_boot_ms + t->list_lag_ms;
	if (c->checked_key && c->lookup.code != ERR_NONE) {
		/* No answer was had; try again, but not for ever. */
		c->checked_key = false;
		if (is_late)
			park(c, JOB_REASON_DEADLINE);
		else
			wait_until(c, now_boot + again_ms(c));
		return;
	}
	if (said_absent(c)) {
		c->checked_key = false;
		/* Absent counts only while the carrier would remember. */
		if (run_settle_age_ms(c) >= t->memory_ms)
			park(c, JOB_REASON_DEADLINE);
		else if (c->attempt.lookups == 0)
			run_call_submit(c, RUN_PLAN_LOOK, JOB_REASON_NONE);
		else
			run_call_submit(c, RUN_PLAN_VANISH, JOB_REASON_NONE);
		return;
	}
	if (now_boot < from)
		wait_until(c, from);
	else if (is_late)
		park(c, JOB_REASON_DEADLINE);
	else
		run_settle_lookup(c);
}

static bool
may_resend(const struct run_call *c)
{
	int64_t now = env_now_ms(c->run->env);

	return c->terms.terms.cls == CARRIER_KEYED &&
	       c->attempt.resends < RESENDS_MAX && !c->cancel &&
	       !c->resend_refused && !c->run->stopping &&
	       !journal_is_fresh(c->run->journal) &&
	       now < c->attempt.dial_until_ms &&
	       run_settle_key_left_ms(c) > 0 && same_account(c);
}

static void
unknown(struct run_call *c)
{
	const struct carrier_terms *t = &c->terms.terms;
	int64_t until = c->attempt.settle_boot_ms + t->settle_ms;
	int64_t now_boot = env_boot_ms(c->run->env);

	/* The answer to a key that was sent again. */
	if (c->answered_dial && c->attempt.resends > 0) {
		c->answered_dial = false;
		/* A refusal now says nothing of the first request; PLACED is
		 * evidence, and led out of UNKNOWN. */
		run_call_submit(c, RUN_PLAN_SETTLE, JOB_REASON_NONE);
		return;
	}
	if (c->attempt.settle_boot_ms == 0 ||
	    memcmp(c->attempt.settle_boot, c->run->env->boot_id,
		ENV_ID_BYTES) != 0) {
		run_call_submit(c, RUN_PLAN_SETTLE, JOB_REASON_NONE);
		return;
	}
	if (c->carrier == NULL) {
		park(c, JOB_REASON_CARRIER);
		return;
	}
	if (may_resend(c) && c->attempt.lookups == 0) {
		run_call_submit(c, RUN_PLAN_RESEND, JOB_REASON_NONE);
		return;
	}
	if (can_look_up(c)) {
		unknown_by_lookup(c);
	} else if (t->cls == CARRIER_CALLBACK) {
		until += t->max_call_ms;
		if (now_boot >= until)
			park(c, JOB_REASON_DEADLINE);
		else
			wait_until(c, until);
	} else {
		park(c, JOB_REASON_BLIND);
	}
}

/* --- taken over with the call placed
 * --------------------------------------------------- */

/* Again too: a hang-up may be lost. */
static void
hang_up(struct run_call *c)
{
	bool again = c->hung_up_by_us;

	if (c->carrier == NULL ||
	    !(c->terms.terms.agent_is_ours || c->cancel) ||
	    c->evidence.call_id[0] == '\0')
		return;
	c->hung_up_by_us = true;
	LOG(c->run->o.log, again ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
	    "call.hung-up", LOG_INT("job", c->job.id),
	    LOG_STR("why", again ? "it lives on" : "nobody speaks"));
	CRASH_POINT("run.taken.hangup");
	c->carrier->ops->hangup(c->carrier->impl, c->evidence.call_id);
}

/*
 * How long the call may still last; with nothing left its longest possible time
 * is over, and the call is, for certain.  When it was placed the carrier says
 * by its own clock, which may be behind ours; it was not before we armed it.
 * The wall clock may have been set back since: by the boot's clock no request
 * of ours leaves behind dial_until, and none of a dead one's once we have taken
 * over.
 */
static int64_t
longest_left_ms(const struct run_call *c)
{
	struct env *env = c->run->env;
	const struct carrier_terms *t = &c->terms.terms;
	int64_t longest = c->terms.ring_ms + t->max_call_ms + t->settle_ms;
	int64_t from = c->attempt.placed_ms > c->attempt.armed_ms
			   ? c->attempt.placed_ms
			   : c->attempt.armed_ms;
	int64_t from_boot = c->dial_until_boot_ms > c->taken_boot_ms
				? c->dial_until_boot_ms
				: c->taken_boot_ms;
	int64_t wall = from + longest - env_now_ms(env);
	int64_t boot = from_boot + longest - env_boot_ms(env);

	return wall < boot ? wall : boot;
}

static void
time_is_over(struct run_call *c)
{
	struct carrier_progress over = {.stage = CARRIER_STAGE_ENDED,
	    .at_ms = env_now_ms(c->run->env),
	    .outcome = JOB_OUTCOME_INTERRUPTED,
	    .by = "network"};

	run_call_hear(c, &over, NULL, 0, 0, "time");
}

/*
 * Only its own timer decides, never a poke: on a network that runs much faster
 * than the disk the end may have come and just not been delivered, and timers
 * fire in the order of their times.
 */
void
run_settle_watch(struct run_call *c)
{
	int64_t left = longest_left_ms(c);

	if (c->evidence.ended)
		return;
	if (left > 0 || !c->due) {
		c->due = false;
		if (!env_timer_running(&c->timer))
			env_timer_start(
			    c->run->env, &c->timer, left > 0 ? left : 0);
		return;
	}
	hang_up(c);
	time_is_over(c);
}

void
run_settle_taken(struct run_call *c)
{
	int64_t left = longest_left_ms(c);
	bool asked = can_look_up(c) && same_account(c);

	if (can_look_up(c) && !asked && left > 0) {
		park(c, JOB_REASON_ACCOUNT);
		return;
	}
	if (asked && !c->checked_key) {
		run_settle_lookup(c);
		return;
	}
	c->checked_key = false;
	/* Where it cannot be asked whether it lives, it must not go on. */
	if (can_look_up(c)
		? asked && c->lookup.code == ERR_NONE && c->lookup.found
		: !c->hung_up_by_us)
		hang_up(c);
	if (left <= 0) {
		time_is_over(c);
		return;
	}
	c->due = false;
	env_timer_start(c->run->env, &c->timer,
	    asked && again_ms(c) < left ? again_ms(c) : left);
}

/* --- CLAIMED
 * ------------------------------------------------------------------------------
 */

/*
 * A restored journal may not know of calls that were placed: the carrier is
 * asked for the key before it is used, once whatever was in flight when the
 * other life ended has settled.  It ended before this run began, for nobody
 * else may use a journal that is being restored; by the wall clock nothing can
 * be said.
 */
static void
claimed(struct run_call *c)
{
	/* Who cannot be asked was let through by run_claim.c: a newer job. */
	if (!can_look_up(c))
		c->checked_key = true;
	if (journal_is_fresh(c->run->journal) && !c->checked_key) {
		int64_t wait = c->run->began_boot_ms +
			       c->terms.terms.settle_ms -
			       env_boot_ms(c->run->env);

		if (wait > 0 && !c->due)
			env_timer_start(c->run->env, &c->timer, wait);
		else
			run_settle_lookup(c);
		return;
	}
	if (c->checked_key && c->lookup.code != ERR_NONE) {
		c->checked_key = false;
		wait_until(c, env_boot_ms(c->run->env) + again_ms(c));
		return;
	}
	if (!c->prepared) {
		c->prepared = true;
		c->due = false;
		run_call_poke(c);
	}
}

void
run_settle_poke(struct run_call *c)
{
	if (c->looking || c->dialling || c->repairing || c->evidence.ended)
		return;
	if (env_timer_running(&c->timer) && !c->due && !c->fold)
		return;
	if (c->fold && c->attempt.state != ATTEMPT_CLAIMED) {
		run_call_submit(c, RUN_PLAN_NONE, JOB_REASON_NONE);
		return;
	}
	switch (c->attempt.state) {
	case ATTEMPT_CLAIMED:
		claimed(c);
		break;
	case ATTEMPT_UNKNOWN:
		unknown(c);
		break;
	case ATTEMPT_PLACED:
	case ATTEMPT_RINGING:
	case ATTEMPT_ANSWERED:
		run_settle_taken(c);
		break;
	case ATTEMPT_NEW:
	case ATTEMPT_INTENT:
	case ATTEMPT_PARKED:
	case ATTEMPT_ENDED:
	case ATTEMPT_REFUSED:
	case ATTEMPT_ABSENT:
	case ATTEMPT_CANCELLED:
	case ATTEMPT_CONFLICT:
	case ATTEMPT_STATE_COUNT:
	default:
		break;
	}
}
