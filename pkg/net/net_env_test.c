#include "net/net_env.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

struct world {
	struct env *env;
	char dir[64];
	char path[128];
	char log[64]; /* one letter a callback */
	size_t len;
};

struct timed {
	struct env_timer timer;
	struct world *w;
	char name;
	int again;     /* how often to start itself anew, at once */
	int64_t at_us; /* when it ran */
	pthread_t thread;
};

struct posted {
	struct env_post post;
	struct world *w;
	char name;
	int again;
};

struct worked {
	struct env_work work;
	struct world *w;
	char name;
	int runs;
	int dones;
	pthread_t thread;
};

static void
note(struct world *w, char c)
{
	assert_true(w->len + 1 < sizeof(w->log));
	w->log[w->len++] = c;
}

static int
set_up(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	struct err err;

	(void)strcpy(w->dir, "/tmp/net_env_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->path, sizeof(w->path), "%s/file", w->dir);
	assert_int_equal(net_env_open(&w->env, &err), ERR_NONE);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	struct err err;

	(void)env_remove(w->env, w->path, &err);
	assert_int_equal(env_remove(w->env, w->dir, &err), ERR_NONE);
	net_env_close(&w->env);
	assert_null(w->env);
	net_env_close(&w->env);
	mem_free(state);
	return 0;
}

static void
on_timer(struct env_timer *t)
{
	struct timed *x = CONTAINER_OF(t, struct timed, timer);

	assert_false(env_timer_running(t));
	note(x->w, x->name);
	x->at_us = x->w->env->ops->boot_us(x->w->env);
	x->thread = pthread_self();
	if (x->again-- > 0)
		env_timer_start(x->w->env, t, 0);
}

static void
on_post(struct env_post *p)
{
	struct posted *x = CONTAINER_OF(p, struct posted, post);

	note(x->w, x->name);
	if (x->again-- > 0) {
		env_post(x->w->env, p);
		env_post(x->w->env, p);
	}
}

static void
on_run(struct env_work *work)
{
	struct worked *x = CONTAINER_OF(work, struct worked, work);

	x->runs++;
	x->thread = pthread_self();
}

static void
on_done(struct env_work *work)
{
	struct worked *x = CONTAINER_OF(work, struct worked, work);

	x->dones++;
	note(x->w, x->name);
}

static void
timers_fire_in_the_order_of_their_due_times(void **state)
{
	struct world *w = *state;
	static const int delays[] = {9, 3, 7, 1, 8, 2, 6, 4, 5, 0};
	struct timed t[10];

	memset(t, 0, sizeof(t));
	for (size_t i = 0; i < 10; i++) {
		t[i].timer.fn = on_timer;
		t[i].w = w;
		t[i].name = (char)('0' + delays[i]);
		env_timer_start(w->env, &t[i].timer, delays[i]);
		assert_true(env_timer_running(&t[i].timer));
	}
	assert_int_equal(w->len, 0);
	env_timer_stop(w->env, &t[2].timer); /* 7 */
	env_timer_stop(w->env, &t[2].timer);
	env_timer_start(w->env, &t[9].timer, 12); /* 0, moved to the end */
	net_env_run(w->env);
	assert_string_equal(w->log, "123456890");
	assert_true(pthread_equal(t[0].thread, pthread_self()));
}

/* due_us is the env's own, but what it says must be what happens. */
struct ordered {
	struct env_timer timer;
	int64_t *last_us;
	size_t *count;
};

static void
on_ordered(struct env_timer *t)
{
	struct ordered *x = CONTAINER_OF(t, struct ordered, timer);

	assert_true(t->due_us >= *x->last_us);
	*x->last_us = t->due_us;
	(*x->count)++;
}

static void
a_heap_of_many_timers_keeps_its_order_under_stops(void **state)
{
	struct world *w = *state;
	enum {
		N = 3000
	};
	struct ordered *t = mem_zalloc(N, sizeof(*t));
	int64_t last = 0;
	size_t count = 0;
	uint32_t r = 12345;

	for (size_t i = 0; i < N; i++) {
		r = r * 1664525 + 1013904223;
		t[i].timer.fn = on_ordered;
		t[i].last_us = &last;
		t[i].count = &count;
		w->env->ops->timer_start(
		    w->env, &t[i].timer, (int64_t)(r >> 8) % 20000);
	}
	for (size_t i = 0; i < N; i += 3)
		env_timer_stop(w->env, &t[i].timer);
	for (size_t i = 0; i < N; i += 6)
		w->env->ops->timer_start(w->env, &t[i].timer, 10000);
	net_env_run(w->env);
	assert_int_equal(count, N - N / 3 + N / 6);
	mem_free(&t);
}

static void
a_timer_is_never_early_and_has_a_grain_below_a_millisecond(void **state)
{
	struct world *w = *state;
	int64_t best = INT64_MAX;

	for (int i = 0; i < 50; i++) {
		struct timed t = {.timer.fn = on_timer, .w = w, .name = 't'};

		w->len = 0;
		w->env->ops->timer_start(w->env, &t.timer, 200);
		int64_t due = t.timer.due_us;
		net_env_run(w->env);
		assert_true(t.at_us >= due);
		if (t.at_us - due < best)
			best = t.at_us - due;
	}
	/* The best of 50: a busy machine may be late, not each time. */
	assert_true(best < 700);
}

static void
a_timer_started_with_no_delay_leaves_the_others_their_turn(void **state)
{
	struct world *w = *state;
	struct timed a = {
	    .timer.fn = on_timer, .w = w, .name = 'a', .again = 20};
	struct timed b = {.timer.fn = on_timer, .w = w, .name = 'b'};
	struct posted p = {
	    .post.fn = on_post, .w = w, .name = 'p', .again = 20};

	env_timer_start(w->env, &a.timer, 0);
	env_timer_start(w->env, &b.timer, 0);
	env_post(w->env, &p.post);
	net_env_run(w->env);
	assert_int_equal(w->len, 43);
	const char *b_at = strchr(w->log, 'b');
	const char *a_last = strrchr(w->log, 'a');
	assert_true(b_at < a_last);
	assert_true(strrchr(w->log, 'p') > strchr(w->log, 'a'));
}

static void
a_stop_after_the_last_run_does_not_harm_the_close(void **state)
{
	struct env *env = NULL;
	struct err err;

	(void)state;
	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	net_env_run(env);
	net_env_stop(env);
	net_env_close(&env);
	assert_null(env);
}

static void
a_post_runs_once_and_after_the_present_callback(void **state)
{
	struct world *w = *state;
	struct posted a = {.post.fn = on_post, .w = w, .name = 'a', .again = 1};
	struct posted b = {.post.fn = on_post, .w = w, .name = 'b'};

	env_post(w->env, &a.post);
	env_post(w->env, &a.post);
	env_post(w->env, &b.post);
	assert_int_equal(w->len, 0);
	net_env_run(w->env);
	assert_string_equal(w->log, "aba");
}

static void
works_run_in_order_on_one_other_thread(void **state)
{
	struct world *w = *state;
	struct worked x[5];

	memset(x, 0, sizeof(x));
	for (size_t i = 0; i < 5; i++) {
		x[i].work.run = on_run;
		x[i].work.done = on_done;
		x[i].w = w;
		x[i].name = (char)('a' + i);
		env_work(w->env, &x[i].work);
		assert_int_equal(x[i].dones, 0);
	}
	net_env_run(w->env);
	assert_string_equal(w->log, "abcde");
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(x[i].runs, 1);
		assert_true(pthread_equal(x[i].thread, x[0].thread));
		assert_false(pthread_equal(x[i].thread, pthread_self()));
	}
	w->len = 0;
	env_work(w->env, &x[0].work);
	net_env_drain(w->env);
	assert_int_equal(x[0].dones, 2);
}

