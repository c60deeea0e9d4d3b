#include "aws/aws_credentials.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

#include "aws/aws_s3_test.h"

/* Variables of a test, instead of the environment. */
struct vars {
	const char *name[12], *value[12];
	size_t count;
};

static const char *
look_up(void *arg, const char *name)
{
	const struct vars *v = arg;

	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->name[i], name) == 0)
			return v->value[i];
	return NULL;
}

static void
set(struct vars *v, const char *name, const char *value)
{
	assert_true(v->count < ARRAY_LEN(v->name));
	v->name[v->count] = name;
	v->value[v->count++] = value;
}

static struct aws_credentials_options
chain(struct world *w, struct vars *v)
{
	return (struct aws_credentials_options){.env = w->env,
	    .http = w->http,
	    .region = "eu-west-1",
	    .lookup = look_up,
	    .lookup_arg = v};
}

static struct aws_credentials *
open_chain(struct world *w, struct vars *v, const char *source)
{
	struct aws_credentials_options o = chain(w, v);
	struct aws_credentials *c = NULL;

	if (aws_credentials_open(&o, &c, &w->err) != ERR_NONE)
		fail_msg("%s", w->err.text);
	assert_string_equal(aws_credentials_source(c), source);
	return c;
}

struct ask {
	struct aws_credentials_ask a;
	int dones;
	char access[64], secret[64], token[64];
};

static void
on_ask(struct aws_credentials_ask *a)
{
	struct ask *x = CONTAINER_OF(a, struct ask, a);

	x->dones++;
	if (a->code != ERR_NONE) {
		assert_null(a->keys);
		return;
	}
	(void)snprintf(x->access, sizeof(x->access), "%s", a->keys->access_key);
	(void)snprintf(x->secret, sizeof(x->secret), "%s", a->keys->secret_key);
	(void)snprintf(
	    x->token, sizeof(x->token), "%s", a->keys->session_token);
}

static void
get(struct world *w, struct aws_credentials *c, struct ask *x)
{
	memset(x, 0, sizeof(*x));
	x->a.done = on_ask;
	aws_credentials_get(c, &x->a);
	assert_int_equal(x->dones, 0);
	net_env_run(w->env);
	assert_int_equal(x->dones, 1);
}

static void
expect_keys(struct world *w, struct aws_credentials *c, const char *access,
    const char *secret, const char *token)
{
	struct ask x;

	get(w, c, &x);
	if (x.a.code != ERR_NONE)
		fail_msg("%s", x.a.err.text);
	assert_string_equal(x.access, access);
	assert_string_equal(x.secret, secret);
	assert_string_equal(x.token, token);
}

static void
expect_none(struct world *w, struct aws_credentials *c, enum err_code code,
    const char *text)
{
	struct ask x;

	get(w, c, &x);
	if (x.a.code != code || strstr(x.a.err.text, text) == NULL)
		fail_msg("%s: %s", err_name(x.a.code), x.a.err.text);
}

static void
the_configuration_comes_before_the_environment(void **state)
{
	struct world *w = *state;
	struct vars v = {.count = 0};
	struct aws_credentials_options o = chain(w, &v);
	struct aws_credentials *c = NULL;

	set(&v, "AWS_ACCESS_KEY_ID", "env");
	set(&v, "AWS_SECRET_ACCESS_KEY", "env-secret");
	set(&v, "AWS_SESSION_TOKEN", "env-token");
	o.access_key = "conf";
	o.secret_key = "conf-secret";
	assert_int_equal(aws_credentials_open(&o, &c, &w->err), ERR_NONE);
	assert_string_equal(aws_credentials_source(c), "config");
	expect_keys(w, c, "conf", "conf-secret", "");
	assert_false(aws_credentials_renew(c, 0));
	aws_credentials_close(&c);
	c = open_chain(w, &v, "environment");
	expect_keys(w, c, "env", "env-secret", "env-token");
	aws_credentials_close(&c);
	aws_credentials_close(&c);
}

static void
half_a_pair_is_a_fault_of_the_set_up(void **state)
{
	struct world *w = *state;
	struct vars v = {.count = 0};
	struct aws_credentials_options o = chain(w, &v);
	struct aws_credentials *c = NULL;

	set(&v, "AWS_ACCESS_KEY_ID", "env");
	assert_int_equal(aws_credentials_open(&o, &c, &w->err), ERR_CONFIG);
	assert_null(c);
	o.secret_key = "s";
	assert_int_equal(aws_credentials_open(&o, &c, &w->err), ERR_CONFIG);
}

