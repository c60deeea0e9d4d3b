#include <string.h>

#include "base/check.h"
#include "base/text.h"

#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * Lists out of the journal, each by an index, so that they stay flat whatever
 * the number of finished jobs.
 */

/* Walk a prepared statement; each() reads the row. */
static enum err_code
walk(struct journal *j, sqlite3_stmt *st,
    enum err_code (*each)(void *arg, sqlite3_stmt *st, struct err *err),
    void *arg, struct err *err)
{
	bool row = true;
	enum err_code code = ERR_NONE;

	while (row && code == ERR_NONE) {
		code = journal_db_row(&j->r, st, &row, err);
		if (row)
			code = each(arg, st, err);
	}
	(void)sqlite3_reset(st);
	return code;
}

/* --- listings
 * -------------------------------------------------------------------- */

struct jobs_walk {
	struct journal *j;
	void (*fn)(void *arg, const struct journal_listed *row);
	void *arg;
};

static enum err_code
jobs_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct jobs_walk *w = arg;
	struct journal_listed row;

	if (journal_row_job(&w->j->r, st, &row.job, err) != ERR_NONE)
		return err->code;
	row.number = sqlite3_column_int64(st, 25);
	w->fn(w->arg, &row);
	return ERR_NONE;
}

/*
 * One plan a shape of filter, each by an index, so that a listing stays flat
 * whatever the number of finished jobs.
 */
static const char *
jobs_sql(const struct journal_filter *f)
{
#define SELECT_JOBS(by, where, order)                   \
	"SELECT " JOURNAL_JOB_COLUMNS                   \
	",p.number FROM job j " by JOURNAL_JOB_JOINS    \
	"LEFT JOIN person p ON p.job=j.id WHERE " where \
	" ORDER BY j.id " order
#define JOBS_BOTH_WAYS(by, where)                                        \
	(f->newest_first                                                 \
		? SELECT_JOBS(by, "j.id<?1 AND " where, "DESC LIMIT ?2") \
		: SELECT_JOBS(by, "j.id>?1 AND " where, "LIMIT ?2"))
	if (f->campaign != NULL)
		return JOBS_BOTH_WAYS("INDEXED BY job_campaign ",
		    "j.campaign=(SELECT id FROM campaign WHERE name=?4) AND "
		    "(?3<0 OR j.state=?3)");
	switch (f->state) {
	case JOB_QUEUED:
		return JOBS_BOTH_WAYS("INDEXED BY job_due ", "j.state=0");
	case JOB_READY:
		return JOBS_BOTH_WAYS("INDEXED BY job_ready ", "j.state=1");
	case JOB_HELD:
		return JOBS_BOTH_WAYS("INDEXED BY job_held ", "j.state=2");
	case JOB_FAILED:
		return JOBS_BOTH_WAYS("INDEXED BY job_failed ", "j.state=4");
	case JOB_EXPIRED:
		return JOBS_BOTH_WAYS("INDEXED BY job_expired ", "j.state=5");
	case JOB_CANCELLED:
		return JOBS_BOTH_WAYS("INDEXED BY job_cancelled ", "j.state=6");
	case JOB_PARKED:
		return JOBS_BOTH_WAYS("INDEXED BY job_parked ", "j.state=7");
	default:
		return JOBS_BOTH_WAYS("", "(?3<0 OR j.state=?3)");
	}
}

enum err_code
journal_read_jobs(struct journal *j, const struct journal_filter *f,
    void (*fn)(void *arg, const struct journal_listed *row), void *arg,
    struct err *err)
{
	struct jobs_walk w = {j, fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r, jobs_sql(f), err);

	if (st == NULL)
		return err->code;
	journal_db_i64(
	    st, 1, f->newest_first && f->after == 0 ? INT64_MAX : f->after);
	journal_db_i64(st, 2, f->limit > 0 ? f->limit : -1);
	if (sqlite3_bind_parameter_count(st) >= 3)
		journal_db_i64(st, 3, f->state);
	if (f->campaign != NULL)
		journal_db_text(st, 4, f->campaign);
	return walk(j, st, jobs_each, &w, err);
}

struct attempts_walk {
	void (*fn)(void *arg, const struct journal_attempt *a);
	void *arg;
};

static enum err_code
attempts_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct attempts_walk *w = arg;
	struct journal_attempt a;

	(void)err;
	journal_row_attempt(st, &a);
	w->fn(w->arg, &a);
	return ERR_NONE;
}

