#ifndef DSRUN_SOURCE_TEST_H
#define DSRUN_SOURCE_TEST_H

#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crash.h"
#include "base/env.h"
#include "base/mem.h"

#include "net/net_env.h"

/* A directory of its own and the real world, for the tests of this package. */
struct world {
	struct env *env;
	char dir[64];
	char path[96];    /* DIR/jobs.jsonl */
	char rejects[96]; /* DIR/rejects */
	struct err err;
};

static inline int
world_setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/source_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(net_env_open(&w->env, &w->err), ERR_NONE);
	(void)snprintf(w->path, sizeof(w->path), "%s/jobs.jsonl", w->dir);
	(void)snprintf(w->rejects, sizeof(w->rejects), "%s/rejects", w->dir);
	*state = w;
	return 0;
}

struct sweep {
	struct env *env;
	const char *dir;
};

static inline void
sweep_one(void *arg, const char *name)
{
	struct sweep *s = arg;
	char *path = mem_printf("%s/%s", s->dir, name);
	struct env_stat st;
	struct err err;

	if (env_stat(s->env, path, &st, &err) == ERR_NONE && st.is_dir) {
		struct sweep inner = {s->env, path};

		(void)env_list_dir(s->env, path, sweep_one, &inner, &err);
		(void)rmdir(path);
	} else {
		(void)unlink(path);
	}
	mem_free(&path);
}

static inline int
world_teardown(void **state)
{
	struct world *w = *state;
	struct sweep s = {w->env, w->dir};

	(void)env_list_dir(w->env, w->dir, sweep_one, &s, &w->err);
	(void)rmdir(w->dir);
	net_env_close(&w->env);
	mem_free(&w);
	return 0;
}

static inline void
put_file(struct world *w, const char *name, const void *bytes, size_t len)
{
	char *path = mem_printf("%s/%s", w->dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	mem_free(&path);
}

/* The whole file as text (mem_free); NULL when it is not there. */
static inline char *
get_file(struct world *w, const char *name)
{
	char *path = mem_printf("%s/%s", w->dir, name);
	char *text = NULL;
	size_t len = 0;

	(void)env_read_whole(w->env, path, 1 << 24, &text, &len, &w->err);
	mem_free(&path);
	return text;
}

static inline void
expect_file(struct world *w, const char *name, const char *want)
{
	char *text = get_file(w, name);

	if (want == NULL)
		assert_null(text);
	else {
		assert_non_null(text);
		assert_string_equal(text, want);
	}
	mem_free(&text);
}

struct visits {
	int left;
	const char *last;
};

static inline void
die_at_zero(void *arg, const char *name)
{
	struct visits *v = arg;

	v->last = name;
	if (--v->left == 0)
		(void)kill(getpid(), SIGKILL);
}

/*
 * Run fn in a child that is killed at its n-th crash point, with an env of its
 * own; false when it came to its end first (and then it must have succeeded).
 */
static inline bool
killed_at(
    int n, bool (*fn)(struct world *w, void *arg), struct world *w, void *arg)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct visits v = {n, ""};
		struct world own = *w;

		if (net_env_open(&own.env, &own.err) != ERR_NONE)
			_exit(3);
		crash_hook(die_at_zero, &v);
		_exit(fn(&own, arg) ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

#endif
