#include <string.h>

#include "base/crash.h"

#include "journal/journal_life.h"

#include "journal/journal_priv.h"

/*
 * Which jobs may be claimed now.
 *
 * One query per unpaused campaign that has READY jobs, each through the
 * partial index job_ready(campaign, priority), so that neither a paused
 * backlog nor millions of finished jobs cost anything.  Campaigns take turns,
 * one candidate each, so that a large one does not shut a small one out.
 *
 * Candidates are read some at a time, for opening the seven tables costs more
 * than a row.  Nobody else writes in this transaction, so what was read stays
 * true but for one thing: a visit may take the number or the organisation of
 * one that waits.
 */

#define CAMPAIGNS_MAX 256
/* Per campaign and claim: candidates looked at without taking one. */
#define LOOK_MAX 200
#define READ_MAX 32

struct turn {
	int64_t campaign;
	int64_t live;
	/* where the scan of this campaign stands */
	int64_t priority, job;
	/* read and not yet offered: at to count */
	struct journal_candidate *read;
	size_t at, count;
	size_t visits; /* as many had been made then */
	int looked;
	bool over;
};

struct held {
	int64_t number, org;
};

struct claiming {
	struct journal *j;
	struct journal_claim *c;
	struct turn turn[CAMPAIGNS_MAX];
	size_t turns;
	int64_t live_all;
	struct held *visited;
	size_t visits;
	struct kind_live {
		int64_t kind, n;
	} * kinds;
	size_t kind_count;
};

/* Campaigns with READY jobs, by skipping from one to the next in the index. */
static enum err_code
campaigns(struct claiming *s, struct err *err)
{
	int64_t after = 0;
	bool row = true;

	while (s->turns < CAMPAIGNS_MAX) {
		sqlite3_stmt *st = journal_db_get(&s->j->w,
		    "SELECT min(campaign) FROM job INDEXED BY job_ready "
		    "WHERE state=1 AND campaign>?1",
		    err);
		bool paused = false;

		if (st == NULL)
			return err->code;
		journal_db_i64(st, 1, after);
		if (journal_db_row(&s->j->w, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row || sqlite3_column_type(st, 0) == SQLITE_NULL) {
			(void)sqlite3_reset(st);
			break;
		}
		after = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
		if (journal_is_paused(s->j, after, &paused, err) != ERR_NONE)
			return err->code;
		if (!paused)
			s->turn[s->turns++] = (struct turn){.campaign = after,
			    .priority = INT64_MIN,
			    .job = INT64_MIN};
	}
	return ERR_NONE;
}

/* Slots in use by a kind; the place is valid until the next call. */
static int64_t *
kind_live(struct claiming *s, int64_t kind)
{
	size_t i = 0;

	while (i < s->kind_count && s->kinds[i].kind != kind)
		i++;
	if (i == s->kind_count) {
		s->kinds = mem_realloc(s->kinds, i + 1, sizeof(*s->kinds));
		s->kinds[s->kind_count++] = (struct kind_live){.kind = kind};
	}
	return &s->kinds[i].n;
}

/*
 * Slots in use, counted once a claim.  attempt_number holds exactly the
 * attempts that are live or PARKED; a PARKED one counts only until its longest
 * possible call is over.
 */
static enum err_code
live_count(struct claiming *s, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&s->j->w,
	    "SELECT campaign,kind FROM attempt INDEXED BY attempt_number "
	    "WHERE number IS NOT NULL AND (state<>7 OR slot_until_ms>?1)",
	    err);
	bool row = true;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, s->j->group_ms);
	for (;;) {
		if (journal_db_row(&s->j->w, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		int64_t campaign = sqlite3_column_int64(st, 0);

		s->live_all++;
		++*kind_live(s, sqlite3_column_int64(st, 1));
		for (size_t i = 0; i < s->turns; i++)
			if (s->turn[i].campaign == campaign)
				s->turn[i].live++;
	}
}

/* A candidate in one row: the job's columns, then the person's five. */
#define CANDIDATE                                                            \
	"SELECT " JOURNAL_JOB_COLUMNS                                        \
	",p.number,p.org,p.org_name,p.contact,p.data FROM job j INDEXED BY " \
	"job_ready CROSS JOIN person p ON p.job=j.id" JOURNAL_JOB_JOINS      \
	" WHERE j.state=1 AND j.campaign=?1 AND NOT "                        \
	"EXISTS(SELECT 1 FROM attempt a WHERE a.number=p.number) AND NOT "   \
	"EXISTS(SELECT 1 FROM attempt a WHERE a.org=p.org) AND "

static enum err_code
candidate_row(struct claiming *s, struct turn *t, sqlite3_stmt *st,
    struct journal_candidate *c, struct err *err)
{
	enum err_code code = journal_row_job(&s->j->w, st, &c->job, err);
	int at = sqlite3_column_count(st) - 5;

	t->job = c->job.id;
	t->priority = c->job.priority;
	c->person.number = sqlite3_column_int64(st, at);
	c->person.org = sqlite3_column_int64(st, at + 1);
	c->person.org_name = journal_db_dup_text(st, at + 2);
	c->person.contact = journal_db_dup_text(st, at + 3);
	c->person.data = journal_db_dup_text(st, at + 4);
	return code;
}

static enum err_code
candidates_read(struct claiming *s, struct turn *t, sqlite3_stmt *st, size_t n,
    struct err *err)
{
	enum err_code code = ERR_NONE;
	bool row = true;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, t->campaign);
	journal_db_i64(st, 2, t->priority);
	if (sqlite3_bind_parameter_count(st) > 3)
		journal_db_i64(st, 4, t->job);
	journal_db_i64(st, 3, (int64_t)n);
	while (code == ERR_NONE && t->count < n) {
		struct journal_candidate *c = &t->read[t->count];

		code = journal_db_row(&s->j->w, st, &row, err);
		if (code != ERR_NONE || !row)
			return code;
		memset(c, 0, sizeof(*c));
		t->count++;
		code = candidate_row(s, t, st, c, err);
	}
	(void)sqlite3_reset(st);
	return code;
}

