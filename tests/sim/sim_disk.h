#ifndef DSRUN_TESTS_SIM_DISK_H
#define DSRUN_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "sim_rand.h"

/*
 * The disk of a simulated machine, in memory: a tree of directories and
 * inodes, what of it has reached the medium, and the locks on it.
 *
 * It does what it is told and never fails by itself but for room (ERR_SPACE),
 * missing names and locks held by others; who orders faults is the gate
 * (sim_gate.h), which its callers ask first.  All is deterministic: no clock,
 * no address and no hash order decides anything.
 *
 * Durable: what was written before the last sync of that file (data and size),
 * and names (create, rename, remove) before the last sync of their directory.
 * All the rest is pending, kept as an undo log in the order it happened, until
 * a sync of its file or directory, or a power cut that decides its fate.
 * Pages of SQLite's shared memory are never durable.
 */

struct sim_disk;
struct sim_process;

/*
 * An open file description.  POSIX locks of SQLite and OFD locks both belong
 * to it and are dropped with it, as the kernel does when a process dies.
 */
struct sim_file;

/* What becomes of pending writes when the power is cut. */
enum sim_device {
	SIM_DEVICE_KEEPS,    /* all is there, as after kill -9 */
	SIM_DEVICE_DROPS,    /* nothing is there */
	SIM_DEVICE_ORDERED,  /* a prefix of all writes and names, in order */
	SIM_DEVICE_REORDERS, /* any subset; names: a prefix for each directory
			      */
	SIM_DEVICE_GARBLES,  /* the same, and a write may be torn at a sector of
			      * 512 bytes or be garbage within its own bounds
			      * (POWERSAFE_OVERWRITE holds) */
	SIM_DEVICE_COUNT
};

/* capacity_bytes: what all files together may hold. */
struct sim_disk *sim_disk_new(int64_t capacity_bytes);
/* A copy, with nothing pending and nothing open: for a template that many
 * runs begin with.  d must have no pending writes (sim_disk_settle). */
struct sim_disk *sim_disk_clone(const struct sim_disk *d);
/* All files must be closed.  NULL-safe, sets NULL. */
void sim_disk_free(struct sim_disk **d);

/* Everything pending becomes durable. */
void sim_disk_settle(struct sim_disk *d);
/*
 * The power is cut: pending things are kept, lost or spoiled as the device
 * does.  All files must be closed (their processes are dead) before.  Files
 * below a directory whose name is given as outside keep everything: what they
 * hold is not on this machine (the telephone network's log).
 */
void sim_disk_power_cut(struct sim_disk *d, enum sim_device device,
    const char *outside, struct sim_rand *rand);
void sim_disk_set_capacity(struct sim_disk *d, int64_t capacity_bytes);
/* statfs f_type that sim_disk_space tells; ext4's unless set. */
void sim_disk_set_magic(struct sim_disk *d, uint64_t magic);
/* Time of writes from now on (mtime_ms). */
void sim_disk_set_time(struct sim_disk *d, int64_t now_ms);

/*
 * As the functions of env.h with these names promise, and with their errors
 * and texts.  Paths are absolute, without "." and "..".  Parents must be there.
 * partial_bytes >= 0: write so many only, then ERR_SPACE.
 */
enum err_code sim_disk_open(struct sim_disk *d, struct sim_process *p,
    const char *path, unsigned flags, struct sim_file **out, struct err *err);
void sim_disk_close(struct sim_file **f);
/* All that process p has open: the kernel does this when it dies.  Its
 * pointers stay valid for sim_disk_close, and every other use is a bug. */
void sim_disk_drop_process(struct sim_disk *d, const struct sim_process *p);
const char *sim_file_path(const struct sim_file *f); /* as opened */
struct sim_process *sim_file_process(const struct sim_file *f);
int64_t sim_file_size(const struct sim_file *f);

size_t sim_disk_pread(
    struct sim_file *f, void *bytes, size_t len, int64_t offset);
enum err_code sim_disk_pwrite(struct sim_file *f, const void *bytes, size_t len,
    int64_t offset, int64_t partial_bytes, struct err *err);
enum err_code sim_disk_append(struct sim_file *f, const void *bytes, size_t len,
    int64_t partial_bytes, struct err *err);
enum err_code sim_disk_truncate(
    struct sim_file *f, int64_t size, struct err *err);
enum err_code sim_disk_allocate(
    struct sim_file *f, int64_t size, struct err *err);
void sim_disk_sync(struct sim_file *f);
void sim_disk_fstat(const struct sim_file *f, struct env_stat *out);

enum err_code sim_disk_stat(struct sim_disk *d, const char *path,
    struct env_stat *out, struct err *err);
/* A number that is another as soon as another file has the path, or it holds
 * other bytes; 0: there is none. */
uint64_t sim_disk_changed(struct sim_disk *d, const char *path);
enum err_code sim_disk_rename(
    struct sim_disk *d, const char *from, const char *to, struct err *err);
enum err_code sim_disk_remove(
    struct sim_disk *d, const char *path, struct err *err);
/* ERR_NONE also when it is there already. */
enum err_code sim_disk_make_dir(
    struct sim_disk *d, const char *path, struct err *err);
enum err_code sim_disk_sync_dir(
    struct sim_disk *d, const char *path, struct err *err);
/* In the order of their names. */
enum err_code sim_disk_list_dir(struct sim_disk *d, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err);
enum err_code sim_disk_space(struct sim_disk *d, const char *path,
    struct env_space *out, struct err *err);

/* OFD lock on one byte; ERR_BUSY when another open holds it.  A lock asked
 * again by its holder is granted, and may change between shared and
 * exclusive. */
enum err_code sim_disk_lock(
    struct sim_file *f, int64_t byte, bool exclusive, struct err *err);
void sim_disk_unlock(struct sim_file *f, int64_t byte);

/*
 * For the negative control "no lock protects a stopped process": while lapsed,
 * the OFD locks of p hinder nobody.
 */
void sim_disk_lapse(
    struct sim_disk *d, const struct sim_process *p, bool lapsed);

/* Files and directories as lines "path size crc32", sorted: what a run left,
 * to compare two runs of one seed.  mem_free. */
char *sim_disk_list_all(struct sim_disk *d);

#endif
