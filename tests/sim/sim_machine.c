#include "sim_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "sim_env.h"

/* After its death a process unwinds; one that takes longer hangs. */
#define TURNS_DEAD_MAX 200000

static struct sim_process *running;

/* --- threads -----------------------------------------------------------------
 */

bool
sim_is_dead(const struct sim_process *p)
{
	return p->dead;
}

/* Give way, in state; comes back when the machine says so. */
static void
give_way(struct sim_process *p, enum sim_thread_state state, int64_t wake_us,
    bool waits)
{
	struct sim_thread *t =
	    sim_co_running() == p->loop.co ? &p->loop : &p->worker;

	CHECK(sim_co_running() == t->co);
	t->state = state;
	t->wake_us = wake_us;
	t->waits = waits;
	sim_co_yield();
	t->state = SIM_THREAD_READY;
	running = p;
	sim_vfs_running(p);
}

void
sim_process_sleep(struct sim_process *p, int64_t us)
{
	if (p->dead || p->quiet || sim_co_running() == NULL) {
		p->machine->now_us += us;
		return;
	}
	give_way(p, SIM_THREAD_SLEEPS, p->machine->now_us + us, false);
}

static void
loop_entry(void *arg)
{
	struct sim_process *p = arg;

	p->main(p);
	p->over = true;
}

static void
worker_entry(void *arg)
{
	struct sim_process *p = arg;
	struct list *node;

	while (!p->over) {
		if ((node = list_pop(&p->works)) == NULL) {
			give_way(p, SIM_THREAD_SLEEPS, INT64_MAX, true);
			continue;
		}
		struct env_work *w = CONTAINER_OF(node, struct env_work, node);

		p->in_work = true;
		w->run(w);
		p->in_work = false;
		list_add_tail(&p->finished, &w->node);
		if (p->loop.state == SIM_THREAD_SLEEPS && p->loop.waits)
			p->loop.state = SIM_THREAD_READY;
	}
}

/* One thing that the loop has to do; false: nothing now. */
static bool
loop_turn(struct sim_process *p)
{
	struct list *node;
	struct env_timer *t;

	if ((node = list_pop(&p->finished)) != NULL) {
		struct env_work *w = CONTAINER_OF(node, struct env_work, node);

		w->done(w);
		return true;
	}
	if ((node = list_pop(&p->posts)) != NULL) {
		struct env_post *n = CONTAINER_OF(node, struct env_post, node);

		n->fn(n);
		return true;
	}
	/* The dead do not wait, but for what their worker has in hand. */
	if (p->dead && (p->in_work || !list_empty(&p->works)))
		return false;
	t = sim_env_due(p, p->dead);
	if (t == NULL)
		return false;
	t->fn(t);
	return true;
}

void
sim_process_loop(struct sim_process *p, const bool *done)
{
	while (!*done) {
		/* Whoever was killed leaves by the door of a hard stop, in
		 * which nothing has an effect any more. */
		if (p->dead && p->unwinds) {
			p->unwinds = false;
			p->on_signal(p, true);
			continue;
		}
		if (loop_turn(p)) {
			CHECK(!p->dead || p->turns_dead++ < TURNS_DEAD_MAX);
			continue;
		}
		int64_t next = sim_env_next_us(p);

		/* What waits for nothing would wait for ever. */
		CHECK(!p->dead || p->in_work || !list_empty(&p->works));
		give_way(p, SIM_THREAD_SLEEPS, next, true);
	}
}

/* --- the gate
 * ------------------------------------------------------------------ */

static int64_t
cost_us(struct sim_machine *m, enum sim_op op)
{
	switch (op) {
	case SIM_OP_SYNC:
		return sim_rand_between(&m->cost, 500, 4000);
	case SIM_OP_POINT:
	case SIM_OP_UNLOCK:
	case SIM_OP_MAP:
	case SIM_OP_SLEEP:
	case SIM_OP_DIAL:
	case SIM_OP_LOOKUP:
	case SIM_OP_HANGUP:
	case SIM_OP_NOTICE:
	case SIM_OP_TAKEN:
		return 0;
	case SIM_OP_OPEN:
	case SIM_OP_READ:
	case SIM_OP_WRITE:
	case SIM_OP_TRUNCATE:
	case SIM_OP_STAT:
	case SIM_OP_LOCK:
	case SIM_OP_RENAME:
	case SIM_OP_REMOVE:
	case SIM_OP_MAKE_DIR:
	case SIM_OP_COUNT:
	default:
		return sim_rand_between(&m->cost, 1, 20);
	}
}

static enum sim_order
do_deed(struct sim_machine *m, struct sim_process *p, struct sim_deed d)
{
	switch (d.act) {
	case SIM_ACT_KILL:
		sim_process_kill(p);
		return SIM_DEAD;
	case SIM_ACT_POWER:
		sim_machine_power_cut(m, d.device);
		return SIM_DEAD;
	case SIM_ACT_STOP:
		sim_process_stop(p, d.value);
		give_way(p, SIM_THREAD_READY, 0, false);
		break;
	case SIM_ACT_CLOCK:
		sim_machine_set_clock(m, d.value);
		break;
	case SIM_ACT_NOMEM:
		sim_vfs_fail_alloc(p, d.value, false);
		break;
	case SIM_ACT_ORDER:
	case SIM_ACT_NONE:
	default:
		break;
	}
	return p->dead ? SIM_DEAD : d.act == SIM_ACT_ORDER ? d.order : SIM_GO;
}

