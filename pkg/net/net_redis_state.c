#include "base/check.h"
#include "base/mem.h"

#include "net/net_redis_priv.h"

/* seed_numbers: min(200 ms * n, 2000 ms), doubled instead. */
#define DELAY_MIN_MS 200
#define DELAY_MAX_MS 2000

static void
wait_ms(struct net_redis *r, int64_t ms)
{
	env_timer_start_real(r->env, &r->attempt, ms);
}

/* To the front of what waits, in their order. */
static void
put_back(struct net_redis *r, struct list *flights)
{
	while (!list_empty(flights)) {
		struct list *last = flights->prev;

		list_remove(last);
		/* At the tail of what follows the head: that is in front. */
		list_add_tail(r->waiting.next, last);
	}
}

/* What becomes of one that was on a link which is gone. */
static void
settle(struct net_redis *r, struct net_redis_flight *f, bool first,
    const struct err *why, struct list *again)
{
	bool late = why->code == ERR_TIMEOUT &&
		    f->deadline_ms <= env_real_boot_ms(r->env);
	struct err err = *why;

	if (f->step != NET_REDIS_USER) {
		net_redis_flight_free(&f);
		return;
	}
	if (!f->sent && !late) {
		if (f->command == NULL)
			net_redis_finish(r, f, ERR_NONE, NULL);
		else
			list_add_tail(again, &f->node);
		return;
	}
	if (!late && !(first && why->code == ERR_MALFORMED))
		err.code = ERR_UNREACHABLE;
	net_redis_finish(r, f, err.code, &err);
}

static void
settle_all(struct net_redis *r, struct net_redis_link **l,
    const struct err *why, struct list *again)
{
	struct list flights = LIST_INIT(flights);
	struct list *node;
	bool first = true;

	if (*l == NULL)
		return;
	net_redis_link_take(*l, &flights);
	net_redis_link_close(l);
	while ((node = list_pop(&flights)) != NULL) {
		settle(r, net_redis_flight_of(node), first, why, again);
		first = false;
	}
}

/* A Cluster's next node: the one that was tried is away. */
static void
turn_round(struct net_redis *r)
{
	r->turn++;
	for (size_t i = 0; i <= r->node_count; i++) {
		size_t n = r->node_next++ % (r->node_count + 1);
		const struct net_redis_address *at =
		    n == 0 ? &r->url.at : &r->nodes[n - 1];

		if (!net_redis_address_eq(&r->at, at)) {
			net_redis_address_copy(&r->at, at);
			return;
		}
	}
}

static void
explain(struct net_redis *r, const struct err *err)
{
	char *at = net_redis_address_text(&r->at);

	if (net_redis_address_eq(&r->at, &r->url.at))
		(void)err_set(&r->why, err->code, err->sys, "%s: %s", r->shown,
		    err->text);
	else
		(void)err_set(&r->why, err->code, err->sys, "%s at %s: %s",
		    r->shown, at, err->text);
	mem_free(&at);
}

void
net_redis_lost(struct net_redis *r, const struct err *err)
{
	struct list again = LIST_INIT(again);
	bool was_up = r->phase == NET_REDIS_UP || r->phase == NET_REDIS_LEAVING;

	explain(r, err);
	settle_all(r, &r->link, &r->why, &again);
	put_back(r, &again);
	put_back(r, &r->moved);
	net_redis_find_close(&r->find);
	r->phase = NET_REDIS_DOWN;
	r->greetings = 0;
	if (!was_up && r->sentinel_count == 0)
		turn_round(r);
	r->delay_ms = r->delay_ms == 0 ? DELAY_MIN_MS : 2 * r->delay_ms;
	if (r->delay_ms > DELAY_MAX_MS)
		r->delay_ms = DELAY_MAX_MS;
	wait_ms(r, r->delay_ms);
	r->notify = true;
}

