#include "carrier/carrier_sim_heap.h"

#include "base/check.h"
#include "base/mem.h"

static bool
before(const struct carrier_sim_due *a, const struct carrier_sim_due *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void
set(struct carrier_sim_heap *h, size_t i, struct carrier_sim_due *d)
{
	h->items[i - 1] = d;
	d->index = i;
}

static void
up(struct carrier_sim_heap *h, size_t i)
{
	struct carrier_sim_due *d = h->items[i - 1];

	for (; i > 1 && before(d, h->items[i / 2 - 1]); i /= 2)
		set(h, i, h->items[i / 2 - 1]);
	set(h, i, d);
}

static void
down(struct carrier_sim_heap *h, size_t i)
{
	struct carrier_sim_due *d = h->items[i - 1];

	for (;;) {
		size_t c = 2 * i;

		if (c > h->count)
			break;
		if (c < h->count && before(h->items[c], h->items[c - 1]))
			c++;
		if (!before(h->items[c - 1], d))
			break;
		set(h, i, h->items[c - 1]);
		i = c;
	}
	set(h, i, d);
}

void
carrier_sim_heap_put(
    struct carrier_sim_heap *h, struct carrier_sim_due *d, int64_t at_ms)
{
	d->at_ms = at_ms;
	d->order = h->next++;
	if (d->index == 0) {
		if (h->count == h->cap) {
			h->cap = h->cap > 0 ? 2 * h->cap : 16;
			h->items =
			    mem_realloc(h->items, h->cap, sizeof(*h->items));
		}
		h->count++;
		set(h, h->count, d);
	}
	up(h, d->index);
	down(h, d->index);
}

void
carrier_sim_heap_remove(struct carrier_sim_heap *h, struct carrier_sim_due *d)
{
	size_t i = d->index;

	if (i == 0)
		return;
	CHECK(i <= h->count && h->items[i - 1] == d);
	struct carrier_sim_due *last = h->items[h->count - 1];
	h->count--;
	d->index = 0;
	if (last == d)
		return;
	set(h, i, last);
	up(h, i);
	down(h, last->index);
}

struct carrier_sim_due *
carrier_sim_heap_top(const struct carrier_sim_heap *h)
{
	return h->count > 0 ? h->items[0] : NULL;
}

void
carrier_sim_heap_free(struct carrier_sim_heap *h)
{
	mem_free(&h->items);
	h->count = 0;
	h->cap = 0;
}
