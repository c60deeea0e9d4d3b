#include "conf/conf_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

struct fixture {
	struct conf_problems ps;
	struct conf_yaml *y;
	const struct conf_node *root;
};

static void
read_text(struct fixture *f, const char *text)
{
	const struct conf_yaml_limits limits = CONF_YAML_LIMITS_DEFAULT;

	memset(f, 0, sizeof(*f));
	if (conf_yaml_parse(
		"x.yaml", text, strlen(text), &limits, &f->y, &f->ps))
		f->root = conf_yaml_root(f->y);
}

static void
done(struct fixture *f)
{
	conf_yaml_free(&f->y);
	conf_problems_fini(&f->ps);
}

/* Everything that was refused, as a person sees it. */
static void
expect_problems(const struct fixture *f, const char *want)
{
	struct buf out = BUF_INIT(1 << 16);

	conf_problems_print(&out, f->ps.items, f->ps.count);
	assert_string_equal(buf_text(&out), want);
	buf_free(&out);
}

static void
expect_refused(const char *text, const char *want)
{
	struct fixture f;

	read_text(&f, text);
	assert_null(f.y);
	expect_problems(&f, want);
	done(&f);
}

static void
nodes_know_their_path_and_place(void **state)
{
	struct fixture f;
	struct buf path = BUF_INIT(200);

	(void)state;
	read_text(&f, "kind: a\n"
		      "script:\n"
		      "  objections:\n"
		      "    - {when: x, say: \"y\"}\n"
		      "    - when: z\n"
		      "      say: w\n");
	const struct conf_node *list =
	    conf_node_get(conf_node_get(f.root, "script"), "objections");

	assert_int_equal(conf_node_kind(list), CONF_NODE_LIST);
	assert_int_equal(conf_node_count(list), 2);
	const struct conf_node *say =
	    conf_node_get(conf_node_at(list, 1), "say");
	assert_int_equal(conf_node_line(say), 6);
	assert_int_equal(conf_node_column(say), 7);
	assert_string_equal(conf_node_key(say), "say");
	conf_node_path(say, &path);
	assert_string_equal(buf_text(&path), "script.objections[1].say");
	assert_int_equal(conf_node_line(list), 3);
	assert_null(conf_node_at(list, 2));
	assert_null(conf_node_get(list, "when"));
	assert_null(conf_node_get(NULL, "when"));
	assert_int_equal(f.ps.count, 0);
	buf_free(&path);
	done(&f);
}

static void
an_empty_file_is_an_empty_section(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f, "# nothing but a comment\n");
	assert_int_equal(conf_node_kind(f.root), CONF_NODE_MAP);
	assert_int_equal(conf_node_count(f.root), 0);
	done(&f);
	read_text(&f, "");
	assert_non_null(f.root);
	done(&f);
}

static void
typed_getters_give_values(void **state)
{
	struct fixture f;
	const char *text = NULL;
	bool yes = false;
	int64_t number = 0;
	int64_t ms = 0;
	double rate = 0;
	size_t choice = 9;
	static const char *const words[] = {"none", "full", NULL};

	(void)state;
	read_text(&f, "s: hello\nb: true\ni: -3\nr: 0.25\nd: 90s\nc: full\n");
	assert_true(conf_node_str(conf_node_get(f.root, "s"), &text, &f.ps));
	assert_string_equal(text, "hello");
	assert_true(conf_node_bool(conf_node_get(f.root, "b"), &yes, &f.ps));
	assert_true(yes);
	assert_true(
	    conf_node_i64(conf_node_get(f.root, "i"), -3, 3, &number, &f.ps));
	assert_int_equal(number, -3);
	assert_true(
	    conf_node_double(conf_node_get(f.root, "r"), 0, 1, &rate, &f.ps));
	assert_true(rate == 0.25);
	assert_true(conf_node_duration(
	    conf_node_get(f.root, "d"), 0, 100000, &ms, &f.ps));
	assert_int_equal(ms, 90000);
	assert_true(conf_node_choice(
	    conf_node_get(f.root, "c"), words, &choice, &f.ps));
	assert_int_equal(choice, 1);
	assert_int_equal(f.ps.count, 0);
	done(&f);
}

static void
what_is_absent_keeps_its_default(void **state)
{
	struct fixture f;
	int64_t number = 7;

	(void)state;
	read_text(&f, "a: 1\n");
	assert_false(
	    conf_node_i64(conf_node_get(f.root, "b"), 0, 9, &number, &f.ps));
	assert_int_equal(number, 7);
	assert_null(conf_node_map(NULL, &f.ps));
	assert_int_equal(f.ps.count, 0);
	done(&f);
}

