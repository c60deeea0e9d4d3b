#include "media/media_dtmf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "media/media_tone.h"

#define MAX_SAMPLES 32000

static const char all_keys[] = "123A456B789C*0#D";

/* A press as a bad line might bring it: made here, not by media_tone. */
struct press {
	double low_db, high_db; /* dBm0 */
	double off;             /* relative error of both frequencies */
	int tone, pause;        /* samples */
	int lead;               /* samples of silence before */
	int times;
	double noise_db; /* white noise, dBm0 of its power; 0 = none */
};

#define NOMINAL ((struct press){-8, -6, 0, 800, 800, 0, 1, 0})

static uint32_t seed;

static double
gauss(void)
{
	double sum = 0;

	for (int i = 0; i < 12; i++) {
		seed = seed * 1664525U + 1013904223U;
		sum += seed / 4294967296.0;
	}
	return sum - 6;
}

static size_t
make(char key, const struct press *p, uint8_t *out)
{
	static const double rows[] = {697, 770, 852, 941};
	static const double columns[] = {1209, 1336, 1477, 1633};
	int k = (int)(strchr(all_keys, key) - all_keys);
	double full = 32767 * pow(10, -3.17 / 20);
	double low = full * pow(10, p->low_db / 20);
	double high = full * pow(10, p->high_db / 20);
	double noise =
	    p->noise_db < 0 ? full * pow(10, p->noise_db / 20) / sqrt(2) : 0;
	int n = p->lead + p->times * (p->tone + p->pause) + 480;

	assert_true(n < MAX_SAMPLES);
	n -= n % MEDIA_FRAME;
	for (int i = 0; i < n; i++) {
		int at = (i - p->lead) % (p->tone + p->pause);
		double w = 2 * M_PI * (1 + p->off) * i / MEDIA_RATE;
		double x = noise > 0 ? noise * gauss() : 0;

		if (i >= p->lead && at < p->tone &&
		    i - p->lead < p->times * (p->tone + p->pause))
			x += low * sin(w * rows[k / 4]) +
			     high * sin(w * columns[k % 4]);
		out[i] = media_ulaw_of((int16_t)lrint(x));
	}
	return (size_t)n;
}

static size_t
hear(const uint8_t *ulaw, size_t n, char *out, size_t room)
{
	struct media_dtmf d;
	size_t found = 0;

	media_dtmf_init(&d);
	for (size_t i = 0; i + MEDIA_FRAME <= n; i += MEDIA_FRAME) {
		char key = media_dtmf_frame(&d, ulaw + i);

		if (key != '\0' && found + 1 < room)
			out[found++] = key;
	}
	out[found] = '\0';
	return found;
}

/* Presses heard rightly, of 16 keys in 8 phases, as parts of 128. */
static int
score(struct press p)
{
	static uint8_t sound[MAX_SAMPLES];
	int right = 0;

	seed = 1;
	for (int k = 0; k < 16; k++)
		for (int phase = 0; phase < 8; phase++) {
			char got[16], want[16];

			memset(want, all_keys[k], (size_t)p.times);
			want[p.times] = '\0';
			p.lead = 160 + phase * 13;
			size_t n = make(all_keys[k], &p, sound);

			(void)hear(sound, n, got, sizeof(got));
			right += strcmp(got, want) == 0;
		}
	return right;
}

static void
all_sixteen_keys_are_heard_once_for_each_press(void **state)
{
	struct press p = NOMINAL;

	(void)state;
	assert_int_equal(score(p), 128);
	p.tone = p.pause = 400;
	p.times = 5;
	assert_int_equal(score(p), 128);
}

static void
our_own_generator_is_understood(void **state)
{
	static const char dialled[] = "0123456789*#ABCD5551w2W3";
	static uint8_t sound[MAX_SAMPLES * 2];
	struct media_tone t;
	struct err err = {0};
	char got[32];
	size_t n = 0;

	(void)state;
	assert_int_equal(media_tone_digits(&t, dialled, &err), ERR_NONE);
	while (
	    n + MEDIA_FRAME <= sizeof(sound) && media_tone_frame(&t, sound + n))
		n += MEDIA_FRAME;
	(void)hear(sound, n, got, sizeof(got));
	assert_string_equal(got, "0123456789*#ABCD555123");
}

