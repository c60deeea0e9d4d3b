#include "json/json_write.h"

#include <sys/wait.h>

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void
expect_readable(const struct buf *out)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json *doc = NULL;
	struct err err = {0};

	if (json_parse(out->bytes, out->len, &limits, &doc, &err) != ERR_NONE)
		fail_msg("%s in %s", err.text, out->bytes);
	json_free(&doc);
}

static void
write_sample(struct json_writer *w)
{
	json_write_object(w);
	json_field_i64(w, "schema", 1);
	json_field_str(w, "name", "Jo \"Q\"\n");
	json_field_str(w, "none", NULL);
	json_field_null(w, "gone");
	json_field_bool(w, "yes", true);
	json_field_double(w, "half", 0.5);
	json_field_double(w, "bad", (double)NAN);
	json_field_time(w, "at", 1798988400000);
	json_field_time(w, "never", -1);
	json_write_key(w, "list");
	json_write_array(w);
	json_write_i64(w, INT64_MIN);
	json_write_array(w);
	json_write_end(w);
	json_write_object(w);
	json_write_end(w);
	json_write_bool(w, false);
	json_write_end(w);
	json_write_end(w);
}

static void
members_stand_in_the_order_of_the_calls(void **state)
{
	struct buf out = BUF_INIT(4096);
	struct json_writer w = JSON_WRITER_INIT(&out);

	(void)state;
	write_sample(&w);
	assert_string_equal(buf_text(&out),
	    "{\"schema\":1,\"name\":\"Jo \\\"Q\\\"\\n\",\"none\":null,"
	    "\"gone\":null,\"yes\":true,\"half\":0.5,\"bad\":null,"
	    "\"at\":\"2027-01-03T15:00:00.000Z\",\"never\":null,"
	    "\"list\":[-9223372036854775808,[],{},false]}");
	buf_free(&out);
}

static void
indented_output_has_one_member_a_line(void **state)
{
	struct buf out = BUF_INIT(4096);
	struct json_writer w = JSON_WRITER_INIT(&out);

	(void)state;
	w.indent = true;
	json_write_object(&w);
	json_field_i64(&w, "a", 1);
	json_write_key(&w, "b");
	json_write_array(&w);
	json_write_str(&w, "x");
	json_write_object(&w);
	json_write_end(&w);
	json_write_end(&w);
	json_write_end(&w);
	assert_string_equal(buf_text(&out),
	    "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    {}\n  ]\n}");
	expect_readable(&out);
	buf_free(&out);
}

static void
every_byte_string_becomes_valid_json(void **state)
{
	struct buf out = BUF_INIT(4096);

	(void)state;
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b += 5) {
			char text[3] = {(char)a, (char)b, 'x'};
			struct json_writer w = JSON_WRITER_INIT(&out);

			buf_clear(&out);
			json_write_strn(&w, text, sizeof(text));
			expect_readable(&out);
		}
	buf_free(&out);
}

