#include "aws/aws_s3_upload.h"

#include "base/base64.h"
#include "base/text.h"

#include "aws/aws_s3_test.h"

#define COMPLETED                                                     \
	"<CompleteMultipartUploadResult><ETag>&quot;x-2&quot;</ETag>" \
	"</CompleteMultipartUploadResult>"

#define PART_1 "first part"
#define PART_2 "second"

struct upload {
	struct put x; /* for its object */
	uint8_t sha256[2][SHA256_BYTES];
	char composite[AWS_S3_COMPOSITE_MAX];
	struct aws_s3_part_held part[2];
	struct aws_s3_complete c;
};

static void
upload_init(struct upload *u)
{
	static const char *const parts[] = {PART_1, PART_2};

	memset(u, 0, sizeof(*u));
	u->x.o = (struct aws_s3_object){.key = "a b",
	    .content_type = "audio/wav",
	    .storage_class = "",
	    .len = 16};
	sha256_once(PART_1 PART_2, 16, u->x.o.sha256);
	for (int i = 0; i < 2; i++) {
		sha256_once(parts[i], strlen(parts[i]), u->sha256[i]);
		u->part[i].number = i + 1;
		memcpy(u->part[i].sha256, u->sha256[i], SHA256_BYTES);
		(void)snprintf(
		    u->part[i].etag, sizeof(u->part[i].etag), "\"e&%d\"", i);
	}
	u->x.o.composite = aws_s3_composite(
	    (const uint8_t(*)[SHA256_BYTES])u->sha256, 2, u->composite);
	u->c.op.done = on_done;
	u->c.object = &u->x.o;
	u->c.upload_id = "up/1=";
	u->c.part = u->part;
	u->c.count = 2;
}

static void
complete(struct world *w, struct upload *u, enum err_code code, bool blame)
{
	upload_init(u);
	aws_s3_complete(w->s3, &u->c);
	run(w);
	expect_code(&u->c.op, code, blame);
	aws_s3_end(&u->c.op);
}

static void
an_upload_is_begun_with_all_that_the_object_is_to_have(void **state)
{
	struct world *w = *state;
	struct upload u;
	struct aws_s3_create c = {.op.done = on_done};

	upload_init(&u);
	c.object = &u.x.o;
	ANSWER(w, .body = "<InitiateMultipartUploadResult xmlns=\"x\"><Bucket>"
			  "bkt</Bucket><Key>a b</Key><UploadId>up/1=</UploadId>"
			  "</InitiateMultipartUploadResult>");
	aws_s3_create(w->s3, &c);
	run(w);
	expect_code(&c.op, ERR_NONE, false);
	assert_string_equal(c.upload_id, "up/1=");
	expect_target(w, 0, "POST", "/bkt/a%20b?uploads=");
	expect_header(w, 0, "x-amz-checksum-algorithm", "SHA256");
	expect_header(w, 0, "Content-Type", "audio/wav");
	expect_header(w, 0, "Content-Length", "0");
	aws_s3_end(&c.op);
}

static void
an_upload_without_an_id_or_without_its_encryption_is_none(void **state)
{
	struct world *w = *state;
	struct upload u;
	struct aws_s3_create c = {.op.done = on_done};
	static const char *const bodies[] = {"",
	    "<InitiateMultipartUploadResult/>", "<html/>", "{}",
	    ("<InitiateMultipartUploadResult><UploadId></UploadId>"
	     "</InitiateMultipartUploadResult>")};

	upload_init(&u);
	c.object = &u.x.o;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		ANSWER(w, .body = bodies[i]);
		aws_s3_create(w->s3, &c);
		run(w);
		expect_code(&c.op, ERR_UNREACHABLE, true);
		aws_s3_end(&c.op);
	}
	w->options.sse = AWS_S3_SSE_S3;
	open_client(w);
	ANSWER(w, .headers = "x-amz-server-side-encryption: aws:kms\r\n",
	    .body = "<InitiateMultipartUploadResult><UploadId>u"
		    "</UploadId></InitiateMultipartUploadResult>");
	aws_s3_create(w->s3, &c);
	run(w);
	expect_code(&c.op, ERR_CONFIG, false);
	aws_s3_end(&c.op);
	/* It may be said at the end, or only when asked. */
	ANSWER(w, .body = COMPLETED);
	ANSWER(w, .status = 200);
	complete(w, &u, ERR_CONFIG, false);
	ANSWER(w, .body = COMPLETED);
	ANSWER(w, .headers = "x-amz-server-side-encryption: AES256\r\n");
	complete(w, &u, ERR_NONE, false);
	ANSWER(w, .headers = "x-amz-server-side-encryption: AES256\r\n",
	    .body = COMPLETED);
	complete(w, &u, ERR_NONE, false);
}

