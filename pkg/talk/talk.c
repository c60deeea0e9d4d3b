#include "talk/talk.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "json/json.h"

#include "talk/talk_priv.h"

enum err_code
talk_new(const struct conf_kind *kind, const struct talk_values *values,
    struct talk **out, struct err *err)
{
	struct talk *t = mem_zalloc(1, sizeof(*t));
	enum err_code code = talk_script_fill(&t->script, kind, values, err);

	*out = NULL;
	if (code != ERR_NONE) {
		talk_free(&t);
		return code;
	}
	for (size_t i = 0; i < TALK_TIMER_COUNT; i++)
		t->timer[i] = -1;
	t->next_id = 1;
	t->saying.line = -1;
	t->said.line = -1;
	t->turned_ms = -1;
	t->answered_by = "";
	t->reason = "";
	*out = t;
	return ERR_NONE;
}

void
talk_free(struct talk **t)
{
	if (*t == NULL)
		return;
	talk_script_fini(&(*t)->script);
	mem_free(&(*t)->meeting);
	mem_free(t);
}

enum talk_state
talk_state(const struct talk *t)
{
	return t->state;
}

void
talk_result(const struct talk *t, struct talk_result *out)
{
	out->outcome = t->outcome;
	out->answered_by = t->answered_by;
	out->decline_reason = t->reason;
	out->opt_out = t->opt_out;
	out->meeting_json = t->meeting;
}

/* ---- signs: what an event means, given all that went before ---- */

static int
find_objection(const struct talk *t)
{
	for (size_t i = 0; i < t->script.objections; i++)
		if (!t->script.objection[i].used &&
		    talk_matches(t->script.objection[i].when, t->heard))
			return (int)i;
	return -1;
}

/* A menu is complete: the third visit, or too many keys, is a loop. */
static enum talk_sign
sign_of_menu(struct talk *t)
{
	memset(&t->menu, 0, sizeof(t->menu));
	(void)talk_menu_read(&t->menu, t->heard, NULL, 0);
	if (talk_menu_visit(&t->menus, &t->menu) >= 3 ||
	    t->presses >= TALK_PRESSES_MAX)
		return TALK_SIGN_LOOP;
	return TALK_SIGN_MENU;
}

/* Plain words: do they ask us to go on, or is all said? */
static enum talk_sign
sign_of_person(const struct talk *t)
{
	if (t->state == TALK_LEAVING)
		return t->saying.id == 0 && talk_sounds_live(t->heard)
			   ? TALK_SIGN_LIVE
			   : TALK_SIGN_NOTHING;
	/* "uh-huh" while we speak is no turn */
	if (t->saying.id != 0)
		return TALK_SIGN_NOTHING;
	return talk_has_line(t) ? TALK_SIGN_PERSON : TALK_SIGN_DONE;
}

static enum talk_sign
sign_of_voicemail(const struct talk *t)
{
	return t->script.voicemail == NULL ? TALK_SIGN_NO_MESSAGE
					   : TALK_SIGN_VOICEMAIL;
}

/* Before a script has begun, what a person says is "hello". */
static enum talk_sign
sign_of_reply(struct talk *t, enum talk_meaning m)
{
	if (t->state != TALK_SPEAKING)
		return sign_of_person(t);
	t->objection = find_objection(t);
	if (t->objection >= 0 && (m != TALK_MEANS_ACCEPT || !t->asked))
		return TALK_SIGN_OBJECTION;
	switch ((int)m) {
	case TALK_MEANS_ACCEPT:
		if ((t->asked && (t->saying.id == 0 || t->saying.question)) ||
		    talk_proposes(t->heard))
			return TALK_SIGN_ACCEPT;
		return sign_of_person(t);
	case TALK_MEANS_DECLINE:
		return TALK_SIGN_DECLINE;
	case TALK_MEANS_LATER:
		return TALK_SIGN_LATER;
	case TALK_MEANS_AGAIN:
		return TALK_SIGN_AGAIN;
	default:
		return sign_of_person(t);
	}
}

static enum talk_sign
sign_of_words(struct talk *t)
{
	switch (t->meaning) {
	case TALK_MEANS_MENU:
		return sign_of_menu(t);
	case TALK_MEANS_VOICEMAIL:
		return sign_of_voicemail(t);
	case TALK_MEANS_FULL:
		return TALK_SIGN_NO_MESSAGE;
	case TALK_MEANS_MACHINE:
		return TALK_SIGN_MACHINE;
	case TALK_MEANS_HOLD:
		return TALK_SIGN_HOLD;
	case TALK_MEANS_TRANSFER:
		return TALK_SIGN_TRANSFER;
	case TALK_MEANS_WRONG:
		return TALK_SIGN_WRONG;
	case TALK_MEANS_OPT_OUT:
		return t->opt_out ? TALK_SIGN_NOTHING : TALK_SIGN_OPT_OUT;
	case TALK_MEANS_PERSON:
	case TALK_MEANS_ACCEPT:
	case TALK_MEANS_DECLINE:
	case TALK_MEANS_LATER:
	case TALK_MEANS_AGAIN:
		return sign_of_reply(t, t->meaning);
	case TALK_MEANS_NOTHING:
	case TALK_MEANING_COUNT:
		break;
	}
	return TALK_SIGN_NOTHING;
}

