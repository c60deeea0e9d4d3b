#include "media/media_tone.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define MS(ms_) ((ms_)*MEDIA_RATE / 1000U)
#define FOR_EVER UINT32_MAX

/* Peak of a sine at 0 dBm0: 3.17 dB under full scale (G.711). */
#define PEAK_0DBM0 (32767.0 * 0.694225)

#define TONE(hz0, hz1, dbm0_, on_, off_)                                     \
	{                                                                    \
		{hz0, hz1}, {dbm0_, dbm0_}, (on_), (off_), MEDIA_RATE / 1000 \
	}

/*
 * Bellcore's precise tone plan; SIT as "intercept": first and second low and
 * short (274 ms), third long (380 ms).
 */
static const struct kind {
	struct media_tone_part parts[MEDIA_TONE_PARTS];
	unsigned n;
	bool repeats;
} kinds[MEDIA_TONE_KIND_COUNT] = {
    [MEDIA_TONE_RINGBACK] = {{TONE(440, 480, -19, MS(2000), MS(4000))}, 1,
	true},
    [MEDIA_TONE_BUSY] = {{TONE(480, 620, -24, MS(500), MS(500))}, 1, true},
    [MEDIA_TONE_REORDER] = {{TONE(480, 620, -24, MS(250), MS(250))}, 1, true},
    [MEDIA_TONE_DIAL] = {{TONE(350, 440, -13, FOR_EVER, 0)}, 1, true},
    [MEDIA_TONE_SIT] = {{TONE(913.8, 0, -24, MS(274), 0),
			    TONE(1370.6, 0, -24, MS(274), 0),
			    TONE(1776.7, 0, -24, MS(380), 0)},
	3, false},
};

static const char keys[] = "123A456B789C*0#D";
static const double rows_hz[] = {697, 770, 852, 941};
static const double columns_hz[] = {1209, 1336, 1477, 1633};

void
media_tone_init(struct media_tone *t, enum media_tone_kind kind)
{
	CHECK(kind < MEDIA_TONE_KIND_COUNT);

	memset(t, 0, sizeof(*t));
	memcpy(t->parts, kinds[kind].parts, sizeof(t->parts));
	t->n_parts = kinds[kind].n;
	t->repeats = kinds[kind].repeats;
}

/* False for what is no key and no pause. */
static bool
part_of_key(char key, struct media_tone_part *out)
{
	char upper = key >= 'a' && key <= 'd' ? (char)(key - 'a' + 'A') : key;
	const char *at = key != '\0' ? strchr(keys, upper) : NULL;

	memset(out, 0, sizeof(*out));
	if (key == 'w' || key == 'W') {
		out->off = key == 'w' ? MS(500) : MS(1000);
		return true;
	}
	if (at == NULL)
		return false;
	out->hz[0] = rows_hz[(at - keys) / 4];
	out->hz[1] = columns_hz[(at - keys) % 4];
	out->dbm0[0] = -8;
	out->dbm0[1] = -6;
	out->on = MS(100);
	out->off = MS(100);
	out->ramp = MS(1);
	return true;
}

enum err_code
media_tone_digits(struct media_tone *t, const char *digits, struct err *err)
{
	struct media_tone_part unused;
	size_t len = strlen(digits);

	if (len > MEDIA_TONE_DIGITS_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "%zu keys to press, at most %d", len,
		    MEDIA_TONE_DIGITS_MAX);
	for (size_t i = 0; i < len; i++)
		if (!part_of_key(digits[i], &unused))
			return err_set(err, ERR_MALFORMED, 0,
			    "key %zu of the keys to press is '%c'; expected "
			    "0-9 * # A-D, w or W",
			    i + 1, digits[i]);
	memset(t, 0, sizeof(*t));
	memcpy(t->digits, digits, len + 1);
	return ERR_NONE;
}

void
media_tone_beep(struct media_tone *t, unsigned hz, unsigned ms)
{
	CHECK(hz >= 50 && hz <= 3900 && ms <= 60000);

	memset(t, 0, sizeof(*t));
	t->parts[0].hz[0] = hz;
	t->parts[0].dbm0[0] = -12;
	t->parts[0].on = MS(ms);
	t->parts[0].ramp = ms >= 20 ? MS(10) : MS(ms / 2);
	t->n_parts = 1;
}

/* Make the next part the present one; false when there is none. */
static bool
begin_part(struct media_tone *t)
{
	if (t->digits[0] != '\0') {
		if (!part_of_key(t->digits[t->next], &t->now))
			return false;
	} else {
		if (t->next == t->n_parts && t->repeats)
			t->next = 0;
		if (t->next >= t->n_parts)
			return false;
		t->now = t->parts[t->next];
	}
	t->next++;
	t->at = 0;
	for (int i = 0; i < 2; i++) {
		double w = 2 * M_PI * t->now.hz[i] / MEDIA_RATE;
		double peak = t->now.hz[i] > 0
				  ? PEAK_0DBM0 * pow(10, t->now.dbm0[i] / 20.0)
				  : 0;

		t->k[i] = 2 * cos(w);
		t->y1[i] = -peak * sin(w);
		t->y2[i] = -peak * sin(2 * w);
	}
	return true;
}

static double
ramp_gain(const struct media_tone_part *p, uint32_t at)
{
	uint32_t left = p->on - 1 - at;
	uint32_t near = at < left ? at : left;

	return near < p->ramp ? (double)near / p->ramp : 1;
}

static int16_t
next_sample(struct media_tone *t)
{
	double sum = 0;

	if (t->at >= t->now.on)
		return 0;
	for (int i = 0; i < 2; i++) {
		double y = t->k[i] * t->y1[i] - t->y2[i];

		t->y2[i] = t->y1[i];
		t->y1[i] = y;
		sum += y;
	}
	/* Two sines at the highest level used stay under full scale. */
	return (int16_t)lrint(sum * ramp_gain(&t->now, t->at));
}

bool
media_tone_pcm(struct media_tone *t, int16_t out[MEDIA_FRAME])
{
	bool any = false;

	for (size_t i = 0; i < MEDIA_FRAME; i++) {
		while (t->at >= t->now.on && t->at - t->now.on >= t->now.off)
			if (!begin_part(t)) {
				memset(out + i, 0,
				    (MEDIA_FRAME - i) * sizeof(out[0]));
				return any;
			}
		out[i] = next_sample(t);
		t->at++;
		any = true;
	}
	return true;
}

bool
media_tone_frame(struct media_tone *t, uint8_t out[MEDIA_FRAME])
{
	int16_t pcm[MEDIA_FRAME];
	bool any = media_tone_pcm(t, pcm);

	media_ulaw_encode(pcm, out, MEDIA_FRAME);
	return any;
}

int64_t
media_tone_digits_ms(const char *digits)
{
	int64_t samples = 0;

	for (const char *c = digits; *c != '\0'; c++) {
		struct media_tone_part p;

		if (part_of_key(*c, &p))
			samples += p.on + p.off;
	}
	return samples * 1000 / MEDIA_RATE;
}
