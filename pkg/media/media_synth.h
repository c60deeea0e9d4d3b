#ifndef DSRUN_MEDIA_SYNTH_H
#define DSRUN_MEDIA_SYNTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A small formant synthesiser: the sound of a word that nobody recorded.
 *
 * A buzz (voiced) or noise (unvoiced) goes through three resonators that move
 * from letter to letter: enough to sound like somebody speaking, with the
 * word's length and vowels, not enough to be understood without the text.
 * Deterministic: the word alone decides.  For media_speech and its tests.
 */

struct media_synth_voice {
	double pitch_hz;
	double formants; /* 1 = an adult man's vocal tract, 1.15 a woman's */
};

#define MEDIA_SYNTH_LETTER 520 /* samples a letter: 65 ms */

/*
 * Append word (letters and digits; a digit is spoken as its name; bytes of
 * UTF-8 beyond ASCII sound like vowels, others not at all) as mu-law.
 * ERR_MALFORMED when out would pass its max; out is then unchanged.
 */
enum err_code media_synth_word(const struct media_synth_voice *voice,
    const char *word, size_t len, struct buf *out, struct err *err);

#endif
