#include "sim_loop.h"

#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#include "sim_control.h"
#include "sim_image.h"
#include "sim_shrink.h"

char sim_again[4096];

#define SECOND_US INT64_C(1000000)
#define PLACES_MAX 20000

static const struct loop_fault {
	const char *name;
	struct sim_deed deed;
} loop_faults[] = {{"kill", {.act = SIM_ACT_KILL}},
    {"eio", {.act = SIM_ACT_ORDER, .order = SIM_EIO}},
    {"enospc", {.act = SIM_ACT_ORDER, .order = SIM_ENOSPC}},
    {"short", {.act = SIM_ACT_ORDER, .order = SIM_SHORT}},
    {"emfile", {.act = SIM_ACT_ORDER, .order = SIM_EMFILE}},
    {"lost", {.act = SIM_ACT_ORDER, .order = SIM_LOST}},
    {"mute", {.act = SIM_ACT_ORDER, .order = SIM_MUTE}},
    {"reboot", {.act = SIM_ACT_POWER, .device = SIM_DEVICE_KEEPS}},
    {"drops", {.act = SIM_ACT_POWER, .device = SIM_DEVICE_DROPS}},
    {"ordered", {.act = SIM_ACT_POWER, .device = SIM_DEVICE_ORDERED}},
    {"reorders", {.act = SIM_ACT_POWER, .device = SIM_DEVICE_REORDERS}},
    {"garbles", {.act = SIM_ACT_POWER, .device = SIM_DEVICE_GARBLES}},
    {"stop", {.act = SIM_ACT_STOP, .value = 60 * SECOND_US}},
    {"hour-on", {.act = SIM_ACT_CLOCK, .value = 3600000}},
    {"hour-back", {.act = SIM_ACT_CLOCK, .value = -3600000}},
    {"1970", {.act = SIM_ACT_CLOCK, .value = -SIM_START_MS}},
    {"2036",
	{.act = SIM_ACT_CLOCK, .value = INT64_C(2082758400000) - SIM_START_MS}},
    {"nomem", {.act = SIM_ACT_NOMEM, .value = 1}},
    {"nomem-later", {.act = SIM_ACT_NOMEM, .value = 9}}};

/* --- the scenario
 * ----------------------------------------------------------------- */

/*
 * Three jobs: one that is over at once, one that talks, one that is called
 * again.  A file is taken in, one drain works, a sync delivers; another drain
 * and a sync come later, as cron would have it.
 */
static void
scenario(struct sim_plan *p, enum carrier_class cls, bool prepare)
{
	static const char *const phones[] = {
	    "+19990000001", "+18880000002", "+16660000003"};

	memset(p, 0, sizeof(*p));
	p->seed = 8 + (uint64_t)cls;
	p->cls = cls;
	p->prepare = prepare;
	p->concurrency = 2;
	p->memory_ms = 86400000;
	p->key_window_ms = 86400000;
	p->checkpoint_bytes = 12 * 4096;
	p->reboot_us = 30 * SECOND_US;
	p->given = true;
	for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
		struct sim_job *j = &p->jobs[p->job_count++];

		(void)snprintf(j->id, sizeof(j->id), "j%zu", i);
		(void)snprintf(j->phone, sizeof(j->phone), "%s", phones[i]);
		(void)snprintf(j->kind, sizeof(j->kind), "q");
		(void)snprintf(j->campaign, sizeof(j->campaign), "c1");
	}
	static const struct sim_action acts[] = {
	    {.at_us = 1100000, .actor = SIM_ACTOR_ENQUEUE},
	    {.at_us = 1400000, .actor = SIM_ACTOR_DRAIN},
	    {.at_us = 9000000, .actor = SIM_ACTOR_SYNC},
	    {.at_us = 15000000, .actor = SIM_ACTOR_DRAIN},
	    {.at_us = 45000000, .actor = SIM_ACTOR_DRAIN},
	    {.at_us = 60000000, .actor = SIM_ACTOR_SYNC}};

	memcpy(p->acts, acts, sizeof(acts));
	p->act_count = ARRAY_LEN(acts);
	p->end_us = 75 * SECOND_US;
}

