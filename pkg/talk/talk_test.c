#include "talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

#include "talk/talk_file.h"
#include "talk/talk_table.h"
#include "talk/talk_transcript.h"

/*
 * Whole conversations against a small world: it keeps the clock and the
 * timers, plays what is said at 60 ms a letter, and writes down what happened.
 * At the end of each the recorded file must replay to the same bytes.
 */

static struct conf_objection objections[] = {
    {(char *)(uintptr_t) "not interested, already have",
	(char *)(uintptr_t) "I understand. May I ask why?"},
    {(char *)(uintptr_t) "cost, price",
	(char *)(uintptr_t) "It costs nothing to compare."},
};

static const struct conf_kind full_kind = {
    .name = (char *)(uintptr_t) "intro-call",
    .max_call_ms = 300000,
    .script =
	{
	    .greeting = (char *)(uintptr_t) "Hello {{contact.first_name}}, "
					    "an automated assistant.",
	    .intro = (char *)(uintptr_t) "We help practices save.",
	    .meeting = (char *)(uintptr_t) "Could we meet this week?",
	    .voicemail = (char *)(uintptr_t) "Please call us back.",
	    .goodbye = (char *)(uintptr_t) "Bye now.",
	    .goal = (char *)(uintptr_t) "reach the practice administrator",
	    .objections = objections,
	    .objection_count = 2,
	},
    .agent_name = (char *)(uintptr_t) "Sarah",
};

#define LETTER_MS 60
#define HANGOVER_MS 500
#define GREETING "say Hello Anna, an automated assistant.\n"
#define INTRO "say We help practices save.\n"
#define MEETING "say Could we meet this week?\n"
#define GOODBYE "say Bye now.\n"

enum tool {
	TOOL_ABSENT,
	TOOL_BOOKS,
	TOOL_FAILS
};

struct world {
	const struct conf_kind *kind;
	struct talk_values values;
	struct talk *talk;
	int64_t now_ms;
	int64_t due[TALK_TIMER_COUNT];
	int64_t say_id, say_from_ms, say_to_ms;
	char *saying;
	int64_t flushed_id;
	int64_t book_id;
	enum tool tool;
	bool over;
	struct buf log;
	struct buf file;
	struct talk_result result;
};

static void feed(struct world *w, struct talk_event e);

static void
open_world(struct world *w, const struct conf_kind *kind)
{
	struct err err = {0};
	struct talk_header h = {.talk = "1-1", .kind = "intro-call"};

	memset(w, 0, sizeof(*w));
	w->kind = kind;
	w->log = BUF_INIT(1 << 20);
	w->file = BUF_INIT(64 << 20);
	for (size_t i = 0; i < TALK_TIMER_COUNT; i++)
		w->due[i] = -1;
	talk_values_init(&w->values);
	if (talk_gather(kind, "{\"first_name\":\"Anna\"}", "{}", &w->values,
		&err) != ERR_NONE ||
	    talk_new(kind, &w->values, &w->talk, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	talk_script_hash(kind, h.script);
	h.values = &w->values;
	talk_file_put_header(&h, &w->file);
	feed(w, (struct talk_event){.kind = TALK_EV_START});
}

static void
note(struct world *w, const char *what, const char *text)
{
	buf_printf(&w->log, "%s %s\n", what, text);
}

static void
carry_out(struct world *w, const struct talk_effect *fx)
{
	switch (fx->kind) {
	case TALK_DO_SAY:
		assert_int_equal(w->say_id, 0);
		w->say_id = fx->id;
		w->say_from_ms = w->now_ms;
		w->say_to_ms =
		    w->now_ms + LETTER_MS * (int64_t)strlen(fx->text);
		mem_free(&w->saying);
		w->saying = mem_strdup(fx->text);
		note(w, "say", fx->text);
		break;
	case TALK_DO_FLUSH:
		assert_int_not_equal(w->say_id, 0);
		w->flushed_id = w->say_id;
		w->say_id = 0;
		note(w, "flush", "");
		break;
	case TALK_DO_PRESS:
		note(w, "press", fx->text);
		break;
	case TALK_DO_BOOK:
		note(w, "book", "");
		w->book_id = fx->id;
		break;
	case TALK_DO_HANG_UP:
		note(w, "hang up", fx->text);
		w->over = true;
		break;
	case TALK_DO_NOTE:
		note(w, "note", fx->text);
		break;
	case TALK_DO_ADVISE:
		note(w, "advise", fx->text);
		break;
	case TALK_DO_SET_TIMER:
		assert_true(fx->at_ms >= w->now_ms);
		w->due[fx->id] = fx->at_ms;
		break;
	case TALK_DO_CANCEL_TIMER:
		w->due[fx->id] = -1;
		break;
	case TALK_DO_LISTEN:
		note(w, "listen", "");
		break;
	case TALK_EFFECT_COUNT:
		fail();
	}
}

static void
feed(struct world *w, struct talk_event e)
{
	const struct talk_effect *fx;

	e.at_ms = w->now_ms;
	if (e.kind == TALK_EV_TIMER)
		w->due[e.id] = -1;
	size_t n = talk_feed(w->talk, &e, &fx);

	talk_file_put_event(&e, fx, n, &w->file);
	for (size_t i = 0; i < n; i++)
		carry_out(w, &fx[i]);
	if (w->flushed_id != 0) {
		int64_t id = w->flushed_id;

		w->flushed_id = 0;
		feed(w, (struct talk_event){.kind = TALK_EV_SPOKEN,
			    .id = id,
			    .played_ms = w->now_ms - w->say_from_ms,
			    .text = "part"});
	}
}

static void
answer_tool(struct world *w)
{
	int64_t id = w->book_id;

	w->book_id = 0;
	if (w->tool == TOOL_BOOKS)
		feed(w, (struct talk_event){.kind = TALK_EV_TOOL_RESULT,
			    .id = id,
			    .ok = true,
			    .text = "{\"status\":\"booked\"}"});
	else if (w->tool == TOOL_FAILS)
		feed(w,
		    (struct talk_event){.kind = TALK_EV_TOOL_RESULT, .id = id});
}

/* Let time pass; what falls due on the way happens. */
static void
run_until(struct world *w, int64_t until_ms)
{
	while (!w->over) {
		int64_t next = until_ms + 1;
		int64_t timer = -1;

		if (w->book_id != 0)
			answer_tool(w);
		if (w->say_id != 0)
			next = w->say_to_ms;
		for (int64_t i = 0; i < TALK_TIMER_COUNT; i++)
			if (w->due[i] >= 0 && w->due[i] < next) {
				next = w->due[i];
				timer = i;
			}
		if (next > until_ms)
			break;
		w->now_ms = next;
		if (timer >= 0) {
			feed(w, (struct talk_event){
				    .kind = TALK_EV_TIMER, .id = timer});
		} else {
			int64_t id = w->say_id;

			w->say_id = 0;
			feed(w, (struct talk_event){.kind = TALK_EV_SPOKEN,
				    .id = id,
				    .ok = true,
				    .played_ms = w->say_to_ms - w->say_from_ms,
				    .text = w->saying});
		}
	}
	if (w->now_ms < until_ms)
		w->now_ms = until_ms;
}

static void
quiet(struct world *w, int64_t ms)
{
	run_until(w, w->now_ms + ms);
}

/* Until we have said everything that is queued. */
static void
listen_out(struct world *w)
{
	while (w->say_id != 0 && !w->over)
		run_until(w, w->say_to_ms);
}

static void
sound(struct world *w, int64_t ms)
{
	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_START});
	quiet(w, ms);
	quiet(w, HANGOVER_MS);
	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_STOP});
}

