#include "journal/journal_read.h"

#include "run/run_priv.h"

#define REST_TICKS 3 /* without work */

/* A worker waits for days: what it needs at work alone it keeps no longer. */
void
run_rest(struct run *r)
{
	const struct run_progress *p = &r->progress;
	int64_t done = p->claimed + p->finished + p->pushed + p->fetched;

	if (done != r->done_when_last_seen || r->live > 0) {
		r->done_when_last_seen = done;
		r->idle_ticks = 0;
		return;
	}
	if (r->idle_ticks >= REST_TICKS || ++r->idle_ticks < REST_TICKS ||
	    done == 0)
		return;
	journal_read_rest(r->journal);
	mem_trim();
}
