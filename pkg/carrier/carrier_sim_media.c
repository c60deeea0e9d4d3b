#include "base/mem.h"

#include "carrier/carrier_sim_priv.h"

/* A line's sign of life, against the disk's patience. */
#define SOUND_REAL_MS 200

/* NULL when there is no conversation here. */
static struct carrier_sim_own *
talking(struct carrier_sim *s, const char *call_id)
{
	const struct carrier_sim_call *c =
	    carrier_sim_calls_find(&s->calls, call_id);
	struct carrier_sim_own *o = carrier_sim_own_find(c);

	if (o == NULL || o->dial != NULL || o->ear == NULL || o->hung_up ||
	    !carrier_sim_calls_has_voice(&s->calls, c))
		return NULL;
	return o;
}

static struct media_speech *
speech_of(struct carrier_sim *s)
{
	struct err err;

	/* Without its recordings a callee is synthesised; the directory itself
	 * was looked at when the network was opened. */
	if (s->speech == NULL && media_speech_open(s->env, s->speech_dir,
				     &s->speech, &err) != ERR_NONE)
		(void)media_speech_open(s->env, NULL, &s->speech, &err);
	return s->speech;
}

static void
wake_engine(struct carrier_sim *s, struct carrier_sim_own *o, int64_t frame)
{
	const struct carrier_sim_live *l = o->call->live;

	if (o->engine == NULL)
		o->engine = carrier_sim_engine_new(
		    l->persona, speech_of(s), l->draws, frame);
}

static void
note_sound(struct carrier_sim *s)
{
	int64_t real_ms = env_real_boot_ms(s->env);

	if (real_ms - s->sound_real_ms < SOUND_REAL_MS)
		return;
	s->sound_real_ms = real_ms;
	carrier_sim_store_note_sound(&s->store, env_now_ms(s->env));
}

static void
callee_hung_up(struct carrier_sim *s, struct carrier_sim_own *o,
    const struct carrier_sim_heard *h)
{
	struct carrier_sim_call *c = o->call;
	struct carrier_sim_line line = {
	    .ev = CARRIER_SIM_ENDED,
	    .at_ms = carrier_sim_call_at(c, c->answered) +
		     carrier_sim_engine_next(o->engine) * MEDIA_FRAME_MS,
	    .outcome = h->outcome,
	    .by = h->by,
	};

	(void)carrier_sim_call_id(c->id, line.call);
	o->hung_up = true;
	carrier_sim_end_call(s, c, &line);
}

/* One frame; false when the call is no longer ours to speak in after it. */
static bool
one_frame(struct carrier_sim *s, struct carrier_sim_own *o,
    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME])
{
	struct carrier_ear *ear = o->ear;
	struct carrier_sim_call *c = o->call;
	int64_t frame = carrier_sim_engine_next(o->engine);
	struct carrier_sim_heard h;

	carrier_sim_engine_frame(o->engine, agent, callee, &h);
	if (h.over)
		callee_hung_up(s, o, &h);
	/* Their owner may let go of the call from within these. */
	if (h.digit != '\0' && ear->dtmf != NULL)
		ear->dtmf(ear, h.digit, frame * MEDIA_FRAME_MS);
	if (h.text != NULL && ear->caption != NULL &&
	    carrier_sim_own_find(c) == o && o->ear == ear)
		ear->caption(ear, h.text, h.start_ms, h.end_ms);
	return carrier_sim_own_find(c) == o && o->ear == ear && !o->hung_up;
}

bool
carrier_sim_frame(void *c, const char *call_id, int64_t frame,
    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME])
{
	struct carrier_sim *s = c;
	struct carrier_sim_own *o = talking(s, call_id);
	uint8_t silence[CARRIER_FRAME];
	struct carrier_sim_line limit;

	media_ulaw_silence(callee, CARRIER_FRAME);
	if (o == NULL)
		return false;
	carrier_sim_calls_limit(o->call, &limit);
	if (carrier_sim_call_at(o->call, o->call->answered) +
		frame * MEDIA_FRAME_MS >=
	    limit.at_ms)
		return false;
	wake_engine(s, o, frame);
	note_sound(s);
	/* Frames left out were silence on the line. */
	media_ulaw_silence(silence, sizeof(silence));
	while (carrier_sim_engine_next(o->engine) < frame)
		if (!one_frame(s, o, silence, callee))
			return false;
	if (carrier_sim_engine_next(o->engine) == frame)
		(void)one_frame(s, o, agent, callee);
	return true;
}

void
carrier_sim_press(void *c, const char *call_id, const char *digits)
{
	struct carrier_sim *s = c;
	struct carrier_sim_own *o = talking(s, call_id);

	if (o == NULL)
		return;
	wake_engine(s, o, 0);
	carrier_sim_engine_press(o->engine, digits);
}
