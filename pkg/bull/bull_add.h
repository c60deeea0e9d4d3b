#ifndef DSRUN_BULL_ADD_H
#define DSRUN_BULL_ADD_H

#include "bull/bull.h"

/*
 * Adding jobs as a producer does (dsrun seed).
 */

struct bull_new {
	const char *id;   /* NULL = the next number; see bull_add */
	const char *name; /* NULL = Bull's "__default__" */
	const char *data; /* JSON text */
	size_t data_len;
	int64_t attempts; /* 0 = the library's default */
	int64_t delay_ms;
	int64_t priority; /* 0 = none; at most 2,097,151 */
	bool lifo;
	const char *backoff;            /* JSON text, or NULL */
	const char *remove_on_complete; /* JSON text, or NULL */
	const char *remove_on_fail;     /* JSON text, or NULL */
};

/*
 * DONE or, when there is a job of this id, whatever it holds, ALREADY; text:
 * the id.  ERR_MALFORMED at once: what should be JSON is none, a bad priority,
 * or an id that the library refuses or that would be one of the queue's own
 * keys.  A lost reply: safe to repeat with an id; without one it may be added
 * twice.
 */
enum err_code bull_add(struct bull *b, const struct bull_new *job,
    struct bull_call *c, struct err *err);

#endif
