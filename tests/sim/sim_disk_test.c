#include "sim_disk.h"

#include <errno.h>
#include <stdlib.h>

#include "sim_gate_test.h"

/* What a power cut leaves, who holds locks, and what a disk has room for. */

#define RW (ENV_READ | ENV_WRITE)
#define NEW (RW | ENV_CREATE)

struct fix {
	struct sim_disk *disk;
	struct sim_process a, b;
	struct sim_rand rand;
	struct err err;
};

static int
setup(void **state)
{
	struct fix *f = mem_zalloc(1, sizeof(*f));

	f->disk = sim_disk_new(1 << 20);
	f->rand = sim_rand_of(1, 1);
	gate_reset(f->disk);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	sim_disk_free(&f->disk);
	mem_free(&f);
	return 0;
}

#define OK(call)                                                  \
	do {                                                      \
		if ((call) != ERR_NONE)                           \
			fail_msg("%s: %s", #call, (f)->err.text); \
	} while (0)

static struct sim_file *
opened(struct fix *f, const char *path)
{
	struct sim_file *file = NULL;

	OK(sim_disk_open(f->disk, &f->a, path, NEW, &file, &f->err));
	return file;
}

static void
put(struct fix *f, struct sim_file *file, const char *text, int64_t offset)
{
	OK(sim_disk_pwrite(file, text, strlen(text), offset, -1, &f->err));
}

static void
holds(struct fix *f, const char *path, const char *want)
{
	struct sim_file *file = NULL;
	char got[64] = {0};

	if (want == NULL) {
		assert_int_equal(sim_disk_open(f->disk, &f->a, path, ENV_READ,
				     &file, &f->err),
		    ERR_NOT_FOUND);
		return;
	}
	OK(sim_disk_open(f->disk, &f->a, path, ENV_READ, &file, &f->err));
	(void)sim_disk_pread(file, got, sizeof(got) - 1, 0);
	assert_int_equal(sim_file_size(file), strlen(want));
	sim_disk_close(&file);
	assert_string_equal(got, want);
}

static void
written(struct fix *f, const char *path, const char *text)
{
	struct sim_file *file = opened(f, path);

	put(f, file, text, 0);
	sim_disk_close(&file);
}

static void
cut(struct fix *f, enum sim_device device)
{
	sim_disk_power_cut(f->disk, device, NULL, &f->rand);
}

/* --- what is durable -------------------------------------------------------
 */

static void
bytes_are_durable_with_their_files_sync(void **state)
{
	struct fix *f = *state;
	struct sim_file *file = opened(f, "/x");

	put(f, file, "one", 0);
	sim_disk_sync(file);
	OK(sim_disk_sync_dir(f->disk, "/", &f->err));
	put(f, file, "two", 0);
	put(f, file, "three", 3);
	sim_disk_close(&file);
	holds(f, "/x", "twothree");
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/x", "one");
	file = opened(f, "/x");
	OK(sim_disk_truncate(file, 0, &f->err));
	put(f, file, "new", 0);
	OK(sim_disk_truncate(file, 1, &f->err));
	sim_disk_close(&file);
	cut(f, SIM_DEVICE_KEEPS);
	holds(f, "/x", "n");
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/x", "n");
}

static void
names_are_durable_with_their_directorys_sync(void **state)
{
	struct fix *f = *state;
	struct sim_file *file = opened(f, "/a");

	put(f, file, "a", 0);
	sim_disk_sync(file);
	sim_disk_close(&file);
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/a", NULL);

	written(f, "/a", "a");
	written(f, "/b", "b");
	sim_disk_settle(f->disk);
	OK(sim_disk_rename(f->disk, "/a", "/b", &f->err));
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/a", "a");
	holds(f, "/b", "b");
	OK(sim_disk_rename(f->disk, "/a", "/b", &f->err));
	OK(sim_disk_sync_dir(f->disk, "/", &f->err));
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/a", NULL);
	holds(f, "/b", "a");
	OK(sim_disk_remove(f->disk, "/b", &f->err));
	holds(f, "/b", NULL);
	written(f, "/b", "other");
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/b", "a");
}

static void
a_rename_between_directories_is_one_change(void **state)
{
	struct fix *f = *state;

	OK(sim_disk_make_dir(f->disk, "/p", &f->err));
	OK(sim_disk_make_dir(f->disk, "/q", &f->err));
	written(f, "/p/x", "x");
	sim_disk_settle(f->disk);
	for (int i = 0; i < 50; i++) {
		OK(sim_disk_rename(f->disk, "/p/x", "/q/x", &f->err));
		written(f, "/q/y", "y");
		cut(f, SIM_DEVICE_REORDERS);
		if (sim_disk_remove(f->disk, "/q/x", &f->err) == ERR_NONE)
			holds(f, "/p/x", NULL);
		else
			holds(f, "/p/x", "x");
		written(f, "/p/x", "x");
		(void)sim_disk_remove(f->disk, "/q/y", &f->err);
		sim_disk_settle(f->disk);
	}
	/* Synced on one side, whole; what came before it too. */
	written(f, "/p/before", "");
	OK(sim_disk_rename(f->disk, "/p/x", "/q/x", &f->err));
	written(f, "/p/after", "");
	OK(sim_disk_sync_dir(f->disk, "/q", &f->err));
	cut(f, SIM_DEVICE_DROPS);
	holds(f, "/p/x", NULL);
	holds(f, "/q/x", "x");
	holds(f, "/p/before", "");
	holds(f, "/p/after", NULL);
}

static void
a_directory_that_was_lost_takes_its_files_along(void **state)
{
	struct fix *f = *state;
	char *all;

	OK(sim_disk_make_dir(f->disk, "/d", &f->err));
	OK(sim_disk_make_dir(f->disk, "/d/e", &f->err));
	written(f, "/d/e/x", "x");
	OK(sim_disk_sync_dir(f->disk, "/d/e", &f->err));
	OK(sim_disk_sync_dir(f->disk, "/d", &f->err));
	cut(f, SIM_DEVICE_DROPS);
	all = sim_disk_list_all(f->disk);
	assert_string_equal(all, "");
	mem_free(&all);
}

/* --- by chance, beside a plain model ---------------------------------------
 */

#define FILES 4
#define MODEL_BYTES 64

/* Files that keep their content, names in one directory that move. */
struct model {
	char bytes[FILES][MODEL_BYTES], durable[FILES][MODEL_BYTES];
	int64_t size[FILES], durable_size[FILES];
	int name[FILES], durable_name[FILES]; /* the file's; -1: none */
	struct sim_file *file[FILES];
};

static void
model_path(int name, char path[32])
{
	(void)snprintf(path, 32, "/d/n%d", name);
}

static void
model_write(struct fix *f, struct model *m, int i)
{
	char bytes[16];
	int64_t len = sim_rand_between(&f->rand, 1, 16);
	int64_t at = sim_rand_below(&f->rand, MODEL_BYTES - 16);

	sim_rand_bytes(&f->rand, bytes, sizeof(bytes));
	OK(sim_disk_pwrite(m->file[i], bytes, (size_t)len, at, -1, &f->err));
	memcpy(m->bytes[i] + at, bytes, (size_t)len);
	if (at + len > m->size[i])
		m->size[i] = at + len;
}

static void
model_truncate(struct fix *f, struct model *m, int i)
{
	int64_t size = sim_rand_below(&f->rand, MODEL_BYTES);

	OK(sim_disk_truncate(m->file[i], size, &f->err));
	if (size < m->size[i])
		memset(m->bytes[i] + size, 0, (size_t)(m->size[i] - size));
	m->size[i] = size;
}

/* File i's name becomes another, whoever had that loses it. */
static void
model_rename(struct fix *f, struct model *m, int i)
{
	int to = (int)sim_rand_below(&f->rand, FILES);
	char from[32], path[32];

	if (m->name[i] < 0)
		return;
	model_path(m->name[i], from);
	model_path(to, path);
	OK(sim_disk_rename(f->disk, from, path, &f->err));
	for (int k = 0; k < FILES; k++)
		if (k != i && m->name[k] == to)
			m->name[k] = -1;
	m->name[i] = to;
}

static void
model_remove(struct fix *f, struct model *m, int i)
{
	char path[32];

	if (m->name[i] < 0)
		return;
	model_path(m->name[i], path);
	OK(sim_disk_remove(f->disk, path, &f->err));
	m->name[i] = -1;
}

static void
model_sync(struct fix *f, struct model *m, int i)
{
	if (sim_rand_below(&f->rand, 2) == 0) {
		OK(sim_disk_sync_dir(f->disk, "/d", &f->err));
		memcpy(m->durable_name, m->name, sizeof(m->name));
		return;
	}
	sim_disk_sync(m->file[i]);
	memcpy(m->durable[i], m->bytes[i], MODEL_BYTES);
	m->durable_size[i] = m->size[i];
}

static void
model_begin(struct fix *f, struct model *m)
{
	char path[32];

	memset(m, 0, sizeof(*m));
	OK(sim_disk_make_dir(f->disk, "/d", &f->err));
	for (int i = 0; i < FILES; i++) {
		model_path(i, path);
		m->file[i] = opened(f, path);
		m->name[i] = m->durable_name[i] = i;
	}
	sim_disk_settle(f->disk);
}

static void
model_check(struct fix *f, const struct model *m)
{
	int count = 0;
	char *all, path[32];

	for (int i = 0; i < FILES; i++) {
		char got[MODEL_BYTES] = {0};
		struct sim_file *file = NULL;

		if (m->durable_name[i] < 0)
			continue;
		count++;
		model_path(m->durable_name[i], path);
		OK(sim_disk_open(
		    f->disk, &f->a, path, ENV_READ, &file, &f->err));
		assert_int_equal(sim_file_size(file), m->durable_size[i]);
		(void)sim_disk_pread(file, got, sizeof(got), 0);
		assert_memory_equal(
		    got, m->durable[i], (size_t)m->durable_size[i]);
		sim_disk_close(&file);
	}
	all = sim_disk_list_all(f->disk);
	for (const char *p = all; (p = strchr(p, '\n')) != NULL; p++)
		count--;
	assert_int_equal(count, -1); /* the directory's line */
	mem_free(&all);
}

static void
a_cut_that_drops_all_leaves_what_was_synced(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct fix g = {.disk = sim_disk_new(1 << 20),
		    .rand = sim_rand_of(seed, 4)};
		struct fix *f = &g;
		struct model m;

		model_begin(f, &m);
		for (int n = 0; n < 60; n++) {
			int i = (int)sim_rand_below(&f->rand, FILES);

			switch (sim_rand_below(&f->rand, 12)) {
			case 0:
			case 1:
				model_sync(f, &m, i);
				break;
			case 2:
				model_rename(f, &m, i);
				break;
			case 3:
				if (sim_rand_below(&f->rand, 3) == 0)
					model_remove(f, &m, i);
				break;
			case 4:
			case 5:
				model_truncate(f, &m, i);
				break;
			default:
				model_write(f, &m, i);
				break;
			}
		}
		for (int i = 0; i < FILES; i++)
			sim_disk_close(&m.file[i]);
		cut(f, SIM_DEVICE_DROPS);
		model_check(f, &m);
		sim_disk_free(&f->disk);
	}
}

