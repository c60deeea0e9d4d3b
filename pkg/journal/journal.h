#ifndef DSRUN_JOURNAL_H
#define DSRUN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/list.h"
#include "base/sha256.h"

#include "job/job_key.h"
#include "job/job_reason.h"
#include "job/job_state.h"

/*
 * The local journal: every job, every attempt, every transition.
 *
 * One SQLite file and two lock files in one directory, owned by one user,
 * shared by any number of dsrun processes.  A change is on disk
 * (synchronous=FULL) when its transaction's done() is called, and not before;
 * callers start no outside effect until then.  Every change of a job or an
 * attempt is a guarded UPDATE plus one chained event (journal_step).
 *
 * Threads: journal_submit, journal_close and the read calls (journal_read.h)
 * belong to the loop's thread; what takes a struct journal_tx runs inside a
 * transaction, on the writer's.  Errors: ERR_BUSY another holds what is
 * needed; ERR_SPACE the disk is full; ERR_STATE a guard missed, nothing was
 * changed; ERR_DAMAGED the journal is broken or went back in time (exit 12);
 * ERR_STORE any other failure of SQLite: fatal.
 */

struct journal;

enum journal_mode {
	JOURNAL_MUST_EXIST, /* else ERR_CONFIG naming the absolute path */
	JOURNAL_CREATE
};

struct journal_options {
	struct env *env;
	const char *dir; /* absolute */
	enum journal_mode mode;
	int64_t build_ms;         /* when this program was built */
	int64_t checkpoint_bytes; /* of -wal: above it RESTART; 0 = 16 MB */
	int64_t ballast_bytes;    /* 0 = none */
	int64_t queue_max;        /* transactions; 0 = 4096 */
	bool skip_verify;         /* the last 1,000 events (adopt, restore) */
};

/*
 * Opens, and when needed migrates, rebuilds or creates.  ERR_CONFIG: nothing
 * there, not ours, a network file system, or a newer schema.
 */
enum err_code journal_open(const struct journal_options *options,
    struct journal **out, struct err *err);

/*
 * Waits for nothing: what was submitted must be done.  Checkpoints when it
 * can at once.  NULL-safe.
 */
void journal_close(struct journal **j);

const char *journal_dir(const struct journal *j);
const char *journal_id_hex(const struct journal *j); /* 32 digits */
const uint8_t *journal_id(const struct journal *j);  /* 16 bytes */
/* Restored or adopted, and not yet accepted by a person. */
bool journal_is_fresh(const struct journal *j);
/* The last moment a restored journal knew of: calls of its other life came
 * after it.  0 = it was never restored. */
int64_t journal_knew_ms(const struct journal *j);
/* When this incarnation began (env_now of then). */
int64_t journal_opened_ms(const struct journal *j);

/* --- transactions ------------------------------------------------------- */

enum journal_class {
	JOURNAL_CLAIM, /* may be refused, gives up on the lock after 10 s */
	JOURNAL_LIVE   /* a step of a live attempt: waits on, never refused */
};

/*
 * One transaction, embedded in its owner until done().  run() is called inside
 * an open SQLite transaction together with others (group commit); it may run
 * more than once, so it must set all it writes to memory anew each time.  When
 * it fails, nothing of it stays and the others go on.
 */
struct journal_tx {
	enum err_code (*run)(
	    struct journal *j, struct journal_tx *tx, struct err *err);
	void (*done)(struct journal_tx *tx);
	enum journal_class cls;
	/* out, valid in done() */
	enum err_code code;
	struct err err;
	/* the journal's own */
	struct journal_tx *next;
	struct list node;
};

/* ERR_BUSY when the queue is full (JOURNAL_CLAIM only); else done() follows. */
enum err_code journal_submit(
    struct journal *j, struct journal_tx *tx, struct err *err);

/*
 * The same at once, on this thread, without a loop: for commands and at
 * start.  Nothing may be submitted at that time.  done is not called.
 */
enum err_code journal_now(
    struct journal *j, struct journal_tx *tx, struct err *err);

