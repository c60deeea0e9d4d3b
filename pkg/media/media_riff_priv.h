#ifndef DSRUN_MEDIA_RIFF_PRIV_H
#define DSRUN_MEDIA_RIFF_PRIV_H

#include <stdint.h>

/* Numbers as a WAV file has them: little-endian. */

static inline void
riff_put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

static inline void
riff_put32(uint8_t *at, uint32_t v)
{
	riff_put16(at, v);
	riff_put16(at + 2, v >> 16);
}

#endif
