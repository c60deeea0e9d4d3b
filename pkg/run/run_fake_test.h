#ifndef DSRUN_RUN_FAKE_TEST_H
#define DSRUN_RUN_FAKE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/list.h"
#include "base/mem.h"

#include "carrier/carrier.h"
#include "media/media_ulaw.h"

/*
 * For the tests of this package: a carrier that does what a script says, and
 * writes down what was asked of it.
 *
 * Each dial takes the next script (the last one serves all that follow); each
 * lookup takes the next answer likewise.  Times are the network's, counted
 * from the request.
 */

#define FAKE_KEY 65 /* 64 hex digits */

enum fake_what {
	FAKE_STOP, /* ends a script */
	/* answers to the request; text is their code */
	FAKE_PLACED,
	FAKE_UNSENT,
	FAKE_NETWORK,
	FAKE_UNKNOWN,
	FAKE_NEVER,
	FAKE_LATER,
	FAKE_LADDER,
	/* what the call does; text is answered_by, or by */
	FAKE_LIVE, /* placed, told by the ear and not by an answer */
	FAKE_RING,
	FAKE_ANSWER,
	FAKE_OVER,
	FAKE_DO /* the test's own: act(), until it returns true */
};

struct fake_step {
	int64_t at_ms;
	enum fake_what what;
	enum job_outcome outcome; /* of FAKE_OVER */
	const char *text;
	bool told; /* by a notice, not by the ear */
	bool with; /* what follows comes in the same breath */
	bool (*act)(void *arg);
};

#define AT(at_, ...)                              \
	{                                         \
		.at_ms = at_, .what = __VA_ARGS__ \
	}

/* What a lookup says. */
enum fake_found {
	FAKE_ABSENT,
	FAKE_FAILS,
	FAKE_IS_PLACED,
	FAKE_IS_RINGING,
	FAKE_IS_ANSWERED,
	FAKE_IS_OVER /* completed, by the callee */
};

struct fake_did {
	char op[12];
	int64_t at_ms;
	char key[FAKE_KEY];
	char what[CARRIER_CALL_MAX]; /* the call's, or the notice's id */
	int64_t event_seq, until_ms;
	int64_t left_ms; /* of a dial: on BOOTTIME, until it must not be sent */
};

struct fake;

struct fake_call {
	struct fake *fake;
	struct env_timer timer;
	const struct fake_step *next;
	char key[FAKE_KEY], id[CARRIER_CALL_MAX];
	int64_t event_seq, asked_ms, placed_ms, answered_ms;
	struct carrier_dial *dial; /* not answered yet */
	struct carrier_ear *ear;
	bool hung_up, over;
};

struct fake_look {
	struct fake *fake;
	struct env_timer timer;
	struct carrier_lookup *l;
};

struct fake_word {
	int64_t frame;
	const char *text;
};

#define FAKE_MAX 1024

struct fake {
	struct carrier carrier;
	struct env *env;
	struct carrier_terms terms;
	const struct fake_step *scripts[8];
	enum fake_found found[8];
	size_t found_count;     /* 0: always ABSENT */
	int64_t retry_after_ms; /* of FAKE_LATER */
	int64_t look_ms;        /* how long a lookup takes */
	int64_t behind_ms;      /* its clock, behind ours */
	bool media;
	bool ignores_hangup;
	struct fake_word words[4]; /* what the callee says, by frame */
	void *arg;
	/* what was asked */
	struct fake_did did[FAKE_MAX];
	size_t did_count;
	struct fake_call calls[FAKE_MAX];
	struct fake_look looks[FAKE_MAX];
	size_t dials, lookups;
	int live, most_live; /* calls that are under way, at once */
	int notices;
	void (*heard)(void *arg, const struct carrier_notice *n);
	void *heard_arg;
};

static inline void
fake_note(struct fake *f, const char *op, const char *key, const char *what)
{
	struct fake_did *d = &f->did[f->did_count++];

	assert_true(f->did_count < FAKE_MAX);
	(void)snprintf(d->op, sizeof(d->op), "%s", op);
	(void)snprintf(d->key, sizeof(d->key), "%s", key);
	(void)snprintf(d->what, sizeof(d->what), "%s", what);
	d->at_ms = env_now_ms(f->env);
}

/* How often; and the nth of them (from 0). */
static inline size_t
fake_count(const struct fake *f, const char *op)
{
	size_t n = 0;

	for (size_t i = 0; i < f->did_count; i++)
		n += strcmp(f->did[i].op, op) == 0;
	return n;
}

