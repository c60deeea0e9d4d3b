#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_control.h"
#include "sim_loop.h"
#include "sim_shrink.h"

/*
 * The simulator's command line; make sim, make faults and make test call it.
 */

static const char usage[] =
    "sim: dsruns on a simulated machine, under faults, by seeds\n"
    "\n"
    "  sim seeds [--first N] [--seeds N] [--jobs J] [--no-shrink]\n"
    "      N random runs from a first seed, J at a time; one that fails is\n"
    "      made small and printed with the command that repeats it\n"
    "  sim run --seed N [--without-jobs A,B] [--without-acts A,B]\n"
    "          [--faults GATE:NAME:VALUE,...|none] [--no-turns]\n"
    "          [--control K] [--trace]\n"
    "      one run, told in full\n"
    "  sim faults [--every N] [--offset N] [--fault NAME] [--class NAME]\n"
    "             [--at N] [--jobs J]\n"
    "      one fault at the n-th external call, for every n\n"
    "  sim pairs [--first N] [--seeds N] [--jobs J]\n"
    "      a second fault while the first is recovered from\n"
    "  sim controls\n"
    "      ways to do it wrong; each must be seen\n";

static bool shrink = true;

/* A CHECK that fails, in dsrun or here, must name the run that shows it. */
static void
on_abort(int sig)
{
	(void)!write(
	    STDERR_FILENO, "\nsim: ended by a signal; again: sim ", 36);
	(void)!write(STDERR_FILENO, sim_again, strlen(sim_again));
	(void)!write(STDERR_FILENO, "\n", 1);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static double
now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of the children that have ended: the machine may be busy with others. */
static double
processor_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- flags
 * ----------------------------------------------------------------------------
 */

struct flags {
	uint64_t first, seeds;
	int64_t every, offset, jobs, at;
	const char *fault;
	int cls;
};

static const char *
value_of(int argc, char *const *argv, const char *name, const char *none)
{
	for (int i = 0; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return none;
}

static bool
has(int argc, char *const *argv, const char *name)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}

static struct flags
read_flags(int argc, char *const *argv)
{
	struct flags f = {.cls = -1};
	const char *cls = value_of(argc, argv, "--class", NULL);

	f.first = strtoull(value_of(argc, argv, "--first", "1"), NULL, 10);
	f.seeds = strtoull(value_of(argc, argv, "--seeds", "1000"), NULL, 10);
	f.every = strtoll(value_of(argc, argv, "--every", "1"), NULL, 10);
	f.offset = strtoll(value_of(argc, argv, "--offset", "0"), NULL, 10);
	f.jobs = strtoll(value_of(argc, argv, "--jobs", "1"), NULL, 10);
	f.at = strtoll(value_of(argc, argv, "--at", "0"), NULL, 10);
	f.fault = value_of(argc, argv, "--fault", NULL);
	shrink = !has(argc, argv, "--no-shrink");
	if (f.every < 1)
		f.every = 1;
	for (int i = 0; cls != NULL && i < CARRIER_CLASS_COUNT; i++)
		if (strcmp(cls, carrier_class_name((enum carrier_class)i)) == 0)
			f.cls = i;
	return f;
}

/* --- seeds
 * ----------------------------------------------------------------------------
 */

struct tally {
	int64_t seeds, failed, lives, attempts, faults, runs, calls, both;
	uint64_t digest; /* whatever order they are in */
};

static void
add(struct tally *t, struct sim_world *w)
{
	t->seeds++;
	t->failed += w->failure[0] != '\0';
	t->lives += w->lives;
	t->attempts += w->attempts;
	t->faults += (int64_t)w->fault_count;
	t->runs += w->runs;
	t->calls += w->m->gates;
	t->digest ^= sim_check_digest(w);
}

static void
tell_failed(const struct sim_plan *plan, const char *failure)
{
	(void)printf("seed %" PRIu64 " FAILED: %s\n", plan->seed, failure);
	(void)printf(
	    "  again: sim run --seed %" PRIu64 " --trace\n", plan->seed);
	(void)fflush(stdout);
}

static void
tell(const struct sim_stage *stage, struct sim_plan *plan, uint64_t seed)
{
	char failure[SIM_FAILURE_MAX];
	struct buf words = BUF_INIT(1 << 16);

	sim_plan_make(plan, seed);
	if (!sim_shrink(stage, plan, failure, shrink, tell_failed))
		(void)printf("seed %" PRIu64
			     " FAILED, but not when it was run alone\n",
		    seed);
	else if (shrink) {
		sim_shrink_words(plan, &words);
		(void)printf("  small: %s\n  again: sim run %s --trace\n",
		    failure, buf_text(&words));
		sim_plan_print(plan);
	}
	(void)fflush(stdout);
	buf_free(&words);
}

/* One job's: what it has done, also when it is killed by a CHECK. */
struct slot {
	struct tally t;
	uint64_t at;   /* the seed that runs, counted from the first */
	bool met_fate; /* that one ended its process */
};

static void
some_seeds(const struct sim_stage *stage, const struct flags *f, int k,
    int jobs, struct slot *slot)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));

	(void)k;
	if (slot->met_fate) {
		tell(stage, plan, f->first + slot->at);
		slot->t.seeds++;
		slot->t.failed++;
		slot->at += (uint64_t)jobs;
	}
	slot->met_fate = true;
	for (; slot->at < f->seeds; slot->at += (uint64_t)jobs) {
		uint64_t seed = f->first + slot->at;
		struct sim_world w;
		bool failed;

		memset(&w, 0, sizeof(w));
		(void)snprintf(sim_again, sizeof(sim_again),
		    "run --seed %" PRIu64 " --trace", seed);
		sim_plan_make(plan, seed);
		sim_world_run(&w, stage, plan);
		add(&slot->t, &w);
		failed = w.failure[0] != '\0';
		sim_world_fini(&w);
		if (failed)
			tell(stage, plan, seed);
	}
	mem_free(&plan);
}

