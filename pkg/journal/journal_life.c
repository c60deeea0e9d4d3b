#include "journal/journal_life.h"

#include "journal/journal_priv.h"

/* How a job came to be called again, and what stands in its way. */

enum err_code
journal_redialled(struct journal *j, const struct journal_job *job, bool *out,
    struct err *err)
{
	/* Back along the chain to the newest word of a person. */
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "WITH RECURSIVE chain(prev,machine,event) AS (SELECT e.prev,"
	    "s.machine,s.event FROM event e CROSS JOIN step s ON s.id=e.step "
	    "WHERE e.seq=?1 UNION ALL SELECT e.prev,s.machine,s.event FROM "
	    "chain c CROSS JOIN event e ON e.seq=c.prev CROSS JOIN step s ON "
	    "s.id=e.step WHERE NOT (c.machine=0 AND c.event IN (?2,?3))) "
	    "SELECT event FROM chain WHERE machine=0 AND event IN (?2,?3)",
	    err);
	bool row = false;

	*out = false;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, job->last);
	journal_db_i64(st, 2, JOB_EV_RETRY);
	journal_db_i64(st, 3, JOB_EV_REDIAL);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*out = sqlite3_column_int(st, 0) == JOB_EV_REDIAL;
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

static enum err_code
holder(struct journal *j, sqlite3_stmt *st, int64_t key, int64_t *attempt,
    struct err *err)
{
	bool row = false;

	*attempt = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, key);
	if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*attempt = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_read_holders(struct journal *j, int64_t number, int64_t org,
    int64_t *number_by, int64_t *org_by, struct err *err)
{
	*number_by = 0;
	*org_by = 0;
	if (number != 0 &&
	    holder(j,
		journal_db_get(&j->r,
		    "SELECT id FROM attempt INDEXED BY attempt_number WHERE "
		    "number=?1",
		    err),
		number, number_by, err) != ERR_NONE)
		return err->code;
	if (org == 0)
		return ERR_NONE;
	return holder(j,
	    journal_db_get(&j->r,
		"SELECT id FROM attempt INDEXED BY attempt_org WHERE org=?1",
		err),
	    org, org_by, err);
}
