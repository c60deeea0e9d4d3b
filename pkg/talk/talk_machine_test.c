#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "talk/talk.h"
#include "talk/talk_world.h"

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
a_goodbye_before_the_hang_up_is_an_answer(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	answered(&w);
	hears(&w, "Hello?");
	listen_out(&w);
	feed(&w, (struct talk_event){.kind = TALK_EV_CAPTION,
		     .text = "Goodbye.",
		     .start_ms = 1,
		     .end_ms = 2});
	hung_up(&w, "callee");
	close_world(&w, "listen \n" GREETING, JOB_OUTCOME_COMPLETED, "human",
	    "declined");
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
the_carriers_word_for_a_mailbox_is_taken(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	feed(&w,
	    (struct talk_event){.kind = TALK_EV_ANSWERED, .text = "voicemail"});
	assert_int_equal(talk_state(w.talk), TALK_LEAVING);
	event(&w, TALK_EV_BEEP);
	hung_up(&w, "callee");
	close_world(&w, "listen \nsay Please call us back.\n",
	    JOB_OUTCOME_VOICEMAIL, "machine", "");
}

static void
a_machine_may_still_be_a_tree(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, &full_kind);
	feed(&w,
	    (struct talk_event){.kind = TALK_EV_ANSWERED, .text = "machine"});
	hears(&w, "For the manager, press 4. For billing, press 2.");
	quiet(&w, 1500);
	close_world(&w, "listen \npress 4\n", JOB_OUTCOME_NONE, "ivr", "");
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_silent_line_is_greeted_asked_and_left),
	    cmocka_unit_test(who_comes_back_goes_on_where_it_was),
	    cmocka_unit_test(the_longest_call_ends_with_a_goodbye),
	    cmocka_unit_test(time_is_up_also_for_one_who_never_stops),
	    cmocka_unit_test(a_hang_up_is_read_by_who_did_it_and_when),
	    cmocka_unit_test(a_goodbye_before_the_hang_up_is_an_answer),
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
	    cmocka_unit_test(the_carriers_word_for_a_mailbox_is_taken),
	    cmocka_unit_test(a_machine_may_still_be_a_tree),
	    cmocka_unit_test(whoever_picks_up_during_the_greeting_is_greeted),
	    cmocka_unit_test(a_beep_in_the_middle_of_a_talk_is_only_a_beep),
	};

	return cmocka_run_group_tests_name("talk_machine", tests, NULL, NULL);
}
