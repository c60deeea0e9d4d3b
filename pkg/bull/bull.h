#ifndef DSRUN_BULL_H
#define DSRUN_BULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "net/net_redis.h"

/*
 * One queue of Bull 4 or BullMQ 5 and 6, and what a well-behaved worker owes
 * it: producers that wait, listeners and dashboards see what they would see of
 * a Node worker.  All of it is our own Lua over the libraries' data layout
 * (lua/), one script a call, so each call happens wholly or not at all.
 *
 * A job is ours while its lock (a key with a time to run) holds our lease:
 * "TOKEN:delivery", TOKEN naming the journal, the delivery minted by Redis's
 * clock.  Two deliveries of one job never have the same lease.
 *
 * A lost reply (ERR_UNREACHABLE or ERR_TIMEOUT with `sent`) leaves open whether
 * the call happened.  Every call may be repeated, with the same arguments:
 * what it then answers stands with it.
 *
 * What is not done: Bull's limiter by groups is not applied; cron patterns are
 * not reckoned; queues are not paused, emptied or removed.
 *
 * Calls need not wait for each other: they are sent at once and happen in that
 * order, as many as the connection lets be under way (ERR_BUSY above that).
 *
 * Redis 6.2 or newer.  Loop's thread only.
 */

enum bull_library {
	BULL_ANY, /* not pinned */
	BULL_CLASSIC,
	BULL_MQ, /* BullMQ, either; a queue whose major is unknown: as 5 */
	BULL_MQ5,
	BULL_MQ6,
	BULL_LIBRARY_COUNT
};
/* "auto", "bull", "bullmq", "bullmq5", "bullmq6" and back; false: no such. */
const char *bull_library_name(enum bull_library library);
bool bull_library_parse(const char *text, enum bull_library *out);

#define BULL_TOKEN_MAX 64
#define BULL_BATCH_MAX 500 /* jobs or leases of one call */

struct bull_options {
	struct env *env;
	struct net_redis *redis; /* borrowed; closed after the queue */
	const char *prefix;      /* NULL = "bull" */
	const char *queue;
	const char *token;         /* the journal's; no ':' in it */
	const char *worker;        /* processedBy in BullMQ; NULL = none */
	enum bull_library library; /* pinned by the configuration */
	/* As a worker's limiter: so many jobs may be begun in each limit_ms, by
	 * all workers together that know of it; 0 = none.  BullMQ's global one
	 * goes before it. */
	int64_t limit;
	int64_t limit_ms;
	/* Minutes of counts to keep for getMetrics(); 0 = none, unless the
	 * queue has some: then two weeks. */
	int64_t metrics;
	size_t field_max;  /* bytes of one field of a job; 0 = 1 MB */
	size_t answer_max; /* bytes of a take in all; 0 = 16 MB */
};

struct bull;

/* No I/O.  ERR_CONFIG: a name that is empty or too long. */
enum err_code bull_open(
    const struct bull_options *options, struct bull **out, struct err *err);
/* What is under way never calls back.  NULL-safe. */
void bull_close(struct bull **b);

/* "bull:calls": for texts. */
const char *bull_name(const struct bull *b);
/* What detect found; BULL_ANY before. */
enum bull_library bull_library(const struct bull *b);
/* When it was minted, by Redis's clock; 0 = it is none of a dsrun's. */
int64_t bull_lease_taken_ms(const char *lease);
/* What Redis throws away when it is full: "noeviction", or the name of a policy
 * that may take jobs or locks; "" unknown. */
const char *bull_policy(const struct bull *b);
/* How many ends of a delivery found no such job: there may be more such. */
int64_t bull_gone(const struct bull *b);
/* Was this lease minted for our token, whatever the delivery? */
bool bull_is_ours(const struct bull *b, const char *lease);

/* One delivery of a job: all that the calls after a take need, so all of it
 * belongs into the journal.  Borrowed by calls only until they return. */
struct bull_ref {
	const char *id;
	const char *lease;
	const char *stamp; /* the hash's timestamp: an id may be used again */
	int64_t tries;     /* that failed (Bull), that ended (BullMQ) before */
};

enum bull_repeat {
	BULL_REPEAT_NONE,
	BULL_REPEAT_ARMED,     /* the next iteration is there; detail: its id */
	BULL_REPEAT_ENDED,     /* by its limit or end date */
	BULL_REPEAT_REMOVED,   /* the schedule was removed */
	BULL_REPEAT_CRON,      /* not armed; detail: the pattern */
	BULL_REPEAT_LEGACY,    /* not armed: BullMQ 4's way to repeat */
	BULL_REPEAT_UNREADABLE /* not armed */
};

