#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "progress.h"

/* A terminal whose two streams are memory. */
struct screen {
	struct term term;
	char *out;
	size_t out_len;
	char *err;
	size_t err_len;
};

static void
screen_init(struct screen *s, bool tty, int columns)
{
	memset(s, 0, sizeof(*s));
	s->term.out = open_memstream(&s->out, &s->out_len);
	s->term.err = open_memstream(&s->err, &s->err_len);
	s->term.out_tty = s->term.err_tty = tty;
	s->term.columns = columns;
	assert_non_null(s->term.out);
	assert_non_null(s->term.err);
}

static const char *
shown(struct screen *s)
{
	(void)fflush(s->term.out);
	return s->out;
}

static const char *
said(struct screen *s)
{
	(void)fflush(s->term.err);
	return s->err;
}

static void
screen_fini(struct screen *s)
{
	(void)fclose(s->term.out);
	(void)fclose(s->term.err);
	free(s->out);
	free(s->err);
}

static const struct table_column columns[] = {
    {.head = "ID", .shrinks = true},
    {.head = "N", .right = true},
    {.head = "TEXT", .shrinks = true},
    {.head = NULL},
};

static void
print(const struct screen *s, const char *id, const char *n, const char *text)
{
	struct table *t = table_new(columns);

	table_cell(t, id);
	table_cell(t, n);
	table_cell(t, text);
	table_print(t, &s->term);
	table_free(&t);
	assert_null(t);
}

static void
columns_are_aligned_and_numbers_stand_right(void **state)
{
	struct screen s;
	struct table *t = table_new(columns);

	(void)state;
	screen_init(&s, false, 80);
	table_cell(t, "a");
	table_cellf(t, "%d", 100);
	table_cell(t, "x");
	table_cell(t, "long-id");
	table_cellf(t, "%d", 7);
	table_cell(t, NULL);
	table_print(t, &s.term);
	table_free(&t);
	assert_string_equal(shown(&s), "ID         N  TEXT\n"
				       "a        100  x\n"
				       "long-id    7  -\n");
	screen_fini(&s);
}

static void
an_empty_table_prints_nothing(void **state)
{
	struct screen s;
	struct table *t = table_new(columns);

	(void)state;
	screen_init(&s, false, 80);
	table_cell(t, "an unfinished row");
	table_print(t, &s.term);
	table_free(&t);
	assert_string_equal(shown(&s), "");
	screen_fini(&s);
}

static void
a_terminal_cuts_what_may_shrink_and_a_pipe_nothing(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789";
	struct screen s;
	int lines = 0;

	(void)state;
	screen_init(&s, true, 30);
	print(&s, "a-rather-long-identity", "5", text);
	assert_non_null(strstr(shown(&s), "\u2026"));
	for (char *line = strtok(s.out, "\n"); line != NULL;
	     line = strtok(NULL, "\n"), lines++)
		assert_in_range(term_width(line), 1, 30);
	assert_int_equal(lines, 2);
	screen_fini(&s);
	screen_init(&s, false, 30);
	print(&s, "a-rather-long-identity", "5", text);
	assert_non_null(strstr(shown(&s), text));
	screen_fini(&s);
}

static void
wide_letters_count_twice_and_marks_not_at_all(void **state)
{
	(void)state;
	assert_int_equal(term_width("abc"), 3);
	assert_int_equal(term_width("\u00e9\u00df"), 2);
	assert_int_equal(term_width("\u65e5\u672c"), 4);
	assert_int_equal(term_width("e\u0301"), 1);
	assert_int_equal(term_width(""), 0);
	assert_int_equal(term_fit("abcdef", 3), 3);
	assert_int_equal(term_fit("\u65e5\u672c", 3), 3);
	assert_int_equal(term_fit("ab", 10), 2);
}

static void
control_bytes_are_shown_and_not_sent(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
	    {"plain", "plain"},
	    {"\033[2J", "\\x1b[2J"},
	    {"a\rb\tc", "a\\x0db\\x09c"},
	    {"\x7f", "\\x7f"},
	    {"\u202egnp", "\\u202egnp"},
	    {"\xc2\x9b"
	     "31m",
		"\\x9b31m"},
	    {"\xff\xc3", "\\xff\\xc3"},
	    {"na\u00efve \u65e5", "na\u00efve \u65e5"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(1000);

		term_clean_buf(&b, cases[i].text);
		assert_string_equal(buf_text(&b), cases[i].shown);
		buf_free(&b);
	}
}

static void
a_cell_cannot_break_its_line(void **state)
{
	struct screen s;

	(void)state;
	screen_init(&s, false, 80);
	print(&s, "a\nb", "1", "\033[1mx");
	assert_string_equal(shown(&s), "ID      N  TEXT\n"
				       "a\\x0ab  1  \\x1b[1mx\n");
	screen_fini(&s);
}

