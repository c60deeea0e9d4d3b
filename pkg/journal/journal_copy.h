#ifndef DSRUN_JOURNAL_COPY_H
#define DSRUN_JOURNAL_COPY_H

#include "journal/journal.h"

/*
 * Copies of a journal: taken while it is used, put back, taken over.
 *
 * What these leave behind after restore and adopt is a new incarnation: until
 * `dsrun incarnation accept`, no number is dialled whose key the carrier was
 * not asked for first.
 */

/*
 * A whole, consistent copy at path (must not exist) without holding the write
 * lock; verified (quick_check) and synced before this returns.
 */
enum err_code journal_backup(
    struct journal *j, const char *path, struct err *err);

/* What a restore took over from the file that it replaced. */
struct journal_restored {
	bool lost;       /* there was one, and not all of this could be read */
	int64_t numbers; /* of the do-not-call list that the backup lacks */
	int64_t pauses;
};

struct journal_restore_options {
	struct env *env;
	const char *dir;  /* absolute */
	const char *from; /* the backup; NULL: adopt what lies in dir */
	const char *by;
	const char *reason;
	int64_t build_ms;
	struct journal_restored *restored; /* may be NULL */
};

/*
 * Put a backup in the place of the journal in dir, or make a directory usable
 * that was copied, moved or has lost its lock files.  Everything is verified
 * before anything is replaced: database, event chains, seals.  The file that
 * was there is kept in archive/, and its do-not-call list and pauses are added
 * to the backup's, as far as they can be read.  ERR_BUSY while any dsrun uses
 * dir, or, on this machine, the journal that this is a copy of.
 */
enum err_code journal_restore(
    const struct journal_restore_options *options, struct err *err);

#define JOURNAL_PIDS_MAX 16

/*
 * The processes that use the journal in dir, as /proc shows their locks on its
 * files: also where the journal is refused or its lock files were removed.
 * Not this one; at most JOURNAL_PIDS_MAX.  journal_is_user asks of one.
 */
size_t journal_users_of(
    struct env *env, const char *dir, int64_t pids[JOURNAL_PIDS_MAX]);
bool journal_is_user(struct env *env, const char *dir, int64_t pid);

#endif
