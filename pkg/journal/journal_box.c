#include <string.h>

#include "base/crash.h"

#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * Rows that wait: the inbox (what others want an owner to know), the outbox
 * (results on their way to a sink) and the batch being appended to a file.
 */

void
journal_message_free(struct journal_message *m)
{
	mem_free(&m->body);
}

enum err_code
journal_inbox_put(struct journal *j, const char *sender, const char *ext,
    int64_t attempt, enum journal_message_code code, const char *body,
    bool *added, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR IGNORE INTO inbox(sender,ext,attempt,code,at_ms,body) "
	    "VALUES(?1,?2,?3,?4,?5,?6)",
	    err);

	*added = false;
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, sender);
	journal_db_text(st, 2, ext);
	journal_db_i64(st, 3, attempt);
	journal_db_i64(st, 4, code);
	journal_db_i64(st, 5, j->group_ms);
	journal_db_text(st, 6, body);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	*added = sqlite3_changes(j->w.h) > 0;
	CRASH_POINT("journal.inbox.put");
	return ERR_NONE;
}

enum err_code
journal_inbox_get(struct journal *j, int64_t attempt, int64_t after,
    struct journal_message *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT id,attempt,code,at_ms,body FROM inbox INDEXED BY "
	    "inbox_open WHERE attempt=?1 AND folded IS NULL AND id>?2 ORDER BY id "
	    "LIMIT 1",
	    err);
	bool row = false;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	journal_db_i64(st, 2, after);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(err, ERR_NOT_FOUND, 0, "no open message");
	out->id = sqlite3_column_int64(st, 0);
	out->attempt = sqlite3_column_int64(st, 1);
	out->code = (enum journal_message_code)sqlite3_column_int(st, 2);
	out->at_ms = sqlite3_column_int64(st, 3);
	out->body = journal_db_dup_text(st, 4);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_inbox_folded(struct journal *j, int64_t message, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE inbox SET folded=?2,body=NULL WHERE id=?1 AND folded IS "
	    "NULL",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, message);
	journal_db_i64(st, 2, j->head.seq);
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_inbox_fold_all(struct journal *j, int64_t attempt, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE inbox INDEXED BY inbox_open SET folded=?2,body=NULL WHERE "
	    "attempt=?1 AND folded IS NULL",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	journal_db_i64(st, 2, j->head.seq);
	return journal_db_done(&j->w, st, err);
}

/* --- outbox
 * ------------------------------------------------------------------- */

const char *
journal_sink_name(enum journal_sink sink)
{
	static const char *const names[JOURNAL_SINK_END] = {
	    [JOURNAL_SINK_FILE] = "file",
	    [JOURNAL_SINK_MONGO] = "mongo",
	    [JOURNAL_SINK_S3] = "s3",
	    [JOURNAL_SINK_BULL] = "bull",
	    [JOURNAL_SINK_WEBHOOK] = "webhook",
	    [JOURNAL_SINK_LOGTAIL] = "logtail"};

	return sink >= JOURNAL_SINK_FILE && sink < JOURNAL_SINK_END
		   ? names[sink]
		   : "?";
}

void
journal_set_sinks(struct journal *j, unsigned sinks)
{
	j->sinks = sinks;
}

static enum err_code
outbox_add(struct journal *j, struct journal_job *job, int64_t attempt,
    enum journal_sink sink, struct err *err)
{
	/* At a job's first finish there is no row before it. */
	sqlite3_stmt *st = journal_db_get(&j->w,
	    job->revision == 1
		? "INSERT INTO outbox(id,job,sink,revision,attempt,state,"
		  "tries,next_ms) VALUES(?1,?2,?3,?4,?5,0,0,0)"
		: "INSERT INTO outbox(id,job,sink,revision,attempt,prev,state,"
		  "tries,next_ms) VALUES(?1,?2,?3,?4,?5,(SELECT max(id) FROM "
		  "outbox INDEXED BY outbox_job WHERE job=?2 AND sink=?3),0,0,"
		  "0)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->head.next_outbox);
	journal_db_i64(st, 2, job->id);
	journal_db_i64(st, 3, sink);
	journal_db_i64(st, 4, job->revision);
	journal_db_i64_or_null(st, 5, attempt);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	job->outbox = j->head.next_outbox++;
	CRASH_POINT("journal.outbox.added");
	return ERR_NONE;
}

enum err_code
journal_outbox_add(struct journal *j, struct journal_job *job, int64_t attempt,
    struct err *err)
{
	enum err_code code = ERR_NONE;

