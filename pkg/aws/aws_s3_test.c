#include "aws/aws_s3.h"

#include "base/text.h"

#include "aws/aws_s3_test.h"

/* SHA-256 of "hello". */
#define HELLO_HEX \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO_64 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
#define OTHER_64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
a_put_says_what_it_must(void **state)
{
	struct world *w = *state;
	const struct aws_pair tags[] = {{"kind", "call & more"}, {"a", "1"}};
	const struct aws_pair meta[] = {{"x-amz-meta-job", "7"}};
	struct put x;

	put_begin(w, &x, "path a b+c/ü.wav", "hello");
	aws_s3_end(&x.p.op);
	x.o.tags = tags;
	x.o.tag_count = 2;
	x.o.meta = meta;
	x.o.meta_count = 1;
	x.o.storage_class = "STANDARD_IA";
	aws_s3_put(w->s3, &x.p);
	run(w);
	expect_code(&x.p.op, ERR_NONE, false);
	assert_false(x.p.existed);
	aws_s3_end(&x.p.op);
	aws_s3_end(&x.p.op);
	assert_int_equal(asked(w), 1);
	expect_target(w, 0, "PUT", "/bkt/path%20a%20b%2Bc/%C3%BC.wav");
	expect_header(w, 0, "If-None-Match", "*");
	expect_header(w, 0, "Content-Type", "text/plain");
	expect_header(w, 0, "x-amz-checksum-sha256", HELLO_64);
	expect_header(w, 0, "x-amz-content-sha256", HELLO_HEX);
	expect_header(w, 0, "x-amz-meta-sha256", HELLO_HEX);
	expect_header(w, 0, "x-amz-meta-job", "7");
	expect_header(w, 0, "x-amz-storage-class", "STANDARD_IA");
	expect_header(w, 0, "x-amz-tagging", "a=1&kind=call%20%26%20more");
	expect_header(w, 0, "x-amz-server-side-encryption", NULL);
	expect_header(w, 0, "x-amz-security-token", NULL);
	expect_header(w, 0, "Content-Length", "5");
	expect_header(w, 0, "Expect", NULL);
	assert_string_equal(net_peer_request(w->peer, 0)->body, "hello");
}

/* What arrived, signed again with the secret, gives the same signature. */
static void
what_is_sent_is_what_was_signed(void **state)
{
	struct world *w = *state;
	const struct net_peer_got *got;
	struct put x;
	char auth[1024], host[128], date[64], value[256];
	struct aws_pair headers[5];
	char values[5][256];
	static const char *const names[] = {"content-type", "if-none-match",
	    "x-amz-checksum-sha256", "x-amz-meta-sha256"};
	struct aws_sign_request r = {
	    .method = "PUT", .region = "us-east-1", .service = "s3"};
	const struct aws_keys keys = {"AK", "SK", ""};
	struct aws_signed s;
	uint8_t hash[SHA256_BYTES];
	char iso[40];

	put(w, &x, "k/ü", "hello");
	aws_s3_end(&x.p.op);
	got = net_peer_request(w->peer, 0);
	assert_true(net_peer_header(got, "authorization", auth, sizeof(auth)));
	assert_true(net_peer_header(got, "host", host, sizeof(host)));
	assert_true(net_peer_header(got, "x-amz-date", date, sizeof(date)));
	(void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date,
	    date + 4, date + 6, date + 9, date + 11, date + 13);
	assert_int_equal(text_rfc3339_ms(iso, &r.at_ms, &w->err), ERR_NONE);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(
		    net_peer_header(got, names[i], value, sizeof(value)));
		(void)snprintf(values[i], sizeof(values[i]), "%s", value);
		headers[i] = (struct aws_pair){names[i], values[i]};
	}
	sha256_once(got->body, got->body_len, hash);
	r.host = host;
	r.path = got->target;
	r.headers = headers;
	r.header_count = ARRAY_LEN(names);
	r.payload_sha256 = hash;
	aws_sign(&r, &keys, &s);
	assert_string_equal(auth, s.authorization);
	aws_signed_fini(&s);
}

