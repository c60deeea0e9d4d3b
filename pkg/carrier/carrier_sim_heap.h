#ifndef DSRUN_CARRIER_SIM_HEAP_H
#define DSRUN_CARRIER_SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is due when: a heap of nodes embedded in their owners, by time, then in
 * the order put in, so that a run can be repeated.
 */
struct carrier_sim_due {
	int64_t at_ms;
	uint64_t order; /* the heap's own */
	size_t index;   /* the heap's own: 0 = in no heap */
};

/* Zeroed is empty. */
struct carrier_sim_heap {
	struct carrier_sim_due **items;
	size_t count;
	size_t cap;
	uint64_t next;
};

/* Put in, or move what is in. */
void carrier_sim_heap_put(
    struct carrier_sim_heap *h, struct carrier_sim_due *d, int64_t at_ms);
/* What is in no heap stays so. */
void carrier_sim_heap_remove(
    struct carrier_sim_heap *h, struct carrier_sim_due *d);
/* The earliest, NULL when empty. */
struct carrier_sim_due *carrier_sim_heap_top(const struct carrier_sim_heap *h);
void carrier_sim_heap_free(struct carrier_sim_heap *h);

#endif