/* The callee says text now; then it is silent long enough for a turn. */
static void
hears(struct world *w, const char *text)
{
	int64_t from = w->now_ms;

	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_START});
	quiet(w, LETTER_MS * (int64_t)strlen(text));
	feed(w, (struct talk_event){.kind = TALK_EV_CAPTION,
		    .text = text,
		    .start_ms = from,
		    .end_ms = w->now_ms});
	quiet(w, HANGOVER_MS);
	feed(w, (struct talk_event){.kind = TALK_EV_SPEECH_STOP});
	quiet(w, 400);
}

/* Waits for the end of our words first. */
static void
replies(struct world *w, const char *text)
{
	listen_out(w);
	hears(w, text);
}

static void
event(struct world *w, enum talk_event_kind kind)
{
	feed(w, (struct talk_event){.kind = kind});
}

static void
answered(struct world *w)
{
	feed(w, (struct talk_event){.kind = TALK_EV_ANSWERED, .text = ""});
}

static void
hung_up(struct world *w, const char *by)
{
	feed(w, (struct talk_event){.kind = TALK_EV_HANGUP, .text = by});
	w->over = true;
}

static void
expect_replay(struct world *w)
{
	struct err err = {0};
	bool same = false;
	char *difference = NULL;
	int64_t events = 0;

	if (talk_replay(w->file.bytes, w->file.len, w->kind, &same, &difference,
		&events, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	if (!same)
		fail_msg("%s", difference);
	assert_true(events >= 2);
}

static void
expect_transcript(struct world *w)
{
	struct err err = {0};
	struct talk_transcript *t = NULL;

	if (talk_transcript_build(w->file.bytes, w->file.len, 0, &t, &err) !=
	    ERR_NONE)
		fail_msg("%s", err.text);
	talk_transcript_free(&t);
}

/* The whole log, and how the call is read. */
static void
close_world(struct world *w, const char *log, enum job_outcome outcome,
    const char *answered_by, const char *reason)
{
	if (w->over && talk_state(w->talk) != TALK_OVER)
		fail_msg("hung up, but in state %s",
		    talk_state_name(talk_state(w->talk)));
	if (log != NULL)
		assert_string_equal(buf_text(&w->log), log);
	talk_result(w->talk, &w->result);
	assert_string_equal(
	    job_outcome_name(w->result.outcome), job_outcome_name(outcome));
	assert_string_equal(w->result.answered_by, answered_by);
	assert_string_equal(w->result.decline_reason, reason);
	expect_replay(w);
	expect_transcript(w);
	talk_free(&w->talk);
	talk_values_fini(&w->values);
	mem_free(&w->saying);
	buf_free(&w->log);
	buf_free(&w->file);
}

/* ---- the table ---- */

static void
no_pair_stands_twice_in_the_table(void **state)
{
	size_t n;
	const struct talk_row *r = talk_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(talk_row_find(r[i].was, r[i].sign), &r[i]);
}

static void
every_state_is_reached_and_left(void **state)
{
	size_t n;
	const struct talk_row *r = talk_rows(&n);
	unsigned reached = 1U << TALK_INITIALIZING;

	(void)state;
	for (int round = 0; round < TALK_STATE_COUNT; round++)
		for (size_t i = 0; i < n; i++)
			if (reached & (1U << r[i].was))
				reached |= 1U << r[i].next;
	assert_int_equal(reached, (1U << TALK_STATE_COUNT) - 1);
	for (int s = 0; s < TALK_OVER; s++) {
		enum talk_state was = (enum talk_state)s;

		assert_non_null(talk_row_find(was, TALK_SIGN_CALLEE_GONE));
		assert_non_null(talk_row_find(was, TALK_SIGN_NETWORK_GONE));
		assert_non_null(talk_row_find(was, TALK_SIGN_AGENT_GONE));
		if (s >= TALK_NAVIGATING)
			assert_int_equal(
			    talk_row_find(was, TALK_SIGN_TIME_UP)->next,
			    TALK_OVER);
	}
}

static bool
makes_a_sound(enum talk_act act)
{
	return (act >= TALK_ACT_SAY_LINE && act <= TALK_ACT_SAY_REQUESTED) ||
	       act == TALK_ACT_PRESS_CHOICE || act == TALK_ACT_PRESS_OPERATOR;
}

static void
no_row_makes_a_sound_before_the_answer_or_after_the_end(void **state)
{
	size_t n;
	const struct talk_row *r = talk_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < TALK_ROW_ACTS; a++)
			if (r[i].was <= TALK_DIALING || r[i].next == TALK_OVER)
				assert_false(makes_a_sound(r[i].acts[a]));
}

static void
nothing_is_said_before_the_answer(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	hears(&w, "Hello?");
	hears(&w, "For sales, press 1. For billing, press 2.");
	event(&w, TALK_EV_BEEP);
	event(&w, TALK_EV_RINGBACK);
	quiet(&w, 60000);
	assert_int_equal(talk_state(w.talk), TALK_DIALING);
	hung_up(&w, "network");
	close_world(&w, "", JOB_OUTCOME_NONE, "", "");
}

/* ---- people ---- */

static void
whoever_agrees_gets_a_meeting(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	w.tool = TOOL_BOOKS;
	answered(&w);
	quiet(&w, 400);
	hears(&w, "Hello?");
	replies(&w, "Yes, speaking. What is this about?");
	replies(&w, "Okay, I see.");
	assert_int_equal(talk_state(w.talk), TALK_SPEAKING);
	replies(&w, "Tuesday at ten works for me.");
	assert_int_equal(talk_state(w.talk), TALK_CLOSING);
	quiet(&w, 30000);
	talk_result(w.talk, &w.result);
	assert_string_equal(w.result.meeting_json, "{\"status\":\"booked\"}");
	close_world(&w,
	    "listen \n" GREETING INTRO MEETING "book \n"
	    "say Thank you. The meeting is in the calendar, and you will "
	    "receive an invitation. Goodbye.\n"
	    "hang up completed\n",
	    JOB_OUTCOME_COMPLETED, "human", "");
}

static void
without_a_calendar_the_meeting_is_a_request(void **state)
{
	static const enum tool tools[] = {TOOL_FAILS, TOOL_ABSENT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		struct world w;

		open_world(&w, &full_kind);
		w.tool = tools[i];
		answered(&w);
		hears(&w, "Hello?");
		replies(&w, "Can we meet on Thursday afternoon?");
		assert_int_equal(talk_state(w.talk),
		    tools[i] == TOOL_ABSENT ? TALK_SCHEDULING : TALK_CLOSING);
		quiet(&w, 30000);
		talk_result(w.talk, &w.result);
		assert_non_null(strstr(w.result.meeting_json,
		    "\"status\":\"requested\",\"said\":\"Can we meet on "
		    "Thursday afternoon?\""));
		close_world(&w,
		    "listen \n" GREETING "book \n"
		    "say Thank you. A colleague will confirm the time with "
		    "you. Goodbye.\n"
		    "hang up completed\n",
		    JOB_OUTCOME_COMPLETED, "human", "");
	}
}

static void
whoever_declines_hears_goodbye(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "No, thank you.");
	quiet(&w, 5000);
	close_world(&w, "listen \n" GREETING GOODBYE "hang up declined\n",
	    JOB_OUTCOME_COMPLETED, "human", "declined");
}