/*
 * The campaign's next candidates after where its scan stands: of the same
 * priority behind that job, else of the next priorities.  Two queries, since
 * each finds its place in the index at once, and one for both would look
 * again at all that were skipped.
 */
static enum err_code
read_more(struct claiming *s, struct turn *t, struct err *err)
{
	int64_t left = (s->c->want - s->c->taken) / (int64_t)s->turns + 1;
	size_t n = left < READ_MAX ? (size_t)left : READ_MAX;
	enum err_code code;

	t->read = mem_realloc(t->read, n, sizeof(*t->read));
	t->at = 0;
	t->count = 0;
	t->visits = s->visits;
	err->code = ERR_NONE;
	code = candidates_read(s, t,
	    journal_db_get(&s->j->w,
		CANDIDATE "j.priority=?2 AND j.id>?4 ORDER BY j.id LIMIT ?3",
		err),
	    n, err);
	if (code != ERR_NONE || t->count > 0)
		return code;
	return candidates_read(s, t,
	    journal_db_get(&s->j->w,
		CANDIDATE "j.priority>?2 ORDER BY j.priority,j.id LIMIT ?3",
		err),
	    n, err);
}

/* Did a visit since they were read take what c needs? */
static enum err_code
taken_since(struct claiming *s, const struct turn *t,
    const struct journal_candidate *c, bool *taken, struct err *err)
{
	int64_t number_by = 0;
	int64_t org_by = 0;
	int64_t org = c->person.org;
	size_t i = t->visits;

	*taken = false;
	while (i < s->visits && s->visited[i].number != c->person.number &&
	       (org == 0 || s->visited[i].org != org))
		i++;
	if (i == s->visits)
		return ERR_NONE;
	if (journal_holders(s->j, c->person.number, org, &number_by, &org_by,
		err) != ERR_NONE)
		return err->code;
	*taken = number_by != 0 || org_by != 0;
	return ERR_NONE;
}