static void
colour_belongs_to_one_stream(void **state)
{
	struct screen s;

	(void)state;
	screen_init(&s, true, 80);
	s.term.err_color = true;
	assert_string_equal(term_on(&s.term, s.term.out, TERM_RED), "");
	assert_string_equal(term_off(&s.term, s.term.out), "");
	assert_string_equal(term_on(&s.term, s.term.err, TERM_RED), "\033[31m");
	assert_string_equal(term_off(&s.term, s.term.err), "\033[0m");
	screen_fini(&s);
}

static void
orange_needs_256_colours(void **state)
{
	struct screen s;

	(void)state;
	screen_init(&s, true, 80);
	s.term.err_color = true;
	assert_string_equal(
	    term_on(&s.term, s.term.err, TERM_ORANGE), "\033[91m");
	s.term.rich = true;
	assert_string_equal(
	    term_on(&s.term, s.term.err, TERM_ORANGE), "\033[38;5;208m");
	screen_fini(&s);
}

static void
progress_tells_how_far_and_how_long(void **state)
{
	struct screen s;
	struct progress p;
	struct progress_state now = {.done = 0, .total = 200, .live = 3};
	char line[320];

	(void)state;
	screen_init(&s, true, 80);
	progress_init(&p, &s.term, "calls", false);
	progress_update(&p, &now, 1000);
	now.done = 50;
	progress_line(&p, &now, 11000, 80, line, sizeof(line));
	assert_string_equal(line,
	    "calls [#######.......................] 50/200  25%  3 live  "
	    "5.0/s  eta 30s");
	now.total = 0;
	now.live = -1;
	progress_line(&p, &now, 11000, 80, line, sizeof(line));
	assert_string_equal(line, "calls 50  5.0/s");
	screen_fini(&s);
}

static void
progress_fits_any_terminal(void **state)
{
	struct screen s;
	struct progress p;
	struct progress_state now = {
	    .done = 123456, .total = 999999, .live = 30};
	char line[320];

	(void)state;
	screen_init(&s, true, 80);
	progress_init(&p, &s.term, "calls", false);
	progress_update(&p, &now, 0);
	now.done = 999998;
	for (int width = 2; width < 200; width++) {
		progress_line(&p, &now, 5000, width, line, sizeof(line));
		assert_true(strlen(line) < (size_t)width);
	}
	screen_fini(&s);
}

static void
progress_is_drawn_at_most_ten_times_a_second(void **state)
{
	struct screen s;
	struct progress p;
	struct progress_state now = {.total = 1000, .live = 1};
	int drawn = 0;

	(void)state;
	screen_init(&s, true, 80);
	progress_init(&p, &s.term, "calls", false);
	for (int64_t ms = 0; ms <= 1000; ms++) {
		now.done = ms;
		progress_update(&p, &now, ms);
	}
	for (const char *at = said(&s); (at = strchr(at, '[')) != NULL; at++)
		drawn += at[1] == 'K';
	assert_int_equal(drawn, 11);
	progress_clear(&p);
	assert_string_equal(said(&s) + s.err_len - 4, "\r\033[K");
	screen_fini(&s);
}

static void
progress_is_absent_off_a_terminal_and_when_quiet(void **state)
{
	struct progress_state now = {.done = 1, .total = 2, .live = 1};

	(void)state;
	for (int quiet = 0; quiet < 2; quiet++) {
		struct screen s;
		struct progress p;

		screen_init(&s, quiet == 1, 80);
		progress_init(&p, &s.term, "calls", quiet == 1);
		progress_update(&p, &now, 1000);
		progress_clear(&p);
		assert_string_equal(said(&s), "");
		screen_fini(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns_are_aligned_and_numbers_stand_right),
	    cmocka_unit_test(an_empty_table_prints_nothing),
	    cmocka_unit_test(
		a_terminal_cuts_what_may_shrink_and_a_pipe_nothing),
	    cmocka_unit_test(wide_letters_count_twice_and_marks_not_at_all),
	    cmocka_unit_test(control_bytes_are_shown_and_not_sent),
	    cmocka_unit_test(a_cell_cannot_break_its_line),
	    cmocka_unit_test(colour_belongs_to_one_stream),
	    cmocka_unit_test(orange_needs_256_colours),
	    cmocka_unit_test(progress_tells_how_far_and_how_long),
	    cmocka_unit_test(progress_fits_any_terminal),
	    cmocka_unit_test(progress_is_drawn_at_most_ten_times_a_second),
	    cmocka_unit_test(progress_is_absent_off_a_terminal_and_when_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
