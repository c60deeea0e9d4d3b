#include "journal/journal_cache.h"

#include "base/crash.h"

#include "journal/journal_priv.h"

enum err_code
journal_cache_put(struct journal *j, enum journal_cache_kind kind,
    const char *id, int64_t number, const char *body, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR REPLACE INTO cache(kind,id,number,body,fetched_ms) "
	    "VALUES(?1,?2,?3,?4,?5)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, kind);
	journal_db_text(st, 2, id);
	journal_db_i64_or_null(st, 3, number);
	journal_db_text(st, 4, body);
	journal_db_i64(st, 5, j->group_ms);
	CRASH_POINT("journal.cache.put");
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_cache_remove(struct journal *j, enum journal_cache_kind kind,
    const char *id, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->w, "DELETE FROM cache WHERE kind=?1 AND id=?2", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, kind);
	journal_db_text(st, 2, id);
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_read_cache(struct journal *j, enum journal_cache_kind kind,
    const char *id, char **body, int64_t *fetched_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT body,fetched_ms FROM cache WHERE kind=?1 AND id=?2", err);
	bool row = false;
	enum err_code code;

	*body = NULL;
	*fetched_ms = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, kind);
	journal_db_text(st, 2, id);
	code = journal_db_row(&j->r, st, &row, err);
	if (code != ERR_NONE || !row)
		return code;
	*body = journal_db_dup_text(st, 0);
	*fetched_ms = sqlite3_column_int64(st, 1);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}