static void
strings_are_escaped_as_the_rfc_says(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} rows[] = {
	    {"\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\""},
	    {"\"\\/", 3, "\"\\\"\\\\/\""},
	    {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\""},
	    {"a\0b", 3, "\"a\xef\xbf\xbd\x62\""},
	    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
	    {"a\xffz", 3, "\"a\xef\xbf\xbdz\""},
	    {"\xc3", 1, "\"\xef\xbf\xbd\""},
	    {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	    {"", 0, "\"\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT(100);
		struct json_writer w = JSON_WRITER_INIT(&out);

		json_write_strn(&w, rows[i].text, rows[i].len);
		assert_string_equal(buf_text(&out), rows[i].want);
		buf_free(&out);
	}
}

static void
raw_text_is_checked_and_loses_its_blanks(void **state)
{
	struct buf out = BUF_INIT(1000);
	struct json_writer w = JSON_WRITER_INIT(&out);
	static const char raw[] = "{ \"a\" : [ 1,\n \"x \\\" y\" ] }\n";
	struct err err;

	(void)state;
	json_write_object(&w);
	json_write_key(&w, "contact");
	assert_int_equal(
	    json_write_raw(&w, "{\"a\":}", 6, &err), ERR_MALFORMED);
	assert_string_equal(err.text, "column 6: expected a value");
	assert_int_equal(
	    json_write_raw(&w, "1,\"b\":2", 7, &err), ERR_MALFORMED);
	assert_int_equal(json_write_raw(&w, raw, strlen(raw), &err), ERR_NONE);
	json_write_end(&w);
	assert_string_equal(
	    buf_text(&out), "{\"contact\":{\"a\":[1,\"x \\\" y\"]}}");
	buf_free(&out);
}

static void
what_was_read_is_written_as_it_was(void **state)
{
	static const char text[] =
	    "{\"z\":[1,2.5,-0.001,1e+30],\"a\":{\"b\":null,\"c\":true},"
	    "\"s\":\"\xc3\xa9\\n\"}";
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct buf out = BUF_INIT(1000);
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct json *doc = NULL;
	struct err err;

	(void)state;
	assert_int_equal(
	    json_parse(text, strlen(text), &limits, &doc, &err), ERR_NONE);
	json_write_value(&w, doc);
	assert_string_equal(buf_text(&out), text);
	json_free(&doc);
	buf_free(&out);
}

static void
open_deepest(struct json_writer *w)
{
	for (int i = 0; i < JSON_WRITE_DEPTH_MAX; i++)
		json_write_array(w);
}

static void
the_deepest_nesting_is_written(void **state)
{
	struct buf out = BUF_INIT(1000);
	struct json_writer w = JSON_WRITER_INIT(&out);

	(void)state;
	open_deepest(&w);
	for (int i = 0; i < JSON_WRITE_DEPTH_MAX; i++)
		json_write_end(&w);
	assert_int_equal(out.len, 2 * JSON_WRITE_DEPTH_MAX);
	buf_free(&out);
}

static void
too_deep(struct json_writer *w)
{
	open_deepest(w);
	json_write_array(w);
}

static void
value_without_key(struct json_writer *w)
{
	json_write_object(w);
	json_write_i64(w, 1);
}

static void
two_keys(struct json_writer *w)
{
	json_write_object(w);
	json_write_key(w, "a");
	json_write_key(w, "b");
}

static void
key_in_an_array(struct json_writer *w)
{
	json_write_array(w);
	json_write_key(w, "a");
}

static void
end_too_many(struct json_writer *w)
{
	json_write_array(w);
	json_write_end(w);
	json_write_end(w);
}

static void
end_after_a_key(struct json_writer *w)
{
	json_write_object(w);
	json_write_key(w, "a");
	json_write_end(w);
}

static void
two_documents(struct json_writer *w)
{
	json_write_null(w);
	json_write_null(w);
}

/* CHECK aborts: a child tries, and says so on a stderr nobody reads. */
static void
impossible_orders_are_bugs(void **state)
{
	void (*const orders[])(struct json_writer *) = {too_deep,
	    value_without_key, two_keys, key_in_an_array, end_too_many,
	    end_after_a_key, two_documents};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct buf out = BUF_INIT(1000);
			struct json_writer w = JSON_WRITER_INIT(&out);

			(void)close(2);
			orders[i](&w);
			_exit(0);
		}
		int status = 0;

		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_stand_in_the_order_of_the_calls),
	    cmocka_unit_test(indented_output_has_one_member_a_line),
	    cmocka_unit_test(every_byte_string_becomes_valid_json),
	    cmocka_unit_test(strings_are_escaped_as_the_rfc_says),
	    cmocka_unit_test(raw_text_is_checked_and_loses_its_blanks),
	    cmocka_unit_test(what_was_read_is_written_as_it_was),
	    cmocka_unit_test(the_deepest_nesting_is_written),
	    cmocka_unit_test(impossible_orders_are_bugs),
	};

	return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
