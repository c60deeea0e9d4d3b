#ifndef DSRUN_BULL_TICKET_H
#define DSRUN_BULL_TICKET_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include "bull/bull.h"

/*
 * A delivery as text, which the journal keeps beside the job: all that a call
 * after a crash needs.
 *
 *   {"id":"17","lease":"TOKEN:5","stamp":"1767603600000","tries":0,
 *    "attempts":3}
 */
struct bull_ticket {
	struct bull_ref ref;
	int64_t attempts; /* how many tries the job may have in its queue */
	struct json *doc; /* what ref points into */
};

/* Appended. */
void bull_ticket_write(
    const struct bull_ref *ref, int64_t attempts, struct buf *out);
/* ERR_DAMAGED when it is none.  Release with fini, also after an error. */
enum err_code bull_ticket_read(
    const char *text, struct bull_ticket *out, struct err *err);
void bull_ticket_fini(struct bull_ticket *t);

#endif
