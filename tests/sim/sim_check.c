#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_log.h"
#include "journal/journal_read.h"
#include "json/json.h"
#include "run/run_check.h"
#include "sim_world.h"
#include "wire_sim_log.h"

/*
 * Was every promise kept?  dsrun's own check, and beside it a look at the
 * network's log and at results.jsonl that shares no code with it.
 */

#define STORY_MAX 200 /* events; 40 is the most that any seed needs */
#define CALLS_LOG SIM_DATA "/sim/calls.jsonl"
#define RESULTS SIM_DATA "/out/results.jsonl"

/* --- is it over?
 * ----------------------------------------------------------------- */

struct sim_left
sim_check_look(struct sim_world *w, struct journal *j, struct env *env)
{
	struct journal_counts c = {.live = 1};
	struct sim_left left = {.known = false};
	struct err err = {0};
	enum err_code code = journal_read_counts(j, &c, &err);
	int64_t next_ms = 0;

	if (code == ERR_NONE)
		code = journal_read_next_due(j, &next_ms, &err);
	if (code != ERR_NONE) {
		sim_world_fail(w, "the journal cannot be read: %s", err.text);
		return left;
	}
	left.known = true;
	left.settled =
	    c.live == 0 && c.outbox_pending == 0 &&
	    c.jobs[JOB_QUEUED] + c.jobs[JOB_READY] + c.jobs[JOB_HELD] == 0;
	left.live = c.live;
	left.parked = c.jobs[JOB_PARKED];
	if (next_ms > env_now_ms(env))
		left.wait_ms = next_ms - env_now_ms(env);
	return left;
}

static void
note_left(void *arg, const struct journal_listed *row)
{
	char *text = arg;
	size_t n = strlen(text);

	if (!job_is_final(row->job.state) && row->job.state != JOB_PARKED)
		(void)snprintf(text + n, SIM_FAILURE_MAX / 2 - n,
		    " %s %s (%s, %" PRId64 " attempts)", row->job.ext,
		    job_state_name(row->job.state),
		    job_reason_word(row->job.reason), row->job.attempts);
}

void
sim_check_left(struct sim_world *w, struct journal *j)
{
	char text[SIM_FAILURE_MAX / 2] = "";
	struct journal_filter all = {.state = -1, .limit = SIM_JOBS_MAX};
	struct journal_counts c = {.live = 0};
	struct err err = {0};

	(void)journal_read_counts(j, &c, &err);
	(void)journal_read_jobs(j, &all, note_left, text, &err);
	sim_world_fail(w,
	    "I13: not all came to an end; %" PRId64 " live, %" PRId64
	    " results wait:%s",
	    c.live, c.outbox_pending, text);
}

static void
nothing_lost(struct sim_world *w, struct journal *j)
{
	struct err err = {0};
	int64_t id = 0;

	for (size_t i = 0; i < w->plan->job_count; i++)
		if (!w->plan->jobs[i].left_out &&
		    journal_read_find(j, w->plan->jobs[i].id, &id, &err) !=
			ERR_NONE)
			sim_world_fail(w, "job %s was accepted and is lost: %s",
			    w->plan->jobs[i].id, err.text);
}

/*
 * No job goes round and round: a deed that is done again at once, for whatever
 * undid it is there still, would fill the disk with its events.
 */
static void
rounds_check(struct sim_world *w, struct journal *j)
{
	struct err err = {0};
	int64_t id = 0;

	for (size_t i = 0; i < w->plan->job_count; i++) {
		struct journal_job job;

		if (journal_read_find(j, w->plan->jobs[i].id, &id, &err) !=
			ERR_NONE ||
		    journal_read_job(j, id, &job, &err) != ERR_NONE)
			continue;
		if (job.n > STORY_MAX)
			sim_world_fail(w,
			    "job %s has %" PRId64
			    " events: it went round and round",
			    job.ext, job.n);
	}
}

