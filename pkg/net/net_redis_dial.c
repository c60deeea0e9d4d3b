#include "net/net_redis_dial.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_env_priv.h"

/* A peer that is gone without a word is found out after 60 + 3 * 10 s. */
#define KEEP_IDLE_S 60
#define KEEP_EVERY_S 10
#define KEEP_COUNT 3

struct net_redis_watch {
	uv_poll_t poll;
	void (*fn)(void *arg, int events);
	void *arg;
	int events;
};

/* Belongs to libuv until it calls back, which it does even when cancelled. */
struct lookup {
	uv_getaddrinfo_t req;
	struct net_redis_dial *dial; /* NULL: nobody waits any more */
};

struct net_redis_dial {
	struct env *env;
	struct net_redis_address at;
	unsigned turn;
	void (*done)(void *arg, int fd, const struct err *err);
	void *arg;
	struct env_post begin;
	struct lookup *lookup;
	struct addrinfo *found;
	unsigned count; /* of found */
	unsigned tried;
	int fd;
	struct net_redis_watch *watch;
	struct err err;
};

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct net_redis_watch *w =
	    CONTAINER_OF(poll, struct net_redis_watch, poll);

	/* libuv has stopped it; what is wrong shows when it is used. */
	if (status < 0) {
		events = w->events;
		w->events = 0;
	}
	w->fn(w->arg, events);
}

enum err_code
net_redis_watch_open(struct env *env, int fd, void (*fn)(void *arg, int events),
    void *arg, struct net_redis_watch **out, struct err *err)
{
	struct net_redis_watch *w = mem_zalloc(1, sizeof(*w));
	int rc = uv_poll_init(&net_env_of(env)->loop, &w->poll, fd);

	*out = NULL;
	if (rc != 0) {
		mem_free(&w);
		return err_set(
		    err, ERR_IO, -rc, "watch a socket: %s", uv_strerror(rc));
	}
	w->fn = fn;
	w->arg = arg;
	uv_unref((uv_handle_t *)&w->poll);
	*out = w;
	return ERR_NONE;
}

void
net_redis_watch_set(struct net_redis_watch *w, int events)
{
	if (w->events == events)
		return;
	w->events = events;
	CHECK(uv_poll_start(&w->poll, events, on_poll) == 0);
}

static void
free_watch(uv_handle_t *h)
{
	struct net_redis_watch *w =
	    CONTAINER_OF(h, struct net_redis_watch, poll);

	mem_free(&w);
}

void
net_redis_watch_close(struct net_redis_watch **w)
{
	if (*w == NULL)
		return;
	CHECK(uv_poll_stop(&(*w)->poll) == 0);
	uv_close((uv_handle_t *)&(*w)->poll, free_watch);
	*w = NULL;
}

static void
drop_socket(struct net_redis_dial *d)
{
	net_redis_watch_close(&d->watch);
	if (d->fd >= 0)
		(void)close(d->fd);
	d->fd = -1;
}

static void
set_options(int fd, int family)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT},
	};

	for (size_t i = 0; family != AF_UNIX && i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value));
}

static void try_next(struct net_redis_dial *d);

/* Writable: connected, or not. */
static void
on_connected(void *arg, int events)
{
	struct net_redis_dial *d = arg;
	int sys = 0;
	socklen_t len = sizeof(sys);
	int fd = d->fd;

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0)
		sys = errno;
	if (sys != 0) {
		drop_socket(d);
		(void)err_set(
		    &d->err, ERR_UNREACHABLE, sys, "%s", strerror(sys));
		try_next(d);
		return;
	}
	net_redis_watch_close(&d->watch);
	d->fd = -1;
	d->done(d->arg, fd, NULL);
}

