#include "sim_carrier.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static struct sim_carrier *
of(void *c)
{
	return c;
}

static void
terms(void *c, struct carrier_terms *out)
{
	struct sim_carrier *s = of(c);

	s->real->ops->terms(s->real->impl, out);
	if (s->o.account != 0)
		(void)snprintf(out->account, sizeof(out->account), "account %d",
		    s->o.account);
	if (!s->o.no_settle)
		return;
	out->settle_ms = 1;
	out->processing_ms = 0;
	out->list_lag_ms = 1;
}

/* --- accounts
 * -------------------------------------------------------------------- */

/* 0: nobody placed it. */
static int
account_of(const struct sim_accounts *a, const char *key)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->key[i], key) == 0)
			return a->account[i];
	return 0;
}

static void
dial(void *c, struct carrier_dial *d)
{
	struct sim_carrier *s = of(c);
	struct sim_accounts *a = s->o.accounts;

	if (s->o.account != 0 && account_of(a, d->key) == 0) {
		CHECK(a->count < SIM_KEYS_MAX);
		(void)snprintf(
		    a->key[a->count], sizeof(a->key[0]), "%s", d->key);
		a->account[a->count++] = s->o.account;
	}
	s->real->ops->dial(s->real->impl, d);
}

/* --- lookups
 * --------------------------------------------------------------------- */

struct asked {
	struct carrier_lookup inner;
	struct carrier_lookup *outer;
	struct sim_carrier *s;
};

static bool
is_listed(const struct asked *a)
{
	const struct sim_carrier_options *o = &a->s->o;

	if (o->account != 0 &&
	    account_of(o->accounts, a->inner.key) != o->account)
		return false;
	return env_now_ms(o->env) - a->inner.placed_ms >= o->list_late_ms;
}

static void
looked_up(struct carrier_lookup *inner)
{
	struct asked *a = CONTAINER_OF(inner, struct asked, inner);
	struct carrier_lookup *l = a->outer;

	l->code = inner->code;
	l->found = inner->found && is_listed(a);
	l->now = inner->now;
	l->placed_ms = inner->placed_ms;
	l->answered_ms = inner->answered_ms;
	memcpy(l->call_id, inner->call_id, sizeof(l->call_id));
	l->priv = NULL;
	mem_free(&a);
	l->done(l);
}

static void
lookup(void *c, struct carrier_lookup *l)
{
	struct asked *a = mem_zalloc(1, sizeof(*a));

	a->s = of(c);
	a->outer = l;
	a->inner = *l;
	a->inner.done = looked_up;
	l->priv = a;
	a->s->real->ops->lookup(a->s->real->impl, &a->inner);
}

static void
lookup_stop(void *c, struct carrier_lookup *l)
{
	struct asked *a = l->priv;

	if (a == NULL)
		return;
	of(c)->real->ops->lookup_stop(of(c)->real->impl, &a->inner);
	l->priv = NULL;
	mem_free(&a);
}

/* --- as it is
 * --------------------------------------------------------------------- */

static void
abandon(void *c, struct carrier_dial *d)
{
	of(c)->real->ops->abandon(of(c)->real->impl, d);
}

static void
hangup(void *c, const char *call_id)
{
	of(c)->real->ops->hangup(of(c)->real->impl, call_id);
}

static void
deaf(void *c, const char *call_id)
{
	of(c)->real->ops->deaf(of(c)->real->impl, call_id);
}

static bool
frame(void *c, const char *call_id, int64_t n,
    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME])
{
	return of(c)->real->ops->frame(
	    of(c)->real->impl, call_id, n, agent, callee);
}

static void
press(void *c, const char *call_id, const char *digits)
{
	of(c)->real->ops->press(of(c)->real->impl, call_id, digits);
}

static void
watch(void *c, void (*fn)(void *arg, const struct carrier_notice *n), void *arg)
{
	of(c)->real->ops->watch(of(c)->real->impl, fn, arg);
}

static void
taken(void *c, const char *notice_id)
{
	of(c)->real->ops->taken(of(c)->real->impl, notice_id);
}

struct carrier *
sim_carrier_between(struct sim_carrier *c, struct carrier *real,
    const struct sim_carrier_options *o)
{
	static const struct carrier_ops ops = {.terms = terms,
	    .dial = dial,
	    .abandon = abandon,
	    .lookup = lookup,
	    .lookup_stop = lookup_stop,
	    .hangup = hangup,
	    .deaf = deaf,
	    .frame = frame,
	    .press = press,
	    .watch = watch,
	    .taken = taken};

	if (!o->no_settle && o->account == 0 && o->list_late_ms == 0)
		return real;
	c->real = real;
	c->o = *o;
	c->carrier = (struct carrier){.ops = &ops, .impl = c};
	return &c->carrier;
}