/* Transactions submitted and not done. */
size_t journal_pending(const struct journal *j);

/* Does a step of a live attempt wait for room on the disk?  Any thread. */
bool journal_is_starved(const struct journal *j);

/* env_now and env_boot as they were when this group began; only inside a
 * transaction. */
int64_t journal_group_boot_ms(const struct journal *j);
int64_t journal_group_ms(const struct journal *j);

/* Is the wall clock trusted (DESIGN section 4)?  As of the last group or open;
 * why gets a text that says why not. */
bool journal_clock_trusted(struct journal *j, const char **why);
/* Inside a transaction: a person says that the clock is right. */
enum err_code journal_clock_accept(
    struct journal *j, const char *by, const char *reason, struct err *err);
enum err_code journal_incarnation_accept(
    struct journal *j, const char *by, const char *reason, struct err *err);

/* Grows whenever any process commits (PRAGMA data_version). */
enum err_code journal_version(struct journal *j, int64_t *out, struct err *err);

/* --- rows --------------------------------------------------------------- */

#define JOURNAL_EXT_MAX 129
#define JOURNAL_NAME_MAX 129

struct journal_job {
	int64_t id;
	char source[64];
	char ext[JOURNAL_EXT_MAX];
	uint8_t content[JOB_CONTENT_BYTES];
	char kind[64];
	char campaign[JOURNAL_NAME_MAX]; /* "" = none */
	int64_t campaign_id, kind_id;
	int64_t step;
	bool final_step;
	enum job_state state;
	int64_t priority;
	int64_t not_before_ms; /* 0 = none */
	int64_t expires_ms;    /* 0 = never */
	enum job_reason reason;
	enum job_outcome outcome;
	int64_t attempts, tries, crashes;
	uint8_t crash_boot[ENV_ID_BYTES];
	int64_t revision;
	int64_t opened_ms;
	int64_t outbox; /* the newest row journal_outbox_add made; 0 = none */
	/* the chain's end */
	int64_t last;
	int64_t n;
	uint8_t last_hash[SHA256_BYTES];
	/* What its row has as last, while it is behind (journal_change.more);
	 * 0 = it is not. */
	int64_t row_last;
};

#define JOURNAL_KEY_HEX (2 * SHA256_BYTES + 1)
#define JOURNAL_CALL_MAX 128
#define JOURNAL_DETAIL_MAX 160
#define JOURNAL_TERMS_MAX 768

/* Columns of an attempt that most steps leave as they are. */
struct journal_attempt_rest {
	int64_t dial_until_ms, armed_ms, slot_until_ms;
	int64_t settle_boot_ms, looked_boot_ms, lookups, resends;
	uint8_t settle_boot[ENV_ID_BYTES];
	int64_t plain; /* 1: known, and detail is empty */
};

struct journal_attempt {
	int64_t id;  /* job * 256 + number */
	bool is_new; /* not in the table yet */
	enum attempt_state state;
	int64_t owner; /* 0 = none */
	int64_t campaign_id, kind_id;
	int64_t number, org; /* 0 = not held */
	uint8_t key[SHA256_BYTES];
	bool has_key;
	uint8_t request[SHA256_BYTES];
	int64_t terms_id;
	char carrier_call[JOURNAL_CALL_MAX];
	int64_t dial_until_ms; /* 0: another life's request */
	uint8_t settle_boot[ENV_ID_BYTES];
	int64_t settle_boot_ms; /* 0 = has not begun */
	int64_t looked_boot_ms; /* when the last lookup said absent */
	int64_t lookups, resends;
	int64_t armed_ms, placed_ms, answered_ms, ended_ms; /* 0 = not */
	int64_t slot_until_ms;
	enum job_outcome outcome;
	char detail[JOURNAL_DETAIL_MAX];
	int64_t last;
	/* the journal's own: as they stand in the table */
	struct journal_attempt_rest stored;
	int64_t row_last; /* as a job's */
	enum attempt_state row_state;
};

#define JOURNAL_ATTEMPTS_MAX 255
int64_t journal_attempt_number(int64_t attempt_id);
int64_t journal_attempt_job(int64_t attempt_id);

