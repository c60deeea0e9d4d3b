#include <errno.h>

#include "sim_vfs_fix_test.h"

/* SQLite on the simulated disk: connections of one process and of several. */

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

static void
a_dead_process_holds_no_lock_and_spoils_no_memory(void **state)
{
	struct fix f;
	sqlite3 *dead, *db;

	(void)state;
	begin(&f, NULL);
	dead = opened(0);
	must(dead, "PRAGMA cache_size=2; CREATE TABLE t(k INTEGER PRIMARY KEY,"
		   "v); BEGIN IMMEDIATE");
	/* Spilled: the index has frames behind the last commit. */
	must(dead, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		   "FROM n WHERE i < 100) "
		   "INSERT INTO t SELECT i, zeroblob(2000) FROM n");
	db = opened(1);
	must(db, "PRAGMA cache_size=2");
	assert_int_equal(exec(db, "BEGIN IMMEDIATE") & 0xff, SQLITE_BUSY);
	gate_kill(&f.p[0]);
	must(db, "BEGIN IMMEDIATE");
	must(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		 "FROM n WHERE i < 50) "
		 "INSERT INTO t SELECT i, zeroblob(2000) FROM n");
	/* Takes what it finds behind the last commit for its own. */
	assert_int_equal(exec(dead, "ROLLBACK"), SQLITE_OK);
	must(db, "COMMIT");
	assert_int_not_equal(exec(dead, "SELECT * FROM t"), SQLITE_OK);
	assert_int_equal(sqlite3_close(dead), SQLITE_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM t"), 50);
	assert_int_equal(
	    number(db, "SELECT count(*) FROM pragma_integrity_check "
		       "WHERE integrity_check <> 'ok'"),
	    0);
	must(db, "UPDATE t SET v = k");
	assert_int_equal(number(db, "SELECT sum(v) FROM t"), 1275);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	db = opened(2);
	assert_int_equal(number(db, "SELECT sum(v) FROM t"), 1275);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	end(&f);
}

/* --- waiting ---------------------------------------------------------------
 */

static struct {
	sqlite3 *db;
	int left;
} holder;

static void
holder_ends(struct sim_process *p)
{
	(void)p;
	if (--holder.left == 0)
		must(holder.db, "COMMIT");
}

static void
who_waits_sleeps_in_virtual_time(void **state)
{
	struct fix f;
	sqlite3 *db;

	(void)state;
	begin(&f, NULL);
	holder.db = opened(0);
	holder.left = 5;
	must(holder.db, "CREATE TABLE t(k); BEGIN IMMEDIATE");
	db = opened(1);
	(void)sqlite3_busy_timeout(db, 10000);
	slept_us = 0;
	on_sleep = holder_ends;
	must(db, "INSERT INTO t VALUES(1)");
	on_sleep = NULL;
	assert_int_equal(holder.left, 0);
	/* Its first five delays: 1, 2, 5, 10 and 15 ms. */
	assert_int_equal(slept_us, 33000);

	must(holder.db, "BEGIN IMMEDIATE");
	slept_us = 0;
	assert_int_equal(
	    exec(db, "INSERT INTO t VALUES(2)") & 0xff, SQLITE_BUSY);
	assert_int_equal(slept_us, 10000000);

	/* The dead do not wait. */
	gate_kill(&f.p[1]);
	slept_us = 0;
	assert_int_equal(
	    exec(db, "INSERT INTO t VALUES(2)") & 0xff, SQLITE_IOERR);
	assert_int_equal(slept_us, 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(sqlite3_close(holder.db), SQLITE_OK);
	end(&f);
}

static void
a_checkpoint_waits_for_readers(void **state)
{
	struct fix f;
	sqlite3 *w, *r;
	struct env_stat st;

	(void)state;
	begin(&f, NULL);
	w = opened(0);
	must(w, "CREATE TABLE t(k INTEGER PRIMARY KEY, v); "
		"INSERT INTO t VALUES(1, 1)");
	r = opened(1);
	must(r, "BEGIN; SELECT * FROM t");
	must(w, "INSERT INTO t VALUES(2, 2)");
	assert_int_equal(sqlite3_wal_checkpoint_v2(
			     w, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
	    SQLITE_BUSY);
	assert_int_equal(sqlite3_wal_checkpoint_v2(
			     w, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(number(r, "SELECT count(*) FROM t"), 1);
	must(r, "COMMIT");
	assert_int_equal(sqlite3_wal_checkpoint_v2(
			     w, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(number(r, "SELECT count(*) FROM t"), 2);
	assert_int_equal(sqlite3_wal_checkpoint_v2(
			     w, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sim_disk_stat(f.disk, "/data/j.db-wal", &st, &f.err), ERR_NONE);
	assert_int_equal(st.size_bytes, 0);
	must(r, "INSERT INTO t VALUES(3, 3)");
	assert_int_equal(number(w, "SELECT count(*) FROM t"), 3);
	assert_int_equal(sqlite3_close(r), SQLITE_OK);
	assert_int_equal(sqlite3_close(w), SQLITE_OK);
	end(&f);
}

static void
exclusive_mode_takes_the_whole_file(void **state)
{
	struct fix f;
	sqlite3 *alone, *other;

	(void)state;
	begin(&f, NULL);
	other = opened(0);
	must(other, "CREATE TABLE t(k); INSERT INTO t VALUES(1)");
	assert_int_equal(open_at("/data/j.db", 1, &alone), SQLITE_OK);
	must(alone, "PRAGMA locking_mode=EXCLUSIVE");
	assert_int_equal(
	    exec(alone, "SELECT count(*) FROM sqlite_master"), SQLITE_BUSY);
	assert_int_equal(sqlite3_close(alone), SQLITE_OK);
	assert_int_equal(number(other, "SELECT count(*) FROM t"), 1);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);

	assert_int_equal(open_at("/data/j.db", 1, &alone), SQLITE_OK);
	must(alone, "PRAGMA locking_mode=EXCLUSIVE");
	assert_int_equal(number(alone, "SELECT count(*) FROM t"), 1);
	must(alone, "INSERT INTO t VALUES(2)");
	assert_int_equal(open_at("/data/j.db", 0, &other), SQLITE_OK);
	assert_int_equal(
	    exec(other, "SELECT count(*) FROM t") & 0xff, SQLITE_BUSY);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	/* Its locks die with it; its WAL does not. */
	gate_kill(&f.p[1]);
	other = opened(0);
	assert_int_equal(number(other, "SELECT count(*) FROM t"), 2);
	assert_int_equal(sqlite3_close(alone), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	end(&f);
}

/* --- copies ----------------------------------------------------------------
 */

static void
rows(sqlite3 *db, int count)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
	    "FROM n WHERE i < %d) INSERT INTO t SELECT i, zeroblob(900) FROM n",
	    count);
	must(db, sql);
}

static void
copies_are_whole(void **state)
{
	struct fix f;
	sqlite3 *db, *to = NULL;
	sqlite3_backup *b;
	char *before, *after;

	(void)state;
	begin(&f, NULL);
	db = opened(0);
	must(db, "CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
	rows(db, 300);
	must(db, "VACUUM INTO '/data/copy.db'");
	assert_int_equal(open_at("/data/backup.db", 0, &to), SQLITE_OK);
	b = sqlite3_backup_init(to, "main", db, "main");
	assert_non_null(b);
	assert_int_equal(sqlite3_backup_step(b, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(b), SQLITE_OK);
	must(to, "PRAGMA journal_mode=DELETE");
	assert_int_equal(number(to, "SELECT count(*) FROM t"), 300);
	assert_int_equal(sqlite3_close(to), SQLITE_OK);
	assert_int_equal(open_at("/data/copy.db", 0, &to), SQLITE_OK);
	assert_int_equal(number(to, "SELECT count(*) FROM t"), 300);
	/* A VACUUM in place, with temporary files and a rollback journal. */
	must(to, "PRAGMA temp_store=FILE; DELETE FROM t WHERE k > 10; VACUUM");
	assert_int_equal(number(to, "SELECT count(*) FROM t"), 10);
	before = sim_disk_list_all(f.disk);
	must(to, "CREATE TEMP TABLE x(v); BEGIN; WITH RECURSIVE n(i) AS ("
		 "SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
		 "INSERT INTO x SELECT zeroblob(900) FROM n; "
		 "PRAGMA cache_spill=1; SELECT v FROM x ORDER BY v; COMMIT");
	after = sim_disk_list_all(f.disk);
	assert_string_equal(before, after);
	assert_true(gate.nameless > 0);
	mem_free(&before);
	mem_free(&after);
	assert_int_equal(sqlite3_close(to), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	end(&f);
}

/* --- what SQLite asks and hears --------------------------------------------
 */

static void
file_control_answers_as_unix_does(void **state)
{
	struct fix f;
	sqlite3 *db;
	int n = -1;
	char *name = NULL;
	sqlite3_int64 size = 0;

	(void)state;
	begin(&f, NULL);
	db = opened(3);
	must(db, "CREATE TABLE t(k)");
	assert_int_equal(
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &n),
	    SQLITE_OK);
	assert_int_equal(n, 0);
	n = -1;
	assert_int_equal(sqlite3_file_control(
			     db, "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE, &n),
	    SQLITE_OK);
	assert_int_equal(n, 1);
	assert_int_equal(
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &n),
	    SQLITE_OK);
	assert_int_equal(n, 0);
	assert_int_equal(
	    sim_disk_rename(f.disk, "/data/j.db", "/data/k.db", &f.err),
	    ERR_NONE);
	assert_int_equal(
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &n),
	    SQLITE_OK);
	assert_int_equal(n, 1);
	assert_int_equal(
	    sim_disk_rename(f.disk, "/data/k.db", "/data/j.db", &f.err),
	    ERR_NONE);
	assert_int_equal(sqlite3_file_control(
			     db, "main", SQLITE_FCNTL_VFSNAME, (void *)&name),
	    SQLITE_OK);
	assert_string_equal(name, "sim3");
	sqlite3_free(name);
	assert_int_equal(
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_MMAP_SIZE, &size),
	    SQLITE_NOTFOUND);
	n = 1 << 20;
	assert_int_equal(
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &n),
	    SQLITE_OK);
	size = 5;
	assert_int_equal(
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_HINT, &size),
	    SQLITE_OK);
	struct env_stat st;
	assert_int_equal(
	    sim_disk_stat(f.disk, "/data/j.db", &st, &f.err), ERR_NONE);
	assert_int_equal(st.size_bytes, 1 << 20);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	end(&f);
}

static void
an_order_becomes_the_code_and_the_errno_of_unix(void **state)
{
	static const struct {
		const char *sql;
		enum sim_op op;
		const char *suffix;
		enum sim_order order;
		int code, sys;
	} cases[] = {
	    {"INSERT INTO t VALUES(1)", SIM_OP_WRITE, "-wal", SIM_EIO,
		SQLITE_IOERR_WRITE, EIO},
	    {"INSERT INTO t VALUES(1)", SIM_OP_WRITE, "-wal", SIM_ENOSPC,
		SQLITE_FULL, ENOSPC},
	    {"INSERT INTO t VALUES(1)", SIM_OP_WRITE, "-wal", SIM_SHORT,
		SQLITE_FULL, ENOSPC},
	    {"INSERT INTO t VALUES(1)", SIM_OP_SYNC, "-wal", SIM_EIO,
		SQLITE_IOERR_FSYNC, EIO},
	    {"INSERT INTO t VALUES(1)", SIM_OP_SYNC, "-wal", SIM_LIE, SQLITE_OK,
		0},
	    {"INSERT INTO t VALUES(1)", SIM_OP_LOCK, "j.db", SIM_EIO,
		SQLITE_IOERR_SHMLOCK, EIO},
	    {"PRAGMA wal_checkpoint(FULL)", SIM_OP_WRITE, "j.db", SIM_ENOSPC,
		SQLITE_FULL, ENOSPC},
	    {"PRAGMA wal_checkpoint(FULL)", SIM_OP_SYNC, "j.db", SIM_ENOSPC,
		SQLITE_IOERR_FSYNC, ENOSPC},
	    {"PRAGMA wal_checkpoint(FULL)", SIM_OP_SYNC, "j.db", SIM_EIO,
		SQLITE_IOERR_FSYNC, EIO},
	    {"PRAGMA wal_checkpoint(TRUNCATE)", SIM_OP_TRUNCATE, "-wal",
		SIM_EIO, SQLITE_IOERR_TRUNCATE, EIO},
	    {"PRAGMA wal_checkpoint(FULL)", SIM_OP_READ, "-wal", SIM_EIO,
		SQLITE_CORRUPT, EIO},
	    {"PRAGMA wal_checkpoint(FULL)", SIM_OP_READ, "-wal", SIM_SHORT,
		SQLITE_IOERR_READ, EIO},
	};
	sqlite3_vfs *v = sqlite3_vfs_find("sim0");
	struct fix f;
	sqlite3 *db;

	(void)state;
	begin(&f, NULL);
	db = opened(0);
	must(db, "CREATE TABLE t(k)");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc;

		must(db, "INSERT INTO t VALUES(0)");
		sim_vfs_bind(0, &f.p[0], f.disk);
		gate_at(1, cases[i].order);
		gate.ops = 1U << cases[i].op;
		gate.suffix = cases[i].suffix;
		rc = exec(db, cases[i].sql);
		if ((rc & 0xff) == SQLITE_CORRUPT)
			rc = SQLITE_CORRUPT;
		if (rc != cases[i].code || gate.hits != 1)
			fail_msg("case %zu: %d, not %d", i, rc, cases[i].code);
		assert_int_equal(v->xGetLastError(v, 0, NULL), cases[i].sys);
		if ((rc & 0xff) == SQLITE_IOERR && cases[i].sql[0] == 'P')
			assert_int_equal(
			    sqlite3_system_errno(db), cases[i].sys);
		gate_at(0, SIM_GO);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);

	gate_at(1, SIM_EMFILE);
	gate.ops = 1U << SIM_OP_OPEN;
	gate.suffix = NULL;
	gate.for_ever = true;
	assert_int_equal(open_at("/data/j.db", 0, &db), SQLITE_CANTOPEN);
	assert_int_equal(sqlite3_system_errno(db), EMFILE);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	end(&f);
}

static void
a_slot_that_is_nobodys_is_dead(void **state)
{
	struct fix f;
	sqlite3 *db;

	(void)state;
	begin(&f, NULL);
	db = opened(0);
	must(db, "CREATE TABLE t(k); BEGIN; INSERT INTO t VALUES(1)");
	gate_kill(&f.p[0]);
	sim_vfs_bind(0, NULL, NULL);
	assert_int_not_equal(exec(db, "COMMIT"), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(open_at("/data/j.db", 0, &db), SQLITE_CANTOPEN);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	end(&f);
}

static void
a_failed_allocation_is_the_victims_alone(void **state)
{
	struct fix f;
	sqlite3 *db;
	int64_t n, count;

	(void)state;
	begin(&f, NULL);
	db = opened(0);
	must(db, "CREATE TABLE t(k)");
	count = sim_vfs_allocs();
	sim_vfs_fail_alloc(&f.p[0], 1, true);
	sim_vfs_running(&f.p[1]);
	must(db, "INSERT INTO t VALUES(1)");
	assert_true(sim_vfs_allocs() > count);
	sim_vfs_running(&f.p[0]);
	assert_int_equal(exec(db, "INSERT INTO t VALUES(2)"), SQLITE_NOMEM);
	for (n = 1;; n++) {
		int rc;

		sim_vfs_fail_alloc(&f.p[0], n, false);
		rc = exec(db, "INSERT INTO t VALUES(2)");
		if (rc == SQLITE_OK)
			break;
		if ((rc & 0xff) != SQLITE_NOMEM && rc != SQLITE_IOERR_NOMEM)
			fail_msg("allocation %d: %d", (int)n, rc);
	}
	assert_true(n > 5);
	sim_vfs_fail_alloc(NULL, 0, false);
	sim_vfs_running(NULL);
	assert_int_equal(number(db, "SELECT count(*) FROM t"), 2);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reader_keeps_its_moment_while_another_writes),
	    cmocka_unit_test(a_dead_process_holds_no_lock_and_spoils_no_memory),
	    cmocka_unit_test(who_waits_sleeps_in_virtual_time),
	    cmocka_unit_test(a_checkpoint_waits_for_readers),
	    cmocka_unit_test(exclusive_mode_takes_the_whole_file),
	    cmocka_unit_test(copies_are_whole),
	    cmocka_unit_test(file_control_answers_as_unix_does),
	    cmocka_unit_test(an_order_becomes_the_code_and_the_errno_of_unix),
	    cmocka_unit_test(a_slot_that_is_nobodys_is_dead),
	    cmocka_unit_test(a_failed_allocation_is_the_victims_alone),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