enum sim_order
sim_gate(struct sim_process *p, enum sim_op op, const char *path)
{
	struct sim_machine *m = p->machine;
	enum sim_order order = SIM_GO;

	if (p->dead)
		return SIM_DEAD;
	if (p->quiet)
		return SIM_GO;
	m->gates++;
	p->gates++;
	m->now_us += cost_us(m, op);
	m->digest = (m->digest ^ (uint64_t)m->now_us ^ (uint64_t)op << 48 ^
			(uint64_t)p->number << 56) *
		    UINT64_C(0x100000001b3);
	sim_disk_set_time(m->disk, SIM_START_MS + m->now_us / 1000);
	if (m->preempt_ppm > 0 && sim_rand_ppm(&m->sched, m->preempt_ppm))
		give_way(p, SIM_THREAD_READY, 0, false);
	if (p->dead)
		return SIM_DEAD;
	if (m->decide != NULL)
		order = do_deed(m, p, m->decide(m, p, op, path));
	return order;
}

static void
at_point(void *arg, const char *name)
{
	(void)arg;
	if (running == NULL || running->quiet)
		return;
	running->last_point = name;
	if (running->machine->trace && !running->dead)
		(void)fprintf(stderr, "%12lld %s %s\n",
		    (long long)running->machine->now_us, running->name, name);
	(void)sim_gate(running, SIM_OP_POINT, name);
}

/* --- SQLite's own needs
 * ---------------------------------------------------------- */

static void
vfs_random(struct sim_process *p, void *bytes, int len)
{
	sim_rand_bytes(&p->machine->bytes, bytes, (size_t)len);
}

static int64_t
vfs_wall_ms(struct sim_process *p)
{
	return SIM_START_MS + p->machine->now_us / 1000;
}

/* --- the machine
 * ------------------------------------------------------------------ */

static void
process_init(struct sim_process *p, struct sim_machine *m, int slot)
{
	memset(p, 0, sizeof(*p));
	p->machine = m;
	p->slot = slot;
	list_init(&p->posts);
	list_init(&p->works);
	list_init(&p->finished);
	sim_env_init(&p->own, p);
	sim_env_init(&p->line, p);
	sim_vfs_bind(slot, p, m->disk);
}

struct sim_machine *
sim_machine_new(uint64_t seed, struct sim_disk *disk)
{
	static const struct sim_vfs_ops ops = {.random = vfs_random,
	    .wall_ms = vfs_wall_ms,
	    .sleep = sim_process_sleep};
	static bool registered;
	struct sim_machine *m = mem_zalloc(1, sizeof(*m));

	if (!registered)
		sim_vfs_register();
	registered = true;
	sim_vfs_set_ops(&ops);
	crash_hook(at_point, NULL);
	m->seed = seed;
	m->disk = disk;
	m->boots = 1;
	m->now_us = 1000000;
	m->reboot_us = 30000000;
	m->sched = sim_rand_of(seed, 1);
	m->cost = sim_rand_of(seed, 2);
	m->bytes = sim_rand_of(seed, 3);
	m->power = sim_rand_of(seed, 4);
	process_init(&m->host, m, SIM_PROCESSES_MAX);
	m->host.name = "host";
	m->host.quiet = true;
	return m;
}

struct sim_process *
sim_process_start(struct sim_machine *m, const char *name,
    void (*main)(struct sim_process *p), void *arg)
{
	int slot = 0;

	while (slot < SIM_PROCESSES_MAX && m->process[slot] != NULL)
		slot++;
	if (slot == SIM_PROCESSES_MAX)
		return NULL;
	struct sim_process *p = mem_zalloc(1, sizeof(*p));

	process_init(p, m, slot);
	p->number = ++m->started;
	p->name = name;
	p->main = main;
	p->arg = arg;
	sim_env_init(&p->own, p);
	sim_env_init(&p->line, p);
	p->own.env.wall_offset_ms = m->wall_offset_ms;
	p->loop = (struct sim_thread){
	    .p = p, .co = sim_co_new(loop_entry, p), .state = SIM_THREAD_READY};
	p->worker = (struct sim_thread){.p = p,
	    .co = sim_co_new(worker_entry, p),
	    .state = SIM_THREAD_READY};
	m->process[slot] = p;
	return p;
}

void
sim_process_kill(struct sim_process *p)
{
	if (p->dead || p->over)
		return;
	p->dead = true;
	p->dead_us = p->machine->now_us;
	p->stopped_us = 0;
	if (p->machine->trace)
		(void)fprintf(stderr, "%12lld %s killed\n",
		    (long long)p->machine->now_us, p->name);
	sim_disk_drop_process(p->machine->disk, p);
	p->loop.state = SIM_THREAD_READY;
	p->worker.state = SIM_THREAD_READY;
	p->unwinds = p->on_signal != NULL;
}