static void
closing_runs_submitted_work_to_its_end_without_done(void **state)
{
	struct world *w = *state;
	struct env *env = NULL;
	struct err err;
	struct worked x[3];

	assert_int_equal(net_env_open(&env, &err), ERR_NONE);
	memset(x, 0, sizeof(x));
	for (size_t i = 0; i < 3; i++) {
		x[i].work.run = on_run;
		x[i].work.done = on_done;
		x[i].w = w;
		env_work(env, &x[i].work);
	}
	net_env_close(&env);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(x[i].runs, 1);
		assert_int_equal(x[i].dones, 0);
	}
}

static void
drain_leaves_the_timers_of_the_future_alone(void **state)
{
	struct world *w = *state;
	struct timed soon = {.timer.fn = on_timer, .w = w, .name = 's'};
	struct timed late = {.timer.fn = on_timer, .w = w, .name = 'l'};
	struct posted p = {.post.fn = on_post, .w = w, .name = 'p', .again = 3};

	env_timer_start(w->env, &soon.timer, 0);
	env_timer_start(w->env, &late.timer, 3600000);
	env_post(w->env, &p.post);
	net_env_drain(w->env);
	assert_int_equal(w->len, 5);
	assert_false(env_timer_running(&soon.timer));
	assert_true(env_timer_running(&late.timer));
	env_timer_stop(w->env, &late.timer);
	net_env_run(w->env);
	assert_int_equal(w->len, 5);
}

