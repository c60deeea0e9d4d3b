#include <stdio.h>

#include "base/check.h"

#include "run/run_priv.h"

/*
 * What people are told of.  Once, and after that is written down: killed in
 * between, it is not told.  A job that parks again is told again: a person has
 * sent it on meanwhile, and would else not hear that it is back.
 */

struct attention {
	struct journal_tx tx;
	struct run *run;
	char what[80];
	int64_t job; /* that is parked; 0 = something else */
	bool first;
};

static enum err_code
attention_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct attention *a = CONTAINER_OF(tx, struct attention, tx);
	struct journal_job job = {0};
	char once[112];

	if (a->job != 0 && journal_job_get(j, a->job, &job, err) != ERR_NONE)
		return err->code;
	(void)snprintf(once, sizeof(once), "%s", a->what);
	if (a->job != 0)
		(void)snprintf(once, sizeof(once), "%s @%lld", a->what,
		    (long long)job.last);
	return journal_attention_once(j, once, &a->first, err);
}

static void
attention_done(struct journal_tx *tx)
{
	struct attention *a = CONTAINER_OF(tx, struct attention, tx);
	struct run *r = a->run;

	if (tx->code == ERR_NONE && a->first && r->o.attention != NULL)
		r->o.attention(r->o.attention_arg, a->what);
	r->attentions--;
	mem_free(&a);
	run_poke(r);
}

static void
tell(struct run *r, const char *what, int64_t job)
{
	struct attention *a = mem_zalloc(1, sizeof(*a));
	struct err err;

	LOG(r->o.log, LOG_LEVEL_ERROR, "attention", LOG_STR("what", what));
	a->run = r;
	a->job = job;
	a->tx.run = attention_run;
	a->tx.done = attention_done;
	a->tx.cls = JOURNAL_LIVE;
	(void)snprintf(a->what, sizeof(a->what), "%s", what);
	r->attentions++;
	CHECK(journal_submit(r->journal, &a->tx, &err) == ERR_NONE);
}

void
run_attention(struct run *r, const char *what)
{
	tell(r, what, 0);
}

void
run_parked(struct run *r, int64_t job, int64_t attempt)
{
	char what[64];

	r->progress.parked++;
	if (attempt > 0)
		(void)snprintf(what, sizeof(what), "parked #%lld-%lld",
		    (long long)job, (long long)attempt);
	else
		(void)snprintf(
		    what, sizeof(what), "parked #%lld", (long long)job);
	tell(r, what, job);
}
