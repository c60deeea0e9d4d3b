#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_xml.h"
#include "json/json.h"

#include "aws/aws_credentials_priv.h"

static enum err_code
take(struct aws_fetch *f, const char *access, const char *secret,
    const char *token, const char *expires, struct err *err)
{
	if (*access == '\0' || *secret == '\0' || !aws_fetch_is_safe(access) ||
	    !aws_fetch_is_safe(token))
		return err_set(
		    err, ERR_UNREACHABLE, 0, "the answer held no usable keys");
	f->ring.expires_ms = INT64_MAX;
	if (*expires != '\0' &&
	    text_rfc3339_ms(expires, &f->ring.expires_ms, err) != ERR_NONE)
		return err_set(err, ERR_UNREACHABLE, 0,
		    "the answer's Expiration is no time");
	f->ring.access_key = mem_strdup(access);
	f->ring.secret_key = mem_strdup(secret);
	f->ring.session_token = mem_strdup(token);
	return ERR_NONE;
}

static enum err_code
take_json(struct aws_fetch *f, const struct buf *body, struct err *err)
{
	struct json *doc = NULL;
	struct json_limits limits = {AWS_FETCH_ANSWER_MAX, 8, 1000};
	const char *status = "Success", *access = "", *secret = "";
	const char *token = "", *expires = "";
	enum err_code code =
	    json_parse(buf_text(body), body->len, &limits, &doc, err);

	if (code == ERR_NONE)
		code = json_opt_str(doc, "Code", &status, err);
	if (code == ERR_NONE)
		code = json_opt_str(doc, "AccessKeyId", &access, err);
	if (code == ERR_NONE)
		code = json_opt_str(doc, "SecretAccessKey", &secret, err);
	if (code == ERR_NONE)
		code = json_opt_str(doc, "Token", &token, err);
	if (code == ERR_NONE)
		code = json_opt_str(doc, "Expiration", &expires, err);
	if (code != ERR_NONE)
		/* A service that is starting: later it may be better. */
		code = err_set(err, ERR_UNREACHABLE, 0, "not as documented");
	else if (strcmp(status, "Success") != 0)
		code =
		    err_set(err, ERR_UNREACHABLE, 0, "it says %.80s", status);
	else
		code = take(f, access, secret, token, expires, err);
	json_free(&doc);
	return code;
}

struct sts {
	char access[256], secret[256], expires[64], error[128];
	struct buf token;
};

static void
copy(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		n = 0;
	memcpy(out, text, n);
	out[n] = '\0';
}

static void
on_sts(void *arg, const struct aws_xml_element *e)
{
	static const char keys[] = "AssumeRoleWithWebIdentityResponse/"
				   "AssumeRoleWithWebIdentityResult/"
				   "Credentials/";
	struct sts *s = arg;
	const char *name = e->path + sizeof(keys) - 1;

	if (strcmp(e->path, "ErrorResponse/Error/Code") == 0)
		copy(s->error, sizeof(s->error), e->text);
	if (!text_starts(e->path, keys))
		return;
	if (strcmp(name, "AccessKeyId") == 0)
		copy(s->access, sizeof(s->access), e->text);
	else if (strcmp(name, "SecretAccessKey") == 0)
		copy(s->secret, sizeof(s->secret), e->text);
	else if (strcmp(name, "Expiration") == 0)
		copy(s->expires, sizeof(s->expires), e->text);
	else if (strcmp(name, "SessionToken") == 0) {
		buf_clear(&s->token);
		buf_puts(&s->token, e->text);
	}
}

/* Refusals that time mends: the identity's file is written anew, or the
 * identity's provider comes back. */
static bool
sts_passes(const char *error)
{
	return strcmp(error, "ExpiredTokenException") == 0 ||
	       strcmp(error, "IDPCommunicationError") == 0 ||
	       strcmp(error, "InternalFailure") == 0 ||
	       text_starts(error, "Throttling");
}

