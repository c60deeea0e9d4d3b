#ifndef DSRUN_NET_HTTP_H
#define DSRUN_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

/*
 * An HTTP/1.1 client on libcurl's multi interface and the env's loop.
 *
 * A request is sent at most once: no retry (also not the silent one of libcurl
 * when a connection that was kept turns out to be dead), no redirect followed,
 * no proxy from the environment, no cookie, no netrc.  Whoever asks decides
 * what comes next.  TLS is 1.2 or newer (1.3 where the peer can), the peer's
 * name and chain are always verified; there is no switch, a private authority
 * is named by ca_file.  libcurl is loaded with the first request.
 *
 * Connections are kept for less than 4 s after an answer, at most 64 of them;
 * one that the peer ended meanwhile is not used.  Requests above the limit of
 * their host wait in the order they were started.
 *
 * One client belongs to one real env (net_env_open) and its thread, which
 * closes it before the env.
 */

struct net_http;
struct net_http_exchange;

struct net_http_options {
	struct env *env;
	/* PEM file of authorities used instead of the system's, and alone;
	 * NULL = the system's.  ERR_CONFIG when it cannot be read or holds
	 * none.  A change of the file may be seen a day later. */
	const char *ca_file;
	int64_t host_connections; /* at once to one host; 0 = 16 */
	const char *user_agent;   /* NULL = "dsrun" */
};

/* ERR_CONFIG: what ca_file says.  The strings of options are copied. */
enum err_code net_http_open(const struct net_http_options *options,
    struct net_http **out, struct err *err);
/* Requests under way are cancelled: they never call back.  Also from a done()
 * or a read().  NULL-safe. */
void net_http_close(struct net_http **h);

#define NET_HTTP_HEADERS_MAX (64 << 10) /* bytes of a response's headers */

/*
 * One exchange, embedded in its owner, zeroed before it is filled in; what it
 * points at lives until done() or net_http_cancel.
 */
struct net_http_request {
	const char *method; /* "GET", "PUT" ... */
	/* http:// or https://, printable ASCII without a user; path and query
	 * are sent as they are, unaltered. */
	const char *url;
	/* "Name: value" lines, ended by NULL; NULL = none.  Host,
	 * Content-Length, Transfer-Encoding, Connection and Expect are the
	 * client's own.  No Expect is sent; Accept (anything) and
	 * User-Agent are, unless they are here. */
	const char *const *headers;
	/*
	 * The body: bytes, or when read is set a stream of exactly body_len:
	 * 1 to max bytes a call, in order, each byte asked for once: nothing
	 * is ever rewound.  A body of 0 bytes is one only for POST, PUT and
	 * PATCH (Content-Length: 0).  A refusal that comes before the body
	 * went out whole ends the sending.
	 */
	const void *body;
	size_t body_len;
	enum err_code (*read)(struct net_http_request *r, void *bytes,
	    size_t max, size_t *got, struct err *err);
	/* Deadlines on the real clock; 0 = 10 s, 30 s, none. */
	int64_t connect_ms; /* DNS, TCP and TLS; waiting for a place not */
	int64_t total_ms;   /* everything, from net_http_start on */
	/* No byte moved in either direction since the connection stood;
	 * noticed at most a quarter later.  The kernel's buffers count as the
	 * peer. */
	int64_t stall_ms;
	size_t response_max; /* bytes of body; 0 = 1 MB; more: ERR_MALFORMED */
	/*
	 * On a connection of its own that is closed after it, by RST: once it
	 * is cancelled or this process is dead the kernel sends nothing more
	 * of it (SO_LINGER 0), and it gives up after total_ms without an
	 * acknowledgement (TCP_USER_TIMEOUT).  For what must not arrive late.
	 */
	bool fresh;
	void (*done)(struct net_http_request *r);

	/*
	 * Out, valid from done() until net_http_request_fini.  ERR_NONE: an
	 * answer came whole, whatever its status (one without a length,
	 * which only the end of the connection ends, counts as whole
	 * however it ended).  Else ERR_TIMEOUT,
	 * ERR_UNREACHABLE (name, connection, TLS; reset), ERR_MALFORMED (too
	 * large, no HTTP), ERR_REJECTED (certificate not trusted), ERR_CONFIG
	 * (method, url or headers are none; no libcurl on this machine, or one
	 * that is older than 7.87 or without TLS or threads for DNS: the text
	 * says which package), or what read() said.  The text names method and
	 * host, never path or query.
	 */
	enum err_code code;
	struct err err;
	/* Bytes of the request may have reached the peer. */
	bool sent;
	int status;            /* 0: no status line came */
	struct buf body_in;    /* what came of it, also when code says no */
	struct buf headers_in; /* lines as they came, "\r\n" after each,
				  without the status line and trailers */

	struct net_http_exchange *own; /* the client's: NULL unless under way */
};

/* Calls done() later, from the loop, exactly once, unless it is cancelled.
 * A request that was done is started anew after net_http_request_fini. */
void net_http_start(struct net_http *h, struct net_http_request *r);
/* It never calls back; its connection is closed.  Repeatable, also from a
 * done() or a read(), and harmless when it is done or never began. */
void net_http_cancel(struct net_http_request *r);
/* Releases what the exchange left; after done() or cancel; repeatable. */
void net_http_request_fini(struct net_http_request *r);

/*
 * The first header of that name (any case) in *out, without surrounding
 * blanks; *len bytes, not NUL-terminated.  false: there is none.
 */
bool net_http_header(const struct net_http_request *r, const char *name,
    const char **out, size_t *len);

/* Retry-After in milliseconds from now_ms (seconds or an HTTP date), 0 to a
 * day; -1: none, or not readable. */
int64_t net_http_retry_after_ms(
    const struct net_http_request *r, int64_t now_ms);

/* The answer's Date as Unix milliseconds; -1: none, or not readable. */
int64_t net_http_date_ms(const struct net_http_request *r);

/*
 * What a status means to one who pushes (seed_numbers: 5xx again, 4xx not,
 * but 408, 425 and 429): ERR_NONE for 2xx, ERR_THROTTLED for 429 and 503,
 * ERR_TIMEOUT for 408, ERR_UNREACHABLE for other 5xx and 425, else
 * ERR_REJECTED.  The text has the status and the first line of the body, cut.
 */
enum err_code net_http_status(
    const struct net_http_request *r, struct err *err);

#endif
