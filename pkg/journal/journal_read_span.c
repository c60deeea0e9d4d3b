#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/* Many reads as of one moment. */

enum err_code
journal_read_begin(struct journal *j, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r, "BEGIN", err);

	return st == NULL ? err->code : journal_db_done(&j->r, st, err);
}

void
journal_read_end(struct journal *j)
{
	struct err ignored;
	sqlite3_stmt *st = journal_db_get(&j->r, "COMMIT", &ignored);

	if (st != NULL)
		(void)journal_db_done(&j->r, st, &ignored);
}

void
journal_read_rest(struct journal *j)
{
	(void)sqlite3_db_release_memory(j->r.h);
}
