#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"

#include "talk/talk_transcript.h"

#include "run/run_talk_priv.h"

#define RECORDING ".ul2"
#define TALK ".talk.jsonl"
#define TRANSCRIPT ".transcript.json"
#define SPARE_MS 120000 /* the network may let a call run over its limit */
#define DEFAULT_CALL_MS 300000

char *
run_talk_path(const char *dir, const char *name, const char *suffix)
{
	return mem_printf("%s/%s%s", dir, name, suffix);
}

void
run_talk_files_close(struct run_talk *t)
{
	media_record_close(&t->record);
	env_close(t->env, &t->file);
}

static void
remove_one(
    struct env *env, const char *dir, const char *name, const char *suffix)
{
	char *path = run_talk_path(dir, name, suffix);
	struct err unused;

	(void)env_remove(env, path, &unused);
	mem_free(&path);
}

enum err_code
run_talk_files_make(struct run_talk *t, const struct run_talk_options *o,
    const struct talk_values *values, struct err *err)
{
	int64_t longest =
	    o->kind->max_call_ms > 0 ? o->kind->max_call_ms : DEFAULT_CALL_MS;
	char *recording = run_talk_path(t->dir, t->name, RECORDING);
	char *talk = run_talk_path(t->dir, t->name, TALK);
	struct talk_header header = {.talk = t->name,
	    .kind = o->kind->name,
	    .answered_ms = t->answered_ms,
	    .values = values};
	enum err_code code = media_record_open(
	    t->env, recording, longest + SPARE_MS, &t->record, err);

	if (code == ERR_NONE) {
		code = env_open(t->env, talk,
		    ENV_WRITE | ENV_APPEND | ENV_CREATE | ENV_EXCLUSIVE,
		    &t->file, err);
		if (code != ERR_NONE) {
			media_record_close(&t->record);
			remove_one(t->env, t->dir, t->name, RECORDING);
		}
	}
	CRASH_POINT("talk.made");
	talk_script_hash(o->kind, header.script);
	talk_file_put_header(&header, &t->lines);
	mem_free(&recording);
	mem_free(&talk);
	return code;
}

enum err_code
run_talk_files_write(struct run_talk *t, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (t->lines.len == 0)
		return ERR_NONE;
	if (!t->file_broken) {
		code = env_append(
		    t->env, t->file, t->lines.bytes, t->lines.len, err);
		CRASH_POINT("talk.line");
		t->file_bytes += (int64_t)t->lines.len;
	}
	buf_clear(&t->lines);
	if (code == ERR_NONE)
		return ERR_NONE;
	t->file_broken = true;
	return err_wrap(err, "conversation %s", t->name);
}

static void
put_artifact(struct run_artifact *a, const char *name, const char *suffix,
    int64_t bytes, const uint8_t sha256[SHA256_BYTES])
{
	(void)snprintf(a->file, sizeof(a->file), "%s%s", name, suffix);
	a->bytes = bytes;
	memcpy(a->sha256, sha256, SHA256_BYTES);
}

/* ---- the talk file and the transcript that is made from it ---- */

/* What talk noted, for a call whose end nobody saw. */
static void
take_findings(const struct talk_record *rec, struct run_talk_result *out)
{
	for (size_t i = 0; i < rec->effects; i++) {
		const struct talk_effect *fx = &rec->effect[i];

		if (fx->kind == TALK_DO_NOTE && fx->text != NULL &&
		    strcmp(fx->text, "opt_out") == 0) {
			out->opt_out = true;
			(void)snprintf(out->decline_reason,
			    sizeof(out->decline_reason), "opt_out");
			mem_free(&out->meeting_json);
		} else if (fx->kind == TALK_DO_BOOK && !out->opt_out) {
			mem_free(&out->meeting_json);
			out->meeting_json = mem_strdup(fx->text);
		}
	}
	if (rec->event.kind == TALK_EV_TOOL_RESULT && rec->event.ok &&
	    rec->event.text != NULL && out->meeting_json != NULL) {
		mem_free(&out->meeting_json);
		out->meeting_json = mem_strdup(rec->event.text);
	}
}

