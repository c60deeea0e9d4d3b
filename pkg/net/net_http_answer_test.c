#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "net/net_http.h"

#define NOV_6 INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DAY_MS INT64_C(86400000)

/* An answer of these header lines; gone with the next one. */
static struct net_http_request *
answer(const char *lines)
{
	static char bytes[4096];
	static struct net_http_request r;

	assert_true(strlen(lines) < sizeof(bytes));
	(void)strcpy(bytes, lines);
	memset(&r, 0, sizeof(r));
	r.headers_in = BUF_INIT(sizeof(bytes));
	r.headers_in.bytes = bytes;
	r.headers_in.len = strlen(lines);
	return &r;
}

static void
assert_header(const char *lines, const char *name, const char *expected)
{
	const char *value = NULL;
	size_t len = 0;
	bool found = net_http_header(answer(lines), name, &value, &len);

	assert_int_equal(found, expected != NULL);
	if (found) {
		assert_int_equal(len, strlen(expected));
		assert_memory_equal(value, expected, len);
	}
}

static void
a_header_is_found_by_its_name_in_any_case(void **state)
{
	(void)state;
	assert_header("ETag: \"a\"\r\nX-B: c\r\n", "etag", "\"a\"");
	assert_header("ETag: \"a\"\r\nX-B:c\r\n", "x-b", "c");
	assert_header("X-B:  \t c d \t \r\n", "X-B", "c d");
	assert_header("X-B:\r\n", "X-B", "");
	assert_header("X-B: \t\r\n", "X-B", "");
	assert_header("X-B: 1\r\nX-B: 2\r\n", "X-B", "1");
	assert_header("X-Bc: 1\r\n", "X-B", NULL);
	assert_header("X-B: 1\r\n", "X-Bc", NULL);
	assert_header("X-A: X-B: 1\r\n", "X-B", NULL);
	assert_header("X-A: 1\r\n X-B: 2\r\n", "X-B", NULL);
	assert_header("X-B : 1\r\n", "X-B", NULL);
	assert_header("X-B", "X-B", NULL);
	assert_header("X-B:1", "X-B", "1");
	assert_header("", "X-B", NULL);
}

static int64_t
date_of(const char *text)
{
	char lines[256];

	(void)strcpy(lines, "Date: ");
	(void)strcat(lines, text);
	(void)strcat(lines, "\r\n");
	return net_http_date_ms(answer(lines));
}

