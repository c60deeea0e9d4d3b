#ifndef DSRUN_TESTS_SIM_MACHINE_H
#define DSRUN_TESTS_SIM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/list.h"

#include "sim_co.h"
#include "sim_disk.h"
#include "sim_gate.h"
#include "sim_rand.h"
#include "sim_vfs.h"

/*
 * One simulated computer: a disk, a clock, and processes on it that take turns.
 *
 * A process has two threads, as the real one: the loop, and the worker that
 * env_work runs things on.  Both are coroutines, which give way where the
 * simulated machine says so: when they wait, and by chance at any external
 * call (sim_gate).  Time stands still while code runs; each external call
 * costs a little of it, and when everybody waits it jumps to the next moment
 * at which somebody has something to do.
 *
 * Everything is decided by the machine's streams of chance, so a run is
 * repeated by its seed.
 */

#define SIM_PROCESSES_MAX (SIM_VFS_SLOTS - 1)
#define SIM_START_MS INT64_C(1799168400000) /* Tue 2027-01-05 17:00 UTC */

struct sim_machine;

enum sim_thread_state {
	SIM_THREAD_NONE,
	SIM_THREAD_READY, /* may go on */
	SIM_THREAD_SLEEPS /* until wake_us */
};

struct sim_thread {
	struct sim_process *p;
	struct sim_co *co;
	enum sim_thread_state state;
	int64_t wake_us;
	bool waits; /* SLEEPS, and a post or work wakes it */
};

/* The two envs of a process: its own, and the one its line to the telephone
 * network lives by, whose clock no fault of this machine moves. */
struct sim_env {
	struct env env;
	struct sim_process *p;
};

struct sim_process {
	struct sim_machine *machine;
	int slot;
	int64_t number; /* 1, 2 ... in the order of their starts */
	const char *name;
	struct sim_env own, line;
	struct sim_thread loop, worker;
	struct list posts, works, finished;
	struct env_timer **timers;
	size_t timer_count, timer_room;
	bool dead;          /* killed: unwinding */
	bool over;          /* its main() has returned */
	bool quiet;         /* the gate leaves it alone */
	bool unwinds;       /* dead, and its loop does not know it yet */
	int64_t stopped_us; /* SIGSTOP until then; 0 = not */
	int64_t gates;      /* calls through the gate */
	int64_t turns_dead; /* since it died: it must come to an end */
	int64_t dead_us;    /* its timers' clock since then */
	bool in_work;       /* the worker runs something */
	void (*main)(struct sim_process *p);
	void (*on_signal)(struct sim_process *p, bool hard);
	void *arg;
	const char *last_point; /* the newest crash point, for reports */
};

/* What the gate shall do now. */
enum sim_act {
	SIM_ACT_NONE,
	SIM_ACT_ORDER, /* the call goes as `order` says */
	SIM_ACT_KILL,
	SIM_ACT_POWER,
	SIM_ACT_STOP,  /* for stop_us */
	SIM_ACT_CLOCK, /* the wall clock jumps */
	SIM_ACT_NOMEM  /* SQLite's next allocations fail */
};

struct sim_deed {
	enum sim_act act;
	enum sim_order order;
	int64_t value; /* STOP: us; CLOCK: wall_offset_ms; NOMEM: how many on */
	enum sim_device device; /* POWER */
};

struct sim_machine {
	struct sim_disk *disk;
	int64_t now_us;    /* since the machine was made */
	int64_t boot_us;   /* when it was booted */
	int64_t reboot_us; /* from a power cut until it is up again */
	int64_t boots;
	uint64_t seed;
	struct sim_rand sched, cost, bytes, power;
	struct sim_process *process[SIM_PROCESSES_MAX];
	int64_t started;
	int64_t wall_offset_ms;
	/* chances out of a million at a gate */
	int64_t preempt_ppm;
	int64_t gates;
	uint64_t digest; /* of all of them: who, what and when */
	/* Decides at each gate; NULL: nothing ever happens. */
	struct sim_deed (*decide)(struct sim_machine *m, struct sim_process *p,
	    enum sim_op op, const char *path);
	/* The power is about to be cut, or is back; may be NULL. */
	void (*on_power)(struct sim_machine *m, bool back);
	void *arg;
	bool locks_lapse; /* a control: no lock protects a stopped process */
	bool trace;
	struct sim_process host; /* nobody's: for what stands outside */
};

/* The disk becomes the machine's. */
struct sim_machine *sim_machine_new(uint64_t seed, struct sim_disk *disk);
/* Kills what still runs.  NULL-safe. */
void sim_machine_free(struct sim_machine **m);

/*
 * Begin a process: main runs on its loop's thread, may use its envs, and comes
 * back when the process is over.  NULL: there are too many.
 */
struct sim_process *sim_process_start(struct sim_machine *m, const char *name,
    void (*main)(struct sim_process *p), void *arg);
/* kill -9: now; it unwinds when the machine runs next. */
void sim_process_kill(struct sim_process *p);
void sim_process_stop(struct sim_process *p, int64_t us);
/* TERM (or the second one). */
void sim_process_signal(struct sim_process *p, bool hard);
/* All are killed, what is not durable has its fate, and another boot begins. */
void sim_machine_power_cut(struct sim_machine *m, enum sim_device device);
/* How wrong the wall clock is from now on. */
void sim_machine_set_clock(struct sim_machine *m, int64_t wall_offset_ms);

/*
 * Run until nothing runs any more, or now_us has come.  Dead and finished
 * processes are gone afterwards.
 */
void sim_machine_run(struct sim_machine *m, int64_t until_us);
/* Processes that have not come to their end. */
int sim_machine_alive(const struct sim_machine *m);

/* On a loop's thread: handle posts, works and timers until *done. */
void sim_process_loop(struct sim_process *p, const bool *done);
/* Let others run; may come back dead. */
void sim_process_sleep(struct sim_process *p, int64_t us);

#endif
