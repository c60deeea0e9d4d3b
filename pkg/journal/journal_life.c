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
number_of(struct journal *j, sqlite3_stmt *st, int64_t a, int64_t b,
    int64_t *out, struct err *err)
{
	bool row = false;

	*out = 0;
	if (st == NULL)
		return err->code;
	journal_db_i64(st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		journal_db_i64(st, 2, b);
	if (journal_db_row(&j->w, st, &row, err) != ERR_NONE)
		return err->code;
	if (row) {
		*out = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	return ERR_NONE;
}

enum err_code
journal_holders(struct journal *j, int64_t number, int64_t org,
    int64_t *number_by, int64_t *org_by, struct err *err)
{
	*org_by = 0;
	if (number_of(j,
		journal_db_get(&j->w,
		    "SELECT id FROM attempt INDEXED BY attempt_number WHERE "
		    "number=?1",
		    err),
		number, 0, number_by, err) != ERR_NONE)
		return err->code;
	if (org == 0)
		return ERR_NONE;
	return number_of(j,
	    journal_db_get(&j->w,
		"SELECT id FROM attempt INDEXED BY attempt_org WHERE org=?1",
		err),
	    org, 0, org_by, err);
}

#define SLOTS                                                           \
	"SELECT count(*) FROM attempt INDEXED BY attempt_number WHERE " \
	"number IS NOT NULL AND (state<>7 OR slot_until_ms>?1)"

enum err_code
journal_slots(struct journal *j, int64_t campaign, int64_t kind,
    struct journal_live *out, struct err *err)
{
	if (number_of(j, journal_db_get(&j->w, SLOTS, err), j->group_ms, 0,
		&out->all, err) != ERR_NONE ||
	    number_of(j, journal_db_get(&j->w, SLOTS " AND campaign=?2", err),
		j->group_ms, campaign, &out->campaign, err) != ERR_NONE)
		return err->code;
	return number_of(j, journal_db_get(&j->w, SLOTS " AND kind=?2", err),
	    j->group_ms, kind, &out->kind, err);
}

/* How far the carrier's clock and ours may be apart. */
#define LOST_SLACK_MS 10000

enum err_code
journal_lost_before(struct journal *j, int64_t *before_ms, struct err *err)
{
	int64_t times = 0;

	*before_ms = 0;
	if (journal_db_number(&j->r,
		"SELECT count(*) FROM deed WHERE what IN ('restore','adopt')",
		&times, err) != ERR_NONE)
		return err->code;
	if (times > 0 || j->head.fresh)
		*before_ms = j->head.opened_ms + LOST_SLACK_MS;
	/* The clock was behind when it was restored, or may have been, for the
	 * backup knew of no moment: none divides them. */
	if (*before_ms != 0 &&
	    (*before_ms < j->head.knew_ms || j->head.knew_ms == 1))
		*before_ms = INT64_MAX;
	return ERR_NONE;
}
