#ifndef DSRUN_RUN_DECIDE_H
#define DSRUN_RUN_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "conf/conf.h"
#include "journal/journal.h"

/*
 * What a named person decides about jobs: that a parked attempt was placed, was
 * not, or is to be dropped; that a job is taken back; that one that is over is
 * called again.
 *
 * One call is one transaction: a row in `deed` says who, why and when, the
 * jobs' events name it ("deed 12").  Nothing is dialled and nobody is hung up
 * here: where a live run owns the attempt it is told through its inbox and
 * acts.  For commands, on the loop's thread, while nothing is submitted.
 */

enum run_decide_verb {
	RUN_DECIDE_PLACED, /* PARKED: it rang; counts as a try */
	RUN_DECIDE_ABSENT, /* PARKED: it never rang; may be called now */
	RUN_DECIDE_DROP,   /* PARKED: forget it */
	RUN_DECIDE_CANCEL, /* not called any more; a live call is hung up */
	RUN_DECIDE_RETRY,  /* final: again, from the start of its ladder */
	RUN_DECIDE_REDIAL  /* final: one more call, no ladder behind it */
};

enum run_decide_result {
	RUN_DECIDE_DONE,     /* the job is in `state` now */
	RUN_DECIDE_EVIDENCE, /* evidence lay there and was applied instead */
	RUN_DECIDE_TOLD,     /* CANCEL: the attempt's owner will act */
	RUN_DECIDE_ALREADY,  /* it was so before; nothing changed */
	RUN_DECIDE_REFUSED   /* `code` says why; nothing changed */
};

struct run_decision {
	int64_t job; /* in */
	/* out */
	enum run_decide_result result;
	enum err_code code; /* of REFUSED: ERR_BUSY, ERR_PERSON, ERR_STATE,
			     * ERR_NOT_FOUND */
	char text[320];     /* what happened or why not, with what to do */
	char ext[JOURNAL_EXT_MAX];
	enum job_state state; /* of the job, now */
	enum job_outcome outcome;
	int64_t attempt; /* its newest; 0 = none */
	enum attempt_state attempt_state;
	int64_t owner; /* of that attempt; 0 = none */
	int64_t pid;   /* of owner */
	bool alive;    /* the kernel says so of owner */
};

#define RUN_DECIDE_MAX 500 /* jobs of one call */

struct run_decide_ask {
	struct env *env;
	const struct conf *conf;
	struct journal *journal;
	enum run_decide_verb verb;
	const char *by;     /* not NULL; "" is for CANCEL only */
	const char *reason; /* not NULL */
	/* RETRY, REDIAL: the job's new expiresAt; 0 = as it stands, and one
	 * that has passed is refused, for the job would expire uncalled. */
	int64_t expires_ms;
};

/*
 * Decide on each of count jobs; one that is refused does not stop the others.
 * An error means that nothing was decided at all (ERR_BUSY: the journal's lock
 * was not had).
 */
enum err_code run_decide(const struct run_decide_ask *ask,
    struct run_decision *jobs, size_t count, struct err *err);

const char *run_decide_result_name(enum run_decide_result result);

#endif
