#include "carrier/carrier_sim_engine.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#include "carrier/carrier_sim_fate.h"
#include "media/media_tone.h"
#include "media/media_vad.h"

#define FRAMES(ms) ((ms) / MEDIA_FRAME_MS)
#define KEYS_MAX 64
#define KEY_FRAMES FRAMES(200)    /* a key and the pause after it */
#define KEY_OLD FRAMES(2000)      /* typed ahead longer ago: forgotten */
#define EARLY_FRAMES FRAMES(5000) /* hanging up before this is "hangup" */
#define STEPS_A_FRAME 100         /* of no length; a circle of goto ends here */
#define SILENT_MS_A_LETTER 65

/* What a step did with the frame. */
enum did {
	DID_FRAME, /* used it up */
	DID_STEP   /* is over and used nothing; the next may have it */
};

enum menu_phase {
	MENU_PROMPT,
	MENU_WAIT,
	MENU_INVALID
};

struct carrier_sim_engine {
	const struct carrier_sim_persona *persona;
	struct media_speech *speech;
	uint64_t draws;
	unsigned chances; /* drawn so far */
	int64_t frame;
	int64_t first;
	/* the present step */
	size_t pc;
	bool begun;
	int64_t began; /* frame */
	enum menu_phase phase;
	int64_t read_out; /* times the menu was */
	size_t pressed;
	/* what it says now */
	struct buf clip;
	size_t clip_at;
	const char *saying;
	int64_t said_from; /* frame */
	struct buf cut;
	struct media_tone tone;
	/* what it hears */
	struct media_vad vad;
	bool turn;        /* the agent has spoken and fallen silent */
	bool spoke;       /* at all */
	int64_t sound_at; /* frame of the agent's last sound */
	struct {
		char key;
		int64_t at;
	} keys[KEYS_MAX];
	size_t key_first, key_count;
	int64_t keys_end; /* frame at which the last key is over */
};

struct carrier_sim_engine *
carrier_sim_engine_new(const struct carrier_sim_persona *persona,
    struct media_speech *speech, uint64_t draws, int64_t frame)
{
	struct carrier_sim_engine *e = mem_zalloc(1, sizeof(*e));
	struct media_vad_options hearing = MEDIA_VAD_DEFAULTS;

	hearing.hangover_ms = (unsigned)persona->turn_ms;
	e->persona = persona;
	e->speech = speech;
	e->draws = draws;
	e->frame = frame;
	e->first = frame;
	e->clip = BUF_INIT(MEDIA_SPEECH_MAX);
	e->cut = BUF_INIT(MEDIA_SPEECH_TEXT_MAX);
	media_vad_init(&e->vad, &hearing);
	return e;
}

void
carrier_sim_engine_free(struct carrier_sim_engine **e)
{
	if (*e == NULL)
		return;
	buf_free(&(*e)->clip);
	buf_free(&(*e)->cut);
	mem_free(e);
}

int64_t
carrier_sim_engine_next(const struct carrier_sim_engine *e)
{
	return e->frame;
}

void
carrier_sim_engine_press(struct carrier_sim_engine *e, const char *digits)
{
	int64_t at = e->keys_end > e->frame ? e->keys_end : e->frame;

	for (const char *d = digits; *d != '\0'; d++) {
		if (*d == 'w' || *d == 'W') {
			at += FRAMES(*d == 'w' ? 500 : 1000);
			continue;
		}
		if (strchr("0123456789*#ABCD", *d) == NULL)
			continue;
		if (e->key_count < KEYS_MAX) {
			size_t i = (e->key_first + e->key_count++) % KEYS_MAX;

			e->keys[i].key = *d;
			/* A key is known some 40 ms after it began. */
			e->keys[i].at = at + 2;
		}
		at += KEY_FRAMES;
	}
	e->keys_end = at;
}

/* The next key that has sounded by now, or '\0'. */
static char
take_key(struct carrier_sim_engine *e)
{
	if (e->key_count == 0 || e->keys[e->key_first].at > e->frame)
		return '\0';
	char key = e->keys[e->key_first].key;
	e->key_first = (e->key_first + 1) % KEYS_MAX;
	e->key_count--;
	return key;
}

static void
forget_old_keys(struct carrier_sim_engine *e)
{
	while (
	    e->key_count > 0 && e->keys[e->key_first].at < e->frame - KEY_OLD)
		(void)take_key(e);
}

static void
hear(struct carrier_sim_engine *e, const uint8_t agent[MEDIA_FRAME])
{
	enum media_vad_event event = media_vad_frame(&e->vad, agent, NULL);

	if (media_vad_speaking(&e->vad)) {
		e->sound_at = e->frame;
		e->spoke = true;
	}
	if (event == MEDIA_VAD_STOP)
		e->turn = true;
}

