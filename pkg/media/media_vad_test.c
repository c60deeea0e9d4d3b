#include "media/media_vad.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

/* A frame of noise at so many dBm0; -99 is silence. */
static void
noise(uint8_t out[MEDIA_FRAME], double dbm0)
{
	double rms = dbm0 <= -99 ? 0 : 16086 * pow(10, dbm0 / 20);

	for (int i = 0; i < MEDIA_FRAME; i++)
		out[i] = media_ulaw_of((int16_t)lrint(rms * gauss()));
}

/* Feed n frames; how many starts and stops came, and where the last did. */
struct tally {
	int starts, stops;
	int64_t at;
};

static void
feed(struct media_vad *v, double dbm0, int n, struct tally *t)
{
	for (int i = 0; i < n; i++) {
		uint8_t frame[MEDIA_FRAME];
		enum media_vad_event event;

		noise(frame, dbm0);
		event = media_vad_frame(v, frame, &t->at);
		t->starts += event == MEDIA_VAD_START;
		t->stops += event == MEDIA_VAD_STOP;
	}
}

static void
start(struct media_vad *v, unsigned onset_ms, unsigned hangover_ms)
{
	struct media_vad_options o = {onset_ms, hangover_ms};

	seed = 1;
	media_vad_init(v, &o);
}

static void
speech_begins_after_the_onset_and_ends_after_the_hangover(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};

	(void)state;
	start(&v, 60, 500);
	feed(&v, -99, 50, &t);
	feed(&v, -15, 2, &t);
	assert_false(media_vad_speaking(&v));
	feed(&v, -15, 1, &t);
	assert_true(media_vad_speaking(&v));
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.at, 50);
	feed(&v, -15, 37, &t);
	feed(&v, -99, 24, &t);
	assert_true(media_vad_speaking(&v));
	feed(&v, -99, 1, &t);
	assert_false(media_vad_speaking(&v));
	assert_int_equal(t.stops, 1);
	assert_int_equal(t.at, 90);
	feed(&v, -99, 500, &t);
	assert_int_equal(t.starts + t.stops, 2);
}

static void
clicks_begin_nothing_and_short_gaps_end_nothing(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};

	(void)state;
	start(&v, 60, 200);
	for (int i = 0; i < 20; i++) {
		feed(&v, -99, 5, &t);
		feed(&v, -10, 2, &t);
	}
	assert_int_equal(t.starts, 0);
	feed(&v, -99, 10, &t);
	for (int i = 0; i < 20; i++) {
		feed(&v, -10, 5, &t);
		feed(&v, -99, 9, &t);
	}
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.stops, 0);
	feed(&v, -99, 1, &t);
	assert_int_equal(t.stops, 1);
}

static void
steady_noise_is_learnt_and_speech_above_it_found(void **state)
{
	static const double floors[] = {-60, -50, -40, -34};

	(void)state;
	for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++) {
		struct media_vad v;
		struct tally t = {0, 0, -1};

		start(&v, 60, 300);
		feed(&v, floors[i], 300, &t);
		assert_int_equal(t.starts, 0);
		feed(&v, floors[i] + 15, 50, &t);
		assert_int_equal(t.starts, 1);
		feed(&v, floors[i], 50, &t);
		assert_int_equal(t.stops, 1);
		feed(&v, floors[i], 300, &t);
		assert_int_equal(t.starts, 1);
	}
}

/* What would not begin speech keeps it alive: the end of a word. */
static void
fading_speech_goes_on_longer_than_it_could_begin(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};

	(void)state;
	start(&v, 60, 200);
	feed(&v, -40, 100, &t);
	feed(&v, -34.5, 20, &t);
	assert_int_equal(t.starts, 0);
	feed(&v, -15, 10, &t);
	assert_int_equal(t.starts, 1);
	feed(&v, -34.5, 20, &t);
	assert_int_equal(t.stops, 0);
	feed(&v, -40, 10, &t);
	assert_int_equal(t.stops, 1);
}

/* A line that becomes noisy in the middle of the call. */
static void
noise_that_comes_later_is_learnt_within_two_seconds(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};

	(void)state;
	start(&v, 60, 200);
	feed(&v, -99, 200, &t);
	feed(&v, -40, 115, &t);
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.stops, 1);
	assert_false(media_vad_speaking(&v));
}

static void
what_is_too_faint_is_never_sound(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};

	(void)state;
	start(&v, 20, 20);
	feed(&v, -99, 100, &t);
	feed(&v, -50, 100, &t);
	assert_int_equal(t.starts, 0);
}

static void
who_speaks_at_once_is_heard_at_once(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};

	(void)state;
	start(&v, 60, 500);
	feed(&v, -12, 3, &t);
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.at, 0);
}

static void
the_level_is_that_of_the_last_frame(void **state)
{
	struct media_vad v;
	struct tally t = {0, 0, -1};
	uint8_t sine[MEDIA_FRAME];

	(void)state;
	start(&v, 60, 500);
	assert_true(fabsf(media_vad_level_db(&v) + 99) < 0.1F);
	for (int i = 0; i < MEDIA_FRAME; i++)
		sine[i] = media_ulaw_of(
		    (int16_t)lrint(32767 * pow(10, (-10 - 3.17) / 20) *
				   sin(2 * M_PI * 1000 * i / MEDIA_RATE)));
	assert_int_equal(media_vad_frame(&v, sine, NULL), MEDIA_VAD_NONE);
	assert_true(fabsf(media_vad_level_db(&v) + 10) < 0.2F);
	feed(&v, -99, 1, &t);
	assert_true(fabsf(media_vad_level_db(&v) + 99) < 0.1F);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		speech_begins_after_the_onset_and_ends_after_the_hangover),
	    cmocka_unit_test(clicks_begin_nothing_and_short_gaps_end_nothing),
	    cmocka_unit_test(steady_noise_is_learnt_and_speech_above_it_found),
	    cmocka_unit_test(fading_speech_goes_on_longer_than_it_could_begin),
	    cmocka_unit_test(
		noise_that_comes_later_is_learnt_within_two_seconds),
	    cmocka_unit_test(what_is_too_faint_is_never_sound),
	    cmocka_unit_test(who_speaks_at_once_is_heard_at_once),
	    cmocka_unit_test(the_level_is_that_of_the_last_frame),
	};

	return cmocka_run_group_tests_name("media_vad", tests, NULL, NULL);
}
