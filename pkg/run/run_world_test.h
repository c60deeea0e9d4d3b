#ifndef DSRUN_RUN_WORLD_TEST_H
#define DSRUN_RUN_WORLD_TEST_H

#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cover_test.h"
#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_read.h"
#include "model/model_scripted.h"
#include "net/net_env.h"
#include "run/run.h"
#include "run/run_fake_test.h"
#include "sink/sink_file.h"

/*
 * For the tests of this package: a directory with a configuration, a journal,
 * a carrier that follows a script (run_fake_test.h) and the sink `file`, on a
 * clock that runs a thousand times as fast as the real one.
 */

#define WORLD_START_MS INT64_C(1799168400000) /* Tue 2027-01-05 17:00 UTC */
#define WORLD_SPEED 1000
#define WORLD_LIMIT_MS 5000 /* real: what takes longer hangs */
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

struct world {
	char dir[64];
	int64_t boot_us;
	/* settings, before world_open */
	const char *box;                      /* more of dsrun.yaml */
	const char *limits, *windows, *retry; /* of the kind "k" */
	enum carrier_class cls;
	bool prepare, with_model;
	/* open */
	struct env *env;
	struct conf *conf;
	struct journal *j;
	struct rules_atlas *atlas;
	struct model model;
	struct sink *sink;
	struct fake fake;
	struct run_carrier carriers[2];
	struct run_model models[1];
	struct run_options o;
	/* a run */
	struct run *run;
	struct env_timer limit;
	bool ended;
	enum err_code code;
	struct run_progress p; /* as it was at the end */
	char attention[512];   /* each followed by a newline */
	struct err err;
	int jobs; /* given away */
	/* for acts of a test */
	enum attempt_state until;
	int64_t number;
	int groups;
	char story[1024];
};

#define OK(call)                                                \
	do {                                                    \
		if ((call) != ERR_NONE)                         \
			fail_msg("%s: %s", #call, w->err.text); \
	} while (0)

/* --- files --- */

static inline void
world_write(struct world *w, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", w->dir, name);

	OK(env_write_whole(w->env, path, text, strlen(text), &w->err));
	mem_free(&path);
}

/* What stands in a file of the journal's directory; mem_free. */
static inline char *
world_read(struct world *w, const char *name)
{
	char *path = mem_printf("%s/data/%s", w->dir, name);
	char *text = NULL;
	size_t len = 0;

	if (env_read_whole(w->env, path, 1 << 20, &text, &len, &w->err) !=
	    ERR_NONE)
		text = mem_strdup("");
	mem_free(&path);
	return text;
}

/* How often needle stands there. */
static inline int
world_found(struct world *w, const char *name, const char *needle)
{
	char *text = world_read(w, name);
	int n = 0;

	for (const char *at = text; (at = strstr(at, needle)) != NULL; at++)
		n++;
	mem_free(&text);
	return n;
}

static inline void
world_kind(struct world *w, const char *name, const char *limits,
    const char *windows, const char *retry)
{
	char *path = mem_printf("jobs/%s.yaml", name);
	char *text = mem_printf(
	    "kind: %s\nfrom: \"+15125550100\"\nlimits: {%s}\n"
	    "windows: {%s}\nretry: {%s}\n"
	    "script: {greeting: \"Hello.\", intro: \"We help.\", meeting: "
	    "\"May we meet?\", voicemail: \"Call us.\", goodbye: \"Bye.\"}\n",
	    name, limits, windows, retry);

	world_write(w, path, text);
	mem_free(&text);
	mem_free(&path);
}

/* --- life --- */

static inline int
world_setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/run_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->box = "";
	w->limits = "max_call: 60s, ring: 10s, per_number_per_day: 0, "
		    "min_gap: 0s";
	w->windows = "mon-sun: always";
	w->retry = "max_attempts: 3";
	w->cls = CARRIER_NAMED;
	OK(net_env_open(&w->env, &w->err));
	w->boot_us = w->env->ops->boot_us(w->env);
	env_follow(w->env, WORLD_START_MS, w->boot_us, WORLD_SPEED);
	*state = w;
	return 0;
}