/* Processes whose memory is looked at: enqueue, drain, sync. */
#define MINDS 3

struct places {
	uint8_t op[PLACES_MAX];
	bool outside[PLACES_MAX];
	size_t count;
	/* SQLite's allocations in each of the first processes. */
	struct mind {
		int64_t gate; /* its first call */
		int64_t began, allocs;
	} mind[MINDS];
};

static void
record_mind(struct places *x, const struct sim_process *p, int64_t gate)
{
	struct mind *m;

	if (p->number < 1 || p->number > MINDS)
		return;
	m = &x->mind[p->number - 1];
	if (m->gate == 0) {
		m->gate = gate;
		m->began = sim_vfs_allocs();
	}
	m->allocs = sim_vfs_allocs() - m->began;
}

static struct sim_deed
record(struct sim_world *w, struct sim_process *p, enum sim_op op,
    const char *path)
{
	struct places *x = w->decide_arg;

	record_mind(x, p, w->m->gates);
	if (w->m->gates < PLACES_MAX) {
		x->op[w->m->gates] = (uint8_t)op;
		x->outside[w->m->gates] = sim_world_outside(path);
		x->count = (size_t)w->m->gates;
	}
	return (struct sim_deed){.act = SIM_ACT_NONE};
}

/* --- runs
 * ------------------------------------------------------------------------------
 */

static void
report(const struct sim_plan *plan, const char *name, const char *failure)
{
	(void)printf("FAILED %s, class %s%s, at call %" PRId64 ": %s\n"
		     "  again: sim %s\n",
	    name, carrier_class_name(plan->cls), plan->prepare ? ", apart" : "",
	    plan->faults[0].gate, failure, sim_again);
	(void)fflush(stdout);
}

static void
one(const struct sim_stage *stage, struct sim_plan *plan, const char *name,
    const struct sim_deed *deed, int64_t at, struct sim_loop_result *out)
{
	struct sim_world w;

	plan->fault_count = 1;
	plan->faults[0] = (struct sim_fault){.gate = at, .deed = *deed};
	(void)snprintf(sim_again, sizeof(sim_again),
	    "faults --class %s --fault %s --at %" PRId64,
	    carrier_class_name(plan->cls), name, at);
	memset(&w, 0, sizeof(w));
	sim_world_run(&w, stage, plan);
	out->runs++;
	if (w.failure[0] != '\0') {
		out->failed++;
		report(plan, name, w.failure);
	}
	sim_world_fini(&w);
}

static void
places_of(const struct sim_stage *stage, struct sim_plan *plan,
    struct places *x, struct sim_loop_result *out)
{
	struct sim_world w;

	plan->fault_count = 0;
	memset(&w, 0, sizeof(w));
	memset(x, 0, sizeof(*x));
	w.decide = record;
	w.decide_arg = x;
	sim_world_run(&w, stage, plan);
	if (w.failure[0] != '\0') {
		out->failed++;
		(void)printf("FAILED without any fault: %s\n", w.failure);
	}
	sim_world_fini(&w);
}

/* Out of memory at SQLite's n-th allocation in one of the first processes. */
static void
alloc_loops(const struct sim_stage *stage, const struct sim_loop_options *o,
    struct sim_plan *plan, const struct places *x, struct sim_loop_result *out)
{
	if (o->fault != NULL && strcmp(o->fault, "alloc") != 0)
		return;
	for (size_t i = 0; i < MINDS; i++) {
		struct sim_deed deed = {.act = SIM_ACT_NOMEM};

		deed.value = 1 + (o->offset + (int64_t)i * 3) % o->every;
		for (; deed.value <= x->mind[i].allocs; deed.value += o->every)
			if (o->at == 0 || o->at == x->mind[i].gate)
				one(stage, plan, "alloc", &deed,
				    x->mind[i].gate, out);
	}
}

