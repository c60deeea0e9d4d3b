#ifndef DSRUN_BASE_ENV_H
#define DSRUN_BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

/*
 * The world, as one struct: clocks, randomness, timers, posts to the loop,
 * the writer's thread, files and locks.
 *
 * Everything below cmd/ reaches the kernel through here, so that the program
 * (net/net_env.h, on libuv) and the simulator (virtual time, simulated disk,
 * several instances in one thread) run the same code.  Nothing else reads a
 * clock, sleeps, starts a thread or opens a file.
 *
 * One env belongs to one thread, the loop's.  From a thread of env_work only
 * the file, lock, real-clock and env_pause calls may be made.
 */

#define ENV_ID_BYTES 16

struct env;
struct env_file;

/*
 * A timer, embedded in its owner; zeroed is valid and idle.  fn runs once,
 * from the loop, never before env_timer_start has returned.
 */
struct env_timer {
	void (*fn)(struct env_timer *t);
	int64_t due_us;    /* the env's own: BOOTTIME in microseconds, real */
	size_t heap_index; /* the env's own: 0 = idle */
};

/*
 * Work for the writer: run() on its thread (in the simulator: inline), then
 * done() from the loop.  One work at a time, in the order submitted.  Embedded
 * in its owner, who keeps it until done().
 */
struct env_work {
	void (*run)(struct env_work *w);
	void (*done)(struct env_work *w);
	struct list node;
};

/* A post: fn() from the loop, after the present callback.  Embedded. */
struct env_post {
	void (*fn)(struct env_post *p);
	struct list node; /* zeroed: not posted */
};

struct env_stat {
	int64_t size_bytes;
	uint64_t inode;
	uint64_t links;
	uint32_t uid;
	uint32_t mode;
	int64_t mtime_ms;
	bool is_dir;
};

struct env_space {
	int64_t free_bytes; /* for this user */
	uint64_t fs_magic;  /* statfs f_type */
};

enum env_open_flag {
	ENV_READ = 1,
	ENV_WRITE = 2,
	ENV_CREATE = 4,    /* mode 0600 */
	ENV_EXCLUSIVE = 8, /* with CREATE: ERR_EXISTS when it is there */
	ENV_TRUNCATE = 16,
	ENV_APPEND = 32,
};

struct env_ops {
	/* CLOCK_REALTIME and CLOCK_BOOTTIME; microseconds. */
	int64_t (*wall_us)(struct env *env);
	int64_t (*boot_us)(struct env *env);
	/* Does the kernel say that CLOCK_REALTIME is synchronised? */
	bool (*synced)(struct env *env);
	void (*random)(struct env *env, void *bytes, size_t len);
	/* Sleep for real; only off the loop's thread or before it runs. */
	void (*pause)(struct env *env, int64_t us);

	void (*timer_start)(
	    struct env *env, struct env_timer *t, int64_t delay_us);
	void (*timer_stop)(struct env *env, struct env_timer *t);
	void (*post)(struct env *env, struct env_post *p);
	void (*work)(struct env *env, struct env_work *w);

	enum err_code (*open)(struct env *env, const char *path, unsigned flags,
	    struct env_file **out, struct err *err);
	void (*close)(struct env_file *f);
	enum err_code (*pread)(struct env_file *f, void *bytes, size_t len,
	    int64_t offset, size_t *got, struct err *err);
	enum err_code (*pwrite)(struct env_file *f, const void *bytes,
	    size_t len, int64_t offset, struct err *err);
	enum err_code (*append)(
	    struct env_file *f, const void *bytes, size_t len, struct err *err);
	enum err_code (*truncate)(
	    struct env_file *f, int64_t size, struct err *err);
	enum err_code (*allocate)(
	    struct env_file *f, int64_t size, struct err *err);
	enum err_code (*sync)(struct env_file *f, struct err *err);
	enum err_code (*fstat)(
	    struct env_file *f, struct env_stat *out, struct err *err);
	enum err_code (*lock)(
	    struct env_file *f, int64_t byte, bool exclusive, struct err *err);
	enum err_code (*unlock)(
	    struct env_file *f, int64_t byte, struct err *err);

	enum err_code (*stat)(struct env *env, const char *path,
	    struct env_stat *out, struct err *err);
	enum err_code (*rename)(
	    struct env *env, const char *from, const char *to, struct err *err);
	enum err_code (*remove)(
	    struct env *env, const char *path, struct err *err);
	enum err_code (*make_dir)(
	    struct env *env, const char *path, struct err *err);
	enum err_code (*sync_dir)(
	    struct env *env, const char *path, struct err *err);
	enum err_code (*list_dir)(struct env *env, const char *path,
	    void (*each)(void *arg, const char *name), void *arg,
	    struct err *err);
	enum err_code (*space)(struct env *env, const char *path,
	    struct env_space *out, struct err *err);
};

