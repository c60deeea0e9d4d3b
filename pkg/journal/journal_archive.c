#include "journal/journal_archive.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"

#include "json/json.h"

#include "journal/journal_priv.h"

/*
 * Reading an archive: line by line, each parsed, then proved.  Memory is that
 * of the longest line.
 */

#define READ_BYTES ((size_t)64 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 20)

struct reading {
	struct env *env;
	struct env_file *file;
	struct journal_archive *a;
	struct buf pending; /* read, not yet a whole line */
	int64_t offset;
	struct sha256 digest; /* of every line before the one in hand */
	int64_t line;
	bool ended;
	/* events of the line in hand */
	uint8_t (*hashes)[SHA256_BYTES];
	int *job_states;
	size_t count, cap;
};

static enum err_code
damaged(const struct reading *r, struct err *err, const char *what)
{
	return err_set(
	    err, ERR_DAMAGED, 0, "line %lld: %s", (long long)r->line, what);
}

static enum err_code
hex_of(const struct json *obj, const char *key, uint8_t *out, size_t len,
    struct err *err)
{
	const char *text = NULL;

	if (json_str(obj, key, &text, err) != ERR_NONE)
		return err->code;
	if (!text_unhex(text, out, len))
		return json_refuse(
		    obj, key, err, "expected %zu hex digits", 2 * len);
	return ERR_NONE;
}

/* --- events ------------------------------------------------------------------
 */

static enum err_code
event_read(const struct json *e, int64_t job, struct job_event_fields *f,
    uint8_t hash[SHA256_BYTES], struct err *err)
{
	int64_t step = 0;
	int64_t job_state = 0;
	int64_t attempt_state = -1;

	*f = (struct job_event_fields){.job = job};
	if (json_i64(e, "seq", 1, JSON_I64_MAX, &f->seq, err) != ERR_NONE ||
	    json_i64(e, "n", 1, UINT32_MAX, &f->n, err) != ERR_NONE ||
	    json_i64(e, "at", -JSON_I64_MAX, JSON_I64_MAX, &f->at_ms, err) !=
		ERR_NONE ||
	    json_i64(e, "step", 0, UINT16_MAX, &step, err) != ERR_NONE ||
	    json_i64(e, "jobState", 0, JOB_NONE - 1, &job_state, err) !=
		ERR_NONE ||
	    json_i64(e, "attempt", 0, JSON_I64_MAX, &f->attempt, err) !=
		ERR_NONE ||
	    json_i64(e, "attemptState", -1, ATTEMPT_STATE_COUNT - 1,
		&attempt_state, err) != ERR_NONE ||
	    json_opt_str(e, "detail", &f->detail, err) != ERR_NONE)
		return err->code;
	f->step = (int)step;
	f->job_state = (int)job_state;
	f->attempt_state = (int)attempt_state;
	return hex_of(e, "hash", hash, SHA256_BYTES, err);
}

static void
event_keep(struct reading *r, const uint8_t hash[SHA256_BYTES], int job_state)
{
	if (r->count == r->cap) {
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->hashes = mem_realloc(r->hashes, r->cap, sizeof(*r->hashes));
		r->job_states =
		    mem_realloc(r->job_states, r->cap, sizeof(*r->job_states));
	}
	memcpy(r->hashes[r->count], hash, SHA256_BYTES);
	r->job_states[r->count++] = job_state;
}