void
sim_loop_run(const struct sim_stage *stage, const struct sim_loop_options *o,
    struct sim_loop_result *out)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));
	struct places *x = mem_zalloc(1, sizeof(*x));

	for (int k = 0; k < 2 * CARRIER_CLASS_COUNT; k++) {
		enum carrier_class cls = (enum carrier_class)(k / 2);

		if (o->cls >= 0 && o->cls != (int)cls)
			continue;
		scenario(plan, cls, k % 2 == 1);
		places_of(stage, plan, x, out);
		for (size_t i = 0; i < ARRAY_LEN(loop_faults); i++) {
			const struct loop_fault *f = &loop_faults[i];
			/* Other faults at other places, in a sample. */
			int64_t at =
			    1 + (o->offset + k * 7 + (int64_t)i * 5) % o->every;

			if (o->fault != NULL && strcmp(o->fault, f->name) != 0)
				continue;
			for (; at <= (int64_t)x->count; at += o->every)
				if ((o->at == 0 || o->at == at) &&
				    sim_world_felt(&f->deed,
					(enum sim_op)x->op[at], x->outside[at]))
					one(stage, plan, f->name, &f->deed, at,
					    out);
		}
		alloc_loops(stage, o, plan, x, out);
		if (o->verbose)
			(void)printf("  %s%s: %zu places, %" PRId64
				     " runs so far\n",
			    carrier_class_name(cls),
			    plan->prepare ? ", apart" : "", x->count,
			    out->runs);
		(void)fflush(stdout);
	}
	mem_free(&x);
	mem_free(&plan);
}

void
sim_loop_learn(const struct sim_stage *stage)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));
	struct sim_world w;

	scenario(plan, CARRIER_NAMED, false);
	plan->images = true;
	memset(&w, 0, sizeof(w));
	sim_image_learn(true);
	sim_world_run(&w, stage, plan);
	sim_image_learn(false);
	/* A dsrun that breaks a promise here does so in every seed. */
	sim_world_fini(&w);
	mem_free(&plan);
}

/* At which call; 0 = it did not. */
static int64_t
struck(const struct sim_world *w, size_t i)
{
	return i < w->fault_count ? w->faults[i].gate : 0;
}

/* Where another file is put in the journal's place. */
static const char *const swap_points[] = {"journal.rebuild.copied",
    "journal.rebuild.synced", "journal.swap.flagged", "journal.swap.wal-aside",
    "journal.swap.aside", "journal.swap.renamed", "journal.swap.synced",
    "journal.swap.cleared"};

static const struct loop_fault *
any_fault(struct sim_rand *r)
{
	return &loop_faults[sim_rand_below(r, ARRAY_LEN(loop_faults))];
}

/* A disk error, and the end of all while the journal is rebuilt. */
static void
in_rebuild(struct sim_plan *plan, struct sim_rand *r)
{
	struct sim_fault *f = plan->faults;
	bool power = sim_rand_ppm(r, 700000);

	f[0].deed = (struct sim_deed){.act = SIM_ACT_ORDER, .order = SIM_EIO};
	f[1].gate = 0;
	f[1].point = swap_points[sim_rand_below(r, ARRAY_LEN(swap_points))];
	f[1].deed =
	    (struct sim_deed){.act = power ? SIM_ACT_POWER : SIM_ACT_KILL,
		.device = (enum sim_device)sim_rand_below(r, SIM_DEVICE_COUNT)};
}

static void
draw_pair(struct sim_plan *plan, uint64_t seed)
{
	struct sim_rand r = sim_rand_of(seed, 30);
	struct sim_fault *f = plan->faults;

	scenario(plan, (enum carrier_class)sim_rand_below(&r, 5),
	    sim_rand_ppm(&r, 500000));
	plan->seed = 100 + seed; /* a power cut leaves something else */
	plan->slides = true;
	plan->fault_count = 2;
	f[0] = (struct sim_fault){
	    .gate = sim_rand_between(&r, 1, 2500), .deed = any_fault(&r)->deed};
	/* Most often soon after: while it is being recovered from. */
	f[1] = (struct sim_fault){.gate = sim_rand_between(&r, 1,
				      sim_rand_ppm(&r, 700000) ? 400 : 1500),
	    .deed = any_fault(&r)->deed};
	if (sim_rand_ppm(&r, 200000))
		in_rebuild(plan, &r);
}

