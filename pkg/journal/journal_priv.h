#ifndef DSRUN_JOURNAL_PRIV_H
#define DSRUN_JOURNAL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include <sqlite3.h>

#include "base/mem.h"

#include "job/job_clock.h"
#include "journal/journal.h"

/* --- journal_db.c: one connection and its prepared statements ------------- */

#define DB_STATEMENTS 256

struct journal_db {
	sqlite3 *h;
	struct {
		const char *sql;
		sqlite3_stmt *st;
	} cache[DB_STATEMENTS];
};

enum err_code journal_db_open(struct journal_db *db, struct env *env,
    const char *path, int flags, struct err *err);
/* ERR_BUSY while anybody else has it open; nobody can open it meanwhile. */
enum err_code journal_db_open_alone(
    struct journal_db *db, struct env *env, const char *path, struct err *err);
void journal_db_close(struct journal_db *db);
enum err_code journal_db_err(
    struct journal_db *db, struct err *err, const char *doing);
/* Did the disk fail, so that no page in memory may be believed? */
bool journal_db_disk_failed(enum err_code code, const struct err *err);
enum err_code journal_db_exec(
    struct journal_db *db, const char *sql, struct err *err);
/* Prepared once per sql pointer (a string literal); bindings cleared. */
sqlite3_stmt *journal_db_get(
    struct journal_db *db, const char *sql, struct err *err);
/* Step: a row is there or not; the statement is reset when there is none. */
enum err_code journal_db_row(
    struct journal_db *db, sqlite3_stmt *st, bool *row, struct err *err);
/* The first column of each row; ids has room for as many as its LIMIT. */
enum err_code journal_db_ids(struct journal_db *db, sqlite3_stmt *st,
    int64_t *ids, size_t *count, struct err *err);
/* Does it give a row?  Stepped once and reset. */
enum err_code journal_db_there(
    struct journal_db *db, sqlite3_stmt *st, bool *there, struct err *err);
/* Step a statement that gives no rows, then reset. */
enum err_code journal_db_done(
    struct journal_db *db, sqlite3_stmt *st, struct err *err);
void journal_db_text(sqlite3_stmt *st, int i, const char *text);
void journal_db_blob(sqlite3_stmt *st, int i, const void *b, size_t len);
void journal_db_i64(sqlite3_stmt *st, int i, int64_t v);
/* 0 becomes NULL. */
void journal_db_i64_or_null(sqlite3_stmt *st, int i, int64_t v);
void journal_db_copy_text(sqlite3_stmt *st, int i, char *out, size_t size);
/* Zeroes when the column is NULL or of another length. */
void journal_db_copy_blob(sqlite3_stmt *st, int i, void *out, size_t len);
char *journal_db_dup_text(sqlite3_stmt *st, int i);
/* One number from a query without parameters. */
enum err_code journal_db_number(
    struct journal_db *db, const char *sql, int64_t *out, struct err *err);
/* A row of integrity_check or quick_check without SQLite's heading. */
const char *journal_db_finding(const char *text);

/* --- journal_lock.c: journal.lock and the mark -----------------------------
 */

#define MARK_IO_ERROR 1U
#define MARK_SWAP 2U
#define MARK_PLACED                                              \
	4U /* a file was put in place: no -wal need be there yet \
	    */

struct journal_mark {
	uint64_t stamp; /* of the two slots the higher one counts */
	uint8_t journal[ENV_ID_BYTES];
	uint8_t incarnation[8];
	int64_t commits;
	int64_t seq;
	uint8_t hash[SHA256_BYTES];
	int64_t pid;
	uint8_t boot[ENV_ID_BYTES];
	uint32_t flags;
};

struct journal_lock {
	struct env *env;
	struct env_file *file;
	char *path;
	uint8_t id[ENV_ID_BYTES];
	uint64_t inode;
	bool held;
	bool anchored; /* as last read or written, as is the mark */
	struct journal_mark mark;
};

/* Missing is ERR_DAMAGED unless create; its id: journal_place_ids. */
enum err_code journal_lock_open(struct journal_lock *l, struct env *env,
    const char *dir, bool create, struct err *err);
