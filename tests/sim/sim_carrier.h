#ifndef DSRUN_TESTS_SIM_CARRIER_H
#define DSRUN_TESTS_SIM_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"

#include "carrier/carrier.h"

/*
 * A carrier that goes between dsrun and the network, for what real ones do and
 * the built-in one does not: ask with another account, which is told nothing of
 * calls that it did not place; list a call later than was promised; and, for a
 * control, promise more than is kept.
 */

#define SIM_KEYS_MAX 256

/* Which account placed what: the carrier's own memory, for all processes. */
struct sim_accounts {
	char key[SIM_KEYS_MAX][65];
	int account[SIM_KEYS_MAX];
	size_t count;
};

struct sim_carrier_options {
	struct env *env; /* whose clock is the network's */
	struct sim_accounts *accounts;
	int account;          /* by which this process asks; 0 = the only one */
	int64_t list_late_ms; /* a call younger than this is in no list */
	bool no_settle;
};

struct sim_carrier {
	struct carrier carrier;
	const struct carrier *real;
	struct sim_carrier_options o;
};

/*
 * The carrier to use: real itself when nothing is to be different.  c and real
 * must outlive it; its free is real's and the caller's to call.
 */
struct carrier *sim_carrier_between(struct sim_carrier *c, struct carrier *real,
    const struct sim_carrier_options *o);

#endif
