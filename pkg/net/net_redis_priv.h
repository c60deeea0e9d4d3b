#ifndef DSRUN_NET_REDIS_PRIV_H
#define DSRUN_NET_REDIS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/list.h"
#include "base/mem.h"

#include "net/net_redis.h"
#include "net/net_redis_link.h"
#include "net/net_redis_tls.h"
#include "net/net_redis_url.h"

/*
 * What the files of net_redis share.
 *
 * net_redis.c        options, commands, deadlines, calling back
 * net_redis_state.c  when to connect, what becomes of the flights of a link
 * net_redis_greet.c  AUTH, SELECT, SETNAME, INFO; who is it?
 * net_redis_find.c   the sentinels
 * net_redis_route.c  what a reply asks for: MOVED, ASK, NOSCRIPT
 *
 * A flight is in one place at a time: waiting, on a link, aside (for ASK),
 * moved, or finished.  Nothing calls a user but net_redis_deliver, which is
 * the last thing of each turn of the loop: there a user may close it all.
 */

#define NET_REDIS_SENTINELS_MAX 16
#define NET_REDIS_NODES_MAX 32

enum net_redis_phase {
	NET_REDIS_DOWN,    /* the timer says when it is tried again */
	NET_REDIS_FINDING, /* asks the sentinels */
	NET_REDIS_JOINING, /* connects and greets */
	NET_REDIS_UP,
	NET_REDIS_LEAVING /* UP, but new commands wait for another server */
};

struct net_redis_find;

struct net_redis {
	struct env *env;
	struct net_redis_url url;
	char *shown; /* the url, without its password */
	char *name;
	char *sentinel_master, *sentinel_user, *sentinel_password;
	struct net_redis_address sentinels[NET_REDIS_SENTINELS_MAX];
	size_t sentinel_count;
	struct net_redis_tls_context *tls;
	int64_t connect_ms, command_ms;
	size_t reply_max, pipeline_max;
	void (*changed)(void *arg, struct net_redis *r);
	void *arg;

	enum net_redis_phase phase;
	bool refind; /* LEAVING a server that is no master: ask who is */
	struct net_redis_address at; /* where the link leads, or will */
	struct net_redis_address nodes[NET_REDIS_NODES_MAX]; /* of a Cluster */
	size_t node_count;
	size_t node_next; /* to try when `at` is away */
	unsigned turn;    /* attempts since it was up */
	struct net_redis_link *link;
	struct net_redis_find *find;
	size_t greetings; /* replies that are missing until it is up */
	bool cluster;

	struct net_redis_link *side; /* for ASK */
	struct net_redis_address side_at;

	struct list waiting;  /* flights that are on no link */
	struct list moved;    /* those that LEAVING will begin with */
	struct list finished; /* their command says how */
	struct list round;    /* those that are called back now */
	size_t count;         /* all flights of users */
	struct env_timer
	    attempt; /* DOWN: next try; FINDING, JOINING: its end */
	struct env_timer deadline;
	int64_t deadline_at; /* of the timer; 0 = not running */
	struct env_post post;
	int64_t delay_ms;

	struct err why;
	bool in_vain; /* a command waited its time; until it is up again */
	char run_id[41], role[16], version[24], policy[24];
	int64_t epoch;
	bool notify; /* changed() is owed */
	bool delivering;
	bool closed;
};

/* Calls back what is finished, then makes sure of what must go on. */
void net_redis_deliver(struct net_redis *r);
/* ERR_NONE: f->reply is the answer; else err. */
void net_redis_finish(struct net_redis *r, struct net_redis_flight *f,
    enum err_code code, const struct err *err);
/* c, as f, sets out; an err that is set ends it at once (f may be NULL). */
void net_redis_start(struct net_redis *r, struct net_redis_command *c,
    struct net_redis_flight *f, const struct err *err);
void net_redis_begin_command(struct net_redis *r, struct net_redis_command *c);

static inline struct net_redis_flight *
net_redis_flight_of(struct list *node)
{
	return CONTAINER_OF(node, struct net_redis_flight, node);
}

/* state.c */
void net_redis_begin(struct net_redis *r);
/* Connects to r->at. */
void net_redis_join(struct net_redis *r);
void net_redis_is_joined(struct net_redis *r);
/* An attempt came to nothing, or the link broke: again after a pause. */
void net_redis_lost(struct net_redis *r, const struct err *err);
void net_redis_side_lost(struct net_redis *r, const struct err *err);
/* Commands wait from now on, and go elsewhere once the link is empty. */
void net_redis_leave(struct net_redis *r);
/* Idempotent: what may go now goes. */
void net_redis_poke(struct net_redis *r);
/* Closes every link; what was on them is put back. */
void net_redis_stop(struct net_redis *r);
void net_redis_on_attempt(struct env_timer *t);

/* greet.c: the steps of flights that are no user's. */
enum net_redis_step {
	NET_REDIS_USER,
	NET_REDIS_AUTH,
	NET_REDIS_SELECT,
	NET_REDIS_NAME,
	NET_REDIS_INFO_SERVER,
	NET_REDIS_INFO_REPLICATION,
	NET_REDIS_INFO_MEMORY,
	NET_REDIS_SLOTS,
	NET_REDIS_ASKING,
	NET_REDIS_MASTER_ADDR,
	NET_REDIS_MASTER,
	NET_REDIS_SUBSCRIBE
};
/* A flight of our own onto l: words, ended by NULL. */
void net_redis_say(struct net_redis_link *l, enum net_redis_step step,
    const char *const *words);
void net_redis_say_auth(
    struct net_redis_link *l, const char *user, const char *password);
void net_redis_greet(struct net_redis *r);
void net_redis_greeted(struct net_redis *r, struct net_redis_flight *f);

/* find.c */
void net_redis_find_open(struct net_redis *r);
void net_redis_find_late(struct net_redis *r); /* with what there is */
/* Do they still name r->at?  If not, r leaves it.  Those that are away are
 * asked again, every two seconds at most. */
void net_redis_find_look(struct net_redis *r);
void net_redis_find_close(struct net_redis_find **f);

/* route.c */
void net_redis_replied(
    struct net_redis *r, struct net_redis_link *l, struct net_redis_flight *f);

/* script.c: makes of an EVALSHA an EVAL. */
void net_redis_flight_whole(struct net_redis_flight *f);
void net_redis_sha1_hex(const char *text, size_t len, char out[41]);

/* check.c: of an error's text. */
enum err_code net_redis_error_code(const char *text);

#endif
