#ifndef DSRUN_SINK_APPEND_H
#define DSRUN_SINK_APPEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "sink/sink.h"

/*
 * The files under the protocol of struct sink_ops: results.jsonl, and
 * results.N.jsonl where it could not be gone on with.
 *
 * The file belongs to its readers too, so it may be found other than we left
 * it.  Nothing that is not ours is ever overwritten:
 *
 *   SHORTER  a new file begins
 *   LONGER   whole lines stand behind ours (another's, or our own of a journal
 *            that was restored since): go on after them
 *   TORN     adding to half a line would spoil both: a new file begins
 *   FOREIGN  our last row does not end where it did, or other bytes stand
 *            where the batch belongs: a new file begins
 *
 * A row whose place was edited between apply and the journal's note stands
 * twice, once in each file: that is told by FOREIGN, and the alternative is to
 * lose it.
 */

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

#endif
