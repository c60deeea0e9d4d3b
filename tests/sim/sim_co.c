#include "sim_co.h"

#include <sys/mman.h>

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "base/check.h"
#include "base/mem.h"

#define SPARE_MAX 64

struct sim_co {
	ucontext_t here, back;
	void (*fn)(void *arg);
	void *arg;
	void *stack;
	bool begun, over;
};

static struct sim_co *running;
static void *spare[SPARE_MAX];
static int spares;

static void *
stack_get(void)
{
	void *p;

	if (spares > 0)
		return spare[--spares];
	p = mmap(NULL, SIM_CO_STACK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	/* The lowest page catches a stack that grows too far. */
	CHECK(mprotect(p, 4096, PROT_NONE) == 0);
	return p;
}

static void
stack_put(void *p)
{
	if (spares < SPARE_MAX)
		spare[spares++] = p;
	else
		CHECK(munmap(p, SIM_CO_STACK_BYTES) == 0);
}

/* makecontext passes ints only. */
static void
entry(unsigned high, unsigned low)
{
	struct sim_co *c =
	    (struct sim_co *)((uintptr_t)high << 32 | (uintptr_t)low);

	c->fn(c->arg);
	c->over = true;
	CHECK(swapcontext(&c->here, &c->back) == 0);
}

struct sim_co *
sim_co_new(void (*fn)(void *arg), void *arg)
{
	struct sim_co *c = mem_zalloc(1, sizeof(*c));

	c->fn = fn;
	c->arg = arg;
	c->stack = stack_get();
	return c;
}

void
sim_co_resume(struct sim_co *c)
{
	CHECK(running == NULL && !c->over);
	if (!c->begun) {
		uintptr_t p = (uintptr_t)c;

		c->begun = true;
		CHECK(getcontext(&c->here) == 0);
		c->here.uc_stack.ss_sp = c->stack;
		c->here.uc_stack.ss_size = SIM_CO_STACK_BYTES;
		c->here.uc_link = NULL;
		makecontext(&c->here, (void (*)(void))entry, 2,
		    (unsigned)(p >> 32), (unsigned)(p & 0xffffffffU));
	}
	running = c;
	CHECK(swapcontext(&c->back, &c->here) == 0);
	running = NULL;
}

void
sim_co_yield(void)
{
	struct sim_co *c = running;

	CHECK(c != NULL);
	CHECK(swapcontext(&c->here, &c->back) == 0);
}

bool
sim_co_over(const struct sim_co *c)
{
	return c->over;
}

struct sim_co *
sim_co_running(void)
{
	return running;
}

void
sim_co_free(struct sim_co **cp)
{
	struct sim_co *c = *cp;

	if (c == NULL)
		return;
	CHECK(c->over || !c->begun);
	stack_put(c->stack);
	mem_free(cp);
}
