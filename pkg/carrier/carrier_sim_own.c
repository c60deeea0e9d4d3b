#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "carrier/carrier_sim_priv.h"

/* What a network that is asked too much of says. */
#define LIMIT_RETRY_MS 60000

struct carrier_sim_own *
carrier_sim_own_find(const struct carrier_sim_call *c)
{
	return c != NULL && c->live != NULL ? c->live->own : NULL;
}

void
carrier_sim_own_free(struct carrier_sim *s, struct carrier_sim_own *o)
{
	carrier_sim_wait_drop(s, &o->answer);
	carrier_sim_engine_free(&o->engine);
	list_remove(&o->sending);
	list_remove(&o->news);
	list_remove(&o->node);
	if (o->dial != NULL)
		o->dial->priv = NULL;
	if (carrier_sim_own_find(o->call) == o) {
		o->call->live->own = NULL;
		o->call->live->pins--;
		carrier_sim_calls_tidy(&s->calls, o->call);
	}
	mem_free(&o);
}

/* Nobody here speaks to the call any more. */
static void
let_go(struct carrier_sim *s, struct carrier_sim_own *o)
{
	if (carrier_sim_own_find(o->call) == o)
		carrier_sim_calls_alone(&s->calls, o->call, env_now_ms(s->env));
	carrier_sim_own_free(s, o);
	carrier_sim_poke(s);
}

static void
fill_line(const struct carrier_sim *s, const struct carrier_sim_own *o,
    int64_t now_ms, struct carrier_sim_line *l)
{
	const struct carrier_dial *d = o->dial;

	memset(l, 0, sizeof(*l));
	l->ev = CARRIER_SIM_REQUEST;
	l->at_ms = now_ms;
	(void)carrier_sim_call_id(o->fate.id, l->call);
	(void)snprintf(l->key, sizeof(l->key), "%s", d->key);
	(void)snprintf(l->to, sizeof(l->to), "%s", d->to);
	(void)snprintf(
	    l->from, sizeof(l->from), "%s", d->from != NULL ? d->from : "");
	(void)snprintf(
	    l->persona, sizeof(l->persona), "%s", o->fate.persona->name);
	l->event = d->event_seq;
	if (d->event_hash != NULL)
		memcpy(l->hash, d->event_hash, sizeof(l->hash));
	l->ring_ms = d->ring_ms;
	l->max_ms = d->max_call_ms;
	l->line = s->store.line;
}

static void
not_sent(struct carrier_sim_own *o, enum carrier_answer why, const char *code)
{
	o->unsent = true;
	o->why = why;
	o->code = code;
}

static void
sent(struct carrier_sim *s, struct carrier_sim_own *o)
{
	char id[CARRIER_SIM_WORD_MAX];

	o->call = carrier_sim_calls_find(
	    &s->calls, carrier_sim_call_id(o->fate.id, id));
	CHECK(o->call != NULL);
	if (o->call->live == NULL)
		return;
	struct carrier_sim_live *l = o->call->live;
	struct carrier_sim_own *older = l->own;
	l->own = o;
	l->pins++;
	if (older != NULL) {
		/* One ear a call: the repeated dial's. */
		older->ear = NULL;
		l->pins--;
		if (older->dial == NULL)
			carrier_sim_own_free(s, older);
	}
	carrier_sim_calls_attend(&s->calls, o->call);
}

/* What the one write of a request depends on, just before it. */
static bool
prepare(struct carrier_sim *s, struct carrier_sim_own *o,
    struct carrier_sim_line *line)
{
	struct carrier_dial *d = o->dial;
	struct err err;

	if (carrier_sim_store_take_line(&s->store, &err) != ERR_NONE) {
		not_sent(o, CARRIER_ANSWER_NETWORK, err_name(err.code));
		return false;
	}
	s->calls.line = s->store.line;

	int64_t now_ms = env_now_ms(s->env);
	carrier_sim_calls_decide(&s->calls, d->key, d->to, now_ms, &o->fate);
	fill_line(s, o, now_ms, line);
	if (now_ms >= d->dial_until_ms ||
	    env_boot_ms(s->env) >= d->dial_until_boot_ms) {
		not_sent(o, CARRIER_ANSWER_UNSENT, "dial-until");
		return false;
	}
	o->timeout_ms = now_ms + s->terms.request_timeout_ms;
	return true;
}

static void
await_answer(struct carrier_sim *s, struct carrier_sim_own *o, int64_t sent_ms)
{
	struct carrier_sim_line line;
	int64_t at_ms = sent_ms + o->fate.delay_ms;

	if (o->call->state == CARRIER_SIM_IN_FLIGHT &&
	    carrier_sim_calls_next(&s->calls, o->call, &line) &&
	    line.at_ms > at_ms)
		at_ms = line.at_ms;
	if (o->fate.lost || o->fate.mute || at_ms > o->timeout_ms)
		at_ms = o->timeout_ms;
	carrier_sim_heap_put(&s->waits, &o->answer.due, at_ms);
}

