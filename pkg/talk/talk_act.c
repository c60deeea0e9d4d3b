#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "json/json_write.h"

#include "talk/talk_priv.h"

void
talk_do(struct talk *t, enum talk_effect_kind kind, int64_t id, int64_t at_ms,
    const char *text)
{
	CHECK(t->effects < TALK_EFFECTS_MAX);
	t->effect[t->effects++] = (struct talk_effect){
	    .kind = kind, .id = id, .at_ms = at_ms, .text = text};
}

void
talk_timer_set(struct talk *t, enum talk_timer timer, int64_t delay_ms)
{
	t->timer[timer] = t->now_ms + delay_ms;
	talk_do(t, TALK_DO_SET_TIMER, timer, t->timer[timer], NULL);
}

void
talk_timer_cancel(struct talk *t, enum talk_timer timer)
{
	if (t->timer[timer] < 0)
		return;
	t->timer[timer] = -1;
	talk_do(t, TALK_DO_CANCEL_TIMER, timer, 0, NULL);
}

static void
flush(struct talk *t)
{
	if (t->saying.id == 0)
		return;
	talk_do(t, TALK_DO_FLUSH, 0, 0, NULL);
	talk_timer_cancel(t, TALK_TIMER_BARGE);
}

/* Stop, and forget what we said: its SPOKEN finds nobody who waits for it. */
static void
be_silent(struct talk *t)
{
	if (t->saying.id == 0)
		return;
	flush(t);
	t->said = t->saying;
	t->saying = (struct talk_saying){.line = -1};
	t->cut = true;
	t->cuts++;
}

static bool
is_question(const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len > 0 && text[len - 1] == '?';
}

static void
say(struct talk *t, const char *text, int line, bool question)
{
	static const enum talk_timer waits[] = {TALK_TIMER_NUDGE,
	    TALK_TIMER_GO_ON, TALK_TIMER_AWAY, TALK_TIMER_HOLD,
	    TALK_TIMER_BEEP_LATE, TALK_TIMER_WORDLESS};

	flush(t);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		talk_timer_cancel(t, waits[i]);
	t->saying = (struct talk_saying){.id = t->next_id++,
	    .since_ms = t->now_ms,
	    .text = text,
	    .line = line,
	    .question = question};
	talk_do(t, TALK_DO_SAY, t->saying.id, 0, text);
}

/* The line that comes next; -1 = all is said. */
static int
find_line(const struct talk *t)
{
	/* an interrupted line is said once more */
	if (t->cut && t->said.line >= 0 && t->cuts < 2)
		return t->said.line;
	for (int i = t->next_line; i < TALK_LINE_COUNT; i++)
		if (t->script.line[i] != NULL)
			return i;
	if (t->script.line[TALK_LINE_MEETING] != NULL &&
	    t->asks < TALK_ASKS_MAX)
		return TALK_LINE_MEETING;
	return -1;
}

bool
talk_has_line(const struct talk *t)
{
	return find_line(t) >= 0;
}

static void
say_line(struct talk *t)
{
	int line = find_line(t);

	CHECK(line >= 0);
	if (!(t->cut && t->said.line == line))
		t->cuts = 0;
	t->cut = false;
	if (line >= t->next_line)
		t->next_line = line + 1;
	if (line == TALK_LINE_MEETING) {
		t->asks++;
		t->asked = true;
	}
	say(t, t->script.line[line], line, line == TALK_LINE_MEETING);
}

static void
say_again(struct talk *t)
{
	const struct talk_saying *last =
	    t->saying.id != 0 ? &t->saying : &t->said;

	if (last->text == NULL) {
		if (talk_has_line(t))
			say_line(t);
		return;
	}
	t->cut = false;
	say(t, last->text, last->line, last->question);
}

