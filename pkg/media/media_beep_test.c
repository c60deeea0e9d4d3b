#include "media/media_beep.h"

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

struct tone {
	double hz, dbm0, snr_db;
	int begin, len; /* samples */
};

struct result {
	int starts, ends;
	struct media_beep_heard start, end;
};

static void
feed(struct media_beep *b, const uint8_t *frame, struct result *r)
{
	struct media_beep_heard heard = {-1, -1, 0};

	switch (media_beep_frame(b, frame, &heard)) {
	case MEDIA_BEEP_START:
		r->starts++;
		r->start = heard;
		break;
	case MEDIA_BEEP_END:
		r->ends++;
		r->end = heard;
		break;
	case MEDIA_BEEP_NONE:
		break;
	}
}

static struct result
listen(const struct tone *t)
{
	double peak = 32767 * pow(10, (t->dbm0 - 3.17) / 20);
	double noise = peak / sqrt(2) * pow(10, -t->snr_db / 20);
	struct result r = {0};
	struct media_beep b;

	media_beep_init(&b);
	for (int f = 0; f * MEDIA_FRAME < t->begin + t->len + 1600; f++) {
		uint8_t frame[MEDIA_FRAME];

		for (int i = 0; i < MEDIA_FRAME; i++) {
			int n = f * MEDIA_FRAME + i;
			double x = noise * gauss();

			if (n >= t->begin && n < t->begin + t->len)
				x += peak *
				     sin(2 * M_PI * t->hz * n / MEDIA_RATE);
			frame[i] = media_ulaw_of((int16_t)lrint(x));
		}
		feed(&b, frame, &r);
	}
	return r;
}

static void
a_beep_is_told_with_its_begin_length_and_pitch(void **state)
{
	struct tone t = {1000, -12, 60, 8000, 4000};
	struct result r;

	(void)state;
	seed = 1;
	r = listen(&t);
	assert_int_equal(r.starts, 1);
	assert_int_equal(r.ends, 1);
	assert_in_range(r.end.at_ms, 980, 1020);
	assert_in_range(r.end.duration_ms, 480, 520);
	assert_in_range(r.end.hz, 998, 1002);
	assert_int_equal(r.start.at_ms, r.end.at_ms);
	assert_in_range(r.start.duration_ms, 100, 160);
}

static void
beeps_of_all_pitches_levels_and_phases_are_heard_in_noise(void **state)
{
	static const double pitches[] = {
	    350, 440, 600, 800, 1000, 1400, 1800, 2000, 2400, 2600};
	static const struct {
		int ms;
		double snr_db;
	} rows[] = {{120, 40}, {120, 15}, {130, 10}, {1000, 10}};

	(void)state;
	seed = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t p = 0; p < ARRAY_LEN(pitches); p++)
			for (int k = 0; k < 16; k++) {
				struct tone t = {pitches[p], -5 - k % 4 * 10,
				    rows[i].snr_db, 1600 + k * 10,
				    rows[i].ms * 8};
				struct result r = listen(&t);

				if (r.ends != 1 ||
				    abs((int)r.end.hz - (int)t.hz) > 5)
					fail_msg("row %zu, %g Hz, phase %d: "
						 "%d of %u Hz",
					    i, t.hz, k, r.ends, r.end.hz);
			}
}

static void
what_is_too_short_too_low_too_high_or_too_faint_is_none(void **state)
{
	static const struct tone rows[] = {
	    {1000, -12, 60, 1600, 90 * 8},
	    {300, -12, 60, 1600, 4000},
	    {2750, -12, 60, 1600, 4000},
	    {1000, -50, 60, 1600, 4000},
	    {1000, -12, 3, 1600, 4000},
	};

	(void)state;
	seed = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(listen(&rows[i]).starts, 0);
}

static void
network_tones_and_keys_are_no_beeps(void **state)
{
	static const enum media_tone_kind kinds[] = {MEDIA_TONE_RINGBACK,
	    MEDIA_TONE_BUSY, MEDIA_TONE_REORDER, MEDIA_TONE_DIAL};
	uint8_t frame[MEDIA_FRAME];
	struct media_beep b;
	struct media_tone t;
	struct result r = {0};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		media_beep_init(&b);
		media_tone_init(&t, kinds[i]);
		for (int f = 0; f < 50 * 20; f++) {
			(void)media_tone_frame(&t, frame);
			feed(&b, frame, &r);
		}
		assert_int_equal(r.starts, 0);
	}
	media_beep_init(&b);
	assert_int_equal(
	    media_tone_digits(&t, "0123456789*#ABCD", &err), ERR_NONE);
	while (media_tone_frame(&t, frame))
		feed(&b, frame, &r);
	assert_int_equal(r.starts, 0);
}

static void
each_of_two_beeps_is_told(void **state)
{
	uint8_t frame[MEDIA_FRAME];
	struct media_beep b;
	struct result r = {0};

	(void)state;
	media_beep_init(&b);
	for (int i = 0; i < 2; i++) {
		struct media_tone t;

		media_tone_beep(&t, i == 0 ? 800 : 1400, 300);
		while (media_tone_frame(&t, frame))
			feed(&b, frame, &r);
		/* The second follows at once: another pitch is another. */
		assert_in_range(
		    r.start.hz, i == 0 ? 798 : 1398, i == 0 ? 802 : 1402);
	}
	media_ulaw_silence(frame, MEDIA_FRAME);
	for (int f = 0; f < 10; f++)
		feed(&b, frame, &r);
	assert_int_equal(r.starts, 2);
	assert_int_equal(r.ends, 2);
}

static void
noise_is_no_beep(void **state)
{
	struct tone t = {1000, -60, 0, 0, 0};

	(void)state;
	seed = 3;
	t.begin = MEDIA_RATE * 60;
	assert_int_equal(listen(&t).starts, 0);
	t.dbm0 = -10;
	t.snr_db = -0.1;
	assert_int_equal(listen(&t).starts, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_beep_is_told_with_its_begin_length_and_pitch),
	    cmocka_unit_test(
		beeps_of_all_pitches_levels_and_phases_are_heard_in_noise),
	    cmocka_unit_test(
		what_is_too_short_too_low_too_high_or_too_faint_is_none),
	    cmocka_unit_test(network_tones_and_keys_are_no_beeps),
	    cmocka_unit_test(each_of_two_beeps_is_told),
	    cmocka_unit_test(noise_is_no_beep),
	};

	return cmocka_run_group_tests_name("media_beep", tests, NULL, NULL);
}
