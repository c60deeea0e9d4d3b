#include "carrier/carrier_sim_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "carrier/carrier_sim_heap.h"

static enum err_code
parse(const char *text, struct carrier_sim_line *out, struct err *err)
{
	return carrier_sim_line_parse(text, strlen(text), out, err);
}

#define ZEROS                              \
	"00000000000000000000000000000000" \
	"00000000000000000000000000000000"

static void
what_is_written_reads_back(void **state)
{
	static const char *const lines[] = {
	    "{\"at_ms\":1,\"ev\":\"origin\",\"schema\":1,\"boot\":\"ab\","
	    "\"boot_ms\":5,\"speed\":7,\"seed\":9223372036854775807,"
	    "\"params\":{\"class\":\"named\",\"x\":[1,{\"y\":\"}\"}]}}\n",
	    "{\"at_ms\":-2,\"ev\":\"boot\",\"boot\":\"cd\",\"boot_ms\":6}\n",
	    "{\"at_ms\":3,\"ev\":\"request\",\"call\":\"c\",\"key\":\"k\","
	    "\"event\":4,\"hash\":\"" ZEROS "\",\"to\":\"+1\",\"from\":\"+2\","
	    "\"persona\":\"p\",\"ring_ms\":5,\"max_ms\":6,\"line\":7}\n",
	    "{\"at_ms\":4,\"ev\":\"placed\",\"call\":\"c\",\"key\":\"k\\\"\\\\"
	    "\\u0007\",\"to\":\"+1\"}\n",
	    "{\"at_ms\":5,\"ev\":\"answered\",\"call\":\"c\"}\n",
	    "{\"at_ms\":6,\"ev\":\"ended\",\"call\":\"c\",\"outcome\":"
	    "\"voicemail\",\"by\":\"network\"}\n",
	    "{\"at_ms\":7,\"ev\":\"refused\",\"call\":\"c\",\"code\":"
	    "\"bad-number\"}\n",
	    "{\"at_ms\":8,\"ev\":\"taken\",\"call\":\"c\",\"n\":2}\n",
	};
	struct buf out = BUF_INIT(2 * CARRIER_SIM_LINE_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct carrier_sim_line line;
		struct err err = {0};

		if (carrier_sim_line_parse(lines[i], strlen(lines[i]) - 1,
			&line, &err) != ERR_NONE)
			fail_msg("%s: %s", lines[i], err.text);
		assert_int_equal(line.ev, i);
		buf_clear(&out);
		carrier_sim_line_put(&out, &line);
		assert_string_equal(out.bytes, lines[i]);
	}
	buf_free(&out);
}

static void
members_may_come_in_any_order_and_new_ones_are_ignored(void **state)
{
	struct carrier_sim_line line;
	struct err err;

	(void)state;
	assert_int_equal(
	    parse("{ \"call\" : \"c\\/d\" , \"new\":{\"a\":[\"]\"]}, "
		  "\"n\":-1,\"other\":null,\"ev\":\"taken\",\"at_ms\":12 }",
		&line, &err),
	    ERR_NONE);
	assert_string_equal(line.call, "c/d");
	assert_int_equal(line.at_ms, 12);
	assert_int_equal(line.n, -1);
}

static void
what_is_no_line_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
	    {"", "object"},
	    {"[]", "object"},
	    {"{", "member"},
	    {"{\"at_ms\":1", "member"},
	    {"{}", "\"ev\""},
	    {"{\"at_ms\":1}", "\"ev\""},
	    {"{\"at_ms\":1,\"ev\":\"magic\"}", "\"ev\""},
	    {"{\"at_ms\":1,\"ev\":\"\"}", "\"ev\""},
	    {"{\"ev\":\"answered\",\"call\":\"c\"}", "at_ms"},
	    {"{\"at_ms\":1,\"ev\":\"answered\"}", "call"},
	    {"{\"at_ms\":1.5,\"ev\":\"answered\",\"call\":\"c\"}", "at_ms"},
	    {"{\"at_ms\":\"1\",\"ev\":\"answered\",\"call\":\"c\"}", "at_ms"},
	    {"{\"at_ms\":9223372036854775808,\"ev\":\"answered\"}", "at_ms"},
	    {"{\"at_ms\":99999999999999999999,\"ev\":\"answered\"}", "at_ms"},
	    {"{\"at_ms\":1,\"ev\":\"answered\",\"call\":5}", "call"},
	    {"{\"at_ms\":1,\"ev\":\"answered\",\"call\":\"\\u00e9\"}", "call"},
	    {"{\"at_ms\":1,\"ev\":\"answered\",\"call\":\"\\u0000\"}", "call"},
	    {"{\"at_ms\":1,\"ev\":\"answered\",\"call\":\"\\x\"}", "call"},
	    {"{\"at_ms\":1,\"ev\":\"answered\",\"call\":\"c\"} x", "after"},
	    {"{\"at_ms\":1,\"ev\":\"answered\",\"call\":\"c\"}}", "after"},
	    {"{\"at_ms\":1 \"ev\":\"answered\",\"call\":\"c\"}", "member"},
	    {"{\"at_ms\":1,\"ev\":\"ended\",\"call\":\"c\",\"outcome\":\"odd\","
	     "\"by\":\"agent\"}",
		"outcome"},
	    {"{\"at_ms\":1,\"ev\":\"ended\",\"call\":\"c\",\"outcome\":"
	     "\"busy\",\"by\":\"me\"}",
		"\"by\""},
	    {"{\"at_ms\":1,\"ev\":\"refused\",\"call\":\"c\",\"code\":\"\"}",
		"code"},
	    {"{\"at_ms\":1,\"ev\":\"request\",\"call\":\"c\",\"hash\":\"12\"}",
		"hash"},
	    {"{\"at_ms\":1,\"x\":[,\"ev\":\"answered\",\"call\":\"c\"}", "x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct carrier_sim_line line;
		struct err err = {0};

		if (parse(rows[i].text, &line, &err) != ERR_MALFORMED)
			fail_msg("%s was read", rows[i].text);
		if (strstr(err.text, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].text, err.text);
	}
}

