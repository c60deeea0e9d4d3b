#ifndef DSRUN_JOURNAL_FAULT_TEST_H
#define DSRUN_JOURNAL_FAULT_TEST_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/check.h"
#include "base/env.h"
#include "base/err.h"
#include "base/mem.h"

/*
 * Faults, for the tests of journal and of those who use it: the n-th call of a
 * kind fails, as SQLite, its disk or the kernel would let it fail, and when
 * asked every one after it.
 *
 *	FAULT_PREPARE  a statement cannot be compiled; with fault.table one that
 *	               reads that table, which alone is counted then
 *	FAULT_STEP     a statement is interrupted as it begins, which takes a
 *	               transaction that has written with it
 *	FAULT_DISK     a read, write (half of it is done), sync, size, lock ...
 *	               of SQLite's files; with ENOSPC the writes alone
 *	FAULT_ENV      a call of env that can fail
 *
 * fault_install once, before anything is opened; then fault_arm, the call, and
 * fault_disarm, which says whether it came so far.  Nothing is synced while
 * these are in place: a power cut is the simulator's to test.
 */
enum fault_kind {
	FAULT_NONE,
	FAULT_PREPARE,
	FAULT_STEP,
	FAULT_DISK,
	FAULT_ENV,
};

static struct {
	enum fault_kind kind;
	int sys; /* errno: EIO, ENOSPC, EMFILE */
	bool repeat;
	const char *table;
	atomic_long left;
	atomic_bool hit;
	const struct env_ops *env;
	sqlite3_vfs *vfs;
} fault;

static inline void
fault_arm(enum fault_kind kind, long n, int sys, bool repeat)
{
	atomic_store(&fault.hit, false);
	fault.sys = sys;
	fault.repeat = repeat;
	atomic_store(&fault.left, n);
	fault.kind = kind;
}

/* Did it strike? */
static inline bool
fault_disarm(void)
{
	fault.kind = FAULT_NONE;
	return atomic_load(&fault.hit);
}

static inline bool
fault_strikes(enum fault_kind kind)
{
	long left;

	if (fault.kind != kind)
		return false;
	left = atomic_fetch_sub(&fault.left, 1);
	if (left > 1 || (left < 1 && !fault.repeat))
		return false;
	atomic_store(&fault.hit, true);
	errno = fault.sys;
	return true;
}

/*
 * A whole loop takes minutes: tests of whole deeds step by this, from a start
 * that differs from loop to loop, and visit each n in `make cover`.
 */
static inline long
fault_stride(void)
{
	const char *text = getenv("FAULT_STRIDE");

	return text != NULL ? strtol(text, NULL, 10) : 11;
}

static inline long
fault_first(void)
{
	static long loops;

	return 1 + loops++ % fault_stride();
}

/* --- SQLite's statements --- */

static inline int
fault_authorize(void *arg, int action, const char *a, const char *b,
    const char *c, const char *d)
{
	static _Thread_local bool is_new; /* nothing of the table was read */

	(void)arg;
	(void)b;
	(void)c;
	(void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
	case SQLITE_PRAGMA:
	case SQLITE_ATTACH:
		is_new = true;
		return fault.table == NULL && fault_strikes(FAULT_PREPARE)
			   ? SQLITE_DENY
			   : SQLITE_OK;
	case SQLITE_READ:
		if (fault.table == NULL || !is_new ||
		    strcmp(a, fault.table) != 0)
			return SQLITE_OK;
		is_new = false;
		return fault_strikes(FAULT_PREPARE) ? SQLITE_DENY : SQLITE_OK;
	default:
		return SQLITE_OK;
	}
}

static inline int
fault_trace(unsigned what, void *db, void *st, void *text)
{
	(void)what;
	/* Not of triggers, nor of what makes nothing that could be stopped. */
	if (strncmp(text, "--", 2) != 0 &&
	    strcmp(sqlite3_sql(st), "COMMIT") != 0 &&
	    strcmp(sqlite3_sql(st), "ROLLBACK") != 0 &&
	    strncmp(sqlite3_sql(st), "BEGIN", 5) != 0 &&
	    fault_strikes(FAULT_STEP))
		sqlite3_interrupt(db);
	return 0;
}

static inline int
fault_opened(sqlite3 *db, char **text, const void *api)
{
	(void)text;
	(void)api;
	(void)sqlite3_set_authorizer(db, fault_authorize, NULL);
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, fault_trace, db);
}

/* --- SQLite's files --- */

/* On a disk that is only full, nothing but writing fails. */
static inline bool
fault_broken(void)
{
	return fault.sys != ENOSPC && fault_strikes(FAULT_DISK);
}