static void
an_ordered_device_leaves_a_moment_that_was(void **state)
{
	bool seen[41] = {false};
	int kinds = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct fix g = {
		    .disk = sim_disk_new(1 << 20), .rand = sim_rand_of(3, 4)};
		struct fix *f = &g;
		struct model m;
		char *moments[41], *left;
		int at = -1;

		model_begin(f, &m);
		moments[0] = sim_disk_list_all(f->disk);
		for (int n = 1; n <= 40; n++) {
			int i = (int)sim_rand_below(&f->rand, FILES);

			if (n % 4 == 0)
				model_rename(f, &m, i);
			else if (n % 7 == 0)
				model_truncate(f, &m, i);
			else
				model_write(f, &m, i);
			moments[n] = sim_disk_list_all(f->disk);
		}
		for (int i = 0; i < FILES; i++)
			sim_disk_close(&m.file[i]);
		f->rand = sim_rand_of(seed, 5);
		cut(f, SIM_DEVICE_ORDERED);
		left = sim_disk_list_all(f->disk);
		for (int n = 0; n <= 40 && at < 0; n++)
			if (strcmp(moments[n], left) == 0)
				at = n;
		if (at < 0)
			fail_msg("no moment was like\n%s", left);
		kinds += !seen[at];
		seen[at] = true;
		for (int n = 0; n <= 40; n++)
			mem_free(&moments[n]);
		mem_free(&left);
		sim_disk_free(&f->disk);
	}
	assert_true(seen[0] && kinds > 20);
}

