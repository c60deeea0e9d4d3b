#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/crash.h"

#include "job/job_ladder.h"
#include "sink/sink.h"

#include "run/run_priv.h"

/*
 * The outbox on its way to the sink `file`, a batch at a time:
 *
 *   lock     (work) the file's lock, held to the end: what the journal says
 *            of the file is read after that, since another may just append
 *   fetch    (transaction) rows that are due, and the batch a crash left
 *   make     (work) recordings, transcripts, lines
 *   note     (transaction) where these bytes will stand
 *   apply    (work) put them there, fsync
 *   confirm  (transaction) rows done, retried or dead; the file is so long
 *
 * A crash between note and confirm leaves a noted batch: the next sync puts
 * the same bytes in the same place.  A crash before that leaves files that
 * will be made again, the same.
 */

#define BATCH_ROWS 800
#define BATCH_BYTES (8 << 20)
/* Recordings take syncs of their own, and live calls wait for the thread that
 * makes them: what is not made by then comes with the next batch. */
#define MAKE_MS 100
#define LINE_BYTES (2 << 20) /* more than a sink makes of one result */
#define AGAIN_MS 1000
#define FAILURES_MOST 3
#define BUSY_MOST 30
#define PATH_KEY "out/results"

enum phase {
	IDLE,
	LOCK,
	FETCH,
	MAKE,
	NOTE,
	APPLY,
	CONFIRM,
	WAIT
};

struct run_sync {
	struct run *run;
	enum phase phase;
	struct journal_tx tx;
	struct env_work work;
	struct env_timer timer;
	struct sink *sink;
	bool locked;
	struct journal_outbox due[BATCH_ROWS];
	size_t due_count;
	struct run_row *rows;
	size_t count;
	struct journal_append append;
	struct sink_append_place place;
	enum sink_append_found found;
	struct buf bytes;
	bool leftover; /* the batch of a crashed sync */
	bool empty;    /* the last fetch found nothing due */
	enum err_code code;
	struct err err;
	struct err last; /* of the failures in a row */
	struct err full; /* the disk's, of a row of the last pass */
	int64_t failures;
};

static void next(struct run_sync *s);

static void
rows_free(struct run_sync *s)
{
	for (size_t i = 0; i < s->count; i++)
		run_row_fini(&s->rows[i]);
	mem_free(&s->rows);
	s->count = 0;
	journal_append_free(&s->append);
	buf_clear(&s->bytes);
	if (s->locked)
		s->sink->ops->unlock(s->sink->impl);
	s->locked = false;
}

static void
lock_run(struct env_work *w)
{
	struct run_sync *s = CONTAINER_OF(w, struct run_sync, work);

	s->code = s->sink->ops->lock(s->sink->impl, &s->err);
	s->locked = s->code == ERR_NONE;
	CRASH_POINT("sync.locked");
}

/* --- fetch
 * ------------------------------------------------------------------------ */

static enum err_code
fetch_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_sync *s = CONTAINER_OF(tx, struct run_sync, tx);

	journal_append_free(&s->append);
	if (journal_append_get(j, PATH_KEY, &s->append, err) != ERR_NONE)
		return err->code;
	s->due_count = 0;
	if (s->append.bytes != NULL)
		return ERR_NONE;
	return journal_outbox_due(j, JOURNAL_SINK_FILE, journal_group_ms(j),
	    s->due, BATCH_ROWS, &s->due_count, err);
}

/* --- make
 * ---------------------------------------------------------------------------
 */

static enum err_code
render(void *arg, const struct sink_result *r, struct err *err)
{
	struct run_sync *s = arg;

	return s->sink->ops->render(s->sink->impl, r, &s->bytes, err);
}

static enum err_code
row_make(struct run_sync *s, struct run_row *r, struct err *err)
{
	enum err_code code = run_row_render(r, render, s, err);

	CRASH_POINT("sync.row.made");
	return code;
}

static void
known_place(const struct run_sync *s, struct sink_append_place *out)
{
	*out = SINK_APPEND_FIRST;
	if (s->append.name[0] != '\0')
		(void)snprintf(
		    out->name, sizeof(out->name), "%.31s", s->append.name);
	out->offset = s->append.size;
}

