#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "talk/talk_transcript.h"

#include "sink/sink_s3_priv.h"

#define BLOCK_BYTES 262144
#define MIB (1 << 20)

static enum err_code
quarantined(const char *path, const char *what, struct err *err)
{
	return err_set(err, ERR_PERSON, 0,
	    "quarantined: %s: this %s is not the one that was journalled (its "
	    "SHA-256 differs); it was not uploaded",
	    path, what);
}

void
sink_s3_read_text(struct sink_s3_push *x)
{
	x->code = env_read_whole(x->s->env, x->transcript_path,
	    TALK_TRANSCRIPT_MAX, &x->text, &x->text_len, &x->err);
	if (x->code != ERR_NONE)
		return;
	sha256_once(x->text, x->text_len, x->sha256);
	x->size = (int64_t)x->text_len;
	if (memcmp(x->sha256, x->transcript_sha256, SHA256_BYTES) != 0)
		x->code =
		    quarantined(x->transcript_path, "transcript", &x->err);
}

/* As large as told, or larger so that there are not too many. */
static int64_t
part_size(const struct sink_s3 *s, int64_t size)
{
	int64_t least = (size + AWS_S3_PARTS_MAX - 1) / AWS_S3_PARTS_MAX;

	if (s->part_bytes >= least)
		return s->part_bytes;
	return (least + MIB - 1) / MIB * MIB;
}

/* A part's hash; it lies wholly within the file. */
static enum err_code
hash_part(struct sink_s3_push *x, size_t index, uint8_t *block, struct err *err)
{
	int64_t at = (int64_t)index * x->part_size;
	int64_t end = at + x->part_size < x->size ? at + x->part_size : x->size;
	struct sha256 hash;

	sha256_init(&hash);
	while (at < end) {
		size_t got = 0;
		size_t want =
		    end - at < BLOCK_BYTES ? (size_t)(end - at) : BLOCK_BYTES;
		enum err_code code =
		    env_pread(x->s->env, x->file, block, want, at, &got, err);

		if (code == ERR_NONE && got == 0)
			code = err_set(err, ERR_IO, 0,
			    "%s: became shorter while it was read", x->path);
		if (code != ERR_NONE)
			return code;
		sha256_add(&hash, block, got);
		at += (int64_t)got;
	}
	sha256_end(&hash, x->part_sha256[index]);
	return ERR_NONE;
}

static enum err_code
hash_parts(struct sink_s3_push *x, struct err *err)
{
	uint8_t *block = mem_zalloc(1, BLOCK_BYTES);
	enum err_code code = ERR_NONE;

	x->part_size = part_size(x->s, x->size);
	x->part_count = (size_t)((x->size + x->part_size - 1) / x->part_size);
	x->part_sha256 = mem_zalloc(x->part_count, sizeof(*x->part_sha256));
	for (size_t i = 0; code == ERR_NONE && i < x->part_count; i++)
		code = hash_part(x, i, block, err);
	mem_free(&block);
	return code;
}

static bool
is_stopped(void *arg)
{
	struct sink_s3_push *x = arg;

	return atomic_load(&x->stop);
}

static enum err_code
make(struct sink_s3_push *x, struct err *err)
{
	struct sink_s3 *s = x->s;
	struct env_stat st = {0};
	struct err ignored;
	enum err_code code =
	    s->encoder.encode(s->encoder.arg, s->env, x->recording_path,
		x->recording_sha256, x->path, is_stopped, x, x->sha256, err);

	if (code == ERR_DAMAGED)
		return quarantined(x->recording_path, "recording", err);
	if (code != ERR_NONE)
		return code;
	CRASH_POINT("sink.s3.encoded");
	code = env_open(s->env, x->path, ENV_READ, &x->file, err);
	/* From here on it has no name, and goes with the last who holds it. */
	(void)env_remove(s->env, x->path, &ignored);
	if (code == ERR_NONE)
		code = env_fstat(s->env, x->file, &st, err);
	if (code != ERR_NONE)
		return code;
	x->size = st.size_bytes;
	return x->size >= s->multipart_bytes ? hash_parts(x, err) : ERR_NONE;
}

void
sink_s3_make_file(struct sink_s3_push *x)
{
	x->code = make(x, &x->err);
}

struct sweep {
	struct sink_s3 *s;
	const char *begins; /* "s3.HEX." */
};

static void
remove_one(void *arg, const char *name)
{
	struct sweep *w = arg;
	struct err ignored;
	char *path;

	if (!text_starts(name, w->begins))
		return;
	path = mem_printf("%s/%s", w->s->work_dir, name);
	(void)env_remove(w->s->env, path, &ignored);
	mem_free(&path);
}

/* "s3.HEX.lock" that nobody holds: its process is dead. */
static void
sweep_one(void *arg, const char *name)
{
	struct sink_s3 *s = arg;
	struct env_file *f = NULL;
	size_t n = strlen(name);
	struct err ignored;
	char *path, *begins;

	if (!text_starts(name, "s3.") || n < 9 ||
	    strcmp(name + n - 5, ".lock") != 0)
		return;
	path = mem_printf("%s/%s", s->work_dir, name);
	if (env_open(s->env, path, ENV_READ | ENV_WRITE, &f, &ignored) ==
		ERR_NONE &&
	    env_lock(s->env, f, 0, true, &ignored) == ERR_NONE) {
		begins = mem_strndup(name, n - 4);
		struct sweep w = {s, begins};

		(void)env_list_dir(
		    s->env, s->work_dir, remove_one, &w, &ignored);
		mem_free(&begins);
	}
	env_close(s->env, &f);
	mem_free(&path);
}

enum err_code
sink_s3_stem_open(struct sink_s3 *s, struct err *err)
{
	uint8_t id[8];
	char hex[2 * sizeof(id) + 1];
	struct env_stat st = {0};
	enum err_code code = ERR_NONE;

	/* Somebody's sweep may take the lock before we do: then once more. */
	for (int i = 0; i < 10 && code == ERR_NONE && st.links == 0; i++) {
		char *path;

		mem_free(&s->stem);
		env_close(s->env, &s->lock);
		env_random(s->env, id, sizeof(id));
		s->stem = mem_printf(
		    "%s/s3.%s", s->work_dir, text_hex(id, sizeof(id), hex));
		path = mem_printf("%s.lock", s->stem);
		code = env_open(s->env, path, ENV_READ | ENV_WRITE | ENV_CREATE,
		    &s->lock, err);
		if (code == ERR_NONE &&
		    env_lock(s->env, s->lock, 0, true, err) == ERR_NONE)
			code = env_fstat(s->env, s->lock, &st, err);
		mem_free(&path);
	}
	if (code == ERR_NONE && st.links == 0)
		code = err_set(err, ERR_BUSY, 0, "%s: no lock could be taken",
		    s->work_dir);
	if (code == ERR_NONE)
		code = env_list_dir(s->env, s->work_dir, sweep_one, s, err);
	return code;
}

void
sink_s3_stem_close(struct sink_s3 *s)
{
	struct err ignored;
	char *path;

	if (s->lock != NULL) {
		path = mem_printf("%s.lock", s->stem);
		(void)env_remove(s->env, path, &ignored);
		mem_free(&path);
	}
	env_close(s->env, &s->lock);
	mem_free(&s->stem);
}