static void
every_wrong_value_is_listed(void **state)
{
	struct fixture f;
	const char *text = NULL;
	bool yes = false;
	int64_t number = 7;
	double rate = 0.5;
	size_t choice = 0;
	static const char *const words[] = {"keyed", "named", NULL};

	(void)state;
	read_text(&f, "b: yes\ni: 4x\nj: 12\nr: 1.5\nd: 5 minutes\ne: 3h\n"
		      "c: nmaed\nn:\nm: {x: 1}\nz: ~\n");
	assert_false(conf_node_bool(conf_node_get(f.root, "b"), &yes, &f.ps));
	assert_false(
	    conf_node_i64(conf_node_get(f.root, "i"), 0, 9, &number, &f.ps));
	assert_false(
	    conf_node_i64(conf_node_get(f.root, "j"), 0, 9, &number, &f.ps));
	assert_false(
	    conf_node_double(conf_node_get(f.root, "r"), 0, 1, &rate, &f.ps));
	assert_false(conf_node_duration(
	    conf_node_get(f.root, "d"), 0, 3600000, &number, &f.ps));
	assert_false(conf_node_duration(
	    conf_node_get(f.root, "e"), 1000, 3600000, &number, &f.ps));
	assert_false(conf_node_choice(
	    conf_node_get(f.root, "c"), words, &choice, &f.ps));
	assert_false(conf_node_str(conf_node_get(f.root, "n"), &text, &f.ps));
	assert_false(conf_node_str(conf_node_get(f.root, "m"), &text, &f.ps));
	assert_false(conf_node_str(conf_node_get(f.root, "z"), &text, &f.ps));
	assert_null(conf_node_map(conf_node_get(f.root, "j"), &f.ps));
	assert_null(conf_node_list(conf_node_get(f.root, "m"), &f.ps));
	assert_null(conf_node_need(f.root, "from", &f.ps));
	assert_int_equal(number, 7);
	expect_problems(&f,
	    "x.yaml:1: b: expected true or false, got \"yes\"\n"
	    "x.yaml:2: i: expected a whole number, got \"4x\"\n"
	    "x.yaml:3: j: expected a number from 0 to 9, got \"12\"\n"
	    "x.yaml:4: r: expected a number from 0 to 1, got \"1.5\"\n"
	    "x.yaml:5: d: expected a duration such as 500ms, 30s, 10m, 4h or "
	    "2d, got \"5 minutes\"\n"
	    "x.yaml:6: e: expected a duration from 1s to 1h, got 3h\n"
	    "x.yaml:7: c: expected one of keyed, named, got \"nmaed\"; did you "
	    "mean named?\n"
	    "x.yaml:8: n: expected a text, got nothing: remove the key\n"
	    "x.yaml:9: m: expected a text, got a section\n"
	    "x.yaml:10: z: expected a text, got nothing: remove the key\n"
	    "x.yaml:3: j: expected a section of keys, got a text\n"
	    "x.yaml:9: m: expected a list, got a section\n"
	    "x.yaml:1: from: missing: it must be given\n");
	conf_problems_sort(&f.ps);
	assert_string_equal(f.ps.items[1].key, "from");
	assert_string_equal(f.ps.items[f.ps.count - 1].key, "z");
	done(&f);
}

static void
unknown_keys_get_a_suggestion(void **state)
{
	static const char *const keys[] = {"greeting", "goodbye", NULL};
	struct fixture f;

	(void)state;
	read_text(&f, "script:\n  greting: a\n  goodbye: b\n  zzzzzz: c\n");
	conf_node_only(conf_node_get(f.root, "script"), keys, &f.ps);
	expect_problems(&f,
	    "x.yaml:2: script.greting: unknown key; did you mean greeting?\n"
	    "x.yaml:4: script.zzzzzz: unknown key; remove it\n");
	done(&f);
}

static void
a_key_given_twice_is_a_problem_and_the_first_counts(void **state)
{
	struct fixture f;
	const char *text = NULL;

	(void)state;
	read_text(&f, "a: 1\nb: 2\na: 3\n");
	assert_true(conf_node_str(conf_node_get(f.root, "a"), &text, &f.ps));
	assert_string_equal(text, "1");
	expect_problems(
	    &f, "x.yaml:3: a: given twice, first in line 1: remove one\n");
	done(&f);
}

