#ifndef DSRUN_CARRIER_SIM_STORE_H
#define DSRUN_CARRIER_SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

#include "carrier/carrier_sim_line.h"

/*
 * The log as a file, and who may touch it.
 *
 * DIR/calls.jsonl is only appended to, one write(2) a line, never fsynced: it
 * stands for a network outside, which no crash of ours can make forget.
 * DIR/calls.lock holds no state that matters after the fact:
 *
 *   byte 0            locked for the length of one step of the network
 *   byte n, n >= 1    locked by a process as long as it lives: its line to
 *                     the network, named in its requests
 *   16 n to 16 n + 8  when that line last carried sound (network's time)
 *
 * All locks are OFD locks, so the kernel drops them with the process.
 */
struct carrier_sim_store {
	struct env *env; /* borrowed */
	char *log_path;
	char *lock_path;
	struct env_file *log;
	struct env_file *lock;
	bool locked;
	int64_t offset;   /* what was read and is known to be whole lines */
	int64_t size;     /* when the lock was taken */
	int64_t number;   /* of the last line read, from 1 */
	int64_t line;     /* our own; 0 = none yet */
	int64_t line_max; /* largest line seen in the log */
	char *chunk;      /* reading */
	struct buf out;   /* lines that are put and not written yet */
	int64_t put;      /* how many */
};

/* Opens both files, making them when create is set.  ERR_NOT_FOUND else. */
enum err_code carrier_sim_store_open(struct carrier_sim_store *s,
    struct env *env, const char *dir, bool create, struct err *err);
/* Accepts a zeroed and a half-open store; drops all its locks. */
void carrier_sim_store_close(struct carrier_sim_store *s);

/*
 * Begin and end a step.  The lock is held for some 10 microseconds a line, so
 * waiting is polling; after 10 s it is ERR_BUSY, which means that its
 * holder is stopped.  ERR_DAMAGED: a file was removed or replaced under us.
 */
enum err_code carrier_sim_store_lock(
    struct carrier_sim_store *s, struct err *err);
void carrier_sim_store_unlock(struct carrier_sim_store *s);

/*
 * Hand the lines that are new since the last call to each(), which may refuse
 * one.  Under the lock a last line without its newline is cut off: nothing of
 * it has left dsrun.  Without the lock it is left alone and not read.
 * ERR_DAMAGED names file and line of what cannot be read.
 */
typedef enum err_code (*carrier_sim_each_fn)(
    void *arg, const struct carrier_sim_line *line, struct err *err);
enum err_code carrier_sim_store_read(struct carrier_sim_store *s,
    carrier_sim_each_fn each, void *arg, struct err *err);

/*
 * Append one line; only under the lock and after reading to the end.  After an
 * error nothing of it stays (a part that could not be cut off now is cut by
 * the next reader, having no newline).
 */
enum err_code carrier_sim_store_append(struct carrier_sim_store *s,
    const struct carrier_sim_line *line, struct err *err);
/*
 * The same for several: put up to CARRIER_SIM_LINES_MAX, then write all in one
 * piece, or after an error none.  What an error or a kill leaves of them is
 * whole lines and a part of one: that part is cut, and lines that could not be
 * cut off are read by the next step like anybody's.
 */
#define CARRIER_SIM_LINES_MAX 64
void carrier_sim_store_put(
    struct carrier_sim_store *s, const struct carrier_sim_line *line);
enum err_code carrier_sim_store_write(
    struct carrier_sim_store *s, struct err *err);

/* Take a line to the network, once, under the lock. */
enum err_code carrier_sim_store_take_line(
    struct carrier_sim_store *s, struct err *err);
/* Does its process live?  Under the lock.  Our own line lives. */
bool carrier_sim_store_line_lives(struct carrier_sim_store *s, int64_t line);
/* Note, and ask, when a line last carried sound; 0 = never. */
void carrier_sim_store_note_sound(struct carrier_sim_store *s, int64_t at_ms);
int64_t carrier_sim_store_sound(struct carrier_sim_store *s, int64_t line);

#endif
