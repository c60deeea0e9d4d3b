#include "carrier/carrier_sim.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

#include "carrier/carrier_sim_params.h"

#include "carrier/carrier_sim_priv.h"

/* An answer that is this much later than the slowest will not come. */
#define TIMEOUT_MARGIN_MS 1000
/* The network's own limit; the kinds of job set lower ones. */
#define MAX_CALL_MS (4 * 60 * 60 * 1000)

static void
set_terms(
    struct carrier_sim *s, const struct conf_sim *conf, enum carrier_class cls)
{
	struct carrier_terms *t = &s->terms;
	int64_t slowest = carrier_sim_params_slowest_ms(conf);
	int64_t margin = conf->settle_ms - slowest - conf->list_lag_ms;

	(void)snprintf(t->carrier, sizeof(t->carrier), "sim");
	t->cls = cls;
	t->agent_is_ours = cls != CARRIER_CALLBACK;
	/* The request is in the network's hands with the write of its line, and
	 * placed or lost before its timeout: nothing is left to process. */
	t->request_timeout_ms =
	    slowest + (margin < TIMEOUT_MARGIN_MS ? margin : TIMEOUT_MARGIN_MS);
	t->processing_ms = 0;
	t->list_lag_ms = conf->list_lag_ms;
	t->settle_ms = conf->settle_ms;
	t->key_window_ms = cls == CARRIER_KEYED ? conf->key_window_ms : 0;
	t->memory_ms = conf->memory_ms;
	t->max_call_ms = MAX_CALL_MS;
}

static void
changed(void *arg, struct carrier_sim_call *c)
{
	carrier_sim_own_changed(arg, c);
	carrier_sim_notices_changed(arg, c);
}

static void
terms(void *c, struct carrier_terms *out)
{
	*out = ((struct carrier_sim *)c)->terms;
}

static void
lookup(void *c, struct carrier_lookup *l)
{
	struct carrier_sim *s = c;
	struct carrier_sim_ask *a = mem_zalloc(1, sizeof(*a));

	a->wait.kind = CARRIER_SIM_WAIT_LOOKUP;
	a->lookup = l;
	l->priv = a;
	list_add_tail(&s->asks, &a->node);
	carrier_sim_wait_add(
	    s, &a->wait, env_now_ms(s->env) + s->conf.latency_ms);
}

static void
lookup_stop(void *c, struct carrier_lookup *l)
{
	struct carrier_sim_ask *a = l->priv;

	if (a == NULL)
		return;
	carrier_sim_wait_drop(c, &a->wait);
	list_remove(&a->node);
	mem_free(&a);
	l->priv = NULL;
}

static void
hangup(void *c, const char *call_id)
{
	struct carrier_sim *s = c;
	struct carrier_sim_call *call =
	    carrier_sim_calls_find(&s->calls, call_id);
	int64_t now_ms;
	struct err err;

	/* One that another process placed may be news to us. */
	if (call == NULL &&
	    carrier_sim_step_begin(s, &now_ms, &err) == ERR_NONE) {
		carrier_sim_step_end(s);
		call = carrier_sim_calls_find(&s->calls, call_id);
	}
	if (call != NULL)
		carrier_sim_end_call(s, call, NULL);
}

static void
free_sim(void *c)
{
	struct carrier_sim *s = c;
	struct list *node;

	CHECK(!s->delivering);
	if (s->timer.fn != NULL)
		env_timer_stop(s->env, &s->timer);
	s->calls.changed = NULL;
	carrier_sim_watch_stop(s);
	while ((node = list_pop(&s->asks)) != NULL) {
		struct carrier_sim_ask *a =
		    CONTAINER_OF(node, struct carrier_sim_ask, node);

		a->lookup->priv = NULL;
		mem_free(&a);
	}
	while ((node = list_pop(&s->byes)) != NULL) {
		struct carrier_sim_bye *b =
		    CONTAINER_OF(node, struct carrier_sim_bye, node);

		mem_free(&b);
	}
	while (!list_empty(&s->owns))
		carrier_sim_own_free(s,
		    CONTAINER_OF(s->owns.next, struct carrier_sim_own, node));
	carrier_sim_heap_free(&s->waits);
	carrier_sim_calls_free(&s->calls);
	carrier_sim_personas_free(&s->personas);
	carrier_sim_store_close(&s->store);
	media_speech_free(&s->speech);
	mem_free(&s->batch);
	mem_free(&s->speech_dir);
	mem_free(&s);
}

