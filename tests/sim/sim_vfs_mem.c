#include "base/check.h"

#include "sim_vfs_priv.h"

/* SQLite's allocations, counted, and refused when a test orders it. */

static struct {
	sqlite3_mem_methods real;
	const struct sim_process *running;
	const struct sim_process *victim;
	int64_t left; /* until the one that fails; 0: none will */
	bool for_ever;
	int64_t count;
} mem;

static bool
fails(void)
{
	mem.count++;
	if (mem.left == 0 || mem.running != mem.victim)
		return false;
	if (mem.left > 1) {
		mem.left--;
		return false;
	}
	if (!mem.for_ever)
		mem.left = 0;
	return true;
}

static void *
x_malloc(int size)
{
	return fails() ? NULL : mem.real.xMalloc(size);
}

static void *
x_realloc(void *old, int size)
{
	return fails() ? NULL : mem.real.xRealloc(old, size);
}

void
sim_vfs_mem_register(void)
{
	sqlite3_mem_methods ours;

	CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &mem.real) == SQLITE_OK);
	ours = mem.real;
	ours.xMalloc = x_malloc;
	ours.xRealloc = x_realloc;
	CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK);
}

void
sim_vfs_fail_alloc(const struct sim_process *p, int64_t nth, bool for_ever)
{
	CHECK(nth >= 0);
	mem.victim = p;
	mem.left = nth;
	mem.for_ever = for_ever;
}

int64_t
sim_vfs_allocs(void)
{
	return mem.count;
}

void
sim_vfs_running(const struct sim_process *p)
{
	mem.running = p;
}

struct sim_process *
sim_vfs_who_runs(void)
{
	return (struct sim_process *)(uintptr_t)mem.running;
}
