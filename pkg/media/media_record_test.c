#include "media/media_record.h"

#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#include "net/net_env.h"

#define FRAME_OF(byte_) frame_of((uint8_t)(byte_))

static struct env *env;
static char dir[64];
static char path[96];

/* What the disk does in place of the real one: fail the n-th pwrite after
 * half of it was written. */
static struct env_ops faulty;
static const struct env_ops *real;
static int fail_at;
static int writes;

static enum err_code
half_a_write(struct env_file *f, const void *bytes, size_t len, int64_t offset,
    struct err *err)
{
	if (++writes != fail_at)
		return real->pwrite(f, bytes, len, offset, err);
	(void)real->pwrite(f, bytes, len / 2 + 7, offset, err);
	return err_set(err, ERR_SPACE, 28, "no space");
}

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/media_record_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/1-1.ul2", dir);
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	real = env->ops;
	faulty = *real;
	faulty.pwrite = half_a_write;
	fail_at = writes = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	net_env_close(&env);
	return rmdir(dir);
}

static const uint8_t *
frame_of(uint8_t byte)
{
	static uint8_t frames[4][MEDIA_FRAME];
	static unsigned turn;
	uint8_t *frame = frames[turn++ % 4];

	memset(frame, byte, MEDIA_FRAME);
	return frame;
}

static struct media_record *
open_record(int64_t max_ms)
{
	struct media_record *r = NULL;
	struct err err = {0};

	assert_int_equal(
	    media_record_open(env, path, max_ms, &r, &err), ERR_NONE);
	return r;
}

static char *
file_bytes(size_t *len)
{
	char *bytes = NULL;
	struct err err = {0};

	assert_int_equal(
	    env_read_whole(env, path, 1 << 24, &bytes, len, &err), ERR_NONE);
	return bytes;
}

static void
frames_lie_at_their_time_and_gaps_are_silent(void **state)
{
	struct media_record *r = open_record(60000);
	struct err err = {0};
	size_t len = 0;

	(void)state;
	assert_int_equal(
	    media_record_frame(r, 0, FRAME_OF(1), FRAME_OF(2), &err), ERR_NONE);
	assert_int_equal(
	    media_record_frame(r, 200, FRAME_OF(3), NULL, &err), ERR_NONE);
	assert_int_equal(
	    media_record_frame(r, 201, NULL, FRAME_OF(4), &err), ERR_NONE);
	assert_int_equal(media_record_frames(r), 202);
	assert_int_equal(media_record_ms(r), 4040);
	assert_int_equal(media_record_flush(r, &err), ERR_NONE);
	assert_int_equal(media_record_sync(r, &err), ERR_NONE);
	media_record_close(&r);
	assert_null(r);

	char *bytes = file_bytes(&len);

	assert_int_equal(len, 202 * 320);
	for (size_t i = 0; i < len; i++) {
		size_t record = i / 320;
		uint8_t want = 0xFF;

		if (record == 0)
			want = i % 320 < 160 ? 1 : 2;
		else if (record == 200 && i % 320 < 160)
			want = 3;
		else if (record == 201 && i % 320 >= 160)
			want = 4;
		if ((uint8_t)bytes[i] != want)
			fail_msg("byte %zu is %02x, want %02x", i,
			    (unsigned)(uint8_t)bytes[i], (unsigned)want);
	}
	mem_free(&bytes);
}

static void
a_frame_of_the_past_or_beyond_the_limit_changes_nothing(void **state)
{
	struct media_record *r = open_record(1000);
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    media_record_frame(r, 10, FRAME_OF(1), NULL, &err), ERR_NONE);
	assert_int_equal(
	    media_record_frame(r, 10, FRAME_OF(2), NULL, &err), ERR_STATE);
	assert_int_equal(
	    media_record_frame(r, -1, FRAME_OF(2), NULL, &err), ERR_STATE);
	assert_int_equal(
	    media_record_frame(r, 50, FRAME_OF(2), NULL, &err), ERR_STATE);
	assert_non_null(strstr(err.text, "1000 ms"));
	assert_int_equal(media_record_frames(r), 11);
	assert_int_equal(
	    media_record_frame(r, 49, FRAME_OF(2), NULL, &err), ERR_NONE);
	media_record_close(&r);
}

static void
the_disk_is_touched_once_a_second(void **state)
{
	struct media_record *r;
	struct err err = {0};

	(void)state;
	env->ops = &faulty;
	r = open_record(60000);
	for (int64_t f = 0; f < 500; f++)
		assert_int_equal(
		    media_record_frame(r, f, FRAME_OF(f), NULL, &err),
		    ERR_NONE);
	assert_int_equal(writes, 9);
	assert_int_equal(media_record_flush(r, &err), ERR_NONE);
	assert_int_equal(media_record_flush(r, &err), ERR_NONE);
	assert_int_equal(writes, 10);
	media_record_close(&r);
}

