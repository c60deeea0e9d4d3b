#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/text.h"

#include "job/job_ladder.h"

#include "run/run_push_priv.h"

/* The life of a sink behind a network in a run; see run_push_priv.h. */

#define URL_MAX 8192
#define ALONE_MOST_MS (5 * 60 * 1000) /* a worker looks again */
#define FAILURES_MOST 3  /* in a row; then a run that ends gives up */
#define LOCK_TRY_MS 2000 /* real: another pushes to this sink */
/* How long a run that is to end waits for a row or for the service. */
#define SYNC_WAIT_MS 10000
#define DRAIN_WAIT_MS 2000

/* --- rows ------------------------------------------------------------------
 */

static void
row_free(struct run_push_row *row)
{
	list_remove(&row->node);
	if (row->keep != NULL && row->keep->under_way)
		row->keep->row = NULL; /* keep_done frees it */
	else
		mem_free(&row->keep);
	run_row_fini(&row->facts);
	mem_free(&row->job.answered);
	buf_free(&row->recording_url);
	buf_free(&row->transcript_url);
	mem_free(&row);
}

static void
rows_free(struct list *rows)
{
	LIST_FOREACH_SAFE (it, rows)
		row_free(CONTAINER_OF(it, struct run_push_row, node));
}

static void
look_again_in(struct run_push *p, int64_t ms)
{
	int64_t at = env_real_boot_ms(p->run->env) + (ms > 0 ? ms : 1);

	if (p->until_boot_ms == 0 || at < p->until_boot_ms)
		p->until_boot_ms = at;
	env_timer_start_real(p->run->env, &p->timer,
	    p->until_boot_ms - env_real_boot_ms(p->run->env));
}

/*
 * A fault of the set-up.  A run that ends says so by its end; one that goes on
 * tells people, once a day, and looks again: they mend it while it runs.
 */
static void
leave_alone(struct run_push *p, const struct err *why)
{
	const struct job_rung *rung = &p->run->o.conf->outbox.retry;
	char day[TEXT_TIME_MAX];
	char what[64];
	int64_t ms;

	if (p->left_alone)
		return;
	p->left_alone = true;
	if (p->run->o.mode != RUN_WORKER)
		return;
	ms = job_rung_delay_ms(rung, ++p->alone_times, 0.5);
	if (ms > ALONE_MOST_MS)
		ms = ALONE_MOST_MS;
	LOG(p->run->o.log, LOG_LEVEL_ERROR, "sync.left-alone",
	    LOG_STR("sink", p->who.sink->name), LOG_INT("in_ms", ms),
	    LOG_STR("error", why->text));
	(void)text_of_time(env_now_ms(p->run->env), day);
	(void)snprintf(what, sizeof(what), "sink %s left alone %.10s",
	    p->who.sink->name, day);
	run_attention(p->run, what);
	p->alone_until_ms = env_real_boot_ms(p->run->env) + ms;
	look_again_in(p, ms);
}

/* The sink spoke. */
static void
said(struct sink_push *job)
{
	struct run_push_row *row = CONTAINER_OF(job, struct run_push_row, job);
	struct run_push *p = row->push;

	CRASH_POINT("push.said");
	if (err_class(job->code) == ERR_CLASS_FATAL)
		leave_alone(p, &job->err);
	else if (job->code == ERR_NONE)
		p->alone_times = 0;
	list_remove(&row->node);
	list_add_tail(&p->said, &row->node);
	p->said_count++;
	run_push_poke(p);
}

static enum err_code
keep_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	const struct run_push_keep *k =
	    CONTAINER_OF(tx, struct run_push_keep, tx);

	return journal_outbox_keep(j, k->id, k->text, err);
}

static void
keep_done(struct journal_tx *tx)
{
	struct run_push_keep *k = CONTAINER_OF(tx, struct run_push_keep, tx);

	CRASH_POINT("push.kept");
	k->under_way = false;
	if (k->row == NULL)
		mem_free(&k);
	else
		k->row->job.kept_done(&k->row->job, tx->code);
}

