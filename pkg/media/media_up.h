#ifndef DSRUN_MEDIA_UP_H
#define DSRUN_MEDIA_UP_H

#include <stddef.h>
#include <stdint.h>

/*
 * From 8 kHz to 48 kHz for files people listen to: a polyphase filter of
 * linear phase, 64 taps a phase.
 *
 * Flat to 3.6 kHz within 0.1 dB, images at least 80 dB down from 4.4 kHz on.
 * Integer arithmetic throughout: the same samples give the same bytes on every
 * machine.  Every sixth sample is an input sample, unchanged.  Its delay
 * (32 input samples) is taken away: n samples give 6 * n, in their places.
 * Too slow to begin speaking for a live call.  Pure, no state outside.
 */
#define MEDIA_UP_FACTOR 6
#define MEDIA_UP_RATE 48000
#define MEDIA_UP_AHEAD 32
#define MEDIA_UP_TAPS (2 * MEDIA_UP_AHEAD)

struct media_up {
	int16_t taps[MEDIA_UP_FACTOR - 1][MEDIA_UP_TAPS];
	int16_t past[MEDIA_UP_TAPS - 1]; /* a quarter of what was given */
	size_t skip; /* input samples that give nothing yet */
};

void media_up_init(struct media_up *u);

/*
 * n samples as mu-law decodes to (multiples of 4 from -32124 to 32124).  out
 * has room for 6 * n; returns how many came: 6 * n but for the first 32.
 */
size_t media_up_add(
    struct media_up *u, const int16_t *in, size_t n, int16_t *out);

/*
 * The rest, as if silence followed: at most 6 * MEDIA_UP_AHEAD, so that all
 * together is 6 times what was given.  Once; init before another sound.
 */
size_t media_up_end(struct media_up *u, int16_t *out);

#endif
