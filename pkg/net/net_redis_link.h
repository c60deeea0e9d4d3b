#ifndef DSRUN_NET_REDIS_LINK_H
#define DSRUN_NET_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/list.h"

#include "net/net_redis_reply.h"
#include "net/net_redis_tls.h"
#include "net/net_redis_url.h"

/*
 * One connection to one server, from its name to its end: it resolves,
 * connects, shakes hands, sends commands one behind the other and gives each
 * its reply.  It knows no deadline, does nothing a second time and ends with
 * its first error; who owns it decides what then.
 *
 * It never waits: names by libuv's threads, everything else by uv_poll.  An
 * idle link does not keep the loop running.
 */

/* A command as it travels.  Its maker frees it (net_redis_flight_free). */
struct net_redis_flight {
	struct list node;
	char *wire;
	size_t len;
	/* Its last byte was given to the kernel, or to TLS: it may have reached
	 * the server.  Without its last byte no server does it. */
	bool sent;
	struct net_redis_link *on; /* NULL: on none */
	struct net_redis_reply *reply;

	/* The owner's. */
	int step; /* what it is for; 0 = a user's command */
	struct net_redis_command *command; /* NULL: nobody waits for it */
	struct net_redis_script *script;   /* NULL: none, or sent whole */
	struct net_redis_script *whole;    /* which, then */
	bool again;                        /* asked for by its hash once more */
	size_t tail; /* of wire: where what follows the script's hash begins */
	int64_t deadline_ms; /* real BOOTTIME */
	int redirects;
};

/* args as RESP; ERR_MALFORMED above 512 MB. */
enum err_code net_redis_flight_new(const struct net_redis_arg *args,
    size_t count, struct net_redis_flight **out, struct err *err);
void net_redis_flight_free(struct net_redis_flight **f); /* NULL-safe */
void net_redis_flight_free_all(struct list *flights);

struct net_redis_link;

/* Called from the loop, never from a call of the owner. */
struct net_redis_link_ops {
	/* Commands put earlier go out now. */
	void (*opened)(void *arg);
	/* f is the owner's again, with its reply. */
	void (*replied)(void *arg, struct net_redis_flight *f);
	/* What nobody asked for, such as a message of a channel.  NULL: it is
	 * an error. */
	void (*heard)(void *arg, const struct net_redis_value *v);
	/* The end, once; the link's flights are there to be taken. */
	void (*failed)(void *arg, const struct err *err);
	/* Last of each turn, with `root`: the link is not touched after it, so
	 * users may be called who do what they like. */
	void (*settled)(void *root);
};

struct net_redis_link_options {
	struct env *env;
	const struct net_redis_address *at; /* copied */
	struct net_redis_tls_context *tls;  /* NULL = none; borrowed */
	size_t reply_max;
	/* Of several addresses of a name the one to begin with, counted round:
	 * after one that does not answer, take the next. */
	unsigned turn;
	const struct net_redis_link_ops *ops;
	void *arg;
	void *root;
};

struct net_redis_link *net_redis_link_open(
    const struct net_redis_link_options *o);
/* Frees the flights that were not taken.  NULL-safe. */
void net_redis_link_close(struct net_redis_link **l);

/* The link owns f until its reply. */
void net_redis_link_put(struct net_redis_link *l, struct net_redis_flight *f);
/* All that have no reply, in order; read only. */
const struct list *net_redis_link_flights(const struct net_redis_link *l);
/* Moves them all to the end of `to`; only of a link that is closed next. */
void net_redis_link_take(struct net_redis_link *l, struct list *to);
/* Takes out one of which no byte has gone; false: it must wait. */
bool net_redis_link_drop(struct net_redis_link *l, struct net_redis_flight *f);

#endif