static void
encryption_is_asked_for_and_must_be_confirmed(void **state)
{
	struct world *w = *state;

	w->options.sse = AWS_S3_SSE_KMS;
	w->options.kms_key_id = "arn:aws:kms:us-east-1:1:key/k";
	w->options.kms_context_json = "{\"a\":\"b\"}";
	w->options.bucket_key = true;
	open_client(w);
	ANSWER(w, .headers = "x-amz-server-side-encryption: aws:kms\r\n");
	put_expect(w, ERR_NONE, false);
	expect_header(w, 0, "x-amz-server-side-encryption", "aws:kms");
	expect_header(w, 0, "x-amz-server-side-encryption-aws-kms-key-id",
	    "arn:aws:kms:us-east-1:1:key/k");
	expect_header(
	    w, 0, "x-amz-server-side-encryption-context", "eyJhIjoiYiJ9");
	expect_header(
	    w, 0, "x-amz-server-side-encryption-bucket-key-enabled", "true");
	ANSWER(w, .headers = "x-amz-server-side-encryption: AES256\r\n");
	put_expect(w, ERR_CONFIG, false);
	put_expect(w, ERR_CONFIG, false); /* no word of it */
	w->options.sse = AWS_S3_SSE_S3;
	open_client(w);
	ANSWER(w, .headers = "x-amz-server-side-encryption: AES256\r\n");
	put_expect(w, ERR_NONE, false);
	expect_header(w, 3, "x-amz-server-side-encryption", "AES256");
	/* The same bytes, made by a set-up without encryption. */
	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w,
	    .headers =
		"x-amz-checksum-sha256: " HELLO_64 "\r\nContent-Length: 5\r\n",
	    .no_length = true);
	put_expect(w, ERR_EXISTS, false);
}

static void
a_key_that_is_taken_is_compared(void **state)
{
	static const struct {
		const char *head;
		enum err_code code;
	} rows[] = {
	    {"x-amz-checksum-sha256: " HELLO_64 "\r\nContent-Length: 5\r\n",
		ERR_NONE},
	    {"x-amz-checksum-sha256: " OTHER_64 "\r\nContent-Length: 5\r\n",
		ERR_EXISTS},
	    /* The server's checksum weighs more than our own note. */
	    {"x-amz-checksum-sha256: " OTHER_64
	     "\r\nx-amz-meta-sha256: " HELLO_HEX "\r\nContent-Length: 5\r\n",
		ERR_EXISTS},
	    {"x-amz-checksum-sha256: " HELLO_64 "\r\nContent-Length: 6\r\n",
		ERR_EXISTS},
	    /* Made in parts, or by a server without checksums. */
	    {"x-amz-checksum-sha256: " OTHER_64
	     "-3\r\nx-amz-meta-sha256: " HELLO_HEX "\r\nContent-Length: 5\r\n",
		ERR_NONE},
	    {"x-amz-meta-sha256: " HELLO_HEX "\r\nContent-Length: 5\r\n",
		ERR_NONE},
	    {"Content-Length: 5\r\n", ERR_EXISTS},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct put x;
		int at = asked(w);

		ANSWER(
		    w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
		ANSWER(w, .headers = rows[i].head, .no_length = true);
		put(w, &x, "k", "hello");
		expect_code(&x.p.op, rows[i].code, false);
		assert_int_equal(x.p.existed, rows[i].code == ERR_NONE);
		aws_s3_end(&x.p.op);
		expect_target(w, at + 1, "HEAD", "/bkt/k");
		expect_header(w, at + 1, "x-amz-checksum-mode", "ENABLED");
		expect_header(w, at + 1, "If-None-Match", NULL);
	}
}

static void
a_comparison_that_fails_decides_nothing(void **state)
{
	struct world *w = *state;

	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .status = 404);
	put_expect(w, ERR_BUSY, false);
	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .status = 503);
	put_expect(w, ERR_THROTTLED, true);
	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .then = NET_PEER_RESET, .cut = true);
	put_expect(w, ERR_UNREACHABLE, true);
	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .status = 403);
	put_expect(w, ERR_CONFIG, false);
}

