#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis_priv.h"

#define REDIRECTS_MAX 5

/* "MOVED 3999 host:port": the address; false when it is none. */
static bool
read_target(
    const struct net_redis *r, const char *text, struct net_redis_address *out)
{
	const char *at = strrchr(text, ' ');
	const char *colon = at != NULL ? strrchr(at, ':') : NULL;
	int64_t port = 0;
	struct err err;

	if (colon == NULL ||
	    text_i64(colon + 1, 1, 65535, &port, &err) != ERR_NONE)
		return false;
	net_redis_address_fini(out);
	/* No host is the one that was asked; IPv6 comes without brackets. */
	out->host = colon > at + 1
			? mem_strndup(at + 1, (size_t)(colon - at) - 1)
			: mem_strdup(r->at.host);
	out->port = (int)port;
	return true;
}

/* As if it had never been sent: the server said that it did not do it. */
static void
unsend(struct net_redis_flight *f)
{
	net_redis_reply_free(&f->reply);
	f->sent = false;
	f->redirects++;
}

static void
on_side_opened(void *arg)
{
	(void)arg;
}

static void
on_side_replied(void *arg, struct net_redis_flight *f)
{
	struct net_redis *r = arg;
	const struct net_redis_value *v = net_redis_reply_value(f->reply);
	struct err err;

	if (f->step == NET_REDIS_USER) {
		net_redis_replied(r, r->side, f);
		return;
	}
	bool refused = f->step == NET_REDIS_AUTH && v->kind == NET_REDIS_ERROR;

	if (refused)
		(void)err_set(&err, ERR_UNREACHABLE, 0, "%.300s", v->text);
	net_redis_flight_free(&f);
	if (refused)
		net_redis_side_lost(r, &err);
}

static void
on_side_failed(void *arg, const struct err *err)
{
	net_redis_side_lost(arg, err);
}

static void
on_side_settled(void *root)
{
	net_redis_deliver(root);
}

static const struct net_redis_link_ops side_ops = {
    on_side_opened, on_side_replied, NULL, on_side_failed, on_side_settled};

static void
open_side(struct net_redis *r, const struct net_redis_address *at)
{
	struct net_redis_link_options o = {.env = r->env,
	    .at = at,
	    .tls = r->tls,
	    .reply_max = r->reply_max,
	    .ops = &side_ops,
	    .arg = r,
	    .root = r};

	net_redis_address_copy(&r->side_at, at);
	r->side = net_redis_link_open(&o);
	net_redis_say_auth(r->side, r->url.user, r->url.password);
	if (r->name != NULL)
		net_redis_say(r->side, NET_REDIS_NAME,
		    (const char *const[]){"CLIENT", "SETNAME", r->name, NULL});
}

static void
ask(struct net_redis *r, const struct net_redis_address *at,
    struct net_redis_flight *f)
{
	unsend(f);
	if (r->side != NULL && !net_redis_address_eq(&r->side_at, at)) {
		/* Two at once are asked for: this one asks its way anew. */
		if (!list_empty(net_redis_link_flights(r->side))) {
			list_add_tail(&r->waiting, &f->node);
			return;
		}
		net_redis_link_close(&r->side);
	}
	if (r->side == NULL)
		open_side(r, at);
	net_redis_say(
	    r->side, NET_REDIS_ASKING, (const char *const[]){"ASKING", NULL});
	net_redis_link_put(r->side, f);
}

static void
move(struct net_redis *r, const struct net_redis_address *at,
    struct net_redis_flight *f)
{
	unsend(f);
	list_add_tail(&r->moved, &f->node);
	net_redis_address_copy(&r->at, at);
	net_redis_leave(r);
}

/* True: it is on its way again. */
static bool
redirect(struct net_redis *r, const char *text, struct net_redis_flight *f)
{
	struct net_redis_address at = {NULL, 0};
	bool moved = text_starts(text, "MOVED ");
	bool asks = text_starts(text, "ASK ");
	const struct net_redis_script *script =
	    f->script != NULL ? f->script : f->whole;
	bool stays = asks && script != NULL && script->stays;
	bool done = (moved || asks) && !stays && f->redirects < REDIRECTS_MAX &&
		    read_target(r, text, &at);

	if (done && moved)
		move(r, &at, f);
	else if (done)
		ask(r, &at, f);
	net_redis_address_fini(&at);
	return done;
}

/* The same script is on its way whole, before whatever is put now. */
static bool
will_be_known(
    const struct net_redis_link *l, const struct net_redis_script *script)
{
	LIST_FOREACH (it, net_redis_link_flights(l))
		if (net_redis_flight_of(it)->whole == script)
			return true;
	return false;
}

/*
 * Many may have been sent before the server said that it does not know their
 * script: the first goes whole, the others by its hash behind it.
 */
static void
teach(struct net_redis *r, struct net_redis_link *l, struct net_redis_flight *f)
{
	unsend(f);
	if (f->again || !will_be_known(l, f->script))
		net_redis_flight_whole(f);
	f->again = true;
	if (l == r->side)
		net_redis_say(
		    l, NET_REDIS_ASKING, (const char *const[]){"ASKING", NULL});
	net_redis_link_put(l, f);
}

void
net_redis_replied(
    struct net_redis *r, struct net_redis_link *l, struct net_redis_flight *f)
{
	const struct net_redis_value *v = net_redis_reply_value(f->reply);

	if (v->kind == NET_REDIS_ERROR && f->command != NULL) {
		if (redirect(r, v->text, f))
			return;
		if (f->script != NULL && text_starts(v->text, "NOSCRIPT")) {
			teach(r, l, f);
			return;
		}
		/* A master that was deposed while it was asked. */
		if (r->sentinel_count > 0 && text_starts(v->text, "READONLY")) {
			r->refind = true;
			net_redis_leave(r);
		}
	}
	net_redis_finish(r, f, ERR_NONE, NULL);
}