static void
an_objection_is_met_once(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "We are not interested.");
	replies(&w, "I said we are not interested.");
	quiet(&w, 5000);
	close_world(&w,
	    "listen \n" GREETING "say I understand. May I ask why?\n" GOODBYE
	    "hang up declined\n",
	    JOB_OUTCOME_COMPLETED, "human", "declined");
}

static void
after_an_objection_the_script_goes_on(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "What would it cost us?");
	listen_out(&w);
	quiet(&w, 2100);
	replies(&w, "Hm.");
	replies(&w, "Sure.");
	close_world(&w,
	    "listen \n" GREETING
	    "say It costs nothing to compare.\n" INTRO MEETING "book \n",
	    JOB_OUTCOME_COMPLETED, "human", "");
}

static void
whoever_wants_no_more_calls_is_noted_at_once(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	quiet(&w, 500);
	assert_int_not_equal(w.say_id, 0);
	feed(&w, (struct talk_event){.kind = TALK_EV_CAPTION,
		     .text = "Stop calling this number!",
		     .start_ms = 1,
		     .end_ms = 2});
	assert_int_equal(talk_state(w.talk), TALK_CLOSING);
	talk_result(w.talk, &w.result);
	assert_true(w.result.opt_out);
	hears(&w, "Stop calling, I said.");
	quiet(&w, 10000);
	close_world(&w,
	    "listen \n" GREETING "note opt_out\nflush \n"
	    "say I understand. We will not call this number again. "
	    "Goodbye.\n"
	    "hang up opt_out\n",
	    JOB_OUTCOME_COMPLETED, "human", "opt_out");
}