static void
a_device_that_reorders_leaves_any_subset_of_writes(void **state)
{
	struct fix *f = *state;
	bool gap = false, all = false, none = false;

	written(f, "/x", "........");
	sim_disk_settle(f->disk);
	for (int n = 0; n < 300; n++) {
		struct sim_file *file = opened(f, "/x");
		char got[9] = {0};

		put(f, file, "........", 0);
		sim_disk_sync(file);
		for (int i = 0; i < 8; i++)
			put(f, file, "#", i);
		sim_disk_close(&file);
		cut(f, SIM_DEVICE_REORDERS);
		file = opened(f, "/x");
		assert_int_equal(sim_disk_pread(file, got, 8, 0), 8);
		sim_disk_close(&file);
		assert_int_equal(strspn(got, ".#"), 8);
		all = all || strcmp(got, "########") == 0;
		none = none || strcmp(got, "........") == 0;
		gap = gap || strstr(got, ".#") != NULL;
	}
	assert_true(all && none && gap);
}

static void
names_of_a_directory_are_never_reordered(void **state)
{
	struct fix *f = *state;
	unsigned seen[2] = {0, 0};
	bool apart = false;

	OK(sim_disk_make_dir(f->disk, "/0", &f->err));
	OK(sim_disk_make_dir(f->disk, "/1", &f->err));
	sim_disk_settle(f->disk);
	for (int n = 0; n < 300; n++) {
		struct sim_disk *whole = f->disk;
		int count[2] = {0, 0};

		f->disk = sim_disk_clone(whole);
		for (int i = 0; i < 10; i++) {
			char path[32];

			(void)snprintf(path, 32, "/%d/%d", i % 2, i / 2);
			written(f, path, "");
		}
		cut(f, SIM_DEVICE_REORDERS);
		for (int i = 0; i < 10; i++) {
			struct env_stat st;
			char path[32];

			(void)snprintf(path, 32, "/%d/%d", i % 2, i / 2);
			if (sim_disk_stat(f->disk, path, &st, &f->err) !=
			    ERR_NONE)
				continue;
			assert_int_equal(count[i % 2], i / 2);
			count[i % 2]++;
		}
		seen[0] |= 1U << count[0];
		seen[1] |= 1U << count[1];
		apart = apart || count[0] + 1 < count[1];
		sim_disk_free(&f->disk);
		f->disk = whole;
	}
	assert_int_equal(seen[0], 0x3f);
	assert_int_equal(seen[1], 0x3f);
	assert_true(apart);
}

