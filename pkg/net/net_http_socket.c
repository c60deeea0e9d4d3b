#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#include "net/net_http_priv.h"

/*
 * The sockets of a client.  libcurl 7.88 believes a kept connection alive when
 * it was reset, and one over TLS when the peer said goodbye; so each is looked
 * at once more just before a request goes out on it, which needs to be known
 * by the addresses that the pre-request callback is told.
 */
struct net_http_socket {
	struct list node;
	curl_socket_t fd;
	char peer[INET6_ADDRSTRLEN];
};

static void
forget(struct net_http *h, curl_socket_t fd)
{
	LIST_FOREACH_SAFE (it, &h->sockets) {
		struct net_http_socket *s =
		    CONTAINER_OF(it, struct net_http_socket, node);

		if (s->fd != fd)
			continue;
		list_remove(it);
		mem_free(&s);
	}
}

static const void *
address(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET6)
		return &((const struct sockaddr_in6 *)(const void *)a)
			    ->sin6_addr;
	return &((const struct sockaddr_in *)(const void *)a)->sin_addr;
}

/* The port stands at the same place in both families. */
static int
port_of(const struct sockaddr_storage *a)
{
	struct sockaddr_in in;

	memcpy(&in, a, sizeof(in));
	return ntohs(in.sin_port);
}

/*
 * The kernel of a process that died goes on sending for a minute what it had
 * taken; with these it gives up at once, and after limit_ms when the peer does
 * not acknowledge.
 */
static void
end_hard(int fd, int64_t limit_ms)
{
	static const struct linger none = {.l_onoff = 1, .l_linger = 0};
	unsigned limit =
	    limit_ms < INT_MAX ? (unsigned)limit_ms : (unsigned)INT_MAX;

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
}

curl_socket_t
net_http_socket_open(struct net_http *h, const struct curl_sockaddr *a,
    const struct net_http_request *r)
{
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	struct net_http_socket *s;

	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (r->fresh)
		end_hard(fd, r->total_ms > 0 ? r->total_ms : NET_HTTP_TOTAL_MS);
	forget(h, fd);
	s = mem_zalloc(1, sizeof(*s));
	s->fd = fd;
	(void)inet_ntop(a->family, address(&a->addr), s->peer, sizeof(s->peer));
	list_add_tail(&h->sockets, &s->node);
	return fd;
}

int
net_http_socket_close(void *arg, curl_socket_t fd)
{
	forget(arg, fd);
	return close(fd);
}

void
net_http_socket_forget_all(struct net_http *h)
{
	while (!list_empty(&h->sockets))
		forget(h,
		    CONTAINER_OF(h->sockets.next, struct net_http_socket, node)
			->fd);
}

static bool
is_between(const struct net_http_socket *s, const char *peer, int peer_port,
    int local_port)
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(at);

	if (strcmp(s->peer, peer) != 0)
		return false;
	if (getsockname(s->fd, (struct sockaddr *)(void *)&at, &len) != 0 ||
	    port_of(&at) != local_port)
		return false;
	len = sizeof(at);
	/* One that was reset has no peer any more. */
	return getpeername(s->fd, (struct sockaddr *)(void *)&at, &len) != 0 ||
	       port_of(&at) == peer_port;
}

/*
 * Between two requests a peer has nothing to say but that it ends: bytes
 * (over TLS a goodbye), the end itself or an error.
 */
bool
net_http_socket_is_stale(
    struct net_http *h, const char *peer, int peer_port, int local_port)
{
	LIST_FOREACH (it, &h->sockets) {
		struct net_http_socket *s =
		    CONTAINER_OF(it, struct net_http_socket, node);
		char byte;

		if (!is_between(s, peer, peer_port, local_port))
			continue;
		ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
		return n >= 0 || errno != EAGAIN;
	}
	return false;
}