/* Sound of which no words came. */
static enum talk_sign
sign_of_sound(const struct talk *t)
{
	if (t->state == TALK_SPEAKING)
		return sign_of_person(t);
	if (t->state != TALK_NAVIGATING || t->captions)
		return TALK_SIGN_MACHINE;
	return t->silent_ms - t->sound_ms <= TALK_HELLO_MS ? TALK_SIGN_PERSON
							   : TALK_SIGN_MACHINE;
}

static enum talk_sign
sign_of_beep(const struct talk *t)
{
	/* somebody who talked with us is no mailbox, whatever beeps */
	if (t->state == TALK_SPEAKING && t->turns > 1)
		return TALK_SIGN_NOTHING;
	if (t->script.voicemail == NULL)
		return TALK_SIGN_NO_MESSAGE;
	if (t->state == TALK_LEAVING && t->saying.id != 0 &&
	    (t->message_again ||
		t->now_ms - t->saying.since_ms > TALK_REPEAT_BEEP_MS))
		return TALK_SIGN_NOTHING;
	return TALK_SIGN_BEEP;
}

static enum talk_sign
sign_of_silence(const struct talk *t)
{
	if (!t->still_there_said)
		return TALK_SIGN_AWAY;
	return t->turns == 0 ? TALK_SIGN_NOBODY : TALK_SIGN_AWAY_AGAIN;
}

static enum talk_sign
sign_of_nudge(const struct talk *t)
{
	return t->menus.count > 0 &&
		       strchr(talk_menu_pressed(&t->menus), '0') == NULL
		   ? TALK_SIGN_NUDGE_KEY
		   : TALK_SIGN_NUDGE_TALK;
}

/* The callee has finished: what did they say? */
static enum talk_sign
take_turn(struct talk *t)
{
	enum talk_sign sign = sign_of_words(t);

	talk_timer_cancel(t, TALK_TIMER_TURN);
	talk_timer_cancel(t, TALK_TIMER_WORDLESS);
	t->turned_ms = t->now_ms;
	if (sign == TALK_SIGN_PERSON || sign == TALK_SIGN_OBJECTION)
		talk_timer_cancel(t, TALK_TIMER_HOLD);
	if (sign != TALK_SIGN_NOTHING)
		t->still_there_said = false;
	return sign;
}

static enum talk_sign
sign_of_timer(struct talk *t, int64_t id)
{
	if (id < 0 || id >= TALK_TIMER_COUNT || t->timer[id] < 0)
		return TALK_SIGN_NOTHING;
	t->timer[id] = -1;
	switch ((enum talk_timer)id) {
	case TALK_TIMER_TURN:
		return take_turn(t);
	case TALK_TIMER_WORDLESS:
		t->still_there_said = false;
		return sign_of_sound(t);
	case TALK_TIMER_NUDGE:
		return sign_of_nudge(t);
	case TALK_TIMER_GO_ON:
		return talk_has_line(t) ? TALK_SIGN_GO_ON : TALK_SIGN_DONE;
	case TALK_TIMER_AWAY:
		return sign_of_silence(t);
	case TALK_TIMER_HOLD:
		return TALK_SIGN_HOLD_OVER;
	case TALK_TIMER_BARGE:
		return t->saying.id != 0 ? TALK_SIGN_BARGE : TALK_SIGN_NOTHING;
	case TALK_TIMER_BEEP_LATE:
		return TALK_SIGN_BEEP_LATE;
	case TALK_TIMER_TOOL:
		t->booking = 0;
		return TALK_SIGN_NOT_BOOKED;
	case TALK_TIMER_WRAP_UP:
		return TALK_SIGN_WRAP_UP;
	case TALK_TIMER_TIME_UP:
		return TALK_SIGN_TIME_UP;
	case TALK_TIMER_COUNT:
		break;
	}
	return TALK_SIGN_NOTHING;
}

/* ---- the callee's sound and words ---- */

