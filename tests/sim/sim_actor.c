#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_log.h"
#include "journal/journal_copy.h"
#include "journal/journal_read.h"
#include "model/model_scripted.h"
#include "run/run_decide.h"
#include "run/run_intake.h"
#include "sim_control.h"
#include "sim_world.h"
#include "sink/sink_file.h"
#include "source/source_file.h"

/*
 * The mains of simulated processes: what the commands of cmd/dsrun do, without
 * their words.  Each opens all it needs, works, and closes; when it is killed
 * every call fails and it takes the same way out.
 */

/* Longer than any wait, so that one drain does all. */
#define HEAL_WAIT_MS (INT64_C(7) * 86400000)

struct sim_seat {
	struct sim_world *w;
	struct sim_process *p;
	enum sim_actor actor;
	int64_t value;
	struct journal *j;
	struct carrier line;
	struct sim_carrier between;
	struct model model;
	struct sink *sink;
	struct run_carrier carriers[1];
	struct run_model models[1];
	struct run *run;
	struct run_intake *intake;
	bool has_line, has_model, done;
	bool signalled, hard; /* before there was a run */
	enum err_code code;
	struct err err;
};

/* --- opening and closing
 * ------------------------------------------------------ */

/* The network's clock is this process's, but for what is wrong with the box. */
static void
follow(struct sim_seat *s)
{
	const struct env *line = &s->p->line.env;
	struct env *own = &s->p->own.env;

	own->origin_ms = line->origin_ms;
	own->origin_boot_us = line->origin_boot_us;
	own->speed = line->speed;
}

static enum err_code
peek(struct sim_seat *s)
{
	bool found = false;
	struct env *line = &s->p->line.env;
	enum err_code code =
	    carrier_sim_peek(line, SIM_DATA "/sim", &found, &s->err);

	if (code == ERR_NONE && !found)
		env_follow(line, SIM_START_MS, line->ops->boot_us(line), 1);
	follow(s);
	return code;
}

static enum err_code
open_journal(struct sim_seat *s, enum journal_mode mode)
{
	struct journal_options o = {.env = &s->p->own.env,
	    .dir = SIM_DATA,
	    .mode = mode,
	    .build_ms = 1000,
	    .checkpoint_bytes = s->w->conf.disk.checkpoint_bytes,
	    .ballast_bytes = s->w->conf.disk.ballast_bytes};
	enum err_code code = peek(s);

	if (code == ERR_NONE)
		code = journal_open(&o, &s->j, &s->err);
	return code;
}

static enum err_code
open_line(struct sim_seat *s)
{
	const struct sim_world *w = s->w;
	bool reads = w->plan->reads_all && !s->p->quiet;
	enum err_code code = carrier_sim_open_among(&s->p->line.env,
	    &w->conf.sim, reads ? NULL : w->stage->people, SIM_DATA "/sim",
	    NULL, &s->line, &s->err);

	s->has_line = code == ERR_NONE;
	follow(s);
	return code;
}

static void
close_all(struct sim_seat *s)
{
	if (s->has_line)
		s->line.ops->free(s->line.impl);
	if (s->has_model)
		s->model.ops->free(s->model.impl);
	if (s->sink != NULL)
		s->sink->ops->free(s->sink->impl);
	journal_close(&s->j);
}

/* --- runs
 * ------------------------------------------------------------------------ */

static void
run_over(void *arg, enum err_code code, const struct err *err)
{
	struct sim_seat *s = arg;

	s->done = true;
	s->code = code;
	if (code != ERR_NONE)
		s->err = *err;
}

/* A process keeps the account that it began with. */
static struct carrier *
carrier_of(struct sim_seat *s)
{
	const struct sim_plan *plan = s->w->plan;
	struct sim_carrier_options o = {.p = s->p,
	    .env = &s->p->line.env,
	    .accounts = &s->w->accounts,
	    .list_late_ms = plan->list_late_ms,
	    .no_settle = (plan->wrong & SIM_WRONG_NO_SETTLE) != 0};

	if (plan->account_us != 0)
		o.account = s->w->m->now_us < plan->account_us ? 1 : 2;
	return sim_carrier_between(&s->between, &s->line, &o);
}

