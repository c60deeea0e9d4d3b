#ifndef DSRUN_CARRIER_SIM_H
#define DSRUN_CARRIER_SIM_H

#include <stdbool.h>

#include "base/env.h"
#include "base/err.h"

#include "carrier/carrier.h"
#include "conf/conf.h"

struct carrier_sim_personas;

/*
 * The built-in telephone network.  It stands outside of dsrun: its whole state
 * is a fold of its log DIR/calls.jsonl, the seed and the time.  Any number of
 * dsrun processes use one log at once, and any of them may die at any
 * instruction; the network goes on, and what is due is written, with its
 * rightful time, by whoever opens the log or looks at it next.
 *
 * So the log is the oracle of every test: a phone rang if and only if there is
 * a `placed` line.  docs/simulated-network.md describes it from the outside.
 *
 * What only a living process can tell the network is whether somebody speaks:
 * a call whose dsrun died, or let go of it, is hung up by its callee after the
 * persona's patience; a live one goes by the persona's script.
 *
 * The port's operations may be called from the loop's thread only.  They wait
 * for the log's lock, at most 10 s (all its holders need is some 20 us).  What
 * could not be written in that time has not happened: a dial is answered
 * NETWORK, a lookup ERR_BUSY.  A dial whose append itself failed is UNKNOWN.
 */

/*
 * Open, or found, the network in dir, and let all of env's time be the
 * network's (env_follow).  conf is needed only during the call, speech_dir may
 * be NULL (all callees are synthesised).  ERR_CONFIG: personas that cannot be
 * read, a settle time that does not cover latency, slowness and list lag, or a
 * log made with other parameters: the text names each with both values.
 * ERR_DAMAGED: the log holds what no network wrote.
 *
 * Release with out->ops->free: nothing calls back any more, and calls of this
 * process are alone from then on.
 */
enum err_code carrier_sim_open(struct env *env, const struct conf_sim *conf,
    const char *dir, const char *speech_dir, struct carrier *out,
    struct err *err);

/* The same; people are the caller's, who keeps them as they are until the
 * network is released.  Files are not read then.  NULL: as above. */
enum err_code carrier_sim_open_among(struct env *env,
    const struct conf_sim *conf, const struct carrier_sim_personas *people,
    const char *dir, const char *speech_dir, struct carrier *out,
    struct err *err);

/*
 * For commands that need only the clock: follow the network's time without
 * touching anything.  *found is false, and env as it was, when dir holds no
 * network yet.  After a reboot and before the next carrier_sim_open time
 * stands at the log's newest line plus what has passed since this call.
 */
enum err_code carrier_sim_peek(
    struct env *env, const char *dir, bool *found, struct err *err);

#endif
