#ifndef DSRUN_RUN_PUSH_PRIV_H
#define DSRUN_RUN_PUSH_PRIV_H

#include "journal/journal_read.h"
#include "net/net_guard.h"
#include "sink/sink_push.h"

#include "run/run_priv.h"

/*
 * One sink behind a network.  Rows go round:
 *
 *   turn (transaction)   what the sink said of rows is written down, and rows
 *                        that are due are taken, as many as there is room for
 *                        and as the service's limiter and breaker allow
 *   begin (loop)         the rows' facts are read, all as of one moment, and
 *                        given to the sink
 *   said (loop)          the sink says what came of it; the next turn
 *
 * At most one turn is under way.  A row is PENDING on disk until a turn says
 * otherwise: killed anywhere, the same push is made again, which is the same
 * as having made it once.  What limits it was counted in the turn that took
 * it, so a run that is killed again and again does not go faster for that.
 *
 * One process at a time pushes to a sink: it holds that sink's byte of
 * out/push.lock, which the kernel gives back when it dies.
 */

#define RUN_PUSH_MOST 1024 /* rows under way */

struct run_push;

/* What a sink wants kept; outlives a row that is dropped meanwhile. */
struct run_push_keep {
	struct journal_tx tx;
	struct run_push_row *row; /* NULL: dropped */
	int64_t id;
	char text[JOURNAL_KEPT_MAX];
	bool under_way;
};

struct run_push_row {
	struct run_push *push;
	struct run_row facts;
	struct sink_push job;
	struct buf recording_url, transcript_url;
	struct run_push_keep *keep; /* NULL: nothing was asked for yet */
	struct list node;
};

struct run_push {
	struct run *run;
	struct run_pusher who;
	struct net_guard_terms terms;
	struct env_work locking;
	bool is_locking;
	struct env_file *lock; /* NULL: not ours */
	bool held_by_other;
	struct list begun; /* the sink has them */
	struct list said;  /* it spoke; to be written down */
	struct list told;  /* being written down */
	size_t rows;       /* in these three */
	size_t said_count;
	size_t most; /* at once */
	/* What is said in one breath is one turn. */
	struct env_post poke;
	/* a turn */
	struct journal_tx tx;
	bool turning;
	size_t room;   /* in: so many may be taken */
	int64_t *mine; /* in: what is begun, most of them, in order */
	size_t mine_count;
	struct journal_outbox *due; /* out: most of them */
	size_t due_count;
	int64_t
	    wait_ms; /* out: real, until the guard may say yes; 0 = it did */
	int64_t next_ms; /* out: when another row is due; 0 = none */
	/* between turns */
	bool again;            /* there may be rows to take */
	int64_t until_boot_ms; /* real: look again then; 0 = no reason to */
	struct env_timer timer;
	/* A fault of the set-up: nothing more in this run, in a worker's until
	 * then (real BOOTTIME; 0 = for ever). */
	bool left_alone;
	int64_t alone_until_ms, alone_times;
	bool troubled;    /* the last word of the service was no good one */
	struct err err;   /* of the two before */
	int64_t failures; /* turns that failed, in a row */
};

/* run_push.c */
struct run_push *run_push_new(struct run *r, const struct run_pusher *who);
void run_push_free(struct run_push **p);
/* Start what may start now, once what goes on is over; idempotent. */
void run_push_poke(struct run_push *p);
/* As of run_pushes, for one. */
void run_push_look(struct run_push *p);
void run_push_drop(struct run_push *p);
bool run_push_idle(const struct run_push *p);
bool run_push_resting(const struct run_push *p);
bool run_push_trouble(const struct run_push *p, struct err *err);

/* run_push_turn.c: begin a turn; its end calls run_push_turned. */
void run_push_turn(struct run_push *p);
void run_push_turned(struct run_push *p, enum err_code code, struct err *err);

/* Real milliseconds from a try that ended with code to the next one. */
int64_t run_push_delay_ms(struct run_push *p, const struct run_push_row *row);
/* Is the row given up? */
bool run_push_is_dead(const struct run_push *p, const struct run_push_row *row);

#endif
