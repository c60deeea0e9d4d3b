#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_http_priv.h"

/* A socket that libcurl wants watched. */
struct watch {
	struct net_http *http;
	curl_socket_t fd;
	uv_poll_t poll;
	int events; /* that libcurl waits for */
};

/*
 * SIGPIPE belongs to the thread that wrote, so what is pending after libcurl
 * ran came from it, unless it was blocked already.
 */
void
net_http_quiet(struct net_http_quiet *q)
{
	sigset_t pipe_only;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	CHECK(pthread_sigmask(SIG_BLOCK, &pipe_only, &q->before) == 0);
}

void
net_http_loud(struct net_http_quiet *q)
{
	static const struct timespec now = {0, 0};
	sigset_t pipe_only;

	if (sigismember(&q->before, SIGPIPE) == 1)
		return;
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	while (sigtimedwait(&pipe_only, NULL, &now) == SIGPIPE)
		;
	CHECK(pthread_sigmask(SIG_SETMASK, &q->before, NULL) == 0);
}

void
net_http_act(struct net_http *h, curl_socket_t fd, int what)
{
	struct net_http_quiet q;
	int running;

	CHECK(!h->in_curl);
	h->depth++;
	h->in_curl = true;
	net_http_quiet(&q);
	CHECK(net_http_curl.multi_socket_action(h->multi, fd, what, &running) ==
	      CURLM_OK);
	net_http_loud(&q);
	h->in_curl = false;
	h->depth--;
	net_http_settle(h);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = CONTAINER_OF(poll, struct watch, poll);
	int what = 0;

	/* What the peer said before it reset the connection can still be read:
	 * a refusal of a body that was going out.  libcurl gives up on an
	 * error alone. */
	if (status < 0)
		what |= CURL_CSELECT_ERR | CURL_CSELECT_IN | CURL_CSELECT_OUT;
	if ((events & UV_READABLE) != 0)
		what |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		what |= CURL_CSELECT_OUT;
	net_http_act(w->http, w->fd, what);
	/* libuv stopped it; w itself goes in a later turn. */
	if (status < 0 && uv_is_closing((uv_handle_t *)&w->poll) == 0)
		CHECK(uv_poll_start(&w->poll, w->events, on_poll) == 0);
}

static void
let_go(uv_handle_t *handle)
{
	struct watch *w =
	    CONTAINER_OF((uv_poll_t *)(void *)handle, struct watch, poll);

	mem_free(&w);
}

/* libcurl says REMOVE before it closes the socket, so none is polled that may
 * be another's by now. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct net_http *h = arg;
	struct watch *w = known;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w == NULL)
			return 0;
		(void)net_http_curl.multi_assign(h->multi, fd, NULL);
		(void)uv_poll_stop(&w->poll);
		uv_close((uv_handle_t *)&w->poll, let_go);
		return 0;
	}
	if (w == NULL) {
		w = mem_zalloc(1, sizeof(*w));
		w->http = h;
		w->fd = fd;
		CHECK(uv_poll_init(&h->net->loop, &w->poll, fd) == 0);
		CHECK(net_http_curl.multi_assign(h->multi, fd, w) == CURLM_OK);
	}
	if ((what & CURL_POLL_IN) != 0)
		events |= UV_READABLE;
	if ((what & CURL_POLL_OUT) != 0)
		events |= UV_WRITABLE;
	w->events = events;
	CHECK(uv_poll_start(&w->poll, events, on_poll) == 0);
	return 0;
}

static void
on_timer(struct env_timer *t)
{
	net_http_act(
	    CONTAINER_OF(t, struct net_http, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timeout(CURLM *multi, long timeout_ms, void *arg)
{
	struct net_http *h = arg;

	(void)multi;
	if (timeout_ms < 0)
		env_timer_stop(&h->net->env, &h->timer);
	else
		env_timer_start_real(&h->net->env, &h->timer, timeout_ms);
	return 0;
}

#define SET(option, value) \
	CHECK(net_http_curl.multi_setopt(h->multi, option, value) == CURLM_OK)

void
net_http_watch(struct net_http *h)
{
	h->timer.fn = on_timer;
	SET(CURLMOPT_SOCKETFUNCTION, on_socket);
	SET(CURLMOPT_SOCKETDATA, h);
	SET(CURLMOPT_TIMERFUNCTION, on_timeout);
	SET(CURLMOPT_TIMERDATA, h);
	SET(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	SET(CURLMOPT_MAXCONNECTS, NET_HTTP_CONNECTIONS);
}