enum err_code
journal_read_attempts(struct journal *j, int64_t job,
    void (*fn)(void *arg, const struct journal_attempt *a), void *arg,
    struct err *err)
{
	struct attempts_walk w = {fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT " JOURNAL_ATTEMPT_COLUMNS
	    " FROM attempt a WHERE a.id>?1*256 AND "
	    "a.id<?1*256+256 ORDER BY a.id",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	return walk(j, st, attempts_each, &w, err);
}

struct events_walk {
	void (*fn)(void *arg, const struct journal_event *e);
	void *arg;
};

static enum err_code
events_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct events_walk *w = arg;
	int was = sqlite3_column_int(st, 12);
	int event = sqlite3_column_int(st, 13);
	struct journal_event e = {.seq = sqlite3_column_int64(st, 0),
	    .job = sqlite3_column_int64(st, 1),
	    .n = sqlite3_column_int64(st, 2),
	    .prev = sqlite3_column_int64(st, 3),
	    .at_ms = sqlite3_column_int64(st, 4),
	    .step = sqlite3_column_int(st, 5),
	    .job_state = (enum job_state)sqlite3_column_int(st, 6),
	    .attempt = sqlite3_column_int64(st, 7),
	    .attempt_state = sqlite3_column_type(st, 8) == SQLITE_NULL
				 ? -1
				 : sqlite3_column_int(st, 8),
	    .detail = (const char *)sqlite3_column_text(st, 9),
	    .of_attempt = sqlite3_column_int(st, 11) == JOB_MACHINE_ATTEMPT};

	journal_db_copy_blob(st, 10, e.hash, sizeof(e.hash));
	if (e.job_state > JOB_NONE || was < 0 || event < 0 ||
	    was >= (e.of_attempt ? (int)ATTEMPT_STATE_COUNT
				 : (int)JOB_STATE_COUNT) ||
	    event >= (e.of_attempt ? (int)ATTEMPT_EVENT_COUNT
				   : (int)JOB_EVENT_COUNT) ||
	    e.attempt_state >= (int)ATTEMPT_STATE_COUNT)
		return err_set(err, ERR_DAMAGED, 0,
		    "event %lld: a number this program does not know",
		    (long long)e.seq);
	e.name = e.of_attempt
		     ? job_attempt_event_name((enum attempt_event)event)
		     : job_event_name((enum job_event)event);
	e.was = e.of_attempt ? job_attempt_state_name((enum attempt_state)was)
			     : job_state_name((enum job_state)was);
	w->fn(w->arg, &e);
	return ERR_NONE;
}

/* Backwards along the chain, so that no index by job is needed. */
enum err_code
journal_read_events(struct journal *j, int64_t job,
    void (*fn)(void *arg, const struct journal_event *e), void *arg,
    struct err *err)
{
	struct events_walk w = {fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "WITH RECURSIVE chain(seq) AS (SELECT last FROM job WHERE id=?1 "
	    "UNION ALL SELECT e.prev FROM chain CROSS JOIN event e ON "
	    "e.seq=chain.seq WHERE e.prev IS NOT NULL) SELECT e.seq,e.job,"
	    "e.n,e.prev,e.at_ms,e.step,e.job_state,e.attempt,e.attempt_state,"
	    "e.detail,e.hash,s.machine,s.was,s.event FROM chain CROSS JOIN "
	    "event e ON e.seq=chain.seq CROSS JOIN step s ON s.id=e.step "
	    "ORDER BY e.seq",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	return walk(j, st, events_each, &w, err);
}

struct owners_walk {
	struct journal *j;
	void (*fn)(void *arg, const struct journal_owner_row *o);
	void *arg;
};

static enum err_code
owners_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct owners_walk *w = arg;
	struct journal_owner_row o = {.id = sqlite3_column_int64(st, 0),
	    .pid = sqlite3_column_int64(st, 1),
	    .started_ms = sqlite3_column_int64(st, 2),
	    .closed_ms = sqlite3_column_int64(st, 6)};

	journal_db_copy_text(st, 3, o.command, sizeof(o.command));
	journal_db_copy_text(st, 4, o.worker, sizeof(o.worker));
	journal_db_copy_text(st, 5, o.state, sizeof(o.state));
	if (o.closed_ms == 0 &&
	    journal_owner_live(w->j, o.id, &o.alive, err) != ERR_NONE)
		return err->code;
	w->fn(w->arg, &o);
	return ERR_NONE;
}

enum err_code
journal_read_owners(struct journal *j, bool open_only,
    void (*fn)(void *arg, const struct journal_owner_row *o), void *arg,
    struct err *err)
{
	struct owners_walk w = {j, fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT id,pid,started_ms,command,worker,state,closed_ms FROM "
	    "owner WHERE closed_ms IS NULL OR NOT ?1 ORDER BY id DESC LIMIT "
	    "200",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, open_only);
	return walk(j, st, owners_each, &w, err);
}