static void
speech_start(struct talk *t)
{
	/* whoever makes sounds is there: nothing waits for silence now */
	t->sounding = true;
	t->sound_ms = t->now_ms;
	talk_timer_cancel(t, TALK_TIMER_NUDGE);
	talk_timer_cancel(t, TALK_TIMER_GO_ON);
	talk_timer_cancel(t, TALK_TIMER_AWAY);
	talk_timer_cancel(t, TALK_TIMER_WORDLESS);
	if (t->timer[TALK_TIMER_TURN] >= 0)
		talk_timer_set(t, TALK_TIMER_TURN, TALK_TURN_LATE_MS);
	if (t->state == TALK_SPEAKING && t->saying.id != 0)
		talk_timer_set(t, TALK_TIMER_BARGE, TALK_BARGE_MS);
}

static int64_t
turn_delay(const struct talk *t)
{
	if (t->sounding)
		return TALK_TURN_LATE_MS;
	return t->meaning == TALK_MEANS_MENU ? TALK_TURN_MENU_MS : TALK_TURN_MS;
}

static void
speech_stop(struct talk *t)
{
	if (!t->sounding)
		return;
	t->sounding = false;
	t->silent_ms = t->now_ms;
	talk_timer_cancel(t, TALK_TIMER_BARGE);
	if (t->timer[TALK_TIMER_TURN] >= 0)
		talk_timer_set(t, TALK_TIMER_TURN, turn_delay(t));
	else if (t->turned_ms < t->sound_ms &&
		 (t->state == TALK_NAVIGATING || t->state == TALK_SPEAKING))
		talk_timer_set(t, TALK_TIMER_WORDLESS, TALK_WORDLESS_MS);
}

/* Add to what was heard in this turn; of too much the newest half stays. */
static void
hear(struct talk *t, const char *text)
{
	size_t have = strlen(t->heard);
	size_t len = strlen(text);
	size_t room = sizeof(t->heard) - 2;

	if (t->timer[TALK_TIMER_TURN] < 0)
		have = 0;
	if (len > room / 2)
		len = room / 2;
	if (have + 1 + len > room) {
		memmove(t->heard, t->heard + have - room / 2, room / 2);
		have = room / 2;
	}
	if (have > 0)
		t->heard[have++] = ' ';
	memcpy(t->heard + have, text, len);
	t->heard[have + len] = '\0';
	t->meaning = talk_meaning_of(t->heard);
}

static enum talk_sign
caption(struct talk *t, const char *text)
{
	struct talk_menu menu = {0};

	if (talk_meaning_of(text) == TALK_MEANS_NOTHING)
		return TALK_SIGN_NOTHING;
	t->captions = true;
	hear(t, text);
	talk_timer_cancel(t, TALK_TIMER_WORDLESS);
	talk_timer_cancel(t, TALK_TIMER_NUDGE);
	talk_timer_cancel(t, TALK_TIMER_GO_ON);
	talk_timer_cancel(t, TALK_TIMER_AWAY);
	/* nobody asks twice to be left alone */
	if (t->meaning == TALK_MEANS_OPT_OUT)
		return take_turn(t);
	if (t->meaning == TALK_MEANS_MENU) {
		(void)talk_menu_read(&menu, t->heard, NULL, 0);
		if (menu.repeats)
			return take_turn(t);
	}
	talk_timer_set(t, TALK_TIMER_TURN, turn_delay(t));
	return TALK_SIGN_NOTHING;
}

/* ---- what came of our own doing ---- */

static enum talk_sign
spoken(struct talk *t, const struct talk_event *e)
{
	if (e->id != t->saying.id || e->id == 0)
		return TALK_SIGN_NOTHING;
	t->said = t->saying;
	t->saying = (struct talk_saying){.line = -1};
	t->cut = !e->ok;
	talk_timer_cancel(t, TALK_TIMER_BARGE);
	if (t->cut) {
		t->cuts++;
		return TALK_SIGN_CUT;
	}
	return t->said.question ? TALK_SIGN_ASKED : TALK_SIGN_SPOKEN;
}

static bool
is_object(const char *text)
{
	const struct json_limits limits = {TALK_MEETING_MAX, 8, 200};
	struct json *doc = NULL;
	struct err unused;
	bool is = text != NULL &&
		  json_parse(text, strlen(text), &limits, &doc, &unused) ==
		      ERR_NONE &&
		  json_kind(doc) == JSON_OBJECT;

	json_free(&doc);
	return is;
}

static enum talk_sign
tool_result(struct talk *t, const struct talk_event *e)
{
	if (e->id != t->booking || e->id == 0)
		return TALK_SIGN_NOTHING;
	t->booking = 0;
	talk_timer_cancel(t, TALK_TIMER_TOOL);
	if (!e->ok || !is_object(e->text))
		return TALK_SIGN_NOT_BOOKED;
	mem_free(&t->meeting);
	t->meeting = mem_strdup(e->text);
	return TALK_SIGN_BOOKED;
}