/* A job as taken.  Strings are never NULL; borrowed from the call. */
struct bull_job {
	struct bull_ref ref;
	const char *name;
	const char *data; /* whatever the producer wrote: maybe no JSON */
	size_t data_len;
	const char *opts;
	size_t opts_len;
	/* Bytes of the fields that were left out for their size, which are ""
	 * then: such a job can only be failed. */
	int64_t left_out;
	bool opts_bad;      /* opts is no JSON object */
	int64_t attempts;   /* opts: how many tries there may be; at least 1 */
	int64_t timeout_ms; /* opts of Bull; 0 = none */
	int64_t added_ms;   /* by the producer's clock */
	int64_t priority;   /* lower first, 0 = none */
	int64_t starts;     /* BullMQ: takes, with this one; else 0 */
	int64_t stalls;     /* how often a worker died with it */
	int64_t retried_ms; /* Bull: somebody asked for a retry; else 0 */
	const char *parent; /* the flow parent's key; "" = none */
	const char *dedup;  /* deduplication id; "" = none */
	const char *doomed; /* BullMQ: fail it, final, with this reason, and do
			       not run it; "" = run it */
	enum bull_repeat again;
	const char *again_detail;
};

enum bull_answer {
	BULL_DONE,
	BULL_ALREADY, /* it was so before: a reply was lost */
	BULL_GONE,    /* no such job any more, or another of the same id */
	BULL_OTHERS,  /* another's lock holds it; text: that lease */
	BULL_MOVED,   /* not ours and not there; text: where it is: completed,
			 failed, delayed, wait, paused, prioritized,
			 waiting-children, active, lost */
	BULL_FAILED,
	BULL_RETRIED,
	BULL_DELAYED,
	BULL_BACKOFF,  /* text: the type of backoff that is not known here */
	BULL_CHILDREN, /* it has children that are not done, or that failed */
	BULL_TAKEN,
	BULL_EMPTY,
	BULL_PAUSED,
	BULL_FULL,    /* BullMQ's global concurrency */
	BULL_LIMITED, /* a rate limit, for wait_ms */
	BULL_NOT_YET  /* somebody checked less than an interval ago */
};
const char *bull_answer_name(enum bull_answer answer);

struct bull_lease {
	const char *id;
	const char *lease;
	int64_t left_ms;
};

struct bull_counts {
	bool paused;
	int64_t wait, prioritized, delayed, active, completed, failed,
	    waiting_children;
	int64_t held; /* waiting in a paused queue */
};

/* One call under way: embedded in its owner, zeroed before it starts. */
struct bull_call {
	void (*done)(struct bull_call *c);

	/*
	 * Out.  ERR_NONE, or as net_redis_send and net_redis_check say:
	 * ERR_UNREACHABLE, ERR_TIMEOUT, ERR_BUSY, ERR_THROTTLED, ERR_SPACE
	 * (Redis is full), ERR_CONFIG (not allowed), ERR_REJECTED,
	 * ERR_MALFORMED.
	 * The rest belongs to the call until its fini; each function says
	 * which of it is set.
	 */
	enum err_code code;
	struct err err;
	bool sent;     /* may have happened */
	bool shut_out; /* ERR_CONFIG: Redis refused the connection itself, by
			* the password or the like */
	enum bull_answer answer;
	const char *text; /* "" = none */
	int64_t now_ms;   /* Redis's clock */
	int64_t due_ms;   /* 0 = never */
	int64_t wait_ms;
	int64_t ghosts;
	int64_t count;
	struct bull_job *jobs;
	size_t job_count;
	struct bull_lease *leases;
	size_t lease_count;
	bool *held;
	size_t held_count;
	struct bull_ended {
		enum bull_answer answer;
		const char *text; /* "" = none */
	} * ended;
	size_t ended_count;
	const char **ids, **failed_ids;
	size_t id_count, failed_count;
	struct bull_counts counts;

	/* the queue's own */
	struct bull *bull;
	const struct bull_verb *verb;
	struct net_redis_command command;
	struct list node;
};

/* MOVED to where jobs wait: a stalled check put it back. */
bool bull_was_put_back(const struct bull_call *c);

/* It never calls back; repeatable. */
void bull_cancel(struct bull_call *c);
/* Releases what it gave; after done or cancel; repeatable. */
void bull_call_fini(struct bull_call *c);

/*
 * Which library's queue is it?  First of all calls, and again after a
 * connection to another run id.  ERR_CONFIG, with a text for the user: a key
 * has a type that no such queue has; both libraries have used it; it is not
 * the pinned one.  An empty queue is the pinned one, or Bull's.
 * text: by what it was known, "" = by nothing.
 */
void bull_detect(struct bull *b, struct bull_call *c);

/*
 * Takes up to n jobs (at most BULL_BATCH_MAX) in the library's own order, each
 * locked for lock_ms; for BullMQ delayed jobs that are due are promoted first.
 * Ids whose hash is gone are taken out and counted (ghosts).  A job that
 * repeats by an interval has its next iteration now.
 * TAKEN (also fewer than n; none, when there were only ghosts: take again),
 * EMPTY, PAUSED, FULL or LIMITED; now_ms, due_ms (of the next delayed job),
 * wait_ms, ghosts, jobs.  Redis stands still for about 30 us a job.
 * Lost reply: what was taken is found by ours and read; do not only take again.
 */
void bull_take(struct bull *b, int64_t n, int64_t lock_ms, struct bull_call *c);