static void
make_run(struct env_work *w)
{
	struct run_sync *s = CONTAINER_OF(w, struct run_sync, work);
	int64_t until_ms = env_real_boot_ms(s->run->env) + MAKE_MS;
	struct sink_append_place known;
	struct err err = {0};

	known_place(s, &known);
	if (s->leftover) {
		buf_put(&s->bytes, s->append.bytes, s->append.len);
		s->code =
		    s->sink->ops->verify(s->sink->impl, &known, s->append.bytes,
			s->append.len, &s->place, &s->found, &s->err);
		return;
	}
	for (size_t i = 0; i < s->count && s->bytes.len < BATCH_BYTES / 2;
	     i++) {
		s->rows[i].code = row_make(s, &s->rows[i], &err);
		s->rows[i].made = true;
		if (s->rows[i].code != ERR_NONE)
			run_row_error(&s->rows[i], err.text);
		if (env_real_boot_ms(s->run->env) >= until_ms)
			break;
	}
	s->code = s->sink->ops->plan(
	    s->sink->impl, &known, &s->place, &s->found, &s->err);
}

/* --- note
 * ------------------------------------------------------------------------------
 */

static char *
row_ids(const struct run_sync *s)
{
	struct buf b = BUF_INIT(BATCH_ROWS * 24);
	char *ids;

	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].made && s->rows[i].code == ERR_NONE)
			buf_printf(&b, "%s%lld", b.len > 0 ? "," : "",
			    (long long)s->rows[i].box.id);
	ids = mem_strdup(buf_text(&b));
	buf_free(&b);
	return ids;
}

static enum err_code
note_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_sync *s = CONTAINER_OF(tx, struct run_sync, tx);
	char *ids = s->leftover ? mem_strdup(s->append.rows) : row_ids(s);
	enum err_code code = journal_append_put(j, PATH_KEY, s->place.name,
	    s->place.offset, ids, s->bytes.bytes, s->bytes.len, err);

	mem_free(&ids);
	return code;
}

static void
apply_run(struct env_work *w)
{
	struct run_sync *s = CONTAINER_OF(w, struct run_sync, work);

	CRASH_POINT("sync.noted");
	s->code = s->sink->ops->apply(
	    s->sink->impl, &s->place, s->bytes.bytes, s->bytes.len, &s->err);
	CRASH_POINT("sync.applied");
}

/* --- confirm
 * ----------------------------------------------------------------------------
 */

static enum err_code
confirm_leftover(struct run_sync *s, struct journal *j, struct err *err)
{
	const char *at = s->append.rows != NULL ? s->append.rows : "";
	enum err_code code = ERR_NONE;

	while (*at != '\0' && code == ERR_NONE) {
		char *end = NULL;
		long long id = strtoll(at, &end, 10);

		code = journal_outbox_set(
		    j, id, JOURNAL_OUTBOX_DONE, 0, NULL, err);
		at = *end == ',' ? end + 1 : end;
	}
	return code;
}

/* A full disk, however long, is no fault of a row. */
static bool
is_dead(const struct run_sync *s, const struct run_row *r)
{
	return r->made && r->code != ERR_NONE && r->code != ERR_SPACE &&
	       (err_class(r->code) == ERR_CLASS_FINAL ||
		   r->box.tries + 1 >= s->run->o.conf->outbox.max_tries);
}

static enum err_code
confirm_row(struct run_sync *s, struct journal *j, const struct run_row *r,
    struct err *err)
{
	const struct conf *conf = s->run->o.conf;
	int64_t next_ms =
	    journal_group_ms(j) +
	    job_rung_delay_ms(&conf->outbox.retry, r->box.tries + 1, 0.5);

	if (!r->made)
		return ERR_NONE;
	if (r->code == ERR_NONE)
		return journal_outbox_set(j, r->box.id, JOURNAL_OUTBOX_DONE, 0,
		    r->lame ? r->error : NULL, err);
	if (is_dead(s, r))
		return journal_outbox_set(
		    j, r->box.id, JOURNAL_OUTBOX_DEAD, 0, r->error, err);
	if (r->code == ERR_SPACE)
		return journal_outbox_wait(j, r->box.id, next_ms,
		    run_tries_of_others(s->run), r->error, err);
	return journal_outbox_set(
	    j, r->box.id, JOURNAL_OUTBOX_PENDING, next_ms, r->error, err);
}

static enum err_code
confirm_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_sync *s = CONTAINER_OF(tx, struct run_sync, tx);
	enum err_code code = ERR_NONE;

	if (s->bytes.len > 0)
		code = journal_append_put(j, PATH_KEY, s->place.name,
		    s->place.offset + (int64_t)s->bytes.len, NULL, NULL, 0,
		    err);
	if (code == ERR_NONE && s->leftover)
		return confirm_leftover(s, j, err);
	for (size_t i = 0; i < s->count && code == ERR_NONE; i++)
		code = confirm_row(s, j, &s->rows[i], err);
	return code;
}

