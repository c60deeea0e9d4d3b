#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis_priv.h"

/*
 * Who is master?  All sentinels are asked at once.  What more than half of
 * those listed name is the master; when they do not agree in time, the address
 * with the most votes, and of equals the newest (config-epoch).  One of them
 * may have been cut off, and a master that was deposed and comes back calls
 * itself master for some 10 s: its own word is not enough.
 *
 * A failover that a person orders leaves the old master for as long in that
 * belief, and in the hands of its clients, whose writes are lost.  So the
 * sentinels are listened to while the connection is up: once more than half of
 * them have switched to another, it is left.
 */

#define AGAIN_MS 2000

struct asked {
	struct net_redis_find *find;
	struct net_redis_link *link;    /* NULL: it is away */
	struct net_redis_address names; /* host NULL: none yet */
	int64_t epoch;
	bool over; /* it has answered, or will not */
};

struct net_redis_find {
	struct net_redis *r;
	struct asked asked[NET_REDIS_SENTINELS_MAX];
	size_t count;
	bool chosen;
	int64_t tried_ms; /* real BOOTTIME of the last attempt at any */
	struct err err;   /* the last that went wrong */
};

static size_t
votes(const struct net_redis_find *f, const struct net_redis_address *at)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->asked[i].names.host != NULL &&
		    net_redis_address_eq(&f->asked[i].names, at))
			n++;
	return n;
}

/* The most named, and how many name it; NULL: none names any. */
static const struct asked *
most_named(const struct net_redis_find *f, size_t *most)
{
	const struct asked *best = NULL;

	*most = 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct asked *a = &f->asked[i];
		size_t n = a->names.host != NULL ? votes(f, &a->names) : 0;

		if (n > *most ||
		    (best != NULL && n == *most && a->epoch > best->epoch)) {
			best = a;
			*most = n;
		}
	}
	return best;
}

static void
choose(struct net_redis_find *f, bool late)
{
	struct net_redis *r = f->r;
	size_t most;
	const struct asked *best = most_named(f, &most);
	bool all = true;
	struct err err;

	for (size_t i = 0; i < f->count; i++)
		all = all && f->asked[i].over;
	if (f->chosen || (!all && !late && most <= f->count / 2))
		return;
	if (best != NULL) {
		f->chosen = true;
		net_redis_address_copy(&r->at, &best->names);
		net_redis_join(r);
		return;
	}
	(void)err_set(&err, ERR_UNREACHABLE, 0,
	    "none of %zu sentinels names a master of %s: %s", f->count,
	    r->sentinel_master,
	    f->err.code != ERR_NONE ? f->err.text : "no answer in time");
	if (f->err.code == ERR_CONFIG)
		err.code = ERR_CONFIG;
	net_redis_lost(r, &err);
}

static void
note(struct asked *a, const struct err *err)
{
	size_t i = (size_t)(a - a->find->asked);
	char *at = net_redis_address_text(&a->find->r->sentinels[i]);

	a->find->err = *err;
	(void)err_wrap(&a->find->err, "%s", at);
	mem_free(&at);
}

/* It names nobody any more: what it said may be old. */
static void
end(struct asked *a)
{
	net_redis_link_close(&a->link);
	net_redis_address_fini(&a->names);
	a->over = true;
}

static void
on_opened(void *arg)
{
	(void)arg;
}

/* False: no address. */
static bool
set_names(struct asked *a, const char *host, const char *port)
{
	int64_t number = 0;
	struct err err;

	if (*host == '\0' ||
	    text_i64(port, 1, 65535, &number, &err) != ERR_NONE)
		return false;
	net_redis_address_fini(&a->names);
	a->names.host = mem_strdup(host);
	a->names.port = (int)number;
	return true;
}

/* [host, port] */
static void
read_names(struct asked *a, const struct net_redis_value *v)
{
	const struct net_redis_value *i = v->items;
	struct err err;

	if (v->kind == NET_REDIS_ARRAY && v->count == 2 &&
	    i[0].kind == NET_REDIS_STRING && i[1].kind == NET_REDIS_STRING &&
	    set_names(a, i[0].text, i[1].text))
		return;
	(void)err_set(&err, ERR_UNREACHABLE, 0, "%.200s",
	    v->kind == NET_REDIS_ERROR ? v->text : "it knows no such master");
	note(a, &err);
}

/* name, value, name, value ... */
static void
read_epoch(struct asked *a, const struct net_redis_value *v)
{
	struct err err;

	if (v->kind != NET_REDIS_ARRAY)
		return;
	for (size_t i = 0; i + 1 < v->count; i += 2)
		if (v->items[i].kind == NET_REDIS_STRING &&
		    v->items[i + 1].kind == NET_REDIS_STRING &&
		    text_eq(v->items[i].text, "config-epoch"))
			(void)text_i64(v->items[i + 1].text, 0, INT64_MAX,
			    &a->epoch, &err);
}

