#include <stdio.h>

#include "base/check.h"

#include "run/run_priv.h"

/*
 * What people are told of.  Once, and after that is written down: killed in
 * between, it is not told.
 */

struct attention {
	struct journal_tx tx;
	struct run *run;
	char what[80];
	bool first;
};

static enum err_code
attention_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct attention *a = CONTAINER_OF(tx, struct attention, tx);

	return journal_attention_once(j, a->what, &a->first, err);
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

void
run_attention(struct run *r, const char *what)
{
	struct attention *a = mem_zalloc(1, sizeof(*a));
	struct err err;

	LOG(r->o.log, LOG_LEVEL_ERROR, "attention", LOG_STR("what", what));
	a->run = r;
	a->tx.run = attention_run;
	a->tx.done = attention_done;
	a->tx.cls = JOURNAL_LIVE;
	(void)snprintf(a->what, sizeof(a->what), "%s", what);
	r->attentions++;
	CHECK(journal_submit(r->journal, &a->tx, &err) == ERR_NONE);
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
	run_attention(r, what);
}
