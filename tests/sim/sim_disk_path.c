#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/*
 * What is done by path.  Texts and codes are those of net_file.c, so that a
 * simulated run reads like a real one.
 */

static void
fill_stat(const struct sim_inode *i, struct env_stat *out)
{
	uint64_t links = i->linked;

	if (i->is_dir) {
		links = 2;
		for (size_t n = 0; n < i->count; n++)
			links += i->entries[n].inode->is_dir;
	}
	*out = (struct env_stat){.size_bytes = i->is_dir ? 4096 : i->size,
	    .inode = i->number,
	    .links = links,
	    .mode = i->is_dir ? S_IFDIR | 0700U : S_IFREG | 0600U,
	    .mtime_ms = i->mtime_ms,
	    .is_dir = i->is_dir};
}

void
sim_disk_fstat(const struct sim_file *f, struct env_stat *out)
{
	CHECK(f->disk != NULL);
	fill_stat(f->inode, out);
}

enum err_code
sim_disk_stat(
    struct sim_disk *d, const char *path, struct env_stat *out, struct err *err)
{
	struct sim_place at;

	sim_path_find(d, path, &at);
	if (at.inode == NULL)
		return err_sys(err, at.sys, "stat %s", path);
	fill_stat(at.inode, out);
	return ERR_NONE;
}

uint64_t
sim_disk_changed(struct sim_disk *d, const char *path)
{
	struct sim_place at;

	sim_path_find(d, path, &at);
	return at.inode != NULL ? at.inode->changed : 0;
}

static void
add(struct sim_disk *d, const struct sim_place *at, struct sim_inode *i)
{
	struct sim_name n = {.kind = SIM_NAME_ADD,
	    .dir = at->dir,
	    .name = (char *)(uintptr_t)at->name,
	    .inode = i};

	(void)sim_dir_put(d, at->dir, at->name, i);
	sim_names_add(d, &n);
}

static void
empty(struct sim_file *f)
{
	struct err ignored;

	if (f->inode->size > 0)
		(void)sim_disk_truncate(f, 0, &ignored);
}

