#include <string.h>

#include "base/mem.h"

#include "media/media_encode_priv.h"
#include "media/media_riff_priv.h"

#define HEADER 44
#define SAMPLE_BYTES 4 /* of both channels */
/* Many players hold the size of a WAV in a signed 32-bit number. */
#define MAX_DATA (INT32_MAX - HEADER)

struct wav {
	int64_t data; /* bytes of sound to come */
	struct encode_up up;
	uint8_t bytes[ENCODE_UP_SAMPLES * SAMPLE_BYTES];
};

static enum err_code
wav_open(const struct encode_facts *facts, void **impl, struct err *err)
{
	struct wav *w = NULL;
	int64_t each = MEDIA_UP_FACTOR * SAMPLE_BYTES;

	if (facts->samples > MAX_DATA / each)
		return err_set(err, ERR_MALFORMED, 0,
		    "recording is longer than a WAV of 48 kHz can be: %lld s",
		    (long long)facts->samples / MEDIA_RATE);
	w = mem_zalloc(1, sizeof(*w));
	w->data = facts->samples * each;
	media_encode_up_init(&w->up);
	*impl = w;
	return ERR_NONE;
}

static enum err_code
wav_begin(void *impl, struct encode_out *o, struct err *err)
{
	const struct wav *w = impl;
	uint8_t h[HEADER];

	memcpy(h, "RIFF", 4);
	riff_put32(h + 4, (uint32_t)w->data + HEADER - 8);
	memcpy(h + 8, "WAVEfmt ", 8);
	riff_put32(h + 16, 16);
	riff_put16(h + 20, 1); /* linear PCM */
	riff_put16(h + 22, 2);
	riff_put32(h + 24, MEDIA_UP_RATE);
	riff_put32(h + 28, MEDIA_UP_RATE * SAMPLE_BYTES);
	riff_put16(h + 32, SAMPLE_BYTES);
	riff_put16(h + 34, 16);
	memcpy(h + 36, "data", 4);
	riff_put32(h + 40, (uint32_t)w->data);
	return media_encode_put(o, h, sizeof(h), err);
}

static enum err_code
put_samples(struct wav *w, size_t n, struct encode_out *o, struct err *err)
{
	uint8_t *at = w->bytes;

	for (size_t i = 0; i < n; i++, at += SAMPLE_BYTES) {
		riff_put16(at, (uint16_t)w->up.pcm[0][i]);
		riff_put16(at + 2, (uint16_t)w->up.pcm[1][i]);
	}
	return media_encode_put(o, w->bytes, n * SAMPLE_BYTES, err);
}

static enum err_code
wav_add(void *impl, const int16_t *callee, const int16_t *agent, size_t n,
    struct encode_out *o, struct err *err)
{
	struct wav *w = impl;

	return put_samples(
	    w, media_encode_up_add(&w->up, callee, agent, n), o, err);
}

static enum err_code
wav_end(void *impl, struct encode_out *o, struct err *err)
{
	struct wav *w = impl;

	return put_samples(w, media_encode_up_end(&w->up), o, err);
}

static void
wav_close(void *impl)
{
	mem_drop(impl);
}

const struct encode_codec media_encode_wav = {
    .open = wav_open,
    .begin = wav_begin,
    .add = wav_add,
    .end = wav_end,
    .close = wav_close,
};
