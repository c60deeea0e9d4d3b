#ifndef DSRUN_TESTS_SIM_VFS_PRIV_H
#define DSRUN_TESTS_SIM_VFS_PRIV_H

#include <stdbool.h>

#include <sqlite3.h>

#include "sim_vfs.h"

#include "sim_disk_priv.h"

/* What the files of sim_vfs share. */

struct sim_vfs_slot {
	sqlite3_vfs vfs;
	char name[8];
	struct sim_process *process;
	struct sim_disk *disk;
	int last_errno; /* of the last call that failed; xGetLastError */
	int64_t bound;  /* how often it has got another process */
	int refuses;    /* the next open fails so, unasked (sim_image.c) */
};

struct sim_vfs_file {
	sqlite3_file base;
	struct sim_vfs_slot *slot;
	struct sim_disk *disk;
	struct sim_process *process;
	struct sim_file *file;
	bool sync_dir; /* its name is not durable yet */
	bool persist_wal, powersafe;
	int chunk_bytes;
	int last_errno;
};

/* An order as errno; 0: do it. */
int sim_vfs_errno(enum sim_order order);
/* Keeps the errno where SQLite looks for it, and returns code. */
int sim_vfs_fail(struct sim_vfs_file *f, int sys, int code);

/* Asks the gate before a call on f; SQLITE_OK or code. */
int sim_vfs_ask(struct sim_vfs_file *f, enum sim_op op, int code);

/* The directory of path is synced; SQLITE_OK or code, and SQLITE_OK when the
 * directory is not there.  Asks the gate. */
int sim_vfs_sync_dir(struct sim_vfs_slot *slot, struct sim_disk *d,
    struct sim_process *p, const char *path, int code);
bool sim_vfs_skips(const char *path);

/* sim_vfs_file.c */
extern const sqlite3_io_methods sim_vfs_methods;

/* sim_vfs_lock.c */
int sim_vfs_lock(sqlite3_file *file, int level);
int sim_vfs_unlock(sqlite3_file *file, int level);
int sim_vfs_check_reserved(sqlite3_file *file, int *out);
int sim_vfs_shm_map(
    sqlite3_file *file, int region, int size, int extend, void volatile **out);
int sim_vfs_shm_lock(sqlite3_file *file, int first, int n, int flags);
void sim_vfs_shm_barrier(sqlite3_file *file);
int sim_vfs_shm_unmap(sqlite3_file *file, int remove);

/* sim_vfs_mem.c: before SQLite begins. */
void sim_vfs_mem_register(void);
/* NULL: nobody. */
struct sim_process *sim_vfs_who_runs(void);

/* sim_vfs_mem.c: a slot's arena.  Nothing of it is in use. */
bool sim_vfs_mem_untouched(int slot);
bool sim_vfs_mem_pools(void); /* there are arenas */
/* All that is in it, the caller's to mem_free; and back (NULL: as new). */
void *sim_vfs_mem_copy(int slot, size_t *bytes);
void sim_vfs_mem_put(int slot, const void *copy, size_t bytes);

/* sim_vfs.c: -1 = none. */
int sim_vfs_slot_of(const struct sim_process *p);
struct sim_vfs_slot *sim_vfs_slot_at(int slot);

#endif
