#include <errno.h>
#include <string.h>

#include "base/mem.h"

#include "sim_vfs_priv.h"

/*
 * An open file's methods.  Each asks the gate first, where others may run and
 * this process may die, and then does its deed in one piece.
 */

#define SECTOR_BYTES 4096

static struct sim_vfs_file *
file_of(sqlite3_file *file)
{
	return CONTAINER_OF(file, struct sim_vfs_file, base);
}

/* No call that could fail; a dead process's file only lets go of memory. */
static int
x_close(sqlite3_file *file)
{
	sim_disk_close(&file_of(file)->file);
	file->pMethods = NULL;
	return SQLITE_OK;
}

/* "unix" takes EIO of a read for a broken file system: SQLITE_CORRUPT in the
 * end. */
static int
x_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
	struct sim_vfs_file *f = file_of(file);
	enum sim_order order =
	    sim_gate(f->process, SIM_OP_READ, sim_file_path(f->file));
	int sys = sim_vfs_errno(order);
	size_t got;

	if (sys != 0)
		return sim_vfs_fail(f, sys,
		    order == SIM_EIO ? SQLITE_IOERR_CORRUPTFS
				     : SQLITE_IOERR_READ);
	got = sim_disk_pread(f->file, bytes, (size_t)len, offset);
	if (got == (size_t)len)
		return SQLITE_OK;
	f->last_errno = 0;
	memset((char *)bytes + got, 0, (size_t)len - got);
	return SQLITE_IOERR_SHORT_READ;
}

static int
x_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
	struct sim_vfs_file *f = file_of(file);
	enum sim_order order =
	    sim_gate(f->process, SIM_OP_WRITE, sim_file_path(f->file));
	int sys = sim_vfs_errno(order);
	struct err err;

	if (order == SIM_SHORT)
		sys = ENOSPC;
	else if (sys != 0 && sys != ENOSPC)
		return sim_vfs_fail(f, sys, SQLITE_IOERR_WRITE);
	if (order == SIM_SHORT || sys == 0)
		if (sim_disk_pwrite(f->file, bytes, (size_t)len, offset,
			order == SIM_SHORT ? len / 2 : -1, &err) != ERR_NONE)
			sys = err.sys;
	if (sys == 0)
		return SQLITE_OK;
	f->slot->last_errno = sys;
	f->last_errno = 0;
	return SQLITE_FULL;
}

static int
x_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct sim_vfs_file *f = file_of(file);
	int rc = sim_vfs_ask(f, SIM_OP_TRUNCATE, SQLITE_IOERR_TRUNCATE);
	struct err err;

	if (rc != SQLITE_OK)
		return rc;
	if (f->chunk_bytes > 0)
		size = (size + f->chunk_bytes - 1) / f->chunk_bytes *
		       f->chunk_bytes;
	if (sim_disk_truncate(f->file, size, &err) != ERR_NONE)
		return sim_vfs_fail(f, err.sys, SQLITE_IOERR_TRUNCATE);
	return SQLITE_OK;
}

static int
x_sync(sqlite3_file *file, int flags)
{
	struct sim_vfs_file *f = file_of(file);
	const char *path = sim_file_path(f->file);
	enum sim_order order = sim_gate(f->process, SIM_OP_SYNC, path);
	int sys = sim_vfs_errno(order);

	(void)flags;
	if (sys != 0)
		return sim_vfs_fail(f, sys, SQLITE_IOERR_FSYNC);
	if (order != SIM_LIE && !sim_vfs_skips(path))
		sim_disk_sync(f->file);
	if (!f->sync_dir)
		return SQLITE_OK;
	/* Once, and nobody minds when it fails: so does "unix". */
	f->sync_dir = false;
	(void)sim_vfs_sync_dir(
	    f->slot, f->disk, f->process, path, SQLITE_IOERR_DIR_FSYNC);
	return SQLITE_OK;
}

static int
x_file_size(sqlite3_file *file, sqlite3_int64 *out)
{
	struct sim_vfs_file *f = file_of(file);
	int rc = sim_vfs_ask(f, SIM_OP_STAT, SQLITE_IOERR_FSTAT);

	if (rc == SQLITE_OK)
		*out = sim_file_size(f->file);
	return rc;
}

