#include "run/run.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "json/json_write.h"

#include "run/run_priv.h"

/*
 * One run, from becoming an owner to letting go.
 *
 * Everything that completes calls run_poke, and once all that completed with
 * it has been heard, the turn starts what may start now: a claim when there is
 * room, the outbox when it is at rest, the end when nothing is left.  There is
 * no other place where work begins.
 */

#define TICK_MS 250      /* real: messages of others, jobs of others */
#define TAKEOVER_TICKS 8 /* look for dead owners every 2 s */
#define SAY_TICKS 4      /* tell status every second */
#define FRAME_MS 20
#define DUE_MOST_MS INT64_C(3600000)

double
run_jitter(struct run *r)
{
	if (r->luck_left == 0) {
		env_random(r->env, r->luck, sizeof(r->luck));
		r->luck_left = ARRAY_LEN(r->luck);
	}
	return (double)(r->luck[--r->luck_left] >> 11) / 9007199254740992.0;
}

void
run_fail(struct run *r, enum err_code code, const struct err *err)
{
	if (r->code == ERR_NONE) {
		r->code = code;
		r->err = *err;
		LOG(r->o.log, LOG_LEVEL_ERROR, "run.failed",
		    LOG_STR("code", err_name(code)),
		    LOG_STR("error", err->text));
	}
	r->stopping = true;
	r->hard_stop = true;
	run_poke(r);
}

/* --- clocks
 * ------------------------------------------------------------------------ */

