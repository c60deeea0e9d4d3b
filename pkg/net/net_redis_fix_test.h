#ifndef DSRUN_NET_REDIS_FIX_TEST_H
#define DSRUN_NET_REDIS_FIX_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/mem.h"

#include "net/net_env.h"
#include "net/net_redis.h"

/* One env, one connection, and commands that remember what came of them. */

#define FIX_FN static __attribute__((unused))
#define FIX_LIMIT_MS 20000

struct fix {
	struct env *env;
	struct net_redis *r;
	int changes;
	bool (*until)(struct fix *f); /* the loop stops once it holds */
	struct env_timer limit, look;
	int done; /* commands called back so far */
	int want;
	bool over;
};

struct asked {
	struct net_redis_command c; /* first */
	struct net_redis_arg args[8];
	struct fix *f;
	int order; /* 1 = first called back; 0 = not yet */
};

FIX_FN void
fix_look(struct fix *f)
{
	if (f->until != NULL && f->until(f))
		net_env_stop(f->env);
}

FIX_FN void
fix_on_limit(struct env_timer *t)
{
	struct fix *f = CONTAINER_OF(t, struct fix, limit);

	f->over = true;
	net_env_stop(f->env);
}

FIX_FN void
fix_on_look(struct env_timer *t)
{
	struct fix *f = CONTAINER_OF(t, struct fix, look);

	env_timer_start_real(f->env, t, 5);
	fix_look(f);
}

FIX_FN void
fix_changed(void *arg, struct net_redis *r)
{
	struct fix *f = arg;

	(void)r;
	f->changes++;
	fix_look(f);
}

FIX_FN void
fix_open_env(struct fix *f)
{
	struct err err;

	*f = (struct fix){.limit.fn = fix_on_limit, .look.fn = fix_on_look};
	assert_int_equal(net_env_open(&f->env, &err), ERR_NONE);
}

FIX_FN void
fix_open(struct fix *f, struct net_redis_options o)
{
	struct err err = {.code = ERR_NONE};

	o.env = f->env;
	if (o.changed == NULL) {
		o.changed = fix_changed;
		o.arg = f;
	}
	if (net_redis_open(&o, &f->r, &err) != ERR_NONE)
		fail_msg("%s", err.text);
}

FIX_FN void
fix_close(struct fix *f)
{
	net_redis_close(&f->r);
	net_redis_close(&f->r);
	net_env_close(&f->env);
}

/* Runs the loop until it holds; fails the test after FIX_LIMIT_MS. */
FIX_FN void
fix_run(struct fix *f, bool (*until)(struct fix *f))
{
	struct err why = {.text = ""};

	f->until = until;
	f->over = false;
	env_timer_start_real(f->env, &f->limit, FIX_LIMIT_MS);
	env_timer_start_real(f->env, &f->look, 1);
	while (!until(f) && !f->over)
		net_env_run(f->env);
	env_timer_stop(f->env, &f->limit);
	env_timer_stop(f->env, &f->look);
	f->until = NULL;
	if (f->r != NULL)
		net_redis_why(f->r, &why);
	if (f->over)
		fail_msg("does not come: %s", why.text);
}

FIX_FN bool
fix_is_up(struct fix *f)
{
	return net_redis_is_up(f->r);
}

FIX_FN bool
fix_is_down(struct fix *f)
{
	struct err err;

	net_redis_why(f->r, &err);
	return !net_redis_is_up(f->r) && err.code != ERR_NONE;
}

FIX_FN bool
fix_all_done(struct fix *f)
{
	return f->done >= f->want;
}

FIX_FN void
fix_done(struct net_redis_command *c)
{
	struct asked *a = CONTAINER_OF(c, struct asked, c);

	assert_int_equal(a->order, 0);
	a->order = ++a->f->done;
	fix_look(a->f);
}

FIX_FN void
fix_fill(struct fix *f, struct asked *a, const char *const *words)
{
	*a = (struct asked){.f = f, .c.done = fix_done, .c.args = a->args};
	for (; words[a->c.arg_count] != NULL; a->c.arg_count++)
		a->args[a->c.arg_count] = (struct net_redis_arg){
		    words[a->c.arg_count], strlen(words[a->c.arg_count])};
}

FIX_FN void
fix_send(struct fix *f, struct asked *a, const char *const *words)
{
	fix_fill(f, a, words);
	f->want++;
	net_redis_send(f->r, &a->c);
	assert_int_equal(a->order, 0);
}
#define SEND(f, a, ...) fix_send(f, a, (const char *const[]){__VA_ARGS__, NULL})

FIX_FN void
fix_wait(struct fix *f)
{
	fix_run(f, fix_all_done);
}

/* Sends one, waits for it, and compares: "text", or a number in decimal; the
 * text of an error as it is, "" for nil. */
FIX_FN void
fix_expect(struct fix *f, const char *want, const char *const *words)
{
	struct asked a;
	char number[24];
	const char *got = "";

	fix_send(f, &a, words);
	fix_wait(f);
	if (a.c.code != ERR_NONE)
		fail_msg("%s: %s", words[0], a.c.err.text);
	assert_true(a.c.sent);
	if (a.c.value->kind == NET_REDIS_INT) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)a.c.value->integer);
		got = number;
	} else if (a.c.value->kind == NET_REDIS_ARRAY) {
		got = a.c.value->count > 0 ? a.c.value->items[0].text : "";
	} else if (a.c.value->kind != NET_REDIS_NIL) {
		got = a.c.value->text;
	}
	assert_string_equal(got, want);
	net_redis_command_fini(&a.c);
}
#define EXPECT(f, want, ...) \
	fix_expect(f, want, (const char *const[]){__VA_ARGS__, NULL})

FIX_FN void
fix_why(struct fix *f, enum err_code code, const char *part)
{
	struct err err;

	net_redis_why(f->r, &err);
	if (err.code != code || strstr(err.text, part) == NULL)
		fail_msg("why: %s \"%s\", expected %s \"...%s...\"",
		    err_name(err.code), err.text, err_name(code), part);
}

/* Of the server at the other end. */
FIX_FN int
fix_port(struct fix *f)
{
	struct asked a;
	int port;

	SEND(f, &a, "CONFIG", "GET", "port");
	fix_wait(f);
	assert_int_equal(a.c.code, ERR_NONE);
	port = atoi(a.c.value->items[1].text);
	net_redis_command_fini(&a.c);
	return port;
}

#endif
