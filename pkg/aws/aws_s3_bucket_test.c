#include "aws/aws_s3_bucket.h"

#include "aws/aws_s3_test.h"

#define OURS                                                                 \
	"<Rule><ID>dsrun</ID><Filter><Prefix>rec/</Prefix></Filter><Status>" \
	"Enabled</Status><Transition><Days>90</Days><StorageClass>"          \
	"GLACIER_IR</StorageClass></Transition><Transition><Days>365</Days>" \
	"<StorageClass>DEEP_ARCHIVE</StorageClass></Transition><Expiration>" \
	"<Days>1095</Days></Expiration><NoncurrentVersionExpiration>"        \
	"<NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>"   \
	"<AbortIncompleteMultipartUpload>"                                   \
	"<DaysAfterInitiation>7</DaysAfterInitiation>"                       \
	"</AbortIncompleteMultipartUpload></Rule>"
#define THEIRS                                                           \
	"<Rule><ID>logs</ID><Filter><And><Prefix>l/</Prefix><Tag><Key>a" \
	"</Key><Value>&lt;b&gt;</Value></Tag></And></Filter>\n <Status>" \
	"Enabled</Status><Expiration><Date>2030-01-01T00:00:00Z</Date>"  \
	"</Expiration></Rule>"
#define RULES(rules)                                                        \
	"<?xml version=\"1.0\"?><LifecycleConfiguration xmlns=\"x\">" rules \
	"</LifecycleConfiguration>"
#define ENCRYPTED                                                     \
	"<ServerSideEncryptionConfiguration><Rule>"                   \
	"<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms"   \
	"</SSEAlgorithm><KMSMasterKeyID>arn:k</KMSMasterKeyID>"       \
	"</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true" \
	"</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"

#define VERSIONED                                                       \
	"<VersioningConfiguration xmlns=\"x\"><Status>Enabled</Status>" \
	"<MfaDelete>Disabled</MfaDelete></VersioningConfiguration>"
#define UNVERSIONED "<VersioningConfiguration xmlns=\"x\"/>"

static struct aws_s3_lifecycle
wanted(void)
{
	struct aws_s3_lifecycle l = AWS_S3_LIFECYCLE_DEFAULT;

	l.prefix = "rec/";
	return l;
}

static void
check(struct world *w, const struct aws_s3_lifecycle *want,
    struct aws_s3_check *c)
{
	memset(c, 0, sizeof(*c));
	c->op.done = on_done;
	c->want = want;
	aws_s3_check(w->s3, c);
	run(w);
}

static void
a_bucket_as_it_should_be_is_seen_so(void **state)
{
	struct world *w = *state;
	struct aws_s3_lifecycle want = wanted();
	struct aws_s3_check c;

	ANSWER(w, .headers = "x-amz-bucket-region: eu-west-1\r\n");
	ANSWER(w, .body = ENCRYPTED);
	ANSWER(w, .body = VERSIONED);
	ANSWER(w, .body = RULES(THEIRS OURS));
	check(w, &want, &c);
	expect_code(&c.op, ERR_NONE, false);
	assert_string_equal(c.region, "eu-west-1");
	assert_string_equal(c.encryption, "aws:kms");
	assert_string_equal(c.kms_key, "arn:k");
	assert_true(c.bucket_key);
	assert_true(c.has_rule);
	assert_string_equal(c.differs, "");
	assert_string_equal(c.encryption_unknown, "");
	assert_string_equal(c.versioning, "Enabled");
	assert_string_equal(c.versioning_unknown, "");
	assert_string_equal(c.lifecycle_unknown, "");
	expect_target(w, 0, "HEAD", "/bkt");
	expect_target(w, 1, "GET", "/bkt?encryption=");
	expect_target(w, 2, "GET", "/bkt?versioning=");
	expect_target(w, 3, "GET", "/bkt?lifecycle=");
	aws_s3_end(&c.op);
}

