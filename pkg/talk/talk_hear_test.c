#include "talk/talk_hear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct {
	enum talk_meaning want;
	const char *text;
} said[] = {
    {TALK_MEANS_NOTHING, ""},
    {TALK_MEANS_NOTHING, " ... "},
    {TALK_MEANS_PERSON, "Hello?"},
    {TALK_MEANS_PERSON, "Riverside Medical Clinic, this is Sarah, how can I "
			"help you?"},
    {TALK_MEANS_PERSON, "Thank you for calling Riverside, this is Sarah."},
    {TALK_MEANS_PERSON, "What is this about?"},
    {TALK_MEANS_PERSON, "Who is calling?"},
    {TALK_MEANS_PERSON, "Please state your name and why you are calling."},
    {TALK_MEANS_MENU, "For appointments, press 1. For billing, press 2."},
    {TALK_MEANS_MENU, "Press one for sales."},
    {TALK_MEANS_MENU, "To leave a message in the general mailbox, press 3."},
    {TALK_MEANS_MENU, "to hear this again press star"},
    {TALK_MEANS_VOICEMAIL, "Hi, you have reached the voice mail of doctor "
			   "Miller. Please leave a message after the tone."},
    {TALK_MEANS_VOICEMAIL, "I can't come to the phone right now."},
    {TALK_MEANS_VOICEMAIL, "Please leave a message after the tone or press "
			   "0 for the operator."},
    {TALK_MEANS_FULL, "The mailbox is full. Goodbye."},
    {TALK_MEANS_FULL, "The person you are calling has a voice mailbox that "
		      "has not been set up yet."},
    {TALK_MEANS_MACHINE, "Thank you for calling Riverside Medical Clinic."},
    {TALK_MEANS_MACHINE, "If this is an emergency, hang up and dial 911."},
    {TALK_MEANS_MACHINE, "This call may be recorded for quality assurance."},
    {TALK_MEANS_MACHINE, "Our menu options have changed."},
    {TALK_MEANS_HOLD, "Doctor's office, please hold."},
    {TALK_MEANS_HOLD, "Can you hold for a second?"},
    {TALK_MEANS_HOLD, "One moment please."},
    {TALK_MEANS_TRANSFER, "Sure, let me transfer you to our manager."},
    {TALK_MEANS_TRANSFER, "I'll put you through."},
    {TALK_MEANS_TRANSFER, "Hold on, I'll get her."},
    {TALK_MEANS_ACCEPT, "Yes, Tuesday works for me."},
    {TALK_MEANS_ACCEPT, "Sure."},
    {TALK_MEANS_ACCEPT, "okay, that sounds good"},
    {TALK_MEANS_ACCEPT, "Yeah, go ahead."},
    {TALK_MEANS_DECLINE, "No."},
    {TALK_MEANS_DECLINE, "No, thank you."},
    {TALK_MEANS_DECLINE, "We're not interested, thanks."},
    {TALK_MEANS_DECLINE, "I don't think so."},
    {TALK_MEANS_DECLINE, "We are all set."},
    {TALK_MEANS_DECLINE, "Okay, but we don't need that."},
    {TALK_MEANS_PERSON, "I'm not sure."},
    {TALK_MEANS_LATER, "She is in a meeting."},
    {TALK_MEANS_LATER, "Can you call back tomorrow?"},
    {TALK_MEANS_LATER, "He's not in right now, would you like to leave a "
		       "message?"},
    {TALK_MEANS_WRONG, "You have the wrong number."},
    {TALK_MEANS_AGAIN, "Sorry, could you say that again?"},
    {TALK_MEANS_ACCEPT, "Yes, I would like to see that. Can we meet on "
			"Thursday afternoon?"},
    {TALK_MEANS_ACCEPT, "Wednesday morning at nine is fine."},
    {TALK_MEANS_ACCEPT, "Great, thank you. Goodbye."},
    {TALK_MEANS_DECLINE, "We do not take sales calls. Goodbye."},
    {TALK_MEANS_DECLINE, "Goodbye."},
    {TALK_MEANS_LATER, "I can take a message. Please go ahead."},
    {TALK_MEANS_LATER, "I am afraid the manager is in a meeting."},
    {TALK_MEANS_MACHINE, "Please call again during business hours. Goodbye."},
    {TALK_MEANS_MACHINE, "You have reached Riverside Medical Clinic."},
    {TALK_MEANS_MACHINE, "We did not receive your choice. Goodbye."},
    {TALK_MEANS_OPT_OUT, "Stop calling us!"},
    {TALK_MEANS_OPT_OUT, "Please remove me from your list."},
    {TALK_MEANS_OPT_OUT, "Don't call here again."},
    {TALK_MEANS_OPT_OUT, "Yes okay, but put us on your do not call list."},
};