#define PAGE 8192
#define FROM 700
#define TO 3000

static void
garbage_stays_within_the_write(void **state)
{
	struct fix *f = *state;
	char was[PAGE], text[TO - FROM + 1] = {0}, got[PAGE];
	int kept = 0, lost = 0, torn = 0, garbage = 0;

	memset(was, 'a', sizeof(was));
	memset(text, 'b', TO - FROM);
	for (int n = 0; n < 400; n++) {
		struct sim_file *file = opened(f, "/x");
		int changes = 0, last = 0;
		bool foreign = false;

		OK(sim_disk_pwrite(file, was, sizeof(was), 0, -1, &f->err));
		sim_disk_sync(file);
		OK(sim_disk_sync_dir(f->disk, "/", &f->err));
		put(f, file, text, FROM);
		sim_disk_close(&file);
		cut(f, SIM_DEVICE_GARBLES);
		file = opened(f, "/x");
		assert_int_equal(sim_disk_pread(file, got, PAGE, 0), PAGE);
		sim_disk_close(&file);
		assert_memory_equal(got, was, FROM);
		assert_memory_equal(got + TO, was, PAGE - TO);
		for (int i = FROM; i < TO; i++)
			foreign = foreign || (got[i] != 'a' && got[i] != 'b');
		if (foreign) {
			garbage++;
			continue;
		}
		for (int i = FROM + 1; i < TO; i++)
			if (got[i] != got[i - 1]) {
				changes++;
				last = i;
			}
		assert_true(changes <= 1);
		torn += changes;
		if (changes == 1)
			assert_int_equal(last % 512, 0);
		else if (got[FROM] == 'b')
			kept++;
		else
			lost++;
	}
	assert_true(kept > 20 && lost > 20 && torn > 10 && garbage > 10);
}

