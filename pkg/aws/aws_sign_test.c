#include "aws/aws_sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* The account of Amazon's published examples; 2013-05-24T00:00:00Z. */
static const struct aws_keys keys = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
#define AT_MS INT64_C(1369353600000)

struct asked {
	struct aws_sign_request r;
	uint8_t payload[SHA256_BYTES];
};

static void
ask(struct asked *a, const char *method, const char *path, const char *body)
{
	memset(a, 0, sizeof(*a));
	sha256_once(body, strlen(body), a->payload);
	a->r = (struct aws_sign_request){.method = method,
	    .host = "examplebucket.s3.amazonaws.com",
	    .path = path,
	    .payload_sha256 = a->payload,
	    .region = "us-east-1",
	    .service = "s3",
	    .at_ms = AT_MS};
}

static void
expect_signature(const struct asked *a, const char *want)
{
	struct aws_signed s;

	aws_sign(&a->r, &keys, &s);
	assert_string_equal(s.signature, want);
	aws_signed_fini(&s);
	aws_signed_fini(&s);
}

static void
the_published_get_with_a_range_comes_out(void **state)
{
	const struct aws_pair headers[] = {{"Range", "bytes=0-9"}};
	struct asked a;
	struct aws_signed s;

	(void)state;
	ask(&a, "GET", "/test.txt", "");
	a.r.headers = headers;
	a.r.header_count = 1;
	aws_sign(&a.r, &keys, &s);
	assert_string_equal(s.date, "20130524T000000Z");
	assert_string_equal(s.payload_sha256,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(s.authorization,
	    "AWS4-HMAC-SHA256 "
	    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
	    "aws4_request, "
	    "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
	    "Signature="
	    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	aws_signed_fini(&s);
}

static void
the_published_put_with_a_dollar_and_a_storage_class_comes_out(void **state)
{
	const struct aws_pair headers[] = {
	    {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
	    {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
	struct asked a;
	struct buf path = BUF_INIT(100);

	(void)state;
	buf_putc(&path, '/');
	aws_path_put(&path, "test$file.text");
	ask(&a, "PUT", path.bytes, "Welcome to Amazon S3.");
	a.r.headers = headers;
	a.r.header_count = 2;
	expect_signature(&a,
	    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	buf_free(&path);
}

static void
the_published_subresource_without_a_value_comes_out(void **state)
{
	const struct aws_pair query[] = {{"lifecycle", ""}};
	struct asked a;

	(void)state;
	ask(&a, "GET", "/", "");
	a.r.query = query;
	a.r.query_count = 1;
	expect_signature(&a,
	    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void
the_published_listing_comes_out_in_either_order(void **state)
{
	const struct aws_pair query[] = {{"prefix", "J"}, {"max-keys", "2"}};
	const struct aws_pair turned[] = {{"max-keys", "2"}, {"prefix", "J"}};
	struct asked a;

	(void)state;
	ask(&a, "GET", "/", "");
	a.r.query_count = 2;
	a.r.query = query;
	expect_signature(&a,
	    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	a.r.query = turned;
	expect_signature(&a,
	    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

/* What libcurl 7.88 gets wrong: "...-encryption" begins "...-encryption-aws-
 * kms-key-id".  The value was verified by Amazon's own signer for Node. */
static void
a_header_whose_name_begins_anothers_is_sorted_by_name(void **state)
{
	const struct aws_pair headers[] = {
	    {"x-amz-server-side-encryption-aws-kms-key-id", "k"},
	    {"x-amz-server-side-encryption", "aws:kms"}};
	struct asked a;
	struct buf text = BUF_INIT(4096);

	(void)state;
	ask(&a, "PUT", "/rec/a%20b/c%2Bd.wav", "Welcome to Amazon S3.");
	a.r.headers = headers;
	a.r.header_count = 2;
	expect_signature(&a,
	    "ac19cd7acf0f9aa360585c61f5cfb721098c5a5a6cefd998225fcb63ac2b6a9f");
	aws_sign_canonical(&a.r, &keys, &text);
	assert_non_null(strstr(text.bytes,
	    "\nx-amz-server-side-encryption:aws:kms\n"
	    "x-amz-server-side-encryption-aws-kms-key-id:k\n"));
	buf_free(&text);
}

static void
a_path_is_encoded_once_as_amazon_does(void **state)
{
	static const struct {
		const char *key, *path;
	} rows[] = {
	    {"path a b+c/ü.wav", "path%20a%20b%2Bc/%C3%BC.wav"},
	    {"a-b_c.d~e/f", "a-b_c.d~e/f"},
	    {"100%/x", "100%25/x"},
	    {"a//b/./../c", "a//b/./../c"},
	    {"!*'()&=@:,$;?#[]", "%21%2A%27%28%29%26%3D%40%3A%2C%24%3B%3F%23%"
				 "5B%5D"},
	    {"\x7f\x01\xff", "%7F%01%FF"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT(200);

		aws_path_put(&b, rows[i].key);
		assert_string_equal(buf_text(&b), rows[i].path);
		buf_free(&b);
	}
}

static void
a_query_is_sorted_as_encoded_and_keeps_empty_values(void **state)
{
	const struct aws_pair query[] = {{"uploadId", "a/b+c="},
	    {"partNumber", "2"}, {"Z", ""}, {"a b", "ü"}, {"a-b", "1"}};
	struct buf b = BUF_INIT(200);

	(void)state;
	aws_query_put(&b, query, ARRAY_LEN(query));
	assert_string_equal(b.bytes,
	    "Z=&a%20b=%C3%BC&a-b=1&partNumber=2&uploadId=a%2Fb%2Bc%3D");
	buf_free(&b);
	aws_query_put(&b, NULL, 0);
	assert_string_equal(buf_text(&b), "");
}

static void
a_session_token_is_signed_and_blanks_are_folded(void **state)
{
	const struct aws_pair headers[] = {
	    {"X-Amz-Meta-Note", "  a   b \t c  "}, {"Content-Type", "a/b"}};
	const struct aws_keys session = {"AK", "SK", "tok/en=="};
	struct asked a;
	struct buf text = BUF_INIT(4096);
	struct aws_signed s;

	(void)state;
	ask(&a, "PUT", "/k", "");
	a.r.headers = headers;
	a.r.header_count = 2;
	aws_sign_canonical(&a.r, &session, &text);
	assert_string_equal(text.bytes,
	    "PUT\n"
	    "/k\n"
	    "\n"
	    "content-type:a/b\n"
	    "host:examplebucket.s3.amazonaws.com\n"
	    "x-amz-content-sha256:"
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
	    "x-amz-date:20130524T000000Z\n"
	    "x-amz-meta-note:a b c\n"
	    "x-amz-security-token:tok/en==\n"
	    "\n"
	    "content-type;host;x-amz-content-sha256;x-amz-date;"
	    "x-amz-meta-note;x-amz-security-token\n"
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	aws_sign(&a.r, &session, &s);
	assert_non_null(strstr(s.authorization, "x-amz-security-token,"));
	aws_signed_fini(&s);
	buf_free(&text);
}

static void
every_part_of_a_request_changes_the_signature(void **state)
{
	struct asked a;
	struct aws_signed first, s;

	(void)state;
	ask(&a, "PUT", "/k", "x");
	aws_sign(&a.r, &keys, &first);
	for (int i = 0; i < 8; i++) {
		struct aws_keys k = keys;
		const struct aws_pair pair = {"n", "v"};

		ask(&a, "PUT", "/k", i == 0 ? "y" : "x");
		if (i == 1)
			a.r.method = "GET";
		if (i == 2)
			a.r.host = "other";
		if (i == 3)
			a.r.path = "/k2";
		if (i == 4)
			a.r.region = "eu-west-1";
		if (i == 5)
			a.r.at_ms += 1000;
		if (i == 6)
			k.secret_key = "another";
		if (i == 7) {
			a.r.query = &pair;
			a.r.query_count = 1;
		}
		aws_sign(&a.r, &k, &s);
		assert_string_not_equal(s.signature, first.signature);
		aws_signed_fini(&s);
	}
	aws_signed_fini(&first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_published_get_with_a_range_comes_out),
	    cmocka_unit_test(
		the_published_put_with_a_dollar_and_a_storage_class_comes_out),
	    cmocka_unit_test(
		the_published_subresource_without_a_value_comes_out),
	    cmocka_unit_test(the_published_listing_comes_out_in_either_order),
	    cmocka_unit_test(
		a_header_whose_name_begins_anothers_is_sorted_by_name),
	    cmocka_unit_test(a_path_is_encoded_once_as_amazon_does),
	    cmocka_unit_test(
		a_query_is_sorted_as_encoded_and_keeps_empty_values),
	    cmocka_unit_test(a_session_token_is_signed_and_blanks_are_folded),
	    cmocka_unit_test(every_part_of_a_request_changes_the_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