static void
begin_saying(struct carrier_sim_engine *e, const char *text)
{
	struct err err;

	buf_clear(&e->clip);
	e->clip_at = 0;
	e->saying = text;
	e->said_from = e->frame;
	if (media_speech_say(e->speech, MEDIA_VOICE_CALLEE, text, &e->clip,
		&err) == ERR_NONE)
		return;
	/* The network outlives a lost sound file: the words take their time
	 * and are heard as captions. */
	for (size_t i = strlen(text) * SILENT_MS_A_LETTER * MEDIA_RATE / 1000;
	     i > 0 && e->clip.len < e->clip.max; i--)
		buf_putc(&e->clip, (char)MEDIA_SILENCE);
}

/* One frame of what is being said; false when it ended with this frame. */
static bool
go_on_saying(struct carrier_sim_engine *e, uint8_t callee[MEDIA_FRAME],
    struct carrier_sim_heard *out)
{
	size_t left = e->clip.len - e->clip_at;
	size_t n = left < MEDIA_FRAME ? left : MEDIA_FRAME;

	if (n > 0)
		memcpy(callee, e->clip.bytes + e->clip_at, n);
	e->clip_at += n;
	if (e->clip_at < e->clip.len)
		return true;
	out->text = e->saying;
	out->start_ms = e->said_from * MEDIA_FRAME_MS;
	out->end_ms = (e->frame + 1) * MEDIA_FRAME_MS;
	return false;
}

/* Stop in mid-sentence: the words so far were heard. */
static void
cut_short(struct carrier_sim_engine *e, struct carrier_sim_heard *out)
{
	size_t len = strlen(e->saying);
	size_t heard = e->clip.len > 0 ? len * e->clip_at / e->clip.len : 0;

	while (heard > 0 && heard < len && e->saying[heard] != ' ')
		heard--;
	if (heard == 0)
		return;
	buf_clear(&e->cut);
	buf_put(&e->cut, e->saying, heard);
	out->text = e->cut.bytes;
	out->start_ms = e->said_from * MEDIA_FRAME_MS;
	out->end_ms = (e->frame + 1) * MEDIA_FRAME_MS;
}

static enum did
go_to(struct carrier_sim_engine *e, int step)
{
	e->pc = (size_t)step;
	e->begun = false;
	return DID_STEP;
}

static enum did
hang_up(struct carrier_sim_engine *e, enum job_outcome outcome,
    struct carrier_sim_heard *out)
{
	bool machine = e->persona->answer == CARRIER_SIM_ANSWER_MACHINE;

	if (outcome == JOB_OUTCOME_NONE)
		outcome = e->frame - e->first < EARLY_FRAMES || !e->spoke
			      ? JOB_OUTCOME_HANGUP
			      : e->persona->outcome;
	out->over = true;
	out->outcome = outcome;
	out->by = machine ? CARRIER_SIM_BY_NETWORK : CARRIER_SIM_BY_CALLEE;
	return DID_FRAME;
}

static enum did
do_say(struct carrier_sim_engine *e, const struct carrier_sim_step *s,
    uint8_t callee[MEDIA_FRAME], struct carrier_sim_heard *out)
{
	if (e->began == e->frame)
		begin_saying(e, s->text);
	if (!go_on_saying(e, callee, out))
		(void)go_to(e, (int)e->pc + 1);
	return DID_FRAME;
}

static enum did
do_listen(struct carrier_sim_engine *e, const struct carrier_sim_step *s,
    struct carrier_sim_heard *out)
{
	if (media_vad_speaking(&e->vad))
		return DID_FRAME;
	if (e->turn) {
		e->turn = false;
		return go_to(e, (int)e->pc + 1);
	}
	int64_t since = e->sound_at > e->began ? e->sound_at : e->began;
	if (e->frame - since >= FRAMES(s->ms))
		return hang_up(e, JOB_OUTCOME_NONE, out);
	return DID_FRAME;
}

static enum did
read_out(struct carrier_sim_engine *e, const struct carrier_sim_step *s)
{
	if (e->read_out >= s->times)
		return go_to(e, s->target);
	e->read_out++;
	e->phase = MENU_PROMPT;
	begin_saying(e, s->text);
	return DID_FRAME;
}

/* A key was pressed in a menu. */
static enum did
menu_key(struct carrier_sim_engine *e, const struct carrier_sim_step *s,
    char key, struct carrier_sim_heard *out)
{
	const char *at = strchr(CARRIER_SIM_KEYS, key);
	int target = at != NULL ? s->keys[at - CARRIER_SIM_KEYS] : -1;

	if (e->phase != MENU_WAIT)
		cut_short(e, out);
	/* The tones of the key were no words. */
	e->turn = false;
	if (target >= 0) {
		(void)go_to(e, target);
		return DID_FRAME;
	}
	if (s->invalid != NULL) {
		e->phase = MENU_INVALID;
		begin_saying(e, s->invalid);
		return DID_FRAME;
	}
	(void)read_out(e, s);
	return DID_FRAME;
}

