#include "dnc_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#include "net/net_env.h"

struct fix {
	struct env *env;
	char path[40];
	struct dnc_file f;
	struct err err;
};

static int
setup(void **state)
{
	struct fix *x = mem_zalloc(1, sizeof(*x));
	int fd;

	(void)snprintf(x->path, sizeof(x->path), "/tmp/dsrun-dnc-XXXXXX");
	fd = mkstemp(x->path);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(net_env_open(&x->env, &x->err), ERR_NONE);
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *x = *state;

	dnc_file_free(&x->f);
	net_env_close(&x->env);
	(void)unlink(x->path);
	mem_free(&x);
	return 0;
}

static enum err_code
take(struct fix *x, const char *text, size_t len, const char *prefix)
{
	FILE *file = fopen(x->path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	dnc_file_free(&x->f);
	return dnc_file_read(x->env, x->path, prefix, &x->f, &x->err);
}

/* "number number/line line" */
static void
gives(struct fix *x, const char *text, const char *prefix, const char *want)
{
	struct buf b = BUF_INIT(4096);

	if (take(x, text, strlen(text), prefix) != ERR_NONE)
		fail_msg("%s", x->err.text);
	for (size_t i = 0; i < x->f.count; i++)
		buf_printf(
		    &b, "%s%lld", i > 0 ? " " : "", (long long)x->f.numbers[i]);
	for (size_t i = 0; i < x->f.refused_count; i++)
		buf_printf(&b, "%s%lld", i > 0 ? " " : "/",
		    (long long)x->f.refused[i].line);
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

static void
one_number_a_line(void **state)
{
	struct fix *x = *state;

	gives(x, "", NULL, "");
	gives(x, "\n\n# a note\n  # another\n", NULL, "");
	gives(x, "+15125550100", NULL, "15125550100");
	gives(x, "+15125550100\r\n+1 (512) 555-0101\n", NULL,
	    "15125550100 15125550101");
	gives(x, "+15125550100\nno\n\n5125550101\n", NULL, "15125550100/2 4");
}

static void
a_header_names_the_column(void **state)
{
	struct fix *x = *state;

	gives(x, "phone\n+15125550100\n", NULL, "15125550100");
	gives(x, "Name, NUMBER ,x\n\"Doe, J\",+15125550100,1\n", NULL,
	    "15125550100");
	gives(x, "\"phone number\";name\n\"+15125550100\";x\n", NULL,
	    "15125550100");
	gives(x, "a\tTel\nx\t+15125550100\ny\n", NULL, "15125550100/3");
	gives(x, "\xef\xbb\xbfphone,x\n+15125550100,\n", NULL, "15125550100");
	assert_int_equal(take(x, "a,b\n1,2\n", 8, NULL), ERR_MALFORMED);
	assert_non_null(strstr(x->err.text, "line 1 is a header"));
}

static void
without_a_header_the_first_column_counts(void **state)
{
	struct fix *x = *state;

	gives(x, "+15125550100,a,b\n+15125550101\n", NULL,
	    "15125550100 15125550101");
}

static void
a_prefix_helps_numbers_that_have_no_plus(void **state)
{
	struct fix *x = *state;

	gives(x, "5125550100\n1 512 555 0101\n+442079460000\n", "+1",
	    "15125550100 15125550101 442079460000");
	gives(x, "2079460000\n", "+44", "442079460000");
	gives(x, "512\n", "+1", "/1");
	for (const char *const *p = (const char *const[]){"", "1", "+", "+0",
		 "+1234", "+1x", NULL};
	     *p != NULL; p++)
		assert_int_equal(take(x, "1\n", 2, *p), ERR_USAGE);
}

static void
what_is_too_long_or_no_text_is_refused(void **state)
{
	struct fix *x = *state;
	char *text = mem_zalloc(DNC_LINE_BYTES_MAX + 64, 1);

	memset(text, '1', DNC_LINE_BYTES_MAX + 1);
	strcpy(text + DNC_LINE_BYTES_MAX + 1, "\n+15125550100\n");
	gives(x, text, NULL, "15125550100/1");
	mem_free(&text);
	assert_int_equal(take(x, "+1512\0005550100\n", 14, NULL), ERR_NONE);
	assert_int_equal(x->f.count, 0);
	assert_int_equal(x->f.refused_count, 1);
	/* A quote that never ends goes to the end of its line, no further. */
	gives(x, "\"+15125550100,x\n+15125550101,y\n", NULL, "15125550101/1");
}

static void
a_file_that_is_not_there_is_named(void **state)
{
	struct fix *x = *state;

	assert_int_equal(
	    dnc_file_read(x->env, "/nowhere/list", NULL, &x->f, &x->err),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(x->err.text, "/nowhere/list"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {T(one_number_a_line),
	    T(a_header_names_the_column),
	    T(without_a_header_the_first_column_counts),
	    T(a_prefix_helps_numbers_that_have_no_plus),
	    T(what_is_too_long_or_no_text_is_refused),
	    T(a_file_that_is_not_there_is_named)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
