#ifndef DSRUN_SINK_BULL_H
#define DSRUN_SINK_BULL_H

#include "base/env.h"
#include "base/err.h"

#include "bull/bull.h"
#include "journal/journal.h"
#include "sink/sink_push.h"

/*
 * Results back to the queue that a job came from, so that whoever added it
 * hears of it as of a Node worker's.
 *
 *   DONE                        completed; return value, always JSON:
 *     {"schema":1,"job":"..","outcome":"..","attempts":1,"callId":"..",
 *      "durationMs":0,"recordingUrl":"..","transcriptUrl":"..","revision":1}
 *   FAILED, EXPIRED, CANCELLED  failed, for good, with the reason
 *   a job that may have more tries in its queue, and ended in no-answer, busy,
 *   failed, hangup, network or refused: a try failed; the queue says whether
 *   and when it comes again.  Where it waits by a JavaScript function that
 *   nobody here can call, after BACKOFF_MS.
 *
 * The lease in the journal says what the queue must be told; that it was told
 * is noted with the row.  What is completed together is said in one call.  Told
 * already, the job gone, or another's: success,
 * for nobody waits for this answer any more.  A job that a stalled check put
 * back is reclaimed first; one that another process of this journal took again
 * is answered under that lease.  A job of no queue: nothing to do.
 */
#define SINK_BULL_BACKOFF_MS 60000

struct sink_bull_options {
	struct env *env;
	struct journal *journal; /* borrowed */
	struct bull *bull;       /* borrowed; open until the sink is freed */
	int64_t lock_ms;         /* of a job that must be reclaimed */
	/* The queue as jobs' source; NULL: whatever it is.  The answer to a job
	 * of another queue waits (ERR_BUSY) until that one is configured. */
	const char *name;
};

/* Freed by its ops->free; what is under way never calls back. */
struct sink_pusher *sink_bull_new(const struct sink_bull_options *options);

#endif
