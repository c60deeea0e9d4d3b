#include <poll.h>

#include "base/check.h"

#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"

/*
 * The checkpoint race of SQLite 3.7.0 to 3.51.2, in two processes.
 *
 * A PASSIVE checkpoint reads the header of the wal-index and then how much of
 * the -wal was copied already.  When another process starts the -wal over in
 * between, the checkpointer writes down that many frames of the new -wal are
 * copied which nobody has copied, and commits up to there are lost.
 *
 * To meet that window each time, the databases here lie on a VFS that hands
 * all on to the real one, but for two calls: xUnfetch, which SQLite makes just
 * there when the header has changed, lets the other process write; and the
 * lock that a checkpoint other than PASSIVE takes against writers can be
 * refused, so that SQLite falls back to PASSIVE, as it does when anybody else
 * holds it.
 *
 * Three times the same: with SQLite alone, which shows that the window is met;
 * through pkg/journal with its lock made to hold nobody, which shows that the
 * journal would lose too; and through pkg/journal as it is.
 */

#define PLAIN_ROWS 100
#define JOBS_BEFORE 40
#define JOBS_AFTER 20 /* fewer frames than JOBS_BEFORE has */
#define SHUT_OUT_MS 500
#define HOT_JOBS 100
#define HOT_PAUSE_US 300
#define WAL_WRITE_LOCK 0
#define WAL_CKPT_LOCK 1

/* In each process its own. */
static struct {
	bool passive;         /* refuse a checkpoint the lock against writers */
	bool checkpoint;      /* one is being made */
	void (*window)(void); /* NULL: nobody looks out of it */
	int windows;          /* how often it was open */
	int fallbacks;        /* checkpoints that became PASSIVE */
} race;

/* --- the VFS ---------------------------------------------------------------
 */

struct race_file {
	sqlite3_file base;
	sqlite3_file *real;
};

#define REAL(f) (((struct race_file *)(void *)(f))->real)
#define PASS(name, f, ...) REAL(f)->pMethods->name(REAL(f), __VA_ARGS__)

static int
race_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int
race_read(sqlite3_file *f, void *b, int n, sqlite3_int64 at)
{
	return PASS(xRead, f, b, n, at);
}

static int
race_write(sqlite3_file *f, const void *b, int n, sqlite3_int64 at)
{
	return PASS(xWrite, f, b, n, at);
}

static int
race_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return PASS(xTruncate, f, size);
}

static int
race_sync(sqlite3_file *f, int flags)
{
	return PASS(xSync, f, flags);
}

static int
race_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return PASS(xFileSize, f, size);
}

static int
race_lock(sqlite3_file *f, int level)
{
	return PASS(xLock, f, level);
}

static int
race_unlock(sqlite3_file *f, int level)
{
	return PASS(xUnlock, f, level);
}

static int
race_reserved(sqlite3_file *f, int *out)
{
	return PASS(xCheckReservedLock, f, out);
}

static int
race_control(sqlite3_file *f, int op, void *arg)
{
	return PASS(xFileControl, f, op, arg);
}

static int
race_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
race_device(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int
race_shm_map(
    sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return PASS(xShmMap, f, page, size, extend, out);
}

static int
race_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	bool take = (flags & SQLITE_SHM_LOCK) != 0;
	int rc;

	if (race.passive && race.checkpoint && take && at == WAL_WRITE_LOCK &&
	    (flags & SQLITE_SHM_EXCLUSIVE) != 0) {
		race.fallbacks++;
		return SQLITE_BUSY;
	}
	rc = PASS(xShmLock, f, at, n, flags);
	if (at == WAL_CKPT_LOCK && rc == SQLITE_OK)
		race.checkpoint = take;
	return rc;
}

static void
race_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int
race_shm_unmap(sqlite3_file *f, int remove)
{
	return PASS(xShmUnmap, f, remove);
}

static int
race_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **out)
{
	return PASS(xFetch, f, at, n, out);
}

static int
race_unfetch(sqlite3_file *f, sqlite3_int64 at, void *page)
{
	if (race.window != NULL && page == NULL) {
		race.windows++;
		race.window();
	}
	return PASS(xUnfetch, f, at, page);
}

