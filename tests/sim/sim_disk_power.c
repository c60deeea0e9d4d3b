#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/*
 * A power cut: all pending changes are taken back, the newest first, which
 * leaves what is durable; then those the device kept are done again, in the
 * order they had.
 */

#define SECTOR 512

/* One pending change, of bytes or of names. */
struct op {
	uint64_t seq;
	struct sim_inode *inode;        /* of bytes */
	const struct sim_change *bytes; /* NULL: names */
	const struct sim_name *names;
	uint8_t *redo; /* what a write wrote */
	bool keep;
};

struct cut {
	struct sim_disk *disk;
	struct sim_rand *rand;
	struct op *ops;
	size_t count;
};

/* --- not this machine's ----------------------------------------------------
 */

static bool
is_named(const char *outside, const char *path, const char *name)
{
	return strcmp(outside, outside[0] == '/' ? path : name) == 0;
}

/* Marks what is outside; true when there is something. */
static bool
mark_outside(struct sim_inode *i, const char *outside, const char *path,
    const char *name, bool inherited)
{
	bool any = inherited || is_named(outside, path, name);

	i->outside = any;
	for (size_t n = 0; n < i->count; n++) {
		struct sim_inode *child = i->entries[n].inode;

		if (!child->is_dir) {
			child->outside = i->outside;
			continue;
		}
		char *below = mem_printf("%s/%s", path, i->entries[n].name);

		if (mark_outside(
			child, outside, below, i->entries[n].name, i->outside))
			any = true;
		mem_free(&below);
	}
	i->holds_outside = any;
	return any;
}

/* The name of the outside's own directory, and of those above, stay too. */
static bool
is_outside(void *arg, const struct sim_name *n)
{
	(void)arg;
	return n->dir->outside || (n->to_dir != NULL && n->to_dir->outside) ||
	       n->inode->outside || n->inode->holds_outside;
}

static void
keep_outside(struct sim_disk *d, const char *outside)
{
	if (!mark_outside(d->root, outside, "", "", false))
		return;
	for (size_t n = 0; n < d->count; n++)
		if (d->inodes[n] != NULL && d->inodes[n]->outside)
			sim_undo_clear(&d->inodes[n]->undo);
	sim_names_forget(d, is_outside, NULL);
}

/* --- back to what is durable -----------------------------------------------
 */

