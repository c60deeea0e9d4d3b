#include "job/job_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DAY INT64_C(86400000)
#define BUILT INT64_C(1767225600000) /* 2026-01-01 */
#define MARK_WALL (BUILT + 40 * DAY)
#define MARK_BOOT INT64_C(5000000)

/* An hour after the mark, in the same boot, both clocks in step. */
static struct job_clock_facts
an_hour_later(void)
{
	struct job_clock_facts f = {
	    .now_ms = MARK_WALL + 3600000,
	    .boot_ms = MARK_BOOT + 3600000,
	    .boot_id = {1},
	    .mark = {true, {1}, MARK_BOOT, MARK_WALL},
	    .built_ms = BUILT,
	};
	return f;
}

static bool
trusted(const struct job_clock_facts *f)
{
	char why[JOB_CLOCK_WHY_MAX] = "";
	bool yes = job_clock_trusted(f, why);

	assert_true(strlen(why) > 20);
	return yes;
}

static void
a_clock_that_moves_with_boottime_is_trusted(void **state)
{
	struct job_clock_facts f = an_hour_later();

	(void)state;
	assert_true(trusted(&f));
}

/* An hour allows 2 s and 3.6 s more. */
static void
it_may_part_by_two_seconds_and_a_thousandth_of_the_time(void **state)
{
	struct job_clock_facts f = an_hour_later();
	int64_t even = f.now_ms;

	(void)state;
	f.now_ms = even + 5600;
	assert_true(trusted(&f));
	f.now_ms = even + 5601;
	assert_false(trusted(&f));
	f.now_ms = even - 5600;
	assert_true(trusted(&f));
	f.now_ms = even - 5601;
	assert_false(trusted(&f));
}

static void
right_after_the_mark_two_seconds_are_all(void **state)
{
	struct job_clock_facts f = an_hour_later();

	(void)state;
	f.boot_ms = MARK_BOOT;
	f.now_ms = MARK_WALL + 2000;
	assert_true(trusted(&f));
	f.now_ms = MARK_WALL + 2001;
	assert_false(trusted(&f));
	f.now_ms = MARK_WALL - 2001;
	assert_false(trusted(&f));
}

/* The rule for other boots would allow it: it must not be asked. */
static void
a_jump_of_an_hour_within_one_boot_is_not_trusted(void **state)
{
	struct job_clock_facts f = an_hour_later();
	char why[JOB_CLOCK_WHY_MAX];

	(void)state;
	f.now_ms += 3600000;
	assert_false(job_clock_trusted(&f, why));
	assert_non_null(strstr(why, "jumped by 3600000 ms"));
	f.now_ms -= 2 * 3600000;
	assert_false(trusted(&f));
}

static void
a_synchronised_clock_is_trusted_wherever_it_stands(void **state)
{
	struct job_clock_facts f = an_hour_later();

	(void)state;
	f.synced = true;
	f.now_ms = 0;
	assert_true(trusted(&f));
	f.boot_id[0] = 9;
	assert_true(trusted(&f));
	f.mark.known = false;
	assert_true(trusted(&f));
}

static void
after_a_restart_it_must_lie_up_to_seven_days_after_the_mark(void **state)
{
	struct job_clock_facts f = an_hour_later();

	(void)state;
	f.boot_id[JOB_CLOCK_ID_BYTES - 1] = 2;
	f.boot_ms = 17;
	f.now_ms = MARK_WALL;
	assert_true(trusted(&f));
	f.now_ms = MARK_WALL - 1;
	assert_false(trusted(&f));
	f.now_ms = MARK_WALL + 7 * DAY;
	assert_true(trusted(&f));
	f.now_ms = MARK_WALL + 7 * DAY + 1;
	assert_false(trusted(&f));
}

static void
after_a_restart_the_text_names_the_moment_it_is_compared_with(void **state)
{
	struct job_clock_facts f = an_hour_later();
	char why[JOB_CLOCK_WHY_MAX];

	(void)state;
	f.boot_id[0] = 2;
	f.now_ms = 0;
	assert_false(job_clock_trusted(&f, why));
	assert_non_null(strstr(why, "before 2026-02-10T00:00:00.000Z"));
	f.now_ms = MARK_WALL + 8 * DAY;
	assert_false(job_clock_trusted(&f, why));
	assert_non_null(strstr(why, "more than 7 days after 2026-02-10"));
}

static void
a_new_journal_asks_for_a_time_after_the_build(void **state)
{
	struct job_clock_facts f = an_hour_later();

	(void)state;
	f.mark.known = false;
	f.now_ms = BUILT + 1;
	assert_true(trusted(&f));
	f.now_ms = BUILT;
	assert_false(trusted(&f));
	f.now_ms = 0;
	assert_false(trusted(&f));
}

static void
boottime_that_goes_back_in_one_boot_is_not_trusted(void **state)
{
	struct job_clock_facts f = an_hour_later();

	(void)state;
	f.boot_ms = MARK_BOOT - 1;
	f.now_ms = MARK_WALL - 1;
	assert_false(trusted(&f));
}

static void
absurd_clocks_and_marks_are_refused_without_overflow(void **state)
{
	static const int64_t ends[] = {INT64_MIN, -1, 0, INT64_MAX};

	(void)state;
	for (size_t i = 0; i < 256; i++) {
		struct job_clock_facts f = an_hour_later();

		f.now_ms = ends[i & 3];
		f.boot_ms = ends[i >> 2 & 3];
		f.mark.wall_ms = ends[i >> 4 & 3];
		f.mark.boot_ms = ends[i >> 6 & 3];
		/* Every gap that int64_t cannot hold must be a refusal. */
		if ((f.now_ms == INT64_MAX) != (f.mark.wall_ms == INT64_MAX) &&
		    f.boot_ms == f.mark.boot_ms)
			assert_false(trusted(&f));
		f.boot_id[0] = 7;
		assert_int_equal(
		    trusted(&f), f.now_ms == f.mark.wall_ms ||
				     (f.now_ms == 0 && f.mark.wall_ms == -1));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_clock_that_moves_with_boottime_is_trusted),
	    cmocka_unit_test(
		it_may_part_by_two_seconds_and_a_thousandth_of_the_time),
	    cmocka_unit_test(right_after_the_mark_two_seconds_are_all),
	    cmocka_unit_test(a_jump_of_an_hour_within_one_boot_is_not_trusted),
	    cmocka_unit_test(
		a_synchronised_clock_is_trusted_wherever_it_stands),
	    cmocka_unit_test(
		after_a_restart_it_must_lie_up_to_seven_days_after_the_mark),
	    cmocka_unit_test(
		after_a_restart_the_text_names_the_moment_it_is_compared_with),
	    cmocka_unit_test(a_new_journal_asks_for_a_time_after_the_build),
	    cmocka_unit_test(
		boottime_that_goes_back_in_one_boot_is_not_trusted),
	    cmocka_unit_test(
		absurd_clocks_and_marks_are_refused_without_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
