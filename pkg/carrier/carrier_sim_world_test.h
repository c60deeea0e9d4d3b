#ifndef DSRUN_CARRIER_SIM_WORLD_TEST_H
#define DSRUN_CARRIER_SIM_WORLD_TEST_H

/*
 * For tests of the simulated network only: a directory of its own, personas
 * whose times are known to the millisecond, and a virtual clock that several
 * processes' ends (struct env) share.  Files and locks are the kernel's.
 */
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

#include "carrier/carrier_sim.h"
#include "carrier/carrier_sim_log.h"
#include "net/net_env.h"

#define WORLD_ENDS 4
#define WORLD_TIMERS 64
#define WORLD_START_MS INT64_C(1767600000000)

struct world {
	struct env *real;
	struct env_ops ops;
	int64_t boot_us;
	struct env end[WORLD_ENDS];
	struct {
		struct env *env;
		struct env_timer *t;
	} timers[WORLD_TIMERS];
	size_t timer_count;
	char dir[64], sim[80], personas[80], log[96];
	struct conf_sim conf;
	struct carrier c[WORLD_ENDS];
	int64_t paused_us;
};

static struct world world;

static int64_t
world_boot(struct env *env)
{
	(void)env;
	return world.boot_us;
}

static int64_t
world_wall(struct env *env)
{
	(void)env;
	return WORLD_START_MS * 1000 + world.boot_us;
}

static void
world_pause(struct env *env, int64_t us)
{
	(void)env;
	world.boot_us += us;
	world.paused_us += us;
}

static void
world_timer_stop(struct env *env, struct env_timer *t)
{
	(void)env;
	for (size_t i = 0; i < world.timer_count; i++)
		if (world.timers[i].t == t) {
			world.timers[i] = world.timers[--world.timer_count];
			t->heap_index = 0;
			return;
		}
}

static void
world_timer_start(struct env *env, struct env_timer *t, int64_t us)
{
	world_timer_stop(env, t);
	assert_true(world.timer_count < WORLD_TIMERS);
	t->due_us = world.boot_us + us;
	t->heap_index = 1;
	world.timers[world.timer_count].env = env;
	world.timers[world.timer_count++].t = t;
}

/* Let time pass; timers fire at their very microsecond. */
__attribute__((unused)) static void
world_run_us(int64_t us)
{
	int64_t until = world.boot_us + us;

	for (;;) {
		struct env_timer *next = NULL;
		struct env *env = NULL;

		for (size_t i = 0; i < world.timer_count; i++)
			if (next == NULL ||
			    world.timers[i].t->due_us < next->due_us) {
				next = world.timers[i].t;
				env = world.timers[i].env;
			}
		if (next == NULL || next->due_us > until)
			break;
		if (next->due_us > world.boot_us)
			world.boot_us = next->due_us;
		world_timer_stop(env, next);
		next->fn(next);
	}
	if (until > world.boot_us)
		world.boot_us = until;
}

/* Milliseconds of the network, at its speed. */
__attribute__((unused)) static void
world_run(int64_t ms)
{
	world_run_us(ms * 1000 / world.conf.speed);
}

static void
world_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
world_persona(const char *name, const char *rest)
{
	char path[160];
	char text[2048];

	(void)snprintf(path, sizeof(path), "%s/%s.yaml", world.personas, name);
	(void)snprintf(text, sizeof(text), "name: %s\n%s", name, rest);
	world_write(path, text);
}

