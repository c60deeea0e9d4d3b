#ifndef DSRUN_NET_ENV_H
#define DSRUN_NET_ENV_H

#include "base/env.h"
#include "base/err.h"

/*
 * The real world behind struct env: libuv's loop, the kernel's clocks, files
 * and locks.  cmd/ and tests open one, everything below sees struct env.
 *
 * One env belongs to the thread that opened it; a child made by fork must
 * open its own.  Timers are driven by one timerfd on CLOCK_BOOTTIME and not by
 * libuv's own, whose grain of 1 ms would be 100 s of a network that runs at
 * 100,000 times the real speed.
 *
 * The environment variable DSRUN_CLOCK_OFFSET_MS (a whole number, always
 * looked at, absent outside of tests) moves the wall clock by that much and
 * makes it unsynchronised; ERR_CONFIG when it is no number.
 */

/* Release with net_env_close.  ERR_IO when the kernel refuses. */
enum err_code net_env_open(struct env **out, struct err *err);

/*
 * NULL-safe; sets the caller's pointer to NULL.  Work that was submitted is
 * run to its end, but its done() is no longer called; timers and posts are
 * forgotten without being touched, so their owners may be gone by now.
 */
void net_env_close(struct env **env);

/*
 * Run callbacks until net_env_stop, or until no timer, post or work is left.
 * Watched signals alone do not keep it running.  Not from a callback.
 */
void net_env_run(struct env *env);

/* After the present callback; before a run: that run ends at once. */
void net_env_stop(struct env *env);

/*
 * For tests: run until no post, no work and no timer that is due already is
 * left; timers of the future stay.  Also ended by net_env_stop.
 */
void net_env_drain(struct env *env);

/*
 * From now on TERM, INT, HUP and USR1 call fn from the loop instead of ending
 * the process; fn NULL gives them back their default.  ERR_IO when refused.
 */
enum err_code net_env_on_signal(struct env *env, void (*fn)(void *arg, int sig),
    void *arg, struct err *err);

#endif
