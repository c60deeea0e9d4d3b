#include <signal.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_env_priv.h"

/*
 * The thread that may wait for the disk.  One, so that works never overlap
 * and keep their order; it ends only with the env.
 */
static void *
serve(void *arg)
{
	struct net_writer *w = arg;

	CHECK(pthread_mutex_lock(&w->lock) == 0);
	for (;;) {
		struct list *node = list_pop(&w->queue);

		if (node == NULL) {
			if (w->stop)
				break;
			CHECK(pthread_cond_wait(&w->more, &w->lock) == 0);
			continue;
		}
		struct env_work *work =
		    CONTAINER_OF(node, struct env_work, node);

		CHECK(pthread_mutex_unlock(&w->lock) == 0);
		work->run(work);
		CHECK(pthread_mutex_lock(&w->lock) == 0);
		list_add_tail(&w->ready, node);
		CHECK(pthread_mutex_unlock(&w->lock) == 0);
		/* Without the lock, or the loop would wake only to wait. */
		CHECK(uv_async_send(&w->async) == 0);
		CHECK(pthread_mutex_lock(&w->lock) == 0);
	}
	CHECK(pthread_mutex_unlock(&w->lock) == 0);
	return NULL;
}

/* libuv may join several wake-ups into one, so take all that is ready. */
static void
finish(uv_async_t *async)
{
	struct net_writer *w = CONTAINER_OF(async, struct net_writer, async);
	struct list ready;
	struct list *node;

	list_init(&ready);
	CHECK(pthread_mutex_lock(&w->lock) == 0);
	while ((node = list_pop(&w->ready)) != NULL)
		list_add_tail(&ready, node);
	CHECK(pthread_mutex_unlock(&w->lock) == 0);

	while ((node = list_pop(&ready)) != NULL) {
		struct env_work *work =
		    CONTAINER_OF(node, struct env_work, node);

		if (--w->outstanding == 0)
			uv_unref((uv_handle_t *)&w->async);
		work->done(work);
	}
}

/* Signals are the loop thread's: a writer inside fsync hears none. */
static void
start_thread(struct net_writer *w)
{
	sigset_t all;
	sigset_t before;

	(void)sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	CHECK(pthread_create(&w->thread, NULL, serve, w) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	w->started = true;
}

void
net_writer_submit(struct env *env, struct env_work *work)
{
	struct net_env *n = net_env_of(env);
	struct net_writer *w = &n->writer;

	net_env_own_thread(n);
	CHECK(work->run != NULL && work->done != NULL);
	if (!w->started)
		start_thread(w);
	if (w->outstanding++ == 0)
		uv_ref((uv_handle_t *)&w->async);
	CHECK(pthread_mutex_lock(&w->lock) == 0);
	list_add_tail(&w->queue, &work->node);
	CHECK(pthread_mutex_unlock(&w->lock) == 0);
	CHECK(pthread_cond_signal(&w->more) == 0);
}

int
net_writer_open(struct net_env *n)
{
	struct net_writer *w = &n->writer;
	int rc = uv_async_init(&n->loop, &w->async, finish);

	if (rc != 0)
		return rc;
	uv_unref((uv_handle_t *)&w->async);
	list_init(&w->queue);
	list_init(&w->ready);
	CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
	CHECK(pthread_cond_init(&w->more, NULL) == 0);
	return 0;
}

void
net_writer_close(struct net_env *n)
{
	struct net_writer *w = &n->writer;

	if (!w->started)
		return;
	CHECK(pthread_mutex_lock(&w->lock) == 0);
	w->stop = true;
	CHECK(pthread_cond_signal(&w->more) == 0);
	CHECK(pthread_mutex_unlock(&w->lock) == 0);
	CHECK(pthread_join(w->thread, NULL) == 0);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->more);
}
