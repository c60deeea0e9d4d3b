#include "job/job_key.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

/*
 * A stream is laid out here and hashed at once, which is cheaper than many
 * small adds; only one with long text spills into a running digest.
 */
struct stream {
	uint8_t bytes[512];
	size_t len;
	bool spilled;
	struct sha256 digest; /* only once spilled */
};

static void
begin(struct stream *s, char tag)
{
	s->bytes[0] = (uint8_t)tag;
	s->len = 1;
	s->spilled = false;
}

static void
spill(struct stream *s)
{
	if (!s->spilled)
		sha256_init(&s->digest);
	s->spilled = true;
	sha256_add(&s->digest, s->bytes, s->len);
	s->len = 0;
}

static void
put(struct stream *s, const void *bytes, size_t len)
{
	if (len > sizeof(s->bytes) - s->len)
		spill(s);
	if (len > sizeof(s->bytes)) {
		sha256_add(&s->digest, bytes, len);
		return;
	}
	if (len > 0)
		memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

static void
put_number(struct stream *s, uint64_t value, size_t width)
{
	uint8_t bytes[8];

	CHECK(width == 8 || value >> (8 * width) == 0);
	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	put(s, bytes, width);
}

/* NULL is told from "" by a length that no text has. */
static void
put_text(struct stream *s, const void *bytes, size_t len)
{
	CHECK(len < UINT32_MAX);
	put_number(s, bytes == NULL ? UINT32_MAX : len, 4);
	put(s, bytes, len);
}

static void
end(struct stream *s, uint8_t out[SHA256_BYTES])
{
	if (!s->spilled) {
		sha256_once(s->bytes, s->len, out);
		return;
	}
	spill(s);
	sha256_end(&s->digest, out);
}

void
job_hash_event(const uint8_t before[SHA256_BYTES],
    const struct job_event_fields *f, uint8_t out[SHA256_BYTES])
{
	struct stream s;
	int state = f->attempt_state < 0 ? 255 : f->attempt_state;

	CHECK(f->attempt_state >= -1 && f->attempt_state < 255);
	begin(&s, 'E');
	put(&s, before, SHA256_BYTES);
	put_number(&s, (uint64_t)f->seq, 8);
	put_number(&s, (uint64_t)f->job, 8);
	put_number(&s, (uint64_t)f->n, 4);
	put_number(&s, (uint64_t)f->at_ms, 8);
	put_number(&s, (uint64_t)f->step, 2);
	put_number(&s, (uint64_t)f->job_state, 1);
	put_number(&s, (uint64_t)f->attempt, 8);
	put_number(&s, (uint64_t)state, 1);
	put_text(&s, f->detail, f->detail == NULL ? 0 : strlen(f->detail));
	end(&s, out);
}

void
job_hash_sealed(const struct job_sealed_fields *f, uint8_t out[SHA256_BYTES])
{
	struct stream s;

	begin(&s, 'S');
	put(&s, f->identity, SHA256_BYTES);
	put_number(&s, (uint64_t)f->state, 1);
	put_number(&s, (uint64_t)f->outcome, 1);
	put_number(&s, (uint64_t)f->revision, 8);
	put(&s, f->last, SHA256_BYTES);
	put(&s, f->before, SHA256_BYTES);
	end(&s, out);
}

void
job_hash_identity(const char *source, const char *ext,
    const uint8_t content[JOB_CONTENT_BYTES], uint8_t out[SHA256_BYTES])
{
	struct stream s;

	begin(&s, 'I');
	put_text(&s, source, strlen(source));
	put_text(&s, ext, strlen(ext));
	put(&s, content, JOB_CONTENT_BYTES);
	end(&s, out);
}

void
job_hash_content(const char *canonical, size_t len, uint8_t out[SHA256_BYTES])
{
	sha256_once(canonical, len, out);
}

void
job_key_attempt(const void *prefix, size_t prefix_len, const char *source,
    const char *ext, int64_t number, uint8_t out[SHA256_BYTES])
{
	struct stream s;

	CHECK(prefix != NULL && number >= 1);
	begin(&s, 'K');
	put_text(&s, prefix, prefix_len);
	put_text(&s, source, strlen(source));
	put_text(&s, ext, strlen(ext));
	put_number(&s, (uint64_t)number, 4);
	end(&s, out);
}
