#include "talk/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "talk/talk_world.h"

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
	    cmocka_unit_test(a_machines_voice_says_so_first),
	    cmocka_unit_test(a_coachs_advice_goes_to_the_model),
	    cmocka_unit_test(a_broken_script_is_refused_with_its_part),
	    cmocka_unit_test(a_changed_script_is_named_in_a_replay),
	    cmocka_unit_test(any_order_of_events_keeps_the_promises),
	};

	return cmocka_run_group_tests_name("talk", tests, NULL, NULL);
}