static void
keep(struct sink_push *job, const char *text)
{
	struct run_push_row *row = CONTAINER_OF(job, struct run_push_row, job);
	struct run_push_keep *k = row->keep;
	struct err err;

	if (k == NULL)
		k = row->keep = mem_zalloc(1, sizeof(*k));
	CHECK(!k->under_way && strlen(text) < sizeof(k->text));
	k->row = row;
	k->id = row->facts.box.id;
	(void)snprintf(k->text, sizeof(k->text), "%s", text);
	row->job.kept = k->text;
	k->under_way = true;
	k->tx = (struct journal_tx){
	    .run = keep_run, .done = keep_done, .cls = JOURNAL_LIVE};
	CHECK(
	    journal_submit(row->push->run->journal, &k->tx, &err) == ERR_NONE);
}

/* Computed, so that a result may say where things are before they are there. */
static void
find_urls(struct run_push_row *row)
{
	const struct run_options *o = &row->push->run->o;
	struct sink_result *r = &row->facts.result;

	row->recording_url = BUF_INIT(URL_MAX);
	row->transcript_url = BUF_INIT(URL_MAX);
	if (o->url != NULL && *r->recording_path != '\0')
		o->url(o->url_arg, r, false, &row->recording_url);
	if (o->url != NULL && *r->transcript_path != '\0')
		o->url(o->url_arg, r, true, &row->transcript_url);
	r->recording_url = buf_text(&row->recording_url);
	r->transcript_url = buf_text(&row->transcript_url);
}

/* One more row with its facts at the end of rows; none when it is gone. */
static enum err_code
gather(struct run_push *p, const struct journal_outbox *box, struct list *rows,
    struct err *err)
{
	struct run_push_row *row = mem_zalloc(1, sizeof(*row));
	const struct run_row *before = NULL;
	enum err_code code;

	row->push = p;
	row->facts.box = *box;
	/* Most calls are on the same terms as the one before. */
	if (!list_empty(rows))
		before =
		    &CONTAINER_OF(rows->prev, struct run_push_row, node)->facts;
	code = run_row_gather(p->run->journal, before, &row->facts, err);
	if (code != ERR_NONE) {
		row_free(row);
		return code == ERR_NOT_FOUND ? ERR_NONE : code;
	}
	find_urls(row);
	row->job = (struct sink_push){.result = &row->facts.result,
	    .row = box->id,
	    .tries = box->tries,
	    .kept = row->facts.kept,
	    .keep = keep,
	    .done = said,
	    .retry_after_ms = -1};
	list_add_tail(rows, &row->node);
	return ERR_NONE;
}

/* What a turn took, with an error those that could be read. */
static enum err_code
gather_all(struct run_push *p, struct list *rows, struct err *err)
{
	enum err_code code = journal_read_begin(p->run->journal, err);

	if (code != ERR_NONE)
		return code;
	for (size_t i = 0; i < p->due_count && code == ERR_NONE; i++)
		code = gather(p, &p->due[i], rows, err);
	journal_read_end(p->run->journal);
	return code;
}

static enum err_code
begin_all(struct run_push *p, struct err *err)
{
	const struct sink_pusher *sink = p->who.sink;
	struct list rows, *node;
	enum err_code code;

	list_init(&rows);
	code = gather_all(p, &rows, err);
	if (list_empty(&rows))
		return code;
	while ((node = list_pop(&rows)) != NULL) {
		struct run_push_row *row =
		    CONTAINER_OF(node, struct run_push_row, node);

		list_add_tail(&p->begun, &row->node);
		p->rows++;
		CRASH_POINT("push.begin");
		sink->ops->start(sink->impl, &row->job);
	}
	if (sink->ops->flush != NULL)
		sink->ops->flush(sink->impl);
	return code;
}

/* --- turns -----------------------------------------------------------------
 */

/* A bulk of hundreds that came to nothing is one line for people. */
static enum log_level
level_of(const struct run_push_row *row, bool dead)
{
	if (dead)
		return LOG_LEVEL_ERROR;
	return row->job.echo ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
}