static void
look_into_inbox(struct run *r)
{
	int64_t attempts[256];
	size_t count = 0;
	struct err err = {0};

	if (journal_read_inbox(r->journal, attempts, ARRAY_LEN(attempts),
		&count, &err) != ERR_NONE) {
		if (err_class(err.code) == ERR_CLASS_FATAL)
			run_fail(r, err.code, &err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct run_call *c = run_call_find(r, attempts[i]);

		if (c == NULL)
			continue;
		c->fold = true;
		run_call_poke(c);
	}
}

/* Live calls whose next step finds no room: said once each time. */
static void
say_starved(struct run *r)
{
	bool starved = journal_is_starved(r->journal);

	if (starved && !r->starved)
		LOG(r->o.log, LOG_LEVEL_WARN, "run.waits",
		    LOG_STR("for", "room on the disk"),
		    LOG_STR("dir", journal_dir(r->journal)),
		    LOG_INT("live", r->live));
	r->starved = starved;
}

static void
tick_fired(struct env_timer *t)
{
	struct run *r = CONTAINER_OF(t, struct run, tick);
	int64_t version = 0;
	struct err err = {0};

	env_timer_start_real(r->env, &r->tick, TICK_MS);
	say_starved(r);
	if (r->hard_stop) {
		/* Until what was begun is durable; then this is stopped. */
		run_poke(r);
		return;
	}
	if (journal_version(r->journal, &version, &err) == ERR_NONE &&
	    version != r->version) {
		r->version = version;
		r->again = true;
		look_into_inbox(r);
		if (r->o.mode == RUN_WORKER)
			run_pushes_look(r);
	}
	/* Rows of others, and rows whose delay is over. */
	if (r->o.mode == RUN_WORKER) {
		run_sync_poke(r->sync);
		run_rest(r);
	}
	if (++r->ticks % TAKEOVER_TICKS == 0)
		run_takeover(r);
	if (r->ticks % SAY_TICKS == 0) {
		run_say(r);
		/* Nobody tells when the disk or the clock is right again. */
		r->again = r->again || (r->progress.waits != NULL &&
					   r->o.mode == RUN_WORKER);
	}
	run_poke(r);
}

static void
due_fired(struct env_timer *t)
{
	struct run *r = CONTAINER_OF(t, struct run, due);

	r->again = true;
	run_poke(r);
}

static void
media_fired(struct env_timer *t)
{
	struct run *r = CONTAINER_OF(t, struct run, media);
	int64_t now = env_now_ms(r->env);
	int64_t speed = env_speed(r->env);
	bool more = false;
	bool any = false;

	if (r->hard_stop)
		return;
	LIST_FOREACH_SAFE (it, &r->calls) {
		struct run_call *c = CONTAINER_OF(it, struct run_call, node);

		more = run_voice_tick(c, now) || more;
		any = any || (c->evidence.answered && !c->evidence.ended);
	}
	if (more)
		env_timer_start_real(r->env, &r->media, 0);
	else if (any)
		env_timer_start_real(
		    r->env, &r->media, speed < FRAME_MS ? FRAME_MS / speed : 1);
}

void
run_media_on(struct run *r)
{
	if (!env_timer_running(&r->media))
		env_timer_start_real(r->env, &r->media, 0);
}

static void
soft_fired(struct env_timer *t)
{
	run_stop(CONTAINER_OF(t, struct run, soft), false);
}

static void
hard_fired(struct env_timer *t)
{
	run_stop(CONTAINER_OF(t, struct run, hard), true);
}

static void
grace_fired(struct env_timer *t)
{
	run_stop(CONTAINER_OF(t, struct run, grace), true);
}

/* --- poke
 * ------------------------------------------------------------------------------
 */

void
run_call_over(struct run *r, struct run_call *c)
{
	run_call_free(&c);
	r->again = true;
	r->results = true;
	run_poke(r);
}

static bool
disk_has_room(struct run *r)
{
	struct env_space space;
	struct err err;

	if (env_space(r->env, journal_dir(r->journal), &space, &err) !=
	    ERR_NONE)
		return true;
	r->full_bytes = 0;
	if (space.free_bytes >= r->o.conf->disk.min_free_bytes)
		return true;
	r->progress.waits = "the disk is nearly full";
	r->full_bytes = space.free_bytes > 0 ? space.free_bytes : 1;
	return false;
}

/* A drain that left jobs alone for want of room says so: cron tells nobody of
 * what ends well. */
static void
tell_full(struct run *r)
{
	bool any = false;
	struct err err;

	if (r->full_bytes == 0 || r->o.mode != RUN_DRAIN ||
	    r->code != ERR_NONE ||
	    journal_read_any_ready(r->journal, &any, &err) != ERR_NONE || !any)
		return;
	r->code = err_set(&r->err, ERR_SPACE, 0,
	    "%s has %lld MB of free space, disk.min_free is %lld MB: no call "
	    "is begun until there is room",
	    journal_dir(r->journal), (long long)r->full_bytes >> 20,
	    (long long)r->o.conf->disk.min_free_bytes >> 20);
}

/* Only claimed yet, and it may have killed two owners: nothing beside it. */
static bool
has_suspect(const struct run *r)
{
	LIST_FOREACH (it, &r->calls) {
		const struct run_call *c =
		    CONTAINER_OF(it, struct run_call, node);

		if (c->attempt.state == ATTEMPT_CLAIMED &&
		    c->job.crashes >= RUN_CRASHES_ALONE)
			return true;
	}
	return false;
}

/*
 * An empty queue needs no claim to be seen.  What cannot be read is left to
 * the claim, which tells all others when it meets a broken page.
 */
static bool
jobs_wait(struct run *r)
{
	bool any = true;
	struct err ignored;

	return journal_read_waiting(r->journal, &any, &ignored) != ERR_NONE ||
	       any;
}

static void
maybe_claim(struct run *r)
{
	int64_t want = r->limit - r->live;

	if (r->claim != NULL || !r->again || r->stopping || r->taking_over ||
	    r->o.mode == RUN_SYNC || want <= 0 || has_suspect(r))
		return;
	if (r->o.max_jobs > 0 && r->o.max_jobs - r->progress.claimed < want)
		want = r->o.max_jobs - r->progress.claimed;
	if (want <= 0)
		return;
	if (!jobs_wait(r)) {
		r->nothing = true;
		r->again = false;
		r->next_due_ms = 0;
		return;
	}
	if (!disk_has_room(r)) {
		r->nothing = true;
		r->again = false;
		return;
	}
	run_claim_start(r, want);
}

/* Anything due soon enough to wait for it? */
static bool
waits_for_due(struct run *r)
{
	int64_t now = env_now_ms(r->env);
	int64_t left = r->next_due_ms - now;

	if (r->next_due_ms == 0 || r->stopping || r->o.mode == RUN_SYNC)
		return false;
	if (r->o.mode == RUN_WORKER || left <= r->o.wait_ms) {
		left = left < 0 ? 0 : left;
		/* One that became due earlier is not slept through. */
		if (!env_timer_running(&r->due) ||
		    r->due_for_ms != r->next_due_ms)
			env_timer_start(r->env, &r->due,
			    left < DUE_MOST_MS ? left + 1 : DUE_MOST_MS);
		r->due_for_ms = r->next_due_ms;
		return true;
	}
	return false;
}

static bool
work_left(struct run *r)
{
	bool claims =
	    r->o.mode != RUN_SYNC && !r->stopping &&
	    !(r->o.max_jobs > 0 && r->progress.claimed >= r->o.max_jobs);

	if (r->hard_stop)
		return journal_pending(r->journal) > 0 ||
		       !run_sync_resting(r->sync) || !run_pushes_resting(r) ||
		       run_queue_busy(r->queue) || !list_empty(&r->notices);
	if (r->live > 0 || r->claim != NULL || r->taking_over ||
	    r->attentions > 0 || journal_pending(r->journal) > 0)
		return true;
	if (claims && (r->o.mode == RUN_WORKER || (r->again || !r->nothing)))
		return true;
	if (claims && waits_for_due(r))
		return true;
	return !run_queue_resting(r->queue) || !run_sync_idle(r->sync) ||
	       !run_pushes_idle(r);
}

static void
end_posted(struct env_post *p)
{
	struct run *r = CONTAINER_OF(p, struct run, end_post);

	r->o.ended(r->o.arg, r->code, &r->err);
}

/* A hard stop leaves conversations whose files are being synced alone. */
static bool
talks_ending(struct run *r)
{
	LIST_FOREACH (it, &r->calls) {
		struct run_call *c = CONTAINER_OF(it, struct run_call, node);

		if ((c->talk_ending && !c->talk_over) || c->repairing)
			return true;
	}
	return false;
}

static void
end(struct run *r)
{
	struct err err;

	if (talks_ending(r))
		return;
	r->ended = true;
	if (r->code == ERR_NONE && run_sync_gave_up(r->sync, &err)) {
		r->code = err.code;
		r->err = err;
	}
	if (r->code == ERR_NONE && run_trouble(r, &err)) {
		r->code = err.code;
		r->err = err;
	}
	run_queue_end(r->queue);
	tell_full(r);
	env_timer_stop(r->env, &r->tick);
	env_timer_stop(r->env, &r->due);
	env_timer_stop(r->env, &r->media);
	env_timer_stop(r->env, &r->soft);
	env_timer_stop(r->env, &r->hard);
	env_timer_stop(r->env, &r->grace);
	run_notice_stop(r);
	list_remove(&r->turn.node);
	r->end_post.fn = end_posted;
	env_post(r->env, &r->end_post);
}

/*
 * What many completions made possible is begun once: a claim that fills all
 * free places costs little more than one that fills a single one.
 */
static void
turn_posted(struct env_post *p)
{
	struct run *r = CONTAINER_OF(p, struct run, turn);
	struct list *news;

	CHECK(!r->ended);
	while ((news = list_pop(&r->heard)) != NULL)
		run_call_poke(CONTAINER_OF(news, struct run_call, heard));
	if (r->results) {
		r->results = false;
		run_sync_poke(r->sync);
		run_pushes_look(r);
	}
	if (r->hard_stop)
		run_pushes_drop(r);
	if (!r->hard_stop) {
		maybe_claim(r);
		run_queue_poke(r->queue);
		if (r->o.mode == RUN_WORKER)
			(void)waits_for_due(r);
	}
	if (!work_left(r))
		end(r);
}

void
run_poke(struct run *r)
{
	if (!r->ended)
		env_post(r->env, &r->turn);
}

void
run_stop(struct run *r, bool hard)
{
	if (r->ended)
		return;
	if (hard || r->stopping) {
		r->hard_stop = true;
	} else {
		r->stopping = true;
		env_timer_start_real(
		    r->env, &r->grace, r->o.conf->run.grace_ms);
		LIST_FOREACH_SAFE (it, &r->calls)
			run_call_poke(CONTAINER_OF(it, struct run_call, node));
	}
	LOG(r->o.log, LOG_LEVEL_INFO, "run.stop",
	    LOG_STR("how", r->hard_stop ? "hard" : "soft"),
	    LOG_INT("live", r->live));
	run_poke(r);
}

/* --- begin and end
 * ------------------------------------------------------------------------ */

struct note {
	struct journal_tx tx;
	struct run *run;
	const char *summary; /* NULL: the beginning */
};

static enum err_code
note_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct note *n = CONTAINER_OF(tx, struct note, tx);

	if (n->summary == NULL)
		return journal_run_begin(
		    j, n->run->o.command, &n->run->run_row, err);
	return journal_run_end(j, n->run->run_row, n->summary, err);
}

