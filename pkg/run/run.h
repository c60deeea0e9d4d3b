#ifndef DSRUN_RUN_H
#define DSRUN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"

#include "carrier/carrier.h"
#include "conf/conf.h"
#include "journal/journal.h"
#include "model/model.h"
#include "rules/rules_atlas.h"
#include "sink/sink.h"
#include "sink/sink_push.h"
#include "source/source.h"

/*
 * The work: claim, dial, talk, record what came of it, recover what others
 * left, push results out.  One run belongs to the loop's thread of its env.
 *
 * A run never loses its way: every step it takes is on disk before its effect
 * begins, so at any moment it may die, and the next run goes on from there.
 */

struct run;

#define RUN_PUSHERS_MAX 8

enum run_mode {
	RUN_DRAIN,  /* ends when there is nothing left that it may do */
	RUN_WORKER, /* goes on until it is stopped */
	RUN_SYNC    /* pushes the outbox out and ends; claims nothing */
};

struct run_carrier {
	const char *name; /* "sim" */
	struct carrier *carrier;
};

struct run_model {
	const char *name; /* "scripted" */
	const struct model *model;
};

/* A sink behind a network, and its number in the journal. */
struct run_pusher {
	enum journal_sink number;
	const struct sink_pusher *sink;
	/* A drain pushes to it too, not only `sync` and a worker. */
	bool in_drain;
};

struct run_progress {
	int64_t claimed;  /* attempts armed by this run */
	int64_t finished; /* jobs that became final in it */
	int64_t live;
	int64_t recovered; /* attempts taken over */
	int64_t fetched;   /* jobs that came from the queue */
	int64_t parked;
	int64_t pushed;                      /* outbox rows done */
	int64_t dead;                        /* outbox rows given up */
	int64_t outcomes[JOB_OUTCOME_COUNT]; /* of attempts that ended here */
	int64_t failed, expired, cancelled;  /* jobs */
	bool stopping;
	const char *waits; /* why nothing is claimed now, or NULL */
};

struct run_options {
	struct env *env;
	const struct conf *conf;
	struct journal *journal;
	struct log *log;
	const struct run_carrier *carriers;
	size_t carrier_count;
	const struct run_model *models;
	size_t model_count;
	struct rules_atlas *atlas;
	struct sink *sink;    /* where results go */
	struct source *queue; /* where more jobs come from; NULL = nowhere */
	/* Where the recording (or the transcript) of a result is or will be,
	 * for the other sinks: appended; NULL = nowhere. */
	void (*url)(void *arg, const struct sink_result *r, bool transcript,
	    struct buf *out);
	void *url_arg;
	const struct run_pusher *pushers;
	size_t pusher_count; /* at most RUN_PUSHERS_MAX */
	const char *command; /* "drain" ... for status */
	const char *worker;  /* a name, or NULL */
	enum run_mode mode;
	int64_t concurrency;   /* 0 = conf.limits.concurrency */
	int64_t max_jobs;      /* attempts to arm; 0 = no limit */
	int64_t soft_after_ms; /* stop claiming after this; 0 = never */
	int64_t hard_after_ms; /* end in any case after this; 0 = never */
	int64_t wait_ms;       /* DRAIN: also wait for jobs due within this */
	bool prepare; /* claim first, arm in a transaction of its own */
	/* Something a person should look at, told once for each; may be NULL.
	 */
	void (*attention)(void *arg, const char *what);
	void *attention_arg;
	/* Called from the loop when the run is over; code is the first fatal
	 * error.  The run may be freed from it. */
	void (*ended)(void *arg, enum err_code code, const struct err *err);
	void *arg;
};

/*
 * Begin: becomes an owner, takes over what the dead left, then works.  The
 * options and all they point at must outlive the run.
 */
enum err_code run_start(
    const struct run_options *options, struct run **out, struct err *err);

/*
 * Soft: claim no more, let calls end within conf.run.grace, then end.  Hard
 * (a second call, or hard true): end now; live attempts stay in the journal
 * as they are, and the next run recovers them.
 */
void run_stop(struct run *r, bool hard);

void run_progress(const struct run *r, struct run_progress *out);

/* Only when ended or never started; NULL-safe. */
void run_free(struct run **r);

/*
 * What the gates say of a job now, each verdict in DESIGN's order, for `why`
 * and `--dry-run`.  Runs in a transaction that changes nothing.
 */
struct run_verdict {
	const char *gate;   /* "window" ... */
	const char *result; /* "ok", "later", "never", "wait" */
	char text[160];
	int64_t not_before_ms; /* of later; 0 = not known */
	const char *data;      /* version of the data it stands on, or "" */
};
#define RUN_VERDICTS_MAX 16
enum err_code run_why(const struct run_options *options, int64_t job,
    struct run_verdict verdicts[RUN_VERDICTS_MAX], size_t *count,
    struct err *err);

/*
 * Before a run: jobs that wait for calling hours which would open sooner now
 * than when they were put off have their time at once, and the gates decide
 * again.  *count of them.  Does nothing while the clock is not trusted.
 */
enum err_code run_reopen(
    const struct run_options *options, int64_t *count, struct err *err);

#endif