static void
what_is_outside_is_on_another_machine(void **state)
{
	struct fix *f = *state;

	for (int device = 0; device < SIM_DEVICE_COUNT; device++)
		for (int n = 0; n < 30; n++) {
			struct sim_disk *whole = f->disk;

			f->disk = sim_disk_clone(whole);
			OK(sim_disk_make_dir(f->disk, "/up", &f->err));
			OK(sim_disk_make_dir(f->disk, "/up/net", &f->err));
			OK(sim_disk_make_dir(f->disk, "/up/net/d", &f->err));
			written(f, "/up/x", "x");
			written(f, "/up/net/d/log", "calls");
			written(f, "/up/net/old", "");
			OK(sim_disk_remove(f->disk, "/up/net/old", &f->err));
			sim_disk_power_cut(f->disk, (enum sim_device)device,
			    n % 2 == 0 ? "net" : "/up/net", &f->rand);
			holds(f, "/up/net/d/log", "calls");
			holds(f, "/up/net/old", NULL);
			if (device == SIM_DEVICE_DROPS)
				holds(f, "/up/x", NULL);
			sim_disk_free(&f->disk);
			f->disk = whole;
		}
}

/* --- clones, room, numbers -------------------------------------------------
 */

static void
a_clone_goes_its_own_way(void **state)
{
	struct fix *f = *state;
	struct sim_disk *first = f->disk, *second;
	char *a, *b;

	OK(sim_disk_make_dir(first, "/d", &f->err));
	written(f, "/d/x", "same");
	written(f, "/d/y", "same");
	sim_disk_settle(first);
	second = sim_disk_clone(first);
	a = sim_disk_list_all(first);
	b = sim_disk_list_all(second);
	assert_string_equal(a, b);
	mem_free(&b);
	f->disk = second;
	written(f, "/d/x", "2");
	OK(sim_disk_remove(second, "/d/y", &f->err));
	b = sim_disk_list_all(first);
	assert_string_equal(a, b);
	mem_free(&a);
	mem_free(&b);
	f->disk = first;
	written(f, "/d/y", "1");
	f->disk = second;
	holds(f, "/d/x", "2ame");
	holds(f, "/d/y", NULL);
	f->disk = first;
	sim_disk_free(&second);
	holds(f, "/d/x", "same");
	holds(f, "/d/y", "1ame");
}

static void
a_full_disk_takes_what_fits(void **state)
{
	struct fix *f = *state;
	struct sim_file *x, *y;
	struct env_space space;
	static char bytes[4000];

	sim_disk_set_capacity(f->disk, 10000);
	x = opened(f, "/x");
	y = opened(f, "/y");
	OK(sim_disk_pwrite(x, bytes, 4000, 0, -1, &f->err));
	OK(sim_disk_pwrite(x, bytes, 4000, 4000, -1, &f->err));
	assert_int_equal(
	    sim_disk_pwrite(y, bytes, 4000, 0, -1, &f->err), ERR_SPACE);
	assert_int_equal(f->err.sys, ENOSPC);
	assert_string_equal(f->err.text, "write /y: No space left on device");
	assert_int_equal(sim_file_size(y), 2000);
	OK(sim_disk_pwrite(x, bytes, 4000, 2000, -1, &f->err));
	assert_int_equal(sim_disk_allocate(x, 8001, &f->err), ERR_SPACE);
	assert_int_equal(sim_disk_truncate(y, 2001, &f->err), ERR_SPACE);
	OK(sim_disk_space(f->disk, "/", &space, &f->err));
	assert_int_equal(space.free_bytes, 0);
	OK(sim_disk_remove(f->disk, "/x", &f->err));
	OK(sim_disk_space(f->disk, "/", &space, &f->err));
	assert_int_equal(space.free_bytes, 0);
	sim_disk_close(&x);
	OK(sim_disk_space(f->disk, "/", &space, &f->err));
	assert_int_equal(space.free_bytes, 8000);
	assert_int_equal(
	    sim_disk_pwrite(y, bytes, 4000, 2000, 7, &f->err), ERR_SPACE);
	assert_int_equal(sim_file_size(y), 2007);
	sim_disk_close(&y);
}

static uint64_t
inode_of(struct fix *f, const char *path)
{
	struct env_stat st;

	OK(sim_disk_stat(f->disk, path, &st, &f->err));
	return st.inode;
}