static void
an_opt_out_after_a_yes_undoes_the_meeting(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Tuesday works for me.");
	hears(&w, "No wait, remove me from your list.");
	talk_result(w.talk, &w.result);
	assert_null(w.result.meeting_json);
	quiet(&w, 20000);
	close_world(&w, NULL, JOB_OUTCOME_COMPLETED, "human", "opt_out");
}

static void
a_wrong_number_gets_an_apology(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "I am sorry, you have the wrong number.");
	quiet(&w, 5000);
	close_world(&w,
	    "listen \nsay I am sorry for the mix-up. Goodbye.\n"
	    "hang up wrong_number\n",
	    JOB_OUTCOME_COMPLETED, "human", "wrong_number");
}

static void
whoever_asks_again_hears_it_again(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Sorry, could you say that again?");
	replies(&w, "Ah.");
	close_world(&w, "listen \n" GREETING GREETING INTRO, JOB_OUTCOME_NONE,
	    "human", "");
}

static void
an_undecided_callee_is_asked_twice(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Hm.");
	replies(&w, "Hm.");
	replies(&w, "Hm.");
	replies(&w, "Hm.");
	quiet(&w, 5000);
	close_world(&w,
	    "listen \n" GREETING INTRO MEETING MEETING GOODBYE
	    "hang up no_decision\n",
	    JOB_OUTCOME_COMPLETED, "human", "no_decision");
}

static void
the_busy_receptionist_holds_and_transfers(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Riverside Medical Clinic, this is Sarah. How can I help?");
	replies(&w, "Can you hold, please?");
	quiet(&w, 60000);
	hears(&w, "Thank you for holding.");
	replies(&w, "One moment, please, I will put you through.");
	assert_int_equal(talk_state(w.talk), TALK_NAVIGATING);
	for (int i = 0; i < 3; i++) {
		sound(&w, 2000);
		quiet(&w, 3500);
	}
	hears(&w, "This is the practice manager. What can I do for you?");
	replies(&w, "No thanks.");
	quiet(&w, 5000);
	close_world(&w,
	    "listen \n" GREETING INTRO GREETING GOODBYE "hang up declined\n",
	    JOB_OUTCOME_COMPLETED, "human", "declined");
}

static void
nobody_waits_for_ever_on_hold(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Please hold.");
	quiet(&w, 119000);
	assert_false(w.over);
	quiet(&w, 6000);
	close_world(&w, "listen \n" GREETING GOODBYE "hang up kept_waiting\n",
	    JOB_OUTCOME_COMPLETED, "human", "kept_waiting");
}

static void
who_is_not_there_is_not_pressed(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Front desk?");
	replies(&w, "I am afraid the manager is in a meeting.");
	quiet(&w, 5000);
	close_world(&w, "listen \n" GREETING GOODBYE "hang up not_available\n",
	    JOB_OUTCOME_COMPLETED, "human", "not_available");
}

/* ---- speaking at the same time ---- */

static void
a_callee_who_interrupts_is_given_the_word(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	listen_out(&w);
	quiet(&w, 2100);
	quiet(&w, 300);
	assert_int_not_equal(w.say_id, 0);
	hears(&w, "Wait, who are you and where are you calling from?");
	close_world(&w, "listen \n" GREETING INTRO "flush \n" INTRO,
	    JOB_OUTCOME_NONE, "human", "");
}

