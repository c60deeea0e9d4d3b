#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_log.h"
#include "journal/journal_read.h"
#include "sim_world.h"

/*
 * Was a call begun that a rule forbade?  From the plan, from when attempts were
 * armed, from the network's log, and from nothing that dsrun's gates say.
 * Where the wall clock was wrong, or a life was lost, moments in the journal
 * say nothing.
 */

#define CALLS_LOG SIM_DATA "/sim/calls.jsonl"
#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define WINDOW_OPENS_MS (8 * 60 * MINUTE_MS)
#define WINDOW_CLOSES_MS ((17 * 60 + 1) * MINUTE_MS)
#define CLOCK_OFF_MS 4000
#define ARMS_MAX (SIM_JOBS_MAX * 16)

struct arm {
	const struct sim_job *job;
	int64_t armed_ms;
	int64_t ended_ms; /* 0 = not, or long after it gave its place back */
	char key[2 * SHA256_BYTES + 1];
};

struct arms {
	const struct sim_job *job; /* whose attempts are being read */
	struct arm arm[ARMS_MAX];
	size_t count;
};

static void
add_attempt(void *arg, const struct journal_attempt *a)
{
	struct arms *x = arg;

	/* In NEW it was given back with nothing sent. */
	if (a->armed_ms == 0 || a->state == ATTEMPT_NEW ||
	    a->state == ATTEMPT_CLAIMED || x->count == ARMS_MAX)
		return;
	struct arm *arm = &x->arm[x->count++];

	/* One that was parked gave its place back before it ended. */
	*arm = (struct arm){.job = x->job,
	    .armed_ms = a->armed_ms,
	    .ended_ms = a->slot_until_ms != 0 ? 0 : a->ended_ms};
	(void)text_hex(a->key, sizeof(a->key), arm->key);
}

static const struct sim_job *
job_of(const struct sim_plan *plan, const char *ext)
{
	for (size_t i = 0; i < plan->job_count; i++)
		if (strcmp(plan->jobs[i].id, ext) == 0)
			return &plan->jobs[i];
	return NULL;
}

static void
read_arms(struct sim_world *w, struct journal *j, struct arms *x)
{
	struct err err = {0};

	for (int64_t id = 1; id <= SIM_JOBS_MAX; id++) {
		struct journal_job job;

		if (journal_read_job(j, id, &job, &err) != ERR_NONE)
			continue;
		x->job = job_of(w->plan, job.ext);
		if (x->job != NULL)
			(void)journal_read_attempts(
			    j, id, add_attempt, x, &err);
	}
}

static bool
is_kind(const struct arm *a, const char *kind)
{
	return strcmp(a->job->kind, kind) == 0;
}

/* Kind c: so many dials of a number in 24 hours, and so far apart. */
static void
check_cap(struct sim_world *w, const struct arms *x, const struct arm *a)
{
	int64_t dials = 0;
	int64_t newest = INT64_MIN;

	for (size_t i = 0; i < x->count; i++) {
		const struct arm *b = &x->arm[i];

		if (b == a || strcmp(b->job->phone, a->job->phone) != 0 ||
		    b->armed_ms > a->armed_ms ||
		    b->armed_ms <= a->armed_ms - DAY_MS)
			continue;
		dials++;
		newest = b->armed_ms > newest ? b->armed_ms : newest;
	}
	if (dials >= SIM_CAP)
		sim_world_fail(w,
		    "rules: %s was dialled for job %s though it had %" PRId64
		    " dials that day",
		    a->job->phone, a->job->id, dials);
	if (dials > 0 && a->armed_ms - newest < SIM_GAP_MS)
		sim_world_fail(w,
		    "rules: %s was dialled for job %s %" PRId64
		    " ms after the dial before",
		    a->job->phone, a->job->id, a->armed_ms - newest);
}

/* Kind c: one call at a time. */
static void
check_alone(struct sim_world *w, const struct arms *x, const struct arm *a)
{
	for (size_t i = 0; i < x->count; i++) {
		const struct arm *b = &x->arm[i];

		if (b != a && is_kind(b, "c") && b->armed_ms <= a->armed_ms &&
		    a->armed_ms < b->ended_ms)
			sim_world_fail(w,
			    "rules: jobs %s and %s of a kind with one place "
			    "were called at once",
			    b->job->id, a->job->id);
	}
}

static void
check_words(struct sim_world *w, const struct arm *a)
{
	if (w->dnc_ms != 0 && strcmp(a->job->phone, w->dnc_phone) == 0 &&
	    a->armed_ms > w->dnc_ms)
		sim_world_fail(w,
		    "rules: %s is on the do-not-call list and "
		    "was dialled for job %s",
		    a->job->phone, a->job->id);
	if (w->paused_ms != 0 && strcmp(a->job->campaign, "c1") == 0 &&
	    a->armed_ms > w->paused_ms &&
	    (w->resumed_ms == 0 || a->armed_ms < w->resumed_ms))
		sim_world_fail(w,
		    "rules: job %s was called while its campaign "
		    "was paused",
		    a->job->id);
	int64_t cancelled_ms = w->cancelled_ms[a->job - w->plan->jobs];

	if (cancelled_ms != 0 && a->armed_ms > cancelled_ms)
		sim_world_fail(w,
		    "rules: job %s was called %" PRId64
		    " ms after it was cancelled",
		    a->job->id, a->armed_ms - cancelled_ms);
}

