#ifndef DSRUN_NET_REDIS_TLS_H
#define DSRUN_NET_REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * TLS as a filter between bytes and bytes: it knows no socket, so that who
 * owns one decides what was sent.  OpenSSL 3, loaded when the first context is
 * made (linked it would double the start of a cron tick).
 *
 * TLS 1.2 at least; the peer's chain must lead to the CA and its certificate
 * must be for the host.  There is no way to leave that out.
 */

struct net_redis_tls_context;
struct net_redis_tls;

/*
 * Reads the PEM files, which is the one time that it waits for a disk.  ca
 * NULL: the system's; cert and key both or none.  ERR_CONFIG names the file.
 */
enum err_code net_redis_tls_context_new(const char *ca, const char *cert,
    const char *key, struct net_redis_tls_context **out, struct err *err);
void net_redis_tls_context_free(struct net_redis_tls_context **c);

/* A client's side of a connection to host, a name or an IP address. */
enum err_code net_redis_tls_new(struct net_redis_tls_context *c,
    const char *host, struct net_redis_tls **out, struct err *err);
void net_redis_tls_free(struct net_redis_tls **t);

/* What the peer sent; copied. */
void net_redis_tls_feed(struct net_redis_tls *t, const void *bytes, size_t len);
/* What must be sent to it; 0 = nothing now. */
size_t net_redis_tls_take(struct net_redis_tls *t, void *bytes, size_t max);

/* As far as it gets with what was fed; *done once data may go. */
enum err_code net_redis_tls_shake(
    struct net_redis_tls *t, bool *done, struct err *err);

/* After that.  *got 0 = nothing more now; *ended: the peer said good-bye. */
enum err_code net_redis_tls_read(struct net_redis_tls *t, void *bytes,
    size_t max, size_t *got, bool *ended, struct err *err);
enum err_code net_redis_tls_write(
    struct net_redis_tls *t, const void *bytes, size_t len, struct err *err);

#endif