static enum did
do_menu(struct carrier_sim_engine *e, const struct carrier_sim_step *s,
    uint8_t callee[MEDIA_FRAME], struct carrier_sim_heard *out)
{
	if (e->began == e->frame) {
		forget_old_keys(e);
		e->read_out = 0;
		(void)read_out(e, s);
	}
	char key = take_key(e);
	if (key != '\0')
		return menu_key(e, s, key, out);
	if (e->phase == MENU_WAIT) {
		if (e->frame < e->said_from)
			return DID_FRAME;
		if (read_out(e, s) == DID_STEP) {
			e->turn = false;
			return DID_STEP;
		}
	}
	if (go_on_saying(e, callee, out))
		return DID_FRAME;
	if (e->phase == MENU_INVALID) {
		(void)read_out(e, s);
		return DID_FRAME;
	}
	/* From here said_from is when the wait is over. */
	e->phase = MENU_WAIT;
	e->said_from = e->frame + FRAMES(s->ms);
	return DID_FRAME;
}

static enum did
do_tone(struct carrier_sim_engine *e, const struct carrier_sim_step *s,
    uint8_t callee[MEDIA_FRAME])
{
	if (e->began == e->frame && s->kind == CARRIER_SIM_STEP_RINGBACK)
		media_tone_init(&e->tone, MEDIA_TONE_RINGBACK);
	else if (e->began == e->frame)
		media_tone_beep(&e->tone, (unsigned)s->hz, (unsigned)s->ms);
	if (e->frame - e->began >= FRAMES(s->ms))
		return go_to(e, (int)e->pc + 1);
	(void)media_tone_frame(&e->tone, callee);
	return DID_FRAME;
}

static enum did
do_record(struct carrier_sim_engine *e, const struct carrier_sim_step *s)
{
	int64_t since = e->sound_at > e->began ? e->sound_at : e->began;

	if (e->frame - e->began >= FRAMES(s->ms) ||
	    e->frame - since >= FRAMES(s->silence_ms)) {
		e->turn = false;
		return go_to(e, (int)e->pc + 1);
	}
	return DID_FRAME;
}

static enum did
do_press(struct carrier_sim_engine *e, const struct carrier_sim_step *s,
    uint8_t callee[MEDIA_FRAME], struct carrier_sim_heard *out)
{
	int64_t at = e->frame - e->began;
	size_t key = (size_t)(at / KEY_FRAMES);
	struct err err;

	if (at == 0)
		(void)media_tone_digits(&e->tone, s->text, &err);
	if (key >= strlen(s->text))
		return go_to(e, (int)e->pc + 1);
	if (at % KEY_FRAMES == 0)
		out->digit = s->text[key];
	(void)media_tone_frame(&e->tone, callee);
	return DID_FRAME;
}

static enum did
do_step(struct carrier_sim_engine *e, uint8_t callee[MEDIA_FRAME],
    struct carrier_sim_heard *out)
{
	const struct carrier_sim_step *s;

	/* A log may name a persona whose file lost its script. */
	if (e->pc >= e->persona->step_count)
		return hang_up(e, JOB_OUTCOME_NONE, out);
	s = &e->persona->steps[e->pc];
	if (!e->begun) {
		e->begun = true;
		e->began = e->frame;
	}
	switch (s->kind) {
	case CARRIER_SIM_STEP_SAY:
		return do_say(e, s, callee, out);
	case CARRIER_SIM_STEP_PAUSE:
		return e->frame - e->began < FRAMES(s->ms)
			   ? DID_FRAME
			   : go_to(e, (int)e->pc + 1);
	case CARRIER_SIM_STEP_LISTEN:
		return do_listen(e, s, out);
	case CARRIER_SIM_STEP_CHANCE:
		return go_to(
		    e, carrier_sim_draw(e->draws,
			   CARRIER_SIM_DRAW_SCRIPT + e->chances++) < s->chance
			   ? s->target
			   : (int)e->pc + 1);
	case CARRIER_SIM_STEP_GOTO:
		return go_to(e, s->target);
	case CARRIER_SIM_STEP_MENU:
		return do_menu(e, s, callee, out);
	case CARRIER_SIM_STEP_RINGBACK:
	case CARRIER_SIM_STEP_BEEP:
		return do_tone(e, s, callee);
	case CARRIER_SIM_STEP_RECORD:
		return do_record(e, s);
	case CARRIER_SIM_STEP_PRESS:
		return do_press(e, s, callee, out);
	case CARRIER_SIM_STEP_HANGUP:
		return hang_up(e, s->outcome, out);
	case CARRIER_SIM_STEP_COUNT:
		break;
	}
	return hang_up(e, JOB_OUTCOME_FAILED, out);
}

void
carrier_sim_engine_frame(struct carrier_sim_engine *e,
    const uint8_t agent[MEDIA_FRAME], uint8_t callee[MEDIA_FRAME],
    struct carrier_sim_heard *out)
{
	int steps = 0;

	memset(out, 0, sizeof(*out));
	media_ulaw_silence(callee, MEDIA_FRAME);
	hear(e, agent);
	while (do_step(e, callee, out) == DID_STEP)
		if (++steps == STEPS_A_FRAME) {
			(void)hang_up(e, JOB_OUTCOME_FAILED, out);
			break;
		}
	e->frame++;
}
