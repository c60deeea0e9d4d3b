#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/*
 * Open files and what they hold.  Each change of a file is done at once and
 * remembered with what it takes to undo it, until the file is synced; a file
 * that no name can lead to any more needs no memory of its changes.
 */

/* --- bytes -----------------------------------------------------------------
 */

void
sim_bytes_release(struct sim_bytes **b)
{
	if (*b != NULL && --(*b)->refs > 0)
		*b = NULL;
	mem_free(b);
}

/* Room for size bytes, ours alone. */
static uint8_t *
own(struct sim_inode *i, int64_t size)
{
	struct sim_bytes *was = i->data;
	bool shared = was != NULL && was->refs > 1;
	int64_t cap = was != NULL ? was->cap : 4096;

	if (was != NULL && !shared && size <= cap)
		return was->bytes;
	while (cap < size)
		cap *= 2;
	if (!shared) {
		i->data = mem_realloc(was, 1, sizeof(*i->data) + (size_t)cap);
	} else {
		i->data = mem_realloc(NULL, 1, sizeof(*i->data) + (size_t)cap);
		memcpy(i->data->bytes, was->bytes, (size_t)i->size);
		was->refs--;
	}
	i->data->refs = 1;
	i->data->cap = cap;
	return i->data->bytes;
}

void
sim_inode_set_size(struct sim_disk *d, struct sim_inode *i, int64_t size)
{
	if (size > i->size) {
		uint8_t *bytes = own(i, size);

		memset(bytes + i->size, 0, (size_t)(size - i->size));
	}
	if (i->counted)
		d->used_bytes += size - i->size;
	i->size = size;
	i->changed = ++d->changes;
}

void
sim_inode_put(struct sim_disk *d, struct sim_inode *i, const void *bytes,
    int64_t len, int64_t offset)
{
	int64_t end = offset + len;
	uint8_t *to = own(i, end > i->size ? end : i->size);

	if (offset > i->size)
		memset(to + i->size, 0, (size_t)(offset - i->size));
	memcpy(to + offset, bytes, (size_t)len);
	i->changed = ++d->changes;
	if (end > i->size) {
		if (i->counted)
			d->used_bytes += end - i->size;
		i->size = end;
	}
}

/* --- undo ------------------------------------------------------------------
 */

void
sim_undo_clear(struct sim_undo *u)
{
	u->count = 0;
	u->saved_len = 0;
}

void
sim_undo_fini(struct sim_undo *u)
{
	mem_free(&u->changes);
	mem_free(&u->saved);
	memset(u, 0, sizeof(*u));
}

static size_t
save(struct sim_undo *u, const uint8_t *bytes, size_t len)
{
	size_t at = u->saved_len;

	if (len > u->saved_cap - at) {
		size_t cap = u->saved_cap > 0 ? u->saved_cap : 16384;

		while (cap - at < len)
			cap *= 2;
		u->saved = mem_realloc(u->saved, cap, 1);
		u->saved_cap = cap;
	}
	memcpy(u->saved + at, bytes, len);
	u->saved_len += len;
	return at;
}

/* What lies in [offset, end) is about to go. */
static void
remember(struct sim_disk *d, struct sim_inode *i, int64_t offset, int64_t len,
    bool is_size)
{
	struct sim_undo *u = &i->undo;
	struct sim_change c = {.seq = d->seq++,
	    .offset = offset,
	    .len = len,
	    .old_size = i->size,
	    .is_size = is_size};
	int64_t end =
	    is_size || offset + len > i->size ? i->size : offset + len;

	if (!i->linked && i->name_refs == 0)
		return;
	if (end > offset)
		c.saved_at =
		    save(u, i->data->bytes + offset, (size_t)(end - offset));
	if (u->count == u->cap) {
		u->cap = u->cap > 0 ? 2 * u->cap : 32;
		u->changes =
		    mem_realloc(u->changes, u->cap, sizeof(*u->changes));
	}
	u->changes[u->count++] = c;
}

/* --- open files ------------------------------------------------------------
 */

struct sim_file *
sim_file_new(struct sim_disk *d, struct sim_process *p, struct sim_inode *i,
    const char *path, unsigned flags)
{
	size_t len = strlen(path);
	struct sim_file *f = mem_zalloc(1, sizeof(*f) + len + 1);

	f->disk = d;
	f->inode = i;
	f->process = p;
	f->flags = flags;
	memcpy(f->path, path, len);
	list_add_tail(&d->files, &f->by_disk);
	list_add_tail(&i->files, &f->by_inode);
	i->opens++;
	sim_inode_count(d, i);
	return f;
}

struct sim_file *
sim_file_nameless(struct sim_disk *d, struct sim_process *p)
{
	return sim_file_new(
	    d, p, sim_inode_new(d, false), "", ENV_READ | ENV_WRITE);
}

