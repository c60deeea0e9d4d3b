#ifndef DSRUN_MEDIA_ULAW_H
#define DSRUN_MEDIA_ULAW_H

#include <stddef.h>
#include <stdint.h>

/*
 * G.711 mu-law, bit-exact with the reference coder of ITU-T G.191 on all
 * 65,536 linear values and all 256 codes (common libraries differ somewhere:
 * most take two's instead of one's complement for negative values).
 *
 * All audio of dsrun is mu-law at 8 kHz in frames of 20 ms; other packages
 * need linear samples only to measure or to export.  Pure, no state, any
 * thread.
 */

#define MEDIA_RATE 8000     /* samples a second */
#define MEDIA_FRAME 160     /* samples (= bytes of mu-law) in a frame */
#define MEDIA_FRAME_MS 20   /* 1000 * MEDIA_FRAME / MEDIA_RATE */
#define MEDIA_SILENCE 0xFFU /* the code of linear 0 */

/* The code of one linear sample; 0 gives 0xFF, -1 gives 0x7F. */
uint8_t media_ulaw_of(int16_t sample);

/* The linear value of each code: -32124 to 32124. */
extern const int16_t media_ulaw_linear[256];

void media_ulaw_encode(const int16_t *pcm, uint8_t *out, size_t samples);
void media_ulaw_decode(const uint8_t *ulaw, int16_t *out, size_t samples);

/* Fill with silence. */
void media_ulaw_silence(uint8_t *out, size_t samples);

#endif
