#ifndef DSRUN_SINK_APPEND_H
#define DSRUN_SINK_APPEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * Appending rows to a file so that each row stands there once, also after a
 * crash.  A file system cannot do that alone; the journal helps:
 *
 *   1. take the lock (sink_append_lock), for all of the following
 *   2. sink_append_plan says where the next batch goes
 *   3. the journal writes down place and bytes, durably
 *   4. sink_append_apply puts exactly these bytes there and fsyncs
 *   5. the journal notes them done: known is now offset + len
 *
 * After a crash between 3 and 5 whoever holds the lock next asks
 * sink_append_verify about the batch the journal knows.  FITS: go on with 4,
 * the same bytes at the same place.  Otherwise journal the place it gives,
 * with the same bytes, and go on with 4 there.
 *
 * The file belongs to its readers too, so it may be found other than we left
 * it.  Nothing that is not ours is ever overwritten:
 *
 *   SHORTER  cut, moved away or lost: a new file begins
 *   LONGER   whole lines stand behind ours (another's, or our own of a journal
 *            that was restored since): go on after them
 *   TORN     what stands behind ours is no whole line: a new file begins
 *   FOREIGN  our last row does not end where it did, or other bytes stand
 *            where the batch belongs: a new file begins
 *
 * Each but FITS is to be reported to a person.  A row whose place was edited
 * between 4 and 5 can then stand twice, once in each file: that is told by
 * FOREIGN, and the alternative is to lose it.
 *
 * Only files and locks are used, so all of this may run on the writer's
 * thread.  ERR_SPACE, ERR_IO: as env; repeat the step.
 */

#define SINK_APPEND_NAME_MAX 32

/* Where a batch goes; the journal stores both. */
struct sink_append_place {
	char name[SINK_APPEND_NAME_MAX]; /* within dir: "results.jsonl" */
	int64_t offset;                  /* bytes from the file's beginning */
};

enum sink_append_found {
	SINK_APPEND_FITS,
	SINK_APPEND_SHORTER,
	SINK_APPEND_LONGER,
	SINK_APPEND_TORN,
	SINK_APPEND_FOREIGN,
	SINK_APPEND_FOUND_COUNT
};

/*
 * DIR/results.lock, made when missing.  ERR_BUSY: another process (or another
 * part of this one) appends now.  Given back by env_close(env, lock), and by
 * the kernel when this process ends.
 */
enum err_code sink_append_lock(
    struct env *env, const char *dir, struct env_file **lock, struct err *err);

/*
 * known: the file in use and how many of its bytes the journal knows of;
 * {"results.jsonl", 0} in the beginning.  *next is where the next batch goes.
 * Reads only.  ERR_PERSON when 10,000 files were begun.
 */
enum err_code sink_append_plan(struct env *env, const char *dir,
    const struct sink_append_place *known, struct sink_append_place *next,
    enum sink_append_found *found, struct err *err);

/*
 * Write and fsync (the directory too when the file is new).  May be repeated.
 * ERR_STATE when the file is shorter than the place says: plan again.
 */
enum err_code sink_append_apply(struct env *env, const char *dir,
    const struct sink_append_place *place, const void *bytes, size_t len,
    struct err *err);

/* Of a batch that was journalled and not noted done.  Reads only. */
enum err_code sink_append_verify(struct env *env, const char *dir,
    const struct sink_append_place *place, const void *bytes, size_t len,
    struct sink_append_place *next, enum sink_append_found *found,
    struct err *err);

/* "shorter" ...: for reports; stable. */
const char *sink_append_found_name(enum sink_append_found found);

#endif
