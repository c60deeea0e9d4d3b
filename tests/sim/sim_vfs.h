#ifndef DSRUN_TESTS_SIM_VFS_H
#define DSRUN_TESTS_SIM_VFS_H

#include <stdint.h>

#include "sim_disk.h"
#include "sim_gate.h"

/*
 * SQLite on a simulated disk: one VFS for each slot of a process, all methods
 * through the gate.
 *
 * It behaves like SQLite's own "unix" VFS where that matters to a journal in
 * WAL mode: the five lock levels and the eight locks of shared memory compete
 * between open files (of one process too); the first to open shared memory
 * finds it empty, so that SQLite recovers the WAL, and it is gone when the
 * last one closes; a file made as WAL or rollback journal syncs its directory
 * with its first sync; device characteristics are POWERSAFE_OVERWRITE and the
 * sector is 4096.  SQLITE_FCNTL_* : what "unix" answers to size hint, chunk
 * size, persist WAL, powersafe overwrite, has moved (the name leads to another
 * inode now), and last errno (sqlite3_system_errno: ENOSPC, EIO, EMFILE).
 *
 * Orders: EIO and ENOSPC become the SQLITE_IOERR_* of that method and
 * SQLITE_FULL (of a write; else an IOERR with errno ENOSPC), EMFILE and a
 * failed open SQLITE_CANTOPEN, SHORT of a write a part of it and SQLITE_FULL,
 * of a read SQLITE_IOERR_READ, LIE nothing, DEAD SQLITE_IOERR_* (of an open
 * SQLITE_CANTOPEN), and locks of the dead cannot be had.
 */

#define SIM_VFS_SLOTS 16

/* Once; names "sim0" ...  with SQLite's MEMSTATUS off. */
void sim_vfs_register(void);
const char *sim_vfs_name(int slot);

/* From now on slot's files are p's, on disk d; NULL: nobody's. */
void sim_vfs_bind(int slot, struct sim_process *p, struct sim_disk *d);

/* xRandomness and xCurrentTime, from the process: set by the simulation. */
struct sim_vfs_ops {
	void (*random)(struct sim_process *p, void *bytes, int len);
	int64_t (*wall_ms)(struct sim_process *p);
	/* Others run meanwhile. */
	void (*sleep)(struct sim_process *p, int64_t us);
};
/* A new simulation: SQLite's own generator, one for all processes, begins
 * anew with what random() says for the one that runs (sim_vfs_running). */
void sim_vfs_set_ops(const struct sim_vfs_ops *ops);

/*
 * Controls of the negative kind: while set, syncs of files whose name ends
 * with suffix do nothing ("-wal": synchronous=NORMAL as far as commits go).
 */
void sim_vfs_skip_sync(const char *suffix); /* NULL: none */

/*
 * SQLite's allocations: the n-th from now fails (and with for_ever all after
 * it); 0 = none.  Counts only while the running process is p.
 */
void sim_vfs_fail_alloc(
    const struct sim_process *p, int64_t nth, bool for_ever);
int64_t sim_vfs_allocs(void); /* since register */
/* What the slot's process had allocated is gone: it is over. */
void sim_vfs_forget(int slot);
/* Who runs now, so that an allocation can be told from another's. */
void sim_vfs_running(const struct sim_process *p);

#endif
