#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#include "media/media_encode.h"
#include "media/media_record.h"
#include "media/media_ulaw.h"
#include "net/net_env.h"

/*
 * What others hear in our files: programs that nobody here wrote decode them.
 * One that is missing is skipped, unless DSRUN_NEED_PEERS is set.
 */

#define FRAMES 251 /* no whole number of seconds, nor of MP3 frames */
#define SAMPLES (FRAMES * 960)

static struct env *env;
static char dir[64];

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/media_peer_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	return 0;
}

static void
path_of(char out[96], const char *name)
{
	(void)snprintf(out, 96, "%s/%s", dir, name);
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"a.ul2", "a.out", "a.wav"};
	char path[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		path_of(path, names[i]);
		(void)unlink(path);
	}
	net_env_close(&env);
	return rmdir(dir);
}

/* A tone in one channel, silence in the other. */
static void
record(int loud)
{
	static uint8_t bytes[FRAMES * MEDIA_RECORD_BYTES];
	struct err err = {0};
	char path[96];

	for (size_t at = 0; at < sizeof(bytes); at++) {
		size_t in = at % MEDIA_RECORD_BYTES;
		double i = (double)(at / MEDIA_RECORD_BYTES * MEDIA_FRAME +
				    in % MEDIA_FRAME);

		bytes[at] = (in >= MEDIA_FRAME) == loud
				? media_ulaw_of((int16_t)lrint(
				      10000 * sin(i * 0.785398 + 0.1)))
				: MEDIA_SILENCE;
	}
	path_of(path, "a.ul2");
	assert_int_equal(
	    env_write_whole(env, path, bytes, sizeof(bytes), &err), ERR_NONE);
}

static double
rms(const char *pcm, int channel)
{
	double sum = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		int16_t v;

		memcpy(&v, pcm + 4 * i + 2 * channel, 2);
		sum += (double)v * v;
	}
	return sqrt(sum / SAMPLES);
}

static void
decode_by(enum media_encode_format f, const char *program, const char *command,
    int loud)
{
	struct media_encode_info info;
	struct err err = {0};
	char from[96], to[96], wav[96], line[512];
	char *file = NULL;
	size_t len = 0;

	(void)snprintf(line, sizeof(line), "command -v %s >/dev/null", program);
	if (system(line) != 0) {
		if (getenv("DSRUN_NEED_PEERS") != NULL)
			fail_msg("%s is missing", program);
		print_message(
		    "%s is missing: tests/bootstrap.sh bench\n", program);
		skip();
	}
	record(loud);
	path_of(from, "a.ul2");
	path_of(to, "a.out");
	path_of(wav, "a.wav");
	assert_int_equal(
	    media_encode_file(env, from, f, NULL, to, NULL, NULL, &info, &err),
	    ERR_NONE);
	assert_int_equal(setenv("IN", to, 1), 0);
	assert_int_equal(setenv("OUT", wav, 1), 0);
	assert_int_equal(system(command), 0);
	assert_int_equal(
	    env_read_whole(env, wav, 1 << 24, &file, &len, &err), ERR_NONE);
	/* The last chunk is the sound; two channels, 48 kHz, 16 bit. */
	assert_true(len > 44);
	assert_memory_equal(file + 8, "WAVEfmt ", 8);
	assert_memory_equal(file + 22, "\x02\x00\x80\xBB\x00\x00", 6);
	assert_memory_equal(file + 34, "\x10\x00", 2);

	char *data = memmem(file, len, "data", 4);

	assert_non_null(data);
	assert_int_equal(file + len - (data + 8), SAMPLES * 4);
	double level = rms(data + 8, loud);

	assert_true(fabs(20 * log10(level / 7071)) < 0.6);
	assert_true(20 * log10(level / (rms(data + 8, !loud) + 1e-3)) > 80);
	mem_free(&file);
}

static void
sox_hears_our_wav(void **state)
{
	(void)state;
	for (int loud = 0; loud < 2; loud++)
		decode_by(
		    MEDIA_ENCODE_WAV, "sox", "sox -D -t wav $IN $OUT", loud);
}

static void
mpg123_hears_our_mp3(void **state)
{
	(void)state;
	for (int loud = 0; loud < 2; loud++)
		decode_by(MEDIA_ENCODE_MP3, "mpg123",
		    "mpg123 -q -w $OUT $IN 2>/dev/null", loud);
}

static void
opusdec_hears_our_opus(void **state)
{
	(void)state;
	for (int loud = 0; loud < 2; loud++)
		decode_by(MEDIA_ENCODE_OPUS, "opusdec",
		    "opusdec --quiet --no-dither --rate 48000 $IN $OUT", loud);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(sox_hears_our_wav),
	    T(mpg123_hears_our_mp3),
	    T(opusdec_hears_our_opus),
	};

	return cmocka_run_group_tests_name(
	    "media_encode_peer", tests, NULL, NULL);
}
