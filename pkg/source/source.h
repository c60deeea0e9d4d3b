#ifndef DSRUN_SOURCE_H
#define DSRUN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The port to where jobs come from.  A source checks and normalises what it
 * reads and gives struct source_job; intake (run/) puts a batch of them into
 * the journal in one transaction, and only when that is durable tells the
 * source what became of each.  Whatever dies in between, a source gives an
 * unsettled job again, and the journal answers KNOWN: nothing is acknowledged
 * without its row, and nothing is called twice.
 *
 * Loop's thread only.  Nothing here blocks on a network: a source that must
 * wait gives no job and calls ready() later.
 */

#define SOURCE_CONTENT_BYTES 16
#define SOURCE_NAME_MAX 64

/* One job as the journal wants it.  Strings are never NULL ("" = none). */
struct source_job {
	const char *source; /* identity space of id; static or the source's */
	char *id;           /* 1-128 bytes, unique within source */
	/* First half of the SHA-256 of the canonical form.  A known id with
	 * other content is refused; kept for ever. */
	uint8_t content[SOURCE_CONTENT_BYTES];
	char *kind;
	char *phone;    /* "+15125550100" */
	int64_t number; /* the same as an integer */
	char *campaign;
	char *org;     /* numbers of one org are not called at once */
	char *contact; /* JSON object */
	char *data;    /* JSON object */
	int64_t step;
	bool final_step;
	int64_t priority;      /* lower first */
	int64_t not_before_ms; /* Unix; 0 = at once */
	int64_t expires_ms;    /* Unix; 0 = never */
	int64_t opened_ms; /* when it was made, by its source; 0 = unknown */
	int64_t line;      /* where it began in its file; 0 = no file */
	char *raw;         /* the line as it came, for a reject; NULL = none */
	/* Of a queue: the lease the journal keeps with it (journal_lease.h),
	 * until when it holds, and whether our ladder runs.  NULL = a file. */
	char *lease;
	int64_t lease_until_ms; /* Unix */
	bool own_ladder;
	void *ticket; /* the source's own: a lease, an offset */
};

struct source_job *source_job_new(void);
void source_job_free(struct source_job **j); /* NULL-safe */

/* What became of a job; said after the journal's transaction is durable. */
enum source_taken {
	SOURCE_ADDED,   /* it has a row now */
	SOURCE_KNOWN,   /* it had one, with the same content */
	SOURCE_DIFFERS, /* its id stands there with other content: a reject */
	SOURCE_PRUNED,  /* of a queue: over long ago, and no longer there; the
			 * source answers it by itself */
	SOURCE_OVER,  /* of a queue: called before; its result goes out again */
	SOURCE_LET_GO /* of a queue: another process took in this very
		       * delivery and let it go; it is not called */
};

struct source_tally {
	int64_t added;
	int64_t known;
	int64_t refused; /* bad lines, and ids with other content */
	char first_error[ERR_TEXT_MAX]; /* of the refused; "" = none */
};

/*
 * next: the next job in *out (the caller's, until it hands it back to
 * taken), or NULL when there is none now: for a file that is its end, for a
 * queue ready() will be called when it is worth asking again.  An error is
 * the source's own, not a job's: bad jobs are refused by the source itself,
 * counted in the tally, and never shown.
 *
 * taken: frees the job.  The source acknowledges it in its own time (a queue
 * sends its script, a file writes its reject); owed() says how many of these
 * are not through yet, and release gives a job back with nothing journalled.
 */
struct source_ops {
	enum err_code (*next)(
	    void *s, struct source_job **out, struct err *err);
	enum err_code (*taken)(void *s, struct source_job **job,
	    enum source_taken how, struct err *err);
	void (*release)(void *s, struct source_job **job);
	int64_t (*owed)(void *s);
	/* Everything given was taken and no more is wanted: put in place what
	 * remains (a file's rejects).  *rejects: where they are, living as
	 * long as the source; NULL = none. */
	enum err_code (*finish)(void *s, const char **rejects, struct err *err);
	void (*tally)(void *s, struct source_tally *out);
	void (*free)(void *s);

	/*
	 * Of a queue; all NULL for a file, whose jobs all come at once.
	 *
	 * want: so many more jobs may be taken now; ready() follows when there
	 * are some, and when it is known that there are none.
	 * give_back: no more is taken, and what nobody has begun goes back.
	 * resting: nothing is under way: what was wanted came, or is not there,
	 * or cannot be had now.
	 * warning: what a person should know, and what to do; NULL = nothing.
	 * It is said once a run.
	 * trouble: it could not do all it should: why.  The run goes on with
	 * what the journal has.
	 */
	void (*want)(void *s, int64_t n);
	void (*give_back)(void *s);
	bool (*resting)(void *s);
	const char *(*warning)(void *s);
	bool (*trouble)(void *s, struct err *err);
	/* Something for the log since the last time, a line; NULL: nothing.
	 * Lives until the next call.  NULL for who has none. */
	const char *(*notice)(void *s);
	/* What the journal had of its jobs before this run was looked at: what
	 * is to be called is still to be called, as far as can be known.  Then
	 * ready() is called; nothing is begun before.  NULL: always. */
	bool (*sure)(void *s);
};

/* A source in use: borrowed by run/, freed by whoever wired it. */
struct source {
	const struct source_ops *ops;
	void *impl;
	/* Set by run/: next() may have something.  Never called from within
	 * an op.  NULL for who polls; a queue begins nothing while it is. */
	void (*ready)(void *arg);
	void *ready_arg;
};

/*
 * Fill jobs with up to max of them; *count says how many came.  After an
 * error those that came before it are there and must still be taken or
 * released.
 */
enum err_code source_batch(struct source *s, struct source_job **jobs,
    size_t max, size_t *count, struct err *err);

#endif
