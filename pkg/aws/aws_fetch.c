#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_credentials_priv.h"

#define TOKEN_MAX 65536 /* of a web identity or an authorization */

/* An instance's service is one hop away: 1 s, as Amazon's own clients. */
#define IMDS_MS 1000
#define CONTAINER_MS 2000
#define STS_MS 10000
#define IMDS_ENDPOINT "http://169.254.169.254"
#define IMDS_ROLES "/latest/meta-data/iam/security-credentials/"
#define ECS_ENDPOINT "http://169.254.170.2"

void
aws_fetch_init(struct aws_fetch *f, const struct aws_credentials_options *o,
    const char *(*lookup)(void *arg, const char *name))
{
	f->env = o->env;
	f->http = o->http;
	f->lookup = lookup;
	f->lookup_arg = o->lookup_arg;
	f->region = mem_strdup(o->region != NULL ? o->region : "us-east-1");
	f->url.max = AWS_FETCH_URL_MAX;
	f->body.max = 4 * TOKEN_MAX;
	f->header[0].max = TOKEN_MAX + 100;
	f->header[1].max = 100;
}

void
aws_fetch_wipe(struct buf *b)
{
	if (b->bytes != NULL)
		mem_wipe(b->bytes, b->len);
	buf_free(b);
}

/* What one exchange left: bodies and headers hold secrets. */
static void
tidy(struct aws_fetch *f)
{
	if (f->flying && f->r.body_in.bytes != NULL)
		mem_wipe(f->r.body_in.bytes, f->r.body_in.len);
	if (f->flying)
		net_http_request_fini(&f->r);
	f->flying = false;
	memset(&f->r, 0, sizeof(f->r));
	aws_fetch_wipe(&f->body);
	aws_fetch_wipe(&f->header[0]);
	aws_fetch_wipe(&f->header[1]);
	buf_clear(&f->url);
}

void
aws_fetch_fini(struct aws_fetch *f)
{
	if (f->flying)
		net_http_cancel(&f->r);
	tidy(f);
	aws_keyring_fini(&f->ring);
	buf_free(&f->url);
	mem_free(&f->region);
	mem_free(&f->endpoint);
	mem_free(&f->imds_token);
	mem_free(&f->role);
}

const char *
aws_fetch_var(const struct aws_fetch *f, const char *name)
{
	const char *value = f->lookup(f->lookup_arg, name);

	return value != NULL ? value : "";
}

/* Host of an http URL, in brackets for IPv6: "" when there is none. */
static void
host_of(const char *url, char *out, size_t size)
{
	const char *begin = strstr(url, "://");
	size_t n;

	*out = '\0';
	if (begin == NULL)
		return;
	begin += 3;
	n = strcspn(begin, "/?#");
	if (memchr(begin, '@', n) != NULL)
		return;
	if (*begin == '[') {
		const char *end = memchr(begin, ']', n);

		n = end != NULL ? (size_t)(end - begin) + 1 : 0;
	} else {
		n = strcspn(begin, ":/?#");
	}
	if (n == 0 || n >= size)
		return;
	memcpy(out, begin, n);
	out[n] = '\0';
}

/* Keys in clear, so only over TLS or to this machine. */
static bool
may_be_asked(const char *url)
{
	char host[64];

	if (text_starts(url, "https://"))
		return true;
	if (!text_starts(url, "http://"))
		return false;
	host_of(url, host, sizeof(host));
	if (text_starts(host, "127.") &&
	    strspn(host, "0123456789.") == strlen(host))
		return true;
	return text_eq(host, "localhost") || text_eq(host, "[::1]") ||
	       text_eq(host, "169.254.170.2") ||
	       text_eq(host, "169.254.170.23") ||
	       text_eq(host, "[fd00:ec2::23]");
}

