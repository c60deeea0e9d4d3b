#include "base/buf.h"

#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
a_zeroed_buffer_with_a_max_is_empty_and_readable(void **state)
{
	struct buf b = {.max = 10};

	(void)state;
	assert_string_equal(buf_text(&b), "");
	buf_clear(&b);
	buf_consume(&b, 0);
	buf_free(&b);
	buf_free(NULL);
}

static void
what_is_put_stays_in_order_with_a_nul_behind_it(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	buf_puts(&b, "one");
	buf_putc(&b, ' ');
	buf_put(&b, "two\0three", 9);
	buf_printf(&b, " %d%%", 42);
	assert_int_equal(b.len, 17);
	assert_memory_equal(b.bytes, "one two\0three 42%\0", 18);
	buf_put(&b, NULL, 0);
	assert_int_equal(b.len, 17);
	buf_free(&b);
	assert_null(b.bytes);
	assert_int_equal(b.max, 1000);
	buf_puts(&b, "again");
	assert_string_equal(buf_text(&b), "again");
	buf_free(&b);
	buf_free(&b);
}

static void
growth_keeps_every_byte(void **state)
{
	struct buf b = BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.bytes[i], 'a' + i % 26);
	assert_int_equal(b.bytes[100000], 0);
	buf_free(&b);
}

static void
try_put_refuses_to_pass_max_and_changes_nothing(void **state)
{
	struct buf b = BUF_INIT(8);
	struct err err;

	(void)state;
	assert_int_equal(buf_try_put(&b, "12345", 5, &err), ERR_NONE);
	assert_int_equal(buf_try_put(&b, "6789", 4, &err), ERR_MALFORMED);
	assert_string_equal(err.text, "more than 8 bytes");
	assert_string_equal(buf_text(&b), "12345");
	assert_int_equal(buf_try_put(&b, "x", SIZE_MAX, &err), ERR_MALFORMED);
	assert_int_equal(buf_try_put(&b, "678", 3, &err), ERR_NONE);
	assert_string_equal(buf_text(&b), "12345678");
	assert_int_equal(buf_try_put(&b, "9", 1, &err), ERR_MALFORMED);
	assert_int_equal(buf_try_put(&b, "", 0, &err), ERR_NONE);
	buf_free(&b);
}

static void
consume_takes_from_the_front(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	buf_puts(&b, "hello world");
	buf_consume(&b, 6);
	assert_string_equal(buf_text(&b), "world");
	buf_consume(&b, 5);
	assert_string_equal(buf_text(&b), "");
	buf_puts(&b, "x");
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_text(&b), "");
	buf_free(&b);
}

static void
passing_max_with_our_own_output_aborts(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			struct buf b = BUF_INIT(4);

			(void)close(STDERR_FILENO);
			(void)signal(SIGABRT, SIG_DFL);
			if (which == 0)
				buf_puts(&b, "12345");
			else if (which == 1)
				buf_printf(&b, "%d", 12345);
			else
				buf_consume(&b, 1);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

static void
numbers_are_as_printf_writes_them(void **state)
{
	static const int64_t numbers[] = {
	    0, 7, -1, 10, -10, 1799168400000, INT64_MAX, INT64_MIN};
	struct buf b = BUF_INIT(100);
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		buf_clear(&b);
		buf_put_i64(&b, numbers[i]);
		(void)snprintf(
		    text, sizeof(text), "%lld", (long long)numbers[i]);
		assert_string_equal(b.bytes, text);
	}
	buf_free(&b);
}

static void
a_cut_keeps_what_stands_before_it(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	buf_cut(&b, 0);
	buf_puts(&b, "one two");
	buf_cut(&b, 3);
	assert_string_equal(b.bytes, "one");
	buf_puts(&b, "!");
	assert_string_equal(b.bytes, "one!");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zeroed_buffer_with_a_max_is_empty_and_readable),
	    cmocka_unit_test(what_is_put_stays_in_order_with_a_nul_behind_it),
	    cmocka_unit_test(growth_keeps_every_byte),
	    cmocka_unit_test(try_put_refuses_to_pass_max_and_changes_nothing),
	    cmocka_unit_test(consume_takes_from_the_front),
	    cmocka_unit_test(passing_max_with_our_own_output_aborts),
	    cmocka_unit_test(numbers_are_as_printf_writes_them),
	    cmocka_unit_test(a_cut_keeps_what_stands_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