static enum err_code
open_run(struct sim_seat *s)
{
	struct sim_world *w = s->w;
	enum err_code code = open_journal(s, JOURNAL_MUST_EXIST);

	if (code == ERR_NONE)
		code = open_line(s);
	if (code == ERR_NONE && w->plan->with_model) {
		code = model_scripted_new(
		    &s->p->own.env, NULL, &s->model, &s->err);
		s->has_model = code == ERR_NONE;
	}
	if (code != ERR_NONE)
		return code;
	s->sink = sink_file_new(&s->p->own.env, SIM_DATA "/out");
	s->carriers[0] = (struct run_carrier){"sim", carrier_of(s)};
	s->models[0] = (struct run_model){"scripted", &s->model};
	struct run_options o = {.env = &s->p->own.env,
	    .conf = &w->conf,
	    .journal = s->j,
	    .carriers = s->carriers,
	    .carrier_count = 1,
	    .models = s->models,
	    .model_count = s->has_model ? 1 : 0,
	    .atlas = w->stage->atlas,
	    .sink = s->sink,
	    .command = s->p->name,
	    .mode = s->actor == SIM_ACTOR_DRAIN    ? RUN_DRAIN
		    : s->actor == SIM_ACTOR_WORKER ? RUN_WORKER
						   : RUN_SYNC,
	    .prepare = w->plan->prepare,
	    .wait_ms = w->healing && w->plan->waits ? HEAL_WAIT_MS : 0,
	    .ended = run_over,
	    .arg = s};

	return run_start(&o, &s->run, &s->err);
}

static void
on_signal(struct sim_process *p, bool hard)
{
	struct sim_seat *s = p->arg;

	s->signalled = true;
	s->hard = hard;
	if (s->run != NULL)
		run_stop(s->run, hard);
}

/* So that the world need not open the journal again to know. */
static void
look(struct sim_seat *s)
{
	s->p->quiet = true;
	s->w->left = sim_check_look(s->w, s->j, &s->p->own.env);
	s->p->quiet = false;
}

bool
sim_actor_look(struct sim_world *w)
{
	struct sim_seat *s = w->runner;

	if (s == NULL || s->p->loop.state != SIM_THREAD_SLEEPS ||
	    !s->p->loop.waits)
		return false;
	sim_vfs_running(s->p);
	look(s);
	sim_vfs_running(NULL);
	return true;
}

static void
runner_main(struct sim_seat *s)
{
	s->code = open_run(s);
	if (s->code == ERR_NONE && s->signalled)
		run_stop(s->run, s->hard);
	if (s->code == ERR_NONE) {
		s->w->runner = s;
		sim_process_loop(s->p, &s->done);
		s->w->runner = NULL;
	}
	run_free(&s->run);
	if (s->code == ERR_NONE && s->w->healing)
		look(s);
}

/* --- intake
 * ------------------------------------------------------------------------ */

static void
intake_idle(void *arg, enum err_code code, const struct err *err)
{
	struct sim_seat *s = arg;

	s->done = true;
	s->code = code;
	if (code != ERR_NONE)
		s->err = *err;
}

static void
intake(struct sim_seat *s, struct source_file *f)
{
	struct run_intake_options o = {.env = &s->p->own.env,
	    .journal = s->j,
	    .source = source_file_source(f),
	    .idle = intake_idle,
	    .arg = s};
	struct source_tally tally;
	const char *rejects = NULL;

	s->intake = run_intake_new(&o);
	run_intake_poke(s->intake);
	sim_process_loop(s->p, &s->done);
	if (s->code == ERR_NONE)
		s->code = source_file_finish(f, &rejects, &s->err);
	source_file_tally(f, &tally);
	if (s->code == ERR_NONE && !s->p->dead && tally.refused == 0)
		s->w->accepted = true;
	else if (s->code == ERR_NONE && !s->p->dead)
		sim_world_fail(
		    s->w, "enqueue refused a job: %s", tally.first_error);
	run_intake_free(&s->intake);
}

static void
enqueue_main(struct sim_seat *s)
{
	struct source_file_options o = {.env = &s->p->own.env,
	    .path = SIM_JOBS_FILE,
	    .name = "jobs.jsonl",
	    .rejects_dir = SIM_DATA "/rejects",
	    .line_bytes = 65536,
	    .rules = {.source = SOURCE_FILE_NAME,
		.kinds = (const char **)(uintptr_t)s->w->stage->kinds}};
	struct source_file *f = NULL;

	s->code = open_journal(s, JOURNAL_CREATE);
	if (s->code == ERR_NONE)
		s->code = source_file_open(&o, &f, &s->err);
	if (s->code == ERR_NONE)
		intake(s, f);
	source_file_free(&f);
}

/* --- people
 * --------------------------------------------------------------------------
 */

struct person_tx {
	struct journal_tx tx;
	struct sim_seat *s;
	int64_t number;
};

static enum err_code
person_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct person_tx *t = CONTAINER_OF(tx, struct person_tx, tx);
	bool changed = false;

	switch ((int)t->s->actor) {
	case SIM_ACTOR_PAUSE:
		return journal_pause(j, "c1", "ann", "a test", &changed, err);
	case SIM_ACTOR_RESUME:
		return journal_resume(j, "c1", "ann", "a test", &changed, err);
	case SIM_ACTOR_DNC:
		return journal_dnc_put(
		    j, t->number, 1, "ann", "a test", &changed, err);
	default:
		return err_set(err, ERR_USAGE, 0, "no such deed");
	}
}

