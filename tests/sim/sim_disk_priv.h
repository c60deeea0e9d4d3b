#ifndef DSRUN_TESTS_SIM_DISK_PRIV_H
#define DSRUN_TESTS_SIM_DISK_PRIV_H

#include "base/list.h"

#include "sim_disk.h"

/*
 * What the files of sim_disk share, and what SQLite's file system (sim_vfs)
 * asks of a disk beyond sim_disk.h: its own locks and its shared memory.
 */

/* What a file holds.  Clones share it until one of them writes. */
struct sim_bytes {
	uint32_t refs;
	int64_t cap;
	uint8_t bytes[];
};

/*
 * One pending change of a file's bytes, and how to take it back.  A write of
 * [offset, offset + len): the bytes below old_size that it overwrote are at
 * saved_at.  A change of size to offset (is_size): those it cut away are.
 */
struct sim_change {
	uint64_t seq; /* its place among all changes of the disk */
	int64_t offset;
	int64_t len;
	int64_t old_size;
	size_t saved_at;
	bool is_size;
};

struct sim_undo {
	struct sim_change *changes;
	size_t count, cap;
	uint8_t *saved; /* emptied by a sync, never smaller */
	size_t saved_len, saved_cap;
};

struct sim_entry {
	char *name;
	struct sim_inode *inode;
};

struct sim_inode {
	uint64_t number; /* its index in the disk's table; used again */
	bool is_dir;
	bool linked;  /* a directory has it */
	bool counted; /* its bytes take room: linked, or open */
	/* While the power is cut: it is not this machine's; below it is such.
	 */
	bool outside, holds_outside, reached;
	uint32_t opens;     /* open files and shared memories */
	uint32_t name_refs; /* pending changes of names that speak of it */
	int64_t mtime_ms;
	uint64_t changed; /* sim_disk_changed */
	int64_t size;
	struct sim_bytes *data; /* NULL: nothing was written */
	struct sim_undo undo;
	struct list files; /* struct sim_file, by_inode */
	/* of a directory: sorted by name */
	struct sim_entry *entries;
	size_t count, cap;
	struct sim_shm_file *shm; /* it is SQLite's shared memory */
};

/* One pending change of names. */
enum sim_name_kind {
	SIM_NAME_ADD,
	SIM_NAME_REMOVE,
	SIM_NAME_MOVE
};

struct sim_name {
	uint64_t seq;
	enum sim_name_kind kind;
	struct sim_inode *dir, *to_dir; /* to_dir: of MOVE, else NULL */
	char *name, *to_name;
	struct sim_inode *inode;
	struct sim_inode *replaced; /* by MOVE; or NULL */
};

struct sim_lock {
	int64_t byte;
	bool exclusive;
};

struct sim_file {
	struct sim_disk *disk; /* NULL: its process is dead */
	struct sim_inode *inode;
	struct sim_process *process;
	struct list by_disk, by_inode;
	unsigned flags;
	struct sim_lock *locks;
	size_t lock_count, lock_cap;
	/* SQLite's */
	int level;                  /* SQLITE_LOCK_ */
	struct sim_shm *shm;        /* NULL: none mapped */
	unsigned shared, exclusive; /* shared memory's locks, a bit each */
	char path[];
};

struct sim_disk {
	struct sim_inode **inodes; /* by number; NULL: free */
	size_t count, cap;
	size_t lowest_free;
	struct sim_inode *root;
	struct list files; /* struct sim_file, by_disk */
	struct list shms;  /* struct sim_shm */
	struct sim_name *names;
	size_t name_count, name_cap;
	const struct sim_process **lapsed;
	size_t lapsed_count;
	uint64_t seq;
	uint64_t changes; /* of any file, for sim_disk_changed */
	int64_t capacity_bytes;
	int64_t used_bytes;
	uint64_t magic;
	int64_t now_ms;
};

/* --- inodes and names (sim_disk_tree.c) ------------------------------------
 */

struct sim_inode *sim_inode_new(struct sim_disk *d, bool is_dir);
/* Its bytes take room from now on, or no longer: after linked or opens was
 * changed. */
