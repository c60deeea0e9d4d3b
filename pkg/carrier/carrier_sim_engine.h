#ifndef DSRUN_CARRIER_SIM_ENGINE_H
#define DSRUN_CARRIER_SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "carrier/carrier_sim_persona.h"
#include "media/media_speech.h"
#include "media/media_ulaw.h"

/*
 * A persona at work in one answered call, 20 ms at a time: it hears that the
 * agent speaks (not what), takes keys, and speaks, beeps and hangs up by its
 * script.  Pure but for the speech library: the same frames and keys give the
 * same sound and the same words.
 */
struct carrier_sim_engine;

/* What a frame brought besides sound. */
struct carrier_sim_heard {
	const char *text; /* words that ended in it, NULL = none; until the
			   * next call */
	int64_t start_ms, end_ms;
	char digit; /* a key the callee pressed, '\0' = none */
	bool over;  /* it hung up with this frame */
	enum job_outcome outcome;
	enum carrier_sim_by by;
};

/* persona and speech are borrowed; frame is the first one it will be given. */
struct carrier_sim_engine *carrier_sim_engine_new(
    const struct carrier_sim_persona *persona, struct media_speech *speech,
    uint64_t draws, int64_t frame);
void carrier_sim_engine_free(struct carrier_sim_engine **e); /* NULL-safe */

/* The number of the frame that comes next. */
int64_t carrier_sim_engine_next(const struct carrier_sim_engine *e);
void carrier_sim_engine_frame(struct carrier_sim_engine *e,
    const uint8_t agent[MEDIA_FRAME], uint8_t callee[MEDIA_FRAME],
    struct carrier_sim_heard *out);

/* Digits 0-9 * # A-D, w is 500 ms of nothing, W a second; others are not
 * heard. */
void carrier_sim_engine_press(struct carrier_sim_engine *e, const char *digits);

#endif
