#include "sink/sink_s3.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "sink/sink_s3_priv.h"

#define PART_DEFAULT (16 << 20)

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static int64_t
or_else(int64_t value, int64_t usual)
{
	return value != 0 ? value : usual;
}

static enum err_code
check(const struct sink_s3_options *o, struct err *err)
{
	const char *prefix = or_empty(o->prefix);

	if (strlen(prefix) > 500 || !text_is_utf8(prefix, strlen(prefix)) ||
	    *prefix == '/')
		return err_set(err, ERR_CONFIG, 0,
		    "s3: a prefix is at most 500 bytes of UTF-8 and does not "
		    "begin with '/'");
	if (or_else(o->multipart_bytes, PART_DEFAULT) < AWS_S3_PART_MIN ||
	    or_else(o->part_bytes, PART_DEFAULT) < AWS_S3_PART_MIN)
		return err_set(err, ERR_CONFIG, 0,
		    "s3: an object in parts has parts of at least 5 MiB");
	if (o->parts_at_once < 0 || o->parts_at_once > SINK_S3_SLOTS_MAX ||
	    o->at_once < 0 || o->at_once > 64)
		return err_set(err, ERR_CONFIG, 0,
		    "s3: at most %d parts and 64 results at once",
		    SINK_S3_SLOTS_MAX);
	if (o->tag_count > ARRAY_LEN(((struct sink_s3 *)NULL)->tags))
		return err_set(err, ERR_CONFIG, 0, "s3: at most 10 tags");
	return ERR_NONE;
}

static enum err_code
open_http(const struct sink_s3_options *o, struct sink_s3 *s, struct err *err)
{
	struct net_http_options http = {.env = o->env};
	enum err_code code;

	if (*or_empty(o->ca_file) != '\0') {
		code = net_http_open(&http, &s->http_public, err);
		if (code != ERR_NONE)
			return code;
		http.ca_file = o->ca_file;
	}
	http.host_connections =
	    or_else(o->at_once, 8) * or_else(o->parts_at_once, 4);
	return net_http_open(&http, &s->http, err);
}

static enum err_code
open_client(const struct sink_s3_options *o, struct sink_s3 *s, struct err *err)
{
	struct aws_s3_options client = o->s3;
	struct aws_credentials_options chain = {.env = o->env,
	    .http = s->http_public != NULL ? s->http_public : s->http,
	    .access_key = o->access_key,
	    .secret_key = o->secret_key,
	    .session_token = o->session_token,
	    .region = o->s3.region,
	    .lookup = o->lookup,
	    .lookup_arg = o->lookup_arg};
	enum err_code code = ERR_NONE;

	if (s->refusal.code == ERR_NONE)
		code = aws_credentials_open(&chain, &s->credentials, err);
	if (code != ERR_NONE)
		s->refusal = *err;
	client.env = o->env;
	client.http = s->http;
	client.credentials = s->credentials;
	return aws_s3_open(&client, &s->s3, err);
}

static void
take(const struct sink_s3_options *o, struct sink_s3 *s)
{
	s->encoder = o->encoder;
	s->ext = mem_strdup(o->encoder.ext);
	s->content_type = mem_strdup(o->encoder.content_type);
	s->work_dir = mem_strdup(o->work_dir);
	s->prefix = mem_strdup(or_empty(o->prefix));
	s->storage_class = mem_strdup(or_empty(o->storage_class));
	s->bucket = mem_strdup(or_empty(o->s3.bucket));
	for (size_t i = 0; i < o->tag_count; i++) {
		s->tags[i].name = mem_strdup(o->tags[i].name);
		s->tags[i].value = mem_strdup(o->tags[i].value);
	}
	s->tag_count = o->tag_count;
	s->multipart_bytes = or_else(o->multipart_bytes, PART_DEFAULT);
	s->part_bytes = or_else(o->part_bytes, PART_DEFAULT);
	s->slots = (size_t)or_else(o->parts_at_once, 4);
}

enum err_code
sink_s3_open(
    const struct sink_s3_options *o, struct sink_s3 **out, struct err *err)
{
	struct sink_s3 *s = mem_zalloc(1, sizeof(*s));
	enum err_code code = check(o, err);

	s->env = o->env;
	s->pool = o->pool;
	list_init(&s->pushes);
	if (code == ERR_NONE) {
		take(o, s);
		/* Where objects will be can be said without these. */
		if (o->refused != NULL)
			s->refusal = *o->refused;
		else if (open_http(o, s, err) != ERR_NONE)
			s->refusal = *err;
		code = open_client(o, s, err);
	}
	if (code == ERR_NONE && s->refusal.code == ERR_NONE)
		code = sink_s3_stem_open(s, err);
	s->pusher = (struct sink_pusher){.name = "s3",
	    .service = "s3",
	    .ops = sink_s3_ops(),
	    .impl = s,
	    .at_once = or_else(o->at_once, 8)};
	if (code != ERR_NONE)
		sink_s3_close(&s);
	*out = s;
	return code;
}

static void
drop_text(const char *text)
{
	char *own = (char *)(uintptr_t)text;

	mem_free(&own);
}

void
sink_s3_close(struct sink_s3 **sp)
{
	struct sink_s3 *s = *sp;
	struct list *node;

	if (s == NULL)
		return;
	while ((node = list_pop(&s->pushes)) != NULL)
		sink_s3_push_free(
		    CONTAINER_OF(node, struct sink_s3_push, node));
	sink_s3_stem_close(s);
	aws_s3_close(&s->s3);
	aws_credentials_close(&s->credentials);
	net_http_close(&s->http);
	net_http_close(&s->http_public);
	for (size_t i = 0; i < s->tag_count; i++) {
		drop_text(s->tags[i].name);
		drop_text(s->tags[i].value);
	}
	mem_free(&s->ext);
	mem_free(&s->content_type);
	mem_free(&s->work_dir);
	mem_free(&s->prefix);
	mem_free(&s->storage_class);
	mem_free(&s->bucket);
	mem_free(sp);
}

const struct sink_pusher *
sink_s3_pusher(const struct sink_s3 *s)
{
	return &s->pusher;
}

struct aws_s3 *
sink_s3_client(const struct sink_s3 *s)
{
	return s->s3;
}

const char *
sink_s3_prefix(const struct sink_s3 *s)
{
	return s->prefix;
}

static void
put_url(const struct sink_s3 *s, const struct sink_result *r, const char *ext,
    struct buf *out)
{
	struct buf key = BUF_INIT(2 * SINK_S3_KEY_MAX);

	sink_s3_key(s->prefix, r, ext, &key);
	aws_s3_url(s->s3, key.bytes, out);
	buf_free(&key);
}

void
sink_s3_recording_url(
    const struct sink_s3 *s, const struct sink_result *r, struct buf *out)
{
	if (*r->recording_path != '\0')
		put_url(s, r, s->ext, out);
}

void
sink_s3_transcript_url(
    const struct sink_s3 *s, const struct sink_result *r, struct buf *out)
{
	if (*r->transcript_path != '\0')
		put_url(s, r, "json", out);
}
