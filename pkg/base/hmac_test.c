#include "base/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

/* A run of one byte, or text. */
struct bytes {
	const char *text;
	uint8_t byte;
	size_t len;
};

#define RUN(byte_, len_)              \
	{                             \
		NULL, (byte_), (len_) \
	}
#define TEXT(t)                       \
	{                             \
		(t), 0, sizeof(t) - 1 \
	}

static size_t
fill(const struct bytes *b, uint8_t out[256])
{
	assert_true(b->len <= 256);
	if (b->text != NULL)
		memcpy(out, b->text, b->len);
	else
		memset(out, b->byte, b->len);
	return b->len;
}

/* RFC 4231 section 4; case 5 shows only the first 16 bytes. */
static const struct {
	struct bytes key, data;
	const char *mac;
} vectors[] = {
    {RUN(0x0b, 20), TEXT("Hi There"),
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {TEXT("Jefe"), TEXT("what do ya want for nothing?"),
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {RUN(0xaa, 20), RUN(0xdd, 50),
	"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {TEXT("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	  "\x11\x12\x13\x14\x15\x16\x17\x18\x19"),
	RUN(0xcd, 50),
	"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {RUN(0x0c, 20), TEXT("Test With Truncation"),
	"a3b6167473100ee06e0c796c2955552b"},
    {RUN(0xaa, 131),
	TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {RUN(0xaa, 131),
	TEXT("This is a test using a larger than block-size key and a larger "
	     "than block-size data. The key needs to be hashed before being "
	     "used by the HMAC algorithm."),
	"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void
the_vectors_of_rfc_4231_come_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		uint8_t key[256], data[256], mac[SHA256_BYTES];
		char hex[2 * SHA256_BYTES + 1];
		size_t key_len = fill(&vectors[i].key, key);
		size_t len = fill(&vectors[i].data, data);

		hmac_once(key, key_len, data, len, mac);
		(void)text_hex(mac, strlen(vectors[i].mac) / 2, hex);
		assert_string_equal(hex, vectors[i].mac);
	}
}

static void
a_key_of_one_block_and_of_a_byte_more_come_out(void **state)
{
	/* Made with another program: Python's hmac. */
	static const char *const want[] = {
	    "23670528b6b8c55d2f8ef2f36c1f000cec7c23ec76881c485f2e89b5fe705cca",
	    "ae0c0e4a2340cf50185eb46aaa8723f4769153661612e212fb0d1fa3170c6202",
	    "ed378e5dfa30dc98814ba09b2e610d9b6af66054922ceef9480da094a3f11b2d",
	};
	uint8_t key[65], mac[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	(void)state;
	memset(key, 'k', sizeof(key));
	for (size_t i = 0; i < 3; i++) {
		hmac_once(key, 63 + i, "abc", 3, mac);
		assert_string_equal(text_hex(mac, sizeof(mac), hex), want[i]);
	}
}

static void
where_the_input_is_split_changes_nothing(void **state)
{
	uint8_t data[200], whole[SHA256_BYTES], parts[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 3);
	hmac_once("key", 3, data, sizeof(data), whole);
	for (size_t a = 0; a <= sizeof(data); a += 11) {
		struct hmac m;

		hmac_init(&m, "key", 3);
		hmac_add(&m, data, a);
		hmac_add(&m, data + a, sizeof(data) - a);
		hmac_end(&m, parts);
		assert_memory_equal(parts, whole, sizeof(whole));
	}
}

static void
nothing_of_the_key_is_left(void **state)
{
	struct hmac m, zero;
	uint8_t mac[SHA256_BYTES];

	(void)state;
	memset(&zero, 0, sizeof(zero));
	hmac_init(&m, "a secret", 8);
	hmac_end(&m, mac);
	assert_memory_equal(&m, &zero, sizeof(m));
}

static void
the_result_may_lie_where_the_key_does(void **state)
{
	uint8_t key[SHA256_BYTES], want[SHA256_BYTES];

	(void)state;
	memset(key, 'x', sizeof(key));
	hmac_once(key, sizeof(key), "next", 4, want);
	hmac_once(key, sizeof(key), "next", 4, key);
	assert_memory_equal(key, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_rfc_4231_come_out),
	    cmocka_unit_test(a_key_of_one_block_and_of_a_byte_more_come_out),
	    cmocka_unit_test(where_the_input_is_split_changes_nothing),
	    cmocka_unit_test(nothing_of_the_key_is_left),
	    cmocka_unit_test(the_result_may_lie_where_the_key_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