enum err_code
sim_disk_open(struct sim_disk *d, struct sim_process *p, const char *path,
    unsigned flags, struct sim_file **out, struct err *err)
{
	bool writes = (flags & (ENV_WRITE | ENV_APPEND)) != 0;
	struct sim_place at;

	CHECK(writes || (flags & ENV_READ) != 0);
	sim_path_find(d, path, &at);
	if (at.inode == NULL && (at.dir == NULL || !(flags & ENV_CREATE)))
		return err_sys(err, at.sys, "open %s", path);
	if (at.inode != NULL && (flags & ENV_CREATE) && (flags & ENV_EXCLUSIVE))
		return err_set(
		    err, ERR_EXISTS, EEXIST, "open %s: exists already", path);
	if (at.inode != NULL && at.inode->is_dir)
		return err_sys(err, EISDIR, "open %s", path);
	if (at.inode == NULL) {
		at.inode = sim_inode_new(d, false);
		add(d, &at, at.inode);
	}
	*out = sim_file_new(d, p, at.inode, path, flags);
	if (flags & ENV_TRUNCATE)
		empty(*out);
	return ERR_NONE;
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* errno in the order in which Linux asks; 0: it may be done. */
static int
why_not_rename(const struct sim_place *a, const char *from,
    const struct sim_place *b, const char *to)
{
	if (a->dir == NULL)
		return a->inode != NULL ? EBUSY : a->sys;
	if (b->dir == NULL)
		return b->inode != NULL ? EBUSY : b->sys;
	if (a->inode == NULL)
		return a->sys;
	if (a->inode->is_dir && is_below(to, from))
		return EINVAL;
	if (b->inode == NULL || b->inode == a->inode)
		return 0;
	if (b->inode->is_dir && is_below(from, to))
		return ENOTEMPTY;
	if (b->inode->is_dir != a->inode->is_dir)
		return b->inode->is_dir ? EISDIR : ENOTDIR;
	return b->inode->is_dir && b->inode->count > 0 ? ENOTEMPTY : 0;
}

enum err_code
sim_disk_rename(
    struct sim_disk *d, const char *from, const char *to, struct err *err)
{
	struct sim_place a, b;
	int sys;

	sim_path_find(d, from, &a);
	sim_path_find(d, to, &b);
	sys = why_not_rename(&a, from, &b, to);
	if (sys != 0)
		return err_sys(err, sys, "rename %s to %s", from, to);
	if (a.inode == b.inode)
		return ERR_NONE;

	struct sim_name n = {.kind = SIM_NAME_MOVE,
	    .dir = a.dir,
	    .to_dir = b.dir,
	    .name = a.name,
	    .to_name = b.name,
	    .inode = a.inode,
	    .replaced = b.inode};
	(void)sim_dir_take(d, a.dir, a.name);
	(void)sim_dir_put(d, b.dir, b.name, a.inode);
	sim_names_add(d, &n);
	return ERR_NONE;
}

enum err_code
sim_disk_remove(struct sim_disk *d, const char *path, struct err *err)
{
	struct sim_place at;
	int sys;

	sim_path_find(d, path, &at);
	sys = at.sys;
	if (sys == 0 && at.dir == NULL)
		sys = EBUSY;
	if (sys == 0 && at.inode->is_dir && at.inode->count > 0)
		sys = ENOTEMPTY;
	if (sys != 0)
		return err_sys(err, sys, "remove %s", path);

	struct sim_name n = {.kind = SIM_NAME_REMOVE,
	    .dir = at.dir,
	    .name = at.name,
	    .inode = at.inode};
	(void)sim_dir_take(d, at.dir, at.name);
	sim_names_add(d, &n);
	return ERR_NONE;
}

enum err_code
sim_disk_make_dir(struct sim_disk *d, const char *path, struct err *err)
{
	struct sim_place at;

	sim_path_find(d, path, &at);
	if (at.inode != NULL && at.inode->is_dir)
		return ERR_NONE;
	if (at.inode != NULL || at.dir == NULL)
		return err_sys(err, at.inode != NULL ? ENOTDIR : at.sys,
		    "make directory %s", path);
	add(d, &at, sim_inode_new(d, true));
	return ERR_NONE;
}

/* --- directories -----------------------------------------------------------
 */

/* errno, 0 with the directory in *out. */
static int
find_dir(struct sim_disk *d, const char *path, struct sim_inode **out)
{
	struct sim_place at;

	sim_path_find(d, path, &at);
	*out = at.inode;
	if (at.inode != NULL && !at.inode->is_dir)
		return ENOTDIR;
	return at.sys;
}

struct synced {
	uint64_t seq; /* names up to this change are durable */
	const struct sim_inode *dir;
};

/*
 * A change in two directories is one change, as in the log of a file system:
 * with it goes all that came before it in either.
 */
struct syncing {
	struct synced *dirs;
	size_t count;
};

static bool
is_synced(void *arg, const struct sim_name *n)
{
	const struct syncing *s = arg;

	for (size_t i = 0; i < s->count; i++)
		if ((s->dirs[i].dir == n->dir || s->dirs[i].dir == n->to_dir) &&
		    n->seq <= s->dirs[i].seq)
			return true;
	return false;
}

static void
also(struct syncing *s, const struct sim_inode *dir, uint64_t seq)
{
	if (dir == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (s->dirs[i].dir == dir)
			return;
	s->dirs = mem_realloc(s->dirs, s->count + 1, sizeof(*s->dirs));
	s->dirs[s->count++] = (struct synced){seq, dir};
}

enum err_code
sim_disk_sync_dir(struct sim_disk *d, const char *path, struct err *err)
{
	struct sim_inode *dir;
	struct syncing s = {NULL, 0};
	int sys = find_dir(d, path, &dir);

	if (sys != 0)
		return err_sys(err, sys, "open %s", path);
	if (d->name_count == 0)
		return ERR_NONE;
	also(&s, dir, UINT64_MAX);
	/* Backwards: what is found later is older. */
	for (size_t i = d->name_count; i > 0; i--) {
		const struct sim_name *n = &d->names[i - 1];

		if (!is_synced(&s, n))
			continue;
		also(&s, n->dir, n->seq);
		also(&s, n->to_dir, n->seq);
	}
	sim_names_forget(d, is_synced, &s);
	mem_free(&s.dirs);
	return ERR_NONE;
}

enum err_code
sim_disk_list_dir(struct sim_disk *d, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
	struct sim_inode *dir;
	int sys = find_dir(d, path, &dir);
	char **names;
	size_t count;

	if (sys != 0)
		return err_sys(err, sys, "list %s", path);
	/* each may remove or add names, or let others do so. */
	count = dir->count;
	names = mem_zalloc(count, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = mem_strdup(dir->entries[i].name);
	for (size_t i = 0; i < count; i++) {
		each(arg, names[i]);
		mem_free(&names[i]);
	}
	mem_free(&names);
	return ERR_NONE;
}

enum err_code
sim_disk_space(struct sim_disk *d, const char *path, struct env_space *out,
    struct err *err)
{
	struct sim_place at;

	sim_path_find(d, path, &at);
	if (at.inode == NULL)
		return err_sys(err, at.sys, "statfs %s", path);
	out->free_bytes = d->capacity_bytes > d->used_bytes
			      ? d->capacity_bytes - d->used_bytes
			      : 0;
	out->fs_magic = d->magic;
	return ERR_NONE;
}
