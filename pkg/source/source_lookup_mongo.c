#include "source/source_lookup_mongo.h"

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"

#include "net/net_pool.h"

/* A query.  The thread has its own copy of the ids: what the ask points at may
 * go with a cancel. */
struct query {
	struct env_work work;
	struct env_post post; /* refused before it was sent */
	struct list node;
	struct lookup *lookup;
	struct source_lookup_ask *ask; /* NULL: cancelled */
	enum mongo_collection collection;
	char **ids;
	size_t count;
	struct mongo_found *found;
	enum err_code code;
	struct err err;
};

struct lookup {
	struct source_lookup port;
	struct env *env;
	struct mongo_options options;
	struct mongo *mongo;
	struct net_pool *pool;
	struct list queries;
};

static void
query_free(struct query *q)
{
	list_remove(&q->node);
	list_remove(&q->post.node);
	for (size_t i = 0; i < q->count; i++) {
		mem_free(&q->ids[i]);
		mem_free(&q->found[i].json);
	}
	mem_free(&q->ids);
	mem_free(&q->found);
	mem_free(&q);
}

static void
give_docs(struct query *q, struct source_lookup_ask *a)
{
	a->docs = mem_zalloc(q->count, sizeof(*a->docs));
	for (size_t i = 0; i < q->count; i++) {
		a->docs[i] = (struct source_lookup_doc){
		    q->found[i].code, q->found[i].err, q->found[i].json};
		q->found[i].json = NULL;
	}
}

static void
finish(struct query *q)
{
	struct source_lookup_ask *a = q->ask;

	if (a != NULL) {
		a->impl = NULL;
		a->code = q->code;
		a->err = q->err;
		if (q->code == ERR_NONE)
			give_docs(q, a);
	}
	query_free(q);
	if (a != NULL)
		a->done(a);
}

static void
on_thread(struct env_work *w)
{
	struct query *q = CONTAINER_OF(w, struct query, work);

	q->code = mongo_read_many(q->lookup->mongo, q->collection,
	    (const char *const *)q->ids, q->count, SOURCE_LOOKUP_DOC_MAX,
	    q->found, &q->err);
}

static void
on_loop(struct env_work *w)
{
	finish(CONTAINER_OF(w, struct query, work));
}

static void
tell_refused(struct env_post *p)
{
	finish(CONTAINER_OF(p, struct query, post));
}

static enum err_code
get_ready(struct lookup *l, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (l->mongo == NULL)
		code = mongo_open(&l->options, &l->mongo, err);
	if (code == ERR_NONE && l->pool == NULL)
		code = net_pool_open(l->env, 1, &l->pool, err);
	return code;
}

static void
op_start(void *impl, struct source_lookup_ask *a)
{
	struct lookup *l = impl;
	struct query *q = mem_zalloc(1, sizeof(*q));

	CHECK(a->count > 0 && a->count <= SOURCE_LOOKUP_MAX);
	q->lookup = l;
	q->ask = a;
	q->collection =
	    a->kind == SOURCE_LOOKUP_CAMPAIGN ? MONGO_CAMPAIGN : MONGO_CONTACT;
	q->count = a->count;
	q->ids = mem_zalloc(q->count, sizeof(*q->ids));
	q->found = mem_zalloc(q->count, sizeof(*q->found));
	for (size_t i = 0; i < q->count; i++)
		q->ids[i] = mem_strdup(a->ids[i]);
	q->work = (struct env_work){.run = on_thread, .done = on_loop};
	q->post.fn = tell_refused;
	list_add_tail(&l->queries, &q->node);
	a->impl = q;
	q->code = get_ready(l, &q->err);
	if (q->code == ERR_NONE)
		net_pool_submit(l->pool, &q->work);
	else
		env_post(l->env, &q->post);
}

static void
op_cancel(void *impl, struct source_lookup_ask *a)
{
	struct query *q = a->impl;

	(void)impl;
	if (q == NULL)
		return;
	q->ask = NULL;
	a->impl = NULL;
}

static void
op_free(void *impl)
{
	struct lookup *l = impl;
	struct list *node;

	if (l->mongo != NULL)
		mongo_stop(l->mongo);
	net_pool_close(&l->pool);
	while ((node = list_pop(&l->queries)) != NULL)
		query_free(CONTAINER_OF(node, struct query, node));
	mongo_close(&l->mongo);
	mem_free(&l);
}

static const struct source_lookup_ops ops = {.start = op_start,
    .cancel = op_cancel,
    .free = op_free};

struct source_lookup *
source_lookup_mongo_new(struct env *env, const struct mongo_options *options)
{
	struct lookup *l = mem_zalloc(1, sizeof(*l));

	l->env = env;
	l->options = *options;
	list_init(&l->queries);
	l->port =
	    (struct source_lookup){.name = "MongoDB", .ops = &ops, .impl = l};
	return &l->port;
}

void
source_lookup_mongo_free(struct source_lookup **l)
{
	if (*l != NULL)
		(*l)->ops->free((*l)->impl);
	*l = NULL;
}
