#ifndef DSRUN_NET_REDIS_H
#define DSRUN_NET_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/list.h"

/*
 * A connection to Redis on the env's loop: hiredis's formatter and reader over
 * a plain, UNIX or OpenSSL socket (Debian 12's hiredis 0.14 has no TLS).
 *
 *   redis://[user[:password]@]host[:port][/db]
 *   rediss://...                        TLS >= 1.2, name and chain verified
 *   unix:///path[?db=N]  or redis+unix://
 *   sentinels: "host:port,host:port" and the master's name; of the url then
 *   only scheme, user, password and database count.  All are asked at once,
 *   the majority's word is taken, and what they name must say that it is
 *   master.  They are listened to: a master that most of them have left is
 *   left too
 *   a Cluster's MOVED and ASK are followed, five times a command: all commands
 *   on one connection belong to one hash tag, so one node is right at a time
 *
 * Commands are pipelined and answered in order, but for those that are
 * redirected or a script sent again: they come behind what was sent meanwhile.
 * A connection that breaks is made again with a delay that doubles from 200 ms
 * to 2 s (seed_numbers).  Of what was under way then, commands whose last byte
 * had left fail with ERR_UNREACHABLE and `sent`: they may have reached the
 * server.  The others wait for the next connection.  Nothing is sent twice,
 * unless the server said that it did not do it.
 *
 * While a Cluster's slot is being moved, a script that makes up names of keys
 * would meet half of them, and be stopped in its middle ("ERR ... non local
 * key") with what it wrote before.  One that `stays` is not: see below.
 *
 * It never waits, but for the files of certificates when it is opened.  While
 * it is not up it keeps the loop running; idle and up it does not.
 *
 * One connection belongs to one real env and its thread.
 */

struct net_redis;

struct net_redis_options {
	struct env *env;
	const char *url;       /* ERR_CONFIG when it cannot be read */
	const char *sentinels; /* NULL = none */
	const char *sentinel_master;
	const char *sentinel_user, *sentinel_password; /* NULL = none */
	const char *user, *password; /* when the url has none; NULL = none */
	const char *ca_file;         /* PEM; NULL = the system's */
	const char *client_cert, *client_key; /* PEM; NULL = none */
	const char *name;                     /* CLIENT SETNAME; NULL = none */
	int64_t connect_ms;  /* TCP, TLS, AUTH, SELECT; 0 = 3 s */
	int64_t command_ms;  /* from net_redis_send to answered; 0 = 10 s */
	size_t reply_max;    /* memory of one reply, 48 bytes a value besides
			      * its text; 0 = 64 MB */
	size_t pipeline_max; /* commands waiting and in flight; 0 = 1,024 */
	/* Every state change, from the loop; may be NULL. */
	void (*changed)(void *arg, struct net_redis *r);
	void *arg;
};

/* Begins to connect; nothing is waited for. */
enum err_code net_redis_open(const struct net_redis_options *options,
    struct net_redis **out, struct err *err);
/* What is in flight never calls back.  NULL-safe. */
void net_redis_close(struct net_redis **r);

bool net_redis_is_up(const struct net_redis *r);
/* Why it is not up ("" while it was never tried), e.g. "connection refused",
 * "WRONGPASS ...", and the class: a refused password is ERR_CONFIG. */
void net_redis_why(const struct net_redis *r, struct err *err);
/*
 * Who it is: INFO's run_id (40 hex digits), role and redis_version as of the
 * last connection; "" while unknown.  Another run id is another server, or
 * one that was restarted.
 */
const char *net_redis_run_id(const struct net_redis *r);
const char *net_redis_version(const struct net_redis *r);
/* maxmemory-policy as of the last connection (INFO memory); "" unknown. */
const char *net_redis_policy(const struct net_redis *r);
/* Grows with each connection made. */
int64_t net_redis_epoch(const struct net_redis *r);

enum net_redis_kind {
	NET_REDIS_NIL,
	NET_REDIS_STRING, /* bulk and simple strings */
	NET_REDIS_INT,
	NET_REDIS_ARRAY,
	NET_REDIS_ERROR /* text begins with its code: "NOSCRIPT ..." */
};

/* A reply; belongs to the command until its fini. */
struct net_redis_value {
	enum net_redis_kind kind;
	int64_t integer;
	const char *text; /* NUL after len bytes */
	size_t len;
	const struct net_redis_value *items;
	size_t count;
};

struct net_redis_arg {
	const void *bytes;
	size_t len;
};

/* One command, embedded in its owner, zeroed before it is filled in. */
struct net_redis_command {
	const struct net_redis_arg *args; /* copied by send */
	size_t arg_count;
	int64_t timeout_ms; /* 0 = command_ms */
	void (*done)(struct net_redis_command *c);

	/*
	 * Out.  ERR_NONE: a reply came; it may be NET_REDIS_ERROR.
	 * ERR_UNREACHABLE (also when it waited its whole time for a connection
	 * that is down: the text says why), ERR_TIMEOUT (the connection is
	 * made anew, for the answer may come later), ERR_MALFORMED (no RESP,
	 * or too large; or a command above 512 MB), ERR_BUSY.
	 */
	enum err_code code;
	struct err err;
	bool sent;                           /* may have reached the server */
	const struct net_redis_value *value; /* NULL unless ERR_NONE */

	/* the connection's own */
	struct net_redis *redis;
	struct net_redis_flight *flight; /* NULL: not under way */
	struct net_redis_reply *reply;   /* what value belongs to */
};

/*
 * done() later, from the loop, where everything is allowed: to send c again,
 * to cancel others, to close r.  While the connection is down the command waits
 * for it up to its timeout, and once one has waited so in vain, others 250 ms
 * until it is up again; a full pipeline fails it with ERR_BUSY.
 */
void net_redis_send(struct net_redis *r, struct net_redis_command *c);
/* It never calls back; repeatable. */
void net_redis_cancel(struct net_redis_command *c);
/* Releases the reply; after done() or cancel; repeatable. */
void net_redis_command_fini(struct net_redis_command *c);

/*
 * A script, sent as EVALSHA and, when the server does not know it, once more
 * as EVAL.  text must live as long as the connection; keys and args follow.
 */
struct net_redis_script {
	const char *name; /* the caller's, for its texts */
	const char *text; /* Lua */
	char sha1[41];    /* of text; when empty, filled in on first use */
	/* ASK is an answer of it (ERR_THROTTLED), and not followed.  When the
	 * first of its keys never is there, a server that gives the slot away
	 * answers ASK before it begins, and one that gets it MOVED: the script
	 * runs where all of the slot is, or not at all. */
	bool stays;
};
void net_redis_run(struct net_redis *r, struct net_redis_script *script,
    const struct net_redis_arg *keys, size_t key_count,
    const struct net_redis_arg *args, size_t arg_count,
    struct net_redis_command *c);

/* What a reply says of the command: ERR_NONE unless kind is ERROR; then
 * ERR_SPACE for OOM and MISCONF, ERR_THROTTLED for BUSY, LOADING, TRYAGAIN,
 * CLUSTERDOWN, MASTERDOWN, NOREPLICAS, and MOVED and ASK too often,
 * ERR_UNREACHABLE for READONLY (a deposed master), ERR_CONFIG for NOAUTH,
 * WRONGPASS and NOPERM, else ERR_REJECTED; the text is Redis's. */
enum err_code net_redis_check(
    const struct net_redis_command *c, struct err *err);

/* url without its password, for texts: "redis://user:***@host:6379/0". */
char *net_redis_url_shown(const char *url);

#endif