static void
summary_write(const struct run *r, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	const struct run_progress *p = &r->progress;

	json_write_object(&w);
	json_field_i64(&w, "claimed", p->claimed);
	json_field_i64(&w, "finished", p->finished);
	json_field_i64(&w, "recovered", p->recovered);
	json_field_i64(&w, "parked", p->parked);
	json_field_i64(&w, "pushed", p->pushed);
	json_field_i64(&w, "dead", p->dead);
	json_write_key(&w, "outcomes");
	json_write_object(&w);
	for (enum job_outcome o = JOB_OUTCOME_COMPLETED; o < JOB_OUTCOME_COUNT;
	     o++)
		if (p->outcomes[o] > 0)
			json_field_i64(&w, job_outcome_name(o), p->outcomes[o]);
	json_write_end(&w);
	json_field_str(
	    &w, "error", r->code != ERR_NONE ? err_name(r->code) : NULL);
	json_write_end(&w);
}

enum err_code
run_start(const struct run_options *options, struct run **out, struct err *err)
{
	struct run *r = mem_zalloc(1, sizeof(*r));
	struct note note = {
	    .tx = {.run = note_run, .cls = JOURNAL_CLAIM}, .run = r};
	enum err_code code = ERR_NONE;

	*out = NULL;
	r->o = *options;
	r->env = options->env;
	r->journal = options->journal;
	r->began_boot_ms = env_boot_ms(r->env);
	r->limit = options->concurrency > 0 ? options->concurrency
					    : options->conf->limits.concurrency;
	r->terms_id = RUN_TERMS_NONE;
	list_init(&r->calls);
	list_init(&r->heard);
	for (size_t i = 0; i < RUN_BUCKETS; i++)
		list_init(&r->by_attempt[i]);
	list_init(&r->notices);
	r->turn.fn = turn_posted;
	r->tick.fn = tick_fired;
	r->due.fn = due_fired;
	r->media.fn = media_fired;
	r->soft.fn = soft_fired;
	r->hard.fn = hard_fired;
	r->grace.fn = grace_fired;
	if (options->mode != RUN_SYNC)
		code = journal_owner_open_with(r->journal, options->command,
		    options->worker, &note.tx, err);
	if (code != ERR_NONE) {
		mem_free(&r);
		return code;
	}
	r->sync = run_sync_new(r);
	run_pushes_new(r);
	r->queue = run_queue_new(r);
	r->again = true;
	*out = r;
	run_takeover(r);
	if (options->mode != RUN_SYNC)
		run_notice_watch(r);
	env_timer_start_real(r->env, &r->tick, TICK_MS);
	if (options->soft_after_ms > 0)
		env_timer_start_real(r->env, &r->soft, options->soft_after_ms);
	if (options->hard_after_ms > 0)
		env_timer_start_real(r->env, &r->hard, options->hard_after_ms);
	run_sync_poke(r->sync);
	run_pushes_look(r);
	run_poke(r);
	return ERR_NONE;
}