static void
what_could_unfold_is_refused(void **state)
{
	static const char why[] =
	    "anchors (&), aliases (*) and tags (!) are not read here: write "
	    "the text out, or put it in quotes\n";
	static const struct {
		const char *text;
		int line;
	} rows[] = {
	    {"a: &x 1\n", 1},
	    {"a: 1\nb: *x\n", 2},
	    {"a: &x {b: 1}\n", 1},
	    {"a: &x [1]\n", 1},
	    {"a: !!int 1\n", 1},
	    {"a: 1\nb: !!map {}\n", 2},
	    {"? !x y\n: 1\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char want[200];

		(void)snprintf(
		    want, sizeof(want), "x.yaml:%d: %s", rows[i].line, why);
		expect_refused(rows[i].text, want);
	}
}

static void
what_is_no_yaml_names_its_line(void **state)
{
	(void)state;
	expect_refused("a: 1\n  b: 2\n",
	    "x.yaml:2: not readable as YAML: mapping values are not allowed in "
	    "this context\n");
	expect_refused("a: 1\nb: [1, 2\n",
	    "x.yaml:2: not readable as YAML: did not find expected ',' or ']' "
	    "while parsing a flow sequence\n");
	expect_refused("a: 1\n---\nb: 2\n",
	    "x.yaml:2: a second document begins here: only one is read\n");
	expect_refused(
	    "a: 1\n[x]: 2\n", "x.yaml:2: a key must be a plain text\n");
	expect_refused("a: 1\n\"\": 2\n", "x.yaml:2: a key is missing\n");
	expect_refused("a: 1\nb: \"\\0\"\n", "x.yaml:2: NUL in a text\n");
	expect_refused("a: 1\nb: \xff\n", "x.yaml:2: not UTF-8 text\n");
}

/* libyaml names a line behind the last one for what is missing at the end. */
static void
a_place_is_never_behind_the_end(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f, "--- ");
	assert_int_equal(conf_node_line(f.root), 1);
	assert_int_equal(conf_node_text_line(f.root, 0), 1);
	done(&f);
	read_text(&f, "# only\n# this\n---\n\n");
	assert_int_equal(conf_node_line(f.root), 4);
	done(&f);
	/* Lines end as libyaml says, not with \n alone. */
	expect_refused("a: 1\rb: [1,\r\n2\xc2\x85",
	    "x.yaml:3: not readable as YAML: did not find expected ',' or ']' "
	    "while parsing a flow sequence\n");
}

static void
a_nul_byte_is_refused(void **state)
{
	static const char text[] = "a: 1\nb: x\0y\n";
	const struct conf_yaml_limits limits = CONF_YAML_LIMITS_DEFAULT;
	struct fixture f = {0};

	(void)state;
	assert_false(conf_yaml_parse(
	    "x.yaml", text, sizeof(text) - 1, &limits, &f.y, &f.ps));
	expect_problems(&f, "x.yaml:2: not UTF-8 text\n");
	done(&f);
}

static void
limits_hold_to_the_byte(void **state)
{
	static const char text[] = "a: {b: {c: 1}}\n";
	static const struct {
		struct conf_yaml_limits limits;
		const char *want;
	} rows[] = {
	    {{15, 3, 4}, ""},
	    {{14, 3, 4}, "x.yaml: 15 bytes, more than the 14 allowed\n"},
	    {{15, 2, 4}, "x.yaml:1: nested too deeply\n"},
	    {{15, 3, 3}, "x.yaml:1: too many keys and values in one file\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f = {0};

		assert_int_equal(conf_yaml_parse("x.yaml", text, strlen(text),
				     &rows[i].limits, &f.y, &f.ps),
		    *rows[i].want == '\0');
		expect_problems(&f, rows[i].want);
		done(&f);
	}
}

static void
a_line_within_a_literal_text_is_known(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f, "a: |\n  one\n  two\nb: \"x\"\n");
	const struct conf_node *a = conf_node_get(f.root, "a");

	assert_int_equal(conf_node_text_line(a, 0), 2);
	assert_int_equal(conf_node_text_line(a, 4), 3);
	assert_int_equal(conf_node_text_line(conf_node_get(f.root, "b"), 1), 4);
	done(&f);
}

static void
the_list_of_problems_is_bounded(void **state)
{
	struct conf_problems ps = {0};

	(void)state;
	for (int i = 0; i < CONF_PROBLEMS_MAX + 5; i++)
		conf_problems_add(&ps, "f", CONF_PROBLEMS_MAX - i, "k", "t");
	assert_int_equal(ps.count, CONF_PROBLEMS_MAX);
	assert_int_equal(ps.dropped, 5);
	conf_problems_sort(&ps);
	for (int i = 0; i < CONF_PROBLEMS_MAX; i++)
		assert_int_equal(ps.items[i].line, i + 1);
	conf_problems_fini(&ps);
	assert_null(ps.items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nodes_know_their_path_and_place),
	    cmocka_unit_test(an_empty_file_is_an_empty_section),
	    cmocka_unit_test(typed_getters_give_values),
	    cmocka_unit_test(what_is_absent_keeps_its_default),
	    cmocka_unit_test(every_wrong_value_is_listed),
	    cmocka_unit_test(unknown_keys_get_a_suggestion),
	    cmocka_unit_test(
		a_key_given_twice_is_a_problem_and_the_first_counts),
	    cmocka_unit_test(what_could_unfold_is_refused),
	    cmocka_unit_test(what_is_no_yaml_names_its_line),
	    cmocka_unit_test(a_place_is_never_behind_the_end),
	    cmocka_unit_test(a_nul_byte_is_refused),
	    cmocka_unit_test(limits_hold_to_the_byte),
	    cmocka_unit_test(a_line_within_a_literal_text_is_known),
	    cmocka_unit_test(the_list_of_problems_is_bounded),
	};

	return cmocka_run_group_tests_name("conf_yaml", tests, NULL, NULL);
}
