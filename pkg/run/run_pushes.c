#include "base/check.h"

#include "job/job_ladder.h"

#include "run/run_push_priv.h"

/* The sinks behind a network that a run has; each is by itself. */

/* Of a service: those that come before outbox.retry, which begins after. */
#define RECOVERY_TRIES 3

int64_t
run_again_ms(int64_t n)
{
	static const struct job_rung again = {
	    .after_ms = 1000, .factor = 2, .max_ms = 60000};

	return job_rung_delay_ms(&again, n, 0.5);
}

int64_t
run_tries_of_others(const struct run *r)
{
	int64_t most = r->o.conf->outbox.max_tries / 2;

	return most > RECOVERY_TRIES ? most : RECOVERY_TRIES;
}

void
run_pushes_new(struct run *r)
{
	CHECK(r->o.pusher_count <= RUN_PUSHERS_MAX);
	for (size_t i = 0; i < r->o.pusher_count; i++)
		if (r->o.mode != RUN_DRAIN || r->o.pushers[i].in_drain)
			r->pushes[r->push_count++] =
			    run_push_new(r, &r->o.pushers[i]);
}

void
run_pushes_free(struct run *r)
{
	for (size_t i = 0; i < r->push_count; i++)
		run_push_free(&r->pushes[i]);
	r->push_count = 0;
}

void
run_pushes_look(struct run *r)
{
	for (size_t i = 0; i < r->push_count; i++)
		run_push_look(r->pushes[i]);
}

void
run_pushes_drop(struct run *r)
{
	for (size_t i = 0; i < r->push_count; i++)
		run_push_drop(r->pushes[i]);
}

static bool
all(const struct run *r, bool (*is)(const struct run_push *p))
{
	for (size_t i = 0; i < r->push_count; i++)
		if (!is(r->pushes[i]))
			return false;
	return true;
}

bool
run_pushes_idle(const struct run *r)
{
	return all(r, run_push_idle);
}

bool
run_pushes_resting(const struct run *r)
{
	return all(r, run_push_resting);
}

bool
run_pushes_trouble(const struct run *r, struct err *err)
{
	bool any = false;
	struct err one;

	/* What a person must mend before what mends itself. */
	for (size_t i = 0; i < r->push_count; i++) {
		if (!run_push_trouble(r->pushes[i], &one))
			continue;
		if (!any || err_class(one.code) > err_class(err->code))
			*err = one;
		any = true;
	}
	return any;
}

bool
run_trouble(const struct run *r, struct err *err)
{
	struct err of_queue;
	bool queue = run_queue_trouble(r->queue, &of_queue);
	bool pushes = run_pushes_trouble(r, err);

	if (queue && (!pushes || err_class(of_queue.code) == ERR_CLASS_FATAL))
		*err = of_queue;
	return queue || pushes;
}