static void
person_tx(struct sim_seat *s)
{
	struct person_tx t = {
	    .tx = {.run = person_run, .cls = JOURNAL_CLAIM}, .s = s};
	struct sim_world *w = s->w;

	if (s->actor == SIM_ACTOR_DNC)
		CHECK(text_i64(s->w->plan->jobs[s->value].phone + 1, 1,
			  INT64_C(999999999999999), &t.number,
			  &s->err) == ERR_NONE);
	int64_t began_ms = sim_world_moment_ms(s->w);
	int64_t resumes = w->resumes;

	/* Calls may begin again from the moment on at which this begins. */
	if (s->actor == SIM_ACTOR_RESUME && w->paused_ms != 0 &&
	    w->resumed_ms == 0)
		w->resumed_ms = began_ms;
	w->resumes += s->actor == SIM_ACTOR_RESUME;
	w->resuming += s->actor == SIM_ACTOR_RESUME;
	s->code = journal_now(s->j, &t.tx, &s->err);
	if (s->p->dead)
		return;
	w->resuming -= s->actor == SIM_ACTOR_RESUME;
	if (s->code != ERR_NONE)
		return;
	/* Of one that met a resume nobody knows which came last. */
	if (s->actor == SIM_ACTOR_PAUSE && w->paused_ms == 0 &&
	    w->resuming == 0 && w->resumes == resumes)
		w->paused_ms = sim_world_moment_ms(s->w);
	if (s->actor == SIM_ACTOR_DNC && w->dnc_ms == 0) {
		w->dnc_ms = sim_world_moment_ms(s->w);
		w->dnc_phone = w->plan->jobs[s->value].phone;
	}
}

/* false: it was not done. */
static bool
person_decides(struct sim_seat *s, enum run_decide_verb verb, int64_t job)
{
	struct run_decision d = {.job = job};
	struct run_decide_ask ask = {.env = &s->p->own.env,
	    .conf = &s->w->conf,
	    .journal = s->j,
	    .verb = verb,
	    .by = "ann",
	    .reason = "a test",
	    .expires_ms = 0};

	s->code = run_decide(&ask, &d, 1, &s->err);
	return s->code == ERR_NONE && d.code == ERR_NONE && !s->p->dead;
}

static bool
person_on_job(struct sim_seat *s, enum run_decide_verb verb)
{
	int64_t id = 0;

	s->code = journal_read_find(
	    s->j, s->w->plan->jobs[s->value].id, &id, &s->err);
	if (verb == RUN_DECIDE_RETRY)
		s->w->cancelled_ms[s->value] = 0;
	return s->code == ERR_NONE && person_decides(s, verb, id);
}

/* What was taken back, or told to whoever holds it, is called no more. */
static void
person_cancels(struct sim_seat *s)
{
	if (person_on_job(s, RUN_DECIDE_CANCEL))
		s->w->cancelled_ms[s->value] = sim_world_moment_ms(s->w);
}

struct parked {
	int64_t job[SIM_JOBS_MAX], attempts[SIM_JOBS_MAX];
	size_t count;
};

static void
parked_row(void *arg, const struct journal_listed *row)
{
	struct parked *p = arg;

	if (p->count < SIM_JOBS_MAX) {
		p->job[p->count] = row->job.id;
		p->attempts[p->count++] = row->job.attempts;
	}
}

#define PERSON_WAITS_MS 60000

/*
 * Somebody who errs in nothing: asks the network what became of the key, and
 * waits until a request that is under way must have arrived and a call is over.
 */
static bool
network_says(struct sim_seat *s, const struct carrier_sim_log *log,
    const struct journal_attempt *a, enum run_decide_verb *verb)
{
	char hex[JOURNAL_KEY_HEX];
	const struct carrier_sim_log_key *key =
	    carrier_sim_log_find(log, text_hex(a->key, sizeof(a->key), hex));
	int64_t now_ms = env_now_ms(&s->p->line.env);

	/* What the other life of a restored job did has no key here. */
	if (s->w->restored && a->state != ATTEMPT_PARKED)
		return false;
	*verb = RUN_DECIDE_ABSENT;
	if (key == NULL)
		return a->has_key;
	if (key->placed > 0)
		*verb = RUN_DECIDE_PLACED;
	/* Nor is anybody called again while it rings. */
	if (key->placed > 0)
		return log->calls[key->last_call].ended_ms != 0;
	return key->requests[key->request_count - 1].at_ms + PERSON_WAITS_MS <
	       now_ms;
}

