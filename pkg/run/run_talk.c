#include "run/run_talk.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "run/run_talk_priv.h"

#define FRAMES_A_TICK 500

/* ---- what comes from the model ---- */

static void
on_spoken(struct model_ear *e, const struct model_spoken *s)
{
	struct run_talk *t = CONTAINER_OF(e, struct run_talk, ear);

	if (s->id > 0 && !t->ended)
		run_talk_feed(t, &(struct talk_event){.kind = TALK_EV_SPOKEN,
				     .id = s->id,
				     .ok = s->whole,
				     .played_ms = s->played_ms,
				     .text = s->heard});
}

static void
on_text(struct model_ear *e, const char *text, int64_t start_ms, int64_t end_ms)
{
	struct run_talk *t = CONTAINER_OF(e, struct run_talk, ear);

	if (!t->ended)
		run_talk_feed(
		    t, &(struct talk_event){.kind = TALK_EV_MODEL_TEXT,
			   .text = text,
			   .start_ms = start_ms,
			   .end_ms = end_ms});
}

static void
on_caption(
    struct model_ear *e, const char *text, int64_t start_ms, int64_t end_ms)
{
	run_talk_caption(
	    CONTAINER_OF(e, struct run_talk, ear), text, start_ms, end_ms);
}

static void
on_tool(struct model_ear *e, const char *call_id, const char *name,
    const char *arguments_json)
{
	struct run_talk *t = CONTAINER_OF(e, struct run_talk, ear);

	(void)name;
	(void)arguments_json;
	t->model.ops->tool_result(
	    t->call, call_id, "{\"error\":\"there is no such tool\"}");
}

static void
on_failed(struct model_ear *e, enum err_code code, const struct err *err)
{
	run_talk_failed(CONTAINER_OF(e, struct run_talk, ear), code, err);
}

/* ---- the beginning ---- */

static enum err_code
begin(struct run_talk *t, const struct run_talk_options *o,
    const struct talk_values *values, struct err *err)
{
	struct model_session session = {.name = t->name, .ear = &t->ear};
	const struct media_vad_options vad = MEDIA_VAD_DEFAULTS;

	if (talk_new(o->kind, values, &t->talk, err) != ERR_NONE ||
	    t->model.ops->start(t->model.impl, &session, &t->call, err) !=
		ERR_NONE)
		return err->code;
	media_vad_init(&t->vad, &vad);
	media_beep_init(&t->beep);
	return run_talk_files_make(t, o, values, err);
}

enum err_code
run_talk_start(const struct run_talk_options *o, int64_t at_ms,
    struct run_talk **out, struct err *err)
{
	struct talk_values values;
	struct run_talk *t;
	enum err_code code;

	*out = NULL;
	CHECK(o->model != NULL);
	t = mem_zalloc(1, sizeof(*t));
	t->env = o->env;
	t->carrier = *o->carrier;
	t->model = *o->model;
	t->dir = mem_strdup(o->recordings_dir);
	t->name = mem_strdup(o->name);
	t->call_id = mem_strdup(o->call_id);
	t->hangup = o->hangup;
	t->hangup_arg = o->arg;
	t->answered_ms = at_ms;
	t->ear = (struct model_ear){.spoken = on_spoken,
	    .text = on_text,
	    .caption = on_caption,
	    .tool = on_tool,
	    .failed = on_failed};
	t->lines = BUF_INIT(4 * TALK_LINE_MAX);
	list_init(&t->queue);
	list_init(&t->pending);
	for (size_t i = 0; i < TALK_TIMER_COUNT; i++)
		t->due[i] = -1;

	talk_values_init(&values);
	code =
	    talk_gather(o->kind, o->contact_json, o->data_json, &values, err);
	if (code == ERR_NONE)
		code = begin(t, o, &values, err);
	talk_values_fini(&values);
	if (code != ERR_NONE) {
		run_talk_free(&t);
		return err_wrap(err, "conversation %s", o->name);
	}
	run_talk_feed(t, &(struct talk_event){.kind = TALK_EV_START});
	run_talk_feed(
	    t, &(struct talk_event){.kind = TALK_EV_ANSWERED,
		   .text = o->answered_by == NULL ? "" : o->answered_by});
	*out = t;
	return ERR_NONE;
}

/* ---- one frame ---- */

static void
hear_beep(struct run_talk *t, const uint8_t callee[MEDIA_FRAME])
{
	struct media_beep_heard heard;

	/* 7 us a frame: only while it may be a mailbox */
	if (talk_state(t->talk) > TALK_SPEAKING)
		return;
	if (media_beep_frame(&t->beep, callee, &heard) == MEDIA_BEEP_END)
		run_talk_feed(t, &(struct talk_event){.kind = TALK_EV_BEEP});
}

static void
hear(struct run_talk *t, const uint8_t callee[MEDIA_FRAME])
{
	enum media_vad_event event = media_vad_frame(&t->vad, callee, NULL);

	if (t->listening)
		t->model.ops->hear(t->call, callee);
	if (event == MEDIA_VAD_START)
		run_talk_feed(
		    t, &(struct talk_event){.kind = TALK_EV_SPEECH_START});
	if (event == MEDIA_VAD_STOP)
		run_talk_feed(
		    t, &(struct talk_event){.kind = TALK_EV_SPEECH_STOP});
	hear_beep(t, callee);
}

