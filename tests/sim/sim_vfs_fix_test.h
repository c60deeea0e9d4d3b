#ifndef DSRUN_TESTS_SIM_VFS_FIX_TEST_H
#define DSRUN_TESTS_SIM_VFS_FIX_TEST_H

#include <sqlite3.h>

#include "sim_gate_test.h"
#include "sim_vfs.h"

/*
 * For the tests of SQLite on the simulated disk: processes, connections, and a
 * life of one process that writes rows whose content is known.
 */

#define PROCESSES 6

struct fix {
	struct sim_disk *disk;
	struct sim_process p[PROCESSES];
	int next;
	struct err err;
};

static uint64_t chance;

static inline void
random_bytes(struct sim_process *p, void *bytes, int len)
{
	struct sim_rand r = sim_rand_of(chance++, 1);

	(void)p;
	sim_rand_bytes(&r, bytes, (size_t)len);
}

static inline int64_t
wall_ms(struct sim_process *p)
{
	(void)p;
	return 1700000000000;
}

static int64_t slept_us;
static void (*on_sleep)(struct sim_process *p);

static inline void
sleep_us(struct sim_process *p, int64_t us)
{
	slept_us += us;
	if (on_sleep != NULL)
		on_sleep(p);
}

static inline int
group_setup(void **state)
{
	static const struct sim_vfs_ops ops = {random_bytes, wall_ms, sleep_us};

	(void)state;
	sim_vfs_register();
	sim_vfs_set_ops(&ops);
	return 0;
}

static inline void
begin(struct fix *f, const struct sim_disk *template)
{
	memset(f, 0, sizeof(*f));
	f->disk = template != NULL ? sim_disk_clone(template)
				   : sim_disk_new(64 << 20);
	if (template == NULL) {
		assert_int_equal(
		    sim_disk_make_dir(f->disk, "/data", &f->err), ERR_NONE);
		assert_int_equal(
		    sim_disk_sync_dir(f->disk, "/", &f->err), ERR_NONE);
	}
	gate_reset(f->disk);
	chance = 7;
	(void)sqlite3_randomness(0, NULL);
	for (int i = 0; i < PROCESSES; i++)
		sim_vfs_bind(i, &f->p[i], f->disk);
}

static inline void
end(struct fix *f)
{
	for (int i = 0; i < PROCESSES; i++)
		sim_vfs_bind(i, NULL, NULL);
	sim_disk_free(&f->disk);
}

static inline int
exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static inline void
must(sqlite3 *db, const char *sql)
{
	if (exec(db, sql) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static inline int64_t
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	if (sqlite3_finalize(st) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	return n;
}

static inline int
open_at(const char *path, int slot, sqlite3 **db)
{
	int rc = sqlite3_open_v2(path, db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    sim_vfs_name(slot));

	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_extended_result_codes(*db, 1);
	(void)sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_autocheckpoint(*db, 0);
	return SQLITE_OK;
}

static inline sqlite3 *
opened(int slot)
{
	sqlite3 *db = NULL;

	if (open_at("/data/j.db", slot, &db) != SQLITE_OK)
		fail_msg("open: %s", sqlite3_errmsg(db));
	must(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
	return db;
}

/* --- a life ----------------------------------------------------------------
 */

#define ROWS 12

/* What a row holds: some fit into a page, some need more. */
static inline size_t
row_bytes(int k, uint8_t bytes[12000])
{
	struct sim_rand r = sim_rand_of((uint64_t)k, 2);
	size_t len = (size_t)sim_rand_between(&r, 1, k % 4 == 3 ? 11000 : 400);

	sim_rand_bytes(&r, bytes, len);
	return len;
}

static inline int
insert(sqlite3 *db, int k)
{
	uint8_t bytes[12000];
	size_t len = row_bytes(k, bytes);
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
	    db, "INSERT INTO t VALUES(?1, ?2)", -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_bind_int(st, 1, k);
	(void)sqlite3_bind_blob(st, 2, bytes, (int)len, SQLITE_STATIC);
	(void)sqlite3_step(st);
	return sqlite3_finalize(st);
}

/* What a database must be told so that no power cut takes a commit. */
static const char wal[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
static const char rollback[] =
    "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA";

/* Returns SQLite's first error; *acked: the last row that was committed. */
static inline int
live(int slot, const char *mode, int *acked)
{
	sqlite3 *w = NULL, *r = NULL;
	int rc = open_at("/data/j.db", slot, &w);

	*acked = 0;
	if (rc == SQLITE_OK)
		rc = exec(w, mode);
	if (rc == SQLITE_OK)
		rc = exec(w, "CREATE TABLE t(k INTEGER PRIMARY KEY, v BLOB)");
	if (rc == SQLITE_OK)
		rc = open_at("/data/j.db", slot, &r);
	for (int k = 1; k <= ROWS && rc == SQLITE_OK; k++) {
		if (k == 5)
			rc = exec(w, "PRAGMA wal_checkpoint(TRUNCATE)");
		else if (k == 9)
			rc = exec(w, "PRAGMA wal_checkpoint(RESTART)");
		if (rc == SQLITE_OK)
			rc = insert(w, k);
		if (rc != SQLITE_OK)
			break;
		*acked = k;
		rc = exec(r, "SELECT count(*) FROM t");
	}
	(void)sqlite3_close(r);
	(void)sqlite3_close(w);
	return rc;
}

static inline bool
row_is_right(sqlite3_stmt *st, int k)
{
	uint8_t want[12000];
	size_t len = row_bytes(k, want);

	return sqlite3_column_int(st, 0) == k &&
	       (size_t)sqlite3_column_bytes(st, 1) == len &&
	       memcmp(sqlite3_column_blob(st, 1), want, len) == 0;
}

/* How many rows are there: 1 to that, each as it was written; -1: damaged. */
static inline int
look(int slot)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int k = 0, rc = open_at("/data/j.db", slot, &db);

	if (rc == SQLITE_OK)
		rc = exec(db, "SELECT count(*) FROM sqlite_master");
	if (rc != SQLITE_OK)
		k = -1;
	else if (number(db, "SELECT count(*) FROM pragma_integrity_check "
			    "WHERE integrity_check <> 'ok'") != 0)
		k = -1;
	else if (number(db, "SELECT count(*) FROM sqlite_master "
			    "WHERE name = 't'") > 0) {
		rc = sqlite3_prepare_v2(
		    db, "SELECT k, v FROM t ORDER BY k", -1, &st, NULL);
		assert_int_equal(rc, SQLITE_OK);
		while (k >= 0 && sqlite3_step(st) == SQLITE_ROW)
			k = row_is_right(st, k + 1) ? k + 1 : -1;
		(void)sqlite3_finalize(st);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return k;
}

#endif
