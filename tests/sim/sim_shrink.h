#ifndef DSRUN_TESTS_SIM_SHRINK_H
#define DSRUN_TESTS_SIM_SHRINK_H

#include "base/buf.h"

#include "sim_world.h"

/*
 * From a run that failed to the smallest one found that fails in the same way:
 * its faults are written down as a list, and then faults, jobs, acts and the
 * turns that threads take are left out, one after the other, as long as it
 * still fails (Zeller's ddmin, greedy, at most SIM_SHRINK_RUNS runs).
 */

#define SIM_SHRINK_RUNS 400

/* failed: the world of that run, not yet freed.  plan becomes the small one;
 * failure its words. */
void sim_shrink(const struct sim_stage *stage, struct sim_plan *plan,
    const struct sim_world *failed, char failure[SIM_FAILURE_MAX]);

/* The words after `sim run` that make this plan again, and back.  False: they
 * cannot be read. */
void sim_shrink_words(const struct sim_plan *plan, struct buf *out);
bool sim_shrink_read(
    struct sim_plan *plan, int argc, char *const *argv, const char **wrong);

#endif
