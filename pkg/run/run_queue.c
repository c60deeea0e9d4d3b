#include "base/check.h"

#include "run/run_intake.h"

#include "run/run_priv.h"

/*
 * A queue outside as a source of a run: jobs are asked for when calls could be
 * begun that the journal has no jobs for, and no sooner, for a job that waits
 * here is one that others cannot take.
 *
 * A job taken is in the journal before anything else happens to it
 * (run_intake); a run that is stopped gives back what nobody has begun.
 */

#define LOOK_MS 1000 /* real: a worker whose queue was empty looks again */

struct run_queue {
	struct run *run;
	struct source *source;
	struct run_intake *intake;
	struct env_timer look;
	bool asked;       /* and nothing changed since */
	int64_t finished; /* jobs, when it was asked */
	bool giving;      /* told to give back */
	bool warned;
	int64_t seen; /* jobs taken so far, as its tally says */
};

static void
warn(struct run_queue *q)
{
	const char *text = q->source->ops->warning(q->source->impl);

	if (text == NULL || q->warned)
		return;
	q->warned = true;
	LOG(q->run->o.log, LOG_LEVEL_WARN, "queue.warning",
	    LOG_STR("text", text));
}

static void
idle(void *arg, enum err_code code, const struct err *err)
{
	struct run_queue *q = arg;
	struct run *r = q->run;
	struct source_tally tally;

	const char *notice = q->source->ops->notice != NULL
				 ? q->source->ops->notice(q->source->impl)
				 : NULL;

	if (notice != NULL)
		LOG(r->o.log, LOG_LEVEL_WARN, "queue.lookup",
		    LOG_STR("text", notice));
	if (code != ERR_NONE && err_class(code) == ERR_CLASS_FATAL) {
		run_fail(r, code, err);
		return;
	}
	if (code != ERR_NONE)
		LOG(r->o.log, LOG_LEVEL_WARN, "queue.retry",
		    LOG_STR("error", err->text));
	warn(q);
	q->source->ops->tally(q->source->impl, &tally);
	if (tally.added + tally.known != q->seen) {
		r->progress.fetched = tally.added;
		q->seen = tally.added + tally.known;
		q->asked = false;
		r->again = true;
		r->results = true; /* a known one may have its answer due */
	}
	run_poke(r);
}

/* The source has something, or knows that it has not. */
static void
ready(void *arg)
{
	struct run_queue *q = arg;

	run_intake_poke(q->intake);
}

static void
look_fired(struct env_timer *t)
{
	struct run_queue *q = CONTAINER_OF(t, struct run_queue, look);

	q->asked = false;
	run_poke(q->run);
}

/* Calls that could be begun, if there were jobs. */
static int64_t
wanted(const struct run *r)
{
	int64_t n = r->limit - r->live;

	if (r->o.max_jobs > 0 && r->o.max_jobs - r->progress.claimed < n)
		n = r->o.max_jobs - r->progress.claimed;
	return n;
}

static bool
may_ask(const struct run *r)
{
	return !r->stopping && r->code == ERR_NONE && r->claim == NULL &&
	       !r->again && r->full_bytes == 0 && wanted(r) > 0;
}

void
run_queue_poke(struct run_queue *q)
{
	if (q == NULL || run_intake_busy(q->intake))
		return;
	if (q->run->stopping && !q->giving) {
		q->giving = true;
		q->source->ops->give_back(q->source->impl);
		return;
	}
	if ((q->asked && q->finished == q->run->progress.finished) ||
	    !may_ask(q->run))
		return;
	q->asked = true;
	q->finished = q->run->progress.finished;
	q->source->ops->want(q->source->impl, wanted(q->run));
	if (q->run->o.mode == RUN_WORKER)
		env_timer_start_real(q->run->env, &q->look, LOOK_MS);
}

bool
run_queue_resting(const struct run_queue *q)
{
	return q == NULL || (!run_intake_busy(q->intake) &&
				q->source->ops->resting(q->source->impl));
}

bool
run_queue_busy(const struct run_queue *q)
{
	return q != NULL && run_intake_busy(q->intake);
}

bool
run_queue_trouble(const struct run_queue *q, struct err *err)
{
	return q != NULL && q->source->ops->trouble(q->source->impl, err);
}

struct run_queue *
run_queue_new(struct run *r)
{
	struct run_queue *q;

	if (r->o.queue == NULL || r->o.mode == RUN_SYNC)
		return NULL;
	CHECK(r->o.queue->ops->want != NULL);
	q = mem_zalloc(1, sizeof(*q));
	q->run = r;
	q->source = r->o.queue;
	q->look.fn = look_fired;
	q->intake = run_intake_new(&(struct run_intake_options){.env = r->env,
	    .journal = r->journal,
	    .source = q->source,
	    .idle = idle,
	    .arg = q});
	q->source->ready = ready;
	q->source->ready_arg = q;
	/* What is ours from before needs care also when no more is wanted. */
	q->source->ops->want(q->source->impl, 0);
	return q;
}

void
run_queue_end(struct run_queue *q)
{
	if (q != NULL)
		q->source->ready = NULL;
}

void
run_queue_free(struct run_queue **qp)
{
	struct run_queue *q = *qp;

	if (q == NULL)
		return;
	env_timer_stop(q->run->env, &q->look);
	q->source->ready = NULL;
	run_intake_free(&q->intake);
	mem_free(qp);
}
