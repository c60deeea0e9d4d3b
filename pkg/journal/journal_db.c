#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "journal/journal_priv.h"

/* The file's path; what was being done, when it was not opened. */
static const char *
file_of(struct journal_db *db, const char *doing)
{
	const char *path =
	    db->h != NULL ? sqlite3_db_filename(db->h, "main") : NULL;

	return path != NULL && *path != '\0' ? path : doing;
}

/* A damaged file is named, and for the journal what follows. */
static enum err_code
damaged(struct journal_db *db, struct err *err, int rc, const char *doing,
    const char *text)
{
	static const char name[] = "/journal.db";
	const char *path = file_of(db, doing);
	size_t len = strlen(path);
	bool journal = len >= sizeof(name) &&
		       strcmp(path + len - (sizeof(name) - 1), name) == 0;

	return err_set(err, ERR_DAMAGED, rc, "%s is damaged: %s (at %.40s)%s",
	    path, text, doing,
	    journal ? ": see `dsrun check`, then: dsrun restore FILE --by NAME"
		    : "");
}

static enum err_code
no_room(struct journal_db *db, struct err *err, int rc, const char *doing)
{
	return err_set(err, ERR_SPACE, rc,
	    "%s: the disk is full: make room there and try again; nothing is "
	    "lost",
	    file_of(db, doing));
}

/*
 * SQLite says SQLITE_FULL when a write finds no room.  Beside that only the
 * growth of shared memory may, and a -shm that cannot grow, for whatever
 * reason, is nothing that a disk must keep.  The error number of a failed
 * COMMIT is that of an earlier error (3.40.1), and after a failed sync,
 * whatever the reason, the kernel may have thrown pages away.
 */
static bool
is_about_room(int rc, int os)
{
	if (rc == SQLITE_IOERR_SHMSIZE)
		return true;
	return (os == ENOSPC || os == EDQUOT) &&
	       (rc == SQLITE_IOERR_SHMOPEN || rc == SQLITE_IOERR_SHMMAP);
}

/*
 * The one place that turns SQLite's codes into ours.  What is about room on
 * the disk is ERR_SPACE and may pass; what is about broken pages is
 * ERR_DAMAGED; a lock is ERR_BUSY; a constraint is ERR_STATE, since ours
 * express guards; all else is ERR_STORE and ends the process.
 */
enum err_code
journal_db_err(struct journal_db *db, struct err *err, const char *doing)
{
	int rc = db->h != NULL ? sqlite3_extended_errcode(db->h) : SQLITE_NOMEM;
	int os = db->h != NULL ? sqlite3_system_errno(db->h) : 0;
	const char *text =
	    db->h != NULL ? sqlite3_errmsg(db->h) : "out of memory";
	enum err_code code = ERR_STORE;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_BUSY;
		break;
	case SQLITE_FULL:
		return no_room(db, err, rc, doing);
	case SQLITE_IOERR:
		if (is_about_room(rc, os))
			return no_room(db, err, rc, doing);
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return damaged(db, err, rc, doing, text);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return err_set(err, ERR_STORE, rc,
		    "%s: %s: dsrun must be able to write to it, to its -wal "
		    "and -shm and in its directory",
		    file_of(db, doing), text);
	case SQLITE_CONSTRAINT:
		code = ERR_STATE;
		break;
	default:
		break;
	}
	return err_set(err, code, rc, "journal: %.60s: %s", doing, text);
}

bool
journal_db_disk_failed(enum err_code code, const struct err *err)
{
	return code == ERR_STORE && (err->sys & 0xff) == SQLITE_IOERR;
}

static enum err_code
open_raw(struct journal_db *db, struct env *env, const char *path, int flags,
    struct err *err)
{
	memset(db, 0, sizeof(*db));
	/* Nobody asks how much memory SQLite has; counting it takes a lock at
	 * each allocation, a tenth of the writer's time.  Too late, and without
	 * effect, once SQLite runs. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (sqlite3_open_v2(path, &db->h, flags | SQLITE_OPEN_NOMUTEX,
		env->sqlite_vfs) != SQLITE_OK) {
		enum err_code code = journal_db_err(db, err, path);

		journal_db_close(db);
		return code;
	}
	(void)sqlite3_extended_result_codes(db->h, 1);
	(void)sqlite3_busy_timeout(db->h, 10000);
	(void)sqlite3_db_config(
	    db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_autocheckpoint(db->h, 0);
	return ERR_NONE;
}

static enum err_code
settings(struct journal_db *db, struct err *err)
{
	return journal_db_exec(db,
	    "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
	    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
	    "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY",
	    err);
}

enum err_code
journal_db_open(struct journal_db *db, struct env *env, const char *path,
    int flags, struct err *err)
{
	enum err_code code = open_raw(db, env, path, flags, err);

	return code == ERR_NONE ? settings(db, err) : code;
}

enum err_code
journal_db_open_alone(
    struct journal_db *db, struct env *env, const char *path, struct err *err)
{
	int64_t tables = 0;
	enum err_code code =
	    open_raw(db, env, path, SQLITE_OPEN_READWRITE, err);

	if (code != ERR_NONE)
		return code;
	/* Before the first read: only then SQLite takes the whole file. */
	(void)sqlite3_busy_timeout(db->h, 0);
	code = journal_db_exec(db, "PRAGMA locking_mode=EXCLUSIVE", err);
	if (code == ERR_NONE)
		code = journal_db_number(
		    db, "SELECT count(*) FROM sqlite_master", &tables, err);
	return code == ERR_NONE ? settings(db, err) : code;
}

