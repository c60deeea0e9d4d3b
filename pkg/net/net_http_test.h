#ifndef DSRUN_NET_HTTP_TEST_H
#define DSRUN_NET_HTTP_TEST_H

/* What the tests of net_http share: a loop, a client, a peer and questions. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "net/net_env.h"
#include "net/net_http.h"
#include "net/net_peer_test.h"

#define HTTP_FN static __attribute__((unused))

struct world {
	struct env *env;
	struct net_http *http;
	struct net_peer *peer;
	int dones;
	char url[256];
};

/* A request and what a test does when it is done. */
struct ask {
	struct net_http_request r;
	struct world *w;
	int dones;
	int order; /* the how-many-th to be done */
	void (*then)(struct ask *a);
	int64_t begun_ms;
	int64_t took_ms;
};

HTTP_FN void
open_peer(struct world *w, const struct net_peer_options *options)
{
	assert_null(w->peer);
	w->peer = net_peer_open(options);
}

HTTP_FN void
open_http(struct world *w, const char *ca_file, int64_t host_connections)
{
	struct net_http_options o = {.env = w->env,
	    .ca_file = ca_file,
	    .host_connections = host_connections};
	struct err err = {0};

	if (net_http_open(&o, &w->http, &err) != ERR_NONE)
		fail_msg("%s", err.text);
}

/* A loop, a client and a peer as good as gold. */
HTTP_FN int
set_up(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	struct err err;

	assert_int_equal(net_env_open(&w->env, &err), ERR_NONE);
	open_http(w, NULL, 0);
	open_peer(w, &(struct net_peer_options){0});
	*state = w;
	return 0;
}

HTTP_FN int
tear_down(void **state)
{
	struct world *w = *state;

	net_http_close(&w->http);
	net_http_close(&w->http);
	net_peer_close(&w->peer);
	net_env_close(&w->env);
	mem_free(state);
	return 0;
}

HTTP_FN void
on_ask(struct net_http_request *r)
{
	struct ask *a = CONTAINER_OF(r, struct ask, r);

	a->dones++;
	a->order = ++a->w->dones;
	a->took_ms = env_real_boot_ms(a->w->env) - a->begun_ms;
	if (a->then != NULL)
		a->then(a);
}

/* Fields that were set before stay; the url is the peer's "/". */
HTTP_FN void
start(struct world *w, struct ask *a, const char *method)
{
	if (a->r.url == NULL) {
		net_peer_url(w->peer, "/", w->url, sizeof(w->url));
		a->r.url = w->url;
	}
	a->r.method = method;
	a->r.done = on_ask;
	a->w = w;
	a->begun_ms = env_real_boot_ms(w->env);
	net_http_start(w->http, &a->r);
}

HTTP_FN void
ask(struct world *w, struct ask *a, const char *method)
{
	start(w, a, method);
	assert_int_equal(a->dones, 0);
	net_env_run(w->env);
	assert_int_equal(a->dones, 1);
}

/* One that must be answered with that status. */
HTTP_FN void
ask_well(struct world *w, const char *method, int status)
{
	struct ask a = {0};

	ask(w, &a, method);
	if (a.r.code != ERR_NONE)
		fail_msg("%s", a.r.err.text);
	assert_int_equal(a.r.status, status);
	net_http_request_fini(&a.r);
}

/* One that must fail so. */
HTTP_FN void
ask_ill(struct world *w, struct ask *a, const char *method, enum err_code code,
    bool sent)
{
	ask(w, a, method);
	if (a->r.code != code || a->r.sent != sent)
		fail_msg("%s, sent %d: %s", err_name(a->r.code), a->r.sent,
		    a->r.err.text);
	assert_int_equal(a->r.err.code, code);
	assert_true(strlen(a->r.err.text) > 10);
	net_http_request_fini(&a->r);
}

/* A connection is idle a moment after its answer came, not before. */
HTTP_FN void
wait_until_idle_ends(struct world *w, enum net_peer_then then)
{
	for (int n = 0; n < 500 && net_peer_connected(w->peer) > 0; n++) {
		net_peer_drop_idle(w->peer, then);
		env_pause(w->env, 2000);
	}
	assert_int_equal(net_peer_connected(w->peer), 0);
}

struct pause {
	struct env_timer timer;
	struct env *env;
};

HTTP_FN void
end_pause(struct env_timer *t)
{
	net_env_stop(CONTAINER_OF(t, struct pause, timer)->env);
}

/* The loop runs until the peer has seen so many requests. */
HTTP_FN void
run_until_sent(struct world *w, size_t count)
{
	struct pause p = {.timer.fn = end_pause, .env = w->env};

	for (int i = 0; i < 2000 && net_peer_count(w->peer) < count; i++) {
		env_timer_start_real(w->env, &p.timer, 2);
		net_env_run(w->env);
	}
	assert_true(net_peer_count(w->peer) >= count);
}

HTTP_FN void
script(struct world *w, struct net_peer_reply reply)
{
	net_peer_script(w->peer, &reply);
}

#endif