static void
say_objection(struct talk *t)
{
	const char *text = t->script.objection[t->objection].say;
	bool question = is_question(text);

	t->script.objection[t->objection].used = true;
	t->cut = false;
	t->asked = t->asked || question;
	say(t, text, -1, question);
}

static void
say_voicemail(struct talk *t)
{
	t->message_again = t->saying.id != 0;
	say(t, t->script.voicemail, -1, false);
}

static void
press(struct talk *t, char key)
{
	t->key[0] = key;
	t->key[1] = '\0';
	t->presses++;
	talk_menu_note(&t->menus, key);
	talk_do(t, TALK_DO_PRESS, 0, 0, t->key);
}

static void
press_choice(struct talk *t)
{
	char key = talk_menu_choose(&t->menu,
	    t->script.goal != NULL ? t->script.goal : "",
	    talk_menu_pressed(&t->menus));

	if (key != '\0')
		press(t, key);
	memset(&t->menu, 0, sizeof(t->menu));
	talk_timer_cancel(t, TALK_TIMER_HOLD);
}

/* A meeting agreed to, in the callee's own words, until a tool books it. */
static void
book(struct talk *t)
{
	struct buf text = BUF_INIT(8 * TALK_WORDS_MAX);
	struct json_writer w = JSON_WRITER_INIT(&text);

	json_write_object(&w);
	json_field_str(&w, "status", "requested");
	json_field_str(&w, "said", t->heard);
	json_field_i64(&w, "atMs", t->now_ms);
	json_write_end(&w);
	mem_free(&t->meeting);
	t->meeting = mem_strdup(text.bytes);
	buf_free(&text);
	t->booking = t->next_id++;
	talk_do(t, TALK_DO_BOOK, t->booking, 0, t->meeting);
	talk_timer_set(t, TALK_TIMER_TOOL, TALK_TOOL_MS);
}

static void
rewind_script(struct talk *t)
{
	t->next_line = 0;
	t->asks = 0;
	t->asked = false;
	t->cut = false;
	t->cuts = 0;
	t->said = (struct talk_saying){.line = -1};
}

static void
limits(struct talk *t)
{
	int64_t longest = t->script.max_call_ms;
	int64_t before =
	    longest / 4 < TALK_WRAP_UP_MS ? longest / 4 : TALK_WRAP_UP_MS;

	talk_timer_set(t, TALK_TIMER_WRAP_UP, longest - before);
	talk_timer_set(t, TALK_TIMER_TIME_UP, longest);
}

static void
hang_up(struct talk *t)
{
	for (int i = 0; i < TALK_TIMER_COUNT; i++)
		talk_timer_cancel(t, (enum talk_timer)i);
	talk_do(t, TALK_DO_HANG_UP, 0, 0,
	    t->reason[0] != '\0' ? t->reason : job_outcome_name(t->outcome));
}

static void
wait_on(struct talk *t)
{
	talk_timer_cancel(t, TALK_TIMER_NUDGE);
	talk_timer_cancel(t, TALK_TIMER_GO_ON);
	talk_timer_cancel(t, TALK_TIMER_AWAY);
	talk_timer_set(t, TALK_TIMER_HOLD, TALK_HOLD_MS);
}

static void
await_beep(struct talk *t)
{
	talk_timer_cancel(t, TALK_TIMER_NUDGE);
	talk_timer_cancel(t, TALK_TIMER_HOLD);
	talk_timer_set(t, TALK_TIMER_BEEP_LATE, TALK_BEEP_MS);
}

static void
listen_in(struct talk *t)
{
	talk_do(t, TALK_DO_LISTEN, 0, 0, NULL);
}

static void
first_words(struct talk *t)
{
	talk_timer_set(t, TALK_TIMER_NUDGE, TALK_FIRST_MS);
}

static void
await_reply(struct talk *t)
{
	talk_timer_set(t, TALK_TIMER_AWAY, TALK_AWAY_MS);
}

