#include "net/net_redis_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#define MAX 4096

/* As text: strings 'quoted', errors !quoted!, arrays [a b], nil as ~. */
static void
put(struct buf *b, const struct net_redis_value *v)
{
	switch (v->kind) {
	case NET_REDIS_NIL:
		buf_putc(b, '~');
		break;
	case NET_REDIS_STRING:
	case NET_REDIS_ERROR:
		buf_putc(b, v->kind == NET_REDIS_STRING ? '\'' : '!');
		buf_put(b, v->text, v->len);
		buf_putc(b, v->kind == NET_REDIS_STRING ? '\'' : '!');
		assert_int_equal(v->text[v->len], '\0');
		break;
	case NET_REDIS_INT:
		buf_put_i64(b, v->integer);
		break;
	case NET_REDIS_ARRAY:
		buf_putc(b, '[');
		for (size_t i = 0; i < v->count; i++) {
			buf_puts(b, i > 0 ? " " : "");
			put(b, &v->items[i]);
		}
		buf_putc(b, ']');
		break;
	default:
		fail();
	}
}

/* All replies of bytes that come in pieces of `piece`; '#' for the end of it
 * by an error. */
static void
read_all(const char *bytes, size_t len, size_t piece, struct buf *out)
{
	struct net_redis_parser *p = net_redis_parser_new(MAX);
	struct net_redis_reply *r = NULL;
	enum err_code code = ERR_NONE;
	struct err err;

	for (size_t at = 0; at < len && code == ERR_NONE; at += piece) {
		net_redis_parser_feed(
		    p, bytes + at, len - at < piece ? len - at : piece);
		while (
		    (code = net_redis_parser_next(p, &r, &err)) == ERR_NONE &&
		    r != NULL) {
			put(out, net_redis_reply_value(r));
			net_redis_reply_free(&r);
		}
	}
	if (code != ERR_NONE) {
		assert_int_equal(code, ERR_MALFORMED);
		assert_null(r);
		assert_true(strlen(err.text) > 10);
		buf_putc(out, '#');
		/* It stays so. */
		net_redis_parser_feed(p, "+OK\r\n", 5);
		assert_int_equal(
		    net_redis_parser_next(p, &r, &err), ERR_MALFORMED);
	}
	net_redis_parser_free(&p);
	assert_null(p);
}

static void
expect(const char *bytes, size_t len, const char *want)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct buf out = BUF_INIT(1 << 20);

		read_all(bytes, len, piece, &out);
		assert_string_equal(buf_text(&out), want);
		buf_free(&out);
	}
}
#define EXPECT(bytes, want) expect(bytes, sizeof(bytes) - 1, want)

static void
every_kind_is_read_in_any_pieces(void **state)
{
	(void)state;
	EXPECT("+OK\r\n", "'OK'");
	EXPECT("-ERR no\r\n", "!ERR no!");
	EXPECT(":0\r\n:-9223372036854775808\r\n:9223372036854775807\r\n",
	    "0-92233720368547758089223372036854775807");
	EXPECT(
	    "$0\r\n\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n", "'''a\r\n'~~[]");
	EXPECT("*4\r\n*2\r\n+a\r\n-b\r\n*0\r\n$-1\r\n*1\r\n*1\r\n:5\r\n+x\r\n",
	    "[['a' !b!] [] ~ [[5]]]'x'");
}

static void
what_is_no_resp_is_refused(void **state)
{
	(void)state;
	EXPECT("HTTP/1.1 400 Bad Request\r\n", "#");
	EXPECT("\x16\x03\x01\x02", "#");
	EXPECT(":x\r\n", "#");
	EXPECT("$x\r\n", "#");
	EXPECT("$-2\r\n", "#");
	EXPECT("*-2\r\n", "#");
	EXPECT("%1\r\n+a\r\n+b\r\n", "#");
	EXPECT("$3\r\nabcde", "#"); /* longer than it said */
	EXPECT(":99999999999999999999\r\n", "#");
	EXPECT(":000000000000000000000000000000", "#");
	EXPECT("*00000000000000000000000000000000", "#");
}

static void
too_large_is_said_when_it_is_announced(void **state)
{
	(void)state;
	EXPECT("$2147483648\r\n", "#");
	EXPECT("$9223372036854775807\r\n", "#");
	EXPECT("$18446744073709551617\r\n", "#");
	EXPECT("*2147483647\r\n", "#");
	EXPECT("*4294967297\r\n", "#");
	EXPECT("*9223372036854775807\r\n", "#");
	EXPECT("$4096\r\n", "#");
	EXPECT("*86\r\n", "#"); /* 86 values of 48 bytes */
	EXPECT("*50\r\n+a\r\n*50\r\n", "#");
	EXPECT("+OK\r\n*2\r\n$2000\r\n", "'OK'");
}

/* Seven levels, as the reader has it. */
static void
nesting_has_an_end(void **state)
{
	(void)state;
	EXPECT("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	    "[[[[[[[1]]]]]]]");
	EXPECT("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	    "#");
}

static void
a_line_without_an_end_is_not_waited_for(void **state)
{
	char *line = mem_zalloc(200000, 1);
	struct buf out = BUF_INIT(1 << 20);

	(void)state;
	memset(line, 'x', 200000);
	line[0] = '+';
	read_all(line, 200000, 1000, &out);
	assert_string_equal(buf_text(&out), "#");
	buf_free(&out);
	mem_free(&line);
}

static void
a_reply_takes_no_more_memory_than_it_may(void **state)
{
	struct buf in = BUF_INIT(1 << 20);
	struct buf out = BUF_INIT(1 << 20);

	(void)state;
	/* 60 values of 48 bytes leave room for 60 strings of 16 bytes. */
	buf_puts(&in, "*60\r\n");
	for (int i = 0; i < 60; i++)
		buf_puts(&in, "$15\r\n0123456789abcde\r\n");
	read_all(in.bytes, in.len, 7, &out);
	assert_int_equal(out.bytes[0], '[');
	buf_clear(&out);
	buf_clear(&in);
	/* And not of 48. */
	buf_puts(&in, "*60\r\n");
	for (int i = 0; i < 60; i++)
		buf_puts(
		    &in, "$40\r\n0123456789abcdef0123456789abcdef01234567\r\n");
	read_all(in.bytes, in.len, 7, &out);
	assert_string_equal(buf_text(&out), "#");
	buf_free(&out);
	buf_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_is_read_in_any_pieces),
	    cmocka_unit_test(what_is_no_resp_is_refused),
	    cmocka_unit_test(too_large_is_said_when_it_is_announced),
	    cmocka_unit_test(nesting_has_an_end),
	    cmocka_unit_test(a_line_without_an_end_is_not_waited_for),
	    cmocka_unit_test(a_reply_takes_no_more_memory_than_it_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
