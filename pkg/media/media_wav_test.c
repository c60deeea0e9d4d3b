#include "media/media_wav.h"

#include <dirent.h>
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

#include "media/media_record.h"
#include "media/media_ulaw.h"
#include "net/net_env.h"

static struct env *env;
static char dir[64];
static char ul2[96];
static char wav[96];

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/media_wav_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ul2, sizeof(ul2), "%s/1-1.ul2", dir);
	(void)snprintf(wav, sizeof(wav), "%s/1.wav", dir);
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(ul2);
	(void)unlink(wav);
	net_env_close(&env);
	return rmdir(dir); /* fails when a temporary file was left */
}

static char *
make_recording(int frames, size_t torn)
{
	size_t len = (size_t)frames * 320 + torn;
	char *bytes = mem_zalloc(len + 1, 1);
	struct err err = {0};

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 2654435761U >> 13);
	assert_int_equal(env_write_whole(env, ul2, bytes, len, &err), ERR_NONE);
	return bytes;
}

static uint32_t
le(const char *at, int n)
{
	uint32_t v = 0;

	for (int i = n - 1; i >= 0; i--)
		v = v << 8 | (uint8_t)at[i];
	return v;
}

static void
each_sample_stands_in_its_channel(void **state)
{
	char *in = make_recording(101, 0), *out = NULL;
	struct media_wav_info info, read;
	struct err err = {0};
	uint8_t hash[SHA256_BYTES];
	size_t len = 0;

	(void)state;
	assert_int_equal(
	    media_wav_export(env, ul2, wav, &info, &err), ERR_NONE);
	assert_int_equal(
	    env_read_whole(env, wav, 1 << 24, &out, &len, &err), ERR_NONE);
	assert_int_equal(len, 44 + 101 * 640);
	assert_memory_equal(out, "RIFF", 4);
	assert_int_equal(le(out + 4, 4), len - 8);
	assert_memory_equal(out + 8, "WAVEfmt \x10\0\0\0\x01\0\x02\0", 16);
	assert_int_equal(le(out + 24, 4), 8000);
	assert_int_equal(le(out + 28, 4), 32000);
	assert_int_equal(le(out + 32, 4), 4 | 16 << 16);
	assert_int_equal(le(out + 40, 4), len - 44);
	for (size_t n = 0; n < 101 * 160; n++) {
		size_t record = n / 160 * 320 + n % 160;
		const char *at = out + 44 + n * 4;

		assert_int_equal(
		    (int16_t)le(at, 2), media_ulaw_linear[(uint8_t)in[record]]);
		assert_int_equal((int16_t)le(at + 2, 2),
		    media_ulaw_linear[(uint8_t)in[record + 160]]);
	}
	sha256_once(out, len, hash);
	assert_memory_equal(hash, info.sha256, sizeof(hash));
	assert_int_equal(media_wav_read(env, wav, &read, &err), ERR_NONE);
	assert_int_equal(read.rate, 8000);
	assert_int_equal(read.channels, 2);
	assert_int_equal(read.bits, 16);
	assert_int_equal(read.duration_ms, 2020);
	assert_int_equal(read.bytes, info.bytes);
	assert_int_equal(info.duration_ms, 2020);
	mem_free(&in);
	mem_free(&out);
}

static void
a_torn_record_is_left_out_and_an_old_export_replaced(void **state)
{
	char *in = make_recording(3, 319);
	struct media_wav_info info;
	struct err err = {0};

	(void)state;
	assert_int_equal(env_write_whole(env, wav, "old", 3, &err), ERR_NONE);
	assert_int_equal(
	    media_wav_export(env, ul2, wav, &info, &err), ERR_NONE);
	assert_int_equal(info.bytes, 44 + 3 * 640);
	assert_int_equal(info.duration_ms, 60);
	mem_free(&in);
}

static void
an_empty_recording_gives_an_empty_sound(void **state)
{
	char *in = make_recording(0, 0);
	struct media_wav_info info, read;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    media_wav_export(env, ul2, wav, &info, &err), ERR_NONE);
	assert_int_equal(media_wav_read(env, wav, &read, &err), ERR_NONE);
	assert_int_equal(read.duration_ms, 0);
	assert_int_equal(read.bytes, 44);
	mem_free(&in);
}

