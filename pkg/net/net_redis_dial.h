#ifndef DSRUN_NET_REDIS_DIAL_H
#define DSRUN_NET_REDIS_DIAL_H

#include <uv.h>

#include "base/env.h"
#include "base/err.h"

#include "net/net_redis_url.h"

/*
 * A descriptor that is watched by libuv's loop.  libuv wants its handle until
 * a later turn, so it lies on the heap and closes by itself: after _close no
 * callback comes, and the caller may close the descriptor at once.
 */
struct net_redis_watch;

/* Does not keep the loop running.  ERR_IO when libuv cannot. */
enum err_code net_redis_watch_open(struct env *env, int fd,
    void (*fn)(void *arg, int events), void *arg, struct net_redis_watch **out,
    struct err *err);
/* UV_READABLE and UV_WRITABLE. */
void net_redis_watch_set(struct net_redis_watch *w, int events);
void net_redis_watch_close(struct net_redis_watch **w); /* NULL-safe */

/*
 * Connects to a name, an address or a path, without waiting: a name's
 * addresses are tried one after the other, from the turn-th on.  done() comes
 * once, from the loop and as the last of its turn: fd is the caller's
 * (non-blocking, closed on exec), or -1 with the last address's error,
 * ERR_UNREACHABLE.  No deadline here: who waits too long closes it.
 */
struct net_redis_dial;

struct net_redis_dial *net_redis_dial_open(struct env *env,
    const struct net_redis_address *at, unsigned turn,
    void (*done)(void *arg, int fd, const struct err *err), void *arg);
/* Also from done(); NULL-safe. */
void net_redis_dial_close(struct net_redis_dial **d);

#endif