static void
every_cut_of_a_line_is_refused(void **state)
{
	static const char text[] =
	    "{\"at_ms\":3,\"ev\":\"request\",\"call\":\"c\",\"key\":\"k\","
	    "\"event\":4,\"hash\":\"" ZEROS "\",\"to\":\"+1\",\"from\":\"+2\"}";
	struct carrier_sim_line line;
	struct err err;

	(void)state;
	assert_int_equal(parse(text, &line, &err), ERR_NONE);
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		/* A copy of its own, so that a reader too far is noticed. */
		char *cut = mem_dup(text, n);

		assert_int_equal(
		    carrier_sim_line_parse(cut, n, &line, &err), ERR_MALFORMED);
		mem_free(&cut);
	}
}

static void
a_text_too_long_is_refused(void **state)
{
	struct carrier_sim_line line;
	struct err err;
	char text[400];

	(void)state;
	for (int n = 60; n < 70; n++) {
		(void)snprintf(text, sizeof(text),
		    "{\"at_ms\":1,\"ev\":\"answered\",\"call\":\"%0*d\"}", n,
		    1);
		assert_int_equal(parse(text, &line, &err),
		    n < CARRIER_SIM_WORD_MAX ? ERR_NONE : ERR_MALFORMED);
	}
}

static void
a_member_is_found_as_written(void **state)
{
	static const char text[] =
	    "{\"a\":\"x\",\"b.c\": 0.05 ,\"d\":{\"a\":1}}";
	size_t len = 0;
	const char *at;

	(void)state;
	at = carrier_sim_line_member(text, sizeof(text) - 1, "a", &len);
	assert_int_equal(len, 3);
	assert_memory_equal(at, "\"x\"", 3);
	at = carrier_sim_line_member(text, sizeof(text) - 1, "d", &len);
	assert_memory_equal(at, "{\"a\":1}", len);
	assert_null(carrier_sim_line_member(text, sizeof(text) - 1, "c", &len));
	assert_null(carrier_sim_line_member("x", 1, "c", &len));
}

static void
a_heap_gives_by_time_then_by_order(void **state)
{
	struct carrier_sim_due nodes[200] = {0};
	struct carrier_sim_heap h = {0};
	const struct carrier_sim_due *top;
	int64_t last = -1;
	uint64_t order = 0;
	size_t n = 0;

	(void)state;
	assert_null(carrier_sim_heap_top(&h));
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		carrier_sim_heap_put(&h, &nodes[i], (int64_t)(i * 37 % 50));
	for (size_t i = 0; i < ARRAY_LEN(nodes); i += 3)
		carrier_sim_heap_remove(&h, &nodes[i]);
	carrier_sim_heap_remove(&h, &nodes[0]);
	for (size_t i = 1; i < ARRAY_LEN(nodes); i += 3)
		carrier_sim_heap_put(&h, &nodes[i], (int64_t)(i % 11));
	while ((top = carrier_sim_heap_top(&h)) != NULL) {
		assert_true(top->at_ms > last ||
			    (top->at_ms == last && top->order > order));
		last = top->at_ms;
		order = top->order;
		carrier_sim_heap_remove(&h, &nodes[top - nodes]);
		n++;
	}
	assert_int_equal(n, 133);
	carrier_sim_heap_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_reads_back),
	    cmocka_unit_test(
		members_may_come_in_any_order_and_new_ones_are_ignored),
	    cmocka_unit_test(what_is_no_line_is_refused),
	    cmocka_unit_test(every_cut_of_a_line_is_refused),
	    cmocka_unit_test(a_text_too_long_is_refused),
	    cmocka_unit_test(a_member_is_found_as_written),
	    cmocka_unit_test(a_heap_gives_by_time_then_by_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
