#ifndef DSRUN_MEDIA_TONE_H
#define DSRUN_MEDIA_TONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "media/media_ulaw.h"

/*
 * The tones of a telephone network as a stream of 20 ms frames: keys, call
 * progress, the beep of an answering machine.
 *
 * The generator is caller's memory, owns nothing and needs no fini.  It makes
 * the same samples for the same arguments on every run.  Frequencies and
 * cadences are those of Q.23 and of North American networks; levels are in
 * dBm0, where full scale is +3.17 dBm0.
 */

#define MEDIA_TONE_DIGITS_MAX 64
#define MEDIA_TONE_PARTS 3 /* parts of the longest cadence */

struct media_tone_part {
	double hz[2]; /* 0 = no sine */
	int dbm0[2];  /* level of each */
	uint32_t on;  /* samples of tone, then off of silence */
	uint32_t off;
	uint32_t ramp; /* samples of rise and of fall, within on */
};

/* Private: use the functions below. */
struct media_tone {
	char digits[MEDIA_TONE_DIGITS_MAX + 1]; /* "" = parts are played */
	struct media_tone_part parts[MEDIA_TONE_PARTS];
	unsigned n_parts;
	unsigned next; /* the part or the digit that comes next */
	bool repeats;
	struct media_tone_part now;
	uint32_t at; /* sample within now */
	double k[2]; /* 2 cos w: y[n] = k y[n-1] - y[n-2] */
	double y1[2];
	double y2[2];
};

enum media_tone_kind {
	MEDIA_TONE_RINGBACK, /* 440 + 480 Hz, 2 s on, 4 s off, for ever */
	MEDIA_TONE_BUSY,     /* 480 + 620 Hz, 0.5/0.5 s, for ever */
	MEDIA_TONE_REORDER,  /* 480 + 620 Hz, 0.25/0.25 s, for ever */
	MEDIA_TONE_DIAL,     /* 350 + 440 Hz, for ever */
	MEDIA_TONE_SIT,      /* 913.8, 1370.6, 1776.7 Hz (intercept), once */
	MEDIA_TONE_KIND_COUNT
};

void media_tone_init(struct media_tone *t, enum media_tone_kind kind);

/*
 * Keys: 0-9 * # A-D (a-d), each 100 ms of tone at -8 dBm0 (low) and -6 dBm0
 * (high), then 100 ms of silence; w is 500 ms of silence, W 1 s.  The text is
 * copied.  ERR_MALFORMED, naming the character and its place, for anything
 * else and for more than MEDIA_TONE_DIGITS_MAX of them.
 */
enum err_code media_tone_digits(
    struct media_tone *t, const char *digits, struct err *err);

/* One sine of hz (50 to 3900) for ms at -12 dBm0, with 10 ms ramps. */
void media_tone_beep(struct media_tone *t, unsigned hz, unsigned ms);

/*
 * The next frame; false, and a silent frame, when the tone is over.  The last
 * frame of a tone is filled up with silence.
 */
bool media_tone_frame(struct media_tone *t, uint8_t out[MEDIA_FRAME]);
bool media_tone_pcm(struct media_tone *t, int16_t out[MEDIA_FRAME]);

/* How long digits will take, in milliseconds; unknown characters count 0. */
int64_t media_tone_digits_ms(const char *digits);

#endif