struct pauses_walk {
	void (*fn)(void *arg, const struct journal_pause_row *p);
	void *arg;
};

static enum err_code
pauses_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct pauses_walk *w = arg;
	struct journal_pause_row p = {
	    .campaign = (const char *)sqlite3_column_text(st, 0),
	    .by = (const char *)sqlite3_column_text(st, 1),
	    .reason = (const char *)sqlite3_column_text(st, 2),
	    .at_ms = sqlite3_column_int64(st, 3)};

	(void)err;
	w->fn(w->arg, &p);
	return ERR_NONE;
}

enum err_code
journal_read_pauses(struct journal *j,
    void (*fn)(void *arg, const struct journal_pause_row *p), void *arg,
    struct err *err)
{
	struct pauses_walk w = {fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT c.name,d.by_name,d.reason,d.at_ms FROM pause p LEFT JOIN "
	    "campaign c ON c.id=p.campaign LEFT JOIN deed d ON d.id=p.deed "
	    "ORDER BY p.campaign",
	    err);

	return st == NULL ? err->code : walk(j, st, pauses_each, &w, err);
}

struct dnc_walk {
	void (*fn)(void *arg, const struct journal_dnc_row *d);
	void *arg;
};

static enum err_code
dnc_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct dnc_walk *w = arg;
	struct journal_dnc_row d = {.number = sqlite3_column_int64(st, 0),
	    .kind = sqlite3_column_int(st, 1),
	    .at_ms = sqlite3_column_int64(st, 2)};

	(void)err;
	w->fn(w->arg, &d);
	return ERR_NONE;
}

enum err_code
journal_read_dnc(struct journal *j, int64_t after, int64_t limit,
    void (*fn)(void *arg, const struct journal_dnc_row *d), void *arg,
    struct err *err)
{
	struct dnc_walk w = {fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT number,kind,at_ms FROM dnc WHERE number>?1 ORDER BY "
	    "number LIMIT ?2",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, after);
	journal_db_i64(st, 2, limit > 0 ? limit : -1);
	return walk(j, st, dnc_each, &w, err);
}

enum err_code
journal_read_last_run(struct journal *j, const char *command,
    void (*fn)(void *arg, const struct journal_run_row *r), void *arg,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT id,command,started_ms,ended_ms,summary FROM run WHERE "
	    "?1 IS NULL OR command=?1 ORDER BY id DESC LIMIT 1",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, command);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		struct journal_run_row r = {.id = sqlite3_column_int64(st, 0),
		    .command = (const char *)sqlite3_column_text(st, 1),
		    .started_ms = sqlite3_column_int64(st, 2),
		    .ended_ms = sqlite3_column_int64(st, 3),
		    .summary = (const char *)sqlite3_column_text(st, 4)};

		fn(arg, &r);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

struct outbox_walk {
	void (*fn)(void *arg, const struct journal_outbox_row *r);
	void *arg;
};

static enum err_code
outbox_each(void *arg, sqlite3_stmt *st, struct err *err)
{
	struct outbox_walk *w = arg;
	struct journal_outbox_row r = {
	    .row = {.id = sqlite3_column_int64(st, 0),
		.job = sqlite3_column_int64(st, 1),
		.sink = (enum journal_sink)sqlite3_column_int(st, 2),
		.revision = sqlite3_column_int64(st, 3),
		.attempt = sqlite3_column_int64(st, 4),
		.tries = sqlite3_column_int64(st, 5)},
	    .state = (enum journal_outbox_state)sqlite3_column_int(st, 6),
	    .next_ms = sqlite3_column_int64(st, 7),
	    .error = (const char *)sqlite3_column_text(st, 8),
	    .job_ext = (const char *)sqlite3_column_text(st, 9)};

	(void)err;
	w->fn(w->arg, &r);
	return ERR_NONE;
}

#define SELECT_OUTBOX                                                    \
	"SELECT o.id,o.job,o.sink,o.revision,o.attempt,o.tries,o.state," \
	"o.next_ms,o.error,j.ext FROM outbox o "
#define OUTBOX_JOB "CROSS JOIN job j ON j.id=o.job WHERE "

