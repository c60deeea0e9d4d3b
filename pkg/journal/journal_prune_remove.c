#include "base/crash.h"

#include "journal/journal_prune_priv.h"

/*
 * Removing rows: of jobs that are in an archive, chunk by chunk, and what is
 * personal of one job.  Each transaction asks again whether the job is still
 * as it was seen.
 */

struct removing {
	struct journal_tx tx;
	const struct journal_prune_plan *plan;
	const char *path;
	size_t from, to;
	int64_t removed; /* out */
};

static enum err_code
run_with(struct journal *j, const char *sql, int64_t a, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w, sql, err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, a);
	return journal_db_done(&j->w, st, err);
}

static enum err_code
still_so(struct journal *j, const struct journal_prune_job *p, bool *yes,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT 1 FROM job j WHERE j.id=?1 AND j.last=?2 AND " JOURNAL_OWES_NOTHING,
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, p->id);
	journal_db_i64(st, 2, p->last);
	if (journal_db_row(&j->w, st, yes, err) != ERR_NONE)
		return err->code;
	if (*yes)
		(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
archived_add(struct journal *j, const struct journal_prune_job *p,
    const char *path, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO archived(job,path,sha256) VALUES(?1,?2,?3)", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, p->id);
	journal_db_text(st, 2, path);
	journal_db_blob(st, 3, p->line, sizeof(p->line));
	return journal_db_done(&j->w, st, err);
}

/* Backwards along the chain. */
static enum err_code
events_remove(struct journal *j, int64_t seq, struct err *err)
{
	while (seq != 0) {
		sqlite3_stmt *st = journal_db_get(
		    &j->w, "SELECT prev FROM event WHERE seq=?1", err);
		bool row = false;
		int64_t prev = 0;

		if (st == NULL)
			return err->code;
		journal_db_i64(st, 1, seq);
		if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
			return err->code;
		prev = sqlite3_column_int64(st, 0); /* 0: no row */
		(void)sqlite3_reset(st);
		if (run_with(j, "DELETE FROM event WHERE seq=?1", seq, err) !=
		    ERR_NONE)
			return err->code;
		seq = prev;
	}
	return ERR_NONE;
}

/* What an erased job loses too; dials only from before dials_ms. */
static enum err_code
personal_remove(
    struct journal *j, int64_t job, int64_t dials_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "DELETE FROM dial WHERE number=(SELECT number FROM person WHERE "
	    "job=?1) AND attempt>?1*256 AND attempt<?1*256+256 AND at_ms<?2",
	    err);
	enum err_code code = st == NULL ? err->code : ERR_NONE;

	if (st != NULL) {
		journal_db_i64(st, 1, job);
		journal_db_i64(st, 2, dials_ms);
		code = journal_db_done(&j->w, st, err);
	}
	if (code == ERR_NONE)
		code = run_with(j,
		    "DELETE FROM cache WHERE number=(SELECT number FROM person "
		    "WHERE job=?1)",
		    job, err);
	if (code == ERR_NONE)
		code = run_with(j, "DELETE FROM person WHERE job=?1", job, err);
	if (code == ERR_NONE)
		code = run_with(j,
		    "DELETE FROM finding WHERE attempt>?1*256 AND "
		    "attempt<?1*256+256",
		    job, err);
	return code;
}

/* Artifacts stay until their files are gone: journal_prune_files_gone. */
static enum err_code
job_remove(struct journal *j, const struct removing *r,
    const struct journal_prune_job *p, struct err *err)
{
	size_t at = 0;
	size_t n = 0;
	enum err_code code = archived_add(j, p, r->path, err);

	journal_prune_pairs(
	    r->plan->inbox, r->plan->inbox_count, p->id, &at, &n);
	for (size_t i = at; i < at + n && code == ERR_NONE; i++)
		code = run_with(j, "DELETE FROM inbox WHERE id=?1",
		    r->plan->inbox[i].row, err);
	if (code == ERR_NONE)
		code =
		    run_with(j, "DELETE FROM outbox WHERE job=?1", p->id, err);
	if (code == ERR_NONE)
		code =
		    run_with(j, "DELETE FROM lease WHERE job=?1", p->id, err);
	if (code == ERR_NONE)
		code = personal_remove(
		    j, p->id, j->group_ms - JOURNAL_PRUNE_DIALS_MS, err);
	if (code == ERR_NONE)
		code = run_with(j,
		    "DELETE FROM attempt WHERE id>?1*256 AND id<?1*256+256",
		    p->id, err);
	if (code == ERR_NONE)
		code = events_remove(j, p->last, err);
	CRASH_POINT("journal.prune.removed");
	return code;
}