static inline const struct fake_did *
fake_nth(const struct fake *f, const char *op, size_t n)
{
	for (size_t i = 0; i < f->did_count; i++)
		if (strcmp(f->did[i].op, op) == 0 && n-- == 0)
			return &f->did[i];
	fail_msg("the carrier was not asked for %s so often", op);
	return &f->did[0];
}

/* What lookups say, in order; the last of it for all that follow. */
#define FAKE_FOUND(f, ...)                                               \
	do {                                                             \
		const enum fake_found found_[] = {__VA_ARGS__};          \
                                                                         \
		assert_true(ARRAY_LEN(found_) <= ARRAY_LEN((f)->found)); \
		memcpy((f)->found, found_, sizeof(found_));              \
		(f)->found_count = ARRAY_LEN(found_);                    \
	} while (0)

/* --- notices --- */

/* A notice of a call as it is now, with an id of its own unless one is given.
 */
static inline void
fake_tell(struct fake *f, struct fake_call *c, const char *id,
    const struct carrier_progress *p)
{
	char own[24];
	struct carrier_notice n = {.id = id != NULL ? id : own,
	    .key = c->key,
	    .call_id = c->id,
	    .event_seq = c->event_seq,
	    .progress = *p,
	    .placed_ms = c->placed_ms,
	    .answered_ms = c->answered_ms};

	(void)snprintf(own, sizeof(own), "n-%d", ++f->notices);
	if (f->heard != NULL)
		f->heard(f->heard_arg, &n);
}

/* The same for a call of another life: only its key is known. */
static inline void
fake_tell_key(struct fake *f, const char *key, const char *id,
    enum carrier_stage stage, enum job_outcome outcome)
{
	struct fake_call c = {.placed_ms = env_now_ms(f->env) - 1000};
	struct carrier_progress p = {.stage = stage,
	    .at_ms = env_now_ms(f->env),
	    .outcome = outcome,
	    .by = stage == CARRIER_STAGE_ENDED ? "callee" : NULL};

	(void)snprintf(c.key, sizeof(c.key), "%s", key);
	(void)snprintf(c.id, sizeof(c.id), "c-%.8s", key);
	if (stage == CARRIER_STAGE_ANSWERED)
		c.answered_ms = p.at_ms;
	fake_tell(f, &c, id, &p);
}

/* --- a call --- */

static inline void
fake_answer(struct fake_call *c, const struct fake_step *s)
{
	static const enum carrier_answer answers[] = {
	    [FAKE_PLACED] = CARRIER_ANSWER_PLACED,
	    [FAKE_UNSENT] = CARRIER_ANSWER_UNSENT,
	    [FAKE_NETWORK] = CARRIER_ANSWER_NETWORK,
	    [FAKE_UNKNOWN] = CARRIER_ANSWER_UNKNOWN,
	    [FAKE_NEVER] = CARRIER_ANSWER_REFUSED,
	    [FAKE_LATER] = CARRIER_ANSWER_REFUSED,
	    [FAKE_LADDER] = CARRIER_ANSWER_REFUSED};
	struct carrier_dial *d = c->dial;

	if (s->what == FAKE_PLACED && c->placed_ms == 0)
		c->placed_ms = env_now_ms(c->fake->env) - c->fake->behind_ms;
	c->dial = NULL;
	if (d == NULL)
		return;
	d->answer = answers[s->what];
	d->policy = s->what == FAKE_NEVER   ? CARRIER_NEVER
		    : s->what == FAKE_LATER ? CARRIER_LATER
					    : CARRIER_LADDER;
	d->retry_after_ms = c->fake->retry_after_ms;
	(void)snprintf(
	    d->code, sizeof(d->code), "%s", s->text != NULL ? s->text : "");
	if (s->what == FAKE_PLACED) {
		(void)snprintf(d->call_id, sizeof(d->call_id), "%s", c->id);
		d->placed_ms = c->placed_ms;
	}
	d->done(d);
}

static inline void
fake_progress(struct fake_call *c, const struct fake_step *s)
{
	static const enum carrier_stage stages[] = {
	    [FAKE_LIVE] = CARRIER_STAGE_PLACED,
	    [FAKE_RING] = CARRIER_STAGE_RINGING,
	    [FAKE_ANSWER] = CARRIER_STAGE_ANSWERED,
	    [FAKE_OVER] = CARRIER_STAGE_ENDED};
	struct carrier_progress p = {.stage = stages[s->what],
	    .at_ms = env_now_ms(c->fake->env),
	    .outcome = s->outcome};
	struct carrier_ear *ear = c->ear;

	if (c->placed_ms == 0)
		c->placed_ms = p.at_ms;
	if (s->what == FAKE_ANSWER) {
		c->answered_ms = p.at_ms;
		p.answered_by = s->text;
	}
	if (s->what == FAKE_OVER) {
		p.by = s->text != NULL ? s->text : "callee";
		c->over = true;
		c->fake->live--;
		if (!s->told)
			c->ear = NULL;
	}
	if (s->told)
		fake_tell(c->fake, c, s->text, &p);
	else if (ear != NULL)
		ear->progress(ear, &p);
}

