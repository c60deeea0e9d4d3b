#ifndef DSRUN_CMD_STATUS_H
#define DSRUN_CMD_STATUS_H

#include "ctx.h"
#include "journal/journal_read.h"

/* What `status` knows, read once and then printed either way. */

struct status_pause {
	char *campaign; /* NULL = all */
	char *by, *reason;
	int64_t at_ms;
};

struct status {
	struct ctx *ctx;
	struct journal *journal;
	const char *only; /* --worker-id; NULL = all */
	struct journal_counts counts;
	struct status_pause *pauses;
	size_t pause_count;
	struct journal_owner_row *workers; /* whose row is open */
	size_t worker_count;
	struct journal_service *services; /* ever used */
	size_t service_count;
	int64_t limit; /* limits.concurrency */
	bool clock_trusted;
	const char *clock_why;
	/* The newest drain; id 0 = none yet. */
	struct {
		int64_t id, started_ms, ended_ms;
		char *summary; /* JSON; NULL: it runs, or died */
	} drain;
	unsigned
	    unset; /* sinks with rows that wait, and not configured: bits */
	int64_t db_bytes, wal_bytes;
};

void status_json(struct status *s);
void status_text(struct status *s);

/* Is this the run that ID means: its number, or its name? */
bool status_is(const struct journal_owner_row *o, const char *id);

#endif
