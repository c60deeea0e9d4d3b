#ifndef DSRUN_TESTS_SIM_SCENE_H
#define DSRUN_TESTS_SIM_SCENE_H

#include "sim_plan.h"

/*
 * Scenes: plans in which one guard of dsrun is what everything depends on.
 *
 * Chance alone seldom brings about what a guard is for, such as a key that is
 * asked for after its carrier forgot it.  So in some seeds the plan is made
 * over: the fault strikes at the place that counts, and who comes next comes at
 * the moment that counts.  dsrun must keep every promise in them as in others;
 * tests/mutate/guards.py shows that it would not, were the guard not there.
 */

/* How many seeds in a million have a scene. */
#define SIM_SCENE_PPM 250000

/* By the plan's seed; most often nothing. */
void sim_scene_tune(struct sim_plan *plan);

#endif
