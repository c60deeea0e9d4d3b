#include "media/media_up.h"

#include <math.h>
#include <string.h>

/* Kaiser's window: beta for 90 dB (its own formula: 0.1102 * (90 - 8.7)). */
#define BETA 8.96
#define UNIT 32768 /* what the taps of a phase add up to */

/* Modified Bessel function of the first kind, order 0: its power series. */
static double
bessel(double x)
{
	double term = 1;
	double sum = 1;

	for (int k = 1; term > sum * 1e-17; k++) {
		double half = x / (2 * k);

		term *= half * half;
		sum += term;
	}
	return sum;
}

/* The windowed ideal filter, t input samples from its middle. */
static double
tap(double t)
{
	const double pi = 3.14159265358979323846;
	double edge = t / MEDIA_UP_AHEAD;

	return sin(pi * t) / (pi * t) * bessel(BETA * sqrt(1 - edge * edge)) /
	       bessel(BETA);
}

void
media_up_init(struct media_up *u)
{
	memset(u, 0, sizeof(*u));
	u->skip = MEDIA_UP_AHEAD;
	for (int p = 1; p < MEDIA_UP_FACTOR; p++) {
		int16_t *row = u->taps[p - 1];
		int near = p <= MEDIA_UP_FACTOR / 2 ? 0 : 1;
		double h[MEDIA_UP_TAPS];
		double sum = 0;
		int left = UNIT;

		for (int k = 0; k < MEDIA_UP_TAPS; k++) {
			h[k] = tap(k - (MEDIA_UP_AHEAD - 1) -
				   (double)p / MEDIA_UP_FACTOR);
			sum += h[k];
		}
		for (int k = 0; k < MEDIA_UP_TAPS; k++) {
			row[k] = (int16_t)lrint(h[k] / sum * UNIT);
			left -= row[k];
		}
		/* What rounding left over goes where it matters least, so
		 * that a steady level stays what it is. */
		row[MEDIA_UP_AHEAD - 1 + near] =
		    (int16_t)(row[MEDIA_UP_AHEAD - 1 + near] + left);
	}
}

/* Compilers make pmaddwd and the like of it. */
static int32_t
dot(const int16_t *x, const int16_t *taps)
{
	int32_t sum = 0;

	for (int k = 0; k < MEDIA_UP_TAPS; k++)
		sum += (int32_t)x[k] * taps[k];
	return sum;
}

/* A quarter sample times UNIT becomes a whole sample. */
static int16_t
rounded(int32_t sum)
{
	int32_t v = (sum + UNIT / 8) >> 13;

	if (v > INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

/* One sample more stands at the end of x: six come out for the one in the
 * middle. */
static void
six(const struct media_up *u, const int16_t *x, int16_t *out)
{
	out[0] = (int16_t)(x[MEDIA_UP_AHEAD - 1] * 4);
	for (int p = 1; p < MEDIA_UP_FACTOR; p++)
		out[p] = rounded(dot(x, u->taps[p - 1]));
}

#define BLOCK 256

size_t
media_up_add(struct media_up *u, const int16_t *in, size_t n, int16_t *out)
{
	int16_t x[MEDIA_UP_TAPS - 1 + BLOCK];
	size_t given = 0;

	while (n > 0) {
		size_t part = n < BLOCK ? n : BLOCK;

		memcpy(x, u->past, sizeof(u->past));
		/* Fourteen bits, so that no sum of 64 passes 32 bits. */
		for (size_t i = 0; i < part; i++)
			x[MEDIA_UP_TAPS - 1 + i] = (int16_t)(in[i] / 4);
		for (size_t i = 0; i < part; i++) {
			if (u->skip > 0) {
				u->skip--;
				continue;
			}
			six(u, x + i, out + given);
			given += MEDIA_UP_FACTOR;
		}
		memcpy(u->past, x + part, sizeof(u->past));
		in += part;
		n -= part;
	}
	return given;
}

size_t
media_up_end(struct media_up *u, int16_t *out)
{
	static const int16_t silence[MEDIA_UP_AHEAD];

	return media_up_add(u, silence, MEDIA_UP_AHEAD, out);
}