/* The answer to what did not leave comes at once. */
static void
say_unsent(struct carrier_sim *s, struct carrier_sim_own *o)
{
	carrier_sim_heap_put(&s->waits, &o->answer.due, env_now_ms(s->env));
}

/* A second request that would be this call too must know of the first. */
static bool
has_call(const struct carrier_sim_batch *b, uint64_t id)
{
	for (size_t i = 0; i < b->count; i++)
		if (((const struct carrier_sim_own *)b->of[i])->fate.id == id)
			return true;
	return false;
}

static void
collect_requests(struct carrier_sim *s)
{
	struct carrier_sim_batch *b = s->batch;

	b->count = 0;
	while (b->count < CARRIER_SIM_LINES_MAX && !list_empty(&s->sending)) {
		struct carrier_sim_own *o = CONTAINER_OF(
		    s->sending.next, struct carrier_sim_own, sending);
		bool ready = prepare(s, o, &b->line[b->count]);

		if (ready && has_call(b, o->fate.id))
			return;
		list_remove(&o->sending);
		if (ready)
			b->of[b->count++] = o;
		else
			say_unsent(s, o);
	}
}

/*
 * The log's lock is held from the look at the clock to the write, so nobody
 * else's line can come between.
 */
void
carrier_sim_send(struct carrier_sim *s)
{
	struct carrier_sim_batch *b = s->batch;
	struct err err;

	while (!list_empty(&s->sending)) {
		collect_requests(s);
		bool stand = carrier_sim_step_append(s, &err) == ERR_NONE;

		for (size_t i = 0; i < b->count; i++) {
			struct carrier_sim_own *o = b->of[i];

			if (stand && carrier_sim_step_fold(
					 s, &b->line[i], &err) == ERR_NONE) {
				sent(s, o);
				await_answer(s, o, b->line[i].at_ms);
			} else {
				not_sent(o, CARRIER_ANSWER_UNKNOWN,
				    err_name(err.code));
				say_unsent(s, o);
			}
		}
		CRASH_POINT("sim.dial.after");
	}
}

void
carrier_sim_send_failed(
    struct carrier_sim *s, enum err_code code, int64_t now_ms)
{
	struct list *node;

	while ((node = list_pop(&s->sending)) != NULL) {
		struct carrier_sim_own *o =
		    CONTAINER_OF(node, struct carrier_sim_own, sending);

		not_sent(o, CARRIER_ANSWER_NETWORK, err_name(code));
		carrier_sim_heap_put(&s->waits, &o->answer.due, now_ms);
	}
}

/*
 * It leaves with all others of this turn of the loop, in one write.  Who dies
 * before that has sent nothing.
 */
void
carrier_sim_dial(void *c, struct carrier_dial *d)
{
	struct carrier_sim *s = c;
	struct carrier_sim_own *o = mem_zalloc(1, sizeof(*o));

	CHECK(d->done != NULL && strlen(d->key) < CARRIER_SIM_KEY_MAX &&
	      strlen(d->to) < CARRIER_SIM_WORD_MAX);
	o->dial = d;
	o->ear = d->ear;
	o->answer.kind = CARRIER_SIM_WAIT_ANSWER;
	o->told = CARRIER_STAGE_PLACED;
	d->priv = o;
	list_add_tail(&s->owns, &o->node);
	list_add_tail(&s->sending, &o->sending);
	CRASH_POINT("sim.dial.before");
	carrier_sim_poke(s);
}

static void
set_refusal(const struct carrier_sim_call *c, struct carrier_dial *d)
{
	static const enum carrier_policy policies[CARRIER_SIM_CODE_COUNT] = {
	    [CARRIER_SIM_CODE_BAD_NUMBER] = CARRIER_NEVER,
	    [CARRIER_SIM_CODE_REJECTED] = CARRIER_LADDER,
	    [CARRIER_SIM_CODE_LIMIT] = CARRIER_LATER,
	};

	d->answer = CARRIER_ANSWER_REFUSED;
	d->policy = policies[c->code];
	if (c->code == CARRIER_SIM_CODE_LIMIT)
		d->retry_after_ms = LIMIT_RETRY_MS;
	(void)snprintf(
	    d->code, sizeof(d->code), "%s", carrier_sim_code_name(c->code));
}