/* --- by the network's log
 * ----------------------------------------------------------- */

/* No byte leaves outside the hours, or after the job's own end; a clock that
 * is wrong is not trusted, but for what no clock can tell. */
static void
check_request(struct sim_world *w, const struct sim_job *job, int64_t at_ms)
{
	int64_t day_ms = at_ms % DAY_MS;
	int64_t off_ms = w->clock_was_wrong ? CLOCK_OFF_MS : 0;

	if (strcmp(job->kind, "w") == 0 &&
	    (day_ms < WINDOW_OPENS_MS - off_ms ||
		day_ms >= WINDOW_CLOSES_MS + off_ms))
		sim_world_fail(w,
		    "rules: a request for job %s left %" PRId64
		    " ms after midnight, out of hours",
		    job->id, day_ms);
	if (job->expires_s > 0 &&
	    at_ms >= SIM_START_MS + job->expires_s * 1000 + off_ms)
		sim_world_fail(w,
		    "rules: a request for job %s left %" PRId64
		    " ms after it expired",
		    job->id, at_ms - SIM_START_MS - job->expires_s * 1000);
}

/* One call of an organisation at a time. */
static void
check_org(struct sim_world *w, const struct carrier_sim_log *log,
    const struct sim_job **job)
{
	for (size_t i = 0; i < log->call_count; i++)
		for (size_t k = 0; k < log->call_count; k++) {
			const struct carrier_sim_log_call *a = &log->calls[i];
			const struct carrier_sim_log_call *b = &log->calls[k];

			if (i == k || job[i] == NULL || job[k] == NULL ||
			    job[i]->org[0] == '\0' ||
			    strcmp(job[i]->org, job[k]->org) != 0 ||
			    a->placed == 0 || b->placed == 0 ||
			    a->placed_ms > b->placed_ms)
				continue;
			if (a->ended_ms == 0 || a->ended_ms > b->placed_ms)
				sim_world_fail(w,
				    "rules: jobs %s and %s of organisation %s "
				    "were called at once",
				    job[i]->id, job[k]->id, job[i]->org);
		}
}

/* No more calls at once than the box may have, whoever places them. */
static void
check_places(struct sim_world *w, const struct carrier_sim_log *log)
{
	for (size_t i = 0; i < log->call_count; i++) {
		const struct carrier_sim_log_call *a = &log->calls[i];
		int64_t n = 0;

		for (size_t k = 0; k < log->call_count; k++) {
			const struct carrier_sim_log_call *b = &log->calls[k];

			n += b->placed > 0 && b->placed_ms <= a->placed_ms &&
			     (b->ended_ms == 0 || b->ended_ms > a->placed_ms);
		}
		if (a->placed > 0 && n > w->plan->concurrency)
			sim_world_fail(w,
			    "rules: %" PRId64 " calls at once, %" PRId64
			    " are allowed",
			    n, w->plan->concurrency);
	}
}

static const struct sim_job *
job_of_key(const struct arms *x, const char *key)
{
	for (size_t i = 0; i < x->count; i++)
		if (strcmp(x->arm[i].key, key) == 0)
			return x->arm[i].job;
	return NULL;
}

static void
check_log(struct sim_world *w, const struct arms *x)
{
	struct carrier_sim_log log = {0};
	const struct sim_job **job;
	struct err err = {0};

	/* That it can be read is asked elsewhere. */
	if (carrier_sim_log_read(&w->m->host.line.env, CALLS_LOG, &log, &err) !=
	    ERR_NONE)
		return;
	job = mem_zalloc(log.call_count + 1, sizeof(*job));
	for (size_t i = 0; i < log.key_count; i++) {
		const struct carrier_sim_log_key *k = &log.keys[i];
		const struct sim_job *j = job_of_key(x, k->key);

		for (size_t n = 0; n < k->request_count && j != NULL; n++) {
			check_request(w, j, k->requests[n].at_ms);
			job[k->requests[n].call] = j;
		}
	}
	check_org(w, &log, job);
	if (!w->clock_was_wrong)
		check_places(w, &log);
	mem_free(&job);
	carrier_sim_log_free(&log);
}

void
sim_check_rules(struct sim_world *w, struct journal *j)
{
	struct arms *x;

	if (w->restored || w->clock_was_believed)
		return;
	x = mem_zalloc(1, sizeof(*x));
	read_arms(w, j, x);
	for (size_t i = 0; i < x->count && !w->clock_was_wrong; i++) {
		if (is_kind(&x->arm[i], "c")) {
			check_cap(w, x, &x->arm[i]);
			check_alone(w, x, &x->arm[i]);
		}
		check_words(w, &x->arm[i]);
	}
	check_log(w, x);
	mem_free(&x);
}
