#include <sys/mman.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_disk_priv.h"

/*
 * SQLite's shared memory: the file NAME-shm, mapped by each process that has
 * the database open.
 *
 * Each process has a mapping of its own of the same memory (of a memfd), as on
 * a real machine.  With one for all, what SQLite still writes there while a
 * dead process unwinds (a rollback clears the index behind the last commit)
 * would fall upon those who live.  When a process dies, its mapping becomes a
 * private copy at the same address.
 */

#define REGIONS_MAX 64
/* The locks from here on are the readers'. */
#define FIRST_READER 3

/* The memory behind a NAME-shm. */
struct sim_shm_file {
	int fd;
	int backed;              /* regions that fd has; never fewer */
	int regions;             /* that users see */
	int users;               /* living struct sim_shm */
	int lock[SIM_SHM_LOCKS]; /* n: n share it; -1: one has it alone */
	/* What living processes let go of, mapped for the next: a mapping
	 * costs more than all else that opening a database does here. */
	struct list spare;
};

/* One process's mapping. */
struct sim_shm {
	struct list node;           /* of the disk's shms, or spare */
	struct sim_disk *disk;      /* NULL: its process is dead */
	struct sim_inode *database; /* only compared */
	struct sim_inode *inode;    /* NAME-shm */
	struct sim_process *process;
	int refs; /* open files of the process */
	int regions;
	void *region[REGIONS_MAX];
};

static void
shm_free(struct sim_shm **s)
{
	for (int i = 0; i < (*s)->regions; i++)
		(void)munmap((*s)->region[i], SIM_SHM_REGION);
	mem_free(s);
}

void
sim_shm_file_free(struct sim_shm_file **file)
{
	struct list *it;

	if (*file == NULL)
		return;
	while ((it = list_pop(&(*file)->spare)) != NULL) {
		struct sim_shm *s = CONTAINER_OF(it, struct sim_shm, node);

		shm_free(&s);
	}
	(void)close((*file)->fd);
	mem_free(file);
}

/* --- mapping ---------------------------------------------------------------
 */

static void
map_up_to(struct sim_shm *s, int regions)
{
	while (s->regions < regions) {
		void *p = mmap(NULL, SIM_SHM_REGION, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, s->inode->shm->fd,
		    (off_t)s->regions * SIM_SHM_REGION);

		CHECK(p != MAP_FAILED);
		s->region[s->regions++] = p;
	}
}

static struct sim_shm_file *
file_new(void)
{
	struct sim_shm_file *file = mem_zalloc(1, sizeof(*file));

	file->fd = memfd_create("sim-shm", MFD_CLOEXEC);
	CHECK(file->fd >= 0);
	list_init(&file->spare);
	return file;
}

void
sim_shm_forget(struct sim_disk *d, struct sim_inode *i)
{
	if (i->shm == NULL)
		return;
	CHECK(i->shm->users == 0);
	sim_shm_file_free(&i->shm);
	if (i->counted)
		d->used_bytes -= i->size;
	i->size = 0;
}

/* The first user finds it empty, so that SQLite makes it anew from the WAL. */
static void
begin(struct sim_disk *d, struct sim_shm *s)
{
	struct sim_inode *i = s->inode;

	map_up_to(s, i->shm->backed);
	for (int n = 0; n < s->regions; n++)
		memset(s->region[n], 0, SIM_SHM_REGION);
	i->shm->regions = 0;
	if (i->counted)
		d->used_bytes -= i->size;
	i->size = 0;
}

static struct sim_shm *
shm_new(struct sim_file *f, struct sim_inode *i)
{
	struct sim_shm *s;

	if (i->shm == NULL) {
		i->shm = file_new();
		sim_bytes_release(&i->data);
		sim_undo_clear(&i->undo);
	}
	if (list_empty(&i->shm->spare)) {
		s = mem_zalloc(1, sizeof(*s));
	} else {
		struct list *it = list_pop(&i->shm->spare);

		s = CONTAINER_OF(it, struct sim_shm, node);
	}
	s->disk = f->disk;
	s->database = f->inode;
	s->inode = i;
	s->process = f->process;
	s->refs = 1;
	if (i->shm->users++ == 0)
		begin(f->disk, s);
	i->opens++;
	sim_inode_count(f->disk, i);
	list_add_tail(&f->disk->shms, &s->node);
	return s;
}

static enum err_code
attach(struct sim_file *f, struct err *err)
{
	struct sim_disk *d = f->disk;
	struct sim_file *opened = NULL;
	char *path;
	enum err_code code;

	LIST_FOREACH (it, &d->shms) {
		struct sim_shm *s = CONTAINER_OF(it, struct sim_shm, node);

		if (s->process == f->process && s->database == f->inode) {
			s->refs++;
			f->shm = s;
			return ERR_NONE;
		}
	}
	path = mem_printf("%s-shm", f->path);
	code = sim_disk_open(d, f->process, path,
	    ENV_READ | ENV_WRITE | ENV_CREATE, &opened, err);
	mem_free(&path);
	if (code == ERR_NONE)
		f->shm = shm_new(f, opened->inode);
	sim_disk_close(&opened);
	return code;
}