static void
a_recording_that_exists_is_not_overwritten(void **state)
{
	struct media_record *r = open_record(1000), *again = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    media_record_open(env, path, 1000, &again, &err), ERR_EXISTS);
	assert_null(again);
	media_record_close(&again);
	media_record_close(&r);
}

static void
a_full_disk_refuses_the_frame_and_loses_nothing(void **state)
{
	struct media_record *r;
	struct media_record_info live, found;
	struct err err = {0};
	int refused = 0;
	size_t len = 0;

	(void)state;
	env->ops = &faulty;
	fail_at = 2;
	r = open_record(60000);
	for (int64_t f = 0; f < 120;) {
		enum err_code code = media_record_frame(
		    r, f, FRAME_OF(f), FRAME_OF(f + 1), &err);

		refused += code == ERR_SPACE;
		f += code == ERR_NONE;
	}
	assert_int_equal(refused, 1);
	assert_int_equal(media_record_flush(r, &err), ERR_NONE);
	media_record_info(r, &live);
	media_record_close(&r);
	char *bytes = file_bytes(&len);

	assert_int_equal(len, 120 * 320);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(
		    (uint8_t)bytes[i], (uint8_t)(i / 320 + (i % 320 >= 160)));
	mem_free(&bytes);
	assert_int_equal(
	    media_record_repair(env, path, &found, &err), ERR_NONE);
	assert_memory_equal(&live, &found, sizeof(live));
}

static void
a_gap_that_meets_a_full_disk_is_filled_the_next_time(void **state)
{
	struct media_record *r;
	struct err err = {0};

	(void)state;
	env->ops = &faulty;
	fail_at = 3;
	r = open_record(60000);
	assert_int_equal(
	    media_record_frame(r, 300, FRAME_OF(9), NULL, &err), ERR_SPACE);
	assert_true(media_record_frames(r) < 300);
	assert_int_equal(
	    media_record_frame(r, 300, FRAME_OF(9), NULL, &err), ERR_NONE);
	assert_int_equal(media_record_frames(r), 301);
	media_record_close(&r);
}

/* A child records and is killed; what it laid down more than a second before
 * is there, and a torn record is cut. */
static void
kill_9_costs_at_most_the_last_second(void **state)
{
	struct media_record_info found;
	struct err err = {0};
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct env *own = NULL;
		struct media_record *r = NULL;

		(void)net_env_open(&own, &err);
		(void)media_record_open(own, path, 60000, &r, &err);
		for (int64_t f = 0; f < 333; f++)
			(void)media_record_frame(r, f, FRAME_OF(f), NULL, &err);
		(void)kill(getpid(), SIGKILL);
	}
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(
	    media_record_repair(env, path, &found, &err), ERR_NONE);
	assert_int_equal(found.bytes, 300 * 320);
	assert_int_equal(truncate(path, 290 * 320 + 123), 0);
	assert_int_equal(
	    media_record_repair(env, path, &found, &err), ERR_NONE);
	assert_int_equal(found.bytes, 290 * 320);
	struct env_stat st;

	assert_int_equal(env_stat(env, path, &st, &err), ERR_NONE);
	assert_int_equal(st.size_bytes, 290 * 320);
	assert_int_equal(found.duration_ms, 5800);
	/* Repairing again changes nothing. */
	struct media_record_info again;

	assert_int_equal(
	    media_record_repair(env, path, &again, &err), ERR_NONE);
	assert_memory_equal(&found, &again, sizeof(found));
}

static void
an_absent_or_empty_recording_is_said_to_be_so(void **state)
{
	struct media_record_info found;
	struct err err = {0};
	uint8_t nothing[SHA256_BYTES];

	(void)state;
	assert_int_equal(
	    media_record_repair(env, path, &found, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "1-1.ul2"));
	struct media_record *r = open_record(1000);

	media_record_close(&r);
	assert_int_equal(
	    media_record_repair(env, path, &found, &err), ERR_NONE);
	assert_int_equal(found.bytes, 0);
	sha256_once("", 0, nothing);
	assert_memory_equal(found.sha256, nothing, SHA256_BYTES);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(frames_lie_at_their_time_and_gaps_are_silent),
	    T(a_frame_of_the_past_or_beyond_the_limit_changes_nothing),
	    T(the_disk_is_touched_once_a_second),
	    T(a_recording_that_exists_is_not_overwritten),
	    T(a_full_disk_refuses_the_frame_and_loses_nothing),
	    T(a_gap_that_meets_a_full_disk_is_filled_the_next_time),
	    T(kill_9_costs_at_most_the_last_second),
	    T(an_absent_or_empty_recording_is_said_to_be_so),
	};

	return cmocka_run_group_tests_name("media_record", tests, NULL, NULL);
}
