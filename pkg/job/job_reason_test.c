#include "job/job_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
every_reason_but_none_has_its_own_word_and_says_something(void **state)
{
	(void)state;
	assert_string_equal(job_reason_word(JOB_REASON_NONE), "");
	for (enum job_reason a = 1; a < JOB_REASON_COUNT; a++) {
		assert_true(strlen(job_reason_word(a)) > 2);
		assert_true(strlen(job_reason_text(a)) > 10);
		for (enum job_reason b = 0; b < a; b++) {
			assert_string_not_equal(
			    job_reason_word(a), job_reason_word(b));
			assert_string_not_equal(
			    job_reason_text(a), job_reason_text(b));
		}
	}
}

/* Scripts look for the words. */
static void
words_are_small_letters_and_dashes(void **state)
{
	(void)state;
	for (enum job_reason a = 1; a < JOB_REASON_COUNT; a++)
		assert_int_equal(
		    strspn(job_reason_word(a), "abcdefghijklmnopqrstuvwxyz-"),
		    strlen(job_reason_word(a)));
}

/* Their numbers stand in journals; new ones go behind these. */
static void
numbers_stay(void **state)
{
	(void)state;
	assert_int_equal(JOB_REASON_NONE, 0);
	assert_int_equal(JOB_REASON_WINDOW, 2);
	assert_int_equal(JOB_REASON_DNC, 10);
	assert_int_equal(JOB_REASON_EXPIRED, 15);
	assert_int_equal(JOB_REASON_CRASHES, 21);
	assert_int_equal(JOB_REASON_RELEASED, 26);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_reason_but_none_has_its_own_word_and_says_something),
	    cmocka_unit_test(words_are_small_letters_and_dashes),
	    cmocka_unit_test(numbers_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
