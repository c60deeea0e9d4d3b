#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static struct json *
parsed(const char *text)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json *doc = NULL;
	struct err err = {0};

	if (json_parse(text, strlen(text), &limits, &doc, &err) != ERR_NONE)
		fail_msg("%s: %s", text, err.text);
	return doc;
}

static void
expect_refused(const char *text, size_t len, const char *want)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json *doc = NULL;
	struct err err = {0};

	/* A copy of exactly len bytes, so that a read beyond it is seen. */
	char *copy = mem_dup(text, len);

	assert_int_equal(
	    json_parse(copy, len, &limits, &doc, &err), ERR_MALFORMED);
	assert_null(doc);
	assert_string_equal(err.text, want);
	mem_free(&copy);
}

static void
every_kind_of_value_is_read(void **state)
{
	struct json *doc =
	    parsed(" {\"s\":\"a\\u00e9\\ud83d\\ude00\\n\", "
		   "\"n\":-12.5e1,\"i\":7,\"t\":true,\"f\":false,"
		   "\"z\":null,\"a\":[1,[],{}],\"o\":{\"k\":1}}\n");
	const struct json *node = NULL;
	const char *text = NULL;
	double number = 0;
	int64_t whole = 0;
	bool yes = true;
	struct err err;

	(void)state;
	assert_int_equal(json_kind(doc), JSON_OBJECT);
	assert_int_equal(json_count(doc), 8);
	assert_int_equal(json_str(doc, "s", &text, &err), ERR_NONE);
	assert_string_equal(text, "a\xc3\xa9\xf0\x9f\x98\x80\n");
	assert_int_equal(json_double(doc, "n", &number, &err), ERR_NONE);
	assert_true(number == -125);
	assert_int_equal(json_i64(doc, "i", 0, 9, &whole, &err), ERR_NONE);
	assert_int_equal(whole, 7);
	assert_int_equal(json_bool(doc, "f", &yes, &err), ERR_NONE);
	assert_false(yes);
	assert_int_equal(json_bool(doc, "t", &yes, &err), ERR_NONE);
	assert_true(yes);
	assert_int_equal(json_kind(json_get(doc, "z")), JSON_NULL);
	assert_int_equal(json_arr(doc, "a", &node, &err), ERR_NONE);
	assert_int_equal(json_count(node), 3);
	assert_int_equal(
	    json_to_i64(json_at(node, 0), 1, 1, &whole, &err), ERR_NONE);
	assert_int_equal(json_kind(json_at(node, 1)), JSON_ARRAY);
	assert_int_equal(json_count(json_at(node, 2)), 0);
	assert_null(json_at(node, 3));
	assert_int_equal(json_obj(doc, "o", &node, &err), ERR_NONE);
	assert_string_equal(json_key(json_at(node, 0)), "k");
	assert_null(json_get(doc, "nothing"));
	assert_null(json_get(NULL, "s"));
	assert_null(json_get(json_get(doc, "i"), "s"));
	json_free(&doc);
	assert_null(doc);
	json_free(&doc);
}