static void
each_refusal_has_its_class(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_code code;
		bool blame;
	} rows[] = {
	    {500, S3_ERROR("InternalError"), ERR_UNREACHABLE, true},
	    {502, "<html>bad gateway<br></html>", ERR_UNREACHABLE, true},
	    {503, S3_ERROR("SlowDown"), ERR_THROTTLED, true},
	    {503, S3_ERROR("ServiceUnavailable"), ERR_THROTTLED, true},
	    {503, NULL, ERR_THROTTLED, true},
	    {504, NULL, ERR_UNREACHABLE, true},
	    {400, S3_ERROR("RequestTimeout"), ERR_TIMEOUT, true},
	    {400, S3_ERROR("ThrottlingException"), ERR_THROTTLED, true},
	    {429, NULL, ERR_THROTTLED, true},
	    {408, NULL, ERR_TIMEOUT, true},
	    {409, S3_ERROR("ConditionalRequestConflict"), ERR_BUSY, false},
	    {409, S3_ERROR("OperationAborted"), ERR_BUSY, false},
	    {403, S3_ERROR("AccessDenied"), ERR_CONFIG, false},
	    {403, S3_ERROR("InvalidAccessKeyId"), ERR_CONFIG, false},
	    {403, S3_ERROR("SignatureDoesNotMatch"), ERR_CONFIG, false},
	    {403, NULL, ERR_CONFIG, false},
	    {404, S3_ERROR("NoSuchBucket"), ERR_CONFIG, false},
	    {400, S3_ERROR("XMinioAdminBucketQuotaExceeded"), ERR_CONFIG,
		false},
	    {400, S3_ERROR("InvalidEncryptionAlgorithmError"), ERR_CONFIG,
		false},
	    {400, S3_ERROR("KMS.DisabledException"), ERR_CONFIG, false},
	    {404, S3_ERROR("kms:KeyNotFound"), ERR_CONFIG, false},
	    {400, S3_ERROR("KMS.ThrottlingException"), ERR_THROTTLED, true},
	    {400, S3_ERROR("ExpiredToken"), ERR_CONFIG, false},
	    {501, S3_ERROR("NotImplemented"), ERR_CONFIG, false},
	    {400, S3_ERROR("EntityTooLarge"), ERR_REJECTED, false},
	    {400, S3_ERROR("BadDigest"), ERR_REJECTED, false},
	    {400, S3_ERROR("SomethingNew"), ERR_REJECTED, false},
	    {404, S3_ERROR("NoSuchKey"), ERR_NOT_FOUND, false},
	    {301, NULL, ERR_CONFIG, false},
	    {418, "{\"not\":\"xml\"}", ERR_REJECTED, false},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int at = asked(w);

		ANSWER(w, .status = rows[i].status, .body = rows[i].body);
		put_expect(w, rows[i].code, rows[i].blame);
		assert_int_equal(asked(w), at + 1);
	}
}

static void
the_text_says_what_a_person_needs(void **state)
{
	struct world *w = *state;
	struct put x;

	ANSWER(w, .status = 403, .headers = "x-amz-request-id: R7\r\n",
	    .body = "<Error><Code>AccessDenied</Code><Message>no\nway"
		    "</Message></Error>");
	put(w, &x, "k", "hello");
	assert_string_equal(x.p.op.err.text,
	    "S3 PUT bkt/k: 403 AccessDenied: no way, request R7");
	assert_string_equal(x.p.op.reason, "AccessDenied");
	assert_int_equal(x.p.op.status, 403);
	aws_s3_end(&x.p.op);
}

