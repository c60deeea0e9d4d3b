#ifndef DSRUN_CARRIER_SIM_FATE_H
#define DSRUN_CARRIER_SIM_FATE_H

#include <stdint.h>

/*
 * What chance has in store for a request: pure functions of the seed, the
 * attempt's key and the number of earlier requests with that key, so that a
 * run can be repeated and every process that reads the log knows the same.
 */
#define CARRIER_SIM_KEY_ID 16

/* All requests with one key. */
struct carrier_sim_key_fate {
	uint8_t id[CARRIER_SIM_KEY_ID]; /* stands for the key in memory */
	uint64_t base;
};

/* Each draw is independent of the others.  Add at the end only: the numbers
 * belong to the outcome of every recorded run. */
enum carrier_sim_draw {
	CARRIER_SIM_DRAW_LOST,
	CARRIER_SIM_DRAW_ANSWER_LOST,
	CARRIER_SIM_DRAW_ERROR,
	CARRIER_SIM_DRAW_SLOW,
	CARRIER_SIM_DRAW_FORGOTTEN,
	CARRIER_SIM_DRAW_DUPLICATE, /* + number of the notice, 1 to 3 */
	CARRIER_SIM_DRAW_LATE = CARRIER_SIM_DRAW_DUPLICATE + 4, /* likewise */
	CARRIER_SIM_DRAW_PERSONA = CARRIER_SIM_DRAW_LATE + 4,
	CARRIER_SIM_DRAW_RING,
	CARRIER_SIM_DRAW_PATIENCE,
	CARRIER_SIM_DRAW_SERVED,
	CARRIER_SIM_DRAW_SCRIPT /* + number of the chance in this call */
};

void carrier_sim_fate_of_key(
    int64_t seed, const char *key, struct carrier_sim_key_fate *out);

/* The call's number and the source of its draws; nth counts from 0. */
uint64_t carrier_sim_fate_call(
    const struct carrier_sim_key_fate *key, unsigned nth);
uint64_t carrier_sim_fate_draws(
    const struct carrier_sim_key_fate *key, unsigned nth);

/* Evenly from [0, 1), and from lo to hi with both ends. */
double carrier_sim_draw(uint64_t draws, unsigned what);
int64_t carrier_sim_draw_range(
    uint64_t draws, unsigned what, int64_t lo, int64_t hi);

#endif