static void
a_bucket_without_settings_and_one_that_hides_them(void **state)
{
	struct world *w = *state;
	struct aws_s3_lifecycle want = wanted();
	struct aws_s3_check c;

	ANSWER(w, .status = 200);
	ANSWER(w, .status = 404,
	    .body = S3_ERROR("ServerSideEncryptionConfigurationNotFoundError"));
	ANSWER(w, .body = UNVERSIONED);
	ANSWER(
	    w, .status = 404, .body = S3_ERROR("NoSuchLifecycleConfiguration"));
	check(w, &want, &c);
	expect_code(&c.op, ERR_NONE, false);
	assert_string_equal(c.encryption, "");
	assert_string_equal(c.encryption_unknown, "");
	assert_string_equal(c.lifecycle_unknown, "");
	assert_string_equal(c.versioning, "");
	assert_string_equal(c.versioning_unknown, "");
	assert_string_equal(c.differs, "there is no such rule");
	aws_s3_end(&c.op);
	ANSWER(w, .status = 200);
	ANSWER(w, .status = 403, .body = S3_ERROR("AccessDenied"));
	ANSWER(w, .status = 403);
	ANSWER(w, .status = 501, .body = S3_ERROR("NotImplemented"));
	check(w, &want, &c);
	expect_code(&c.op, ERR_NONE, false);
	assert_string_equal(c.encryption_unknown, "AccessDenied");
	assert_string_equal(c.versioning_unknown, "not answered");
	assert_string_equal(c.lifecycle_unknown, "NotImplemented");
	aws_s3_end(&c.op);
}

static void
a_bucket_that_cannot_be_reached_is_an_error(void **state)
{
	struct world *w = *state;
	struct aws_s3_lifecycle want = wanted();
	struct aws_s3_check c;

	ANSWER(w, .status = 404);
	check(w, &want, &c);
	expect_code(&c.op, ERR_CONFIG, false);
	assert_non_null(strstr(c.op.err.text, "no bucket bkt"));
	aws_s3_end(&c.op);
	ANSWER(w, .status = 200);
	ANSWER(w, .status = 503);
	check(w, &want, &c);
	expect_code(&c.op, ERR_THROTTLED, true);
	aws_s3_end(&c.op);
	ANSWER(w, .status = 200);
	ANSWER(w, .body = ENCRYPTED);
	ANSWER(w, .body = "<VersioningConfiguration><Status>");
	check(w, NULL, &c);
	expect_code(&c.op, ERR_NONE, false);
	assert_string_equal(c.versioning_unknown, "not as documented");
	assert_int_equal(asked(w), 6);
	aws_s3_end(&c.op);
}