static void
what_is_no_json_names_its_place(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
	    {"", "column 1: expected a value, got the end"},
	    {"  ", "column 3: expected a value, got the end"},
	    {"{", "column 2: expected a key in double quotes"},
	    {"{\"a\":1,}", "column 8: expected a key in double quotes"},
	    {"{\"a\":1,\n\"b\" 2}", "line 2 column 5: expected : after a key"},
	    {"{a:1}", "column 2: expected a key in double quotes"},
	    {"{\"a\":1 \"b\":2}", "column 8: expected , or }"},
	    {"[1,]", "column 4: expected a value"},
	    {"[1 2]", "column 4: expected , or ]"},
	    {"[1", "column 3: expected , or ]"},
	    {"{} {}", "column 4: expected nothing after the value"},
	    {"1 // one", "column 3: expected nothing after the value"},
	    {"'a'", "column 1: expected a value"},
	    {"\"a", "column 1: this string has no end"},
	    {"\"a\\", "column 3: no such escape"},
	    {"\"\\x41\"", "column 2: no such escape"},
	    {"\"a\tb\"",
		"column 3: a control character in a string; write it as \\n, "
		"\\t or \\u00XX"},
	    {"\"\\u12g4\"", "column 4: expected four hex digits after \\u"},
	    {"\"\\u12", "column 4: expected four hex digits after \\u"},
	    {"\"\\u0000\"", "column 4: \\u0000 is not allowed"},
	    {"\"\\ud83d\"", "column 8: a high surrogate without its low one"},
	    {"\"\\ud83d\\u0041\"",
		"column 8: a high surrogate without its low one"},
	    {"\"\\ude00\"", "column 4: a low surrogate without its high one"},
	    {"\"\xff\"", "column 2: invalid UTF-8"},
	    {"\"\xc0\x80\"", "column 2: invalid UTF-8"},
	    {"\"\xed\xa0\x80\"", "column 2: invalid UTF-8"},
	    {"tru", "column 1: expected true, false or null"},
	    {"nul!", "column 1: expected true, false or null"},
	    {"True", "column 1: expected a value"},
	    {"NaN", "column 1: expected a value"},
	    {"+1", "column 1: expected a value"},
	    {"01", "column 1: a number must not begin with 0"},
	    {"-", "column 2: expected a digit"},
	    {"1.", "column 3: expected a digit after the point"},
	    {".5", "column 1: expected a value"},
	    {"1e", "column 3: expected a digit in the exponent"},
	    {"1e+", "column 4: expected a digit in the exponent"},
	    {"1e999", "column 1: a number too large"},
	    {"\xef\xbb\xbf{}", "column 1: expected a value"},
	    {"[\f1]", "column 2: expected a value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_refused(
		    rows[i].text, strlen(rows[i].text), rows[i].want);
	expect_refused("\"a\0b\"", 5, "column 3: NUL in a string");
	expect_refused("[1\0]", 4, "column 3: expected , or ]");
	expect_refused("{}\0", 3, "column 3: expected nothing after the value");
}

static void
whole_numbers_that_a_double_would_change_are_refused(void **state)
{
	static const char why[] = "column 1: a whole number beyond "
				  "9007199254740991 would be changed; send it "
				  "as a string";
	struct json *doc = parsed("[9007199254740991,-9007199254740991,1e30]");
	struct json *large = parsed("[1e21,-1.5e300,9007199254740991.0]");
	int64_t number = 0;
	struct err err;

	(void)state;
	assert_int_equal(
	    json_to_i64(json_at(doc, 0), 0, INT64_MAX, &number, &err),
	    ERR_NONE);
	assert_int_equal(number, JSON_I64_MAX);
	assert_int_equal(
	    json_to_i64(json_at(doc, 1), INT64_MIN, 0, &number, &err),
	    ERR_NONE);
	assert_int_equal(number, -JSON_I64_MAX);
	assert_int_equal(
	    json_to_i64(json_at(doc, 2), INT64_MIN, INT64_MAX, &number, &err),
	    ERR_MALFORMED);
	json_free(&doc);
	json_free(&large);
	expect_refused("9007199254740992", 16, why);
	/* The same in other clothes: they would be written as above. */
	expect_refused("1e20", 4, why);
	expect_refused("-9.007199254740992e15", 21, why);
	expect_refused("9007199254740992.5", 18, why);
	expect_refused("999999999999999900000e0", 23, why);
	expect_refused("-9007199254740993", 17, why);
	expect_refused("123456789012345678901234567890", 30, why);
}

static void
a_number_has_at_most_63_characters(void **state)
{
	char text[80] = "0.";
	struct json *doc;

	(void)state;
	memset(text + 2, '0', 60);
	(void)strcpy(text + 62, "1");
	doc = parsed(text);
	json_free(&doc);
	(void)strcpy(text + 62, "01");
	expect_refused(
	    text, 64, "column 1: a number of more than 63 characters");
}

static void
a_key_given_twice_is_refused_with_its_path(void **state)
{
	static const char nested[] =
	    "{\"a\":[{\"b\":1},{\"c d\":1,\"x\":2,\"c d\":3}]}";

	(void)state;
	expect_refused("{\"a\":1,\"b\":2,\"a\":3}", 19, "a: given twice");
	expect_refused("{\"a\":1,\"\\u0061\":3}", 18, "a: given twice");
	expect_refused(nested, strlen(nested), "a[1][\"c d\"]: given twice");
}

