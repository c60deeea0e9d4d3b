#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "journal/journal_priv.h"

/*
 * One transition: the guard first, then the event that tells of it.
 *
 * The guard is "nothing has happened to this job since I read it": state and
 * last event must be what the caller holds.  So two who decide at once cannot
 * both win, whichever process they are in, and the chain's end that the caller
 * holds is the right one to hash on.
 */

/* What the row of a job or attempt must still have as last. */
static int64_t
row_last(int64_t last, int64_t behind)
{
	return behind != 0 ? behind : last;
}

static enum err_code
changed_one(struct journal *j, const struct journal_job *job, struct err *err)
{
	if (sqlite3_changes(j->w.h) == 1)
		return ERR_NONE;
	return err_set(err, ERR_STATE, 0,
	    "job #%lld changed meanwhile: read it again", (long long)job->id);
}

/* Only the chain moves on: no index is touched. */
static enum err_code
job_touch(struct journal *j, const struct journal_job *job, int64_t seq,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE job SET last=?4 WHERE id=?1 AND state=?2 AND last=?3", err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job->id);
	journal_db_i64(st, 2, job->state);
	journal_db_i64(st, 3, row_last(job->last, job->row_last));
	journal_db_i64(st, 4, seq);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	return changed_one(j, job, err);
}

static enum err_code
job_move(struct journal *j, const struct journal_job *job, enum job_state next,
    int64_t seq, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "UPDATE job SET state=?4,last=?5,not_before_ms=?6,reason=?7,"
	    "outcome=?8,attempts=?9,tries=?10,crashes=?11,crash_boot=?12,"
	    "revision=?13,priority=?14,expires_ms=?15,opened_ms=?16 "
	    "WHERE id=?1 AND state=?2 AND last=?3",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job->id);
	journal_db_i64(st, 2, job->state);
	journal_db_i64(st, 3, row_last(job->last, job->row_last));
	journal_db_i64(st, 4, next);
	journal_db_i64(st, 5, seq);
	journal_db_i64(st, 6, job->not_before_ms);
	journal_db_i64(st, 7, job->reason);
	journal_db_i64(st, 8, job->outcome);
	journal_db_i64(st, 9, job->attempts);
	journal_db_i64(st, 10, job->tries);
	journal_db_i64(st, 11, job->crashes);
	journal_db_blob(st, 12, job->crash_boot, sizeof(job->crash_boot));
	journal_db_i64(
	    st, 13, job->revision + (job_is_final(next) && next != job->state));
	journal_db_i64(st, 14, job->priority);
	journal_db_i64_or_null(st, 15, job->expires_ms);
	journal_db_i64(st, 16, job->opened_ms);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	return changed_one(j, job, err);
}

/*
 * An attempt's columns by how often they change, so that a step writes, and
 * binds, no more than it must: those of every step; number and org, whose
 * indexes are left alone otherwise; the rest; and what only arming or a new
 * claim decides.
 */
enum width {
	WIDTH_STEP,
	WIDTH_HOLD,
	WIDTH_REST,
	WIDTH_ALL
};

#define SET_STEP                                                  \
	"UPDATE attempt SET state=?2,owner=?3,last=?4,"           \
	"carrier_call=?5,placed_ms=?6,answered_ms=?7,ended_ms=?8" \
	",outcome=?9"
#define SET_HOLD ",number=?12,org=?13"
#define SET_REST                                             \
	",dial_until_ms=?14,settle_boot=?15,"                \
	"settle_boot_ms=?16,looked_boot_ms=?17,lookups=?18," \
	"resends=?19,armed_ms=?20,slot_until_ms=?21,detail=?22"
#define SET_ALL ",key=?23,request=?24,terms=?25,campaign=?26,kind=?27"
#define SET_WHERE " WHERE id=?1 AND last=?10 AND state=?11"

