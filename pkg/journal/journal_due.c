#include "journal/journal_life.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/* What time does to jobs, and when numbers were dialled. */

/* The first ids of a query with one time and one limit. */
static enum err_code
due_ids(struct journal *j, const char *sql, int64_t max, int64_t *ids,
    size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w, sql, err);

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->group_ms);
	journal_db_i64(st, 2, max);
	return journal_db_ids(&j->w, st, ids, count, err);
}

#define DUE_MAX 500

enum err_code
journal_wake(struct journal *j, int64_t max, int64_t *woken, struct err *err)
{
	int64_t ids[DUE_MAX];
	size_t count = 0;
	enum err_code code = due_ids(j,
	    "SELECT id FROM job INDEXED BY job_due WHERE state=0 AND "
	    "not_before_ms<=?1 ORDER BY not_before_ms LIMIT ?2",
	    max < DUE_MAX ? max : DUE_MAX, ids, &count, err);

	*woken = 0;
	/* A wrong clock would make ready what is not due. */
	if (!j->clock_ok)
		return code;
	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		struct journal_job job;

		code = journal_job_get(j, ids[i], &job, err);
		if (code != ERR_NONE)
			break;
		job.reason = JOB_REASON_NONE;
		struct journal_change change = {
		    .job = &job, .job_event = JOB_EV_DUE};

		code = journal_step(j, &change, err);
		(*woken)++;
	}
	return code;
}

enum err_code
journal_expire(
    struct journal *j, int64_t max, int64_t *expired, struct err *err)
{
	int64_t ids[DUE_MAX];
	size_t count = 0;
	enum err_code code;

	*expired = 0;
	if (!j->clock_ok)
		return ERR_NONE;
	code = due_ids(j,
	    "SELECT id FROM job INDEXED BY job_expiry WHERE state<=1 AND "
	    "expires_ms IS NOT NULL AND expires_ms<=?1 ORDER BY expires_ms "
	    "LIMIT ?2",
	    max < DUE_MAX ? max : DUE_MAX, ids, &count, err);
	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		struct journal_job job;

		code = journal_job_get(j, ids[i], &job, err);
		if (code != ERR_NONE)
			break;
		job.reason = JOB_REASON_EXPIRED;
		struct journal_change change = {
		    .job = &job, .job_event = JOB_EV_EXPIRE};

		code = journal_step(j, &change, err);
		if (code == ERR_NONE)
			code = journal_outbox_add(j, &job, 0, err);
		(*expired)++;
	}
	return code;
}

enum err_code
journal_shut_out(struct journal *j, int64_t kind, int64_t *ids, size_t max,
    size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    kind == 0
		? "SELECT id FROM (SELECT id,min(not_before_ms) AS soonest "
		  "FROM (SELECT id,kind,reason,not_before_ms FROM job INDEXED "
		  "BY job_due WHERE state=0 AND not_before_ms>?1 ORDER BY "
		  "not_before_ms LIMIT 1000) WHERE reason=?3 AND NOT EXISTS"
		  "(SELECT 1 FROM lease WHERE lease.job=id) GROUP BY kind) "
		  "ORDER BY soonest LIMIT ?2"
		: "SELECT id FROM job INDEXED BY job_due WHERE state=0 AND "
		  "not_before_ms>?1 AND reason=?3 AND kind=?4 AND NOT EXISTS"
		  "(SELECT 1 FROM lease WHERE lease.job=id) ORDER BY "
		  "not_before_ms LIMIT ?2",
	    err);

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->group_ms);
	journal_db_i64(st, 2, (int64_t)max);
	journal_db_i64(st, 3, JOB_REASON_WINDOW);
	if (kind != 0)
		journal_db_i64(st, 4, kind);
	return journal_db_ids(&j->w, st, ids, count, err);
}

static enum err_code
next_due(struct journal_db *db, int64_t *at_ms, struct err *err)
{
	int64_t due = 0;
	int64_t expiry = 0;

	if (journal_db_number(db,
		"SELECT min(not_before_ms) FROM job INDEXED BY job_due WHERE "
		"state=0",
		&due, err) != ERR_NONE ||
	    journal_db_number(db,
		"SELECT min(expires_ms) FROM job INDEXED BY job_expiry WHERE "
		"state<=1 AND expires_ms IS NOT NULL",
		&expiry, err) != ERR_NONE)
		return err->code;
	*at_ms = due == 0 || (expiry != 0 && expiry < due) ? expiry : due;
	return ERR_NONE;
}

enum err_code
journal_next_due(struct journal *j, int64_t *at_ms, struct err *err)
{
	return next_due(&j->w, at_ms, err);
}

enum err_code
journal_read_next_due(struct journal *j, int64_t *at_ms, struct err *err)
{
	return next_due(&j->r, at_ms, err);
}

enum err_code
journal_dials(struct journal *j, int64_t number, int64_t since_ms,
    int64_t *count, int64_t *newest_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT count(*),coalesce(max(at_ms),0) FROM dial WHERE number=?1 "
	    "AND at_ms>?2",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, since_ms);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	*count = sqlite3_column_int64(st, 0);
	*newest_ms = sqlite3_column_int64(st, 1);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_dial_nth(struct journal *j, int64_t number, int64_t since_ms, int64_t n,
    int64_t *at_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT at_ms FROM dial WHERE number=?1 AND at_ms>?2 ORDER BY "
	    "at_ms LIMIT 1 OFFSET ?3",
	    err);
	bool row = false;

	*at_ms = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, since_ms);
	journal_db_i64(st, 3, n);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	*at_ms = sqlite3_column_int64(st, 0); /* 0 where there is no row */
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_dial_put(struct journal *j, int64_t number, int64_t at_ms,
    int64_t attempt, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR IGNORE INTO dial(number,at_ms,attempt) "
	    "VALUES(?1,?2,?3)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, at_ms);
	journal_db_i64(st, 3, attempt);
	return journal_db_done(&j->w, st, err);
}