static void
without_a_recording_nothing_is_written(void **state)
{
	struct media_wav_info info;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    media_wav_export(env, ul2, wav, &info, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "1-1.ul2"));
	assert_int_equal(access(wav, F_OK), -1);
	/* Nor where the target's directory is missing. */
	char *in = make_recording(1, 0);

	assert_int_equal(
	    media_wav_export(env, ul2, "/nonexistent/x.wav", &info, &err),
	    ERR_NOT_FOUND);
	mem_free(&in);
}

/* A disk that fails at the n-th write, sync, rename or directory sync. */
static const struct env_ops *real;
static int countdown;

static enum err_code
maybe_fail(struct err *err)
{
	return --countdown == 0 ? err_set(err, ERR_IO, 5, "disk failed")
				: ERR_NONE;
}

static enum err_code
bad_pwrite(struct env_file *f, const void *bytes, size_t len, int64_t offset,
    struct err *err)
{
	return maybe_fail(err) != ERR_NONE
		   ? err->code
		   : real->pwrite(f, bytes, len, offset, err);
}

static enum err_code
bad_sync(struct env_file *f, struct err *err)
{
	return maybe_fail(err) != ERR_NONE ? err->code : real->sync(f, err);
}

static enum err_code
bad_rename(struct env *e, const char *from, const char *to, struct err *err)
{
	return maybe_fail(err) != ERR_NONE ? err->code
					   : real->rename(e, from, to, err);
}

static void
a_failing_disk_leaves_the_old_export_whole(void **state)
{
	char *in = make_recording(60, 0);
	struct env_ops faulty = *env->ops;
	int failures = 0;

	(void)state;
	real = env->ops;
	faulty.pwrite = bad_pwrite;
	faulty.sync = bad_sync;
	faulty.rename = bad_rename;
	for (int n = 1;; n++) {
		struct media_wav_info info;
		struct err err = {0};
		char *out = NULL;
		size_t len = 0;

		assert_int_equal(
		    env_write_whole(env, wav, "old", 3, &err), ERR_NONE);
		env->ops = &faulty;
		countdown = n;
		enum err_code code =
		    media_wav_export(env, ul2, wav, &info, &err);

		env->ops = real;
		if (code == ERR_NONE)
			break;
		failures++;
		assert_int_equal(
		    env_read_whole(env, wav, 1 << 20, &out, &len, &err),
		    ERR_NONE);
		assert_string_equal(out, "old");
		mem_free(&out);
	}
	/* header, three blocks, sync, rename */
	assert_int_equal(failures, 6);
	mem_free(&in);
}

static void
a_header_that_lies_is_refused(void **state)
{
	static const struct {
		int at;
		char byte;
		const char *says;
	} rows[] = {
	    {0, 'X', "no WAV header"},
	    {20, 7, "format 7"},
	    {22, 1, "contradicts"},
	    {40, 1, "tells"},
	    {4, 1, "tells"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *in = make_recording(2, 0), *out = NULL;
		struct media_wav_info info;
		struct err err = {0};
		size_t len = 0;

		assert_int_equal(
		    media_wav_export(env, ul2, wav, &info, &err), ERR_NONE);
		assert_int_equal(
		    env_read_whole(env, wav, 1 << 20, &out, &len, &err),
		    ERR_NONE);
		out[rows[i].at] = rows[i].byte;
		assert_int_equal(
		    env_write_whole(env, wav, out, len, &err), ERR_NONE);
		assert_int_equal(
		    media_wav_read(env, wav, &info, &err), ERR_MALFORMED);
		assert_non_null(strstr(err.text, rows[i].says));
		assert_non_null(strstr(err.text, "1.wav"));
		mem_free(&in);
		mem_free(&out);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_sample_stands_in_its_channel),
	    T(a_torn_record_is_left_out_and_an_old_export_replaced),
	    T(an_empty_recording_gives_an_empty_sound),
	    T(without_a_recording_nothing_is_written),
	    T(a_failing_disk_leaves_the_old_export_whole),
	    T(a_header_that_lies_is_refused),
	};

	return cmocka_run_group_tests_name("media_wav", tests, NULL, NULL);
}
