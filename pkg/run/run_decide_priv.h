#ifndef DSRUN_RUN_DECIDE_PRIV_H
#define DSRUN_RUN_DECIDE_PRIV_H

#include "run/run_decide.h"

#include "run/run_priv.h"

/* What run_decide.c and run_decide_resolve.c share: one transaction. */

struct deciding {
	struct journal_tx tx;
	const struct run_decide_ask *ask;
	struct run_decision *jobs;
	size_t count;
	double jitter;
	/* of the transaction */
	struct journal *j;
	int64_t deed; /* 0 = none yet: nothing was changed so far */
	char detail[32];
};

void run_decide_say(struct run_decision *d, enum run_decide_result result,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* text "": it is made when the owner's pid is known.  Always ERR_NONE. */
enum err_code run_decide_refuse(
    struct run_decision *d, enum err_code code, const char *text);
/* One step and the rows that a finish is followed by; a may be NULL; detail
 * NULL: the deed. */
enum err_code run_decide_step(struct deciding *x, struct journal_job *job,
    struct journal_attempt *a, enum attempt_event attempt_event,
    enum job_event job_event, const char *detail, struct err *err);
/* Every message that lies there for attempt; nothing is marked yet. */
enum err_code run_decide_inbox(struct deciding *x, int64_t attempt,
    struct run_evidence *e, bool *cancel, struct err *err);

/* run_decide_resolve.c */
enum err_code run_decide_resolve(struct deciding *x, struct run_decision *d,
    struct journal_job *job, struct journal_attempt *a, struct err *err);

#endif
