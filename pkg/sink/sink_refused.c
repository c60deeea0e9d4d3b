#include "sink/sink_refused.h"

#include "base/check.h"
#include "base/mem.h"

struct refused {
	struct sink_pusher port;
	struct env *env;
	struct err why;
	struct list waiting; /* for the post */
	struct env_post post;
};

static void
tell(struct env_post *post)
{
	struct refused *s = CONTAINER_OF(post, struct refused, post);
	struct list now;
	struct list *node;

	list_init(&now);
	while ((node = list_pop(&s->waiting)) != NULL)
		list_add_tail(&now, node);
	while ((node = list_pop(&now)) != NULL) {
		struct sink_push *p =
		    CONTAINER_OF(node, struct sink_push, node);

		p->code = ERR_CONFIG;
		p->err = s->why;
		p->err.code = ERR_CONFIG;
		p->retry_after_ms = -1;
		p->done(p);
	}
}

static void
op_start(void *impl, struct sink_push *p)
{
	struct refused *s = impl;

	list_add_tail(&s->waiting, &p->node);
	env_post(s->env, &s->post);
}

static void
op_cancel(void *impl, struct sink_push *p)
{
	(void)impl;
	list_remove(&p->node);
}

static void
op_free(void *impl)
{
	struct refused *s = impl;

	while (list_pop(&s->waiting) != NULL)
		continue;
	list_remove(&s->post.node);
	mem_free(&s);
}

static const struct sink_push_ops ops = {
    .start = op_start,
    .cancel = op_cancel,
    .free = op_free,
};

struct sink_pusher *
sink_refused_new(struct env *env, const char *name, const char *service,
    const struct err *why)
{
	struct refused *s = mem_zalloc(1, sizeof(*s));

	s->env = env;
	s->why = *why;
	list_init(&s->waiting);
	s->post.fn = tell;
	s->port = (struct sink_pusher){.name = name,
	    .service = service,
	    .ops = &ops,
	    .impl = s,
	    .at_once = 1};
	return &s->port;
}
