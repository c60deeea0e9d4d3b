#include "sim_disk.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/crc32.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/* The disk as a whole: made, copied, freed, and who is gone from it. */

#define MAGIC_EXT4 0xef53

struct sim_disk *
sim_disk_new(int64_t capacity_bytes)
{
	struct sim_disk *d = mem_zalloc(1, sizeof(*d));

	d->capacity_bytes = capacity_bytes;
	d->magic = MAGIC_EXT4;
	list_init(&d->files);
	list_init(&d->shms);
	d->root = sim_inode_new(d, true);
	d->root->linked = true;
	return d;
}

static void
clone_dir(
    struct sim_disk *to, const struct sim_inode *from, struct sim_inode *dir)
{
	dir->count = from->count;
	dir->cap = from->count;
	dir->entries = mem_zalloc(from->count, sizeof(*dir->entries));
	for (size_t n = 0; n < from->count; n++) {
		uint64_t number = from->entries[n].inode->number;

		dir->entries[n] = (struct sim_entry){
		    mem_strdup(from->entries[n].name), to->inodes[number]};
	}
}

static struct sim_inode *
clone_inode(struct sim_disk *to, const struct sim_inode *from)
{
	struct sim_inode *i = mem_zalloc(1, sizeof(*i));

	i->number = from->number;
	i->is_dir = from->is_dir;
	i->linked = true;
	i->mtime_ms = from->mtime_ms;
	i->changed = ++to->changes;
	list_init(&i->files);
	if (from->shm == NULL) {
		i->size = from->size;
		i->data = from->data;
		if (i->data != NULL)
			i->data->refs++;
	}
	sim_inode_count(to, i);
	return i;
}

struct sim_disk *
sim_disk_clone(const struct sim_disk *d)
{
	struct sim_disk *to = mem_zalloc(1, sizeof(*to));

	CHECK(d->name_count == 0);
	list_init(&to->files);
	list_init(&to->shms);
	to->capacity_bytes = d->capacity_bytes;
	to->magic = d->magic;
	to->now_ms = d->now_ms;
	to->count = to->cap = d->count;
	to->inodes = mem_zalloc(d->count, sizeof(struct sim_inode *));
	for (size_t n = 0; n < d->count; n++)
		if (d->inodes[n] != NULL && d->inodes[n]->linked) {
			CHECK(d->inodes[n]->undo.count == 0);
			to->inodes[n] = clone_inode(to, d->inodes[n]);
		}
	for (size_t n = 0; n < d->count; n++)
		if (to->inodes[n] != NULL && to->inodes[n]->is_dir)
			clone_dir(to, d->inodes[n], to->inodes[n]);
	to->root = to->inodes[d->root->number];
	return to;
}

void
sim_disk_free(struct sim_disk **dp)
{
	struct sim_disk *d = *dp;

	if (d == NULL)
		return;
	CHECK(list_empty(&d->files));
	for (size_t i = 0; i < d->name_count; i++) {
		mem_free(&d->names[i].name);
		mem_free(&d->names[i].to_name);
	}
	mem_free(&d->names);
	for (size_t n = 0; n < d->count; n++)
		if (d->inodes[n] != NULL)
			sim_inode_free(d, d->inodes[n]);
	mem_free(&d->inodes);
	mem_free(&d->lapsed);
	mem_free(dp);
}

void
sim_disk_set_capacity(struct sim_disk *d, int64_t capacity_bytes)
{
	d->capacity_bytes = capacity_bytes;
}

void
sim_disk_set_magic(struct sim_disk *d, uint64_t magic)
{
	d->magic = magic;
}

void
sim_disk_set_time(struct sim_disk *d, int64_t now_ms)
{
	d->now_ms = now_ms;
}

void
sim_disk_drop_process(struct sim_disk *d, const struct sim_process *p)
{
	/* Before its locks fall: nobody may write into what it still sees. */
	sim_shm_drop_process(d, p);
	LIST_FOREACH_SAFE (it, &d->files) {
		struct sim_file *f = CONTAINER_OF(it, struct sim_file, by_disk);

		if (f->process == p)
			sim_file_drop(f);
	}
	sim_disk_lapse(d, p, false);
}

static void
list_below(struct buf *b, const struct sim_inode *dir, const char *path)
{
	for (size_t n = 0; n < dir->count; n++) {
		const struct sim_inode *i = dir->entries[n].inode;
		const char *name = dir->entries[n].name;
		uint32_t crc = 0;

		if (i->is_dir) {
			char *below = mem_printf("%s%s/", path, name);

			buf_printf(b, "%s 0 00000000\n", below);
			list_below(b, i, below);
			mem_free(&below);
			continue;
		}
		if (i->data != NULL)
			crc = crc32_add(0, i->data->bytes, (size_t)i->size);
		buf_printf(
		    b, "%s%s %lld %08x\n", path, name, (long long)i->size, crc);
	}
}

char *
sim_disk_list_all(struct sim_disk *d)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);
	char *text;

	list_below(&b, d->root, "/");
	text = mem_strdup(buf_text(&b));
	buf_free(&b);
	return text;
}