void
sim_file_drop(struct sim_file *f)
{
	struct sim_disk *d = f->disk;
	struct sim_inode *i = f->inode;

	if (d == NULL)
		return;
	f->lock_count = 0;
	f->level = 0;
	if (f->shm != NULL)
		sim_shm_unlock(f, 0, SIM_SHM_LOCKS);
	list_remove(&f->by_disk);
	list_remove(&f->by_inode);
	f->disk = NULL;
	f->inode = NULL;
	i->opens--;
	sim_inode_count(d, i);
	sim_inode_release(d, i);
}

void
sim_disk_close(struct sim_file **fp)
{
	struct sim_file *f = *fp;

	if (f == NULL)
		return;
	(void)sim_shm_unmap(f);
	sim_file_drop(f);
	mem_free(&f->locks);
	mem_free(fp);
}

const char *
sim_file_path(const struct sim_file *f)
{
	return f->path;
}

struct sim_process *
sim_file_process(const struct sim_file *f)
{
	return f->process;
}

int64_t
sim_file_size(const struct sim_file *f)
{
	CHECK(f->disk != NULL);
	return f->inode->size;
}

size_t
sim_disk_pread(struct sim_file *f, void *bytes, size_t len, int64_t offset)
{
	const struct sim_inode *i;

	CHECK(f->disk != NULL && (f->flags & ENV_READ) != 0 && offset >= 0);
	i = f->inode;
	if (offset >= i->size)
		return 0;
	if (len > (size_t)(i->size - offset))
		len = (size_t)(i->size - offset);
	if (i->data != NULL)
		memcpy(bytes, i->data->bytes + offset, len);
	else
		memset(bytes, 0, len);
	return len;
}

/* How much of a write of len at offset there is room for. */
static int64_t
that_fits(const struct sim_file *f, int64_t len, int64_t offset)
{
	int64_t room = f->disk->capacity_bytes - f->disk->used_bytes;
	int64_t end = f->inode->size + (room > 0 ? room : 0);

	if (offset + len <= end)
		return len;
	return end > offset ? end - offset : 0;
}

static enum err_code
write_at(struct sim_file *f, const void *bytes, size_t len, int64_t offset,
    int64_t partial_bytes, struct err *err)
{
	int64_t n;

	sim_shm_forget(f->disk, f->inode);
	n = that_fits(f, (int64_t)len, offset);
	if (partial_bytes >= 0 && partial_bytes < n)
		n = partial_bytes;
	if (n > 0) {
		remember(f->disk, f->inode, offset, n, false);
		sim_inode_put(f->disk, f->inode, bytes, n, offset);
		f->inode->mtime_ms = f->disk->now_ms;
	}
	if (n < (int64_t)len || partial_bytes >= 0)
		return err_sys(err, ENOSPC, "write %s", f->path);
	return ERR_NONE;
}

enum err_code
sim_disk_pwrite(struct sim_file *f, const void *bytes, size_t len,
    int64_t offset, int64_t partial_bytes, struct err *err)
{
	CHECK(f->disk != NULL && offset >= 0);
	CHECK((f->flags & (ENV_WRITE | ENV_APPEND)) == ENV_WRITE);
	return write_at(f, bytes, len, offset, partial_bytes, err);
}

enum err_code
sim_disk_append(struct sim_file *f, const void *bytes, size_t len,
    int64_t partial_bytes, struct err *err)
{
	CHECK(f->disk != NULL && (f->flags & ENV_APPEND) != 0);
	return write_at(f, bytes, len, f->inode->size, partial_bytes, err);
}

static enum err_code
set_size(struct sim_file *f, int64_t size, const char *doing, struct err *err)
{
	struct sim_inode *i = f->inode;

	CHECK(size >= 0);
	sim_shm_forget(f->disk, i);
	if (size > i->size && that_fits(f, 1, size - 1) == 0)
		return err_sys(err, ENOSPC, "%s %s", doing, f->path);
	if (size != i->size) {
		remember(f->disk, i, size, 0, true);
		sim_inode_set_size(f->disk, i, size);
	}
	i->mtime_ms = f->disk->now_ms;
	return ERR_NONE;
}

enum err_code
sim_disk_truncate(struct sim_file *f, int64_t size, struct err *err)
{
	CHECK(f->disk != NULL);
	return set_size(f, size, "truncate", err);
}

enum err_code
sim_disk_allocate(struct sim_file *f, int64_t size, struct err *err)
{
	CHECK(f->disk != NULL);
	return size > f->inode->size ? set_size(f, size, "allocate", err)
				     : ERR_NONE;
}

void
sim_disk_sync(struct sim_file *f)
{
	CHECK(f->disk != NULL);
	sim_undo_clear(&f->inode->undo);
}
