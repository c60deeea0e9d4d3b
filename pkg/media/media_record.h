#ifndef DSRUN_MEDIA_RECORD_H
#define DSRUN_MEDIA_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "media/media_ulaw.h"

/*
 * A call's recording while it is made: a journal of mu-law frames (.ul2).
 *
 * Each 20 ms of the call is one record of 320 bytes: 160 of the callee, then
 * 160 of the agent.  Record n stands at offset 320 * n and is the sound n *
 * 20 ms after ANSWERED, so the file needs no header, its length is its
 * duration, and cutting it to whole records is all the repair it ever needs.
 *
 * After kill -9 all but the last second is there (what was not yet written);
 * after a power cut what was synced.  Not fsynced while the call runs: the
 * owner syncs before the transaction that names the file.
 */

#define MEDIA_RECORD_BYTES (2 * MEDIA_FRAME)
#define MEDIA_RECORD_BUFFER (50 * MEDIA_RECORD_BYTES) /* one second, 16 kB */

struct media_record;

/*
 * Make path (ERR_EXISTS when it is there).  max_ms is the longest recording:
 * later frames are refused.  env is borrowed.  Release with close.
 */
enum err_code media_record_open(struct env *env, const char *path,
    int64_t max_ms, struct media_record **out, struct err *err);

/*
 * Lay down frame number frame (from 0).  Frames skipped since the last one
 * are filled with silence; NULL is silence too.  ERR_STATE: the frame was
 * written already, or lies beyond max_ms.  ERR_SPACE, ERR_IO: the buffer is
 * full and could not be written; the frame was not taken and may be tried
 * again.  Touches the disk once a second.
 */
enum err_code media_record_frame(struct media_record *r, int64_t frame,
    const uint8_t callee[MEDIA_FRAME], const uint8_t agent[MEDIA_FRAME],
    struct err *err);

/* Write what is buffered.  A failed flush may be repeated. */
enum err_code media_record_flush(struct media_record *r, struct err *err);

/*
 * fsync the file (not its directory); flush first.  May run on the writer's
 * thread while nothing else uses r.
 */
enum err_code media_record_sync(struct media_record *r, struct err *err);

/* Frames laid down (flushed or not): the next frame number. */
int64_t media_record_frames(const struct media_record *r);
int64_t media_record_ms(const struct media_record *r);

struct media_record_info {
	int64_t bytes; /* a multiple of MEDIA_RECORD_BYTES */
	int64_t duration_ms;
	uint8_t sha256[SHA256_BYTES];
};

/*
 * Size and hash of what was flushed, without reading the file again.  After a
 * last flush that failed the file may hold more: ask media_record_repair.
 */
void media_record_info(
    const struct media_record *r, struct media_record_info *out);

/* Closes without flushing; NULL-safe, sets the caller's pointer to NULL. */
void media_record_close(struct media_record **r);

/*
 * After a crash: cut path to whole records, fsync it, and say what is there
 * (its hash is read from the file).  ERR_NOT_FOUND when there is none.  May
 * be repeated, and may run on the writer's thread.
 */
enum err_code media_record_repair(struct env *env, const char *path,
    struct media_record_info *out, struct err *err);

#endif
