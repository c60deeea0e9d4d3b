#include <errno.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_vfs_priv.h"

/*
 * SQLite's locks and its shared memory.
 *
 * A lock of the dead cannot be had, and is not BUSY either: SQLite would wait
 * for it.
 */

static struct sim_vfs_file *
file_of(sqlite3_file *file)
{
	return CONTAINER_OF(file, struct sim_vfs_file, base);
}

int
sim_vfs_lock(sqlite3_file *file, int level)
{
	struct sim_vfs_file *f = file_of(file);
	int rc = sim_vfs_ask(f, SIM_OP_LOCK, SQLITE_IOERR_LOCK);

	if (rc != SQLITE_OK)
		return rc;
	return sim_level_raise(f->file, level) ? SQLITE_OK : SQLITE_BUSY;
}

int
sim_vfs_unlock(sqlite3_file *file, int level)
{
	struct sim_vfs_file *f = file_of(file);
	enum sim_order order =
	    sim_gate(f->process, SIM_OP_UNLOCK, sim_file_path(f->file));

	if (order == SIM_DEAD)
		return sim_vfs_fail(f, EIO, SQLITE_IOERR_UNLOCK);
	sim_level_lower(f->file, level);
	return SQLITE_OK;
}

int
sim_vfs_check_reserved(sqlite3_file *file, int *out)
{
	struct sim_vfs_file *f = file_of(file);
	int rc = sim_vfs_ask(f, SIM_OP_LOCK, SQLITE_IOERR_CHECKRESERVEDLOCK);

	if (rc == SQLITE_OK)
		*out = sim_level_reserved(f->file);
	return rc;
}

/* --- shared memory ---------------------------------------------------------
 */

int
sim_vfs_shm_map(
    sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
	struct sim_vfs_file *f = file_of(file);
	int rc = sim_vfs_ask(f, SIM_OP_MAP, SQLITE_IOERR_SHMMAP);
	struct err err;
	void *p = NULL;

	CHECK(size == SIM_SHM_REGION);
	*out = NULL;
	if (rc != SQLITE_OK)
		return rc;
	if (sim_shm_map(f->file, region, extend != 0, &p, &err) != ERR_NONE)
		return sim_vfs_fail(f, err.sys,
		    err.code == ERR_SPACE ? SQLITE_IOERR_SHMSIZE
					  : SQLITE_CANTOPEN);
	*out = p;
	return SQLITE_OK;
}

int
sim_vfs_shm_lock(sqlite3_file *file, int first, int n, int flags)
{
	struct sim_vfs_file *f = file_of(file);
	bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
	int rc;

	if ((flags & SQLITE_SHM_UNLOCK) != 0) {
		if (sim_gate(f->process, SIM_OP_UNLOCK,
			sim_file_path(f->file)) == SIM_DEAD)
			return sim_vfs_fail(f, EIO, SQLITE_IOERR_SHMLOCK);
		sim_shm_unlock(f->file, first, n);
		return SQLITE_OK;
	}
	rc = sim_vfs_ask(f, SIM_OP_LOCK, SQLITE_IOERR_SHMLOCK);
	if (rc != SQLITE_OK)
		return rc;
	if (f->file->shm == NULL)
		return SQLITE_IOERR_SHMLOCK;
	return sim_shm_lock(f->file, first, n, exclusive) ? SQLITE_OK
							  : SQLITE_BUSY;
}

void
sim_vfs_shm_barrier(sqlite3_file *file)
{
	/* One thread: all see the same already. */
	(void)file;
}

int
sim_vfs_shm_unmap(sqlite3_file *file, int remove)
{
	struct sim_vfs_file *f = file_of(file);
	bool last = sim_shm_unmap(f->file);
	struct err ignored;
	char *path;

	if (!last || !remove)
		return SQLITE_OK;
	path = mem_printf("%s-shm", sim_file_path(f->file));
	if (sim_vfs_errno(sim_gate(f->process, SIM_OP_REMOVE, path)) == 0)
		(void)sim_disk_remove(f->disk, path, &ignored);
	mem_free(&path);
	return SQLITE_OK;
}
