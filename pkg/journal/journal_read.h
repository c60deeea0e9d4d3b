#ifndef DSRUN_JOURNAL_READ_H
#define DSRUN_JOURNAL_READ_H

#include "journal/journal.h"

/*
 * What can be asked of a journal without changing it, on the loop's own
 * connection: readers never wait for the writer.  Each call is one short
 * read; a row may have changed by the time it is looked at, and the guards of
 * journal_step find that out.
 */

/*
 * Between the two all reads see the journal as it was at the first of them, and
 * each costs a third less, since the locks of the log are taken once.  Only for
 * a moment: while it lasts the log is not begun anew.  Both on the loop's
 * thread within one callback; end is called when begin succeeded.
 */
enum err_code journal_read_begin(struct journal *j, struct err *err);
void journal_read_end(struct journal *j);
/* Keep no pages in memory until the next read: another's commit makes them
 * worthless anyway. */
void journal_read_rest(struct journal *j);

/* Is an owner's row open that is not ours: one who lives, or who died? */
enum err_code journal_read_other_owners(
    struct journal *j, bool *any, struct err *err);
/* Is any job QUEUED or READY? */
enum err_code journal_read_waiting(
    struct journal *j, bool *any, struct err *err);

struct journal_counts {
	int64_t jobs[JOB_NONE]; /* by state */
	int64_t live;           /* attempts that hold a slot */
	int64_t outbox_pending, outbox_dead;
	int64_t oldest_queued_ms; /* age of the oldest READY or due job, 0 */
};
enum err_code journal_read_counts(
    struct journal *j, struct journal_counts *out, struct err *err);

enum err_code journal_read_job(
    struct journal *j, int64_t id, struct journal_job *out, struct err *err);
enum err_code journal_read_attempt(struct journal *j, int64_t id,
    struct journal_attempt *out, struct err *err);
enum err_code journal_read_person(struct journal *j, int64_t job,
    struct journal_person *out, struct err *err);
enum err_code journal_read_terms(struct journal *j, int64_t id,
    char out[JOURNAL_TERMS_MAX], struct err *err);

/*
 * JOB as people write it: "#17", "source:id", or "id", of a queue's job also
 * what stands before the @.  ERR_NOT_FOUND; ERR_USAGE when two sources know the
 * id, or a queue gave it twice (the text lists them).
 */
enum err_code journal_read_find(
    struct journal *j, const char *text, int64_t *id, struct err *err);

/* The INTENT event of an attempt, as the network's log names it. */
enum err_code journal_read_event_attempt(struct journal *j, int64_t seq,
    int64_t *attempt, uint8_t hash[SHA256_BYTES], struct err *err);
/* An attempt by its key, the slow way (every attempt); 0 = none. */
enum err_code journal_read_by_key(struct journal *j,
    const uint8_t key[SHA256_BYTES], int64_t *attempt, struct err *err);

/* --- listings: fn is called for each row -----------------------------------
 */

struct journal_filter {
	int state;            /* enum job_state, -1 = any */
	const char *campaign; /* NULL = any */
	int64_t after;        /* jobs behind this number only; 0 = all */
	int64_t limit;
	bool newest_first;
};
struct journal_listed {
	struct journal_job job;
	int64_t number; /* 0 = erased */
};
enum err_code journal_read_jobs(struct journal *j,
    const struct journal_filter *filter,
    void (*fn)(void *arg, const struct journal_listed *row), void *arg,
    struct err *err);

enum err_code journal_read_attempts(struct journal *j, int64_t job,
    void (*fn)(void *arg, const struct journal_attempt *a), void *arg,
    struct err *err);

struct journal_event {
	int64_t seq, job, n, prev, at_ms;
	int step;
	enum job_state job_state;
	int64_t attempt;
	int attempt_state;  /* -1 = none */
	const char *detail; /* or NULL; valid during the call */
	uint8_t hash[SHA256_BYTES];
	/* from the table step */
	const char *name; /* "ARM", "DUE" ... */
	const char *was;  /* the state before, of the machine named */
	bool of_attempt;
};
enum err_code journal_read_events(struct journal *j, int64_t job,
    void (*fn)(void *arg, const struct journal_event *e), void *arg,
    struct err *err);

struct journal_owner_row {
	int64_t id, pid, started_ms, closed_ms;
	char command[32], worker[64], state[64];
	bool alive; /* the kernel says so */
};
enum err_code journal_read_owners(struct journal *j, bool open_only,
    void (*fn)(void *arg, const struct journal_owner_row *o), void *arg,
    struct err *err);

struct journal_pause_row {
	const char *campaign; /* NULL = all */
	const char *by, *reason;
	int64_t at_ms;
};
enum err_code journal_read_pauses(struct journal *j,
    void (*fn)(void *arg, const struct journal_pause_row *p), void *arg,
    struct err *err);

struct journal_dnc_row {
	int64_t number;
	int kind; /* 1 do-not-call, 2 opted out in a call */
	int64_t at_ms;
};
enum err_code journal_read_dnc(struct journal *j, int64_t after, int64_t limit,
    void (*fn)(void *arg, const struct journal_dnc_row *d), void *arg,
    struct err *err);

struct journal_run_row {
	int64_t id;
	const char *command;
	int64_t started_ms, ended_ms;
	const char *summary; /* JSON or NULL */
};
enum err_code journal_read_last_run(struct journal *j, const char *command,
    void (*fn)(void *arg, const struct journal_run_row *r), void *arg,
    struct err *err);