/* Where the last whole line ends; findings on the way when out is set. */
static enum err_code
scan_talk(const char *text, size_t len, size_t *whole,
    struct run_talk_result *out, struct err *err)
{
	struct talk_reader *r = NULL;
	struct talk_record rec;
	bool more = true;
	enum err_code code = talk_reader_open(text, len, &r, err);

	while (code == ERR_NONE && more) {
		code = talk_reader_next(r, &rec, &more, err);
		if (code == ERR_NONE && more && out != NULL)
			take_findings(&rec, out);
	}
	*whole = len;
	if (code == ERR_NONE)
		(void)talk_reader_torn(r, whole);
	talk_reader_close(&r);
	return code;
}

static enum err_code
write_transcript(struct env *env, const char *dir, const char *name,
    const char *text, size_t len, struct run_talk_result *out, struct err *err)
{
	struct talk_transcript *t = NULL;
	struct buf json = BUF_INIT(8 * TALK_FILE_MAX);
	uint8_t hash[SHA256_BYTES];
	char *path = run_talk_path(dir, name, TRANSCRIPT);
	enum err_code code =
	    talk_transcript_build(text, len, out->duration_ms, &t, err);

	if (code == ERR_NONE) {
		talk_transcript_json(t, &json);
		code = env_write_whole(env, path, json.bytes, json.len, err);
		CRASH_POINT("talk.transcript.written");
	}
	if (code == ERR_NONE) {
		sha256_once(json.bytes, json.len, hash);
		put_artifact(&out->artifact[RUN_ARTIFACT_TRANSCRIPT], name,
		    TRANSCRIPT, (int64_t)json.len, hash);
	}
	talk_transcript_free(&t);
	buf_free(&json);
	mem_free(&path);
	return code;
}

/* Cut the file to its whole lines and bring it to disk. */
static enum err_code
cut_and_sync(struct env *env, const char *path, size_t len, size_t whole,
    struct err *err)
{
	struct env_file *f = NULL;
	enum err_code code = env_open(env, path, ENV_READ | ENV_WRITE, &f, err);

	if (code == ERR_NONE && whole < len)
		code = env_truncate(env, f, (int64_t)whole, err);
	CRASH_POINT("talk.file.cut");
	if (code == ERR_NONE)
		code = env_sync(env, f, err);
	CRASH_POINT("talk.file.synced");
	env_close(env, &f);
	return code;
}

/*
 * Bring NAME.talk.jsonl to disk and make the transcript.  A file without one
 * whole line says nothing and is removed; one that cannot be read is kept as
 * it is, for people, without a transcript.
 */
static enum err_code
settle_talk(struct env *env, const char *dir, const char *name, bool findings,
    struct run_talk_result *out, struct err *err)
{
	char *path = run_talk_path(dir, name, TALK);
	char *text = NULL;
	size_t len = 0, whole = 0;
	uint8_t hash[SHA256_BYTES];
	struct err damage = {0};
	enum err_code code =
	    env_read_whole(env, path, TALK_FILE_MAX, &text, &len, err);

	if (code == ERR_NONE) {
		enum err_code read = scan_talk(
		    text, len, &whole, findings ? out : NULL, &damage);

		if (read == ERR_NOT_FOUND) {
			code = env_remove(env, path, err);
			goto out;
		}
		code = cut_and_sync(env, path, len, whole, err);
		if (code == ERR_NONE) {
			sha256_once(text, whole, hash);
			put_artifact(&out->artifact[RUN_ARTIFACT_TALK], name,
			    TALK, (int64_t)whole, hash);
		}
		if (code == ERR_NONE && read == ERR_NONE)
			code = write_transcript(
			    env, dir, name, text, whole, out, err);
	} else if (code == ERR_NOT_FOUND) {
		code = ERR_NONE;
	}
out:
	mem_free(&text);
	mem_free(&path);
	return code;
}

static enum err_code
sync_dir(struct env *env, const char *dir, struct err *err)
{
	enum err_code code = env_sync_dir(env, dir, err);

	CRASH_POINT("talk.dir.synced");
	return code;
}

/* ---- the end of a call ---- */

