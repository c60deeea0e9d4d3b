#ifndef DSRUN_JOURNAL_CACHE_H
#define DSRUN_JOURNAL_CACHE_H

#include "journal/journal.h"

/*
 * Campaigns and contacts as their store had them when they were last read, so
 * that jobs can be taken in while it is away.  Who reads decides what is too
 * old; the times are the journal's.
 *
 * A contact is a person's: its row has their number, and goes when a job of
 * that number is erased or pruned.  A prune also takes whatever was read
 * before the time it is told.
 */

enum journal_cache_kind {
	JOURNAL_CACHE_CAMPAIGN = 1,
	JOURNAL_CACHE_CONTACT = 2
};

#define JOURNAL_CACHE_ID_MAX 256 /* bytes */

/* Inside a transaction: as read now, in place of what was there.  number: the
 * E.164 digits, 0 = nobody's. */
enum err_code journal_cache_put(struct journal *j, enum journal_cache_kind kind,
    const char *id, int64_t number, const char *body, struct err *err);
/* Inside a transaction: the store has it no longer.  Repeatable. */
enum err_code journal_cache_remove(struct journal *j,
    enum journal_cache_kind kind, const char *id, struct err *err);

/* Loop's thread.  *body: mem_free, NULL when it is not there. */
enum err_code journal_read_cache(struct journal *j,
    enum journal_cache_kind kind, const char *id, char **body,
    int64_t *fetched_ms, struct err *err);

#endif
