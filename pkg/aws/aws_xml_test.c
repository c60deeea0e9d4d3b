#include "aws/aws_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

/* "path=text" a line. */
static void
note(void *arg, const struct aws_xml_element *e)
{
	buf_printf(arg, "%s=%s\n", e->path, e->text);
}

static enum err_code
read_all(const char *text, struct buf *seen, struct err *err)
{
	*seen = BUF_INIT(1 << 20);
	return aws_xml_read(text, strlen(text), note, seen, err);
}

static void
elements_come_with_their_path_and_text_children_first(void **state)
{
	struct buf seen;
	struct err err;

	(void)state;
	assert_int_equal(
	    read_all("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<ListPartsResult xmlns=\"http://s3.amazonaws.com/\">\n"
		     "  <Part>\n    <ETag>&quot;a&amp;b&quot;</ETag>\n"
		     "    <Size> 7</Size>\n  </Part>\n"
		     "  <x:Part xmlns:x='u'><x:ETag><![CDATA[<c>]]></x:ETag>"
		     "</x:Part><Empty/>\n"
		     "</ListPartsResult>\n",
		&seen, &err),
	    ERR_NONE);
	assert_string_equal(seen.bytes, "ListPartsResult/Part/ETag=\"a&b\"\n"
					"ListPartsResult/Part/Size= 7\n"
					"ListPartsResult/Part=\n"
					"ListPartsResult/Part/ETag=<c>\n"
					"ListPartsResult/Part=\n"
					"ListPartsResult/Empty=\n"
					"ListPartsResult=\n");
	buf_free(&seen);
}

static void
blanks_in_front_of_the_document_are_skipped(void **state)
{
	struct buf seen;
	struct err err;

	(void)state;
	assert_int_equal(
	    read_all(" \n\n <?xml version='1.0'?><a>1</a>", &seen, &err),
	    ERR_NONE);
	assert_string_equal(seen.bytes, "a=1\n");
	buf_free(&seen);
}

struct places {
	const char *text;
	struct buf cut;
};

static void
cut_rules(void *arg, const struct aws_xml_element *e)
{
	struct places *p = arg;

	if (strcmp(e->path, "L/Rule") != 0)
		return;
	buf_put(&p->cut, p->text + e->begin, e->end - e->begin);
	buf_putc(&p->cut, '|');
}

static void
an_element_can_be_cut_out_as_it_stands(void **state)
{
	struct places p = {"  <L><Rule><ID>a &amp; b</ID></Rule>\n <Rule/>\n"
			   "<!-- c --><Rule a='1' >x</Rule ></L>",
	    BUF_INIT(1000)};
	struct err err;

	(void)state;
	assert_int_equal(
	    aws_xml_read(p.text, strlen(p.text), cut_rules, &p, &err),
	    ERR_NONE);
	assert_string_equal(p.cut.bytes, "<Rule><ID>a &amp; b</ID></Rule>|"
					 "<Rule/>|<Rule a='1' >x</Rule >|");
	buf_free(&p.cut);
}

static void
an_element_that_has_only_a_prefix_is_refused(void **state)
{
	struct buf seen;
	struct err err;

	(void)state;
	assert_int_equal(
	    read_all("<a:><Error/></a:>", &seen, &err), ERR_MALFORMED);
	buf_free(&seen);
	assert_int_equal(read_all("<:/>", &seen, &err), ERR_MALFORMED);
	buf_free(&seen);
}

static void
what_is_no_xml_is_refused_with_its_place(void **state)
{
	static const char *const rows[] = {"", "   ", "<a>", "<a></b>",
	    "{\"a\":1}", "<a>\x01</a>", "<a>\xff</a>", "<a/><b/>",
	    "<a>&undeclared;</a>", "<html><br></html>"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf seen;
		struct err err;

		assert_int_equal(read_all(rows[i], &seen, &err), ERR_MALFORMED);
		assert_non_null(strstr(err.text, "XML: line 1 column"));
		buf_free(&seen);
	}
}

static void
entities_cannot_be_declared(void **state)
{
	static const char *const rows[] = {
	    "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
	    "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
	    ("<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;\">]>"
	     "<a>&m;</a>")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf seen;
		struct err err;

		assert_int_equal(read_all(rows[i], &seen, &err), ERR_MALFORMED);
		assert_non_null(strstr(err.text, "DOCTYPE"));
		assert_int_equal(seen.len, 0);
		buf_free(&seen);
	}
}

static void
repeat(struct buf *b, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_puts(b, text);
}

/* open times, then middle, then close times. */
static enum err_code
nested(const char *open, size_t times, const char *middle, size_t middles,
    const char *close)
{
	struct buf text = BUF_INIT(8 << 20);
	struct buf seen = BUF_INIT(16 << 20);
	struct err err;
	enum err_code code;

	repeat(&text, open, times);
	repeat(&text, middle, middles);
	repeat(&text, close, times);
	code = aws_xml_read(text.bytes, text.len, note, &seen, &err);
	buf_free(&text);
	buf_free(&seen);
	return code;
}

static void
every_limit_holds_and_what_is_just_within_is_read(void **state)
{
	char name[600];
	char open[700], close[700];

	(void)state;
	assert_int_equal(
	    nested("<a>", AWS_XML_DEPTH_MAX, "", 0, "</a>"), ERR_NONE);
	assert_int_equal(
	    nested("<a>", AWS_XML_DEPTH_MAX + 1, "", 0, "</a>"), ERR_MALFORMED);
	assert_int_equal(
	    nested("<a>", 1, "x", AWS_XML_TEXT_MAX, "</a>"), ERR_NONE);
	assert_int_equal(
	    nested("<a>", 1, "x", AWS_XML_TEXT_MAX + 1, "</a>"), ERR_MALFORMED);
	assert_int_equal(
	    nested("<a>", 1, "<b/>", AWS_XML_ELEMENTS_MAX - 1, "</a>"),
	    ERR_NONE);
	assert_int_equal(nested("<a>", 1, "<b/>", AWS_XML_ELEMENTS_MAX, "</a>"),
	    ERR_MALFORMED);
	memset(name, 'n', sizeof(name));
	name[AWS_XML_PATH_MAX - 2] = '\0';
	(void)snprintf(open, sizeof(open), "<%s>", name);
	(void)snprintf(close, sizeof(close), "</%s>", name);
	assert_int_equal(nested(open, 1, "", 0, close), ERR_NONE);
	(void)snprintf(open, sizeof(open), "<%snn>", name);
	(void)snprintf(close, sizeof(close), "</%snn>", name);
	assert_int_equal(nested(open, 1, "", 0, close), ERR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		elements_come_with_their_path_and_text_children_first),
	    cmocka_unit_test(blanks_in_front_of_the_document_are_skipped),
	    cmocka_unit_test(an_element_can_be_cut_out_as_it_stands),
	    cmocka_unit_test(what_is_no_xml_is_refused_with_its_place),
	    cmocka_unit_test(an_element_that_has_only_a_prefix_is_refused),
	    cmocka_unit_test(entities_cannot_be_declared),
	    cmocka_unit_test(every_limit_holds_and_what_is_just_within_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
