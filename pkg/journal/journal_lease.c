#include "journal/journal_lease.h"

#include <string.h>

#include "base/crash.h"

#include "journal/journal_priv.h"

/*
 * Leases: see the header.  Each move is part of the transaction that moves the
 * job, so that after a crash the two agree; what the queue knows may lag behind
 * and is told again.
 */

#define COLUMNS                                                          \
	"l.job,l.state,l.due_ms,l.until_ms,l.own_ladder,l.ticket,j.ext," \
	"j.state"
#define FROM "FROM lease l CROSS JOIN job j ON j.id=l.job WHERE "

static void
lease_row(sqlite3_stmt *st, struct journal_lease *out)
{
	out->job = sqlite3_column_int64(st, 0);
	out->state = (enum journal_lease_state)sqlite3_column_int(st, 1);
	out->due_ms = sqlite3_column_int64(st, 2);
	out->until_ms = sqlite3_column_int64(st, 3);
	out->own_ladder = sqlite3_column_int(st, 4) != 0;
	journal_db_copy_text(st, 5, out->ticket, sizeof(out->ticket));
	journal_db_copy_text(st, 6, out->ext, sizeof(out->ext));
	out->job_state = (enum job_state)sqlite3_column_int(st, 7);
}

static enum err_code
lease_get(struct journal_db *db, int64_t job, struct journal_lease *out,
    bool *found, struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(db, "SELECT " COLUMNS " " FROM "l.job=?1", err);

	*found = false;
	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	if (journal_db_row(db, st, found, err) != ERR_NONE)
		return err->code;
	if (!*found)
		return ERR_NONE;
	lease_row(st, out);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_lease_get(struct journal *j, int64_t job, struct journal_lease *out,
    bool *found, struct err *err)
{
	return lease_get(&j->w, job, out, found, err);
}

enum err_code
journal_read_lease(struct journal *j, int64_t job, struct journal_lease *out,
    bool *found, struct err *err)
{
	return lease_get(&j->r, job, out, found, err);
}

enum err_code
journal_lease_is(struct journal *j, int64_t job, const char *ticket, bool *out,
    struct err *err)
{
	struct journal_lease l;
	enum err_code code = lease_get(&j->w, job, &l, out, err);

	*out = code == ERR_NONE && *out && strcmp(l.ticket, ticket) == 0;
	return code;
}

enum err_code
journal_lease_is_one_try(
    struct journal *j, int64_t job, bool *out, struct err *err)
{
	sqlite3_stmt *st = NULL;

	*out = false;
	/* Without a queue there is nothing to look for. */
	if ((j->sinks & (1U << JOURNAL_SINK_BULL)) == 0)
		return ERR_NONE;
	st = journal_db_get(
	    &j->w, "SELECT 1 FROM lease WHERE job=?1 AND own_ladder=0", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	if (journal_db_row(&j->w, st, out, err) != ERR_NONE)
		return err->code;
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_lease_is_away(
    struct journal *j, int64_t job, bool *out, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum err_code code;

	*out = false;
	if ((j->sinks & (1U << JOURNAL_SINK_BULL)) == 0)
		return ERR_NONE;
	st = journal_db_get(
	    &j->w, "SELECT 1 FROM lease WHERE job=?1 AND state=2", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	code = journal_db_row(&j->w, st, out, err);
	if (code == ERR_NONE && *out)
		(void)sqlite3_reset(st);
	return code;
}

/* A job that is QUEUED or READY leaves our hands, or comes back into them. */
static enum err_code
move(struct journal *j, int64_t id, bool away, bool *moved, struct err *err)
{
	struct journal_job job;
	struct journal_change change = {.job = &job};

	*moved = false;
	if (journal_job_get(j, id, &job, err) != ERR_NONE)
		return err->code;
	if (job.state != JOB_READY && job.state != JOB_QUEUED)
		return ERR_NONE;
	if (away == (job.reason == JOB_REASON_AWAY))
		return ERR_NONE;
	*moved = true;
	job.reason = away ? JOB_REASON_AWAY : JOB_REASON_NONE;
	job.not_before_ms = away ? JOURNAL_AWAY_MS : 0;
	change.job_event = away ? JOB_EV_LATER : JOB_EV_DUE;
	return journal_step(j, &change, err);
}

/* --- taken ------------------------------------------------------------------
 */

static enum err_code
lease_put(struct journal *j, int64_t job, const char *source,
    const char *ticket, bool own_ladder, int64_t until_ms, bool is_first,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    is_first ? "INSERT INTO lease(job,source,state,due_ms,until_ms,"
		       "own_ladder,ticket) VALUES(?1,?5,0,0,?2,?3,?4)"
		     : "INSERT OR REPLACE INTO lease(job,source,state,due_ms,"
		       "until_ms,own_ladder,ticket) VALUES(?1,?5,0,0,?2,?3,?4)",
	    err);
	int64_t number = 0;

	if (st == NULL || journal_name_put(j, JOURNAL_NAME_SOURCE, source,
			      &number, err) != ERR_NONE)
		return err->code;
	journal_db_i64(st, 1, job);
	journal_db_i64(st, 2, until_ms);
	journal_db_i64(st, 3, own_ladder);
	journal_db_text(st, 4, ticket);
	journal_db_i64(st, 5, number);
	CRASH_POINT("journal.lease.put");
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_lease_new(struct journal *j, int64_t job, const char *source,
    const char *ticket, bool own_ladder, int64_t until_ms, struct err *err)
{
	return lease_put(
	    j, job, source, ticket, own_ladder, until_ms, true, err);
}

/* An old answer of the queue, or a lock that we no longer counted on. */
static bool
was_let_go(const struct journal_lease *before, const struct journal_job *job,
    const char *ticket)
{
	return (before->state == JOURNAL_LEASE_RETURNING ||
		   before->state == JOURNAL_LEASE_AWAY) &&
	       job->state == JOB_QUEUED && job->reason == JOB_REASON_AWAY &&
	       strcmp(before->ticket, ticket) == 0;
}

enum err_code
journal_lease_take(struct journal *j, int64_t job_id, const char *ticket,
    bool own_ladder, int64_t until_ms, enum journal_met *met, struct err *err)
{
	struct journal_lease before;
	struct journal_job job;
	bool found = false;
	bool back = false;

	enum err_code code = journal_job_get(j, job_id, &job, err);

	*met = JOURNAL_MET_PRUNED;
	if (code == ERR_NOT_FOUND)
		return ERR_NONE;
	*met = JOURNAL_MET_NEW;
	if (code != ERR_NONE ||
	    lease_get(&j->w, job_id, &before, &found, err) != ERR_NONE)
		return err->code;
	if (found && was_let_go(&before, &job, ticket)) {
		*met = JOURNAL_MET_LET_GO;
		return ERR_NONE;
	}
	if (lease_put(j, job_id, job.source, ticket, own_ladder, until_ms,
		false, err) != ERR_NONE)
		return err->code;
	if (job_is_final(job.state)) {
		*met = JOURNAL_MET_FINAL;
		return journal_outbox_again(j, &job, JOURNAL_SINK_BULL, err);
	}
	if (move(j, job_id, false, &back, err) != ERR_NONE)
		return err->code;
	if (found)
		*met = back ? JOURNAL_MET_BACK : JOURNAL_MET_HERE;
	return ERR_NONE;
}

/* --- held -------------------------------------------------------------------
 */

enum err_code
journal_lease_renew(struct journal *j, int64_t job, const char *ticket,
    int64_t until_ms, bool *back, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE lease SET until_ms=?2,ticket=coalesce(?3,ticket) WHERE "
	    "job=?1 AND state=0",
	    err);

	*back = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	journal_db_i64(st, 2, until_ms);
	journal_db_text(st, 3, ticket);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	return sqlite3_changes(j->w.h) > 0 ? move(j, job, false, back, err)
					   : ERR_NONE;
}

enum err_code
journal_lease_until(struct journal *j, int64_t job, bool *held,
    int64_t *until_ms, struct err *err)
{
	sqlite3_stmt *st = NULL;

	*held = false;
	if ((j->sinks & (1U << JOURNAL_SINK_BULL)) == 0)
		return ERR_NONE;
	st = journal_db_get(
	    &j->w, "SELECT until_ms FROM lease WHERE job=?1 AND state=0", err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	if (journal_db_row(&j->w, st, held, err) != ERR_NONE)
		return err->code;
	if (!*held)
		return ERR_NONE;
	*until_ms = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
lease_set(struct journal *j, int64_t job, enum journal_lease_state state,
    int64_t due_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE lease SET state=?2,due_ms=?3 WHERE job=?1 AND state<=1",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	journal_db_i64(st, 2, state);
	journal_db_i64(st, 3, due_ms);
	CRASH_POINT("journal.lease.set");
	return journal_db_done(&j->w, st, err);
}

/* --- given back -------------------------------------------------------------
 */

#define RETURN_MOST 500

struct waiting {
	int64_t job, not_before_ms;
};

#define OF_SOURCE                                                            \
	"SELECT l.job,j.not_before_ms FROM lease l INDEXED BY lease_open "   \
	"CROSS JOIN job j ON j.id=l.job WHERE l.state=0 AND l.state<=1 AND " \
	"l.source=(SELECT id FROM source WHERE name=?1) AND j.state<=1 AND "

static enum err_code
waiting_jobs(struct journal *j, const char *which, const char *source,
    int64_t limit_ms, int64_t max, struct waiting *jobs, size_t *count,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w, which, err);
	bool row = true;

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, source);
	journal_db_i64(st, 2, limit_ms);
	journal_db_i64(st, 3, max < RETURN_MOST ? max : RETURN_MOST);
	if (sqlite3_bind_parameter_count(st) > 3)
		journal_db_i64(st, 4, JOURNAL_AWAY_MS);
	for (;;) {
		if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		jobs[(*count)++] = (struct waiting){
		    sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
	}
}

enum err_code
journal_lease_return(struct journal *j, const char *source, int64_t beyond_ms,
    int64_t max, int64_t *count, struct err *err)
{
	struct waiting jobs[RETURN_MOST];
	size_t n = 0;
	bool moved = false;
	enum err_code code = waiting_jobs(j,
	    OF_SOURCE "j.attempts=0 AND j.not_before_ms>=?2 AND (?2=0 OR "
		      "j.not_before_ms<>?4) ORDER BY l.job LIMIT ?3",
	    source, beyond_ms, max, jobs, &n, err);

	*count = (int64_t)n;
	for (size_t i = 0; i < n && code == ERR_NONE; i++) {
		code = move(j, jobs[i].job, true, &moved, err);
		if (code == ERR_NONE)
			code =
			    lease_set(j, jobs[i].job, JOURNAL_LEASE_RETURNING,
				beyond_ms > 0 ? jobs[i].not_before_ms : 0, err);
	}
	return code;
}

enum err_code
journal_lease_give_up(struct journal *j, const char *source, int64_t before_ms,
    int64_t max, int64_t *count, struct err *err)
{
	struct waiting jobs[RETURN_MOST];
	size_t n = 0;
	enum err_code code =
	    waiting_jobs(j, OF_SOURCE "l.until_ms<?2 ORDER BY l.job LIMIT ?3",
		source, before_ms, max, jobs, &n, err);

	*count = (int64_t)n;
	for (size_t i = 0; i < n && code == ERR_NONE; i++)
		code = journal_lease_away(j, jobs[i].job, err);
	return code;
}

enum err_code
journal_lease_away(struct journal *j, int64_t job, struct err *err)
{
	bool moved = false;

	if (move(j, job, true, &moved, err) != ERR_NONE)
		return err->code;
	return lease_set(j, job, JOURNAL_LEASE_AWAY, 0, err);
}

enum err_code
journal_lease_gone(struct journal *j, int64_t id, struct err *err)
{
	struct journal_job job;
	struct journal_change change = {
	    .job = &job, .job_event = JOB_EV_CANCEL};

	if (journal_job_get(j, id, &job, err) != ERR_NONE)
		return err->code;
	if (job.state == JOB_READY || job.state == JOB_QUEUED) {
		job.reason = JOB_REASON_GONE;
		if (journal_step(j, &change, err) != ERR_NONE ||
		    journal_outbox_add(j, &job, 0, err) != ERR_NONE)
			return err->code;
	}
	return lease_set(j, id, JOURNAL_LEASE_AWAY, 0, err);
}

enum err_code
journal_lease_answered(struct journal *j, int64_t job, struct err *err)
{
	return lease_set(j, job, JOURNAL_LEASE_ANSWERED, 0, err);
}

enum err_code
journal_lease_answered_as(
    struct journal *j, int64_t job, const char *ticket, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE lease SET state=3,due_ms=0 WHERE job=?1 AND state<=1 AND "
	    "ticket=?2",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	journal_db_text(st, 2, ticket);
	CRASH_POINT("journal.lease.answered");
	return journal_db_done(&j->w, st, err);
}

/* --- for the source ---------------------------------------------------------
 */

static enum err_code
each_lease(struct journal *j, sqlite3_stmt *st,
    void (*fn)(void *arg, const struct journal_lease *l), void *arg,
    struct err *err)
{
	struct journal_lease l;
	bool row = true;

	for (;;) {
		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		memset(&l, 0, sizeof(l));
		lease_row(st, &l);
		fn(arg, &l);
	}
}

enum err_code
journal_read_leases(struct journal *j, const char *source,
    enum journal_lease_state state, int64_t after_job, int64_t limit,
    void (*fn)(void *arg, const struct journal_lease *l), void *arg,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT " COLUMNS " FROM lease l INDEXED BY lease_open CROSS JOIN "
	    "job j ON j.id=l.job WHERE l.source=(SELECT id FROM source WHERE "
	    "name=?1) AND l.state=?2 AND l.state<=1 AND l.job>?3 ORDER BY l.job "
	    "LIMIT ?4",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, source);
	journal_db_i64(st, 2, state);
	journal_db_i64(st, 3, after_job);
	journal_db_i64(st, 4, limit);
	return each_lease(j, st, fn, arg, err);
}

enum err_code
journal_read_away(struct journal *j, const char *source, int64_t after_job,
    int64_t limit, void (*fn)(void *arg, const struct journal_lease *l),
    void *arg, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT " COLUMNS " FROM job j INDEXED BY job_due CROSS JOIN lease "
	    "l ON l.job=j.id WHERE j.state=0 AND j.not_before_ms=?2 AND "
	    "j.id>?3 AND l.state=2 AND l.source=(SELECT id FROM source WHERE "
	    "name=?1) ORDER BY j.id LIMIT ?4",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, source);
	journal_db_i64(st, 2, JOURNAL_AWAY_MS);
	journal_db_i64(st, 3, after_job);
	journal_db_i64(st, 4, limit);
	return each_lease(j, st, fn, arg, err);
}

enum err_code
journal_read_is_known(struct journal *j, const char *source, const char *ext,
    bool *known, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT 1 FROM job WHERE source=(SELECT id FROM source WHERE "
	    "name=?1) AND ext=?2",
	    err);

	*known = false;
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, source);
	journal_db_text(st, 2, ext);
	return journal_db_there(&j->r, st, known, err);
}

enum err_code
journal_read_is_made(struct journal *j, const char *campaign, int64_t step,
    const char *but, bool *made, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT 1 FROM job WHERE campaign=(SELECT id FROM campaign WHERE "
	    "name=?1) AND substr(ext,1,length(?3))<>?3 AND ((state=?4 AND "
	    "outcome<>?5 AND step>=?2) OR (step=?2 AND (state IN (?6,?7,?8) OR "
	    "(state=?9 AND reason<>?10)))) LIMIT 1",
	    err);
	static const int64_t numbers[] = {JOB_DONE, JOB_OUTCOME_NONE, JOB_READY,
	    JOB_HELD, JOB_PARKED, JOB_QUEUED, JOB_REASON_AWAY};

	*made = false;
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, campaign);
	journal_db_i64(st, 2, step);
	journal_db_text(st, 3, but);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		journal_db_i64(st, 4 + (int)i, numbers[i]);
	return journal_db_there(&j->r, st, made, err);
}