static int
by_seq(const void *a, const void *b)
{
	const struct op *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
collect(struct cut *c)
{
	struct sim_disk *d = c->disk;
	size_t total = d->name_count, at = 0;

	for (size_t n = 0; n < d->count; n++)
		if (d->inodes[n] != NULL)
			total += d->inodes[n]->undo.count;
	c->ops = mem_zalloc(total, sizeof(*c->ops));
	for (size_t n = 0; n < d->name_count; n++)
		c->ops[at++] =
		    (struct op){.seq = d->names[n].seq, .names = &d->names[n]};
	for (size_t n = 0; n < d->count; n++) {
		struct sim_inode *i = d->inodes[n];

		for (size_t k = 0; i != NULL && k < i->undo.count; k++)
			c->ops[at++] =
			    (struct op){.seq = i->undo.changes[k].seq,
				.inode = i,
				.bytes = &i->undo.changes[k]};
	}
	c->count = total;
	qsort(c->ops, total, sizeof(*c->ops), by_seq);
}

static void
undo_bytes(struct sim_disk *d, struct op *op)
{
	struct sim_inode *i = op->inode;
	const struct sim_change *c = op->bytes;
	int64_t end = c->is_size || c->offset + c->len > c->old_size
			  ? c->old_size
			  : c->offset + c->len;

	/* All later changes are undone: the file holds what this one wrote. */
	if (!c->is_size)
		op->redo = mem_dup(i->data->bytes + c->offset, (size_t)c->len);
	sim_inode_set_size(d, i, c->old_size);
	if (end > c->offset)
		sim_inode_put(d, i, i->undo.saved + c->saved_at,
		    end - c->offset, c->offset);
}

static void
undo_names(struct sim_disk *d, const struct sim_name *n)
{
	switch (n->kind) {
	case SIM_NAME_ADD:
		(void)sim_dir_take(d, n->dir, n->name);
		break;
	case SIM_NAME_REMOVE:
		(void)sim_dir_put(d, n->dir, n->name, n->inode);
		break;
	case SIM_NAME_MOVE:
		(void)sim_dir_take(d, n->to_dir, n->to_name);
		if (n->replaced != NULL)
			(void)sim_dir_put(
			    d, n->to_dir, n->to_name, n->replaced);
		(void)sim_dir_put(d, n->dir, n->name, n->inode);
		break;
	}
}

/* --- what the device kept --------------------------------------------------
 */

/* A directory, and how many of its changes are kept. */
struct prefix {
	const struct sim_inode *dir;
	int64_t count, kept, seen;
	bool ended; /* a change in two directories did not come to be */
};

static struct prefix *
prefix_of(struct prefix *all, size_t *count, const struct sim_inode *dir)
{
	for (size_t i = 0; i < *count; i++)
		if (all[i].dir == dir)
			return &all[i];
	all[*count] = (struct prefix){.dir = dir};
	return &all[(*count)++];
}

static bool
goes_on(struct prefix *p)
{
	return !p->ended && p->seen++ < p->kept;
}

static void
choose_names(struct cut *c)
{
	size_t n = 0;
	struct prefix *all = mem_zalloc(2 * c->count, sizeof(*all));

	for (size_t i = 0; i < c->count; i++) {
		const struct sim_name *name = c->ops[i].names;

		if (name == NULL)
			continue;
		prefix_of(all, &n, name->dir)->count++;
		if (name->to_dir != NULL && name->to_dir != name->dir)
			prefix_of(all, &n, name->to_dir)->count++;
	}
	for (size_t i = 0; i < n; i++)
		all[i].kept = sim_rand_below(c->rand, all[i].count + 1);
	for (size_t i = 0; i < c->count; i++) {
		const struct sim_name *name = c->ops[i].names;
		struct prefix *from, *to;
		bool keep;

		if (name == NULL)
			continue;
		from = to = prefix_of(all, &n, name->dir);
		keep = goes_on(from);
		if (name->to_dir != NULL && name->to_dir != name->dir) {
			to = prefix_of(all, &n, name->to_dir);
			keep = goes_on(to) && keep;
		}
		c->ops[i].keep = keep;
		from->ended = from->ended || !keep;
		to->ended = to->ended || !keep;
	}
	mem_free(&all);
}

static void
choose(struct cut *c, enum sim_device device)
{
	int64_t prefix, ppm;

	switch (device) {
	case SIM_DEVICE_ORDERED:
		prefix = sim_rand_below(c->rand, (int64_t)c->count + 1);
		for (int64_t i = 0; i < prefix; i++)
			c->ops[i].keep = true;
		break;
	case SIM_DEVICE_REORDERS:
	case SIM_DEVICE_GARBLES:
		/* Sometimes few are there, sometimes nearly all. */
		ppm = sim_rand_below(c->rand, 1000001);
		for (size_t i = 0; i < c->count; i++)
			if (c->ops[i].bytes != NULL)
				c->ops[i].keep = sim_rand_ppm(c->rand, ppm);
		choose_names(c);
		break;
	case SIM_DEVICE_DROPS:
	case SIM_DEVICE_KEEPS:
	case SIM_DEVICE_COUNT:
		break;
	}
}

/* [*from, *to) of the write gets there: its sectors before or behind one. */
static void
tear(struct sim_rand *r, const struct sim_change *c, int64_t *from, int64_t *to)
{
	int64_t first = c->offset / SECTOR + 1;
	int64_t last = (c->offset + c->len - 1) / SECTOR;
	int64_t at;

	if (last < first)
		return;
	at = sim_rand_between(r, first, last) * SECTOR - c->offset;
	if (sim_rand_below(r, 2) == 0)
		*to = at;
	else
		*from = at;
}

static void
spoil(struct sim_rand *r, uint8_t *bytes, int64_t len)
{
	int64_t from = sim_rand_below(r, len);

	sim_rand_bytes(
	    r, bytes + from, (size_t)sim_rand_between(r, 1, len - from));
}

static void
redo_bytes(struct cut *c, const struct op *op, bool garbles)
{
	int64_t from = 0, to = op->bytes->len;

	if (op->bytes->is_size) {
		sim_inode_set_size(c->disk, op->inode, op->bytes->offset);
		return;
	}
	if (garbles) {
		int64_t fate = sim_rand_below(c->rand, 4);

		if (fate == 0)
			tear(c->rand, op->bytes, &from, &to);
		else if (fate == 1)
			spoil(c->rand, op->redo, to);
	}
	sim_inode_put(c->disk, op->inode, op->redo + from, to - from,
	    op->bytes->offset + from);
}

static void
redo_names(struct sim_disk *d, const struct sim_name *n)
{
	switch (n->kind) {
	case SIM_NAME_ADD:
		(void)sim_dir_put(d, n->dir, n->name, n->inode);
		break;
	case SIM_NAME_REMOVE:
		(void)sim_dir_take(d, n->dir, n->name);
		break;
	case SIM_NAME_MOVE:
		(void)sim_dir_take(d, n->dir, n->name);
		(void)sim_dir_put(d, n->to_dir, n->to_name, n->inode);
		break;
	}
}

/* --- whole -----------------------------------------------------------------
 */

static void
reach(struct sim_inode *i)
{
	i->reached = true;
	for (size_t n = 0; n < i->count; n++)
		reach(i->entries[n].inode);
}

static bool
any_name(void *arg, const struct sim_name *n)
{
	(void)arg;
	(void)n;
	return true;
}

/* Nothing is pending any more, and what no name leads to is gone. */
static void
sweep(struct sim_disk *d)
{
	sim_names_forget(d, any_name, NULL);
	reach(d->root);
	for (size_t n = 0; n < d->count; n++) {
		struct sim_inode *i = d->inodes[n];

		if (i == NULL)
			continue;
		sim_undo_clear(&i->undo);
		if (!i->reached && i->opens == 0)
			sim_inode_free(d, i);
		else
			i->outside = i->holds_outside = i->reached = false;
	}
}

void
sim_disk_settle(struct sim_disk *d)
{
	sweep(d);
}

void
sim_disk_power_cut(struct sim_disk *d, enum sim_device device,
    const char *outside, struct sim_rand *rand)
{
	struct cut c = {.disk = d, .rand = rand};

	CHECK(list_empty(&d->files) && device < SIM_DEVICE_COUNT);
	for (size_t n = 0; n < d->count; n++)
		if (d->inodes[n] != NULL)
			sim_shm_forget(d, d->inodes[n]);
	if (device == SIM_DEVICE_KEEPS) {
		sweep(d);
		return;
	}
	if (outside != NULL)
		keep_outside(d, outside);
	collect(&c);
	for (size_t i = c.count; i > 0; i--) {
		if (c.ops[i - 1].bytes != NULL)
			undo_bytes(d, &c.ops[i - 1]);
		else
			undo_names(d, c.ops[i - 1].names);
	}
	choose(&c, device);
	for (size_t i = 0; i < c.count; i++) {
		if (c.ops[i].keep && c.ops[i].bytes != NULL)
			redo_bytes(&c, &c.ops[i], device == SIM_DEVICE_GARBLES);
		else if (c.ops[i].keep)
			redo_names(d, c.ops[i].names);
		mem_free(&c.ops[i].redo);
	}
	mem_free(&c.ops);
	sweep(d);
}
