#include "sink/sink_append.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"

#define FILES_MAX 10000
#define BLOCK_BYTES 4096

enum err_code
sink_append_lock(
    struct env *env, const char *dir, struct env_file **lock, struct err *err)
{
	char *path = mem_printf("%s/results.lock", dir);
	enum err_code code =
	    env_open(env, path, ENV_READ | ENV_WRITE | ENV_CREATE, lock, err);

	if (code == ERR_NONE)
		code = env_lock(env, *lock, 0, true, err);
	if (code != ERR_NONE)
		env_close(env, lock);
	mem_free(&path);
	return code;
}

/* The first of results.2.jsonl, results.3.jsonl ... that is not there. */
static enum err_code
begin_new(struct env *env, const char *dir, struct sink_append_place *next,
    struct err *err)
{
	for (int n = 2; n <= FILES_MAX; n++) {
		struct env_stat st;
		enum err_code code;
		char *path = mem_printf("%s/results.%d.jsonl", dir, n);

		code = env_stat(env, path, &st, err);
		mem_free(&path);
		if (code == ERR_NOT_FOUND) {
			(void)snprintf(next->name, sizeof(next->name),
			    "results.%d.jsonl", n);
			next->offset = 0;
			return ERR_NONE;
		}
		if (code != ERR_NONE)
			return code;
	}
	return err_set(err, ERR_PERSON, 0,
	    "%s: results.jsonl to results.%d.jsonl are there and none can be "
	    "gone on with; move some away",
	    dir, FILES_MAX);
}

/* *f NULL and size 0 when there is no file. */
static enum err_code
open_to_look(struct env *env, const char *dir, const char *name,
    struct env_file **f, int64_t *size, struct err *err)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct env_stat st = {0};
	enum err_code code = env_open(env, path, ENV_READ, f, err);

	if (code == ERR_NONE)
		code = env_fstat(env, *f, &st, err);
	else if (code == ERR_NOT_FOUND)
		code = ERR_NONE;
	*size = st.size_bytes;
	if (code != ERR_NONE)
		env_close(env, f);
	mem_free(&path);
	return code;
}

/* Does a line end right before offset?  At 0 it does. */
static enum err_code
line_ends(struct env *env, struct env_file *f, int64_t offset, bool *ends,
    struct err *err)
{
	char c = '\n';
	size_t got = 1;
	enum err_code code = ERR_NONE;

	if (offset > 0)
		code = env_pread(env, f, &c, 1, offset - 1, &got, err);
	*ends = got == 1 && c == '\n';
	return code;
}

static enum err_code
look(struct env *env, struct env_file *f, int64_t size, int64_t known,
    enum sink_append_found *found, struct err *err)
{
	enum err_code code = ERR_NONE;
	bool ours = true;
	bool whole = true;

	*found = SINK_APPEND_SHORTER;
	if (size < known)
		return ERR_NONE;
	code = line_ends(env, f, known, &ours, err);
	if (code == ERR_NONE && size > known)
		code = line_ends(env, f, size, &whole, err);
	if (!ours)
		*found = SINK_APPEND_FOREIGN;
	else if (!whole)
		*found = SINK_APPEND_TORN;
	else
		*found = size > known ? SINK_APPEND_LONGER : SINK_APPEND_FITS;
	return code;
}

enum err_code
sink_append_plan(struct env *env, const char *dir,
    const struct sink_append_place *known, struct sink_append_place *next,
    enum sink_append_found *found, struct err *err)
{
	struct env_file *f = NULL;
	int64_t size = 0;
	enum err_code code;

	*next = *known;
	code = open_to_look(env, dir, known->name, &f, &size, err);
	if (code == ERR_NONE)
		code = look(env, f, size, known->offset, found, err);
	env_close(env, &f);
	if (code != ERR_NONE)
		return code;
	if (*found == SINK_APPEND_FITS || *found == SINK_APPEND_LONGER) {
		next->offset = size;
		return ERR_NONE;
	}
	return begin_new(env, dir, next, err);
}

enum err_code
sink_append_apply(struct env *env, const char *dir,
    const struct sink_append_place *place, const void *bytes, size_t len,
    struct err *err)
{
	char *path = mem_printf("%s/%s", dir, place->name);
	struct env_file *f = NULL;
	struct env_stat st;
	enum err_code code =
	    env_open(env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &f, err);

	CRASH_POINT("sink.append.opened");
	if (code == ERR_NONE)
		code = env_fstat(env, f, &st, err);
	if (code == ERR_NONE && st.size_bytes < place->offset)
		code = err_set(err, ERR_STATE, 0,
		    "%s: %lld bytes long, expected at least %lld", path,
		    (long long)st.size_bytes, (long long)place->offset);
	if (code == ERR_NONE)
		code = env_pwrite(env, f, bytes, len, place->offset, err);
	CRASH_POINT("sink.append.written");
	if (code == ERR_NONE)
		code = env_sync(env, f, err);
	CRASH_POINT("sink.append.synced");
	if (code == ERR_NONE && place->offset == 0)
		code = env_sync_dir(env, dir, err);
	CRASH_POINT("sink.append.done");
	env_close(env, &f);
	mem_free(&path);
	return code;
}

/*
 * Is what stands at offset a part of our batch?  A kill leaves a beginning of
 * it; a power cut may leave zeros where blocks were not yet written.
 */
static enum err_code
is_ours(struct env *env, struct env_file *f, int64_t offset,
    const uint8_t *bytes, size_t len, bool *ours, struct err *err)
{
	uint8_t block[BLOCK_BYTES];
	size_t done = 0;

	*ours = true;
	while (done < len) {
		size_t got = 0;
		size_t want =
		    len - done < sizeof(block) ? len - done : sizeof(block);
		enum err_code code = env_pread(
		    env, f, block, want, offset + (int64_t)done, &got, err);

		if (code != ERR_NONE)
			return code;
		for (size_t i = 0; i < got; i++)
			if (block[i] != bytes[done + i] && block[i] != 0) {
				*ours = false;
				return ERR_NONE;
			}
		if (got < want)
			return ERR_NONE;
		done += got;
	}
	return ERR_NONE;
}

enum err_code
sink_append_verify(struct env *env, const char *dir,
    const struct sink_append_place *place, const void *bytes, size_t len,
    struct sink_append_place *next, enum sink_append_found *found,
    struct err *err)
{
	struct env_file *f = NULL;
	int64_t size = 0;
	bool before = true;
	bool ours = true;
	enum err_code code;

	*next = *place;
	*found = SINK_APPEND_FITS;
	code = open_to_look(env, dir, place->name, &f, &size, err);
	if (code == ERR_NONE && size < place->offset)
		*found = SINK_APPEND_SHORTER;
	else if (code == ERR_NONE && f != NULL) {
		code = line_ends(env, f, place->offset, &before, err);
		if (code == ERR_NONE)
			code = is_ours(
			    env, f, place->offset, bytes, len, &ours, err);
		if (!before || !ours)
			*found = SINK_APPEND_FOREIGN;
	}
	env_close(env, &f);
	if (code == ERR_NONE && *found != SINK_APPEND_FITS)
		code = begin_new(env, dir, next, err);
	return code;
}