/* Personal data: erased by deleting the row.  Freed by journal_person_free. */
struct journal_person {
	int64_t number; /* digits of the E.164 number */
	int64_t org;    /* 0 = none */
	char *org_name; /* or NULL */
	char *contact;  /* JSON object */
	char *data;     /* JSON object */
};
void journal_person_free(struct journal_person *p);

/* --- inside a transaction ----------------------------------------------- */

/* ERR_NOT_FOUND: none, or pruned; person: ERR_DAMAGED: not as was written. */
enum err_code journal_job_get(
    struct journal *j, int64_t id, struct journal_job *out, struct err *err);
enum err_code journal_attempt_get(struct journal *j, int64_t id,
    struct journal_attempt *out, struct err *err);
enum err_code journal_person_get(struct journal *j, int64_t job,
    struct journal_person *out, struct err *err);
/*
 * The attempt with this key; event_seq, when the carrier echoed it, finds it
 * at once, else every attempt is looked at.  0 = none.
 */
enum err_code journal_attempt_by_key(struct journal *j, int64_t event_seq,
    const uint8_t key[SHA256_BYTES], int64_t *attempt, struct err *err);

enum journal_added {
	JOURNAL_ADDED,
	JOURNAL_KNOWN,
	JOURNAL_DIFFERS
};

struct journal_new_job {
	const char *source, *ext, *kind, *campaign;
	const uint8_t *content;
	const char *phone;
	const char *org; /* or NULL */
	const char *contact, *data;
	int64_t step;
	bool final_step;
	int64_t priority, not_before_ms, expires_ms, opened_ms;
};

/*
 * Take a job in, QUEUED or READY, whichever holds.  A known identity changes
 * nothing: KNOWN, or DIFFERS when its content is another one.
 */
enum err_code journal_job_add(struct journal *j,
    const struct journal_new_job *new_job, enum journal_added *result,
    int64_t *id, struct err *err);

/*
 * One transition.  Both structs must be as read or as the last step left
 * them; the caller has set what changes besides the states.  The tables of
 * job_state.h decide what is possible (CHECK: asking for what they lack is a
 * bug of the caller); the guard decides whether it still holds: ERR_STATE and
 * nothing written when somebody else was first.  On success both structs are
 * as in the database, and a job that became final has its seal.
 */
struct journal_change {
	struct journal_job *job;
	struct journal_attempt *attempt; /* NULL: the job alone */
	enum attempt_event attempt_event;
	enum job_event job_event; /* JOB_EV_NOTE: the job stays */
	bool job_changed;         /* with NOTE: write its other columns too */
	/*
	 * Another step of these two follows in this transaction, whatever
	 * happens but an error: now there is only the event, and that step
	 * writes their rows and asks the guard, for all of them.  Only with
	 * NOTE, from one live state to another.
	 */
	bool more;
	const char *detail; /* ids, codes, times: nothing personal */
};
enum err_code journal_step(
    struct journal *j, const struct journal_change *change, struct err *err);

/* Text that many attempts share (carrier terms): its number. */
enum err_code journal_terms_put(
    struct journal *j, const char *text, int64_t *id, struct err *err);
enum err_code journal_terms_get(struct journal *j, int64_t id,
    char out[JOURNAL_TERMS_MAX], struct err *err);

/* --- claims ------------------------------------------------------------- */

struct journal_candidate {
	struct journal_job job;
	struct journal_person person;
	int64_t next_attempt; /* its id */
	bool taken_back;      /* an attempt in NEW is there already */
};

struct journal_live {
	int64_t all, campaign, kind; /* slots in use */
};

enum journal_verdict {
	JOURNAL_TAKE,  /* the visitor stepped it to CLAIMED or INTENT */
	JOURNAL_MOVED, /* the visitor stepped it elsewhere */
	JOURNAL_SKIP,  /* leave it as it is */
	JOURNAL_STOP   /* no more of this campaign now */
};

