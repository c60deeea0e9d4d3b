#include "net/net_pool.h"

#include <signal.h>

#include "base/check.h"
#include "base/mem.h"

#include "net/net_env_priv.h"

#define THREADS_MAX 64

struct net_pool {
	struct net_env *env;
	size_t threads;
	size_t started;
	size_t pending; /* the loop's own */
	pthread_t thread[THREADS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stop;         /* by lock */
	size_t idle;       /* by lock: threads that wait, or were just woken */
	size_t queued;     /* by lock: those in queue */
	struct list queue; /* by lock */
	struct list ready; /* by lock: run, waiting for done() */
	struct list round; /* the loop's own: done() comes next */
	uv_async_t async;
};

static void *
serve(void *arg)
{
	struct net_pool *p = arg;

	CHECK(pthread_mutex_lock(&p->lock) == 0);
	while (!p->stop) {
		struct list *node = list_pop(&p->queue);

		if (node == NULL) {
			p->idle++;
			CHECK(pthread_cond_wait(&p->more, &p->lock) == 0);
			p->idle--;
			continue;
		}
		struct env_work *w = CONTAINER_OF(node, struct env_work, node);

		p->queued--;
		CHECK(pthread_mutex_unlock(&p->lock) == 0);
		w->run(w);
		CHECK(pthread_mutex_lock(&p->lock) == 0);
		list_add_tail(&p->ready, node);
		/* The pool outlives this: close waits for the thread. */
		CHECK(uv_async_send(&p->async) == 0);
	}
	CHECK(pthread_mutex_unlock(&p->lock) == 0);
	return NULL;
}

/*
 * A done() may close the pool: the lists are empty from then on, and the pool
 * itself stays until the loop has let go of its handle.
 */
static void
finish(uv_async_t *async)
{
	struct net_pool *p = CONTAINER_OF(async, struct net_pool, async);
	struct list *node;

	CHECK(pthread_mutex_lock(&p->lock) == 0);
	while ((node = list_pop(&p->ready)) != NULL)
		list_add_tail(&p->round, node);
	CHECK(pthread_mutex_unlock(&p->lock) == 0);

	while ((node = list_pop(&p->round)) != NULL) {
		struct env_work *w = CONTAINER_OF(node, struct env_work, node);

		if (--p->pending == 0)
			uv_unref((uv_handle_t *)&p->async);
		w->done(w);
	}
}

/*
 * Signals are the loop thread's.  When the kernel refuses another thread the
 * work waits for those there are; without a single one nothing would ever be
 * done.
 */
static void
start_thread(struct net_pool *p)
{
	sigset_t all;
	sigset_t before;

	(void)sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int rc = pthread_create(&p->thread[p->started], NULL, serve, p);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (rc == 0)
		p->started++;
	CHECK(p->started > 0);
}

void
net_pool_submit(struct net_pool *p, struct env_work *w)
{
	net_env_own_thread(p->env);
	CHECK(w->run != NULL && w->done != NULL && !p->stop);
	if (p->pending++ == 0)
		uv_ref((uv_handle_t *)&p->async);
	CHECK(pthread_mutex_lock(&p->lock) == 0);
	list_add_tail(&p->queue, &w->node);
	bool enough = p->idle >= ++p->queued;
	CHECK(pthread_mutex_unlock(&p->lock) == 0);
	if (!enough && p->started < p->threads)
		start_thread(p);
	CHECK(pthread_cond_signal(&p->more) == 0);
}

size_t
net_pool_pending(const struct net_pool *p)
{
	return p->pending;
}

enum err_code
net_pool_open(
    struct env *env, size_t threads, struct net_pool **out, struct err *err)
{
	struct net_pool *p = mem_zalloc(1, sizeof(*p));

	*out = NULL;
	CHECK(threads > 0 && threads <= THREADS_MAX);
	p->env = net_env_of(env);
	net_env_own_thread(p->env);
	p->threads = threads;
	int rc = uv_async_init(&p->env->loop, &p->async, finish);
	if (rc != 0) {
		mem_free(&p);
		return err_set(
		    err, ERR_IO, -rc, "pool of threads: %s", uv_strerror(rc));
	}
	uv_unref((uv_handle_t *)&p->async);
	list_init(&p->queue);
	list_init(&p->ready);
	list_init(&p->round);
	CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
	CHECK(pthread_cond_init(&p->more, NULL) == 0);
	*out = p;
	return ERR_NONE;
}

static void
let_go(uv_handle_t *h)
{
	struct net_pool *p =
	    CONTAINER_OF((uv_async_t *)(void *)h, struct net_pool, async);

	mem_free(&p);
}

static void
forget(struct list *l)
{
	while (list_pop(l) != NULL)
		;
}

void
net_pool_close(struct net_pool **pool)
{
	struct net_pool *p = *pool;

	if (p == NULL)
		return;
	*pool = NULL;
	net_env_own_thread(p->env);
	CHECK(pthread_mutex_lock(&p->lock) == 0);
	p->stop = true;
	forget(&p->queue);
	CHECK(pthread_cond_broadcast(&p->more) == 0);
	CHECK(pthread_mutex_unlock(&p->lock) == 0);
	for (size_t i = 0; i < p->started; i++)
		CHECK(pthread_join(p->thread[i], NULL) == 0);
	forget(&p->ready);
	forget(&p->round);
	(void)pthread_mutex_destroy(&p->lock);
	(void)pthread_cond_destroy(&p->more);
	uv_close((uv_handle_t *)&p->async, let_go);
}
