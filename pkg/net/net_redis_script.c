#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis_priv.h"

/*
 * SHA-1 (RFC 3174), only because Redis names scripts by it: whoever could make
 * two scripts of one hash would have to write both into this program.
 */
static uint32_t
rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static uint32_t
mix(size_t t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void
hash_block(uint32_t h[5], const unsigned char *block)
{
	uint32_t w[80];
	uint32_t v[5];

	for (size_t t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 |
		       (uint32_t)block[4 * t + 1] << 16 |
		       (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
	for (size_t t = 16; t < 80; t++)
		w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(v, h, sizeof(v));
	for (size_t t = 0; t < 80; t++) {
		uint32_t next =
		    rotl(v[0], 5) + mix(t, v[1], v[2], v[3]) + v[4] + w[t];

		v[4] = v[3];
		v[3] = v[2];
		v[2] = rotl(v[1], 30);
		v[1] = v[0];
		v[0] = next;
	}
	for (size_t i = 0; i < 5; i++)
		h[i] += v[i];
}

void
net_redis_sha1_hex(const char *text, size_t len, char out[41])
{
	uint32_t h[5] = {
	    0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	unsigned char tail[128] = {0};
	unsigned char bytes[20];
	size_t rest = len % 64;
	size_t tail_len = rest < 56 ? 64 : 128;
	uint64_t bits = (uint64_t)len * 8;

	for (size_t at = 0; at + 64 <= len; at += 64)
		hash_block(h, (const unsigned char *)text + at);
	memcpy(tail, text + len - rest, rest);
	tail[rest] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[tail_len - 1 - i] = (unsigned char)(bits >> (8 * i));
	for (size_t at = 0; at < tail_len; at += 64)
		hash_block(h, tail + at);
	for (size_t i = 0; i < 20; i++)
		bytes[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
	(void)text_hex(bytes, sizeof(bytes), out);
}

/* "*N", "EVALSHA", the hash; then the rest as it was. */
void
net_redis_flight_whole(struct net_redis_flight *f)
{
	const char *text = f->script->text;
	size_t script = strlen(text);
	size_t head = strcspn(f->wire, "\r") + 2;
	struct buf b = BUF_INIT(SIZE_MAX);

	buf_put(&b, f->wire, head);
	buf_printf(&b, "$4\r\nEVAL\r\n$%zu\r\n", script);
	buf_put(&b, text, script);
	buf_puts(&b, "\r\n");
	buf_put(&b, f->wire + f->tail, f->len - f->tail);
	mem_drop(f->wire);
	f->wire = b.bytes;
	f->len = b.len;
	f->whole = f->script;
	f->script = NULL;
}

void
net_redis_run(struct net_redis *r, struct net_redis_script *script,
    const struct net_redis_arg *keys, size_t key_count,
    const struct net_redis_arg *args, size_t arg_count,
    struct net_redis_command *c)
{
	size_t count = 3 + key_count + arg_count;
	struct net_redis_arg *all = mem_zalloc(count, sizeof(*all));
	struct net_redis_flight *f = NULL;
	struct err err = {.code = ERR_NONE};
	char number[24];
	struct buf text = BUF_INIT(64);

	if (*script->sha1 == '\0')
		net_redis_sha1_hex(
		    script->text, strlen(script->text), script->sha1);
	buf_put_i64(&text, (int64_t)key_count);
	memcpy(number, buf_text(&text), text.len + 1);
	buf_free(&text);
	all[0] = (struct net_redis_arg){"EVALSHA", 7};
	all[1] = (struct net_redis_arg){script->sha1, 40};
	all[2] = (struct net_redis_arg){number, strlen(number)};
	if (key_count > 0)
		memcpy(all + 3, keys, key_count * sizeof(*all));
	if (arg_count > 0)
		memcpy(all + 3 + key_count, args, arg_count * sizeof(*all));
	net_redis_begin_command(r, c);
	(void)net_redis_flight_new(all, count, &f, &err);
	if (f != NULL) {
		static const char before[] = "$7\r\nEVALSHA\r\n$40\r\n";

		f->script = script;
		f->tail =
		    strcspn(f->wire, "\r") + 2 + sizeof(before) - 1 + 40 + 2;
	}
	mem_free(&all);
	net_redis_start(r, c, f, &err);
}
