#ifndef DSRUN_CMD_WIRE_QUEUE_H
#define DSRUN_CMD_WIRE_QUEUE_H

#include "ctx.h"
#include "journal/journal.h"
#include "run/run.h"

/* The queue that jobs come from and results go back to. */
struct wire_queue;

bool wire_queue_is_set(const struct conf *conf);

/* Begins to connect, waits for nothing.  ERR_CONFIG: an address that cannot
 * be. */
enum err_code wire_queue_open(struct ctx *ctx, const struct conf *conf,
    struct journal *journal, struct wire_queue **out, struct err *err);
void wire_queue_close(struct wire_queue **q); /* NULL-safe */

struct source *wire_queue_source(struct wire_queue *q);
const struct sink_pusher *wire_queue_sink(struct wire_queue *q);

#endif
