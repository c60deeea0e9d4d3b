#include "sim_env.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct env_file {
	struct sim_file *f;
	struct sim_process *p;
	char *path;
};

static struct sim_process *
process_of(struct env *env)
{
	return CONTAINER_OF(env, struct sim_env, env)->p;
}

/* --- clocks and chance -----------------------------------------------------
 */

static int64_t
wall_us(struct env *env)
{
	struct sim_machine *m = process_of(env)->machine;

	return SIM_START_MS * 1000 + m->now_us;
}

static int64_t
boot_us(struct env *env)
{
	struct sim_machine *m = process_of(env)->machine;

	return m->now_us - m->boot_us;
}

static bool
synced(struct env *env)
{
	return process_of(env)->machine->wall_offset_ms == 0;
}

static void
random_bytes(struct env *env, void *bytes, size_t len)
{
	sim_rand_bytes(&process_of(env)->machine->bytes, bytes, len);
}

static void
pause_us(struct env *env, int64_t us)
{
	struct sim_process *p = process_of(env);

	if (sim_gate(p, SIM_OP_SLEEP, NULL) != SIM_DEAD)
		sim_process_sleep(p, us);
}

/* --- timers: a heap by time, then by the order in which they were set -------
 */

static bool
before(const struct sim_process *p, size_t a, size_t b)
{
	return p->timers[a]->due_us < p->timers[b]->due_us;
}

static void
swap(struct sim_process *p, size_t a, size_t b)
{
	struct env_timer *t = p->timers[a];

	p->timers[a] = p->timers[b];
	p->timers[b] = t;
	p->timers[a]->heap_index = a;
	p->timers[b]->heap_index = b;
}

static void
sift(struct sim_process *p, size_t i)
{
	while (i > 1 && before(p, i, i / 2)) {
		swap(p, i, i / 2);
		i /= 2;
	}
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i; c <= 2 * i + 1; c++)
			if (c <= p->timer_count && before(p, c, least))
				least = c;
		if (least == i)
			return;
		swap(p, i, least);
		i = least;
	}
}

static void
timer_stop(struct env *env, struct env_timer *t)
{
	struct sim_process *p = process_of(env);
	size_t i = t->heap_index;

	if (i == 0)
		return;
	CHECK(i <= p->timer_count && p->timers[i] == t);
	swap(p, i, p->timer_count);
	p->timer_count--;
	t->heap_index = 0;
	if (i <= p->timer_count)
		sift(p, i);
}

static void
timer_start(struct env *env, struct env_timer *t, int64_t delay_us)
{
	struct sim_process *p = process_of(env);

	timer_stop(env, t);
	if (p->timer_count + 2 > p->timer_room) {
		p->timer_room = p->timer_room == 0 ? 64 : 2 * p->timer_room;
		p->timers = mem_realloc(
		    p->timers, p->timer_room, sizeof(struct env_timer *));
	}
	int64_t now_us = p->dead ? p->dead_us : p->machine->now_us;

	t->due_us =
	    delay_us < INT64_MAX / 2 ? now_us + delay_us : INT64_MAX / 2;
	t->heap_index = ++p->timer_count;
	p->timers[t->heap_index] = t;
	sift(p, t->heap_index);
}

int64_t
sim_env_next_us(const struct sim_process *p)
{
	return p->timer_count > 0 ? p->timers[1]->due_us : INT64_MAX;
}

struct env_timer *
sim_env_due(struct sim_process *p, bool any)
{
	struct env_timer *t = p->timer_count > 0 ? p->timers[1] : NULL;

	if (t == NULL || (!any && t->due_us > p->machine->now_us))
		return NULL;
	timer_stop(&p->own.env, t);
	/* The dead have a time of their own, in which each timer has its turn.
	 */
	if (any && p->dead_us < t->due_us)
		p->dead_us = t->due_us;
	return t;
}

/* --- posts and works --------------------------------------------------------
 */

static void
wake(struct sim_thread *t)
{
	if (t->state == SIM_THREAD_SLEEPS && t->waits)
		t->state = SIM_THREAD_READY;
}

