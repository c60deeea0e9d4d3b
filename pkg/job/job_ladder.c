#include "job/job_ladder.h"

#include "base/check.h"

int64_t
job_rung_delay_ms(const struct job_rung *rung, int64_t nth, double jitter)
{
	int64_t cap = rung->max_ms > 0 && rung->max_ms < JOB_DELAY_MAX_MS
			  ? rung->max_ms
			  : JOB_DELAY_MAX_MS;
	double delay = (double)rung->after_ms;

	CHECK(nth >= 1 && rung->after_ms >= 0 && rung->factor >= 1.0);
	CHECK(jitter >= 0.0 && jitter <= 1.0);
	/* Ends early: a factor above 1 reaches the cap, 1 changes nothing. */
	for (int64_t i = 1; i < nth && rung->factor > 1.0 && delay > 0.0 &&
			    delay < (double)cap;
	     i++)
		delay *= rung->factor;
	if (delay > (double)cap)
		delay = (double)cap;
	if (rung->full_jitter)
		delay *= jitter;
	return (int64_t)delay;
}

/* Was there a call, whatever came of it? */
static bool
was_a_call(enum job_outcome outcome)
{
	return outcome != JOB_OUTCOME_REFUSED && outcome != JOB_OUTCOME_NETWORK;
}

static void
no_more(const struct job_ladder_ask *ask, enum job_reason reason,
    const char *why, struct job_ladder_answer *out)
{
	*out = (struct job_ladder_answer){
	    .verdict =
		was_a_call(ask->outcome) ? JOB_LADDER_FINISH : JOB_LADDER_FAIL,
	    .reason = reason,
	    .why = why,
	};
}

void
job_ladder_next(const struct job_ladder *ladder,
    const struct job_ladder_ask *ask, struct job_ladder_answer *out)
{
	const struct job_rung *rung = &ladder->rung[ask->outcome];
	int64_t at;

	CHECK(ask->outcome > JOB_OUTCOME_NONE &&
	      ask->outcome < JOB_OUTCOME_COUNT);
	if (!rung->again) {
		no_more(ask,
		    ask->outcome == JOB_OUTCOME_REFUSED ? JOB_REASON_REFUSED
							: JOB_REASON_NONE,
		    "the ladder has no step for this outcome", out);
		return;
	}
	if (ladder->max_attempts > 0 && ask->tries >= ladder->max_attempts) {
		no_more(ask, JOB_REASON_EXHAUSTED,
		    "every try the ladder allows was used", out);
		return;
	}
	if (__builtin_add_overflow(ask->now_ms,
		job_rung_delay_ms(rung, ask->nth, ask->jitter), &at) ||
	    (ask->expires_ms >= 0 && at >= ask->expires_ms)) {
		no_more(ask, JOB_REASON_EXHAUSTED,
		    "the next try would lie past its expiresAt", out);
		return;
	}
	*out = (struct job_ladder_answer){JOB_LADDER_AGAIN, at,
	    JOB_REASON_LADDER, "the ladder has a step for this outcome"};
}
