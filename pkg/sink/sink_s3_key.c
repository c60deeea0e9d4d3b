#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "sink/sink_s3.h"

/* What tells this call from another of the same id: see the header. */
static void
put_mark(const struct sink_result *r, struct buf *out)
{
	struct sha256 s;
	uint8_t hash[SHA256_BYTES];
	char hex[2 * 4 + 1];

	sha256_init(&s);
	sha256_field(&s, r->source, strlen(r->source));
	sha256_field(&s, r->carrier, strlen(r->carrier));
	sha256_field(&s, r->call_id, strlen(r->call_id));
	sha256_end(&s, hash);
	buf_printf(out, ".%s", text_hex(hash, 4, hex));
}

void
sink_s3_key(const char *prefix, const struct sink_result *r, const char *ext,
    struct buf *out)
{
	char campaign[TEXT_FILE_MAX] = "-";
	char id[TEXT_FILE_MAX];

	if (*r->campaign != '\0')
		(void)text_file_safe(r->campaign, campaign);
	buf_printf(out, "%s%s/%s", prefix, campaign, text_file_safe(r->id, id));
	if (strcmp(r->source, "file") != 0)
		put_mark(r, out);
	buf_printf(out, "/%lld.%s", (long long)r->attempt, ext);
}
