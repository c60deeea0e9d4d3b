#ifndef DSRUN_TESTS_SIM_ENV_H
#define DSRUN_TESTS_SIM_ENV_H

#include "sim_machine.h"

/*
 * struct env of a simulated process: the machine's clock and disk, the
 * process's own timers and threads.  Every call goes through the gate first.
 */

/* Fill e for p; its speed is 0 until somebody follows the network's clock. */
void sim_env_init(struct sim_env *e, struct sim_process *p);
/* Timers that are due: the next of them, taken out; NULL: none. */
struct env_timer *sim_env_due(struct sim_process *p, bool any);
/* When the earliest is due; INT64_MAX: none. */
int64_t sim_env_next_us(const struct sim_process *p);
void sim_env_fini(struct sim_process *p);

#endif
