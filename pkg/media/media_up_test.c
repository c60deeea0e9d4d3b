#include "media/media_up.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#include "media/media_ulaw.h"

#define PI 3.14159265358979323846

/* What n samples become, in pieces of `piece`; 6 * n samples, mem_free. */
static int16_t *
up(const int16_t *in, size_t n, size_t piece)
{
	struct media_up u;
	int16_t *out = mem_zalloc(6 * n + 6 * MEDIA_UP_AHEAD, sizeof(*out));
	size_t given = 0;

	media_up_init(&u);
	for (size_t at = 0; at < n; at += piece)
		given += media_up_add(
		    &u, in + at, n - at < piece ? n - at : piece, out + given);
	given += media_up_end(&u, out + given);
	assert_int_equal(given, 6 * n);
	return out;
}

/* Power of one frequency (cycles a sample) under a Hann window, in dB of a
 * full-scale sine. */
static double
level_db(const int16_t *x, size_t n, double f)
{
	double re = 0, im = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double w =
		    0.5 - 0.5 * cos(2 * PI * (double)i / (double)(n - 1));

		re += w * x[i] * cos(2 * PI * f * (double)i);
		im += w * x[i] * sin(2 * PI * f * (double)i);
		sum += w;
	}
	return 20 * log10(2 * sqrt(re * re + im * im) / sum / 32768 + 1e-12);
}

static void
tone(int16_t *x, size_t n, double hz, double amplitude)
{
	/* Fourteen bits, as mu-law decodes to. */
	for (size_t i = 0; i < n; i++)
		x[i] =
		    (int16_t)(4 * lrint(amplitude / 4 *
					sin(2 * PI * hz * (double)i / 8000)));
}

static void
every_sixth_sample_is_an_input_sample_whatever_the_pieces(void **state)
{
	static const size_t lengths[] = {0, 1, 31, 32, 33, 160, 1000, 4001};
	int16_t in[4001];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		in[i] = media_ulaw_linear[i * 2654435761U >> 13 & 255];
	for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
		size_t n = lengths[l];
		int16_t *whole = up(in, n, 100000);
		int16_t *pieces = up(in, n, 7);

		assert_memory_equal(whole, pieces, 6 * n * sizeof(*whole));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(whole[6 * i], in[i]);
		mem_free(&whole);
		mem_free(&pieces);
	}
}

static void
a_voice_band_tone_keeps_its_level_and_has_no_images(void **state)
{
	static const double hz[] = {200, 300, 1000, 2000, 3000, 3400, 3600};
	static int16_t in[8000];

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(hz); t++) {
		tone(in, ARRAY_LEN(in), hz[t], 16000);
		double was = level_db(in, ARRAY_LEN(in), hz[t] / 8000);
		int16_t *out = up(in, ARRAY_LEN(in), 160);
		const int16_t *mid = out + 6000; /* away from the ends */
		double is = level_db(mid, 36000, hz[t] / 48000);

		assert_true(fabs(is - was) < 0.1);
		for (int k = 1; k <= 3; k++)
			for (int side = -1; side <= 1; side += 2) {
				double image = 8000 * k + side * hz[t];

				if (image < 24000)
					assert_true(
					    level_db(mid, 36000,
						image / 48000) < is - 80);
			}
		mem_free(&out);
	}
}

static void
a_steady_level_stays_what_it_is(void **state)
{
	int16_t in[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		in[i] = 32124;
	int16_t *out = up(in, ARRAY_LEN(in), 160);

	for (size_t i = 600; i < 1800; i++)
		assert_int_equal(out[i], 32124);
	mem_free(&out);
}

static void
what_passes_full_scale_is_cut_and_not_wrapped(void **state)
{
	static int16_t in[1600];

	(void)state;
	/* The loudest there is half-way between two samples: each in the sign
	 * of its tap.  It would be more than twice full scale. */
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		size_t away = i < 800 ? 799 - i : i - 800;

		in[i] = away % 2 == 0 ? 32124 : -32124;
	}
	int16_t *out = up(in, ARRAY_LEN(in), 160);

	assert_int_equal(out[799 * 6 + 3], 32767);
	mem_free(&out);
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		in[i] = (int16_t)-in[i];
	out = up(in, ARRAY_LEN(in), 160);
	assert_int_equal(out[799 * 6 + 3], -32768);
	mem_free(&out);
}

static void
the_bytes_are_the_same_on_every_machine(void **state)
{
	static int16_t in[8000];
	uint8_t sum[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		in[i] = media_ulaw_linear[i * 2654435761U >> 13 & 255];
	int16_t *out = up(in, ARRAY_LEN(in), 160);

	sha256_once(out, 6 * sizeof(in), sum);
	assert_string_equal(text_hex(sum, sizeof(sum), hex),
	    "227b2d658d0b55167feb79543f931a4385212cbd54135bcec38cc9726ce57148");
	mem_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_sixth_sample_is_an_input_sample_whatever_the_pieces),
	    cmocka_unit_test(
		a_voice_band_tone_keeps_its_level_and_has_no_images),
	    cmocka_unit_test(a_steady_level_stays_what_it_is),
	    cmocka_unit_test(what_passes_full_scale_is_cut_and_not_wrapped),
	    cmocka_unit_test(the_bytes_are_the_same_on_every_machine),
	};

	return cmocka_run_group_tests_name("media_up", tests, NULL, NULL);
}
