#include "talk/talk_menu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define GOAL "reach the practice administrator"

/* The options of text as "1=for sales;2=for billing". */
static void
expect_options(const char *text, const char *want)
{
	struct talk_menu menu = {0};
	char got[2000] = "";
	size_t len = 0;

	(void)talk_menu_read(&menu, text, NULL, 0);
	for (size_t i = 0; i < menu.count; i++) {
		const char *phrase = menu.option[i].phrase;
		size_t n;

		/* without the blanks around it */
		phrase += *phrase == ' ';
		n = strlen(phrase);
		n -= n > 0 && phrase[n - 1] == ' ';
		len +=
		    (size_t)snprintf(got + len, sizeof(got) - len, "%s%c=%.*s",
			i > 0 ? ";" : "", menu.option[i].key, (int)n, phrase);
	}
	assert_string_equal(got, want);
}

static void
menus_are_read_in_every_usual_form(void **state)
{
	(void)state;
	expect_options("For sales, press 1. For billing, press 2.",
	    "1=for sales;2=for billing");
	expect_options("Press 1 for sales, or press 2 for billing.",
	    "1=for sales;2=for billing");
	expect_options("press one for sales press two for billing",
	    "1=for sales;2=for billing");
	expect_options("for sales press one for billing press two",
	    "1=for sales;2=for billing");
	expect_options("To speak with an operator dial zero.",
	    "0=to speak with an operator");
	expect_options("If you are a physician, press the number 3 key.",
	    "3=if you are a physician");
	expect_options("Press 1, for sales, press 2, for billing.",
	    "1=for sales;2=for billing");
	expect_options("Press star to go back or pound to end.",
	    "*=to go back or pound to end");
	expect_options("Press 7.", "7=");
	expect_options(
	    "Thank you for calling press 1 for billing", "1=for billing");
	expect_options("Press or say one for sales.", "1=for sales");
}

static void
words_without_keys_are_no_menu(void **state)
{
	(void)state;
	expect_options("", "");
	expect_options("The press was here.", "");
	expect_options("Press the button", "");
	expect_options("Press", "");
	expect_options("We have 2 doctors.", "");
}

static void
what_belongs_to_no_option_is_left_over(void **state)
{
	struct talk_menu menu = {0};
	char rest[200];

	(void)state;
	(void)talk_menu_read(&menu,
	    "Please leave a message after the tone or press 0 for help.", rest,
	    sizeof(rest));
	assert_non_null(strstr(rest, "after the tone"));
	assert_null(strstr(rest, "help"));
	(void)talk_menu_read(&menu, "To leave a message, press 3. Thank you.",
	    rest, sizeof(rest));
	assert_null(strstr(rest, "message"));
	assert_non_null(strstr(rest, "Thank you"));
}

static char
choice(const char *text, const char *goal, const char *tried)
{
	struct talk_menu menu = {0};

	(void)talk_menu_read(&menu, text, NULL, 0);
	return talk_menu_choose(&menu, goal, tried);
}

static void
the_goals_own_words_come_first(void **state)
{
	const char *text = "For appointments, press 1. For billing, press 2. "
			   "For the front desk, press 3. For our "
			   "administrator, press 4.";

	(void)state;
	assert_int_equal(choice(text, GOAL, ""), '4');
	assert_int_equal(choice(text, "billing", ""), '2');
	assert_int_equal(choice(text, GOAL, "4"), '3');
	assert_int_equal(choice(text, GOAL, "43"), '0');
	assert_int_equal(choice(text, GOAL, "430"), '\0');
	assert_int_equal(choice("For administration press 6", GOAL, ""), '6');
}

static void
a_person_is_better_than_a_machine(void **state)
{
	(void)state;
	assert_int_equal(choice("For hours, press 1. For directions, press 2. "
				"For all other inquiries, press 3.",
			     GOAL, ""),
	    '3');
	assert_int_equal(
	    choice("For an emergency, press 1. To speak to the pharmacy, "
		   "press 2.",
		GOAL, ""),
	    '0');
	assert_int_equal(
	    choice("For hours, press 1, or stay on the line.", GOAL, ""), '\0');
	assert_int_equal(choice("To talk to someone, press 5.", "", ""), '5');
}

static void
the_same_menu_is_known_again(void **state)
{
	struct talk_menu_memory memory = {0};
	struct talk_menu a = {0}, b = {0}, c = {0};

	(void)state;
	(void)talk_menu_read(
	    &a, "For appointments, press 1. For billing, press 2.", NULL, 0);
	(void)talk_menu_read(
	    &b, "For appointment press 1. For billing, press 2.", NULL, 0);
	(void)talk_menu_read(
	    &c, "For the manager, press 1. For the nurse, press 2.", NULL, 0);
	assert_string_equal(talk_menu_pressed(&memory), "");
	assert_int_equal(talk_menu_visit(&memory, &a), 1);
	talk_menu_note(&memory, '2');
	talk_menu_note(&memory, '2');
	assert_int_equal(talk_menu_visit(&memory, &c), 1);
	assert_string_equal(talk_menu_pressed(&memory), "");
	assert_int_equal(talk_menu_visit(&memory, &a), 2);
	assert_string_equal(talk_menu_pressed(&memory), "2");
	assert_int_equal(talk_menu_visit(&memory, &b), 3);
}

static void
a_key_offered_again_says_that_the_menu_repeats(void **state)
{
	struct talk_menu menu = {0};

	(void)state;
	assert_int_equal(
	    talk_menu_read(&menu, "For sales, press 1.", NULL, 0), 1);
	assert_false(menu.repeats);
	assert_int_equal(
	    talk_menu_read(&menu, "For sales, press 1.", NULL, 0), 1);
	assert_true(menu.repeats);
	assert_int_equal(menu.count, 1);
}

static void
only_so_many_menus_are_remembered(void **state)
{
	struct talk_menu_memory memory = {0};
	char text[128];

	(void)state;
	for (int i = 0; i < 3 * TALK_MENU_SEEN; i++) {
		struct talk_menu menu = {0};

		(void)snprintf(text, sizeof(text),
		    "For a%d b%d c%d d%d, press 1.", i, i, i, i);
		(void)talk_menu_read(&menu, text, NULL, 0);
		assert_int_equal(talk_menu_visit(&memory, &menu), 1);
	}
	assert_int_equal(memory.count, TALK_MENU_SEEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(menus_are_read_in_every_usual_form),
	    cmocka_unit_test(words_without_keys_are_no_menu),
	    cmocka_unit_test(what_belongs_to_no_option_is_left_over),
	    cmocka_unit_test(the_goals_own_words_come_first),
	    cmocka_unit_test(a_person_is_better_than_a_machine),
	    cmocka_unit_test(the_same_menu_is_known_again),
	    cmocka_unit_test(a_key_offered_again_says_that_the_menu_repeats),
	    cmocka_unit_test(only_so_many_menus_are_remembered),
	};

	return cmocka_run_group_tests_name("talk_menu", tests, NULL, NULL);
}
