#ifndef DSRUN_NET_REDIS_REPLY_H
#define DSRUN_NET_REDIS_REPLY_H

#include <stddef.h>

#include "base/err.h"

#include "net/net_redis.h"

/*
 * Bytes of a server into replies: hiredis's reader, and limits that it has
 * not: what a reply takes in memory (48 bytes a value besides its bytes), a
 * length that is announced, and lines that do not end.  A reply that would be
 * too large is refused when its length is read, not when it has come.
 *
 * Of a nesting the reader takes seven levels.  RESP2 only.
 */

/* One reply and all its memory. */
struct net_redis_reply;

const struct net_redis_value *net_redis_reply_value(
    const struct net_redis_reply *r);
void net_redis_reply_free(struct net_redis_reply **r); /* NULL-safe */

struct net_redis_parser;

struct net_redis_parser *net_redis_parser_new(size_t reply_max);
void net_redis_parser_free(struct net_redis_parser **p); /* NULL-safe */

/* What came in any pieces; the bytes are copied. */
void net_redis_parser_feed(
    struct net_redis_parser *p, const void *bytes, size_t len);

/*
 * The next whole reply, in order; *out is NULL when more bytes are needed.
 * ERR_MALFORMED: no RESP, or too large; then nothing more comes of it.
 */
enum err_code net_redis_parser_next(
    struct net_redis_parser *p, struct net_redis_reply **out, struct err *err);

#endif
