#include "sim_vfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_vfs_priv.h"

/* The file systems themselves: open, delete, access, time and chance. */

#define PATH_MAX_BYTES 512
/* Of the Unix epoch in SQLite's Julian days, in milliseconds. */
#define EPOCH_MS INT64_C(210866760000000)

static struct {
	struct sim_vfs_slot slots[SIM_VFS_SLOTS];
	struct sim_vfs_ops ops;
	const char *skip_suffix;
} vfs;

/* --- orders ----------------------------------------------------------------
 */

int
sim_vfs_errno(enum sim_order order)
{
	switch (order) {
	case SIM_ENOSPC:
		return ENOSPC;
	case SIM_EMFILE:
		return EMFILE;
	case SIM_EIO:
	case SIM_SHORT:
	case SIM_DEAD:
		return EIO;
	case SIM_GO:
	case SIM_LIE:
	case SIM_LOST:
	case SIM_MUTE:
		break;
	}
	return 0;
}

int
sim_vfs_fail(struct sim_vfs_file *f, int sys, int code)
{
	f->last_errno = sys;
	f->slot->last_errno = sys;
	return code;
}

int
sim_vfs_ask(struct sim_vfs_file *f, enum sim_op op, int code)
{
	int sys =
	    sim_vfs_errno(sim_gate(f->process, op, sim_file_path(f->file)));

	return sys == 0 ? SQLITE_OK : sim_vfs_fail(f, sys, code);
}

bool
sim_vfs_skips(const char *path)
{
	size_t len = strlen(path);
	size_t n = vfs.skip_suffix != NULL ? strlen(vfs.skip_suffix) : 0;

	return vfs.skip_suffix != NULL && len >= n &&
	       strcmp(path + len - n, vfs.skip_suffix) == 0;
}

int
sim_vfs_sync_dir(struct sim_vfs_slot *slot, struct sim_disk *d,
    struct sim_process *p, const char *path, int code)
{
	const char *slash = strrchr(path, '/');
	struct err ignored;
	enum sim_order order;
	char *dir;

	if (slash == NULL)
		return SQLITE_OK;
	dir = slash == path ? mem_strdup("/")
			    : mem_strndup(path, (size_t)(slash - path));
	order = sim_gate(p, SIM_OP_SYNC, dir);
	if (order == SIM_GO)
		(void)sim_disk_sync_dir(d, dir, &ignored);
	mem_free(&dir);
	if (sim_vfs_errno(order) == 0)
		return SQLITE_OK;
	slot->last_errno = sim_vfs_errno(order);
	return code;
}

/* --- open, delete, access --------------------------------------------------
 */

static struct sim_vfs_slot *
slot_of(sqlite3_vfs *v)
{
	return v->pAppData;
}

/* A slot that is nobody's belongs to the dead. */
static enum sim_order
ask(struct sim_vfs_slot *slot, enum sim_op op, const char *path)
{
	return slot->process != NULL ? sim_gate(slot->process, op, path)
				     : SIM_DEAD;
}

static unsigned
env_flags(int flags)
{
	unsigned out = ENV_READ;

	if ((flags & SQLITE_OPEN_READWRITE) != 0)
		out |= ENV_WRITE;
	if ((flags & SQLITE_OPEN_CREATE) != 0)
		out |= ENV_CREATE;
	if ((flags & SQLITE_OPEN_EXCLUSIVE) != 0)
		out |= ENV_EXCLUSIVE;
	return out;
}

/* With DELETEONCLOSE the name goes at once, as "unix" does it. */
static int
open_file(struct sim_vfs_slot *slot, const char *path, int flags,
    struct sim_file **out)
{
	struct err err;

	if (path == NULL) {
		*out = sim_file_nameless(slot->disk, slot->process);
		return 0;
	}
	if (sim_disk_open(slot->disk, slot->process, path, env_flags(flags),
		out, &err) != ERR_NONE)
		return err.sys;
	if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0)
		(void)sim_disk_remove(slot->disk, path, &err);
	return 0;
}

static int
x_open(sqlite3_vfs *v, sqlite3_filename path, sqlite3_file *file, int flags,
    int *out_flags)
{
	struct sim_vfs_slot *slot = slot_of(v);
	struct sim_vfs_file *f = CONTAINER_OF(file, struct sim_vfs_file, base);
	struct sim_process *p = slot->process;
	int sys;

	memset(f, 0, sizeof(*f));
	sys = slot->refuses;
	slot->refuses = 0;
	if (sys == 0)
		sys = sim_vfs_errno(ask(slot, SIM_OP_OPEN, path));
	if (sys == 0)
		sys = open_file(slot, path, flags, &f->file);
	if (sys != 0) {
		slot->last_errno = sys;
		return SQLITE_CANTOPEN;
	}
	f->base.pMethods = &sim_vfs_methods;
	f->slot = slot;
	f->disk = slot->disk;
	f->process = p;
	f->powersafe = true;
	f->sync_dir =
	    (flags & SQLITE_OPEN_CREATE) != 0 &&
	    (flags & (SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_MAIN_JOURNAL |
			 SQLITE_OPEN_WAL)) != 0;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
x_delete(sqlite3_vfs *v, const char *path, int sync_dir)
{
	struct sim_vfs_slot *slot = slot_of(v);
	struct sim_process *p = slot->process;
	struct sim_disk *d = slot->disk;
	struct err err;
	int sys = sim_vfs_errno(ask(slot, SIM_OP_REMOVE, path));

	if (sys == 0 && sim_disk_remove(d, path, &err) != ERR_NONE)
		sys = err.sys;
	if (sys != 0) {
		slot->last_errno = sys;
		return sys == ENOENT ? SQLITE_IOERR_DELETE_NOENT
				     : SQLITE_IOERR_DELETE;
	}
	return sync_dir
		   ? sim_vfs_sync_dir(slot, d, p, path, SQLITE_IOERR_DIR_FSYNC)
		   : SQLITE_OK;
}

static int
x_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	struct sim_vfs_slot *slot = slot_of(v);
	struct env_stat st;
	struct err ignored;
	int sys = sim_vfs_errno(ask(slot, SIM_OP_STAT, path));

	*out = 0;
	if (sys != 0) {
		slot->last_errno = sys;
		return SQLITE_IOERR_ACCESS;
	}
	/* An empty file is no journal. */
	if (sim_disk_stat(slot->disk, path, &st, &ignored) == ERR_NONE)
		*out = flags != SQLITE_ACCESS_EXISTS || st.is_dir ||
		       st.size_bytes > 0;
	return SQLITE_OK;
}