static void
a_line_cut_twice_is_not_said_a_third_time(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	listen_out(&w);
	quiet(&w, 2100);
	quiet(&w, 300);
	hears(&w, "Hm, and where are you calling from?");
	hears(&w, "Hm, what is it that you are offering?");
	close_world(&w,
	    "listen \n" GREETING INTRO "flush \n" INTRO "flush \n" MEETING,
	    JOB_OUTCOME_NONE, "human", "");
}

static void
a_short_sound_does_not_interrupt(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	quiet(&w, 200);
	feed(&w, (struct talk_event){.kind = TALK_EV_SPEECH_START});
	quiet(&w, 300);
	feed(&w, (struct talk_event){.kind = TALK_EV_SPEECH_STOP});
	feed(&w, (struct talk_event){.kind = TALK_EV_CAPTION,
		     .text = "uh-huh",
		     .start_ms = 1,
		     .end_ms = 2});
	listen_out(&w);
	close_world(&w, "listen \n" GREETING, JOB_OUTCOME_NONE, "human", "");
}

static void
words_without_captions_are_turns_too(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	sound(&w, 700);
	quiet(&w, 1600);
	listen_out(&w);
	sound(&w, 1500);
	quiet(&w, 1600);
	close_world(
	    &w, "listen \n" GREETING INTRO, JOB_OUTCOME_NONE, "human", "");
}

static void
a_long_sound_without_words_is_a_machine_at_first(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	sound(&w, 9000);
	quiet(&w, 1600);
	assert_int_equal(talk_state(w.talk), TALK_NAVIGATING);
	event(&w, TALK_EV_BEEP);
	listen_out(&w);
	close_world(&w,
	    "listen \nsay Please call us back.\nhang up voicemail\n",
	    JOB_OUTCOME_VOICEMAIL, "machine", "");
}

/* ---- silence and time ---- */

static void
a_silent_line_is_greeted_asked_and_left(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	quiet(&w, 60000);
	close_world(&w,
	    "listen \n" GREETING INTRO MEETING
	    "say Hello? Are you still there?\n" GOODBYE "hang up silence\n",
	    JOB_OUTCOME_NO_ANSWER, "", "silence");
}

static void
who_comes_back_goes_on_where_it_was(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Hm.");
	replies(&w, "Hm.");
	listen_out(&w);
	quiet(&w, 15500);
	replies(&w, "Yes, I am here.");
	quiet(&w, 200);
	close_world(&w,
	    "listen \n" GREETING INTRO MEETING
	    "say Hello? Are you still there?\nbook \n",
	    JOB_OUTCOME_COMPLETED, "human", "");
}

static void
the_longest_call_ends_with_a_goodbye(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	while (w.now_ms < 284000)
		replies(&w, "Could you repeat that?");
	quiet(&w, 20000);
	assert_true(w.now_ms <= 305000);
	close_world(&w, NULL, JOB_OUTCOME_COMPLETED, "human", "max_duration");
}

static void
time_is_up_also_for_one_who_never_stops(void **state)
{
	struct conf_kind kind = full_kind;
	struct world w;

	(void)state;
	kind.max_call_ms = 20000;
	open_world(&w, &kind);
	answered(&w);
	event(&w, TALK_EV_SPEECH_START);
	quiet(&w, 60000);
	close_world(&w, "listen \nhang up max_duration\n", JOB_OUTCOME_FAILED,
	    "", "max_duration");
}

static void
a_hang_up_is_read_by_who_did_it_and_when(void **state)
{
	static const struct {
		const char *by;
		bool closing;
		enum job_outcome want;
	} rows[] = {
	    {"callee", false, JOB_OUTCOME_HANGUP},
	    {"network", false, JOB_OUTCOME_FAILED},
	    {"agent", false, JOB_OUTCOME_NONE},
	    {"callee", true, JOB_OUTCOME_COMPLETED},
	    {"network", true, JOB_OUTCOME_COMPLETED},
	    {"agent", true, JOB_OUTCOME_COMPLETED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;

		open_world(&w, &full_kind);
		answered(&w);
		hears(&w, "Hello?");
		if (rows[i].closing)
			replies(&w, "No.");
		hung_up(&w, rows[i].by);
		close_world(&w, NULL, rows[i].want, "human",
		    rows[i].closing ? "declined" : "");
	}
}

static void
line_tones_end_the_call(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	event(&w, TALK_EV_BUSY_TONE);
	close_world(&w, "listen \nhang up busy\n", JOB_OUTCOME_BUSY, "", "");
	open_world(&w, &full_kind);
	answered(&w);
	event(&w, TALK_EV_DEAD_TONE);
	close_world(&w, "listen \nhang up dead_line\n", JOB_OUTCOME_FAILED, "",
	    "dead_line");
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	event(&w, TALK_EV_BUSY_TONE);
	close_world(&w, "listen \n" GREETING "flush \nhang up hangup\n",
	    JOB_OUTCOME_HANGUP, "human", "");
}

/* ---- machines ---- */

static void
a_tree_of_three_levels_leads_to_a_person(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Thank you for calling Riverside Medical Clinic.");
	hears(&w, "For appointments, press 1.");
	hears(&w, "For billing, press 2. For the practice administration, "
		  "press 3.");
	quiet(&w, 1500);
	hears(&w, "For suppliers, press 1. For the administrator, press 2. To "
		  "go back, press 9.");
	quiet(&w, 1500);
	hears(&w, "To leave a message in the mailbox, press 1. To speak to "
		  "somebody, press 2.");
	quiet(&w, 1500);
	hears(&w, "Please hold for the operator.");
	sound(&w, 2000);
	quiet(&w, 6000);
	hears(&w, "This is the practice administrator.");
	close_world(&w, "listen \npress 3\npress 2\npress 2\n" GREETING,
	    JOB_OUTCOME_NONE, "human", "");
}

static void
a_menu_that_comes_back_is_tried_otherwise_then_left(void **state)
{
	static const char menu[] =
	    "For billing, press 2. For the office, press 3.";
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, menu);
	quiet(&w, 1500);
	hears(&w, "That is not a valid option.");
	hears(&w, menu);
	quiet(&w, 1500);
	hears(&w, menu);
	quiet(&w, 1500);
	close_world(&w, "listen \npress 3\npress 0\nhang up menu_loop\n",
	    JOB_OUTCOME_FAILED, "ivr", "menu_loop");
}

