#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "net/net_env.h"
#include "sim_gate_test.h"
#include "sim_vfs.h"

/*
 * The simulated disk beside the kernel's: the same calls by chance on both,
 * the same answers, texts of errors included.
 */

#define HANDLES 4
#define NAMES 6

struct pair {
	char dir[64];
	struct env *env;
	struct sim_disk *disk;
	struct sim_process process;
	struct sim_rand rand;
	struct env_file *real[HANDLES];
	struct sim_file *sim[HANDLES];
	bool appends[HANDLES];
	struct err real_err, sim_err;
	long failed;
};

static void
make_dirs(struct sim_disk *d, const char *path)
{
	struct err err;

	for (const char *p = strchr(path + 1, '/');; p = strchr(p + 1, '/')) {
		char *part = p != NULL ? mem_strndup(path, (size_t)(p - path))
				       : mem_strdup(path);

		assert_int_equal(sim_disk_make_dir(d, part, &err), ERR_NONE);
		mem_free(&part);
		if (p == NULL)
			return;
	}
}

static void
pair_open(struct pair *p, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/dsrun-sim-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(net_env_open(&p->env, &p->real_err), ERR_NONE);
	p->disk = sim_disk_new(INT64_MAX / 2);
	make_dirs(p->disk, p->dir);
	p->rand = sim_rand_of(seed, 3);
}

static void
pair_close(struct pair *p)
{
	char cmd[128];

	for (int i = 0; i < HANDLES; i++) {
		env_close(p->env, &p->real[i]);
		sim_disk_close(&p->sim[i]);
	}
	net_env_close(&p->env);
	sim_disk_free(&p->disk);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", p->dir);
	assert_int_equal(system(cmd), 0);
}

/* A name, a name in a directory, or one below a name. */
static char *
some_path(struct pair *p)
{
	int64_t a = sim_rand_below(&p->rand, NAMES);
	int64_t b = sim_rand_below(&p->rand, NAMES);

	return sim_rand_below(&p->rand, 2) == 0
		   ? mem_printf("%s/n%d", p->dir, (int)a)
		   : mem_printf("%s/n%d/n%d", p->dir, (int)a, (int)b);
}

static void
same(struct pair *p, const char *what, enum err_code real, enum err_code sim)
{
	if (real != sim)
		fail_msg("%s: %s (%s), simulated %s (%s)", what, err_name(real),
		    real != ERR_NONE ? p->real_err.text : "", err_name(sim),
		    sim != ERR_NONE ? p->sim_err.text : "");
	if (real == ERR_NONE)
		return;
	p->failed++;
	assert_string_equal(p->real_err.text, p->sim_err.text);
	assert_int_equal(p->real_err.sys, p->sim_err.sys);
}

static void
same_stat(const struct env_stat *real, const struct env_stat *sim)
{
	assert_int_equal(real->is_dir, sim->is_dir);
	assert_int_equal(real->mode, sim->mode);
	if (real->is_dir)
		return;
	assert_int_equal(real->size_bytes, sim->size_bytes);
	assert_int_equal(real->links, sim->links);
}

/* --- one call on both ------------------------------------------------------
 */

static void
try_open(struct pair *p, int h)
{
	static const unsigned kinds[] = {ENV_READ, ENV_READ | ENV_WRITE,
	    ENV_READ | ENV_WRITE | ENV_CREATE,
	    ENV_READ | ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE,
	    ENV_READ | ENV_WRITE | ENV_CREATE | ENV_TRUNCATE,
	    ENV_READ | ENV_APPEND | ENV_CREATE};
	unsigned flags = kinds[sim_rand_below(&p->rand, ARRAY_LEN(kinds))];
	char *path = some_path(p);
	enum err_code real;

	env_close(p->env, &p->real[h]);
	sim_disk_close(&p->sim[h]);
	real = env_open(p->env, path, flags, &p->real[h], &p->real_err);
	/* The kernel lets a directory be opened for reading; nobody does. */
	if (real == ERR_NONE && flags == ENV_READ) {
		struct env_stat st;

		assert_int_equal(
		    env_fstat(p->env, p->real[h], &st, &p->real_err), ERR_NONE);
		if (st.is_dir) {
			env_close(p->env, &p->real[h]);
			mem_free(&path);
			return;
		}
	}
	same(p, "open", real,
	    sim_disk_open(
		p->disk, &p->process, path, flags, &p->sim[h], &p->sim_err));
	p->appends[h] = (flags & ENV_APPEND) != 0;
	if (flags == ENV_READ) {
		env_close(p->env, &p->real[h]);
		sim_disk_close(&p->sim[h]);
	}
	mem_free(&path);
}

