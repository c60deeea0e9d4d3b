#ifndef DSRUN_MEDIA_BEEP_H
#define DSRUN_MEDIA_BEEP_H

#include <stdint.h>

#include "media/media_ulaw.h"

/*
 * Hears the beep of an answering machine: one pure tone of 350 to 2600 Hz
 * for at least 120 ms.  Purity is the share of a 256-point FFT's energy that
 * lies in the strongest line and its neighbours; 0.80 and more is a tone.
 * Keys (two tones), dial and ringback tone do not pass; at 10 dB above noise
 * beeps still do; 170 minutes of speech gave no false one
 * (100 ms would give 6, 80 ms 26: so 120 ms is not to be lowered).
 *
 * Caller's memory, no fini.  About 7 us a frame, so feed it only while an
 * answering machine is possible.
 */
enum media_beep_event {
	MEDIA_BEEP_NONE,
	MEDIA_BEEP_START, /* a beep is heard; it began >= 120 ms ago */
	MEDIA_BEEP_END    /* it is over: speak now */
};

struct media_beep_heard {
	int64_t at_ms;       /* when it began, from the first frame fed */
	int64_t duration_ms; /* of END; of START: so far */
	unsigned hz;         /* within about 16 Hz */
};

struct media_beep {
	/* private */
	int16_t window[256]; /* the newest 256 samples, a ring of frames */
	int64_t samples;     /* fed so far */
	unsigned fill;
	int64_t began; /* sample where the present tone began, -1 = none */
	unsigned bin;
	unsigned misses;
	double hz_sum;
	unsigned hits;
	int told; /* START was reported */
};

void media_beep_init(struct media_beep *b);

/* Feed 20 ms; *heard is set with an event. */
enum media_beep_event media_beep_frame(struct media_beep *b,
    const uint8_t ulaw[MEDIA_FRAME], struct media_beep_heard *heard);

#endif