static void
post(struct env *env, struct env_post *n)
{
	struct sim_process *p = process_of(env);

	CHECK(n->fn != NULL);
	if (!list_empty(&n->node))
		return;
	list_add_tail(&p->posts, &n->node);
	wake(&p->loop);
}

static void
work(struct env *env, struct env_work *w)
{
	struct sim_process *p = process_of(env);

	list_add_tail(&p->works, &w->node);
	wake(&p->worker);
}

/* --- files ------------------------------------------------------------------
 */

/* What an order to fail says, in the words of the kernel. */
static enum err_code
obey(enum sim_order order, const char *doing, const char *path, struct err *err)
{
	int sys = order == SIM_ENOSPC   ? ENOSPC
		  : order == SIM_EMFILE ? EMFILE
					: EIO;

	return err_sys(err, sys, "%s %s", doing, path);
}

static enum err_code
file_open(struct env *env, const char *path, unsigned flags,
    struct env_file **out, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_OPEN, path);
	struct sim_file *f = NULL;
	enum err_code code;

	if (order != SIM_GO)
		return obey(order, "open", path, err);
	code = sim_disk_open(p->machine->disk, p, path, flags, &f, err);
	if (code != ERR_NONE)
		return code;
	*out = mem_zalloc(1, sizeof(**out));
	(*out)->f = f;
	(*out)->p = p;
	(*out)->path = mem_strdup(path);
	return ERR_NONE;
}

static void
file_close(struct env_file *f)
{
	sim_disk_close(&f->f);
	mem_free(&f->path);
	mem_free(&f);
}

static enum err_code
file_pread(struct env_file *f, void *bytes, size_t len, int64_t offset,
    size_t *got, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_READ, f->path);

	*got = 0;
	if (order != SIM_GO)
		return obey(
		    order == SIM_SHORT ? SIM_EIO : order, "read", f->path, err);
	*got = sim_disk_pread(f->f, bytes, len, offset);
	return ERR_NONE;
}

/* How much of a write is done: -1 = all. */
static int64_t
part(enum sim_order order, size_t len)
{
	return order == SIM_SHORT ? (int64_t)(len / 2) : -1;
}

static enum err_code
file_pwrite(struct env_file *f, const void *bytes, size_t len, int64_t offset,
    struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_WRITE, f->path);

	if (order != SIM_GO && order != SIM_SHORT)
		return obey(order, "write", f->path, err);
	return sim_disk_pwrite(f->f, bytes, len, offset, part(order, len), err);
}

static enum err_code
file_append(struct env_file *f, const void *bytes, size_t len, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_WRITE, f->path);

	if (order != SIM_GO && order != SIM_SHORT)
		return obey(order, "write", f->path, err);
	return sim_disk_append(f->f, bytes, len, part(order, len), err);
}

static enum err_code
file_truncate(struct env_file *f, int64_t size, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_TRUNCATE, f->path);

	if (order != SIM_GO)
		return obey(order, "truncate", f->path, err);
	return sim_disk_truncate(f->f, size, err);
}

static enum err_code
file_allocate(struct env_file *f, int64_t size, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_TRUNCATE, f->path);

	if (order != SIM_GO)
		return obey(order, "allocate", f->path, err);
	return sim_disk_allocate(f->f, size, err);
}

static enum err_code
file_sync(struct env_file *f, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_SYNC, f->path);

	if (order != SIM_GO && order != SIM_LIE)
		return obey(order, "sync", f->path, err);
	if (order == SIM_GO)
		sim_disk_sync(f->f);
	return ERR_NONE;
}

static enum err_code
file_fstat(struct env_file *f, struct env_stat *out, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_STAT, f->path);

	if (order != SIM_GO)
		return obey(order, "stat", f->path, err);
	sim_disk_fstat(f->f, out);
	return ERR_NONE;
}

static enum err_code
file_lock(struct env_file *f, int64_t byte, bool exclusive, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_LOCK, f->path);

	if (order != SIM_GO)
		return obey(order, "lock", f->path, err);
	return sim_disk_lock(f->f, byte, exclusive, err);
}