struct journal_claim {
	int64_t want;           /* at most so many JOURNAL_TAKE */
	int64_t limit_all;      /* 0 = none */
	int64_t limit_campaign; /* 0 = none */
	/* Decides on one candidate; owns nothing of it after return. */
	enum journal_verdict (*visit)(struct journal *j, void *arg,
	    struct journal_candidate *c, const struct journal_live *live,
	    struct err *err);
	void *arg;
	/* out */
	int64_t taken;
	int64_t moved;
	bool held_up; /* READY jobs were left for a limit, number or org */
};

/*
 * Offer READY jobs, campaign by campaign in turn, best priority first, those
 * whose number and organisation are free, none of a paused campaign.  A visit
 * that sets err->code fails the transaction.
 */
enum err_code journal_claim(
    struct journal *j, struct journal_claim *claim, struct err *err);

/* QUEUED jobs whose time has come become READY; at most max. */
enum err_code journal_wake(
    struct journal *j, int64_t max, int64_t *woken, struct err *err);
/* Jobs past expires_ms become EXPIRED; sinks as in journal_finish_rows. */
enum err_code journal_expire(
    struct journal *j, int64_t max, int64_t *expired, struct err *err);
/* The earliest moment at which wake or expire has something to do; 0 none. */
enum err_code journal_next_due(
    struct journal *j, int64_t *at_ms, struct err *err);

/* Attempts of job before `attempt` that ended with outcome. */
enum err_code journal_outcomes(struct journal *j, int64_t job, int64_t attempt,
    enum job_outcome outcome, int64_t *count, struct err *err);

/* Dials of number after since_ms, and the newest of them (0 = none). */
enum err_code journal_dials(struct journal *j, int64_t number, int64_t since_ms,
    int64_t *count, int64_t *newest_ms, struct err *err);
/* The nth (from 0) of those dials, oldest first. */
enum err_code journal_dial_nth(struct journal *j, int64_t number,
    int64_t since_ms, int64_t n, int64_t *at_ms, struct err *err);
enum err_code journal_dial_put(struct journal *j, int64_t number, int64_t at_ms,
    int64_t attempt, struct err *err);

/* 0 not listed, 1 do-not-call, 2 opted out in a call. */
enum err_code journal_dnc_get(
    struct journal *j, int64_t number, int *kind, struct err *err);
enum err_code journal_dnc_put(struct journal *j, int64_t number, int kind,
    const char *by, const char *reason, bool *added, struct err *err);
/* The same for many under one deed (journal_deed). */
enum err_code journal_dnc_put_under(struct journal *j, int64_t number, int kind,
    int64_t deed, bool *added, struct err *err);
enum err_code journal_dnc_remove(struct journal *j, int64_t number,
    const char *by, const char *reason, bool *removed, struct err *err);

/* campaign NULL: all.  Repeating changes nothing (*changed false). */
enum err_code journal_pause(struct journal *j, const char *campaign,
    const char *by, const char *reason, bool *changed, struct err *err);
enum err_code journal_resume(struct journal *j, const char *campaign,
    const char *by, const char *reason, bool *changed, struct err *err);
enum err_code journal_is_paused(
    struct journal *j, int64_t campaign_id, bool *out, struct err *err);
enum err_code journal_deed(struct journal *j, const char *what, const char *by,
    const char *reason, int64_t *id, struct err *err);

/* --- owners ------------------------------------------------------------- */

/*
 * Become an owner: a byte in owners.lock, held until journal_owner_close or
 * death, and a row.  Needed before anything is claimed.  with: a transaction
 * that is to be in the same commit, as by journal_now, or NULL; its failure is
 * told like ours.
 */
enum err_code journal_owner_open(struct journal *j, const char *command,
    const char *worker, struct err *err);
enum err_code journal_owner_open_with(struct journal *j, const char *command,
    const char *worker, struct journal_tx *with, struct err *err);
int64_t journal_owner(const struct journal *j); /* 0 = none */
/* A line for `status`. */
enum err_code journal_owner_say(
    struct journal *j, const char *state, struct err *err);