static enum err_code
choose_container(struct aws_fetch *f, struct err *err)
{
	const char *full =
	    aws_fetch_var(f, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *relative =
	    aws_fetch_var(f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

	f->source = AWS_SOURCE_CONTAINER;
	if (*relative != '\0' &&
	    (*relative != '/' || strlen(relative) > AWS_FETCH_URL_MAX / 2))
		return err_set(err, ERR_CONFIG, 0,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: expected a path "
		    "that begins with '/'");
	if (*relative == '\0' &&
	    (!may_be_asked(full) || strlen(full) > AWS_FETCH_URL_MAX / 2))
		return err_set(err, ERR_CONFIG, 0,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI: only https, or http "
		    "to this machine or to Amazon's own addresses, may be "
		    "asked for keys");
	return ERR_NONE;
}

static enum err_code
choose_instance(struct aws_fetch *f, struct err *err)
{
	const char *endpoint =
	    aws_fetch_var(f, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	size_t n;

	f->source = AWS_SOURCE_INSTANCE;
	if (strcmp(aws_fetch_var(f, "AWS_EC2_METADATA_DISABLED"), "true") == 0)
		return err_set(err, ERR_CONFIG, 0,
		    "no AWS credentials: none in the configuration or the "
		    "environment, no web identity, no container, and "
		    "AWS_EC2_METADATA_DISABLED forbids asking the instance");
	if (*endpoint == '\0')
		endpoint = IMDS_ENDPOINT;
	n = strlen(endpoint);
	if (n > 256 || (!text_starts(endpoint, "http://") &&
			   !text_starts(endpoint, "https://")))
		return err_set(err, ERR_CONFIG, 0,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT: expected an http URL");
	while (n > 0 && endpoint[n - 1] == '/')
		n--;
	f->endpoint = mem_strndup(endpoint, n);
	return ERR_NONE;
}

enum err_code
aws_fetch_choose(struct aws_fetch *f, struct err *err)
{
	const char *sts = aws_fetch_var(f, "AWS_ENDPOINT_URL_STS");

	if (*aws_fetch_var(f, "AWS_WEB_IDENTITY_TOKEN_FILE") != '\0' &&
	    *aws_fetch_var(f, "AWS_ROLE_ARN") != '\0') {
		f->source = AWS_SOURCE_WEB_IDENTITY;
		if (*sts != '\0' && (!may_be_asked(sts) || strlen(sts) > 1024))
			return err_set(err, ERR_CONFIG, 0,
			    "AWS_ENDPOINT_URL_STS: expected an https URL");
		return ERR_NONE;
	}
	if (*aws_fetch_var(f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") !=
		'\0' ||
	    *aws_fetch_var(f, "AWS_CONTAINER_CREDENTIALS_FULL_URI") != '\0')
		return choose_container(f, err);
	return choose_instance(f, err);
}

bool
aws_fetch_is_safe(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* The file's one line, without blanks at its end; mem_free. */
static enum err_code
read_line(struct aws_fetch *f, const char *path, char **out, struct err *err)
{
	size_t len = 0;
	enum err_code code =
	    env_read_whole(f->env, path, TOKEN_MAX, out, &len, err);

	if (code != ERR_NONE)
		return err_set(err, ERR_CONFIG, err->sys,
		    "a token for AWS credentials cannot be read: %s", path);
	while (len > 0 && strchr(" \r\n\t", (*out)[len - 1]) != NULL)
		(*out)[--len] = '\0';
	if (len == 0 || !aws_fetch_is_safe(*out)) {
		mem_free(out);
		return err_set(
		    err, ERR_CONFIG, 0, "%s: holds no token of one line", path);
	}
	return ERR_NONE;
}

static void
form_put(struct buf *body, const char *name, const char *value)
{
	buf_printf(body, "%s%s=", body->len > 0 ? "&" : "", name);
	aws_encode_put(body, value);
}

static enum err_code
prepare_web_identity(struct aws_fetch *f, struct err *err)
{
	const char *sts = aws_fetch_var(f, "AWS_ENDPOINT_URL_STS");
	const char *session = aws_fetch_var(f, "AWS_ROLE_SESSION_NAME");
	char *token = NULL;
	enum err_code code = read_line(
	    f, aws_fetch_var(f, "AWS_WEB_IDENTITY_TOKEN_FILE"), &token, err);

	if (token == NULL)
		return code;
	if (*sts != '\0')
		buf_puts(&f->url, sts);
	else
		buf_printf(&f->url, "https://sts.%s.amazonaws.com%s/",
		    f->region, text_starts(f->region, "cn-") ? ".cn" : "");
	form_put(&f->body, "Action", "AssumeRoleWithWebIdentity");
	form_put(&f->body, "Version", "2011-06-15");
	form_put(&f->body, "RoleArn", aws_fetch_var(f, "AWS_ROLE_ARN"));
	form_put(
	    &f->body, "RoleSessionName", *session != '\0' ? session : "dsrun");
	form_put(&f->body, "WebIdentityToken", token);
	buf_puts(
	    &f->header[0], "Content-Type: application/x-www-form-urlencoded");
	f->r.method = "POST";
	f->r.body = f->body.bytes;
	f->r.body_len = f->body.len;
	f->r.connect_ms = f->r.total_ms = STS_MS;
	mem_wipe(token, strlen(token));
	mem_free(&token);
	return ERR_NONE;
}

static enum err_code
prepare_container(struct aws_fetch *f, struct err *err)
{
	const char *relative =
	    aws_fetch_var(f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *file =
	    aws_fetch_var(f, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token =
	    aws_fetch_var(f, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char *read = NULL;

	if (*file != '\0') {
		enum err_code code = read_line(f, file, &read, err);

		if (read == NULL)
			return code;
		token = read;
	}
	if (!aws_fetch_is_safe(token) || strlen(token) > TOKEN_MAX) {
		mem_free(&read);
		return err_set(err, ERR_CONFIG, 0,
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN: no token of one line");
	}
	if (*relative != '\0')
		buf_printf(&f->url, "%s%s", ECS_ENDPOINT, relative);
	else
		buf_puts(&f->url,
		    aws_fetch_var(f, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
	if (*token != '\0')
		buf_printf(&f->header[0], "Authorization: %s", token);
	f->r.method = "GET";
	f->r.connect_ms = f->r.total_ms = CONTAINER_MS;
	mem_free(&read);
	return ERR_NONE;
}

static enum err_code
prepare_instance(struct aws_fetch *f, struct err *err)
{
	(void)err;
	f->r.method = "GET";
	f->r.connect_ms = f->r.total_ms = IMDS_MS;
	if (f->stage == AWS_FETCH_TOKEN) {
		f->r.method = "PUT";
		buf_printf(&f->url, "%s/latest/api/token", f->endpoint);
		buf_puts(&f->header[0],
		    "x-aws-ec2-metadata-token-ttl-seconds: 21600");
		return ERR_NONE;
	}
	buf_printf(
	    &f->header[0], "x-aws-ec2-metadata-token: %s", f->imds_token);
	buf_printf(&f->url, "%s%s%s", f->endpoint, IMDS_ROLES,
	    f->stage == AWS_FETCH_KEYS ? f->role : "");
	return ERR_NONE;
}

static void on_answer(struct net_http_request *r);

static void
finish(struct aws_fetch *f, enum err_code code)
{
	tidy(f);
	f->code = code;
	if (f->imds_token != NULL)
		mem_wipe(f->imds_token, strlen(f->imds_token));
	mem_free(&f->imds_token);
	mem_free(&f->role);
	f->done(f);
}

static enum err_code
send(struct aws_fetch *f, struct err *err)
{
	enum err_code code = ERR_NONE;
	size_t n = 0;

	tidy(f);
	if (f->source == AWS_SOURCE_WEB_IDENTITY)
		code = prepare_web_identity(f, err);
	else if (f->source == AWS_SOURCE_CONTAINER)
		code = prepare_container(f, err);
	else
		code = prepare_instance(f, err);
	if (code != ERR_NONE)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(f->header); i++)
		if (f->header[i].len > 0)
			f->lines[n++] = f->header[i].bytes;
	f->lines[n] = NULL;
	f->r.url = f->url.bytes;
	f->r.headers = f->lines;
	f->r.response_max = AWS_FETCH_ANSWER_MAX;
	f->r.done = on_answer;
	f->flying = true;
	net_http_start(f->http, &f->r);
	return ERR_NONE;
}

static void
on_answer(struct net_http_request *r)
{
	struct aws_fetch *f = CONTAINER_OF(r, struct aws_fetch, r);
	bool more = false;
	enum err_code code = aws_fetch_judge(f, &more, &f->err);

	if (code == ERR_NONE && more) {
		code = send(f, &f->err);
		if (code == ERR_NONE)
			return;
	}
	f->worked = f->worked || code == ERR_NONE;
	if (code != ERR_NONE && !text_starts(f->err.text, "no AWS"))
		(void)err_wrap(&f->err, "AWS credentials of the %s",
		    f->source == AWS_SOURCE_WEB_IDENTITY ? "web identity"
		    : f->source == AWS_SOURCE_CONTAINER  ? "container"
							 : "instance");
	finish(f, code);
}

void
aws_fetch_start(struct aws_fetch *f)
{
	enum err_code code;

	aws_keyring_fini(&f->ring);
	f->stage =
	    f->source == AWS_SOURCE_INSTANCE ? AWS_FETCH_TOKEN : AWS_FETCH_KEYS;
	code = send(f, &f->err);
	/* Safe though nothing was awaited: aws_credentials answers by a post.
	 */
	if (code != ERR_NONE)
		finish(f, code);
}
