#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* RFC 4648 section 10, and the two digits that are no letters. */
static const struct {
	const char *plain, *coded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

static void
the_vectors_of_rfc_4648_come_out_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		size_t len = strlen(vectors[i].plain);
		char coded[BASE64_MAX(8)];
		char plain[8] = {0};

		assert_string_equal(
		    base64_put(vectors[i].plain, len, coded), vectors[i].coded);
		assert_true(base64_get(coded, plain, len));
		assert_memory_equal(plain, vectors[i].plain, len);
	}
}

static void
every_length_to_100_comes_back(void **state)
{
	uint8_t in[100], out[100];
	char coded[BASE64_MAX(100)];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(in); len++) {
		assert_int_equal(
		    strlen(base64_put(in, len, coded)), BASE64_MAX(len) - 1);
		assert_true(base64_get(coded, out, len));
		assert_memory_equal(in, out, len);
	}
}

static void
what_is_not_the_one_encoding_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
	    {"Zg=", 1},      /* padding cut */
	    {"Zg", 1},       /* none */
	    {"Zh==", 1},     /* a bit left over */
	    {"Zm9=", 2},     /* two bits left over */
	    {"Zm8=", 1},     /* another length */
	    {"Zm8=", 3},     /* another length */
	    {"Zm9v\n", 3},   /* a blank behind */
	    {"Zm-v", 3},     /* a digit of the other alphabet */
	    {"Z=9v", 3},     /* padding within */
	    {"=m9v", 3},     /* padding in front */
	    {"Zm9vZm9v", 3}, /* too long */
	    {"", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[8];

		assert_false(base64_get(rows[i].text, out, rows[i].len));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_rfc_4648_come_out_both_ways),
	    cmocka_unit_test(every_length_to_100_comes_back),
	    cmocka_unit_test(what_is_not_the_one_encoding_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
