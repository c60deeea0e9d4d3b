#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/text.h"

#include "journal/journal_priv.h"

/*
 * A job taken in: its row, its person's and its first event, or nothing when
 * its identity is known.
 */

static enum err_code
known(struct journal *j, int64_t source, const struct journal_new_job *n,
    enum journal_added *result, int64_t *id, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "SELECT id,content FROM job WHERE source=?1 AND ext=?2", err);
	uint8_t content[JOB_CONTENT_BYTES];
	bool row = false;

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, source);
	journal_db_text(st, 2, n->ext);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	*result = JOURNAL_ADDED;
	if (row) {
		*id = sqlite3_column_int64(st, 0);
		journal_db_copy_blob(st, 1, content, sizeof(content));
		*result = memcmp(content, n->content, sizeof(content)) == 0
			      ? JOURNAL_KNOWN
			      : JOURNAL_DIFFERS;
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

static enum err_code
job_insert(struct journal *j, const struct journal_new_job *n, int64_t source,
    struct journal_job *job, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO job(id,source,ext,content,kind,campaign,step,final,"
	    "state,priority,not_before_ms,expires_ms,reason,outcome,attempts,"
	    "tries,crashes,revision,opened_ms,last) VALUES(?1,?2,?3,?4,?5,?6,"
	    "?7,?8,?9,?10,?11,?12,?13,0,0,0,0,0,?14,?15)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job->id);
	journal_db_i64(st, 2, source);
	journal_db_text(st, 3, n->ext);
	journal_db_blob(st, 4, n->content, JOB_CONTENT_BYTES);
	journal_db_i64(st, 5, job->kind_id);
	journal_db_i64(st, 6, job->campaign_id);
	journal_db_i64(st, 7, n->step);
	journal_db_i64(st, 8, n->final_step);
	journal_db_i64(st, 9, job->state);
	journal_db_i64(st, 10, n->priority);
	journal_db_i64(st, 11, n->not_before_ms);
	journal_db_i64_or_null(st, 12, n->expires_ms);
	journal_db_i64(st, 13, job->reason);
	journal_db_i64(st, 14, n->opened_ms);
	journal_db_i64(st, 15, j->head.seq + 1);
	return journal_db_done(&j->w, st, err);
}

static enum err_code
person_insert(struct journal *j, const struct journal_new_job *n, int64_t job,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT INTO person(job,number,org,org_name,contact,data,sum) "
	    "VALUES(?1,?2,?3,?4,?5,?6,?7)",
	    err);
	int64_t number = 0;
	uint8_t hash[SHA256_BYTES];
	int64_t org = 0;

	if (st == NULL)
		return err->code;
	if (*n->phone != '+' ||
	    text_i64(n->phone + 1, 1, INT64_C(999999999999999), &number, err) !=
		ERR_NONE)
		return err_set(
		    err, ERR_MALFORMED, 0, "phone: expected +digits");
	if (n->org != NULL) {
		sha256_once(n->org, strlen(n->org), hash);
		memcpy(&org, hash, sizeof(org));
		org = org == 0 ? 1 : org;
	}
	journal_db_i64(st, 1, job);
	journal_db_i64(st, 2, number);
	journal_db_i64_or_null(st, 3, org);
	if (n->org != NULL)
		journal_db_text(st, 4, n->org);
	else
		journal_db_i64_or_null(st, 4, 0);
	journal_db_text(st, 5, n->contact);
	journal_db_text(st, 6, n->data);
	journal_db_i64(st, 7,
	    journal_person_sum(job, number, org, n->org, n->contact, n->data));
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_job_add(struct journal *j, const struct journal_new_job *n,
    enum journal_added *result, int64_t *id, struct err *err)
{
	struct journal_job job = {.state = JOB_READY};
	uint8_t identity[SHA256_BYTES];
	int64_t source = 0;
	const struct job_row *row = NULL;
	int step = 0;
	bool later = n->not_before_ms > j->group_ms;
	enum err_code code =
	    journal_name_put(j, JOURNAL_NAME_SOURCE, n->source, &source, err);

	if (code == ERR_NONE)
		code = known(j, source, n, result, id, err);
	if (code != ERR_NONE || *result != JOURNAL_ADDED)
		return code;
	code =
	    journal_name_put(j, JOURNAL_NAME_KIND, n->kind, &job.kind_id, err);
	if (code == ERR_NONE)
		code = journal_name_put(j, JOURNAL_NAME_CAMPAIGN, n->campaign,
		    &job.campaign_id, err);
	if (code != ERR_NONE)
		return code;
	job.state = later ? JOB_QUEUED : JOB_READY;
	job.reason = later ? JOB_REASON_NOT_BEFORE : JOB_REASON_NONE;
	job.id = j->head.next_job++;
	CHECK(job_find(JOB_NONE, later ? JOB_EV_QUEUE : JOB_EV_ADMIT, &row,
		  &step, err) == ERR_NONE);
	code = job_insert(j, n, source, &job, err);
	CRASH_POINT("journal.job.inserted");
	if (code == ERR_NONE)
		code = person_insert(j, n, job.id, err);
	if (code != ERR_NONE)
		return code;
	j->tally[job.state]++;
	job_hash_identity(n->source, n->ext, n->content, identity);
	*id = job.id;
	struct job_event_fields f = {.job = job.id,
	    .n = 1,
	    .step = step,
	    .job_state = (int)job.state,
	    .attempt_state = -1};

	return journal_event_add(j, &f, 0, identity, identity, err);
}