/* --- by dsrun's own check
 * ------------------------------------------------------- */

static void
own_check(struct sim_world *w, struct journal *j)
{
	struct run_check_network network = {0};
	struct run_check_options o = {.env = &w->m->host.own.env,
	    .conf = &w->conf,
	    .journal = j,
	    .atlas = w->stage->atlas,
	    .network = &network,
	    .deep = true,
	    .schema = w->stage->schema};
	struct run_check *c = NULL;
	struct err err = {0};
	enum err_code code =
	    wire_sim_log(&w->m->host.line.env, CALLS_LOG, &network, &err);

	if (code == ERR_NONE)
		code = run_check(&o, &c, &err);
	if (code != ERR_NONE)
		sim_world_fail(w, "check cannot be made: %s", err.text);
	for (int i = 1; c != NULL && i <= RUN_CHECK_INVARIANTS; i++) {
		const struct journal_check_item *item = run_check_at(c, i);

		if (item->ok != JOURNAL_FALSE)
			continue;
		sim_world_fail(w, "I%d: %s", i,
		    item->shown > 0 ? item->violation[0] : "broken");
		if (i == 14) {
			w->i14_broken = true;
			(void)snprintf(
			    w->i14, sizeof(w->i14), "%s", item->violation[0]);
		}
	}
	for (size_t i = 0; c != NULL && i < JOURNAL_CHECK_COUNT; i++)
		if (c->journal->item[i].ok == JOURNAL_FALSE)
			sim_world_fail(w, "%s: %s", c->journal->item[i].name,
			    c->journal->item[i].violation[0]);
	if (c != NULL) {
		w->attempts = c->journal->attempts;
		w->lives = c->journal->seals;
	}
	run_check_free(&c);
	wire_sim_log_free(&network);
}

/* --- by the network's log alone
 * ----------------------------------------------- */

static void
check_keys(struct sim_world *w, const struct carrier_sim_log *log)
{
	for (size_t i = 0; i < log->key_count; i++)
		if (log->keys[i].placed > 1)
			sim_world_fail(w,
			    "network: attempt %.16s rang %" PRId64 " times",
			    log->keys[i].key, log->keys[i].placed);
}

/* After a restore the journal does not know whom its other life was calling. */
static void
check_numbers(struct sim_world *w, const struct carrier_sim_log *log)
{
	for (size_t i = 0; i < log->call_count && !w->restored; i++)
		for (size_t k = 0; k < log->call_count; k++) {
			const struct carrier_sim_log_call *a = &log->calls[i];
			const struct carrier_sim_log_call *b = &log->calls[k];

			if (i == k || a->placed == 0 || b->placed == 0 ||
			    strcmp(a->to, b->to) != 0 ||
			    a->placed_ms > b->placed_ms ||
			    (a->placed_ms == b->placed_ms && i > k))
				continue;
			if (a->ended_ms == 0 || a->ended_ms > b->placed_ms)
				sim_world_fail(w,
				    "network: %s rang twice at once: %s, %s",
				    a->to, a->id, b->id);
		}
}

static void
network_check(struct sim_world *w)
{
	struct carrier_sim_log log = {0};
	struct err err = {0};
	enum err_code code =
	    carrier_sim_log_read(&w->m->host.line.env, CALLS_LOG, &log, &err);

	if (code == ERR_NOT_FOUND)
		return;
	if (code != ERR_NONE) {
		sim_world_fail(w, "network: %s", err.text);
		return;
	}
	check_keys(w, &log);
	check_numbers(w, &log);
	carrier_sim_log_free(&log);
}

/* --- by results.jsonl alone
 * ------------------------------------------------------ */

struct line {
	char id[32];
	int64_t revision;
	char state[16];
};

#define LINES_MAX 256

/* spoiled: a newer file was begun, because this one's end is not dsrun's. */
static size_t
read_results(struct sim_world *w, const char *path, bool spoiled,
    struct line *lines, size_t count)
{
	char *text = NULL;
	size_t len = 0;
	struct err err = {0};