/*
 * After a crash or a lost reply: leases under our token in active, the
 * longest taken first, then the jobs of those the journal does not know.
 * leases; then jobs and count: how many of the n were looked at (the rest did
 * not fit; ask again with them); those that are not ours any more are not
 * among the jobs.
 */
void bull_ours(struct bull *b, struct bull_call *c);
void bull_read(struct bull *b, const struct bull_lease *leases, size_t n,
    struct bull_call *c);

/*
 * A job of the journal whose lock may have run out is ours again, unless
 * somebody else has had it since.  DONE, text: the lease from now on (another
 * delivery to us, whose reply was lost, keeps its own); OTHERS; MOVED; GONE,
 * text: "removed", by somebody, or "lost": this Redis, as far as it remembers,
 * never gave it to us (it lost its memory, or is another one).
 */
void bull_reclaim(struct bull *b, const struct bull_ref *ref, int64_t lock_ms,
    struct bull_call *c);

/*
 * Of jobs that went back, at most BULL_BATCH_MAX: held[i]: it was removed, or
 * another has done or tried it; it will not come to us again as it was.  Of
 * what this Redis does not remember that is never said.
 */
void bull_missing(
    struct bull *b, const struct bull_ref *refs, size_t n, struct bull_call *c);

/*
 * Renews locks, at most BULL_BATCH_MAX; works also when Redis is full.
 * held[i]: still ours.  What is not may be reclaimed.
 */
void bull_renew(struct bull *b, const struct bull_lease *leases, size_t n,
    int64_t lock_ms, struct bull_call *c);

/*
 * The ends of a delivery.  Each is done too when the lock merely ran out and
 * nobody took the job: it is still in active.  All may answer GONE, OTHERS and
 * MOVED, having changed nothing.  MOVED to wait, paused or prioritized: a
 * stalled check put it back; reclaim, then again.
 *
 * complete: result is JSON text (ERR_MALFORMED at once when it is not: bad
 * JSON kills the libraries' listeners).  DONE, ALREADY, CHILDREN.  GONE after
 * a lost reply means done, when the job removes itself.
 *
 * fail: a try failed; by the job's attempts and backoff it comes again, or not
 * (final: never).  reason is text; stack "" = none.  FAILED, RETRIED (waits
 * now), DELAYED (due_ms), ALREADY (text: where it is), or BACKOFF: nothing
 * changed; decide and call again with backoff_ms >= 0 (else -1) or final.
 *
 * delay: put off until due_ms of our wall clock, no try counted; when Redis's
 * clock is another, for as long by that.  DONE, ALREADY.
 *
 * hand_back: not started, next to be taken, no try counted.  DONE, ALREADY.
 * Of several, the last taken is handed back first.
 *
 * For delay and hand_back OTHERS and MOVED mean too that it is off our hands.
 */
enum err_code bull_complete(struct bull *b, const struct bull_ref *ref,
    const char *result, size_t len, struct bull_call *c, struct err *err);
/*
 * The same for many, at most BULL_BATCH_MAX: ended[i] says what became of
 * ends[i]; answer and text are the last one's.  What ends holds is copied; the
 * results must be JSON, which is not looked at.  What Redis refuses of one (its
 * hash is no hash) ends the call in the midst of them: say them one by one.
 */
struct bull_end {
	const struct bull_ref *ref;
	const char *result;
	size_t len;
};
void bull_complete_all(
    struct bull *b, const struct bull_end *ends, size_t n, struct bull_call *c);
void bull_fail(struct bull *b, const struct bull_ref *ref, const char *reason,
    const char *stack, bool final, int64_t backoff_ms, struct bull_call *c);
void bull_delay(struct bull *b, const struct bull_ref *ref, int64_t due_ms,
    struct bull_call *c);
void bull_hand_back(
    struct bull *b, const struct bull_ref *ref, struct bull_call *c);

/*
 * What only workers do, so one of them must, each 30 s or more often.
 * promote: delayed jobs that are due wait now; count (1,000: there may be
 * more), now_ms, due_ms.
 * check_stalled: who was in active without a lock at the last check too goes
 * back, or fails, having stalled more than max_stalled times (the libraries'
 * default: 1).  DONE or NOT_YET; ids (put back), failed_ids (Bull; BullMQ dooms
 * such a job).  Reclaim our own first.
 */
void bull_promote(struct bull *b, struct bull_call *c);
void bull_check_stalled(struct bull *b, int64_t max_stalled,
    int64_t interval_ms, struct bull_call *c);

/*
 * For people who watch.  progress: JSON text (ERR_MALFORMED at once); log: one
 * line, the same twice in a row is written once.  DONE or GONE.
 */
enum err_code bull_progress(struct bull *b, const struct bull_ref *ref,
    const char *json, size_t len, struct bull_call *c, struct err *err);
void bull_log(struct bull *b, const struct bull_ref *ref, const char *line,
    struct bull_call *c);

/* counts, now_ms, due_ms, wait_ms (BullMQ's rate limit; 0 = none). */
void bull_look(struct bull *b, struct bull_call *c);

#endif