void sim_inode_count(struct sim_disk *d, struct sim_inode *i);
/* Frees it when no name, no open file and no pending change needs it. */
void sim_inode_release(struct sim_disk *d, struct sim_inode *i);
/* With all it holds, whoever needs it. */
void sim_inode_free(struct sim_disk *d, struct sim_inode *i);

struct sim_inode *sim_dir_get(const struct sim_inode *dir, const char *name);
/* Takes the place of an entry with that name, which is returned, or NULL. */
struct sim_inode *sim_dir_put(struct sim_disk *d, struct sim_inode *dir,
    const char *name, struct sim_inode *i);
/* Returns what had the name, or NULL. */
struct sim_inode *sim_dir_take(
    struct sim_disk *d, struct sim_inode *dir, const char *name);

struct sim_place {
	struct sim_inode *dir;   /* NULL: it is not there */
	struct sim_inode *inode; /* NULL: no such name */
	int sys;                 /* why not, as errno; 0 with an inode */
	char name[256];          /* the last part of the path */
};

void sim_path_find(struct sim_disk *d, const char *path, struct sim_place *out);

/* Remembers a change of names that was done just now. */
void sim_names_add(struct sim_disk *d, const struct sim_name *n);
/* Forgets the changes for which gone() is true, keeping the others' order. */
void sim_names_forget(struct sim_disk *d,
    bool (*gone)(void *arg, const struct sim_name *n), void *arg);

/* --- bytes (sim_disk_file.c) -----------------------------------------------
 */

/* Whatever path it had; flags of enum env_open_flag. */
struct sim_file *sim_file_new(struct sim_disk *d, struct sim_process *p,
    struct sim_inode *i, const char *path, unsigned flags);
/* A file without a name, gone when it is closed. */
struct sim_file *sim_file_nameless(struct sim_disk *d, struct sim_process *p);
/* No lock of f is left, and it belongs to no disk. */
void sim_file_drop(struct sim_file *f);

/* Raw: no undo, no question of room.  New bytes of a longer file are 0. */
void sim_inode_set_size(struct sim_disk *d, struct sim_inode *i, int64_t size);
void sim_inode_put(struct sim_disk *d, struct sim_inode *i, const void *bytes,
    int64_t len, int64_t offset);

void sim_undo_clear(struct sim_undo *u);
void sim_undo_fini(struct sim_undo *u);

void sim_bytes_release(struct sim_bytes **b);

/* --- SQLite's locks (sim_disk_lock.c) --------------------------------------
 */

/* Levels as xLock and xUnlock know them.  False: held by another. */
bool sim_level_raise(struct sim_file *f, int level);
void sim_level_lower(struct sim_file *f, int level);
/* Has anyone RESERVED or more? */
bool sim_level_reserved(const struct sim_file *f);

/* --- SQLite's shared memory (sim_disk_shm.c) -------------------------------
 */

#define SIM_SHM_LOCKS 8
#define SIM_SHM_REGION 32768

/* A file NAME-shm that nobody has mapped is a file like others, and empty. */
void sim_shm_forget(struct sim_disk *d, struct sim_inode *i);
/* The memory behind it; NULL-safe. */
void sim_shm_file_free(struct sim_shm_file **s);

/*
 * Region n of the shared memory of database f, as f's process sees it; NULL in
 * *out when it is not there and extend is false.  ERR_SPACE, or ERR_IO when
 * the file cannot be made.
 */
enum err_code sim_shm_map(
    struct sim_file *f, int n, bool extend, void **out, struct err *err);
/* False: held by another, or nothing is mapped. */
bool sim_shm_lock(struct sim_file *f, int first, int n, bool exclusive);
void sim_shm_unlock(struct sim_file *f, int first, int n);
/* Does another process than f's hold one of the readers' locks? */
bool sim_shm_read_elsewhere(const struct sim_file *f);
/* Lets go of it; true when f was the last of its process that had it. */
bool sim_shm_unmap(struct sim_file *f);
/*
 * The memory of process p stays where it is, and is nobody else's from now on:
 * what a dead process still writes into it must not be seen.
 */
void sim_shm_drop_process(struct sim_disk *d, const struct sim_process *p);

#endif
