#ifndef DSRUN_NET_PEER_CONN_TEST_H
#define DSRUN_NET_PEER_CONN_TEST_H

/* Part of net_peer_test.h, which is what a test includes: one connection. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

#include "net/net_peer_ca_test.h"

#define PEER_CONNECTIONS_MAX 4096
#define PEER_HEAD_MAX (1 << 20)
#define PEER_BODY_MAX ((size_t)64 << 20)

struct peer_conn {
	struct net_peer *peer;
	pthread_t thread;
	size_t number;
	int fd;         /* -1 when closed; by lock */
	bool idle;      /* by lock: waits for a request's first byte */
	bool no_linger; /* by lock: close it by RST */
	SSL *ssl;
	struct buf in;
};

struct net_peer {
	struct net_peer_options options;
	int listener;
	int port;
	int fill[8]; /* of a black hole */
	SSL_CTX *tls;
	pthread_t acceptor;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closing;
	struct peer_conn *conns[PEER_CONNECTIONS_MAX];
	size_t accepted;
	size_t connected;
	size_t resets;
	struct net_peer_reply *script;
	size_t scripted;
	size_t played;
	struct net_peer_got **got;
	size_t got_count;
	size_t answered;
};

/* --- One connection --------------------------------------------------------
 */

NET_PEER_FN int64_t
peer_now_ms(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

NET_PEER_FN void
peer_lock(struct net_peer *p)
{
	CHECK(pthread_mutex_lock(&p->lock) == 0);
}

NET_PEER_FN void
peer_unlock(struct net_peer *p)
{
	CHECK(pthread_cond_broadcast(&p->changed) == 0);
	CHECK(pthread_mutex_unlock(&p->lock) == 0);
}

/* By lock; false: the time is over. */
NET_PEER_FN bool
peer_await(struct net_peer *p, int64_t until_ms)
{
	struct timespec t = {
	    .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	return pthread_cond_timedwait(&p->changed, &p->lock, &t) != ETIMEDOUT;
}

/* ms < 0: until the peer closes.  false: it closes. */
NET_PEER_FN bool
peer_pause(struct net_peer *p, int64_t ms)
{
	int64_t until = peer_now_ms() + (ms < 0 ? INT64_C(3600000) : ms);

	peer_lock(p);
	while (!p->closing && peer_await(p, until))
		;
	bool on = !p->closing;
	peer_unlock(p);
	return on;
}

NET_PEER_FN ssize_t
peer_recv(struct peer_conn *c, void *bytes, size_t max)
{
	if (c->ssl != NULL)
		return SSL_read(c->ssl, bytes, (int)max);
	return recv(c->fd, bytes, max, 0);
}

NET_PEER_FN bool
peer_send(struct peer_conn *c, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = c->ssl != NULL
				? SSL_write(c->ssl, bytes, (int)len)
				: send(c->fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* More of the request into c->in; false: the client is gone. */
NET_PEER_FN bool
peer_more(struct peer_conn *c)
{
	static __thread char bytes[256 << 10];
	ssize_t n = peer_recv(c, bytes, sizeof(bytes));

	if (n < 0 && errno == ECONNRESET) {
		peer_lock(c->peer);
		c->peer->resets++;
		peer_unlock(c->peer);
	}
	if (n <= 0)
		return false;
	buf_put(&c->in, bytes, (size_t)n);
	return true;
}

NET_PEER_FN bool
net_peer_header(
    const struct net_peer_got *got, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	for (const char *line = strstr(got->head, "\r\n"); line != NULL;
	     line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		(void)snprintf(
		    out, size, "%.*s", (int)strcspn(line, "\r\n"), line);
		return true;
	}
	return false;
}

/* By lock.  The script's next, or as answer() says. */
NET_PEER_FN void
peer_choose(struct net_peer *p, const struct net_peer_got *got,
    struct net_peer_reply *out)
{
	memset(out, 0, sizeof(*out));
	if (p->played < p->scripted)
		*out = p->script[p->played++];
	else if (p->options.answer != NULL)
		p->options.answer(p->options.arg, got, out);
}

NET_PEER_FN void
peer_render(const struct net_peer_reply *r, const char *method, struct buf *b)
{
	const char *body = r->body;
	size_t len =
	    body != NULL && r->body_len == 0 ? strlen(body) : r->body_len;
	bool none =
	    strcmp(method, "HEAD") == 0 || r->status == 204 || r->status == 304;

	if (r->raw != NULL) {
		buf_put(
		    b, r->raw, r->raw_len > 0 ? r->raw_len : strlen(r->raw));
		return;
	}
	buf_puts(b, r->before != NULL ? r->before : "");
	buf_printf(b, "HTTP/1.1 %d Scripted\r\n%s",
	    r->status != 0 ? r->status : 200,
	    r->headers != NULL ? r->headers : "");
	if (r->chunk > 0)
		buf_puts(b, "Transfer-Encoding: chunked\r\n");
	else if (!r->no_length && r->status != 204)
		buf_printf(b, "Content-Length: %zu\r\n", len);
	buf_puts(b, "\r\n");
	if (none || r->chunk == 0) {
		buf_put(b, body, none ? 0 : len);
		return;
	}
	for (size_t at = 0; at < len; at += r->chunk) {
		size_t n = len - at < r->chunk ? len - at : r->chunk;

		buf_printf(b, "%zx\r\n", n);
		buf_put(b, body + at, n);
		buf_puts(b, "\r\n");
	}
	buf_printf(b, "0\r\n%s\r\n", r->trailers != NULL ? r->trailers : "");
}

NET_PEER_FN bool
peer_answer(
    struct peer_conn *c, const struct net_peer_reply *r, const char *method)
{
	struct buf b = BUF_INIT(PEER_BODY_MAX * 2);
	bool ok = r->wait_ms <= 0 || peer_pause(c->peer, r->wait_ms);

	peer_render(r, method, &b);
	if (r->cut && r->cut_at < b.len)
		buf_cut(&b, r->cut_at);
	for (size_t at = 0; ok && at < b.len;) {
		size_t n =
		    r->drip > 0 && r->drip < b.len - at ? r->drip : b.len - at;

		ok = peer_send(c, b.bytes + at, n);
		at += n;
		if (ok && at < b.len)
			ok = peer_pause(c->peer, r->drip_ms);
	}
	buf_free(&b);
	return ok;
}

NET_PEER_FN void
peer_got_free(struct net_peer_got **g)
{
	mem_free(&(*g)->method);
	mem_free(&(*g)->target);
	mem_free(&(*g)->head);
	mem_free(&(*g)->body);
	mem_free(g);
}

/* The head stands in c->in up to head_len; records it. */
NET_PEER_FN struct net_peer_got *
peer_record(struct peer_conn *c, size_t head_len)
{
	struct net_peer *p = c->peer;
	struct net_peer_got *g = mem_zalloc(1, sizeof(*g));
	const char *space = NULL;

	g->head = mem_strndup(c->in.bytes, head_len);
	buf_consume(&c->in, head_len);
	g->connection = c->number;
	g->at_ms = peer_now_ms();
	size_t method = strcspn(g->head, " \r\n");
	space = g->head + method + (g->head[method] == ' ');
	g->method = mem_strndup(g->head, method);
	g->target = mem_strndup(space, strcspn(space, " \r\n"));
	peer_lock(p);
	if (p->options.forgetful) {
		p->got_count++;
		peer_unlock(p);
		return g;
	}
	p->got = mem_realloc(
	    p->got, p->got_count + 1, sizeof(struct net_peer_got *));
	p->got[p->got_count++] = g;
	peer_unlock(p);
	return g;
}

NET_PEER_FN void
peer_body(struct peer_conn *c, struct net_peer_got *g)
{
	size_t keep = c->peer->options.keep_body;
	struct buf body = BUF_INIT(PEER_BODY_MAX);
	char text[32] = "0";
	size_t left;

	(void)net_peer_header(g, "Content-Length", text, sizeof(text));
	left = strtoull(text, NULL, 10);
	keep = keep == 0 || keep > PEER_BODY_MAX ? PEER_BODY_MAX : keep;
	while (left > 0) {
		if (c->in.len == 0 && !peer_more(c))
			break;
		size_t n = c->in.len < left ? c->in.len : left;
		size_t room = keep - body.len;

		buf_put(&body, c->in.bytes, n < room ? n : room);
		buf_consume(&c->in, n);
		g->body_len += n;
		left -= n;
	}
	g->whole = left == 0;
	g->body = body.bytes;
}

NET_PEER_FN void
peer_end(struct peer_conn *c, enum net_peer_then then)
{
	static const struct timeval second = {1, 0};
	static const struct linger hard = {1, 0};
	struct net_peer *p = c->peer;
	char bytes[4096];

	if (then == NET_PEER_HANG)
		(void)peer_pause(p, -1);
	if (then == NET_PEER_CLOSE) {
		if (c->ssl != NULL)
			(void)SSL_shutdown(c->ssl);
		(void)shutdown(c->fd, SHUT_WR);
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
		while (recv(c->fd, bytes, sizeof(bytes), 0) > 0)
			;
	}
	peer_lock(p);
	if (then == NET_PEER_RESET || c->no_linger)
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	(void)close(c->fd);
	c->fd = -1;
	p->connected--;
	peer_unlock(p);
}

/* Where the head ends; 0: the client is gone. */
NET_PEER_FN size_t
peer_head(struct peer_conn *c)
{
	const char *end = NULL;

	while (
	    c->in.len == 0 || (end = strstr(c->in.bytes, "\r\n\r\n")) == NULL)
		if (c->in.len > PEER_HEAD_MAX || !peer_more(c))
			return 0;
	return (size_t)(end - c->in.bytes) + 4;
}

/* Does the next reply of the script come before the request was read? */
NET_PEER_FN bool
peer_hasty(struct peer_conn *c, struct net_peer_reply *r)
{
	struct net_peer *p = c->peer;
	bool hasty = false;

	peer_lock(p);
	if (p->played < p->scripted &&
	    p->script[p->played].when == NET_PEER_AT_ONCE) {
		*r = p->script[p->played++];
		hasty = true;
	}
	peer_unlock(p);
	return hasty;
}

NET_PEER_FN enum net_peer_then
peer_exchange(struct peer_conn *c)
{
	struct net_peer *p = c->peer;
	struct net_peer_reply r;
	struct net_peer_got *g;

	if (c->in.len == 0) {
		peer_lock(p);
		c->idle = !p->closing;
		peer_unlock(p);
		bool more = peer_more(c);
		peer_lock(p);
		c->idle = false;
		peer_unlock(p);
		if (!more)
			return NET_PEER_CUT;
	}
	if (peer_hasty(c, &r)) {
		bool ok = peer_answer(c, &r, "?");
		peer_lock(p);
		p->answered++;
		peer_unlock(p);
		return ok ? r.then : NET_PEER_CUT;
	}
	size_t head = peer_head(c);
	if (head == 0)
		return NET_PEER_CUT;
	g = peer_record(c, head);
	peer_lock(p);
	bool body_first = p->played >= p->scripted ||
			  p->script[p->played].when == NET_PEER_AFTER_BODY;
	peer_unlock(p);
	if (body_first)
		peer_body(c, g);
	peer_lock(p);
	peer_choose(p, g, &r);
	peer_unlock(p);
	bool ok = peer_answer(c, &r, g->method);
	if (p->options.forgetful)
		peer_got_free(&g);
	peer_lock(p);
	p->answered++;
	peer_unlock(p);
	return ok ? r.then : NET_PEER_CUT;
}

NET_PEER_FN void *
peer_serve(void *arg)
{
	struct peer_conn *c = arg;
	struct net_peer *p = c->peer;
	enum net_peer_then then = NET_PEER_KEEP;

	if (p->tls != NULL) {
		c->ssl = SSL_new(p->tls);
		CHECK(c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1);
		if (SSL_accept(c->ssl) != 1)
			then = NET_PEER_CUT;
	}
	while (then == NET_PEER_KEEP)
		then = peer_exchange(c);
	peer_end(c, then);
	SSL_free(c->ssl);
	buf_free(&c->in);
	OPENSSL_thread_stop();
	return NULL;
}

#endif
