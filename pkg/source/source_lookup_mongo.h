#ifndef DSRUN_SOURCE_LOOKUP_MONGO_H
#define DSRUN_SOURCE_LOOKUP_MONGO_H

#include "base/env.h"

#include "mongo/mongo.h"
#include "source/source_lookup.h"

/*
 * Campaigns and contacts from MongoDB, one query an ask, on a thread of its
 * own.  libmongoc is loaded and the server looked for by the first ask: a run
 * that asks nothing costs nothing.
 *
 * What cannot be asked takes up to serverSelectionTimeoutMS (5 s), or, of a
 * server that hangs, socketTimeoutMS (20 s).
 */

/* options is copied, what it points at is borrowed until free. */
struct source_lookup *source_lookup_mongo_new(
    struct env *env, const struct mongo_options *options);
/* Waits for a query under way; its ask never calls back.  NULL-safe. */
void source_lookup_mongo_free(struct source_lookup **l);

#endif
