#ifndef DSRUN_TESTS_FUZZ_MEM_ENV_H
#define DSRUN_TESTS_FUZZ_MEM_ENV_H

#include "base/buf.h"
#include "base/env.h"

/*
 * A disk in memory behind struct env, for a test that needs files a hundred
 * thousand times a second.
 *
 * Only what the readers and writers of files call is there: files, names and
 * sync.  A directory is whatever was made, and whatever a file lies in.  The
 * clock stands at 0; timers, posts, work, locks and randomness are absent, so
 * that asking for them crashes.
 */

#define MEM_ENV_FILES_MAX 32
#define MEM_ENV_BYTES_MAX (1 << 20) /* of one file */

/* Release with mem_env_free. */
struct env *mem_env_new(void);
void mem_env_free(struct env **env); /* NULL-safe */

/* Make or replace a file. */
void mem_env_put(
    struct env *env, const char *path, const void *bytes, size_t len);

/* NULL when there is none; lives until the next change. */
const struct buf *mem_env_get(struct env *env, const char *path);

/* Files that are there: for finding what was left behind. */
size_t mem_env_count(const struct env *env);

/*
 * From now on the disk is full: a write lays down at most that many bytes
 * more, and what does not fit is ERR_SPACE with its first part written.
 * SIZE_MAX: there is room again.
 */
void mem_env_room(struct env *env, size_t bytes);

#endif