	if (env_read_whole(&w->m->host.own.env, path, 1 << 20, &text, &len,
		&err) != ERR_NONE)
		return count;
	for (char *at = text, *end; *at != '\0' && count < LINES_MAX;
	     at = end + 1) {
		struct json *doc = NULL;
		const struct json *job = NULL;
		const char *id = "", *state = "";

		end = strchr(at, '\n');
		if (end == NULL) {
			if (!spoiled)
				sim_world_fail(
				    w, "%s: ends in half a line", path);
			break;
		}
		if (json_parse(at, (size_t)(end - at), &JSON_LIMITS_DEFAULT,
			&doc, &err) != ERR_NONE ||
		    json_obj(doc, "job", &job, &err) != ERR_NONE ||
		    json_str(job, "id", &id, &err) != ERR_NONE ||
		    json_str(doc, "state", &state, &err) != ERR_NONE ||
		    json_i64(doc, "revision", 1, 1000, &lines[count].revision,
			&err) != ERR_NONE) {
			json_free(&doc);
			if (!spoiled)
				sim_world_fail(w, "%s: %s", path, err.text);
			break;
		}
		(void)snprintf(lines[count].id, sizeof(lines[0].id), "%s", id);
		(void)snprintf(
		    lines[count].state, sizeof(lines[0].state), "%s", state);
		json_free(&doc);
		count++;
	}
	mem_free(&text);
	return count;
}

struct wanted {
	struct sim_world *w;
	const struct line *lines;
	size_t count;
};

/* The line of that end; the last one says what the job is now. */
static bool
is_line(const struct wanted *x, const struct line *line,
    const struct journal_job *job, int64_t revision)
{
	if (strcmp(line->id, job->ext) != 0 || line->revision != revision)
		return false;
	if (revision == job->revision && job_is_final(job->state) &&
	    !x->w->restored &&
	    strcmp(line->state, job_state_name(job->state)) != 0)
		sim_world_fail(x->w,
		    "results: job %s is %s, its result says %s", job->ext,
		    job_state_name(job->state), line->state);
	return true;
}

static void
want_result(void *arg, const struct journal_listed *row)
{
	const struct wanted *x = arg;
	const struct journal_job *job = &row->job;

	for (int64_t r = 1; r <= job->revision; r++) {
		int64_t n = 0;

		for (size_t i = 0; i < x->count; i++)
			n += is_line(x, &x->lines[i], job, r);
		/* What another life delivered is not known to this one. */
		if (n == 0 || (n > 1 && !x->w->restored))
			sim_world_fail(x->w,
			    "results: job %s revision %" PRId64 " has %" PRId64
			    " lines",
			    job->ext, r, n);
	}
}

static void
results_path(int n, char path[64])
{
	if (n == 1)
		(void)snprintf(path, 64, RESULTS);
	else
		(void)snprintf(path, 64, SIM_DATA "/out/results.%d.jsonl", n);
}

static void
results_check(struct sim_world *w, struct journal *j)
{
	static struct line lines[LINES_MAX];
	struct wanted x = {.w = w, .lines = lines};
	struct journal_filter all = {.state = -1, .limit = SIM_JOBS_MAX};
	struct env_stat st;
	struct err err = {0};
	char path[64];

	/* A file that was spoiled was left alone, and a new one begun. */
	for (int n = 1; n < 9; n++) {
		bool spoiled;

		results_path(n + 1, path);
		spoiled =
		    env_stat(&w->m->host.own.env, path, &st, &err) == ERR_NONE;
		results_path(n, path);
		x.count = read_results(w, path, spoiled, lines, x.count);
	}
	if (journal_read_jobs(j, &all, want_result, &x, &err) != ERR_NONE)
		sim_world_fail(w, "the journal cannot be read: %s", err.text);
}

