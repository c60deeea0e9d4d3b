#ifndef DSRUN_NET_PEER_TEST_H
#define DSRUN_NET_PEER_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * For tests: an HTTP server on loopback that does what it is told, good or
 * bad, and remembers what it got.
 *
 *	struct net_peer *p = net_peer_open(&(struct net_peer_options){0});
 *	net_peer_script(p, &(struct net_peer_reply){.status = 503});
 *	net_peer_url(p, "/x", url, sizeof(url));
 *	... the client asks ...
 *	assert_string_equal(net_peer_request(p, 0)->method, "PUT");
 *	net_peer_close(&p);
 *
 * Threads of its own, one a connection, so that a test's loop may run in the
 * test's thread.  Replies are taken from the script in the order in which
 * requests arrive on all connections; after that answer() decides, or without
 * it an empty 200.  What a reply points at must live until net_peer_close.
 * Every failure of its own (no port, no memory) aborts the test.
 */

enum net_peer_then {
	NET_PEER_KEEP,  /* the connection waits for the next request */
	NET_PEER_CLOSE, /* in good order, reading what still comes for 1 s */
	NET_PEER_CUT,   /* FIN, without TLS's goodbye */
	NET_PEER_RESET, /* RST */
	NET_PEER_HANG   /* nothing is read or sent until net_peer_close */
};

enum net_peer_when {
	NET_PEER_AFTER_BODY,
	NET_PEER_AFTER_HEAD, /* the body is not read; not for KEEP */
	NET_PEER_AT_ONCE     /* with the first byte of the request */
};

/* Everything is in headers: a test is linked with nothing but the library. */
#define NET_PEER_FN static __attribute__((unused))

struct net_peer_reply {
	int status;          /* 0 = 200 */
	const char *headers; /* lines, "\r\n" after each; NULL = none */
	const void *body;    /* NULL = none */
	size_t body_len;     /* 0 with a body: it is text */
	/* 0: Content-Length; else chunked, so many bytes a chunk. */
	size_t chunk;
	const char *trailers; /* lines, after the last chunk */
	bool no_length;       /* neither: the end of the connection is it */
	/* Bytes before the status line: "HTTP/1.1 100 Continue\r\n\r\n". */
	const char *before;
	/* Bytes instead of all that. */
	const void *raw;
	size_t raw_len; /* 0 with raw: it is text */

	enum net_peer_when when;
	int64_t wait_ms; /* before the first byte */
	size_t drip;     /* so many bytes at a time ... */
	int64_t drip_ms; /* ... and so long between; drip 0: all at once */
	bool cut;        /* only cut_at bytes of the answer are sent */
	size_t cut_at;
	enum net_peer_then then;
};

struct net_peer_got {
	char *method;
	char *target;
	char *head;      /* request line and headers, as they came */
	char *body;      /* NUL after body_len bytes; NULL when none was kept */
	size_t body_len; /* read, kept or not */
	bool whole;      /* as much as Content-Length said */
	size_t connection; /* 1, 2 ... in the order accepted */
	int64_t at_ms;     /* CLOCK_MONOTONIC, head complete */
};

/* A certificate authority made for the test; release with net_peer_ca_free. */
struct net_peer_ca;
NET_PEER_FN struct net_peer_ca *net_peer_ca_new(const char *name);
NET_PEER_FN void net_peer_ca_free(struct net_peer_ca **ca);
/* Its certificate as a PEM file. */
NET_PEER_FN void net_peer_ca_write(
    const struct net_peer_ca *ca, const char *path);
/* A server's certificate and key as PEM files; times as in the options. */
NET_PEER_FN void net_peer_ca_issue(const struct net_peer_ca *ca,
    const char *name, int64_t from_s, int64_t to_s, const char *cert_path,
    const char *key_path);

struct net_peer_options {
	/* The kernel takes connections, nobody ever accepts them. */
	bool never_accept;
	/* Nor does the kernel: the queue is full, a SYN is not answered. */
	bool black_hole;
	/* TLS with a certificate of this authority for this name (or IP
	 * address; NULL = "localhost"), valid from and to so many seconds
	 * from now (both 0: an hour ago to in an hour). */
	const struct net_peer_ca *ca;
	const char *name;
	int64_t from_s, to_s;
	int tls_max; /* 0x0302 is TLS 1.1; 0 = the newest */
	/* Of each body only so many bytes are kept; 0 = 64 MB. */
	size_t keep_body;
	/* Requests are counted and answered, and forgotten. */
	bool forgetful;
	/* Decides when the script is used up; called by a thread of the peer,
	 * one at a time, with *out zeroed. */
	void (*answer)(void *arg, const struct net_peer_got *got,
	    struct net_peer_reply *out);
	void *arg;
};

struct net_peer;

NET_PEER_FN struct net_peer *net_peer_open(
    const struct net_peer_options *options);
/* Ends every connection.  NULL-safe. */
NET_PEER_FN void net_peer_close(struct net_peer **p);

NET_PEER_FN int net_peer_port(const struct net_peer *p);
/* "http://127.0.0.1:PORT" or "https://localhost:PORT", and path. */
NET_PEER_FN void net_peer_url(
    const struct net_peer *p, const char *path, char *out, size_t size);

NET_PEER_FN void net_peer_script(
    struct net_peer *p, const struct net_peer_reply *r);

/* Requests whose head came whole; the i-th of them lives until close. */
NET_PEER_FN size_t net_peer_count(struct net_peer *p);
NET_PEER_FN const struct net_peer_got *net_peer_request(
    struct net_peer *p, size_t i);
/* A header's value without blanks, any case; false: there is none. */
NET_PEER_FN bool net_peer_header(
    const struct net_peer_got *got, const char *name, char *out, size_t size);
/* Until count requests were answered or left as scripted; false: not within
 * timeout_ms. */
NET_PEER_FN bool net_peer_wait(
    struct net_peer *p, size_t count, int64_t timeout_ms);

NET_PEER_FN size_t net_peer_accepted(
    struct net_peer *p); /* connections, ever */
NET_PEER_FN size_t net_peer_connected(struct net_peer *p); /* and now */
NET_PEER_FN size_t net_peer_resets(
    struct net_peer *p); /* by RST of the client */
/* Ends connections that wait for a request; then is CLOSE or RESET. */
NET_PEER_FN void net_peer_drop_idle(
    struct net_peer *p, enum net_peer_then then);

#include "net/net_peer_impl_test.h" /* the rest of it */

#endif
