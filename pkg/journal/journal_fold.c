#include <string.h>

#include "journal/journal_check_priv.h"

/*
 * Every event once, in the order in which they happened, beside the jobs (an
 * event with n=1 comes in the order of job numbers) and beside the seals (each
 * finish has one, in the same order).  So no event is looked up, but for the
 * chain of a job that goes on after it was final.
 *
 * After a violation the fold goes on from what the event says, so that the
 * first bad place is named and not everything behind it.
 */

#define BAD(f, id, ...) \
	journal_check_bad((f)->out, JOURNAL_CHECK_##id, __VA_ARGS__)
#define LL(x) ((long long)(x))

struct journal_fold *
journal_fold_new(struct journal_db *db, struct journal_check *out)
{
	struct journal_fold *f = mem_zalloc(1, sizeof(*f));

	f->db = db;
	f->out = out;
	return f;
}

void
journal_fold_free(struct journal_fold **f)
{
	if (*f == NULL)
		return;
	if ((*f)->jobs != NULL)
		(void)sqlite3_reset((*f)->jobs);
	if ((*f)->seals != NULL)
		(void)sqlite3_reset((*f)->seals);
	journal_fold_mem_free(&(*f)->mem);
	journal_held_free(&(*f)->held);
	mem_free(f);
}

struct journal_fold_job *
journal_fold_find(struct journal_fold *f, int64_t id)
{
	struct journal_fold_job *job = journal_fold_mem_job(&f->mem, id, false);

	return job != NULL && job->n > 0 ? job : NULL;
}

struct journal_fold_attempt *
journal_fold_attempt(
    struct journal_fold *f, const struct journal_fold_job *job, int number)
{
	for (uint32_t i = job->attempt; i != 0; i = f->mem.attempts[i].older)
		if (f->mem.attempts[i].number == number)
			return &f->mem.attempts[i];
	return NULL;
}

/* --- the table step --------------------------------------------------------
 */

static void
step_read(struct journal_fold *f, sqlite3_stmt *st)
{
	int64_t id = sqlite3_column_int64(st, 0);
	struct journal_fold_step s = {.known = true,
	    .of_attempt = sqlite3_column_int(st, 1) == JOB_MACHINE_ATTEMPT,
	    .was = sqlite3_column_int(st, 2),
	    .event = sqlite3_column_int(st, 3),
	    .next = sqlite3_column_int(st, 4),
	    .job_events = ~0U};
	const struct attempt_row *row = NULL;
	struct err ignored;
	int ours = 0;
	int states =
	    s.of_attempt ? (int)ATTEMPT_STATE_COUNT : (int)JOB_STATE_COUNT;
	int events =
	    s.of_attempt ? (int)ATTEMPT_EVENT_COUNT : (int)JOB_EVENT_COUNT;

	if (id < 0 || id >= JOURNAL_FOLD_STEPS || s.was < 0 || s.next < 0 ||
	    s.event < 0 || s.was >= states || s.next >= states ||
	    s.event >= events) {
		BAD(f, SCHEMA, "step %lld: numbers no program has", LL(id));
		return;
	}
	if (s.of_attempt &&
	    job_find_attempt((enum attempt_state)s.was,
		(enum attempt_event)s.event, &row, &ours, &ignored) == ERR_NONE)
		s.job_events = row->job_events;
	f->step[id] = s;
}

static enum err_code
steps_load(struct journal_fold *f, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    f->db, "SELECT id,machine,was,event,next FROM step", err);
	bool row = true;

	while (st != NULL) {
		if (journal_db_row(f->db, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		step_read(f, st);
	}
	return err->code;
}

/* --- jobs, as far as events need them --------------------------------------
 */

static void
identity_of(sqlite3_stmt *st, uint8_t out[SHA256_BYTES])
{
	uint8_t content[JOB_CONTENT_BYTES];
	const char *source = (const char *)sqlite3_column_text(st, 1);
	const char *ext = (const char *)sqlite3_column_text(st, 2);

	journal_db_copy_blob(st, 3, content, sizeof(content));
	job_hash_identity(
	    source != NULL ? source : "", ext != NULL ? ext : "", content, out);
}

#define IDENTITY                                                                \
	"SELECT j.id,s.name,j.ext,j.content FROM job j CROSS JOIN source s ON " \
	"s.id=j.source "

enum err_code
journal_fold_identity(struct journal_fold *f, int64_t id,
    uint8_t out[SHA256_BYTES], bool *there, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(f->db, IDENTITY "WHERE j.id=?1", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	if (journal_db_row(f->db, st, there, err) != ERR_NONE)
		return err->code;
	if (*there) {
		identity_of(st, out);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

static enum err_code
identity_next(struct journal_fold *f, int64_t id, uint8_t out[SHA256_BYTES],
    bool *there, struct err *err)
{
	bool row = true;

	if (f->jobs == NULL) {
		f->jobs = journal_db_get(f->db, IDENTITY "ORDER BY j.id", err);
		if (f->jobs == NULL)
			return err->code;
		f->job_at = INT64_MIN;
	}
	while (f->job_at < id) {
		if (journal_db_row(f->db, f->jobs, &row, err) != ERR_NONE)
			return err->code;
		f->job_at = row ? sqlite3_column_int64(f->jobs, 0) : INT64_MAX;
	}
	if (f->job_at != id) /* out of order, or not there */
		return journal_fold_identity(f, id, out, there, err);
	identity_of(f->jobs, out);
	*there = true;
	return ERR_NONE;
}

enum err_code
journal_fold_archived(
    struct journal_fold *f, int64_t job, bool *out, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(f->db, "SELECT 1 FROM archived WHERE job=?1", err);

	*out = false;
	if (f->archived == 0)
		return ERR_NONE;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	if (journal_db_row(f->db, st, out, err) != ERR_NONE)
		return err->code;
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

/* --- the chain --------------------------------------------------------------
 */

/* The hash that the job's chain stood at before e. */
static enum err_code
hash_before(struct journal_fold *f, const struct journal_fold_job *job,
    uint8_t out[SHA256_BYTES], struct err *err)
{
	sqlite3_stmt *st;
	bool row = false;

	if (job->hash != 0) {
		memcpy(out, f->mem.hashes[job->hash], SHA256_BYTES);
		return ERR_NONE;
	}
	st = journal_db_get(f->db, "SELECT hash FROM event WHERE seq=?1", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job->last);
	if (journal_db_row(f->db, st, &row, err) != ERR_NONE)
		return err->code;
	journal_db_copy_blob(st, 0, out, SHA256_BYTES); /* zeros: no row */
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static void
chain_links(struct journal_fold *f, const struct journal_fold_event *e,
    const struct journal_fold_job *job)
{
	if (e->f.n != (int64_t)job->n + 1)
		BAD(f, I8,
		    "event %lld is number %lld of job #%lld, but follows its "
		    "number %u",
		    LL(e->f.seq), LL(e->f.n), LL(e->f.job), job->n);
	else if (e->prev != job->last)
		BAD(f, I8,
		    "event %lld (job #%lld) says that event %lld was before "
		    "it, but that was event %lld",
		    LL(e->f.seq), LL(e->f.job), LL(e->prev), LL(job->last));
	if (e->f.detail != NULL && strlen(e->f.detail) != e->detail_len)
		BAD(f, I8, "event %lld (job #%lld): NUL in its detail",
		    LL(e->f.seq), LL(e->f.job));
}

static enum err_code
chain(struct journal_fold *f, const struct journal_fold_event *e,
    struct journal_fold_job *job, struct err *err)
{
	uint8_t before[SHA256_BYTES] = {0}, want[SHA256_BYTES];
	bool there = true;
	enum err_code code;

	if (job->n == 0)
		code = identity_next(f, e->f.job, before, &there, err);
	else
		code = hash_before(f, job, before, err);
	if (code != ERR_NONE)
		return code;
	if (!there)
		BAD(f, I8, "event %lld tells of job #%lld, which is not there",
		    LL(e->f.seq), LL(e->f.job));
	chain_links(f, e, job);
	if (!e->sane) {
		BAD(f, I8, "event %lld (job #%lld): impossible numbers",
		    LL(e->f.seq), LL(e->f.job));
		return ERR_NONE;
	}
	job_hash_event(before, &e->f, want);
	if (memcmp(want, e->hash, sizeof(want)) != 0)
		BAD(f, I8,
		    "event %lld (job #%lld, its number %lld) was altered: its "
		    "hash is not of what it says",
		    LL(e->f.seq), LL(e->f.job), LL(e->f.n));
	return ERR_NONE;
}

static enum err_code
fold_event(
    struct journal_fold *f, const struct journal_fold_event *e, struct err *err)
{
	struct journal_fold_job *job =
	    journal_fold_mem_job(&f->mem, e->f.job, true);
	bool finished;
	enum err_code code;

	if (job == NULL) {
		BAD(f, I8, "event %lld tells of job #%lld", LL(e->f.seq),
		    LL(e->f.job));
		return ERR_NONE;
	}
	if (job->n == 0)
		job->state = JOB_NONE;
	code = chain(f, e, job, err);
	if (code == ERR_NONE && e->sane)
		code = journal_fold_state(f, e, job, err);
	if (code != ERR_NONE)
		return code;
	finished = e->sane && job_is_final((enum job_state)e->f.job_state) &&
		   e->f.job_state != job->state;
	job->n = (uint32_t)e->f.n;
	job->last = e->f.seq;
	if (e->sane)
		job->state = (uint8_t)e->f.job_state;
	if (job_is_final((enum job_state)job->state)) {
		journal_fold_mem_unhash(&f->mem, job->hash);
		job->hash = 0;
	} else {
		if (job->hash == 0)
			job->hash = journal_fold_mem_hash(&f->mem);
		memcpy(f->mem.hashes[job->hash], e->hash, SHA256_BYTES);
	}
	if (!finished)
		return ERR_NONE;
	job->revision++;
	return journal_fold_seal_match(f, e, job, err);
}

static void
event_read(sqlite3_stmt *st, struct journal_fold_event *e)
{
	int64_t step = sqlite3_column_int64(st, 5);
	int64_t job_state = sqlite3_column_int64(st, 6);
	int64_t attempt_state = sqlite3_column_type(st, 8) == SQLITE_NULL
				    ? -1
				    : sqlite3_column_int64(st, 8);

	e->f.seq = sqlite3_column_int64(st, 0);
	e->f.job = sqlite3_column_int64(st, 1);
	e->f.n = sqlite3_column_int64(st, 2);
	e->prev = sqlite3_column_int64(st, 3);
	e->f.at_ms = sqlite3_column_int64(st, 4);
	e->f.step = (int)step;
	e->f.job_state = (int)job_state;
	e->f.attempt = sqlite3_column_int64(st, 7);
	e->f.attempt_state = (int)attempt_state;
	e->f.detail = (const char *)sqlite3_column_text(st, 9);
	e->detail_len = (size_t)sqlite3_column_bytes(st, 9);
	journal_db_copy_blob(st, 10, e->hash, sizeof(e->hash));
	e->sane = journal_event_is_sane(&e->f) && e->f.step == step &&
		  e->f.step < JOURNAL_FOLD_STEPS &&
		  e->f.job_state == job_state &&
		  e->f.attempt_state == attempt_state;
}

static enum err_code
events(struct journal_fold *f, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(f->db,
	    "SELECT seq,job,n,prev,at_ms,step,job_state,attempt,"
	    "attempt_state,detail,hash FROM event ORDER BY seq",
	    err);
	struct journal_check *out = f->out;
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	while (code == ERR_NONE) {
		struct journal_fold_event e;

		code = journal_db_row(f->db, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		event_read(st, &e);
		if (f->archived == 0 && e.f.seq != out->newest_seq + 1)
			BAD(f, I8,
			    "event %lld follows event %lld: what was "
			    "between is missing",
			    LL(e.f.seq), LL(out->newest_seq));
		code = fold_event(f, &e, err);
		out->newest_seq = e.f.seq;
		out->newest_ms = e.f.at_ms;
		out->events++;
		if (f->live > out->peak_live)
			out->peak_live = f->live;
	}
	if (st != NULL)
		(void)sqlite3_reset(st);
	out->item[JOURNAL_CHECK_I8].checked += out->events;
	out->item[JOURNAL_CHECK_I9].checked += out->events;
	return code;
}

enum err_code
journal_fold_run(struct journal_fold *f, struct err *err)
{
	enum err_code code = steps_load(f, err);

	if (code == ERR_NONE)
		code = journal_db_number(
		    f->db, "SELECT count(*) FROM archived", &f->archived, err);
	f->out->pruned = f->archived;
	/* So that an index is valid before there is any attempt. */
	if (code == ERR_NONE)
		(void)journal_fold_mem_attempt(&f->mem);
	if (code == ERR_NONE)
		code = journal_fold_seal_next(f, err);
	if (code == ERR_NONE)
		code = events(f, err);
	if (code == ERR_NONE)
		code = journal_fold_seal_rest(f, err);
	return code;
}