/* The next one, which is the caller's; found false: there is none. */
static enum err_code
next_candidate(struct claiming *s, struct turn *t, struct journal_candidate *c,
    bool *found, struct err *err)
{
	bool taken = true;
	enum err_code code = ERR_NONE;

	*found = false;
	while (code == ERR_NONE && taken) {
		if (t->at == t->count) {
			code = read_more(s, t, err);
			if (code != ERR_NONE || t->count == 0)
				return code;
		}
		*c = t->read[t->at++];
		code = taken_since(s, t, c, &taken, err);
		if (code != ERR_NONE || taken)
			journal_person_free(&c->person);
	}
	*found = code == ERR_NONE;
	return code;
}

static void
visited(struct claiming *s, const struct journal_candidate *c)
{
	if (s->visits % 64 == 0)
		s->visited = mem_realloc(
		    s->visited, s->visits + 64, sizeof(*s->visited));
	s->visited[s->visits++] =
	    (struct held){.number = c->person.number, .org = c->person.org};
}

/* What offer is given is freed by it. */
static enum err_code
offer(struct claiming *s, struct turn *t, struct journal_candidate *cand,
    struct err *err)
{
	struct journal_candidate c = *cand;
	struct journal_live live = {.all = s->live_all,
	    .campaign = t->live,
	    .kind = *kind_live(s, c.job.kind_id)};
	enum journal_verdict verdict;
	enum err_code code = ERR_NONE;

	c.next_attempt = c.job.id * 256 + c.job.attempts + 1;
	if (c.job.attempts > 0) {
		struct journal_attempt a;

		code = journal_attempt_get(s->j, c.next_attempt - 1, &a, err);
		if (code != ERR_NONE)
			goto out;
		c.taken_back = a.state == ATTEMPT_NEW;
		c.next_attempt -= c.taken_back;
	}
	err->code = ERR_NONE;
	visited(s, &c);
	verdict = s->c->visit(s->j, s->c->arg, &c, &live, err);
	code = err->code;
	if (code != ERR_NONE)
		goto out;
	t->over = verdict == JOURNAL_STOP || t->looked++ > LOOK_MAX;
	if (verdict == JOURNAL_TAKE) {
		t->live++;
		s->live_all++;
		++*kind_live(s, c.job.kind_id);
		s->c->taken++;
		t->looked = 0;
	} else if (verdict == JOURNAL_MOVED) {
		s->c->moved++;
	}
out:
	journal_person_free(&c.person);
	return code;
}

enum err_code
journal_claim(struct journal *j, struct journal_claim *c, struct err *err)
{
	struct claiming s = {.j = j, .c = c};
	bool any = true;
	enum err_code code;

	c->taken = 0;
	c->moved = 0;
	c->held_up = false;
	code = campaigns(&s, err);
	if (code == ERR_NONE && s.turns > 0)
		code = live_count(&s, err);
	while (code == ERR_NONE && any && c->taken < c->want) {
		any = false;
		for (size_t i = 0; i < s.turns && code == ERR_NONE; i++) {
			struct turn *t = &s.turn[i];
			struct journal_candidate cand = {0};
			bool found = false;

			if ((c->limit_all > 0 && s.live_all >= c->limit_all) ||
			    (c->limit_campaign > 0 &&
				t->live >= c->limit_campaign)) {
				c->held_up = true;
				continue;
			}
			if (t->over || c->taken >= c->want)
				continue;
			code = next_candidate(&s, t, &cand, &found, err);
			if (code == ERR_NONE && found) {
				any = true;
				code = offer(&s, t, &cand, err);
			} else {
				t->over = true;
			}
		}
	}
	for (size_t i = 0; i < s.turns; i++) {
		struct turn *t = &s.turn[i];

		for (; t->at < t->count; t->at++)
			journal_person_free(&t->read[t->at].person);
		mem_free(&t->read);
	}
	mem_free(&s.visited);
	mem_free(&s.kinds);
	return code;
}

/* --- time -------------------------------------------------------------------
 */

/* The first ids of a query with one time and one limit. */
static enum err_code
due_ids(struct journal *j, const char *sql, int64_t max, int64_t *ids,
    size_t *count, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w, sql, err);
	bool row = true;

	*count = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, j->group_ms);
	journal_db_i64(st, 2, max);
	for (;;) {
		if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		ids[(*count)++] = sqlite3_column_int64(st, 0);
	}
}

