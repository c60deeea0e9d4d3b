#ifndef DSRUN_MEDIA_BEEP_H
#define DSRUN_MEDIA_BEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "media/media_ulaw.h"

/*
 * Hears the beep of an answering machine: one pure, steady tone of 350 to
 * 2600 Hz for at least 120 ms.  Purity is the share of a 256-point FFT's
 * energy that lies in the strongest line and its neighbours; 0.80 and more is
 * a tone.  Keys (two tones), dial, busy and ringback tones do not pass; each
 * of the three tones of a SIT is a beep.
 *
 * Measured: tones of 120 ms are heard at 15 dB above white noise and of 130
 * ms at 10 dB (10 frequencies, 4 levels down to -35 dBm0, 16 phases: all);
 * 242 minutes of synthetic speech in nine voices gave no false one.  With
 * less than 120 ms, or with tones allowed to move by 10 Hz instead of 6,
 * speech does.
 *
 * Caller's memory (2 kB), no fini.  About 2 us a frame of speech, less in
 * silence.
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

#define MEDIA_BEEP_WINDOW 256 /* samples: 32 ms */

struct media_beep {
	/* private */
	float window[MEDIA_BEEP_WINDOW]; /* the newest samples, in order */
	float cosine[MEDIA_BEEP_WINDOW]; /* one turn, for Hann and Fourier */
	int64_t samples;                 /* fed so far */
	int64_t began;                   /* sample */
	int64_t last;                    /* end of the newest pure window */
	unsigned pure;                   /* pure windows of this tone */
	unsigned misses;                 /* windows since the last one */
	double hz_sum;
	bool told; /* START was reported */
};

void media_beep_init(struct media_beep *b);

/* Feed 20 ms; *heard is set with an event. */
enum media_beep_event media_beep_frame(struct media_beep *b,
    const uint8_t ulaw[MEDIA_FRAME], struct media_beep_heard *heard);

#endif