static const struct carrier_ops ops = {
    .terms = terms,
    .dial = carrier_sim_dial,
    .abandon = carrier_sim_abandon,
    .lookup = lookup,
    .lookup_stop = lookup_stop,
    .hangup = hangup,
    .deaf = carrier_sim_deaf,
    .frame = carrier_sim_frame,
    .press = carrier_sim_press,
    .watch = carrier_sim_watch,
    .taken = carrier_sim_taken,
    .free = free_sim,
};

static enum err_code
check_speech(struct env *env, const char *dir, struct err *err)
{
	struct env_stat st;
	enum err_code code = ERR_NONE;

	if (dir != NULL)
		code = env_stat(env, dir, &st, err);
	if (code != ERR_NONE || (dir != NULL && !st.is_dir))
		return err_set(err, ERR_CONFIG, err->sys,
		    "speech: %s: no directory; make it, or set where the "
		    "recorded phrases lie",
		    dir);
	return ERR_NONE;
}

enum err_code
carrier_sim_open_among(struct env *env, const struct conf_sim *conf,
    const struct carrier_sim_personas *people, const char *dir,
    const char *speech_dir, struct carrier *out, struct err *err)
{
	struct carrier_sim *s = mem_zalloc(1, sizeof(*s));
	const struct env was = *env;
	enum carrier_class cls = CARRIER_NAMED;
	enum err_code code = carrier_class_parse(conf->cls, &cls, err);

	*out = (struct carrier){NULL, NULL};
	s->env = env;
	s->conf = *conf;
	s->speech_dir = mem_strdup(speech_dir);
	list_init(&s->owns);
	list_init(&s->sending);
	list_init(&s->news);
	list_init(&s->asks);
	list_init(&s->posts);
	list_init(&s->byes);
	s->timer.fn = carrier_sim_timer;
	s->batch = mem_zalloc(1, sizeof(*s->batch));
	s->calls.conf = &s->conf;
	s->calls.cls = cls;
	s->calls.personas = people != NULL ? people : &s->personas;
	if (code != ERR_NONE)
		code = err_set(err, ERR_CONFIG, 0,
		    "carrier.sim.class: expected keyed, named, queryable, "
		    "callback or blind, got %s",
		    conf->cls != NULL ? conf->cls : "nothing");
	if (code == ERR_NONE)
		code = carrier_sim_params_check(conf, err);
	if (code == ERR_NONE)
		code = check_speech(env, speech_dir, err);
	if (code == ERR_NONE && people == NULL)
		code = carrier_sim_personas_load(
		    &s->personas, env, conf->personas, err);
	set_terms(s, conf, cls);
	if (code == ERR_NONE)
		code = carrier_sim_store_open(&s->store, env, dir, true, err);
	if (code == ERR_NONE)
		code = carrier_sim_clock_open(s, conf, err);
	if (code != ERR_NONE) {
		*env = was;
		free_sim(s);
		return code;
	}
	s->calls.changed = changed;
	s->calls.arg = s;
	*out = (struct carrier){&ops, s};
	return ERR_NONE;
}

enum err_code
carrier_sim_open(struct env *env, const struct conf_sim *conf, const char *dir,
    const char *speech_dir, struct carrier *out, struct err *err)
{
	return carrier_sim_open_among(
	    env, conf, NULL, dir, speech_dir, out, err);
}