static void
a_menu_without_a_pause_is_answered_when_it_repeats(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	event(&w, TALK_EV_SPEECH_START);
	for (int i = 0; i < 2; i++) {
		feed(&w, (struct talk_event){.kind = TALK_EV_CAPTION,
			     .text = "For billing, press 2.",
			     .end_ms = 1});
		quiet(&w, 1000);
		if (i == 0)
			assert_string_equal(buf_text(&w.log), "listen \n");
	}
	close_world(&w, "listen \npress 0\n", JOB_OUTCOME_NONE, "ivr", "");
}

static void
silence_after_a_key_asks_the_operator_then_a_person(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "For the office, press 3.");
	quiet(&w, 1500);
	assert_string_equal(buf_text(&w.log), "listen \npress 3\n");
	quiet(&w, 5000);
	assert_string_equal(buf_text(&w.log), "listen \npress 3\npress 0\n");
	quiet(&w, 5000);
	close_world(&w, "listen \npress 3\npress 0\n" GREETING,
	    JOB_OUTCOME_NONE, "ivr", "");
}

static void
who_seemed_a_person_may_be_a_menu(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello, this is Riverside.");
	hears(&w, "For billing, press 2. For the manager, press 4.");
	quiet(&w, 1500);
	hears(&w, "Manager speaking.");
	close_world(&w, "listen \n" GREETING "flush \npress 4\n" GREETING,
	    JOB_OUTCOME_NONE, "human", "");
}

static void
a_message_is_left_after_the_beep(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "You have reached Riverside. Please leave a message after "
		  "the tone.");
	assert_int_equal(talk_state(w.talk), TALK_LEAVING);
	assert_string_equal(buf_text(&w.log), "listen \n");
	event(&w, TALK_EV_BEEP);
	event(&w, TALK_EV_SPEECH_START);
	quiet(&w, 10000);
	close_world(&w,
	    "listen \nsay Please call us back.\nhang up voicemail\n",
	    JOB_OUTCOME_VOICEMAIL, "machine", "");
}

static void
without_a_beep_the_message_is_left_after_30_seconds(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Please leave a message after the tone.");
	quiet(&w, 29000);
	assert_string_equal(buf_text(&w.log), "listen \n");
	quiet(&w, 1100);
	listen_out(&w);
	close_world(&w,
	    "listen \nsay Please call us back.\nhang up voicemail\n",
	    JOB_OUTCOME_VOICEMAIL, "machine", "");
}

static void
a_second_beep_starts_the_message_again_once(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Please leave a message after the tone.");
	event(&w, TALK_EV_BEEP);
	quiet(&w, 500);
	event(&w, TALK_EV_BEEP);
	quiet(&w, 500);
	event(&w, TALK_EV_BEEP);
	listen_out(&w);
	close_world(&w,
	    "listen \nsay Please call us back.\nflush \nsay Please call us "
	    "back.\nhang up voicemail\n",
	    JOB_OUTCOME_VOICEMAIL, "machine", "");
}

static void
a_mailbox_is_left_alone_without_message_or_room(void **state)
{
	struct conf_kind kind = full_kind;
	struct world w;

	(void)state;
	kind.script.voicemail = NULL;
	open_world(&w, &kind);
	answered(&w);
	hears(&w, "Please leave a message after the tone.");
	close_world(&w, "listen \nhang up no_message\n", JOB_OUTCOME_VOICEMAIL,
	    "machine", "no_message");
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "The mailbox is full.");
	close_world(&w, "listen \nhang up no_message\n", JOB_OUTCOME_VOICEMAIL,
	    "machine", "no_message");
}

