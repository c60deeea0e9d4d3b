#include "sim_image.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_machine.h"

#include "sim_vfs_priv.h"

#define PAGE_BYTES 4096
#define HEADER_BYTES 100
#define SCHEMA_PAGES_MAX 32
#define CONNECTIONS 2
#define OPEN_FLAGS (SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX)

struct image {
	void *copy; /* NULL: there is none */
	size_t bytes;
	sqlite3 *h[CONNECTIONS];
	struct sim_vfs_file *file[CONNECTIONS];
	int64_t user; /* who had it last: the slot's bound */
	int given;    /* connections, to the user */
};

static struct {
	struct sim_disk *disk;
	const char *path;
	bool use;
	uint32_t page[SCHEMA_PAGES_MAX]; /* that hold the schema */
	size_t pages;
	struct image image[SIM_VFS_SLOTS];
} images;

/* --- the pages of the schema ------------------------------------------------
 */

static uint32_t
number(const uint8_t *p, int bytes)
{
	uint32_t n = 0;

	for (int i = 0; i < bytes; i++)
		n = n << 8 | p[i];
	return n;
}

static bool
has_page(const struct sim_inode *i, uint32_t page)
{
	return i->size >= (int64_t)page * PAGE_BYTES;
}

static const uint8_t *
page_at(const struct sim_inode *i, uint32_t page)
{
	CHECK(has_page(i, page));
	return i->data->bytes + (size_t)(page - 1) * PAGE_BYTES;
}

/* Page 1 and its children: a tree of two levels, as the file format says. */
static void
find_pages(const struct sim_inode *i)
{
	const uint8_t *p = page_at(i, 1);
	const uint8_t *h = p + HEADER_BYTES;
	uint32_t cells = number(h + 3, 2);

	CHECK(h[0] == 5 && cells + 2 <= SCHEMA_PAGES_MAX);
	images.pages = 0;
	images.page[images.pages++] = 1;
	for (uint32_t c = 0; c < cells; c++)
		images.page[images.pages++] =
		    number(p + number(h + 12 + 2 * (size_t)c, 2), 4);
	images.page[images.pages++] = number(h + 8, 4);
	for (size_t n = 1; n < images.pages; n++)
		CHECK(page_at(i, images.page[n])[0] == 13);
}

static const struct sim_inode *
inode_of(struct sim_disk *d)
{
	struct sim_place at;

	sim_path_find(d, images.path, &at);
	return at.inode != NULL && at.inode->data != NULL ? at.inode : NULL;
}

static bool
same_schema(struct sim_disk *d)
{
	const struct sim_inode *ours = inode_of(images.disk);
	const struct sim_inode *theirs = inode_of(d);

	if (theirs == NULL)
		return false;
	for (size_t n = 0; n < images.pages; n++) {
		uint32_t page = images.page[n];
		size_t from = n == 0 ? HEADER_BYTES : 0;

		if (!has_page(theirs, page) ||
		    memcmp(page_at(ours, page) + from,
			page_at(theirs, page) + from, PAGE_BYTES - from) != 0)
			return false;
	}
	return true;
}

/* --- making one -------------------------------------------------------------
 */

int __real_sqlite3_open_v2(
    const char *path, sqlite3 **out, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(
    const char *path, sqlite3 **out, int flags, const char *vfs);

static void
connect(struct image *m, int n, const char *vfs)
{
	sqlite3_file *file = NULL;

	CHECK(__real_sqlite3_open_v2(images.path, &m->h[n], OPEN_FLAGS, vfs) ==
	      SQLITE_OK);
	/* Reads the schema, and leaves nothing of the file behind. */
	CHECK(sqlite3_exec(m->h[n], "PRAGMA synchronous=FULL", NULL, NULL,
		  NULL) == SQLITE_OK);
	(void)sqlite3_db_release_memory(m->h[n]);
	CHECK(sqlite3_file_control(m->h[n], "main", SQLITE_FCNTL_FILE_POINTER,
		  &file) == SQLITE_OK);
	m->file[n] = CONTAINER_OF(file, struct sim_vfs_file, base);
}

static void
make(struct image *m, int slot, struct sim_process *host)
{
	sim_vfs_bind(slot, host, images.disk);
	sim_vfs_running(host);
	sim_vfs_forget(slot);
	for (int n = 0; n < CONNECTIONS; n++)
		connect(m, n, sim_vfs_name(slot));
	m->copy = sim_vfs_mem_copy(slot, &m->bytes);
	for (int n = 0; n < CONNECTIONS; n++)
		sim_disk_close(&m->file[n]->file);
	sim_vfs_forget(slot);
	sim_vfs_running(NULL);
	sim_vfs_bind(slot, NULL, NULL);
}

/* Before a run, so that none is another for being the first. */
void
sim_image_make(
    struct sim_process *host, struct sim_disk *disk, const char *path)
{
	if (!sim_vfs_mem_pools())
		return;
	images.disk = disk;
	images.path = path;
	find_pages(inode_of(disk));
	for (int slot = 0; slot < SIM_PROCESSES_MAX; slot++)
		make(&images.image[slot], slot, host);
}

void
sim_image_free(void)
{
	for (int slot = 0; slot < SIM_PROCESSES_MAX; slot++)
		mem_free(&images.image[slot].copy);
	sim_disk_free(&images.disk);
}

void
sim_image_use(bool use)
{
	images.use = use;
}

/* --- using it ---------------------------------------------------------------
 */

/* Its n-th connection, on the process's own disk: 0, or why not. */
static int
reopen(struct image *m, int n, struct sim_vfs_slot *s)
{
	int flags = 0;

	if (s->vfs.xOpen(&s->vfs, images.path, &m->file[n]->base,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB,
		&flags) == SQLITE_OK)
		return 0;
	return s->last_errno;
}

static bool
fits(const char *path, int flags, int slot)
{
	const struct image *m = &images.image[slot];
	const struct sim_vfs_slot *s = sim_vfs_slot_at(slot);

	if (!images.use || m->copy == NULL || flags != OPEN_FLAGS ||
	    strcmp(path, images.path) != 0 || !same_schema(s->disk))
		return false;
	if (m->user == s->bound)
		return m->given > 0 && m->given < CONNECTIONS;
	return sim_vfs_mem_untouched(slot);
}

int
__wrap_sqlite3_open_v2(
    const char *path, sqlite3 **out, int flags, const char *vfs)
{
	const struct sim_process *p = sim_vfs_who_runs();
	int slot = sim_vfs_slot_of(p);
	struct sim_vfs_slot *s;
	struct image *m;

	if (slot < 0 || p->dead || !fits(path, flags, slot))
		return __real_sqlite3_open_v2(path, out, flags, vfs);
	m = &images.image[slot];
	s = sim_vfs_slot_at(slot);
	if (m->user != s->bound) {
		sim_vfs_mem_put(slot, m->copy, m->bytes);
		m->user = s->bound;
		m->given = 0;
	}
	s->refuses = reopen(m, m->given, s);
	if (s->refuses != 0)
		return __real_sqlite3_open_v2(path, out, flags, vfs);
	*out = m->h[m->given++];
	return SQLITE_OK;
}