/* All its attempts must be gone.  Repeatable. */
enum err_code journal_owner_close(struct journal *j, struct err *err);
enum err_code journal_owner_close_with(
    struct journal *j, struct journal_tx *with, struct err *err);

/*
 * Take over every owner the kernel says is dead, in one transaction: submit
 * t.tx (or journal_now), then read the result, then fini, which gives the
 * dead owners' bytes back.  attempts: those that are ours and live now, with
 * settle not begun; CLAIMED ones went back or were PARKED.
 */
struct journal_takeover {
	struct journal_tx tx; /* done is the caller's to set */
	int64_t owners;
	int64_t *attempts;
	size_t count;
	int64_t *parked; /* attempts that died too often with their owners */
	size_t parked_count;
	struct env_file *probe;
};
void journal_takeover_init(struct journal_takeover *t);
void journal_takeover_fini(struct journal *j, struct journal_takeover *t);

/* Does the kernel say that owner is alive?  Any thread. */
enum err_code journal_owner_live(
    struct journal *j, int64_t owner, bool *alive, struct err *err);

/*
 * Is pid the process that holds owner's byte of owners.lock?  As /proc says;
 * false too when /proc does not show that process (another container).
 */
bool journal_owner_is_pid(struct journal *j, int64_t owner, int64_t pid);

/* --- inbox -------------------------------------------------------------- */

enum journal_message_code {
	JOURNAL_MSG_CANCEL = 1, /* a person or the source */
	JOURNAL_MSG_EVIDENCE,   /* body: JSON of a carrier notice */
	JOURNAL_MSG_STOP
};

struct journal_message {
	int64_t id;
	int64_t attempt;
	enum journal_message_code code;
	int64_t at_ms;
	char *body; /* or NULL; freed by the reader's journal_message_free */
};
void journal_message_free(struct journal_message *m);

/* Unique by sender and ext: a repeated one is *added false. */
enum err_code journal_inbox_put(struct journal *j, const char *sender,
    const char *ext, int64_t attempt, enum journal_message_code code,
    const char *body, bool *added, struct err *err);
/* The oldest open message of attempt after message `after`; ERR_NOT_FOUND. */
enum err_code journal_inbox_get(struct journal *j, int64_t attempt,
    int64_t after, struct journal_message *out, struct err *err);
enum err_code journal_inbox_folded(
    struct journal *j, int64_t message, struct err *err);
/* All of an attempt that is let go. */
enum err_code journal_inbox_fold_all(
    struct journal *j, int64_t attempt, struct err *err);
/* --- artifacts and findings ---------------------------------------------- */

struct journal_artifact {
	int kind;       /* enum run_artifact_kind */
	char path[128]; /* within recordings/ */
	int64_t bytes;
	int64_t ms;
	uint8_t sha256[SHA256_BYTES];
};
enum err_code journal_artifact_put(struct journal *j, int64_t attempt,
    const struct journal_artifact *a, struct err *err);
enum err_code journal_finding_put(struct journal *j, int64_t attempt,
    const char *answered_by, const char *decline, const char *meeting,
    struct err *err);

/* --- outbox ------------------------------------------------------------- */

/* Number of a sink in the journal: stored, never changed. */
enum journal_sink {
	JOURNAL_SINK_FILE = 1,
	JOURNAL_SINK_MONGO,
	JOURNAL_SINK_S3,
	JOURNAL_SINK_BULL,
	JOURNAL_SINK_WEBHOOK,
	JOURNAL_SINK_LOGTAIL,
	JOURNAL_SINK_END
};

/* "file", "mongo" ...; "?" for a number of a newer program. */
const char *journal_sink_name(enum journal_sink sink);

/*
 * The sinks that a job which becomes final owes a row, as bits (1 << sink);
 * those of the file alone unless this says otherwise.  Before the first
 * transaction.
 */
void journal_set_sinks(struct journal *j, unsigned sinks);

enum journal_outbox_state {
	JOURNAL_OUTBOX_PENDING,
	JOURNAL_OUTBOX_DONE,
	JOURNAL_OUTBOX_DEAD
};