static void
stop_it(struct env_post *p)
{
	struct posted *x = CONTAINER_OF(p, struct posted, post);

	note(x->w, x->name);
	net_env_stop(x->w->env);
}

static void
stop_ends_a_run_and_the_next_run_goes_on(void **state)
{
	struct world *w = *state;
	struct timed late = {.timer.fn = on_timer, .w = w, .name = 'l'};
	struct posted s = {.post.fn = stop_it, .w = w, .name = 's'};

	env_timer_start(w->env, &late.timer, 20);
	env_post(w->env, &s.post);
	net_env_run(w->env);
	assert_string_equal(w->log, "s");
	net_env_stop(w->env);
	net_env_run(w->env);
	net_env_stop(w->env);
	net_env_drain(w->env);
	assert_string_equal(w->log, "s");
	net_env_run(w->env);
	assert_string_equal(w->log, "sl");
}

static void
on_sig(void *arg, int sig)
{
	struct world *w = arg;

	note(w, sig == SIGTERM   ? 'T'
		: sig == SIGINT  ? 'I'
		: sig == SIGHUP  ? 'H'
		: sig == SIGUSR1 ? 'U'
				 : '?');
	if (w->len == 4)
		net_env_stop(w->env);
}

static void
raise_all(struct env_timer *t)
{
	(void)t;
	(void)raise(SIGTERM);
	(void)raise(SIGINT);
	(void)raise(SIGHUP);
	(void)raise(SIGUSR1);
}

static void
four_signals_become_callbacks_until_given_back(void **state)
{
	struct world *w = *state;
	struct env_timer t = {.fn = raise_all};
	struct timed guard = {.timer.fn = on_timer, .w = w, .name = 'x'};
	struct err err;

	assert_int_equal(net_env_on_signal(w->env, on_sig, w, &err), ERR_NONE);
	net_env_run(w->env); /* watched signals alone do not keep it up */
	env_timer_start(w->env, &t, 0);
	env_timer_start(w->env, &guard.timer, 10000);
	net_env_run(w->env);
	env_timer_stop(w->env, &guard.timer);
	assert_int_equal(w->len, 4);
	assert_non_null(strchr(w->log, 'T'));
	assert_non_null(strchr(w->log, 'I'));
	assert_non_null(strchr(w->log, 'H'));
	assert_non_null(strchr(w->log, 'U'));

	assert_int_equal(net_env_on_signal(w->env, NULL, NULL, &err), ERR_NONE);
	struct sigaction now;
	assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_DFL);
}

