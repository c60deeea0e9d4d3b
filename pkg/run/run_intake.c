#include "run/run_intake.h"

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "journal/journal_lease.h"

struct run_intake {
	struct run_intake_options o;
	struct journal_tx tx;
	struct env_post post;
	struct source_job *jobs[RUN_INTAKE_BATCH];
	enum source_taken results[RUN_INTAKE_BATCH];
	size_t count;
	enum err_code code; /* of the source, after the batch before it */
	struct err err;
	bool busy;
};

struct journal_new_job
run_intake_job(const struct source_job *s)
{
	return (struct journal_new_job){.source = s->source,
	    .ext = s->id,
	    .kind = s->kind,
	    .campaign = s->campaign,
	    .content = s->content,
	    .phone = s->phone,
	    .org = s->org[0] != '\0' ? s->org : NULL,
	    .contact = s->contact,
	    .data = s->data,
	    .step = s->step,
	    .final_step = s->final_step,
	    .priority = s->priority,
	    .not_before_ms = s->not_before_ms,
	    .expires_ms = s->expires_ms,
	    .opened_ms = s->opened_ms};
}

static enum err_code
take(struct journal *j, const struct source_job *s, enum source_taken *taken,
    struct err *err)
{
	static const enum source_taken words[] = {
	    [JOURNAL_ADDED] = SOURCE_ADDED,
	    [JOURNAL_KNOWN] = SOURCE_KNOWN,
	    [JOURNAL_DIFFERS] = SOURCE_DIFFERS};
	struct journal_new_job n = run_intake_job(s);
	enum journal_added added = JOURNAL_ADDED;
	enum journal_met met = JOURNAL_MET_NEW;
	int64_t id = 0;

	if (journal_job_add(j, &n, &added, &id, err) != ERR_NONE)
		return err->code;
	*taken = words[added];
	if (s->lease == NULL)
		return ERR_NONE;
	if (added == JOURNAL_ADDED)
		return journal_lease_new(j, id, s->source, s->lease,
		    s->own_ladder, s->lease_until_ms, err);
	if (journal_lease_take(j, id, s->lease, s->own_ladder,
		s->lease_until_ms, &met, err) != ERR_NONE)
		return err->code;
	if (met == JOURNAL_MET_PRUNED)
		*taken = SOURCE_PRUNED;
	else if (met == JOURNAL_MET_LET_GO)
		*taken = SOURCE_LET_GO;
	else if (met == JOURNAL_MET_FINAL)
		*taken = SOURCE_OVER;
	return ERR_NONE;
}

static enum err_code
batch_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_intake *in = CONTAINER_OF(tx, struct run_intake, tx);
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < in->count && code == ERR_NONE; i++)
		code = take(j, in->jobs[i], &in->results[i], err);
	CRASH_POINT("intake.batch.run");
	return code;
}

static void
idle(struct run_intake *in, enum err_code code, const struct err *err)
{
	in->busy = false;
	in->o.idle(in->o.arg, code, err);
}

static void
batch_done(struct journal_tx *tx)
{
	struct run_intake *in = CONTAINER_OF(tx, struct run_intake, tx);
	struct source *s = in->o.source;
	enum err_code code = tx->code;
	struct err err = tx->err;

	CRASH_POINT("intake.batch.durable");
	for (size_t i = 0; i < in->count; i++) {
		if (code == ERR_NONE)
			code = s->ops->taken(
			    s->impl, &in->jobs[i], in->results[i], &err);
		else
			s->ops->release(s->impl, &in->jobs[i]);
		CRASH_POINT("intake.job.taken");
	}
	in->count = 0;
	if (code == ERR_NONE && in->code == ERR_NONE)
		env_post(in->o.env, &in->post);
	else
		idle(in, code != ERR_NONE ? code : in->code,
		    code != ERR_NONE ? &err : &in->err);
}

static void
posted(struct env_post *p)
{
	struct run_intake *in = CONTAINER_OF(p, struct run_intake, post);
	struct err err = {0};

	in->code = source_batch(
	    in->o.source, in->jobs, RUN_INTAKE_BATCH, &in->count, &in->err);
	if (in->count == 0) {
		idle(in, in->code, &in->err);
		return;
	}
	in->tx.run = batch_run;
	in->tx.done = batch_done;
	in->tx.cls = JOURNAL_CLAIM;
	if (journal_submit(in->o.journal, &in->tx, &err) != ERR_NONE) {
		struct source *s = in->o.source;

		for (size_t i = 0; i < in->count; i++)
			s->ops->release(s->impl, &in->jobs[i]);
		in->count = 0;
		idle(in, err.code, &err);
		return;
	}
	if (in->o.writing != NULL)
		in->o.writing(in->o.arg, in->count);
}

struct run_intake *
run_intake_new(const struct run_intake_options *options)
{
	struct run_intake *in = mem_zalloc(1, sizeof(*in));

	in->o = *options;
	in->post.fn = posted;
	return in;
}

void
run_intake_poke(struct run_intake *in)
{
	if (in->busy)
		return;
	in->busy = true;
	in->code = ERR_NONE;
	env_post(in->o.env, &in->post);
}

bool
run_intake_busy(const struct run_intake *in)
{
	return in->busy;
}

size_t
run_intake_count(const struct run_intake *in)
{
	return in->count;
}

void
run_intake_free(struct run_intake **in)
{
	if (*in == NULL)
		return;
	CHECK(!(*in)->busy);
	mem_free(in);
}