/* The functions of a file with locks differ from those of one without. */
struct fault_methods {
	sqlite3_io_methods own; /* first: what the file points to */
	const sqlite3_io_methods *real;
};

static inline const sqlite3_io_methods *
fault_real(sqlite3_file *f)
{
	return ((const struct fault_methods *)f->pMethods)->real;
}

static inline int
fault_read(sqlite3_file *f, void *bytes, int len, sqlite3_int64 at)
{
	return fault_broken() ? SQLITE_IOERR_READ
			      : fault_real(f)->xRead(f, bytes, len, at);
}

static inline int
fault_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
	if (!fault_strikes(FAULT_DISK))
		return fault_real(f)->xWrite(f, bytes, len, at);
	(void)fault_real(f)->xWrite(f, bytes, len / 2, at);
	errno = fault.sys;
	return fault.sys == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static inline int
fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fault_broken() ? SQLITE_IOERR_TRUNCATE
			      : fault_real(f)->xTruncate(f, size);
}

static inline int
fault_sync(sqlite3_file *f, int flags)
{
	(void)f;
	(void)flags;
	return fault_broken() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static inline int
fault_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return fault_broken() ? SQLITE_IOERR_FSTAT
			      : fault_real(f)->xFileSize(f, size);
}

static inline int
fault_lock(sqlite3_file *f, int level)
{
	return fault_broken() ? SQLITE_IOERR_LOCK
			      : fault_real(f)->xLock(f, level);
}

static inline int
fault_shm_map(
    sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return fault_broken()
		   ? SQLITE_IOERR_SHMMAP
		   : fault_real(f)->xShmMap(f, page, size, extend, out);
}

static inline int
fault_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	/* Giving back cannot fail. */
	return (flags & SQLITE_SHM_UNLOCK) == 0 && fault_broken()
		   ? SQLITE_IOERR_SHMLOCK
		   : fault_real(f)->xShmLock(f, offset, n, flags);
}

/* A file that is the real one's in all else gets our functions. */
static inline void
fault_take(sqlite3_file *f)
{
	static struct fault_methods tables[4];
	struct fault_methods *t = tables;

	while (t->real != NULL && t->real != f->pMethods)
		t++;
	CHECK(t < tables + ARRAY_LEN(tables));
	if (t->real == NULL) {
		t->real = f->pMethods;
		t->own = *f->pMethods;
		t->own.xRead = fault_read;
		t->own.xWrite = fault_write;
		t->own.xTruncate = fault_truncate;
		t->own.xSync = fault_sync;
		t->own.xFileSize = fault_size;
		t->own.xLock = fault_lock;
		t->own.xShmMap = fault_shm_map;
		t->own.xShmLock = fault_shm_lock;
	}
	f->pMethods = &t->own;
}

static inline int
fault_file_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc;

	(void)vfs;
	if (fault_broken()) {
		f->pMethods = NULL;
		return SQLITE_CANTOPEN;
	}
	rc = fault.vfs->xOpen(fault.vfs, name, f, flags, out);
	if (f->pMethods != NULL)
		fault_take(f);
	return rc;
}

static inline int
fault_file_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	(void)vfs;
	return fault_broken() ? SQLITE_IOERR_DELETE
			      : fault.vfs->xDelete(fault.vfs, name, sync_dir);
}

static inline int
fault_file_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)vfs;
	return fault_broken() ? SQLITE_IOERR_ACCESS
			      : fault.vfs->xAccess(fault.vfs, name, flags, out);
}

/* --- env --- */

#define FAULT_FAILS(err, what)       \
	(fault_strikes(FAULT_ENV) && \
	    err_sys(err, fault.sys, "%s", what) != ERR_NONE)

static inline enum err_code
fault_env_open(struct env *env, const char *path, unsigned flags,
    struct env_file **out, struct err *err)
{
	*out = NULL;
	return FAULT_FAILS(err, path)
		   ? err->code
		   : fault.env->open(env, path, flags, out, err);
}

static inline enum err_code
fault_env_pread(struct env_file *f, void *bytes, size_t len, int64_t offset,
    size_t *got, struct err *err)
{
	return FAULT_FAILS(err, "read")
		   ? err->code
		   : fault.env->pread(f, bytes, len, offset, got, err);
}

static inline enum err_code
fault_env_pwrite(struct env_file *f, const void *bytes, size_t len,
    int64_t offset, struct err *err)
{
	struct err ignored;

	if (!FAULT_FAILS(err, "write"))
		return fault.env->pwrite(f, bytes, len, offset, err);
	(void)fault.env->pwrite(f, bytes, len / 2, offset, &ignored);
	return err->code;
}

