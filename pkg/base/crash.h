#ifndef DSRUN_BASE_CRASH_H
#define DSRUN_BASE_CRASH_H

/*
 * A named place where the process may die.  Always compiled in, so that tests
 * run what ships; asleep, a visit costs one comparison.  Woken by
 *
 *   DSRUN_CRASH_AT=name:n        SIGKILL at the n-th visit of that point
 *   DSRUN_CRASH_AT=*:n           SIGKILL at the n-th visit of any point
 *   DSRUN_CRASH_AT=name:n:stop   SIGSTOP instead (the harness sends CONT)
 *   DSRUN_CRASH_TRACE=FILE       appends the name of each point visited
 *
 * What was written stays written, synced or not: a power cut is the disk
 * simulation's work.  May be called from any thread.
 *
 * Of the same kind is DSRUN_CLOCK_OFFSET_MS (net/net_env.h): a wall clock that
 * is wrong by so much and known to be unsynchronised.
 */
#define CRASH_POINT(name) crash_point(name)

void crash_point(const char *name);

/*
 * A simulation runs several instances in one process, so it decides itself
 * who dies: when set, fn is called instead of all of the above.
 */
void crash_hook(void (*fn)(void *arg, const char *name), void *arg);

#endif
