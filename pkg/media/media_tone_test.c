#include "media/media_tone.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define MAX_SAMPLES (MEDIA_RATE * 20)

static int16_t sound[MAX_SAMPLES];

/* Collect frames until the tone ends or n samples are there. */
static size_t
collect(struct media_tone *t, size_t n)
{
	size_t len = 0;

	while (len + MEDIA_FRAME <= n && media_tone_pcm(t, sound + len))
		len += MEDIA_FRAME;
	return len;
}

/* Power of one frequency as dBm0, by correlation over a part of sound. */
static double
dbm0_at(double hz, size_t from, size_t n)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		double w = 2 * M_PI * hz * (double)i / MEDIA_RATE;

		re += sound[from + i] * cos(w);
		im += sound[from + i] * sin(w);
	}
	double peak = 2 * sqrt(re * re + im * im) / (double)n;

	return 20 * log10(peak / 32767 + 1e-9) + 3.17;
}

static double
rms(size_t from, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)sound[from + i] * sound[from + i];
	return sqrt(sum / (double)n);
}

static void
every_key_has_its_two_frequencies_and_levels(void **state)
{
	static const struct {
		const char *key;
		double low, high;
	} rows[] = {{"1", 697, 1209}, {"2", 697, 1336}, {"3", 697, 1477},
	    {"A", 697, 1633}, {"4", 770, 1209}, {"5", 770, 1336},
	    {"6", 770, 1477}, {"b", 770, 1633}, {"7", 852, 1209},
	    {"8", 852, 1336}, {"9", 852, 1477}, {"C", 852, 1633},
	    {"*", 941, 1209}, {"0", 941, 1336}, {"#", 941, 1477},
	    {"d", 941, 1633}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct media_tone t;
		struct err err = {0};

		assert_int_equal(
		    media_tone_digits(&t, rows[i].key, &err), ERR_NONE);
		assert_int_equal(collect(&t, MAX_SAMPLES), 1600);
		assert_true(fabs(dbm0_at(rows[i].low, 16, 768) + 8) < 0.5);
		assert_true(fabs(dbm0_at(rows[i].high, 16, 768) + 6) < 0.5);
		/* 100 ms of it, then 100 ms of nothing. */
		assert_true(rms(780, 16) > 1000);
		assert_true(rms(800, 800) < 0.5);
	}
}

static void
tones_begin_and_end_softly(void **state)
{
	struct media_tone t;
	struct err err = {0};

	(void)state;
	assert_int_equal(media_tone_digits(&t, "5", &err), ERR_NONE);
	(void)collect(&t, MAX_SAMPLES);
	assert_int_equal(sound[0], 0);
	assert_int_equal(sound[799], 0);
	media_tone_beep(&t, 1000, 500);
	assert_int_equal(collect(&t, MAX_SAMPLES), 4000);
	assert_true(rms(0, 40) < rms(40, 40));
	assert_true(rms(40, 40) < rms(80, 40));
	assert_true(fabs(dbm0_at(1000, 160, 3200) + 12) < 0.2);
}

static void
letters_w_are_pauses(void **state)
{
	struct media_tone t;
	struct err err = {0};

	(void)state;
	assert_int_equal(media_tone_digits(&t, "1wW2", &err), ERR_NONE);
	assert_int_equal(media_tone_digits_ms("1wW2"), 1900);
	assert_int_equal(collect(&t, MAX_SAMPLES), 1900 * 8);
	assert_true(rms(0, 800) > 1000);
	assert_true(rms(800, 800 + 4000 + 8000) < 0.5);
	assert_true(rms(13600, 800) > 1000);
}

