#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/* Is there anything to begin a transaction for? */

enum err_code
journal_read_other_owners(struct journal *j, bool *any, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT 1 FROM owner INDEXED BY owner_open WHERE closed_ms IS "
	    "NULL AND id<>?1 LIMIT 1",
	    err);

	*any = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->owner);
	return journal_db_there(&j->r, st, any, err);
}

enum err_code
journal_read_waiting(struct journal *j, bool *any, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT 1 WHERE EXISTS(SELECT 1 FROM job INDEXED BY job_ready "
	    "WHERE state=1) OR EXISTS(SELECT 1 FROM job INDEXED BY job_due "
	    "WHERE state=0)",
	    err);

	*any = false;
	return st == NULL ? err->code : journal_db_there(&j->r, st, any, err);
}