void journal_lock_close(struct journal_lock *l);
/* Turnstile, then the lock; waits at most wait_ms real milliseconds. */
enum err_code journal_lock_take(
    struct journal_lock *l, int64_t wait_ms, struct err *err);
void journal_lock_give(struct journal_lock *l);
/* The newest valid one; zeroed when there is none. */
enum err_code journal_mark_read(struct journal_lock *l, struct err *err);
/* l->mark goes to the other slot, with the next stamp. */
enum err_code journal_mark_write(struct journal_lock *l, struct err *err);
enum err_code journal_mark_sync(struct journal_lock *l, struct err *err);
/* Sync the slots, then the same into the anchor, and sync that: whatever a
 * power cut takes later, this mark or a newer one is left. */
enum err_code journal_mark_anchor(struct journal_lock *l, struct err *err);
/* Flags that a power cut must not take back; the lock is held. */
enum err_code journal_mark_flags(
    struct journal_lock *l, uint32_t set, uint32_t clear, struct err *err);

/* --- the journal -----------------------------------------------------------
 */

struct journal_head {
	uint8_t journal[ENV_ID_BYTES];
	uint8_t incarnation[8];
	int64_t opened_ms;
	bool fresh;
	int64_t knew_ms;
	uint8_t lock_id[ENV_ID_BYTES], owners_id[ENV_ID_BYTES];
	uint64_t lock_inode, owners_inode;
	int64_t commits, seq;
	uint8_t hash[SHA256_BYTES];
	int64_t sealed;
	uint8_t sealed_hash[SHA256_BYTES];
	int64_t next_job, next_outbox;
	uint8_t boot[ENV_ID_BYTES];
	int64_t boot_ms, wall_ms;
};

enum journal_name {
	JOURNAL_NAME_SOURCE,
	JOURNAL_NAME_KIND,
	JOURNAL_NAME_CAMPAIGN,
	JOURNAL_NAME_TERMS,
	JOURNAL_NAMES
};

struct journal_interned {
	int64_t id; /* 0 = none */
	char text[JOURNAL_TERMS_MAX];
};

struct journal {
	struct env *env;
	char *dir;
	char *db_path;
	char *id_hex;
	uint64_t db_inode;
	int64_t build_ms;
	int64_t checkpoint_bytes;
	int64_t ballast_bytes;
	int64_t queue_max;

	struct journal_db w; /* the writer's */
	struct journal_db r; /* the loop's, read only */
	struct journal_lock lock;
	struct env_file *owners; /* byte 0 shared; our own byte */
	uint8_t owners_id[ENV_ID_BYTES];
	uint64_t owners_inode;
	int64_t owner; /* 0 = none */

	/* inside a group */
	struct journal_head head;
	int64_t tally[JOB_NONE];
	int64_t group_ms;
	int64_t group_boot_ms;
	bool must_commit; /* a member changed what SQLite does not count */
	bool no_pause;    /* known: the table pause is empty */
	unsigned sinks;   /* bits: what a finished job owes rows to */
	struct journal_interned interned[JOURNAL_NAMES];
	bool clock_ok;
	char clock_why[JOB_CLOCK_WHY_MAX];
	int wal_pages;
	bool broken; /* a fatal error: nothing more is written */

	/* the queue: pushed by the loop, taken whole by the writer */
	_Atomic(struct journal_tx *) queue;
	size_t pending;
	struct journal_batch {
		struct env_work work;
		struct journal *j;
		struct list finished;
		bool busy;
	} batch[2];
	struct env_post wake;
	struct list backlog; /* taken from the queue, not yet in a group */
	atomic_bool closing;
	atomic_bool starved; /* a live step waits for room on the disk */
};

/* journal_group.c */
/*
 * Under the write lock, outside of groups: when what ended so was the disk's
 * failure, says so in the mark for all who would write, and for the next
 * start, which rebuilds.
 */
void journal_disk_judge(
    struct journal *j, enum err_code code, const struct err *err);
enum err_code journal_group_run(struct journal *j, struct list *members,
    enum journal_class cls, struct err *err);
enum err_code journal_head_read(
    struct journal_db *db, struct journal_head *out, struct err *err);
void journal_clock_judge(struct journal *j);
enum err_code journal_checkpoint(
    struct journal *j, bool truncate, struct err *err);

