#include <string.h>

#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_read.h"
#include "json/json_write.h"

#include "journal/journal_prune_priv.h"

/*
 * Writing an archive (journal_archive.h has its lines).  All text that goes in
 * is ids, codes and times: what is personal stands in rows that are left out.
 */

#define CHUNK_BYTES ((size_t)256 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 20)

struct writing {
	struct journal *j;
	struct env_file *file;
	struct buf out;
	struct sha256 digest;
	int64_t events;
};

static enum err_code
flush(struct writing *w, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (w->out.len > 0)
		code = env_append(
		    w->j->env, w->file, w->out.bytes, w->out.len, err);
	buf_clear(&w->out);
	return code;
}

/* The line from `from` on is complete. */
static enum err_code
line_end(
    struct writing *w, size_t from, uint8_t hash[SHA256_BYTES], struct err *err)
{
	size_t len = w->out.len - from;

	if (hash != NULL)
		sha256_once(w->out.bytes + from, len, hash);
	buf_putc(&w->out, '\n');
	sha256_add(&w->digest, w->out.bytes + from, len + 1);
	return w->out.len >= CHUNK_BYTES ? flush(w, err) : ERR_NONE;
}

static void
field_hex(
    struct json_writer *jw, const char *key, const void *bytes, size_t len)
{
	char hex[2 * SHA256_BYTES + 1];

	json_field_str(jw, key, text_hex(bytes, len, hex));
}

static void
column_hex(
    struct json_writer *jw, const char *key, sqlite3_stmt *st, int column)
{
	uint8_t bytes[SHA256_BYTES];

	if (sqlite3_column_type(st, column) == SQLITE_NULL) {
		json_field_null(jw, key);
		return;
	}
	journal_db_copy_blob(st, column, bytes, sizeof(bytes));
	field_hex(jw, key, bytes, sizeof(bytes));
}

/* --- parts of a line ---------------------------------------------------------
 */

