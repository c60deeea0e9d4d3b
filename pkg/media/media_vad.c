#include "media/media_vad.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

#define WINDOW 25          /* frames of half a second */
#define RMS_0DBM0 16086.0F /* of a sine at 0 dBm0 */
#define FLOOR_MAX -30.0F   /* louder is never taken for line noise */
#define FLOOR_MIN -60.0F
#define BEGIN_DB 8.0F   /* above the floor: sound */
#define STAY_DB 5.0F    /* above the floor: still sound, while speaking */
#define LEAST_DB -48.0F /* fainter is never sound */

void
media_vad_init(struct media_vad *v, const struct media_vad_options *options)
{
	CHECK(options->onset_ms >= MEDIA_FRAME_MS &&
	      options->hangover_ms >= MEDIA_FRAME_MS);

	memset(v, 0, sizeof(*v));
	v->onset = options->onset_ms / MEDIA_FRAME_MS;
	v->hangover = options->hangover_ms / MEDIA_FRAME_MS;
	v->level_db = -99;
	/* Nothing is known yet: the first frames set the floor, unless they
	 * are louder than any noise. */
	for (int i = 0; i < MEDIA_VAD_WINDOWS; i++)
		v->lowest_db[i] = FLOOR_MAX;
}

static float
level_of(const uint8_t ulaw[MEDIA_FRAME])
{
	float sum = 0;

	for (int i = 0; i < MEDIA_FRAME; i++) {
		float x = media_ulaw_linear[ulaw[i]];

		sum += x * x;
	}
	if (sum < 1)
		return -99;
	return 10 * log10f(sum / MEDIA_FRAME / (RMS_0DBM0 * RMS_0DBM0));
}

/*
 * The floor is the faintest frame of the last two seconds: speech has gaps
 * that long, so it need not know whether somebody speaks.
 */
static float
follow_floor(struct media_vad *v)
{
	float floor_db = FLOOR_MAX;

	if (v->in_window == WINDOW) {
		memmove(v->lowest_db + 1, v->lowest_db,
		    sizeof(v->lowest_db) - sizeof(v->lowest_db[0]));
		v->lowest_db[0] = FLOOR_MAX;
		v->in_window = 0;
	}
	v->in_window++;
	v->lowest_db[0] = fminf(v->lowest_db[0], v->level_db);
	for (int i = 0; i < MEDIA_VAD_WINDOWS; i++)
		floor_db = fminf(floor_db, v->lowest_db[i]);
	return fmaxf(floor_db, FLOOR_MIN);
}

enum media_vad_event
media_vad_frame(
    struct media_vad *v, const uint8_t ulaw[MEDIA_FRAME], int64_t *at_frame)
{
	v->level_db = level_of(ulaw);

	float floor_db = follow_floor(v);
	float over = v->speaking ? STAY_DB : BEGIN_DB;
	bool sound = v->level_db > fmaxf(floor_db + over, LEAST_DB);
	unsigned need = v->speaking ? v->hangover : v->onset;

	v->run = sound != v->speaking ? v->run + 1 : 0;
	v->frame++;
	if (v->run < need)
		return MEDIA_VAD_NONE;
	if (at_frame != NULL)
		*at_frame = v->frame - v->run;
	v->run = 0;
	v->speaking = !v->speaking;
	return v->speaking ? MEDIA_VAD_START : MEDIA_VAD_STOP;
}

bool
media_vad_speaking(const struct media_vad *v)
{
	return v->speaking;
}

float
media_vad_level_db(const struct media_vad *v)
{
	return v->level_db;
}
