#ifndef DSRUN_JOURNAL_PRUNE_H
#define DSRUN_JOURNAL_PRUNE_H

#include "journal/journal.h"

/*
 * Letting go of what is long over.
 *
 * A job may be pruned when it is final, its last event is older than asked,
 * every result has reached its sink or was given up, and nothing of it waits.
 * Its history goes to a file that proves itself (journal_archive.h), which is
 * written, synced and read back before a single row goes; then events,
 * attempts, personal data, inbox and outbox go, in small transactions.  The
 * job's row and its seals stay: an identity that came once is known for ever.
 *
 * The job of the journal's newest event is never pruned: the mark and the head
 * rest on that event.  Dials of the last seven days stay whatever happens to
 * their job: the caps on a number rest on them.
 *
 * What was read in another's store for calls (journal_cache.h) goes with the
 * job that used it, and when it was read before that time.
 *
 * After a crash anywhere a repeated prune goes on: a job is in `archived` and
 * gone, or untouched; at worst two files tell of it.
 */

/* A file within recordings/ that belongs to nobody any more. */
struct journal_prune_file {
	int64_t attempt;
	int kind; /* enum run_artifact_kind */
	char *path;
};

struct journal_prune {
	/* in */
	int64_t before_ms; /* the last event is older than this */
	bool dry_run;      /* count only */
	/* out; released by journal_prune_fini */
	int64_t jobs;
	char *archive; /* the file written last, within the journal's
			* directory; NULL = none */
	/*
	 * Of this prune, one that died, and erased jobs.  Remove them, then
	 * call journal_prune_files_gone.
	 */
	struct journal_prune_file *files;
	size_t file_count;
};

/*
 * On the loop's thread, nothing submitted.  ERR_PERSON: the wall clock is not
 * trusted, so that nobody knows what is old; ERR_BUSY: the write lock was not
 * to be had; ERR_DAMAGED: an archive did not read back as written, nothing was
 * removed.  What was pruned before an error stays pruned.
 */
enum err_code journal_prune(
    struct journal *j, struct journal_prune *p, struct err *err);
/* Forget the files: after they were removed. */
enum err_code journal_prune_files_gone(
    struct journal *j, const struct journal_prune *p, struct err *err);
void journal_prune_fini(struct journal_prune *p);

/* Inside a transaction: a pruned job takes no RETRY and no REDIAL. */
enum err_code journal_is_archived(
    struct journal *j, int64_t job, bool *out, struct err *err);

/*
 * Inside a transaction: everything personal of a final job goes, its history
 * without it stays, with an event that says so.  Its recordings are among the
 * files of the next journal_prune.  ERR_STATE: not final, or erased already;
 * ERR_BUSY: a result is still on its way, or an attempt waits for a person.
 */
enum err_code journal_erase(struct journal *j, int64_t job, const char *by,
    const char *reason, struct err *err);

#endif
