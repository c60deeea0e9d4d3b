#ifndef DSRUN_TESTS_SIM_CONTROL_H
#define DSRUN_TESTS_SIM_CONTROL_H

#include "base/env.h"

#include "journal/journal.h"
#include "sim_plan.h"

/*
 * Negative controls: dsruns that do one thing wrong, so that it is seen that
 * the harness sees a double call.  What is wrong is put between the ports and
 * dsrun, never into dsrun: the program under test is the one that ships.
 * (NO_SETTLE is a carrier that goes between, sim_carrier.h.)
 */

enum sim_wrong {
	/* A reaper gives live attempts back after a lease of wall time. */
	SIM_WRONG_LEASE = 1,
	/* The carrier is asked at once, without settle time. */
	SIM_WRONG_NO_SETTLE = 2,
	/* Locks of a stopped process protect nothing. */
	SIM_WRONG_NO_LOCK = 4,
	/* Settle is counted from the intent. */
	SIM_WRONG_SETTLE_WALL = 8,
	/* The key is sent again after the carrier forgot it. */
	SIM_WRONG_KEY_FORGOTTEN = 16,
	/* synchronous=NORMAL, and the power is cut. */
	SIM_WRONG_NORMAL = 32,
	/* A restored backup is accepted unlooked. */
	SIM_WRONG_RESTORE = 64
};

/* After a restore: RESTORE accepts the incarnation at once. */
enum err_code sim_control_after_restore(
    unsigned wrong, struct env *env, struct err *err);

/*
 * Before a run begins, by an open journal of whoever stands outside: LEASE
 * gives every attempt back that was armed LEASE_MS ago and of which no call is
 * known; SETTLE_WALL takes the settle time of those off that were armed that
 * long ago.
 */
#define SIM_LEASE_MS 10000
enum err_code sim_control_before_run(
    unsigned wrong, struct journal *j, struct env *env, struct err *err);

/* The faults that bring a mistake to light. */
void sim_control_tune(struct sim_plan *plan);

/* "lease expired, run again" ...; NULL behind the last. */
struct sim_control_name {
	unsigned wrong;
	const char *name;
};
extern const struct sim_control_name sim_control_names[];

#endif