static void
try_file(struct pair *p, int h)
{
	static char bytes[9000], other[9000];
	size_t len = (size_t)sim_rand_below(&p->rand, sizeof(bytes));
	int64_t at = sim_rand_below(&p->rand, 20000);
	struct env_stat real, sim;
	size_t got = 0;

	switch (sim_rand_below(&p->rand, 5)) {
	case 0:
	case 1:
		sim_rand_bytes(&p->rand, bytes, len);
		if (p->appends[h])
			same(p, "append",
			    env_append(
				p->env, p->real[h], bytes, len, &p->real_err),
			    sim_disk_append(
				p->sim[h], bytes, len, -1, &p->sim_err));
		else
			same(p, "pwrite",
			    env_pwrite(p->env, p->real[h], bytes, len, at,
				&p->real_err),
			    sim_disk_pwrite(
				p->sim[h], bytes, len, at, -1, &p->sim_err));
		break;
	case 2:
		same(p, "truncate",
		    env_truncate(p->env, p->real[h], at, &p->real_err),
		    sim_disk_truncate(p->sim[h], at, &p->sim_err));
		break;
	case 3:
		same(p, "allocate",
		    env_allocate(p->env, p->real[h], at + 1, &p->real_err),
		    sim_disk_allocate(p->sim[h], at + 1, &p->sim_err));
		break;
	default:
		assert_int_equal(env_pread(p->env, p->real[h], bytes, len, at,
				     &got, &p->real_err),
		    ERR_NONE);
		assert_int_equal(
		    sim_disk_pread(p->sim[h], other, len, at), got);
		assert_memory_equal(bytes, other, got);
		break;
	}
	assert_int_equal(
	    env_fstat(p->env, p->real[h], &real, &p->real_err), ERR_NONE);
	sim_disk_fstat(p->sim[h], &sim);
	same_stat(&real, &sim);
}

static void
try_lock(struct pair *p, int h)
{
	int64_t byte = sim_rand_below(&p->rand, 3);
	bool exclusive = sim_rand_below(&p->rand, 2) == 0;

	if (sim_rand_below(&p->rand, 3) > 0) {
		same(p, "lock",
		    env_lock(p->env, p->real[h], byte, exclusive, &p->real_err),
		    sim_disk_lock(p->sim[h], byte, exclusive, &p->sim_err));
		return;
	}
	assert_int_equal(
	    env_unlock(p->env, p->real[h], byte, &p->real_err), ERR_NONE);
	sim_disk_unlock(p->sim[h], byte);
}

static void
try_path(struct pair *p)
{
	char *a = some_path(p), *b = some_path(p);
	struct env_stat real, sim;
	enum err_code code;

	switch (sim_rand_below(&p->rand, 5)) {
	case 0:
		same(p, "rename", env_rename(p->env, a, b, &p->real_err),
		    sim_disk_rename(p->disk, a, b, &p->sim_err));
		break;
	case 1:
		same(p, "remove", env_remove(p->env, a, &p->real_err),
		    sim_disk_remove(p->disk, a, &p->sim_err));
		break;
	case 2:
		same(p, "make_dir", env_make_dir(p->env, a, &p->real_err),
		    sim_disk_make_dir(p->disk, a, &p->sim_err));
		break;
	case 3:
		same(p, "sync_dir", env_sync_dir(p->env, a, &p->real_err),
		    sim_disk_sync_dir(p->disk, a, &p->sim_err));
		break;
	default:
		code = env_stat(p->env, a, &real, &p->real_err);
		same(p, "stat", code,
		    sim_disk_stat(p->disk, a, &sim, &p->sim_err));
		if (code == ERR_NONE)
			same_stat(&real, &sim);
		break;
	}
	mem_free(&b);
	mem_free(&a);
}

