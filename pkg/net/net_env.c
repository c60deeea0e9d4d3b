#include "net/net_env.h"

#include <sys/random.h>
#include <sys/timex.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "net/net_env_priv.h"

static const int watched[NET_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

static int64_t
clock_us(clockid_t id)
{
	struct timespec t;

	CHECK(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
wall_us(struct env *env)
{
	(void)env;
	return clock_us(CLOCK_REALTIME);
}

int64_t
net_env_boot_us(struct env *env)
{
	(void)env;
	return clock_us(CLOCK_BOOTTIME);
}

static bool
synced(struct env *env)
{
	struct timex t = {.modes = 0};

	(void)env;
	int state = adjtimex(&t);
	return state >= 0 && state != TIME_ERROR &&
	       (t.status & STA_UNSYNC) == 0;
}

static void
random_bytes(struct env *env, void *bytes, size_t len)
{
	(void)env;
	for (size_t done = 0; done < len;) {
		ssize_t n = getrandom((char *)bytes + done, len - done, 0);

		CHECK(n >= 0 || errno == EINTR);
		done += n > 0 ? (size_t)n : 0;
	}
}

static void
pause_us(struct env *env, int64_t us)
{
	struct timespec left = {.tv_sec = us > 0 ? us / 1000000 : 0,
	    .tv_nsec = us > 0 ? us % 1000000 * 1000 : 0};

	(void)env;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

void
net_env_own_thread(const struct net_env *n)
{
	CHECK(pthread_equal(n->owner, pthread_self()) != 0);
}

/*
 * Only what was posted before the round began is run in it: a post that posts
 * itself again shares the loop with sockets and timers.
 */
static void
run_posts(uv_idle_t *idle)
{
	struct net_env *n = CONTAINER_OF(idle, struct net_env, idle);
	struct list *node;

	while ((node = list_pop(&n->posts)) != NULL)
		list_add_tail(&n->round, node);
	while ((node = list_pop(&n->round)) != NULL) {
		struct env_post *p = CONTAINER_OF(node, struct env_post, node);

		p->fn(p);
	}
	if (list_empty(&n->posts))
		(void)uv_idle_stop(idle);
}

static void
post(struct env *env, struct env_post *p)
{
	struct net_env *n = net_env_of(env);

	net_env_own_thread(n);
	CHECK(p->fn != NULL);
	if (!list_empty(&p->node))
		return;
	list_add_tail(&n->posts, &p->node);
	CHECK(uv_idle_start(&n->idle, run_posts) == 0);
}

static void
signalled(uv_signal_t *s, int sig)
{
	struct net_env *n = s->data;

	if (n->on_signal != NULL)
		n->on_signal(n->signal_arg, sig);
}

enum err_code
net_env_on_signal(
    struct env *env, void (*fn)(void *arg, int sig), void *arg, struct err *err)
{
	struct net_env *n = net_env_of(env);

	net_env_own_thread(n);
	n->on_signal = fn;
	n->signal_arg = arg;
	for (size_t i = 0; i < NET_SIGNALS; i++) {
		int rc = fn == NULL ? uv_signal_stop(&n->signals[i])
				    : uv_signal_start(&n->signals[i], signalled,
					  watched[i]);

		if (rc != 0)
			return err_set(err, ERR_IO, -rc, "watch signal %d: %s",
			    watched[i], uv_strerror(rc));
	}
	return ERR_NONE;
}

static struct env_ops ops = {.wall_us = wall_us,
    .boot_us = net_env_boot_us,
    .synced = synced,
    .random = random_bytes,
    .pause = pause_us,
    .timer_start = net_timers_start,
    .timer_stop = net_timers_stop,
    .post = post,
    .work = net_writer_submit};
static pthread_once_t ops_once = PTHREAD_ONCE_INIT;

static void
complete_ops(void)
{
	net_file_ops(&ops);
}

static enum err_code
read_boot_id(struct env *env, struct err *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	struct env_file *f = NULL;
	char text[64] = "";
	char hex[64];
	size_t got = 0;
	size_t len = 0;
	enum err_code code = env_open(env, path, ENV_READ, &f, err);

	if (code == ERR_NONE)
		code = env_pread(env, f, text, sizeof(text) - 1, 0, &got, err);
	env_close(env, &f);
	if (code != ERR_NONE)
		return code;
	for (size_t i = 0; i < got && text[i] != '\n'; i++)
		if (text[i] != '-')
			hex[len++] = text[i];
	hex[len] = '\0';
	if (!text_unhex(hex, env->boot_id, ENV_ID_BYTES))
		return err_set(err, ERR_IO, 0,
		    "%s: expected a UUID, got \"%.40s\"", path, text);
	return ERR_NONE;
}

static enum err_code
read_variables(struct env *env, struct err *err)
{
	static const char name[] = "DSRUN_CLOCK_OFFSET_MS";
	const char *offset = getenv(name);

	if (offset == NULL || *offset == '\0')
		return ERR_NONE;
	if (text_i64(offset, -INT64_C(100000000000000),
		INT64_C(100000000000000), &env->wall_offset_ms,
		err) != ERR_NONE) {
		err->code = ERR_CONFIG;
		return err_wrap(err, "%s", name);
	}
	return ERR_NONE;
}

/* In order, so that a failure knows what to take back. */
static enum err_code
open_handles(struct net_env *n, struct err *err)
{
	int rc = uv_loop_init(&n->loop);

	if (rc != 0)
		return err_set(
		    err, ERR_IO, -rc, "event loop: %s", uv_strerror(rc));
	CHECK(uv_idle_init(&n->loop, &n->idle) == 0);
	for (size_t i = 0; rc == 0 && i < NET_SIGNALS; i++) {
		rc = uv_signal_init(&n->loop, &n->signals[i]);
		n->signals[i].data = n;
		if (rc == 0)
			uv_unref((uv_handle_t *)&n->signals[i]);
	}
	if (rc == 0)
		rc = net_timers_open(n);
	if (rc == 0)
		rc = net_writer_open(n);
	if (rc != 0)
		return err_set(
		    err, ERR_IO, -rc, "event loop: %s", uv_strerror(rc));
	return ERR_NONE;
}

enum err_code
net_env_open(struct env **out, struct err *err)
{
	struct net_env *n = mem_zalloc(1, sizeof(*n));
	struct env *env = &n->env;
	enum err_code code;

	*out = NULL;
	CHECK(pthread_once(&ops_once, complete_ops) == 0);
	env->ops = &ops;
	env->pid = getpid();
	env->uid = geteuid();
	n->owner = pthread_self();
	n->timers.fd = -1;
	list_init(&n->posts);
	list_init(&n->round);

	code = read_boot_id(env, err);
	if (code == ERR_NONE)
		code = read_variables(env, err);
	if (code == ERR_NONE)
		code = open_handles(n, err);
	if (code != ERR_NONE)
		net_env_close(&env);
	*out = env;
	return code;
}

static void
close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (uv_is_closing(h) == 0)
		uv_close(h, NULL);
}

void
net_env_close(struct env **env)
{
	if (*env == NULL)
		return;
	struct net_env *n = net_env_of(*env);

	net_env_own_thread(n);
	CHECK(!n->running);
	/* A loop that could not be made has no handles to close. */
	if (n->idle.loop != NULL) {
		net_writer_close(n);
		uv_walk(&n->loop, close_handle, NULL);
		/* A stop that came after the last run ends the first at once.
		 */
		while (uv_run(&n->loop, UV_RUN_DEFAULT) != 0)
			;
		CHECK(uv_loop_close(&n->loop) == 0);
		net_timers_close(n);
	}
	mem_free(&n);
	*env = NULL;
}

void
net_env_run(struct env *env)
{
	struct net_env *n = net_env_of(env);

	net_env_own_thread(n);
	CHECK(!n->running);
	n->running = true;
	(void)uv_run(&n->loop, UV_RUN_DEFAULT);
	n->running = false;
	n->stopped = false;
}

void
net_env_stop(struct env *env)
{
	struct net_env *n = net_env_of(env);

	net_env_own_thread(n);
	n->stopped = true;
	uv_stop(&n->loop);
}

static bool
busy(const struct net_env *n)
{
	return !list_empty(&n->posts) || n->writer.outstanding > 0 ||
	       net_timers_due(n);
}

void
net_env_drain(struct env *env)
{
	struct net_env *n = net_env_of(env);

	net_env_own_thread(n);
	CHECK(!n->running);
	n->running = true;
	/* ONCE may wait, but only for the writer: the rest is due now. */
	while (n->stopped || busy(n)) {
		(void)uv_run(&n->loop, UV_RUN_ONCE);
		if (n->stopped)
			break;
	}
	n->running = false;
	n->stopped = false;
}