/*
 * journal_step.c: the event after prev (0 = the job's first); before is hashed
 * into it, hash (which may be the same) gets the result, f its seq and time.
 */
enum err_code journal_event_add(struct journal *j, struct job_event_fields *f,
    int64_t prev, const uint8_t before[SHA256_BYTES],
    uint8_t hash[SHA256_BYTES], struct err *err);

/* journal_wal.c: after a commit, under the lock */
void journal_wal_grow(struct journal *j);
/* The first connection, in WAL mode; takes the lock when that is not so yet. */
enum err_code journal_wal_open(struct journal *j, struct err *err);

/* journal_schema.c */
#define JOURNAL_APPLICATION_ID 0x44535231 /* "DSR1" */
int journal_schema_newest(void);
/* Inside a transaction: from version to the newest. */
enum err_code journal_schema_migrate(
    struct journal_db *db, int from, struct err *err);
enum err_code journal_schema_steps(struct journal_db *db, struct err *err);

/* Of a row of outbox: given up, and no person has said so. */
#define JOURNAL_IS_DEAD \
	"state=2 AND (error IS NULL OR error NOT GLOB '" JOURNAL_DROPPED "*')"

/* journal_stops.c: what a restore must not forget */
struct journal_stop {
	int64_t number, kind, at_ms;
};
struct journal_stops {
	struct journal_stop *rows;
	size_t numbers;
	char **pauses; /* campaigns; NULL: all */
	size_t pause_count;
	bool whole; /* all of it was read */
};
struct journal_restored;
/* Never NULL; journal_stops_free. */
struct journal_stops *journal_stops_read(struct journal_db *from);
void journal_stops_free(struct journal_stops **stops);
/* In a transaction of its own, under the newest deed. */
enum err_code journal_stops_write(struct journal_db *to,
    const struct journal_stops *stops, struct journal_restored *out,
    struct err *err);

/* journal_place.c */
enum err_code journal_refuse_place(
    struct env *env, const char *dir, struct err *err);
/* Both lock files; a missing one is ERR_DAMAGED unless create. */
enum err_code journal_place_open(
    struct journal *j, bool create, struct err *err);
/* Their ids.  make, with the users' lock held exclusively: missing ones are
 * written; else ERR_DAMAGED. */
enum err_code journal_place_ids(struct journal *j, bool make, struct err *err);
/* Never waits; ERR_BUSY names the pids.  Given back by env_unlock or close. */
enum err_code journal_users_lock(
    struct journal *j, bool exclusive, struct err *err);
/* Who holds a byte of owners.lock, as text "pid 12, 34" ("" = unknown). */
void journal_users_pids(struct journal *j, char *out, size_t size);
#define OWNERS_USERS 0 /* the users' lock's byte in owners.lock */
/* ERR_BUSY when a process uses the journal that `what` is a copy of; was is
 * the copy's head as it was made.  Another machine's cannot be seen. */
enum err_code journal_refuse_twin(struct journal *j,
    const struct journal_head *was, const char *what, struct err *err);

/* journal_verify.c: each ERR_DAMAGED when it does not hold */
enum err_code journal_verify_locks(struct journal *j, struct err *err);
enum err_code journal_verify_mark(
    struct journal *j, const struct journal_mark *m, struct err *err);
/* The last events; after an unclean end in another boot quick_check too. */
enum err_code journal_verify_tail(struct journal *j, struct err *err);
/* Numbers that an event may have: job_hash_event takes no others. */
bool journal_event_is_sane(const struct job_event_fields *f);

/* journal_row.c: one row, on the writer's or the loop's connection */
enum err_code journal_row_get_attempt(struct journal_db *db, int64_t id,
    struct journal_attempt *out, struct err *err);
enum err_code journal_row_get_person(struct journal_db *db, int64_t job,
    struct journal_person *out, struct err *err);
/* The five columns number, org, org_name, contact and data from at on. */
void journal_row_person(sqlite3_stmt *st, int at, struct journal_person *out);
/* journal_person.c: the sum of a row of person, since schema 5; judge looks at
 * its five columns and the sum behind them, which st has from at on:
 * ERR_DAMAGED when they are not what was written. */
