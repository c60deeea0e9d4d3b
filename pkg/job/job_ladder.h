#ifndef DSRUN_JOB_LADDER_H
#define DSRUN_JOB_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "job/job_reason.h"
#include "job/job_state.h"

/*
 * The retry ladder: what follows the end of an attempt.
 *
 * Pure: the time and the random number come in.  run/ asks it once an attempt
 * is ENDED, REFUSED or ABSENT and turns the verdict into the job's event; the
 * outbox takes its delays from the same rungs.  Only an attempt that reached
 * INTENT and was not answered with "later" counts as a try: the caller counts.
 * An ABSENT attempt never reached the network: its outcome here is NETWORK.
 */

/* One step of a ladder: what follows an outcome.  All zero is "none". */
struct job_rung {
	bool again; /* false: "none" */
	int64_t after_ms;
	double factor;    /* at least 1; conf gives 1 when absent */
	int64_t max_ms;   /* of the delay; 0 = no cap but JOB_DELAY_MAX_MS */
	bool full_jitter; /* anything from 0 to the delay, evenly */
};

/* Ten years: what text_duration_ms admits, and far from any overflow. */
#define JOB_DELAY_MAX_MS INT64_C(315360000000)

struct job_ladder {
	int64_t max_attempts;        /* tries; 0 = no limit */
	const struct job_rung *rung; /* JOB_OUTCOME_COUNT, by outcome; lent */
};

enum job_ladder_verdict {
	JOB_LADDER_FINISH, /* JOB_EV_FINISH: DONE with this outcome */
	JOB_LADDER_FAIL,   /* JOB_EV_FAIL: it could not be called */
	JOB_LADDER_AGAIN   /* JOB_EV_LATER: QUEUED until not_before_ms */
};

struct job_ladder_ask {
	enum job_outcome outcome; /* of the attempt that is over; never NONE */
	int64_t tries;            /* of this job, this one included */
	int64_t nth;        /* how often this outcome came, this one included */
	double jitter;      /* evenly from [0, 1] */
	int64_t now_ms;     /* Unix */
	int64_t expires_ms; /* of the job, Unix; -1 = never */
};

struct job_ladder_answer {
	enum job_ladder_verdict verdict;
	int64_t not_before_ms;  /* Unix; AGAIN only, else 0 */
	enum job_reason reason; /* LADDER, EXHAUSTED, REFUSED or NONE */
	const char *why;        /* one clause for the event's reader; static */
};

/*
 * The verdict.  The delay grows with nth, not with tries: a busy line that
 * follows two unanswered calls begins at the first busy delay.  A next time at
 * or after expires_ms is no next time: the job is over now and keeps its
 * outcome, for EXPIRED means that it was never called.
 *
 * When no more is asked, an outcome of a call that the network had (completed
 * to unknown) makes the job DONE; refused and network make it FAILED.
 */
void job_ladder_next(const struct job_ladder *ladder,
    const struct job_ladder_ask *ask, struct job_ladder_answer *out);

/*
 * The nth delay of a rung (n = 1, 2, ...) in milliseconds: after *
 * factor^(n-1), capped, then jittered.
 */
int64_t job_rung_delay_ms(
    const struct job_rung *rung, int64_t nth, double jitter);

#endif
