#include "media/media_beep.h"

#include <math.h>
#include <string.h>

#define N MEDIA_BEEP_WINDOW
#define HALF (N / 2)
#define BIN_HZ ((double)MEDIA_RATE / N)
#define LOW_BIN 11  /* 344 Hz */
#define HIGH_BIN 84 /* 2625 Hz */
#define FROM_BIN 3  /* hum below 94 Hz does not count */
#define SIDE 2      /* Hann's lobe reaches two bins to each side */
#define PURITY 0.80F
#define NEED_MS 120
#define NEED (NEED_MS / MEDIA_FRAME_MS) /* pure windows */
#define MISSES 2                        /* windows in a row that end a beep */
#define DRIFT_HZ 6.0
/* Mean square of a window at -45 dBm0: fainter is no beep. */
#define LEAST_POWER 8183.0F
#define PART 40 /* samples: 5 ms */
#define DIP 0.3F

void
media_beep_init(struct media_beep *b)
{
	memset(b, 0, sizeof(*b));
	for (int i = 0; i < N; i++)
		b->cosine[i] = (float)cos(2 * M_PI * i / N);
}

static float
sine(const struct media_beep *b, unsigned i)
{
	return b->cosine[(i + N - N / 4) % N];
}

/* Index with its 7 bits in reverse. */
static unsigned
reversed(unsigned i)
{
	unsigned r = 0;

	for (unsigned bit = 1; bit < HALF; bit <<= 1)
		r = r << 1 | ((i & bit) != 0);
	return r;
}

/* 128 complex points, in place, from bit-reversed order. */
static void
transform(const struct media_beep *b, float re[HALF], float im[HALF])
{
	for (unsigned len = 2; len <= HALF; len *= 2)
		for (unsigned k = 0; k < len / 2; k++) {
			float c = b->cosine[k * (N / len)];
			float s = -sine(b, k * (N / len));

			for (unsigned i = k; i < HALF; i += len) {
				unsigned j = i + len / 2;
				float x = re[j] * c - im[j] * s;
				float y = re[j] * s + im[j] * c;

				re[j] = re[i] - x;
				im[j] = im[i] - y;
				re[i] += x;
				im[i] += y;
			}
		}
}

/*
 * Power of bins 0 to 127 of the window under Hann.  Real samples are packed
 * as a complex signal of half the length and unpacked afterwards: half the
 * work.
 */
static void
spectrum(const struct media_beep *b, float power[HALF])
{
	float re[HALF], im[HALF];

	for (unsigned i = 0; i < HALF; i++) {
		unsigned at = reversed(i);
		float even = 0.5F - 0.5F * b->cosine[2 * i];
		float odd = 0.5F - 0.5F * b->cosine[2 * i + 1];

		re[at] = b->window[2 * i] * even;
		im[at] = b->window[2 * i + 1] * odd;
	}
	transform(b, re, im);
	for (unsigned k = 0; k < HALF; k++) {
		unsigned m = (HALF - k) % HALF;
		float er = (re[k] + re[m]) / 2, ei = (im[k] - im[m]) / 2;
		float or = (im[k] + im[m]) / 2, oi = (re[m] - re[k]) / 2;
		float c = b->cosine[k], s = -sine(b, k);
		float x = er + or *c - oi * s;
		float y = ei + or *s + oi * c;

		power[k] = x * x + y * y;
	}
}

/*
 * Two tones less than 100 Hz apart (ringback, dial tone) look like one in so
 * short a window, but they beat: somewhere the sound dips between two louder
 * parts.  A tone that begins or ends has no such place.
 */
static bool
has_dip(const float window[N])
{
	float part[N / PART];
	float before = 0, after[N / PART + 1] = {0};

	for (int i = 0; i < N / PART; i++) {
		part[i] = 0;
		for (int k = 0; k < PART; k++) {
			float x = window[N - (N / PART - i) * PART + k];

			part[i] += x * x;
		}
	}
	for (int i = N / PART - 1; i >= 0; i--)
		after[i] = fmaxf(part[i], after[i + 1]);
	for (int i = 0; i < N / PART; i++) {
		if (part[i] < DIP * fminf(before, after[i + 1]))
			return true;
		before = fmaxf(before, part[i]);
	}
	return false;
}

/* The frequency of a window that holds one pure tone, or 0. */
static double
tone_of(const struct media_beep *b)
{
	float power[HALF];
	float energy = 0, total = 0, near = 0, weighted = 0;
	unsigned best = LOW_BIN;

	for (int i = 0; i < N; i++)
		energy += b->window[i] * b->window[i];
	if (energy < LEAST_POWER * N)
		return 0;
	spectrum(b, power);
	for (unsigned k = FROM_BIN; k < HALF; k++) {
		total += power[k];
		if (power[k] > power[best])
			best = k;
	}
	if (best < LOW_BIN || best > HIGH_BIN)
		return 0;
	for (unsigned k = best - SIDE; k <= best + SIDE; k++) {
		near += power[k];
		weighted += power[k] * (float)k;
	}
	if (near < PURITY * total || has_dip(b->window))
		return 0;
	return (double)(weighted / near) * BIN_HZ;
}

static enum media_beep_event
report(const struct media_beep *b, enum media_beep_event event,
    struct media_beep_heard *heard)
{
	heard->at_ms = b->began * 1000 / MEDIA_RATE;
	heard->duration_ms = (b->last - b->began) * 1000 / MEDIA_RATE;
	heard->hz = (unsigned)lrint(b->hz_sum / b->pure);
	return event;
}

static void
forget(struct media_beep *b)
{
	b->pure = 0;
	b->misses = 0;
	b->hz_sum = 0;
	b->told = false;
}

/* A window is pure when half of it is tone, so its middle is the edge. */
static void
take_pure(struct media_beep *b, double hz)
{
	if (b->pure == 0)
		b->began = b->samples - N / 2 > 0 ? b->samples - N / 2 : 0;
	b->pure++;
	b->misses = 0;
	b->hz_sum += hz;
	b->last = b->samples;
}

enum media_beep_event
media_beep_frame(struct media_beep *b, const uint8_t ulaw[MEDIA_FRAME],
    struct media_beep_heard *heard)
{
	enum media_beep_event event = MEDIA_BEEP_NONE;

	memmove(b->window, b->window + MEDIA_FRAME,
	    (N - MEDIA_FRAME) * sizeof(b->window[0]));
	for (int i = 0; i < MEDIA_FRAME; i++)
		b->window[N - MEDIA_FRAME + i] = media_ulaw_linear[ulaw[i]];
	b->samples += MEDIA_FRAME;

	double hz = tone_of(b);
	bool same = hz > 0 &&
		    (b->pure == 0 || fabs(hz - b->hz_sum / b->pure) < DRIFT_HZ);

	if (same) {
		take_pure(b, hz);
		if (!b->told && b->pure >= NEED) {
			b->told = true;
			return report(b, MEDIA_BEEP_START, heard);
		}
		return MEDIA_BEEP_NONE;
	}
	if (b->pure == 0 || (++b->misses < MISSES && b->told))
		return MEDIA_BEEP_NONE;
	if (b->told)
		event = report(b, MEDIA_BEEP_END, heard);
	forget(b);
	if (hz > 0)
		take_pure(b, hz);
	return event;
}
