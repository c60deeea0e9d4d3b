#include <string.h>

#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * SQL of people, beside a running dsrun.
 *
 * Reading goes over the reader's own connection, which was opened read only.
 * Writing is a member of a group like any other: under the write lock, with
 * the checks every group begins with and the mark after it, so that no person
 * can leave a transaction open or put the journal behind its mark.
 */

#define COLUMNS_MAX 64

static enum err_code
sql_err(struct journal_db *db, struct err *err)
{
	switch (sqlite3_errcode(db->h) & 0xff) {
	case SQLITE_AUTH:
		return err_set(err, ERR_USAGE, 0,
		    "BEGIN, COMMIT, ROLLBACK and savepoints are not for you: "
		    "all statements given are one transaction already");
	case SQLITE_READONLY:
		return err_set(err, ERR_USAGE, 0,
		    "this only reads; say --write if the journal is to be "
		    "changed");
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
		return err_set(err, ERR_USAGE, sqlite3_extended_errcode(db->h),
		    "%s", sqlite3_errmsg(db->h));
	default:
		return journal_db_err(db, err, "SQL");
	}
}

static void
cell_read(sqlite3_stmt *st, int i, struct journal_cell *out)
{
	memset(out, 0, sizeof(*out));
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		out->type = JOURNAL_CELL_INTEGER;
		out->integer = sqlite3_column_int64(st, i);
		return;
	case SQLITE_FLOAT:
		out->type = JOURNAL_CELL_REAL;
		out->real = sqlite3_column_double(st, i);
		return;
	case SQLITE_BLOB:
		out->type = JOURNAL_CELL_BLOB;
		out->bytes = sqlite3_column_blob(st, i);
		break;
	case SQLITE_TEXT:
		out->type = JOURNAL_CELL_TEXT;
		out->bytes = (const char *)sqlite3_column_text(st, i);
		break;
	default:
		return;
	}
	out->len = (size_t)sqlite3_column_bytes(st, i);
	if (out->bytes == NULL) /* SQLite has no memory for nothing */
		out->bytes = "";
}

static enum err_code
statement_run(struct journal_db *db, sqlite3_stmt *st,
    const struct journal_sql *o, struct err *err)
{
	const char *names[COLUMNS_MAX];
	struct journal_cell cells[COLUMNS_MAX];
	int n = sqlite3_column_count(st);
	int64_t before = sqlite3_total_changes64(db->h);
	int rc;

	if (n > COLUMNS_MAX)
		return err_set(err, ERR_USAGE, 0,
		    "%d columns, at most %d can be shown: name those you need",
		    n, COLUMNS_MAX);
	for (int i = 0; i < n; i++)
		names[i] = sqlite3_column_name(st, i);
	if (n > 0)
		o->begin(o->arg, names, n);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < n; i++)
			cell_read(st, i, &cells[i]);
		o->row(o->arg, cells, n);
	}
	if (rc != SQLITE_DONE)
		return sql_err(db, err);
	if (n == 0)
		o->changed(o->arg, sqlite3_total_changes64(db->h) - before);
	return ERR_NONE;
}

static enum err_code
statements_run(struct journal_db *db, const char *sql,
    const struct journal_sql *o, struct err *err)
{
	enum err_code code = ERR_NONE;

	while (code == ERR_NONE && *sql != '\0') {
		sqlite3_stmt *st = NULL;

		if (sqlite3_prepare_v2(db->h, sql, -1, &st, &sql) != SQLITE_OK)
			code = sql_err(db, err);
		else if (st != NULL) /* NULL: blanks, a comment */
			code = statement_run(db, st, o, err);
		(void)sqlite3_finalize(st);
	}
	return code;
}

static int
deny_transactions(void *arg, int action, const char *a, const char *b,
    const char *c, const char *d)
{
	(void)arg;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT
		   ? SQLITE_DENY
		   : SQLITE_OK;
}

struct sql_tx {
	struct journal_tx tx;
	const char *sql;
	const struct journal_sql *options;
};

static enum err_code
sql_tx_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct sql_tx *s = CONTAINER_OF(tx, struct sql_tx, tx);
	enum err_code code;

	j->must_commit = true; /* CREATE, DROP and PRAGMA count no rows */
	s->options->restart(s->options->arg);
	(void)sqlite3_set_authorizer(j->w.h, deny_transactions, NULL);
	code = statements_run(&j->w, s->sql, s->options, err);
	(void)sqlite3_set_authorizer(j->w.h, NULL, NULL);
	return code;
}

enum err_code
journal_sql(struct journal *j, const char *sql,
    const struct journal_sql *options, struct err *err)
{
	struct sql_tx s = {.tx = {.run = sql_tx_run, .cls = JOURNAL_CLAIM},
	    .sql = sql,
	    .options = options};
	enum err_code code;

	if (strnlen(sql, JOURNAL_SQL_MAX + 1) > JOURNAL_SQL_MAX)
		return err_set(err, ERR_USAGE, 0, "more than %zu bytes of SQL",
		    JOURNAL_SQL_MAX);
	if (options->write)
		return journal_now(j, &s.tx, err);
	code = statements_run(&j->r, sql, options, err);
	/* A snapshot left open would keep the log from being folded in. */
	if (sqlite3_get_autocommit(j->r.h) == 0)
		(void)sqlite3_exec(j->r.h, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

bool
journal_sql_complete(const char *text)
{
	return sqlite3_complete(text) != 0;
}

const char *
journal_sqlite_version(void)
{
	return sqlite3_libversion();
}