static void
a_part_is_sent_with_its_checksum_and_gives_its_etag(void **state)
{
	struct world *w = *state;
	struct aws_s3_part p = {.op.done = on_done,
	    .key = "a b",
	    .upload_id = "up/1=",
	    .number = 2,
	    .body = {.bytes = PART_2, .len = 6}};
	char sum[BASE64_MAX(SHA256_BYTES)];

	sha256_once(PART_2, 6, p.body.sha256);
	ANSWER(w, .headers = "ETag: \"abc\"\r\n");
	aws_s3_part(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_NONE, false);
	assert_string_equal(p.etag, "\"abc\"");
	expect_target(
	    w, 0, "PUT", "/bkt/a%20b?partNumber=2&uploadId=up%2F1%3D");
	expect_header(w, 0, "x-amz-checksum-sha256",
	    base64_put(p.body.sha256, SHA256_BYTES, sum));
	expect_header(w, 0, "If-None-Match", NULL);
	aws_s3_end(&p.op);
	ANSWER(w, .body = "no etag");
	aws_s3_part(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_UNREACHABLE, true);
	aws_s3_end(&p.op);
	ANSWER(w, .status = 404, .body = S3_ERROR("NoSuchUpload"));
	aws_s3_part(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_NOT_FOUND, false);
	assert_string_equal(p.op.reason, "NoSuchUpload");
	aws_s3_end(&p.op);
}

#define PART_XML(number, size, etag, sum)                      \
	"<Part><PartNumber>" number "</PartNumber><ETag>" etag \
	"</ETag><Size>" size "</Size><ChecksumSHA256>" sum     \
	"</ChecksumSHA256></Part>"
#define SUM "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
all_pages_of_parts_are_read(void **state)
{
	struct world *w = *state;
	struct aws_s3_parts p = {
	    .op.done = on_done, .key = "k", .upload_id = "u"};

	ANSWER(w, .body =
		      "<ListPartsResult><IsTruncated>true</IsTruncated>"
		      "<NextPartNumberMarker>3</NextPartNumberMarker>" PART_XML(
			  "1", "10", "&quot;a&quot;", SUM) PART_XML("3", "6",
			  "b", "not base 64") "</ListPartsResult>");
	ANSWER(
	    w, .body =
		   "<ListPartsResult><IsTruncated>false</IsTruncated>" PART_XML(
		       "7", "5", "c", "") "</ListPartsResult>");
	aws_s3_parts(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_NONE, false);
	assert_int_equal(p.count, 3);
	assert_int_equal(p.part[0].number, 1);
	assert_int_equal(p.part[0].size, 10);
	assert_true(p.part[0].has_sha256);
	assert_string_equal(p.part[0].etag, "\"a\"");
	assert_int_equal(p.part[1].number, 3);
	assert_false(p.part[1].has_sha256);
	assert_int_equal(p.part[2].number, 7);
	assert_false(p.part[2].has_sha256);
	expect_target(w, 0, "GET", "/bkt/k?max-parts=1000&uploadId=u");
	expect_target(w, 1, "GET",
	    "/bkt/k?max-parts=1000&part-number-marker=3&uploadId=u");
	aws_s3_parts_fini(&p);
	aws_s3_parts_fini(&p);
}

static void
a_list_of_parts_that_lies_is_refused(void **state)
{
	static const char *const bodies[] = {"", "<x/>",
	    "<ListPartsResult><IsTruncated>true</IsTruncated>"
	    "</ListPartsResult>",
	    "<ListPartsResult>" PART_XML(
		"0", "1", "e", SUM) "</ListPartsResult>",
	    "<ListPartsResult>" PART_XML("2", "1", "e", SUM)
		PART_XML("2", "1", "e", SUM) "</ListPartsResult>",
	    "<ListPartsResult>" PART_XML(
		"10001", "1", "e", SUM) "</ListPartsResult>",
	    "<ListPartsResult>" PART_XML(
		"1", "1", "", SUM) "</ListPartsResult>"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct aws_s3_parts p = {
		    .op.done = on_done, .key = "k", .upload_id = "u"};

		ANSWER(w, .body = bodies[i]);
		aws_s3_parts(w->s3, &p);
		run(w);
		expect_code(&p.op, ERR_UNREACHABLE, true);
		aws_s3_parts_fini(&p);
	}
}