static void
the_carriers_word_for_a_machine_is_taken(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	feed(&w,
	    (struct talk_event){.kind = TALK_EV_ANSWERED, .text = "machine"});
	assert_int_equal(talk_state(w.talk), TALK_LEAVING);
	event(&w, TALK_EV_BEEP);
	hung_up(&w, "callee");
	close_world(&w, "listen \nsay Please call us back.\n",
	    JOB_OUTCOME_VOICEMAIL, "machine", "");
}

static void
whoever_picks_up_during_the_greeting_is_greeted(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Please leave a message after the tone.");
	hears(&w, "Hello? I'm here.");
	replies(&w, "No thanks.");
	quiet(&w, 5000);
	close_world(&w, "listen \n" GREETING GOODBYE "hang up declined\n",
	    JOB_OUTCOME_COMPLETED, "human", "declined");
}

static void
a_beep_in_the_middle_of_a_talk_is_only_a_beep(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Hm.");
	listen_out(&w);
	event(&w, TALK_EV_BEEP);
	close_world(
	    &w, "listen \n" GREETING INTRO, JOB_OUTCOME_NONE, "human", "");
}

/* ---- the rest ---- */

static void
a_machines_voice_says_so_first(void **state)
{
	struct conf_kind kind = {.name = (char *)(uintptr_t) "bare"};
	struct world w;

	(void)state;
	kind.script.greeting = (char *)(uintptr_t) "Hi there.";
	open_world(&w, &kind);
	answered(&w);
	hears(&w, "Hello?");
	replies(&w, "Hm.");
	quiet(&w, 5000);
	close_world(&w,
	    "listen \nsay This is an automated assistant on a recorded line. "
	    "Hi there.\nsay Thank you for your time. Goodbye.\n"
	    "hang up no_decision\n",
	    JOB_OUTCOME_COMPLETED, "human", "no_decision");
	kind.script.greeting = NULL;
	open_world(&w, &kind);
	answered(&w);
	hears(&w, "Hello?");
	close_world(&w,
	    "listen \nsay Hello, this is an automated assistant calling for "
	    "our office on a recorded line.\n",
	    JOB_OUTCOME_NONE, "human", "");
}

static void
a_coachs_advice_goes_to_the_model(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	feed(
	    &w, (struct talk_event){.kind = TALK_EV_COACH, .text = "be brief"});
	close_world(&w, "listen \nadvise be brief\n", JOB_OUTCOME_NONE, "", "");
}

static void
a_broken_script_is_refused_with_its_part(void **state)
{
	struct conf_kind kind = full_kind;
	struct talk_values v;
	struct talk *t = NULL;
	struct err err = {0};

	(void)state;
	talk_values_init(&v);
	kind.script.intro = (char *)(uintptr_t) "{{contact.a";
	assert_int_equal(talk_new(&kind, &v, &t, &err), ERR_MALFORMED);
	assert_null(t);
	assert_non_null(strstr(err.text, "script.intro"));
	assert_int_equal(
	    talk_gather(&kind, "{}", "{}", &v, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "script.intro"));
	talk_values_fini(&v);
}

static void
a_changed_script_is_named_in_a_replay(void **state)
{
	struct conf_kind other = full_kind;
	struct err err = {0};
	struct world w;
	bool same = true;
	char *difference = NULL;
	int64_t events;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	other.script.goodbye = (char *)(uintptr_t) "Farewell.";
	assert_int_equal(talk_replay(w.file.bytes, w.file.len, &other, &same,
			     &difference, &events, &err),
	    ERR_NONE);
	assert_true(same);
	other.script.greeting = (char *)(uintptr_t) "Virtual hello.";
	assert_int_equal(talk_replay(w.file.bytes, w.file.len, &other, &same,
			     &difference, &events, &err),
	    ERR_NONE);
	assert_false(same);
	assert_non_null(strstr(difference, "script is another one"));
	assert_non_null(strstr(difference, "Virtual hello."));
	assert_non_null(strstr(difference, "Hello Anna"));
	mem_free(&difference);
	close_world(&w, "listen \n" GREETING, JOB_OUTCOME_NONE, "human", "");
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return *seed >> 33;
}

static const char *const babble[] = {"Hello?", "Hm.", "No.", "Yes.",
    "Tuesday works.", "Please hold.", "I will put you through.",
    "For sales, press 1. For the office, press 2.", "Press 9.",
    "Please leave a message after the tone.", "Stop calling.", "",
    "Could you repeat that?", "What does it cost?", "wrong number",
    "mailbox is full", "\xc3\xa4\xff", "He is in a meeting.", "callee",
    "{\"status\":\"booked\"}"};

static void
random_step(struct world *w, uint64_t *seed)
{
	struct talk_event e = {
	    .kind =
		(enum talk_event_kind)(next_random(seed) % TALK_EVENT_COUNT),
	    .id = 1 + (int64_t)(next_random(seed) % 6),
	    .ok = next_random(seed) % 2 == 0,
	    .text = babble[next_random(seed) % ARRAY_LEN(babble)],
	};

	/* the world does these itself */
	if (e.kind == TALK_EV_SPOKEN || e.kind == TALK_EV_TIMER ||
	    (e.kind == TALK_EV_HANGUP && next_random(seed) % 50 != 0))
		e.kind = TALK_EV_CAPTION;
	if (e.kind == TALK_EV_CAPTION && !text_is_utf8(e.text, strlen(e.text)))
		e.text = "Hm.";
	if (e.text[0] == (char)0xc3)
		e.text = "x";
	if (next_random(seed) % 3 != 0)
		feed(w, e);
	quiet(w, (int64_t)(next_random(seed) % 4000));
}

