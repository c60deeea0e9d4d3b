#include "aws/aws_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hmac.h"
#include "base/mem.h"
#include "base/text.h"

/* Of a canonical request; a policy with a long session token is 20 KB. */
#define CANONICAL_MAX (1 << 20)

static bool
stays(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

static void
put_encoded(struct buf *out, const char *text, bool keep_slash)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (stays(c) || (keep_slash && c == '/')) {
			buf_putc(out, (char)c);
		} else {
			buf_putc(out, '%');
			buf_putc(out, hex[c >> 4]);
			buf_putc(out, hex[c & 15]);
		}
	}
}

void
aws_path_put(struct buf *out, const char *key)
{
	put_encoded(out, key, true);
}

void
aws_encode_put(struct buf *out, const char *text)
{
	put_encoded(out, text, false);
}

/* A name and a value, both as they are sorted and written. */
struct row {
	char *name;
	char *value;
};

static int
by_name(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->value, y->value);
}

static void
rows_free(struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		mem_free(&rows[i].name);
		mem_free(&rows[i].value);
	}
}

static char *
encoded(const char *text)
{
	struct buf b = BUF_INIT(CANONICAL_MAX);

	aws_encode_put(&b, text);
	if (b.bytes == NULL)
		return mem_strdup("");
	return b.bytes;
}

/* AWS sorts what is encoded, not what was meant. */
void
aws_query_put(struct buf *out, const struct aws_pair *query, size_t count)
{
	struct row rows[AWS_SIGN_PAIRS_MAX];

	CHECK(count <= AWS_SIGN_PAIRS_MAX);
	for (size_t i = 0; i < count; i++) {
		rows[i].name = encoded(query[i].name);
		rows[i].value = encoded(query[i].value);
	}
	if (count > 0)
		qsort(rows, count, sizeof(rows[0]), by_name);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s=%s", i > 0 ? "&" : "", rows[i].name,
		    rows[i].value);
	rows_free(rows, count);
}

static char *
lower(const char *name)
{
	char *out = mem_strdup(name);

	for (char *p = out; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

/* Without blanks around it, and one for several within. */
static char *
trimmed(const char *value)
{
	char *out = mem_strdup(value);
	size_t n = 0;

	for (const char *p = value; *p != '\0'; p++) {
		bool blank = *p == ' ' || *p == '\t';

		if (blank && (n == 0 || out[n - 1] == ' '))
			continue;
		out[n++] = blank ? ' ' : *p;
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

static void
row_set(struct row *row, const char *name, const char *value)
{
	row->name = lower(name);
	row->value = trimmed(value);
}

static void
time_text(int64_t at_ms, char out[AWS_TIME_MAX])
{
	char text[TEXT_TIME_MAX]; /* 2013-05-24T00:00:00.000Z */
	size_t n = 0;

	(void)text_of_time(at_ms, text);
	for (const char *p = text; *p != '.' && n < AWS_TIME_MAX - 2; p++)
		if (*p != '-' && *p != ':')
			out[n++] = *p;
	out[n++] = 'Z';
	out[n] = '\0';
}

/* All signed headers by name: sorting lines would put "a-b:" before "a:". */
static size_t
header_rows(const struct aws_sign_request *r, const struct aws_keys *keys,
    struct row rows[AWS_SIGN_PAIRS_MAX])
{
	char date[AWS_TIME_MAX];
	char hash[AWS_HASH_MAX];
	size_t n = 0;

	CHECK(r->header_count + 4 <= AWS_SIGN_PAIRS_MAX);
	time_text(r->at_ms, date);
	(void)text_hex(r->payload_sha256, SHA256_BYTES, hash);
	row_set(&rows[n++], "host", r->host);
	row_set(&rows[n++], "x-amz-date", date);
	row_set(&rows[n++], "x-amz-content-sha256", hash);
	if (*keys->session_token != '\0')
		row_set(
		    &rows[n++], "x-amz-security-token", keys->session_token);
	for (size_t i = 0; i < r->header_count; i++)
		row_set(&rows[n++], r->headers[i].name, r->headers[i].value);
	qsort(rows, n, sizeof(rows[0]), by_name);
	return n;
}

static void
put_names(struct buf *out, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i > 0 ? ";" : "", rows[i].name);
}

static void
put_canonical(const struct aws_sign_request *r, const struct row *rows,
    size_t count, struct buf *out)
{
	char hash[AWS_HASH_MAX];

	buf_printf(out, "%s\n%s\n", r->method, r->path);
	aws_query_put(out, r->query, r->query_count);
	buf_putc(out, '\n');
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s:%s\n", rows[i].name, rows[i].value);
	buf_putc(out, '\n');
	put_names(out, rows, count);
	buf_printf(
	    out, "\n%s", text_hex(r->payload_sha256, SHA256_BYTES, hash));
}

void
aws_sign_canonical(const struct aws_sign_request *r,
    const struct aws_keys *keys, struct buf *out)
{
	struct row rows[AWS_SIGN_PAIRS_MAX];
	size_t count = header_rows(r, keys, rows);

	put_canonical(r, rows, count, out);
	rows_free(rows, count);
}

static void
sign_text(const struct aws_sign_request *r, const char *secret,
    const char day[9], const struct buf *text, char out[AWS_HASH_MAX])
{
	struct buf first = BUF_INIT(CANONICAL_MAX);
	uint8_t key[SHA256_BYTES];

	buf_printf(&first, "AWS4%s", secret);
	hmac_once(first.bytes, first.len, day, 8, key);
	hmac_once(key, sizeof(key), r->region, strlen(r->region), key);
	hmac_once(key, sizeof(key), r->service, strlen(r->service), key);
	hmac_once(key, sizeof(key), "aws4_request", 12, key);
	hmac_once(key, sizeof(key), text->bytes, text->len, key);
	(void)text_hex(key, sizeof(key), out);
	mem_wipe(key, sizeof(key));
	mem_wipe(first.bytes, first.len);
	buf_free(&first);
}

void
aws_sign(const struct aws_sign_request *r, const struct aws_keys *keys,
    struct aws_signed *out)
{
	struct row rows[AWS_SIGN_PAIRS_MAX];
	size_t count = header_rows(r, keys, rows);
	struct buf canonical = BUF_INIT(CANONICAL_MAX);
	struct buf text = BUF_INIT(CANONICAL_MAX);
	struct buf auth = BUF_INIT(CANONICAL_MAX);
	uint8_t hash[SHA256_BYTES];
	char hex[AWS_HASH_MAX];
	char day[9];

	time_text(r->at_ms, out->date);
	(void)snprintf(day, sizeof(day), "%.8s", out->date);
	(void)text_hex(r->payload_sha256, SHA256_BYTES, out->payload_sha256);
	put_canonical(r, rows, count, &canonical);
	sha256_once(canonical.bytes, canonical.len, hash);
	buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s",
	    out->date, day, r->region, r->service,
	    text_hex(hash, sizeof(hash), hex));
	sign_text(r, keys->secret_key, day, &text, out->signature);
	buf_printf(&auth,
	    "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, "
	    "SignedHeaders=",
	    keys->access_key, day, r->region, r->service);
	put_names(&auth, rows, count);
	buf_printf(&auth, ", Signature=%s", out->signature);
	out->authorization = auth.bytes;
	mem_wipe(canonical.bytes, canonical.len); /* the session token */
	buf_free(&canonical);
	buf_free(&text);
	rows_free(rows, count);
}

void
aws_signed_fini(struct aws_signed *s)
{
	mem_free(&s->authorization);
}