void
sim_loop_pairs(const struct sim_stage *stage, uint64_t first, uint64_t count,
    uint64_t step, struct sim_loop_result *out)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));

	for (uint64_t s = first; s < first + count; s += step) {
		struct sim_world w;

		draw_pair(plan, s);
		(void)snprintf(sim_again, sizeof(sim_again),
		    "pairs --seeds 1 --first %" PRIu64, s);
		memset(&w, 0, sizeof(w));
		sim_world_run(&w, stage, plan);
		out->runs++;
		out->both += w.fault_count == 2;
		if (w.failure[0] != '\0') {
			out->failed++;
			(void)printf("FAILED pair %" PRIu64 " (%s at %" PRId64
				     ", %s at %" PRId64 ", class %s): %s\n"
				     "  again: sim %s\n",
			    s, sim_deed_name(&plan->faults[0].deed),
			    struck(&w, 0), sim_deed_name(&plan->faults[1].deed),
			    struck(&w, 1), carrier_class_name(plan->cls),
			    w.failure, sim_again);
			(void)fflush(stdout);
		}
		sim_world_fini(&w);
	}
	mem_free(&plan);
}

/* --- controls
 * ---------------------------------------------------------------------------
 */

/* The same run, to the last call, of a dsrun that does not err must keep every
 * promise. */
static bool
right_is_right(const struct sim_stage *stage, struct sim_plan *plan,
    unsigned wrong, uint64_t seed)
{
	struct sim_world w;
	bool right;

	/* Anew: a run that healed has no faults left in its plan. */
	sim_plan_make(plan, seed);
	plan->wrong = wrong;
	sim_control_tune(plan);
	plan->wrong = 0;
	plan->key_forgotten = 0;
	memset(&w, 0, sizeof(w));
	sim_world_run(&w, stage, plan);
	right = w.failure[0] == '\0';
	if (!right)
		(void)printf(
		    "    seed %" PRIu64 ", done right: %s\n", seed, w.failure);
	sim_world_fini(&w);
	return right;
}

/* In a process of its own: a dsrun that errs may well end in a CHECK. */
static void
show(const struct sim_stage *stage, struct sim_plan *plan, unsigned wrong,
    uint64_t seed)
{
	struct sim_world w;
	bool seen;

	sim_plan_make(plan, seed);
	plan->wrong = wrong;
	sim_control_tune(plan);
	memset(&w, 0, sizeof(w));
	sim_world_run(&w, stage, plan);
	seen = w.i14_broken;
	if (seen)
		(void)printf("    seed %" PRIu64 ": I14: %s\n", seed, w.i14);
	sim_world_fini(&w);
	seen = seen && right_is_right(stage, plan, wrong, seed);
	(void)fflush(stdout);
	_exit(seen ? 0 : 1);
}

static bool
shows(const struct sim_stage *stage, struct sim_plan *plan, unsigned wrong,
    uint64_t seed)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		show(stage, plan, wrong, seed);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
sim_loop_controls(const struct sim_stage *stage)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));
	int unseen = 0;

	for (size_t i = 0; sim_control_names[i].name != NULL; i++) {
		const struct sim_control_name *c = &sim_control_names[i];
		uint64_t seed = 1;

		(void)printf("  %s:\n", c->name);
		while (seed <= SIM_CONTROL_SEEDS &&
		       !shows(stage, plan, c->wrong, seed))
			seed++;
		if (seed > SIM_CONTROL_SEEDS) {
			(void)printf(
			    "    NOT SEEN in %d seeds\n", SIM_CONTROL_SEEDS);
			unseen++;
		}
		(void)fflush(stdout);
	}
	mem_free(&plan);
	return unseen;
}
