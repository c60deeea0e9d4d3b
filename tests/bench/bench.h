#ifndef DSRUN_TESTS_BENCH_H
#define DSRUN_TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * What the programs of tests/bench share.  bench.py runs each for one figure
 * at a time, so that rivals can take turns; they print numbers only: how many,
 * in how many seconds, with how many of the processor.  Whatever goes wrong
 * ends them.
 */

#define BENCH_PATH 1024
#define BENCH_WAL_PAGES 4096   /* 16 MB: the journal's checkpoint */
#define BENCH_RESULT_BYTES 620 /* a line of results.jsonl */
#define BENCH_RESULTS 100      /* rows a batch of results, as in run/ */
/* Numbers of instant's, so that the program could call them too. */
#define BENCH_NUMBER INT64_C(19990000000)
#define BENCH_CALL "sim-0123456789abcdef"

#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			(void)fprintf(                                         \
			    stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			exit(1);                                               \
		}                                                              \
	} while (0)

static inline double
bench_now(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int64_t
bench_count(const char *text)
{
	char *end = NULL;
	long long n = strtoll(text, &end, 10);

	MUST(n > 0 && *end == '\0');
	return n;
}

/* All threads of this process. */
static inline double
bench_cpu(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double
bench_thread_cpu(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Groups in turn, so that the one who asks need not wait while one commits. */
#define BENCH_COHORTS 2

/* A stretch of time, on the wall and on the processor; may be added to. */
struct bench_span {
	double wall_s, cpu_s;
};

static inline void
bench_begin(struct bench_span *s)
{
	s->wall_s -= bench_now();
	s->cpu_s -= bench_cpu();
}

static inline void
bench_end(struct bench_span *s)
{
	s->wall_s += bench_now();
	s->cpu_s += bench_cpu();
}

static inline void
bench_say(int64_t count, const struct bench_span *s)
{
	(void)printf("%lld %.6f %.6f\n", (long long)count, s->wall_s, s->cpu_s);
}

static inline int
bench_by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* p50 and p99 in us, on the wall and of the processor; sorts both. */
static inline void
bench_percentiles(double *wall_s, double *cpu_s, int64_t n)
{
	qsort(wall_s, (size_t)n, sizeof(*wall_s), bench_by_value);
	qsort(cpu_s, (size_t)n, sizeof(*cpu_s), bench_by_value);
	(void)printf("%.1f %.1f %.1f %.1f\n", wall_s[n / 2] * 1e6,
	    wall_s[n * 99 / 100] * 1e6, cpu_s[n / 2] * 1e6,
	    cpu_s[n * 99 / 100] * 1e6);
}

#endif
