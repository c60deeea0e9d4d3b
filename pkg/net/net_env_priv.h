#ifndef DSRUN_NET_ENV_PRIV_H
#define DSRUN_NET_ENV_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/env.h"
#include "base/list.h"

/* What the files of net_env share; nothing outside of them includes this. */

#define NET_SIGNALS 4

/* A binary heap by due_us; slot 0 is unused, since index 0 means idle. */
struct net_timers {
	struct env_timer **slot;
	size_t len; /* of those in use; they are slot[1] ... slot[len] */
	size_t cap;
	int fd;           /* timerfd */
	int64_t armed_us; /* what fd waits for; 0 = nothing */
	int64_t round_us; /* while callbacks run: those later wait; else 0 */
	uv_poll_t poll;
	uv_prepare_t arm;
};

/* One thread, started by the first work. */
struct net_writer {
	bool started;
	bool stop;          /* by lock */
	size_t outstanding; /* the loop's own: submitted, done() not called */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue; /* by lock */
	struct list ready; /* by lock: run, waiting for done() */
	uv_async_t async;
};

struct net_env {
	struct env env;
	uv_loop_t loop;
	pthread_t owner;
	bool running;
	bool stopped; /* net_env_stop was called in, or before, this run */
	struct net_timers timers;
	struct list posts;
	struct list round; /* posts of the round that runs now */
	uv_idle_t idle;
	struct net_writer writer;
	uv_signal_t signals[NET_SIGNALS];
	void (*on_signal)(void *arg, int sig);
	void *signal_arg;
};

static inline struct net_env *
net_env_of(struct env *env)
{
	return (struct net_env *)(void *)env;
}

int64_t net_env_boot_us(struct env *env);

/* CHECKs that the calling thread is the env's own. */
void net_env_own_thread(const struct net_env *n);

/* Each _open returns a libuv error or 0; a failed open needs no close. */
int net_timers_open(struct net_env *n);
void net_timers_close(struct net_env *n);
bool net_timers_due(const struct net_env *n);
void net_timers_start(struct env *env, struct env_timer *t, int64_t delay_us);
void net_timers_stop(struct env *env, struct env_timer *t);

int net_writer_open(struct net_env *n);
/* Ends the thread after the last work. */
void net_writer_close(struct net_env *n);
void net_writer_submit(struct env *env, struct env_work *w);

/* Fills in the file half of the table. */
void net_file_ops(struct env_ops *ops);

#endif
