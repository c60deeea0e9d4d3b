#include <stdio.h>
#include <string.h>

#include "run/run_priv.h"

/*
 * What is known of a call, from whoever said it first.  Evidence only grows:
 * a stage once seen stays seen, and the first time told for it counts.
 */

static void
evidence_stage(struct run_evidence *e, enum carrier_stage stage)
{
	e->placed = true;
	e->ringing = e->ringing || stage == CARRIER_STAGE_RINGING;
	e->answered = e->answered || stage == CARRIER_STAGE_ANSWERED;
	e->ended = stage == CARRIER_STAGE_ENDED; /* see its caller */
}

void
run_evidence_add(struct run_evidence *e, const struct carrier_progress *p,
    const char *call_id, int64_t placed_ms, int64_t answered_ms,
    const char *source)
{
	if (e->ended)
		return;
	evidence_stage(e, p->stage);
	if (call_id != NULL && e->call_id[0] == '\0')
		(void)snprintf(e->call_id, sizeof(e->call_id), "%s", call_id);
	if (placed_ms > 0 && e->placed_ms == 0)
		e->placed_ms = placed_ms;
	if (answered_ms > 0 && e->answered_ms == 0) {
		e->answered = true;
		e->answered_ms = answered_ms;
	}
	switch (p->stage) {
	case CARRIER_STAGE_PLACED:
		if (e->placed_ms == 0)
			e->placed_ms = p->at_ms;
		break;
	case CARRIER_STAGE_ANSWERED:
		if (e->answered_ms == 0)
			e->answered_ms = p->at_ms;
		if (p->answered_by != NULL)
			(void)snprintf(e->answered_by, sizeof(e->answered_by),
			    "%s", p->answered_by);
		break;
	case CARRIER_STAGE_ENDED:
		e->ended_ms = p->at_ms;
		e->outcome = p->outcome;
		if (p->by != NULL)
			(void)snprintf(e->by, sizeof(e->by), "%s", p->by);
		break;
	case CARRIER_STAGE_RINGING:
	default:
		break;
	}
	(void)snprintf(e->source, sizeof(e->source), "%s", source);
}

void
run_evidence_merge(struct run_evidence *to, const struct run_evidence *from)
{
	if (from->placed && !to->placed)
		to->placed_ms = from->placed_ms;
	if (from->answered && !to->answered) {
		to->answered_ms = from->answered_ms;
		memcpy(to->answered_by, from->answered_by,
		    sizeof(to->answered_by));
	}
	if (from->ended && !to->ended) {
		to->ended_ms = from->ended_ms;
		to->outcome = from->outcome;
		memcpy(to->by, from->by, sizeof(to->by));
	}
	if (to->call_id[0] == '\0')
		memcpy(to->call_id, from->call_id, sizeof(to->call_id));
	if (to->source[0] == '\0')
		memcpy(to->source, from->source, sizeof(to->source));
	to->placed = to->placed || from->placed;
	to->ringing = to->ringing || from->ringing;
	to->answered = to->answered || from->answered;
	to->ended = to->ended || from->ended;
}
