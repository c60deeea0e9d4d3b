#ifndef DSRUN_NET_HTTP_PRIV_H
#define DSRUN_NET_HTTP_PRIV_H

#include <curl/curl.h>

#include "net/net_http.h"

#include "net/net_env_priv.h"

/* What the files of net_http share; nothing outside of them includes this. */

#define NET_HTTP_KEEP_S 3        /* how long a connection waits for reuse */
#define NET_HTTP_CONNECTIONS 64L /* that wait, of all hosts */
#define NET_HTTP_TOTAL_MS 30000
#define NET_HTTP_RESPONSE_MAX (1 << 20)

/* libcurl, loaded by net_http_curl_load. */
#define NET_HTTP_CALLS(X)      \
	X(easy_cleanup)        \
	X(easy_getinfo)        \
	X(easy_init)           \
	X(easy_setopt)         \
	X(easy_strerror)       \
	X(global_init)         \
	X(multi_add_handle)    \
	X(multi_assign)        \
	X(multi_cleanup)       \
	X(multi_info_read)     \
	X(multi_init)          \
	X(multi_remove_handle) \
	X(multi_setopt)        \
	X(multi_socket_action) \
	X(slist_append)        \
	X(slist_free_all)      \
	X(version_info)

struct net_http_curl {
#define X(name) __typeof__(curl_##name)(*name);
	NET_HTTP_CALLS(X)
#undef X
};
extern struct net_http_curl net_http_curl;

/* Once a process; ERR_CONFIG as net_http_open says. */
enum err_code net_http_curl_load(struct err *err);

struct net_http {
	struct net_env *net;
	char *ca_file;
	char *user_agent;
	int64_t host_connections;
	CURLM *multi;
	struct env_timer timer; /* libcurl's one */
	struct env_post post;   /* starts what waits, reports what ended */
	struct list hosts;
	struct list sockets;
	struct list running; /* exchanges that libcurl has */
	struct list ended;   /* done() comes next */
	struct list dropped; /* cancelled while libcurl was running */
	bool in_curl;        /* in a callback of libcurl nothing is removed */
	bool closed;         /* freed when depth is 0 */
	unsigned depth;
};

/* Those that share connections: scheme, name and port are the same. */
struct net_http_host {
	struct list node;
	char *key;        /* "https://host:port", in lower case */
	int64_t active;   /* that libcurl has */
	size_t exchanges; /* all that name it; it goes with the last */
	struct list waiting;
};

/*
 * One exchange, from start to done() or cancel.  It outlives a cancelled
 * request while libcurl still knows of it, so the callbacks ask r first.
 */
struct net_http_exchange {
	struct net_http *http;
	struct net_http_request *r; /* NULL: cancelled */
	struct net_http_host *host; /* NULL: the url is none */
	struct list node;
	CURL *easy; /* NULL unless running */
	struct curl_slist *headers;
	struct env_timer timer;
	int64_t total_us; /* when it is over; BOOTTIME */
	int64_t moved_us; /* when bytes were last seen to move */
	int64_t moved;
	bool sent;
	bool opened;  /* a connection of its own */
	bool stale;   /* the kept connection was dead: begins anew, once */
	bool again;   /* libcurl wanted to send it once more */
	bool interim; /* the headers that come now are a 1xx's */
	bool headers_whole; /* of the answer */
	size_t header_bytes;
	size_t given;        /* bytes of the body */
	enum err_code fault; /* ours, or read()'s, that ended it */
	struct err fault_err;
	char text[CURL_ERROR_SIZE];
};

/* The system calls of libcurl may raise SIGPIPE (TLS over a dead connection):
 * between these two it is held back and forgotten. */
struct net_http_quiet {
	sigset_t before;
};
void net_http_quiet(struct net_http_quiet *q);
void net_http_loud(struct net_http_quiet *q);

/* Sockets and the timer of libcurl's multi handle; act calls libcurl and then
 * net_http_settle. */
void net_http_watch(struct net_http *h);
void net_http_act(struct net_http *h, curl_socket_t fd, int what);
void net_http_settle(struct net_http *h);

/* Sockets of connections; closing them is libcurl's. */
curl_socket_t net_http_socket_open(struct net_http *h,
    const struct curl_sockaddr *a, const struct net_http_request *r);
int net_http_socket_close(void *http, curl_socket_t fd);
void net_http_socket_forget_all(struct net_http *h);
/* Has the connection between these ended, or anything to be read? */
bool net_http_socket_is_stale(
    struct net_http *h, const char *peer, int peer_port, int local_port);

/* "http://host:port" of url in *key; ERR_CONFIG when url is none. */
enum err_code net_http_key(const char *url, char **key, struct err *err);
/* Makes x->easy and x->headers; ERR_CONFIG for method and headers. */
enum err_code net_http_prepare(struct net_http_exchange *x, struct err *err);
/* What libcurl's result means, into x->r. */
void net_http_judge(struct net_http_exchange *x, CURLcode rc);
/* Bytes that moved until now, both ways. */
int64_t net_http_moved(const struct net_http_exchange *x);
/* Sets x's fault, unless it has one. */
void net_http_fault(struct net_http_exchange *x, const struct err *err);

#endif
