#ifndef DSRUN_JOURNAL_CHECK_H
#define DSRUN_JOURNAL_CHECK_H

#include "journal/journal.h"

/*
 * What a journal can prove of itself (DESIGN section 4, I3 to I13): chains
 * verify, every state is the fold of its events, rows agree with each other.
 *
 * One snapshot, read in the order of events, so that it costs the same for a
 * job finished today and one of last year; about 50 bytes of memory a job that
 * was not pruned.  Nothing is written, and nobody is waited for.  What must be
 * compared with the network's own log (I1, I2, I12, I14, I15) is run/'s, which
 * gets each job and attempt of the same snapshot through the watch.
 */

enum journal_truth {
	JOURNAL_FALSE,
	JOURNAL_TRUE,
	JOURNAL_UNKNOWN /* cannot be seen from here; `why` says so */
};

#define JOURNAL_CHECK_ITEMS(X)                                             \
	X(DATABASE, "database") /* pages, constraints */                   \
	X(SCHEMA, "schema")     /* tables, triggers, step rows are ours */ \
	X(I3, "I3")                                                        \
	X(I4, "I4")                                                        \
	X(I5, "I5")                                                        \
	X(I6, "I6")                                                        \
	X(I7, "I7")                                                        \
	X(I8, "I8")                                                        \
	X(I9, "I9")                                                        \
	X(I10, "I10")                                                      \
	X(I11, "I11")                                                      \
	X(I13, "I13")                                                      \
	X(HEAD, "head")     /* head is the end of what it heads */         \
	X(TALLY, "tally")   /* counts by state */                          \
	X(OWNERS, "owners") /* what is live has an owner that is open */

#define X(id, text) JOURNAL_CHECK_##id,
enum journal_check_name {
	JOURNAL_CHECK_ITEMS(X) JOURNAL_CHECK_COUNT
};
#undef X

#define JOURNAL_CHECK_SHOWN 20

struct journal_check_item {
	const char *name;
	enum journal_truth ok;
	int64_t checked;
	int64_t violations; /* all that were found; the first are kept: */
	char *violation[JOURNAL_CHECK_SHOWN];
	size_t shown;
	const char *why; /* JOURNAL_UNKNOWN */
};

struct journal_check {
	struct journal_check_item item[JOURNAL_CHECK_COUNT];
	bool ok;    /* nothing is false */
	bool whole; /* all of it could be read */
	int64_t jobs, pruned, attempts, events, seals;
	int64_t outbox_pending, outbox_dead;
	int64_t peak_live;  /* most attempts ever live at once */
	int64_t newest_ms;  /* of the newest event; 0 = none */
	int64_t newest_seq; /* 0 = none */
};

/* Valid during the call. */
struct journal_check_job {
	int64_t id;
	const char *source, *ext;
	enum job_state state;
	enum job_outcome outcome;
	enum job_reason reason;
	int64_t revision;
	int64_t attempts;
	bool pruned; /* its attempts are in the archive: journal_archive.h */
};

struct journal_check_attempt {
	int64_t id;
	enum attempt_state state;
	enum attempt_event last_event; /* RESOLVE_*: a named person's word */
	bool by_person; /* it was resolved, whatever came after */
	enum job_outcome outcome;
	int64_t number; /* digits; 0 = erased */
	bool has_key;
	uint8_t key[SHA256_BYTES];
	int64_t armed_ms; /* 0 = not */
	/* The newest INTENT event; 0 = it was never armed. */
	int64_t intent_seq;
	uint8_t intent_hash[SHA256_BYTES];
	int64_t newest_seq; /* of the snapshot */
};

/* What a journal of this program is made of, word for word. */
struct journal_schema;
/* NULL-safe; sets the caller's pointer to NULL. */
void journal_schema_free(struct journal_schema **schema);

struct journal_check_options {
	bool deep; /* integrity_check: indexes against tables too */
	/* For one who checks often: NULL at first, made by the first check,
	 * the caller's to free.  Making it takes some 2 ms. */
	struct journal_schema **schema;
	/* NULL, or called for each row in the order of ids. */
	void (*job)(void *arg, const struct journal_check_job *job);
	void (*attempt)(void *arg, const struct journal_check_attempt *attempt);
	void *arg;
};

/*
 * Of an open journal, on the loop's thread: as long as it runs no checkpoint
 * can start the -wal over.  An error means that the check itself could not be
 * made; what it found wrong is in *out.  Release with journal_check_free.
 */
enum err_code journal_check(struct journal *j,
    const struct journal_check_options *options, struct journal_check **out,
    struct err *err);

/*
 * Of a file that no dsrun process has open: a backup.  Opened read-only.
 * ERR_NOT_FOUND; ERR_CONFIG: not a journal, or of a newer schema;
 * ERR_DAMAGED: no database at all.
 */
enum err_code journal_check_file(struct env *env, const char *path,
    const struct journal_check_options *options, struct journal_check **out,
    struct err *err);

/* The first violation as one line, "I8: event 17 ..."; NULL when ok. */
const char *journal_check_first(
    const struct journal_check *check, char *out, size_t size);

/* NULL-safe; sets the caller's pointer to NULL. */
void journal_check_free(struct journal_check **check);

#endif
