#include "runner.h"

#include <signal.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_read.h"
#include "net/net_env.h"
#include "progress.h"
#include "run/run_intake.h"
#include "shown.h"
#include "table.h"
#include "wire.h"
#include "wire_source.h"

#define SHOW_MS 100

struct runner {
	struct ctx *ctx;
	const struct runner_options *o;
	struct wire wire;
	struct run *run;
	struct progress bar;
	struct env_timer show;
	struct env_timer spool_timer;
	struct wire_source *spool;
	struct run_intake *intake;
	int64_t total; /* jobs that were not final at the start */
	int64_t taken; /* from the spool */
	int64_t began_ms;
	int64_t poll_ms;
	int signals;
	bool ended, started;
	enum err_code code;
	struct err err;
	struct run_progress last;
};

static int64_t
not_final(struct runner *r)
{
	struct journal_counts c;
	struct err err;

	if (journal_read_counts(r->wire.journal, &c, &err) != ERR_NONE)
		return 0;
	return c.jobs[JOB_QUEUED] + c.jobs[JOB_READY] + c.jobs[JOB_HELD];
}

static int64_t
not_pushed(struct runner *r)
{
	struct journal_counts c;
	struct err err;

	return journal_read_counts(r->wire.journal, &c, &err) == ERR_NONE
		   ? c.outbox_pending
		   : 0;
}

static void
show_fired(struct env_timer *t)
{
	struct runner *r = CONTAINER_OF(t, struct runner, show);
	struct run_progress p;

	if (r->ended || r->run == NULL)
		return;
	run_progress(r->run, &p);
	progress_update(&r->bar,
	    &(struct progress_state){.done = p.finished,
		.total = r->total + r->taken,
		.live = p.live},
	    env_real_boot_ms(r->ctx->env));
	env_timer_start_real(r->ctx->env, &r->show, SHOW_MS);
}

static void
on_signal(void *arg, int sig)
{
	struct runner *r = arg;

	if (sig == SIGHUP || sig == SIGUSR1)
		return;
	r->signals++;
	progress_clear(&r->bar);
	if (r->signals == 1)
		ctx_say(r->ctx,
		    "stopping: live calls may end, nothing new begins (once "
		    "more ends at once)");
	if (r->run != NULL)
		run_stop(r->run, r->signals > 1);
}

static void
maybe_leave(struct runner *r)
{
	if (r->ended && (r->intake == NULL || !run_intake_busy(r->intake)))
		net_env_stop(r->ctx->env);
}

static void
run_ended(void *arg, enum err_code code, const struct err *err)
{
	struct runner *r = arg;

	r->ended = true;
	r->code = code;
	if (code != ERR_NONE)
		r->err = *err;
	run_progress(r->run, &r->last);
	env_timer_stop(r->ctx->env, &r->show);
	env_timer_stop(r->ctx->env, &r->spool_timer);
	maybe_leave(r);
}

/* --- the spool
 * ---------------------------------------------------------------- */

static enum err_code
begin_run(struct runner *r, struct err *err)
{
	struct run_options o = r->wire.options;

	r->started = true;
	r->total = not_final(r);
	o.command = r->o->command;
	o.worker = r->o->worker;
	o.mode = r->o->mode;
	o.max_jobs = r->o->max_jobs;
	o.soft_after_ms = r->o->soft_after_ms;
	o.hard_after_ms = r->o->hard_after_ms;
	o.wait_ms = r->o->wait_ms;
	o.ended = run_ended;
	o.attention = wire_attention;
	o.arg = r;
	o.attention_arg = r->ctx;
	env_timer_start_real(r->ctx->env, &r->show, 0);
	int64_t reopened = 0;
	enum err_code code = ERR_NONE;

	if (r->o->mode != RUN_SYNC)
		code = run_reopen(&o, &reopened, err);
	if (code == ERR_NONE)
		code = run_start(&o, &r->run, err);
	if (reopened > 0)
		ctx_say(r->ctx,
		    "the calling hours were changed: %lld jobs that waited for "
		    "them are looked at again",
		    (long long)reopened);

	/* Asked to stop while the spool was taken in, before there was a run.
	 */
	if (code == ERR_NONE && r->signals > 0)
		run_stop(r->run, r->signals > 1);
	return code;
}