void
run_progress(const struct run *r, struct run_progress *out)
{
	*out = r->progress;
	out->live = r->live;
	out->stopping = r->stopping;
}

void
run_free(struct run **rp)
{
	struct run *r = *rp;
	struct err err = {0};

	if (r == NULL)
		return;
	struct buf summary = BUF_INIT(4096);
	struct note note = {
	    .tx = {.run = note_run, .cls = JOURNAL_CLAIM}, .run = r};
	bool clean = list_empty(&r->calls) && r->orphans == 0;

	LIST_FOREACH_SAFE (it, &r->calls) {
		struct run_call *c = CONTAINER_OF(it, struct run_call, node);

		run_call_free(&c);
	}
	list_remove(&r->turn.node);
	run_sync_free(&r->sync);
	run_pushes_free(r);
	run_queue_free(&r->queue);
	if (r->o.mode != RUN_SYNC && journal_pending(r->journal) == 0) {
		summary_write(r, &summary);
		note.summary = buf_text(&summary);
		/* With live attempts left our row stays open, so that the
		 * next run takes them over. */
		if (clean)
			(void)journal_owner_close_with(
			    r->journal, &note.tx, &err);
		else
			(void)journal_now(r->journal, &note.tx, &err);
	}
	buf_free(&summary);
	mem_free(&r->watches);
	mem_free(rp);
}
