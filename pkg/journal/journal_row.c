#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_priv.h"

enum err_code
journal_row_job(struct journal_db *db, sqlite3_stmt *st, struct journal_job *o,
    struct err *err)
{
	(void)db;
	o->id = sqlite3_column_int64(st, 0);
	journal_db_copy_text(st, 1, o->source, sizeof(o->source));
	journal_db_copy_text(st, 2, o->ext, sizeof(o->ext));
	journal_db_copy_blob(st, 3, o->content, sizeof(o->content));
	journal_db_copy_text(st, 4, o->kind, sizeof(o->kind));
	journal_db_copy_text(st, 5, o->campaign, sizeof(o->campaign));
	o->campaign_id = sqlite3_column_int64(st, 6);
	o->kind_id = sqlite3_column_int64(st, 7);
	o->step = sqlite3_column_int64(st, 8);
	o->final_step = sqlite3_column_int(st, 9) != 0;
	o->state = (enum job_state)sqlite3_column_int(st, 10);
	o->priority = sqlite3_column_int64(st, 11);
	o->not_before_ms = sqlite3_column_int64(st, 12);
	o->expires_ms = sqlite3_column_int64(st, 13);
	o->reason = (enum job_reason)sqlite3_column_int(st, 14);
	o->outcome = (enum job_outcome)sqlite3_column_int(st, 15);
	o->attempts = sqlite3_column_int64(st, 16);
	o->tries = sqlite3_column_int64(st, 17);
	o->crashes = sqlite3_column_int64(st, 18);
	journal_db_copy_blob(st, 19, o->crash_boot, sizeof(o->crash_boot));
	o->revision = sqlite3_column_int64(st, 20);
	o->opened_ms = sqlite3_column_int64(st, 21);
	o->outbox = 0;
	o->last = sqlite3_column_int64(st, 22);
	o->n = sqlite3_column_int64(st, 23);
	journal_db_copy_blob(st, 24, o->last_hash, sizeof(o->last_hash));
	o->row_last = 0;
	if (o->state >= JOB_NONE || (unsigned)o->reason >= JOB_REASON_COUNT ||
	    (unsigned)o->outcome >= JOB_OUTCOME_COUNT)
		return err_set(err, ERR_DAMAGED, 0,
		    "job #%lld: a number this program does not know",
		    (long long)o->id);
	return ERR_NONE;
}

void
journal_row_attempt(sqlite3_stmt *st, struct journal_attempt *o)
{
	o->id = sqlite3_column_int64(st, 0);
	o->is_new = false;
	o->row_last = 0;
	o->state = (enum attempt_state)sqlite3_column_int(st, 1);
	o->owner = sqlite3_column_int64(st, 2);
	o->campaign_id = sqlite3_column_int64(st, 3);
	o->kind_id = sqlite3_column_int64(st, 4);
	o->number = sqlite3_column_int64(st, 5);
	o->org = sqlite3_column_int64(st, 6);
	o->has_key = sqlite3_column_type(st, 7) != SQLITE_NULL;
	journal_db_copy_blob(st, 7, o->key, sizeof(o->key));
	journal_db_copy_blob(st, 8, o->request, sizeof(o->request));
	o->terms_id = sqlite3_column_int64(st, 9);
	journal_db_copy_text(st, 10, o->carrier_call, sizeof(o->carrier_call));
	o->dial_until_ms = sqlite3_column_int64(st, 11);
	journal_db_copy_blob(st, 12, o->settle_boot, sizeof(o->settle_boot));
	o->settle_boot_ms = sqlite3_column_int64(st, 13);
	o->looked_boot_ms = sqlite3_column_int64(st, 14);
	o->lookups = sqlite3_column_int64(st, 15);
	o->resends = sqlite3_column_int64(st, 16);
	o->armed_ms = sqlite3_column_int64(st, 17);
	o->placed_ms = sqlite3_column_int64(st, 18);
	o->answered_ms = sqlite3_column_int64(st, 19);
	o->ended_ms = sqlite3_column_int64(st, 20);
	o->slot_until_ms = sqlite3_column_int64(st, 21);
	o->outcome = (enum job_outcome)sqlite3_column_int(st, 22);
	journal_db_copy_text(st, 23, o->detail, sizeof(o->detail));
	o->last = sqlite3_column_int64(st, 24);
	journal_attempt_rest(o, &o->stored);
}

