#ifndef DSRUN_JOURNAL_LEASE_H
#define DSRUN_JOURNAL_LEASE_H

#include "journal/journal.h"

/*
 * Jobs that a queue outside waits for.  While one is in our hands the queue
 * holds it under a lock that names this journal; the lease is our side of that:
 * what the source needs to renew, give back or answer it.
 *
 *   HELD       ours.  It may be called when the journal says so.
 *   RETURNING  on disk that it goes back; the queue may or may not know yet.
 *              It is not called any more, and the source says it again until
 *              the queue has heard.
 *   AWAY       the queue has it, or another took it.  Not called.
 *   ANSWERED   the queue has our answer.
 *
 * A job that is RETURNING or AWAY is QUEUED until JOURNAL_AWAY_MS with reason
 * `away`; met again it is READY under its new lease, and calls it had before
 * count as before; and CANCELLED once its queue no longer has it.  So is a job
 * that is HELD and whose lock may have ended: it is in doubt until it is
 * renewed.
 */

/* 9999-12-31T23:59:59Z: never. */
#define JOURNAL_AWAY_MS INT64_C(253402300799000)
#define JOURNAL_TICKET_MAX 2048

enum journal_lease_state {
	JOURNAL_LEASE_HELD,
	JOURNAL_LEASE_RETURNING,
	JOURNAL_LEASE_AWAY,
	JOURNAL_LEASE_ANSWERED
};

struct journal_lease {
	int64_t job;
	enum journal_lease_state state;
	int64_t due_ms;   /* RETURNING: put off until then; 0 = next in line */
	int64_t until_ms; /* HELD: by our wall clock */
	bool own_ladder;
	enum job_state job_state; /* HELD: it is being called */
	char ext[JOURNAL_EXT_MAX];
	char ticket[JOURNAL_TICKET_MAX];
};

/* --- inside a transaction ----------------------------------------------- */

/* What taking a job from its queue came to. */
enum journal_met {
	JOURNAL_MET_NEW,
	JOURNAL_MET_BACK,   /* it was away, and is READY again */
	JOURNAL_MET_HERE,   /* it never left, or is a person's to decide */
	JOURNAL_MET_LET_GO, /* this very delivery went back before: nothing was
			     * changed, the queue is to give it anew */
	JOURNAL_MET_FINAL, /* it was called before: its result goes out again */
	JOURNAL_MET_PRUNED /* the same, and the journal no longer has it: no
			    * lease was made, the source answers by itself */
};

/*
 * After journal_job_add of a job that was taken from a queue, when that added
 * it: ours under ticket.
 */
enum err_code journal_lease_new(struct journal *j, int64_t job,
    const char *source, const char *ticket, bool own_ladder, int64_t until_ms,
    struct err *err);

/*
 * The same when the job was known: ours under ticket from now on, whatever was
 * before.  But what another process of this journal took in and let go already
 * (LET_GO) may be somebody else's by now.
 */
enum err_code journal_lease_take(struct journal *j, int64_t job,
    const char *ticket, bool own_ladder, int64_t until_ms,
    enum journal_met *met, struct err *err);

/* *found false: it came from no queue. */
enum err_code journal_lease_get(struct journal *j, int64_t job,
    struct journal_lease *out, bool *found, struct err *err);

/*
 * Is this still the delivery that the journal has of job?  Else another
 * process of this journal took it again since, and what is known of the older
 * one is not to be noted.
 */
enum err_code journal_lease_is(struct journal *j, int64_t job,
    const char *ticket, bool *out, struct err *err);

/*
 * Does the queue count the tries of job, and wait between them?  Then ours is
 * one try and no more.  false also for a job of no queue.
 */
enum err_code journal_lease_is_one_try(
    struct journal *j, int64_t job, bool *out, struct err *err);

/*
 * Did another take job, or the queue have it back, while we called it?  Then
 * what follows is not ours to call.  false also for a job of no queue.
 */
enum err_code journal_lease_is_away(
    struct journal *j, int64_t job, bool *out, struct err *err);

/*
 * Renewed, or reclaimed under another ticket (NULL = the same).  Only HELD.
 * *back: it was in doubt, and may be called again.
 */
enum err_code journal_lease_renew(struct journal *j, int64_t job,
    const char *ticket, int64_t until_ms, bool *back, struct err *err);

/*
 * Is job ours under a lock, and until when by our wall clock?  *held false also
 * for a job of no queue, and for one that went back.
 */
enum err_code journal_lease_until(struct journal *j, int64_t job, bool *held,
    int64_t *until_ms, struct err *err);

/*
 * Leases of source that are HELD by jobs nobody has begun to call become
 * RETURNING, at most max: all of them, or (beyond_ms > 0) those that may not
 * be called before beyond_ms, which are to come again when they may be; but
 * none that is in doubt.
 */
enum err_code journal_lease_return(struct journal *j, const char *source,
    int64_t beyond_ms, int64_t max, int64_t *count, struct err *err);

/*
 * Leases of source that are HELD by jobs that are not being called, and that
 * end before before_ms (as until_ms): AWAY, at most max of them.
 */
enum err_code journal_lease_give_up(struct journal *j, const char *source,
    int64_t before_ms, int64_t max, int64_t *count, struct err *err);

/*
 * The queue has it, or somebody else took it.  A job that is not called at the
 * moment is not called any more; one that is goes on to its end.
 */
enum err_code journal_lease_away(
    struct journal *j, int64_t job, struct err *err);

/*
 * The queue no longer has it: removed there, or done by another who removes
 * what is done.  A job that is not called at the moment is CANCELLED (`gone`),
 * with its result for the other sinks; one that is called goes on to its end.
 */
enum err_code journal_lease_gone(
    struct journal *j, int64_t job, struct err *err);

/* The queue has heard of its end, or that a person must decide. */
enum err_code journal_lease_answered(
    struct journal *j, int64_t job, struct err *err);
/* Only while this is the delivery that the journal has (journal_lease_is). */
enum err_code journal_lease_answered_as(
    struct journal *j, int64_t job, const char *ticket, struct err *err);

/* --- on the loop's thread ----------------------------------------------- */

/* Of source, in that state (HELD or RETURNING), in the order of jobs. */
enum err_code journal_read_leases(struct journal *j, const char *source,
    enum journal_lease_state state, int64_t after_job, int64_t limit,
    void (*fn)(void *arg, const struct journal_lease *l), void *arg,
    struct err *err);
/* Of source: AWAY, and waiting for the queue to give them again; by jobs. */
enum err_code journal_read_away(struct journal *j, const char *source,
    int64_t after_job, int64_t limit,
    void (*fn)(void *arg, const struct journal_lease *l), void *arg,
    struct err *err);
/* As journal_lease_get. */
enum err_code journal_read_lease(struct journal *j, int64_t job,
    struct journal_lease *out, bool *found, struct err *err);
/* Has a job of source with this identity ever been taken in? */
enum err_code journal_read_is_known(struct journal *j, const char *source,
    const char *ext, bool *known, struct err *err);
/*
 * Has step of campaign been called here, or a later one, or is that step about
 * to be: by a job whose identity does not begin with but?  What went back to
 * its queue does not count.
 */
enum err_code journal_read_is_made(struct journal *j, const char *campaign,
    int64_t step, const char *but, bool *made, struct err *err);

#endif