static const sqlite3_io_methods race_methods = {
    .iVersion = 3,
    .xClose = race_close,
    .xRead = race_read,
    .xWrite = race_write,
    .xTruncate = race_truncate,
    .xSync = race_sync,
    .xFileSize = race_size,
    .xLock = race_lock,
    .xUnlock = race_unlock,
    .xCheckReservedLock = race_reserved,
    .xFileControl = race_control,
    .xSectorSize = race_sector,
    .xDeviceCharacteristics = race_device,
    .xShmMap = race_shm_map,
    .xShmLock = race_shm_lock,
    .xShmBarrier = race_shm_barrier,
    .xShmUnmap = race_shm_unmap,
    .xFetch = race_fetch,
    .xUnfetch = race_unfetch,
};

static sqlite3_vfs *real_vfs;

static int
race_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
    int *out_flags)
{
	struct race_file *r = (void *)f;
	int rc;

	(void)vfs;
	r->real = (void *)(r + 1);
	rc = real_vfs->xOpen(real_vfs, name, r->real, flags, out_flags);
	r->base.pMethods = r->real->pMethods != NULL ? &race_methods : NULL;
	return rc;
}

/* Once for all processes to come: they are forked from here. */
static int
race_register(void **state)
{
	static sqlite3_vfs vfs;

	(void)state;
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "race";
	vfs.szOsFile = (int)sizeof(struct race_file) + real_vfs->szOsFile;
	vfs.xOpen = race_open;
	return sqlite3_vfs_register(&vfs, 0);
}

/* Is this SQLite one that loses? */
static bool
sqlite_loses(void)
{
	int v = sqlite3_libversion_number();

	return v >= 3007000 && v < 3051003 && !(v >= 3050007 && v < 3051000) &&
	       !(v >= 3044006 && v < 3045000);
}

/* --- the two processes ------------------------------------------------------
 */

static struct meeting to_writer, to_checkpointer;

static void
both_meet(void)
{
	meeting_open(&to_writer);
	meeting_open(&to_checkpointer);
}

static void
both_part(void)
{
	meeting_close(&to_writer);
	meeting_close(&to_checkpointer);
}

static bool was_answered;

/* In the window: the writer is asked to write, and waited for, but no longer
 * than a lock may keep it. */
static void
window_ask(void)
{
	struct pollfd p = {.fd = to_checkpointer.fd[0], .events = POLLIN};

	race.window = NULL;
	meeting_say(&to_writer);
	was_answered = poll(&p, 1, SHUT_OUT_MS) == 1;
	if (was_answered)
		meeting_wait(&to_checkpointer);
}

enum said {
	SAID_WRITTEN = 10, /* somebody wrote in the window */
	SAID_SHUT_OUT,     /* nobody could */
	SAID_CLOSED,       /* SQLite never came there */
};

static int
window_said(void)
{
	if (race.windows == 0)
		return SAID_CLOSED;
	return was_answered ? SAID_WRITTEN : SAID_SHUT_OUT;
}

/* --- SQLite alone -----------------------------------------------------------
 */

static sqlite3 *
plain_open(struct fix *f)
{
	char *path = mem_printf("%s/plain.db", f->dir);
	sqlite3 *db = NULL;

	CHECK(sqlite3_open_v2(path, &db,
		  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
		  "race") == SQLITE_OK);
	mem_free(&path);
	CHECK(sqlite3_busy_timeout(db, 10000) == SQLITE_OK);
	return db;
}

static void
plain(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
}

