#ifndef DSRUN_NET_REDIS_URL_H
#define DSRUN_NET_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Where a Redis is and who we are there, as text says it. */

struct net_redis_address {
	char *host; /* a name, an IP address, or the path of a socket */
	int port;   /* 0: host is a path */
};

/* Zeroed is empty; fini is repeatable. */
void net_redis_address_fini(struct net_redis_address *a);
void net_redis_address_copy(
    struct net_redis_address *to, const struct net_redis_address *from);
bool net_redis_address_eq(
    const struct net_redis_address *a, const struct net_redis_address *b);

/* "host", "host:port", "[::1]:port", "::1"; ERR_CONFIG. */
enum err_code net_redis_address_parse(const char *text, size_t len,
    int default_port, struct net_redis_address *out, struct err *err);

/* "host:port", or the path: for texts.  Released by mem_free. */
char *net_redis_address_text(const struct net_redis_address *a);

struct net_redis_url {
	bool tls;
	struct net_redis_address at;
	int db;
	char *user, *password; /* NULL = none */
};

/*
 * The forms of net_redis.h; user, password and path may have %XX.  ERR_CONFIG
 * names what is wrong and shows no password.  fini wipes the password.
 */
enum err_code net_redis_url_parse(
    const char *text, struct net_redis_url *out, struct err *err);
void net_redis_url_fini(struct net_redis_url *u);

#endif