static void
a_servers_wish_to_wait_is_passed_on(void **state)
{
	struct world *w = *state;
	struct put x;

	ANSWER(w, .status = 503, .headers = "Retry-After: 7\r\n",
	    .body = S3_ERROR("SlowDown"));
	put(w, &x, "k", "hello");
	assert_int_equal(x.p.op.retry_after_ms, 7000);
	aws_s3_end(&x.p.op);
	ANSWER(w, .status = 503);
	put(w, &x, "k", "hello");
	assert_int_equal(x.p.op.retry_after_ms, -1);
	aws_s3_end(&x.p.op);
}

static void
what_is_cut_hangs_or_floods_is_to_be_tried_again(void **state)
{
	struct world *w = *state;
	char *flood = mem_zalloc(1, 3 << 20);

	memset(flood, 'x', (3 << 20) - 1);
	ANSWER(
	    w, .when = NET_PEER_AT_ONCE, .then = NET_PEER_RESET, .cut = true);
	put_expect(w, ERR_UNREACHABLE, true);
	ANSWER(w, .status = 500, .body = S3_ERROR("InternalError"), .cut = true,
	    .cut_at = 60, .then = NET_PEER_CUT);
	put_expect(w, ERR_UNREACHABLE, true);
	ANSWER(w, .status = 500, .body = flood);
	put_expect(w, ERR_UNREACHABLE, true);
	ANSWER(w, .raw = "this is no HTTP\r\n\r\n", .then = NET_PEER_CLOSE);
	put_expect(w, ERR_UNREACHABLE, true);
	w->options.stall_ms = 100;
	open_client(w);
	ANSWER(w, .then = NET_PEER_HANG, .cut = true);
	put_expect(w, ERR_TIMEOUT, true);
	net_peer_close(&w->peer);
	put_expect(w, ERR_UNREACHABLE, true);
	mem_free(&flood);
}

static int64_t
signed_at(struct world *w, int i)
{
	char date[64], iso[40];
	int64_t at = 0;

	assert_true(net_peer_header(net_peer_request(w->peer, (size_t)i),
	    "x-amz-date", date, sizeof(date)));
	(void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date,
	    date + 4, date + 6, date + 9, date + 11, date + 13);
	assert_int_equal(text_rfc3339_ms(iso, &at, &w->err), ERR_NONE);
	return at;
}

static void
a_wrong_clock_is_mended_once_and_for_later_requests(void **state)
{
	struct world *w = *state;
	char ahead[64], back[64];
	int64_t off;

	ANSWER(w, .status = 403, .headers = date_line(ahead, 20 * 60),
	    .body = S3_ERROR("RequestTimeTooSkewed"));
	put_expect(w, ERR_NONE, false);
	assert_int_equal(asked(w), 2);
	off = signed_at(w, 1) - signed_at(w, 0);
	assert_true(off >= 1198000 && off <= 1203000);
	put_expect(w, ERR_NONE, false);
	assert_int_equal(asked(w), 3);
	off = signed_at(w, 2) - signed_at(w, 0);
	assert_true(off >= 1198000 && off <= 1210000);
	/* The server's own clock was set right: back again. */
	ANSWER(w, .status = 403, .headers = date_line(back, 0));
	put_expect(w, ERR_NONE, false);
	off = signed_at(w, 4) - signed_at(w, 0);
	assert_true(off >= -2000 && off <= 10000);
}

static void
a_clock_that_stays_wrong_ends_the_try(void **state)
{
	struct world *w = *state;
	char one[64], two[64], near[64];

	ANSWER(w, .status = 403, .headers = date_line(one, -3600),
	    .body = S3_ERROR("RequestTimeTooSkewed"));
	ANSWER(w, .status = 403, .headers = date_line(two, 7200),
	    .body = S3_ERROR("RequestTimeTooSkewed"));
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(asked(w), 2);
	open_client(w);
	/* Three minutes are no reason, whatever the server says. */
	ANSWER(w, .status = 403, .headers = date_line(near, 180),
	    .body = S3_ERROR("SignatureDoesNotMatch"));
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(asked(w), 3);
}