struct names {
	uint64_t sum;
	int count;
};

static void
add_name(void *arg, const char *name)
{
	struct names *n = arg;

	n->count++;
	n->sum += UINT64_C(1) << (4 * (name[1] - '0'));
}

static void
same_tree(struct pair *p)
{
	for (int i = -1; i < NAMES; i++) {
		struct names real = {0}, sim = {0};
		char *path = i < 0 ? mem_strdup(p->dir)
				   : mem_printf("%s/n%d", p->dir, i);

		same(p, "list_dir",
		    env_list_dir(p->env, path, add_name, &real, &p->real_err),
		    sim_disk_list_dir(
			p->disk, path, add_name, &sim, &p->sim_err));
		assert_int_equal(real.count, sim.count);
		assert_int_equal(real.sum, sim.sum);
		mem_free(&path);
	}
}

static void
it_answers_as_the_kernel_does(void **state)
{
	long failed = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct pair p;

		pair_open(&p, seed);
		for (int i = 0; i < 500; i++) {
			int h = (int)sim_rand_below(&p.rand, HANDLES);

			switch (sim_rand_below(&p.rand, 4)) {
			case 0:
				try_open(&p, h);
				break;
			case 1:
				try_path(&p);
				break;
			case 2:
				if (p.sim[h] != NULL)
					try_file(&p, h);
				break;
			default:
				if (p.sim[h] != NULL)
					try_lock(&p, h);
				break;
			}
		}
		same_tree(&p);
		failed += p.failed;
		pair_close(&p);
	}
	assert_true(failed > 500);
}

/* --- SQLite's locks --------------------------------------------------------
 */

struct handle {
	sqlite3_file *real, *sim;
	int level;
	bool mapped;
	unsigned shared, exclusive;
};

static sqlite3_file *
open_file(const char *vfs_name, const char *path)
{
	sqlite3_vfs *v = sqlite3_vfs_find(vfs_name);
	sqlite3_file *file = mem_zalloc(1, (size_t)v->szOsFile);
	int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;

	assert_int_equal(v->xOpen(v, path, file, flags, NULL), SQLITE_OK);
	return file;
}

static void
close_file(sqlite3_file **file)
{
	(void)(*file)->pMethods->xClose(*file);
	mem_free(file);
}

/* As the pager asks: SHARED first, RESERVED before writing. */
static void
try_level(struct sim_rand *r, struct handle *h)
{
	const sqlite3_io_methods *real = h->real->pMethods;
	const sqlite3_io_methods *sim = h->sim->pMethods;
	int to, rc, a = -1, b = -1;

	if (sim_rand_below(r, 3) == 0) {
		to = sim_rand_below(r, 2) == 0 ? SQLITE_LOCK_NONE
					       : SQLITE_LOCK_SHARED;
		assert_int_equal(real->xUnlock(h->real, to), SQLITE_OK);
		assert_int_equal(sim->xUnlock(h->sim, to), SQLITE_OK);
	} else {
		to = h->level == SQLITE_LOCK_NONE ? SQLITE_LOCK_SHARED
		     : h->level == SQLITE_LOCK_SHARED &&
			     sim_rand_below(r, 2) == 0
			 ? SQLITE_LOCK_RESERVED
			 : SQLITE_LOCK_EXCLUSIVE;
		rc = real->xLock(h->real, to);
		assert_int_equal(sim->xLock(h->sim, to), rc);
	}
	(void)real->xFileControl(h->real, SQLITE_FCNTL_LOCKSTATE, &a);
	(void)sim->xFileControl(h->sim, SQLITE_FCNTL_LOCKSTATE, &b);
	assert_int_equal(a, b);
	h->level = a;
	if (h->level > SQLITE_LOCK_SHARED)
		return;
	(void)real->xCheckReservedLock(h->real, &a);
	(void)sim->xCheckReservedLock(h->sim, &b);
	assert_int_equal(a, b);
}