static void
limits_hold_to_the_byte(void **state)
{
	static const char text[] = "[[1,2],{\"a\":3}]";
	static const struct {
		struct json_limits limits;
		const char *want;
	} rows[] = {
	    {{15, 2, 6}, NULL},
	    {{14, 2, 6}, "15 bytes, more than the 14 allowed"},
	    {{15, 1, 6}, "column 2: nested too deeply"},
	    {{15, 2, 5}, "column 13: more values than are allowed in one "
			 "document"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *doc = NULL;
		struct err err = {0};
		enum err_code code =
		    json_parse(text, strlen(text), &rows[i].limits, &doc, &err);

		assert_int_equal(
		    code, rows[i].want != NULL ? ERR_MALFORMED : ERR_NONE);
		if (rows[i].want != NULL)
			assert_string_equal(err.text, rows[i].want);
		json_free(&doc);
	}
}

static void
the_deepest_document_is_read_and_walked(void **state)
{
	const struct json_limits limits = {1000, 256, 1000};
	struct json *doc = NULL;
	struct buf text = BUF_INIT(1000);
	struct buf path = BUF_INIT(1000);
	struct err err;

	(void)state;
	for (int i = 0; i < 256; i++)
		buf_putc(&text, '[');
	for (int i = 0; i < 256; i++)
		buf_putc(&text, ']');
	assert_int_equal(
	    json_parse(text.bytes, text.len, &limits, &doc, &err), ERR_NONE);
	const struct json *j = doc;

	while (json_count(j) > 0)
		j = json_at(j, 0);
	json_path(j, &path);
	assert_int_equal(path.len, 255 * strlen("[0]"));
	assert_int_equal(json_refuse(j, NULL, &err, "no"), ERR_MALFORMED);
	assert_true(strlen(err.text) < 200);
	assert_memory_equal(err.text, "...", 3);
	json_free(&doc);
	buf_free(&text);
	buf_free(&path);
}

/* Each getter, on what it does not take. */
static void
errors_name_path_and_kinds(void **state)
{
	struct json *doc =
	    parsed("{\"contact\":{\"first_name\":7,\"tags\":[\"a\",{\"n\":1.5}"
		   "],\"none\":null}}");
	const struct json *contact = json_get(doc, "contact");
	const struct json *item = json_at(json_get(contact, "tags"), 1);
	const struct json *node = NULL;
	const char *text = "kept";
	int64_t number = 5;
	double real = 5;
	bool yes = true;
	struct err err;

	(void)state;
	assert_int_equal(
	    json_str(contact, "first_name", &text, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact.first_name: expected a string, got a number");
	assert_int_equal(
	    json_str(contact, "last_name", &text, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact.last_name: missing, expected a string");
	assert_int_equal(json_bool(contact, "none", &yes, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact.none: expected true or false, got null");
	assert_int_equal(
	    json_i64(item, "n", 0, 9, &number, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact.tags[1].n: expected a whole number, got 1.5");
	assert_int_equal(json_i64(contact, "first_name", 8, 9, &number, &err),
	    ERR_MALFORMED);
	assert_string_equal(err.text,
	    "contact.first_name: expected a number from 8 to 9, got 7");
	assert_int_equal(json_obj(contact, "tags", &node, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact.tags: expected an object, got an array");
	assert_int_equal(json_arr(doc, "contact", &node, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact: expected an array, got an object");
	assert_int_equal(
	    json_double(doc, "contact", &real, &err), ERR_MALFORMED);
	assert_int_equal(json_str(json_get(contact, "tags"), "x", &text, &err),
	    ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contact.tags: expected an object, got an array");
	assert_int_equal(json_expect(doc, JSON_ARRAY, &err), ERR_MALFORMED);
	assert_string_equal(err.text, "expected an array, got an object");
	assert_int_equal(
	    json_refuse(contact, "age", &err, "no %d", 3), ERR_MALFORMED);
	assert_string_equal(err.text, "contact.age: no 3");
	assert_string_equal(text, "kept");
	assert_int_equal(number, 5);
	assert_true(real == 5 && yes && node == NULL);
	json_free(&doc);
}

static void
what_is_optional_keeps_its_default(void **state)
{
	struct json *doc = parsed("{\"a\":null,\"s\":\"x\",\"i\":3,\"d\":0.5,"
				  "\"b\":true,\"o\":{},\"l\":[]}");
	const struct json *node = NULL;
	const char *text = "default";
	int64_t number = 5;
	double real = 5;
	bool yes = false;
	struct err err;

	(void)state;
	for (const char *const *key = (const char *const[]){"a", "q", NULL};
	     *key != NULL; key++) {
		assert_int_equal(
		    json_opt_str(doc, *key, &text, &err), ERR_NONE);
		assert_int_equal(
		    json_opt_i64(doc, *key, 0, 1, &number, &err), ERR_NONE);
		assert_int_equal(
		    json_opt_double(doc, *key, &real, &err), ERR_NONE);
		assert_int_equal(
		    json_opt_bool(doc, *key, &yes, &err), ERR_NONE);
		assert_int_equal(
		    json_opt_obj(doc, *key, &node, &err), ERR_NONE);
		assert_int_equal(
		    json_opt_arr(doc, *key, &node, &err), ERR_NONE);
	}
	assert_string_equal(text, "default");
	assert_true(number == 5 && real == 5 && !yes && node == NULL);

	assert_int_equal(json_opt_str(doc, "s", &text, &err), ERR_NONE);
	assert_int_equal(json_opt_i64(doc, "i", 0, 9, &number, &err), ERR_NONE);
	assert_int_equal(json_opt_double(doc, "d", &real, &err), ERR_NONE);
	assert_int_equal(json_opt_bool(doc, "b", &yes, &err), ERR_NONE);
	assert_string_equal(text, "x");
	assert_true(number == 3 && real == 0.5 && yes);
	assert_int_equal(json_opt_obj(doc, "o", &node, &err), ERR_NONE);
	assert_int_equal(json_kind(node), JSON_OBJECT);
	assert_int_equal(json_opt_arr(doc, "l", &node, &err), ERR_NONE);
	assert_int_equal(json_kind(node), JSON_ARRAY);
	assert_int_equal(json_opt_str(doc, "i", &text, &err), ERR_MALFORMED);
	assert_string_equal(err.text, "i: expected a string, got a number");
	json_free(&doc);
}

static void
unknown_members_get_a_suggestion(void **state)
{
	static const char *const keys[] = {"phone", "contact", NULL};
	struct json *doc = parsed("{\"phone\":1,\"contcat\":2}");
	struct err err;

	(void)state;
	assert_int_equal(json_only(doc, keys, &err), ERR_MALFORMED);
	assert_string_equal(
	    err.text, "contcat: no such field; did you mean contact?");
	json_free(&doc);
	doc = parsed("{\"contact\":1,\"xyz\":2}");
	assert_int_equal(json_only(doc, keys, &err), ERR_MALFORMED);
	assert_string_equal(err.text, "xyz: no such field");
	json_free(&doc);
	doc = parsed("{\"contact\":1}");
	assert_int_equal(json_only(doc, keys, &err), ERR_NONE);
	assert_int_equal(json_only(json_at(doc, 0), keys, &err), ERR_MALFORMED);
	json_free(&doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_value_is_read),
	    cmocka_unit_test(what_is_no_json_names_its_place),
	    cmocka_unit_test(
		whole_numbers_that_a_double_would_change_are_refused),
	    cmocka_unit_test(a_number_has_at_most_63_characters),
	    cmocka_unit_test(a_key_given_twice_is_refused_with_its_path),
	    cmocka_unit_test(limits_hold_to_the_byte),
	    cmocka_unit_test(the_deepest_document_is_read_and_walked),
	    cmocka_unit_test(errors_name_path_and_kinds),
	    cmocka_unit_test(what_is_optional_keeps_its_default),
	    cmocka_unit_test(unknown_members_get_a_suggestion),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