/* Each job takes other places. */
static void
some_faults(const struct sim_stage *stage, const struct flags *f, int k,
    int jobs, struct slot *slot)
{
	struct sim_loop_result r = {0};
	struct sim_loop_options o = {.every = f->every * jobs,
	    .offset = f->offset + f->every * k,
	    .fault = f->fault,
	    .cls = f->cls,
	    .at = f->at,
	    .verbose = k == 0};

	sim_loop_run(stage, &o, &r);
	slot->t.runs += r.runs;
	slot->t.failed += r.failed;
}

static void
some_pairs(const struct sim_stage *stage, const struct flags *f, int k,
    int jobs, struct slot *slot)
{
	struct sim_loop_result r = {0};

	sim_loop_pairs(
	    stage, f->first + (uint64_t)k, f->seeds, (uint64_t)jobs, &r);
	slot->t.runs += r.runs;
	slot->t.failed += r.failed;
	slot->t.both += r.both;
}

typedef void share_fn(const struct sim_stage *stage, const struct flags *f,
    int k, int jobs, struct slot *slot);

static struct sim_stage *
stage_open(void)
{
	struct sim_stage *stage = sim_stage_open();

	sim_loop_learn(stage);
	sim_stage_make_images(stage);
	return stage;
}

static pid_t
start(
    const struct flags *f, share_fn *share, int k, int jobs, struct slot *slot)
{
	struct sim_stage *stage;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid;
	stage = stage_open();
	share(stage, f, k, jobs, slot);
	sim_stage_close(&stage);
	exit(0);
}

static void
gather(const struct slot *slot, struct tally *sum)
{
	const struct tally *t = &slot->t;

	sum->seeds += t->seeds;
	sum->failed += t->failed;
	sum->lives += t->lives;
	sum->attempts += t->attempts;
	sum->faults += t->faults;
	sum->runs += t->runs;
	sum->calls += t->calls;
	sum->both += t->both;
	sum->digest ^= t->digest;
}

#define JOBS_MAX 64

/*
 * Shared among processes of their own.  One that was killed by a CHECK is
 * started again behind the seed that did it, which is told first; false: one
 * died of something else.
 */