static enum err_code
extend(struct sim_disk *d, struct sim_inode *i, int regions, struct err *err)
{
	int64_t size = (int64_t)regions * SIM_SHM_REGION;

	if (size - i->size > d->capacity_bytes - d->used_bytes)
		return err_sys(err, ENOSPC, "extend shared memory");
	if (regions > i->shm->backed) {
		CHECK(ftruncate(i->shm->fd, size) == 0);
		i->shm->backed = regions;
	}
	d->used_bytes += size - i->size;
	i->size = size;
	i->shm->regions = regions;
	return ERR_NONE;
}

enum err_code
sim_shm_map(
    struct sim_file *f, int n, bool may_extend, void **out, struct err *err)
{
	enum err_code code = ERR_NONE;

	CHECK(f->disk != NULL && n >= 0 && n < REGIONS_MAX);
	*out = NULL;
	if (f->shm == NULL)
		code = attach(f, err);
	if (code != ERR_NONE)
		return code;
	if (n >= f->shm->inode->shm->regions) {
		if (!may_extend)
			return ERR_NONE;
		code = extend(f->disk, f->shm->inode, n + 1, err);
		if (code != ERR_NONE)
			return code;
	}
	map_up_to(f->shm, n + 1);
	*out = f->shm->region[n];
	return ERR_NONE;
}

static void
detach(struct sim_shm *s)
{
	list_remove(&s->node);
	s->inode->shm->users--;
	s->inode->opens--;
	sim_inode_count(s->disk, s->inode);
	sim_inode_release(s->disk, s->inode);
	s->disk = NULL;
	s->inode = NULL;
}

bool
sim_shm_unmap(struct sim_file *f)
{
	struct sim_shm *s = f->shm;
	struct sim_inode *i;

	if (s == NULL)
		return false;
	sim_shm_unlock(f, 0, SIM_SHM_LOCKS);
	f->shm = NULL;
	if (--s->refs > 0)
		return false;
	if (s->disk == NULL) {
		shm_free(&s);
		return true;
	}
	i = s->inode;
	list_remove(&s->node);
	list_add_tail(&i->shm->spare, &s->node);
	i->shm->users--;
	i->opens--;
	sim_inode_count(f->disk, i);
	sim_inode_release(f->disk, i);
	return true;
}

void
sim_shm_drop_process(struct sim_disk *d, const struct sim_process *p)
{
	/* Locks first: they are counted in the file that is let go of. */
	LIST_FOREACH (it, &d->files) {
		struct sim_file *f = CONTAINER_OF(it, struct sim_file, by_disk);

		if (f->process == p && f->shm != NULL)
			sim_shm_unlock(f, 0, SIM_SHM_LOCKS);
	}
	LIST_FOREACH_SAFE (it, &d->shms) {
		struct sim_shm *s = CONTAINER_OF(it, struct sim_shm, node);

		if (s->process != p)
			continue;
		for (int i = 0; i < s->regions; i++) {
			uint8_t *copy = mem_dup(s->region[i], SIM_SHM_REGION);

			CHECK(mmap(s->region[i], SIM_SHM_REGION,
				  PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
				      MAP_POPULATE,
				  -1, 0) == s->region[i]);
			memcpy(s->region[i], copy, SIM_SHM_REGION);
			mem_free(&copy);
		}
		detach(s);
	}
}

/* --- locks -----------------------------------------------------------------
 */

bool
sim_shm_lock(struct sim_file *f, int first, int n, bool exclusive)
{
	unsigned mask = ((1U << n) - 1) << first;
	int *lock;

	CHECK(f->disk != NULL && first + n <= SIM_SHM_LOCKS);
	if (f->shm == NULL)
		return false;
	lock = f->shm->inode->shm->lock;
	if (!exclusive) {
		CHECK(n == 1 && (f->exclusive & mask) == 0);
		if ((f->shared & mask) != 0)
			return true;
		if (lock[first] < 0)
			return false;
		lock[first]++;
		f->shared |= mask;
		return true;
	}
	CHECK((f->shared & mask) == 0 && (f->exclusive & mask) == 0);
	for (int i = first; i < first + n; i++)
		if (lock[i] != 0)
			return false;
	for (int i = first; i < first + n; i++)
		lock[i] = -1;
	f->exclusive |= mask;
	return true;
}

void
sim_shm_unlock(struct sim_file *f, int first, int n)
{
	struct sim_shm *s = f->shm;

	if (s == NULL || s->disk == NULL)
		return;
	for (int i = first; i < first + n; i++) {
		unsigned bit = 1U << i;

		if (f->exclusive & bit)
			s->inode->shm->lock[i] = 0;
		else if (f->shared & bit)
			s->inode->shm->lock[i]--;
		f->exclusive &= ~bit;
		f->shared &= ~bit;
	}
}

bool
sim_shm_read_elsewhere(const struct sim_file *f)
{
	if (f->shm == NULL)
		return false;
	LIST_FOREACH (it, &f->disk->files) {
		const struct sim_file *o =
		    CONTAINER_OF(it, struct sim_file, by_disk);

		if (o->shm != NULL && o->process != f->process &&
		    o->shm->inode == f->shm->inode &&
		    ((o->shared | o->exclusive) >> FIRST_READER) != 0)
			return true;
	}
	return false;
}
