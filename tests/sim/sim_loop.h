#ifndef DSRUN_TESTS_SIM_LOOP_H
#define DSRUN_TESTS_SIM_LOOP_H

#include "sim_world.h"

/*
 * The fault loops: one small scenario, and one fault at its n-th external
 * call, for n = 1, 2, 3 ... until the scenario has no more; each run heals and
 * is checked like any other.
 */

struct sim_loop_options {
	int64_t every;     /* takes every so manieth place; 1 = all */
	int64_t offset;    /* from which it begins */
	const char *fault; /* only this one; NULL = all */
	int cls;           /* only this class; -1 = all */
	int64_t at;        /* only this place; 0 = all */
	bool verbose;
};

struct sim_loop_result {
	int64_t runs, failed;
	int64_t both; /* pairs: runs in which both faults struck */
};

void sim_loop_run(const struct sim_stage *stage,
    const struct sim_loop_options *o, struct sim_loop_result *out);

/* The scenario once, without faults, to learn from (sim_image.h). */
void sim_loop_learn(const struct sim_stage *stage);

/* Pairs drawn from seeds: a second fault while the first is recovered from.
 * Seeds first, first + step ... below first + count. */
void sim_loop_pairs(const struct sim_stage *stage, uint64_t first,
    uint64_t count, uint64_t step, struct sim_loop_result *out);

/* The words after `sim` that repeat what runs now, for one that is ended by a
 * CHECK. */
extern char sim_again[4096];

/* What is wrong in the controls must be seen within so many seeds. */
#define SIM_CONTROL_SEEDS 500
/* How many of them were not seen; each is printed with the seed that shows it.
 */
int sim_loop_controls(const struct sim_stage *stage);

#endif
