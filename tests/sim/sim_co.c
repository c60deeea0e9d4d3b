#include "sim_co.h"

#include <sys/mman.h>

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "base/check.h"
#include "base/mem.h"

#define SPARE_MAX 64

/*
 * swapcontext asks the kernel for the signal mask at every turn.  Where it is
 * known how, only the registers are changed that a call must preserve; a
 * sanitizer has to see who changes stacks.
 */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define OWN_SWITCH 1
#else
#define OWN_SWITCH 0
#endif

struct sim_co {
#if OWN_SWITCH
	void *here, *back; /* stack pointers */
#else
	ucontext_t here, back;
#endif
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

static void leave(struct sim_co *c);

static void
entry(void)
{
	struct sim_co *c = running;

	c->fn(c->arg);
	c->over = true;
	leave(c);
}

#if OWN_SWITCH

/* *save = where this one stands; go on where to stands. */
void sim_co_switch(void **save, void *to);
__asm__(".text\n"
	".globl sim_co_switch\n"
	".type sim_co_switch, @function\n"
	"sim_co_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size sim_co_switch, .-sim_co_switch\n");

#define SAVED 6 /* registers */

static void
begin(struct sim_co *c)
{
	void **top = (void **)(void *)((char *)c->stack + SIM_CO_STACK_BYTES);

	/* As if entry had been called, by nobody. */
	*--top = NULL;
	*--top = (void *)(uintptr_t)entry;
	top -= SAVED;
	memset((void *)top, 0, SAVED * sizeof(*top));
	c->here = (void *)top;
}

static void
go(struct sim_co *c)
{
	sim_co_switch(&c->back, c->here);
}

static void
leave(struct sim_co *c)
{
	sim_co_switch(&c->here, c->back);
}

#else

static void
begin(struct sim_co *c)
{
	CHECK(getcontext(&c->here) == 0);
	c->here.uc_stack.ss_sp = c->stack;
	c->here.uc_stack.ss_size = SIM_CO_STACK_BYTES;
	c->here.uc_link = NULL;
	makecontext(&c->here, entry, 0);
}

static void
go(struct sim_co *c)
{
	CHECK(swapcontext(&c->back, &c->here) == 0);
}

static void
leave(struct sim_co *c)
{
	CHECK(swapcontext(&c->here, &c->back) == 0);
}

#endif

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
	running = c;
	if (!c->begun)
		begin(c);
	c->begun = true;
	go(c);
	running = NULL;
}

void
sim_co_yield(void)
{
	struct sim_co *c = running;

	CHECK(c != NULL);
	leave(c);
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
