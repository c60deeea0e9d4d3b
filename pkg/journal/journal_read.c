#include "journal/journal_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

#include "journal/journal_priv.h"

/* --- counts ------------------------------------------------------------------
 */

enum err_code
journal_read_counts(
    struct journal *j, struct journal_counts *out, struct err *err)
{
	int64_t oldest = 0;
	sqlite3_stmt *st =
	    journal_db_get(&j->r, "SELECT state,n FROM tally", err);
	bool row = true;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err->code;
	for (;;) {
		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			break;
		int s = sqlite3_column_int(st, 0);

		if (s >= 0 && s < (int)JOB_NONE)
			out->jobs[s] = sqlite3_column_int64(st, 1);
	}
	if (journal_db_number(&j->r,
		"SELECT count(*) FROM attempt INDEXED BY attempt_number WHERE "
		"number IS NOT NULL AND state<>7",
		&out->live, err) != ERR_NONE ||
	    journal_db_number(&j->r,
		"SELECT count(*) FROM outbox INDEXED BY outbox_due WHERE "
		"state=0",
		&out->outbox_pending, err) != ERR_NONE ||
	    journal_db_number(&j->r,
		"SELECT count(*) FROM outbox INDEXED BY outbox_dead "
		"WHERE " JOURNAL_IS_DEAD,
		&out->outbox_dead, err) != ERR_NONE ||
	    journal_db_number(&j->r,
		"SELECT e.at_ms FROM job j INDEXED BY job_ready CROSS JOIN "
		"event e ON e.seq=j.last WHERE j.state=1 ORDER BY j.last "
		"LIMIT 1",
		&oldest, err) != ERR_NONE)
		return err->code;
	if (oldest != 0 && env_now_ms(j->env) > oldest)
		out->oldest_queued_ms = env_now_ms(j->env) - oldest;
	return ERR_NONE;
}

/* --- one row
 * ------------------------------------------------------------------ */

enum err_code
journal_read_job(
    struct journal *j, int64_t id, struct journal_job *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT " JOURNAL_JOB_COLUMNS " FROM job j" JOURNAL_JOB_JOINS
	    "WHERE j.id=?1",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(
		    err, ERR_NOT_FOUND, 0, "no job #%lld", (long long)id);
	enum err_code code = journal_row_job(&j->r, st, out, err);

	(void)sqlite3_reset(st);
	return code;
}

enum err_code
journal_read_attempt(
    struct journal *j, int64_t id, struct journal_attempt *out, struct err *err)
{
	return journal_row_get_attempt(&j->r, id, out, err);
}

enum err_code
journal_read_person(
    struct journal *j, int64_t job, struct journal_person *out, struct err *err)
{
	return journal_row_get_person(&j->r, job, out, err);
}

enum err_code
journal_read_terms(
    struct journal *j, int64_t id, char out[JOURNAL_TERMS_MAX], struct err *err)
{
	return journal_row_get_terms(&j->r, id, out, err);
}

/* --- finding
 * -------------------------------------------------------------------- */

/* What the statement finds: id, name of its source, the id that source knows.
 */
static enum err_code
find_with(struct journal *j, sqlite3_stmt *st, int64_t *id, int *hits,
    char *names, size_t size, struct err *err)
{
	bool row = true;

	for (;;) {
		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		*id = sqlite3_column_int64(st, 0);
		(*hits)++;
		size_t len = strlen(names);

		(void)sqlite3_snprintf((int)(size - len), names + len,
		    "%s%s:%s", len > 0 ? ", " : "", sqlite3_column_text(st, 1),
		    sqlite3_column_text(st, 2));
	}
}

static enum err_code
find_in(struct journal *j, const char *source, const char *ext, int64_t *id,
    int *hits, char *names, size_t size, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT j.id,s.name,j.ext FROM source s CROSS JOIN job j ON "
	    "j.source=s.id AND j.ext=?1 WHERE ?2 IS NULL OR s.name=?2",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, ext);
	journal_db_text(st, 2, source);
	return find_with(j, st, id, hits, names, size, err);
}

/* A queue's job is known here by ID@TIME#TRY; its producer knows ID alone. */
static enum err_code
find_queued(struct journal *j, const char *text, int64_t *id, int *hits,
    char *names, size_t size, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT j.id,s.name,j.ext FROM source s CROSS JOIN job j ON "
	    "j.source=s.id AND j.ext>?1||'@' AND j.ext<?1||'A' ORDER BY j.id "
	    "DESC LIMIT 5",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, text);
	return find_with(j, st, id, hits, names, size, err);
}

enum err_code
journal_read_find(
    struct journal *j, const char *text, int64_t *id, struct err *err)
{
	const char *colon = strchr(text, ':');
	char names[256] = "";
	int hits = 0;
	struct journal_job job;

	if (*text == '#') {
		if (text_i64(text + 1, 1, INT64_MAX / 256, id, err) != ERR_NONE)
			return err_wrap(err, "JOB \"%.60s\"", text);
		return journal_read_job(j, *id, &job, err);
	}
	if (find_in(j, NULL, text, id, &hits, names, sizeof(names), err) !=
	    ERR_NONE)
		return err->code;
	if (hits == 0 && colon != NULL) {
		char *source = mem_strndup(text, (size_t)(colon - text));
		enum err_code code = find_in(
		    j, source, colon + 1, id, &hits, names, sizeof(names), err);

		mem_free(&source);
		if (code != ERR_NONE)
			return code;
	}
	if (hits == 0) {
		if (find_queued(j, text, id, &hits, names, sizeof(names),
			err) != ERR_NONE)
			return err->code;
		if (hits > 1)
			return err_set(err, ERR_USAGE, 0,
			    "\"%.100s\" was taken from a queue more than once, "
			    "say which: %s",
			    text, names);
	}
	if (hits == 0)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "no job \"%.100s\": see `dsrun jobs`", text);
	if (hits > 1)
		return err_set(err, ERR_USAGE, 0,
		    "\"%.100s\" is known to several sources, say which: %s",
		    text, names);
	return ERR_NONE;
}

enum err_code
journal_read_event_attempt(struct journal *j, int64_t seq, int64_t *attempt,
    uint8_t hash[SHA256_BYTES], struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->r, "SELECT attempt,hash FROM event WHERE seq=?1", err);
	bool row = false;

	*attempt = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, seq);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*attempt = sqlite3_column_int64(st, 0);
		journal_db_copy_blob(st, 1, hash, SHA256_BYTES);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_read_by_key(struct journal *j, const uint8_t key[SHA256_BYTES],
    int64_t *attempt, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->r, "SELECT id FROM attempt WHERE key=?1", err);
	bool row = false;

	*attempt = 0;
	if (st == NULL)
		return err->code;
	journal_db_blob(st, 1, key, SHA256_BYTES);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*attempt = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}
