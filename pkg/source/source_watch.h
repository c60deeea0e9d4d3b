#ifndef DSRUN_SOURCE_WATCH_H
#define DSRUN_SOURCE_WATCH_H

#include "source/source.h"
#include "source/source_file.h"

/*
 * A spool directory (source_spool.h) as a source that never ends: next gives
 * the jobs of one file after the other, and NULL while there is none; ask
 * again from time to time.
 *
 * A file is moved to done/ by the first next (or finish) after all its jobs
 * were taken, its rejects being in place by then.  One whose jobs were
 * released stays in work/ and is read again.  One that cannot be used as a
 * whole goes to failed/, counts as one refused, and the next follows.  While
 * another process works on the spool there is nothing for this one, which is
 * no error; the lock is given back whenever no file is left.
 */

struct source_watch_options {
	const char *spool_dir;
	int64_t settle_ms; /* conf.spool_settle_ms */
	/* How to read each file; path, read and name are not looked at. */
	struct source_file_options file;
};

/* options, and what they point at, must outlive it; freed by ops->free. */
struct source *source_watch_new(const struct source_watch_options *options);

#endif
