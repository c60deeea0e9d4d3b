#ifndef DSRUN_SINK_HTTP_PRIV_H
#define DSRUN_SINK_HTTP_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "net/net_http.h"
#include "sink/sink_push.h"

/* What webhook and logtail share: what an exchange means to a push. */

/* code, err, retry_after_ms and blame as in struct sink_push. */
struct sink_http_verdict {
	enum err_code code;
	struct err err;
	int64_t retry_after_ms;
	bool blame;
};

/*
 * 2xx: the peer has it.  408, 425, 429, 5xx, no answer, or none that is HTTP:
 * again, not before its Retry-After; the service is to blame.  Other statuses
 * are final; so is a redirect, which nobody follows.  A certificate that is
 * not trusted, or an address that is none, is a fault of the set-up: FATAL.
 * An answer that was too long counts by its status.
 */
void sink_http_judge(struct env *env, const struct net_http_request *r,
    struct sink_http_verdict *out);

void sink_http_tell(struct sink_push *p, const struct sink_http_verdict *v);

/* The real clock, not the simulated network's: peers are real. */
int64_t sink_http_now_ms(struct env *env);

/* ERR_CONFIG unless url begins with https:// or http:// and has a host; what
 * is the setting's name. */
enum err_code sink_http_check_url(
    const char *what, const char *url, struct err *err);

#endif