/* What people are told of a row that was just written down. */
static void
report(struct run_push *p, const struct run_push_row *row)
{
	struct run *r = p->run;
	bool dead = run_push_is_dead(p, row);
	char what[64];

	if (row->job.code == ERR_NONE) {
		r->progress.pushed++;
		p->troubled = false;
		if (row->job.note[0] != '\0')
			LOG(r->o.log, LOG_LEVEL_INFO, "sync.note",
			    LOG_STR("sink", p->who.sink->name),
			    LOG_INT("job", row->facts.box.job),
			    LOG_STR("text", row->job.note));
		return;
	}
	LOG(r->o.log, level_of(row, dead),
	    dead ? "sync.dead-letter" : "sync.retry",
	    LOG_STR("sink", p->who.sink->name),
	    LOG_INT("job", row->facts.box.job),
	    LOG_INT("row", row->facts.box.id),
	    LOG_STR("code", err_name(row->job.code)),
	    LOG_STR("error", row->job.err.text));
	if (dead) {
		r->progress.dead++;
		(void)snprintf(what, sizeof(what), "dead letter %lld",
		    (long long)row->facts.box.id);
		run_attention(r, what);
		return;
	}
	p->troubled =
	    p->troubled || row->job.blame || row->job.code == ERR_SPACE;
	p->err = row->job.err;
}

static void
turn_failed(struct run_push *p, enum err_code code, struct err *err)
{
	struct list *node;

	while ((node = list_pop(&p->told)) != NULL) {
		list_add_tail(&p->said, node);
		p->said_count++;
	}
	if (err_class(code) == ERR_CLASS_FATAL) {
		run_fail(p->run, code, err);
		return;
	}
	LOG(p->run->o.log, LOG_LEVEL_WARN, "sync.retry",
	    LOG_STR("sink", p->who.sink->name),
	    LOG_INT("in_ms", run_again_ms(p->failures + 1)),
	    LOG_STR("error", err->text));
	p->failures++;
	p->troubled = true;
	p->err = *err;
	look_again_in(p, run_again_ms(p->failures));
}

void
run_push_turned(struct run_push *p, enum err_code code, struct err *err)
{
	int64_t speed = env_speed(p->run->env);

	p->turning = false;
	if (code != ERR_NONE) {
		turn_failed(p, code, err);
		run_poke(p->run);
		return;
	}
	p->failures = 0;
	LIST_FOREACH (it, &p->told) {
		p->rows--;
		report(p, CONTAINER_OF(it, struct run_push_row, node));
	}
	rows_free(&p->told);
	/* Less than there was room for: the rest is not due. */
	if (p->due_count < p->room)
		p->again = false;
	if (p->wait_ms > 0)
		look_again_in(p, p->wait_ms);
	if (p->next_ms > 0)
		look_again_in(
		    p, (p->next_ms - env_now_ms(p->run->env)) / speed);
	if (p->due_count > 0 && !p->run->hard_stop)
		code = begin_all(p, err);
	if (code != ERR_NONE)
		run_fail(p->run, code, err);
	run_push_poke(p);
	run_poke(p->run);
}

/* --- the sink's lock -------------------------------------------------------
 */

static void
lock_run(struct env_work *w)
{
	struct run_push *p = CONTAINER_OF(w, struct run_push, locking);
	struct env *env = p->run->env;
	char *path =
	    mem_printf("%s/out/push.lock", journal_dir(p->run->journal));
	struct err err;

	if (env_open(env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &p->lock,
		&err) == ERR_NONE &&
	    env_lock(env, p->lock, p->who.number, true, &err) != ERR_NONE)
		env_close(env, &p->lock);
	p->held_by_other = p->lock == NULL;
	if (p->lock == NULL && err.code != ERR_BUSY) {
		p->troubled = true;
		p->err = err;
	}
	mem_free(&path);
}

static void
lock_done(struct env_work *w)
{
	struct run_push *p = CONTAINER_OF(w, struct run_push, locking);

	p->is_locking = false;
	if (p->lock == NULL)
		look_again_in(p, LOCK_TRY_MS);
	run_push_poke(p);
	run_poke(p->run);
}

static void
unlock(struct run_push *p)
{
	env_close(p->run->env, &p->lock);
}

/* --- poke ------------------------------------------------------------------
 */

static bool
may_take(const struct run_push *p)
{
	return !p->left_alone && !p->run->stopping && !p->run->hard_stop;
}

