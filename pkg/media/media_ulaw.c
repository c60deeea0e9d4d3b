#include "media/media_ulaw.h"

#include <string.h>

/*
 * The rule of G.191: 14-bit magnitude (one's complement for negatives) plus a
 * bias of 33, clipped to 13 bits; the segment is the place of the highest bit,
 * the mantissa the four below it, all inverted.
 */
#define BIAS 33
#define CLIP 0x1FFF

uint8_t
media_ulaw_of(int16_t sample)
{
	unsigned sign = sample < 0 ? 0 : 0x80;
	int flat = sample < 0 ? ~sample : sample;
	unsigned biased = ((unsigned)flat >> 2) + BIAS;

	if (biased > CLIP)
		biased = CLIP;
	/* 33 has 6 bits: segment 1; 0x1FFF has 13: segment 8. */
	unsigned segment = 32U - (unsigned)__builtin_clz(biased) - 5U;
	unsigned mantissa = (biased >> segment) & 0xFU;

	return (uint8_t)(sign | ((8U - segment) << 4) | (0xFU - mantissa));
}

/* The same rule backwards, the middle of each step, by the preprocessor. */
#define MAG(c) \
	(((((~(c)) & 0xF) * 8 + 4 * BIAS) << (((~(c)) >> 4) & 7)) - 4 * BIAS)
#define ONE(c) (int16_t)(((c)&0x80) != 0 ? MAG(c) : -MAG(c))
#define FOUR(c) ONE(c), ONE((c) + 1), ONE((c) + 2), ONE((c) + 3)
#define ROW(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)

const int16_t media_ulaw_linear[256] = {ROW(0x00), ROW(0x10), ROW(0x20),
    ROW(0x30), ROW(0x40), ROW(0x50), ROW(0x60), ROW(0x70), ROW(0x80), ROW(0x90),
    ROW(0xA0), ROW(0xB0), ROW(0xC0), ROW(0xD0), ROW(0xE0), ROW(0xF0)};

void
media_ulaw_encode(const int16_t *pcm, uint8_t *out, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		out[i] = media_ulaw_of(pcm[i]);
}

void
media_ulaw_decode(const uint8_t *ulaw, int16_t *out, size_t samples)
{
	for (size_t i = 0; i < samples; i++)
		out[i] = media_ulaw_linear[ulaw[i]];
}

void
media_ulaw_silence(uint8_t *out, size_t samples)
{
	memset(out, (int)MEDIA_SILENCE, samples);
}
