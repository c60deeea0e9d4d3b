#include "sim_vfs.h"

#include <errno.h>

#include <sqlite3.h>

#include "sim_gate_test.h"

/* SQLite on the simulated disk: two connections, faults, deaths, power cuts. */

#define PROCESSES 6

struct fix {
	struct sim_disk *disk;
	struct sim_process p[PROCESSES];
	int next;
	struct err err;
};

static uint64_t chance;

static void
random_bytes(struct sim_process *p, void *bytes, int len)
{
	struct sim_rand r = sim_rand_of(chance++, 1);

	(void)p;
	sim_rand_bytes(&r, bytes, (size_t)len);
}

static int64_t
wall_ms(struct sim_process *p)
{
	(void)p;
	return 1700000000000;
}

static int64_t slept_us;
static void (*on_sleep)(struct sim_process *p);

static void
sleep_us(struct sim_process *p, int64_t us)
{
	slept_us += us;
	if (on_sleep != NULL)
		on_sleep(p);
}

static int
group_setup(void **state)
{
	static const struct sim_vfs_ops ops = {random_bytes, wall_ms, sleep_us};

	(void)state;
	sim_vfs_register();
	sim_vfs_set_ops(&ops);
	return 0;
}

static void
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

static void
end(struct fix *f)
{
	for (int i = 0; i < PROCESSES; i++)
		sim_vfs_bind(i, NULL, NULL);
	sim_disk_free(&f->disk);
}

static int
exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void
must(sqlite3 *db, const char *sql)
{
	if (exec(db, sql) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static int64_t
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

static int
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

static sqlite3 *
opened(int slot)
{
	sqlite3 *db = NULL;

	if (open_at("/data/j.db", slot, &db) != SQLITE_OK)
		fail_msg("open: %s", sqlite3_errmsg(db));
	must(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
	return db;
}

/* --- two connections -------------------------------------------------------
 */

static void
a_reader_keeps_its_moment_while_another_writes(void **state)
{
	struct fix f;
	sqlite3 *w, *r, *other;

	(void)state;
	begin(&f, NULL);
	w = opened(0);
	must(w, "CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
	must(w, "INSERT INTO t VALUES(1, 'a')");
	r = opened(0);
	other = opened(1);
	must(r, "BEGIN");
	assert_int_equal(number(r, "SELECT count(*) FROM t"), 1);
	must(w, "INSERT INTO t VALUES(2, 'b')");
	assert_int_equal(number(r, "SELECT count(*) FROM t"), 1);
	assert_int_equal(number(other, "SELECT count(*) FROM t"), 2);
	must(r, "COMMIT");
	assert_int_equal(number(r, "SELECT count(*) FROM t"), 2);

	must(w, "BEGIN IMMEDIATE");
	assert_int_equal(exec(r, "BEGIN IMMEDIATE") & 0xff, SQLITE_BUSY);
	assert_int_equal(exec(other, "BEGIN IMMEDIATE") & 0xff, SQLITE_BUSY);
	must(w, "COMMIT");
	must(other, "INSERT INTO t VALUES(3, 'c')");
	assert_int_equal(number(w, "SELECT count(*) FROM t"), 3);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	assert_int_equal(sqlite3_close(r), SQLITE_OK);
	assert_int_equal(sqlite3_close(w), SQLITE_OK);
	r = opened(2);
	assert_int_equal(number(r, "SELECT count(*) FROM t"), 3);
	assert_int_equal(sqlite3_close(r), SQLITE_OK);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reader_keeps_its_moment_while_another_writes),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
