#ifndef DSRUN_SINK_WEBHOOK_H
#define DSRUN_SINK_WEBHOOK_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "net/net_http.h"
#include "sink/sink_push.h"

/*
 * Results posted to an address, signed.
 *
 *   POST url
 *   Content-Type: application/json
 *   DSRun-Event-Id: evt_...            the same in every try (sink_json.h)
 *   DSRun-Signature: t=1767603600,v1=HEX[,v1=HEX ...]
 *
 * The body is the line of results.jsonl without its newline (sink_json.h); it
 * has no paths of this machine, only URLs.  t is the real time of this try in
 * Unix seconds, each v1 the HMAC-SHA-256 of "t.body" by one of the secrets, so
 * that a secret can be changed while receivers know the old one.  A receiver
 * checks one v1, that t is near its own time, and drops event ids it has had:
 * a try whose answer was lost is made again.
 *
 * 2xx is success.  408, 425, 429, 5xx and no answer: later.  Else, 410 and
 * redirects too: the row is dead.  A certificate that is not trusted leaves
 * the row and stops the sink.  Only an answer's status and first line count.
 */
#define SINK_WEBHOOK_SECRETS_MAX 4

struct sink_webhook_options {
	struct env *env;
	struct net_http *http; /* borrowed */
	const char *url;
	/* 1 to 4, ended by NULL; copied, wiped at the end */
	const char *const *secrets;
	const char *origin; /* the journal's id */
	int64_t at_once;    /* 0 = 4 */
	int64_t total_ms;   /* for one try; 0 = 30 s */
};

/* Strings are copied.  ERR_CONFIG: the address is none, or no secret, an empty
 * one, or too many.  Freed by its ops->free. */
enum err_code sink_webhook_new(const struct sink_webhook_options *options,
    struct sink_pusher **out, struct err *err);

#endif
