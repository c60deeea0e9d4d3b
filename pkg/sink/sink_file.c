#include "sink/sink_file.h"

#include <stdbool.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "media/media_wav.h"
#include "talk/talk_transcript.h"

#define BLOCK_BYTES 65536

struct sweep {
	struct env *env;
	const char *place;
	const char *stem; /* "2." */
};

static void
sweep_one(void *arg, const char *name)
{
	const struct sweep *s = arg;
	size_t n = strlen(name);
	struct err ignored;

	if (!text_starts(name, s->stem) || n < 4 ||
	    strcmp(name + n - 4, ".tmp") != 0)
		return;
	char *path = mem_printf("%s/%s", s->place, name);

	(void)env_remove(s->env, path, &ignored);
	mem_free(&path);
}

/* What a crash left half made; nobody else makes any, by the lock. */
static enum err_code
sweep(struct env *env, const char *place, int64_t attempt, struct err *err)
{
	char *stem = mem_printf("%lld.", (long long)attempt);
	struct sweep s = {env, place, stem};
	enum err_code code = env_list_dir(env, place, sweep_one, &s, err);

	mem_free(&stem);
	return code;
}

/* OUT/CAMPAIGN/JOB, made if need be and durable. */
static enum err_code
make_place(struct env *env, const char *out_dir, const struct sink_result *r,
    char **place, struct err *err)
{
	char campaign[TEXT_FILE_MAX] = "-";
	char job[TEXT_FILE_MAX];
	enum err_code code;
	char *mid;

	if (*r->campaign != '\0')
		(void)text_file_safe(r->campaign, campaign);
	mid = mem_printf("%s/%s", out_dir, campaign);
	*place = mem_printf("%s/%s", mid, text_file_safe(r->id, job));
	code = env_make_dirs(env, *place, err);
	CRASH_POINT("sink.file.dirs");
	if (code == ERR_NONE)
		code = env_sync_dir(env, out_dir, err);
	if (code == ERR_NONE)
		code = env_sync_dir(env, mid, err);
	mem_free(&mid);
	return code;
}

static enum err_code
damaged(const char *path, const char *what, struct err *err)
{
	return err_set(err, ERR_DAMAGED, 0,
	    "%s: this %s is not the one that was journalled (its SHA-256 "
	    "differs); it was not exported",
	    path, what);
}

static enum err_code
hash_file(struct env *env, const char *path, uint8_t out[SHA256_BYTES],
    struct err *err)
{
	struct env_file *f = NULL;
	struct sha256 hash;
	uint8_t *block = mem_zalloc(1, BLOCK_BYTES);
	int64_t at = 0;
	size_t got = BLOCK_BYTES;
	enum err_code code = env_open(env, path, ENV_READ, &f, err);

	sha256_init(&hash);
	while (code == ERR_NONE && got == BLOCK_BYTES) {
		code = env_pread(env, f, block, BLOCK_BYTES, at, &got, err);
		if (code == ERR_NONE)
			sha256_add(&hash, block, got);
		at += (int64_t)got;
	}
	sha256_end(&hash, out);
	env_close(env, &f);
	mem_free(&block);
	return code;
}

static enum err_code
export_recording(struct env *env, const char *place,
    const struct sink_result *r, struct sink_json_files *made, struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	struct media_wav_info info;
	enum err_code code = hash_file(env, r->recording_path, hash, err);

	if (code == ERR_NONE &&
	    memcmp(hash, r->recording_sha256, sizeof(hash)) != 0)
		code = damaged(r->recording_path, "recording", err);
	if (code != ERR_NONE)
		return code;
	made->recording =
	    mem_printf("%s/%lld.wav", place, (long long)r->attempt);
	code = media_wav_export(
	    env, r->recording_path, made->recording, &info, err);
	CRASH_POINT("sink.file.wav");
	if (code != ERR_NONE) {
		mem_free(&made->recording);
		return code;
	}
	memcpy(made->recording_sha256, info.sha256, SHA256_BYTES);
	made->duration_ms = info.duration_ms;
	made->channels = info.channels;
	made->sample_rate = info.rate;
	return ERR_NONE;
}

/* The transcript as it was recorded, and as people read it. */
static enum err_code
write_transcript(struct env *env, const char *place,
    const struct sink_result *r, const char *json, size_t len,
    struct sink_json_files *made, struct err *err)
{
	struct talk_transcript *t = NULL;
	struct buf text = BUF_INIT(4 * (size_t)TALK_TRANSCRIPT_MAX);
	char *path = mem_printf("%s/%lld.txt", place, (long long)r->attempt);
	char *to = mem_printf("%s/%lld.json", place, (long long)r->attempt);
	enum err_code code = talk_transcript_parse(json, len, &t, err);

	if (code == ERR_NONE) {
		talk_transcript_text(t, &text);
		code =
		    env_write_whole(env, path, buf_text(&text), text.len, err);
		CRASH_POINT("sink.file.txt");
	}
	if (code == ERR_NONE)
		code = env_write_whole(env, to, json, len, err);
	CRASH_POINT("sink.file.json");
	if (code == ERR_NONE) {
		made->transcript = to;
		to = NULL;
	}
	talk_transcript_free(&t);
	buf_free(&text);
	mem_free(&path);
	mem_free(&to);
	return code;
}

static enum err_code
export_transcript(struct env *env, const char *place,
    const struct sink_result *r, struct sink_json_files *made, struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	char *json = NULL;
	size_t len = 0;
	enum err_code code = env_read_whole(
	    env, r->transcript_path, TALK_TRANSCRIPT_MAX, &json, &len, err);

	if (code == ERR_NONE) {
		sha256_once(json, len, hash);
		if (memcmp(hash, r->transcript_sha256, sizeof(hash)) != 0)
			code = damaged(r->transcript_path, "transcript", err);
	}
	if (code == ERR_NONE)
		code = write_transcript(env, place, r, json, len, made, err);
	mem_free(&json);
	return code;
}

enum err_code
sink_file_export(struct env *env, const char *out_dir,
    const struct sink_result *r, struct sink_json_files *made, struct err *err)
{
	char *place = NULL;
	enum err_code code = ERR_NONE;

	*made = (struct sink_json_files){0};
	if (*r->recording_path == '\0' && *r->transcript_path == '\0')
		return ERR_NONE;
	code = make_place(env, out_dir, r, &place, err);
	if (code == ERR_NONE)
		code = sweep(env, place, r->attempt, err);
	if (code == ERR_NONE && *r->recording_path != '\0')
		code = export_recording(env, place, r, made, err);
	if (code == ERR_NONE && *r->transcript_path != '\0')
		code = export_transcript(env, place, r, made, err);
	mem_free(&place);
	return code;
}
