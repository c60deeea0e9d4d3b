#include "media/media_record.h"

#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

struct media_record {
	struct env *env;
	struct env_file *file;
	char *path;
	int64_t max_frames;
	int64_t next;    /* frame number that comes next */
	int64_t written; /* bytes of the file that stand */
	size_t len;      /* bytes in buffer, to stand at written */
	struct sha256 hash;
	uint8_t buffer[MEDIA_RECORD_BUFFER];
};

enum err_code
media_record_open(struct env *env, const char *path, int64_t max_ms,
    struct media_record **out, struct err *err)
{
	struct env_file *file = NULL;

	CHECK(max_ms >= 0 && max_ms <= INT64_MAX / MEDIA_RECORD_BYTES);
	*out = NULL;
	if (env_open(env, path, ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE, &file,
		err) != ERR_NONE)
		return err_wrap(err, "recording");

	struct media_record *r = mem_zalloc(1, sizeof(*r));

	r->env = env;
	r->file = file;
	r->path = mem_strdup(path);
	r->max_frames = max_ms / MEDIA_FRAME_MS;
	sha256_init(&r->hash);
	*out = r;
	return ERR_NONE;
}

enum err_code
media_record_flush(struct media_record *r, struct err *err)
{
	if (r->len == 0)
		return ERR_NONE;
	/* By offset, so that a write that failed half-way is simply repeated:
	 * what it left behind is overwritten, or cut off by the repair. */
	if (env_pwrite(r->env, r->file, r->buffer, r->len, r->written, err) !=
	    ERR_NONE)
		return err_wrap(err, "recording");
	sha256_add(&r->hash, r->buffer, r->len);
	r->written += (int64_t)r->len;
	r->len = 0;
	CRASH_POINT("media.record.flushed");
	return ERR_NONE;
}

static enum err_code
put(struct media_record *r, const uint8_t *callee, const uint8_t *agent,
    struct err *err)
{
	if (r->len == sizeof(r->buffer) &&
	    media_record_flush(r, err) != ERR_NONE)
		return err->code;

	uint8_t *at = r->buffer + r->len;

	if (callee != NULL)
		memcpy(at, callee, MEDIA_FRAME);
	else
		media_ulaw_silence(at, MEDIA_FRAME);
	if (agent != NULL)
		memcpy(at + MEDIA_FRAME, agent, MEDIA_FRAME);
	else
		media_ulaw_silence(at + MEDIA_FRAME, MEDIA_FRAME);
	r->len += MEDIA_RECORD_BYTES;
	r->next++;
	return ERR_NONE;
}

enum err_code
media_record_frame(struct media_record *r, int64_t frame,
    const uint8_t callee[MEDIA_FRAME], const uint8_t agent[MEDIA_FRAME],
    struct err *err)
{
	if (frame < r->next)
		return err_set(err, ERR_STATE, 0,
		    "recording %s: frame %lld comes after frame %lld", r->path,
		    (long long)frame, (long long)r->next - 1);
	if (frame >= r->max_frames)
		return err_set(err, ERR_STATE, 0,
		    "recording %s: frame %lld lies beyond its limit of %lld ms",
		    r->path, (long long)frame,
		    (long long)r->max_frames * MEDIA_FRAME_MS);
	/* If the disk fails in a gap, the rest of it is filled next time. */
	while (r->next < frame)
		if (put(r, NULL, NULL, err) != ERR_NONE)
			return err->code;
	return put(r, callee, agent, err);
}

enum err_code
media_record_sync(struct media_record *r, struct err *err)
{
	if (env_sync(r->env, r->file, err) != ERR_NONE)
		return err_wrap(err, "recording");
	return ERR_NONE;
}

int64_t
media_record_frames(const struct media_record *r)
{
	return r->next;
}

int64_t
media_record_ms(const struct media_record *r)
{
	return r->next * MEDIA_FRAME_MS;
}

static void
fill_info(int64_t bytes, struct sha256 hash, struct media_record_info *out)
{
	out->bytes = bytes;
	out->duration_ms = bytes / MEDIA_RECORD_BYTES * MEDIA_FRAME_MS;
	sha256_end(&hash, out->sha256);
}

void
media_record_info(const struct media_record *r, struct media_record_info *out)
{
	fill_info(r->written, r->hash, out);
}

void
media_record_close(struct media_record **r)
{
	if (*r == NULL)
		return;
	env_close((*r)->env, &(*r)->file);
	mem_free(&(*r)->path);
	mem_free(r);
}

static enum err_code
hash_file(struct env *env, struct env_file *f, int64_t bytes,
    struct media_record_info *out, struct err *err)
{
	uint8_t block[MEDIA_RECORD_BUFFER];
	struct sha256 hash;

	sha256_init(&hash);
	for (int64_t at = 0; at < bytes;) {
		int64_t left = bytes - at;
		size_t want = left < (int64_t)sizeof(block) ? (size_t)left
							    : sizeof(block);
		size_t got = 0;

		if (env_pread(env, f, block, want, at, &got, err) != ERR_NONE)
			return err->code;
		if (got != want)
			return err_set(
			    err, ERR_IO, 0, "became shorter while it was read");
		sha256_add(&hash, block, got);
		at += (int64_t)got;
	}
	fill_info(bytes, hash, out);
	return ERR_NONE;
}

enum err_code
media_record_repair(struct env *env, const char *path,
    struct media_record_info *out, struct err *err)
{
	struct env_file *f = NULL;
	struct env_stat st = {0};
	int64_t whole = 0;
	enum err_code code = env_open(env, path, ENV_READ | ENV_WRITE, &f, err);

	memset(out, 0, sizeof(*out));
	if (code == ERR_NONE)
		code = env_fstat(env, f, &st, err);
	whole = st.size_bytes - st.size_bytes % MEDIA_RECORD_BYTES;
	if (code == ERR_NONE && whole != st.size_bytes)
		code = env_truncate(env, f, whole, err);
	CRASH_POINT("media.record.cut");
	if (code == ERR_NONE)
		code = env_sync(env, f, err);
	if (code == ERR_NONE)
		code = hash_file(env, f, whole, out, err);
	if (code != ERR_NONE)
		code = err_wrap(err, "repair recording %s", path);
	env_close(env, &f);
	return code;
}