/* What is done is nearly all of it: the others have an index of their own. */
static const char *
outbox_sql(int state)
{
	switch (state) {
	case JOURNAL_OUTBOX_PENDING:
		return SELECT_OUTBOX
		    "INDEXED BY outbox_due " OUTBOX_JOB
		    "o.state=0 AND o.id>?1 ORDER BY o.id LIMIT ?2";
	case JOURNAL_OUTBOX_DEAD:
		return SELECT_OUTBOX
		    "INDEXED BY outbox_dead " OUTBOX_JOB
		    "o.state=2 AND o.id>?1 ORDER BY o.id LIMIT ?2";
	default:
		return SELECT_OUTBOX OUTBOX_JOB
		    "o.id>?1 AND (?3<0 OR o.state=?3) ORDER BY o.id LIMIT ?2";
	}
}

enum err_code
journal_read_outbox(struct journal *j, int state, int64_t after, int64_t limit,
    void (*fn)(void *arg, const struct journal_outbox_row *r), void *arg,
    struct err *err)
{
	struct outbox_walk w = {fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r, outbox_sql(state), err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, after);
	journal_db_i64(st, 2, limit > 0 ? limit : -1);
	if (sqlite3_bind_parameter_count(st) >= 3)
		journal_db_i64(st, 3, state);
	return walk(j, st, outbox_each, &w, err);
}

enum err_code
journal_read_outbox_of(struct journal *j, int64_t job,
    void (*fn)(void *arg, const struct journal_outbox_row *r), void *arg,
    struct err *err)
{
	struct outbox_walk w = {fn, arg};
	sqlite3_stmt *st = journal_db_get(&j->r,
	    SELECT_OUTBOX "INDEXED BY outbox_job " OUTBOX_JOB
			  "o.job=?1 ORDER BY o.id",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	return walk(j, st, outbox_each, &w, err);
}

enum err_code
journal_read_deed(
    struct journal *j, int64_t id, char **by, char **reason, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->r, "SELECT by_name,reason FROM deed WHERE id=?1", err);
	bool row = false;

	*by = *reason = NULL;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(
		    err, ERR_NOT_FOUND, 0, "no deed %lld", (long long)id);
	*by = mem_strdup((const char *)sqlite3_column_text(st, 0));
	*reason = mem_strdup((const char *)sqlite3_column_text(st, 1));
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_read_outbox_due(struct journal *j, const char *path,
    enum journal_sink sink, bool *due, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT 1 FROM outbox INDEXED BY outbox_due WHERE state=0 AND "
	    "sink=?1 AND next_ms<=?2 UNION ALL SELECT 1 FROM append WHERE "
	    "path=?3 AND bytes IS NOT NULL LIMIT 1",
	    err);

	*due = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, sink);
	journal_db_i64(st, 2, env_now_ms(j->env));
	journal_db_text(st, 3, path);
	if (journal_db_row(&j->r, st, due, err) != ERR_NONE)
		return err->code;
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_read_inbox(struct journal *j, int64_t *attempts, size_t max,
    size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT DISTINCT i.attempt FROM inbox i INDEXED BY inbox_open "
	    "CROSS JOIN attempt a ON a.id=i.attempt WHERE i.folded IS NULL "
	    "AND a.owner=?1 LIMIT ?2",
	    err);

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->owner);
	journal_db_i64(st, 2, (int64_t)max);
	return journal_db_ids(&j->r, st, attempts, count, err);
}

enum err_code
journal_read_artifact(struct journal *j, int64_t attempt, int kind,
    struct journal_artifact *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT path,bytes,ms,sha256 FROM artifact WHERE attempt=?1 AND "
	    "kind=?2",
	    err);
	bool row = false;

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	journal_db_i64(st, 2, kind);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		journal_db_copy_text(st, 0, out->path, sizeof(out->path));
		out->bytes = sqlite3_column_int64(st, 1);
		out->ms = sqlite3_column_int64(st, 2);
		journal_db_copy_blob(st, 3, out->sha256, SHA256_BYTES);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_read_finding(struct journal *j, int64_t attempt,
    struct journal_finding *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r,
	    "SELECT answered_by,decline,meeting FROM finding WHERE attempt=?1",
	    err);
	bool row = false;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, attempt);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		journal_db_copy_text(
		    st, 0, out->answered_by, sizeof(out->answered_by));
		journal_db_copy_text(st, 1, out->decline, sizeof(out->decline));
		if (sqlite3_column_bytes(st, 2) > 0)
			out->meeting = journal_db_dup_text(st, 2);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_read_any_ready(struct journal *j, bool *any, struct err *err)
{
	int64_t n = 0;
	enum err_code code = journal_db_number(&j->r,
	    "SELECT 1 FROM job INDEXED BY job_ready WHERE state=1 LIMIT 1", &n,
	    err);

	*any = n != 0;
	return code;
}