static void
an_upload_is_completed_with_the_etags_and_checksums_of_its_parts(void **state)
{
	struct world *w = *state;
	struct upload u;
	char a[BASE64_MAX(SHA256_BYTES)], b[BASE64_MAX(SHA256_BYTES)];
	char want[1024];

	ANSWER(w, .body = "  \n\n  " COMPLETED);
	complete(w, &u, ERR_NONE, false);
	assert_false(u.c.existed);
	expect_target(w, 0, "POST", "/bkt/a%20b?uploadId=up%2F1%3D");
	expect_header(w, 0, "If-None-Match", "*");
	(void)snprintf(want, sizeof(want),
	    "<CompleteMultipartUpload "
	    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	    "<Part><ChecksumSHA256>%s</ChecksumSHA256><ETag>\"e&amp;0\"</ETag>"
	    "<PartNumber>1</PartNumber></Part>"
	    "<Part><ChecksumSHA256>%s</ChecksumSHA256><ETag>\"e&amp;1\"</ETag>"
	    "<PartNumber>2</PartNumber></Part></CompleteMultipartUpload>",
	    base64_put(u.sha256[0], SHA256_BYTES, a),
	    base64_put(u.sha256[1], SHA256_BYTES, b));
	assert_string_equal(net_peer_request(w->peer, 0)->body, want);
}

static void
a_200_with_an_error_in_it_is_that_error(void **state)
{
	static const struct {
		const char *body;
		enum err_code code;
		bool blame;
	} rows[] = {
	    {S3_ERROR("InternalError"), ERR_UNREACHABLE, true},
	    {S3_ERROR("SlowDown"), ERR_THROTTLED, true},
	    {S3_ERROR("SomethingNew"), ERR_UNREACHABLE, true},
	    {S3_ERROR("ConditionalRequestConflict"), ERR_BUSY, false},
	    {S3_ERROR("AccessDenied"), ERR_CONFIG, false},
	    {S3_ERROR("InvalidPart"), ERR_REJECTED, false},
	    {S3_ERROR("EntityTooSmall"), ERR_REJECTED, false},
	    {"", ERR_UNREACHABLE, true},
	    {"   ", ERR_UNREACHABLE, true},
	    {"<html/>", ERR_UNREACHABLE, true},
	    {"<CompleteMultipartUploadResult>", ERR_UNREACHABLE, true},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct upload u;
		int at = asked(w);

		ANSWER(w, .body = rows[i].body);
		complete(w, &u, rows[i].code, rows[i].blame);
		assert_int_equal(asked(w), at + 1);
	}
}

static void
a_completion_that_finds_the_object_there_compares(void **state)
{
	struct world *w = *state;
	struct upload u;
	char head[256];

	upload_init(&u);
	(void)snprintf(head, sizeof(head),
	    "x-amz-checksum-sha256: %s\r\nContent-Length: 16\r\n", u.composite);
	/* With a status of its own, within a 200, and after the upload went
	 * away because an earlier completion's answer was lost. */
	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .headers = head, .no_length = true);
	complete(w, &u, ERR_NONE, false);
	assert_true(u.c.existed);
	ANSWER(w, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .headers = head, .no_length = true);
	complete(w, &u, ERR_NONE, false);
	assert_true(u.c.existed);
	ANSWER(w, .status = 404, .body = S3_ERROR("NoSuchUpload"));
	ANSWER(w, .headers = head, .no_length = true);
	complete(w, &u, ERR_NONE, false);
	assert_true(u.c.existed);
	assert_false(u.c.gone);
	ANSWER(w, .status = 412, .body = S3_ERROR("PreconditionFailed"));
	ANSWER(w, .headers = "Content-Length: 16\r\n", .no_length = true);
	complete(w, &u, ERR_EXISTS, false);
	ANSWER(w, .status = 404, .body = S3_ERROR("NoSuchUpload"));
	ANSWER(w, .status = 404);
	complete(w, &u, ERR_NOT_FOUND, false);
	assert_true(u.c.gone);
	ANSWER(
	    w, .status = 409, .body = S3_ERROR("ConditionalRequestConflict"));
	complete(w, &u, ERR_BUSY, false);
	assert_false(u.c.gone);
}

static void
an_abort_of_what_is_not_there_is_done(void **state)
{
	struct world *w = *state;
	struct aws_s3_abort a = {
	    .op.done = on_done, .key = "k", .upload_id = "u"};

	ANSWER(w, .status = 204);
	aws_s3_abort(w->s3, &a);
	run(w);
	expect_code(&a.op, ERR_NONE, false);
	expect_target(w, 0, "DELETE", "/bkt/k?uploadId=u");
	aws_s3_end(&a.op);
	ANSWER(w, .status = 404, .body = S3_ERROR("NoSuchUpload"));
	aws_s3_abort(w->s3, &a);
	run(w);
	expect_code(&a.op, ERR_NONE, false);
	aws_s3_end(&a.op);
	ANSWER(w, .status = 503);
	aws_s3_abort(w->s3, &a);
	run(w);
	expect_code(&a.op, ERR_THROTTLED, true);
	aws_s3_end(&a.op);
}