/* For a job that has just become final: its row for each sink. */
enum err_code journal_outbox_add(struct journal *j, struct journal_job *job,
    int64_t attempt, struct err *err);

struct journal_outbox {
	int64_t id, job, revision, attempt;
	enum journal_sink sink;
	int64_t tries;
};
/* Rows of sink that are due and whose predecessor is out of the way, oldest
 * first; at most max. */
enum err_code journal_outbox_due(struct journal *j, enum journal_sink sink,
    int64_t now_ms, struct journal_outbox *rows, size_t max, size_t *count,
    struct err *err);
/* When the next row of sink that is not due yet will be; 0 = there is none. */
enum err_code journal_outbox_next(struct journal *j, enum journal_sink sink,
    int64_t now_ms, int64_t *at_ms, struct err *err);
/* A try counts.  What a person dropped meanwhile stays so, unless DONE. */
enum err_code journal_outbox_set(struct journal *j, int64_t id,
    enum journal_outbox_state state, int64_t next_ms, const char *error,
    struct err *err);
/* No fault of the row's: PENDING; such tries count up to tries_most only. */
enum err_code journal_outbox_wait(struct journal *j, int64_t id,
    int64_t next_ms, int64_t tries_most, const char *error, struct err *err);
/* What its sink must find again in a later try; "" while there is nothing. */
#define JOURNAL_KEPT_MAX 4096
enum err_code journal_outbox_keep(
    struct journal *j, int64_t id, const char *text, struct err *err);

/*
 * A person's word: a dead row is tried again from the start, one that was put
 * off at once; one that is pending or dead is given up and blocks nothing: its
 * error, which begins with JOURNAL_DROPPED, keeps it from being counted.
 * *changed false: it is not there, not in that state, or was dropped before.
 */
#define JOURNAL_DROPPED "dropped "
enum err_code journal_outbox_retry(
    struct journal *j, int64_t id, bool *changed, struct err *err);
enum err_code journal_outbox_drop(struct journal *j, int64_t id,
    const char *error, bool *changed, struct err *err);

/*
 * The append under way for path (what is appended to); name is the file in
 * use, "" = none yet; size is where the batch goes, bytes NULL = none.
 */
struct journal_append {
	char name[64];
	int64_t size;
	char *rows; /* comma-separated outbox ids, or NULL */
	char *bytes;
	size_t len;
};
void journal_append_free(struct journal_append *a);
enum err_code journal_append_get(struct journal *j, const char *path,
    struct journal_append *out, struct err *err);
/* bytes NULL: done, the file is size long. */
enum err_code journal_append_put(struct journal *j, const char *path,
    const char *name, int64_t size, const char *rows, const void *bytes,
    size_t len, struct err *err);

/* --- services ------------------------------------------------------------- */

/*
 * What is known of a service between two runs: its breaker, its rate limiter
 * (net/net_guard.h says what the numbers mean) and the last contact.
 */
#define JOURNAL_SERVICE_ERROR_MAX 160
struct journal_service {
	char name[32];
	int64_t breaker, failures;
	uint8_t boot[ENV_ID_BYTES];
	int64_t since_ms;
	int64_t tokens_micro, filled_ms;
	int64_t last_ok_ms, last_error_ms; /* Unix; 0 = never */
	char last_error[JOURNAL_SERVICE_ERROR_MAX];
};
/* *found false: never used yet, and *out holds its name and zeros. */
enum err_code journal_service_get(struct journal *j, const char *name,
    struct journal_service *out, bool *found, struct err *err);
enum err_code journal_service_put(
    struct journal *j, const struct journal_service *s, struct err *err);

/* --- attention and runs --------------------------------------------------- */

/* True once for each text, whoever asks first. */
enum err_code journal_attention_once(
    struct journal *j, const char *what, bool *first, struct err *err);
enum err_code journal_run_begin(
    struct journal *j, const char *command, int64_t *id, struct err *err);
enum err_code journal_run_end(
    struct journal *j, int64_t id, const char *summary_json, struct err *err);

#endif
