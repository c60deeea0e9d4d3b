#include "base/env.h"

#include <sys/stat.h>
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

/* A world whose clocks stand where they are put. */
struct still {
	struct env env;
	int64_t wall, boot;
	bool sync;
	int64_t delay_us; /* of the last timer started */
};

static int64_t
still_wall(struct env *env)
{
	return ((struct still *)env)->wall;
}

static int64_t
still_boot(struct env *env)
{
	return ((struct still *)env)->boot;
}

static bool
still_synced(struct env *env)
{
	return ((struct still *)env)->sync;
}

static void
still_timer(struct env *env, struct env_timer *t, int64_t delay_us)
{
	((struct still *)env)->delay_us = delay_us;
	t->heap_index = 1;
}

static const struct env_ops still_ops = {.wall_us = still_wall,
    .boot_us = still_boot,
    .synced = still_synced,
    .timer_start = still_timer};

static void
clocks_are_the_kernels_until_a_network_is_followed(void **state)
{
	struct still s = {.env.ops = &still_ops,
	    .wall = 5000999,
	    .boot = 3000999,
	    .sync = false};

	(void)state;
	assert_true(env_now_ms(&s.env) == 5000);
	assert_true(env_boot_ms(&s.env) == 3000);
	assert_true(env_real_boot_ms(&s.env) == 3000);
	assert_false(env_synced(&s.env));
	s.sync = true;
	assert_true(env_synced(&s.env));
}

static void
a_followed_clock_runs_at_its_speed_from_its_origin(void **state)
{
	static const int64_t speeds[] = {1, 60, 1000, 100000};
	const int64_t origin = INT64_C(1767600000000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
		struct still s = {.env.ops = &still_ops, .boot = 7000000};

		env_follow(&s.env, origin, 2000000, speeds[i]);
		assert_true(env_now_ms(&s.env) == origin + 5000 * speeds[i]);
		assert_true(env_boot_ms(&s.env) == env_now_ms(&s.env));
		assert_true(env_real_boot_ms(&s.env) == 7000);
		s.boot += 1000;
		assert_true(env_now_ms(&s.env) == origin + 5001 * speeds[i]);
		/* Another process on the same network reads the same time. */
		struct still other = s;
		other.wall = 99;
		assert_true(env_now_ms(&other.env) == env_now_ms(&s.env));
		assert_true(env_synced(&s.env));
	}
}

static void
an_offset_moves_now_in_both_worlds_and_boot_in_none(void **state)
{
	struct still s = {.env = {.ops = &still_ops, .wall_offset_ms = -400},
	    .wall = 1000000,
	    .boot = 500000,
	    .sync = true};

	(void)state;
	assert_true(env_now_ms(&s.env) == 600);
	assert_true(env_boot_ms(&s.env) == 500);
	assert_false(env_synced(&s.env));
	env_follow(&s.env, 10000, 500000, 10);
	assert_true(env_now_ms(&s.env) == 9600);
	assert_true(env_boot_ms(&s.env) == 10000);
	assert_false(env_synced(&s.env));
}

static void
timers_shrink_with_the_speed_and_never_to_early(void **state)
{
	static const struct {
		int64_t speed, delay_ms, us;
	} rows[] = {
	    {0, 5, 5000},
	    {0, 0, 0},
	    {0, -7, 0},
	    {1, 5, 5000},
	    {1000, 5, 5},
	    {3000, 5, 2},
	    {100000, 1, 1},
	    {100000, 100, 1},
	    {100000, 101, 2},
	    {100000, 0, 0},
	    {0, INT64_MAX, INT64_MAX},
	    {2, INT64_MAX, INT64_MAX / 2 + 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct still s = {
		    .env = {.ops = &still_ops, .speed = rows[i].speed}};
		struct env_timer t = {0};

		assert_false(env_timer_running(&t));
		env_timer_start(&s.env, &t, rows[i].delay_ms);
		assert_true(env_timer_running(&t));
		assert_true(s.delay_us == rows[i].us);
		env_timer_start_real(&s.env, &t, 5);
		assert_true(s.delay_us == 5000);
		env_timer_start_real(&s.env, &t, -5);
		assert_true(s.delay_us == 0);
	}
}

struct disk {
	struct env *env;
	char dir[64];
	char path[96];
};

static int
set_up(void **state)
{
	struct disk *d = mem_zalloc(1, sizeof(*d));
	struct err err;

	(void)strcpy(d->dir, "/tmp/env_test.XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	(void)snprintf(d->path, sizeof(d->path), "%s/whole", d->dir);
	assert_int_equal(net_env_open(&d->env, &err), ERR_NONE);
	*state = d;
	return 0;
}

static void
remove_file(void *arg, const char *name)
{
	const struct disk *d = arg;
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%.255s", d->dir, name);
	(void)remove(path);
}

static int
tear_down(void **state)
{
	struct disk *d = *state;
	struct err err;

	(void)env_list_dir(d->env, d->dir, remove_file, d, &err);
	assert_int_equal(rmdir(d->dir), 0);
	net_env_close(&d->env);
	mem_free(state);
	return 0;
}

static void
assert_content(struct disk *d, const char *want)
{
	char *got = NULL;
	size_t len = 0;
	struct err err;

	assert_int_equal(
	    env_read_whole(d->env, d->path, 1 << 20, &got, &len, &err),
	    ERR_NONE);
	assert_string_equal(got, want);
	assert_int_equal(len, strlen(want));
	mem_free(&got);
}

static void
a_whole_file_is_read_up_to_its_limit(void **state)
{
	struct disk *d = *state;
	struct err err;
	char *got = NULL;
	size_t len;

	assert_int_equal(env_read_whole(d->env, d->path, 10, &got, &len, &err),
	    ERR_NOT_FOUND);
	assert_null(got);
	/* The writing itself is a child's: it visits crash points. */
	FILE *f = fopen(d->path, "w");
	assert_non_null(f);
	(void)fputs("0123456789", f);
	(void)fclose(f);
	assert_int_equal(
	    env_read_whole(d->env, d->path, 10, &got, &len, &err), ERR_NONE);
	assert_string_equal(got, "0123456789");
	assert_int_equal(len, 10);
	mem_free(&got);
	assert_int_equal(env_read_whole(d->env, d->path, 9, &got, &len, &err),
	    ERR_MALFORMED);
	assert_non_null(strstr(err.text, "larger than 9 bytes"));
	assert_null(got);
}

/* The child's exit status: 0 written, 1 refused, -1 killed. */
static int
write_in_child(struct disk *d, const char *path, const char *text, unsigned n)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct env *env = NULL;
		struct err err;
		char at[16];

		(void)snprintf(at, sizeof(at), "*:%u", n);
		if (n > 0)
			(void)setenv("DSRUN_CRASH_AT", at, 1);
		if (net_env_open(&env, &err) != ERR_NONE)
			_exit(9);
		enum err_code code =
		    env_write_whole(env, path, text, strlen(text), &err);
		_exit(code == ERR_NONE ? 0 : 1);
	}
	(void)d;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return -1;
	}
	return WEXITSTATUS(status);
}

