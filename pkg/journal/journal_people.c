#include <string.h>

#include "journal/journal_priv.h"

/* What people decide: pauses, the do-not-call list, and the record of who. */

enum err_code
journal_deed(struct journal *j, const char *what, const char *by,
    const char *reason, int64_t *id, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO deed(at_ms,what,by_name,reason) VALUES(?1,?2,?3,?4)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->group_ms);
	journal_db_text(st, 2, what);
	journal_db_text(st, 3, by);
	journal_db_text(st, 4, reason);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	*id = sqlite3_last_insert_rowid(j->w.h);
	return ERR_NONE;
}

enum err_code
journal_clock_accept(
    struct journal *j, const char *by, const char *reason, struct err *err)
{
	int64_t deed = 0;

	j->clock_ok = true; /* head_write makes now the mark */
	return journal_deed(j, "clock accept", by, reason, &deed, err);
}

enum err_code
journal_incarnation_accept(
    struct journal *j, const char *by, const char *reason, struct err *err)
{
	int64_t deed = 0;

	if (!j->head.fresh)
		return err_set(
		    err, ERR_STATE, 0, "this incarnation needs no acceptance");
	j->head.fresh = false;
	return journal_deed(j, "incarnation accept", by, reason, &deed, err);
}

static enum err_code
changed(struct journal *j, sqlite3_stmt *st, bool *out, struct err *err)
{
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	*out = sqlite3_changes(j->w.h) > 0;
	return ERR_NONE;
}

/* 0 stands for all campaigns; one that is not known yet may be paused too. */
static enum err_code
campaign_number(
    struct journal *j, const char *campaign, int64_t *id, struct err *err)
{
	*id = 0;
	if (campaign == NULL)
		return ERR_NONE;
	return journal_name_put(j, JOURNAL_NAME_CAMPAIGN, campaign, id, err);
}

enum err_code
journal_pause(struct journal *j, const char *campaign, const char *by,
    const char *reason, bool *done, struct err *err)
{
	int64_t id = 0;
	int64_t deed = 0;
	sqlite3_stmt *st;

	*done = false;
	if (campaign_number(j, campaign, &id, err) != ERR_NONE ||
	    journal_deed(j, "pause", by, reason, &deed, err) != ERR_NONE)
		return err->code;
	st = journal_db_get(&j->w,
	    "INSERT OR IGNORE INTO pause(campaign,deed) VALUES(?1,?2)", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_i64(st, 2, deed);
	j->no_pause = false;
	return changed(j, st, done, err);
}

enum err_code
journal_resume(struct journal *j, const char *campaign, const char *by,
    const char *reason, bool *done, struct err *err)
{
	int64_t id = 0;
	int64_t deed = 0;
	sqlite3_stmt *st;

	*done = false;
	if (campaign_number(j, campaign, &id, err) != ERR_NONE ||
	    journal_deed(j, "resume", by, reason, &deed, err) != ERR_NONE)
		return err->code;
	st = journal_db_get(&j->w, "DELETE FROM pause WHERE campaign=?1", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	return changed(j, st, done, err);
}

/*
 * Asked for each candidate and each dial, and nearly always nothing is paused:
 * that is found out once a group.  Two terms instead of IN, which would make a
 * table in memory each time.
 */
enum err_code
journal_is_paused(
    struct journal *j, int64_t campaign_id, bool *out, struct err *err)
{
	sqlite3_stmt *st;
	bool any = false;

	*out = false;
	if (j->no_pause)
		return ERR_NONE;
	st =
	    journal_db_get(&j->w, "SELECT 1 FROM pause WHERE campaign>=0", err);
	if (st == NULL || journal_db_there(&j->w, st, &any, err) != ERR_NONE)
		return err->code;
	j->no_pause = !any;
	if (!any)
		return ERR_NONE;
	st = journal_db_get(&j->w,
	    "SELECT 1 WHERE EXISTS(SELECT 1 FROM pause WHERE campaign=0) OR "
	    "EXISTS(SELECT 1 FROM pause WHERE campaign=?1)",
	    err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, campaign_id);
	return journal_db_there(&j->w, st, out, err);
}

enum err_code
journal_dnc_get(struct journal *j, int64_t number, int *kind, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->w, "SELECT kind FROM dnc WHERE number=?1", err);
	bool row = false;

	*kind = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*kind = sqlite3_column_int(st, 0);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_dnc_put_under(struct journal *j, int64_t number, int kind, int64_t deed,
    bool *added, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR IGNORE INTO dnc(number,kind,at_ms,deed) "
	    "VALUES(?1,?2,?3,?4)",
	    err);

	*added = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, kind);
	journal_db_i64(st, 3, j->group_ms);
	journal_db_i64(st, 4, deed);
	return changed(j, st, added, err);
}

enum err_code
journal_dnc_put(struct journal *j, int64_t number, int kind, const char *by,
    const char *reason, bool *added, struct err *err)
{
	int64_t deed = 0;

	*added = false;
	if (journal_deed(j, "dnc add", by, reason, &deed, err) != ERR_NONE)
		return err->code;
	return journal_dnc_put_under(j, number, kind, deed, added, err);
}

enum err_code
journal_dnc_remove(struct journal *j, int64_t number, const char *by,
    const char *reason, bool *removed, struct err *err)
{
	int64_t deed = 0;
	sqlite3_stmt *st;

	*removed = false;
	if (journal_deed(j, "dnc remove", by, reason, &deed, err) != ERR_NONE)
		return err->code;
	st = journal_db_get(&j->w, "DELETE FROM dnc WHERE number=?1", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	return changed(j, st, removed, err);
}

enum err_code
journal_attention_once(
    struct journal *j, const char *what, bool *first, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR IGNORE INTO attention(what,at_ms) VALUES(?1,?2)", err);

	*first = false;
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, what);
	journal_db_i64(st, 2, j->group_ms);
	return changed(j, st, first, err);
}

enum err_code
journal_run_begin(
    struct journal *j, const char *command, int64_t *id, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->w, "INSERT INTO run(command,started_ms) VALUES(?1,?2)", err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, command);
	journal_db_i64(st, 2, j->group_ms);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	*id = sqlite3_last_insert_rowid(j->w.h);
	return journal_db_exec(&j->w,
	    "DELETE FROM run WHERE id<(SELECT max(id)-100 FROM run)", err);
}

enum err_code
journal_run_end(
    struct journal *j, int64_t id, const char *summary_json, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->w, "UPDATE run SET ended_ms=?2,summary=?3 WHERE id=?1", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_i64(st, 2, j->group_ms);
	journal_db_text(st, 3, summary_json);
	return journal_db_done(&j->w, st, err);
}