/* The number's first digits say who answers. */
static void
world_people(void)
{
	world_persona("human",
	    "numbers: [\"+11*\"]\nweight: 1\nring: 2s\nanswer: human\n"
	    "patience: 10s\nserved: {after: 30s}\nscript:\n  start:\n"
	    "    - say: \"Hello?\"\n    - listen: 5s\n    - say: \"Bye.\"\n"
	    "    - hangup: completed\n");
	world_persona("voicemail",
	    "numbers: [\"+12*\"]\nring: 4s\nanswer: machine\n"
	    "outcome: voicemail\npatience: 40s\n"
	    "unattended: {by: network, outcome: voicemail}\nscript:\n"
	    "  start:\n    - beep: {hz: 1000, for: 500ms}\n"
	    "    - record: {for: 20s, silence: 3s}\n    - hangup: voicemail\n");
	world_persona("busy", "numbers: [\"+13*\"]\nring: 1s\nanswer: busy\n");
	world_persona("nobody-there", "numbers: [\"+14*\"]\nanswer: none\n");
	world_persona("bad", "numbers: [\"+15*\"]\nanswer: bad-number\n");
	world_persona("rejected", "numbers: [\"+16*\"]\nanswer: rejected\n");
	world_persona("limit", "numbers: [\"+17*\"]\nanswer: limit\n");
	world_persona("instant", "numbers: [\"+18*\"]\nanswer: instant\n");
	world_persona(
	    "failed", "numbers: [\"+19*\"]\nring: 1s\nanswer: failed\n");
}

__attribute__((unused)) static struct env *
world_env(size_t end)
{
	struct env *env = &world.end[end];

	*env = *world.real;
	env->ops = &world.ops;
	env->speed = 0;
	memset(env->boot_id, 0xB0, sizeof(env->boot_id));
	return env;
}

/* A new directory and network-to-be of the given class; faults are off. */
__attribute__((unused)) static void
world_begin(const char *cls)
{
	struct err err;

	memset(&world, 0, sizeof(world));
	assert_int_equal(net_env_open(&world.real, &err), ERR_NONE);
	world.ops = *world.real->ops;
	world.ops.boot_us = world_boot;
	world.ops.wall_us = world_wall;
	world.ops.pause = world_pause;
	world.ops.timer_start = world_timer_start;
	world.ops.timer_stop = world_timer_stop;
	world.boot_us = 5000000;
	(void)snprintf(world.dir, sizeof(world.dir), "/tmp/simtestXXXXXX");
	assert_non_null(mkdtemp(world.dir));
	(void)snprintf(world.sim, sizeof(world.sim), "%s/sim", world.dir);
	(void)snprintf(
	    world.personas, sizeof(world.personas), "%s/people", world.dir);
	(void)snprintf(
	    world.log, sizeof(world.log), "%s/calls.jsonl", world.sim);
	assert_int_equal(
	    env_make_dirs(world.real, world.personas, &err), ERR_NONE);
	world_people();
	world.conf = (struct conf_sim){.speed = 1,
	    .start_ms = WORLD_START_MS,
	    .seed = 1,
	    .cls = (char *)(uintptr_t)cls,
	    .latency_ms = 120,
	    .list_lag_ms = 500,
	    .memory_ms = 86400000,
	    .key_window_ms = 86400000,
	    .settle_ms = 4000,
	    .personas = world.personas,
	    .faults = {.slow_ms = 3000, .callback_late_ms = 5000}};
}

__attribute__((unused)) static enum err_code
world_try_open(size_t end, struct err *err)
{
	return carrier_sim_open(
	    world_env(end), &world.conf, world.sim, NULL, &world.c[end], err);
}

__attribute__((unused)) static struct carrier *
world_open(size_t end)
{
	struct err err = {0};
	enum err_code code = world_try_open(end, &err);

	if (code != ERR_NONE)
		fail_msg("%s", err.text);
	return &world.c[end];
}

__attribute__((unused)) static void
world_close(size_t end)
{
	if (world.c[end].ops != NULL)
		world.c[end].ops->free(world.c[end].impl);
	world.c[end] = (struct carrier){NULL, NULL};
}

__attribute__((unused)) static void
world_end(void)
{
	char command[128];

	for (size_t i = 0; i < WORLD_ENDS; i++)
		world_close(i);
	net_env_close(&world.real);
	(void)snprintf(command, sizeof(command), "rm -rf %s", world.dir);
	assert_int_equal(system(command), 0);
}

/* The time since the network began. */
__attribute__((unused)) static int64_t
world_now(size_t end)
{
	return env_now_ms(&world.end[end]) - WORLD_START_MS;
}

