#include <string.h>

#include "base/crc32.h"

#include "journal/journal_check_priv.h"
#include "journal/journal_priv.h"

/*
 * Is what is kept of a person what was written?
 *
 * Events and their chain name no number, for it must be possible to erase one.
 * A page that was altered and is a page all the same would have somebody else
 * called, so the row carries a sum of its own, which is looked at before it is
 * called by, and by check.  It goes when the row goes.
 */

static uint32_t
add_i64(uint32_t crc, int64_t v)
{
	uint8_t b[8];

	for (unsigned i = 0; i < 8; i++)
		b[i] = (uint8_t)((uint64_t)v >> (8 * i));
	return crc32_add(crc, b, sizeof(b));
}

/* With its end, so that what moves from one to the next is seen. */
static uint32_t
add_text(uint32_t crc, const char *text)
{
	return text != NULL ? crc32_add(crc, text, strlen(text) + 1)
			    : crc32_add(crc, "\xff", 1);
}

int64_t
journal_person_sum(int64_t job, int64_t number, int64_t org,
    const char *org_name, const char *contact, const char *data)
{
	uint32_t crc = add_i64(0, job);

	crc = add_i64(crc, number);
	crc = add_i64(crc, org);
	crc = add_text(crc, org_name);
	crc = add_text(crc, contact);
	return add_text(crc, data);
}

static bool
is_whole(sqlite3_stmt *st, int at, int64_t job)
{
	return sqlite3_column_type(st, at + 5) == SQLITE_NULL ||
	       sqlite3_column_int64(st, at + 5) ==
		   journal_person_sum(job, sqlite3_column_int64(st, at),
		       sqlite3_column_int64(st, at + 1),
		       (const char *)sqlite3_column_text(st, at + 2),
		       (const char *)sqlite3_column_text(st, at + 3),
		       (const char *)sqlite3_column_text(st, at + 4));
}

enum err_code
journal_person_judge(struct journal_db *db, sqlite3_stmt *st, int at,
    int64_t job, struct err *err)
{
	if (is_whole(st, at, job))
		return ERR_NONE;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s is damaged: whom job #%lld is to call is not what was written; "
	    "nobody is called; see `dsrun check`, then put a backup in its "
	    "place (dsrun restore FILE --by NAME)",
	    sqlite3_db_filename(db->h, "main"), (long long)job);
}

enum err_code
journal_check_persons(
    struct journal_db *db, struct journal_check *out, struct err *err)
{
	int64_t version = 0;
	bool row = true;
	enum err_code code =
	    journal_db_number(db, "PRAGMA user_version", &version, err);
	sqlite3_stmt *st = NULL;

	/* A copy from an older program has none. */
	if (code != ERR_NONE || version < JOURNAL_PERSON_SUM_SCHEMA)
		return code;
	st = journal_db_get(db,
	    "SELECT job,number,org,org_name,contact,data,sum FROM person "
	    "ORDER BY job",
	    err);
	if (st == NULL)
		return err->code;
	for (;;) {
		code = journal_db_row(db, st, &row, err);
		if (code != ERR_NONE || !row)
			return code;
		int64_t job = sqlite3_column_int64(st, 0);

		if (!is_whole(st, 1, job))
			journal_check_bad(out, JOURNAL_CHECK_DATABASE,
			    "job #%lld: whom it is to call is not what was "
			    "written",
			    (long long)job);
	}
}
