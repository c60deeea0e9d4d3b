#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * All that a result says, in one statement: a row of the outbox holds no body,
 * and asking table by table cost more than the push itself.
 */

#define FACTS_SQL                                                            \
	"SELECT s.name,j.ext,k.name,c.name,j.step,j.final,j.state,j.reason," \
	"j.outcome,j.tries,j.revision,p.number,o.kept,a.id,a.terms,"         \
	"a.carrier_call,a.placed_ms,a.answered_ms,a.ended_ms,f.answered_by," \
	"f.decline,f.meeting,x.path,x.sha256,y.path,y.sha256 FROM outbox o " \
	"CROSS JOIN job j ON j.id=o.job CROSS JOIN source s ON "             \
	"s.id=j.source CROSS JOIN kind k ON k.id=j.kind CROSS JOIN "         \
	"campaign c ON c.id=j.campaign LEFT JOIN person p ON p.job=j.id "    \
	"LEFT JOIN attempt a ON a.id=o.attempt LEFT JOIN finding f ON "      \
	"f.attempt=a.id LEFT JOIN artifact x ON x.attempt=a.id AND "         \
	"x.kind=?2 LEFT JOIN artifact y ON y.attempt=a.id AND y.kind=?3 "    \
	"WHERE o.id=?1"

static const char *
text_of(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text != NULL ? text : "";
}

static void
read_job(sqlite3_stmt *st, struct journal_facts *f)
{
	f->source = text_of(st, 0);
	f->ext = text_of(st, 1);
	f->kind = text_of(st, 2);
	f->campaign = text_of(st, 3);
	f->step = sqlite3_column_int64(st, 4);
	f->final_step = sqlite3_column_int(st, 5) != 0;
	f->state = (enum job_state)sqlite3_column_int(st, 6);
	f->reason = (enum job_reason)sqlite3_column_int(st, 7);
	f->outcome = (enum job_outcome)sqlite3_column_int(st, 8);
	f->tries = sqlite3_column_int64(st, 9);
	f->revision = sqlite3_column_int64(st, 10);
	f->number = sqlite3_column_int64(st, 11);
	f->kept = text_of(st, 12);
}

static void
read_attempt(sqlite3_stmt *st, struct journal_facts *f)
{
	f->terms_id = sqlite3_column_int64(st, 14);
	f->carrier_call = text_of(st, 15);
	f->placed_ms = sqlite3_column_int64(st, 16);
	f->answered_ms = sqlite3_column_int64(st, 17);
	f->ended_ms = sqlite3_column_int64(st, 18);
	f->answered_by = text_of(st, 19);
	f->decline = text_of(st, 20);
	f->meeting = text_of(st, 21);
	for (int i = 0; i < 2; i++) {
		f->files[i].path = text_of(st, 22 + 2 * i);
		journal_db_copy_blob(
		    st, 23 + 2 * i, f->files[i].sha256, SHA256_BYTES);
	}
}

static enum err_code
read_row(sqlite3_stmt *st, const struct journal_outbox *row,
    struct journal_facts *f, struct err *err)
{
	read_job(st, f);
	read_attempt(st, f);
	if (f->state >= JOB_NONE || (unsigned)f->reason >= JOB_REASON_COUNT ||
	    (unsigned)f->outcome >= JOB_OUTCOME_COUNT)
		return err_set(err, ERR_DAMAGED, 0,
		    "job #%lld: a number this program does not know",
		    (long long)row->job);
	if (row->attempt != 0 && sqlite3_column_int64(st, 13) != row->attempt)
		return err_set(err, ERR_DAMAGED, 0,
		    "no attempt %lld of job #%lld: see `dsrun check`",
		    (long long)journal_attempt_number(row->attempt),
		    (long long)row->job);
	return ERR_NONE;
}

enum err_code
journal_read_facts(struct journal *j, const struct journal_outbox *row,
    const int kinds[2], void (*fn)(void *arg, const struct journal_facts *f),
    void *arg, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->r, FACTS_SQL, err);
	struct journal_facts f;
	bool found = false;
	enum err_code code;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, row->id);
	journal_db_i64(st, 2, kinds[0]);
	journal_db_i64(st, 3, kinds[1]);
	if (journal_db_row(&j->r, st, &found, err) != ERR_NONE)
		return err->code;
	if (!found)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "no row %lld in the outbox", (long long)row->id);
	code = read_row(st, row, &f, err);
	if (code == ERR_NONE)
		fn(arg, &f);
	(void)sqlite3_reset(st);
	return code;
}
