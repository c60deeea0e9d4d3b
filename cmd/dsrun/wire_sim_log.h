#ifndef DSRUN_CMD_WIRE_SIM_LOG_H
#define DSRUN_CMD_WIRE_SIM_LOG_H

#include "base/env.h"

#include "run/run_check.h"

/*
 * The simulated network's log, as the check wants to be told of a network: for
 * `dsrun check` and for the simulator of tests/sim.
 */

/*
 * *out reads the log at path anew each time it is asked; without such a file
 * it says why there is nothing.  Release with wire_sim_log_free, also after an
 * error.
 */
enum err_code wire_sim_log(struct env *env, const char *path,
    struct run_check_network *out, struct err *err);
void wire_sim_log_free(struct run_check_network *network);

#endif