static void
each_difference_is_named(void **state)
{
	struct world *w = *state;
	struct aws_s3_check c;
	static const struct {
		struct aws_s3_lifecycle want;
		const char *differs;
	} rows[] = {
	    {{"rec/", 30, "GLACIER_IR", 365, "DEEP_ARCHIVE", 1095, 7, 7},
		"archive: 90 days, wanted 30"},
	    {{"rec/", 90, "GLACIER", 365, "DEEP_ARCHIVE", 1095, 7, 7},
		"archive: to GLACIER_IR, wanted GLACIER"},
	    {{"", 90, "GLACIER_IR", 365, "DEEP_ARCHIVE", 1095, 7, 7},
		"it is for other objects"},
	    {{"rec/", 90, "GLACIER_IR", 365, "DEEP_ARCHIVE", 0, 30, 1},
		"delete: 1095 days, wanted 0; old versions: 7 days, wanted "
		"30; abandoned uploads: 7 days, wanted 1"},
	    {{"rec/", 90, "GLACIER_IR", 0, "", 1095, 7, 7},
		"cold: 365 days, wanted 0"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ANSWER(w, .status = 200);
		ANSWER(w, .body = ENCRYPTED);
		ANSWER(w, .body = VERSIONED);
		ANSWER(w, .body = RULES(OURS));
		check(w, &rows[i].want, &c);
		expect_code(&c.op, ERR_NONE, false);
		assert_string_equal(c.differs, rows[i].differs);
		aws_s3_end(&c.op);
	}
}

static void
our_rule_is_set_and_others_stay_as_they_stand(void **state)
{
	struct world *w = *state;
	struct aws_s3_lifecycle want = wanted();
	struct aws_s3_lifecycle_put p = {.op.done = on_done, .want = &want};
	const char *body;

	ANSWER(w, .body = RULES("<Rule><ID>dsrun</ID><Status>Disabled</Status>"
				"</Rule>" THEIRS "<Rule/>"));
	aws_s3_lifecycle_put(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_NONE, false);
	assert_int_equal(p.kept, 2);
	expect_target(w, 1, "PUT", "/bkt?lifecycle=");
	body = net_peer_request(w->peer, 1)->body;
	assert_string_equal(body,
	    "<LifecycleConfiguration "
	    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" THEIRS
	    "<Rule/>" OURS "</LifecycleConfiguration>");
	aws_s3_end(&p.op);
}

static void
rules_that_cannot_be_read_are_not_replaced(void **state)
{
	struct world *w = *state;
	struct aws_s3_lifecycle want = wanted();
	struct aws_s3_lifecycle_put p = {.op.done = on_done, .want = &want};

	ANSWER(w, .body = "<LifecycleConfiguration><Rule>");
	aws_s3_lifecycle_put(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_MALFORMED, false);
	aws_s3_end(&p.op);
	ANSWER(w, .status = 403, .body = S3_ERROR("AccessDenied"));
	aws_s3_lifecycle_put(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_CONFIG, false);
	aws_s3_end(&p.op);
	assert_int_equal(asked(w), 2);
	ANSWER(
	    w, .status = 404, .body = S3_ERROR("NoSuchLifecycleConfiguration"));
	aws_s3_lifecycle_put(w->s3, &p);
	run(w);
	expect_code(&p.op, ERR_NONE, false);
	assert_int_equal(p.kept, 0);
	assert_int_equal(asked(w), 4);
	aws_s3_end(&p.op);
}

static void
days_out_of_order_are_refused(void **state)
{
	static const struct aws_s3_lifecycle bad[] = {
	    {"", 90, "GLACIER_IR", 90, "DEEP_ARCHIVE", 0, 0, 0},
	    {"", 90, "GLACIER_IR", 30, "DEEP_ARCHIVE", 0, 0, 0},
	    {"", 90, "GLACIER_IR", 0, "", 60, 0, 0},
	    {"", -1, "GLACIER_IR", 0, "", 0, 0, 0},
	    {"", 90, "<x>", 0, "", 0, 0, 0},
	    {"", 0, "", 0, "", 0, 0, 0},
	    {"", 0, "", 0, "", 99999, 0, 0},
	    /* Amazon's least age and least stay. */
	    {"", 29, "STANDARD_IA", 0, "", 0, 0, 0},
	    {"", 30, "ONEZONE_IA", 59, "GLACIER", 0, 0, 0},
	    {"", 30, "STANDARD_IA", 0, "", 59, 0, 0},
	    {"", 0, "", 30, "STANDARD_IA", 50, 0, 0},
	};
	static const struct aws_s3_lifecycle good[] = {
	    {"", 0, "", 0, "", 1, 0, 0}, {"", 0, "", 0, "", 0, 0, 1},
	    {"", 0, "", 30, "DEEP_ARCHIVE", 0, 5, 0},
	    {"", 30, "STANDARD_IA", 60, "GLACIER", 61, 1, 0},
	    {"", 1, "GLACIER_IR", 30, "STANDARD_IA", 0, 0, 0},
	    {"", 90, "GLACIER_IR", 365, "DEEP_ARCHIVE", 1095, 0, 7}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    aws_s3_lifecycle_valid(&bad[i], &err), ERR_CONFIG);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(
		    aws_s3_lifecycle_valid(&good[i], &err), ERR_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_bucket_as_it_should_be_is_seen_so),
	    TEST(a_bucket_without_settings_and_one_that_hides_them),
	    TEST(a_bucket_that_cannot_be_reached_is_an_error),
	    TEST(each_difference_is_named),
	    TEST(our_rule_is_set_and_others_stay_as_they_stand),
	    TEST(rules_that_cannot_be_read_are_not_replaced),
	    cmocka_unit_test(days_out_of_order_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