/* --- file control ----------------------------------------------------------
 */

static int
size_hint(struct sim_vfs_file *f, sqlite3_int64 size)
{
	struct err err;
	int rc;

	if (f->chunk_bytes <= 0)
		return SQLITE_OK;
	rc = sim_vfs_ask(f, SIM_OP_TRUNCATE, SQLITE_IOERR_WRITE);
	if (rc != SQLITE_OK)
		return rc;
	size = (size + f->chunk_bytes - 1) / f->chunk_bytes * f->chunk_bytes;
	if (sim_disk_allocate(f->file, size, &err) != ERR_NONE)
		return sim_vfs_fail(f, err.sys, SQLITE_IOERR_WRITE);
	return SQLITE_OK;
}

static int
has_moved(struct sim_vfs_file *f, int *out)
{
	const char *path = sim_file_path(f->file);
	struct env_stat here, there;
	struct err ignored;
	enum sim_order order = sim_gate(f->process, SIM_OP_STAT, path);

	/* A stat that fails is as good as another inode, says "unix". */
	*out = 1;
	if (sim_vfs_errno(order) != 0)
		return SQLITE_OK;
	sim_disk_fstat(f->file, &here);
	*out = sim_disk_stat(f->disk, path, &there, &ignored) != ERR_NONE ||
	       there.inode != here.inode;
	return SQLITE_OK;
}

/* Below 0: tell only. */
static void
mode_bit(bool *bit, int *arg)
{
	if (*arg < 0)
		*arg = *bit;
	else
		*bit = *arg != 0;
}

static int
external_reader(struct sim_vfs_file *f, int *out)
{
	int rc = sim_vfs_ask(f, SIM_OP_LOCK, SQLITE_IOERR_LOCK);

	*out = 0;
	if (rc == SQLITE_OK)
		*out = sim_shm_read_elsewhere(f->file);
	return rc;
}

static int
x_file_control(sqlite3_file *file, int op, void *arg)
{
	struct sim_vfs_file *f = file_of(file);

	switch (op) {
	case SQLITE_FCNTL_LOCKSTATE:
		*(int *)arg = f->file->level;
		return SQLITE_OK;
	case SQLITE_FCNTL_LAST_ERRNO:
		*(int *)arg = f->last_errno;
		return SQLITE_OK;
	case SQLITE_FCNTL_CHUNK_SIZE:
		f->chunk_bytes = *(int *)arg;
		return SQLITE_OK;
	case SQLITE_FCNTL_SIZE_HINT:
		return size_hint(f, *(sqlite3_int64 *)arg);
	case SQLITE_FCNTL_PERSIST_WAL:
		mode_bit(&f->persist_wal, arg);
		return SQLITE_OK;
	case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
		mode_bit(&f->powersafe, arg);
		return SQLITE_OK;
	case SQLITE_FCNTL_VFSNAME:
		*(char **)arg = sqlite3_mprintf("%s", f->slot->name);
		return SQLITE_OK;
	case SQLITE_FCNTL_HAS_MOVED:
		return has_moved(f, arg);
	case SQLITE_FCNTL_EXTERNAL_READER:
		return external_reader(f, arg);
	default:
		return SQLITE_NOTFOUND;
	}
}

static int
x_sector_size(sqlite3_file *file)
{
	(void)file;
	return SECTOR_BYTES;
}

static int
x_characteristics(sqlite3_file *file)
{
	return file_of(file)->powersafe ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

const sqlite3_io_methods sim_vfs_methods = {.iVersion = 2,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = sim_vfs_lock,
    .xUnlock = sim_vfs_unlock,
    .xCheckReservedLock = sim_vfs_check_reserved,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_characteristics,
    .xShmMap = sim_vfs_shm_map,
    .xShmLock = sim_vfs_shm_lock,
    .xShmBarrier = sim_vfs_shm_barrier,
    .xShmUnmap = sim_vfs_shm_unmap};
