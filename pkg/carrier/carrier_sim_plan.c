#include <string.h>

#include "carrier/carrier_sim_calls.h"

/*
 * What the network does by itself: pure in the call, its draws and its
 * persona, so that whoever opens the log next writes the same lines.
 */

#define MAX_CALL_MS (4 * 60 * 60 * 1000)
#define MAX_RING_MS 60000

static int64_t
draw(const struct carrier_sim_live *l, enum carrier_sim_draw what,
    const struct carrier_sim_range *r)
{
	return carrier_sim_draw_range(l->draws, what, r->lo, r->hi);
}

static void
in_flight(const struct carrier_sim_calls *k, const struct carrier_sim_call *c,
    struct carrier_sim_line *out)
{
	const struct conf_sim *conf = k->conf;
	const struct carrier_sim_live *l = c->live;
	bool slow = carrier_sim_draw(l->draws, CARRIER_SIM_DRAW_SLOW) <
		    conf->faults.slow;

	out->at_ms = c->request_ms + conf->latency_ms +
		     (slow ? conf->faults.slow_ms : 0);
	out->ev = CARRIER_SIM_REFUSED;
	if (l->persona->answer == CARRIER_SIM_ANSWER_BAD_NUMBER)
		out->code = CARRIER_SIM_CODE_BAD_NUMBER;
	else if (l->persona->answer == CARRIER_SIM_ANSWER_REJECTED)
		out->code = CARRIER_SIM_CODE_REJECTED;
	else if (l->persona->answer == CARRIER_SIM_ANSWER_LIMIT)
		out->code = CARRIER_SIM_CODE_LIMIT;
	else
		out->ev = CARRIER_SIM_PLACED;
}

static void
end(struct carrier_sim_line *out, int64_t at_ms, enum job_outcome outcome,
    enum carrier_sim_by by)
{
	out->ev = CARRIER_SIM_ENDED;
	out->at_ms = at_ms;
	out->outcome = outcome;
	out->by = by;
}

static void
rings(const struct carrier_sim_call *c, struct carrier_sim_line *out)
{
	const struct carrier_sim_live *l = c->live;
	int64_t placed = carrier_sim_call_at(c, c->placed);
	int64_t limit = l->ring_ms > 0 && l->ring_ms < MAX_RING_MS
			    ? l->ring_ms
			    : MAX_RING_MS;
	int64_t after = draw(l, CARRIER_SIM_DRAW_RING, &l->persona->ring);

	if (l->persona->answer == CARRIER_SIM_ANSWER_NONE || after > limit)
		end(out, placed + limit, JOB_OUTCOME_NO_ANSWER,
		    CARRIER_SIM_BY_NETWORK);
	else if (l->persona->answer == CARRIER_SIM_ANSWER_BUSY)
		end(out, placed + after, JOB_OUTCOME_BUSY,
		    CARRIER_SIM_BY_NETWORK);
	else if (l->persona->answer == CARRIER_SIM_ANSWER_FAILED)
		end(out, placed + after, JOB_OUTCOME_FAILED,
		    CARRIER_SIM_BY_NETWORK);
	else {
		out->ev = CARRIER_SIM_ANSWERED;
		out->at_ms = placed + after;
	}
}

bool
carrier_sim_calls_has_voice(
    const struct carrier_sim_calls *k, const struct carrier_sim_call *c)
{
	return c->state == CARRIER_SIM_TALKS && c->live != NULL &&
	       k->cls != CARRIER_CALLBACK &&
	       c->live->persona->answer != CARRIER_SIM_ANSWER_INSTANT;
}

void
carrier_sim_calls_limit(
    const struct carrier_sim_call *c, struct carrier_sim_line *line)
{
	int64_t limit = c->live->max_ms;

	if (limit <= 0 || limit > MAX_CALL_MS)
		limit = MAX_CALL_MS;
	end(line, carrier_sim_call_at(c, c->answered) + limit,
	    c->live->persona->outcome, CARRIER_SIM_BY_NETWORK);
}

static void
talks(const struct carrier_sim_calls *k, const struct carrier_sim_call *c,
    struct carrier_sim_line *out)
{
	const struct carrier_sim_live *l = c->live;
	const struct carrier_sim_end *how = NULL;
	int64_t at = carrier_sim_call_at(c, c->answered);

	if (l->persona->answer == CARRIER_SIM_ANSWER_INSTANT) {
		end(out, at, JOB_OUTCOME_COMPLETED, CARRIER_SIM_BY_CALLEE);
		return;
	}
	carrier_sim_calls_limit(c, out);
	if (k->cls == CARRIER_CALLBACK) {
		how = &l->persona->served;
		at += draw(l, CARRIER_SIM_DRAW_SERVED, &how->after);
	} else if (l->alone || !l->mine) {
		/* Of another's call: the earliest time; whoever comes to it
		 * asks first whether that line still lives. */
		how = &l->persona->unattended;
		if (l->alone && l->alone_since > at)
			at = l->alone_since;
		at += draw(l, CARRIER_SIM_DRAW_PATIENCE, &how->after);
	}
	if (how != NULL && at < out->at_ms)
		end(out, at, how->outcome, how->by);
}

bool
carrier_sim_calls_next(const struct carrier_sim_calls *k,
    const struct carrier_sim_call *c, struct carrier_sim_line *line)
{
	memset(line, 0, sizeof(*line));
	if (c->live == NULL)
		return false;
	(void)carrier_sim_call_id(c->id, line->call);
	memcpy(line->key, c->live->key, strlen(c->live->key) + 1);
	memcpy(line->to, c->live->to, strlen(c->live->to) + 1);
	switch ((enum carrier_sim_state)c->state) {
	case CARRIER_SIM_IN_FLIGHT:
		in_flight(k, c, line);
		return true;
	case CARRIER_SIM_RINGS:
		rings(c, line);
		return true;
	case CARRIER_SIM_TALKS:
		talks(k, c, line);
		return true;
	case CARRIER_SIM_LOST:
	case CARRIER_SIM_REFUSAL:
	case CARRIER_SIM_OVER:
		break;
	}
	return false;
}

void
carrier_sim_calls_hang_up(const struct carrier_sim_call *c, int64_t now_ms,
    struct carrier_sim_line *line)
{
	memset(line, 0, sizeof(*line));
	(void)carrier_sim_call_id(c->id, line->call);
	end(line, now_ms,
	    c->state == CARRIER_SIM_TALKS && c->live != NULL
		? c->live->persona->outcome
		: JOB_OUTCOME_NO_ANSWER,
	    CARRIER_SIM_BY_AGENT);
}