#define UPLOAD_XML(key, id, at)                                               \
	"<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>" at \
	"</Initiated></Upload>"

static void
uploads_that_are_stale_are_aborted_page_by_page(void **state)
{
	struct world *w = *state;
	struct aws_s3_reap r = {.op.done = on_done, .prefix = "rec/"};

	assert_int_equal(
	    text_rfc3339_ms("2026-01-05T00:00:00Z", &r.before_ms, &w->err),
	    ERR_NONE);
	ANSWER(w,
	    .body =
		"<ListMultipartUploadsResult><IsTruncated>true"
		"</IsTruncated><NextKeyMarker>rec/b</NextKeyMarker>"
		"<NextUploadIdMarker>2</NextUploadIdMarker>" UPLOAD_XML(
		    "rec/a &amp; b", "1",
		    "2026-01-04T23:59:59.000Z") UPLOAD_XML("rec/b", "2",
		    "2026-01-05T00:00:00.000Z") "</ListMultipartUploadsResult>");
	ANSWER(w, .status = 204);
	ANSWER(w,
	    .body =
		"<ListMultipartUploadsResult><IsTruncated>false"
		"</IsTruncated>" UPLOAD_XML("rec/c", "3",
		    "2025-06-01T00:00:00.000Z") "</ListMultipartUploadsResult>");
	ANSWER(w, .status = 404, .body = S3_ERROR("NoSuchUpload"));
	aws_s3_reap(w->s3, &r);
	run(w);
	expect_code(&r.op, ERR_NONE, false);
	assert_int_equal(r.found, 3);
	assert_int_equal(r.aborted, 2);
	expect_target(
	    w, 0, "GET", "/bkt?max-uploads=1000&prefix=rec%2F&uploads=");
	expect_target(w, 1, "DELETE", "/bkt/rec/a%20%26%20b?uploadId=1");
	expect_target(w, 2, "GET",
	    "/bkt?key-marker=rec%2Fb&max-uploads=1000&prefix=rec%2F&"
	    "upload-id-marker=2&uploads=");
	expect_target(w, 3, "DELETE", "/bkt/rec/c?uploadId=3");
	aws_s3_reap_fini(&r);
	aws_s3_reap_fini(&r);
}

static void
an_upload_of_unknown_age_stops_the_reaping(void **state)
{
	struct world *w = *state;
	struct aws_s3_reap r = {
	    .op.done = on_done, .prefix = "", .before_ms = INT64_MAX};

	ANSWER(w, .body = "<ListMultipartUploadsResult>" UPLOAD_XML(
		      "a", "1", "yesterday") "</ListMultipartUploadsResult>");
	aws_s3_reap(w->s3, &r);
	run(w);
	expect_code(&r.op, ERR_UNREACHABLE, true);
	assert_int_equal(asked(w), 1);
	aws_s3_reap_fini(&r);
}

static void
a_list_of_uploads_that_repeats_itself_is_left(void **state)
{
	static const char page[] = "<ListMultipartUploadsResult><IsTruncated>"
				   "true</IsTruncated><NextKeyMarker>a"
				   "</NextKeyMarker><NextUploadIdMarker>1"
				   "</NextUploadIdMarker>"
				   "</ListMultipartUploadsResult>";
	struct world *w = *state;
	struct aws_s3_reap r = {
	    .op.done = on_done, .prefix = "", .before_ms = INT64_MAX};

	ANSWER(w, .body = page);
	ANSWER(w, .body = page);
	aws_s3_reap(w->s3, &r);
	run(w);
	expect_code(&r.op, ERR_UNREACHABLE, true);
	assert_int_equal(asked(w), 2);
	aws_s3_reap_fini(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_upload_is_begun_with_all_that_the_object_is_to_have),
	    TEST(an_upload_without_an_id_or_without_its_encryption_is_none),
	    TEST(a_part_is_sent_with_its_checksum_and_gives_its_etag),
	    TEST(all_pages_of_parts_are_read),
	    TEST(a_list_of_parts_that_lies_is_refused),
	    TEST(
		an_upload_is_completed_with_the_etags_and_checksums_of_its_parts),
	    TEST(a_200_with_an_error_in_it_is_that_error),
	    TEST(a_completion_that_finds_the_object_there_compares),
	    TEST(an_abort_of_what_is_not_there_is_done),
	    TEST(uploads_that_are_stale_are_aborted_page_by_page),
	    TEST(an_upload_of_unknown_age_stops_the_reaping),
	    TEST(a_list_of_uploads_that_repeats_itself_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
