#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct cli_example examples[] = {
    {"dsrun sync", "x"},
    {"dsrun sync --max-duration 50s", "x"},
    {NULL, NULL},
};
static const struct command command = {.name = "sync", .examples = examples};

struct fixture {
	struct ctx ctx;
	char *said;
	size_t said_len;
};

static int
set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->ctx.term.err = open_memstream(&f->said, &f->said_len);
	f->ctx.term.err_tty = f->ctx.term.err_color = f->ctx.term.rich = true;
	f->ctx.args.command = &command;
	*state = f;
	return f->ctx.term.err == NULL;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	(void)fclose(f->ctx.term.err);
	free(f->said);
	test_free(f);
	return 0;
}

static const char *
said(struct fixture *f)
{
	(void)fflush(f->ctx.term.err);
	return f->said;
}

static void
network_trouble_is_orange_and_says_when_it_is_tried_again(void **state)
{
	static const enum err_code codes[] = {
	    ERR_TIMEOUT, ERR_UNREACHABLE, ERR_THROTTLED};
	struct fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < 3; i++) {
		rewind(f->ctx.term.err);
		(void)err_set(&err, codes[i], 0, "mongo: no answer");
		report_error(&f->ctx, &err);
		const char *text = said(f);

		assert_ptr_equal(text,
		    strstr(text,
			"\033[38;5;208mdsrun sync: mongo: no answer\033[0m"));
		assert_non_null(strstr(text, "at the next run"));
	}
	(void)strcpy(f->ctx.next_try, "in 30s");
	report_error(&f->ctx, &err);
	assert_non_null(strstr(said(f), "in 30s\n"));
}

static void
other_errors_are_red_with_their_code(void **state)
{
	struct fixture *f = *state;
	struct err err;

	(void)err_set(&err, ERR_DAMAGED, 0, "event 17 differs");
	report_error(&f->ctx, &err);
	assert_string_equal(said(f),
	    "\033[31mdsrun sync: event 17 differs\033[0m (ERR_DAMAGED)\n");
}

static void
without_colour_the_words_are_the_same(void **state)
{
	struct fixture *f = *state;
	struct err err;

	f->ctx.term.err_color = false;
	(void)err_set(&err, ERR_TIMEOUT, 0, "mongo: no answer");
	report_error(&f->ctx, &err);
	assert_string_equal(said(f),
	    "dsrun sync: mongo: no answer (ERR_TIMEOUT)\n"
	    "  next try: at the next run; nothing is lost\n"
	    "  look: dsrun doctor --mongo\n");
}

static void
what_is_missing_is_shown_in_an_example_that_has_it(void **state)
{
	struct fixture *f = *state;
	struct cli_problem problem = {
	    .fault = CLI_FAULT_MISSING, .missing = "--max-duration"};
	struct err err;

	f->ctx.term.err_color = false;
	(void)err_set(&err, ERR_USAGE, 0, "--max-duration needs a value");
	report_usage(&f->ctx, &problem, &err);
	assert_string_equal(said(f),
	    "dsrun sync: --max-duration needs a value\n"
	    "  for example: dsrun sync --max-duration 50s\n"
	    "  help: dsrun help sync\n");
}

static void
an_error_of_others_cannot_paint(void **state)
{
	struct fixture *f = *state;
	struct err err;

	f->ctx.term.err_color = false;
	(void)err_set(&err, ERR_REJECTED, 0, "peer said \033[2J");
	report_error(&f->ctx, &err);
	assert_null(strchr(said(f), '\033'));
	assert_non_null(strstr(f->said, "\\x1b[2J"));
}

static void
problems_name_file_line_and_key(void **state)
{
	struct fixture *f = *state;
	char file[] = "dsrun.yaml", key[] = "limits.queue", none[] = "",
	     text[] = "expected a number", env[] = "environment";
	struct conf_problem problems[] = {
	    {.file = file, .line = 3, .key = key, .text = text},
	    {.file = env, .line = 0, .key = none, .text = text},
	};

	f->ctx.term.err_color = false;
	f->ctx.problems = problems;
	f->ctx.problem_count = 2;
	report_problems(&f->ctx);
	assert_string_equal(said(f),
	    "dsrun.yaml:3: limits.queue: expected a number\n"
	    "environment: expected a number\n");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(network_trouble_is_orange_and_says_when_it_is_tried_again),
	    TEST(other_errors_are_red_with_their_code),
	    TEST(without_colour_the_words_are_the_same),
	    TEST(what_is_missing_is_shown_in_an_example_that_has_it),
	    TEST(an_error_of_others_cannot_paint),
	    TEST(problems_name_file_line_and_key),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
