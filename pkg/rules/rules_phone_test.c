#include "rules/rules_phone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
spaces_dots_dashes_and_brackets_are_taken_away(void **state)
{
	static const char *const same[] = {
	    "+15125550100",
	    "+1 512 555 0100",
	    "+1 (512) 555-0100",
	    "+1.512.555.0100",
	    " +1[512]555--0100 ",
	};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		char out[RULES_PHONE_MAX] = "";
		int64_t number = 0;

		assert_int_equal(
		    rules_phone_normalise(same[i], out, &err), ERR_NONE);
		assert_string_equal(out, "+15125550100");
		assert_int_equal(
		    rules_phone_parse(same[i], &number, &err), ERR_NONE);
		assert_int_equal(number, 15125550100);
	}
}

static void
what_is_no_number_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
	    {"", "at least 7 digits"},
	    {"   ", "at least 7 digits"},
	    {"+", "at least 7 digits, such as +15125550100, got 0"},
	    {"15125550100", "'+' and country code in front"},
	    {"5125550100", "'+' and country code in front"},
	    {"x15125550100", "'+' and country code in front"},
	    {"++15125550100", "byte 2 is none"},
	    {"+0125550100", "got 0"},
	    {"+1512555010a", "byte 12 is none"},
	    {"+1512555;ext=5", "byte 9 is none"},
	    {"+1\t512", "byte 3 is none"},
	    {"+1512\xc2\xa0"
	     "5550100",
		"byte 6 is none"},
	    {"+123456", "at least 7 digits"},
	    {"+1234567890123456", "at most 15 digits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char out[RULES_PHONE_MAX];
		int64_t number = -1;
		struct err err = {0};

		assert_int_equal(rules_phone_normalise(bad[i].text, out, &err),
		    ERR_MALFORMED);
		assert_non_null(strstr(err.text, bad[i].why));
		assert_int_equal(rules_phone_parse(bad[i].text, &number, &err),
		    ERR_MALFORMED);
		assert_int_equal(number, -1);
	}
}

static void
the_shortest_and_the_longest_numbers_pass(void **state)
{
	struct err err = {0};
	int64_t number;

	(void)state;
	assert_int_equal(
	    rules_phone_parse("+1000000", &number, &err), ERR_NONE);
	assert_int_equal(number, RULES_PHONE_LEAST);
	assert_int_equal(
	    rules_phone_parse("+999999999999999", &number, &err), ERR_NONE);
	assert_int_equal(number, RULES_PHONE_MOST);
}

static void
input_beyond_its_limit_is_refused_unread(void **state)
{
	char text[RULES_PHONE_INPUT_MAX + 2];
	char out[RULES_PHONE_MAX];
	struct err err = {0};

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "+15125550100", 12);
	text[RULES_PHONE_INPUT_MAX] = '\0';
	assert_int_equal(rules_phone_normalise(text, out, &err), ERR_NONE);
	text[RULES_PHONE_INPUT_MAX] = ' ';
	text[RULES_PHONE_INPUT_MAX + 1] = '\0';
	assert_int_equal(rules_phone_normalise(text, out, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "more than 64 bytes"));
}

static void
a_number_is_written_back_as_it_was(void **state)
{
	static const char *const numbers[] = {
	    "+1000000", "+15125550100", "+966112345678", "+999999999999999"};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char out[RULES_PHONE_MAX];
		int64_t number;

		assert_int_equal(
		    rules_phone_parse(numbers[i], &number, &err), ERR_NONE);
		assert_string_equal(rules_phone_text(number, out), numbers[i]);
	}
}

/* Error texts are logged; numbers must not be. */
static void
no_error_text_repeats_the_number(void **state)
{
	static const char *const bad[] = {
	    "7735550142", "+77355501427735550142", "+7735550142x", "+773555"};
	char out[RULES_PHONE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};

		assert_int_equal(
		    rules_phone_normalise(bad[i], out, &err), ERR_MALFORMED);
		assert_null(strstr(err.text, "77355"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spaces_dots_dashes_and_brackets_are_taken_away),
	    cmocka_unit_test(what_is_no_number_is_refused),
	    cmocka_unit_test(the_shortest_and_the_longest_numbers_pass),
	    cmocka_unit_test(input_beyond_its_limit_is_refused_unread),
	    cmocka_unit_test(a_number_is_written_back_as_it_was),
	    cmocka_unit_test(no_error_text_repeats_the_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
