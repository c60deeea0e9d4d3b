#include "media/media_ulaw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/*
 * A second rule, from the tables of Recommendation G.711 instead of G.191's
 * bit rule: segments end at 31, 95, 223 ... 8159 (14 bit), each has 16 steps.
 */
static uint8_t
by_the_tables(int16_t x)
{
	int magnitude = x < 0 ? -1 - x : x;
	int v = magnitude / 4;
	int low = -1, step = 2;

	/* Step 0 of the first segment is one wide: 0, then 1-2, 3-4, ... */
	if (v > 8158)
		v = 8158;
	for (int segment = 0; segment < 8; segment++) {
		int high = segment == 0 ? 31 : low + 16 * step;

		if (v < high) {
			int at = segment == 0 ? (v + 1) / 2 : (v - low) / step;
			int code = 0xFF - (segment * 16 + at);

			return (uint8_t)(x < 0 ? code & 0x7F : code);
		}
		low = high;
		step *= 2;
	}
	return 0;
}

static void
every_linear_value_gets_the_code_of_the_standard(void **state)
{
	(void)state;
	for (int x = -32768; x <= 32767; x++) {
		uint8_t want = by_the_tables((int16_t)x);
		uint8_t got = media_ulaw_of((int16_t)x);

		if (want != got)
			fail_msg("%d: want %02x, got %02x", x, want, got);
	}
}

static void
known_values_of_g711_stand(void **state)
{
	static const struct {
		int16_t linear;
		uint8_t code;
	} rows[] = {
	    {0, 0xFF},
	    {-1, 0x7F},
	    {3, 0xFF},
	    {4, 0xFE},
	    {-5, 0x7E},
	    {32767, 0x80},
	    {-32768, 0x00},
	    {-31612, 0x01},
	    {31612, 0x80},
	    {1000, 0xCE},
	    {-1000, 0x4E},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t got = media_ulaw_of(rows[i].linear);

		if (got != rows[i].code)
			fail_msg("%d: want %02x, got %02x", rows[i].linear,
			    rows[i].code, got);
	}
}

/* The decoder value is the middle of what the standard's decision values
 * (33, 35 ... 8159) enclose: G.711 table 2a, column 8. */
static void
every_code_decodes_to_the_value_of_the_standard(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		int index = 127 - (code & 0x7F);
		int segment = index / 16, at = index % 16;
		int value = 0, width = 2;

		/* Sum the steps up, as a person would. */
		for (int s = 0; s < segment; s++, width *= 2)
			value += s == 0 ? 15 * 2 + 1 : 16 * width;
		if (segment == 0)
			value = 2 * at;
		else
			value += at * width + width / 2;
		value *= 4;
		assert_int_equal(media_ulaw_linear[code],
		    (code & 0x80) != 0 ? value : -value);
	}
	assert_int_equal(media_ulaw_linear[0x00], -32124);
	assert_int_equal(media_ulaw_linear[0x80], 32124);
}

static void
a_code_survives_decoding_and_encoding(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		int want = code == 0x7F ? 0xFF : code; /* -0 becomes 0 */

		assert_int_equal(media_ulaw_of(media_ulaw_linear[code]), want);
	}
}

static void
blocks_are_coded_like_single_samples_and_silence_is_ff(void **state)
{
	int16_t pcm[MEDIA_FRAME], back[MEDIA_FRAME];
	uint8_t ulaw[MEDIA_FRAME + 1];

	(void)state;
	ulaw[MEDIA_FRAME] = 0x55;
	for (int i = 0; i < MEDIA_FRAME; i++)
		pcm[i] = (int16_t)(i * 370 - 30000);
	media_ulaw_encode(pcm, ulaw, MEDIA_FRAME);
	media_ulaw_decode(ulaw, back, MEDIA_FRAME);
	for (int i = 0; i < MEDIA_FRAME; i++) {
		assert_int_equal(ulaw[i], media_ulaw_of(pcm[i]));
		assert_int_equal(back[i], media_ulaw_linear[ulaw[i]]);
		assert_true(abs(back[i] - pcm[i]) <= 512);
	}
	media_ulaw_silence(ulaw, MEDIA_FRAME);
	for (int i = 0; i < MEDIA_FRAME; i++)
		assert_int_equal(ulaw[i], 0xFF);
	assert_int_equal(ulaw[MEDIA_FRAME], 0x55);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_linear_value_gets_the_code_of_the_standard),
	    cmocka_unit_test(known_values_of_g711_stand),
	    cmocka_unit_test(every_code_decodes_to_the_value_of_the_standard),
	    cmocka_unit_test(a_code_survives_decoding_and_encoding),
	    cmocka_unit_test(
		blocks_are_coded_like_single_samples_and_silence_is_ff),
	};

	return cmocka_run_group_tests_name("media_ulaw", tests, NULL, NULL);
}