static void
what_is_no_key_is_refused_with_its_place(void **state)
{
	struct media_tone t;
	struct err err = {0};
	char many[MEDIA_TONE_DIGITS_MAX + 2];

	(void)state;
	assert_int_equal(media_tone_digits(&t, "12x", &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "key 3"));
	assert_non_null(strstr(err.text, "'x'"));
	memset(many, '1', sizeof(many));
	many[MEDIA_TONE_DIGITS_MAX + 1] = '\0';
	assert_int_equal(media_tone_digits(&t, many, &err), ERR_MALFORMED);
	many[MEDIA_TONE_DIGITS_MAX] = '\0';
	assert_int_equal(media_tone_digits(&t, many, &err), ERR_NONE);
	assert_int_equal(media_tone_digits(&t, "", &err), ERR_NONE);
	assert_false(media_tone_pcm(&t, sound));
}

static void
call_progress_tones_keep_their_cadence(void **state)
{
	static const struct {
		enum media_tone_kind kind;
		double hz[2], dbm0;
		size_t on, off; /* ms */
	} rows[] = {
	    {MEDIA_TONE_RINGBACK, {440, 480}, -19, 2000, 4000},
	    {MEDIA_TONE_BUSY, {480, 620}, -24, 500, 500},
	    {MEDIA_TONE_REORDER, {480, 620}, -24, 250, 250},
	    {MEDIA_TONE_DIAL, {350, 440}, -13, 6000, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct media_tone t;
		size_t on = rows[i].on * 8, off = rows[i].off * 8;

		media_tone_init(&t, rows[i].kind);
		assert_int_equal(collect(&t, 8000 * 13), 8000 * 13);
		for (int k = 0; k < 2; k++)
			assert_true(fabs(dbm0_at(rows[i].hz[k], 0, 2000) -
					 rows[i].dbm0) < 1);
		assert_true(rms(on - 200, 200) > 100);
		if (off > 0)
			assert_true(rms(on, off) < 0.5);
		assert_true(rms(on + off, 200) > 100);
	}
}

static void
the_special_information_tone_is_three_rising_sines(void **state)
{
	struct media_tone t;

	(void)state;
	media_tone_init(&t, MEDIA_TONE_SIT);
	assert_int_equal(collect(&t, MAX_SAMPLES), 7520);
	assert_true(fabs(dbm0_at(913.8, 0, 2192) + 24) < 0.5);
	assert_true(fabs(dbm0_at(1370.6, 2192, 2192) + 24) < 0.5);
	assert_true(fabs(dbm0_at(1776.7, 4384, 3040) + 24) < 0.5);
	assert_true(dbm0_at(1776.7, 0, 2192) < -50);
	assert_true(rms(7424, 96) < 0.5);
}

static void
ulaw_frames_are_the_coded_samples_and_silent_at_the_end(void **state)
{
	struct media_tone a, b;
	uint8_t ulaw[MEDIA_FRAME];
	int16_t pcm[MEDIA_FRAME];

	(void)state;
	media_tone_beep(&a, 440, 50);
	media_tone_beep(&b, 440, 50);
	for (int f = 0; f < 3; f++) {
		assert_true(media_tone_frame(&a, ulaw));
		assert_true(media_tone_pcm(&b, pcm));
		for (int i = 0; i < MEDIA_FRAME; i++)
			assert_int_equal(ulaw[i], media_ulaw_of(pcm[i]));
	}
	assert_int_equal(ulaw[MEDIA_FRAME - 1], MEDIA_SILENCE);
	for (int again = 0; again < 2; again++) {
		memset(ulaw, 0, sizeof(ulaw));
		assert_false(media_tone_frame(&a, ulaw));
		assert_int_equal(ulaw[0], MEDIA_SILENCE);
		assert_int_equal(ulaw[MEDIA_FRAME - 1], MEDIA_SILENCE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_has_its_two_frequencies_and_levels),
	    cmocka_unit_test(tones_begin_and_end_softly),
	    cmocka_unit_test(letters_w_are_pauses),
	    cmocka_unit_test(what_is_no_key_is_refused_with_its_place),
	    cmocka_unit_test(call_progress_tones_keep_their_cadence),
	    cmocka_unit_test(
		the_special_information_tone_is_three_rising_sines),
	    cmocka_unit_test(
		ulaw_frames_are_the_coded_samples_and_silent_at_the_end),
	};

	return cmocka_run_group_tests_name("media_tone", tests, NULL, NULL);
}
