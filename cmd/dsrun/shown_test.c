#include "shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static void
a_time_is_utc_and_says_so(void **state)
{
	char buf[SHOWN_MAX];

	(void)state;
	assert_string_equal(
	    shown_time(INT64_C(1799168408999), buf), "2027-01-05 17:00:08Z");
	assert_string_equal(shown_time(0, buf), "-");
	assert_string_equal(shown_time(-1, buf), "-");
}

static void
an_age_has_its_two_largest_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {{0, "0s"}, {-5, "0s"}, {999, "0s"}, {1000, "1s"},
	    {59999, "59s"}, {60000, "1m"}, {61000, "1m 1s"}, {3600000, "1h"},
	    {11520000, "3h 12m"}, {3601000, "1h"}, {86400000, "1d"},
	    {INT64_C(100) * 86400000 + 7200000, "100d 2h"}};
	char buf[SHOWN_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(shown_age(rows[i].ms, buf), rows[i].text);
}

static void
sizes_keep_enough_digits(void **state)
{
	char buf[SHOWN_MAX];

	(void)state;
	assert_string_equal(shown_bytes(0, buf), "0 B");
	assert_string_equal(shown_bytes(10239, buf), "10239 B");
	assert_string_equal(shown_bytes(10240, buf), "10 kB");
	assert_string_equal(shown_bytes(INT64_C(300) << 20, buf), "300 MB");
	assert_string_equal(shown_bytes(INT64_MAX - 512, buf), "8388608 TB");
}

static void
a_number_is_masked_unless_asked_for(void **state)
{
	char buf[SHOWN_MAX];

	(void)state;
	assert_string_equal(
	    shown_phone(INT64_C(15125550142), true, buf), "+15125550142");
	assert_string_equal(
	    shown_phone(INT64_C(15125550142), false, buf), "+15*******42");
	assert_string_equal(shown_phone(0, true, buf), "-");
}

static void
words_are_quoted_when_a_shell_would_read_them_otherwise(void **state)
{
	static const char *const rows[][2] = {{"job-17", "job-17"},
	    {"file:a_b.c", "file:a_b.c"}, {"#17", "'#17'"}, {"", "''"},
	    {"two words", "'two words'"}, {"it's", "'it'\\''s'"},
	    {"$(rm)", "'$(rm)'"}, {"~", "'~'"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *word = shown_word(rows[i][0]);

		assert_string_equal(word, rows[i][1]);
		mem_free(&word);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_time_is_utc_and_says_so),
	    cmocka_unit_test(an_age_has_its_two_largest_units),
	    cmocka_unit_test(sizes_keep_enough_digits),
	    cmocka_unit_test(a_number_is_masked_unless_asked_for),
	    cmocka_unit_test(
		words_are_quoted_when_a_shell_would_read_them_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