static void
on_replied(void *arg, struct net_redis_flight *flight)
{
	struct asked *a = arg;
	struct net_redis_find *f = a->find;
	const struct net_redis_value *v = net_redis_reply_value(flight->reply);
	int step = flight->step;
	struct err err;

	if (step == NET_REDIS_AUTH && v->kind == NET_REDIS_ERROR) {
		(void)err_set(&err, ERR_CONFIG, 0, "%.200s", v->text);
		note(a, &err);
		end(a);
	} else if (step == NET_REDIS_MASTER) {
		read_epoch(a, v);
	} else if (step == NET_REDIS_MASTER_ADDR) {
		read_names(a, v);
		a->over = true;
	}
	net_redis_flight_free(&flight);
	if (a->over)
		choose(f, false);
}

/* ["message", "+switch-master", "NAME HOST PORT HOST PORT"] */
static void
on_heard(void *arg, const struct net_redis_value *v)
{
	struct asked *a = arg;
	const char *name = a->find->r->sentinel_master;
	size_t len = strlen(name);
	char *text, *to, *port;

	if (v->kind != NET_REDIS_ARRAY || v->count != 3 ||
	    v->items[2].kind != NET_REDIS_STRING ||
	    strncmp(v->items[2].text, name, len) != 0 ||
	    v->items[2].text[len] != ' ')
		return;
	text = mem_strdup(v->items[2].text + len + 1);
	to = strchr(text, ' ');
	to = to != NULL ? strchr(to + 1, ' ') : NULL;
	port = to != NULL ? strchr(to + 1, ' ') : NULL;
	if (port != NULL) {
		*port = '\0';
		(void)set_names(a, to + 1, port + 1);
	}
	mem_free(&text);
}

static void
on_failed(void *arg, const struct err *err)
{
	struct asked *a = arg;

	note(a, err);
	end(a);
	choose(a->find, false);
}

static void
on_settled(void *root)
{
	net_redis_deliver(root);
}

static const struct net_redis_link_ops ops = {
    on_opened, on_replied, on_heard, on_failed, on_settled};

/* In one write: nothing can happen between the answer and the listening. */
static void
open_one(struct net_redis *r, size_t i)
{
	struct asked *a = &r->find->asked[i];
	struct net_redis_link_options o = {.env = r->env,
	    .at = &r->sentinels[i],
	    .tls = r->tls,
	    .reply_max = (size_t)1 << 20,
	    .turn = r->turn,
	    .ops = &ops,
	    .arg = a,
	    .root = r};

	a->find = r->find;
	a->epoch = -1;
	a->link = net_redis_link_open(&o);
	net_redis_say_auth(a->link, r->sentinel_user, r->sentinel_password);
	net_redis_say(a->link, NET_REDIS_MASTER,
	    (const char *const[]){
		"SENTINEL", "MASTER", r->sentinel_master, NULL});
	net_redis_say(a->link, NET_REDIS_MASTER_ADDR,
	    (const char *const[]){"SENTINEL", "GET-MASTER-ADDR-BY-NAME",
		r->sentinel_master, NULL});
	net_redis_say(a->link, NET_REDIS_SUBSCRIBE,
	    (const char *const[]){"SUBSCRIBE", "+switch-master", NULL});
}

void
net_redis_find_open(struct net_redis *r)
{
	r->find = mem_zalloc(1, sizeof(*r->find));
	r->find->r = r;
	r->find->count = r->sentinel_count;
	r->find->tried_ms = env_real_boot_ms(r->env);
	for (size_t i = 0; i < r->sentinel_count; i++)
		open_one(r, i);
}

void
net_redis_find_late(struct net_redis *r)
{
	choose(r->find, true);
}

void
net_redis_find_look(struct net_redis *r)
{
	struct net_redis_find *f = r->find;
	const struct asked *best;
	size_t most;
	int64_t now_ms;

	if (f == NULL || r->phase != NET_REDIS_UP)
		return;
	best = most_named(f, &most);
	if (most > f->count / 2 &&
	    !net_redis_address_eq(&best->names, &r->at)) {
		r->refind = true;
		net_redis_leave(r);
		return;
	}
	now_ms = env_real_boot_ms(r->env);
	if (now_ms - f->tried_ms < AGAIN_MS)
		return;
	f->tried_ms = now_ms;
	for (size_t i = 0; i < f->count; i++)
		if (f->asked[i].link == NULL)
			open_one(r, i);
}

void
net_redis_find_close(struct net_redis_find **f)
{
	if (*f == NULL)
		return;
	for (size_t i = 0; i < (*f)->count; i++) {
		net_redis_link_close(&(*f)->asked[i].link);
		net_redis_address_fini(&(*f)->asked[i].names);
	}
	mem_free(f);
}