static enum talk_sign
sign_of_end(const struct talk *t, const char *by)
{
	if (strcmp(by, "agent") == 0)
		return TALK_SIGN_AGENT_GONE;
	/* "Goodbye." and the line is gone, before it was our turn */
	if (t->state == TALK_SPEAKING && t->timer[TALK_TIMER_TURN] >= 0 &&
	    t->meaning == TALK_MEANS_DECLINE)
		return TALK_SIGN_CALLEE_DECLINED;
	return strcmp(by, "callee") == 0 ? TALK_SIGN_CALLEE_GONE
					 : TALK_SIGN_NETWORK_GONE;
}

/* What e means; keeps the books of sound, words and speech on the way. */
static enum talk_sign
sense(struct talk *t, const struct talk_event *e, const char *text)
{
	switch (e->kind) {
	case TALK_EV_START:
		return TALK_SIGN_START;
	case TALK_EV_ANSWERED:
		/* "machine" alone may be a phone tree: we find out */
		if (strcmp(text, "voicemail") != 0)
			return TALK_SIGN_ANSWER;
		return t->script.voicemail == NULL ? TALK_SIGN_ANSWER
						   : TALK_SIGN_ANSWER_MACHINE;
	case TALK_EV_SPEECH_START:
		speech_start(t);
		return TALK_SIGN_NOTHING;
	case TALK_EV_SPEECH_STOP:
		speech_stop(t);
		return TALK_SIGN_NOTHING;
	case TALK_EV_BEEP:
		return sign_of_beep(t);
	case TALK_EV_RINGBACK:
		return TALK_SIGN_RINGING;
	case TALK_EV_BUSY_TONE:
		return TALK_SIGN_BUSY;
	case TALK_EV_DEAD_TONE:
		return TALK_SIGN_DEAD;
	case TALK_EV_CAPTION:
		return caption(t, text);
	case TALK_EV_MODEL_TEXT:
		talk_timer_cancel(t, TALK_TIMER_GO_ON);
		talk_timer_cancel(t, TALK_TIMER_AWAY);
		return TALK_SIGN_NOTHING;
	case TALK_EV_TOOL_RESULT:
		return tool_result(t, e);
	case TALK_EV_TIMER:
		return sign_of_timer(t, e->id);
	case TALK_EV_COACH:
		if (text[0] != '\0')
			talk_do(t, TALK_DO_ADVISE, 0, 0, text);
		return TALK_SIGN_NOTHING;
	case TALK_EV_SPOKEN:
		return spoken(t, e);
	case TALK_EV_HANGUP:
		return sign_of_end(t, text);
	case TALK_EV_DTMF:
	case TALK_EVENT_COUNT:
		break;
	}
	return TALK_SIGN_NOTHING;
}

static void
apply(struct talk *t, const struct talk_row *row)
{
	t->state = row->next;
	if (row->outcome != JOB_OUTCOME_NONE)
		t->outcome = row->outcome;
	if (row->reason != NULL)
		t->reason = row->reason;
	for (size_t i = 0; i < TALK_ROW_ACTS; i++)
		talk_act(t, row->acts[i]);
}

/* Whoever waits for a person has a deadline, whatever led here. */
static void
ensure_wait(struct talk *t)
{
	static const enum talk_timer waits[] = {TALK_TIMER_TURN,
	    TALK_TIMER_WORDLESS, TALK_TIMER_NUDGE, TALK_TIMER_GO_ON,
	    TALK_TIMER_AWAY, TALK_TIMER_HOLD};

	if (t->sounding || t->saying.id != 0 ||
	    (t->state != TALK_NAVIGATING && t->state != TALK_SPEAKING))
		return;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		if (t->timer[waits[i]] >= 0)
			return;
	if (t->state == TALK_NAVIGATING)
		talk_timer_set(t, TALK_TIMER_NUDGE, TALK_NUDGE_MS);
	else
		talk_timer_set(t, TALK_TIMER_AWAY, TALK_AWAY_MS);
}

size_t
talk_feed(struct talk *t, const struct talk_event *event,
    const struct talk_effect **out)
{
	CHECK(event->kind < TALK_EVENT_COUNT);
	t->effects = 0;
	*out = t->effect;
	if (event->at_ms > t->now_ms)
		t->now_ms = event->at_ms;
	if (t->state == TALK_OVER)
		return 0;

	enum talk_sign sign =
	    sense(t, event, event->text == NULL ? "" : event->text);
	const struct talk_row *row = talk_row_find(t->state, sign);

	if (row != NULL)
		apply(t, row);
	ensure_wait(t);
	return t->effects;
}