#define STS_KEYS(access)                                                     \
	"<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts\">"          \
	"<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>" access \
	"</AccessKeyId><SecretAccessKey>sts-secret"                          \
	"</SecretAccessKey><SessionToken>sts-token</SessionToken>"           \
	"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"        \
	"</AssumeRoleWithWebIdentityResult>"                                 \
	"</AssumeRoleWithWebIdentityResponse>"
#define STS_ERROR(code)                                        \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code \
	"</Code></Error></ErrorResponse>"

static void
a_web_identity_is_exchanged_at_sts(void **state)
{
	struct world *w = *state;
	struct vars v = {.count = 0};
	struct aws_credentials *c;
	char path[] = "/tmp/aws_token.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "ey.J=\n", 6), 6);
	assert_int_equal(close(fd), 0);
	set(&v, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
	set(&v, "AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
	set(&v, "AWS_ROLE_SESSION_NAME", "a b");
	set(&v, "AWS_ENDPOINT_URL_STS", w->endpoint);
	c = open_chain(w, &v, "web identity");
	ANSWER(w, .status = 503);
	expect_none(w, c, ERR_UNREACHABLE, "web identity");
	ANSWER(w, .status = 400, .body = STS_ERROR("IDPCommunicationError"));
	expect_none(w, c, ERR_UNREACHABLE, "IDPCommunicationError");
	ANSWER(w, .status = 403, .body = STS_ERROR("AccessDenied"));
	expect_none(w, c, ERR_CONFIG, "AccessDenied");
	ANSWER(w, .body = "<html/>");
	expect_none(w, c, ERR_UNREACHABLE, "keys");
	ANSWER(w, .body = STS_KEYS("sts"));
	expect_keys(w, c, "sts", "sts-secret", "sts-token");
	expect_keys(w, c, "sts", "sts-secret", "sts-token");
	assert_int_equal(asked(w), 5);
	expect_target(w, 4, "POST", "/");
	expect_header(
	    w, 4, "Content-Type", "application/x-www-form-urlencoded");
	expect_header(w, 4, "Authorization", NULL);
	assert_string_equal(net_peer_request(w->peer, 4)->body,
	    "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
	    "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
	    "&RoleSessionName=a%20b&WebIdentityToken=ey.J%3D");
	aws_credentials_close(&c);
	assert_int_equal(unlink(path), 0);
	c = open_chain(w, &v, "web identity");
	expect_none(w, c, ERR_CONFIG, path);
	aws_credentials_close(&c);
}

#define JSON_KEYS(access, expires)                                   \
	"{\"AccessKeyId\":\"" access "\",\"SecretAccessKey\":\"s\"," \
	"\"Token\":\"t\",\"Expiration\":\"" expires "\"}"
#define FAR "2099-01-01T00:00:00Z"

static void
a_container_is_asked_with_its_authorization(void **state)
{
	struct world *w = *state;
	struct vars v = {.count = 0};
	struct aws_credentials *c;
	char url[128];

	(void)snprintf(url, sizeof(url), "%s/creds?x=1", w->endpoint);
	set(&v, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	set(&v, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x");
	c = open_chain(w, &v, "container");
	ANSWER(w, .status = 500);
	expect_none(w, c, ERR_UNREACHABLE, "container");
	ANSWER(w, .status = 401);
	expect_none(w, c, ERR_CONFIG, "container");
	ANSWER(w, .body = "{}");
	expect_none(w, c, ERR_UNREACHABLE, "container");
	ANSWER(w, .body = JSON_KEYS("a\\r\\nX: y", FAR));
	expect_none(w, c, ERR_UNREACHABLE, "container");
	ANSWER(w, .body = JSON_KEYS("ecs", FAR));
	expect_keys(w, c, "ecs", "s", "t");
	expect_target(w, 4, "GET", "/creds?x=1");
	expect_header(w, 4, "Authorization", "Bearer x");
	aws_credentials_close(&c);
}

static void
keys_are_asked_of_nobody_far_away_in_clear(void **state)
{
	static const struct {
		const char *uri;
		enum err_code code;
	} rows[] = {
	    {"http://example.com/creds", ERR_CONFIG},
	    {"http://127.0.0.1.example.com/creds", ERR_CONFIG},
	    {"http://127.0.0.1@example.com/creds", ERR_CONFIG},
	    {"http://169.254.170.2.example.com/", ERR_CONFIG},
	    {"ftp://127.0.0.1/creds", ERR_CONFIG},
	    {"creds", ERR_CONFIG},
	    {"https://example.com/creds", ERR_NONE},
	    {"http://127.0.0.1:1/creds", ERR_NONE},
	    {"http://localhost/creds", ERR_NONE},
	    {"http://169.254.170.2/creds", ERR_NONE},
	    {"http://169.254.170.23/creds", ERR_NONE},
	    {"http://[fd00:ec2::23]/creds", ERR_NONE},
	    {"http://[::1]:8/creds", ERR_NONE},
	    {"http://[fd00:ec2::24]/creds", ERR_CONFIG},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vars v = {.count = 0};
		struct aws_credentials_options o = chain(w, &v);
		struct aws_credentials *c = NULL;

		set(&v, "AWS_CONTAINER_CREDENTIALS_FULL_URI", rows[i].uri);
		assert_int_equal(
		    aws_credentials_open(&o, &c, &w->err), rows[i].code);
		aws_credentials_close(&c);
	}
}

static void
imds(struct world *w, const char *keys)
{
	ANSWER(w, .body = "tok==");
	ANSWER(w, .body = "role a\nrole b");
	ANSWER(w, .body = keys);
}

static struct aws_credentials *
open_instance(struct world *w, struct vars *v)
{
	v->count = 0;
	set(v, "AWS_EC2_METADATA_SERVICE_ENDPOINT", w->endpoint);
	return open_chain(w, v, "instance");
}

static void
an_instance_is_asked_in_three_steps(void **state)
{
	struct world *w = *state;
	struct vars v;
	struct aws_credentials *c = open_instance(w, &v);

	imds(w, "{\"Code\":\"Success\",\"AccessKeyId\":\"i\","
		"\"SecretAccessKey\":\"s\",\"Token\":\"t\","
		"\"Expiration\":\"" FAR "\",\"Type\":\"AWS-HMAC\"}");
	expect_keys(w, c, "i", "s", "t");
	expect_target(w, 0, "PUT", "/latest/api/token");
	expect_header(w, 0, "x-aws-ec2-metadata-token-ttl-seconds", "21600");
	expect_target(
	    w, 1, "GET", "/latest/meta-data/iam/security-credentials/");
	expect_header(w, 1, "x-aws-ec2-metadata-token", "tok==");
	expect_target(
	    w, 2, "GET", "/latest/meta-data/iam/security-credentials/role%20a");
	expect_header(w, 2, "x-aws-ec2-metadata-token", "tok==");
	aws_credentials_close(&c);
}

static void
an_instance_without_keys_says_why(void **state)
{
	struct world *w = *state;
	struct vars v;
	struct aws_credentials *c = open_instance(w, &v);
	struct aws_credentials_options o = chain(w, &v);

	ANSWER(w, .status = 403);
	expect_none(w, c, ERR_CONFIG, "refused with 403");
	ANSWER(w, .status = 500);
	expect_none(w, c, ERR_UNREACHABLE, "500");
	ANSWER(w, .body = "tok");
	ANSWER(w, .status = 404);
	expect_none(w, c, ERR_CONFIG, "no role");
	ANSWER(w, .body = "tok");
	ANSWER(w, .body = "\n");
	expect_none(w, c, ERR_UNREACHABLE, "not as documented");
	imds(w, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}");
	expect_none(w, c, ERR_UNREACHABLE, "AssumeRole");
	ANSWER(
	    w, .when = NET_PEER_AT_ONCE, .then = NET_PEER_RESET, .cut = true);
	expect_none(w, c, ERR_CONFIG, "no AWS credentials: none in the");
	aws_credentials_close(&c);
	set(&v, "AWS_EC2_METADATA_DISABLED", "true");
	assert_int_equal(aws_credentials_open(&o, &c, &w->err), ERR_CONFIG);
	assert_non_null(strstr(w->err.text, "AWS_EC2_METADATA_DISABLED"));
}

static const char *
keys_until(struct world *w, char out[256], const char *access, int64_t in_ms)
{
	char at[TEXT_TIME_MAX];

	(void)snprintf(out, 256,
	    "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\","
	    "\"Token\":\"t\",\"Expiration\":\"%s\"}",
	    access, text_of_time(env_now_ms(w->env) + in_ms, at));
	return out;
}

static void
keys_are_renewed_five_minutes_before_their_end(void **state)
{
	struct world *w = *state;
	struct vars v;
	struct aws_credentials *c = open_instance(w, &v);
	char one[256], two[256];

	imds(w, keys_until(w, one, "long", 301 * 1000));
	expect_keys(w, c, "long", "s", "t");
	expect_keys(w, c, "long", "s", "t");
	assert_int_equal(asked(w), 3);
	/* Two seconds later five minutes are not left. */
	w->env->wall_offset_ms += 2000;
	imds(w, keys_until(w, two, "next", 3600 * 1000));
	expect_keys(w, c, "next", "s", "t");
	assert_int_equal(asked(w), 6);
	expect_keys(w, c, "next", "s", "t");
	assert_int_equal(asked(w), 6);
	aws_credentials_close(&c);
}

static void
when_the_instance_is_silent_old_keys_are_used_on(void **state)
{
	struct world *w = *state;
	struct vars v;
	struct aws_credentials *c = open_instance(w, &v);
	char one[256];

	imds(w, keys_until(w, one, "old", 400 * 1000));
	expect_keys(w, c, "old", "s", "t");
	w->env->wall_offset_ms += 3600 * 1000;
	ANSWER(w, .status = 503);
	expect_keys(w, c, "old", "s", "t");
	assert_int_equal(asked(w), 4);
	/* And the service is left alone for 5 to 10 minutes. */
	expect_keys(w, c, "old", "s", "t");
	assert_int_equal(asked(w), 4);
	aws_credentials_close(&c);
}

static void
when_a_container_is_silent_keys_are_used_to_their_end(void **state)
{
	struct world *w = *state;
	struct vars v = {.count = 0};
	struct aws_credentials *c;
	char url[128], one[256];

	(void)snprintf(url, sizeof(url), "%s/creds", w->endpoint);
	set(&v, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	c = open_chain(w, &v, "container");
	ANSWER(w, .body = keys_until(w, one, "old", 200 * 1000));
	expect_keys(w, c, "old", "s", "t");
	ANSWER(w, .status = 503);
	expect_keys(w, c, "old", "s", "t");
	assert_int_equal(asked(w), 2);
	aws_credentials_close(&c);
	c = open_chain(w, &v, "container");
	ANSWER(w, .body = keys_until(w, one, "old", 200 * 1000));
	expect_keys(w, c, "old", "s", "t");
	w->env->wall_offset_ms += 201 * 1000;
	ANSWER(w, .status = 503);
	expect_none(w, c, ERR_UNREACHABLE, "503");
	aws_credentials_close(&c);
}

static void
many_who_ask_at_once_share_one_answer(void **state)
{
	struct world *w = *state;
	struct vars v;
	struct aws_credentials *c = open_instance(w, &v);
	struct ask x[5];

	imds(w, JSON_KEYS("i", FAR));
	memset(x, 0, sizeof(x));
	for (int i = 0; i < 5; i++) {
		x[i].a.done = on_ask;
		aws_credentials_get(c, &x[i].a);
	}
	aws_credentials_cancel(&x[2].a);
	aws_credentials_cancel(&x[2].a);
	net_env_run(w->env);
	for (int i = 0; i < 5; i++)
		assert_int_equal(x[i].dones, i == 2 ? 0 : 1);
	assert_int_equal(asked(w), 3);
	aws_credentials_close(&c);
	/* Nor is anybody called after a close. */
	c = open_instance(w, &v);
	aws_credentials_get(c, &x[0].a);
	aws_credentials_close(&c);
	net_env_run(w->env);
	assert_int_equal(x[0].dones, 1);
}

static void
keys_that_a_peer_calls_ended_are_renewed_once(void **state)
{
	struct world *w = *state;
	struct vars v;
	struct put x;

	aws_credentials_close(&w->credentials);
	w->credentials = open_instance(w, &v);
	w->options.credentials = w->credentials;
	open_client(w);
	imds(w, JSON_KEYS("one", FAR));
	ANSWER(w, .status = 400, .body = S3_ERROR("ExpiredToken"));
	imds(w, JSON_KEYS("two", FAR));
	put(w, &x, "k", "hello");
	expect_code(&x.p.op, ERR_NONE, false);
	aws_s3_end(&x.p.op);
	assert_int_equal(asked(w), 8);
	expect_header(w, 3, "x-amz-security-token", "t");
	char auth[512];
	assert_true(net_peer_header(
	    net_peer_request(w->peer, 7), "authorization", auth, sizeof(auth)));
	assert_non_null(strstr(auth, "Credential=two/"));
	ANSWER(w, .status = 400, .body = S3_ERROR("ExpiredToken"));
	imds(w, JSON_KEYS("three", FAR));
	ANSWER(w, .status = 400, .body = S3_ERROR("ExpiredToken"));
	put_expect(w, ERR_CONFIG, false);
	assert_int_equal(asked(w), 13);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_configuration_comes_before_the_environment),
	    TEST(half_a_pair_is_a_fault_of_the_set_up),
	    TEST(a_web_identity_is_exchanged_at_sts),
	    TEST(a_container_is_asked_with_its_authorization),
	    TEST(keys_are_asked_of_nobody_far_away_in_clear),
	    TEST(an_instance_is_asked_in_three_steps),
	    TEST(an_instance_without_keys_says_why),
	    TEST(keys_are_renewed_five_minutes_before_their_end),
	    TEST(when_the_instance_is_silent_old_keys_are_used_on),
	    TEST(when_a_container_is_silent_keys_are_used_to_their_end),
	    TEST(many_who_ask_at_once_share_one_answer),
	    TEST(keys_that_a_peer_calls_ended_are_renewed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
