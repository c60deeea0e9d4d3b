#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/*
 * Locks.  All of them belong to an open file, so that two opens of one process
 * compete, as OFD locks do, and as SQLite makes its POSIX locks do.
 */

/* --- OFD -------------------------------------------------------------------
 */

static bool
has_lapsed(const struct sim_disk *d, const struct sim_process *p)
{
	for (size_t i = 0; i < d->lapsed_count; i++)
		if (d->lapsed[i] == p)
			return true;
	return false;
}

void
sim_disk_lapse(struct sim_disk *d, const struct sim_process *p, bool lapsed)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->lapsed_count; i++)
		if (d->lapsed[i] != p)
			d->lapsed[kept++] = d->lapsed[i];
	d->lapsed_count = kept;
	if (!lapsed)
		return;
	d->lapsed = mem_realloc((void *)d->lapsed, kept + 1, sizeof(p));
	d->lapsed[d->lapsed_count++] = p;
}

static struct sim_lock *
lock_on(const struct sim_file *f, int64_t byte)
{
	for (size_t i = 0; i < f->lock_count; i++)
		if (f->locks[i].byte == byte)
			return &f->locks[i];
	return NULL;
}

static bool
another_hinders(const struct sim_file *f, int64_t byte, bool exclusive)
{
	LIST_FOREACH (it, &f->inode->files) {
		const struct sim_file *o =
		    CONTAINER_OF(it, struct sim_file, by_inode);
		const struct sim_lock *l = o != f ? lock_on(o, byte) : NULL;

		if (l != NULL && (exclusive || l->exclusive) &&
		    !has_lapsed(f->disk, o->process))
			return true;
	}
	return false;
}

enum err_code
sim_disk_lock(struct sim_file *f, int64_t byte, bool exclusive, struct err *err)
{
	struct sim_lock *l;

	CHECK(f->disk != NULL);
	if (another_hinders(f, byte, exclusive))
		return err_set(err, ERR_BUSY, EAGAIN,
		    "lock byte %lld of %s: held by another", (long long)byte,
		    f->path);
	l = lock_on(f, byte);
	if (l == NULL) {
		if (f->lock_count == f->lock_cap) {
			f->lock_cap = f->lock_cap > 0 ? 2 * f->lock_cap : 4;
			f->locks = mem_realloc(
			    f->locks, f->lock_cap, sizeof(*f->locks));
		}
		l = &f->locks[f->lock_count++];
		l->byte = byte;
	}
	l->exclusive = exclusive;
	return ERR_NONE;
}

void
sim_disk_unlock(struct sim_file *f, int64_t byte)
{
	struct sim_lock *l = lock_on(f, byte);

	CHECK(f->disk != NULL);
	if (l != NULL)
		*l = f->locks[--f->lock_count];
}

/* --- SQLite's five levels --------------------------------------------------
 */

/* The highest level that another open of the file has; p: of that process. */
static int
others_level(const struct sim_file *f, const struct sim_process *p)
{
	int level = SQLITE_LOCK_NONE;

	LIST_FOREACH (it, &f->inode->files) {
		const struct sim_file *o =
		    CONTAINER_OF(it, struct sim_file, by_inode);

		if (o != f && o->level > level &&
		    (p == NULL || o->process == p))
			level = o->level;
	}
	return level;
}

bool
sim_level_raise(struct sim_file *f, int level)
{
	int others = others_level(f, NULL);

	CHECK(f->disk != NULL);
	if (f->level >= level)
		return true;
	switch (level) {
	case SQLITE_LOCK_SHARED:
		if (others >= SQLITE_LOCK_PENDING)
			return false;
		break;
	case SQLITE_LOCK_RESERVED:
		if (others >= SQLITE_LOCK_RESERVED)
			return false;
		break;
	default:
		/* Of its own process "unix" knows before it asks the kernel. */
		if (others >= SQLITE_LOCK_PENDING ||
		    others_level(f, f->process) >= SQLITE_LOCK_RESERVED)
			return false;
		/* No new readers from now on, until those there are gone. */
		if (others >= SQLITE_LOCK_SHARED) {
			f->level = SQLITE_LOCK_PENDING;
			return false;
		}
		break;
	}
	f->level = level;
	return true;
}

void
sim_level_lower(struct sim_file *f, int level)
{
	CHECK(f->disk != NULL);
	if (f->level > level)
		f->level = level;
}

bool
sim_level_reserved(const struct sim_file *f)
{
	CHECK(f->disk != NULL);
	return f->level >= SQLITE_LOCK_RESERVED ||
	       others_level(f, NULL) >= SQLITE_LOCK_RESERVED;
}