/* Somebody waits for something, or the call would hang. */
static void
expect_deadline(const struct world *w)
{
	bool waits = w->over || talk_state(w->talk) <= TALK_DIALING ||
		     talk_state(w->talk) == TALK_OVER;

	for (size_t i = 0; i < TALK_TIMER_COUNT; i++)
		waits = waits || w->due[i] >= 0;
	assert_true(waits);
}

static void
any_order_of_events_keeps_the_promises(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t random = seed;
		struct world w;

		open_world(&w, &full_kind);
		for (int i = 0; i < 120; i++) {
			random_step(&w, &random);
			expect_deadline(&w);
			if (talk_state(w.talk) == TALK_OVER)
				w.over = true;
		}
		talk_result(w.talk, &w.result);
		close_world(&w, NULL, w.result.outcome, w.result.answered_by,
		    w.result.decline_reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_pair_stands_twice_in_the_table),
	    cmocka_unit_test(every_state_is_reached_and_left),
	    cmocka_unit_test(
		no_row_makes_a_sound_before_the_answer_or_after_the_end),
	    cmocka_unit_test(nothing_is_said_before_the_answer),
	    cmocka_unit_test(whoever_agrees_gets_a_meeting),
	    cmocka_unit_test(without_a_calendar_the_meeting_is_a_request),
	    cmocka_unit_test(whoever_declines_hears_goodbye),
	    cmocka_unit_test(an_objection_is_met_once),
	    cmocka_unit_test(after_an_objection_the_script_goes_on),
	    cmocka_unit_test(whoever_wants_no_more_calls_is_noted_at_once),
	    cmocka_unit_test(an_opt_out_after_a_yes_undoes_the_meeting),
	    cmocka_unit_test(a_wrong_number_gets_an_apology),
	    cmocka_unit_test(whoever_asks_again_hears_it_again),
	    cmocka_unit_test(an_undecided_callee_is_asked_twice),
	    cmocka_unit_test(the_busy_receptionist_holds_and_transfers),
	    cmocka_unit_test(nobody_waits_for_ever_on_hold),
	    cmocka_unit_test(who_is_not_there_is_not_pressed),
	    cmocka_unit_test(a_callee_who_interrupts_is_given_the_word),
	    cmocka_unit_test(a_line_cut_twice_is_not_said_a_third_time),
	    cmocka_unit_test(a_short_sound_does_not_interrupt),
	    cmocka_unit_test(words_without_captions_are_turns_too),
	    cmocka_unit_test(a_long_sound_without_words_is_a_machine_at_first),
	    cmocka_unit_test(a_silent_line_is_greeted_asked_and_left),
	    cmocka_unit_test(who_comes_back_goes_on_where_it_was),
	    cmocka_unit_test(the_longest_call_ends_with_a_goodbye),
	    cmocka_unit_test(time_is_up_also_for_one_who_never_stops),
	    cmocka_unit_test(a_hang_up_is_read_by_who_did_it_and_when),
	    cmocka_unit_test(line_tones_end_the_call),
	    cmocka_unit_test(a_tree_of_three_levels_leads_to_a_person),
	    cmocka_unit_test(
		a_menu_that_comes_back_is_tried_otherwise_then_left),
	    cmocka_unit_test(
		a_menu_without_a_pause_is_answered_when_it_repeats),
	    cmocka_unit_test(
		silence_after_a_key_asks_the_operator_then_a_person),
	    cmocka_unit_test(who_seemed_a_person_may_be_a_menu),
	    cmocka_unit_test(a_message_is_left_after_the_beep),
	    cmocka_unit_test(
		without_a_beep_the_message_is_left_after_30_seconds),
	    cmocka_unit_test(a_second_beep_starts_the_message_again_once),
	    cmocka_unit_test(a_mailbox_is_left_alone_without_message_or_room),
	    cmocka_unit_test(the_carriers_word_for_a_machine_is_taken),
	    cmocka_unit_test(whoever_picks_up_during_the_greeting_is_greeted),
	    cmocka_unit_test(a_beep_in_the_middle_of_a_talk_is_only_a_beep),
	    cmocka_unit_test(a_machines_voice_says_so_first),
	    cmocka_unit_test(a_coachs_advice_goes_to_the_model),
	    cmocka_unit_test(a_broken_script_is_refused_with_its_part),
	    cmocka_unit_test(a_changed_script_is_named_in_a_replay),
	    cmocka_unit_test(any_order_of_events_keeps_the_promises),
	};

	return cmocka_run_group_tests_name("talk", tests, NULL, NULL);
}