static enum err_code
remove_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct removing *r = CONTAINER_OF(tx, struct removing, tx);

	r->removed = 0;
	if (!j->clock_ok)
		return err_set(err, ERR_PERSON, 0,
		    "the wall clock is not trusted: %s; see `dsrun clock`",
		    j->clock_why);
	for (size_t i = r->from; i < r->to; i++) {
		const struct journal_prune_job *p = &r->plan->jobs[i];
		bool yes = false;

		if (still_so(j, p, &yes, err) != ERR_NONE)
			return err->code;
		if (!yes)
			continue;
		if (job_remove(j, r, p, err) != ERR_NONE)
			return err->code;
		r->removed++;
	}
	return ERR_NONE;
}

enum err_code
journal_prune_remove(struct journal *j, const struct journal_prune_plan *plan,
    const char *path, int64_t *removed, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < plan->count && code == ERR_NONE;
	     i += JOURNAL_PRUNE_CHUNK) {
		struct removing r = {
		    .tx = {.run = remove_run, .cls = JOURNAL_CLAIM},
		    .plan = plan,
		    .path = path,
		    .from = i,
		    .to = i + JOURNAL_PRUNE_CHUNK < plan->count
			      ? i + JOURNAL_PRUNE_CHUNK
			      : plan->count};

		code = journal_now(j, &r.tx, err);
		CRASH_POINT("journal.prune.committed");
		if (code == ERR_NONE)
			*removed += r.removed;
	}
	return code;
}

enum err_code
journal_is_archived(struct journal *j, int64_t job, bool *out, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(&j->w, "SELECT 1 FROM archived WHERE job=?1", err);

	*out = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	if (journal_db_row(&j->w, st, out, err) != ERR_NONE)
		return err->code;
	if (*out)
		(void)sqlite3_reset(st);
	return ERR_NONE;
}

/* --- erase
 * --------------------------------------------------------------------
 */

static enum err_code
may_erase(struct journal *j, const struct journal_job *job, struct err *err)
{
	struct journal_prune_job p = {.id = job->id, .last = job->last};
	struct journal_person person;
	bool yes = false;
	enum err_code code;

	if (!job_is_final(job->state))
		return err_set(err, ERR_STATE, 0,
		    "job #%lld is %s: cancel it first, then erase it",
		    (long long)job->id, job_state_name(job->state));
	code = journal_person_get(j, job->id, &person, err);
	journal_person_free(&person);
	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_STATE, 0,
		    "the personal data of job #%lld was erased already",
		    (long long)job->id);
	if (code == ERR_NONE)
		code = still_so(j, &p, &yes, err);
	if (code == ERR_NONE && !yes)
		code = err_set(err, ERR_BUSY, 0,
		    "job #%lld still owes a result or waits for a person: "
		    "try again when its outbox is empty (dsrun outbox)",
		    (long long)job->id);
	return code;
}

enum err_code
journal_erase(struct journal *j, int64_t id, const char *by, const char *reason,
    struct err *err)
{
	struct journal_job job;
	struct journal_change change = {
	    .job = &job, .job_event = JOB_EV_NOTE, .detail = "erased"};
	int64_t deed = 0;
	enum err_code code = journal_job_get(j, id, &job, err);

	if (code == ERR_NONE)
		code = may_erase(j, &job, err);
	if (code == ERR_NONE)
		code = journal_deed(j, "erase", by, reason, &deed, err);
	if (code == ERR_NONE)
		code = personal_remove(j, id, INT64_MAX, err);
	if (code == ERR_NONE)
		code = run_with(j,
		    "UPDATE attempt SET detail=NULL WHERE id>?1*256 AND "
		    "id<?1*256+256",
		    id, err);
	if (code == ERR_NONE)
		code = journal_step(j, &change, err);
	return code;
}