static int
plain_checkpointer(struct fix *f)
{
	sqlite3 *db;

	meeting_wait(&to_checkpointer);
	db = plain_open(f);
	plain(db, "SELECT count(*) FROM t");
	meeting_say(&to_writer);
	meeting_wait(&to_checkpointer);
	race.window = window_ask;
	(void)sqlite3_wal_checkpoint_v2(
	    db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	(void)sqlite3_close(db);
	return window_said();
}

static void
sqlite_alone_loses_what_was_committed_in_the_window(void **state)
{
	struct fix *f = *state;
	int64_t lost;
	pid_t pid;
	sqlite3 *db;
	int status;

	both_meet();
	pid = child_start(f, plain_checkpointer);
	db = plain_open(f);
	plain(db,
	    "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
	    "CREATE TABLE t(id INTEGER PRIMARY KEY, v, pad);"
	    "WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<100) "
	    "INSERT INTO t SELECT i,1,zeroblob(3000) FROM n");
	meeting_say(&to_checkpointer);
	meeting_wait(&to_writer);
	/* So many frames, all of them copied, and a header that the other one
	 * has not seen. */
	plain(db, "UPDATE t SET v=2");
	assert_int_equal(sqlite3_wal_checkpoint_v2(
			     db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
	    SQLITE_OK);
	meeting_say(&to_checkpointer);
	meeting_wait(&to_writer);
	plain(db, "UPDATE t SET v=3 WHERE id=1");
	meeting_say(&to_checkpointer);
	status = child_end(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SAID_WRITTEN);
	for (int i = 2; i <= PLAIN_ROWS; i++) {
		char *sql = sqlite3_mprintf("UPDATE t SET v=3 WHERE id=%d", i);

		plain(db, sql);
		sqlite3_free(sql);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	both_part();
	lost = number_on(f, "plain.db", "SELECT count(*) FROM t WHERE v<>3");
	assert_int_equal(number_on(f, "plain.db",
			     "SELECT integrity_check='ok' FROM "
			     "pragma_integrity_check"),
	    1);
	print_message("# SQLite %s: %d of %d committed rows lost\n",
	    sqlite3_libversion(), (int)lost, PLAIN_ROWS);
	assert_int_equal(lost > 0, sqlite_loses());
}

/* --- the journal ------------------------------------------------------------
 */

static enum err_code
try_add(struct fix *f, const char *who, int n)
{
	char ext[32];
	struct life l = {
	    .tx = {.run = life_add_run}, .ext = ext, .phone = "+15125550100"};

	(void)snprintf(ext, sizeof(ext), "%s-%d", who, n);
	return journal_now(f->j, &l.tx, &f->err);
}

static enum err_code
lock_for_all(
    struct env_file *file, int64_t byte, bool exclusive, struct err *err)
{
	(void)file;
	(void)byte;
	(void)exclusive;
	(void)err;
	return ERR_NONE;
}

static enum err_code
unlock_for_all(struct env_file *file, int64_t byte, struct err *err)
{
	return lock_for_all(file, byte, false, err);
}

/* From now on every lock of this process is had at once. */
static void
unlock_all(struct fix *f)
{
	static struct env_ops ops;

	ops = *f->env->ops;
	ops.lock = lock_for_all;
	ops.unlock = unlock_for_all;
	f->env->ops = &ops;
}

static bool no_locks; /* of both processes */

static int
journal_checkpointer(struct fix *f)
{
	meeting_wait(&to_checkpointer);
	if (no_locks)
		unlock_all(f);
	f->env->sqlite_vfs = "race";
	/* It has written, so its end is a checkpoint. */
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    try_add(f, "checkpointer", 0) != ERR_NONE)
		return 1;
	meeting_say(&to_writer);
	meeting_wait(&to_checkpointer);
	race.passive = true;
	race.window = window_ask;
	journal_close(&f->j);
	return window_said();
}

/* A checkpoint that leaves the -wal in place: all copied, not started over. */
static void
copy_all_pages(struct fix *f)
{
	race.passive = true;
	journal_close(&f->j);
	race.passive = false;
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

/*
 * Both in one journal; returns what the checkpointer said.  *durable: jobs
 * whose commit was reported, to whomever.
 */
static int
race_in_journal(struct fix *f, int64_t *durable)
{
	pid_t pid;
	int status;

	*durable = 1;
	both_meet();
	pid = child_start(f, journal_checkpointer);
	f->env->sqlite_vfs = "race";
	OK(open_journal(f, JOURNAL_CREATE));
	for (int i = 0; i < JOBS_BEFORE; i++, (*durable)++)
		OK(try_add(f, "before", i));
	meeting_say(&to_checkpointer);
	meeting_wait(&to_writer);
	OK(try_add(f, "before", JOBS_BEFORE));
	(*durable)++;
	copy_all_pages(f);
	meeting_say(&to_checkpointer);
	meeting_wait(&to_writer);
	*durable += try_add(f, "window", 0) == ERR_NONE;
	meeting_say(&to_checkpointer);
	status = child_end(pid);
	for (int i = 0; i < JOBS_AFTER; i++)
		*durable += try_add(f, "after", i) == ERR_NONE;
	journal_close(&f->j);
	both_part();
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Does the journal know all of them, and hold what it promises? */
static bool
is_whole(struct fix *f, int64_t durable)
{
	struct journal_check *c = NULL;
	bool whole = open_journal(f, JOURNAL_MUST_EXIST) == ERR_NONE &&
		     journal_check(f->j, NULL, &c, &f->err) == ERR_NONE &&
		     c->ok && c->jobs == durable;

	journal_check_free(&c);
	journal_close(&f->j);
	return whole;
}

static void
a_journal_without_its_lock_would_lose_too(void **state)
{
	struct fix *f = *state;
	const struct env_ops *ops = f->env->ops;
	int64_t durable = 0;
	int said;

	no_locks = true;
	unlock_all(f);
	said = race_in_journal(f, &durable);
	f->env->ops = ops;
	no_locks = false;
	assert_int_equal(said, SAID_WRITTEN);
	assert_int_equal(is_whole(f, durable), !sqlite_loses());
}

static void
a_journal_loses_nothing_in_the_window(void **state)
{
	struct fix *f = *state;
	int64_t durable = 0;

	/* The window was open, and nobody could write through it. */
	assert_int_equal(race_in_journal(f, &durable), SAID_SHUT_OUT);
	assert_int_equal(durable, 1 + JOBS_BEFORE + 1 + 1 + JOBS_AFTER);
	assert_true(is_whole(f, durable));
}

/* --- both at once, unforced ------------------------------------------------
 */

static void
window_rest(void)
{
	(void)usleep(HOT_PAUSE_US);
}

/* Until somebody else has written, so that an end now finds another header;
 * and a little longer, for then the lock is held. */
static void
wait_for_others(struct fix *f, int longer_us)
{
	int64_t was = 0, is = 0;

	OK(journal_version(f->j, &was, &f->err));
	for (int i = 0; i < 100 && is == was; i++) {
		(void)usleep(1000);
		OK(journal_version(f->j, &is, &f->err));
	}
	(void)usleep((unsigned)longer_us);
}

/* Adds jobs, and after each makes a checkpoint, a PASSIVE one. */
static int
hot(struct fix *f)
{
	struct journal_options o = {.env = f->env,
	    .dir = f->dir,
	    .mode = JOURNAL_MUST_EXIST,
	    .build_ms = 1000,
	    .checkpoint_bytes = 1};
	char who[24];

	f->env->sqlite_vfs = "race";
	race.passive = true;
	race.window = window_rest;
	(void)snprintf(who, sizeof(who), "of-%d", (int)getpid());
	for (int i = 0; i < HOT_JOBS; i++) {
		if (f->j == NULL &&
		    journal_open(&o, &f->j, &f->err) != ERR_NONE)
			return 1;
		if (try_add(f, who, i) != ERR_NONE)
			return 2;
		if (i % 10 == 9) {
			wait_for_others(f, 100 * i);
			journal_close(&f->j);
		}
	}
	journal_close(&f->j);
	return race.fallbacks > 0 ? 0 : 3;
}

static void
writers_that_checkpoint_all_the_time_lose_nothing(void **state)
{
	struct fix *f = *state;
	pid_t pid[2];

	OK(open_journal(f, JOURNAL_CREATE));
	journal_close(&f->j);
	for (size_t i = 0; i < ARRAY_LEN(pid); i++)
		pid[i] = child_start(f, hot);
	for (size_t i = 0; i < ARRAY_LEN(pid); i++)
		assert_int_equal(child_end(pid[i]), 0);
	assert_true(is_whole(f, ARRAY_LEN(pid) * HOT_JOBS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(sqlite_alone_loses_what_was_committed_in_the_window),
	    T(a_journal_without_its_lock_would_lose_too),
	    T(a_journal_loses_nothing_in_the_window),
	    T(writers_that_checkpoint_all_the_time_lose_nothing),
	};

	return cmocka_run_group_tests(tests, race_register, NULL);
}
