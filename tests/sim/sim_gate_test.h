#ifndef DSRUN_TESTS_SIM_GATE_TEST_H
#define DSRUN_TESTS_SIM_GATE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk.h"
#include "sim_gate.h"

/*
 * A gate for tests of the disk and of SQLite's file system on it: orders one
 * thing at the n-th call, or kills the process that makes it.
 */

struct sim_process {
	const char *name;
	bool dead;
};

static struct {
	struct sim_disk *disk;   /* from which a killed process is dropped */
	long calls;              /* that came by, and that the rule looks at */
	long at;                 /* at which of those; 0: never */
	enum sim_order order;    /* SIM_DEAD kills */
	bool for_ever;           /* also at all calls after it */
	unsigned ops;            /* bits of enum sim_op; 0: all */
	const char *suffix;      /* of paths; NULL: all */
	struct sim_process *who; /* NULL: whoever */
	long hits;
	long nameless; /* temporary files opened */
	/* Runs instead of the order; others may act on the disk here. */
	void (*hook)(struct sim_process *p, enum sim_op op, const char *path);
} gate;

static inline void
gate_reset(struct sim_disk *d)
{
	memset(&gate, 0, sizeof(gate));
	gate.disk = d;
}

static inline void
gate_at(long at, enum sim_order order)
{
	gate.calls = gate.hits = 0;
	gate.at = at;
	gate.order = order;
}

static inline void
gate_kill(struct sim_process *p)
{
	p->dead = true;
	sim_disk_drop_process(gate.disk, p);
}

static inline bool
gate_ends_with(const char *path, const char *suffix)
{
	size_t len = path != NULL ? strlen(path) : 0;
	size_t n = strlen(suffix);

	return len >= n && strcmp(path + len - n, suffix) == 0;
}

enum sim_order
sim_gate(struct sim_process *p, enum sim_op op, const char *path)
{
	if (p->dead)
		return SIM_DEAD;
	gate.nameless += op == SIM_OP_OPEN && path == NULL;
	if ((gate.ops != 0 && (gate.ops & 1U << op) == 0) ||
	    (gate.suffix != NULL && !gate_ends_with(path, gate.suffix)) ||
	    (gate.who != NULL && gate.who != p))
		return SIM_GO;
	gate.calls++;
	if (gate.at == 0 || gate.calls < gate.at ||
	    (gate.calls > gate.at && !gate.for_ever))
		return SIM_GO;
	gate.hits++;
	if (gate.hook != NULL) {
		gate.hook(p, op, path);
		return p->dead ? SIM_DEAD : SIM_GO;
	}
	if (gate.order != SIM_DEAD && op == SIM_OP_UNLOCK)
		return SIM_GO;
	if (gate.order == SIM_DEAD)
		gate_kill(p);
	return gate.order;
}

bool
sim_is_dead(const struct sim_process *p)
{
	return p->dead;
}

#endif
