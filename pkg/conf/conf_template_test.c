#include "conf/conf_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

/* Names as "offset name[|];", then "!offset what" if it is refused. */
static void
expect(const char *text, const char *want)
{
	struct buf out = BUF_INIT(4096);
	struct conf_placeholder p;
	struct err err = {0};
	bool found = true;
	size_t at = 0;

	while (found) {
		if (conf_template_next(text, strlen(text), &at, &p, &found,
			&err) != ERR_NONE) {
			buf_printf(&out, "!%zu %s", at, err.text);
			break;
		}
		if (found)
			buf_printf(&out, "%zu %.*s%s;", p.offset,
			    (int)p.name_len, p.name, p.has_default ? "|" : "");
	}
	assert_string_equal(buf_text(&out), want);
	buf_free(&out);
}

static void
placeholders_are_found(void **state)
{
	(void)state;
	expect("", "");
	expect("nothing { here } at all", "");
	expect("Hi {{contact.first_name}}!", "3 contact.first_name;");
	expect("{{ contact.a-b }}{{data.x.y|}}", "0 contact.a-b;17 data.x.y|;");
	expect("{{contact.first_name|there}} {{agent.name}} {{agent.company}}",
	    "0 contact.first_name|;29 agent.name;44 agent.company;");
	expect("{{data.x|a } b | c}}", "0 data.x|;");
}

static void
what_cannot_be_filled_is_refused_where_it_stands(void **state)
{
	static const char names[] =
	    ": expected contact.NAME, data.NAME, agent.name or agent.company";
	static const struct {
		const char *text;
		const char *head;
		const char *tail;
	} rows[] = {
	    {"{{}}", "!0 {{}}", ""},
	    {"{{contact}}", "!0 {{contact}}", ""},
	    {"a {{contact.}}", "!2 {{contact.}}", ""},
	    {"{{contact..a}}", "!0 {{contact..a}}", ""},
	    {"{{contcat.a}}", "!0 {{contcat.a}}", "; did you mean contact?"},
	    {"{{agent.phone}}", "!0 {{agent.phone}}", ""},
	    {"{{Contact.a}}", "!0 {{Contact.a}}", "; did you mean contact?"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *want =
		    mem_printf("%s%s%s", rows[i].head, names, rows[i].tail);

		expect(rows[i].text, want);
		mem_free(&want);
	}
	expect("Hi {{contact.a", "!3 \"{{\" without \"}}\"");
	expect("Hi {{contact.a} there", "!3 \"{{\" without \"}}\"");
	expect("{{contact.a {{data.b}}", "!0 \"{{\" without \"}}\"");
	expect("{{data.b}} {{", "0 data.b;!11 \"{{\" without \"}}\"");
	expect("data.b}} {{data.c}}", "!6 \"}}\" without \"{{\"");
	expect("{{contact.a b}}",
	    "!0 expected \"|default\" or \"}}\" after {{contact.a");
}

static void
a_long_name_is_refused(void **state)
{
	char text[120] = "{{data.";
	size_t len = 2 + CONF_TEMPLATE_NAME_MAX;

	(void)state;
	memset(text + 7, 'x', len - 7);
	(void)strcpy(text + len, "}}");
	struct conf_placeholder p;
	struct err err;
	bool found = false;
	size_t at = 0;

	assert_int_equal(
	    conf_template_next(text, len + 2, &at, &p, &found, &err), ERR_NONE);
	assert_int_equal(p.name_len, CONF_TEMPLATE_NAME_MAX);
	(void)strcpy(text + len, "x}}");
	expect(text, "!0 a name of more than 95 letters");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(placeholders_are_found),
	    cmocka_unit_test(what_cannot_be_filled_is_refused_where_it_stands),
	    cmocka_unit_test(a_long_name_is_refused),
	};

	return cmocka_run_group_tests_name("conf_template", tests, NULL, NULL);
}
