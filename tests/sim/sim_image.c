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
#define STATEMENTS_MAX 64
#define SETTINGS_MAX 4
#define OPEN_FLAGS (SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX)

/* What is always done with the first connection, or the second. */
struct habit {
	const char *setting[SETTINGS_MAX]; /* before its first statement */
	size_t settings;
	const char *sql[STATEMENTS_MAX];
	size_t count;
};

struct image {
	void *copy; /* NULL: there is none */
	size_t bytes;
	sqlite3 *h[CONNECTIONS];
	struct sim_vfs_file *file[CONNECTIONS];
	sqlite3_stmt *statement[CONNECTIONS][STATEMENTS_MAX];
	uint64_t taken[CONNECTIONS]; /* a bit for each statement */
	int64_t user;                /* who had it last: the slot's bound */
	int given;     /* connections, to the user; all: no more are */
	unsigned open; /* a bit for each that was given and is not closed */
};

static struct {
	struct sim_disk *disk;
	const char *path;
	bool use, learns;
	struct habit habit[CONNECTIONS];
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

/* SQLite's own, and what the linker calls in their place. */
int __real_sqlite3_open_v2(
    const char *path, sqlite3 **out, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(
    const char *path, sqlite3 **out, int flags, const char *vfs);
int __real_sqlite3_exec(sqlite3 *h, const char *sql,
    int (*each)(void *, int, char **, char **), void *arg, char **error);
int __wrap_sqlite3_exec(sqlite3 *h, const char *sql,
    int (*each)(void *, int, char **, char **), void *arg, char **error);
int __real_sqlite3_prepare_v3(sqlite3 *h, const char *sql, int len,
    unsigned flags, sqlite3_stmt **out, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *h, const char *sql, int len,
    unsigned flags, sqlite3_stmt **out, const char **tail);
int __real_sqlite3_close_v2(sqlite3 *h);
int __wrap_sqlite3_close_v2(sqlite3 *h);

/* As pkg/journal begins, so that nothing of it changes what was prepared. */
static void
configure(sqlite3 *h)
{
	(void)sqlite3_extended_result_codes(h, 1);
	(void)sqlite3_busy_timeout(h, 10000);
	(void)sqlite3_db_config(h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_autocheckpoint(h, 0);
}

static void
connect(struct image *m, int n, const char *vfs)
{
	const struct habit *habit = &images.habit[n];
	sqlite3_file *file = NULL;

	CHECK(__real_sqlite3_open_v2(images.path, &m->h[n], OPEN_FLAGS, vfs) ==
	      SQLITE_OK);
	configure(m->h[n]);
	/* Reads the schema. */
	CHECK(__real_sqlite3_exec(m->h[n], "PRAGMA synchronous=FULL", NULL,
		  NULL, NULL) == SQLITE_OK);
	for (size_t k = 0; k < habit->settings; k++)
		CHECK(__real_sqlite3_exec(m->h[n], habit->setting[k], NULL,
			  NULL, NULL) == SQLITE_OK);
	for (size_t k = 0; k < habit->count; k++)
		CHECK(__real_sqlite3_prepare_v3(m->h[n], habit->sql[k], -1,
			  SQLITE_PREPARE_PERSISTENT, &m->statement[n][k],
			  NULL) == SQLITE_OK);
	/* Leaves nothing of the file behind. */
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
	mem_free(&m->copy);
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
	sim_disk_free(&images.disk);
	images.disk = disk;
	images.path = path;
	find_pages(inode_of(disk));
	for (int slot = 0; slot < SIM_PROCESSES_MAX; slot++)
		make(&images.image[slot], slot, host);
}

void
sim_image_learn(bool begin)
{
	images.learns = begin;
	if (begin)
		memset(images.habit, 0, sizeof(images.habit));
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
		m->open = 0;
		memset(m->taken, 0, sizeof(m->taken));
	}
	s->refuses = reopen(m, m->given, s);
	if (s->refuses != 0)
		return __real_sqlite3_open_v2(path, out, flags, vfs);
	m->open |= 1U << m->given;
	*out = m->h[m->given++];
	return SQLITE_OK;
}

/* --- what is done with it ---------------------------------------------------
 */

/* Which connection of its image a process uses; -1: it is none. */
static int
connection_of(const sqlite3 *h, struct image **out)
{
	int slot = sim_vfs_slot_of(sim_vfs_who_runs());
	struct image *m = &images.image[slot >= 0 ? slot : 0];

	*out = m;
	if (slot < 0 || m->user != sim_vfs_slot_at(slot)->bound)
		return -1;
	for (int n = 0; n < CONNECTIONS; n++)
		if (m->h[n] == h && (m->open & 1U << n) != 0)
			return n;
	return -1;
}

static size_t
place_of(const char *const *texts, size_t count, const char *text)
{
	size_t k = 0;

	while (k < count && texts[k] != text)
		k++;
	return k;
}

int
__wrap_sqlite3_exec(sqlite3 *h, const char *sql,
    int (*each)(void *, int, char **, char **), void *arg, char **error)
{
	struct image *m;
	int n = connection_of(h, &m);
	struct habit *habit = &images.habit[n >= 0 ? n : 0];
	size_t k = place_of(habit->setting, habit->settings, sql);

	/* Before its first statement: a setting. */
	if (n >= 0 && images.learns && m->taken[n] == 0 &&
	    k == habit->settings && k < SETTINGS_MAX)
		habit->setting[habit->settings++] = sql;
	else if (n >= 0 && !images.learns && k < habit->settings)
		return SQLITE_OK;
	else if (n >= 0 && m->taken[n] == 0 && k == habit->settings)
		m->given = CONNECTIONS; /* it is about something else */
	return __real_sqlite3_exec(h, sql, each, arg, error);
}

static void
learn(struct image *m, int n, const char *sql)
{
	struct habit *habit = &images.habit[n];
	size_t k = place_of(habit->sql, habit->count, sql);

	m->taken[n] = 1;
	if (k == STATEMENTS_MAX)
		return;
	habit->sql[k] = sql;
	habit->count += k == habit->count;
}

int
__wrap_sqlite3_prepare_v3(sqlite3 *h, const char *sql, int len, unsigned flags,
    sqlite3_stmt **out, const char **tail)
{
	struct image *m;
	int n = connection_of(h, &m);
	struct habit *habit = &images.habit[n >= 0 ? n : 0];
	size_t k = place_of(habit->sql, habit->count, sql);

	if (n >= 0 && images.learns)
		learn(m, n, sql);
	else if (n >= 0 && k < habit->count && len < 0 && tail == NULL &&
		 (m->taken[n] >> k & 1) == 0) {
		m->taken[n] |= UINT64_C(1) << k;
		*out = m->statement[n][k];
		return SQLITE_OK;
	}
	return __real_sqlite3_prepare_v3(h, sql, len, flags, out, tail);
}

int
__wrap_sqlite3_close_v2(sqlite3 *h)
{
	struct image *m;
	int n = connection_of(h, &m);

	/* Those that nobody asked for. */
	for (size_t k = 0;
	     n >= 0 && !images.learns && k < images.habit[n].count; k++)
		if ((m->taken[n] >> k & 1) == 0)
			(void)sqlite3_finalize(m->statement[n][k]);
	/* One that is opened after this is not the habitual second. */
	if (n >= 0) {
		m->open &= ~(1U << n);
		m->given = CONNECTIONS;
	}
	return __real_sqlite3_close_v2(h);
}
