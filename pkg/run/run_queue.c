#include <string.h>

#include "base/check.h"

#include "journal/journal_read.h"
#include "run/run_intake.h"

#include "run/run_priv.h"

/*
 * A queue outside as a source of a run: jobs are asked for when calls could be
 * begun that the journal has no jobs for, and no sooner, for a job that waits
 * here is one that others cannot take.
 *
 * "Could be begun" looks a little ahead: until an answer is here and in the
 * journal, calls will have ended, as many as ended lately in that time.  Calls
 * of a minute make that none; calls that end at once would otherwise wait for
 * the queue, and the queue for them, in turns.
 *
 * A job taken is in the journal before anything else happens to it
 * (run_intake); a run that is stopped gives back what nobody has begun.
 */

#define LOOK_MS 1000 /* real: a worker whose queue was empty looks again */
/* Real: what an ask takes, from the queue to the journal, at a busy time, and
 * what a job taken ahead waits here at most. */
#define AHEAD_MS 200
/* Real: calls that end are counted over so many times as long. */
#define PACE_MS 40
#define PACES 5

struct run_queue {
	struct run *run;
	struct source *source;
	struct run_intake *intake;
	struct env_timer look;
	bool asked;       /* and nothing changed since */
	int64_t finished; /* jobs, when it was asked */
	bool asking;      /* what it was asked for is not in intake's hands */
	int64_t wants;    /* so many */
	bool dry;         /* it had fewer */
	int64_t waiting;  /* taken into the journal and not claimed, at most */
	int64_t claimed;  /* jobs, when that was reckoned */
	int64_t ahead;    /* calls that end while an ask is under way */
	struct pace {
		int64_t at_ms, finished;
	} paced[PACES]; /* real: jobs that had ended then, the oldest first */
	bool giving;    /* told to give back */
	bool warned;
	bool sure; /* as of the last turn; else none of its jobs is claimed */
	struct err refused; /* nothing can be done with it as it is set up */
	int64_t seen;       /* jobs taken so far, as its tally says */
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

/* What came into the journal since the last time. */
static void
count(struct run_queue *q)
{
	struct run *r = q->run;
	struct source_tally tally;

	q->source->ops->tally(q->source->impl, &tally);
	if (tally.added + tally.known == q->seen)
		return;
	q->waiting += tally.added - r->progress.fetched;
	r->progress.fetched = tally.added;
	q->seen = tally.added + tally.known;
	q->asked = false;
	r->again = true;
	r->results = true; /* a known one may have its answer due */
	run_poke(r);
}

/* A person must look.  Whoever is on the phone meanwhile is not hung up on. */
static void
refused(struct run_queue *q, const struct err *err)
{
	struct run *r = q->run;

	if (q->refused.code != ERR_NONE)
		return;
	q->refused = *err;
	LOG(r->o.log, LOG_LEVEL_ERROR, "queue.refused",
	    LOG_STR("error", err->text));
	if (!r->stopping)
		run_stop(r, false);
}

static void
idle(void *arg, enum err_code code, const struct err *err)
{
	struct run_queue *q = arg;
	struct run *r = q->run;
	const char *notice = q->source->ops->notice != NULL
				 ? q->source->ops->notice(q->source->impl)
				 : NULL;

	if (notice != NULL) {
		LOG(r->o.log, LOG_LEVEL_WARN, "queue.notice",
		    LOG_STR("text", notice));
		r->results = true; /* of jobs that ended without a call */
	}
	if (code != ERR_NONE && code != ERR_CONFIG &&
	    err_class(code) == ERR_CLASS_FATAL) {
		run_fail(r, code, err);
		return;
	}
	if (code == ERR_CONFIG)
		refused(q, err);
	else if (code != ERR_NONE)
		LOG(r->o.log, LOG_LEVEL_WARN, "queue.retry",
		    LOG_STR("error", err->text));
	warn(q);
	if (q->asking)
		q->dry = true;
	q->asking = false;
	count(q);
	run_poke(r);
}

/* Intake has what came of the last ask; the one before is in the journal. */
static void
writing(void *arg, size_t jobs)
{
	struct run_queue *q = arg;

	q->dry = (int64_t)jobs < q->wants;
	q->asking = false;
	count(q);
	run_poke(q->run);
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

static int64_t
at_most(const struct run *r, int64_t n)
{
	int64_t left = r->o.max_jobs - r->progress.claimed;

	return r->o.max_jobs > 0 && left < n ? left : n;
}

/* Calls that could be begun, if there were jobs. */
static int64_t
wanted(const struct run *r)
{
	return at_most(r, r->limit - r->live);
}

static bool
may_ask(const struct run *r)
{
	return !r->stopping && r->code == ERR_NONE && r->full_bytes == 0;
}

/* The journal has no job that may be called now. */
static bool
is_out_of_jobs(const struct run *r)
{
	return r->claim == NULL && !r->again && wanted(r) > 0;
}

/*
 * How many jobs end while an ask is under way, as they did lately.  Calls that
 * began together may also end together, once: what counts has lasted for most
 * of the time that is looked at.
 */
static void
look_ahead(struct run_queue *q)
{
	const struct run *r = q->run;
	int64_t now_ms = env_real_boot_ms(r->env);
	struct pace *now = &q->paced[PACES - 1];
	int first = 0;
	int busy = 0;

	if (now_ms - now->at_ms < PACE_MS)
		return;
	memmove(q->paced, q->paced + 1, (PACES - 1) * sizeof(*now));
	*now = (struct pace){now_ms, r->progress.finished};
	while (q->paced[first].at_ms == 0)
		first++;
	for (int i = first; i < PACES - 1; i++)
		busy += q->paced[i].finished < q->paced[i + 1].finished;
	q->ahead = 0;
	if (busy >= PACES - 2)
		q->ahead = (now->finished - q->paced[first].finished) *
			   AHEAD_MS / (now_ms - q->paced[first].at_ms);
	if (q->ahead > 2 * r->limit)
		q->ahead = 2 * r->limit;
}

/* What is in the journal, or on its way there, and not claimed yet. */
static int64_t
in_hand(struct run_queue *q)
{
	const struct run *r = q->run;

	q->waiting -= r->progress.claimed - q->claimed;
	q->claimed = r->progress.claimed;
	/* Others claim, too, and what may not be called now is no help. */
	if (q->waiting < 0 || is_out_of_jobs(r))
		q->waiting = 0;
	return q->waiting + (int64_t)run_intake_count(q->intake);
}

static void
pause_seen(void *arg, const struct journal_pause_row *p)
{
	if (p->campaign == NULL)
		*(bool *)arg = true;
}

/* No call begins, so a job that were taken would only wait here. */
static bool
is_paused(const struct run *r)
{
	bool paused = false;
	struct err ignored;

	return journal_read_pauses(r->journal, pause_seen, &paused, &ignored) ==
		   ERR_NONE &&
	       paused;
}

static void
ask(struct run_queue *q, int64_t n)
{
	if (is_paused(q->run))
		return;
	if (n > RUN_INTAKE_BATCH)
		n = RUN_INTAKE_BATCH;
	q->asked = true;
	q->asking = true;
	q->wants = n;
	q->finished = q->run->progress.finished;
	q->source->ops->want(q->source->impl, n);
	if (q->run->o.mode == RUN_WORKER)
		env_timer_start_real(q->run->env, &q->look, LOOK_MS);
}

/* Claims passed by what the queue had before. */
static void
become_sure(struct run_queue *q)
{
	bool sure = run_queue_is_sure(q);

	if (sure && !q->sure) {
		q->run->again = true;
		run_poke(q->run);
	}
	q->sure = sure;
}

void
run_queue_poke(struct run_queue *q)
{
	int64_t n;

	if (q == NULL)
		return;
	if (q->run->stopping && !q->giving && !run_intake_busy(q->intake)) {
		q->giving = true;
		q->source->ops->give_back(q->source->impl);
		return;
	}
	become_sure(q);
	count(q);
	look_ahead(q);
	if (!may_ask(q->run) || q->asking)
		return;
	n = at_most(q->run, wanted(q->run) + q->ahead) - in_hand(q);
	if (run_intake_busy(q->intake) || !is_out_of_jobs(q->run)) {
		/* An ask for a few costs as much as one for many. */
		if (!q->dry && q->ahead > 0 && 4 * n >= q->ahead)
			ask(q, n);
		return;
	}
	if (n > 0 && (!q->asked || q->finished != q->run->progress.finished))
		ask(q, n);
}

bool
run_queue_resting(const struct run_queue *q)
{
	return q == NULL || (!run_intake_busy(q->intake) &&
				q->source->ops->resting(q->source->impl));
}

bool
run_queue_is_sure(const struct run_queue *q)
{
	return q == NULL || q->source->ops->sure == NULL ||
	       q->source->ops->sure(q->source->impl);
}

bool
run_queue_busy(const struct run_queue *q)
{
	return q != NULL && run_intake_busy(q->intake);
}

bool
run_queue_trouble(const struct run_queue *q, struct err *err)
{
	if (q == NULL)
		return false;
	if (q->refused.code != ERR_NONE) {
		*err = q->refused;
		return true;
	}
	return q->source->ops->trouble(q->source->impl, err);
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
	q->dry = true; /* what the journal has comes first */
	q->look.fn = look_fired;
	q->intake = run_intake_new(&(struct run_intake_options){.env = r->env,
	    .journal = r->journal,
	    .source = q->source,
	    .writing = writing,
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