static void
a_crash_while_writing_leaves_the_old_file_or_the_new_one(void **state)
{
	struct disk *d = *state;
	unsigned n = 1;
	unsigned news = 0;

	assert_int_equal(write_in_child(d, d->path, "old", 0), 0);
	assert_content(d, "old");
	for (; write_in_child(d, d->path, "the new one", n) != 0; n++) {
		char *got = NULL;
		size_t len = 0;
		struct err err;

		assert_true(n < 20);
		assert_int_equal(
		    env_read_whole(d->env, d->path, 99, &got, &len, &err),
		    ERR_NONE);
		if (strcmp(got, "the new one") == 0)
			news++;
		else
			assert_string_equal(got, "old");
		mem_free(&got);
		assert_int_equal(write_in_child(d, d->path, "old", 0), 0);
	}
	assert_int_equal(n, 4);
	assert_int_equal(news, 1);
	assert_content(d, "the new one");
}

static void
count_name(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
}

static void
a_refused_write_leaves_nothing_behind(void **state)
{
	struct disk *d = *state;
	struct err err;
	char sub[128];
	int names = 0;

	/* A directory stands where the file would go. */
	(void)snprintf(sub, sizeof(sub), "%s/taken", d->dir);
	assert_int_equal(env_make_dir(d->env, sub, &err), ERR_NONE);
	assert_int_equal(write_in_child(d, sub, "x", 0), 1);
	assert_int_equal(
	    env_list_dir(d->env, d->dir, count_name, &names, &err), ERR_NONE);
	assert_int_equal(names, 1);
	(void)snprintf(sub, sizeof(sub), "%s/none/x", d->dir);
	assert_int_equal(write_in_child(d, sub, "x", 0), 1);
}

static void
directories_are_made_with_their_parents(void **state)
{
	struct disk *d = *state;
	struct err err;
	struct env_stat st;
	char deep[128];

	(void)snprintf(deep, sizeof(deep), "%s/a//b/", d->dir);
	assert_int_equal(env_make_dirs(d->env, deep, &err), ERR_NONE);
	assert_int_equal(env_stat(d->env, deep, &st, &err), ERR_NONE);
	assert_true(st.is_dir);
	assert_int_equal(env_remove(d->env, deep, &err), ERR_NONE);

	(void)snprintf(deep, sizeof(deep), "%s/f", d->dir);
	FILE *f = fopen(deep, "w");
	assert_non_null(f);
	(void)fclose(f);
	(void)snprintf(deep, sizeof(deep), "%s/f/g", d->dir);
	assert_int_equal(env_make_dirs(d->env, deep, &err), ERR_IO);
	assert_int_equal(env_make_dirs(d->env, "", &err), ERR_NONE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		clocks_are_the_kernels_until_a_network_is_followed),
	    cmocka_unit_test(
		a_followed_clock_runs_at_its_speed_from_its_origin),
	    cmocka_unit_test(
		an_offset_moves_now_in_both_worlds_and_boot_in_none),
	    cmocka_unit_test(timers_shrink_with_the_speed_and_never_to_early),
	    T(a_whole_file_is_read_up_to_its_limit),
	    T(a_crash_while_writing_leaves_the_old_file_or_the_new_one),
	    T(a_refused_write_leaves_nothing_behind),
	    T(directories_are_made_with_their_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