/* The first look into the spool is over before the run begins, so that one
 * drain takes what lies there; a worker looks again and again. */
static void
spool_idle(void *arg, enum err_code code, const struct err *err)
{
	struct runner *r = arg;
	struct source_tally tally;
	struct err mine = {0};

	if (code != ERR_NONE)
		ctx_say(r->ctx, "spool: %s", err->text);
	wire_source_port(r->spool)->ops->tally(
	    wire_source_port(r->spool)->impl, &tally);
	r->taken = tally.added;
	if (!r->started && begin_run(r, &mine) != ERR_NONE) {
		r->code = mine.code;
		r->err = mine;
		r->ended = true;
	}
	if (r->ended)
		maybe_leave(r);
	else if (r->o->mode == RUN_WORKER)
		env_timer_start_real(r->ctx->env, &r->spool_timer, r->poll_ms);
}

static void
spool_fired(struct env_timer *t)
{
	struct runner *r = CONTAINER_OF(t, struct runner, spool_timer);

	run_intake_poke(r->intake);
}

static void
spool_open(struct runner *r, const struct conf *conf)
{
	struct run_intake_options io = {.env = r->ctx->env,
	    .journal = r->wire.journal,
	    .idle = spool_idle,
	    .arg = r};

	r->poll_ms = conf->run.poll_ms;
	r->spool = wire_source_spool(r->ctx, conf);
	io.source = wire_source_port(r->spool);
	r->intake = run_intake_new(&io);
}

/* --- the end
 * -------------------------------------------------------------------- */

static void
show_json(struct runner *r)
{
	const struct run_progress *p = &r->last;
	struct ctx_document d;

	ctx_json_begin(r->ctx, &d);
	json_field_str(&d.w, "command", r->o->command);
	json_field_i64(&d.w, "claimed", p->claimed);
	json_field_i64(&d.w, "finished", p->finished);
	json_field_i64(&d.w, "recovered", p->recovered);
	json_field_i64(&d.w, "failed", p->failed);
	json_field_i64(&d.w, "expired", p->expired);
	json_field_i64(&d.w, "cancelled", p->cancelled);
	json_field_i64(&d.w, "parked", p->parked);
	json_field_i64(&d.w, "pushed", p->pushed);
	json_field_i64(&d.w, "dead", p->dead);
	json_field_i64(&d.w, "spooled", r->taken);
	json_field_i64(&d.w, "fetched", p->fetched);
	json_field_str(&d.w, "waits", p->waits);
	json_write_key(&d.w, "outcomes");
	json_write_object(&d.w);
	for (enum job_outcome o = JOB_OUTCOME_COMPLETED; o < JOB_OUTCOME_COUNT;
	     o++)
		json_field_i64(&d.w, job_outcome_name(o), p->outcomes[o]);
	json_write_end(&d.w);
	ctx_json_end(r->ctx, &d);
}

static void
show_outcomes(struct runner *r)
{
	const struct run_progress *p = &r->last;

	for (enum job_outcome o = JOB_OUTCOME_COMPLETED; o < JOB_OUTCOME_COUNT;
	     o++)
		if (p->outcomes[o] > 0)
			ctx_say(r->ctx, "  %-12s %lld", job_outcome_name(o),
			    (long long)p->outcomes[o]);
	if (p->expired > 0)
		ctx_say(
		    r->ctx, "  %-12s %lld", "expired", (long long)p->expired);
}