static void
a_bucket_in_another_region_is_asked_there(void **state)
{
	struct world *w = *state;
	char auth[1024];

	ANSWER(w, .status = 400,
	    .body = "<Error><Code>AuthorizationHeaderMalformed</Code>"
		    "<Region>eu-west-1</Region></Error>");
	put_expect(w, ERR_NONE, false);
	assert_true(net_peer_header(
	    net_peer_request(w->peer, 1), "authorization", auth, sizeof(auth)));
	assert_non_null(strstr(auth, "/eu-west-1/s3/aws4_request"));
	assert_string_equal(aws_s3_region(w->s3), "eu-west-1");
	ANSWER(w, .status = 301,
	    .headers = "x-amz-bucket-region: ap-south-1\r\n",
	    .body = S3_ERROR("PermanentRedirect"));
	put_expect(w, ERR_NONE, false);
	assert_string_equal(aws_s3_region(w->s3), "ap-south-1");
	/* Twice within one try is once too often. */
	ANSWER(w, .status = 301, .headers = "x-amz-bucket-region: a-1\r\n");
	ANSWER(w, .status = 301, .headers = "x-amz-bucket-region: b-1\r\n");
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(asked(w), 6);
	/* Not a region: into no header and no host. */
	ANSWER(w, .status = 301,
	    .headers = "x-amz-bucket-region: evil.example/\r\n");
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(asked(w), 7);
}

static void
a_redirect_is_signed_anew_and_followed_once_to_the_same_house(void **state)
{
	struct world *w = *state;
	struct net_peer *other = net_peer_open(&(struct net_peer_options){0});
	char line[128], host[64], want[64];
	static const char *const elsewhere[] = {
	    "Location: http://evil.example/bkt/k\r\n",
	    "Location: http://127.0.0.1.evil.example/bkt/k\r\n",
	    "Location: https://127.0.0.1:1/bkt/k\r\n",
	    "Location: http://user@127.0.0.1:1/bkt/k\r\n",
	    "Location: //127.0.0.1/bkt/k\r\n", "Location: /other\r\n", ""};

	(void)snprintf(line, sizeof(line),
	    "Location: http://127.0.0.1:%d/bkt/k\r\n", net_peer_port(other));
	(void)snprintf(
	    want, sizeof(want), "127.0.0.1:%d", net_peer_port(other));
	ANSWER(w, .status = 307, .headers = line,
	    .body = S3_ERROR("TemporaryRedirect"));
	put_expect(w, ERR_NONE, false);
	assert_int_equal(net_peer_count(other), 1);
	assert_true(net_peer_header(
	    net_peer_request(other, 0), "host", host, sizeof(host)));
	assert_string_equal(host, want);
	assert_string_equal(net_peer_request(other, 0)->body, "hello");
	/* The next request goes where it always goes. */
	put_expect(w, ERR_NONE, false);
	assert_int_equal(net_peer_count(other), 1);
	net_peer_script(
	    other, &(struct net_peer_reply){.status = 307, .headers = line});
	ANSWER(w, .status = 307, .headers = line);
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(net_peer_count(other), 2);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		int at = asked(w);

		ANSWER(w, .status = 307, .headers = elsewhere[i]);
		put_expect(w, ERR_CONFIG, false);
		assert_int_equal(asked(w), at + 1);
	}
	net_peer_close(&other);
}

