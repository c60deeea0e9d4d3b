#include "net/net_http.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_http_priv.h"

#define HOST_CONNECTIONS 16
#define CA_FILE_MAX (16 << 20)
#define TICK_MIN_MS 5

static int64_t
now_us(const struct net_http *h)
{
	return net_env_boot_us(&h->net->env);
}

/* --- Hosts -----------------------------------------------------------------
 */

static struct net_http_host *
host_of(struct net_http *h, char **key)
{
	struct net_http_host *host;

	LIST_FOREACH (it, &h->hosts) {
		host = CONTAINER_OF(it, struct net_http_host, node);
		if (strcmp(host->key, *key) == 0) {
			mem_free(key);
			return host;
		}
	}
	host = mem_zalloc(1, sizeof(*host));
	host->key = *key;
	list_init(&host->waiting);
	list_add_tail(&h->hosts, &host->node);
	*key = NULL;
	return host;
}

/* --- One exchange ----------------------------------------------------------
 */

/* Takes x from libcurl; not from one of its callbacks. */
static void
take_back(struct net_http_exchange *x)
{
	struct net_http *h = x->http;
	struct net_http_quiet q;

	CHECK(!h->in_curl);
	if (x->easy != NULL) {
		net_http_quiet(&q);
		CHECK(net_http_curl.multi_remove_handle(h->multi, x->easy) ==
		      CURLM_OK);
		net_http_curl.easy_cleanup(x->easy);
		net_http_loud(&q);
		x->easy = NULL;
		x->host->active--;
	}
	if (x->headers != NULL)
		net_http_curl.slist_free_all(x->headers);
	x->headers = NULL;
	env_timer_stop(&h->net->env, &x->timer);
}

/* The host goes with the last one that names it. */
static void
release(struct net_http_exchange *x)
{
	struct net_http_host *host = x->host;

	take_back(x);
	list_remove(&x->node);
	if (host != NULL && --host->exchanges == 0) {
		list_remove(&host->node);
		mem_free(&host->key);
		mem_free(&host);
	}
	mem_free(&x);
}

/* done() is called from net_http_settle or the post. */
static void
end(struct net_http_exchange *x, CURLcode rc)
{
	net_http_judge(x, rc);
	take_back(x);
	list_remove(&x->node);
	list_add_tail(&x->http->ended, &x->node);
}

static void
end_with(struct net_http_exchange *x, const struct err *err)
{
	net_http_fault(x, err);
	end(x, CURLE_OK);
}

static int64_t
tick_ms(const struct net_http_exchange *x)
{
	int64_t left = (x->total_us - now_us(x->http)) / 1000 + 1;
	int64_t tick = x->r->stall_ms / 4;

	if (tick < TICK_MIN_MS)
		tick = TICK_MIN_MS;
	return x->r->stall_ms > 0 && tick < left ? tick : left;
}

static bool
is_stalled(struct net_http_exchange *x, int64_t now)
{
	if (x->easy == NULL || !x->sent || x->r->stall_ms <= 0)
		return false;
	int64_t moved = net_http_moved(x);
	if (moved != x->moved) {
		x->moved = moved;
		x->moved_us = now;
	}
	return now - x->moved_us >= x->r->stall_ms * 1000;
}

static void
on_tick(struct env_timer *t)
{
	struct net_http_exchange *x =
	    CONTAINER_OF(t, struct net_http_exchange, timer);
	struct net_http *h = x->http;
	int64_t now = now_us(h);
	struct err err;

	if (now >= x->total_us)
		(void)err_set(&err, ERR_TIMEOUT, 0, "%s within %lld ms",
		    x->easy == NULL ? "no connection became free"
		    : x->sent       ? "no whole answer"
				    : "no connection",
		    (long long)(x->r->total_ms > 0 ? x->r->total_ms
						   : NET_HTTP_TOTAL_MS));
	else if (is_stalled(x, now))
		(void)err_set(&err, ERR_TIMEOUT, 0, "no byte moved for %lld ms",
		    (long long)x->r->stall_ms);
	else {
		env_timer_start_real(&h->net->env, t, tick_ms(x));
		return;
	}
	end_with(x, &err);
	net_http_settle(h);
}

/* With the first request, for it takes 15 ms and 8 MB. */
static enum err_code
load(struct net_http *h, struct err *err)
{
	if (h->multi != NULL)
		return ERR_NONE;
	if (net_http_curl_load(err) != ERR_NONE)
		return err->code;
	h->multi = net_http_curl.multi_init();
	CHECK(h->multi != NULL);
	net_http_watch(h);
	return ERR_NONE;
}