/* What is left for somebody to do, with the words to type. */
static void
show_next(struct runner *r)
{
	const struct run_progress *p = &r->last;
	const char *dir = journal_dir(r->wire.journal);
	int64_t left = not_final(r);
	int64_t unpushed = r->o->mode == RUN_SYNC ? not_pushed(r) : 0;

	if (p->pushed > 0) {
		ctx_say(r->ctx, "results      %s/out/results.jsonl", dir);
		ctx_say(r->ctx,
		    "recordings   %s/out/CAMPAIGN/JOB/N.wav, transcripts "
		    "N.txt and N.json",
		    dir);
	}
	if (unpushed > 0)
		ctx_say(r->ctx, "%lld result%s to be pushed: dsrun outbox",
		    (long long)unpushed, unpushed == 1 ? " waits" : "s wait");
	if (left > 0)
		ctx_say(r->ctx,
		    "%lld jobs wait for their time: dsrun jobs --state QUEUED",
		    (long long)left);
	if (p->parked > 0)
		ctx_say(r->ctx, "%lld need a person: dsrun parked",
		    (long long)p->parked);
	if (p->failed > 0)
		ctx_say(r->ctx,
		    "%lld could not be called: dsrun jobs --state FAILED",
		    (long long)p->failed);
	if (p->dead > 0)
		ctx_say(r->ctx, "%lld dead letters: dsrun outbox",
		    (long long)p->dead);
	if (p->finished > 0)
		ctx_say(r->ctx, "next         dsrun jobs   dsrun show JOB   "
				"dsrun replay --job JOB");
}

static void
show_text(struct runner *r)
{
	const struct run_progress *p = &r->last;
	int64_t real_ms = env_real_boot_ms(r->ctx->env) - r->began_ms;

	if (!r->ctx->term.err_tty && !r->o->summary && !r->ctx->verbose)
		return;
	if (p->claimed + p->recovered + p->finished + p->pushed == 0) {
		ctx_say(r->ctx, "nothing to do%s%s",
		    p->waits != NULL ? ": waiting for " : "",
		    p->waits != NULL ? p->waits : "");
		show_next(r);
		return;
	}
	ctx_say(r->ctx, "%lld calls, %lld jobs finished, %.1f s%s",
	    (long long)p->claimed, (long long)p->finished,
	    (double)real_ms / 1000,
	    p->recovered > 0 ? ", after taking over what a dead run left" : "");
	show_outcomes(r);
	show_next(r);
}

static void
exit_status(struct runner *r)
{
	const struct run_progress *p = &r->last;
	const char *why;
	bool nothing = p->claimed + p->recovered + p->finished + p->pushed +
			   r->taken + p->fetched ==
		       0;

	if (p->failed > 0 || p->dead > 0)
		ctx_exit(r->ctx, EXIT_PARTIAL);
	if (p->parked > 0 || !journal_clock_trusted(r->wire.journal, &why))
		ctx_exit(r->ctx, EXIT_PERSON);
	if (nothing && r->o->exit_empty)
		ctx_exit(r->ctx, EXIT_EMPTY);
}

static void
close_all(struct runner *r)
{
	run_free(&r->run);
	run_intake_free(&r->intake);
	wire_source_free(&r->spool);
	wire_close(&r->wire);
}

enum err_code
runner_run(
    struct ctx *ctx, const struct runner_options *options, struct err *err)
{
	struct runner *r = mem_zalloc(1, sizeof(*r));
	const struct conf *conf = NULL;
	enum err_code code;

	r->ctx = ctx;
	r->o = options;
	r->began_ms = env_real_boot_ms(ctx->env);
	r->show.fn = show_fired;
	r->spool_timer.fn = spool_fired;
	progress_init(&r->bar, &ctx->term, "jobs",
	    ctx->quiet || ctx->json || options->mode != RUN_DRAIN);
	code = options->mode == RUN_SYNC
		   ? wire_open_results(ctx, &r->wire, err)
		   : wire_open(ctx, JOURNAL_MUST_EXIST, &r->wire, err);
	if (code == ERR_NONE)
		code = wire_open_sinks(ctx, options->mode, &r->wire, err);
	if (code == ERR_NONE)
		code = ctx_conf(ctx, &conf, err);
	if (code == ERR_NONE)
		code = net_env_on_signal(ctx->env, on_signal, r, err);
	if (code == ERR_NONE && options->mode == RUN_SYNC) {
		code = begin_run(r, err);
	} else if (code == ERR_NONE) {
		spool_open(r, conf);
		run_intake_poke(r->intake);
	}
	if (code == ERR_NONE) {
		net_env_run(ctx->env);
		progress_clear(&r->bar);
		code = r->code;
		if (code != ERR_NONE)
			*err = r->err;
		if (code == ERR_NONE && ctx->json)
			show_json(r);
		else if (code == ERR_NONE)
			show_text(r);
		exit_status(r);
	}
	close_all(r);
	mem_free(&r);
	return code;
}

