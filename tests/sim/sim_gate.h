#ifndef DSRUN_TESTS_SIM_GATE_H
#define DSRUN_TESTS_SIM_GATE_H

#include <stdbool.h>

/*
 * Where a simulated process meets its machine.
 *
 * Before each external call (a file, a lock, a clock of SQLite's VFS, the
 * carrier, a crash point) the one that carries it out asks the gate.  There the
 * simulation may let other processes run first, stop this one for a while, kill
 * it, cut the power, or order the call to fail.  A process that was killed gets
 * SIM_DEAD for ever after: nothing of it has an effect any more, and it
 * unwinds.
 */

struct sim_process;

enum sim_op {
	SIM_OP_POINT, /* a crash point: no call, only a place */
	SIM_OP_OPEN,
	SIM_OP_READ,
	SIM_OP_WRITE,
	SIM_OP_TRUNCATE, /* also allocate */
	SIM_OP_SYNC,     /* also of a directory */
	SIM_OP_STAT,     /* also list, space, access */
	SIM_OP_LOCK,     /* also SQLite's and those of its shared memory */
	SIM_OP_UNLOCK,   /* never ordered to fail, but for SIM_DEAD */
	SIM_OP_RENAME,
	SIM_OP_REMOVE,
	SIM_OP_MAKE_DIR,
	SIM_OP_MAP,   /* SQLite's shared memory */
	SIM_OP_SLEEP, /* SQLite's xSleep and env_pause: others run meanwhile */
	/* Of the carrier (sim_carrier.h); no matter of the disk. */
	SIM_OP_DIAL,
	SIM_OP_LOOKUP,
	SIM_OP_HANGUP,
	SIM_OP_NOTICE, /* one comes in */
	SIM_OP_TAKEN,
	SIM_OP_COUNT
};

enum sim_order {
	SIM_GO,     /* do it */
	SIM_EIO,    /* fail with EIO, nothing done */
	SIM_ENOSPC, /* fail with ENOSPC; of a write: nothing done */
	SIM_EMFILE, /* of an open: no more file handles */
	SIM_SHORT, /* of a write: a part is done, then ENOSPC; of a read: EIO */
	SIM_LIE,   /* of a sync: say that it is done, and do nothing */
	SIM_LOST,  /* of a carrier's call: it never got there */
	SIM_MUTE,  /* of a dial: done, and nobody hears the answer */
	SIM_DEAD   /* the process is dead: fail with EIO, no effect */
};

/* path: of the file, for rules by name; may be NULL. */
enum sim_order sim_gate(
    struct sim_process *p, enum sim_op op, const char *path);

/* Is it dead?  Asks nothing and switches nothing. */
bool sim_is_dead(const struct sim_process *p);

#endif