	for (enum journal_sink s = JOURNAL_SINK_FILE;
	     s < JOURNAL_SINK_END && code == ERR_NONE; s++)
		if ((j->sinks & (1U << s)) != 0)
			code = outbox_add(j, job, attempt, s, err);
	return code;
}

enum err_code
journal_outbox_again(struct journal *j, struct journal_job *job,
    enum journal_sink sink, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE outbox SET state=0,tries=0,next_ms=0,error=NULL WHERE id="
	    "(SELECT max(id) FROM outbox INDEXED BY outbox_job WHERE job=?1 "
	    "AND sink=?2)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job->id);
	journal_db_i64(st, 2, sink);
	if (journal_db_done(&j->w, st, err) != ERR_NONE ||
	    sqlite3_changes(j->w.h) > 0)
		return err->code;
	return outbox_add(j, job, 0, sink, err);
}

enum err_code
journal_outbox_due(struct journal *j, enum journal_sink sink, int64_t now_ms,
    struct journal_outbox *rows, size_t max, size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT o.id,o.job,o.revision,o.attempt,o.tries FROM outbox o "
	    "INDEXED BY outbox_due WHERE o.state=0 AND o.sink=?1 AND "
	    "o.next_ms<=?2 AND NOT EXISTS(SELECT 1 FROM outbox p WHERE "
	    "p.id=o.prev AND p.state=0) ORDER BY o.next_ms,o.id LIMIT ?3",
	    err);
	bool row = true;

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, sink);
	journal_db_i64(st, 2, now_ms);
	journal_db_i64(st, 3, (int64_t)max);
	for (;;) {
		if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		rows[(*count)++] =
		    (struct journal_outbox){.id = sqlite3_column_int64(st, 0),
			.job = sqlite3_column_int64(st, 1),
			.revision = sqlite3_column_int64(st, 2),
			.attempt = sqlite3_column_int64(st, 3),
			.sink = sink,
			.tries = sqlite3_column_int64(st, 4)};
	}
}

enum err_code
journal_outbox_next(struct journal *j, enum journal_sink sink, int64_t now_ms,
    int64_t *at_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT min(next_ms) FROM outbox INDEXED BY outbox_due WHERE "
	    "state=0 AND sink=?1 AND next_ms>?2",
	    err);
	bool row = false;

	*at_ms = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, sink);
	journal_db_i64(st, 2, now_ms);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	*at_ms = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_outbox_set(struct journal *j, int64_t id,
    enum journal_outbox_state state, int64_t next_ms, const char *error,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE outbox SET state=?2,tries=tries+1,next_ms=?3,error=?4 "
	    "WHERE id=?1 AND (state=0 OR ?2=1)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_i64(st, 2, state);
	journal_db_i64(st, 3, next_ms);
	journal_db_text(st, 4, error);
	CRASH_POINT("journal.outbox.set");
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_outbox_wait(struct journal *j, int64_t id, int64_t next_ms,
    int64_t tries_most, const char *error, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE outbox SET tries=max(tries,min(tries+1,?3)),next_ms=?2,"
	    "error=?4 WHERE id=?1 AND state=0",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_i64(st, 2, next_ms);
	journal_db_i64(st, 3, tries_most);
	journal_db_text(st, 4, error);
	CRASH_POINT("journal.outbox.wait");
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_outbox_keep(
    struct journal *j, int64_t id, const char *text, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->w, "UPDATE outbox SET kept=?2 WHERE id=?1", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_text(st, 2, text[0] != '\0' ? text : NULL);
	CRASH_POINT("journal.outbox.kept");
	return journal_db_done(&j->w, st, err);
}

static enum err_code
outbox_move(struct journal *j, sqlite3_stmt *st, bool *changed, struct err *err)
{
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	*changed = sqlite3_changes(j->w.h) > 0;
	return ERR_NONE;
}

enum err_code
journal_outbox_retry(
    struct journal *j, int64_t id, bool *changed, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE outbox SET state=0,next_ms=0,"
	    "tries=CASE state WHEN 2 THEN 0 ELSE tries END,"
	    "error=CASE state WHEN 2 THEN NULL ELSE error END WHERE "
	    "id=?1 AND (state=2 OR state=0 AND next_ms>0)",
	    err);

	*changed = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	return outbox_move(j, st, changed, err);
}

enum err_code
journal_outbox_drop(struct journal *j, int64_t id, const char *error,
    bool *changed, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE outbox SET state=2,error=?2 WHERE id=?1 AND "
	    "(state=0 OR " JOURNAL_IS_DEAD ")",
	    err);

	*changed = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_text(st, 2, error);
	return outbox_move(j, st, changed, err);
}

