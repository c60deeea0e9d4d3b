#ifndef DSRUN_TESTS_SIM_SHRINK_H
#define DSRUN_TESTS_SIM_SHRINK_H

#include "base/buf.h"

#include "sim_world.h"

/*
 * From a run that failed to the smallest one found that fails in the same way:
 * its faults are written down as a list, and then faults, jobs, acts and the
 * turns that threads take are left out, one after the other, as long as it
 * still fails (Zeller's ddmin, greedy, at most SIM_SHRINK_RUNS runs).
 *
 * Each run is made in a process of its own, for a dsrun that errs may well end
 * in a CHECK, which is a failure like any other.
 */

#define SIM_SHRINK_RUNS 400

/* plan: as its seed makes it; it becomes the small one, and failure its words.
 * told is called with the failure as it was, before anything is left out.
 * False: it does not fail. */
bool sim_shrink(const struct sim_stage *stage, struct sim_plan *plan,
    char failure[SIM_FAILURE_MAX], bool small,
    void (*told)(const struct sim_plan *plan, const char *failure));

/* The words after `sim run` that make this plan again, and back.  False: they
 * cannot be read. */
void sim_shrink_words(const struct sim_plan *plan, struct buf *out);
bool sim_shrink_read(
    struct sim_plan *plan, int argc, char *const *argv, const char **wrong);

#endif
