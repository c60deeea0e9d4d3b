#include "aws/aws_s3.h"

#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"

#include "aws/aws_s3_priv.h"

#define STALL_MS 30000

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static bool
only(const char *text, const char *extra)
{
	for (; *text != '\0'; text++)
		if (!(*text >= 'a' && *text <= 'z') &&
		    !(*text >= '0' && *text <= '9') &&
		    strchr(extra, *text) == NULL)
			return false;
	return true;
}

static enum err_code
take_endpoint(struct aws_s3 *s3, const char *endpoint, struct err *err)
{
	const char *host;
	size_t n;

	if (*endpoint == '\0') {
		s3->amazon = s3->tls = true;
		return ERR_NONE;
	}
	s3->tls = text_starts(endpoint, "https://");
	if (!s3->tls && !text_starts(endpoint, "http://"))
		return err_set(err, ERR_CONFIG, 0,
		    "S3 endpoint %.200s: expected https://HOST[:PORT]",
		    endpoint);
	host = strstr(endpoint, "://") + 3;
	n = strlen(host);
	if (n > 0 && host[n - 1] == '/')
		n--;
	if (n == 0 || n > 255 || strcspn(host, "/?#@ ") < n)
		return err_set(err, ERR_CONFIG, 0,
		    "S3 endpoint %.200s: expected a host and perhaps a port, "
		    "no path",
		    endpoint);
	s3->authority = mem_strndup(host, n);
	return ERR_NONE;
}

static enum err_code
take_names(struct aws_s3 *s3, const struct aws_s3_options *o, struct err *err)
{
	const char *region = or_empty(o->region);
	const char *bucket = or_empty(o->bucket);

	if (*region == '\0')
		region = "us-east-1";
	if (!only(region, "-") || strlen(region) > 40)
		return err_set(err, ERR_CONFIG, 0,
		    "S3 region %.80s: not a region's name", region);
	if (strlen(bucket) < 3 || strlen(bucket) > 63 || !only(bucket, ".-") ||
	    bucket[0] == '.' || strstr(bucket, "..") != NULL)
		return err_set(err, ERR_CONFIG, 0,
		    "S3 bucket \"%.80s\": expected 3 to 63 of a-z 0-9 . -",
		    bucket);
	s3->region = mem_strdup(region);
	s3->bucket = mem_strdup(bucket);
	return ERR_NONE;
}

static enum err_code
take_sse(struct aws_s3 *s3, const struct aws_s3_options *o, struct err *err)
{
	const char *context = or_empty(o->kms_context_json);
	size_t n = strlen(context);

	if (n > 2048 || strlen(or_empty(o->kms_key_id)) > 2048)
		return err_set(err, ERR_CONFIG, 0,
		    "S3 encryption: key id or context longer than 2048 bytes");
	s3->sse = o->sse;
	s3->kms_key_id = mem_strdup(or_empty(o->kms_key_id));
	s3->kms_context = mem_zalloc(1, BASE64_MAX(n));
	(void)base64_put(context, n, s3->kms_context);
	s3->bucket_key = o->bucket_key;
	return ERR_NONE;
}

enum err_code
aws_s3_open(
    const struct aws_s3_options *o, struct aws_s3 **out, struct err *err)
{
	struct aws_s3 *s3 = mem_zalloc(1, sizeof(*s3));
	enum err_code code;

	s3->env = o->env;
	s3->http = o->http;
	s3->credentials = o->credentials;
	s3->stall_ms = o->stall_ms > 0 ? o->stall_ms : STALL_MS;
	code = take_endpoint(s3, or_empty(o->endpoint), err);
	if (code == ERR_NONE)
		code = take_names(s3, o, err);
	if (code == ERR_NONE)
		code = take_sse(s3, o, err);
	if (code == ERR_NONE)
		s3->virtual_host =
		    o->style == AWS_S3_STYLE_VIRTUAL ||
		    (o->style == AWS_S3_STYLE_AUTO && s3->amazon &&
			strchr(s3->bucket, '.') == NULL);
	else
		aws_s3_close(&s3);
	*out = s3;
	return code;
}

void
aws_s3_close(struct aws_s3 **s3)
{
	struct aws_s3 *s = *s3;

	if (s == NULL)
		return;
	mem_free(&s->authority);
	mem_free(&s->region);
	mem_free(&s->bucket);
	mem_free(&s->kms_key_id);
	mem_free(&s->kms_context);
	mem_free(s3);
}

const char *
aws_s3_region(const struct aws_s3 *s3)
{
	return s3->region;
}

void
aws_s3_authority(const struct aws_s3 *s3, struct buf *out)
{
	if (s3->virtual_host)
		buf_printf(out, "%s.", s3->bucket);
	if (s3->amazon)
		buf_printf(out, "s3.%s.amazonaws.com%s", s3->region,
		    text_starts(s3->region, "cn-") ? ".cn" : "");
	else
		buf_puts(out, s3->authority);
}

void
aws_s3_path(const struct aws_s3 *s3, const char *key, struct buf *out)
{
	buf_putc(out, '/');
	if (!s3->virtual_host)
		buf_puts(out, s3->bucket);
	if (key == NULL)
		return;
	if (!s3->virtual_host)
		buf_putc(out, '/');
	aws_path_put(out, key);
}

void
aws_s3_url(const struct aws_s3 *s3, const char *key, struct buf *out)
{
	buf_puts(out, s3->tls ? "https://" : "http://");
	aws_s3_authority(s3, out);
	aws_s3_path(s3, key, out);
}