static inline void
world_shut(struct world *w)
{
	if (w->sink != NULL)
		w->sink->ops->free(w->sink->impl);
	w->sink = NULL;
	if (w->models[0].model != NULL)
		w->model.ops->free(w->model.impl);
	w->models[0].model = NULL;
	rules_atlas_close(&w->atlas);
	journal_close(&w->j);
	if (w->env != NULL)
		fake_fini(&w->fake);
	net_env_close(&w->env);
}

static inline int
world_teardown(void **state)
{
	struct world *w = *state;
	char *command = mem_printf("rm -rf '%s'", w->dir);

	world_shut(w);
	conf_free(&w->conf);
	assert_int_equal(system(command), 0);
	mem_free(&command);
	mem_free(&w);
	return 0;
}

static inline void
world_attention(void *arg, const char *what)
{
	struct world *w = arg;
	size_t n = strlen(w->attention);

	(void)snprintf(
	    w->attention + n, sizeof(w->attention) - n, "%s\n", what);
}

static inline void
world_ended(void *arg, enum err_code code, const struct err *err)
{
	struct world *w = arg;

	w->ended = true;
	w->code = code;
	w->err = *err;
	net_env_stop(w->env);
}

static inline void
world_too_long(struct env_timer *t)
{
	net_env_stop(CONTAINER_OF(t, struct world, limit)->env);
}

static inline void
world_wire(struct world *w)
{
	char *out = mem_printf("%s/data/out", w->dir);

	fake_init(&w->fake, w->env, w->cls, w);
	w->sink = sink_file_new(w->env, out);
	w->carriers[0] = (struct run_carrier){"sim", &w->fake.carrier};
	if (w->with_model) {
		OK(model_scripted_new(w->env, NULL, &w->model, &w->err));
		w->models[0] = (struct run_model){"scripted", &w->model};
	}
	w->limit.fn = world_too_long;
	w->o = (struct run_options){.env = w->env,
	    .conf = w->conf,
	    .journal = w->j,
	    .carriers = w->carriers,
	    .carrier_count = 1,
	    .models = w->models,
	    .model_count = w->with_model ? 1 : 0,
	    .atlas = w->atlas,
	    .sink = w->sink,
	    .command = "drain",
	    .mode = RUN_DRAIN,
	    .prepare = w->prepare,
	    .attention = world_attention,
	    .attention_arg = w,
	    .ended = world_ended,
	    .arg = w};
	mem_free(&out);
}

static inline void
world_open_journal(struct world *w)
{
	char *dir = mem_printf("%s/data", w->dir);
	char *areas = mem_printf("%s/areas.csv", w->dir);
	struct journal_options o = {.env = w->env,
	    .dir = dir,
	    .mode = JOURNAL_CREATE,
	    .build_ms = 1000};

	OK(journal_open(&o, &w->j, &w->err));
	OK(rules_atlas_open(w->env, NULL, areas, &w->atlas, &w->err));
	world_wire(w);
	mem_free(&areas);
	mem_free(&dir);
}

/* The same directory and time in a new life: of a child, or after one. */
static inline void
world_reopen(struct world *w, int64_t origin_ms)
{
	OK(net_env_open(&w->env, &w->err));
	env_follow(w->env, origin_ms, w->boot_us, WORLD_SPEED);
	world_open_journal(w);
}

/* More kinds may have been written before. */
static inline void
world_open(struct world *w)
{
	struct conf_options o = {.cwd = w->dir};
	struct conf_problem *problems = NULL;
	size_t count = 0;
	char *empty[] = {NULL};
	char *box = mem_printf("dir: data\n%s", w->box);
	char *jobs = mem_printf("%s/jobs", w->dir);

	OK(env_make_dirs(w->env, jobs, &w->err));
	world_write(w, "dsrun.yaml", box);
	world_write(w, "areas.csv",
	    "# version: 2027-01-01\n# source: a test\nprefix,zones\n"
	    "+1512,America/Chicago\n+1212,America/New_York\n"
	    "+1850,America/New_York|America/Chicago\n");
	world_kind(w, "k", w->limits, w->windows, w->retry);
	o.environ_ = empty;
	if (conf_load(w->env, &o, &w->conf, &problems, &count, &w->err) !=
	    ERR_NONE)
		fail_msg("%s: %s", problems[0].key, problems[0].text);
	conf_problems_free(&problems, count);
	world_open_journal(w);
	mem_free(&jobs);
	mem_free(&box);
}

