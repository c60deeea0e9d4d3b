#ifndef DSRUN_MEDIA_DTMF_H
#define DSRUN_MEDIA_DTMF_H

#include <stdbool.h>
#include <stdint.h>

#include "media/media_ulaw.h"

/*
 * Hears keys (DTMF) in a stream of mu-law frames: Goertzel filters over
 * blocks of 102 samples, as Q.24 receivers are built.
 *
 * It accepts -45 to -5 dBm0 a tone, +-1 % of frequency, either tone up to
 * 6 dB above the other, tones of 35 ms and pauses of 20 ms, 9 dB above white
 * noise; speech does not set it off (tests: the whole speech library).  It
 * needs two blocks, so a key is known 26 to 39 ms after it began.
 *
 * Caller's memory, no fini; 0 bytes of heap.  About 1 us a frame.
 */
struct media_dtmf {
	/* private */
	int16_t block[102];
	unsigned fill;
	char last; /* what the last block held, '\0' = no key */
	char held; /* the key reported and not yet released */
	unsigned misses;
};

void media_dtmf_init(struct media_dtmf *d);

/* Feed 20 ms.  The key that began, once for each press, or '\0'. */
char media_dtmf_frame(struct media_dtmf *d, const uint8_t ulaw[MEDIA_FRAME]);

/* The key that sounds now, or '\0'. */
char media_dtmf_held(const struct media_dtmf *d);

#endif
