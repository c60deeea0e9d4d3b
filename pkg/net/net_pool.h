#ifndef DSRUN_NET_POOL_H
#define DSRUN_NET_POOL_H

#include <stddef.h>

#include "base/env.h"
#include "base/err.h"

/*
 * Threads for work that takes long or blocks: a library that waits for its
 * network (libmongoc), encoding a recording.  The journal's writer is not
 * made to wait for these.
 *
 * A pool belongs to one real env (net_env_open) and its thread, which closes
 * it before the env; threads begin with the first work.  Work is a struct
 * env_work: run() on one of the threads, then done() from the loop, which runs
 * on while something is pending.  In the order submitted with one thread;
 * with more only the beginning is in order.  net_env_drain does not wait for
 * a pool.
 */

struct net_pool;

/* threads 1 to 64.  ERR_IO when the kernel refuses. */
enum err_code net_pool_open(
    struct env *env, size_t threads, struct net_pool **out, struct err *err);

void net_pool_submit(struct net_pool *p, struct env_work *w);

/* Submitted, and done() not called. */
size_t net_pool_pending(const struct net_pool *p);

/*
 * Waits for the work that has begun and ends the threads; what has not begun
 * is dropped; neither calls done() any more.  Also from a done().  NULL-safe.
 */
void net_pool_close(struct net_pool **p);

#endif
