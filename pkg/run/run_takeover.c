#include "run/run_priv.h"

/*
 * Attempts whose owner died become ours: one transaction makes them so, then
 * each is read and gone on with (run_settle.c).  If this process dies before
 * that, its own row stays open and the next run takes them from it.
 */

/*
 * What cannot be gone on with stays ours in the journal, so our row stays open
 * (an orphan keeps it so) and the next run tries again.  Unless the reason is
 * fatal, the others go on.
 */
static enum err_code
adopt_all(struct run *r, const struct journal_takeover *t, struct err *err)
{
	size_t adopted = 0;
	enum err_code code = journal_read_begin(r->journal, err);
	bool begun = code == ERR_NONE;

	for (size_t i = 0; code == ERR_NONE && i < t->count; i++) {
		r->progress.recovered++;
		code = run_call_adopt(r, t->attempts[i], err);
		adopted += code == ERR_NONE;
		if (code == ERR_NONE || err_class(code) == ERR_CLASS_FATAL)
			continue;
		LOG(r->o.log, LOG_LEVEL_ERROR, "attempt.not-taken-over",
		    LOG_INT("attempt", t->attempts[i]),
		    LOG_STR("error", err->text));
		code = ERR_NONE;
	}
	if (begun)
		journal_read_end(r->journal);
	r->orphans += (int64_t)(t->count - adopted);
	return code;
}

static void
takeover_done(struct journal_tx *tx)
{
	struct journal_takeover *t =
	    CONTAINER_OF(tx, struct journal_takeover, tx);
	struct run *r = CONTAINER_OF(t, struct run, takeover);
	struct err err = {0};
	enum err_code code = tx->code;

	if (code == ERR_NONE && t->count > 0)
		code = adopt_all(r, t, &err);
	for (size_t i = 0; tx->code == ERR_NONE && i < t->parked_count; i++)
		run_parked(r, journal_attempt_job(t->parked[i]),
		    journal_attempt_number(t->parked[i]));
	if (tx->code == ERR_NONE && t->owners > 0)
		r->again = true;
	journal_takeover_fini(r->journal, t);
	r->taking_over = false;
	if (code != ERR_NONE && err_class(code) == ERR_CLASS_FATAL)
		run_fail(r, code, tx->code != ERR_NONE ? &tx->err : &err);
	run_poke(r);
}

void
run_takeover(struct run *r)
{
	struct err err = {0};
	bool others = true;

	if (r->taking_over || r->o.mode == RUN_SYNC || r->hard_stop)
		return;
	/* Most often nobody else is there, and nothing is to be begun. */
	if (journal_read_other_owners(r->journal, &others, &err) == ERR_NONE &&
	    !others)
		return;
	journal_takeover_init(&r->takeover);
	r->takeover.tx.done = takeover_done;
	r->taking_over = true;
	if (journal_submit(r->journal, &r->takeover.tx, &err) != ERR_NONE)
		r->taking_over = false;
}