static inline void
fake_fired(struct env_timer *t)
{
	static const struct fake_step hung_up = {.what = FAKE_OVER,
	    .outcome = JOB_OUTCOME_COMPLETED,
	    .text = "agent"};
	struct fake_call *c = CONTAINER_OF(t, struct fake_call, timer);
	const struct fake_step *s = c->next;

	if (c->hung_up) {
		if (!c->over)
			fake_progress(c, &hung_up);
		return;
	}
	if (s->what == FAKE_DO && !s->act(c->fake->arg)) {
		env_timer_start_real(c->fake->env, &c->timer, 1);
		return;
	}
	do {
		s = c->next++;
		if (s->what >= FAKE_LIVE && s->what <= FAKE_OVER)
			fake_progress(c, s);
		else if (s->what != FAKE_DO)
			fake_answer(c, s);
	} while (s->with);
	if (c->next->what != FAKE_STOP && !c->hung_up)
		env_timer_start(c->fake->env, &c->timer,
		    c->asked_ms + c->next->at_ms - env_now_ms(c->fake->env));
}

static inline struct fake_call *
fake_call_of(struct fake *f, const char *call_id)
{
	for (size_t i = 0; i < f->dials; i++)
		if (strcmp(f->calls[i].id, call_id) == 0)
			return &f->calls[i];
	return NULL;
}

/* --- the port --- */

static inline void
fake_terms(void *impl, struct carrier_terms *out)
{
	*out = ((struct fake *)impl)->terms;
}

static inline void
fake_dial(void *impl, struct carrier_dial *d)
{
	struct fake *f = impl;
	struct fake_call *c = &f->calls[f->dials];
	size_t i = 0;

	while (i < f->dials && i + 1 < ARRAY_LEN(f->scripts) &&
	       f->scripts[i + 1] != NULL)
		i++;
	assert_true(++f->dials < FAKE_MAX);
	assert_non_null(f->scripts[i]);
	fake_note(f, "dial", d->key, d->to);
	f->did[f->did_count - 1].event_seq = d->event_seq;
	f->did[f->did_count - 1].until_ms = d->dial_until_ms;
	f->did[f->did_count - 1].left_ms =
	    d->dial_until_boot_ms - env_boot_ms(f->env);
	f->live++;
	if (f->live > f->most_live)
		f->most_live = f->live;
	c->fake = f;
	c->timer.fn = fake_fired;
	c->next = f->scripts[i];
	c->asked_ms = env_now_ms(f->env);
	c->event_seq = d->event_seq;
	c->dial = d;
	c->ear = d->ear;
	(void)snprintf(c->key, sizeof(c->key), "%s", d->key);
	(void)snprintf(c->id, sizeof(c->id), "c-%.8s", d->key);
	if (c->next->what != FAKE_STOP)
		env_timer_start(f->env, &c->timer, c->next->at_ms);
}

/* Who lets go of a request hears nothing more of its call either. */
static inline void
fake_abandon(void *impl, struct carrier_dial *d)
{
	struct fake *f = impl;

	fake_note(f, "abandon", d->key, "");
	for (size_t i = 0; i < f->dials; i++) {
		if (f->calls[i].dial == d)
			f->calls[i].dial = NULL;
		else if (d->ear == NULL || f->calls[i].ear != d->ear)
			continue;
		f->calls[i].ear = NULL;
	}
}

static inline void
fake_looked(struct env_timer *t)
{
	struct fake_look *k = CONTAINER_OF(t, struct fake_look, timer);
	struct fake *f = k->fake;
	struct carrier_lookup *l = k->l;
	enum fake_found found = FAKE_ABSENT;
	size_t n = (size_t)(k - f->looks);
	int64_t now = env_now_ms(f->env);

	if (f->found_count > 0)
		found = f->found[n < f->found_count ? n : f->found_count - 1];
	l->code = found == FAKE_FAILS ? ERR_UNREACHABLE : ERR_NONE;
	l->found = found >= FAKE_IS_PLACED;
	if (l->found) {
		(void)snprintf(
		    l->call_id, sizeof(l->call_id), "c-%.8s", l->key);
		l->now = (struct carrier_progress){
		    .stage = (enum carrier_stage)(found - FAKE_IS_PLACED),
		    .at_ms = now};
		/* of another life: it was armed before we asked */
		l->placed_ms = (l->armed_ms > 0 ? l->armed_ms : now) + 100;
		if (found >= FAKE_IS_ANSWERED)
			l->answered_ms = l->placed_ms + 100;
		if (found == FAKE_IS_OVER) {
			l->now.outcome = JOB_OUTCOME_COMPLETED;
			l->now.by = "callee";
		}
	}
	l->done(l);
}

