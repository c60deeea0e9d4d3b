#include <string.h>

#include "base/crash.h"
#include "base/mem.h"

#include "media/media_encode.h"

#define BLOCK_BYTES 65536

/* The file being written. */
struct target {
	struct env *env;
	struct env_file *file;
};

static enum err_code
put(void *arg, int64_t offset, const void *bytes, size_t len, struct err *err)
{
	struct target *t = arg;

	return env_pwrite(t->env, t->file, bytes, len, offset, err);
}

static enum err_code
run(struct media_encode *e, bool (*stop)(void *arg), void *stop_arg,
    struct media_encode_info *out, struct err *err)
{
	bool more = true;

	while (more) {
		if (stop != NULL && stop(stop_arg))
			return err_set(err, ERR_CANCELLED, 0, "stopped");
		if (media_encode_step(e, &more, err) != ERR_NONE)
			return err->code;
	}
	media_encode_info(e, out);
	return ERR_NONE;
}

/* Of what is in the file now: an mp3's first frame came last. */
static enum err_code
hash_target(struct target *t, struct media_encode_info *out, struct err *err)
{
	struct sha256 hash;
	uint8_t *block = mem_zalloc(1, BLOCK_BYTES);
	enum err_code code = ERR_NONE;

	sha256_init(&hash);
	for (int64_t at = 0; code == ERR_NONE && at < out->bytes;) {
		size_t got = 0;

		code = env_pread(
		    t->env, t->file, block, BLOCK_BYTES, at, &got, err);
		if (code == ERR_NONE && got == 0)
			code = err_set(
			    err, ERR_IO, 0, "became shorter while it was read");
		sha256_add(&hash, block, got);
		at += (int64_t)got;
	}
	sha256_end(&hash, out->sha256);
	mem_free(&block);
	return code;
}

/* tmp, whole and synced. */
static enum err_code
write_tmp(struct target *t, const char *from, enum media_encode_format format,
    const uint8_t *sha256, const char *tmp, bool (*stop)(void *arg),
    void *stop_arg, struct media_encode_info *out, struct err *err)
{
	const struct media_encode_to to = {put, t};
	struct media_encode *e = NULL;
	enum err_code code =
	    media_encode_open(t->env, from, format, sha256, &to, &e, err);

	if (code == ERR_NONE)
		code = env_open(t->env, tmp,
		    ENV_READ | ENV_WRITE | ENV_CREATE | ENV_TRUNCATE, &t->file,
		    err);
	if (code == ERR_NONE)
		code = run(e, stop, stop_arg, out, err);
	CRASH_POINT("media.encode.written");
	if (code == ERR_NONE && format == MEDIA_ENCODE_MP3)
		code = hash_target(t, out, err);
	if (code == ERR_NONE)
		code = env_sync(t->env, t->file, err);
	env_close(t->env, &t->file);
	media_encode_close(&e);
	CRASH_POINT("media.encode.synced");
	return code;
}

enum err_code
media_encode_file(struct env *env, const char *from,
    enum media_encode_format format, const uint8_t sha256[SHA256_BYTES],
    const char *to, bool (*stop)(void *arg), void *stop_arg,
    struct media_encode_info *out, struct err *err)
{
	struct target t = {env, NULL};
	char *tmp = mem_printf("%s.%lld.tmp", to, (long long)env->pid);
	enum err_code code;

	memset(out, 0, sizeof(*out));
	code =
	    write_tmp(&t, from, format, sha256, tmp, stop, stop_arg, out, err);
	if (code == ERR_NONE)
		code = env_replace(env, tmp, to, err);
	if (code != ERR_NONE) {
		struct err ignored;

		(void)env_remove(env, tmp, &ignored);
		code = err_wrap(err, "%s", to);
	}
	mem_free(&tmp);
	return code;
}
