#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
    "      one fault at the n-th external call, for every n\n"
    "  sim pairs [--first N] [--seeds N]\n"
    "      a second fault while the first is recovered from\n"
    "  sim controls\n"
    "      ways to do it wrong; each must be seen\n";

static bool shrink = true;
static char again[4096]; /* the command that repeats what runs now */

/* A CHECK that fails, in dsrun or here, must name the run that shows it. */
static void
on_abort(int sig)
{
	(void)!write(
	    STDERR_FILENO, "\nsim: ended by a signal; again: sim ", 36);
	(void)!write(STDERR_FILENO, again, strlen(again));
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

/* --- flags
 * ----------------------------------------------------------------------------
 */

struct flags {
	uint64_t first, seeds;
	int64_t every, offset, jobs;
	const char *fault;
	int cls;
	bool trace;
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
	struct err err = {0};

	f.first = strtoull(value_of(argc, argv, "--first", "1"), NULL, 10);
	f.seeds = strtoull(value_of(argc, argv, "--seeds", "1000"), NULL, 10);
	f.every = strtoll(value_of(argc, argv, "--every", "1"), NULL, 10);
	f.offset = strtoll(value_of(argc, argv, "--offset", "0"), NULL, 10);
	f.jobs = strtoll(value_of(argc, argv, "--jobs", "1"), NULL, 10);
	f.fault = value_of(argc, argv, "--fault", NULL);
	f.trace = has(argc, argv, "--trace");
	shrink = !has(argc, argv, "--no-shrink");
	if (f.every < 1)
		f.every = 1;
	for (int i = 0; cls != NULL && i < CARRIER_CLASS_COUNT; i++)
		if (strcmp(cls, carrier_class_name((enum carrier_class)i)) == 0)
			f.cls = i;
	(void)err;
	return f;
}

/* --- seeds
 * ----------------------------------------------------------------------------
 */

struct tally {
	int64_t seeds, failed, lives, attempts, faults, runs, calls;
};

static void
add(struct tally *t, const struct sim_world *w)
{
	t->seeds++;
	t->failed += w->failure[0] != '\0';
	t->lives += w->lives;
	t->attempts += w->attempts;
	t->faults += (int64_t)w->fault_count;
	t->runs += w->runs;
	t->calls += w->m->gates;
}

static void
tell_small(const struct sim_stage *stage, struct sim_plan *plan,
    const struct sim_world *w)
{
	char failure[SIM_FAILURE_MAX];
	struct buf words = BUF_INIT(1 << 16);

	(void)printf("seed %" PRIu64 " FAILED: %s\n", plan->seed, w->failure);
	(void)printf(
	    "  again: sim run --seed %" PRIu64 " --trace\n", plan->seed);
	(void)fflush(stdout);
	if (!shrink)
		return;
	sim_shrink(stage, plan, w, failure);
	sim_shrink_words(plan, &words);
	(void)printf("  small: %s\n  again: sim run %s --trace\n", failure,
	    buf_text(&words));
	sim_plan_print(plan);
	(void)fflush(stdout);
	buf_free(&words);
}

static void
some_seeds(const struct sim_stage *stage, uint64_t first, uint64_t step,
    uint64_t count, struct tally *t)
{
	struct sim_plan *plan = mem_zalloc(1, sizeof(*plan));

	for (uint64_t i = 0; i < count; i += step) {
		struct sim_world w;

		memset(&w, 0, sizeof(w));
		(void)snprintf(again, sizeof(again),
		    "run --seed %" PRIu64 " --trace", first + i);
		sim_plan_make(plan, first + i);
		sim_world_run(&w, stage, plan);
		add(t, &w);
		if (w.failure[0] != '\0') {
			/* The machine is one: the small runs need its slots. */
			sim_machine_free(&w.m);
			sim_plan_make(plan, first + i);
			tell_small(stage, plan, &w);
		}
		sim_world_fini(&w);
	}
	mem_free(&plan);
}

/* J processes of their own, each with every J-th seed. */
static int
seeds(const struct flags *f)
{
	struct tally sum = {0};
	int jobs = f->jobs < 1 ? 1 : f->jobs > 64 ? 64 : (int)f->jobs;
	int ends[64];
	pid_t pids[64];
	bool broken = false;
	double began = now_s();

	for (int k = 0; k < jobs; k++) {
		int pair[2];

		if (pipe(pair) != 0)
			return 2;
		pids[k] = fork();
		if (pids[k] == 0) {
			struct sim_stage *stage = sim_stage_open();
			struct tally t = {0};

			some_seeds(stage, f->first + (uint64_t)k,
			    (uint64_t)jobs, f->seeds - (uint64_t)k, &t);
			(void)!write(pair[1], &t, sizeof(t));
			sim_stage_close(&stage);
			_exit(0);
		}
		(void)close(pair[1]);
		ends[k] = pair[0];
	}
	for (int k = 0; k < jobs; k++) {
		struct tally t = {0};
		int status = 0;

		if (read(ends[k], &t, sizeof(t)) != (ssize_t)sizeof(t))
			broken = true;
		(void)waitpid(pids[k], &status, 0);
		sum.seeds += t.seeds;
		sum.failed += t.failed;
		sum.lives += t.lives;
		sum.attempts += t.attempts;
		sum.faults += t.faults;
		sum.runs += t.runs;
		sum.calls += t.calls;
	}
	double took = now_s() - began;

	(void)printf("sim: %" PRId64 " seeds from %" PRIu64 ", %" PRId64
		     " failed; %" PRId64 " job lives (%.0f a second), %" PRId64
		     " attempts, %" PRId64 " processes, %" PRId64
		     " faults, %" PRId64 " external calls, %.1f s\n",
	    sum.seeds, f->first, sum.failed, sum.lives,
	    (double)sum.lives / took, sum.attempts, sum.runs, sum.faults,
	    sum.calls, took);
	return broken || sum.failed > 0 ? 1 : 0;
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
	w.trace = has(argc, argv, "--trace");
	sim_plan_print(plan);
	sim_world_run(&w, stage, plan);
	failed = w.failure[0] != '\0';
	if (w.trace)
		sim_check_print(&w);
	(void)printf("%s\n", failed ? w.failure : "all promises were kept");
	sim_world_fini(&w);
	mem_free(&plan);
	return failed ? 1 : 0;
}

static int
end_of(const char *what, const struct sim_loop_result *r, double began)
{
	(void)printf("%s: %" PRId64 " runs, %" PRId64 " failed, %.1f s\n", what,
	    r->runs, r->failed, now_s() - began);
	return r->failed > 0 ? 1 : 0;
}

static int
command(const char *name, int argc, char *const *argv)
{
	struct flags f = read_flags(argc, argv);
	struct sim_loop_result r = {0};
	double began = now_s();
	int status = 2;

	if (strcmp(name, "seeds") == 0)
		return seeds(&f);
	struct sim_stage *stage = sim_stage_open();

	if (strcmp(name, "run") == 0) {
		status = one_run(stage, argc, argv);
	} else if (strcmp(name, "faults") == 0) {
		struct sim_loop_options o = {.every = f.every,
		    .offset = f.offset,
		    .fault = f.fault,
		    .cls = f.cls,
		    .verbose = true};

		sim_loop_run(stage, &o, &r);
		status = end_of("fault loops", &r, began);
	} else if (strcmp(name, "pairs") == 0) {
		sim_loop_pairs(stage, f.first, f.seeds, &r);
		status = end_of("pairs", &r, began);
	} else if (strcmp(name, "controls") == 0) {
		status = sim_loop_controls(stage) > 0 ? 1 : 0;
	} else {
		(void)fprintf(stderr, "%s", usage);
	}
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
	(void)signal(SIGABRT, on_abort);
	(void)signal(SIGSEGV, on_abort);
	return command(argv[1], argc - 2, argv + 2);
}
