#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

/* Each test runs with the CPU's instructions, then with the plain code. */
static int
accelerated(void **state)
{
	(void)state;
	if (!sha256_accelerate(true))
		print_message("no SHA instructions here: plain code twice\n");
	return 0;
}

static int
plain(void **state)
{
	(void)state;
	assert_false(sha256_accelerate(false));
	return 0;
}

static int
back(void **state)
{
	(void)state;
	(void)sha256_accelerate(true);
	return 0;
}

static void
assert_hash(const uint8_t hash[SHA256_BYTES], const char *want)
{
	char hex[2 * SHA256_BYTES + 1];

	assert_string_equal(text_hex(hash, SHA256_BYTES, hex), want);
}

/* Bytes 3, 10, 17 ...; the hashes below were made by another program. */
static void
fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + 3);
}

static void
the_vectors_of_nist_come_out(void **state)
{
	static const struct {
		const char *text, *hash;
	} rows[] = {
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852"
		 "b855"},
	    {"abc",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200"
		"15ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db"
		"06c1"},
	    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afe"
		"e9d1"},
	};
	uint8_t hash[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sha256_once(rows[i].text, strlen(rows[i].text), hash);
		assert_hash(hash, rows[i].hash);
	}
	char *million = mem_zalloc(1000000, 1);
	memset(million, 'a', 1000000);
	sha256_once(million, 1000000, hash);
	assert_hash(hash,
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	mem_free(&million);
}

static void
lengths_around_the_block_come_out(void **state)
{
	static const struct {
		size_t len;
		const char *hash;
	} rows[] = {
	    {55, "e7313d333c272e639f790978283f9eb392e843d0f29b7016828bb1daa4aa"
		 "c70b"},
	    {56, "4324d65f3c103567f5589c710bc08f8523f929a9272e3af36fc968e52abc"
		 "6c27"},
	    {63, "81c80242132f230c3bd41b3e63bbcff16107339549214a99614ff2666462"
		 "5055"},
	    {64, "39e3d7b6b5d075d37d053ad89b24b41bef4f3c29760c84447cab3f3be188"
		 "2241"},
	    {65, "aacca6ff74fdbb296d165a45cecfa04e5127bc008770fbbdd48006f2d2fa"
		 "e95e"},
	    {119, "9ce7368e4daf32341631b492e80359dc9f594b48453cd0dd5bf0b19279cc"
		  "177e"},
	    {120, "7836b787757e95e58b3ca5aec90b1b004e8deba1e50e9675af9cabf1a13a"
		  "04b5"},
	    {128, "d2742f1f4ac6bb7ca2b239ee18402ba8b3f9f8e652d2a72973c2b9ba11c0"
		  "8cf6"},
	    {200, "2c7e18c942ef065b526a2d4e5546283749cd3ddfb51d8fc71f4271736368"
		  "5f46"},
	};
	uint8_t data[200];
	uint8_t hash[SHA256_BYTES];

	(void)state;
	fill(data, sizeof(data));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sha256_once(data, rows[i].len, hash);
		assert_hash(hash, rows[i].hash);
	}
}

static void
every_length_to_300_comes_out(void **state)
{
	uint8_t data[300];
	uint8_t hash[SHA256_BYTES];
	struct sha256 all;

	(void)state;
	fill(data, sizeof(data));
	sha256_init(&all);
	for (size_t len = 0; len <= 300; len++) {
		sha256_once(data, len, hash);
		sha256_add(&all, hash, sizeof(hash));
	}
	sha256_end(&all, hash);
	assert_hash(hash,
	    "7d917fbd2cf49ddff9ad0a8706bba32d204e92e71d2e369c5a03d6af29278c9f");
}

static void
where_the_input_is_split_changes_nothing(void **state)
{
	uint8_t data[300];
	uint8_t whole[SHA256_BYTES];
	uint8_t parts[SHA256_BYTES];

	(void)state;
	fill(data, sizeof(data));
	sha256_once(data, sizeof(data), whole);
	for (size_t a = 0; a <= 300; a += 7)
		for (size_t b = a; b <= 300; b += 13) {
			struct sha256 s;

			sha256_init(&s);
			sha256_add(&s, data, a);
			sha256_add(&s, data + a, b - a);
			sha256_add(&s, NULL, 0);
			sha256_add(&s, data + b, sizeof(data) - b);
			sha256_end(&s, parts);
			assert_memory_equal(parts, whole, sizeof(whole));
		}
}

static void
fields_carry_their_lengths(void **state)
{
	struct sha256 s;
	uint8_t ab[SHA256_BYTES];
	uint8_t hash[SHA256_BYTES];

	(void)state;
	sha256_init(&s);
	sha256_field(&s, "a", 1);
	sha256_field(&s, "bc", 2);
	sha256_end(&s, ab);
	assert_hash(ab,
	    "9a8acca1b6c6c0befd3fbc756aed625da998c998f7252e738c4ef061906b9b21");
	sha256_init(&s);
	sha256_field(&s, "ab", 2);
	sha256_field(&s, "c", 1);
	sha256_end(&s, hash);
	assert_memory_not_equal(ab, hash, sizeof(hash));
	sha256_init(&s);
	sha256_i64(&s, -2);
	sha256_end(&s, hash);
	assert_hash(hash,
	    "81b37f7f8b78762feb067131152a700548754f937a0668c1f327d2ee1a2d2801");
}

#define BOTH(test)                                             \
	{#test ", by the CPU", test, accelerated, back, NULL}, \
	{                                                      \
#test ", plain", test, plain, back, NULL       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(the_vectors_of_nist_come_out),
	    BOTH(lengths_around_the_block_come_out),
	    BOTH(every_length_to_300_comes_out),
	    BOTH(where_the_input_is_split_changes_nothing),
	    BOTH(fields_carry_their_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
