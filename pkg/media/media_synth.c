#include "media/media_synth.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#include "media/media_ulaw.h"

#define FORMANTS 3
#define STEP 40      /* samples between two moves of the formants: 5 ms */
#define PIECE 32     /* letters made at once */
#define PEAK 9000.0F /* about -8 dBm0, as loud as the recorded phrases */
#define FADE 160     /* samples at both ends of a word */

/*
 * What a letter sounds like: centres of its formants for an adult man
 * (Peterson and Barney's averages for the vowels), how much buzz and how much
 * noise, and the part of its time, in eighths, that the mouth is shut first.
 */
struct letter {
	uint16_t hz[FORMANTS];
	uint8_t buzz, noise; /* percent */
	uint8_t shut;
};

static const struct letter letters[26] = {
    ['a' - 'a'] = {{730, 1090, 2440}, 100, 0, 0},
    ['b' - 'a'] = {{300, 900, 2200}, 45, 10, 4},
    ['c' - 'a'] = {{400, 1900, 2800}, 0, 35, 4},
    ['d' - 'a'] = {{300, 1700, 2600}, 45, 15, 4},
    ['e' - 'a'] = {{530, 1840, 2480}, 100, 0, 0},
    ['f' - 'a'] = {{700, 1600, 2900}, 0, 18, 0},
    ['g' - 'a'] = {{300, 1500, 2200}, 45, 10, 4},
    ['h' - 'a'] = {{600, 1400, 2500}, 8, 20, 0},
    ['i' - 'a'] = {{390, 1990, 2550}, 95, 0, 0},
    ['j' - 'a'] = {{300, 1900, 2700}, 35, 30, 2},
    ['k' - 'a'] = {{400, 1700, 2500}, 0, 40, 5},
    ['l' - 'a'] = {{360, 1300, 2700}, 70, 0, 0},
    ['m' - 'a'] = {{280, 1000, 2200}, 50, 0, 0},
    ['n' - 'a'] = {{280, 1500, 2500}, 50, 0, 0},
    ['o' - 'a'] = {{570, 840, 2410}, 100, 0, 0},
    ['p' - 'a'] = {{400, 1000, 2300}, 0, 30, 5},
    ['q' - 'a'] = {{400, 1200, 2300}, 0, 35, 5},
    ['r' - 'a'] = {{420, 1300, 1690}, 75, 0, 0},
    ['s' - 'a'] = {{1800, 2700, 3500}, 0, 30, 0},
    ['t' - 'a'] = {{500, 1800, 3200}, 0, 40, 5},
    ['u' - 'a'] = {{300, 870, 2240}, 95, 0, 0},
    ['v' - 'a'] = {{350, 1300, 2400}, 45, 12, 0},
    ['w' - 'a'] = {{300, 700, 2200}, 75, 0, 0},
    ['x' - 'a'] = {{900, 2200, 3300}, 0, 32, 4},
    ['y' - 'a'] = {{290, 2100, 2900}, 85, 0, 0},
    ['z' - 'a'] = {{900, 2400, 3300}, 30, 25, 0},
};

static const double width_hz[FORMANTS] = {90, 120, 180};
static const float gain[FORMANTS] = {1.0F, 0.55F, 0.3F};

static const char *const digit_names[10] = {"zero", "one", "two", "three",
    "four", "five", "six", "seven", "eight", "nine"};

struct resonator {
	double hz;
	float b1, b2, scale;
	float y1, y2;
};

struct mouth {
	struct resonator r[FORMANTS];
	float buzz, noise; /* now, on their way to the letter's */
	double phase;      /* of the vocal cords, 0 to 1 */
	float glottis;     /* one-pole low-pass of their pulses */
	uint32_t seed;
};

static float
noise_of(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (float)(int32_t)*seed / 2147483648.0F;
}

