#ifndef DSRUN_JOURNAL_LIFE_H
#define DSRUN_JOURNAL_LIFE_H

#include "journal/journal.h"

/*
 * How a job came to be called again, and what stands in its way.  For run/ and
 * for commands; errors as in journal.h.
 */

/* Inside a transaction: */

/*
 * Did a person's REDIAL (and not a RETRY) begin the job's present life?  Walks
 * its chain back to that word.
 */
enum err_code journal_redialled(struct journal *j,
    const struct journal_job *job, bool *out, struct err *err);

/* The attempts that hold number and org (0 = not asked for); 0 = none. */
enum err_code journal_holders(struct journal *j, int64_t number, int64_t org,
    int64_t *number_by, int64_t *org_by, struct err *err);

/* Slots in use, as a claim counts them. */
enum err_code journal_slots(struct journal *j, int64_t campaign, int64_t kind,
    struct journal_live *out, struct err *err);

/*
 * Jobs that wait for their calling hours, the soonest first, at most max; of
 * that kind, or (0) the soonest of each kind among the 1,000 that come due
 * first.  None that came from a queue.
 */
enum err_code journal_shut_out(struct journal *j, int64_t kind, int64_t *ids,
    size_t max, size_t *count, struct err *err);

/*
 * On the loop's thread: this journal was restored or adopted, and what an
 * earlier life of it did before that moment may be unknown here; 0 = never,
 * INT64_MAX = by its clock of then nobody can say when that was.
 */
enum err_code journal_lost_before(
    struct journal *j, int64_t *before_ms, struct err *err);

#endif