static void
resolve_main(struct sim_seat *s)
{
	struct journal_filter f = {.state = JOB_PARKED, .limit = SIM_JOBS_MAX};
	struct parked parked = {.count = 0};
	struct carrier_sim_log log = {0};

	s->code = journal_read_jobs(s->j, &f, parked_row, &parked, &s->err);
	if (s->code != ERR_NONE || parked.count == 0 ||
	    carrier_sim_log_read(&s->p->line.env, SIM_DATA "/sim/calls.jsonl",
		&log, &s->err) != ERR_NONE)
		return;
	for (size_t i = 0; i < parked.count && !s->p->dead; i++) {
		struct journal_attempt a;
		enum run_decide_verb verb;

		if (journal_read_attempt(s->j,
			parked.job[i] * 256 + parked.attempts[i], &a,
			&s->err) == ERR_NONE &&
		    network_says(s, &log, &a, &verb))
			(void)person_decides(s, verb, parked.job[i]);
	}
	carrier_sim_log_free(&log);
	if (s->code == ERR_NONE && s->w->healing)
		look(s);
}

static void
person_main(struct sim_seat *s)
{
	s->code = open_journal(s, JOURNAL_MUST_EXIST);
	if (s->code != ERR_NONE)
		return;
	switch ((int)s->actor) {
	case SIM_ACTOR_CANCEL:
		person_cancels(s);
		break;
	case SIM_ACTOR_RETRY:
		(void)person_on_job(s, RUN_DECIDE_RETRY);
		break;
	case SIM_ACTOR_RESOLVE:
		/* The network writes what is due when it is opened. */
		s->code = open_line(s);
		if (s->code == ERR_NONE)
			resolve_main(s);
		break;
	case SIM_ACTOR_BACKUP:
		s->code = journal_backup(s->j, SIM_BACKUP_FILE, &s->err);
		if (s->code == ERR_NONE && !s->p->dead)
			s->w->backed_up = true;
		break;
	default:
		person_tx(s);
		break;
	}
}

/* ADOPT: what lies there, as it is. */
static void
restore_main(struct sim_seat *s)
{
	struct journal_restore_options o = {.env = &s->p->own.env,
	    .dir = SIM_DATA,
	    .from = s->actor == SIM_ACTOR_ADOPT ? NULL : SIM_BACKUP_FILE,
	    .by = "ann",
	    .reason = "a test",
	    .build_ms = 1000};

	/* From now on the backup may be in its place, whatever happens. */
	s->w->restored = true;
	s->w->accepted = false;
	s->code = peek(s);
	if (s->code == ERR_NONE)
		s->code = journal_restore(&o, &s->err);
	if (s->code == ERR_NONE)
		s->code = sim_control_after_restore(
		    s->w->plan->wrong, &s->p->own.env, &s->err);
}

/* --- a process
 * ---------------------------------------------------------------------- */

static void
seat_main(struct sim_process *p)
{
	struct sim_seat *s = p->arg;

	s->p = p;
	switch ((int)s->actor) {
	case SIM_ACTOR_DRAIN:
	case SIM_ACTOR_WORKER:
	case SIM_ACTOR_SYNC:
		runner_main(s);
		break;
	case SIM_ACTOR_ENQUEUE:
		enqueue_main(s);
		break;
	case SIM_ACTOR_RESTORE:
	case SIM_ACTOR_ADOPT:
		restore_main(s);
		break;
	default:
		person_main(s);
		break;
	}
	close_all(s);
	if (p->machine->trace)
		(void)fprintf(stderr, "%12lld %s ends%s: %s %s\n",
		    (long long)p->machine->now_us, p->name,
		    p->dead ? " dead" : "", err_name(s->code),
		    s->code != ERR_NONE ? s->err.text : "");
	if (s->w->healing && s->code != ERR_NONE && s->code != ERR_PERSON)
		sim_world_fail(s->w, "%s failed with no fault about: %s",
		    p->name, s->err.text);
	mem_free(&s);
}

bool
sim_actor_start(struct sim_world *w, enum sim_actor actor, int64_t value)
{
	struct sim_seat *s = mem_zalloc(1, sizeof(*s));
	struct sim_process *p =
	    sim_process_start(w->m, sim_actor_name(actor), seat_main, s);

	if (p == NULL) {
		mem_free(&s);
		return false;
	}
	w->runs++;
	s->w = w;
	s->actor = actor;
	s->value = value;
	if (actor <= SIM_ACTOR_SYNC && actor != SIM_ACTOR_ENQUEUE)
		p->on_signal = on_signal;
	return true;
}

enum err_code
sim_actor_open_host(struct sim_world *w, struct journal **out, struct err *err)
{
	struct sim_seat s = {.w = w, .p = &w->m->host};
	enum err_code code = open_line(&s);

	if (code == ERR_NONE)
		s.line.ops->free(s.line.impl);
	if (code == ERR_NONE)
		code = open_journal(&s, JOURNAL_MUST_EXIST);
	*out = s.j;
	*err = s.err;
	return code;
}
