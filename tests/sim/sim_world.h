#ifndef DSRUN_TESTS_SIM_WORLD_H
#define DSRUN_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier/carrier_sim.h"
#include "journal/journal.h"
#include "run/run.h"
#include "sim_carrier.h"
#include "sim_plan.h"
#include "sim_stage.h"

/*
 * One run of a plan: a machine, the dsruns on it, and the people around it.
 *
 *   chaos  what the plan says happens until its end; faults strike
 *   heal   no faults any more, the clock is right, there is room: cron goes on
 *          until every job is final or PARKED and every result delivered
 *   check  the promises, by the network's own log (sim_check.h)
 */

#define SIM_FAILURE_MAX 1024

/* What a journal says is still to be done. */
struct sim_left {
	bool known;      /* it could be read */
	bool settled;    /* all jobs are final or parked, all results out */
	int64_t live;    /* attempts */
	int64_t parked;  /* jobs */
	int64_t wait_ms; /* until the next is due */
};

struct sim_world {
	const struct sim_stage *stage;
	struct sim_plan *plan;
	struct sim_machine *m;
	struct conf conf; /* the stage's, with the plan's network */
	struct sim_rand fault, choice;
	size_t next_fault;        /* of given ones */
	struct sim_fault *faults; /* that struck */
	size_t fault_count, fault_room;
	bool accepted; /* an enqueue said that it has all jobs */
	bool restored; /* a backup was put back: what came after is unknown */
	bool backed_up;
	bool healing;
	struct sim_left left;    /* healing: as the last process saw it */
	struct sim_seat *runner; /* healing: who has work in hand */
	bool pauses;             /* somebody paused a campaign */
	int64_t capacity;        /* of the disk */
	bool trace;
	/* What people said, and when it was durable; 0 = they did not. */
	int64_t dnc_ms, paused_ms, resumed_ms;
	const char *dnc_phone;
	int64_t resumes, resuming; /* begun; and not known to have ended */
	int64_t cancelled_ms[SIM_JOBS_MAX]; /* nobody took it back since */
	bool clock_was_wrong;
	bool clock_was_believed; /* wrong before the journal knew any */
	bool went_back;          /* the -wal is gone: a person must look */
	int64_t met_eio; /* the process whose -wal or journal.db failed last */
	uint64_t mark_changed;      /* journal.lock, when it was read last; */
	bool marked;                /* it said that the disk has failed */
	int64_t asks_from_us, asks; /* lookups since that moment */
	struct sim_accounts accounts;
	int64_t cut_ms, cut_us;  /* the network's time when the power was cut */
	int64_t attempts, lives; /* of the final journal */
	int64_t runs;            /* processes started */
	char failure[SIM_FAILURE_MAX]; /* "" = all promises were kept */
	bool i14_broken; /* the journal disagrees with the network */
	char i14[SIM_FAILURE_MAX / 2];
	/* Hooks for loops and controls, or NULL. */
	struct sim_deed (*decide)(struct sim_world *w, struct sim_process *p,
	    enum sim_op op, const char *path);
	void *decide_arg;
};

/* Runs it to the end; w->failure says what was broken. */
void sim_world_run(
    struct sim_world *w, const struct sim_stage *stage, struct sim_plan *plan);
void sim_world_fini(struct sim_world *w);

/* The first failure counts. */
void sim_world_fail(struct sim_world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Is the file not on this machine (the telephone network's)?  NULL: no. */
bool sim_world_outside(const char *path);
/* Can a call of that kind feel the fault? */
bool sim_world_felt(const struct sim_deed *d, enum sim_op op, bool outside);

/* By the network's clock: before its first moment nobody was armed, and the
 * processes that were begun then go by clocks of their own. */
int64_t sim_world_moment_ms(struct sim_world *w);
/* kill -9 for all, and nothing of them is left. */
void sim_world_kill_all(struct sim_world *w);
/* The disk gets so much room as is in use, and this much more. */
void sim_world_leave_room(struct sim_world *w, int64_t bytes);

/* sim_heal.c: no faults any more, until all is done; then the promises. */
void sim_heal(struct sim_world *w);

/* --- sim_watch.c: a process is about to make a call; a fault strikes it --- */

void sim_watch_call(struct sim_world *w, const struct sim_process *p,
    enum sim_op op, const char *path);
void sim_watch_fault(struct sim_world *w, const struct sim_process *p,
    enum sim_op op, const char *path, const struct sim_deed *d);

/* --- sim_actor.c: the mains of processes --- */

struct sim_seat; /* one process's belongings */

/* Start what the action says; false: it cannot be now (too many). */
bool sim_actor_start(struct sim_world *w, enum sim_actor actor, int64_t value);
/* What is left to do, as the runner sees it; false: it is not at rest. */
bool sim_actor_look(struct sim_world *w);
/* The journal through the host's eyes, for checks; journal_close it. */
enum err_code sim_actor_open_host(
    struct sim_world *w, struct journal **out, struct err *err);

/* --- sim_check.c --- */

/* j: the journal as the host sees it. */

/* What is left to do; env: whose journal it is. */
struct sim_left sim_check_look(
    struct sim_world *w, struct journal *j, struct env *env);
/* It did not settle: fail, with what is left. */
void sim_check_left(struct sim_world *w, struct journal *j);
/* Every promise, and that every job that an enqueue accepted is there. */
void sim_check_promises(struct sim_world *w, struct journal *j);
/* sim_rules.c: was somebody called whom a rule forbade to call? */
void sim_check_rules(struct sim_world *w, struct journal *j);
/* What is the same when two runs are: each external call and its time, the
 * network's log and the results, byte by byte. */
uint64_t sim_check_digest(struct sim_world *w);
/* Every job with its events, and the network's log. */
void sim_check_print(struct sim_world *w);

#endif