static bool
spread(const struct flags *f, share_fn *share, struct tally *sum)
{
	int jobs = f->jobs < 1          ? 1
		   : f->jobs > JOBS_MAX ? JOBS_MAX
					: (int)f->jobs;
	struct slot *slots = mmap(NULL, JOBS_MAX * sizeof(*slots),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[JOBS_MAX];
	bool whole = true;

	CHECK(slots != MAP_FAILED);
	for (int k = 0; k < jobs; k++) {
		slots[k].at = (uint64_t)k;
		pids[k] = start(f, share, k, jobs, &slots[k]);
	}
	for (int k = 0; k < jobs; k++) {
		int status = 0;

		while (waitpid(pids[k], &status, 0) == pids[k] &&
		       WIFSIGNALED(status) && slots[k].met_fate)
			pids[k] = start(f, share, k, jobs, &slots[k]);
		whole = whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
		gather(&slots[k], sum);
	}
	(void)munmap(slots, JOBS_MAX * sizeof(*slots));
	return whole;
}

static int
seeds(const struct flags *f)
{
	struct tally sum = {0};
	double began = now_s();
	bool whole = spread(f, some_seeds, &sum);
	double took = now_s() - began;

	(void)printf("sim: %" PRId64 " seeds from %" PRIu64 ", %" PRId64
		     " failed; %" PRId64
		     " job lives (%.0f a second, %.0f a second of a core)"
		     ", %" PRId64 " attempts, %" PRId64 " processes, %" PRId64
		     " faults, %" PRId64 " external calls, digest %016" PRIx64
		     ", %.1f s\n",
	    sum.seeds, f->first, sum.failed, sum.lives,
	    (double)sum.lives / took, (double)sum.lives / processor_s(),
	    sum.attempts, sum.runs, sum.faults, sum.calls, sum.digest, took);
	return !whole || sum.failed > 0 ? 1 : 0;
}

static int
loops(const char *what, const struct flags *f, share_fn *share)
{
	struct tally sum = {0};
	double began = now_s();
	bool whole = spread(f, share, &sum);

	(void)printf("%s: %" PRId64 " runs, ", what, sum.runs);
	if (sum.both > 0)
		(void)printf("%" PRId64 " with both, ", sum.both);
	(void)printf(
	    "%" PRId64 " failed, %.1f s\n", sum.failed, now_s() - began);
	return !whole || sum.failed > 0 ? 1 : 0;
}

/* --- one run
 * ----------------------------------------------------------------------------
 */

static int
one_run(const struct sim_stage *stage, int argc, char *const *argv)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));
	const char *wrong = "";
	struct sim_world w;
	bool failed;

	if (!sim_shrink_read(plan, argc, argv, &wrong) || plan->seed == 0) {
		(void)fprintf(
		    stderr, "sim: cannot read %s\n\n%s", wrong, usage);
		mem_free(&plan);
		return 2;
	}
	memset(&w, 0, sizeof(w));
	(void)snprintf(sim_again, sizeof(sim_again),
	    "run --seed %" PRIu64 " --trace, or the words that this was given",
	    plan->seed);
	w.trace = has(argc, argv, "--trace");
	sim_plan_print(plan);
	sim_world_run(&w, stage, plan);
	failed = w.failure[0] != '\0';
	if (w.trace)
		sim_check_print(&w);
	(void)printf("digest %016" PRIx64 "\n", sim_check_digest(&w));
	(void)printf("%s\n", failed ? w.failure : "all promises were kept");
	sim_world_fini(&w);
	mem_free(&plan);
	return failed ? 1 : 0;
}

static int
command(const char *name, int argc, char *const *argv)
{
	struct flags f = read_flags(argc, argv);
	struct sim_stage *stage = NULL;
	int status = 2;

	if (strcmp(name, "seeds") == 0)
		return seeds(&f);
	if (strcmp(name, "faults") == 0)
		return loops("fault loops", &f, some_faults);
	if (strcmp(name, "pairs") == 0)
		return loops("pairs of faults", &f, some_pairs);
	if (strcmp(name, "run") != 0 && strcmp(name, "controls") != 0) {
		(void)fprintf(stderr, "%s", usage);
		return status;
	}
	stage = stage_open();
	status = strcmp(name, "run") == 0
		     ? one_run(stage, argc, argv)
		     : (sim_loop_controls(stage) > 0 ? 1 : 0);
	sim_stage_close(&stage);
	return status;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "%s", usage);
		return 2;
	}
	/* Disks of megabytes come and go with each run: their pages are kept.
	 */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	(void)mallopt(M_TOP_PAD, 64 << 20);
	(void)signal(SIGABRT, on_abort);
	(void)signal(SIGSEGV, on_abort);
	return command(argv[1], argc - 2, argv + 2);
}
