#include <sys/mman.h>

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_vfs_priv.h"

/*
 * SQLite's allocations, counted, and refused when a test orders it.
 *
 * Each simulated process parses its statements anew, in blocks that live for
 * microseconds, so a sixth of all time was malloc's.  They come from lists of
 * blocks of one size here, which no thread but ours takes from.  Each slot of
 * a process has an arena of its own at an address of its own, so that what is
 * in it can be copied away and back (sim_image.h); what is asked for outside
 * of processes comes from one more.  How long a block is depends on what was
 * asked for and on nothing else.
 *
 * Under a sanitizer all is malloc's.
 */

#define UNIT 16
#define SMALL_MAX 1024 /* in steps of UNIT; then four steps to a doubling */
#define POOLED_MAX (1 << 20)
#define CLASSES (SMALL_MAX / UNIT + 1 + 4 * 10)
#define NOT_POOLED UINT32_MAX
#define ARENA_BYTES ((size_t)32 << 20) /* of addresses; few are touched */
#define NOBODY SIM_VFS_SLOTS           /* whose arena is asked outside */

#if defined(__SANITIZE_ADDRESS__)
#define POOLS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLS false
#endif
#endif
#ifndef POOLS
#define POOLS true
#endif

static struct {
	sqlite3_mem_methods real;
	const struct sim_process *running;
	const struct sim_process *victim;
	int64_t left; /* until the one that fails; 0: none will */
	bool for_ever;
	int64_t count;
} mem;

/* --- blocks -----------------------------------------------------------------
 */

/* What a block begins with; SQLite sees what is behind it. */
struct head {
	uint32_t cls; /* NOT_POOLED: it is malloc's */
	uint32_t bytes;
};

struct spare {
	struct spare *next;
};

/* At the beginning of its own memory, so that a copy is complete. */
struct arena {
	size_t used; /* with this */
	size_t live; /* blocks */
	struct spare *spare[CLASSES];
};

static char *arenas;
static struct arena *now; /* that blocks come from */
static uint32_t class_bytes[CLASSES];

static struct arena *
arena_at(int slot)
{
	return (struct arena *)(void *)(arenas + (size_t)slot * ARENA_BYTES);
}

static void
arena_empty(struct arena *a)
{
	memset(a, 0, sizeof(*a));
	a->used = (sizeof(*a) + UNIT - 1) / UNIT * UNIT;
}

static void
pool_init(void)
{
	uint32_t at = 0;

	for (; at <= SMALL_MAX / UNIT; at++)
		class_bytes[at] = at * UNIT;
	for (uint32_t base = SMALL_MAX; base < POOLED_MAX; base *= 2)
		for (uint32_t quarter = 1; quarter <= 4; quarter++)
			class_bytes[at++] = base + quarter * (base / 4);
	CHECK(at == CLASSES && class_bytes[CLASSES - 1] == POOLED_MAX);
	arenas = mmap(NULL, (NOBODY + 1) * ARENA_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(arenas != MAP_FAILED);
	for (int slot = 0; slot <= NOBODY; slot++)
		arena_empty(arena_at(slot));
	now = arena_at(NOBODY);
}

static uint32_t
class_of(uint32_t bytes)
{
	uint32_t base = SMALL_MAX, first = SMALL_MAX / UNIT + 1;

	if (bytes <= SMALL_MAX)
		return (bytes + UNIT - 1) / UNIT;
	for (; bytes > 2 * base; base *= 2)
		first += 4;
	return first + (bytes - base - 1) / (base / 4);
}

static struct head *
head_of(void *block)
{
	return (struct head *)block - 1;
}

static void *
large_get(uint32_t bytes)
{
	struct head *h = mem.real.xMalloc((int)(bytes + sizeof(*h)));

	if (h == NULL)
		return NULL;
	*h = (struct head){NOT_POOLED, bytes};
	return h + 1;
}

static void *
block_get(uint32_t bytes)
{
	uint32_t cls = bytes <= POOLED_MAX ? class_of(bytes) : NOT_POOLED;
	struct spare *s;
	struct head *h;
	size_t need;

	if (cls == NOT_POOLED || !POOLS)
		return large_get(bytes);
	s = now->spare[cls];
	if (s != NULL) {
		now->spare[cls] = s->next;
		now->live++;
		return s;
	}
	/* What follows the head is at a multiple of UNIT. */
	need = (size_t)class_bytes[cls] + UNIT;
	if (now->used + need > ARENA_BYTES)
		return large_get(bytes);
	h = (struct head *)(void *)((char *)now + now->used + UNIT -
				    sizeof(*h));
	now->used += need;
	now->live++;
	*h = (struct head){cls, class_bytes[cls]};
	return h + 1;
}

static void
x_free(void *block)
{
	struct head *h = head_of(block);
	struct spare *s = block;
	struct arena *a;

	if (h->cls == NOT_POOLED) {
		mem.real.xFree(h);
		return;
	}
	a = arena_at((int)((size_t)((char *)block - arenas) / ARENA_BYTES));
	s->next = a->spare[h->cls];
	a->spare[h->cls] = s;
	a->live--;
}

static int
x_size(void *block)
{
	return block != NULL ? (int)head_of(block)->bytes : 0;
}

static int
x_roundup(int size)
{
	uint32_t bytes = (uint32_t)size;

	return bytes <= POOLED_MAX ? (int)class_bytes[class_of(bytes)]
				   : (size + 7) & ~7;
}

/* --- what fails -------------------------------------------------------------
 */

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
	return fails() ? NULL : block_get((uint32_t)size);
}

static void *
x_realloc(void *old, int size)
{
	const struct head *h = head_of(old);
	uint32_t bytes = (uint32_t)size;
	void *block;

	if (fails())
		return NULL;
	if (bytes <= h->bytes && bytes > h->bytes / 2)
		return old;
	block = block_get(bytes);
	if (block == NULL)
		return NULL;
	memcpy(block, old, bytes < h->bytes ? bytes : h->bytes);
	x_free(old);
	return block;
}

void
sim_vfs_mem_register(void)
{
	sqlite3_mem_methods ours;

	CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &mem.real) == SQLITE_OK);
	pool_init();
	ours = mem.real;
	ours.xMalloc = x_malloc;
	ours.xFree = x_free;
	ours.xRealloc = x_realloc;
	ours.xSize = x_size;
	ours.xRoundup = x_roundup;
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
	int slot = sim_vfs_slot_of(p);

	mem.running = p;
	now = arena_at(slot >= 0 ? slot : NOBODY);
}

struct sim_process *
sim_vfs_who_runs(void)
{
	return (struct sim_process *)(uintptr_t)mem.running;
}

/* --- arenas -----------------------------------------------------------------
 */

bool
sim_vfs_mem_untouched(int slot)
{
	const struct arena *a = arena_at(slot);

	return POOLS && a->live == 0;
}

bool
sim_vfs_mem_pools(void)
{
	return POOLS;
}

void
sim_vfs_forget(int slot)
{
	CHECK(slot >= 0 && slot < SIM_VFS_SLOTS);
	arena_empty(arena_at(slot));
}

void *
sim_vfs_mem_copy(int slot, size_t *bytes)
{
	*bytes = arena_at(slot)->used;
	return mem_dup(arena_at(slot), *bytes);
}

void
sim_vfs_mem_put(int slot, const void *copy, size_t bytes)
{
	if (copy != NULL)
		memcpy(arena_at(slot), copy, bytes);
	else
		arena_empty(arena_at(slot));
}