static enum err_code
seal_write(
    struct writing *w, struct json_writer *jw, int64_t n, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&w->j->r,
	    "SELECT s.n,s.revision,s.state,s.outcome,s.last,s.hash,b.hash FROM "
	    "sealed s LEFT JOIN sealed b ON b.n=s.n-1 WHERE s.n=?1",
	    err);
	uint8_t before[SHA256_BYTES];
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, n);
	if (journal_db_row(&w->j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return ERR_NONE;
	journal_db_copy_blob(st, 6, before, sizeof(before));
	json_write_object(jw);
	json_field_i64(jw, "n", sqlite3_column_int64(st, 0));
	json_field_i64(jw, "revision", sqlite3_column_int64(st, 1));
	json_field_i64(jw, "state", sqlite3_column_int64(st, 2));
	json_field_i64(jw, "outcome", sqlite3_column_int64(st, 3));
	column_hex(jw, "last", st, 4);
	field_hex(jw, "before", before, sizeof(before));
	column_hex(jw, "hash", st, 5);
	json_write_end(jw);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
seals_write(struct writing *w, struct json_writer *jw,
    const struct journal_prune_plan *plan, int64_t job, struct err *err)
{
	size_t at = 0;
	size_t n = 0;
	enum err_code code = ERR_NONE;

	journal_prune_pairs(plan->seals, plan->seal_count, job, &at, &n);
	json_write_key(jw, "seals");
	json_write_array(jw);
	for (size_t i = at; i < at + n && code == ERR_NONE; i++)
		code = seal_write(w, jw, plan->seals[i].row, err);
	json_write_end(jw);
	return code;
}

static void
event_write(struct json_writer *jw, sqlite3_stmt *st)
{
	json_write_object(jw);
	json_field_i64(jw, "seq", sqlite3_column_int64(st, 0));
	json_field_i64(jw, "n", sqlite3_column_int64(st, 1));
	json_field_i64(jw, "at", sqlite3_column_int64(st, 2));
	json_field_i64(jw, "step", sqlite3_column_int64(st, 3));
	json_field_i64(jw, "jobState", sqlite3_column_int64(st, 4));
	json_field_i64(jw, "attempt", sqlite3_column_int64(st, 5));
	json_field_i64(jw, "attemptState",
	    sqlite3_column_type(st, 6) == SQLITE_NULL
		? -1
		: sqlite3_column_int64(st, 6));
	json_field_str(jw, "detail", (const char *)sqlite3_column_text(st, 7));
	column_hex(jw, "hash", st, 8);
	json_write_end(jw);
}

static enum err_code
events_write(
    struct writing *w, struct json_writer *jw, int64_t last, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&w->j->r,
	    "WITH RECURSIVE chain(seq) AS (SELECT ?1 UNION ALL SELECT e.prev "
	    "FROM chain CROSS JOIN event e ON e.seq=chain.seq WHERE e.prev IS "
	    "NOT NULL) SELECT e.seq,e.n,e.at_ms,e.step,e.job_state,e.attempt,"
	    "e.attempt_state,e.detail,e.hash FROM chain CROSS JOIN event e ON "
	    "e.seq=chain.seq ORDER BY e.seq",
	    err);
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	json_write_key(jw, "events");
	json_write_array(jw);
	if (st != NULL)
		journal_db_i64(st, 1, last);
	while (code == ERR_NONE) {
		code = journal_db_row(&w->j->r, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		event_write(jw, st);
		w->events++;
	}
	json_write_end(jw);
	return code;
}

static void
attempt_write(struct json_writer *jw, sqlite3_stmt *st)
{
	static const char *const times[] = {
	    "armed", "placed", "answered", "ended"};

	json_write_object(jw);
	json_field_i64(
	    jw, "number", journal_attempt_number(sqlite3_column_int64(st, 0)));
	json_field_i64(jw, "state", sqlite3_column_int64(st, 1));
	json_field_i64(jw, "outcome", sqlite3_column_int64(st, 2));
	column_hex(jw, "key", st, 3);
	column_hex(jw, "request", st, 4);
	json_field_str(jw, "call", (const char *)sqlite3_column_text(st, 5));
	for (int i = 0; i < 4; i++)
		json_field_i64(jw, times[i], sqlite3_column_int64(st, 6 + i));
	json_write_end(jw);
}

static void
file_write(struct json_writer *jw, sqlite3_stmt *st)
{
	json_write_object(jw);
	json_field_i64(
	    jw, "attempt", journal_attempt_number(sqlite3_column_int64(st, 0)));
	json_field_i64(jw, "kind", sqlite3_column_int64(st, 1));
	json_field_str(jw, "path", (const char *)sqlite3_column_text(st, 2));
	json_field_i64(jw, "bytes", sqlite3_column_int64(st, 3));
	column_hex(jw, "sha256", st, 4);
	json_write_end(jw);
}

/* An array of rows of one job, whose ids lie in job * 256 and the next. */
static enum err_code
rows_write(struct writing *w, struct json_writer *jw, const char *key,
    const char *sql, void (*each)(struct json_writer *jw, sqlite3_stmt *st),
    int64_t job, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&w->j->r, sql, err);
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	json_write_key(jw, key);
	json_write_array(jw);
	if (st != NULL)
		journal_db_i64(st, 1, job);
	while (code == ERR_NONE) {
		code = journal_db_row(&w->j->r, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		each(jw, st);
	}
	json_write_end(jw);
	return code;
}

static void
job_write(struct json_writer *jw, const struct journal_job *job)
{
	uint8_t identity[SHA256_BYTES];

	job_hash_identity(job->source, job->ext, job->content, identity);
	json_field_i64(jw, "job", job->id);
	json_field_str(jw, "source", job->source);
	json_field_str(jw, "ext", job->ext);
	field_hex(jw, "content", job->content, sizeof(job->content));
	field_hex(jw, "identity", identity, sizeof(identity));
	json_field_str(jw, "kind", job->kind);
	json_field_str(jw, "campaign", job->campaign);
	json_field_i64(jw, "step", job->step);
	json_field_bool(jw, "final", job->final_step);
	json_field_str(jw, "state", job_state_name(job->state));
	json_field_str(jw, "outcome", job_outcome_name(job->outcome));
	json_field_str(jw, "reason", job_reason_word(job->reason));
	json_field_i64(jw, "tries", job->tries);
	json_field_i64(jw, "revision", job->revision);
	json_field_i64(jw, "opened", job->opened_ms);
}

/* --- lines -------------------------------------------------------------------
 */

static enum err_code
job_line(struct writing *w, const struct journal_prune_plan *plan,
    struct journal_prune_job *p, struct err *err)
{
	struct json_writer jw = JSON_WRITER_INIT(&w->out);
	size_t from = w->out.len;
	struct journal_job job;
	enum err_code code = journal_read_job(w->j, p->id, &job, err);

	if (code != ERR_NONE)
		return code;
	json_write_object(&jw);
	job_write(&jw, &job);
	code = seals_write(w, &jw, plan, p->id, err);
	if (code == ERR_NONE)
		code = events_write(w, &jw, p->last, err);
	if (code == ERR_NONE)
		code = rows_write(w, &jw, "attempts",
		    "SELECT id,state,outcome,key,request,carrier_call,"
		    "armed_ms,placed_ms,answered_ms,ended_ms FROM attempt "
		    "WHERE id>?1*256 AND id<?1*256+256 ORDER BY id",
		    attempt_write, p->id, err);
	if (code == ERR_NONE)
		code = rows_write(w, &jw, "files",
		    "SELECT attempt,kind,path,bytes,sha256 FROM artifact WHERE "
		    "attempt>?1*256 AND attempt<?1*256+256 ORDER BY attempt,"
		    "kind",
		    file_write, p->id, err);
	if (code != ERR_NONE)
		return code;
	json_write_end(&jw);
	return line_end(w, from, p->line, err);
}

static enum err_code
first_line(struct writing *w, int64_t before_ms, struct err *err)
{
	struct json_writer jw = JSON_WRITER_INIT(&w->out);
	size_t from = w->out.len;

	json_write_object(&jw);
	json_field_i64(&jw, "schema", 1);
	json_field_str(&jw, "journal", w->j->id_hex);
	json_field_i64(&jw, "at", env_now_ms(w->j->env));
	json_field_i64(&jw, "before", before_ms);
	json_write_end(&jw);
	return line_end(w, from, NULL, err);
}

static enum err_code
closing_line(struct writing *w, size_t jobs, struct err *err)
{
	struct json_writer jw = JSON_WRITER_INIT(&w->out);
	uint8_t hash[SHA256_BYTES];
	struct sha256 digest = w->digest;

	sha256_end(&digest, hash);
	json_write_object(&jw);
	json_field_bool(&jw, "end", true);
	json_field_i64(&jw, "jobs", (int64_t)jobs);
	json_field_i64(&jw, "events", w->events);
	field_hex(&jw, "sha256", hash, sizeof(hash));
	json_write_end(&jw);
	buf_putc(&w->out, '\n');
	return flush(w, err);
}

static enum err_code
file_fill(struct writing *w, const char *tmp, int64_t before_ms,
    struct journal_prune_plan *plan, struct err *err)
{
	struct env *env = w->j->env;
	enum err_code code = env_open(env, tmp,
	    ENV_WRITE | ENV_CREATE | ENV_TRUNCATE | ENV_APPEND, &w->file, err);

	if (code == ERR_NONE)
		code = first_line(w, before_ms, err);
	for (size_t i = 0; i < plan->count && code == ERR_NONE; i++)
		code = job_line(w, plan, &plan->jobs[i], err);
	if (code == ERR_NONE)
		code = closing_line(w, plan->count, err);
	CRASH_POINT("journal.archive.written");
	if (code == ERR_NONE)
		code = env_sync(env, w->file, err);
	env_close(env, &w->file);
	return code;
}

enum err_code
journal_archive_write(struct journal *j, const char *path, int64_t before_ms,
    struct journal_prune_plan *plan, struct err *err)
{
	struct writing w = {.j = j, .out = BUF_INIT(LINE_MAX_BYTES)};
	char *tmp = mem_printf("%s.%lld.tmp", path, (long long)j->env->pid);
	char *dir = mem_printf("%s/archive", j->dir);
	struct err ignored;
	enum err_code code;

	sha256_init(&w.digest);
	code = file_fill(&w, tmp, before_ms, plan, err);
	CRASH_POINT("journal.archive.synced");
	if (code == ERR_NONE)
		code = env_rename(j->env, tmp, path, err);
	CRASH_POINT("journal.archive.renamed");
	if (code == ERR_NONE)
		code = env_sync_dir(j->env, dir, err);
	else
		(void)env_remove(j->env, tmp, &ignored);
	buf_free(&w.out);
	mem_free(&dir);
	mem_free(&tmp);
	return code;
}