static const char *const attempt_set[] = {[WIDTH_STEP] = SET_STEP SET_WHERE,
    [WIDTH_HOLD] = SET_STEP SET_HOLD SET_WHERE,
    [WIDTH_REST] = SET_STEP SET_HOLD SET_REST SET_WHERE,
    [WIDTH_ALL] = SET_STEP SET_HOLD SET_REST SET_ALL SET_WHERE};

static void
bind_hash(sqlite3_stmt *st, int i, bool there, const uint8_t hash[SHA256_BYTES])
{
	if (there)
		journal_db_blob(st, i, hash, SHA256_BYTES);
	else
		journal_db_i64_or_null(st, i, 0);
}

static void
bind_attempt(
    sqlite3_stmt *st, const struct journal_attempt *a, enum width width)
{
	journal_db_i64(st, 1, a->id);
	journal_db_text(st, 5, a->carrier_call);
	journal_db_i64_or_null(st, 6, a->placed_ms);
	journal_db_i64_or_null(st, 7, a->answered_ms);
	journal_db_i64_or_null(st, 8, a->ended_ms);
	journal_db_i64(st, 9, a->outcome);
	if (width < WIDTH_REST)
		return;
	journal_db_i64_or_null(st, 14, a->dial_until_ms);
	journal_db_blob(st, 15, a->settle_boot, sizeof(a->settle_boot));
	journal_db_i64_or_null(st, 16, a->settle_boot_ms);
	journal_db_i64_or_null(st, 17, a->looked_boot_ms);
	journal_db_i64(st, 18, a->lookups);
	journal_db_i64(st, 19, a->resends);
	journal_db_i64_or_null(st, 20, a->armed_ms);
	journal_db_i64_or_null(st, 21, a->slot_until_ms);
	journal_db_text(st, 22, a->detail);
	if (width < WIDTH_ALL)
		return;
	bind_hash(st, 23, a->has_key, a->key);
	bind_hash(st, 24, a->has_key, a->request);
	journal_db_i64_or_null(st, 25, a->terms_id);
	journal_db_i64(st, 26, a->campaign_id);
	journal_db_i64(st, 27, a->kind_id);
}

/* What a step itself changes of an attempt. */
struct moved {
	enum attempt_state state;
	int64_t owner, number, org;
};

static struct moved
move(const struct journal_attempt *a, enum attempt_state next)
{
	bool live = job_attempt_is_live(next);
	bool holds = live || next == ATTEMPT_PARKED;

	return (struct moved){.state = next,
	    .owner = live ? a->owner : 0,
	    .number = holds ? a->number : 0,
	    .org = holds ? a->org : 0};
}

static enum width
width_of(const struct journal_attempt *a, const struct moved *m, bool armed)
{
	struct journal_attempt_rest rest;

	if (armed || m->state == ATTEMPT_NEW || a->state == ATTEMPT_NEW)
		return WIDTH_ALL;
	journal_attempt_rest(a, &rest);
	if (memcmp(&rest, &a->stored, sizeof(rest)) != 0 || !rest.plain)
		return WIDTH_REST;
	return m->number == a->number ? WIDTH_STEP : WIDTH_HOLD;
}

static enum err_code
attempt_write(struct journal *j, const struct journal_attempt *a,
    const struct moved *m, enum width width, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    !a->is_new
		? attempt_set[width]
		: "INSERT INTO attempt(id,state,owner,last,carrier_call,"
		  "placed_ms,answered_ms,ended_ms,outcome,number,org,"
		  "dial_until_ms,settle_boot,settle_boot_ms,looked_boot_ms,"
		  "lookups,resends,armed_ms,slot_until_ms,detail,key,request,"
		  "terms,campaign,kind) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,"
		  "?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,"
		  "?26,?27)",
	    err);

	if (st == NULL)
		return err->code;
	bind_attempt(st, a, width);
	journal_db_i64(st, 2, m->state);
	journal_db_i64_or_null(st, 3, m->owner);
	journal_db_i64(st, 4, j->head.seq + 1);
	if (!a->is_new) {
		journal_db_i64(st, 10, row_last(a->last, a->row_last));
		journal_db_i64(
		    st, 11, a->row_last != 0 ? a->row_state : a->state);
	}
	if (width >= WIDTH_HOLD) {
		journal_db_i64_or_null(st, 12, m->number);
		journal_db_i64_or_null(st, 13, m->org);
	}
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	if (sqlite3_changes(j->w.h) != 1)
		return err_set(err, ERR_STATE, 0,
		    "attempt %lld changed meanwhile", (long long)a->id);
	return ERR_NONE;
}