static enum err_code
take_sts(struct aws_fetch *f, struct err *err)
{
	struct sts s = {.token = BUF_INIT(AWS_XML_TEXT_MAX)};
	enum err_code code = aws_xml_read(
	    buf_text(&f->r.body_in), f->r.body_in.len, on_sts, &s, err);

	if (f->r.status == 200 && code == ERR_NONE)
		code = take(
		    f, s.access, s.secret, buf_text(&s.token), s.expires, err);
	else if (f->r.status == 200)
		code = err_set(err, ERR_UNREACHABLE, 0, "not as documented");
	else if (f->r.status >= 500 || f->r.status == 429 ||
		 sts_passes(s.error))
		code = err_set(err, ERR_UNREACHABLE, f->r.status,
		    "status %d %s", f->r.status, s.error);
	else
		code = err_set(err, ERR_CONFIG, f->r.status,
		    "refused with %d %s", f->r.status, s.error);
	mem_wipe(s.secret, sizeof(s.secret));
	aws_fetch_wipe(&s.token);
	return code;
}

/* A name or token of the instance's service: the first line. */
static char *
first_line(const struct buf *b)
{
	const char *text = buf_text(b);
	char *line = mem_strndup(text, strcspn(text, "\r\n"));

	if (*line == '\0' || !aws_fetch_is_safe(line))
		mem_free(&line);
	return line;
}

/* The next stage of the instance's three, or its keys. */
static enum err_code
step_instance(struct aws_fetch *f, bool *more, struct err *err)
{
	struct buf path = BUF_INIT(AWS_FETCH_URL_MAX);
	char *line;

	if (f->stage == AWS_FETCH_KEYS)
		return take_json(f, &f->r.body_in, err);
	line = first_line(&f->r.body_in);
	if (line == NULL || strlen(line) > AWS_FETCH_URL_MAX / 8) {
		mem_free(&line);
		return err_set(err, ERR_UNREACHABLE, 0, "not as documented");
	}
	*more = true;
	if (f->stage == AWS_FETCH_TOKEN) {
		f->imds_token = line;
		f->stage = AWS_FETCH_ROLE;
	} else {
		aws_encode_put(&path, line);
		f->role = path.bytes;
		mem_free(&line);
		f->stage = AWS_FETCH_KEYS;
	}
	return ERR_NONE;
}

enum err_code
aws_fetch_judge(struct aws_fetch *f, bool *more, struct err *err)
{
	int status = f->r.status;

	if (f->r.code != ERR_NONE) {
		*err = f->r.err;
		/* Nobody at that address, and never was: no instance. */
		if (!f->worked && f->source == AWS_SOURCE_INSTANCE &&
		    f->stage == AWS_FETCH_TOKEN && f->r.code != ERR_MALFORMED)
			return err_set(err, ERR_CONFIG, 0,
			    "no AWS credentials: none in the configuration or "
			    "the environment, no web identity, no container, "
			    "and no instance that answers at %s",
			    f->endpoint);
		if (err_class(f->r.code) != ERR_CLASS_RETRY)
			return err_set(err, ERR_CONFIG, 0, "%s", f->r.err.text);
		return f->r.code;
	}
	if (f->source == AWS_SOURCE_WEB_IDENTITY)
		return take_sts(f, err);
	if (status >= 500 || status == 429)
		return err_set(
		    err, ERR_UNREACHABLE, status, "status %d", status);
	if (status == 404 && f->stage == AWS_FETCH_ROLE)
		return err_set(err, ERR_CONFIG, status,
		    "no AWS credentials: this instance has no role");
	if (status != 200)
		return err_set(
		    err, ERR_CONFIG, status, "refused with %d", status);
	if (f->source == AWS_SOURCE_INSTANCE)
		return step_instance(f, more, err);
	return take_json(f, &f->r.body_in, err);
}