static void
the_three_forms_of_a_date_are_read(void **state)
{
	(void)state;
	assert_true(date_of("Sun, 06 Nov 1994 08:49:37 GMT") == NOV_6);
	assert_true(date_of("Sunday, 06-Nov-94 08:49:37 GMT") == NOV_6);
	assert_true(date_of("Sun Nov  6 08:49:37 1994") == NOV_6);
	assert_true(date_of("Sun Nov 06 08:49:37 1994") == NOV_6);
	assert_true(date_of("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
	assert_true(date_of("Thursday, 01-Jan-70 00:00:01 GMT") == 1000);
	assert_true(
	    date_of("Sat, 28 Nov 2026 18:00:00 GMT") == INT64_C(1795888800000));
	assert_true(date_of("Saturday, 28-Nov-26 18:00:00 GMT") ==
		    INT64_C(1795888800000));
	assert_true(
	    date_of("Thu, 29 Feb 2024 23:59:60 GMT") == INT64_C(1709251200000));
}

static void
what_is_no_date_is_none(void **state)
{
	static const char *const bad[] = {"", "x", "0", "-1", "Sun",
	    "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
	    "Sun, 06 Nov 1994 08:49:37 GMTx", "Sun, 6 Nov 1994 08:49:37 GMT",
	    "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
	    "Wed, 29 Feb 2023 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
	    "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
	    "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
	    "Sun 06 Nov 1994 08:49:37 GMT", "S, 06 Nov 1994 08:49:37 GMT",
	    "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
	    "Sun Nov  6 08:49:37 94", "Sun, +6 Nov 1994 08:49:37 GMT",
	    "Sun, 06 Nov 1994 08-49-37 GMT", "1994-11-06T08:49:37Z"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (date_of(bad[i]) != -1)
			fail_msg("\"%s\" was read", bad[i]);
	assert_true(net_http_date_ms(answer("X-A: b\r\n")) == -1);
}

static int64_t
wait_of(const char *text)
{
	char lines[256];

	(void)strcpy(lines, "Retry-After: ");
	(void)strcat(lines, text);
	(void)strcat(lines, "\r\n");
	return net_http_retry_after_ms(answer(lines), NOV_6);
}

static void
retry_after_is_seconds_or_a_date_and_at_most_a_day(void **state)
{
	(void)state;
	assert_true(wait_of("0") == 0);
	assert_true(wait_of("120") == 120000);
	assert_true(wait_of("0000000000000000000000000000000007") == 7000);
	assert_true(wait_of("86400") == DAY_MS);
	assert_true(wait_of("86401") == DAY_MS);
	assert_true(wait_of("99999999999999999999999999999") == DAY_MS);
	assert_true(wait_of("Sun, 06 Nov 1994 08:49:37 GMT") == 0);
	assert_true(wait_of("Sun, 06 Nov 1994 08:50:37 GMT") == 60000);
	assert_true(wait_of("Sun, 06 Nov 1994 07:00:00 GMT") == 0);
	assert_true(wait_of("Wed, 09 Nov 1994 07:00:00 GMT") == DAY_MS);
	assert_true(wait_of("") == -1);
	assert_true(wait_of("-1") == -1);
	assert_true(wait_of("1.5") == -1);
	assert_true(wait_of("1 s") == -1);
	assert_true(wait_of("soon") == -1);
	assert_true(net_http_retry_after_ms(answer(""), 0) == -1);
}

static void
a_status_says_what_a_pusher_does_next(void **state)
{
	static const struct {
		int status;
		enum err_code code;
	} cases[] = {{200, ERR_NONE}, {204, ERR_NONE}, {299, ERR_NONE},
	    {199, ERR_REJECTED}, {301, ERR_REJECTED}, {304, ERR_REJECTED},
	    {400, ERR_REJECTED}, {401, ERR_REJECTED}, {403, ERR_REJECTED},
	    {404, ERR_REJECTED}, {408, ERR_TIMEOUT}, {409, ERR_REJECTED},
	    {412, ERR_REJECTED}, {413, ERR_REJECTED}, {425, ERR_UNREACHABLE},
	    {429, ERR_THROTTLED}, {499, ERR_REJECTED}, {500, ERR_UNREACHABLE},
	    {501, ERR_UNREACHABLE}, {502, ERR_UNREACHABLE},
	    {503, ERR_THROTTLED}, {504, ERR_UNREACHABLE},
	    {599, ERR_UNREACHABLE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_http_request r = {.status = cases[i].status};
		struct err err = {.code = ERR_NONE};

		assert_int_equal(net_http_status(&r, &err), cases[i].code);
		if (cases[i].code != ERR_NONE) {
			assert_int_equal(err.code, cases[i].code);
			assert_int_equal(err.sys, cases[i].status);
		}
	}
}

static void
the_text_has_the_first_line_of_the_body_cut_and_printable(void **state)
{
	struct net_http_request r = {.status = 403};
	struct err err;

	(void)state;
	r.body_in = BUF_INIT(4096);
	(void)net_http_status(&r, &err);
	assert_string_equal(err.text, "answered 403");
	buf_puts(&r.body_in, "\r\n\r\nno \x1b[1mway\xc3\xbc\r\nsecond");
	(void)net_http_status(&r, &err);
	assert_string_equal(err.text, "answered 403: no ?[1mway??");
	buf_clear(&r.body_in);
	for (int i = 0; i < 1000; i++)
		buf_putc(&r.body_in, 'x');
	(void)net_http_status(&r, &err);
	assert_true(strlen(err.text) < 200);
	buf_free(&r.body_in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_header_is_found_by_its_name_in_any_case),
	    cmocka_unit_test(the_three_forms_of_a_date_are_read),
	    cmocka_unit_test(what_is_no_date_is_none),
	    cmocka_unit_test(
		retry_after_is_seconds_or_a_date_and_at_most_a_day),
	    cmocka_unit_test(a_status_says_what_a_pusher_does_next),
	    cmocka_unit_test(
		the_text_has_the_first_line_of_the_body_cut_and_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