/* --- transactions of a test's own --- */

typedef enum err_code world_fn(
    struct world *w, struct journal *j, struct err *err);

struct world_act {
	struct journal_tx tx;
	struct world *w;
	world_fn *fn;
};

static inline enum err_code
world_act_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct world_act *a = CONTAINER_OF(tx, struct world_act, tx);

	return a->fn(a->w, j, err);
}

static inline void
world_now(struct world *w, world_fn *fn)
{
	struct world_act a = {
	    .tx = {.run = world_act_run, .cls = JOURNAL_CLAIM},
	    .w = w,
	    .fn = fn};

	OK(journal_now(w->j, &a.tx, &w->err));
}

static inline void
world_sent(struct journal_tx *tx)
{
	struct world_act *a = CONTAINER_OF(tx, struct world_act, tx);

	if (tx->code != ERR_NONE)
		fail_msg("%s", tx->err.text);
	mem_free(&a);
}

/* While a run is under way, as another process would. */
static inline void
world_send(struct world *w, world_fn *fn)
{
	struct world_act *a = mem_zalloc(1, sizeof(*a));

	a->tx = (struct journal_tx){
	    .run = world_act_run, .done = world_sent, .cls = JOURNAL_CLAIM};
	a->w = w;
	a->fn = fn;
	OK(journal_submit(w->j, &a->tx, &w->err));
}

/* --- jobs --- */

struct world_spec {
	const char *id, *kind, *campaign, *phone, *org, *contact;
	int64_t priority, not_before_ms, expires_ms, opened_ms;
};

struct world_adding {
	struct journal_tx tx;
	const struct world_spec *j;
	int64_t id;
	int n;
};

static inline enum err_code
world_add_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct world_adding *a = CONTAINER_OF(tx, struct world_adding, tx);
	const struct world_spec *s = a->j;
	uint8_t content[JOB_CONTENT_BYTES] = {1};
	char id[32], phone[24];
	enum journal_added result;
	struct journal_new_job n = {.source = "file",
	    .ext = s->id != NULL ? s->id : id,
	    .kind = s->kind != NULL ? s->kind : "k",
	    .campaign = s->campaign != NULL ? s->campaign : "spring",
	    .content = content,
	    .phone = s->phone != NULL ? s->phone : phone,
	    .org = s->org,
	    .contact = s->contact != NULL ? s->contact : "{}",
	    .data = "{}",
	    .final_step = true,
	    .priority = s->priority,
	    .not_before_ms = s->not_before_ms,
	    .expires_ms = s->expires_ms,
	    .opened_ms = s->opened_ms};

	(void)snprintf(id, sizeof(id), "job-%d", a->n);
	(void)snprintf(phone, sizeof(phone), "+151255501%02d", a->n);
	return journal_job_add(j, &n, &result, &a->id, err);
}

/* A job with an id and a number of its own; what is left out is "k" ... */
static inline int64_t
world_add(struct world *w, const struct world_spec *job)
{
	struct world_adding a = {
	    .tx = {.run = world_add_run, .cls = JOURNAL_CLAIM},
	    .j = job,
	    .n = w->jobs++};

	OK(journal_now(w->j, &a.tx, &w->err));
	return a.id;
}

#define JOB(w, ...) world_add(w, &(const struct world_spec){__VA_ARGS__})

static inline struct journal_job
world_job(struct world *w, int64_t id)
{
	struct journal_job job;

	OK(journal_read_job(w->j, id, &job, &w->err));
	return job;
}