static enum err_code
events_verify(struct reading *r, const struct json *line, int64_t job,
    const uint8_t identity[SHA256_BYTES], struct err *err)
{
	const struct json *events = NULL;
	uint8_t before[SHA256_BYTES], hash[SHA256_BYTES], want[SHA256_BYTES];
	int64_t seq = 0;

	r->count = 0;
	memcpy(before, identity, sizeof(before));
	if (json_arr(line, "events", &events, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < json_count(events); i++) {
		struct job_event_fields f;

		if (event_read(json_at(events, i), job, &f, hash, err) !=
		    ERR_NONE)
			return err->code;
		job_hash_event(before, &f, want);
		if (f.n != (int64_t)i + 1 || f.seq <= seq ||
		    memcmp(want, hash, sizeof(want)) != 0)
			return err_set(err, ERR_MALFORMED, 0,
			    "event %lld of job #%lld was altered",
			    (long long)f.seq, (long long)job);
		memcpy(before, hash, sizeof(before));
		seq = f.seq;
		event_keep(r, hash, f.job_state);
	}
	if (r->count == 0)
		return err_set(err, ERR_MALFORMED, 0, "job #%lld has no events",
		    (long long)job);
	r->a->events += (int64_t)r->count;
	return ERR_NONE;
}

/* --- seals -------------------------------------------------------------------
 */

static enum err_code
seal_verify(struct reading *r, const struct json *s, int64_t job,
    int64_t revision, const uint8_t identity[SHA256_BYTES], struct err *err)
{
	uint8_t last[SHA256_BYTES], before[SHA256_BYTES], hash[SHA256_BYTES];
	uint8_t want[SHA256_BYTES];
	int64_t state = 0;
	int64_t outcome = 0;
	struct job_sealed_fields f = {
	    .identity = identity, .last = last, .before = before};
	bool found = false;

	if (json_i64(s, "revision", 1, JSON_I64_MAX, &f.revision, err) !=
		ERR_NONE ||
	    json_i64(s, "state", 0, JOB_NONE - 1, &state, err) != ERR_NONE ||
	    json_i64(s, "outcome", 0, JOB_OUTCOME_COUNT - 1, &outcome, err) !=
		ERR_NONE ||
	    hex_of(s, "last", last, sizeof(last), err) != ERR_NONE ||
	    hex_of(s, "before", before, sizeof(before), err) != ERR_NONE ||
	    hex_of(s, "hash", hash, sizeof(hash), err) != ERR_NONE)
		return err->code;
	f.state = (int)state;
	f.outcome = (int)outcome;
	job_hash_sealed(&f, want);
	for (size_t i = 0; i < r->count && !found; i++)
		found = memcmp(r->hashes[i], last, sizeof(last)) == 0 &&
			r->job_states[i] == f.state;
	if (!found || f.revision != revision ||
	    memcmp(want, hash, sizeof(want)) != 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "seal of revision %lld of job #%lld was altered",
		    (long long)f.revision, (long long)job);
	return ERR_NONE;
}

static enum err_code
seals_verify(struct reading *r, const struct json *line, int64_t job,
    const uint8_t identity[SHA256_BYTES], struct err *err)
{
	const struct json *seals = NULL;
	int64_t revision = 0;

	if (json_arr(line, "seals", &seals, err) != ERR_NONE ||
	    json_i64(line, "revision", 1, JSON_I64_MAX, &revision, err) !=
		ERR_NONE)
		return err->code;
	if ((int64_t)json_count(seals) != revision)
		return err_set(err, ERR_MALFORMED, 0,
		    "job #%lld finished %lld times and has %zu seals",
		    (long long)job, (long long)revision, json_count(seals));
	for (size_t i = 0; i < json_count(seals); i++)
		if (seal_verify(r, json_at(seals, i), job, (int64_t)i + 1,
			identity, err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}

/* --- attempts ----------------------------------------------------------------
 */

/* ATTEMPT_EVENT_COUNT: no step of an attempt. */
static enum attempt_event
event_of(int step)
{
	size_t n;
	const struct attempt_row *rows = job_attempt_rows(&n);

	return step >= 1000 && (size_t)step < 1000 + n ? rows[step - 1000].event
						       : ATTEMPT_EVENT_COUNT;
}

/* What the events, which were read before, say of an attempt that its row does
 * not. */
static void
attempt_events(const struct json *line, struct journal_check_attempt *a)
{
	const struct json *events = json_get(line, "events");
	struct err ignored;

	a->last_event = ATTEMPT_EVENT_COUNT;
	for (size_t i = 0; i < json_count(events); i++) {
		struct job_event_fields f;
		uint8_t hash[SHA256_BYTES];

		CHECK(event_read(json_at(events, i), 0, &f, hash, &ignored) ==
		      ERR_NONE);
		if (f.attempt != a->id)
			continue;
		a->last_event = event_of(f.step);
		if (a->last_event == ATTEMPT_EV_ARM) {
			a->intent_seq = f.seq;
			memcpy(a->intent_hash, hash, sizeof(hash));
		}
		a->by_person = a->by_person ||
			       a->last_event == ATTEMPT_EV_RESOLVE_PLACED ||
			       a->last_event == ATTEMPT_EV_RESOLVE_ABSENT ||
			       a->last_event == ATTEMPT_EV_RESOLVE_DROP;
	}
}

static enum err_code
attempts_show(const struct reading *r, const struct json *line, int64_t job,
    struct err *err)
{
	const struct json *attempts = NULL;

	if (json_arr(line, "attempts", &attempts, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < json_count(attempts); i++) {
		const struct json *one = json_at(attempts, i);
		const struct json *key = json_get(one, "key");
		struct journal_check_attempt a = {0};
		int64_t number = 0;
		int64_t state = 0;
		int64_t outcome = 0;

		if (json_i64(one, "number", 1, JOURNAL_ATTEMPTS_MAX, &number,
			err) != ERR_NONE ||
		    json_i64(one, "state", 0, ATTEMPT_STATE_COUNT - 1, &state,
			err) != ERR_NONE ||
		    json_i64(one, "outcome", 0, JOB_OUTCOME_COUNT - 1, &outcome,
			err) != ERR_NONE ||
		    json_opt_i64(one, "armed", 0, JSON_I64_MAX, &a.armed_ms,
			err) != ERR_NONE)
			return err->code;
		a.id = job * 256 + number;
		a.state = (enum attempt_state)state;
		a.outcome = (enum job_outcome)outcome;
		a.has_key = key != NULL && json_kind(key) == JSON_STRING;
		if (a.has_key &&
		    hex_of(one, "key", a.key, sizeof(a.key), err) != ERR_NONE)
			return err->code;
		attempt_events(line, &a);
		if (r->a->attempt != NULL)
			r->a->attempt(r->a->arg, &a);
	}
	return ERR_NONE;
}

/* --- lines -------------------------------------------------------------------
 */

static enum err_code
job_verify(struct reading *r, const struct json *line, const char *text,
    size_t len, struct err *err)
{
	uint8_t content[JOB_CONTENT_BYTES], identity[SHA256_BYTES];
	uint8_t want[SHA256_BYTES], hash[SHA256_BYTES];
	const char *source = NULL;
	const char *ext = NULL;
	int64_t job = 0;

	if (json_i64(line, "job", 1, JSON_I64_MAX / 256, &job, err) !=
		ERR_NONE ||
	    json_str(line, "source", &source, err) != ERR_NONE ||
	    json_str(line, "ext", &ext, err) != ERR_NONE ||
	    hex_of(line, "content", content, sizeof(content), err) !=
		ERR_NONE ||
	    hex_of(line, "identity", identity, sizeof(identity), err) !=
		ERR_NONE)
		return err->code;
	job_hash_identity(source, ext, content, want);
	if (memcmp(want, identity, sizeof(want)) != 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "the identity of job #%lld was altered", (long long)job);
	if (events_verify(r, line, job, identity, err) != ERR_NONE ||
	    seals_verify(r, line, job, identity, err) != ERR_NONE ||
	    attempts_show(r, line, job, err) != ERR_NONE)
		return err->code;
	r->a->jobs++;
	if (r->a->job != NULL) {
		sha256_once(text, len, hash);
		r->a->job(r->a->arg, job, hash);
	}
	return ERR_NONE;
}

static enum err_code
end_verify(struct reading *r, const struct json *line, struct err *err)
{
	struct sha256 digest = r->digest;
	uint8_t said[SHA256_BYTES], is[SHA256_BYTES];
	int64_t jobs = 0;
	int64_t events = 0;

	sha256_end(&digest, is);
	if (hex_of(line, "sha256", said, sizeof(said), err) != ERR_NONE ||
	    json_i64(line, "jobs", 0, JSON_I64_MAX, &jobs, err) != ERR_NONE ||
	    json_i64(line, "events", 0, JSON_I64_MAX, &events, err) != ERR_NONE)
		return err->code;
	if (memcmp(said, is, sizeof(is)) != 0 || jobs != r->a->jobs ||
	    events != r->a->events)
		return err_set(err, ERR_MALFORMED, 0,
		    "the closing line does not close what is before it");
	r->ended = true;
	return ERR_NONE;
}

static enum err_code
line_verify(struct reading *r, const char *text, size_t len, struct err *err)
{
	struct json_limits limits = {LINE_MAX_BYTES, 8, 50000000};
	struct json *line = NULL;
	int64_t schema = 0;
	enum err_code code = json_parse(text, len, &limits, &line, err);

	r->line++;
	if (code == ERR_NONE && r->ended)
		code = err_set(
		    err, ERR_MALFORMED, 0, "something stands behind the end");
	else if (code == ERR_NONE && r->line == 1)
		code = json_i64(line, "schema", 1, 1, &schema, err) == ERR_NONE
			   ? hex_of(line, "journal", r->a->journal,
				 sizeof(r->a->journal), err)
			   : err->code;
	else if (code == ERR_NONE && json_get(line, "end") != NULL)
		code = end_verify(r, line, err);
	else if (code == ERR_NONE)
		code = job_verify(r, line, text, len, err);
	json_free(&line);
	sha256_add(&r->digest, text, len);
	sha256_add(&r->digest, "\n", 1);
	if (code == ERR_MALFORMED) {
		struct err why = *err;

		return damaged(r, err, why.text);
	}
	return code;
}

/* Take whole lines out of what was read. */
static enum err_code
lines_verify(struct reading *r, struct err *err)
{
	size_t at = 0;
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE) {
		const char *from = r->pending.bytes + at;
		const char *end = memchr(from, '\n', r->pending.len - at);

		if (end == NULL)
			break;
		code = line_verify(r, from, (size_t)(end - from), err);
		at += (size_t)(end - from) + 1;
	}
	buf_consume(&r->pending, at);
	return code;
}

static enum err_code
read_all(struct reading *r, struct err *err)
{
	char *chunk = mem_zalloc(READ_BYTES, 1);
	size_t got = READ_BYTES;
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE && got > 0) {
		code = env_pread(
		    r->env, r->file, chunk, READ_BYTES, r->offset, &got, err);
		r->offset += (int64_t)got;
		if (code == ERR_NONE && got > 0)
			code = buf_try_put(&r->pending, chunk, got, err);
		if (code == ERR_NONE && r->pending.len > 0)
			code = lines_verify(r, err);
	}
	mem_free(&chunk);
	if (code == ERR_NONE && (!r->ended || r->pending.len > 0)) {
		r->line++;
		code = damaged(
		    r, err, "the file is cut off: its closing line is missing");
	}
	return code;
}

enum err_code
journal_archive_verify(struct env *env, const char *path,
    struct journal_archive *a, struct err *err)
{
	struct reading r = {
	    .env = env, .a = a, .pending = BUF_INIT(LINE_MAX_BYTES)};
	enum err_code code = env_open(env, path, ENV_READ, &r.file, err);

	a->jobs = 0;
	a->events = 0;
	sha256_init(&r.digest);
	if (code == ERR_NONE)
		code = read_all(&r, err);
	if (code == ERR_DAMAGED || code == ERR_MALFORMED) {
		(void)err_wrap(err, "%s", path);
		err->code = code = ERR_DAMAGED;
	}
	env_close(env, &r.file);
	buf_free(&r.pending);
	mem_free(&r.hashes);
	mem_free(&r.job_states);
	return code;
}
