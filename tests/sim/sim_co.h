#ifndef DSRUN_TESTS_SIM_CO_H
#define DSRUN_TESTS_SIM_CO_H

#include <stdbool.h>

/*
 * Coroutines: the threads of the simulated processes, all on one real thread.
 * One runs until it gives way by itself, so nothing is ever at the same time
 * and a run can be repeated.  Stacks are kept for the next coroutine.
 */

#define SIM_CO_STACK_BYTES (512U * 1024U)

struct sim_co;

/* fn begins with the first resume; when it returns the coroutine is over. */
struct sim_co *sim_co_new(void (*fn)(void *arg), void *arg);
/* From outside of any coroutine: run it until it yields or is over. */
void sim_co_resume(struct sim_co *c);
/* From inside one: back to who resumed it. */
void sim_co_yield(void);
bool sim_co_over(const struct sim_co *c);
/* The one that runs; NULL: none. */
struct sim_co *sim_co_running(void);
/* Only when it is over, or never began.  NULL-safe, sets NULL. */
void sim_co_free(struct sim_co **c);

#endif
