#ifndef DSRUN_SOURCE_REJECTS_H
#define DSRUN_SOURCE_REJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * The lines of a file that were refused: DIR/NAME.rejects.jsonl, each with
 * "error" and "line" added; what is no JSON object becomes {"raw", "error",
 * "line"}.  The file takes its name only when all is in it and on disk, and
 * replaces what an earlier run over a file of this name left; the same input
 * gives the same bytes.  Nothing refused: no file is made and none replaced.
 */
struct source_rejects;

/* Touches no file yet.  env is borrowed, dir and name are copied. */
struct source_rejects *source_rejects_new(
    struct env *env, const char *dir, const char *name);

/* ERR_SPACE, ERR_IO: this reject was not taken; may be repeated. */
enum err_code source_rejects_add(struct source_rejects *r, const char *raw,
    size_t len, int64_t line, const char *error, struct err *err);

int64_t source_rejects_count(const struct source_rejects *r);

/* Where they are once finished; also before. */
const char *source_rejects_path(const struct source_rejects *r);

/* fsync, rename, fsync of the directory.  May be repeated after an error. */
enum err_code source_rejects_finish(struct source_rejects *r, struct err *err);

/* What was not finished is removed; NULL-safe. */
void source_rejects_free(struct source_rejects **r);

#endif