static void
an_operation_that_was_ended_never_calls_back(void **state)
{
	struct world *w = *state;
	struct put a, b;

	put_begin(w, &a, "a", "hello");
	put_begin(w, &b, "b", "hello");
	aws_s3_end(&a.p.op);
	run(w);
	assert_int_equal(asked(w), 1);
	expect_target(w, 0, "PUT", "/bkt/b");
	aws_s3_end(&b.p.op);
	put_begin(w, &a, "a", "hello");
	net_env_drain(w->env);
	aws_s3_end(&a.p.op);
	ended = 0;
	net_env_run(w->env);
	assert_int_equal(ended, 0);
}

static void
small_objects_are_read_back_whole(void **state)
{
	struct world *w = *state;
	struct aws_s3_get g = {.op.done = on_done, .key = "a?b", .max = 5};

	ANSWER(w, .body = "hello");
	aws_s3_get(w->s3, &g);
	run(w);
	expect_code(&g.op, ERR_NONE, false);
	assert_string_equal(buf_text(g.body), "hello");
	expect_target(w, 0, "GET", "/bkt/a%3Fb");
	aws_s3_end(&g.op);
	ANSWER(w, .body = "hello!");
	aws_s3_get(w->s3, &g);
	run(w);
	expect_code(&g.op, ERR_REJECTED, false);
	aws_s3_end(&g.op);
	ANSWER(w, .status = 404, .body = S3_ERROR("NoSuchKey"));
	aws_s3_get(w->s3, &g);
	run(w);
	expect_code(&g.op, ERR_NOT_FOUND, false);
	aws_s3_end(&g.op);
}

static void
a_head_tells_what_is_there_however_long(void **state)
{
	struct world *w = *state;
	struct aws_s3_head h = {.op.done = on_done, .key = "k"};

	ANSWER(w,
	    .headers = "Content-Length: 5000000000\r\nETag: \"e\"\r\n"
		       "x-amz-server-side-encryption: aws:kms\r\n"
		       "x-amz-server-side-encryption-aws-kms-key-id: arn:k\r\n"
		       "x-amz-storage-class: GLACIER_IR\r\n"
		       "Content-Type: audio/wav\r\n",
	    .no_length = true);
	aws_s3_head(w->s3, &h);
	run(w);
	expect_code(&h.op, ERR_NONE, false);
	assert_int_equal(h.seen.len, 5000000000);
	assert_string_equal(h.seen.etag, "\"e\"");
	assert_string_equal(h.seen.sse, "aws:kms");
	assert_string_equal(h.seen.kms_key, "arn:k");
	assert_string_equal(h.seen.storage_class, "GLACIER_IR");
	assert_string_equal(h.seen.content_type, "audio/wav");
	assert_string_equal(h.seen.checksum, "");
	aws_s3_end(&h.op);
}

static void
an_object_has_its_place_before_it_is_there(void **state)
{
	static const struct {
		const char *endpoint, *region, *bucket;
		enum aws_s3_style style;
		const char *url;
	} rows[] = {
	    {"", "eu-west-1", "bkt", AWS_S3_STYLE_AUTO,
		"https://bkt.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC"},
	    {"", "", "bkt", AWS_S3_STYLE_PATH,
		"https://s3.us-east-1.amazonaws.com/bkt/a%20b/%C3%BC"},
	    {"", "us-east-1", "a.b", AWS_S3_STYLE_AUTO,
		"https://s3.us-east-1.amazonaws.com/a.b/a%20b/%C3%BC"},
	    {"", "cn-north-1", "bkt", AWS_S3_STYLE_AUTO,
		"https://bkt.s3.cn-north-1.amazonaws.com.cn/a%20b/%C3%BC"},
	    {"http://localhost:9000/", "x-1", "bkt", AWS_S3_STYLE_AUTO,
		"http://localhost:9000/bkt/a%20b/%C3%BC"},
	    {"https://s3.test", "x-1", "bkt", AWS_S3_STYLE_VIRTUAL,
		"https://bkt.s3.test/a%20b/%C3%BC"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT(200);

		w->options.endpoint = rows[i].endpoint;
		w->options.region = rows[i].region;
		w->options.bucket = rows[i].bucket;
		w->options.style = rows[i].style;
		open_client(w);
		aws_s3_url(w->s3, "a b/ü", &b);
		assert_string_equal(b.bytes, rows[i].url);
		buf_free(&b);
	}
}

static void
settings_that_cannot_be_are_refused_at_once(void **state)
{
	struct world *w = *state;
	const struct aws_s3_options good = w->options;
	static const char *const endpoints[] = {"s3.test", "ftp://s3.test",
	    "http://", "http://a/b", "http://u@a", "http://a?b"};
	static const char *const buckets[] = {
	    "", "ab", "A-bucket", "a/b", "a..b", ".ab", "a_b"};
	struct aws_s3 *s3 = NULL;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		w->options = good;
		w->options.endpoint = endpoints[i];
		assert_int_equal(
		    aws_s3_open(&w->options, &s3, &err), ERR_CONFIG);
		assert_null(s3);
	}
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
		w->options = good;
		w->options.bucket = buckets[i];
		assert_int_equal(
		    aws_s3_open(&w->options, &s3, &err), ERR_CONFIG);
	}
	w->options = good;
	w->options.region = "us east";
	assert_int_equal(aws_s3_open(&w->options, &s3, &err), ERR_CONFIG);
}

