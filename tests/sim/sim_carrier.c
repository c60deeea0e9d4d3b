#include "sim_carrier.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_gate.h"

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
note_account(struct sim_carrier *s, const char *key)
{
	struct sim_accounts *a = s->o.accounts;

	if (s->o.account == 0 || account_of(a, key) != 0)
		return;
	CHECK(a->count < SIM_KEYS_MAX);
	(void)snprintf(a->key[a->count], sizeof(a->key[0]), "%s", key);
	a->account[a->count++] = s->o.account;
}

/* --- dials
 * ----------------------------------------------------------------------- */

/* One whose answer will not come, or that never got there. */
struct lost_dial {
	struct list node;
	struct carrier_dial inner; /* as the network sees it, if it does */
	struct carrier_dial *outer;
	struct env_timer timer; /* until it is given up, if it does not */
	struct sim_carrier *s;
};

static struct lost_dial *
lost_of(struct sim_carrier *s, const struct carrier_dial *d)
{
	LIST_FOREACH (it, &s->dials) {
		struct lost_dial *x = CONTAINER_OF(it, struct lost_dial, node);

		if (x->outer == d)
			return x;
	}
	return NULL;
}

static void
lost_free(struct lost_dial *x)
{
	env_timer_stop(x->s->o.env, &x->timer);
	list_remove(&x->node);
	mem_free(&x);
}

/* Whoever dialled hears nothing until its time is over. */
static void
nothing_heard(struct lost_dial *x, enum carrier_answer answer, const char *code)
{
	struct carrier_dial *d = x->outer;

	d->answer = answer;
	d->policy = CARRIER_LADDER;
	(void)snprintf(d->code, sizeof(d->code), "%s", code);
	d->call_id[0] = '\0';
	d->placed_ms = 0;
	d->retry_after_ms = 0;
	d->priv = NULL;
	lost_free(x);
	d->done(d);
}

static void
given_up(struct env_timer *t)
{
	struct lost_dial *x = CONTAINER_OF(t, struct lost_dial, timer);

	nothing_heard(x, CARRIER_ANSWER_UNKNOWN, "timeout");
}

/* What never left this machine is no matter of the network's answer. */
static void
answer_lost(struct carrier_dial *inner)
{
	struct lost_dial *x = CONTAINER_OF(inner, struct lost_dial, inner);
	bool left = inner->answer != CARRIER_ANSWER_UNSENT &&
		    inner->answer != CARRIER_ANSWER_NETWORK;
	char code[sizeof(inner->code)];

	memcpy(code, inner->code, sizeof(code));
	nothing_heard(x, left ? CARRIER_ANSWER_UNKNOWN : inner->answer,
	    left ? "timeout" : code);
}

static void
dial_lost(struct sim_carrier *s, struct carrier_dial *d, bool gets_there)
{
	struct lost_dial *x = mem_zalloc(1, sizeof(*x));
	struct carrier_terms t;

	x->s = s;
	x->outer = d;
	x->inner = *d;
	x->inner.ear = NULL;
	x->inner.done = answer_lost;
	x->timer.fn = given_up;
	list_add_tail(&s->dials, &x->node);
	s->real->ops->terms(s->real->impl, &t);
	if (gets_there)
		s->real->ops->dial(s->real->impl, &x->inner);
	else
		env_timer_start(s->o.env, &x->timer, t.request_timeout_ms);
}

static void
dial(void *c, struct carrier_dial *d)
{
	struct sim_carrier *s = of(c);
	enum sim_order order = sim_gate(s->o.p, SIM_OP_DIAL, NULL);

	if (order != SIM_LOST)
		note_account(s, d->key);
	if (order == SIM_LOST || order == SIM_MUTE)
		dial_lost(s, d, order == SIM_MUTE);
	else
		s->real->ops->dial(s->real->impl, d);
}

static void
abandon(void *c, struct carrier_dial *d)
{
	struct sim_carrier *s = of(c);
	struct lost_dial *x = lost_of(s, d);

	if (x == NULL) {
		s->real->ops->abandon(s->real->impl, d);
		return;
	}
	if (!env_timer_running(&x->timer))
		s->real->ops->abandon(s->real->impl, &x->inner);
	lost_free(x);
}

/* --- lookups
 * --------------------------------------------------------------------- */

#define UNREACHABLE_MS 1000

struct asked {
	struct carrier_lookup inner;
	struct env_timer timer; /* runs: the question is lost */
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
not_looked_up(struct env_timer *t)
{
	struct asked *a = CONTAINER_OF(t, struct asked, timer);
	struct carrier_lookup *l = a->outer;

	l->code = ERR_UNREACHABLE;
	l->found = false;
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
	a->timer.fn = not_looked_up;
	l->priv = a;
	if (sim_gate(a->s->o.p, SIM_OP_LOOKUP, NULL) == SIM_LOST)
		env_timer_start(a->s->o.env, &a->timer, UNREACHABLE_MS);
	else
		a->s->real->ops->lookup(a->s->real->impl, &a->inner);
}

static void
lookup_stop(void *c, struct carrier_lookup *l)
{
	struct asked *a = l->priv;

	if (a == NULL)
		return;
	if (env_timer_running(&a->timer))
		env_timer_stop(of(c)->o.env, &a->timer);
	else
		of(c)->real->ops->lookup_stop(of(c)->real->impl, &a->inner);
	l->priv = NULL;
	mem_free(&a);
}

/* --- callbacks and hang-ups
 * --------------------------------------------------------------------- */

static void
hangup(void *c, const char *call_id)
{
	struct sim_carrier *s = of(c);

	if (sim_gate(s->o.p, SIM_OP_HANGUP, NULL) != SIM_LOST)
		s->real->ops->hangup(s->real->impl, call_id);
}

/* One that is lost comes again to whoever watches next. */
static void
noticed(void *arg, const struct carrier_notice *n)
{
	struct sim_carrier *s = arg;

	if (sim_gate(s->o.p, SIM_OP_NOTICE, NULL) != SIM_LOST)
		s->notice(s->notice_arg, n);
}

static void
watch(void *c, void (*fn)(void *arg, const struct carrier_notice *n), void *arg)
{
	struct sim_carrier *s = of(c);

	s->notice = fn;
	s->notice_arg = arg;
	s->real->ops->watch(s->real->impl, fn != NULL ? noticed : NULL, s);
}

static void
taken(void *c, const char *notice_id)
{
	struct sim_carrier *s = of(c);

	if (sim_gate(s->o.p, SIM_OP_TAKEN, NULL) != SIM_LOST)
		s->real->ops->taken(s->real->impl, notice_id);
}

/* --- as it is
 * --------------------------------------------------------------------- */

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

	c->real = real;
	c->o = *o;
	list_init(&c->dials);
	c->carrier = (struct carrier){.ops = &ops, .impl = c};
	return &c->carrier;
}
