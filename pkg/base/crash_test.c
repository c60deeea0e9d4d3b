#include "base/crash.h"

#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

/*
 * The environment is read once a process, so each look at it is a child of
 * its own; this process visits no point itself.
 */
static void
visit_all(void)
{
	for (int i = 0; i < 3; i++) {
		CRASH_POINT("one");
		CRASH_POINT("two");
	}
}

static pid_t
start(const char *at, const char *trace)
{
	pid_t child = fork();

	if (child == 0) {
		(void)unsetenv("DSRUN_CRASH_AT");
		(void)unsetenv("DSRUN_CRASH_TRACE");
		if (at != NULL)
			(void)setenv("DSRUN_CRASH_AT", at, 1);
		if (trace != NULL)
			(void)setenv("DSRUN_CRASH_TRACE", trace, 1);
		visit_all();
		_exit(7);
	}
	assert_true(child > 0);
	return child;
}

/* How many points a child saw before it died; dies says whether it did. */
static size_t
visits(const char *at, bool dies)
{
	char path[] = "/tmp/crash_test.XXXXXX";
	char text[256];
	int fd = mkstemp(path);
	int status = 0;
	size_t count = 0;

	assert_true(fd >= 0);
	pid_t child = start(at, path);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (dies) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 7);
	}
	ssize_t n = read(fd, text, sizeof(text));
	for (ssize_t i = 0; i < n; i++)
		count += text[i] == '\n';
	if (n > 7)
		assert_memory_equal(text, "one\ntwo\n", 8);
	(void)close(fd);
	(void)unlink(path);
	return count;
}

static void
a_sleeping_point_does_nothing(void **state)
{
	int status = 0;

	(void)state;
	assert_int_equal(waitpid(start(NULL, NULL), &status, 0) > 0, 1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(visits(NULL, false), 6);
}

static void
the_nth_visit_of_a_named_point_kills(void **state)
{
	(void)state;
	assert_int_equal(visits("one:1", true), 1);
	assert_int_equal(visits("two:1", true), 2);
	assert_int_equal(visits("two:3", true), 6);
	assert_int_equal(visits("two:4", false), 6);
	assert_int_equal(visits("three:1", false), 6);
}

static void
a_star_counts_every_point(void **state)
{
	char at[8];

	(void)state;
	for (unsigned n = 1; n <= 6; n++) {
		(void)snprintf(at, sizeof(at), "*:%u", n);
		assert_int_equal(visits(at, true), n);
	}
	assert_int_equal(visits("*:7", false), 6);
}

static void
stop_stops_and_cont_goes_on(void **state)
{
	int status = 0;

	(void)state;
	pid_t child = start("two:2:stop", NULL);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(kill(child, SIGCONT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void
count_hook(void *arg, const char *name)
{
	assert_true(strcmp(name, "one") == 0 || strcmp(name, "two") == 0);
	++*(int *)arg;
}

static void
a_hook_sees_every_point_instead(void **state)
{
	int count = 0;

	(void)state;
	crash_hook(count_hook, &count);
	visit_all();
	crash_hook(NULL, NULL);
	assert_int_equal(count, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sleeping_point_does_nothing),
	    cmocka_unit_test(the_nth_visit_of_a_named_point_kills),
	    cmocka_unit_test(a_star_counts_every_point),
	    cmocka_unit_test(stop_stops_and_cont_goes_on),
	    cmocka_unit_test(a_hook_sees_every_point_instead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
