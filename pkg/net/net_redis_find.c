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
 */

struct asked {
	struct net_redis_find *find;
	struct net_redis_link *link;
	struct net_redis_address names; /* host NULL: none yet */
	int64_t epoch;
	bool over;
};

struct net_redis_find {
	struct net_redis *r;
	struct asked asked[NET_REDIS_SENTINELS_MAX];
	size_t count;
	struct err err; /* the last that went wrong */
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

static void
choose(struct net_redis_find *f, bool late)
{
	struct net_redis *r = f->r;
	const struct asked *best = NULL;
	size_t most = 0;
	bool all = true;
	struct err err;

	for (size_t i = 0; i < f->count; i++) {
		const struct asked *a = &f->asked[i];
		size_t n = a->names.host != NULL ? votes(f, &a->names) : 0;

		all = all && a->over;
		if (n > most ||
		    (n > 0 && n == most && a->epoch > best->epoch)) {
			best = a;
			most = n;
		}
	}
	if (!all && !late && most <= f->count / 2)
		return;
	if (best != NULL) {
		net_redis_address_copy(&r->at, &best->names);
		net_redis_find_close(&r->find);
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
end(struct asked *a)
{
	net_redis_link_close(&a->link);
	a->over = true;
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

static void
on_opened(void *arg)
{
	(void)arg;
}

/* [host, port] */
static void
read_names(struct asked *a, const struct net_redis_value *v)
{
	const struct net_redis_value *i = v->items;
	int64_t port = 0;
	struct err err;

	if (v->kind != NET_REDIS_ARRAY || v->count != 2 ||
	    i[0].kind != NET_REDIS_STRING || i[0].len == 0 ||
	    i[1].kind != NET_REDIS_STRING ||
	    text_i64(i[1].text, 1, 65535, &port, &err) != ERR_NONE) {
		(void)err_set(&err, ERR_UNREACHABLE, 0, "%.200s",
		    v->kind == NET_REDIS_ERROR ? v->text
					       : "it knows no such master");
		note(a, &err);
		return;
	}
	a->names.host = mem_strdup(i[0].text);
	a->names.port = (int)port;
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
		end(a);
	}
	net_redis_flight_free(&flight);
	if (a->over)
		choose(f, false);
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
    on_opened, on_replied, on_failed, on_settled};

static void
open_one(
    struct net_redis *r, struct asked *a, const struct net_redis_address *at)
{
	struct net_redis_link_options o = {.env = r->env,
	    .at = at,
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
}

void
net_redis_find_open(struct net_redis *r)
{
	r->find = mem_zalloc(1, sizeof(*r->find));
	r->find->r = r;
	r->find->count = r->sentinel_count;
	for (size_t i = 0; i < r->sentinel_count; i++)
		open_one(r, &r->find->asked[i], &r->sentinels[i]);
}

void
net_redis_find_late(struct net_redis *r)
{
	choose(r->find, true);
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