static inline enum err_code
fault_env_append(
    struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	struct err ignored;

	if (!FAULT_FAILS(err, "append"))
		return fault.env->append(f, bytes, len, err);
	(void)fault.env->append(f, bytes, len / 2, &ignored);
	return err->code;
}

static inline enum err_code
fault_env_truncate(struct env_file *f, int64_t size, struct err *err)
{
	return FAULT_FAILS(err, "truncate") ? err->code
					    : fault.env->truncate(f, size, err);
}

static inline enum err_code
fault_env_allocate(struct env_file *f, int64_t size, struct err *err)
{
	return FAULT_FAILS(err, "allocate") ? err->code
					    : fault.env->allocate(f, size, err);
}

static inline enum err_code
fault_env_sync(struct env_file *f, struct err *err)
{
	(void)f;
	return FAULT_FAILS(err, "sync") ? err->code : ERR_NONE;
}

static inline enum err_code
fault_env_fstat(struct env_file *f, struct env_stat *out, struct err *err)
{
	return FAULT_FAILS(err, "stat") ? err->code
					: fault.env->fstat(f, out, err);
}

static inline enum err_code
fault_env_lock(
    struct env_file *f, int64_t byte, bool exclusive, struct err *err)
{
	return FAULT_FAILS(err, "lock")
		   ? err->code
		   : fault.env->lock(f, byte, exclusive, err);
}

static inline enum err_code
fault_env_stat(
    struct env *env, const char *path, struct env_stat *out, struct err *err)
{
	return FAULT_FAILS(err, path) ? err->code
				      : fault.env->stat(env, path, out, err);
}

static inline enum err_code
fault_env_rename(
    struct env *env, const char *from, const char *to, struct err *err)
{
	return FAULT_FAILS(err, from) ? err->code
				      : fault.env->rename(env, from, to, err);
}

static inline enum err_code
fault_env_remove(struct env *env, const char *path, struct err *err)
{
	return FAULT_FAILS(err, path) ? err->code
				      : fault.env->remove(env, path, err);
}

static inline enum err_code
fault_env_make_dir(struct env *env, const char *path, struct err *err)
{
	return FAULT_FAILS(err, path) ? err->code
				      : fault.env->make_dir(env, path, err);
}

static inline enum err_code
fault_env_sync_dir(struct env *env, const char *path, struct err *err)
{
	(void)env;
	return FAULT_FAILS(err, path) ? err->code : ERR_NONE;
}

static inline enum err_code
fault_env_list_dir(struct env *env, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
	return FAULT_FAILS(err, path)
		   ? err->code
		   : fault.env->list_dir(env, path, each, arg, err);
}

static inline enum err_code
fault_env_space(
    struct env *env, const char *path, struct env_space *out, struct err *err)
{
	return FAULT_FAILS(err, path) ? err->code
				      : fault.env->space(env, path, out, err);
}

/* --- in place --- */

/* For an env just opened; nothing is open in it yet. */
static inline void
fault_install(struct env *env)
{
	static struct env_ops ops;
	static sqlite3_vfs vfs;

	(void)fault_disarm();
	if (fault.vfs == NULL) {
		fault.vfs = sqlite3_vfs_find(NULL);
		CHECK(fault.vfs != NULL);
		vfs = *fault.vfs;
		vfs.pNext = NULL;
		vfs.zName = "dsrun-fault";
		vfs.xOpen = fault_file_open;
		vfs.xDelete = fault_file_delete;
		vfs.xAccess = fault_file_access;
		CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
		CHECK(sqlite3_auto_extension((void (*)(void))fault_opened) ==
		      SQLITE_OK);
		fault.env = env->ops;
		ops = *env->ops;
		ops.open = fault_env_open;
		ops.pread = fault_env_pread;
		ops.pwrite = fault_env_pwrite;
		ops.append = fault_env_append;
		ops.truncate = fault_env_truncate;
		ops.allocate = fault_env_allocate;
		ops.sync = fault_env_sync;
		ops.fstat = fault_env_fstat;
		ops.lock = fault_env_lock;
		ops.stat = fault_env_stat;
		ops.rename = fault_env_rename;
		ops.remove = fault_env_remove;
		ops.make_dir = fault_env_make_dir;
		ops.sync_dir = fault_env_sync_dir;
		ops.list_dir = fault_env_list_dir;
		ops.space = fault_env_space;
	}
	env->ops = &ops;
	env->sqlite_vfs = "dsrun-fault";
}

#endif
