#ifndef DSRUN_SOURCE_SPOOL_H
#define DSRUN_SOURCE_SPOOL_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * A directory into which others rename files of jobs.
 *
 *   spool/NAME        a file that counts: it was renamed in when complete.
 *                     Names that begin with '.' or end in .tmp, .part or ~ do
 *                     not count, nor do directories
 *   spool/work/NAME   taken by us; only what stands here is read, so that a
 *                     producer who reuses a name cannot lose a file
 *   spool/done/NAME   all its jobs are in the journal, its rejects in place
 *   spool/failed/NAME the file as a whole could not be used; NAME.error says
 *                     why
 *
 * Files are taken oldest first (then by name).  One process at a time works on
 * a spool, by a lock on spool/.lock.  A crash leaves the file in work/; the
 * next pass begins with it, and the journal answers KNOWN to what it has.
 * A name that is taken already in done/ or failed/ gets a number: x.csv,
 * x.2.csv.
 */
struct source_spool;

/*
 * Make what is missing and take the lock.  ERR_BUSY: another process works on
 * it.  settle_ms: how long a file must have been left unchanged, for producers
 * who cannot rename; 0 = not at all.  env is borrowed, dir copied.  Release
 * with close, which gives the lock back.
 */
enum err_code source_spool_open(struct env *env, const char *dir,
    int64_t settle_ms, struct source_spool **out, struct err *err);
void source_spool_close(struct source_spool **s); /* NULL-safe */

/*
 * Take the next file.  *name is its name (for the rejects and people), *path
 * where to read it; both live until the next call.  *name NULL: none is there
 * now.  The one before must have been finished, failed or left.
 */
enum err_code source_spool_next(struct source_spool *s, const char **name,
    const char **path, struct err *err);

/*
 * All of it is in the journal, durably, and its rejects are in place: move it
 * to done/.  After an error the file is still in work/.
 */
enum err_code source_spool_finish(struct source_spool *s, struct err *err);

/* It cannot be used as a whole, for this reason: move it to failed/. */
enum err_code source_spool_fail(
    struct source_spool *s, const char *why, struct err *err);

/* Not now: it stays in work/, and this pass does not give it again. */
void source_spool_leave(struct source_spool *s);

#endif