/* They are asked of the main link again, which may know better by now. */
void
net_redis_side_lost(struct net_redis *r, const struct err *err)
{
	struct list again = LIST_INIT(again);
	struct err why = *err;

	(void)err_wrap(&why, "%s, to a node that was named by ASK", r->shown);
	settle_all(r, &r->side, &why, &again);
	put_back(r, &again);
}

void
net_redis_stop(struct net_redis *r)
{
	struct list again = LIST_INIT(again);
	struct err none = {.code = ERR_UNREACHABLE};

	settle_all(r, &r->link, &none, &again);
	settle_all(r, &r->side, &none, &again);
	put_back(r, &again);
	net_redis_find_close(&r->find);
}

static void
on_opened(void *arg)
{
	net_redis_greet(arg);
}

static void
on_replied(void *arg, struct net_redis_flight *f)
{
	struct net_redis *r = arg;

	if (f->step == NET_REDIS_USER)
		net_redis_replied(r, r->link, f);
	else
		net_redis_greeted(r, f);
}

static void
on_failed(void *arg, const struct err *err)
{
	net_redis_lost(arg, err);
}

static void
on_settled(void *root)
{
	net_redis_deliver(root);
}

static const struct net_redis_link_ops main_ops = {
    on_opened, on_replied, NULL, on_failed, on_settled};

void
net_redis_join(struct net_redis *r)
{
	struct net_redis_link_options o = {.env = r->env,
	    .at = &r->at,
	    .tls = r->tls,
	    .reply_max = r->reply_max,
	    .turn = r->turn,
	    .ops = &main_ops,
	    .arg = r,
	    .root = r};

	CHECK(r->link == NULL);
	r->phase = NET_REDIS_JOINING;
	wait_ms(r, r->connect_ms);
	r->link = net_redis_link_open(&o);
}

void
net_redis_begin(struct net_redis *r)
{
	r->refind = false;
	if (r->sentinel_count == 0) {
		net_redis_join(r);
		return;
	}
	r->phase = NET_REDIS_FINDING;
	wait_ms(r, r->connect_ms);
	net_redis_find_close(&r->find);
	net_redis_find_open(r);
}

void
net_redis_is_joined(struct net_redis *r)
{
	env_timer_stop(r->env, &r->attempt);
	r->phase = NET_REDIS_UP;
	r->epoch++;
	r->turn = 0;
	r->delay_ms = 0;
	r->why = (struct err){.code = ERR_NONE};
	r->in_vain = false;
	r->notify = true;
}

void
net_redis_leave(struct net_redis *r)
{
	if (r->phase != NET_REDIS_UP)
		return;
	r->phase = NET_REDIS_LEAVING;
	r->notify = true;
}

static bool
is_empty(const struct net_redis_link *l)
{
	return l == NULL || list_empty(net_redis_link_flights(l));
}

void
net_redis_poke(struct net_redis *r)
{
	struct list *node;

	if (r->closed)
		return;
	net_redis_find_look(r);
	if (r->phase == NET_REDIS_LEAVING && is_empty(r->link) &&
	    is_empty(r->side)) {
		net_redis_link_close(&r->link);
		net_redis_link_close(&r->side);
		put_back(r, &r->moved);
		if (r->refind)
			net_redis_begin(r);
		else
			net_redis_join(r);
	}
	while (
	    r->phase == NET_REDIS_UP && (node = list_pop(&r->waiting)) != NULL)
		net_redis_link_put(r->link, net_redis_flight_of(node));
}

void
net_redis_on_attempt(struct env_timer *t)
{
	struct net_redis *r = CONTAINER_OF(t, struct net_redis, attempt);
	struct err err;

	if (r->phase == NET_REDIS_DOWN) {
		net_redis_begin(r);
	} else if (r->phase == NET_REDIS_FINDING) {
		net_redis_find_late(r);
	} else {
		(void)err_set(&err, ERR_TIMEOUT, 0,
		    "not connected within %lld ms", (long long)r->connect_ms);
		net_redis_lost(r, &err);
	}
	net_redis_deliver(r);
}