#define JOURNAL_PERSON_SUM_SCHEMA 5
int64_t journal_person_sum(int64_t job, int64_t number, int64_t org,
    const char *org_name, const char *contact, const char *data);
enum err_code journal_person_judge(struct journal_db *db, sqlite3_stmt *st,
    int at, int64_t job, struct err *err);
enum err_code journal_row_get_terms(struct journal_db *db, int64_t id,
    char out[JOURNAL_TERMS_MAX], struct err *err);

/* journal_row.c: what journal_row_job and journal_row_attempt read; "j", "s",
 * "k", "c", "e" and "a" are job, source, kind, campaign, last event, attempt.
 */
#define JOURNAL_JOB_COLUMNS                                               \
	"j.id,s.name,j.ext,j.content,k.name,c.name,j.campaign,j.kind,"    \
	"j.step,j.final,j.state,j.priority,j.not_before_ms,j.expires_ms," \
	"j.reason,j.outcome,j.attempts,j.tries,j.crashes,j.crash_boot,"   \
	"j.revision,j.opened_ms,j.last,e.n,e.hash"
#define JOURNAL_JOB_JOINS                                                 \
	" CROSS JOIN source s ON s.id=j.source CROSS JOIN kind k ON "     \
	"k.id=j.kind CROSS JOIN campaign c ON c.id=j.campaign LEFT JOIN " \
	"event e ON e.seq=j.last "

#define JOURNAL_ATTEMPT_COLUMNS                                            \
	"a.id,a.state,a.owner,a.campaign,a.kind,a.number,a.org,a.key,"     \
	"a.request,a.terms,a.carrier_call,a.dial_until_ms,a.settle_boot,"  \
	"a.settle_boot_ms,a.looked_boot_ms,a.lookups,a.resends,"           \
	"a.armed_ms,a.placed_ms,a.answered_ms,a.ended_ms,a.slot_until_ms," \
	"a.outcome,a.detail,a.last"
enum err_code journal_row_job(struct journal_db *db, sqlite3_stmt *st,
    struct journal_job *out, struct err *err);
void journal_row_attempt(sqlite3_stmt *st, struct journal_attempt *out);
/* What a compares with its stored, or is about to be stored. */
void journal_attempt_rest(
    const struct journal_attempt *a, struct journal_attempt_rest *out);

/* journal_box.c: the newest row of job for sink is to be pushed (again); made
 * when there is none. */
enum err_code journal_outbox_again(struct journal *j, struct journal_job *job,
    enum journal_sink sink, struct err *err);

/* journal_row.c: names of sources, kinds, campaigns as numbers; what a rolled
 * back transaction added must be forgotten. */
enum err_code journal_name_put(struct journal *j, enum journal_name table,
    const char *name, int64_t *id, struct err *err);
void journal_names_forget(struct journal *j);

/* journal_copy.c: journal_check of a file that nobody has open, all of it;
 * ERR_DAMAGED says what of `what` does not hold. */
enum err_code journal_copy_verify(
    struct env *env, const char *path, const char *what, struct err *err);

/* journal_swap.c: rebuild, restore and adopt share it */
enum err_code journal_swap_finish(struct journal *j, struct err *err);
enum err_code journal_rebuild(struct journal *j, struct err *err);
/*
 * With the users' lock held exclusively.  commit: journal.swap lies ready, put
 * it in place; keep: where what is there goes, NULL = nowhere.  The mark is
 * written as j->lock.mark stands, with the flag.  resume: goes on after a
 * crash, when the mark says so.
 */
enum err_code journal_swap_commit(
    struct journal *j, const char *keep, struct err *err);
enum err_code journal_swap_resume(struct journal *j, struct err *err);
/* archive/replaced-20260105T090000Z.db, with a number if need be; mem_free. */
char *journal_swap_aside(struct journal *j);
/* An empty file of mode 0600, which SQLite would make readable by all. */
enum err_code journal_swap_touch(
    struct env *env, const char *path, struct err *err);
enum err_code journal_swap_sync(
    struct env *env, const char *path, const char *dir, struct err *err);
enum err_code journal_swap_check(
    struct journal_db *db, const char *name, struct err *err);

#endif