static void
clocks_and_randomness_are_the_kernels(void **state)
{
	struct world *w = *state;
	struct timespec t;
	uint8_t a[300];
	uint8_t b[300];
	static const uint8_t zero[ENV_ID_BYTES];

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
	int64_t wall = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	assert_true(env_now_ms(w->env) - wall < 10000);
	assert_true(env_now_ms(w->env) >= wall);
	int64_t boot = env_real_boot_ms(w->env);
	env_pause(w->env, 3000);
	assert_true(env_real_boot_ms(w->env) - boot >= 3);
	env_pause(w->env, -1);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	env_random(w->env, a, sizeof(a));
	env_random(w->env, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(w->env->boot_id, zero, sizeof(zero));
	assert_int_equal(w->env->pid, getpid());
	assert_int_equal(w->env->uid, geteuid());
}

static void
the_offset_variable_moves_and_unsyncs_the_wall_clock(void **state)
{
	struct world *w = *state;
	struct env *off = NULL;
	struct err err;

	assert_int_equal(setenv("DSRUN_CLOCK_OFFSET_MS", "-7200000", 1), 0);
	assert_int_equal(net_env_open(&off, &err), ERR_NONE);
	int64_t apart = env_now_ms(w->env) - env_now_ms(off);
	assert_true(apart > 7200000 - 5000 && apart <= 7200000);
	assert_false(env_synced(off));
	env_follow(off, 1000, env_real_boot_ms(off) * 1000, 10);
	assert_false(env_synced(off));
	assert_true(env_now_ms(off) < 0);
	net_env_close(&off);

	assert_int_equal(setenv("DSRUN_CLOCK_OFFSET_MS", "soon", 1), 0);
	assert_int_equal(net_env_open(&off, &err), ERR_CONFIG);
	assert_null(off);
	assert_non_null(strstr(err.text, "DSRUN_CLOCK_OFFSET_MS: expected"));
	assert_int_equal(unsetenv("DSRUN_CLOCK_OFFSET_MS"), 0);
}

static struct env_file *
opened(struct world *w, unsigned flags)
{
	struct env_file *f = NULL;
	struct err err;

	assert_int_equal(env_open(w->env, w->path, flags, &f, &err), ERR_NONE);
	return f;
}

static void
what_was_written_is_read_back_at_its_place(void **state)
{
	struct world *w = *state;
	struct env_file *f = opened(w, ENV_READ | ENV_WRITE | ENV_CREATE);
	struct err err;
	struct env_stat st;
	char got[32] = "";
	size_t n;

	assert_int_equal(env_pwrite(w->env, f, "hello", 5, 3, &err), ERR_NONE);
	assert_int_equal(env_pread(w->env, f, got, 32, 0, &n, &err), ERR_NONE);
	assert_int_equal(n, 8);
	assert_memory_equal(got, "\0\0\0hello", 8);
	assert_int_equal(env_pread(w->env, f, got, 2, 4, &n, &err), ERR_NONE);
	assert_memory_equal(got, "el", 2);
	assert_int_equal(env_sync(w->env, f, &err), ERR_NONE);
	assert_int_equal(env_fstat(w->env, f, &st, &err), ERR_NONE);
	assert_int_equal(st.size_bytes, 8);
	assert_int_equal(st.mode & 0777, 0600);
	assert_int_equal(st.links, 1);
	assert_int_equal(st.uid, geteuid());
	assert_false(st.is_dir);
	assert_true(st.mtime_ms > INT64_C(1600000000000));
	assert_int_equal(env_truncate(w->env, f, 4, &err), ERR_NONE);
	assert_int_equal(env_allocate(w->env, f, 65536, &err), ERR_NONE);
	assert_int_equal(env_stat(w->env, w->path, &st, &err), ERR_NONE);
	assert_int_equal(st.size_bytes, 65536);
	env_close(w->env, &f);
	assert_null(f);
	env_close(w->env, &f);
}

static void
appends_of_two_opens_do_not_overwrite_each_other(void **state)
{
	struct world *w = *state;
	struct env_file *a = opened(w, ENV_APPEND | ENV_CREATE);
	struct env_file *b = opened(w, ENV_READ | ENV_APPEND);
	struct err err;
	char got[16] = "";
	size_t n;

	assert_int_equal(env_append(w->env, a, "one", 3, &err), ERR_NONE);
	assert_int_equal(env_append(w->env, b, "two", 3, &err), ERR_NONE);
	assert_int_equal(env_append(w->env, a, "3", 1, &err), ERR_NONE);
	assert_int_equal(env_pread(w->env, b, got, 16, 0, &n, &err), ERR_NONE);
	assert_string_equal(got, "onetwo3");
	env_close(w->env, &a);
	env_close(w->env, &b);
}

static void
open_says_what_is_wrong_with_the_path(void **state)
{
	struct world *w = *state;
	struct env_file *f = NULL;
	struct err err;

	assert_int_equal(
	    env_open(w->env, w->path, ENV_READ, &f, &err), ERR_NOT_FOUND);
	assert_null(f);
	assert_non_null(strstr(err.text, w->path));
	f = opened(w, ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE);
	assert_int_equal(env_pwrite(w->env, f, "x", 1, 0, &err), ERR_NONE);
	env_close(w->env, &f);
	assert_int_equal(env_open(w->env, w->path,
			     ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE, &f, &err),
	    ERR_EXISTS);
	f = opened(w, ENV_WRITE | ENV_TRUNCATE);
	struct env_stat st;
	assert_int_equal(env_fstat(w->env, f, &st, &err), ERR_NONE);
	assert_int_equal(st.size_bytes, 0);
	env_close(w->env, &f);
	assert_int_equal(env_open(w->env, w->dir, ENV_WRITE, &f, &err), ERR_IO);
}

static void
a_full_disk_is_told_from_a_broken_one(void **state)
{
	struct world *w = *state;
	struct env_file *f = NULL;
	struct err err;
	char byte;
	size_t n;

	assert_int_equal(
	    env_open(w->env, "/dev/full", ENV_WRITE, &f, &err), ERR_NONE);
	assert_int_equal(env_pwrite(w->env, f, "x", 1, 0, &err), ERR_SPACE);
	assert_non_null(strstr(err.text, "/dev/full"));
	env_close(w->env, &f);
	assert_int_equal(
	    env_open(w->env, w->dir, ENV_READ, &f, &err), ERR_NONE);
	assert_int_equal(env_pread(w->env, f, &byte, 1, 0, &n, &err), ERR_IO);
	env_close(w->env, &f);
}

static void
a_lock_belongs_to_its_open_and_not_to_the_process(void **state)
{
	struct world *w = *state;
	unsigned rw = ENV_READ | ENV_WRITE | ENV_CREATE;
	struct env_file *a = opened(w, rw);
	struct env_file *b = opened(w, rw);
	struct env_file *c = opened(w, rw);
	struct err err;

	assert_int_equal(env_lock(w->env, a, 7, true, &err), ERR_NONE);
	assert_int_equal(env_lock(w->env, b, 7, true, &err), ERR_BUSY);
	assert_non_null(strstr(err.text, "byte 7"));
	assert_int_equal(env_lock(w->env, b, 7, false, &err), ERR_BUSY);
	assert_int_equal(env_lock(w->env, b, 8, true, &err), ERR_NONE);
	/* Closing another open of the file drops nothing. */
	env_close(w->env, &c);
	assert_int_equal(env_lock(w->env, b, 7, true, &err), ERR_BUSY);
	assert_int_equal(env_lock(w->env, a, 7, false, &err), ERR_NONE);
	assert_int_equal(env_lock(w->env, b, 7, false, &err), ERR_NONE);
	assert_int_equal(env_unlock(w->env, a, 7, &err), ERR_NONE);
	assert_int_equal(env_lock(w->env, b, 7, true, &err), ERR_NONE);
	env_close(w->env, &b);
	assert_int_equal(env_lock(w->env, a, 7, true, &err), ERR_NONE);
	env_close(w->env, &a);
}

static void
a_killed_holder_loses_its_lock(void **state)
{
	struct world *w = *state;
	struct env_file *f = opened(w, ENV_READ | ENV_WRITE | ENV_CREATE);
	struct err err;
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct env_file *own = opened(w, ENV_READ | ENV_WRITE);

		byte = env_lock(w->env, own, 0, true, &err) == ERR_NONE ? 'y'
									: 'n';
		(void)!write(ready[1], &byte, 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(env_lock(w->env, f, 0, true, &err), ERR_BUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(env_lock(w->env, f, 0, true, &err), ERR_NONE);
	env_close(w->env, &f);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void
no_descriptor_survives_exec(void **state)
{
	struct world *w = *state;
	struct env_file *f = opened(w, ENV_READ | ENV_WRITE | ENV_CREATE);
	int open_ones = 0;

	for (int fd = 3; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			continue;
		char link[64];
		char name[256] = "";
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		(void)!readlink(link, name, sizeof(name) - 1);
		if (strcmp(name, w->path) != 0 &&
		    strcmp(name, "anon_inode:[timerfd]") != 0 &&
		    strcmp(name, "anon_inode:[eventpoll]") != 0)
			continue;
		open_ones++;
		assert_true((flags & FD_CLOEXEC) != 0);
	}
	assert_true(open_ones >= 3);
	env_close(w->env, &f);
}

static void
count_name(void *arg, const char *name)
{
	struct world *w = arg;

	note(w, name[0]);
}

static void
directories_are_made_listed_renamed_and_removed(void **state)
{
	struct world *w = *state;
	struct err err;
	struct env_stat st;
	struct env_space space;
	char deep[128];
	char other[128];

	(void)snprintf(deep, sizeof(deep), "%s/d/e", w->dir);
	(void)snprintf(other, sizeof(other), "%s/o", w->dir);
	assert_int_equal(env_make_dir(w->env, deep, &err), ERR_NOT_FOUND);
	assert_int_equal(env_make_dirs(w->env, deep, &err), ERR_NONE);
	assert_int_equal(env_make_dirs(w->env, deep, &err), ERR_NONE);
	assert_int_equal(env_stat(w->env, deep, &st, &err), ERR_NONE);
	assert_true(st.is_dir);
	assert_int_equal(st.mode & 0777, 0700);
	assert_int_equal(env_sync_dir(w->env, deep, &err), ERR_NONE);
	assert_int_equal(env_rename(w->env, deep, other, &err), ERR_NONE);
	assert_int_equal(env_rename(w->env, deep, other, &err), ERR_NOT_FOUND);
	assert_int_equal(
	    env_list_dir(w->env, w->dir, count_name, w, &err), ERR_NONE);
	assert_int_equal(w->len, 2);
	assert_non_null(strchr(w->log, 'd'));
	assert_non_null(strchr(w->log, 'o'));
	assert_int_equal(
	    env_list_dir(w->env, deep, count_name, w, &err), ERR_NOT_FOUND);
	assert_int_equal(env_sync_dir(w->env, deep, &err), ERR_NOT_FOUND);
	assert_int_equal(env_remove(w->env, other, &err), ERR_NONE);
	assert_int_equal(env_remove(w->env, other, &err), ERR_NOT_FOUND);
	(void)snprintf(deep, sizeof(deep), "%s/d", w->dir);
	assert_int_equal(env_remove(w->env, deep, &err), ERR_NONE);
	assert_int_equal(env_space(w->env, w->dir, &space, &err), ERR_NONE);
	assert_true(space.free_bytes > 0);
	assert_true(space.fs_magic != 0);
	assert_int_equal(env_space(w->env, "/proc", &space, &err), ERR_NONE);
	assert_int_equal(space.fs_magic, 0x9fa0);

	struct env_file *f = opened(w, ENV_WRITE | ENV_CREATE);
	env_close(w->env, &f);
	assert_int_equal(env_make_dir(w->env, w->path, &err), ERR_IO);
	assert_non_null(strstr(err.text, "Not a directory"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(timers_fire_in_the_order_of_their_due_times),
	    T(a_heap_of_many_timers_keeps_its_order_under_stops),
	    T(a_timer_is_never_early_and_has_a_grain_below_a_millisecond),
	    T(a_timer_started_with_no_delay_leaves_the_others_their_turn),
	    cmocka_unit_test(a_stop_after_the_last_run_does_not_harm_the_close),
	    T(a_post_runs_once_and_after_the_present_callback),
	    T(works_run_in_order_on_one_other_thread),
	    T(closing_runs_submitted_work_to_its_end_without_done),
	    T(drain_leaves_the_timers_of_the_future_alone),
	    T(stop_ends_a_run_and_the_next_run_goes_on),
	    T(four_signals_become_callbacks_until_given_back),
	    T(clocks_and_randomness_are_the_kernels),
	    T(the_offset_variable_moves_and_unsyncs_the_wall_clock),
	    T(what_was_written_is_read_back_at_its_place),
	    T(appends_of_two_opens_do_not_overwrite_each_other),
	    T(open_says_what_is_wrong_with_the_path),
	    T(a_full_disk_is_told_from_a_broken_one),
	    T(a_lock_belongs_to_its_open_and_not_to_the_process),
	    T(a_killed_holder_loses_its_lock),
	    T(no_descriptor_survives_exec),
	    T(directories_are_made_listed_renamed_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