static void
words_mean_what_a_listener_would_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		enum talk_meaning got = talk_meaning_of(said[i].text);

		if (got != said[i].want)
			fail_msg("\"%s\": expected %s, got %s", said[i].text,
			    talk_meaning_name(said[i].want),
			    talk_meaning_name(got));
	}
}

static void
words_are_lower_case_between_single_blanks(void **state)
{
	char out[TALK_WORDS_MAX + 3];

	(void)state;
	assert_string_equal(
	    talk_words("Don't  stop -- NOW!", out), " dont stop now ");
	assert_string_equal(talk_words("", out), " ");
	assert_string_equal(
	    talk_words("Press *, then #", out), " press * then # ");
}

static void
a_text_of_any_length_is_cut(void **state)
{
	char *text = mem_zalloc(100001, 1);
	char out[TALK_WORDS_MAX + 3];

	(void)state;
	memset(text, 'a', 100000);
	assert_int_equal(strlen(talk_words(text, out)), TALK_WORDS_MAX + 2);
	assert_int_equal(talk_meaning_of(text), TALK_MEANS_PERSON);
	memset(text, ',', 100000);
	assert_int_equal(talk_meaning_of(text), TALK_MEANS_NOTHING);
	for (size_t i = 0; i + 8 < 100000; i += 8)
		memcpy(text + i, "press 1,", 8);
	assert_int_equal(talk_meaning_of(text), TALK_MEANS_MENU);
	mem_free(&text);
}

static void
an_objection_matches_by_all_words_of_one_alternative(void **state)
{
	(void)state;
	assert_true(talk_matches("not interested", "We are NOT interested."));
	assert_true(talk_matches("cost, expensive", "That's too expensive!"));
	assert_true(talk_matches("cost; price | fee", "What are the fees?"));
	assert_true(talk_matches("already insur", "we already have insurance"));
	assert_false(talk_matches("already insured", "we have insurance"));
	assert_false(talk_matches("cost", "tell me more"));
	assert_false(talk_matches("", "anything"));
	assert_false(talk_matches(" , ;", "anything"));
	assert_false(talk_matches("cost", ""));
}

static void
an_offered_meeting_is_heard(void **state)
{
	(void)state;
	assert_true(talk_proposes("Can we meet on Thursday?"));
	assert_true(talk_proposes("Tuesday at ten works for me."));
	assert_true(talk_proposes("Wednesday morning at nine is fine."));
	assert_false(talk_proposes("Yes, that sounds good."));
	assert_false(talk_proposes("Tuesday is not good."));
}

static void
live_words_are_told_from_announcements(void **state)
{
	(void)state;
	assert_true(talk_sounds_live("Hello? I'm here."));
	assert_true(talk_sounds_live("Who's calling, please?"));
	assert_false(talk_sounds_live("Your call is important to us."));
	assert_false(talk_sounds_live(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_mean_what_a_listener_would_say),
	    cmocka_unit_test(words_are_lower_case_between_single_blanks),
	    cmocka_unit_test(a_text_of_any_length_is_cut),
	    cmocka_unit_test(
		an_objection_matches_by_all_words_of_one_alternative),
	    cmocka_unit_test(an_offered_meeting_is_heard),
	    cmocka_unit_test(live_words_are_told_from_announcements),
	};

	return cmocka_run_group_tests_name("talk_hear", tests, NULL, NULL);
}