void
journal_attempt_rest(
    const struct journal_attempt *a, struct journal_attempt_rest *out)
{
	*out = (struct journal_attempt_rest){.dial_until_ms = a->dial_until_ms,
	    .armed_ms = a->armed_ms,
	    .slot_until_ms = a->slot_until_ms,
	    .settle_boot_ms = a->settle_boot_ms,
	    .looked_boot_ms = a->looked_boot_ms,
	    .lookups = a->lookups,
	    .resends = a->resends,
	    .plain = *a->detail == '\0'};
	memcpy(out->settle_boot, a->settle_boot, sizeof(out->settle_boot));
}

enum err_code
journal_job_get(
    struct journal *j, int64_t id, struct journal_job *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT " JOURNAL_JOB_COLUMNS " FROM job j" JOURNAL_JOB_JOINS
	    "WHERE j.id=?1",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(
		    err, ERR_NOT_FOUND, 0, "no job #%lld", (long long)id);
	enum err_code code = journal_row_job(&j->w, st, out, err);

	(void)sqlite3_reset(st);
	/* Without its last event there is no chain to go on with. */
	if (code == ERR_NONE && out->n == 0)
		code = err_set(err, ERR_NOT_FOUND, 0,
		    "job #%lld was pruned, its history is in archive/",
		    (long long)id);
	return code;
}

enum err_code
journal_row_get_attempt(struct journal_db *db, int64_t id,
    struct journal_attempt *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT " JOURNAL_ATTEMPT_COLUMNS " FROM attempt a WHERE a.id=?1",
	    err);
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "no attempt %lld of "
		    "job #%lld",
		    (long long)journal_attempt_number(id),
		    (long long)journal_attempt_job(id));
	journal_row_attempt(st, out);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_attempt_get(
    struct journal *j, int64_t id, struct journal_attempt *out, struct err *err)
{
	return journal_row_get_attempt(&j->w, id, out, err);
}

void
journal_row_person(sqlite3_stmt *st, int at, struct journal_person *out)
{
	out->number = sqlite3_column_int64(st, at);
	out->org = sqlite3_column_int64(st, at + 1);
	out->org_name = journal_db_dup_text(st, at + 2);
	out->contact = journal_db_dup_text(st, at + 3);
	out->data = journal_db_dup_text(st, at + 4);
}

static enum err_code
person_get(struct journal_db *db, int64_t job, bool judge,
    struct journal_person *out, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(db,
	    "SELECT number,org,org_name,contact,data,sum FROM person "
	    "WHERE job=?1",
	    err);
	bool row = false;
	enum err_code code = ERR_NONE;

	memset(out, 0, sizeof(*out));
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	if (!row)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "the personal data of job #%lld was erased",
		    (long long)job);
	if (judge)
		code = journal_person_judge(db, st, 0, job, err);
	if (code == ERR_NONE)
		journal_row_person(st, 0, out);
	(void)sqlite3_reset(st);
	return code;
}

/* For those who look: check must be able to name what is wrong. */
enum err_code
journal_row_get_person(struct journal_db *db, int64_t job,
    struct journal_person *out, struct err *err)
{
	return person_get(db, job, false, out, err);
}

enum err_code
journal_person_get(
    struct journal *j, int64_t job, struct journal_person *out, struct err *err)
{
	return person_get(&j->w, job, true, out, err);
}

void
journal_person_free(struct journal_person *p)
{
	mem_free(&p->org_name);
	mem_free(&p->contact);
	mem_free(&p->data);
}

int64_t
journal_attempt_number(int64_t attempt_id)
{
	return attempt_id % 256;
}

int64_t
journal_attempt_job(int64_t attempt_id)
{
	return attempt_id / 256;
}

/*
 * One text column made a number: put once, then found.  The last of each table
 * is kept for the rest of the group, in which nobody takes it away: nearly all
 * jobs of a batch have the same.
 */
