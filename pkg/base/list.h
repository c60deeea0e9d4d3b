#ifndef DSRUN_BASE_LIST_H
#define DSRUN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A doubly linked ring embedded in its members.  A node that is in no list
 * points at itself or is zeroed.
 */
struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(l) ((struct list){&(l), &(l)})

/* Walk a list; the _SAFE form lets the body remove the current node. */
#define LIST_FOREACH(it, head) \
	for (struct list *it = (head)->next; it != (head); it = it->next)
#define LIST_FOREACH_SAFE(it, head)                                 \
	for (struct list *it = (head)->next, *it##_next = it->next; \
	     it != (head); it = it##_next, it##_next = it->next)

static inline void
list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l || l->next == NULL;
}

static inline void
list_add_tail(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void
list_remove(struct list *node)
{
	if (node->next == NULL)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Take the first node out; NULL when empty. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *node = head->next;

	if (list_empty(head))
		return NULL;
	list_remove(node);
	return node;
}

#endif