static void
a_number_is_used_again_once_its_file_cannot_come_back(void **state)
{
	struct fix *f = *state;
	uint64_t x;

	written(f, "/x", "x");
	sim_disk_settle(f->disk);
	x = inode_of(f, "/x");
	OK(sim_disk_remove(f->disk, "/x", &f->err));
	written(f, "/y", "y");
	assert_int_not_equal(inode_of(f, "/y"), x);
	OK(sim_disk_sync_dir(f->disk, "/", &f->err));
	written(f, "/z", "z");
	assert_int_equal(inode_of(f, "/z"), x);
}

/* --- processes -------------------------------------------------------------
 */

static void
locks_die_with_their_process(void **state)
{
	struct fix *f = *state;
	struct sim_file *a = opened(f, "/x"), *b = NULL;

	OK(sim_disk_open(f->disk, &f->b, "/x", RW, &b, &f->err));
	OK(sim_disk_lock(a, 7, true, &f->err));
	OK(sim_disk_lock(a, 8, false, &f->err));
	assert_int_equal(sim_disk_lock(b, 7, false, &f->err), ERR_BUSY);
	assert_string_equal(f->err.text, "lock byte 7 of /x: held by another");
	OK(sim_disk_lock(b, 8, false, &f->err));
	assert_int_equal(sim_disk_lock(b, 8, true, &f->err), ERR_BUSY);
	sim_disk_drop_process(f->disk, &f->a);
	OK(sim_disk_lock(b, 7, true, &f->err));
	OK(sim_disk_lock(b, 8, true, &f->err));
	assert_ptr_equal(sim_file_process(a), &f->a);
	assert_string_equal(sim_file_path(a), "/x");
	sim_disk_close(&a);
	assert_null(a);
	sim_disk_close(&b);
	sim_disk_close(&b);
}

static void
a_lapsed_lock_hinders_nobody(void **state)
{
	struct fix *f = *state;
	struct sim_file *a = opened(f, "/x"), *b = NULL;

	OK(sim_disk_open(f->disk, &f->b, "/x", RW, &b, &f->err));
	OK(sim_disk_lock(a, 0, true, &f->err));
	sim_disk_lapse(f->disk, &f->a, true);
	OK(sim_disk_lock(b, 0, true, &f->err));
	sim_disk_unlock(b, 0);
	sim_disk_lapse(f->disk, &f->a, false);
	assert_int_equal(sim_disk_lock(b, 0, true, &f->err), ERR_BUSY);
	sim_disk_close(&a);
	sim_disk_close(&b);
}

static void
a_file_lives_while_it_is_open(void **state)
{
	struct fix *f = *state;
	struct sim_file *file = opened(f, "/x");
	struct env_stat st;
	char got[4] = {0};

	put(f, file, "old", 0);
	written(f, "/y", "new");
	OK(sim_disk_rename(f->disk, "/y", "/x", &f->err));
	OK(sim_disk_sync_dir(f->disk, "/", &f->err));
	sim_disk_fstat(file, &st);
	assert_int_equal(st.links, 0);
	put(f, file, "O", 0);
	assert_int_equal(sim_disk_pread(file, got, 3, 0), 3);
	assert_string_equal(got, "Old");
	sim_disk_close(&file);
	holds(f, "/x", "new");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(bytes_are_durable_with_their_files_sync),
	    T(names_are_durable_with_their_directorys_sync),
	    T(a_rename_between_directories_is_one_change),
	    T(a_directory_that_was_lost_takes_its_files_along),
	    cmocka_unit_test(a_cut_that_drops_all_leaves_what_was_synced),
	    cmocka_unit_test(an_ordered_device_leaves_a_moment_that_was),
	    T(a_device_that_reorders_leaves_any_subset_of_writes),
	    T(names_of_a_directory_are_never_reordered),
	    T(garbage_stays_within_the_write),
	    T(what_is_outside_is_on_another_machine),
	    T(a_clone_goes_its_own_way),
	    T(a_full_disk_takes_what_fits),
	    T(a_number_is_used_again_once_its_file_cannot_come_back),
	    T(locks_die_with_their_process),
	    T(a_lapsed_lock_hinders_nobody),
	    T(a_file_lives_while_it_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