static enum err_code
intern(struct journal *j, enum journal_name table, const char *text,
    int64_t *id, struct err *err)
{
	static const struct {
		const char *find, *add;
	} sql[JOURNAL_NAMES] = {
	    [JOURNAL_NAME_SOURCE] = {"SELECT id FROM source WHERE name=?1",
		"INSERT INTO source(name) VALUES(?1)"},
	    [JOURNAL_NAME_KIND] = {"SELECT id FROM kind WHERE name=?1",
		"INSERT INTO kind(name) VALUES(?1)"},
	    [JOURNAL_NAME_CAMPAIGN] = {"SELECT id FROM campaign WHERE name=?1",
		"INSERT INTO campaign(name) VALUES(?1)"},
	    [JOURNAL_NAME_TERMS] = {"SELECT id FROM terms WHERE text=?1",
		"INSERT INTO terms(text) VALUES(?1)"}};
	struct journal_interned *last = &j->interned[table];
	sqlite3_stmt *st;
	bool row = false;

	if (last->id != 0 && strcmp(last->text, text) == 0) {
		*id = last->id;
		return ERR_NONE;
	}
	st = journal_db_get(&j->w, sql[table].find, err);
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, text);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*id = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	} else {
		st = journal_db_get(&j->w, sql[table].add, err);
		if (st == NULL)
			return err->code;
		journal_db_text(st, 1, text);
		if (journal_db_done(&j->w, st, err) != ERR_NONE)
			return err->code;
		*id = sqlite3_last_insert_rowid(j->w.h);
	}
	if (strlen(text) < sizeof(last->text)) {
		(void)strcpy(last->text, text);
		last->id = *id;
	}
	return ERR_NONE;
}

void
journal_names_forget(struct journal *j)
{
	for (size_t i = 0; i < ARRAY_LEN(j->interned); i++)
		j->interned[i].id = 0;
}

enum err_code
journal_name_put(struct journal *j, enum journal_name table, const char *name,
    int64_t *id, struct err *err)
{
	return intern(j, table, name, id, err);
}

enum err_code
journal_terms_put(
    struct journal *j, const char *text, int64_t *id, struct err *err)
{
	return intern(j, JOURNAL_NAME_TERMS, text, id, err);
}

enum err_code
journal_row_get_terms(struct journal_db *db, int64_t id,
    char out[JOURNAL_TERMS_MAX], struct err *err)
{
	sqlite3_stmt *st =
	    journal_db_get(db, "SELECT text FROM terms WHERE id=?1", err);
	bool row = false;

	out[0] = '\0';
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, id);
	if (journal_db_row(db, st, &row, err) != ERR_NONE)
		return err->code;
	journal_db_copy_text(st, 0, out, JOURNAL_TERMS_MAX);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_terms_get(
    struct journal *j, int64_t id, char out[JOURNAL_TERMS_MAX], struct err *err)
{
	return journal_row_get_terms(&j->w, id, out, err);
}

enum err_code
journal_outcomes(struct journal *j, int64_t job, int64_t attempt,
    enum job_outcome outcome, int64_t *count, struct err *err)
{
	sqlite3_stmt *st = NULL;
	bool row = false;

	*count = 0;
	if (journal_attempt_number(attempt) == 1)
		return ERR_NONE; /* most calls are a job's first */
	st = journal_db_get(&j->w,
	    "SELECT count(*) FROM attempt WHERE id>?1*256 AND id<?2 AND "
	    "outcome=?3",
	    err);
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job);
	journal_db_i64(st, 2, attempt);
	journal_db_i64(st, 3, outcome);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	*count = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

static enum err_code
attempt_where(
    struct journal *j, sqlite3_stmt *st, int64_t *attempt, struct err *err)
{
	bool row = false;

	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*attempt = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_attempt_by_key(struct journal *j, int64_t event_seq,
    const uint8_t key[SHA256_BYTES], int64_t *attempt, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT a.id FROM event e CROSS JOIN attempt a ON a.id=e.attempt "
	    "WHERE e.seq=?1 AND a.key=?2",
	    err);

	*attempt = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, event_seq);
	journal_db_blob(st, 2, key, SHA256_BYTES);
	if (attempt_where(j, st, attempt, err) != ERR_NONE || *attempt != 0)
		return err->code;
	st = journal_db_get(&j->w, "SELECT id FROM attempt WHERE key=?1", err);
	if (st == NULL)
		return err->code;
	journal_db_blob(st, 1, key, SHA256_BYTES);
	return attempt_where(j, st, attempt, err);
}