static void
poked(struct env_post *post)
{
	struct run_push *p = CONTAINER_OF(post, struct run_push, poke);
	bool due = (p->again || !list_empty(&p->said)) && may_take(p);

	if (p->turning || p->is_locking || p->run->code != ERR_NONE)
		return;
	if (due && p->lock == NULL) {
		if (p->held_by_other && env_timer_running(&p->timer))
			return;
		p->is_locking = true;
		p->locking.run = lock_run;
		p->locking.done = lock_done;
		env_work(p->run->env, &p->locking);
		return;
	}
	p->room = due ? p->most - (p->rows - p->said_count) : 0;
	if (p->failures > 0 && env_timer_running(&p->timer))
		return;
	if (!list_empty(&p->said) || p->room > 0)
		run_push_turn(p);
	else if (p->lock != NULL && p->rows == 0)
		unlock(p);
}

void
run_push_poke(struct run_push *p)
{
	if (!p->run->ended)
		env_post(p->run->env, &p->poke);
}

void
run_push_look(struct run_push *p)
{
	p->again = true;
	run_push_poke(p);
}

static void
timer_fired(struct env_timer *t)
{
	struct run_push *p = CONTAINER_OF(t, struct run_push, timer);

	p->until_boot_ms = 0;
	if (p->alone_until_ms != 0) {
		int64_t left =
		    p->alone_until_ms - env_real_boot_ms(p->run->env);

		if (left > 0) {
			look_again_in(p, left);
			return;
		}
		p->left_alone = false;
		p->alone_until_ms = 0;
	}
	p->again = true;
	run_push_poke(p);
	run_poke(p->run);
}

/* --- what the run asks -----------------------------------------------------
 */

bool
run_push_resting(const struct run_push *p)
{
	return !p->turning && !p->is_locking && p->rows == 0;
}

/* Worth waiting for: a row or the service, soon. */
static bool
waits(const struct run_push *p)
{
	int64_t most =
	    p->run->o.mode == RUN_SYNC ? SYNC_WAIT_MS : DRAIN_WAIT_MS;

	if (!may_take(p) || p->failures >= FAILURES_MOST || p->held_by_other)
		return false;
	return p->until_boot_ms != 0 &&
	       p->until_boot_ms - env_real_boot_ms(p->run->env) <= most;
}

bool
run_push_idle(const struct run_push *p)
{
	if (p->failures >= FAILURES_MOST && p->run->o.mode != RUN_WORKER)
		return !p->turning && !p->is_locking && list_empty(&p->begun);
	return run_push_resting(p) &&
	       (!p->again || !may_take(p) || p->held_by_other) && !waits(p);
}

bool
run_push_trouble(const struct run_push *p, struct err *err)
{
	if (!p->troubled && !p->left_alone)
		return false;
	*err = p->err;
	(void)err_wrap(err, "%s", p->who.sink->name);
	return true;
}

/* --- life ------------------------------------------------------------------
 */

struct run_push *
run_push_new(struct run *r, const struct run_pusher *who)
{
	struct run_push *p = mem_zalloc(1, sizeof(*p));
	const struct net_guard_terms *terms =
	    net_guard_defaults(who->sink->service);

	p->run = r;
	p->who = *who;
	p->terms = terms != NULL ? *terms : *net_guard_defaults("other");
	p->timer.fn = timer_fired;
	p->poke.fn = poked;
	p->most = (size_t)who->sink->at_once;
	if (p->most > RUN_PUSH_MOST)
		p->most = RUN_PUSH_MOST;
	p->mine = mem_zalloc(p->most, sizeof(*p->mine));
	p->due = mem_zalloc(p->most, sizeof(*p->due));
	list_init(&p->begun);
	list_init(&p->said);
	list_init(&p->told);
	return p;
}

void
run_push_drop(struct run_push *p)
{
	LIST_FOREACH_SAFE (it, &p->begun) {
		struct run_push_row *row =
		    CONTAINER_OF(it, struct run_push_row, node);

		p->who.sink->ops->cancel(p->who.sink->impl, &row->job);
		row_free(row);
		p->rows--;
	}
	if (p->turning)
		return;
	LIST_FOREACH (it, &p->said)
		p->rows--;
	p->said_count = 0;
	rows_free(&p->said);
}

void
run_push_free(struct run_push **pp)
{
	struct run_push *p = *pp;

	if (p == NULL)
		return;
	run_push_drop(p);
	rows_free(&p->told);
	env_timer_stop(p->run->env, &p->timer);
	list_remove(&p->poke.node);
	unlock(p);
	mem_free(&p->mine);
	mem_free(&p->due);
	mem_free(pp);
}
