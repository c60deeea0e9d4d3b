#include <string.h>

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
		if (sqlite3_column_type(st, 0) == SQLITE_NULL) {
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

/* A candidate in one row: the job's columns, then the person's five and their
 * sum. */
#define CANDIDATE                                                                  \
	"SELECT " JOURNAL_JOB_COLUMNS                                              \
	",p.number,p.org,p.org_name,p.contact,p.data,p.sum FROM job j "            \
	"INDEXED BY job_ready CROSS JOIN person p ON p.job=j.id" JOURNAL_JOB_JOINS \
	" WHERE j.state=1 AND j.campaign=?1 AND NOT "                              \
	"EXISTS(SELECT 1 FROM attempt a WHERE a.number=p.number) AND NOT "         \
	"EXISTS(SELECT 1 FROM attempt a WHERE a.org=p.org) AND "

static enum err_code
candidate_row(struct claiming *s, struct turn *t, sqlite3_stmt *st,
    struct journal_candidate *c, struct err *err)
{
	enum err_code code = journal_row_job(&s->j->w, st, &c->job, err);
	int at = sqlite3_column_count(st) - 6;

	t->job = c->job.id;
	t->priority = c->job.priority;
	journal_row_person(st, at, &c->person);
	return code == ERR_NONE
		   ? journal_person_judge(&s->j->w, st, at, c->job.id, err)
		   : code;
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
	while (t->count < n) {
		struct journal_candidate *c = &t->read[t->count];

		code = journal_db_row(&s->j->w, st, &row, err);
		if (code != ERR_NONE || !row)
			return code;
		memset(c, 0, sizeof(*c));
		t->count++;
		code = candidate_row(s, t, st, c, err);
		if (code != ERR_NONE)
			break;
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
