#include "base/check.h"

#include "journal/journal_priv.h"

/*
 * The queue between the loop and the writer's thread.
 *
 * The loop pushes transactions on a stack that the writer takes whole, so
 * neither ever waits for the other.  Up to two works are under way: while one
 * group commits, what arrives is taken by the next, which begins without a
 * round trip through the loop.  An idle writer is woken after the callback
 * that submitted, so that what one callback submits is one commit.
 */

#define GROUP_MAX 1000

static void batch_run(struct env_work *w);
static void batch_done(struct env_work *w);

/* Move what was pushed to the backlog, in the order of submission. */
static void
take_queue(struct journal *j)
{
	struct journal_tx *tx = atomic_exchange(&j->queue, NULL);
	/* The stack is newest first: insert each before the one taken last. */
	struct list *at = j->backlog.prev;

	while (tx != NULL) {
		struct journal_tx *next = tx->next;
		struct list *after = at->next;

		tx->node.prev = at;
		tx->node.next = after;
		at->next = &tx->node;
		after->prev = &tx->node;
		tx = next;
	}
}

/* One group is of one class: a claim must not wait as long as a live step. */
static enum journal_class
next_group(struct journal *j, struct list *group)
{
	bool live = false;
	int n = 0;

	while (!list_empty(&j->backlog) && n++ < GROUP_MAX) {
		struct list *node = list_pop(&j->backlog);

		live =
		    live || CONTAINER_OF(node, struct journal_tx, node)->cls ==
				JOURNAL_LIVE;
		list_add_tail(group, node);
	}
	return live ? JOURNAL_LIVE : JOURNAL_CLAIM;
}

static void
batch_run(struct env_work *w)
{
	struct journal_batch *b = CONTAINER_OF(w, struct journal_batch, work);
	struct journal *j = b->j;
	struct list group;
	struct err err;

	take_queue(j);
	while (!list_empty(&j->backlog)) {
		list_init(&group);
		(void)journal_group_run(j, &group, next_group(j, &group), &err);
		for (struct list *n; (n = list_pop(&group)) != NULL;)
			list_add_tail(&b->finished, n);
	}
}

static void
start(struct journal *j)
{
	for (size_t i = 0; i < ARRAY_LEN(j->batch); i++) {
		struct journal_batch *b = &j->batch[i];

		if (b->busy)
			continue;
		b->busy = true;
		b->work.run = batch_run;
		b->work.done = batch_done;
		env_work(j->env, &b->work);
		return;
	}
}

/* While this is posted nothing is under way, so the journal is not closed. */
static void
wake(struct env_post *p)
{
	start(CONTAINER_OF(p, struct journal, wake));
}

static bool
idle(const struct journal *j)
{
	for (size_t i = 0; i < ARRAY_LEN(j->batch); i++)
		if (j->batch[i].busy)
			return false;
	return true;
}

static void
batch_done(struct env_work *w)
{
	struct journal_batch *b = CONTAINER_OF(w, struct journal_batch, work);
	struct journal *j = b->j;
	struct list finished = LIST_INIT(finished);

	for (struct list *n; (n = list_pop(&b->finished)) != NULL;)
		list_add_tail(&finished, n);
	b->busy = false;
	if (atomic_load(&j->queue) != NULL)
		start(j);
	for (struct list *n; (n = list_pop(&finished)) != NULL;) {
		struct journal_tx *tx =
		    CONTAINER_OF(n, struct journal_tx, node);

		j->pending--;
		tx->done(tx);
	}
}

enum err_code
journal_submit(struct journal *j, struct journal_tx *tx, struct err *err)
{
	if (tx->cls == JOURNAL_CLAIM && (int64_t)j->pending >= j->queue_max)
		return err_set(err, ERR_BUSY, 0,
		    "the journal's queue is full (%zu transactions)",
		    j->pending);
	tx->code = ERR_NONE;
	j->pending++;
	tx->next = atomic_load(&j->queue);
	while (!atomic_compare_exchange_weak(&j->queue, &tx->next, tx))
		;
	j->wake.fn = wake;
	if (idle(j))
		env_post(j->env, &j->wake);
	else
		start(j);
	return ERR_NONE;
}

enum err_code
journal_now(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct list group = LIST_INIT(group);

	CHECK(j->pending == 0);
	list_add_tail(&group, &tx->node);
	if (journal_group_run(j, &group, tx->cls, err) == ERR_NONE &&
	    tx->code != ERR_NONE)
		*err = tx->err;
	list_remove(&tx->node);
	return tx->code;
}

size_t
journal_pending(const struct journal *j)
{
	return j->pending;
}