/* False: d->err says why. */
static bool
start(struct net_redis_dial *d, const struct sockaddr *at, socklen_t len)
{
	d->fd = socket(
	    at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		goto failed;
	set_options(d->fd, at->sa_family);
	if (connect(d->fd, at, len) != 0 && errno != EINPROGRESS)
		goto failed;
	if (net_redis_watch_open(d->env, d->fd, on_connected, d, &d->watch,
		&d->err) != ERR_NONE) {
		d->err.code = ERR_UNREACHABLE;
		drop_socket(d);
		return false;
	}
	net_redis_watch_set(d->watch, UV_WRITABLE);
	return true;
failed:
	(void)err_set(&d->err, ERR_UNREACHABLE, errno, "%s", strerror(errno));
	drop_socket(d);
	return false;
}

static void
try_next(struct net_redis_dial *d)
{
	while (d->tried < d->count) {
		struct addrinfo *a = d->found;
		unsigned skip = (d->turn + d->tried++) % d->count;

		while (a != NULL && skip-- > 0)
			a = a->ai_next;
		if (a != NULL && start(d, a->ai_addr, a->ai_addrlen))
			return;
	}
	d->done(d->arg, -1, &d->err);
}

static void
found(struct net_redis_dial *d, struct addrinfo *list)
{
	d->found = list;
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
		d->count++;
	try_next(d);
}

static void
on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct lookup *l = CONTAINER_OF(req, struct lookup, req);
	struct net_redis_dial *d = l->dial;

	mem_free(&l);
	if (d == NULL) {
		uv_freeaddrinfo(list);
		return;
	}
	d->lookup = NULL;
	if (status == 0) {
		found(d, list);
		return;
	}
	(void)err_set(&d->err, ERR_UNREACHABLE, -status, "resolve %s: %s",
	    d->at.host, uv_strerror(status));
	d->done(d->arg, -1, &d->err);
}

static void
look_up(struct net_redis_dial *d)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char port[8];
	int rc;

	(void)snprintf(port, sizeof(port), "%d", d->at.port);
	/* An address needs no look-up and none of libuv's threads. */
	if (getaddrinfo(d->at.host, port, &hints, &list) == 0) {
		found(d, list);
		return;
	}
	hints.ai_flags = AI_NUMERICSERV;
	d->lookup = mem_zalloc(1, sizeof(*d->lookup));
	d->lookup->dial = d;
	rc = uv_getaddrinfo(&net_env_of(d->env)->loop, &d->lookup->req,
	    on_lookup, d->at.host, port, &hints);
	if (rc == 0)
		return;
	mem_free(&d->lookup);
	(void)err_set(&d->err, ERR_UNREACHABLE, -rc, "resolve %s: %s",
	    d->at.host, uv_strerror(rc));
	d->done(d->arg, -1, &d->err);
}

static void
open_path(struct net_redis_dial *d)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(d->at.host);

	if (len >= sizeof(at.sun_path)) {
		(void)err_set(&d->err, ERR_UNREACHABLE, ENAMETOOLONG,
		    "a socket's path has at most %zu bytes",
		    sizeof(at.sun_path) - 1);
	} else {
		memcpy(at.sun_path, d->at.host, len);
		if (start(d, (const struct sockaddr *)(const void *)&at,
			sizeof(at)))
			return;
	}
	d->done(d->arg, -1, &d->err);
}

static void
begin(struct env_post *p)
{
	struct net_redis_dial *d =
	    CONTAINER_OF(p, struct net_redis_dial, begin);

	if (d->at.port == 0)
		open_path(d);
	else
		look_up(d);
}

struct net_redis_dial *
net_redis_dial_open(struct env *env, const struct net_redis_address *at,
    unsigned turn, void (*done)(void *arg, int fd, const struct err *err),
    void *arg)
{
	struct net_redis_dial *d = mem_zalloc(1, sizeof(*d));

	d->env = env;
	net_redis_address_copy(&d->at, at);
	d->turn = turn;
	d->done = done;
	d->arg = arg;
	d->fd = -1;
	d->begin.fn = begin;
	env_post(env, &d->begin);
	return d;
}

void
net_redis_dial_close(struct net_redis_dial **d)
{
	if (*d == NULL)
		return;
	list_remove(&(*d)->begin.node);
	if ((*d)->lookup != NULL) {
		(*d)->lookup->dial = NULL;
		(void)uv_cancel((uv_req_t *)&(*d)->lookup->req);
	}
	drop_socket(*d);
	uv_freeaddrinfo((*d)->found);
	net_redis_address_fini(&(*d)->at);
	mem_free(d);
}