enum err_code
journal_event_add(struct journal *j, struct job_event_fields *f, int64_t prev,
    const uint8_t before[SHA256_BYTES], uint8_t hash[SHA256_BYTES],
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO event(seq,job,n,prev,at_ms,step,job_state,attempt,"
	    "attempt_state,detail,hash) "
	    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
	    err);

	if (st == NULL)
		return err->code;
	f->seq = j->head.seq + 1;
	f->at_ms = j->group_ms;
	job_hash_event(before, f, hash);
	journal_db_i64(st, 1, f->seq);
	journal_db_i64(st, 2, f->job);
	journal_db_i64(st, 3, f->n);
	journal_db_i64_or_null(st, 4, prev);
	journal_db_i64(st, 5, f->at_ms);
	journal_db_i64(st, 6, f->step);
	journal_db_i64(st, 7, f->job_state);
	journal_db_i64_or_null(st, 8, f->attempt);
	if (f->attempt != 0)
		journal_db_i64(st, 9, f->attempt_state);
	else
		journal_db_i64_or_null(st, 9, 0);
	if (f->detail != NULL)
		journal_db_text(st, 10, f->detail);
	else
		journal_db_i64_or_null(st, 10, 0);
	journal_db_blob(st, 11, hash, SHA256_BYTES);
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	j->head.seq = f->seq;
	memcpy(j->head.hash, hash, SHA256_BYTES);
	CRASH_POINT("journal.event.added");
	return ERR_NONE;
}