static void
short_tones_and_short_pauses_count_as_far_as_promised(void **state)
{
	struct press p = NOMINAL;

	(void)state;
	p.tone = 35 * 8;
	assert_int_equal(score(p), 128);
	p.tone = 20 * 8; /* Q.24: 20 ms and less must not be taken */
	assert_int_equal(score(p), 0);
	p = NOMINAL;
	p.times = 2;
	p.pause = 20 * 8;
	assert_int_equal(score(p), 128);
	p.pause = 4 * 8; /* a drop-out splits no press */
	assert_int_equal(score(p), 0);
}

static void
levels_twist_and_frequency_are_taken_as_far_as_promised(void **state)
{
	static const struct {
		double low, high, off;
		int all; /* 1 = every press is heard, 0 = none */
	} rows[] = {
	    {-5, -5, 0, 1},
	    {-45, -45, 0, 1},
	    {-56, -56, 0, 0},
	    {-12, -6, 0, 1},
	    {-6, -12, 0, 1},
	    {-20, -6, 0, 0},
	    {-6, -20, 0, 0},
	    {-8, -6, 0.01, 1},
	    {-8, -6, -0.01, 1},
	    {-8, -6, 0.03, 0},
	    {-8, -6, -0.03, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct press p = NOMINAL;

		p.low_db = rows[i].low;
		p.high_db = rows[i].high;
		p.off = rows[i].off;
		int got = score(p);

		if (got != (rows[i].all ? 128 : 0))
			fail_msg("row %zu: %d of 128", i, got);
	}
}

static void
noise_nine_db_below_hides_no_key(void **state)
{
	struct press p = NOMINAL;

	(void)state;
	/* Two tones of -8 and -6 dBm0 hold -3.9 dBm0 together. */
	p.noise_db = -3.9 - 9;
	assert_true(score(p) >= 127);
}

static void
noise_and_single_tones_are_no_keys(void **state)
{
	static uint8_t sound[MAX_SAMPLES];
	struct media_tone t;
	char got[8];

	(void)state;
	seed = 7;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < MAX_SAMPLES; i++)
			sound[i] =
			    media_ulaw_of((int16_t)lrint(3000 * gauss()));
		assert_int_equal(hear(sound, MAX_SAMPLES, got, sizeof(got)), 0);
	}
	media_tone_beep(&t, 941, 2000);
	for (int i = 0; i < 100; i++)
		(void)media_tone_frame(&t, sound + i * MEDIA_FRAME);
	assert_int_equal(hear(sound, 16000, got, sizeof(got)), 0);
	media_tone_init(&t, MEDIA_TONE_RINGBACK);
	for (int i = 0; i < 100; i++)
		(void)media_tone_frame(&t, sound + i * MEDIA_FRAME);
	assert_int_equal(hear(sound, 16000, got, sizeof(got)), 0);
}

static void
a_held_key_is_told_until_it_is_released(void **state)
{
	static uint8_t sound[MAX_SAMPLES];
	struct media_dtmf d;
	struct press p = NOMINAL;
	size_t n = make('7', &p, sound);
	char during = '\0';

	(void)state;
	media_dtmf_init(&d);
	assert_int_equal(media_dtmf_held(&d), '\0');
	for (size_t i = 0; i + MEDIA_FRAME <= n; i += MEDIA_FRAME) {
		(void)media_dtmf_frame(&d, sound + i);
		if (i == 480)
			during = media_dtmf_held(&d);
	}
	assert_int_equal(during, '7');
	assert_int_equal(media_dtmf_held(&d), '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_sixteen_keys_are_heard_once_for_each_press),
	    cmocka_unit_test(our_own_generator_is_understood),
	    cmocka_unit_test(
		short_tones_and_short_pauses_count_as_far_as_promised),
	    cmocka_unit_test(
		levels_twist_and_frequency_are_taken_as_far_as_promised),
	    cmocka_unit_test(noise_nine_db_below_hides_no_key),
	    cmocka_unit_test(noise_and_single_tones_are_no_keys),
	    cmocka_unit_test(a_held_key_is_told_until_it_is_released),
	};

	return cmocka_run_group_tests_name("media_dtmf", tests, NULL, NULL);
}
