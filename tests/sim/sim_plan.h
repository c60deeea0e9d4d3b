#ifndef DSRUN_TESTS_SIM_PLAN_H
#define DSRUN_TESTS_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier/carrier.h"
#include "sim_machine.h"

/*
 * What one simulated run is to be: which network, which jobs, who is started
 * when, which faults in which stretches of time.  All of it is drawn from the
 * seed before anything runs, so a plan can be cut down (sim_shrink.h) and what
 * remains goes as before.
 */

#define SIM_JOBS_MAX 10
#define SIM_ACTS_MAX 48
#define SIM_SPELLS_MAX 24
#define SIM_FAULTS_MAX 256

struct sim_job {
	char id[24];
	char phone[20];
	char kind[4]; /* stage's: q, w, o, c */
	char campaign[24];
	char org[24];                    /* "" = none */
	int64_t not_before_s, expires_s; /* after the start; 0 = none */
	int64_t priority;
	bool left_out; /* by shrinking */
};

enum sim_actor {
	SIM_ACTOR_ENQUEUE, /* all jobs, as a file */
	SIM_ACTOR_DRAIN,
	SIM_ACTOR_WORKER,
	SIM_ACTOR_SYNC,
	SIM_ACTOR_CANCEL,  /* a person takes job `value` back */
	SIM_ACTOR_RESOLVE, /* a person who asked the network decides */
	SIM_ACTOR_RETRY,
	SIM_ACTOR_PAUSE, /* campaign c1 */
	SIM_ACTOR_RESUME,
	SIM_ACTOR_DNC, /* job `value`'s number */
	SIM_ACTOR_BACKUP,
	SIM_ACTOR_RESTORE, /* everything is killed, then the backup restored */
	SIM_ACTOR_ADOPT,   /* what lies there is used again, as it is */
	SIM_ACTOR_TERM,    /* to a process by chance */
	SIM_ACTOR_KILL,
	SIM_ACTOR_STOP,  /* SIGSTOP for `value` ms */
	SIM_ACTOR_POWER, /* device `value` */
	SIM_ACTOR_CLOCK, /* wall offset `value` ms */
	SIM_ACTOR_FULL,  /* the disk has room for `value` bytes more */
	SIM_ACTOR_LOSE,  /* everything is killed, and the -wal is removed */
	SIM_ACTOR_COUNT
};

struct sim_action {
	int64_t at_us;
	enum sim_actor actor;
	int64_t value;
	bool left_out;
};

/* A stretch of time in which a fault may happen at each call. */
struct sim_spell {
	enum sim_act act;
	enum sim_order order;
	int64_t from_us, to_us;
	int64_t ppm;
	int64_t value;
	enum sim_device device;
	const char *point; /* only at this crash point; NULL = anywhere */
	bool hot;          /* only at a few places, which the seed chooses */
	bool left_out;
};

/* One fault that happened, or shall happen: at the machine's gate number. */
struct sim_fault {
	int64_t gate;
	struct sim_deed deed;
	const char *point; /* of one that slides: only there; NULL = anywhere */
	enum sim_op op;
	char what[48]; /* where it was, for reports */
};

struct sim_plan {
	uint64_t seed;
	const char *scene; /* sim_scene.h; NULL = none */
	enum carrier_class cls;
	double request_lost, answer_lost, error_after_place, slow;
	double callback_duplicate, callback_late, key_forgotten;
	int64_t memory_ms, key_window_ms; /* the carrier's */
	int64_t list_late_ms; /* its list lags more than it says; 0 = not */
	int64_t account_us;   /* from then on another account; 0 = never */
	int64_t reboot_us;    /* from a power cut until it is up again */
	int64_t concurrency;
	int64_t checkpoint_bytes;
	bool prepare;    /* claim and arm apart */
	bool with_model; /* somebody speaks, and is recorded */
	bool reads_all;  /* each process reads the personas from the disk */
	bool images;     /* sim_image.h */
	bool waits;      /* healing drains stay for what is due soon */
	struct sim_job jobs[SIM_JOBS_MAX];
	size_t job_count;
	struct sim_action acts[SIM_ACTS_MAX]; /* by time */
	size_t act_count;
	struct sim_spell spells[SIM_SPELLS_MAX];
	size_t spell_count;
	int64_t end_us; /* faults are over then */
	int64_t preempt_ppm;
	/* Given faults instead of chance. */
	bool given;
	/* Each one's gate counts from the fault before it, and it strikes at
	 * the first call from there on that can feel it. */
	bool slides;
	struct sim_fault faults[SIM_FAULTS_MAX];
	size_t fault_count;
	/* Ways to do it wrong: controls.  See sim_control.h. */
	unsigned wrong;
	bool controlled; /* by one of them, or the same run done right */
};

void sim_plan_make(struct sim_plan *plan, uint64_t seed);
/* For people: what is in it, one line each. */
void sim_plan_print(const struct sim_plan *plan);

const char *sim_actor_name(enum sim_actor actor);
const char *sim_deed_name(const struct sim_deed *d);

#endif