/* Move a third of the way to the letter's sound, every 5 ms. */
static void
move(struct mouth *m, const struct letter *l, bool shut, double formants)
{
	float buzz = shut ? 0 : (float)l->buzz / 100.0F;
	float noise = shut ? 0 : (float)l->noise / 100.0F;

	m->buzz += (buzz - m->buzz) * 0.4F;
	m->noise += (noise - m->noise) * 0.6F;
	for (int i = 0; i < FORMANTS; i++) {
		struct resonator *r = &m->r[i];
		double want = fmin(l->hz[i] * formants, 3700);

		r->hz = r->hz > 0 ? r->hz + (want - r->hz) * 0.33 : want;

		double radius = exp(-M_PI * width_hz[i] / MEDIA_RATE);

		r->b1 =
		    (float)(2 * radius * cos(2 * M_PI * r->hz / MEDIA_RATE));
		r->b2 = (float)(-radius * radius);
		r->scale = gain[i] * (float)(1 - radius);
	}
}

static float
sample_of(struct mouth *m, double pitch_hz)
{
	float pulse = 0, sum = 0;

	m->phase += pitch_hz / MEDIA_RATE;
	if (m->phase >= 1) {
		m->phase -= 1;
		pulse = 6;
	}
	m->glottis += (pulse - m->glottis) * 0.5F;

	float x = m->glottis * m->buzz + noise_of(&m->seed) * m->noise;

	for (int i = 0; i < FORMANTS; i++) {
		struct resonator *r = &m->r[i];
		float y = r->scale * x + r->b1 * r->y1 + r->b2 * r->y2;

		r->y2 = r->y1;
		r->y1 = y;
		sum += y;
	}
	return sum;
}

static const struct letter *
letter_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return &letters[c - 'a'];
	if (c >= 'A' && c <= 'Z')
		return &letters[c - 'A'];
	return &letters['e' - 'a'];
}

static void
make(const struct media_synth_voice *voice, const char *word, size_t n,
    float *out)
{
	struct mouth m = {.seed = 2166136261U};

	for (size_t i = 0; i < n; i++)
		m.seed = (m.seed ^ (uint8_t)word[i]) * 16777619U;
	for (size_t i = 0; i < n; i++) {
		const struct letter *l = letter_of(word[i]);

		for (size_t k = 0; k < MEDIA_SYNTH_LETTER; k++) {
			/* The voice sinks by a fifth from begin to end. */
			double at =
			    ((double)i + (double)k / MEDIA_SYNTH_LETTER) /
			    (double)n;
			double pitch = voice->pitch_hz * (1.1 - 0.2 * at);

			if (k % STEP == 0)
				move(&m, l, k * 8 < l->shut * 520U,
				    voice->formants);
			*out++ = sample_of(&m, pitch);
		}
	}
}

/* Bring to the common level, with soft ends, and code. */
static void
finish(float *pcm, size_t n, uint8_t *out)
{
	float peak = 1e-6F;

	for (size_t i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(pcm[i]));
	for (size_t i = 0; i < n; i++) {
		size_t near = i < n - 1 - i ? i : n - 1 - i;
		float ramp = near < FADE ? (float)near / FADE : 1;

		out[i] =
		    media_ulaw_of((int16_t)lrintf(pcm[i] / peak * PEAK * ramp));
	}
}

/* The word as letters to be spoken: digits become their names. */
static void
spell(const char *word, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)word[i];

		if (c >= '0' && c <= '9')
			buf_puts(out, digit_names[c - '0']);
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			 c >= 0xC0) /* first byte of a UTF-8 character */
			buf_putc(out, (char)c);
	}
}

enum err_code
media_synth_word(const struct media_synth_voice *voice, const char *word,
    size_t len, struct buf *out, struct err *err)
{
	struct buf text = BUF_INIT(len * 5 + 1);
	float pcm[PIECE * MEDIA_SYNTH_LETTER];
	uint8_t ulaw[PIECE * MEDIA_SYNTH_LETTER];

	spell(word, len, &text);
	if (text.len > (out->max - out->len) / MEDIA_SYNTH_LETTER) {
		buf_free(&text);
		return err_set(err, ERR_MALFORMED, 0,
		    "speech would be longer than %zu s", out->max / MEDIA_RATE);
	}
	for (size_t at = 0; at < text.len; at += PIECE) {
		size_t n = text.len - at < PIECE ? text.len - at : PIECE;
		size_t samples = n * MEDIA_SYNTH_LETTER;

		make(voice, text.bytes + at, n, pcm);
		finish(pcm, samples, ulaw);
		buf_put(out, ulaw, samples);
	}
	buf_free(&text);
	return ERR_NONE;
}