static const char *token_file;

static const char *
web_identity(void *arg, const char *name)
{
	if (strcmp(name, "AWS_WEB_IDENTITY_TOKEN_FILE") == 0)
		return token_file;
	if (strcmp(name, "AWS_ROLE_ARN") == 0)
		return "arn:aws:iam::1:role/r";
	return strcmp(name, "AWS_ENDPOINT_URL_STS") == 0 ? arg : NULL;
}

/* However long: a row is no dead letter for that. */
static void
who_gives_out_keys_is_to_blame_for_being_away(void **state)
{
	struct world *w = *state;
	char file[] = "/tmp/dsrun-aws-XXXXXX";
	int fd = mkstemp(file);
	struct aws_credentials_options o = {.env = w->env,
	    .http = w->http,
	    .lookup = web_identity,
	    .lookup_arg = w->endpoint};

	token_file = file;
	assert_true(fd >= 0 && write(fd, "a.b.c\n", 6) == 6);
	aws_credentials_close(&w->credentials);
	assert_int_equal(
	    aws_credentials_open(&o, &w->credentials, &w->err), ERR_NONE);
	w->options.credentials = w->credentials;
	open_client(w);
	ANSWER(w, .status = 503);
	put_expect(w, ERR_UNREACHABLE, true);
	assert_int_equal(asked(w), 1);
	/* A refusal is the set-up's. */
	ANSWER(w, .status = 403);
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(file), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_put_says_what_it_must),
	    TEST(what_is_sent_is_what_was_signed),
	    TEST(encryption_is_asked_for_and_must_be_confirmed),
	    TEST(a_key_that_is_taken_is_compared),
	    TEST(a_comparison_that_fails_decides_nothing),
	    TEST(each_refusal_has_its_class),
	    TEST(the_text_says_what_a_person_needs),
	    TEST(a_servers_wish_to_wait_is_passed_on),
	    TEST(what_is_cut_hangs_or_floods_is_to_be_tried_again),
	    TEST(a_wrong_clock_is_mended_once_and_for_later_requests),
	    TEST(a_clock_that_stays_wrong_ends_the_try),
	    TEST(a_bucket_in_another_region_is_asked_there),
	    TEST(a_redirect_is_signed_anew_and_followed_once_to_the_same_house),
	    TEST(an_operation_that_was_ended_never_calls_back),
	    TEST(small_objects_are_read_back_whole),
	    TEST(a_head_tells_what_is_there_however_long),
	    TEST(an_object_has_its_place_before_it_is_there),
	    TEST(settings_that_cannot_be_are_refused_at_once),
	    TEST(who_gives_out_keys_is_to_blame_for_being_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
