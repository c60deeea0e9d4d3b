#include "base/mem.h"

#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
fresh_memory_is_zero_also_for_nothing(void **state)
{
	(void)state;
	unsigned char *p = mem_zalloc(100, 3);
	void *none = mem_zalloc(0, 8);

	for (size_t i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	assert_non_null(none);
	mem_free(&none);
	mem_free(&p);
	assert_null(p);
	mem_free(&p);
}

static void
realloc_keeps_what_was_there(void **state)
{
	(void)state;
	char *p = mem_dup("hello", 6);

	p = mem_realloc(p, 1000, 10);
	assert_string_equal(p, "hello");
	p = mem_realloc(p, 0, 10);
	mem_free(&p);
}

static void
copies_end_in_nul_and_null_stays_null(void **state)
{
	(void)state;
	char *a = mem_strdup("abc");
	char *b = mem_strndup("abcdef", 2);
	char *c = mem_printf("%s-%d", "x", 7);
	void *d = mem_dup(NULL, 0);

	assert_string_equal(a, "abc");
	assert_string_equal(b, "ab");
	assert_string_equal(c, "x-7");
	assert_non_null(d);
	assert_null(mem_strdup(NULL));
	mem_free(&a);
	mem_free(&b);
	mem_free(&c);
	mem_free(&d);
}

static void
a_wiped_secret_is_gone(void **state)
{
	char secret[16] = "hunter2";
	static const char zero[16];

	(void)state;
	mem_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, zero, sizeof(zero));
}

struct outer {
	int before;
	struct inner {
		int x;
	} in;
};

static void
container_of_finds_the_owner(void **state)
{
	struct outer o = {1, {2}};
	int list[7];

	(void)state;
	assert_ptr_equal(CONTAINER_OF(&o.in, struct outer, in), &o);
	assert_int_equal(ARRAY_LEN(list), 7);
}

/* More than can be counted, so no machine can have it. */
static void
a_request_that_overflows_aborts(void **state)
{
	(void)state;
	for (int which = 0; which < 2; which++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			volatile size_t half = SIZE_MAX / 2;
			void *p = NULL;

			(void)close(STDERR_FILENO);
			(void)signal(SIGABRT, SIG_DFL);
			p = which == 0 ? mem_zalloc(half, 4)
				       : mem_realloc(NULL, half, 4);
			_exit(p != NULL ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		/* A sanitizer ends the child in its own way. */
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fresh_memory_is_zero_also_for_nothing),
	    cmocka_unit_test(realloc_keeps_what_was_there),
	    cmocka_unit_test(copies_end_in_nul_and_null_stays_null),
	    cmocka_unit_test(a_wiped_secret_is_gone),
	    cmocka_unit_test(container_of_finds_the_owner),
	    cmocka_unit_test(a_request_that_overflows_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
