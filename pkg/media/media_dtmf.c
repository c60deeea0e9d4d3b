#include "media/media_dtmf.h"

#include <string.h>

#define BLOCK 102
#define TONES 8

/* 2 cos(2 pi f / 8000) for Q.23's rows, then columns. */
static const float coefficients[TONES] = {
    1.7077378F, /*  697 Hz */
    1.6452810F, /*  770 */
    1.5686870F, /*  852 */
    1.4782046F, /*  941 */
    1.1641040F, /* 1209 */
    0.9963702F, /* 1336 */
    0.7986184F, /* 1477 */
    0.5685327F, /* 1633 */
};

static const char keys[4][5] = {"123A", "456B", "789C", "*0#D"};

/*
 * A sine of peak A gives (A * 102 / 2)^2.  The least peak is that of about
 * -48 dBm0, so that -45 dBm0 is always heard, also 1 % off.
 */
#define LEAST_POWER 1.8e7F
#define TWIST 5.0F     /* either tone at most 7 dB above the other */
#define NEIGHBOUR 6.3F /* the strongest is 8 dB above its group */
#define SHARE 42.0F    /* of 51: the pair holds 82 % of all energy */

void
media_dtmf_init(struct media_dtmf *d)
{
	memset(d, 0, sizeof(*d));
}

static void
goertzel(const int16_t *block, float power[TONES])
{
	float s1[TONES] = {0}, s2[TONES] = {0};

	/* The tones inside: eight independent chains the CPU overlaps. */
	for (int i = 0; i < BLOCK; i++)
		for (int k = 0; k < TONES; k++) {
			float s =
			    (float)block[i] + coefficients[k] * s1[k] - s2[k];

			s2[k] = s1[k];
			s1[k] = s;
		}
	for (int k = 0; k < TONES; k++)
		power[k] = s1[k] * s1[k] + s2[k] * s2[k] -
			   coefficients[k] * s1[k] * s2[k];
}

/* The strongest of four; -1 when another comes near it. */
static int
strongest(const float power[4])
{
	int best = 0;

	for (int k = 1; k < 4; k++)
		if (power[k] > power[best])
			best = k;
	for (int k = 0; k < 4; k++)
		if (k != best && power[k] * NEIGHBOUR > power[best])
			return -1;
	return best;
}

/* The key this block holds, or '\0'. */
static char
key_of_block(const int16_t block[BLOCK])
{
	float power[TONES];
	float energy = 0;

	for (int i = 0; i < BLOCK; i++)
		energy += (float)block[i] * (float)block[i];
	/* No two tones with this much power fit: most blocks end here. */
	if (energy * (BLOCK / 2.0F) < 2 * LEAST_POWER)
		return '\0';
	goertzel(block, power);

	int row = strongest(power), column = strongest(power + 4);

	if (row < 0 || column < 0)
		return '\0';

	float low = power[row], high = power[4 + column];

	if (low < LEAST_POWER || high < LEAST_POWER || low > high * TWIST ||
	    high > low * TWIST || low + high < SHARE * energy)
		return '\0';
	return keys[row][column];
}

/* A key begins with two equal blocks and ends with two others. */
static char
debounce(struct media_dtmf *d, char hit)
{
	char began = '\0';

	d->misses = hit == d->held ? 0 : d->misses + 1;
	if (d->held != '\0' && d->misses >= 2)
		d->held = '\0';
	if (hit != '\0' && hit == d->last && hit != d->held) {
		d->held = hit;
		d->misses = 0;
		began = hit;
	}
	d->last = hit;
	return began;
}

char
media_dtmf_frame(struct media_dtmf *d, const uint8_t ulaw[MEDIA_FRAME])
{
	char began = '\0';

	/* 160 samples end at most two blocks, so at most one key begins. */
	for (int i = 0; i < MEDIA_FRAME; i++) {
		d->block[d->fill++] = media_ulaw_linear[ulaw[i]];
		if (d->fill < BLOCK)
			continue;
		d->fill = 0;

		char key = debounce(d, key_of_block(d->block));

		if (key != '\0')
			began = key;
	}
	return began;
}

char
media_dtmf_held(const struct media_dtmf *d)
{
	return d->held;
}
