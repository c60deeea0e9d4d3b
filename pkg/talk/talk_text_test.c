#include "talk/talk_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const char contact[] =
    "{\"first_name\":\"Anna\",\"empty\":\"\",\"nothing\":null,"
    "\"address\":{\"city\":\"Austin\",\"zip\":78701},\"list\":[1],"
    "\"odd\":\"a\\nb\\tc\"}";
static const char data[] = "{\"plan\":\"gold\",\"seats\":12,\"rate\":2.5,"
			   "\"urgent\":true}";

/* What template becomes with the contact and data above. */
static char *
rendered(const char *template)
{
	struct err err = {0};
	struct talk_values v;
	struct buf out = BUF_INIT(TALK_TEMPLATE_MAX);
	char *text;

	talk_values_init(&v);
	assert_int_equal(
	    talk_values_add(&v, "agent.name", "Sarah", &err), ERR_NONE);
	if (talk_text_gather(template, contact, data, &v, &err) != ERR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(talk_text_render(template, &v, &out, &err), ERR_NONE);
	text = mem_strdup(buf_text(&out));
	buf_free(&out);
	talk_values_fini(&v);
	return text;
}

static void
expect(const char *template, const char *want)
{
	char *got = rendered(template);

	assert_string_equal(got, want);
	mem_free(&got);
}

static void
expect_refused(const char *template, const char *text)
{
	struct err err = {0};

	assert_int_equal(talk_text_check(template, &err), ERR_MALFORMED);
	if (strstr(err.text, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void
values_stand_where_they_are_named(void **state)
{
	(void)state;
	expect("Hello {{contact.first_name}}!", "Hello Anna!");
	expect("{{ contact.first_name }}", "Anna");
	expect("I am {{agent.name}}.", "I am Sarah.");
	expect("{{data.plan}} for {{data.seats}}", "gold for 12");
	expect(
	    "{{contact.address.city}} {{contact.address.zip}}", "Austin 78701");
	expect("{{data.rate}} {{data.urgent}}", "2.5 yes");
	expect("no places", "no places");
	expect("", "");
	expect("{ {contact.first_name} }", "{ {contact.first_name} }");
}

static void
a_default_stands_for_what_is_missing(void **state)
{
	(void)state;
	expect("Hello {{contact.nick|there}}!", "Hello there!");
	expect("Hello {{contact.empty|there}}!", "Hello there!");
	expect("Hello {{contact.nothing|there}}!", "Hello there!");
	expect("Hello {{contact.address|there}}!", "Hello there!");
	expect("Hello {{contact.list|there}}!", "Hello there!");
	expect("Hello {{contact.first_name|there}}!", "Hello Anna!");
	expect("{{contact.first_name.deeper|x}}", "x");
	expect("{{agent.company|us}}", "us");
	expect("{{data.x|a | b}}", "a | b");
}

static void
a_missing_value_leaves_no_gap(void **state)
{
	(void)state;
	expect("Hello {{contact.nick}}, how are you?", "Hello, how are you?");
	expect("Hello {{contact.nick}}", "Hello");
	expect("Hello {{contact.nick}} again", "Hello again");
	expect("{{contact.nick}}Hello", "Hello");
	expect("A{{contact.nick|}}B", "AB");
}

static void
control_characters_of_a_value_become_blanks(void **state)
{
	(void)state;
	expect("{{contact.odd}}", "a b c");
}

static void
a_broken_template_is_refused_with_its_place(void **state)
{
	(void)state;
	expect_refused("Hi {{contact.first_name", "byte 3");
	expect_refused("Hi {{contact.a {{contact.b}}", "byte 3");
	expect_refused("{{}}", "expected a name");
	expect_refused("{{contact}}", "contact.NAME");
	expect_refused("{{contact.}}", "contact.NAME");
	expect_refused("{{contact..a}}", "contact.NAME");
	expect_refused("{{contcat.a}}", "did you mean contact.NAME?");
	expect_refused("{{contact.a b}}", "byte 12");
	expect_refused("{{contact.a%}}", "expected \"|default\"");
}

static void
a_template_at_the_limit_passes_and_one_byte_more_does_not(void **state)
{
	struct err err = {0};
	char *text = mem_zalloc(TALK_TEMPLATE_MAX + 2, 1);

	(void)state;
	memset(text, 'a', TALK_TEMPLATE_MAX);
	assert_int_equal(talk_text_check(text, &err), ERR_NONE);
	text[TALK_TEMPLATE_MAX] = 'a';
	assert_int_equal(talk_text_check(text, &err), ERR_MALFORMED);
	mem_free(&text);
}

static void
only_what_a_template_names_is_gathered(void **state)
{
	struct err err = {0};
	struct talk_values v;

	(void)state;
	talk_values_init(&v);
	assert_int_equal(talk_text_gather("{{data.plan}} {{contact.nick|you}}",
			     contact, data, &v, &err),
	    ERR_NONE);
	assert_int_equal(v.count, 1);
	assert_string_equal(talk_values_get(&v, "data.plan"), "gold");
	assert_null(talk_values_get(&v, "contact.first_name"));
	talk_values_fini(&v);
}

static void
bad_json_is_named(void **state)
{
	struct err err = {0};
	struct talk_values v;

	(void)state;
	talk_values_init(&v);
	assert_int_equal(
	    talk_text_gather("x", "[]", "{}", &v, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "contact"));
	assert_int_equal(
	    talk_text_gather("x", "{}", "{", &v, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "data"));
	talk_values_fini(&v);
}

static void
a_long_value_is_cut_between_characters(void **state)
{
	struct err err = {0};
	struct talk_values v;
	char text[TALK_VALUE_MAX + 8];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + TALK_VALUE_MAX - 1, "\xc3\xa9", 3);
	talk_values_init(&v);
	assert_int_equal(talk_values_add(&v, "data.x", text, &err), ERR_NONE);
	assert_int_equal(
	    strlen(talk_values_get(&v, "data.x")), TALK_VALUE_MAX - 1);
	assert_int_equal(
	    talk_values_add(&v, "data.y", "\xff", &err), ERR_MALFORMED);
	assert_int_equal(
	    talk_values_add(&v, "data.x", "other", &err), ERR_NONE);
	assert_memory_equal(talk_values_get(&v, "data.x"), "aaa", 3);
	talk_values_fini(&v);
}

static void
the_number_of_values_is_limited(void **state)
{
	struct err err = {0};
	struct talk_values v;
	char name[32];

	(void)state;
	talk_values_init(&v);
	for (int i = 0; i < TALK_VALUES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "data.v%d", i);
		assert_int_equal(
		    talk_values_add(&v, name, "x", &err), ERR_NONE);
	}
	assert_int_equal(
	    talk_values_add(&v, "data.more", "x", &err), ERR_MALFORMED);
	talk_values_fini(&v);
}

static void
a_result_beyond_the_buffer_is_refused(void **state)
{
	struct err err = {0};
	struct talk_values v;
	struct buf out = BUF_INIT(4);

	(void)state;
	talk_values_init(&v);
	assert_int_equal(
	    talk_text_render("12345", &v, &out, &err), ERR_MALFORMED);
	buf_free(&out);
	talk_values_fini(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_stand_where_they_are_named),
	    cmocka_unit_test(a_default_stands_for_what_is_missing),
	    cmocka_unit_test(a_missing_value_leaves_no_gap),
	    cmocka_unit_test(control_characters_of_a_value_become_blanks),
	    cmocka_unit_test(a_broken_template_is_refused_with_its_place),
	    cmocka_unit_test(
		a_template_at_the_limit_passes_and_one_byte_more_does_not),
	    cmocka_unit_test(only_what_a_template_names_is_gathered),
	    cmocka_unit_test(bad_json_is_named),
	    cmocka_unit_test(a_long_value_is_cut_between_characters),
	    cmocka_unit_test(the_number_of_values_is_limited),
	    cmocka_unit_test(a_result_beyond_the_buffer_is_refused),
	};

	return cmocka_run_group_tests_name("talk_text", tests, NULL, NULL);
}