static void
try_shm(struct sim_rand *r, struct handle *h)
{
	const sqlite3_io_methods *real = h->real->pMethods;
	const sqlite3_io_methods *sim = h->sim->pMethods;
	int first = (int)sim_rand_below(r, 8), n = 1, flags, rc;
	unsigned mask;
	void volatile *a = NULL, *b = NULL;

	if (!h->mapped) {
		assert_int_equal(
		    real->xShmMap(h->real, 0, 32768, 1, &a), SQLITE_OK);
		assert_int_equal(
		    sim->xShmMap(h->sim, 0, 32768, 1, &b), SQLITE_OK);
		assert_non_null(b);
		h->mapped = true;
	}
	if (sim_rand_below(r, 2) == 0)
		n = (int)sim_rand_between(r, 1, 8 - first);
	mask = ((1U << n) - 1) << first;
	if ((h->shared & mask) != 0 || (h->exclusive & mask) != 0) {
		/* Gives back just what it took. */
		first = __builtin_ctz((h->shared | h->exclusive) & mask);
		n = 1;
		mask = 1U << first;
		flags = SQLITE_SHM_UNLOCK |
			((h->shared & mask) != 0 ? SQLITE_SHM_SHARED
						 : SQLITE_SHM_EXCLUSIVE);
		h->shared &= ~mask;
		h->exclusive &= ~mask;
	} else {
		bool exclusive = n > 1 || sim_rand_below(r, 2) == 0;

		flags = SQLITE_SHM_LOCK |
			(exclusive ? SQLITE_SHM_EXCLUSIVE : SQLITE_SHM_SHARED);
	}
	rc = real->xShmLock(h->real, first, n, flags);
	assert_int_equal(sim->xShmLock(h->sim, first, n, flags), rc);
	if (rc == SQLITE_OK && (flags & SQLITE_SHM_LOCK) != 0) {
		if ((flags & SQLITE_SHM_SHARED) != 0)
			h->shared |= mask;
		else
			h->exclusive |= mask;
	}
}

static void
sqlite_finds_the_same_locks_as_on_unix(void **state)
{
	struct pair p;
	char text[128];
	sqlite3_filename path;
	struct handle h[3] = {{0}};

	(void)state;
	pair_open(&p, 1);
	(void)snprintf(text, sizeof(text), "%s/j.db", p.dir);
	path = sqlite3_create_filename(text, "", "", 0, NULL);
	assert_non_null(path);
	sim_vfs_bind(0, &p.process, p.disk);
	for (size_t i = 0; i < ARRAY_LEN(h); i++) {
		h[i].real = open_file("unix", path);
		h[i].sim = open_file("sim0", path);
	}
	for (int i = 0; i < 20000; i++) {
		struct handle *one = &h[sim_rand_below(&p.rand, 3)];

		if (sim_rand_below(&p.rand, 2) == 0)
			try_level(&p.rand, one);
		else
			try_shm(&p.rand, one);
	}
	for (size_t i = 0; i < ARRAY_LEN(h); i++) {
		(void)h[i].real->pMethods->xShmUnmap(h[i].real, 1);
		(void)h[i].sim->pMethods->xShmUnmap(h[i].sim, 1);
		close_file(&h[i].real);
		close_file(&h[i].sim);
	}
	sqlite3_free_filename(path);
	sim_vfs_bind(0, NULL, NULL);
	pair_close(&p);
}

static int
group_setup(void **state)
{
	(void)state;
	sim_vfs_register();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_answers_as_the_kernel_does),
	    cmocka_unit_test(sqlite_finds_the_same_locks_as_on_unix),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
