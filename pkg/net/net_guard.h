#ifndef DSRUN_NET_GUARD_H
#define DSRUN_NET_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/*
 * A circuit breaker and a rate limiter for one service, as plain data and
 * arithmetic: a cron run is a new process, so their state is a row of the
 * journal (journal_service_get and _put), and nothing here reads a clock.
 *
 * Time is BOOTTIME of the boot that the state names; after another boot, or
 * when the clock stands before the state's, distances are unknown: an open
 * breaker then waits its whole open_ms again, and a limiter begins with what
 * it had left.  So a clock that is wrong makes dsrun wait, never hurry.
 *
 * Breaker (seed_numbers: 001 sections 3.3.4 to 5.5.3): Closed counts errors
 * from the first on; threshold of them within threshold_ms make it Open for
 * open_ms (the table's "timeout"); then HalfOpen lets one through: success
 * closes it, an error opens it again.  An error later than threshold_ms after
 * the first begins a new count, so that threshold errors in such a time may
 * go by when they lie across two counts, 2 * threshold - 1 never.
 *
 * quiet_ms (the table's "reset") is how long a half-open breaker waits for the
 * end of the one it let through, whose process may have died: then it lets
 * another one through.  That it ends the count as well is not said anew here:
 * within threshold_ms the number of errors decides, and after it the count is
 * over.
 */

enum net_limit_kind {
	NET_LIMIT_NONE,
	/* Bursts up to `limit`, refilled evenly: in any time T no more than
	 * limit + T * limit / window. */
	NET_LIMIT_TOKEN,
	/* One every window/limit, no bursts; where more than one is due in a
	 * millisecond, a millisecond's worth at once. */
	NET_LIMIT_LEAKY,
	/* `limit` in each window; a window begins with the first request after
	 * the one before it is over. */
	NET_LIMIT_FIXED
};

struct net_guard_terms {
	enum net_limit_kind kind;
	int64_t limit;     /* 1 to 1,000,000,000; what is outside counts as
			    * the nearest that is inside */
	int64_t window_ms; /* 1 ms to 31 days, likewise */
	int64_t threshold; /* errors; 0 = no breaker */
	int64_t threshold_ms;
	int64_t open_ms;
	int64_t quiet_ms;
};

/*
 * The numbers of the specification.  Names: "openai", "livekit", "calendar",
 * "s3", "logtail", "mongo", "redis", "webhook", "bull", "other"; NULL for any
 * other name: that service has none of its own and gets those of "other".
 *
 * Where it is silent they are chosen: the breaker of LogTail, MongoDB, webhooks
 * and "other" is LiveKit's; Redis and Bull have that of its recovery table
 * (A.2: "queue error, circuit break, 5, 1000 ms").  S3 is given 5,500 a second
 * and the strategy "none": the number stands here, nothing is held to it.
 */
const struct net_guard_terms *net_guard_defaults(const char *service);

enum net_breaker {
	NET_BREAKER_CLOSED,
	NET_BREAKER_OPEN,
	NET_BREAKER_HALF
};

/* As the table `service` keeps it. */
struct net_guard {
	enum net_breaker breaker;
	int64_t failures; /* since first_ms */
	uint8_t boot[ENV_ID_BYTES];
	int64_t since_ms;     /* BOOTTIME: opened, let one through, or first
			       * failure counted */
	int64_t tokens_micro; /* millionths left, below 0: owed; FIXED: the
			       * number used so far */
	int64_t filled_ms; /* BOOTTIME of tokens_micro; FIXED: window start */
};

/* As of a new service: closed, full. */
void net_guard_init(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms);

/*
 * May n requests (at least 1) go now?  0 = yes, and they are counted; else how
 * many milliseconds from now it is worth asking again, at least 1, and nothing
 * was counted.  More than a limiter could ever give at once go when it is
 * full, and the ones behind them wait until that is paid.
 */
int64_t net_guard_ask(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms, int64_t n);

/* What came of one. */
void net_guard_ok(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms);
void net_guard_error(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms);

/* "closed", "open", "half-open". */
const char *net_breaker_name(enum net_breaker b);

#endif