struct env {
	const struct env_ops *ops;
	uint8_t boot_id[ENV_ID_BYTES]; /* /proc/sys/kernel/random/boot_id */
	int64_t pid;
	uint32_t uid;
	const char *sqlite_vfs; /* NULL: SQLite's default */
	/*
	 * The network's clock (interfaces.md section 3): while speed > 0,
	 * env_now and env_boot run at that speed from origin on.
	 */
	int64_t origin_ms;
	int64_t origin_boot_us;
	int64_t speed;
	/*
	 * How wrong the wall clock is made, for tests of the clock rule: added
	 * to env_now in both cases, and env_synced is false.  Always compiled
	 * in and 0 unless DSRUN_CLOCK_OFFSET_MS says otherwise.
	 */
	int64_t wall_offset_ms;
};

/*
 * Clocks in milliseconds.  now: Unix time that rules, events and files speak;
 * boot: for distances; it runs on while the machine sleeps and starts anew
 * with each boot_id.  Both are the simulated network's while one is in use.
 * real_boot: the kernel's, for disks and locks.
 */
int64_t env_now_ms(struct env *env);
int64_t env_boot_ms(struct env *env);
int64_t env_real_boot_ms(struct env *env);

/* Seconds of env_now in a real one. */
static inline int64_t
env_speed(const struct env *env)
{
	return env->speed > 0 ? env->speed : 1;
}

/* Kernel-synchronised, or the simulated network's own. */
bool env_synced(struct env *env);

/* From now on time is the network's: at real BOOTTIME boot_us it was at_ms. */
void env_follow(struct env *env, int64_t at_ms, int64_t boot_us, int64_t speed);

void env_random(struct env *env, void *bytes, size_t len);
void env_pause(struct env *env, int64_t real_us);

/*
 * delay_ms on the clock of env_now, at least 0; starting a running timer
 * moves it.  The _real form is for disks and locks.  Stop is repeatable.
 */
void env_timer_start(struct env *env, struct env_timer *t, int64_t delay_ms);
void env_timer_start_real(
    struct env *env, struct env_timer *t, int64_t delay_ms);
void env_timer_stop(struct env *env, struct env_timer *t);
bool env_timer_running(const struct env_timer *t);

/* Posting what is posted already does nothing. */
void env_post(struct env *env, struct env_post *p);
void env_work(struct env *env, struct env_work *w);

/*
 * Files.  Every call may fail with ERR_SPACE, ERR_NOT_FOUND or ERR_IO (errno
 * in err->sys); the path stands in the text.  Writes are whole or an error.
 * close accepts NULL and sets the caller's pointer to NULL.
 */
enum err_code env_open(struct env *env, const char *path, unsigned flags,
    struct env_file **out, struct err *err);
void env_close(struct env *env, struct env_file **f);
/* Reads until len or the end of the file; *got says how much came. */
enum err_code env_pread(struct env *env, struct env_file *f, void *bytes,
    size_t len, int64_t offset, size_t *got, struct err *err);
enum err_code env_pwrite(struct env *env, struct env_file *f, const void *bytes,
    size_t len, int64_t offset, struct err *err);
/* One write(2) at the end; a short one is continued. */
enum err_code env_append(struct env *env, struct env_file *f, const void *bytes,
    size_t len, struct err *err);
enum err_code env_truncate(
    struct env *env, struct env_file *f, int64_t size, struct err *err);
enum err_code env_allocate(
    struct env *env, struct env_file *f, int64_t size, struct err *err);
enum err_code env_sync(struct env *env, struct env_file *f, struct err *err);
enum err_code env_fstat(
    struct env *env, struct env_file *f, struct env_stat *out, struct err *err);
enum err_code env_stat(
    struct env *env, const char *path, struct env_stat *out, struct err *err);
enum err_code env_rename(
    struct env *env, const char *from, const char *to, struct err *err);
enum err_code env_remove(struct env *env, const char *path, struct err *err);
/* ERR_NONE also when it is there already; mode 0700. */
enum err_code env_make_dir(struct env *env, const char *path, struct err *err);
/* All missing parents too. */
enum err_code env_make_dirs(struct env *env, const char *path, struct err *err);
enum err_code env_sync_dir(struct env *env, const char *path, struct err *err);
/* Names without "." and "..", in no order. */
enum err_code env_list_dir(struct env *env, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err);
enum err_code env_space(
    struct env *env, const char *path, struct env_space *out, struct err *err);

/*
 * Whole files.  read: ERR_MALFORMED above max bytes; *out is NUL-terminated
 * and released by mem_free.  write_whole: tmp, fsync, rename, directory fsync:
 * after a crash the old file or the new one, never a mixture.
 */
enum err_code env_read_whole(struct env *env, const char *path, size_t max,
    char **out, size_t *len, struct err *err);
enum err_code env_write_whole(struct env *env, const char *path,
    const void *bytes, size_t len, struct err *err);
/* The end of such a writing: tmp, which is synced, takes the place of path. */
enum err_code env_replace(
    struct env *env, const char *tmp, const char *path, struct err *err);

/*
 * Locks on one byte of an open file (OFD locks: they belong to this open, are
 * dropped by the kernel with it, and a second open of the same file in this
 * process competes).  Never waits: ERR_BUSY when another holds it.
 */
enum err_code env_lock(struct env *env, struct env_file *f, int64_t byte,
    bool exclusive, struct err *err);
enum err_code env_unlock(
    struct env *env, struct env_file *f, int64_t byte, struct err *err);

#endif
