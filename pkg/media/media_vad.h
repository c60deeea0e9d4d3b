#ifndef DSRUN_MEDIA_VAD_H
#define DSRUN_MEDIA_VAD_H

#include <stdbool.h>
#include <stdint.h>

#include "media/media_ulaw.h"

/*
 * Is somebody speaking?  Energy of each 20 ms frame against a noise floor
 * that follows the line, with a shortest onset and a hangover.
 *
 * It does not tell speech from other sounds: tones and music count as sound,
 * and so does noise above about -27 dBm0.  Steady noise below that is learnt
 * within two seconds.  Its use is turn-taking without a model's own detector,
 * barge-in, and metrics.  Caller's memory, no fini.  Under 1 us a frame.
 */
struct media_vad_options {
	unsigned onset_ms;    /* sound this long begins speech; at least 20 */
	unsigned hangover_ms; /* silence this long ends it; at least 20 */
};

/* 60 ms of sound begin speech, 500 ms of silence end it. */
#define MEDIA_VAD_DEFAULTS ((struct media_vad_options){60, 500})

enum media_vad_event {
	MEDIA_VAD_NONE,
	MEDIA_VAD_START, /* at_frame: the first frame with sound */
	MEDIA_VAD_STOP   /* at_frame: the first frame of silence */
};

#define MEDIA_VAD_WINDOWS 4 /* of half a second: the floor's memory */

struct media_vad {
	/* private */
	int64_t frame;  /* frames fed so far */
	unsigned onset; /* in frames */
	unsigned hangover;
	unsigned run; /* frames of sound before speech, of silence in it */
	bool speaking;
	float level_db;
	float lowest_db[MEDIA_VAD_WINDOWS]; /* of each window, newest first */
	unsigned in_window;                 /* frames of the newest */
};

void media_vad_init(
    struct media_vad *v, const struct media_vad_options *options);

/*
 * Feed 20 ms.  *at_frame (may be NULL) is set with an event: the frame, from
 * 0, where what the event tells began; it lies onset or hangover in the past.
 */
enum media_vad_event media_vad_frame(
    struct media_vad *v, const uint8_t ulaw[MEDIA_FRAME], int64_t *at_frame);

bool media_vad_speaking(const struct media_vad *v);

/* Level of the last frame in dBm0 (silence: -99). */
float media_vad_level_db(const struct media_vad *v);

#endif