static void
pause_a_little(struct talk *t)
{
	talk_timer_set(t, TALK_TIMER_GO_ON, TALK_GO_ON_MS);
}

static void
press_operator(struct talk *t)
{
	press(t, '0');
}

static void
mark_human(struct talk *t)
{
	t->answered_by = "human";
	t->turns++;
	/* what seemed a mailbox was none */
	if (t->outcome == JOB_OUTCOME_VOICEMAIL)
		t->outcome = JOB_OUTCOME_NONE;
}

static void
mark_machine(struct talk *t)
{
	t->answered_by = "machine";
}

static void
mark_ivr(struct talk *t)
{
	if (t->answered_by[0] == '\0')
		t->answered_by = "ivr";
}

static void
note_opt_out(struct talk *t)
{
	t->opt_out = true;
	t->booking = 0;
	mem_free(&t->meeting);
	talk_do(t, TALK_DO_NOTE, 0, 0, "opt_out");
}

static void
say_still_there(struct talk *t)
{
	t->still_there_said = true;
	say(t, talk_phrase_still_there, -1, true);
}

static void
say_goodbye(struct talk *t)
{
	say(t, t->script.goodbye, -1, false);
}

static void
say_sorry(struct talk *t)
{
	say(t, talk_phrase_sorry, -1, false);
}

static void
say_opt_out(struct talk *t)
{
	say(t, talk_phrase_opt_out, -1, false);
}

static void
say_booked(struct talk *t)
{
	say(t, talk_phrase_booked, -1, false);
}

static void
say_requested(struct talk *t)
{
	say(t, talk_phrase_requested, -1, false);
}

static void
nothing(struct talk *t)
{
	(void)t;
}

void
talk_act(struct talk *t, enum talk_act act)
{
	static void (*const acts[TALK_ACT_COUNT])(struct talk * t) = {
	    [TALK_ACT_NONE] = nothing,
	    [TALK_ACT_LISTEN] = listen_in,
	    [TALK_ACT_LIMITS] = limits,
	    [TALK_ACT_FIRST_WORDS] = first_words,
	    [TALK_ACT_WAIT_ON] = wait_on,
	    [TALK_ACT_AWAIT_BEEP] = await_beep,
	    [TALK_ACT_AWAIT_REPLY] = await_reply,
	    [TALK_ACT_PAUSE] = pause_a_little,
	    [TALK_ACT_PRESS_CHOICE] = press_choice,
	    [TALK_ACT_PRESS_OPERATOR] = press_operator,
	    [TALK_ACT_REWIND] = rewind_script,
	    [TALK_ACT_BE_SILENT] = be_silent,
	    [TALK_ACT_INTERRUPT] = flush,
	    [TALK_ACT_MARK_HUMAN] = mark_human,
	    [TALK_ACT_MARK_MACHINE] = mark_machine,
	    [TALK_ACT_MARK_IVR] = mark_ivr,
	    [TALK_ACT_NOTE_OPT_OUT] = note_opt_out,
	    [TALK_ACT_SAY_LINE] = say_line,
	    [TALK_ACT_SAY_AGAIN] = say_again,
	    [TALK_ACT_SAY_OBJECTION] = say_objection,
	    [TALK_ACT_SAY_VOICEMAIL] = say_voicemail,
	    [TALK_ACT_SAY_STILL_THERE] = say_still_there,
	    [TALK_ACT_SAY_GOODBYE] = say_goodbye,
	    [TALK_ACT_SAY_SORRY] = say_sorry,
	    [TALK_ACT_SAY_OPT_OUT] = say_opt_out,
	    [TALK_ACT_SAY_BOOKED] = say_booked,
	    [TALK_ACT_SAY_REQUESTED] = say_requested,
	    [TALK_ACT_BOOK] = book,
	    [TALK_ACT_HANG_UP] = hang_up,
	};

	CHECK(act < TALK_ACT_COUNT && acts[act] != NULL);
	acts[act](t);
}