/* --- dry run
 * ------------------------------------------------------------------------ */

struct dry {
	struct ctx *ctx;
	struct wire *wire;
	struct table *table;
	struct ctx_document *d;
	int64_t now, later, never;
	int64_t at_ms;
};

static void
dry_row(struct dry *d, const struct journal_listed *row, const char *word,
    const char *text)
{
	if (d->ctx->json) {
		json_write_object(&d->d->w);
		json_field_str(&d->d->w, "id", row->job.ext);
		json_field_str(&d->d->w, "verdict", word);
		json_field_str(&d->d->w, "reason", text);
		json_write_end(&d->d->w);
		return;
	}
	table_cell(d->table, row->job.ext);
	table_cell(d->table, word);
	table_cell(d->table, text);
}

static void
dry_job(void *arg, const struct journal_listed *row)
{
	struct dry *d = arg;
	struct run_verdict v[RUN_VERDICTS_MAX];
	size_t n = 0;
	struct err err;
	const char *word = "now";
	const char *text = "";

	if (run_why(&d->wire->options, row->job.id, v, &n, &err) != ERR_NONE)
		return;
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].result, "ok") != 0) {
			word = v[i].result;
			text = v[i].text;
			break;
		}
	d->now += strcmp(word, "now") == 0;
	d->later += strcmp(word, "later") == 0 || strcmp(word, "wait") == 0;
	d->never += strcmp(word, "never") == 0;
	dry_row(d, row, word, text);
}

/* One whose time has come is READY to a run before it looks at anything. */
static void
dry_queued(void *arg, const struct journal_listed *row)
{
	struct dry *d = arg;
	char at[SHOWN_MAX];

	if (row->job.not_before_ms <= d->at_ms) {
		dry_job(d, row);
		return;
	}
	const char *why = job_reason_text(row->job.reason);
	char *text = mem_printf("%s%suntil %s", why, *why != '\0' ? ", " : "",
	    shown_time(row->job.not_before_ms, at));

	d->later++;
	dry_row(d, row, "later", text);
	mem_free(&text);
}

enum err_code
runner_dry(struct ctx *ctx, struct err *err)
{
	static const struct table_column columns[] = {{.head = "JOB"},
	    {.head = "CALL"}, {.head = "WHY", .shrinks = true}, {.head = NULL}};
	struct wire w = {0};
	struct ctx_document doc;
	struct dry d = {.ctx = ctx, .wire = &w, .d = &doc};
	struct journal_filter ready = {.state = JOB_READY};
	struct journal_filter queued = {.state = JOB_QUEUED};
	enum err_code code = wire_open_rules(ctx, &w, err);

	if (code != ERR_NONE) {
		wire_close(&w);
		return code;
	}
	d.table = table_new(columns);
	if (ctx->json) {
		ctx_json_begin(ctx, &doc);
		json_write_key(&doc.w, "jobs");
		json_write_array(&doc.w);
	}
	d.at_ms = env_now_ms(ctx->env);
	code = journal_read_jobs(w.journal, &ready, dry_job, &d, err);
	if (code == ERR_NONE)
		code =
		    journal_read_jobs(w.journal, &queued, dry_queued, &d, err);
	if (ctx->json) {
		json_write_end(&doc.w);
		json_field_i64(&doc.w, "now", d.now);
		json_field_i64(&doc.w, "later", d.later);
		json_field_i64(&doc.w, "never", d.never);
		ctx_json_end(ctx, &doc);
	} else {
		table_print(d.table, &ctx->term);
		ctx_say(ctx, "%lld would be called, %lld wait, %lld cannot be",
		    (long long)d.now, (long long)d.later, (long long)d.never);
	}
	table_free(&d.table);
	wire_close(&w);
	return code;
}