/* --- appends
 * -------------------------------------------------------------------- */

void
journal_append_free(struct journal_append *a)
{
	mem_free(&a->rows);
	mem_free(&a->bytes);
}

enum err_code
journal_append_get(struct journal *j, const char *path,
    struct journal_append *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT size,rows,bytes,name FROM append WHERE path=?1", err);
	bool row = false;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, path);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return ERR_NONE;
	out->size = sqlite3_column_int64(st, 0);
	out->rows = journal_db_dup_text(st, 1);
	journal_db_copy_text(st, 3, out->name, sizeof(out->name));
	if (sqlite3_column_type(st, 2) != SQLITE_NULL) {
		out->len = (size_t)sqlite3_column_bytes(st, 2);
		out->bytes = mem_dup(sqlite3_column_blob(st, 2), out->len);
	}
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_append_put(struct journal *j, const char *path, const char *name,
    int64_t size, const char *rows, const void *bytes, size_t len,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR REPLACE INTO append(path,size,rows,bytes,name) "
	    "VALUES(?1,?2,?3,?4,?5)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, path);
	journal_db_i64(st, 2, size);
	journal_db_text(st, 3, rows);
	journal_db_blob(st, 4, bytes, len);
	journal_db_text(st, 5, name);
	CRASH_POINT("journal.append.put");
	return journal_db_done(&j->w, st, err);
}

/* --- artifacts
 * -------------------------------------------------------------------- */

enum err_code
journal_artifact_put(struct journal *j, int64_t attempt,
    const struct journal_artifact *a, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR REPLACE INTO artifact(attempt,kind,path,bytes,ms,"
	    "sha256) VALUES(?1,?2,?3,?4,?5,?6)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	journal_db_i64(st, 2, a->kind);
	journal_db_text(st, 3, a->path);
	journal_db_i64(st, 4, a->bytes);
	journal_db_i64(st, 5, a->ms);
	journal_db_blob(st, 6, a->sha256, SHA256_BYTES);
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_finding_put(struct journal *j, int64_t attempt, const char *answered_by,
    const char *decline, const char *meeting, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR REPLACE INTO finding(attempt,answered_by,decline,"
	    "meeting) VALUES(?1,?2,?3,?4)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	journal_db_text(st, 2, answered_by);
	journal_db_text(st, 3, decline);
	journal_db_text(st, 4, meeting);
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_read_artifacts(struct journal *j, int64_t attempt, int kind,
    struct journal_artifact_row *rows, size_t max, size_t *count,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT attempt,kind,path,bytes,ms,sha256 FROM artifact WHERE "
	    "(attempt,kind)>(?1,?2) ORDER BY attempt,kind LIMIT ?3",
	    err);
	bool row = true;

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	journal_db_i64(st, 2, kind);
	journal_db_i64(st, 3, (int64_t)max);
	for (;;) {
		struct journal_artifact_row *out = &rows[*count];

		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		out->attempt = sqlite3_column_int64(st, 0);
		out->artifact.kind = sqlite3_column_int(st, 1);
		journal_db_copy_text(
		    st, 2, out->artifact.path, sizeof(out->artifact.path));
		out->artifact.bytes = sqlite3_column_int64(st, 3);
		out->artifact.ms = sqlite3_column_int64(st, 4);
		journal_db_copy_blob(st, 5, out->artifact.sha256, SHA256_BYTES);
		(*count)++;
	}
}
