#include <sys/timerfd.h>

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_env_priv.h"

static void
put(struct net_timers *h, size_t i, struct env_timer *t)
{
	h->slot[i] = t;
	t->heap_index = i;
}

static void
sift_up(struct net_timers *h, size_t i)
{
	struct env_timer *t = h->slot[i];

	for (; i > 1 && h->slot[i / 2]->due_us > t->due_us; i /= 2)
		put(h, i, h->slot[i / 2]);
	put(h, i, t);
}

static void
sift_down(struct net_timers *h, size_t i)
{
	struct env_timer *t = h->slot[i];

	for (size_t child; (child = 2 * i) <= h->len; i = child) {
		if (child < h->len &&
		    h->slot[child + 1]->due_us < h->slot[child]->due_us)
			child++;
		if (h->slot[child]->due_us >= t->due_us)
			break;
		put(h, i, h->slot[child]);
	}
	put(h, i, t);
}

static void
take_out(struct net_timers *h, struct env_timer *t)
{
	size_t i = t->heap_index;
	struct env_timer *last = h->slot[h->len--];

	t->heap_index = 0;
	if (last == t)
		return;
	put(h, i, last);
	sift_up(h, i);
	sift_down(h, last->heap_index);
}

static void
put_in(struct net_timers *h, struct env_timer *t)
{
	if (h->len + 1 >= h->cap) {
		h->cap = h->cap < 64 ? 64 : 2 * h->cap;
		h->slot = mem_realloc(h->slot, h->cap, sizeof(h->slot[0]));
	}
	put(h, ++h->len, t);
	sift_up(h, h->len);
}

/* Timers keep the loop running, the descriptor alone does not. */
static void
keep_alive(struct net_timers *h)
{
	if (h->len > 0)
		uv_ref((uv_handle_t *)&h->poll);
	else
		uv_unref((uv_handle_t *)&h->poll);
}

/*
 * Just before the loop waits: one system call a round however many timers
 * were started and stopped in it, and none while the earliest stays.
 */
static void
arm(uv_prepare_t *prepare)
{
	struct net_timers *h = CONTAINER_OF(prepare, struct net_timers, arm);
	int64_t due = h->len > 0 ? h->slot[1]->due_us : 0;
	struct itimerspec at = {.it_value = {.tv_sec = due / 1000000,
				    .tv_nsec = due % 1000000 * 1000}};

	if (due == h->armed_us)
		return;
	CHECK(timerfd_settime(h->fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
	h->armed_us = due;
}

/*
 * What is due now runs, earliest first.  A timer started by one of these
 * callbacks waits for the next round even with no delay.
 */
static void
fire(uv_poll_t *poll, int status, int events)
{
	struct net_timers *h = CONTAINER_OF(poll, struct net_timers, poll);
	struct net_env *n = CONTAINER_OF(h, struct net_env, timers);
	uint64_t count;

	(void)events;
	CHECK(status == 0);
	/* EAGAIN: set anew since it became readable. */
	CHECK(read(h->fd, &count, sizeof(count)) > 0 || errno == EAGAIN);
	h->armed_us = 0;
	h->round_us = net_env_boot_us(&n->env);
	while (h->len > 0 && h->slot[1]->due_us <= h->round_us) {
		struct env_timer *t = h->slot[1];

		take_out(h, t);
		keep_alive(h);
		t->fn(t);
	}
	h->round_us = 0;
}

void
net_timers_start(struct env *env, struct env_timer *t, int64_t delay_us)
{
	struct net_env *n = net_env_of(env);
	struct net_timers *h = &n->timers;
	int64_t now = net_env_boot_us(env);

	net_env_own_thread(n);
	CHECK(t->fn != NULL);
	if (t->heap_index != 0)
		take_out(h, t);
	if (delay_us < 0)
		delay_us = 0;
	t->due_us = delay_us < INT64_MAX - now ? now + delay_us : INT64_MAX;
	if (t->due_us <= h->round_us)
		t->due_us = h->round_us + 1;
	put_in(h, t);
	keep_alive(h);
}

void
net_timers_stop(struct env *env, struct env_timer *t)
{
	struct net_env *n = net_env_of(env);

	net_env_own_thread(n);
	if (t->heap_index == 0)
		return;
	take_out(&n->timers, t);
	keep_alive(&n->timers);
}

bool
net_timers_due(const struct net_env *n)
{
	const struct net_timers *h = &n->timers;

	return h->len > 0 && h->slot[1]->due_us <= net_env_boot_us(NULL);
}

int
net_timers_open(struct net_env *n)
{
	struct net_timers *h = &n->timers;

	h->fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->fd < 0)
		return -errno;
	int rc = uv_poll_init(&n->loop, &h->poll, h->fd);
	if (rc == 0)
		rc = uv_prepare_init(&n->loop, &h->arm);
	if (rc == 0)
		rc = uv_poll_start(&h->poll, UV_READABLE, fire);
	if (rc == 0)
		rc = uv_prepare_start(&h->arm, arm);
	if (rc == 0) {
		uv_unref((uv_handle_t *)&h->poll);
		uv_unref((uv_handle_t *)&h->arm);
	}
	return rc;
}

void
net_timers_close(struct net_env *n)
{
	if (n->timers.fd >= 0)
		(void)close(n->timers.fd);
	mem_free(&n->timers.slot);
}
