#ifndef DSRUN_SINK_LOGTAIL_H
#define DSRUN_SINK_LOGTAIL_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "net/net_http.h"
#include "sink/sink_push.h"

/*
 * Results as log events at Better Stack (LogTail): NDJSON in batches, gzip
 * where zlib is there.
 *
 *   {"dt":..,"level":"info","message":"call completed","event":"job.finished",
 *    "eventId":"evt_..","job":{..},"state":..,"outcome":..,"reason":..,
 *    "attempts":..,"call":{..},"costMicros":..,"revision":..}
 *
 * No number, name, word of the call or meeting is in it.  A batch whose answer
 * was lost is sent again and stands there twice, with the same event ids
 * (sink_json.h).
 *
 * What it answers (logs_metrics.md):
 *   2xx            done
 *   408, 425, 429, 5xx, none    later
 *   400, 406, 413, 422  halved and sent again; a line alone is dead
 *   402 (quota), 401 and 403 (token), any other 4xx, a redirect:
 *                  it wants nothing more from us.  This batch and all that
 *                  comes as long as this sink lives goes to the fallback file,
 *                  fsynced, and is done; that is said once.
 *   a certificate that is not trusted: the rows stay, the sink stops
 * No line is lost: what is neither there nor in the file is still in the
 * outbox.  After a crash, or a failed fsync, a line may be in the file twice.
 */
#define SINK_LOGTAIL_LINES 1000      /* in a batch */
#define SINK_LOGTAIL_BYTES (1 << 20) /* in a batch, before gzip */
#define SINK_LOGTAIL_FILE "logtail.jsonl"

struct sink_logtail_options {
	struct env *env;
	struct net_http *http; /* borrowed */
	const char *url;       /* https://in.logs.betterstack.com/ */
	const char *token;     /* of the source; copied, wiped at the end */
	const char *origin;    /* the journal's id */
	const char *dir;       /* of the fallback file; made when needed */
	int64_t batch_lines;   /* 0 = SINK_LOGTAIL_LINES, its most too */
	int64_t total_ms;      /* for one batch; 0 = 30 s */
	/* For a person, once: why nothing is sent any more, and where it goes
	 * instead.  From the loop; may be NULL. */
	void (*attention)(void *arg, const char *what);
	void *arg;
};

/* Strings are copied.  ERR_CONFIG: the address is none, or the token is empty
 * or no printable ASCII.  Freed by its ops->free. */
enum err_code sink_logtail_new(const struct sink_logtail_options *options,
    struct sink_pusher **out, struct err *err);

#endif