static inline void
fake_lookup(void *impl, struct carrier_lookup *l)
{
	struct fake *f = impl;
	struct fake_look *k = &f->looks[f->lookups++];

	assert_true(f->lookups < FAKE_MAX);
	fake_note(f, "lookup", l->key, l->to);
	k->fake = f;
	k->l = l;
	k->timer.fn = fake_looked;
	env_timer_start(f->env, &k->timer, f->look_ms);
}

static inline void
fake_lookup_stop(void *impl, struct carrier_lookup *l)
{
	struct fake *f = impl;

	fake_note(f, "stop", l->key, "");
	for (size_t i = 0; i < f->lookups; i++)
		if (f->looks[i].l == l)
			env_timer_stop(f->env, &f->looks[i].timer);
}

static inline void
fake_hangup(void *impl, const char *call_id)
{
	struct fake *f = impl;
	struct fake_call *c = fake_call_of(f, call_id);

	fake_note(f, "hangup", "", call_id);
	if (c == NULL || c->over || f->ignores_hangup)
		return;
	c->hung_up = true;
	env_timer_start(f->env, &c->timer, 20);
}

static inline void
fake_deaf(void *impl, const char *call_id)
{
	struct fake *f = impl;
	struct fake_call *c = fake_call_of(f, call_id);

	fake_note(f, "deaf", "", call_id);
	if (c != NULL)
		c->ear = NULL;
}

static inline bool
fake_frame(void *impl, const char *call_id, int64_t frame,
    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME])
{
	struct fake *f = impl;
	struct fake_call *c = fake_call_of(f, call_id);

	(void)agent;
	if (!f->media || c == NULL || c->ear == NULL)
		return false;
	media_ulaw_silence(callee, CARRIER_FRAME);
	for (size_t i = 0; i < ARRAY_LEN(f->words); i++)
		if (f->words[i].text != NULL && f->words[i].frame == frame)
			c->ear->caption(c->ear, f->words[i].text,
			    frame * 20 - 400, frame * 20);
	return true;
}

static inline void
fake_press(void *impl, const char *call_id, const char *digits)
{
	fake_note(impl, "press", call_id, digits);
}

static inline void
fake_watch(void *impl, void (*fn)(void *arg, const struct carrier_notice *n),
    void *arg)
{
	struct fake *f = impl;

	f->heard = fn;
	f->heard_arg = arg;
}

static inline void
fake_taken(void *impl, const char *notice_id)
{
	fake_note(impl, "taken", "", notice_id);
}

static inline void
fake_init(struct fake *f, struct env *env, enum carrier_class cls, void *arg)
{
	static const struct carrier_ops ops = {.terms = fake_terms,
	    .dial = fake_dial,
	    .abandon = fake_abandon,
	    .lookup = fake_lookup,
	    .lookup_stop = fake_lookup_stop,
	    .hangup = fake_hangup,
	    .deaf = fake_deaf,
	    .frame = fake_frame,
	    .press = fake_press,
	    .watch = fake_watch,
	    .taken = fake_taken};

	memset(f, 0, sizeof(*f));
	f->carrier = (struct carrier){.ops = &ops, .impl = f};
	f->env = env;
	f->arg = arg;
	f->look_ms = 50;
	f->terms = (struct carrier_terms){.carrier = "sim",
	    .account = "account-1",
	    .cls = cls,
	    .agent_is_ours = true,
	    .request_timeout_ms = 1000,
	    .processing_ms = 500,
	    .list_lag_ms = 500,
	    .settle_ms = 2500,
	    .key_window_ms = 86400000,
	    .memory_ms = 86400000,
	    .max_call_ms = 60000};
}

/* Before env is closed: nothing fires any more. */
static inline void
fake_fini(struct fake *f)
{
	for (size_t i = 0; i < f->dials; i++)
		env_timer_stop(f->env, &f->calls[i].timer);
	for (size_t i = 0; i < f->lookups; i++)
		env_timer_stop(f->env, &f->looks[i].timer);
}

#endif