static int
x_full_pathname(sqlite3_vfs *v, const char *path, int size, char *out)
{
	int n = snprintf(
	    out, (size_t)size, "%s%s", path[0] == '/' ? "" : "/", path);

	(void)v;
	return n < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* --- time and chance -------------------------------------------------------
 */

static int
x_randomness(sqlite3_vfs *v, int len, char *out)
{
	/* SQLite asks the default file system, whoever needs it. */
	struct sim_process *p = sim_vfs_who_runs();

	if (p == NULL)
		p = slot_of(v)->process;
	memset(out, 0, (size_t)len);
	if (p != NULL && vfs.ops.random != NULL)
		vfs.ops.random(p, out, len);
	return len;
}

static int
x_sleep(sqlite3_vfs *v, int us)
{
	struct sim_process *p = slot_of(v)->process;

	if (ask(slot_of(v), SIM_OP_SLEEP, NULL) != SIM_DEAD &&
	    vfs.ops.sleep != NULL)
		vfs.ops.sleep(p, us);
	return us;
}

static int
x_current_time_ms(sqlite3_vfs *v, sqlite3_int64 *out)
{
	struct sim_process *p = slot_of(v)->process;

	*out = EPOCH_MS +
	       (p != NULL && vfs.ops.wall_ms != NULL ? vfs.ops.wall_ms(p) : 0);
	return SQLITE_OK;
}

static int
x_current_time(sqlite3_vfs *v, double *out)
{
	sqlite3_int64 ms;
	int rc = x_current_time_ms(v, &ms);

	*out = (double)ms / 86400000.0;
	return rc;
}

static int
x_last_error(sqlite3_vfs *v, int size, char *out)
{
	(void)size;
	(void)out;
	return slot_of(v)->last_errno;
}

/* --- registering -----------------------------------------------------------
 */

void
sim_vfs_register(void)
{
	CHECK(vfs.slots[0].vfs.zName == NULL);
	CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
	/* There is one thread: the simulated ones are coroutines. */
	CHECK(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
	sim_vfs_mem_register();
	for (int i = 0; i < SIM_VFS_SLOTS; i++) {
		struct sim_vfs_slot *slot = &vfs.slots[i];

		(void)snprintf(slot->name, sizeof(slot->name), "sim%d", i);
		slot->vfs = (sqlite3_vfs){.iVersion = 2,
		    .szOsFile = sizeof(struct sim_vfs_file),
		    .mxPathname = PATH_MAX_BYTES,
		    .zName = slot->name,
		    .pAppData = slot,
		    .xOpen = x_open,
		    .xDelete = x_delete,
		    .xAccess = x_access,
		    .xFullPathname = x_full_pathname,
		    .xRandomness = x_randomness,
		    .xSleep = x_sleep,
		    .xCurrentTime = x_current_time,
		    .xGetLastError = x_last_error,
		    .xCurrentTimeInt64 = x_current_time_ms};
		/* The first is SQLite's default, which seeds its chance. */
		CHECK(sqlite3_vfs_register(&slot->vfs, i == 0) == SQLITE_OK);
	}
}

const char *
sim_vfs_name(int slot)
{
	CHECK(slot >= 0 && slot < SIM_VFS_SLOTS);
	return vfs.slots[slot].name;
}

void
sim_vfs_bind(int slot, struct sim_process *p, struct sim_disk *d)
{
	CHECK(slot >= 0 && slot < SIM_VFS_SLOTS);
	vfs.slots[slot].process = p;
	vfs.slots[slot].disk = d;
	vfs.slots[slot].last_errno = 0;
	vfs.slots[slot].bound++;
}

int
sim_vfs_slot_of(const struct sim_process *p)
{
	for (int slot = 0; p != NULL && slot < SIM_VFS_SLOTS; slot++)
		if (vfs.slots[slot].process == p)
			return slot;
	return -1;
}

struct sim_vfs_slot *
sim_vfs_slot_at(int slot)
{
	return &vfs.slots[slot];
}

void
sim_vfs_set_ops(const struct sim_vfs_ops *ops)
{
	vfs.ops = *ops;
	(void)sqlite3_randomness(0, NULL);
}

void
sim_vfs_skip_sync(const char *suffix)
{
	vfs.skip_suffix = suffix;
}
