#include "base/buf.h"

#include "fuzz.h"
#include "net/net_redis_reply.h"

/*
 * Bytes of a Redis, or of what answers at its port.  The first byte says in
 * what pieces they come: that makes no difference.  A reply takes no more
 * memory than it may, its values are whole, and after an error nothing comes.
 */

#define REPLY_MAX 2048
#define OUT_MAX (1 << 20)

/* What a value takes, and its text form, which no two different ones share. */
static size_t
put_value(const struct net_redis_value *v, size_t depth, struct buf *out)
{
	size_t size = 0;

	CHECK(depth <= 8);
	buf_printf(out, "%d(", (int)v->kind);
	switch (v->kind) {
	case NET_REDIS_STRING:
	case NET_REDIS_ERROR:
		CHECK(v->text[v->len] == '\0');
		buf_printf(out, "%zu:", v->len);
		buf_put(out, v->text, v->len);
		size = v->len + 1;
		break;
	case NET_REDIS_INT:
		buf_put_i64(out, v->integer);
		break;
	case NET_REDIS_ARRAY:
		for (size_t i = 0; i < v->count; i++)
			size += sizeof(*v) +
				put_value(&v->items[i], depth + 1, out);
		break;
	case NET_REDIS_NIL:
		break;
	default:
		CHECK(v->kind == NET_REDIS_NIL); /* there are no others */
		break;
	}
	buf_putc(out, ')');
	return size;
}

static void
check_ended(struct net_redis_parser *p, const struct err *why)
{
	struct net_redis_reply *reply = NULL;
	struct err err = {0};

	fuzz_refused(ERR_MALFORMED, why);
	net_redis_parser_feed(p, "+OK\r\n", 5);
	CHECK(net_redis_parser_next(p, &reply, &err) == ERR_MALFORMED);
	CHECK(reply == NULL);
	fuzz_refused(ERR_MALFORMED, &err);
}

static void
read_all(const char *bytes, size_t len, size_t piece, struct buf *out)
{
	struct net_redis_parser *p = net_redis_parser_new(REPLY_MAX);
	struct net_redis_reply *reply = NULL;
	enum err_code code = ERR_NONE;
	struct err err = {0};

	for (size_t at = 0; at < len && code == ERR_NONE;) {
		size_t n = len - at < piece ? len - at : piece;

		net_redis_parser_feed(p, bytes + at, n);
		at += n;
		while ((code = net_redis_parser_next(p, &reply, &err)) ==
			   ERR_NONE &&
		       reply != NULL) {
			CHECK(put_value(net_redis_reply_value(reply), 0, out) <=
			      REPLY_MAX);
			net_redis_reply_free(&reply);
		}
	}
	CHECK(reply == NULL);
	if (code != ERR_NONE) {
		check_ended(p, &err);
		buf_puts(out, "refused");
	}
	net_redis_parser_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf whole = BUF_INIT(OUT_MAX);
	struct buf pieces = BUF_INIT(OUT_MAX);

	if (len == 0)
		return 0;

	const char *text = (const char *)bytes + 1;

	read_all(text, len - 1, SIZE_MAX, &whole);
	read_all(text, len - 1, 1 + (size_t)bytes[0] % 64, &pieces);
	CHECK(whole.len == pieces.len);
	CHECK(memcmp(buf_text(&whole), buf_text(&pieces), whole.len) == 0);
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
