#ifndef DSRUN_JOURNAL_PRUNE_PRIV_H
#define DSRUN_JOURNAL_PRUNE_PRIV_H

#include "journal/journal_prune.h"

#include "journal/journal_priv.h"

#define JOURNAL_PRUNE_CHUNK 500 /* jobs, or files, a transaction */
#define JOURNAL_PRUNE_DIALS_MS (INT64_C(7) * 86400000)

/* Of a job j: nothing of it is on its way, given up without a person's word,
 * live, parked or unread. */
#define JOURNAL_OWES_NOTHING                                             \
	"j.state BETWEEN 3 AND 6 AND NOT EXISTS(SELECT 1 FROM outbox o " \
	"INDEXED BY outbox_job WHERE o.job=j.id AND "                    \
	"(o.state=0 OR " JOURNAL_IS_DEAD ")) AND NOT "                   \
	"EXISTS(SELECT 1 FROM attempt a WHERE a.id>j.id*256 AND "        \
	"a.id<j.id*256+256 AND a.state BETWEEN 1 AND 7) AND NOT "        \
	"EXISTS(SELECT 1 FROM inbox i INDEXED BY inbox_open WHERE "      \
	"i.folded IS NULL AND i.attempt>j.id*256 AND i.attempt<j.id*256+256)"

/* What one archive file holds: jobs in the order of their numbers. */
struct journal_prune_job {
	int64_t id;
	int64_t last; /* as seen: a later event means that it lives again */
	uint8_t line[SHA256_BYTES];
};

struct journal_prune_pair {
	int64_t job, row; /* of sealed (n) or inbox (id) */
};

struct journal_prune_plan {
	struct journal_prune_job *jobs;
	size_t count;
	struct journal_prune_pair *seals, *inbox; /* by job, then row */
	size_t seal_count, inbox_count;
};

/* The pairs of one job: from *at on, *n of them. */
void journal_prune_pairs(const struct journal_prune_pair *pairs, size_t count,
    int64_t job, size_t *at, size_t *n);

/*
 * journal_archive_write.c: plan's jobs as a file of their own at path, whole
 * and synced, or not there; sets each job's line.  Within a read transaction
 * of j->r.
 */
enum err_code journal_archive_write(struct journal *j, const char *path,
    int64_t before_ms, struct journal_prune_plan *plan, struct err *err);

/* journal_prune_remove.c: in many transactions; path is where they are. */
enum err_code journal_prune_remove(struct journal *j,
    const struct journal_prune_plan *plan, const char *path, int64_t *removed,
    struct err *err);

#endif
