#ifndef DSRUN_SINK_REFUSED_H
#define DSRUN_SINK_REFUSED_H

#include "base/env.h"
#include "base/err.h"

#include "sink/sink_push.h"

/*
 * In place of a sink that the configuration names and that cannot be opened:
 * every push is told why, a fault of the set-up.  Its rows stay and say so, the
 * run ends with that error, and every other sink gets its results.
 *
 * name and service are borrowed, why is copied.  Freed by its ops->free.
 */
struct sink_pusher *sink_refused_new(struct env *env, const char *name,
    const char *service, const struct err *why);

#endif