/* Tell people what only they can look into. */
static void
report(struct run_sync *s)
{
	struct run *r = s->run;

	if (s->found != SINK_APPEND_FITS)
		LOG(r->o.log, LOG_LEVEL_ERROR, "sync.file-changed",
		    LOG_STR("found", sink_append_found_name(s->found)),
		    LOG_STR("file", s->place.name));
	s->full.code = ERR_NONE;
	for (size_t i = 0; i < s->count; i++) {
		const struct run_row *row = &s->rows[i];
		bool dead = is_dead(s, row);
		char what[64];

		if (row->code == ERR_SPACE && r->o.mode != RUN_WORKER)
			(void)err_set(&s->full, ERR_SPACE, 0,
			    "the disk is full: make room there: %s",
			    row->error);

		if (!row->made || (row->code == ERR_NONE && !row->lame)) {
			r->progress.pushed += row->made;
			continue;
		}
		r->progress.pushed += row->code == ERR_NONE;
		LOG(r->o.log,
		    dead || row->lame ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		    dead        ? "sync.dead-letter"
		    : row->lame ? "sync.files-damaged"
				: "sync.retry",
		    LOG_INT("job", row->box.job), LOG_INT("row", row->box.id),
		    LOG_STR("error", row->error));
		if (!dead && !row->lame)
			continue;
		r->progress.dead += dead;
		(void)snprintf(what, sizeof(what), "%s %lld",
		    dead ? "dead letter" : "damaged files of result",
		    (long long)row->box.id);
		run_attention(r, what);
	}
}

/* --- the way through
 * ---------------------------------------------------------------------- */

static void
tx_done(struct journal_tx *tx)
{
	struct run_sync *s = CONTAINER_OF(tx, struct run_sync, tx);

	s->code = tx->code;
	s->err = tx->err;
	next(s);
}

static void
work_done(struct env_work *w)
{
	next(CONTAINER_OF(w, struct run_sync, work));
}

static void
begin_tx(struct run_sync *s, enum phase phase,
    enum err_code (*run)(
	struct journal *j, struct journal_tx *tx, struct err *err))
{
	s->phase = phase;
	s->tx.run = run;
	s->tx.done = tx_done;
	/* A full disk keeps nobody waiting who has no call to end: a batch can
	 * be left at any step. */
	s->tx.cls = s->run->o.mode == RUN_SYNC ? JOURNAL_CLAIM : JOURNAL_LIVE;
	CHECK(journal_submit(s->run->journal, &s->tx, &s->err) == ERR_NONE);
}

static void
begin_work(
    struct run_sync *s, enum phase phase, void (*run)(struct env_work *w))
{
	s->phase = phase;
	s->work.run = run;
	s->work.done = work_done;
	env_work(s->run->env, &s->work);
}

static void
pause_for(struct run_sync *s, int64_t ms)
{
	rows_free(s);
	s->phase = WAIT;
	env_timer_start_real(s->run->env, &s->timer, ms);
	run_poke(s->run);
}

/* Every row's facts, all as of one moment. */
static enum err_code
gather(struct run_sync *s)
{
	struct journal *j = s->run->journal;
	enum err_code code = journal_read_begin(j, &s->err);

	if (code != ERR_NONE)
		return code;
	s->rows = mem_zalloc(s->due_count, sizeof(*s->rows));
	for (size_t i = 0; i < s->due_count && code == ERR_NONE; i++) {
		struct run_row *r = &s->rows[s->count];

		r->box = s->due[i];
		code =
		    run_row_gather(j, s->count > 0 ? r - 1 : NULL, r, &s->err);
		if (code == ERR_NONE)
			s->count++;
		else
			run_row_fini(r);
		if (code == ERR_NOT_FOUND)
			code = ERR_NONE;
	}
	journal_read_end(j);
	return code;
}

static void
gathered(struct run_sync *s)
{
	s->leftover = s->append.bytes != NULL;
	s->empty = !s->leftover && s->due_count == 0;
	if (s->empty) {
		rows_free(s);
		s->phase = IDLE;
		run_poke(s->run);
		return;
	}
	if (gather(s) != ERR_NONE) {
		run_fail(s->run, s->err.code, &s->err);
		rows_free(s);
		s->phase = IDLE;
		return;
	}
	begin_work(s, MAKE, make_run);
}