static enum err_code
settle_recording(struct run_talk *t, struct err *err)
{
	struct media_record_info info;

	if (media_record_flush(t->record, err) != ERR_NONE)
		return err->code;
	CRASH_POINT("talk.record.flushed");
	if (media_record_sync(t->record, err) != ERR_NONE)
		return err->code;
	CRASH_POINT("talk.record.synced");
	media_record_info(t->record, &info);
	put_artifact(&t->result.artifact[RUN_ARTIFACT_RECORDING], t->name,
	    RECORDING, info.bytes, info.sha256);
	t->result.duration_ms = info.duration_ms;
	return ERR_NONE;
}

static enum err_code
forget_files(struct run_talk *t)
{
	run_talk_files_close(t);
	remove_one(t->env, t->dir, t->name, RECORDING);
	remove_one(t->env, t->dir, t->name, TALK);
	return ERR_NONE;
}

enum err_code
run_talk_files_settle(struct run_talk *t, struct err *err)
{
	enum err_code code;
	enum err_code talk_code;
	enum err_code dir_code;
	struct err talk_err = {0};
	struct err dir_err = {0};

	if (t->frame == 0)
		return forget_files(t);
	CRASH_POINT("talk.end");
	/* what can be saved is saved, whatever else fails */
	code = settle_recording(t, err);
	run_talk_files_close(t);
	talk_code =
	    settle_talk(t->env, t->dir, t->name, false, &t->result, &talk_err);
	/* also the recording's name, where there is no transcript */
	dir_code = sync_dir(t->env, t->dir, &dir_err);
	if (talk_code == ERR_NONE) {
		talk_code = dir_code;
		talk_err = dir_err;
	}
	if (code == ERR_NONE && talk_code != ERR_NONE) {
		code = talk_code;
		*err = talk_err;
	}
	return code == ERR_NONE ? code
				: err_wrap(err, "conversation %s", t->name);
}

/* ---- after a crash, and replay ---- */

static enum err_code
repair_recording(struct env *env, const char *dir, const char *name,
    struct run_talk_result *out, struct err *err)
{
	struct media_record_info info = {0};
	char *path = run_talk_path(dir, name, RECORDING);
	enum err_code code = media_record_repair(env, path, &info, err);

	if (code == ERR_NOT_FOUND) {
		code = ERR_NONE;
	} else if (code == ERR_NONE && info.bytes == 0) {
		code = env_remove(env, path, err);
	} else if (code == ERR_NONE) {
		put_artifact(&out->artifact[RUN_ARTIFACT_RECORDING], name,
		    RECORDING, info.bytes, info.sha256);
		out->duration_ms = info.duration_ms;
	}
	mem_free(&path);
	return code;
}

static bool
has_files(const struct run_talk_result *r)
{
	for (size_t i = 0; i < RUN_ARTIFACT_COUNT; i++)
		if (r->artifact[i].file[0] != '\0')
			return true;
	return false;
}

/*
 * A name is brought to disk where there is one.  Most calls that the dead
 * leave have none, and thousands of them may be taken over at once: a sync for
 * each would be most of the recovery.
 */
enum err_code
run_talk_repair(struct env *env, const char *recordings_dir, const char *name,
    struct run_talk_result *result, struct err *err)
{
	enum err_code code;

	memset(result, 0, sizeof(*result));
	code = repair_recording(env, recordings_dir, name, result, err);
	if (code == ERR_NONE)
		code =
		    settle_talk(env, recordings_dir, name, true, result, err);
	if (code == ERR_NONE && has_files(result))
		code = sync_dir(env, recordings_dir, err);
	if (code != ERR_NONE) {
		mem_free(&result->meeting_json);
		return err_wrap(err, "repair conversation %s", name);
	}
	return ERR_NONE;
}

enum err_code
run_talk_replay(struct env *env, const char *path, const struct conf_kind *kind,
    bool *same, char **difference, int64_t *events, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	enum err_code code =
	    env_read_whole(env, path, TALK_FILE_MAX, &text, &len, err);

	*difference = NULL;
	if (code == ERR_NONE)
		code =
		    talk_replay(text, len, kind, same, difference, events, err);
	if (code != ERR_NONE)
		(void)err_wrap(err, "%s", path);
	mem_free(&text);
	return code;
}
