#include "conf/conf_dotenv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void
expect(const char *text, size_t len, const char *values, const char *problems)
{
	struct conf_problems ps = {0};
	struct conf_dotenv d = {0};
	struct buf out = BUF_INIT(1 << 20);
	bool good = conf_dotenv_parse(".env", text, len, &d, &ps);

	for (size_t i = 0; i < d.count; i++)
		buf_printf(&out, "%d %s=%s;", d.items[i].line, d.items[i].name,
		    d.items[i].value);
	assert_string_equal(buf_text(&out), values);
	buf_clear(&out);
	conf_problems_print(&out, ps.items, ps.count);
	assert_string_equal(buf_text(&out), problems);
	assert_int_equal(good, *problems == '\0');
	buf_free(&out);
	conf_dotenv_fini(&d);
	conf_problems_fini(&ps);
}

static void
expect_text(const char *text, const char *values, const char *problems)
{
	expect(text, strlen(text), values, problems);
}

static void
plain_values_end_at_a_comment(void **state)
{
	(void)state;
	expect_text("# first\n"
		    "\n"
		    "A=one\n"
		    "  B = two words  # not this\n"
		    "C=a#b\n"
		    "D=\n"
		    "E= # nothing\n"
		    "export F=six\r\n"
		    "export\tG=seven\n"
		    "exported=8",
	    "3 A=one;4 B=two words;5 C=a#b;6 D=;7 E=;8 F=six;9 G=seven;"
	    "10 exported=8;",
	    "");
}

static void
quotes_keep_what_is_within(void **state)
{
	(void)state;
	expect_text("A='a # b \\n $X'\n"
		    "B=\"a # b\" # comment\n"
		    "C=\"q\\\" b\\\\ n\\n t\\t d\\$X\"\n"
		    "D=''\n"
		    "E=\"5 $ and $1\"\n",
	    "1 A=a # b \\n $X;2 B=a # b;3 C=q\" b\\ n\n t\t d$X;4 D=;"
	    "5 E=5 $ and $1;",
	    "");
}

static void
each_bad_line_is_named_and_the_others_count(void **state)
{
	(void)state;
	expect_text("A=1\n"
		    "no equals sign\n"
		    "B='open\n"
		    "C=\"open\n"
		    "D=\"x\" y\n"
		    "E=\"\\q\"\n"
		    "F=\"$HOME\"\n"
		    "G=\"${HOME}\"\n"
		    "A=2\n"
		    "1H=3\n"
		    "=4\n"
		    "I=\xff\n"
		    "J=\"\\\n"
		    "K=9\n",
	    "1 A=1;14 K=9;",
	    ".env:2: no: expected NAME=VALUE\n"
	    ".env:3: B: expected a closing ' on the same line\n"
	    ".env:4: C: expected a closing \" on the same line\n"
	    ".env:5: D: expected the end of the line after the closing quote; "
	    "put the whole value in quotes\n"
	    ".env:6: E: expected \\\", \\\\, \\n, \\t or \\$ after the \\; "
	    "write \\\\ for itself\n"
	    ".env:7: F: nothing is put in for $NAME here; write \\$ for "
	    "itself, or use ' quotes\n"
	    ".env:8: G: nothing is put in for $NAME here; write \\$ for "
	    "itself, or use ' quotes\n"
	    ".env:9: A: given twice, first in line 1: remove one\n"
	    ".env:10: expected NAME=VALUE\n"
	    ".env:11: expected NAME=VALUE\n"
	    ".env:12: not UTF-8 text\n"
	    ".env:13: J: expected \\\", \\\\, \\n, \\t or \\$ after the \\; "
	    "write \\\\ for itself\n");
}

static void
a_nul_is_refused(void **state)
{
	(void)state;
	expect("A=x\0y\nB=1\n", 10, "2 B=1;", ".env:1: not UTF-8 text\n");
}

static void
a_name_and_a_file_have_their_limits(void **state)
{
	char *name = mem_zalloc(200, 1);
	char *big = mem_zalloc(CONF_DOTENV_BYTES_MAX + 1, 1);
	struct conf_problems ps = {0};
	struct conf_dotenv d = {0};

	(void)state;
	memset(name, 'A', 127);
	strcpy(name + 127, "=1");
	assert_true(conf_dotenv_parse(".env", name, 129, &d, &ps));
	assert_non_null(conf_dotenv_get(&d, d.items[0].name));
	assert_null(conf_dotenv_get(&d, "B"));
	memset(name, 'A', 128);
	strcpy(name + 128, "=1");
	expect_text(name, "", ".env:1: a name of more than 127 letters\n");

	memset(big, '\n', CONF_DOTENV_BYTES_MAX + 1);
	expect(big, CONF_DOTENV_BYTES_MAX, "", "");
	expect(big, CONF_DOTENV_BYTES_MAX + 1, "",
	    ".env: 65537 bytes, more than the 65536 allowed\n");
	conf_dotenv_fini(&d);
	conf_problems_fini(&ps);
	mem_free(&name);
	mem_free(&big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_values_end_at_a_comment),
	    cmocka_unit_test(quotes_keep_what_is_within),
	    cmocka_unit_test(each_bad_line_is_named_and_the_others_count),
	    cmocka_unit_test(a_nul_is_refused),
	    cmocka_unit_test(a_name_and_a_file_have_their_limits),
	};

	return cmocka_run_group_tests_name("conf_dotenv", tests, NULL, NULL);
}
