#include "base/mem.h"

#include "journal/journal_priv.h"

static const struct {
	int version;
	const char *sql;
} migrations[] = {
#include "journal_migrations.inc"
};

int
journal_schema_newest(void)
{
	return migrations[ARRAY_LEN(migrations) - 1].version;
}

enum err_code
journal_schema_migrate(struct journal_db *db, int from, struct err *err)
{
	char pragma[64];

	for (size_t i = 0; i < ARRAY_LEN(migrations); i++)
		if (migrations[i].version > from &&
		    journal_db_exec(db, migrations[i].sql, err) != ERR_NONE)
			return err_wrap(
			    err, "migration %d", migrations[i].version);
	(void)sqlite3_snprintf(sizeof(pragma), pragma,
	    "PRAGMA user_version=%d; PRAGMA application_id=%d",
	    journal_schema_newest(), JOURNAL_APPLICATION_ID);
	if (journal_db_exec(db, pragma, err) != ERR_NONE)
		return err->code;
	return journal_schema_steps(db, err);
}

static enum err_code
step_put(struct journal_db *db, int64_t id, int machine, int was, int event,
    int next, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "INSERT OR IGNORE INTO step(id,machine,was,event,next) "
	    "VALUES(?1,?2,?3,?4,?5)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	journal_db_i64(st, 2, machine);
	journal_db_i64(st, 3, was);
	journal_db_i64(st, 4, event);
	journal_db_i64(st, 5, next);
	return journal_db_done(db, st, err);
}

/* The tables of pkg/job as rows; those of older programs stay as they are. */
enum err_code
journal_schema_steps(struct journal_db *db, struct err *err)
{
	size_t n;
	size_t m;
	const struct job_row *jobs = job_rows(&n);
	const struct attempt_row *attempts = job_attempt_rows(&m);
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < n && code == ERR_NONE; i++)
		code =
		    step_put(db, (int64_t)i, JOB_MACHINE_JOB, (int)jobs[i].was,
			(int)jobs[i].event, (int)jobs[i].next, err);
	for (size_t i = 0; i < m && code == ERR_NONE; i++)
		code = step_put(db, 1000 + (int64_t)i, JOB_MACHINE_ATTEMPT,
		    (int)attempts[i].was, (int)attempts[i].event,
		    (int)attempts[i].next, err);
	return code;
}
