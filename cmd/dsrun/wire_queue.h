#ifndef DSRUN_CMD_WIRE_QUEUE_H
#define DSRUN_CMD_WIRE_QUEUE_H

#include "bull/bull.h"
#include "ctx.h"
#include "journal/journal.h"
#include "net/net_redis.h"
#include "run/run.h"

/* The queue that jobs come from and results go back to. */
struct wire_queue;

bool wire_queue_is_set(const struct conf *conf);

/* For those who only look: how it is reached (borrowed from the
 * configuration), and the queue on it; without a journal no lease is ours. */
struct net_redis_options wire_queue_redis(
    struct env *env, const struct conf_bull *b);
/* What the journal calls it as a source; mem_free. */
char *wire_queue_name(const struct conf_bull *b);
enum err_code wire_queue_bull(struct env *env, const struct conf_bull *b,
    const struct journal *journal, struct net_redis *redis, struct bull **out,
    struct err *err);

/* Begins to connect, waits for nothing.  ERR_CONFIG: an address that cannot
 * be. */
enum err_code wire_queue_open(struct ctx *ctx, const struct conf *conf,
    struct journal *journal, struct wire_queue **out, struct err *err);
void wire_queue_close(struct wire_queue **q); /* NULL-safe */

struct source *wire_queue_source(struct wire_queue *q);
const struct sink_pusher *wire_queue_sink(struct wire_queue *q);

#endif
