#include "run/run_replay.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"

#include "journal/journal_read.h"

#define BLOCK_BYTES 65536

enum err_code
run_replay_hash(struct env *env, const char *path, uint8_t out[SHA256_BYTES],
    struct err *err)
{
	uint8_t *block = mem_zalloc(1, BLOCK_BYTES);
	struct env_file *f = NULL;
	size_t got = BLOCK_BYTES;
	struct sha256 hash;
	int64_t at = 0;
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

/* path: freed by the caller; NULL when there is no such file. */
static enum err_code
look_at(struct env *env, struct journal *j, int64_t attempt, int kind,
    struct run_replay_file *out, char **path, struct err *err)
{
	struct journal_artifact a;
	uint8_t hash[SHA256_BYTES];
	enum err_code code;

	*path = NULL;
	if (journal_read_artifact(j, attempt, kind, &a, err) != ERR_NONE)
		return err->code;
	if (a.path[0] == '\0')
		return ERR_NONE;
	*path = mem_printf("%s/recordings/%s", journal_dir(j), a.path);
	(void)snprintf(out->path, sizeof(out->path), "%s", *path);
	out->bytes = a.bytes;
	code = run_replay_hash(env, *path, hash, err);
	if (code == ERR_NOT_FOUND) {
		out->state = RUN_REPLAY_GONE;
		return ERR_NONE;
	}
	out->state = memcmp(hash, a.sha256, sizeof(hash)) == 0
			 ? RUN_REPLAY_SAME
			 : RUN_REPLAY_OTHER;
	return code;
}

static enum err_code
feed(struct env *env, const struct conf *conf, struct journal *j,
    int64_t attempt, const char *path, struct run_replay *out, struct err *err)
{
	const struct conf_kind *kind;
	struct journal_job job;

	if (journal_read_job(j, journal_attempt_job(attempt), &job, err) !=
	    ERR_NONE)
		return err->code;
	kind = conf_kind_find(conf, job.kind);
	if (kind == NULL) {
		out->why_not = "its kind is no longer in jobs/";
		return ERR_NONE;
	}
	if (run_talk_replay(env, path, kind, &out->same, &out->difference,
		&out->events, err) != ERR_NONE) {
		if (err->code != ERR_MALFORMED)
			return err->code;
		/* Not even to be read: the clearest of differences. */
		out->same = false;
		out->difference = mem_strdup(err->text);
	}
	out->replayed = true;
	return ERR_NONE;
}

enum err_code
run_replay(struct env *env, const struct conf *conf, struct journal *j,
    int64_t attempt, struct run_replay *out, struct err *err)
{
	enum err_code code = ERR_NONE;
	char *talk = NULL;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < (int)RUN_ARTIFACT_COUNT && code == ERR_NONE; i++) {
		char *path = NULL;

		code = look_at(env, j, attempt, i, &out->file[i], &path, err);
		if (i == (int)RUN_ARTIFACT_TALK)
			talk = path;
		else
			mem_free(&path);
	}
	if (code == ERR_NONE && talk == NULL)
		out->why_not = "no conversation was recorded";
	else if (code == ERR_NONE &&
		 out->file[RUN_ARTIFACT_TALK].state == RUN_REPLAY_GONE)
		out->why_not = "its talk file is gone";
	else if (code == ERR_NONE)
		code = feed(env, conf, j, attempt, talk, out, err);
	mem_free(&talk);
	return code;
}

void
run_replay_fini(struct run_replay *r)
{
	mem_free(&r->difference);
}

bool
run_replay_ok(const struct run_replay *r)
{
	for (size_t i = 0; i < RUN_ARTIFACT_COUNT; i++)
		if (r->file[i].state > RUN_REPLAY_SAME)
			return false;
	return !r->replayed || r->same;
}