static void
begin(struct net_http_exchange *x)
{
	struct net_http *h = x->http;
	struct err err;

	list_remove(&x->node);
	list_add_tail(&h->running, &x->node);
	if (load(h, &err) != ERR_NONE ||
	    net_http_prepare(x, &err) != ERR_NONE) {
		end_with(x, &err);
		return;
	}
	x->host->active++;
	CHECK(net_http_curl.multi_add_handle(h->multi, x->easy) == CURLM_OK);
}

/* On a new connection; nothing of it was sent on the old one. */
static void
begin_anew(struct net_http_exchange *x)
{
	take_back(x);
	x->text[0] = '\0';
	env_timer_start_real(&x->http->net->env, &x->timer, tick_ms(x));
	begin(x);
}

/* --- The client ------------------------------------------------------------
 */

static void
collect(struct net_http *h)
{
	CURLMsg *m;
	int left;

	while (h->multi != NULL &&
	       (m = net_http_curl.multi_info_read(h->multi, &left)) != NULL) {
		struct net_http_exchange *x = NULL;
		CURLcode rc = m->data.result;

		CHECK(m->msg == CURLMSG_DONE);
		CHECK(net_http_curl.easy_getinfo(m->easy_handle,
			  CURLINFO_PRIVATE, (char **)&x) == CURLE_OK);
		if (x->stale && !x->sent && rc == CURLE_ABORTED_BY_CALLBACK)
			begin_anew(x);
		else
			end(x, rc);
	}
}

static void
drop_all(struct list *l)
{
	while (!list_empty(l))
		release(CONTAINER_OF(l->next, struct net_http_exchange, node));
}

/*
 * Each done() may start, cancel and close: nothing is held over it.  What ends
 * meanwhile waits for the next round, so that the loop gets its turn.
 */
static void
report(struct net_http *h)
{
	size_t count = 0;

	LIST_FOREACH (it, &h->ended)
		count++;
	for (; count > 0 && !list_empty(&h->ended); count--) {
		struct net_http_exchange *x =
		    CONTAINER_OF(h->ended.next, struct net_http_exchange, node);
		struct net_http_request *r = x->r;

		r->own = NULL;
		release(x);
		r->done(r);
	}
}

static bool
may_begin(const struct net_http *h, const struct net_http_host *host)
{
	return !list_empty(&host->waiting) &&
	       host->active < h->host_connections;
}

static void
destroy(struct net_http *h)
{
	struct net_http_quiet q;

	drop_all(&h->dropped);
	drop_all(&h->running);
	drop_all(&h->ended);
	while (!list_empty(&h->hosts)) {
		struct net_http_host *host =
		    CONTAINER_OF(h->hosts.next, struct net_http_host, node);

		/* The last one takes its host along. */
		release(CONTAINER_OF(
		    host->waiting.next, struct net_http_exchange, node));
	}
	net_http_quiet(&q);
	if (h->multi != NULL)
		CHECK(net_http_curl.multi_cleanup(h->multi) == CURLM_OK);
	net_http_loud(&q);
	net_http_socket_forget_all(h);
	env_timer_stop(&h->net->env, &h->timer);
	list_remove(&h->post.node);
	mem_free(&h->ca_file);
	mem_free(&h->user_agent);
	mem_free(&h);
}

/* After libcurl ran or an exchange ended. */
void
net_http_settle(struct net_http *h)
{
	h->depth++;
	drop_all(&h->dropped);
	if (!h->closed) {
		collect(h);
		report(h);
	}
	h->depth--;
	if (h->closed) {
		if (h->depth == 0)
			destroy(h);
		return;
	}
	bool more = !list_empty(&h->ended);
	LIST_FOREACH (it, &h->hosts)
		more |=
		    may_begin(h, CONTAINER_OF(it, struct net_http_host, node));
	if (more)
		env_post(&h->net->env, &h->post);
}

/* What was begun runs from libcurl's timer, which it has set to now. */
static void
on_post(struct env_post *p)
{
	struct net_http *h = CONTAINER_OF(p, struct net_http, post);

	LIST_FOREACH (it, &h->hosts) {
		struct net_http_host *host =
		    CONTAINER_OF(it, struct net_http_host, node);

		while (may_begin(h, host))
			begin(CONTAINER_OF(host->waiting.next,
			    struct net_http_exchange, node));
	}
	net_http_settle(h);
}