/* Keys sound in the recording where the network made them sound. */
static void
record(struct run_talk *t, int64_t frame, const uint8_t callee[MEDIA_FRAME],
    const uint8_t agent[MEDIA_FRAME])
{
	uint8_t tones[MEDIA_FRAME];
	struct err err = {0};

	if (t->toning) {
		t->toning = media_tone_frame(&t->tone, tones);
		agent = t->toning ? tones : agent;
	}
	if (media_record_frame(t->record, frame, callee, agent, &err) !=
	    ERR_NONE)
		run_talk_failed(t, err.code, &err);
}

/* False: the carrier has no media (any more). */
static bool
step(struct run_talk *t)
{
	uint8_t agent[MEDIA_FRAME], callee[MEDIA_FRAME];
	int64_t frame = t->frame;

	run_talk_feed_due(t, run_talk_clock(t));
	/* from here on the clock stands at the frame's end */
	t->frame++;
	(void)t->model.ops->frame(t->call, agent);
	if (!t->carrier.ops->frame(
		t->carrier.impl, t->call_id, frame, agent, callee)) {
		t->frame = frame;
		return false;
	}
	record(t, frame, callee, agent);
	hear(t, callee);
	return true;
}

static void
write_lines(struct run_talk *t)
{
	struct err err = {0};

	if (run_talk_files_write(t, &err) != ERR_NONE)
		run_talk_failed(t, err.code, &err);
}

static void finish(struct run_talk *t);

bool
run_talk_tick(struct run_talk *t, int64_t now_ms)
{
	int64_t due = (now_ms - t->answered_ms) / MEDIA_FRAME_MS;
	int n = 0;

	CHECK(!t->ended);
	t->in_tick = true;
	while (n++ < FRAMES_A_TICK && t->frame < due && !t->no_media &&
	       !t->ended && (!t->wants_hangup || t->told_hangup))
		t->no_media = !step(t);
	if (!t->ended && t->frame > 0)
		write_lines(t);
	if (t->wants_hangup && !t->told_hangup && !t->ended) {
		t->told_hangup = true;
		t->hangup(t->hangup_arg);
	}
	t->in_tick = false;
	if (t->ended) {
		finish(t);
		return false;
	}
	return t->frame < due && !t->no_media;
}

/* ---- the end ---- */

static void
take_result(struct run_talk *t)
{
	struct talk_result r;
	struct run_talk_result *out = &t->result;

	talk_result(t->talk, &r);
	out->outcome = r.outcome;
	out->opt_out = r.opt_out;
	(void)snprintf(
	    out->answered_by, sizeof(out->answered_by), "%s", r.answered_by);
	(void)snprintf(out->decline_reason, sizeof(out->decline_reason), "%s",
	    r.decline_reason);
	out->meeting_json = mem_strdup(r.meeting_json);
}

static void
on_work(struct env_work *w)
{
	struct run_talk *t = CONTAINER_OF(w, struct run_talk, work);
	struct err err = {0};
	enum err_code code = run_talk_files_settle(t, &err);

	/* what failed first is what must be told */
	if (code != ERR_NONE && t->code == ERR_NONE) {
		t->code = code;
		t->err = err;
	}
}

static void
on_work_done(struct env_work *w)
{
	struct run_talk *t = CONTAINER_OF(w, struct run_talk, work);

	t->done(t->done_arg, t->code, &t->result, &t->err);
}

/* Our words end with the line; then talk hears who ended it. */
static void
finish(struct run_talk *t)
{
	struct model_spoken s;
	struct err err = {0};

	if (t->model.ops->flush(t->call, &s))
		run_talk_feed(t, &(struct talk_event){.kind = TALK_EV_SPOKEN,
				     .id = s.id,
				     .played_ms = s.played_ms,
				     .text = s.heard});
	run_talk_feed(
	    t, &(struct talk_event){.kind = TALK_EV_HANGUP, .text = t->end_by});
	if (t->frame > 0) {
		take_result(t);
		if (run_talk_files_write(t, &err) != ERR_NONE)
			run_talk_failed(t, err.code, &err);
	}
	t->work.run = on_work;
	t->work.done = on_work_done;
	env_work(t->env, &t->work);
}

void
run_talk_end(struct run_talk *t, int64_t at_ms, const char *by,
    void (*done)(void *arg, enum err_code code,
	const struct run_talk_result *result, const struct err *err),
    void *arg)
{
	CHECK(!t->ended);
	t->done = done;
	t->done_arg = arg;
	t->end_ms = at_ms - t->answered_ms;
	(void)snprintf(t->end_by, sizeof(t->end_by), "%s", by);
	/* what was said before the line went dead still counts */
	run_talk_feed_due(t, run_talk_clock(t));
	t->ended = true;
	/* from inside the carrier's frame(): once that has returned */
	if (!t->in_tick)
		finish(t);
}

void
run_talk_free(struct run_talk **t)
{
	if (*t == NULL)
		return;
	run_talk_feed_free(*t);
	(*t)->model.ops->stop(&(*t)->call);
	talk_free(&(*t)->talk);
	run_talk_files_close(*t);
	buf_free(&(*t)->lines);
	mem_free(&(*t)->result.meeting_json);
	mem_free(&(*t)->dir);
	mem_free(&(*t)->name);
	mem_free(&(*t)->call_id);
	mem_free(t);
}
