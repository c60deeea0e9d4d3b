#ifndef DSRUN_TESTS_SIM_RAND_H
#define DSRUN_TESTS_SIM_RAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Chance from a seed: SplitMix64 (Steele, Lea and Flood, 2014).  One stream
 * for each thing that is decided, so that a change in one place leaves the
 * others' choices as they were.
 */

struct sim_rand {
	uint64_t state;
};

static inline uint64_t
sim_rand_next(struct sim_rand *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A stream of its own for the purpose `what` of seed. */
static inline struct sim_rand
sim_rand_of(uint64_t seed, uint64_t what)
{
	struct sim_rand r = {seed * UINT64_C(0xd1342543de82ef95) + what};

	(void)sim_rand_next(&r);
	return r;
}

/* 0 <= x < n; n > 0. */
static inline int64_t
sim_rand_below(struct sim_rand *r, int64_t n)
{
	return (int64_t)(sim_rand_next(r) % (uint64_t)n);
}

static inline int64_t
sim_rand_between(struct sim_rand *r, int64_t low, int64_t high)
{
	return low + sim_rand_below(r, high - low + 1);
}

/* True n times out of a million. */
static inline bool
sim_rand_ppm(struct sim_rand *r, int64_t n)
{
	return sim_rand_below(r, 1000000) < n;
}

static inline void
sim_rand_bytes(struct sim_rand *r, void *bytes, size_t len)
{
	uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)sim_rand_next(r);
}

#endif