static enum err_code
file_unlock(struct env_file *f, int64_t byte, struct err *err)
{
	enum sim_order order = sim_gate(f->p, SIM_OP_UNLOCK, f->path);

	if (order == SIM_DEAD)
		return obey(order, "unlock", f->path, err);
	sim_disk_unlock(f->f, byte);
	return ERR_NONE;
}

static enum err_code
path_stat(
    struct env *env, const char *path, struct env_stat *out, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_STAT, path);

	if (order != SIM_GO)
		return obey(order, "stat", path, err);
	return sim_disk_stat(p->machine->disk, path, out, err);
}

static enum err_code
path_rename(struct env *env, const char *from, const char *to, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_RENAME, to);

	if (order != SIM_GO)
		return obey(order, "rename", from, err);
	return sim_disk_rename(p->machine->disk, from, to, err);
}

static enum err_code
path_remove(struct env *env, const char *path, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_REMOVE, path);

	if (order != SIM_GO)
		return obey(order, "remove", path, err);
	return sim_disk_remove(p->machine->disk, path, err);
}

static enum err_code
path_make_dir(struct env *env, const char *path, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_MAKE_DIR, path);

	if (order != SIM_GO)
		return obey(order, "make directory", path, err);
	return sim_disk_make_dir(p->machine->disk, path, err);
}

static enum err_code
path_sync_dir(struct env *env, const char *path, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_SYNC, path);

	if (order == SIM_LIE)
		return ERR_NONE;
	if (order != SIM_GO)
		return obey(order, "sync", path, err);
	return sim_disk_sync_dir(p->machine->disk, path, err);
}

static enum err_code
path_list_dir(struct env *env, const char *path,
    void (*each)(void *arg, const char *name), void *arg, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_STAT, path);

	if (order != SIM_GO)
		return obey(order, "read directory", path, err);
	return sim_disk_list_dir(p->machine->disk, path, each, arg, err);
}

static enum err_code
path_space(
    struct env *env, const char *path, struct env_space *out, struct err *err)
{
	struct sim_process *p = process_of(env);
	enum sim_order order = sim_gate(p, SIM_OP_STAT, path);

	if (order != SIM_GO)
		return obey(order, "statfs", path, err);
	return sim_disk_space(p->machine->disk, path, out, err);
}

void
sim_env_init(struct sim_env *e, struct sim_process *p)
{
	static const struct env_ops ops = {.wall_us = wall_us,
	    .boot_us = boot_us,
	    .synced = synced,
	    .random = random_bytes,
	    .pause = pause_us,
	    .timer_start = timer_start,
	    .timer_stop = timer_stop,
	    .post = post,
	    .work = work,
	    .open = file_open,
	    .close = file_close,
	    .pread = file_pread,
	    .pwrite = file_pwrite,
	    .append = file_append,
	    .truncate = file_truncate,
	    .allocate = file_allocate,
	    .sync = file_sync,
	    .fstat = file_fstat,
	    .lock = file_lock,
	    .unlock = file_unlock,
	    .stat = path_stat,
	    .rename = path_rename,
	    .remove = path_remove,
	    .make_dir = path_make_dir,
	    .sync_dir = path_sync_dir,
	    .list_dir = path_list_dir,
	    .space = path_space};
	struct sim_machine *m = p->machine;

	memset(e, 0, sizeof(*e));
	e->p = p;
	e->env.ops = &ops;
	memset(e->env.boot_id, (int)(m->boots & 0xff), ENV_ID_BYTES);
	memcpy(e->env.boot_id, &m->seed, sizeof(m->seed));
	e->env.pid = 1000 + p->number;
	e->env.uid = 0; /* as the disk says of all files */
	e->env.sqlite_vfs = sim_vfs_name(p->slot);
}

void
sim_env_fini(struct sim_process *p)
{
	while (p->timer_count > 0)
		timer_stop(&p->own.env, p->timers[p->timer_count]);
	mem_free(&p->timers);
}