static void
next(struct run_sync *s)
{
	if (s->code != ERR_NONE) {
		bool fatal =
		    err_class(s->code) == ERR_CLASS_FATAL && s->code != ERR_IO;

		if (fatal) {
			rows_free(s);
			s->phase = IDLE;
			run_fail(s->run, s->code, &s->err);
			return;
		}
		if (s->code != ERR_BUSY)
			LOG(s->run->o.log, LOG_LEVEL_WARN, "sync.retry",
			    LOG_INT("in_ms", run_again_ms(s->failures + 1)),
			    LOG_STR("error", s->err.text));
		s->last = s->err;
		s->failures++;
		s->code = ERR_NONE;
		/* Another that appends is over soon. */
		pause_for(s, s->last.code == ERR_BUSY
				 ? AGAIN_MS
				 : run_again_ms(s->failures));
		return;
	}
	switch (s->phase) {
	case LOCK:
		begin_tx(s, FETCH, fetch_run);
		break;
	case FETCH:
		gathered(s);
		break;
	case MAKE:
		if (s->bytes.len > 0)
			begin_tx(s, NOTE, note_run);
		else
			begin_tx(s, CONFIRM, confirm_run);
		break;
	case NOTE:
		begin_work(s, APPLY, apply_run);
		break;
	case APPLY:
		begin_tx(s, CONFIRM, confirm_run);
		break;
	case CONFIRM:
		CRASH_POINT("sync.confirmed");
		s->failures = 0;
		report(s);
		rows_free(s);
		s->phase = IDLE;
		run_sync_poke(s);
		run_poke(s->run);
		break;
	case IDLE:
	case WAIT:
	default:
		check_failed(
		    __FILE__, __LINE__, "a sync that waits for nothing");
	}
}

/* A run that does nothing else begins no batch any more; what is under way
 * goes to its end. */
static bool
told_to_stop(const struct run_sync *s)
{
	return s->run->stopping && s->run->o.mode == RUN_SYNC;
}

void
run_sync_poke(struct run_sync *s)
{
	struct err err = {0};
	bool due = false;

	if (s->phase != IDLE || s->run->hard_stop)
		return;
	if (told_to_stop(s)) {
		s->empty = true;
		return;
	}
	s->code = ERR_NONE;
	if (journal_read_outbox_due(s->run->journal, PATH_KEY,
		JOURNAL_SINK_FILE, &due, &err) != ERR_NONE) {
		run_fail(s->run, err.code, &err);
		return;
	}
	s->empty = !due;
	if (due)
		begin_work(s, LOCK, lock_run);
}

static void
timer_fired(struct env_timer *t)
{
	struct run_sync *s = CONTAINER_OF(t, struct run_sync, timer);

	s->phase = IDLE;
	run_sync_poke(s);
	run_poke(s->run);
}

/*
 * A sink that cannot be used does not hold a drain up: the rows stay, and the
 * next run tries again.  A lock that another holds is waited for longer, for
 * that other is pushing.
 */
static bool
given_up(const struct run_sync *s)
{
	int64_t most = s->last.code == ERR_BUSY ? BUSY_MOST : FAILURES_MOST;

	return s->run->o.mode != RUN_WORKER && s->failures > 0 &&
	       (s->failures >= most || s->run->stopping);
}

bool
run_sync_gave_up(const struct run_sync *s, struct err *err)
{
	*err = given_up(s) && s->last.code != ERR_BUSY ? s->last : s->full;
	return err->code != ERR_NONE;
}

bool
run_sync_idle(const struct run_sync *s)
{
	if (run_sync_resting(s) && given_up(s))
		return true;
	return s->phase == IDLE && s->empty;
}

bool
run_sync_resting(const struct run_sync *s)
{
	return s->phase == IDLE || s->phase == WAIT;
}

struct run_sync *
run_sync_new(struct run *r)
{
	struct run_sync *s = mem_zalloc(1, sizeof(*s));

	s->run = r;
	s->timer.fn = timer_fired;
	s->bytes = BUF_INIT(BATCH_BYTES + LINE_BYTES);
	s->sink = r->o.sink;
	return s;
}

void
run_sync_free(struct run_sync **sp)
{
	struct run_sync *s = *sp;

	if (s == NULL)
		return;
	env_timer_stop(s->run->env, &s->timer);
	rows_free(s);
	buf_free(&s->bytes);
	mem_free(sp);
}
