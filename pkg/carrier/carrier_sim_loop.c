#include "base/mem.h"

#include "carrier/carrier_sim_priv.h"

/* One turn of the loop hands over at most this much, then lets others in. */
#define TURN_MAX 1000
#define RETRY_REAL_MS 100
/* A process that waits for callbacks must notice what others wrote. */
#define POLL_REAL_MS 250

void
carrier_sim_wait_add(
    struct carrier_sim *s, struct carrier_sim_wait *w, int64_t at_ms)
{
	carrier_sim_heap_put(&s->waits, &w->due, at_ms);
	carrier_sim_poke(s);
}

void
carrier_sim_wait_drop(struct carrier_sim *s, struct carrier_sim_wait *w)
{
	carrier_sim_heap_remove(&s->waits, &w->due);
}

static int64_t
sooner(int64_t at_ms, const struct carrier_sim_heap *h)
{
	const struct carrier_sim_due *top = carrier_sim_heap_top(h);

	return top != NULL && top->at_ms < at_ms ? top->at_ms : at_ms;
}

static bool
watches(const struct carrier_sim *s)
{
	return s->watch != NULL && s->terms.cls == CARRIER_CALLBACK;
}

/* The earliest line of the network that this process has to see to. */
static int64_t
next_line(const struct carrier_sim *s)
{
	int64_t at_ms = sooner(INT64_MAX, &s->calls.mine);

	/* Calls of the dead owe notices to whoever listens. */
	return watches(s) ? sooner(at_ms, &s->calls.others) : at_ms;
}

void
carrier_sim_poke(struct carrier_sim *s)
{
	int64_t now_ms = env_now_ms(s->env);
	int64_t real_ms = env_real_boot_ms(s->env);
	int64_t at_ms = sooner(next_line(s), &s->waits);

	if (s->delivering)
		return;
	if (!list_empty(&s->news) || !list_empty(&s->sending)) {
		env_timer_start(s->env, &s->timer, 0);
		return;
	}
	if (s->retry_real_ms > real_ms) {
		env_timer_start_real(
		    s->env, &s->timer, s->retry_real_ms - real_ms);
		return;
	}
	int64_t poll_ms = watches(s) ? s->poll_real_ms - real_ms : INT64_MAX;
	if (at_ms == INT64_MAX && poll_ms == INT64_MAX) {
		env_timer_stop(s->env, &s->timer);
		return;
	}
	if (poll_ms != INT64_MAX &&
	    (at_ms == INT64_MAX || poll_ms < (at_ms - now_ms) / s->conf.speed))
		env_timer_start_real(s->env, &s->timer, poll_ms);
	else
		env_timer_start(s->env, &s->timer, at_ms - now_ms);
}

static void
look_up(struct carrier_sim *s, struct carrier_sim_ask *a, int64_t now_ms)
{
	struct carrier_lookup *l = a->lookup;
	const struct carrier_sim_call *c =
	    carrier_sim_calls_newest(&s->calls, l->key);
	enum carrier_stage stage = CARRIER_STAGE_RINGING;

	/* The newest that can be seen; earlier ones are the same key's. */
	for (; c != NULL; c = carrier_sim_calls_before(&s->calls, c)) {
		int64_t ended = carrier_sim_call_at(c, c->ended);

		if (c->placed != CARRIER_SIM_NEVER &&
		    now_ms >= carrier_sim_call_at(c, c->placed) +
				  s->conf.list_lag_ms &&
		    (c->ended == CARRIER_SIM_NEVER ||
			now_ms <= ended + s->conf.memory_ms))
			break;
	}
	l->found = c != NULL;
	if (c == NULL)
		return;
	if (c->state == CARRIER_SIM_OVER)
		stage = CARRIER_STAGE_ENDED;
	else if (c->state == CARRIER_SIM_TALKS)
		stage = CARRIER_STAGE_ANSWERED;
	(void)carrier_sim_call_id(c->id, l->call_id);
	carrier_sim_progress(c, stage, &l->now);
	l->placed_ms = carrier_sim_call_at(c, c->placed);
	l->answered_ms = carrier_sim_call_at(c, c->answered);
}

