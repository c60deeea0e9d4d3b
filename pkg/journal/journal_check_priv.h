#ifndef DSRUN_JOURNAL_CHECK_PRIV_H
#define DSRUN_JOURNAL_CHECK_PRIV_H

#include "journal/journal_check.h"

#include "journal/journal_priv.h"

/* journal_check.c: one violation; the item is false from now on. */
void journal_check_bad(struct journal_check *c, enum journal_check_name name,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* --- journal_fold.c: what the events say ---------------------------------- */

/* A job as its events leave it. */
struct journal_fold_job {
	int64_t last;
	uint32_t n;        /* 0 = no event seen */
	uint32_t hash;     /* its last hash's place; 0 = final: not kept */
	uint32_t attempt;  /* its newest; 0 = none */
	uint32_t revision; /* finishes */
	uint32_t results;  /* outbox rows */
	int32_t tries_least, tries_most;
	uint8_t state;   /* enum job_state */
	uint8_t outcome; /* as sealed last */
	uint8_t live;    /* attempts */
};

struct journal_fold_attempt {
	int64_t last;
	int64_t intent; /* newest ARM event; 0 = none */
	uint32_t older; /* of the same job; 0 = none */
	uint8_t number;
	uint8_t state;  /* enum attempt_state */
	uint8_t event;  /* enum attempt_event, the newest */
	bool looked;    /* a lookup said absent since settle began */
	bool seen;      /* has a row */
	bool by_person; /* resolved by a named person, some time */
};

struct journal_fold_step {
	bool known;
	bool of_attempt;
	int was, event, next;
	unsigned job_events; /* of an attempt's row */
};

#define JOURNAL_FOLD_STEPS 4096

/* --- journal_fold_mem.c: where they are kept -------------------------------
 */

struct journal_fold_mem {
	/* chunks of jobs by id / JOURNAL_FOLD_CHUNK, open addressing */
	struct journal_fold_chunk **chunks;
	size_t slots, used;
	struct journal_fold_chunk *near; /* the one found last */
	struct journal_fold_attempt *attempts;
	uint32_t attempt_count, attempt_cap;
	uint8_t (*hashes)[SHA256_BYTES];
	uint32_t *hash_free; /* stack of given back places */
	uint32_t hash_count, hash_cap, hash_free_count;
};

#define JOURNAL_FOLD_CHUNK 512

struct journal_fold_chunk {
	int64_t number;
	struct journal_fold_job job[JOURNAL_FOLD_CHUNK];
};

void journal_fold_mem_free(struct journal_fold_mem *m);
struct journal_fold_job *journal_fold_mem_job(
    struct journal_fold_mem *m, int64_t id, bool make);
/* Index of a new attempt, never 0. */
uint32_t journal_fold_mem_attempt(struct journal_fold_mem *m);
/* Room for one hash, never 0, and back. */
uint32_t journal_fold_mem_hash(struct journal_fold_mem *m);
void journal_fold_mem_unhash(struct journal_fold_mem *m, uint32_t at);

/* Who holds a number or organisation now: kind and key to an attempt. */
enum journal_held_kind {
	JOURNAL_HELD_NUMBER,
	JOURNAL_HELD_ORG
};
struct journal_held {
	struct journal_held_entry {
		int64_t key, attempt;
		uint32_t next;
		uint8_t kind;
	} * entry;
	uint32_t count, cap, free;
	uint32_t bucket[1024];
};
void journal_held_free(struct journal_held *h);
/* 0, and attempt holds it now; else the attempt that has it. */
int64_t journal_held_take(struct journal_held *h, enum journal_held_kind kind,
    int64_t key, int64_t attempt);
/* Only if attempt has it. */
void journal_held_give(struct journal_held *h, enum journal_held_kind kind,
    int64_t key, int64_t attempt);

/* --- the fold --------------------------------------------------------------
 */

struct journal_fold_event {
	struct job_event_fields f;
	int64_t prev;
	size_t detail_len;
	uint8_t hash[SHA256_BYTES];
	bool sane;
};

struct journal_fold_seal {
	bool there;
	int64_t n, job, revision;
	int state, outcome;
	uint8_t last[SHA256_BYTES];
};

struct journal_fold {
	struct journal_db *db;
	struct journal_check *out;
	struct journal_fold_mem mem;
	struct journal_held held;
	struct journal_fold_step step[JOURNAL_FOLD_STEPS];
	int64_t live;
	int64_t archived; /* jobs that were pruned */
	sqlite3_stmt *jobs;
	int64_t job_at; /* where that cursor stands; INT64_MAX = at its end */
	sqlite3_stmt *seals;
	struct journal_fold_seal seal;
	uint8_t seal_hash[SHA256_BYTES]; /* of the seal read last */
	bool seals_lost;                 /* they and the finishes went apart */
};

/* Release with journal_fold_free. */
struct journal_fold *journal_fold_new(
    struct journal_db *db, struct journal_check *out);
void journal_fold_free(struct journal_fold **f);
/* Steps of the table, then every event in order of seq, beside jobs and
 * seals. */
enum err_code journal_fold_run(struct journal_fold *f, struct err *err);
/* NULL: no event names it. */
struct journal_fold_job *journal_fold_find(struct journal_fold *f, int64_t job);
struct journal_fold_attempt *journal_fold_attempt(
    struct journal_fold *f, const struct journal_fold_job *job, int number);

/* journal_fold.c: the first hash of a job's chain; *there false: no such job.
 */
enum err_code journal_fold_identity(struct journal_fold *f, int64_t id,
    uint8_t out[SHA256_BYTES], bool *there, struct err *err);
enum err_code journal_fold_archived(
    struct journal_fold *f, int64_t job, bool *out, struct err *err);

/* journal_fold_seal.c: the next seal into f->seal. */
enum err_code journal_fold_seal_next(struct journal_fold *f, struct err *err);
/* A job became final by e: the next seal that was not pruned must say so. */
enum err_code journal_fold_seal_match(struct journal_fold *f,
    const struct journal_fold_event *e, struct journal_fold_job *job,
    struct err *err);
enum err_code journal_fold_seal_rest(struct journal_fold *f, struct err *err);

/* journal_fold_state.c: what e does to its job and attempt. */
enum err_code journal_fold_state(struct journal_fold *f,
    const struct journal_fold_event *e, struct journal_fold_job *job,
    struct err *err);

/* --- journal_check_rows.c: what the rows say, against it -------------------
 */
/* journal_person.c */
enum err_code journal_check_persons(
    struct journal_db *db, struct journal_check *out, struct err *err);
enum err_code journal_check_outbox(struct journal_db *db,
    struct journal_fold *f, struct journal_check *out, struct err *err);
enum err_code journal_check_jobs(struct journal_db *db, struct journal_fold *f,
    const struct journal_check_options *o, struct journal_check *out,
    struct err *err);
enum err_code journal_check_attempts(struct journal_db *db,
    struct journal_fold *f, const struct journal_check_options *o,
    struct journal_check *out, struct err *err);

/* --- journal_check_schema.c ------------------------------------------------
 */
enum err_code journal_check_database(struct journal_db *db, bool deep,
    struct journal_check *out, struct err *err);
enum err_code journal_check_schema(struct journal_db *db, struct env *env,
    struct journal_schema **known, struct journal_check *out, struct err *err);
enum err_code journal_check_head(
    struct journal_db *db, struct journal_check *out, struct err *err);

#endif
