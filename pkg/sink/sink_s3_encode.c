#include <stddef.h>
#include <string.h>

#include "sink/sink_s3.h"

/* One a format, so that the format needs no memory of its own. */
static const enum media_encode_format formats[MEDIA_ENCODE_COUNT] = {
    [MEDIA_ENCODE_WAV] = MEDIA_ENCODE_WAV,
    [MEDIA_ENCODE_MP3] = MEDIA_ENCODE_MP3,
    [MEDIA_ENCODE_OPUS] = MEDIA_ENCODE_OPUS,
};

static enum err_code
encode(void *arg, struct env *env, const char *from,
    const uint8_t sha256[SHA256_BYTES], const char *to, bool (*stop)(void *arg),
    void *stop_arg, uint8_t made[SHA256_BYTES], struct err *err)
{
	const enum media_encode_format *format = arg;
	struct media_encode_info info = {0};

	enum err_code code = media_encode_file(
	    env, from, *format, sha256, to, stop, stop_arg, &info, err);

	memcpy(made, info.sha256, SHA256_BYTES);
	return code;
}

enum err_code
sink_s3_media_encoder(enum media_encode_format format,
    struct sink_s3_encoder *out, struct err *err)
{
	*out = (struct sink_s3_encoder){.ext = media_encode_name(format),
	    .content_type = media_encode_type(format),
	    .encode = encode,
	    .arg = (void *)(uintptr_t)&formats[format]};
	return media_encode_check(format, err);
}
