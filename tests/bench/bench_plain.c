/*
 * The raw limits: the disk, and SQLite with one plain table.
 *
 *   bench_plain sync DIR N      N times 4 KB more of a file, fdatasync
 *   bench_plain rows DIR N      N rows of five columns, 100 a transaction
 *   bench_plain commits DIR N   N such rows, one a transaction
 *
 * WAL, synchronous=FULL, a checkpoint each 16 MB: as durable as the journal.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "bench.h"

static void
path_of(char out[BENCH_PATH], const char *dir, const char *name)
{
	MUST(snprintf(out, BENCH_PATH, "%s/%s", dir, name) < BENCH_PATH);
}

static void
probe(const char *dir, int64_t n, struct bench_span *span)
{
	char path[BENCH_PATH];
	char block[4096];

	path_of(path, dir, "probe");
	memset(block, 'x', sizeof(block));
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	MUST(fd >= 0);
	bench_begin(span);
	for (int64_t i = 0; i < n; i++) {
		MUST(write(fd, block, sizeof(block)) == sizeof(block));
		MUST(fdatasync(fd) == 0);
	}
	bench_end(span);
	MUST(close(fd) == 0 && unlink(path) == 0);
}

static void
exec(sqlite3 *db, const char *text)
{
	MUST(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static int
wal_hook(void *arg, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	*(int *)arg = pages;
	return SQLITE_OK;
}

static sqlite3 *
db_open(const char *dir, int *wal_pages)
{
	char path[BENCH_PATH];
	sqlite3 *db = NULL;

	path_of(path, dir, "plain.db");
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	exec(db,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, a INTEGER NOT NULL,"
	    "b INTEGER NOT NULL, c TEXT NOT NULL, d BLOB NOT NULL) STRICT");
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_autocheckpoint(db, 0);
	(void)sqlite3_wal_hook(db, wal_hook, wal_pages);
	return db;
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	MUST(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st,
		 NULL) == SQLITE_OK);
	return st;
}

static void
step(sqlite3_stmt *st)
{
	MUST(sqlite3_step(st) == SQLITE_DONE);
	MUST(sqlite3_reset(st) == SQLITE_OK);
}

static int64_t
newest(sqlite3 *db)
{
	sqlite3_stmt *st = prepare(db, "SELECT coalesce(max(id),0) FROM t");

	MUST(sqlite3_step(st) == SQLITE_ROW);
	int64_t id = sqlite3_column_int64(st, 0);

	(void)sqlite3_finalize(st);
	return id;
}

static void
checkpoint(sqlite3 *db, int how)
{
	MUST(sqlite3_wal_checkpoint_v2(db, NULL, how, NULL, NULL) == SQLITE_OK);
}

static void
rows(const char *dir, int64_t n, int64_t group, struct bench_span *span)
{
	int wal_pages = 0;
	sqlite3 *db = db_open(dir, &wal_pages);
	sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
	sqlite3_stmt *commit = prepare(db, "COMMIT");
	sqlite3_stmt *add = prepare(db, "INSERT INTO t VALUES(?1,?2,?3,?4,?5)");
	int64_t id = newest(db);

	bench_begin(span);
	for (int64_t i = 0; i < n; i++) {
		if (i % group == 0)
			step(begin);
		(void)sqlite3_bind_int64(add, 1, ++id);
		(void)sqlite3_bind_int64(add, 2, i % 7);
		(void)sqlite3_bind_int64(add, 3, i * 1000);
		(void)sqlite3_bind_text(add, 4, "ready", 5, SQLITE_STATIC);
		(void)sqlite3_bind_blob(
		    add, 5, "0123456789abcdef", 16, SQLITE_STATIC);
		step(add);
		if (i % group != group - 1 && i != n - 1)
			continue;
		step(commit);
		if (wal_pages > BENCH_WAL_PAGES)
			checkpoint(db, SQLITE_CHECKPOINT_RESTART);
	}
	bench_end(span);
	checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE);
	(void)sqlite3_finalize(begin);
	(void)sqlite3_finalize(commit);
	(void)sqlite3_finalize(add);
	MUST(sqlite3_close(db) == SQLITE_OK);
}

int
main(int argc, char **argv)
{
	MUST(argc == 4);
	int64_t n = bench_count(argv[3]);
	struct bench_span span = {0};

	MUST(strcmp(argv[1], "sync") == 0 || strcmp(argv[1], "rows") == 0 ||
	     strcmp(argv[1], "commits") == 0);
	if (strcmp(argv[1], "sync") == 0)
		probe(argv[2], n, &span);
	else if (strcmp(argv[1], "rows") == 0)
		rows(argv[2], n, 100, &span);
	else
		rows(argv[2], n, 1, &span);
	bench_say(n, &span);
	return 0;
}