static inline struct journal_attempt
world_attempt(struct world *w, int64_t job, int n)
{
	struct journal_attempt a;

	OK(journal_read_attempt(w->j, job * 256 + n, &a, &w->err));
	return a;
}

/* The job's events as one line: "ADMIT ARM PLACE ...". */
static inline void
world_event(void *arg, const struct journal_event *e)
{
	struct world *w = arg;
	size_t n = strlen(w->story);

	(void)snprintf(w->story + n, sizeof(w->story) - n, "%s%s",
	    n > 0 ? " " : "", e->name);
}

static inline const char *
world_story(struct world *w, int64_t job)
{
	w->story[0] = '\0';
	OK(journal_read_events(w->j, job, world_event, w, &w->err));
	return w->story;
}

#define JOB_IS(w, id, state_, outcome_)                                   \
	do {                                                              \
		struct journal_job job_ = world_job(w, id);               \
                                                                          \
		if (job_.state != (state_) || job_.outcome != (outcome_)) \
			fail_msg("job is %s %s: %s",                      \
			    job_state_name(job_.state),                   \
			    job_outcome_name(job_.outcome),               \
			    world_story(w, id));                          \
	} while (0)

#define ATTEMPT_IS(w, id, n, state_)                                 \
	do {                                                         \
		struct journal_attempt a_ = world_attempt(w, id, n); \
                                                                     \
		if (a_.state != (state_))                            \
			fail_msg("attempt is %s: %s",                \
			    job_attempt_state_name(a_.state),        \
			    world_story(w, id));                     \
	} while (0)

/* --- runs --- */

static inline void
world_begin(struct world *w)
{
	w->ended = false;
	w->attention[0] = '\0';
	OK(run_start(&w->o, &w->run, &w->err));
}

/* Until the run is over, which it must be in time. */
static inline void
world_finish(struct world *w)
{
	env_timer_start_real(w->env, &w->limit, WORLD_LIMIT_MS);
	net_env_run(w->env);
	env_timer_stop(w->env, &w->limit);
	if (!w->ended)
		fail_msg("the run does not end");
	run_progress(w->run, &w->p);
	run_free(&w->run);
}

static inline void
world_drain(struct world *w)
{
	world_begin(w);
	world_finish(w);
	if (w->code != ERR_NONE)
		fail_msg("the run failed: %s", w->err.text);
}

/* A run for so long (real), which may well go on. */
static inline void
world_for(struct world *w, int64_t real_ms)
{
	env_timer_start_real(w->env, &w->limit, real_ms);
	net_env_run(w->env);
	env_timer_stop(w->env, &w->limit);
}

/* --- deaths --- */

/*
 * fn in a process of its own, on the same directory; the world is open again
 * when this returns.  What it gives back is the child's status.
 */
static inline int
world_child(struct world *w, void (*fn)(struct world *w))
{
	int status = 0;
	int64_t origin_ms = w->env->origin_ms;
	pid_t pid;

	world_shut(w);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		world_reopen(w, origin_ms);
		fn(w);
		cover_keep();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	world_reopen(w, origin_ms);
	return status;
}

static inline void
world_was_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* An act: die once the newest job's last attempt is durably in w->until. */
static inline bool
world_die(void *arg)
{
	struct world *w = arg;
	struct journal_job job = world_job(w, w->jobs);

	if (world_attempt(w, job.id, (int)job.attempts).state == w->until) {
		cover_keep();
		(void)kill(getpid(), SIGKILL);
	}
	return false;
}

static inline void
world_die_at(void *arg, const char *name)
{
	if (strcmp(name, arg) == 0) {
		cover_keep();
		(void)kill(getpid(), SIGKILL);
	}
}

/* Dies with a job in hand and nothing sent. */
static inline void
world_claim_and_die(struct world *w)
{
	w->o.prepare = true;
	crash_hook(world_die_at, mem_strdup("run.claim.durable"));
	world_drain(w);
}

static inline void
world_just_drain(struct world *w)
{
	world_drain(w);
}

#endif