#define DUE_MAX 500

enum err_code
journal_wake(struct journal *j, int64_t max, int64_t *woken, struct err *err)
{
	int64_t ids[DUE_MAX];
	size_t count = 0;
	enum err_code code = due_ids(j,
	    "SELECT id FROM job INDEXED BY job_due WHERE state=0 AND "
	    "not_before_ms<=?1 ORDER BY not_before_ms LIMIT ?2",
	    max < DUE_MAX ? max : DUE_MAX, ids, &count, err);

	*woken = 0;
	/* A wrong clock would make ready what is not due. */
	if (!j->clock_ok)
		return code;
	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		struct journal_job job;

		code = journal_job_get(j, ids[i], &job, err);
		if (code != ERR_NONE)
			break;
		job.reason = JOB_REASON_NONE;
		struct journal_change change = {
		    .job = &job, .job_event = JOB_EV_DUE};

		code = journal_step(j, &change, err);
		(*woken)++;
	}
	return code;
}

enum err_code
journal_expire(
    struct journal *j, int64_t max, int64_t *expired, struct err *err)
{
	int64_t ids[DUE_MAX];
	size_t count = 0;
	enum err_code code;

	*expired = 0;
	if (!j->clock_ok)
		return ERR_NONE;
	code = due_ids(j,
	    "SELECT id FROM job INDEXED BY job_expiry WHERE state<=1 AND "
	    "expires_ms IS NOT NULL AND expires_ms<=?1 ORDER BY expires_ms "
	    "LIMIT ?2",
	    max < DUE_MAX ? max : DUE_MAX, ids, &count, err);
	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		struct journal_job job;

		code = journal_job_get(j, ids[i], &job, err);
		if (code != ERR_NONE)
			break;
		job.reason = JOB_REASON_EXPIRED;
		struct journal_change change = {
		    .job = &job, .job_event = JOB_EV_EXPIRE};

		code = journal_step(j, &change, err);
		if (code == ERR_NONE)
			code = journal_outbox_add(
			    j, &job, 0, JOURNAL_SINK_FILE, err);
		(*expired)++;
	}
	return code;
}

enum err_code
journal_next_due(struct journal *j, int64_t *at_ms, struct err *err)
{
	int64_t due = 0;
	int64_t expiry = 0;

	if (journal_db_number(&j->w,
		"SELECT min(not_before_ms) FROM job INDEXED BY job_due WHERE "
		"state=0",
		&due, err) != ERR_NONE ||
	    journal_db_number(&j->w,
		"SELECT min(expires_ms) FROM job INDEXED BY job_expiry WHERE "
		"state<=1 AND expires_ms IS NOT NULL",
		&expiry, err) != ERR_NONE)
		return err->code;
	*at_ms = due == 0 || (expiry != 0 && expiry < due) ? expiry : due;
	return ERR_NONE;
}

enum err_code
journal_dials(struct journal *j, int64_t number, int64_t since_ms,
    int64_t *count, int64_t *newest_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT count(*),coalesce(max(at_ms),0) FROM dial WHERE number=?1 "
	    "AND at_ms>?2",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, since_ms);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	*count = row ? sqlite3_column_int64(st, 0) : 0;
	*newest_ms = row ? sqlite3_column_int64(st, 1) : 0;
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_dial_nth(struct journal *j, int64_t number, int64_t since_ms, int64_t n,
    int64_t *at_ms, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT at_ms FROM dial WHERE number=?1 AND at_ms>?2 ORDER BY "
	    "at_ms LIMIT 1 OFFSET ?3",
	    err);
	bool row = false;

	*at_ms = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, since_ms);
	journal_db_i64(st, 3, n);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*at_ms = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_dial_put(struct journal *j, int64_t number, int64_t at_ms,
    int64_t attempt, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR IGNORE INTO dial(number,at_ms,attempt) "
	    "VALUES(?1,?2,?3)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, number);
	journal_db_i64(st, 2, at_ms);
	journal_db_i64(st, 3, attempt);
	return journal_db_done(&j->w, st, err);
}
