#ifndef DSRUN_CONF_TEST_H
#define DSRUN_CONF_TEST_H

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#include "conf/conf.h"
#include "net/net_env.h"

/*
 * For the tests of this package: a directory of its own with a configuration
 * in it, and what conf_load makes of it.
 */
struct conf_test {
	struct env *env;
	char dir[64];
	const char *environ_[8];
	struct conf_flag flags[4];
	struct conf_options options;
	struct conf *c;
	struct conf_problem *problems;
	size_t problem_count;
	struct err err;
};

static inline void
conf_test_begin(struct conf_test *t)
{
	memset(t, 0, sizeof(*t));
	(void)strcpy(t->dir, "/tmp/conf_test.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	if (net_env_open(&t->env, &t->err) != ERR_NONE)
		fail_msg("%s", t->err.text);
	t->options.cwd = t->dir;
	t->options.environ_ = (char *const *)(const void *)t->environ_;
	t->options.flags = t->flags;
}

/* name is relative to the test's directory; directories are made. */
static inline void
conf_test_write(struct conf_test *t, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", t->dir, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	assert_int_equal(env_make_dirs(t->env, path, &t->err), ERR_NONE);
	*slash = '/';
	assert_int_equal(
	    env_write_whole(t->env, path, text, strlen(text), &t->err),
	    ERR_NONE);
	mem_free(&path);
}

static inline void
conf_test_forget(struct conf_test *t)
{
	conf_free(&t->c);
	conf_problems_free(&t->problems, t->problem_count);
}

static inline enum err_code
conf_test_load(struct conf_test *t)
{
	conf_test_forget(t);
	return conf_load(t->env, &t->options, &t->c, &t->problems,
	    &t->problem_count, &t->err);
}

/* Load and compare everything that was refused, as a person sees it. */
static inline void
conf_test_expect(struct conf_test *t, const char *want)
{
	struct buf out = BUF_INIT(1 << 16);
	enum err_code code = conf_test_load(t);

	conf_problems_print(&out, t->problems, t->problem_count);
	assert_string_equal(buf_text(&out), want);
	assert_int_equal(code, *want != '\0' ? ERR_CONFIG : ERR_NONE);
	buf_free(&out);
}

static inline void
conf_test_end(struct conf_test *t)
{
	char *command = mem_printf("rm -rf '%s'", t->dir);

	conf_test_forget(t);
	net_env_close(&t->env);
	assert_int_equal(system(command), 0);
	mem_free(&command);
}

#endif
