#include "base/err.h"

#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void
set_fills_code_cause_and_text(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(
	    err_set(&err, ERR_BUSY, 7, "job %d of %s", 3, "x"), ERR_BUSY);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(err.sys, 7);
	assert_string_equal(err.text, "job 3 of x");
}

static void
a_long_text_is_cut_and_not_overrun(void **state)
{
	struct err err;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, ERR_IO, 0, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	(void)err_sys(&err, EIO, "%s", text);
	assert_non_null(strstr(err.text, "Input/output error"));
	(void)err_wrap(&err, "%s", text);
	assert_true(strlen(err.text) < ERR_TEXT_MAX);
}

static void
errno_decides_between_space_not_found_and_io(void **state)
{
	static const struct {
		int sys;
		enum err_code code;
		const char *text;
	} rows[] = {
	    {ENOSPC, ERR_SPACE, "write f: No space left on device"},
	    {EDQUOT, ERR_SPACE, "write f: Disk quota exceeded"},
	    {ENOENT, ERR_NOT_FOUND, "write f: No such file or directory"},
	    {EACCES, ERR_IO, "write f: Permission denied"},
	    {EIO, ERR_IO, "write f: Input/output error"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;

		assert_int_equal(
		    err_sys(&err, rows[i].sys, "write %s", "f"), rows[i].code);
		assert_int_equal(err.sys, rows[i].sys);
		assert_string_equal(err.text, rows[i].text);
	}
}

static void
wrap_puts_the_place_in_front_and_keeps_the_rest(void **state)
{
	struct err err;

	(void)state;
	(void)err_set(&err, ERR_MALFORMED, 5, "bad phone");
	assert_int_equal(err_wrap(&err, "line %d", 9), ERR_MALFORMED);
	assert_int_equal(err_wrap(&err, "jobs.csv"), ERR_MALFORMED);
	assert_string_equal(err.text, "jobs.csv: line 9: bad phone");
	assert_int_equal(err.sys, 5);
}

static void
a_wrap_that_does_not_fit_cuts_the_oldest_text(void **state)
{
	struct err err;
	char old[ERR_TEXT_MAX];

	(void)state;
	memset(old, 'o', sizeof(old) - 1);
	old[sizeof(old) - 1] = '\0';
	(void)err_set(&err, ERR_IO, 0, "%s", old);
	(void)err_wrap(&err, "newest");
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(strncmp(err.text, "newest: ooo", 11), 0);
}

static void
every_code_has_a_name_and_only_none_has_no_class(void **state)
{
	(void)state;
	for (int c = 0; c < ERR_CODE_COUNT; c++) {
		const char *name = err_name((enum err_code)c);

		assert_int_equal(strncmp(name, "ERR_", 4), 0);
		assert_int_equal(err_class((enum err_code)c) == ERR_CLASS_NONE,
		    c == ERR_NONE);
	}
	assert_string_equal(err_name(ERR_SPACE), "ERR_SPACE");
	assert_int_equal(err_class(ERR_SPACE), ERR_CLASS_RETRY);
	assert_int_equal(err_class(ERR_STATE), ERR_CLASS_FINAL);
	assert_int_equal(err_class(ERR_STORE), ERR_CLASS_FATAL);
}

/* The signal that ends a child which runs misuse; 0 when it lives. */
static int
signal_of(void (*misuse)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		misuse();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
set_to_none(void)
{
	struct err err;

	(void)err_set(&err, ERR_NONE, 0, "x");
}

static void
wrap_nothing(void)
{
	struct err err = {0};

	(void)err_wrap(&err, "x");
}

static void
class_of_no_code(void)
{
	(void)err_class(ERR_CODE_COUNT);
}

static void
misuse_aborts(void **state)
{
	(void)state;
	assert_int_equal(signal_of(set_to_none), SIGABRT);
	assert_int_equal(signal_of(wrap_nothing), SIGABRT);
	assert_int_equal(signal_of(class_of_no_code), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(set_fills_code_cause_and_text),
	    cmocka_unit_test(a_long_text_is_cut_and_not_overrun),
	    cmocka_unit_test(errno_decides_between_space_not_found_and_io),
	    cmocka_unit_test(wrap_puts_the_place_in_front_and_keeps_the_rest),
	    cmocka_unit_test(a_wrap_that_does_not_fit_cuts_the_oldest_text),
	    cmocka_unit_test(every_code_has_a_name_and_only_none_has_no_class),
	    cmocka_unit_test(misuse_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