void
net_http_start(struct net_http *h, struct net_http_request *r)
{
	struct net_http_exchange *x = mem_zalloc(1, sizeof(*x));
	int64_t total_ms = r->total_ms > 0 ? r->total_ms : NET_HTTP_TOTAL_MS;
	char *key = NULL;
	struct err err;

	net_env_own_thread(h->net);
	CHECK(r->own == NULL && r->done != NULL && !h->closed);
	CHECK(r->body_len == 0 || r->body != NULL || r->read != NULL);
	net_http_request_fini(r);
	r->code = ERR_NONE;
	r->sent = false;
	r->status = 0;
	r->body_in.max =
	    r->response_max > 0 ? r->response_max : NET_HTTP_RESPONSE_MAX;
	r->headers_in.max = NET_HTTP_HEADERS_MAX + 2;
	r->own = x;
	x->r = r;
	x->http = h;
	x->timer.fn = on_tick;
	x->total_us = now_us(h) + total_ms * 1000;
	if (net_http_key(r->url, &key, &err) == ERR_NONE) {
		x->host = host_of(h, &key);
		x->host->exchanges++;
		list_add_tail(&x->host->waiting, &x->node);
		env_timer_start_real(&h->net->env, &x->timer, tick_ms(x));
	} else {
		end_with(x, &err);
	}
	env_post(&h->net->env, &h->post);
}

/* While libcurl runs it is only marked; its callbacks refuse from now on. */
static void
detach(struct net_http_exchange *x)
{
	x->r->own = NULL;
	x->r = NULL;
	env_timer_stop(&x->http->net->env, &x->timer);
}

void
net_http_cancel(struct net_http_request *r)
{
	struct net_http_exchange *x = r->own;

	if (x == NULL)
		return;
	struct net_http *h = x->http;

	net_env_own_thread(h->net);
	detach(x);
	if (h->in_curl) {
		list_remove(&x->node);
		list_add_tail(&h->dropped, &x->node);
		return;
	}
	release(x);
	/* Its place may be another's. */
	env_post(&h->net->env, &h->post);
}

void
net_http_request_fini(struct net_http_request *r)
{
	net_http_cancel(r);
	buf_free(&r->body_in);
	buf_free(&r->headers_in);
}

static void
detach_all(struct list *l)
{
	LIST_FOREACH (it, l)
		detach(CONTAINER_OF(it, struct net_http_exchange, node));
}

void
net_http_close(struct net_http **http)
{
	struct net_http *h = *http;

	if (h == NULL)
		return;
	*http = NULL;
	net_env_own_thread(h->net);
	h->closed = true;
	detach_all(&h->running);
	detach_all(&h->ended);
	LIST_FOREACH (it, &h->hosts)
		detach_all(
		    &CONTAINER_OF(it, struct net_http_host, node)->waiting);
	if (!h->in_curl)
		drop_all(&h->ended);
	if (h->depth == 0)
		destroy(h);
}

/* libcurl would tell only with the first connection, and not what is wrong. */
static enum err_code
check_authorities(struct env *env, const char *path, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	enum err_code code =
	    env_read_whole(env, path, CA_FILE_MAX, &text, &len, err);

	if (code == ERR_NONE &&
	    strstr(text, "-----BEGIN CERTIFICATE-----") == NULL &&
	    strstr(text, "-----BEGIN TRUSTED CERTIFICATE-----") == NULL)
		code = err_set(err, ERR_CONFIG, 0,
		    "%s: no certificate in PEM in it", path);
	mem_free(&text);
	if (code == ERR_NONE)
		return ERR_NONE;
	err->code = ERR_CONFIG;
	return err_wrap(err, "file of authorities");
}

enum err_code
net_http_open(const struct net_http_options *options, struct net_http **out,
    struct err *err)
{
	struct net_http *h;
	enum err_code code = ERR_NONE;

	*out = NULL;
	net_env_own_thread(net_env_of(options->env));
	if (options->ca_file != NULL)
		code = check_authorities(options->env, options->ca_file, err);
	if (code != ERR_NONE)
		return code;

	h = mem_zalloc(1, sizeof(*h));
	h->net = net_env_of(options->env);
	h->ca_file = mem_strdup(options->ca_file);
	h->user_agent = mem_strdup(
	    options->user_agent != NULL ? options->user_agent : "dsrun");
	h->host_connections = options->host_connections > 0
				  ? options->host_connections
				  : HOST_CONNECTIONS;
	h->post.fn = on_post;
	list_init(&h->hosts);
	list_init(&h->sockets);
	list_init(&h->running);
	list_init(&h->ended);
	list_init(&h->dropped);
	*out = h;
	return ERR_NONE;
}
