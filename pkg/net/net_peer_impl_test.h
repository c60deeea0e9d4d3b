#ifndef DSRUN_NET_PEER_IMPL_TEST_H
#define DSRUN_NET_PEER_IMPL_TEST_H

/* Part of net_peer_test.h, which is what a test includes: the peer itself. */

#include "net/net_peer_conn_test.h"

/* --- The peer --------------------------------------------------------------
 */

NET_PEER_FN void
peer_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	sigset_t all;
	sigset_t before;

	(void)sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	CHECK(pthread_create(thread, NULL, fn, arg) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

NET_PEER_FN void *
peer_accept(void *arg)
{
	struct net_peer *p = arg;
	static const int on = 1;
	int fd;

	while ((fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct peer_conn *c = mem_zalloc(1, sizeof(*c));

		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->peer = p;
		c->fd = fd;
		c->in = BUF_INIT(PEER_BODY_MAX * 2);
		peer_lock(p);
		CHECK(p->accepted < PEER_CONNECTIONS_MAX);
		p->conns[p->accepted] = c;
		c->number = ++p->accepted;
		p->connected++;
		if (p->closing)
			(void)shutdown(fd, SHUT_RDWR);
		peer_unlock(p);
		peer_thread(&c->thread, peer_serve, c);
	}
	return NULL;
}

/* As many connections as the kernel takes without an accept, and one more. */
NET_PEER_FN void
peer_fill(struct net_peer *p, const struct sockaddr_in *at)
{
	for (size_t i = 0; i < ARRAY_LEN(p->fill); i++) {
		p->fill[i] = socket(
		    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		CHECK(p->fill[i] >= 0);
		(void)connect(p->fill[i],
		    (const struct sockaddr *)(const void *)at, sizeof(*at));
	}
}

NET_PEER_FN struct net_peer *
net_peer_open(const struct net_peer_options *options)
{
	struct net_peer *p = mem_zalloc(1, sizeof(*p));
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	pthread_condattr_t attr;
	pthread_mutexattr_t recursive;

	p->options = *options;
	/* answer() may ask the peer. */
	CHECK(pthread_mutexattr_init(&recursive) == 0);
	CHECK(pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE) ==
	      0);
	CHECK(pthread_mutex_init(&p->lock, &recursive) == 0);
	(void)pthread_mutexattr_destroy(&recursive);
	CHECK(pthread_condattr_init(&attr) == 0);
	CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&p->changed, &attr) == 0);
	(void)pthread_condattr_destroy(&attr);
	if (options->ca != NULL)
		p->tls = peer_tls(options);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(p->listener >= 0);
	CHECK(
	    bind(p->listener, (struct sockaddr *)(void *)&at, sizeof(at)) == 0);
	CHECK(listen(p->listener, options->black_hole ? 0 : 128) == 0);
	CHECK(getsockname(p->listener, (struct sockaddr *)(void *)&at, &len) ==
	      0);
	p->port = ntohs(at.sin_port);
	if (options->black_hole)
		peer_fill(p, &at);
	else if (!options->never_accept)
		peer_thread(&p->acceptor, peer_accept, p);
	return p;
}

NET_PEER_FN void
peer_forget(struct net_peer *p)
{
	for (size_t i = 0; p->got != NULL && i < p->got_count; i++)
		peer_got_free(&p->got[i]);
	mem_free(&p->got);
	mem_free(&p->script);
}

NET_PEER_FN void
net_peer_close(struct net_peer **peer)
{
	struct net_peer *p = *peer;

	if (p == NULL)
		return;
	peer_lock(p);
	p->closing = true;
	for (size_t i = 0; i < p->accepted; i++)
		if (p->conns[i]->fd >= 0)
			(void)shutdown(p->conns[i]->fd, SHUT_RDWR);
	peer_unlock(p);
	(void)shutdown(p->listener, SHUT_RDWR);
	if (!p->options.never_accept && !p->options.black_hole)
		CHECK(pthread_join(p->acceptor, NULL) == 0);
	for (size_t i = 0; i < p->accepted; i++) {
		CHECK(pthread_join(p->conns[i]->thread, NULL) == 0);
		mem_free(&p->conns[i]);
	}
	for (size_t i = 0; p->options.black_hole && i < ARRAY_LEN(p->fill); i++)
		(void)close(p->fill[i]);
	(void)close(p->listener);
	SSL_CTX_free(p->tls);
	peer_forget(p);
	(void)pthread_mutex_destroy(&p->lock);
	(void)pthread_cond_destroy(&p->changed);
	mem_free(peer);
}

NET_PEER_FN int
net_peer_port(const struct net_peer *p)
{
	return p->port;
}

NET_PEER_FN void
net_peer_url(const struct net_peer *p, const char *path, char *out, size_t size)
{
	int n = snprintf(out, size, "%s:%d%s",
	    p->tls != NULL ? "https://localhost" : "http://127.0.0.1", p->port,
	    path);

	CHECK(n > 0 && (size_t)n < size);
}

NET_PEER_FN void
net_peer_script(struct net_peer *p, const struct net_peer_reply *r)
{
	peer_lock(p);
	p->script =
	    mem_realloc(p->script, p->scripted + 1, sizeof(p->script[0]));
	p->script[p->scripted++] = *r;
	peer_unlock(p);
}

NET_PEER_FN size_t
peer_value(struct net_peer *p, const size_t *value)
{
	peer_lock(p);
	size_t v = *value;
	peer_unlock(p);
	return v;
}

NET_PEER_FN size_t
net_peer_count(struct net_peer *p)
{
	return peer_value(p, &p->got_count);
}

NET_PEER_FN size_t
net_peer_accepted(struct net_peer *p)
{
	return peer_value(p, &p->accepted);
}

NET_PEER_FN size_t
net_peer_connected(struct net_peer *p)
{
	return peer_value(p, &p->connected);
}

NET_PEER_FN size_t
net_peer_resets(struct net_peer *p)
{
	return peer_value(p, &p->resets);
}

NET_PEER_FN const struct net_peer_got *
net_peer_request(struct net_peer *p, size_t i)
{
	peer_lock(p);
	CHECK(!p->options.forgetful && i < p->got_count);
	const struct net_peer_got *g = p->got[i];
	peer_unlock(p);
	return g;
}

NET_PEER_FN bool
net_peer_wait(struct net_peer *p, size_t count, int64_t timeout_ms)
{
	int64_t until = peer_now_ms() + timeout_ms;

	peer_lock(p);
	while (p->answered < count && peer_await(p, until))
		;
	bool there = p->answered >= count;
	peer_unlock(p);
	return there;
}

NET_PEER_FN void
net_peer_drop_idle(struct net_peer *p, enum net_peer_then then)
{
	peer_lock(p);
	for (size_t i = 0; i < p->accepted; i++) {
		struct peer_conn *c = p->conns[i];

		if (c->fd < 0 || !c->idle)
			continue;
		c->no_linger = then == NET_PEER_RESET;
		(void)shutdown(c->fd, SHUT_RD);
	}
	peer_unlock(p);
}

#endif