void
sim_process_stop(struct sim_process *p, int64_t us)
{
	if (p->dead || p->over)
		return;
	p->stopped_us = p->machine->now_us + us;
	if (p->machine->locks_lapse)
		sim_disk_lapse(p->machine->disk, p, true);
}

void
sim_process_signal(struct sim_process *p, bool hard)
{
	if (!p->dead && !p->over && p->on_signal != NULL)
		p->on_signal(p, hard);
}

void
sim_machine_power_cut(struct sim_machine *m, enum sim_device device)
{
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (m->process[i] != NULL)
			sim_process_kill(m->process[i]);
	if (m->on_power != NULL)
		m->on_power(m, false);
	sim_disk_power_cut(m->disk, device, "sim", &m->power);
	m->boots++;
	m->boot_us = m->now_us;
	m->now_us += m->reboot_us;
	sim_env_init(&m->host.own, &m->host);
	sim_env_init(&m->host.line, &m->host);
	if (m->on_power != NULL)
		m->on_power(m, true);
}

void
sim_machine_set_clock(struct sim_machine *m, int64_t wall_offset_ms)
{
	m->wall_offset_ms = wall_offset_ms;
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (m->process[i] != NULL)
			m->process[i]->own.env.wall_offset_ms = wall_offset_ms;
}

static bool
may_go(struct sim_machine *m, struct sim_thread *t)
{
	struct sim_process *p = t->p;

	if (t->co == NULL || sim_co_over(t->co))
		return false;
	if (p->stopped_us > m->now_us)
		return false;
	if (p->stopped_us != 0) {
		p->stopped_us = 0;
		sim_disk_lapse(m->disk, p, false);
	}
	return t->state == SIM_THREAD_READY ||
	       (t->state == SIM_THREAD_SLEEPS && t->wake_us <= m->now_us);
}

static void
resume(struct sim_thread *t)
{
	running = t->p;
	sim_vfs_running(t->p);
	sim_co_resume(t->co);
	running = NULL;
	sim_vfs_running(NULL);
}

static void
process_end(struct sim_machine *m, struct sim_process *p)
{
	/* Its worker has nothing left: it ends with its next turn. */
	if (!sim_co_over(p->worker.co))
		resume(&p->worker);
	CHECK(sim_co_over(p->worker.co));
	sim_disk_drop_process(m->disk, p);
	sim_vfs_bind(p->slot, NULL, NULL);
	sim_vfs_forget(p->slot);
	sim_co_free(&p->loop.co);
	sim_co_free(&p->worker.co);
	sim_env_fini(p);
	m->process[p->slot] = NULL;
	mem_free(&p);
}

/* The thread that goes next; the dead first. */
static struct sim_thread *
choose(struct sim_machine *m)
{
	struct sim_thread *ready[2 * SIM_PROCESSES_MAX];
	size_t n = 0;

	for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *p = m->process[i];

		if (p == NULL)
			continue;
		struct sim_thread *both[] = {&p->worker, &p->loop};

		for (size_t k = 0; k < 2; k++) {
			if (!may_go(m, both[k]))
				continue;
			if (p->dead)
				return both[k];
			ready[n++] = both[k];
		}
	}
	if (n == 0)
		return NULL;
	return ready[n == 1 ? 0 : sim_rand_below(&m->sched, (int64_t)n)];
}

static int64_t
next_us(struct sim_machine *m)
{
	int64_t at = INT64_MAX;

	for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *p = m->process[i];

		if (p == NULL)
			continue;
		int64_t wake = p->loop.wake_us;

		if (!sim_co_over(p->worker.co) &&
		    p->worker.state == SIM_THREAD_SLEEPS &&
		    p->worker.wake_us < wake)
			wake = p->worker.wake_us;
		if (p->stopped_us != 0)
			wake = p->stopped_us;
		if (wake < at)
			at = wake;
	}
	return at;
}

void
sim_machine_run(struct sim_machine *m, int64_t until_us)
{
	while (m->now_us < until_us) {
		struct sim_thread *t = choose(m);

		if (t == NULL) {
			int64_t at = next_us(m);

			m->now_us = at < until_us ? at : until_us;
			if (at == INT64_MAX)
				break;
			continue;
		}
		struct sim_process *p = t->p;

		resume(t);
		if (sim_co_over(p->loop.co))
			process_end(m, p);
		if (sim_machine_alive(m) == 0)
			break;
	}
}

int
sim_machine_alive(const struct sim_machine *m)
{
	int n = 0;

	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		n += m->process[i] != NULL;
	return n;
}

void
sim_machine_free(struct sim_machine **mp)
{
	struct sim_machine *m = *mp;

	if (m == NULL)
		return;
	m->decide = NULL;
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (m->process[i] != NULL)
			sim_process_kill(m->process[i]);
	sim_machine_run(m, INT64_MAX);
	sim_env_fini(&m->host);
	sim_vfs_bind(SIM_PROCESSES_MAX, NULL, NULL);
	sim_disk_free(&m->disk);
	crash_hook(NULL, NULL);
	mem_free(mp);
}
