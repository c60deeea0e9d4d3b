#ifndef DSRUN_TESTS_SIM_CARRIER_H
#define DSRUN_TESTS_SIM_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/list.h"

#include "carrier/carrier.h"

/*
 * A carrier that goes between dsrun and the network, for what real ones do and
 * the built-in one does not: be out of reach for a while, so that a question,
 * a hang-up, a callback or its receipt is lost, and a dial, or its answer; ask
 * with another account, which is told nothing of calls that it did not place;
 * list a call later than was promised; and, for a control, promise more than
 * is kept.
 *
 * Each of its calls asks the gate (sim_gate.h) and may be ordered LOST; a dial
 * MUTE too: it is done, and its answer lost.
 */

#define SIM_KEYS_MAX 256

/* Which account placed what: the carrier's own memory, for all processes. */
struct sim_accounts {
	char key[SIM_KEYS_MAX][65];
	int account[SIM_KEYS_MAX];
	size_t count;
};

struct sim_carrier_options {
	struct sim_process *p; /* who asks */
	struct env *env;       /* whose clock is the network's: its line */
	struct sim_accounts *accounts;
	int account;          /* by which this process asks; 0 = the only one */
	int64_t list_late_ms; /* a call younger than this is in no list */
	bool no_settle;
};

struct sim_carrier {
	struct carrier carrier;
	const struct carrier *real;
	struct sim_carrier_options o;
	struct list dials; /* of which the answer, or all, is lost */
	void (*notice)(void *arg, const struct carrier_notice *n);
	void *notice_arg;
};

/*
 * The carrier to use.  c and real must outlive it; its free is real's and the
 * caller's to call, once nothing is asked any more.
 */
struct carrier *sim_carrier_between(struct sim_carrier *c, struct carrier *real,
    const struct sim_carrier_options *o);

#endif