struct journal_outbox_row {
	struct journal_outbox row;
	enum journal_outbox_state state;
	int64_t next_ms;
	const char *error;
	const char *job_ext;
};
enum err_code journal_read_outbox(struct journal *j, int state, int64_t after,
    int64_t limit, void (*fn)(void *arg, const struct journal_outbox_row *r),
    void *arg, struct err *err);
/* All of one job, oldest first. */
enum err_code journal_read_outbox_of(struct journal *j, int64_t job,
    void (*fn)(void *arg, const struct journal_outbox_row *r), void *arg,
    struct err *err);

/* Who did the deed of that number, and why; mem_free.  ERR_NOT_FOUND. */
enum err_code journal_read_deed(
    struct journal *j, int64_t id, char **by, char **reason, struct err *err);

/* Every service that was ever used, by name. */
enum err_code journal_read_services(struct journal *j,
    void (*fn)(void *arg, const struct journal_service *s), void *arg,
    struct err *err);

/*
 * What the result of an outbox row is made of, in one read.  The job stands as
 * it is now, whatever the row's revision; texts are valid during the call of
 * fn and never NULL ("" = none).
 */
struct journal_facts {
	const char *source, *ext, *kind, *campaign;
	int64_t step;
	bool final_step;
	enum job_state state;
	enum job_reason reason;
	enum job_outcome outcome;
	int64_t tries, revision;
	int64_t number;   /* 0 = erased */
	const char *kept; /* what journal_outbox_keep put */
	/* the row's attempt, when it names one */
	int64_t terms_id; /* 0 = none */
	const char *carrier_call;
	int64_t placed_ms, answered_ms, ended_ms; /* 0 = not */
	const char *answered_by, *decline, *meeting;
	struct journal_file {
		const char *path; /* within recordings/ */
		uint8_t sha256[SHA256_BYTES];
	} files[2]; /* of the kinds asked for */
};
/* ERR_NOT_FOUND: the row is gone. */
enum err_code journal_read_facts(struct journal *j,
    const struct journal_outbox *row, const int kinds[2],
    void (*fn)(void *arg, const struct journal_facts *f), void *arg,
    struct err *err);

/* Is a row of sink due now, or a batch for path under way? */
enum err_code journal_read_outbox_due(struct journal *j, const char *path,
    enum journal_sink sink, bool *due, struct err *err);

/* Attempts with open inbox messages that are owned by us; at most max. */
enum err_code journal_read_inbox(struct journal *j, int64_t *attempts,
    size_t max, size_t *count, struct err *err);

/* Artifacts of an attempt, by kind; path "" = none. */
enum err_code journal_read_artifact(struct journal *j, int64_t attempt,
    int kind, struct journal_artifact *out, struct err *err);
/* Of all attempts, in the order of attempt and kind: at most max of those
 * behind (attempt, kind). */
struct journal_artifact_row {
	int64_t attempt;
	struct journal_artifact artifact;
};
enum err_code journal_read_artifacts(struct journal *j, int64_t attempt,
    int kind, struct journal_artifact_row *rows, size_t max, size_t *count,
    struct err *err);
struct journal_finding {
	char answered_by[32];
	char decline[64];
	char *meeting; /* JSON or NULL; mem_free */
};
enum err_code journal_read_finding(struct journal *j, int64_t attempt,
    struct journal_finding *out, struct err *err);

/* The moment at which there may be something to claim; see journal_next_due. */
enum err_code journal_read_next_due(
    struct journal *j, int64_t *at_ms, struct err *err);
/* Is any job READY (whatever stands in its way)? */
enum err_code journal_read_any_ready(
    struct journal *j, bool *any, struct err *err);

/* --- people's SQL ----------------------------------------------------------
 */

struct journal_cell {
	enum journal_cell_type {
		JOURNAL_CELL_NULL,
		JOURNAL_CELL_INTEGER,
		JOURNAL_CELL_REAL,
		JOURNAL_CELL_TEXT,
		JOURNAL_CELL_BLOB
	} type;
	int64_t integer;
	double real;
	const char *bytes; /* of TEXT, ended by a NUL, and of BLOB */
	size_t len;
};

struct journal_sql {
	/*
	 * false: on the reader's connection, which cannot write.  true: all
	 * statements are one transaction, whole or not at all.
	 */
	bool write;
	/* Forget what came so far: it is run again.  Only with write. */
	void (*restart)(void *arg);
	/* Before the rows of a statement that has columns. */
	void (*begin)(void *arg, const char *const *names, int columns);
	void (*row)(void *arg, const struct journal_cell *cells, int columns);
	/* After a statement that has none. */
	void (*changed)(void *arg, int64_t rows);
	void *arg;
};

/*
 * Run the statements of sql, at most 1 MB, one after the other up to the first
 * that fails.  What the callbacks are given is valid during the call.
 * ERR_USAGE with SQLite's words when a statement is wrong or not allowed.
 */
#define JOURNAL_SQL_MAX ((size_t)1 << 20)
enum err_code journal_sql(struct journal *j, const char *sql,
    const struct journal_sql *options, struct err *err);
/* Does text end a statement?  For prompts. */
bool journal_sql_complete(const char *text);
const char *journal_sqlite_version(void);

#endif
