#include <string.h>

#include "journal/journal_check_priv.h"

/*
 * The rows of job, attempt, owner and outbox against what their events say,
 * each table once in the order of its ids.
 */

#define BAD(out, id, ...) \
	journal_check_bad((out), JOURNAL_CHECK_##id, __VA_ARGS__)
#define LL(x) ((long long)(x))

/* --- jobs ------------------------------------------------------------------
 */

/* Rows of archived beside those of job: both by number. */
struct archive_cursor {
	sqlite3_stmt *st;
	int64_t at; /* INT64_MAX = at its end */
};

static enum err_code
archived_at(struct journal_db *db, struct archive_cursor *c, int64_t job,
    bool *out, struct err *err)
{
	bool row = true;

	while (c->at < job) {
		if (journal_db_row(db, c->st, &row, err) != ERR_NONE)
			return err->code;
		c->at = row ? sqlite3_column_int64(c->st, 0) : INT64_MAX;
	}
	*out = c->at == job;
	return ERR_NONE;
}

static void
job_compare(struct journal_check *out, const struct journal_fold_job *f,
    int attempts, const struct journal_job *j)
{
	if ((int)f->state != (int)j->state)
		BAD(out, I9, "job #%lld is %s, its events say %s", LL(j->id),
		    job_state_name(j->state),
		    job_state_name((enum job_state)f->state));
	if (f->last != j->last)
		BAD(out, I8, "job #%lld ends at event %lld, its newest is %lld",
		    LL(j->id), LL(j->last), LL(f->last));
	if (attempts != j->attempts)
		BAD(out, I9,
		    "job #%lld counts %lld attempts, its events say %d",
		    LL(j->id), LL(j->attempts), attempts);
	if (f->revision != j->revision)
		BAD(out, I9, "job #%lld is at revision %lld, its events say %u",
		    LL(j->id), LL(j->revision), f->revision);
	if (job_is_final(j->state) && f->outcome != (int)j->outcome &&
	    out->item[JOURNAL_CHECK_I8].violations == 0)
		BAD(out, I9, "job #%lld has outcome %d, it was sealed with %d",
		    LL(j->id), (int)j->outcome, f->outcome);
	if (j->tries < f->tries_least || j->tries > f->tries_most)
		BAD(out, I11,
		    "job #%lld counts %lld tries, its events say %d to %d",
		    LL(j->id), LL(j->tries), f->tries_least, f->tries_most);
	if (f->results != f->revision)
		BAD(out, I10,
		    "job #%lld finished %u times and has %u results in the "
		    "outbox",
		    LL(j->id), f->revision, f->results);
	out->item[JOURNAL_CHECK_I11].checked++;
}

static int
attempts_of(struct journal_fold *f, const struct journal_fold_job *job)
{
	int n = 0;

	while (n < JOURNAL_ATTEMPTS_MAX &&
	       journal_fold_attempt(f, job, n + 1) != NULL)
		n++;
	return n;
}

struct job_row_of {
	struct journal_job j;
	const char *source, *ext;
};

static void
job_row_read(sqlite3_stmt *st, struct job_row_of *r)
{
	memset(r, 0, sizeof(*r));
	r->j.id = sqlite3_column_int64(st, 0);
	r->j.state = (enum job_state)sqlite3_column_int(st, 1);
	r->j.last = sqlite3_column_int64(st, 2);
	r->j.attempts = sqlite3_column_int64(st, 3);
	r->j.tries = sqlite3_column_int64(st, 4);
	r->j.revision = sqlite3_column_int64(st, 5);
	r->j.outcome = (enum job_outcome)sqlite3_column_int(st, 6);
	r->j.reason = (enum job_reason)sqlite3_column_int(st, 7);
	r->source = (const char *)sqlite3_column_text(st, 8);
	r->ext = (const char *)sqlite3_column_text(st, 9);
}

static void
job_row_check(struct journal_fold *f, const struct journal_check_options *o,
    struct journal_check *out, const struct job_row_of *r, bool archived)
{
	const struct journal_fold_job *job = journal_fold_find(f, r->j.id);

	if ((unsigned)r->j.state >= JOB_NONE ||
	    (unsigned)r->j.outcome >= JOB_OUTCOME_COUNT ||
	    (unsigned)r->j.reason >= JOB_REASON_COUNT) {
		BAD(out, DATABASE, "job #%lld: numbers no program has",
		    LL(r->j.id));
		return;
	}
	if (job == NULL && !archived)
		BAD(out, I8,
		    "job #%lld has no events and is not in the archive",
		    LL(r->j.id));
	if (job != NULL && archived)
		BAD(out, I8, "job #%lld is in the archive and still has events",
		    LL(r->j.id));
	if (job != NULL && !archived)
		job_compare(out, job, attempts_of(f, job), &r->j);
	if (o->job == NULL)
		return;
	struct journal_check_job show = {.id = r->j.id,
	    .source = r->source,
	    .ext = r->ext,
	    .state = r->j.state,
	    .outcome = r->j.outcome,
	    .reason = r->j.reason,
	    .revision = r->j.revision,
	    .attempts = r->j.attempts,
	    .pruned = archived};

	o->job(o->arg, &show);
}

static enum err_code
tally_compare(struct journal_db *db, struct journal_check *out,
    const int64_t counts[JOB_NONE], struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(db, "SELECT state,n FROM tally ORDER BY state", err);
	int expect = 0;
	bool row = true;

	if (st == NULL)
		return err->code;
	for (;;) {
		if (journal_db_row(db, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			break;
		int s = sqlite3_column_int(st, 0);
		int64_t n = sqlite3_column_int64(st, 1);

		out->item[JOURNAL_CHECK_TALLY].checked++;
		if (s == expect && s < (int)JOB_NONE && n != counts[s])
			BAD(out, TALLY, "%lld jobs are %s, the tally says %lld",
			    LL(counts[s]), job_state_name((enum job_state)s),
			    LL(n));
		expect += s == expect;
	}
	if (expect != (int)JOB_NONE ||
	    out->item[JOURNAL_CHECK_TALLY].checked != (int)JOB_NONE)
		BAD(out, TALLY, "not one row for each state");
	return ERR_NONE;
}

enum err_code
journal_check_jobs(struct journal_db *db, struct journal_fold *f,
    const struct journal_check_options *o, struct journal_check *out,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT j.id,j.state,j.last,j.attempts,j.tries,j.revision,"
	    "j.outcome,j.reason,s.name,j.ext FROM job j CROSS JOIN source s "
	    "ON s.id=j.source ORDER BY j.id",
	    err);
	struct archive_cursor c = {.at = INT64_MIN};
	int64_t counts[JOB_NONE] = {0};
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	c.st = journal_db_get(db, "SELECT job FROM archived ORDER BY job", err);
	if (c.st == NULL)
		return err->code;
	while (code == ERR_NONE) {
		struct job_row_of r;
		bool archived = false;

		code = journal_db_row(db, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		job_row_read(st, &r);
		code = archived_at(db, &c, r.j.id, &archived, err);
		if (code != ERR_NONE)
			break;
		job_row_check(f, o, out, &r, archived);
		out->jobs++;
		if ((unsigned)r.j.state < JOB_NONE)
			counts[r.j.state]++;
	}
	if (st != NULL)
		(void)sqlite3_reset(st);
	(void)sqlite3_reset(c.st);
	return code == ERR_NONE ? tally_compare(db, out, counts, err) : code;
}

/* --- attempts --------------------------------------------------------------
 */

static enum err_code
intent_hash(
    struct journal_db *db, struct journal_check_attempt *show, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(db, "SELECT hash FROM event WHERE seq=?1", err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, show->intent_seq);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	journal_db_copy_blob(
	    st, 0, show->intent_hash, sizeof(show->intent_hash));
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
attempt_show(struct journal_db *db, const struct journal_check_options *o,
    const struct journal_check *out, const struct journal_fold_attempt *fa,
    const struct journal_attempt *a, struct err *err)
{
	struct journal_check_attempt show = {.id = a->id,
	    .state = a->state,
	    .last_event = fa != NULL ? (enum attempt_event)fa->event
				     : ATTEMPT_EVENT_COUNT,
	    .by_person = fa != NULL && fa->by_person,
	    .newest_seq = out->newest_seq,
	    .outcome = a->outcome,
	    .number = a->number,
	    .has_key = a->has_key,
	    .armed_ms = a->armed_ms,
	    .intent_seq = fa != NULL ? fa->intent : 0};
	sqlite3_stmt *st;
	bool row = false;

	memcpy(show.key, a->key, sizeof(show.key));
	if (show.intent_seq != 0 && intent_hash(db, &show, err) != ERR_NONE)
		return err->code;
	st = journal_db_get(db, "SELECT number FROM person WHERE job=?1", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, journal_attempt_job(a->id));
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		show.number = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	o->attempt(o->arg, &show);
	return ERR_NONE;
}

/* I4 of the present: the rows themselves, not the indexes. */
static void
held_once(struct journal_check *out, struct journal_held *held,
    enum journal_held_kind kind, int64_t key, int64_t attempt)
{
	int64_t other = 0;

	if (key != 0)
		other = journal_held_take(held, kind, key, attempt);
	if (other != 0)
		BAD(out, I4,
		    "attempt %lld of job #%lld and attempt %lld of job #%lld "
		    "hold the same %s",
		    LL(journal_attempt_number(other)),
		    LL(journal_attempt_job(other)),
		    LL(journal_attempt_number(attempt)),
		    LL(journal_attempt_job(attempt)),
		    kind == JOURNAL_HELD_NUMBER ? "number" : "organisation");
}

static enum err_code
owner_open(struct journal_db *db, struct journal_check *out,
    const struct journal_attempt *a, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    db, "SELECT closed_ms IS NULL FROM owner WHERE id=?1", err);
	bool row = false;
	bool open = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, a->owner);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		open = sqlite3_column_int(st, 0) != 0;
		(void)sqlite3_reset(st);
	}
	out->item[JOURNAL_CHECK_OWNERS].checked++;
	if (!open)
		BAD(out, OWNERS,
		    "attempt %lld of job #%lld is %s, but its owner %lld %s",
		    LL(journal_attempt_number(a->id)),
		    LL(journal_attempt_job(a->id)),
		    job_attempt_state_name(a->state), LL(a->owner),
		    row ? "was closed" : "is not there");
	return ERR_NONE;
}

/*
 * The CHECKs of the table, which SQLite does not look at in a file that it has
 * opened read-only.
 */
static void
attempt_constraints(struct journal_check *out, const struct journal_attempt *a)
{
	bool live = job_attempt_is_live(a->state);
	bool holds = live || a->state == ATTEMPT_PARKED;
	bool sent = a->state >= ATTEMPT_INTENT && a->state != ATTEMPT_CANCELLED;

	if ((a->owner != 0) != live || (a->number != 0) != holds ||
	    (sent && !a->has_key))
		BAD(out, DATABASE,
		    "attempt %lld of job #%lld is %s %s owner, %s number, %s "
		    "key",
		    LL(journal_attempt_number(a->id)),
		    LL(journal_attempt_job(a->id)),
		    job_attempt_state_name(a->state),
		    a->owner != 0 ? "with an" : "without",
		    a->number != 0 ? "with a" : "without",
		    a->has_key ? "with a" : "without");
}

/* A row against the fold of its events. */
static void
attempt_compare(struct journal_check *out, const struct journal_fold_attempt *f,
    const struct journal_attempt *a)
{
	long long number = LL(journal_attempt_number(a->id));
	long long job = LL(journal_attempt_job(a->id));

	if (f == NULL) {
		BAD(out, I9, "attempt %lld of job #%lld has no events", number,
		    job);
		return;
	}
	if ((int)f->state != (int)a->state)
		BAD(out, I9,
		    "attempt %lld of job #%lld is %s, its events say %s",
		    number, job, job_attempt_state_name(a->state),
		    job_attempt_state_name((enum attempt_state)f->state));
	if (f->last != a->last)
		BAD(out, I9,
		    "attempt %lld of job #%lld ends at event %lld, its "
		    "newest is %lld",
		    number, job, LL(a->last), LL(f->last));
}

static enum err_code
attempt_row_check(struct journal_db *db, struct journal_fold *f,
    const struct journal_check_options *o, struct journal_check *out,
    struct journal_held *held, const struct journal_attempt *a, struct err *err)
{
	const struct journal_fold_job *job =
	    journal_fold_find(f, journal_attempt_job(a->id));
	struct journal_fold_attempt *fa =
	    job == NULL ? NULL
			: journal_fold_attempt(
			      f, job, (int)journal_attempt_number(a->id));
	enum err_code code = ERR_NONE;

	if ((unsigned)a->state >= ATTEMPT_STATE_COUNT ||
	    (unsigned)a->outcome >= JOB_OUTCOME_COUNT) {
		BAD(out, DATABASE, "attempt %lld: numbers no program has",
		    LL(a->id));
		return ERR_NONE;
	}
	attempt_constraints(out, a);
	attempt_compare(out, fa, a);
	if (fa != NULL)
		fa->seen = true;
	held_once(out, held, JOURNAL_HELD_NUMBER, a->number, a->id);
	held_once(out, held, JOURNAL_HELD_ORG, a->org, a->id);
	if (job_attempt_is_live(a->state))
		code = owner_open(db, out, a, err);
	if (code == ERR_NONE && o->attempt != NULL)
		code = attempt_show(db, o, out, fa, a, err);
	return code;
}

/* Attempts that events tell of and that have no row. */
static enum err_code
attempts_missing(struct journal_db *db, struct journal_fold *f,
    struct journal_check *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    db, "SELECT id FROM job WHERE attempts>0 ORDER BY id", err);
	bool row = true;

	while (st != NULL) {
		const struct journal_fold_job *job;

		if (journal_db_row(db, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		job = journal_fold_find(f, sqlite3_column_int64(st, 0));
		for (int n = 1; job != NULL && n <= attempts_of(f, job); n++)
			if (!journal_fold_attempt(f, job, n)->seen)
				BAD(out, I9,
				    "attempt %d of job #%lld has events and no "
				    "row",
				    n, LL(sqlite3_column_int64(st, 0)));
	}
	return err->code;
}

enum err_code
journal_check_attempts(struct journal_db *db, struct journal_fold *f,
    const struct journal_check_options *o, struct journal_check *out,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT a.id,a.state,a.owner,a.campaign,a.kind,a.number,a.org,"
	    "a.key,a.request,a.terms,a.carrier_call,a.dial_until_ms,"
	    "a.settle_boot,a.settle_boot_ms,a.looked_boot_ms,a.lookups,"
	    "a.resends,a.armed_ms,a.placed_ms,a.answered_ms,a.ended_ms,"
	    "a.slot_until_ms,a.outcome,a.detail,a.last FROM attempt a "
	    "NOT INDEXED ORDER BY a.id",
	    err);
	struct journal_held held = {0};
	int64_t rows = 0;
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	while (code == ERR_NONE) {
		struct journal_attempt a;

		code = journal_db_row(db, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		journal_row_attempt(st, &a);
		rows++;
		code = attempt_row_check(db, f, o, out, &held, &a, err);
	}
	if (st != NULL)
		(void)sqlite3_reset(st);
	journal_held_free(&held);
	if (code == ERR_NONE && rows < out->attempts)
		code = attempts_missing(db, f, out, err);
	return code;
}

/* --- outbox ----------------------------------------------------------------
 */

static void
outbox_row(struct journal_fold *f, struct journal_check *out, sqlite3_stmt *st)
{
	int64_t id = sqlite3_column_int64(st, 0);
	int64_t job_id = sqlite3_column_int64(st, 1);
	int sink = sqlite3_column_int(st, 2);
	int64_t revision = sqlite3_column_int64(st, 3);
	int64_t prev = sqlite3_column_int64(st, 4);
	int state = sqlite3_column_int(st, 5);
	struct journal_fold_job *job = journal_fold_find(f, job_id);

	out->item[JOURNAL_CHECK_I10].checked++;
	if (state < 0 || state > JOURNAL_OUTBOX_DEAD)
		BAD(out, DATABASE, "outbox row %lld is in state %d", LL(id),
		    state);
	out->outbox_pending += state == JOURNAL_OUTBOX_PENDING;
	out->outbox_dead += state == JOURNAL_OUTBOX_DEAD;
	if (prev >= id)
		BAD(out, I10, "outbox row %lld waits for row %lld", LL(id),
		    LL(prev));
	if (job == NULL) {
		BAD(out, I10,
		    "outbox row %lld is of job #%lld, which has no "
		    "events",
		    LL(id), LL(job_id));
		return;
	}
	if (sink != JOURNAL_SINK_FILE)
		return;
	job->results++;
	if (revision != (int64_t)job->results)
		BAD(out, I10,
		    "outbox row %lld of job #%lld has revision %lld, expected "
		    "%u",
		    LL(id), LL(job_id), LL(revision), job->results);
}

enum err_code
journal_check_outbox(struct journal_db *db, struct journal_fold *f,
    struct journal_check *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT id,job,sink,revision,prev,state FROM outbox ORDER BY id",
	    err);
	enum err_code code = st == NULL ? err->code : ERR_NONE;
	bool row = true;

	while (code == ERR_NONE) {
		code = journal_db_row(db, st, &row, err);
		if (code != ERR_NONE || !row)
			break;
		outbox_row(f, out, st);
	}
	return code;
}