/* A finish is sealed: a chain of its own, which outlives pruning. */
static enum err_code
seal(struct journal *j, const struct journal_job *job, enum job_state state,
    const uint8_t last[SHA256_BYTES], struct err *err)
{
	uint8_t identity[SHA256_BYTES];
	uint8_t hash[SHA256_BYTES];
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO sealed(n,job,revision,state,outcome,identity,last,"
	    "hash) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	    err);

	if (st == NULL)
		return err->code;
	job_hash_identity(job->source, job->ext, job->content, identity);
	struct job_sealed_fields f = {.identity = identity,
	    .state = (int)state,
	    .outcome = (int)job->outcome,
	    .revision = job->revision + 1,
	    .last = last,
	    .before = j->head.sealed_hash};

	job_hash_sealed(&f, hash);
	journal_db_i64(st, 1, j->head.sealed + 1);
	journal_db_i64(st, 2, job->id);
	journal_db_i64(st, 3, f.revision);
	journal_db_i64(st, 4, state);
	journal_db_i64(st, 5, job->outcome);
	journal_db_blob(st, 6, identity, sizeof(identity));
	journal_db_blob(st, 7, last, SHA256_BYTES);
	journal_db_blob(st, 8, hash, sizeof(hash));
	if (journal_db_done(&j->w, st, err) != ERR_NONE)
		return err->code;
	j->head.sealed++;
	memcpy(j->head.sealed_hash, hash, sizeof(hash));
	return ERR_NONE;
}

/* What both tables say of a change; asking for what they lack is a bug. */
static void
plan(const struct journal_change *c, enum job_state *job_next,
    enum attempt_state *attempt_next, int *step)
{
	const struct job_row *job_row = NULL;
	const struct attempt_row *attempt_row = NULL;
	struct err err = {0};
	int job_step = 0;

	*job_next = c->job->state;
	if (c->attempt == NULL || c->job_event != JOB_EV_NOTE) {
		CHECK(job_find(c->job->state, c->job_event, &job_row, &job_step,
			  &err) == ERR_NONE);
		*job_next = job_row->next;
		*step = job_step;
	}
	if (c->attempt == NULL)
		return;
	CHECK(job_find_attempt(c->attempt->state, c->attempt_event,
		  &attempt_row, step, &err) == ERR_NONE);
	CHECK((c->job_event == JOB_EV_NOTE && attempt_row->job_events == 0) ||
	      (attempt_row->job_events & 1U << c->job_event) != 0);
	*attempt_next = attempt_row->next;
}

/* The caller's structs become what is in the database now. */
static void
moved_on(const struct journal_change *c, const struct job_event_fields *f,
    const struct moved *m, const uint8_t hash[SHA256_BYTES])
{
	struct journal_job *job = c->job;
	struct journal_attempt *a = c->attempt;
	enum job_state next = (enum job_state)f->job_state;

	job->row_last = c->more ? row_last(job->last, job->row_last) : 0;
	job->revision += job_is_final(next) && next != job->state;
	job->state = next;
	job->last = f->seq;
	job->n = f->n;
	memcpy(job->last_hash, hash, SHA256_BYTES);
	if (a == NULL)
		return;
	if (c->more && a->row_last == 0) {
		a->row_last = a->last;
		a->row_state = a->state;
	}
	if (!c->more)
		a->row_last = 0;
	a->is_new = false;
	a->state = m->state;
	a->owner = m->owner;
	a->number = m->number;
	a->org = m->org;
	a->last = f->seq;
	if (!c->more)
		journal_attempt_rest(a, &a->stored);
}

/* The rows, and whether they were still what the caller holds. */
static enum err_code
rows_write(struct journal *j, const struct journal_change *c,
    const struct moved *m, enum job_state next, struct err *err)
{
	const struct journal_attempt *a = c->attempt;
	enum err_code code;

	if (c->more) {
		CHECK(c->job_event == JOB_EV_NOTE && !c->job_changed);
		CHECK(a != NULL && !a->is_new && m->number == a->number &&
		      job_attempt_is_live(a->state));
		return ERR_NONE;
	}
	if (c->job_event == JOB_EV_NOTE && !c->job_changed)
		code = job_touch(j, c->job, j->head.seq + 1, err);
	else
		code = job_move(j, c->job, next, j->head.seq + 1, err);
	if (code == ERR_NONE && a != NULL)
		code = attempt_write(j, a, m,
		    width_of(a, m, c->attempt_event == ATTEMPT_EV_ARM), err);
	return code;
}

enum err_code
journal_step(struct journal *j, const struct journal_change *c, struct err *err)
{
	const struct journal_job *job = c->job;
	const struct journal_attempt *a = c->attempt;
	struct moved m = {.state = ATTEMPT_NEW};
	enum job_state next;
	enum attempt_state attempt_next = ATTEMPT_NEW;
	int step = 0;
	uint8_t hash[SHA256_BYTES];
	enum err_code code;

	plan(c, &next, &attempt_next, &step);
	if (a != NULL)
		m = move(a, attempt_next);
	code = rows_write(j, c, &m, next, err);
	if (code != ERR_NONE)
		return code;
	j->tally[job->state]--;
	j->tally[next]++;
	struct job_event_fields f = {.job = job->id,
	    .n = job->n + 1,
	    .step = step,
	    .job_state = (int)next,
	    .attempt = a != NULL ? a->id : 0,
	    .attempt_state = a != NULL ? (int)m.state : -1,
	    .detail = c->detail};

	code = journal_event_add(j, &f, job->last, job->last_hash, hash, err);
	if (code == ERR_NONE && job_is_final(next) && next != job->state)
		code = seal(j, job, next, hash, err);
	if (code == ERR_NONE)
		moved_on(c, &f, &m, hash);
	return code;
}