static void
answer_lookup(struct carrier_sim *s, struct carrier_sim_ask *a,
    enum err_code code, int64_t now_ms)
{
	struct carrier_lookup *l = a->lookup;

	if (s->terms.cls == CARRIER_CALLBACK || s->terms.cls == CARRIER_BLIND)
		code = ERR_STATE;
	l->code = code;
	l->found = false;
	if (code == ERR_NONE)
		look_up(s, a, now_ms);
	l->priv = NULL;
	list_remove(&a->node);
	mem_free(&a);
	l->done(l);
}

static void
hang_up_again(struct carrier_sim *s, struct carrier_sim_bye *bye)
{
	struct carrier_sim_call *c = bye->call;
	struct carrier_sim_line line = bye->line;

	list_remove(&bye->node);
	mem_free(&bye);
	c->live->pins--;
	carrier_sim_end_call(s, c, line.at_ms != 0 ? &line : NULL);
	carrier_sim_calls_tidy(&s->calls, c);
}

static void
hand_over(struct carrier_sim *s, struct carrier_sim_wait *w, enum err_code code,
    int64_t now_ms)
{
	switch (w->kind) {
	case CARRIER_SIM_WAIT_ANSWER:
		carrier_sim_answer(
		    s, CONTAINER_OF(w, struct carrier_sim_own, answer));
		break;
	case CARRIER_SIM_WAIT_LOOKUP:
		answer_lookup(s, CONTAINER_OF(w, struct carrier_sim_ask, wait),
		    code, now_ms);
		break;
	case CARRIER_SIM_WAIT_NOTICE:
		carrier_sim_notify(
		    s, CONTAINER_OF(w, struct carrier_sim_post, wait));
		break;
	case CARRIER_SIM_WAIT_HANGUP:
		hang_up_again(s, CONTAINER_OF(w, struct carrier_sim_bye, wait));
		break;
	}
}

/* News alone needs no look at the log. */
static bool
needs_step(const struct carrier_sim *s, int64_t now_ms)
{
	return watches(s) || !list_empty(&s->sending) ||
	       sooner(next_line(s), &s->waits) <= now_ms;
}

static void
hand_over_all(struct carrier_sim *s, enum err_code code, int64_t now_ms)
{
	struct carrier_sim_due *top;
	struct list *node;

	for (int n = 0; n < TURN_MAX; n++) {
		top = carrier_sim_heap_top(&s->waits);
		if ((node = list_pop(&s->news)) != NULL) {
			carrier_sim_news(s,
			    CONTAINER_OF(node, struct carrier_sim_own, news));
		} else if (top != NULL && top->at_ms <= now_ms) {
			carrier_sim_heap_remove(&s->waits, top);
			hand_over(s,
			    CONTAINER_OF(top, struct carrier_sim_wait, due),
			    code, now_ms);
		} else {
			break;
		}
	}
}

void
carrier_sim_timer(struct env_timer *t)
{
	struct carrier_sim *s = CONTAINER_OF(t, struct carrier_sim, timer);
	int64_t now_ms = env_now_ms(s->env);
	enum err_code code = ERR_NONE;
	struct err err;

	s->delivering = true;
	s->retry_real_ms = 0;
	s->poll_real_ms = env_real_boot_ms(s->env) + POLL_REAL_MS;
	if (needs_step(s, now_ms)) {
		code = carrier_sim_step_begin(s, &now_ms, &err);
		if (code == ERR_NONE) {
			carrier_sim_send(s);
			carrier_sim_step_end(s);
		} else {
			carrier_sim_send_failed(s, code, now_ms);
			s->retry_real_ms =
			    env_real_boot_ms(s->env) + RETRY_REAL_MS;
		}
	}
	hand_over_all(s, code, now_ms);
	s->delivering = false;
	carrier_sim_poke(s);
}
