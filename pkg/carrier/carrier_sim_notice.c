#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_priv.h"

/* What the provider's own agent heard. */
static const char *
who_answered(const struct carrier_sim_live *l)
{
	return l->persona->answer == CARRIER_SIM_ANSWER_MACHINE ? "machine"
								: "human";
}

static void
add_post(struct carrier_sim *s, struct carrier_sim_call *c, unsigned n,
    bool twin, int64_t at_ms)
{
	struct carrier_sim_post *p = mem_zalloc(1, sizeof(*p));

	p->wait.kind = CARRIER_SIM_WAIT_NOTICE;
	p->call = c;
	p->n = n;
	p->twin = twin;
	c->live->pins++;
	list_add_tail(&s->posts, &p->node);
	carrier_sim_heap_put(&s->waits, &p->wait.due, at_ms);
}

static void
post_free(struct carrier_sim *s, struct carrier_sim_post **p)
{
	struct carrier_sim_call *c = (*p)->call;

	carrier_sim_wait_drop(s, &(*p)->wait);
	list_remove(&(*p)->node);
	mem_free(p);
	c->live->pins--;
	carrier_sim_calls_tidy(&s->calls, c);
}

static int64_t
happened_at(const struct carrier_sim_call *c, unsigned n)
{
	return carrier_sim_call_at(c, n == 1   ? c->placed
				      : n == 2 ? c->answered
					       : c->ended);
}

void
carrier_sim_notices_changed(struct carrier_sim *s, struct carrier_sim_call *c)
{
	const struct conf_sim_faults *f = &s->conf.faults;
	struct carrier_sim_live *l = c->live;

	if (s->watch == NULL || l == NULL || s->terms.cls != CARRIER_CALLBACK)
		return;
	for (unsigned n = 1; n <= 3; n++) {
		uint8_t bit = (uint8_t)(1U << n);
		int64_t at_ms = happened_at(c, n) + s->conf.latency_ms;

		if ((l->owed & bit) == 0 || (l->posted & bit) != 0)
			continue;
		l->posted |= bit;
		if (carrier_sim_draw(l->draws, CARRIER_SIM_DRAW_LATE + n) <
		    f->callback_late)
			at_ms += f->callback_late_ms;
		add_post(s, c, n, false, at_ms);
		if (carrier_sim_draw(l->draws, CARRIER_SIM_DRAW_DUPLICATE + n) <
		    f->callback_duplicate)
			add_post(s, c, n, true, at_ms + s->conf.latency_ms);
	}
}

void
carrier_sim_notify(struct carrier_sim *s, struct carrier_sim_post *p)
{
	static const enum carrier_stage stages[] = {CARRIER_STAGE_PLACED,
	    CARRIER_STAGE_PLACED, CARRIER_STAGE_ANSWERED, CARRIER_STAGE_ENDED};
	const struct carrier_sim_call *c = p->call;
	const struct carrier_sim_live *l = c->live;
	bool wanted = p->twin || ((unsigned)l->owed >> p->n & 1U) != 0;
	char call_id[CARRIER_SIM_WORD_MAX];
	char id[CARRIER_SIM_WORD_MAX + 8];
	char key[CARRIER_SIM_KEY_MAX];
	struct carrier_notice n = {.id = id,
	    .key = key,
	    .call_id = carrier_sim_call_id(c->id, call_id),
	    .event_seq = l->event,
	    .placed_ms = carrier_sim_call_at(c, c->placed)};

	/* Whoever takes it lets the network forget the call. */
	(void)snprintf(key, sizeof(key), "%s", l->key);
	(void)snprintf(id, sizeof(id), "%s:%u", call_id, p->n);
	carrier_sim_progress(c, stages[p->n], &n.progress);
	if (p->n >= 2) {
		n.answered_ms = carrier_sim_call_at(c, c->answered);
		if (n.answered_ms != 0)
			n.progress.answered_by = who_answered(l);
	}
	post_free(s, &p);
	if (wanted && s->watch != NULL)
		s->watch(s->watch_arg, &n);
}

void
carrier_sim_watch_stop(struct carrier_sim *s)
{
	struct list *node;

	while ((node = list_pop(&s->posts)) != NULL) {
		struct carrier_sim_post *p =
		    CONTAINER_OF(node, struct carrier_sim_post, node);

		p->call->live->posted = 0;
		post_free(s, &p);
	}
}

void
carrier_sim_watch(
    void *c, void (*fn)(void *arg, const struct carrier_notice *n), void *arg)
{
	struct carrier_sim *s = c;

	carrier_sim_watch_stop(s);
	s->watch = fn;
	s->watch_arg = arg;
	for (uint32_t i = 0; fn != NULL && i < s->calls.count; i++) {
		struct carrier_sim_call *call =
		    carrier_sim_calls_at(&s->calls, i);

		if (call->live != NULL)
			call->live->posted = 0;
		carrier_sim_notices_changed(s, call);
	}
	s->poll_real_ms = 0;
	carrier_sim_poke(s);
}

static struct carrier_sim_call *
owed_call(struct carrier_sim *s, const char *notice_id, int64_t *n)
{
	const char *colon = strrchr(notice_id, ':');
	char call_id[CARRIER_SIM_WORD_MAX];
	struct err err;

	if (colon == NULL || (size_t)(colon - notice_id) >= sizeof(call_id) ||
	    text_i64(colon + 1, 1, 3, n, &err) != ERR_NONE)
		return NULL;
	(void)snprintf(call_id, sizeof(call_id), "%.*s",
	    (int)(colon - notice_id), notice_id);
	struct carrier_sim_call *c = carrier_sim_calls_find(&s->calls, call_id);
	return c != NULL && c->live != NULL &&
		       ((unsigned)c->live->owed >> *n & 1U) != 0
		   ? c
		   : NULL;
}

void
carrier_sim_taken(void *c, const char *notice_id)
{
	struct carrier_sim *s = c;
	struct carrier_sim_line line = {.ev = CARRIER_SIM_TAKEN};
	struct carrier_sim_call *call;
	struct err err;

	/* Not written, it will come again at the next open: no harm. */
	CRASH_POINT("sim.taken.before");
	if (carrier_sim_step_begin(s, &line.at_ms, &err) != ERR_NONE)
		return;
	call = owed_call(s, notice_id, &line.n);
	if (call != NULL) {
		(void)carrier_sim_call_id(call->id, line.call);
		(void)carrier_sim_step_write(s, &line, &err);
	}
	carrier_sim_step_end(s);
	carrier_sim_poke(s);
}
