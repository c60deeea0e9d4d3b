#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/*
 * Inodes and the names that lead to them.
 *
 * A number is used again, the lowest first, as file systems do; but not
 * before a power cut can no longer bring back the file that had it.
 */

#define FIRST_NUMBER 2

/* --- inodes ----------------------------------------------------------------
 */

struct sim_inode *
sim_inode_new(struct sim_disk *d, bool is_dir)
{
	struct sim_inode *i = mem_zalloc(1, sizeof(*i));
	size_t n =
	    d->lowest_free > FIRST_NUMBER ? d->lowest_free : FIRST_NUMBER;

	while (n < d->count && d->inodes[n] != NULL)
		n++;
	if (n >= d->cap) {
		size_t cap = n < 32 ? 64 : 2 * n;

		d->inodes = mem_realloc(
		    (void *)d->inodes, cap, sizeof(struct sim_inode *));
		memset((void *)(d->inodes + d->cap), 0,
		    (cap - d->cap) * sizeof(struct sim_inode *));
		d->cap = cap;
	}
	if (n >= d->count)
		d->count = n + 1;
	d->lowest_free = n + 1;
	d->inodes[n] = i;
	i->number = n;
	i->is_dir = is_dir;
	i->mtime_ms = d->now_ms;
	i->changed = ++d->changes;
	list_init(&i->files);
	return i;
}

void
sim_inode_free(struct sim_disk *d, struct sim_inode *i)
{
	if (i->number < d->lowest_free)
		d->lowest_free = i->number;
	d->inodes[i->number] = NULL;
	if (i->counted)
		d->used_bytes -= i->size;
	for (size_t n = 0; n < i->count; n++)
		mem_free(&i->entries[n].name);
	mem_free(&i->entries);
	sim_bytes_release(&i->data);
	sim_undo_fini(&i->undo);
	sim_shm_file_free(&i->shm);
	mem_free(&i);
}

void
sim_inode_count(struct sim_disk *d, struct sim_inode *i)
{
	bool counts = !i->is_dir && (i->linked || i->opens > 0);

	if (counts != i->counted)
		d->used_bytes += counts ? i->size : -i->size;
	i->counted = counts;
}

void
sim_inode_release(struct sim_disk *d, struct sim_inode *i)
{
	if (i->linked || i->name_refs > 0 || i == d->root)
		return;
	/* Nothing can bring it back, so nothing need be taken back. */
	sim_undo_clear(&i->undo);
	if (i->opens == 0)
		sim_inode_free(d, i);
}

/* --- directories -----------------------------------------------------------
 */

/* Where name is, or would be. */
static size_t
place_of(const struct sim_inode *dir, const char *name, bool *there)
{
	size_t low = 0, high = dir->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = strcmp(dir->entries[mid].name, name);

		if (c == 0) {
			*there = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*there = false;
	return low;
}

struct sim_inode *
sim_dir_get(const struct sim_inode *dir, const char *name)
{
	bool there;
	size_t at = place_of(dir, name, &there);

	return there ? dir->entries[at].inode : NULL;
}

struct sim_inode *
sim_dir_put(struct sim_disk *d, struct sim_inode *dir, const char *name,
    struct sim_inode *i)
{
	bool there;
	size_t at = place_of(dir, name, &there);
	struct sim_inode *was = NULL;

	if (there) {
		was = dir->entries[at].inode;
		was->linked = false;
		sim_inode_count(d, was);
	} else {
		if (dir->count == dir->cap) {
			dir->cap = dir->cap > 0 ? 2 * dir->cap : 16;
			dir->entries = mem_realloc(
			    dir->entries, dir->cap, sizeof(*dir->entries));
		}
		memmove(dir->entries + at + 1, dir->entries + at,
		    (dir->count - at) * sizeof(*dir->entries));
		dir->count++;
		dir->entries[at].name = mem_strdup(name);
	}
	dir->entries[at].inode = i;
	dir->mtime_ms = d->now_ms;
	i->linked = true;
	sim_inode_count(d, i);
	return was;
}

struct sim_inode *
sim_dir_take(struct sim_disk *d, struct sim_inode *dir, const char *name)
{
	bool there;
	size_t at = place_of(dir, name, &there);
	struct sim_inode *was;

	if (!there)
		return NULL;
	was = dir->entries[at].inode;
	was->linked = false;
	sim_inode_count(d, was);
	mem_free(&dir->entries[at].name);
	dir->count--;
	memmove(dir->entries + at, dir->entries + at + 1,
	    (dir->count - at) * sizeof(*dir->entries));
	dir->mtime_ms = d->now_ms;
	return was;
}

/* --- paths -----------------------------------------------------------------
 */

void
sim_path_find(struct sim_disk *d, const char *path, struct sim_place *out)
{
	struct sim_inode *at = d->root;
	const char *p = path + strspn(path, "/");

	CHECK(path[0] == '/');
	out->dir = NULL;
	out->inode = NULL;
	out->sys = ENOENT;
	out->name[0] = '\0';
	while (*p != '\0') {
		size_t len = strcspn(p, "/");

		if (at == NULL)
			return;
		if (!at->is_dir || len >= sizeof(out->name)) {
			out->sys = at->is_dir ? ENAMETOOLONG : ENOTDIR;
			return;
		}
		memcpy(out->name, p, len);
		out->name[len] = '\0';
		p += len;
		p += strspn(p, "/");
		if (*p == '\0')
			out->dir = at;
		at = sim_dir_get(at, out->name);
	}
	out->inode = at;
	if (at != NULL)
		out->sys = 0;
}

/* --- pending changes of names ----------------------------------------------
 */

void
sim_names_add(struct sim_disk *d, const struct sim_name *n)
{
	struct sim_name *to;

	if (d->name_count == d->name_cap) {
		d->name_cap = d->name_cap > 0 ? 2 * d->name_cap : 32;
		d->names =
		    mem_realloc(d->names, d->name_cap, sizeof(*d->names));
	}
	to = &d->names[d->name_count++];
	*to = *n;
	to->seq = d->seq++;
	to->name = mem_strdup(n->name);
	to->to_name = mem_strdup(n->to_name);
	n->dir->name_refs++;
	n->inode->name_refs++;
	if (n->to_dir != NULL)
		n->to_dir->name_refs++;
	if (n->replaced != NULL)
		n->replaced->name_refs++;
}

static void
unref(struct sim_disk *d, struct sim_inode *i)
{
	if (i == NULL)
		return;
	i->name_refs--;
	sim_inode_release(d, i);
}

void
sim_names_forget(struct sim_disk *d,
    bool (*gone)(void *arg, const struct sim_name *n), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->name_count; i++) {
		struct sim_name *n = &d->names[i];

		if (!gone(arg, n)) {
			d->names[kept++] = *n;
			continue;
		}
		mem_free(&n->name);
		mem_free(&n->to_name);
		unref(d, n->inode);
		unref(d, n->replaced);
		unref(d, n->dir);
		unref(d, n->to_dir);
	}
	d->name_count = kept;
}
