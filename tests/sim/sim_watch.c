#include <string.h>

#include "base/crc32.h"

#include "sim_world.h"

/*
 * What is judged while it happens.  After a disk error nobody writes to the
 * -wal again: what the kernel let go of is gone, and what comes behind it would
 * go with it.  So who meets one says so before anybody else may write.
 *
 * And a carrier is not asked what became of calls as fast as it answers: ten
 * calls never need 150 questions within a minute, thousands of runs have shown.
 */

#define MINUTE_US 60000000
#define ASKS_A_MINUTE 200

/* journal.lock: an id, then three marks; the CRC of each in its end. */
#define MARK_BYTES 512
#define MARK_BROKEN 1U

/* By the bytes of journal.lock. */
static bool
read_mark(struct sim_world *w)
{
	struct env *env = &w->m->host.own.env;
	struct env_file *f = NULL;
	uint8_t bytes[4 * MARK_BYTES] = {0};
	uint64_t newest = 0, flags = 0, crc = 0, stamp = 0;
	size_t got = 0;
	struct err err = {0};

	if (env_open(env, SIM_DATA "/journal.lock", ENV_READ, &f, &err) ==
	    ERR_NONE)
		(void)env_pread(env, f, bytes, sizeof(bytes), 0, &got, &err);
	env_close(env, &f);
	for (const uint8_t *m = bytes + MARK_BYTES; m < bytes + sizeof(bytes);
	     m += MARK_BYTES) {
		memcpy(&crc, m + MARK_BYTES - 8, sizeof(crc));
		memcpy(&stamp, m + 8, sizeof(stamp));
		if (crc != crc32_add(0, m, 128) || stamp <= newest)
			continue;
		newest = stamp;
		memcpy(&flags, m + 112, sizeof(flags));
	}
	return (flags & MARK_BROKEN) != 0;
}

/* Does journal.lock say that the disk has failed? */
static bool
is_marked(struct sim_world *w)
{
	uint64_t changed =
	    sim_disk_changed(w->m->disk, SIM_DATA "/journal.lock");

	if (changed == 0 || changed != w->mark_changed)
		w->marked = read_mark(w);
	w->mark_changed = changed;
	return w->marked;
}

static bool
is_file(const char *path, const char *name)
{
	return path != NULL && strcmp(path, name) == 0;
}

static void
count_ask(struct sim_world *w, const struct sim_process *p)
{
	if (w->m->now_us - w->asks_from_us > MINUTE_US) {
		w->asks_from_us = w->m->now_us;
		w->asks = 0;
	}
	if (++w->asks > ASKS_A_MINUTE)
		sim_world_fail(w,
		    "carrier: %s asked it for calls more than %d times within "
		    "a minute",
		    p->name, ASKS_A_MINUTE);
}

void
sim_watch_call(struct sim_world *w, const struct sim_process *p, enum sim_op op,
    const char *path)
{
	if (op == SIM_OP_POINT && is_file(path, "run.lookup.before"))
		count_ask(w, p);
	if (op == SIM_OP_WRITE && is_file(path, SIM_DATA "/journal.db-wal") &&
	    is_marked(w))
		sim_world_fail(w,
		    "disk: %s wrote to the -wal after a disk error was seen",
		    p->name);
	if (op != SIM_OP_UNLOCK || w->met_eio != p->number ||
	    !is_file(path, SIM_DATA "/journal.lock"))
		return;
	w->met_eio = 0;
	if (!is_marked(w))
		sim_world_fail(
		    w, "disk: %s met a disk error and told nobody", p->name);
}

/* The -wal grows by zeros behind its end: when that fails nothing is lost. */
static bool
makes_room(const struct sim_process *p)
{
	return p->last_point != NULL &&
	       strcmp(p->last_point, "journal.wal.grow") == 0;
}

/* Another fault after it may be why it could not tell. */
void
sim_watch_fault(struct sim_world *w, const struct sim_process *p,
    enum sim_op op, const char *path, const struct sim_deed *d)
{
	bool journal = is_file(path, SIM_DATA "/journal.db-wal") ||
		       is_file(path, SIM_DATA "/journal.db");

	if (d->act == SIM_ACT_ORDER && d->order == SIM_EIO && journal &&
	    (op == SIM_OP_SYNC || (op == SIM_OP_WRITE && !makes_room(p))))
		w->met_eio = p->number;
	else if (w->met_eio == p->number)
		w->met_eio = 0;
}