/* --- by the recordings alone
 * --------------------------------------------------------- */

/* Nobody took any away, so each that a last transaction named is there. */
static void
files_check(struct sim_world *w, struct journal *j)
{
	static struct journal_artifact_row rows[LINES_MAX];
	struct env *env = &w->m->host.own.env;
	size_t count = 0;
	struct err err = {0};

	if (journal_read_artifacts(j, 0, -1, rows, LINES_MAX, &count, &err) !=
	    ERR_NONE)
		sim_world_fail(w, "the journal cannot be read: %s", err.text);
	for (size_t i = 0; i < count; i++) {
		const struct journal_artifact *a = &rows[i].artifact;
		char *path = mem_printf(SIM_DATA "/recordings/%s", a->path);
		uint8_t hash[SHA256_BYTES] = {0};
		char *bytes = NULL;
		size_t len = 0;
		enum err_code code = env_read_whole(
		    env, path, SIM_DISK_BYTES, &bytes, &len, &err);

		if (code == ERR_NONE)
			sha256_once(bytes, len, hash);
		if (code != ERR_NONE || (int64_t)len != a->bytes ||
		    memcmp(hash, a->sha256, sizeof(hash)) != 0)
			sim_world_fail(w,
			    "files: %s is not what the journal names: %s",
			    a->path,
			    code != ERR_NONE ? err.text : "other bytes");
		mem_free(&bytes);
		mem_free(&path);
	}
}

/* --- for people
 * ------------------------------------------------------------------- */

static void
print_event(void *arg, const struct journal_event *e)
{
	(void)arg;
	(void)printf("    %4" PRId64 " %lld %-8s %-10s %s-> %s %s%s\n", e->seq,
	    (long long)(e->at_ms - SIM_START_MS), e->was, e->name,
	    e->of_attempt ? "" : "(job) ", job_state_name(e->job_state),
	    e->attempt_state >= 0
		? job_attempt_state_name((enum attempt_state)e->attempt_state)
		: "",
	    e->detail != NULL ? e->detail : "");
}

void
sim_check_print(struct sim_world *w)
{
	struct journal *j = NULL;
	struct err err = {0};
	char *text = NULL;
	size_t len = 0;

	if (sim_actor_open_host(w, &j, &err) != ERR_NONE)
		return;
	for (int64_t id = 1; id <= SIM_JOBS_MAX; id++) {
		struct journal_job job;

		if (journal_read_job(j, id, &job, &err) != ERR_NONE)
			break;
		(void)printf("  #%" PRId64 " %s: %s %s\n", id, job.ext,
		    job_state_name(job.state), job_outcome_name(job.outcome));
		(void)journal_read_events(j, id, print_event, NULL, &err);
	}
	journal_close(&j);
	if (env_read_whole(&w->m->host.line.env, CALLS_LOG, 1 << 20, &text,
		&len, &err) == ERR_NONE)
		(void)fputs(text, stdout);
	mem_free(&text);
}

static uint64_t
digest_file(struct sim_world *w, const char *path, uint64_t digest)
{
	char *bytes = NULL;
	size_t len = 0;
	struct err err = {0};

	if (env_read_whole(&w->m->host.line.env, path, 1 << 20, &bytes, &len,
		&err) != ERR_NONE)
		return digest;
	for (size_t i = 0; i < len; i++)
		digest = (digest ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
	mem_free(&bytes);
	return digest;
}

uint64_t
sim_check_digest(struct sim_world *w)
{
	return digest_file(w, RESULTS, digest_file(w, CALLS_LOG, w->m->digest));
}

void
sim_check_promises(struct sim_world *w, struct journal *j)
{
	/* dsrun's own word last, so that the others are heard. */
	nothing_lost(w, j);
	rounds_check(w, j);
	network_check(w);
	sim_check_rules(w, j);
	results_check(w, j);
	files_check(w, j);
	own_check(w, j);
}