static void
set_answer(const struct carrier_sim_own *o, struct carrier_dial *d)
{
	const struct carrier_sim_call *c = o->call;
	const char *code = "timeout";
	char id[CARRIER_SIM_WORD_MAX];

	d->answer = CARRIER_ANSWER_UNKNOWN;
	d->policy = CARRIER_LADDER;
	d->code[0] = '\0';
	d->call_id[0] = '\0';
	d->placed_ms = 0;
	d->retry_after_ms = 0;
	if (o->unsent) {
		d->answer = o->why;
		code = o->code;
	} else if (o->fate.lost || o->fate.mute ||
		   c->state == CARRIER_SIM_IN_FLIGHT) {
		code = "timeout";
	} else if (c->state == CARRIER_SIM_REFUSAL) {
		set_refusal(c, d);
		return;
	} else if (o->fate.error) {
		code = "error";
	} else {
		d->answer = CARRIER_ANSWER_PLACED;
		d->placed_ms = carrier_sim_call_at(c, c->placed);
		(void)snprintf(d->call_id, sizeof(d->call_id), "%s",
		    carrier_sim_call_id(c->id, id));
		return;
	}
	(void)snprintf(d->code, sizeof(d->code), "%s", code);
}

void
carrier_sim_answer(struct carrier_sim *s, struct carrier_sim_own *o)
{
	struct carrier_dial *d = o->dial;
	int64_t now_ms = env_now_ms(s->env);

	if (!o->unsent && o->call->state == CARRIER_SIM_IN_FLIGHT &&
	    now_ms < o->timeout_ms) {
		/* The log could not be written just now. */
		carrier_sim_heap_put(&s->waits, &o->answer.due, now_ms + 1);
		return;
	}
	set_answer(o, d);
	o->dial = NULL;
	d->priv = NULL;
	if (d->answer == CARRIER_ANSWER_PLACED && o->ear != NULL &&
	    s->terms.cls != CARRIER_CALLBACK)
		list_add_tail(&s->news, &o->news);
	else
		let_go(s, o);
	d->done(d);
}

void
carrier_sim_abandon(void *c, struct carrier_dial *d)
{
	if (d->priv != NULL)
		let_go(c, d->priv);
}

void
carrier_sim_deaf(void *c, const char *call_id)
{
	struct carrier_sim *s = c;
	struct carrier_sim_own *o =
	    carrier_sim_own_find(carrier_sim_calls_find(&s->calls, call_id));

	if (o == NULL)
		return;
	o->ear = NULL;
	if (o->dial == NULL)
		let_go(s, o);
}

void
carrier_sim_own_changed(struct carrier_sim *s, struct carrier_sim_call *c)
{
	struct carrier_sim_own *o = carrier_sim_own_find(c);

	if (o != NULL && o->dial == NULL && o->ear != NULL &&
	    list_empty(&o->news))
		list_add_tail(&s->news, &o->news);
}

void
carrier_sim_progress(const struct carrier_sim_call *c, enum carrier_stage stage,
    struct carrier_progress *out)
{
	bool ended = stage == CARRIER_STAGE_ENDED;
	uint32_t delta = ended                             ? c->ended
			 : stage == CARRIER_STAGE_ANSWERED ? c->answered
							   : c->placed;

	*out = (struct carrier_progress){
	    .stage = stage,
	    .at_ms = carrier_sim_call_at(c, delta),
	    .outcome = ended ? (enum job_outcome)c->outcome : JOB_OUTCOME_NONE,
	    .by = ended ? carrier_sim_by_name(c->by) : NULL,
	};
	/* Who answered is for the agent to hear; what is over before it could
	 * is the exception. */
	if (stage == CARRIER_STAGE_ANSWERED && c->live != NULL &&
	    c->live->persona->answer == CARRIER_SIM_ANSWER_INSTANT)
		out->answered_by = "human";
}

/* The next stage that the ear has not heard of; false when there is none. */
static bool
next_stage(const struct carrier_sim_own *o, enum carrier_stage *out)
{
	const struct carrier_sim_call *c = o->call;

	if (o->told < CARRIER_STAGE_RINGING)
		*out = CARRIER_STAGE_RINGING;
	else if (o->told < CARRIER_STAGE_ANSWERED &&
		 c->answered != CARRIER_SIM_NEVER)
		*out = CARRIER_STAGE_ANSWERED;
	else if (o->told < CARRIER_STAGE_ENDED && c->state == CARRIER_SIM_OVER)
		*out = CARRIER_STAGE_ENDED;
	else
		return false;
	return true;
}

void
carrier_sim_news(struct carrier_sim *s, struct carrier_sim_own *o)
{
	struct carrier_ear *ear = o->ear;
	struct carrier_progress p;
	enum carrier_stage stage;

	if (ear == NULL || !next_stage(o, &stage))
		return;
	carrier_sim_progress(o->call, stage, &p);
	o->told = stage;
	if (stage == CARRIER_STAGE_ENDED)
		carrier_sim_own_free(s, o);
	else if (next_stage(o, &stage))
		list_add_tail(&s->news, &o->news);
	ear->progress(ear, &p);
}
