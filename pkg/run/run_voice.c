#include <stdio.h>
#include <string.h>

#include "base/crash.h"

#include "run/run_priv.h"

/*
 * The conversation's side of a call: begin it when somebody answers, end it
 * when the call is over, and bring what a dead owner recorded into order.
 * What it leaves is on disk before the transaction that names it.
 */

static void
talk_wants_hangup(void *arg)
{
	struct run_call *c = arg;

	if (!c->hangup_sent && c->evidence.call_id[0] != '\0') {
		c->hangup_sent = true;
		c->carrier->ops->hangup(c->carrier->impl, c->evidence.call_id);
	}
}

static void
talk_ended(void *arg, enum err_code code, const struct run_talk_result *result,
    const struct err *err)
{
	struct run_call *c = arg;

	c->talk_over = true;
	c->result = *result;
	c->has_result = true;
	if (code != ERR_NONE)
		LOG(c->run->o.log, LOG_LEVEL_ERROR, "call.record-failed",
		    LOG_INT("job", c->job.id), LOG_STR("error", err->text));
	CRASH_POINT("run.talk.durable");
	run_call_poke(c);
}

static void
talk_name(const struct run_call *c, char out[48])
{
	/* After a restore the same attempt may have lived before. */
	int64_t life = journal_knew_ms(c->run->journal);

	(void)snprintf(out, 48, life > 0 ? "%lld-%lld-%lld" : "%lld-%lld",
	    (long long)c->job.id,
	    (long long)journal_attempt_number(c->attempt.id),
	    (long long)journal_opened_ms(c->run->journal));
}

static const struct model *
model_of(const struct run_call *c)
{
	const struct run_options *o = &c->run->o;

	for (size_t i = 0; i < o->model_count; i++)
		if (strcmp(o->models[i].name, c->kind->model) == 0)
			return o->models[i].model;
	return NULL;
}

static void
talk_start(struct run_call *c)
{
	char *dir = mem_printf("%s/recordings", journal_dir(c->run->journal));
	char name[48];
	struct err err = {0};

	talk_name(c, name);
	struct run_talk_options o = {.env = c->run->env,
	    .carrier = c->carrier,
	    .kind = c->kind,
	    .model = model_of(c),
	    .recordings_dir = dir,
	    .name = name,
	    .call_id = c->evidence.call_id,
	    .to = c->to,
	    .contact_json = c->contact,
	    .data_json = c->data,
	    .answered_by = c->evidence.answered_by[0] != '\0'
			       ? c->evidence.answered_by
			       : NULL,
	    .hangup = talk_wants_hangup,
	    .arg = c};

	if (run_talk_start(&o, c->evidence.answered_ms, &c->talk, &err) !=
	    ERR_NONE) {
		LOG(c->run->o.log, LOG_LEVEL_ERROR, "call.no-recording",
		    LOG_INT("job", c->job.id), LOG_STR("error", err.text));
		c->no_talk = true;
		talk_wants_hangup(c);
	}
	mem_free(&dir);
}

/* On the writer's thread: cut what a crash tore, and say what is there. */
static void
repair_run(struct env_work *w)
{
	struct run_call *c = CONTAINER_OF(w, struct run_call, repair);
	char name[48];

	talk_name(c, name);
	c->repair_code = run_talk_repair(
	    c->run->env, c->repair_dir, name, &c->result, &c->repair_err);
	CRASH_POINT("run.talk.repaired");
}

static void
repair_done(struct env_work *w)
{
	struct run_call *c = CONTAINER_OF(w, struct run_call, repair);

	c->repairing = false;
	if (err_class(c->repair_code) == ERR_CLASS_RETRY) {
		env_timer_start_real(c->run->env, &c->timer, 1000);
		return; /* what was said in it must not be lost */
	}
	c->repaired = true;
	c->has_result = c->repair_code == ERR_NONE;
	if (c->repair_code != ERR_NONE)
		LOG(c->run->o.log, LOG_LEVEL_ERROR, "call.repair-failed",
		    LOG_INT("job", c->job.id),
		    LOG_STR("error", c->repair_err.text));
	run_call_poke(c);
}

static void
repair_start(struct run_call *c)
{
	c->repairing = true;
	mem_free(&c->repair_dir);
	c->repair_dir =
	    mem_printf("%s/recordings", journal_dir(c->run->journal));
	c->repair.run = repair_run;
	c->repair.done = repair_done;
	env_work(c->run->env, &c->repair);
}

/* A conversation is ours when the carrier gives sound, in this process. */
static bool
may_talk(const struct run_call *c)
{
	return !c->recovered && !c->no_talk && c->terms.terms.agent_is_ours &&
	       model_of(c) != NULL && c->evidence.source[0] != '\0' &&
	       c->dial.ear != NULL;
}

void
run_voice_poke(struct run_call *c)
{
	if (c->evidence.ended && c->talk == NULL && !c->repairing &&
	    !c->repaired && c->recovered)
		repair_start(c);
	if (c->cancel && !c->recovered && c->evidence.placed &&
	    !c->evidence.ended)
		talk_wants_hangup(c);
	if (!may_talk(c))
		return;
	if (c->evidence.answered && !c->evidence.ended && c->talk == NULL)
		run_media_on(c->run); /* run_call_tick begins it */
	if (c->evidence.ended && c->talk != NULL && !c->talk_ending) {
		c->talk_ending = true;
		run_talk_end(c->talk, c->evidence.ended_ms, c->evidence.by,
		    talk_ended, c);
	}
}

bool
run_voice_tick(struct run_call *c, int64_t now_ms)
{
	if (!may_talk(c) || !c->evidence.answered || c->evidence.ended)
		return false;
	if (c->talk == NULL)
		talk_start(c);
	return c->talk != NULL && run_talk_tick(c->talk, now_ms);
}