/* The log's text; mem_free. */
__attribute__((unused)) static char *
world_log(void)
{
	struct err err;
	char *text;
	size_t len;

	assert_int_equal(
	    env_read_whole(world.real, world.log, 64 << 20, &text, &len, &err),
	    ERR_NONE);
	return text;
}

__attribute__((unused)) static size_t
world_count(const char *what)
{
	char *text = world_log();
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	mem_free(&text);
	return n;
}

/* One dial with all it heard. */
struct phone {
	struct carrier_dial dial;
	struct carrier_ear ear;
	char key[65], to[24];
	uint8_t hash[32];
	int dones;
	int64_t done_ms;
	size_t end;
	int stages[4]; /* how often each was told */
	int64_t at_ms[4];
	enum job_outcome outcome;
	char by[16];
	char heard[512];
	char keys[32];
};

static void
phone_done(struct carrier_dial *d)
{
	struct phone *p = CONTAINER_OF(d, struct phone, dial);

	p->dones++;
	p->done_ms = world_now(p->end);
}

static void
phone_progress(struct carrier_ear *e, const struct carrier_progress *g)
{
	struct phone *p = CONTAINER_OF(e, struct phone, ear);

	p->stages[g->stage]++;
	p->at_ms[g->stage] = g->at_ms - WORLD_START_MS;
	if (g->stage != CARRIER_STAGE_ENDED)
		return;
	p->outcome = g->outcome;
	(void)snprintf(p->by, sizeof(p->by), "%s", g->by);
}

static void
phone_caption(
    struct carrier_ear *e, const char *text, int64_t start_ms, int64_t end_ms)
{
	struct phone *p = CONTAINER_OF(e, struct phone, ear);
	size_t n = strlen(p->heard);

	assert_true(start_ms >= 0 && end_ms > start_ms);
	(void)snprintf(p->heard + n, sizeof(p->heard) - n, "%s|", text);
}

static void
phone_dtmf(struct carrier_ear *e, char digit, int64_t at_ms)
{
	struct phone *p = CONTAINER_OF(e, struct phone, ear);

	assert_true(at_ms >= 0);
	p->keys[strlen(p->keys)] = digit;
}

/* The key is made of n; the number's end too. */
__attribute__((unused)) static void
phone_init(struct phone *p, const char *to, int n)
{
	memset(p, 0, sizeof(*p));
	(void)snprintf(p->key, sizeof(p->key), "%064x", (unsigned)n);
	(void)snprintf(p->to, sizeof(p->to), "%s", to);
	memset(p->hash, n & 0xFF, sizeof(p->hash));
	p->ear =
	    (struct carrier_ear){phone_progress, phone_caption, phone_dtmf};
	p->dial = (struct carrier_dial){.key = p->key,
	    .to = p->to,
	    .from = "+15125550100",
	    .event_seq = 100 + n,
	    .event_hash = p->hash,
	    .dial_until_ms = INT64_MAX,
	    .dial_until_boot_ms = INT64_MAX,
	    .ring_ms = 30000,
	    .max_call_ms = 300000,
	    .ear = &p->ear,
	    .done = phone_done};
}

__attribute__((unused)) static void
phone_dial(struct phone *p, size_t end)
{
	p->end = end;
	world.c[end].ops->dial(world.c[end].impl, &p->dial);
	assert_int_equal(p->dones, 0);
	world_run_us(0); /* it leaves at the end of the turn */
}

/* One frame, of sound or of silence; false when there is no media. */
__attribute__((unused)) static bool
phone_frame(struct phone *p, int64_t frame, bool sound)
{
	uint8_t agent[CARRIER_FRAME];
	uint8_t callee[CARRIER_FRAME];

	for (size_t i = 0; i < sizeof(agent); i++)
		agent[i] = !sound ? 0xFF : i % 8 < 4 ? 0x90 : 0x10;
	return world.c[p->end].ops->frame(
	    world.c[p->end].impl, p->dial.call_id, frame, agent, callee);
}

#endif