void
journal_db_close(struct journal_db *db)
{
	for (size_t i = 0; i < DB_STATEMENTS; i++)
		(void)sqlite3_finalize(db->cache[i].st);
	(void)sqlite3_close_v2(db->h);
	memset(db, 0, sizeof(*db));
}

enum err_code
journal_db_exec(struct journal_db *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return journal_db_err(db, err, sql);
	return ERR_NONE;
}

sqlite3_stmt *
journal_db_get(struct journal_db *db, const char *sql, struct err *err)
{
	size_t at = ((uintptr_t)sql >> 3) % DB_STATEMENTS;

	while (db->cache[at].sql != NULL && db->cache[at].sql != sql)
		at = (at + 1) % DB_STATEMENTS;
	if (db->cache[at].sql == NULL) {
		sqlite3_stmt *st = NULL;

		if (sqlite3_prepare_v3(db->h, sql, -1,
			SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
			(void)journal_db_err(db, err, sql);
			/* Ours are right: a table or column is not there. */
			if (err->sys == SQLITE_ERROR)
				(void)damaged(db, err, SQLITE_ERROR, sql,
				    sqlite3_errmsg(db->h));
			return NULL;
		}
		db->cache[at].sql = sql;
		db->cache[at].st = st;
	}
	/* Only one whose reader stopped half-way. */
	if (sqlite3_stmt_busy(db->cache[at].st) != 0)
		(void)sqlite3_reset(db->cache[at].st);
	return db->cache[at].st;
}

enum err_code
journal_db_row(
    struct journal_db *db, sqlite3_stmt *st, bool *row, struct err *err)
{
	int rc = sqlite3_step(st);
	enum err_code code = ERR_NONE;

	*row = rc == SQLITE_ROW;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = journal_db_err(db, err, sqlite3_sql(st));
	if (rc != SQLITE_ROW)
		(void)sqlite3_reset(st);
	return code;
}

enum err_code
journal_db_there(
    struct journal_db *db, sqlite3_stmt *st, bool *there, struct err *err)
{
	if (journal_db_row(db, st, there, err) != ERR_NONE)
		return err->code;
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_db_ids(struct journal_db *db, sqlite3_stmt *st, int64_t *ids,
    size_t *count, struct err *err)
{
	bool row = true;

	for (*count = 0;;) {
		if (journal_db_row(db, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		ids[(*count)++] = sqlite3_column_int64(st, 0);
	}
}

enum err_code
journal_db_done(struct journal_db *db, sqlite3_stmt *st, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (sqlite3_step(st) != SQLITE_DONE)
		code = journal_db_err(db, err, sqlite3_sql(st));
	(void)sqlite3_reset(st);
	return code;
}

void
journal_db_text(sqlite3_stmt *st, int i, const char *text)
{
	CHECK(sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC) == SQLITE_OK);
}

void
journal_db_blob(sqlite3_stmt *st, int i, const void *b, size_t len)
{
	CHECK(sqlite3_bind_blob64(st, i, b, len, SQLITE_STATIC) == SQLITE_OK);
}

void
journal_db_i64(sqlite3_stmt *st, int i, int64_t v)
{
	CHECK(sqlite3_bind_int64(st, i, v) == SQLITE_OK);
}

void
journal_db_i64_or_null(sqlite3_stmt *st, int i, int64_t v)
{
	if (v != 0)
		journal_db_i64(st, i, v);
	else
		CHECK(sqlite3_bind_null(st, i) == SQLITE_OK);
}

void
journal_db_copy_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, i);
	size_t len = text != NULL ? (size_t)sqlite3_column_bytes(st, i) : 0;

	if (len >= size)
		len = size - 1;
	if (text != NULL && len > 0)
		memcpy(out, text, len);
	out[len] = '\0';
}

void
journal_db_copy_blob(sqlite3_stmt *st, int i, void *out, size_t len)
{
	const void *b = sqlite3_column_blob(st, i);

	if (b != NULL && (size_t)sqlite3_column_bytes(st, i) == len)
		memcpy(out, b, len);
	else
		memset(out, 0, len);
}

char *
journal_db_dup_text(sqlite3_stmt *st, int i)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	return text != NULL ? mem_strndup((const char *)text,
				  (size_t)sqlite3_column_bytes(st, i))
			    : NULL;
}

enum err_code
journal_db_number(
    struct journal_db *db, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db, sql, err);
	bool row = false;

	*out = 0;
	if (st == NULL)
		return err->code;
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	if (row)
		*out = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

const char *
journal_db_finding(const char *text)
{
	static const char head[] = "*** in database main ***\n";

	return strncmp(text, head, sizeof(head) - 1) == 0
		   ? text + sizeof(head) - 1
		   : text;
}
