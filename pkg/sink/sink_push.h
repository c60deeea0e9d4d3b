#ifndef DSRUN_SINK_PUSH_H
#define DSRUN_SINK_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

#include "sink/sink.h"

/*
 * The port to sinks behind a network: one result at a time is begun, several
 * are under way at once, and doing one twice is the same as doing it once.
 *
 * run/ decides when: rows of a job and sink in order, backoff, the service's
 * breaker and rate, dead letters.  The sink only says what came of one try.
 * Loop's thread only; a sink with a thread of its own comes back to the loop.
 */

#define SINK_PUSH_KEPT_MAX 4096

/* One try of one row, embedded in its owner, zeroed before it is filled in;
 * what it points at lives until done() or cancel. */
struct sink_push {
	const struct sink_result *result;
	int64_t row;   /* its number in the outbox: unique, stable over tries */
	int64_t tries; /* before this one */
	/* What keep() stored for this row in an earlier try; "" = nothing. */
	const char *kept;
	/*
	 * Set by run/: store text (less than SINK_PUSH_KEPT_MAX bytes) with the
	 * row; kept_done() follows from the loop once it is durable.  For what
	 * must be found again after a crash: the id of a multipart upload.
	 */
	void (*keep)(struct sink_push *p, const char *text);
	void (*kept_done)(struct sink_push *p, enum err_code code);
	/* Called from the loop, exactly once, unless cancelled. */
	void (*done)(struct sink_push *p);

	/*
	 * Out.  ERR_NONE: the peer has it for certain, or had it already, or
	 * has a newer revision.  A code of class RETRY: again later, not before
	 * retry_after_ms (-1: by the row's own backoff).  FINAL: never; the row
	 * becomes a dead letter with err's text.  FATAL: a fault of the set-up
	 * (a refused password): the row stays, the sink is left alone.
	 * blame: does it count against the service (its breaker)?
	 * echo: the answer was another's too, and counts with that one.
	 * note: beside ERR_NONE, what a person may want to know; "" = nothing.
	 */
	enum err_code code;
	struct err err;
	int64_t retry_after_ms;
	bool blame, echo;
	char note[128];
	/* With ERR_NONE: the delivery that was answered, as its lease in the
	 * journal has it; run/ notes it as ANSWERED in the transaction that
	 * notes the row, and frees it.  NULL: none. */
	char *answered;

	/* the sink's own, until done() */
	void *impl;
	struct list node;
};

struct sink_push_ops {
	/* Never calls done() before it returns. */
	void (*start)(void *s, struct sink_push *p);
	/* It never calls back; repeatable. */
	void (*cancel)(void *s, struct sink_push *p);
	/* Everything that may start now was started: send what was gathered
	 * (a bulk write, a batch of log lines).  NULL: start sends at once. */
	void (*flush)(void *s);
	void (*free)(void *s);
};

/* A sink in use: borrowed by run/, freed by whoever wired it. */
struct sink_pusher {
	const char *name;    /* "s3": in reports, --json and the journal */
	const char *service; /* whose breaker and rate it uses */
	const struct sink_push_ops *ops;
	void *impl;
	int64_t at_once; /* pushes under way; at least 1 */
};

#endif
