#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"

#include "job/job_ladder.h"
#include "journal/journal_lease.h"

#include "run/run_push_priv.h"

/* The transaction of a sink behind a network; see run_push_priv.h. */

#define FATAL_MS 1000

/*
 * seed_numbers A.2: an API that timed out is tried again 3 times after 2^n
 * seconds, a broken network twice at once, a database 3 times after 2 s.
 * Whatever lasts longer is the business of `outbox.retry`.
 */
static int64_t
recovery_ms(enum journal_sink sink, enum err_code code, int64_t tries)
{
	if (sink == JOURNAL_SINK_MONGO)
		return tries <= 3 ? 2000 : -1;
	if (code == ERR_TIMEOUT)
		return tries <= 3 ? INT64_C(1000) << tries : -1;
	if (code == ERR_UNREACHABLE)
		return tries <= 2 ? 0 : -1;
	return -1;
}

/* How many tries recovery_ms answers for. */
static int64_t
recovery_tries(enum journal_sink sink, enum err_code code)
{
	int64_t n = 0;

	while (recovery_ms(sink, code, n + 1) >= 0)
		n++;
	return n;
}

int64_t
run_push_delay_ms(struct run_push *p, const struct run_push_row *row)
{
	const struct job_rung *rung = &p->run->o.conf->outbox.retry;
	int64_t tries = row->facts.box.tries + 1;
	int64_t ms = recovery_ms(p->who.number, row->job.code, tries);

	/* The sink is left alone as a whole: the row waits for a person, whose
	 * next sync is to find it. */
	if (err_class(row->job.code) == ERR_CLASS_FATAL)
		return FATAL_MS;
	if (ms < 0)
		ms = job_rung_delay_ms(rung,
		    tries - recovery_tries(p->who.number, row->job.code), 0.5);
	return row->job.retry_after_ms > ms ? row->job.retry_after_ms : ms;
}

/* Did the row itself bring it about?  Not the service, the set-up, the disk. */
static bool
is_of_row(const struct run_push_row *row)
{
	return err_class(row->job.code) == ERR_CLASS_FINAL ||
	       (err_class(row->job.code) == ERR_CLASS_RETRY &&
		   !row->job.blame && row->job.code != ERR_SPACE);
}

/*
 * A service that is away for a day is no reason to lose a result: only what it
 * said of the row itself counts as a try towards a dead letter.
 */
bool
run_push_is_dead(const struct run_push *p, const struct run_push_row *row)
{
	return is_of_row(row) && (err_class(row->job.code) == ERR_CLASS_FINAL ||
				     row->facts.box.tries + 1 >=
					 p->run->o.conf->outbox.max_tries);
}

static enum err_code
tell_row(struct run_push *p, struct journal *j, const struct run_push_row *row,
    struct err *err)
{
	int64_t speed = env_speed(p->run->env);
	int64_t next_ms;

	if (row->job.code == ERR_NONE && row->job.answered != NULL &&
	    journal_lease_answered_as(
		j, row->facts.box.job, row->job.answered, err) != ERR_NONE)
		return err->code;
	if (row->job.code == ERR_NONE)
		return journal_outbox_set(
		    j, row->facts.box.id, JOURNAL_OUTBOX_DONE, 0, NULL, err);
	if (run_push_is_dead(p, row))
		return journal_outbox_set(j, row->facts.box.id,
		    JOURNAL_OUTBOX_DEAD, 0, row->job.err.text, err);
	/* Services live in real time, rows on the clock of the network. */
	next_ms = journal_group_ms(j) + run_push_delay_ms(p, row) * speed;
	if (is_of_row(row))
		return journal_outbox_set(j, row->facts.box.id,
		    JOURNAL_OUTBOX_PENDING, next_ms, row->job.err.text, err);
	/* However long that lasts, half of its own tries are left to it. */
	return journal_outbox_wait(j, row->facts.box.id, next_ms,
	    run_tries_of_others(p->run), row->job.err.text, err);
}

static void
guard_load(struct net_guard *g, const struct journal_service *s)
{
	g->breaker = (enum net_breaker)s->breaker;
	g->failures = s->failures;
	memcpy(g->boot, s->boot, sizeof(g->boot));
	g->since_ms = s->since_ms;
	g->tokens_micro = s->tokens_micro;
	g->filled_ms = s->filled_ms;
}

static void
guard_store(const struct net_guard *g, struct journal_service *s)
{
	s->breaker = (int64_t)g->breaker;
	s->failures = g->failures;
	memcpy(s->boot, g->boot, sizeof(s->boot));
	s->since_ms = g->since_ms;
	s->tokens_micro = g->tokens_micro;
	s->filled_ms = g->filled_ms;
}

/* What the sink said of rows: to the rows, and of the service. */
static enum err_code
tell_all(struct run_push *p, struct journal *j, struct net_guard *g,
    struct journal_service *s, struct err *err)
{
	const uint8_t *boot = p->run->env->boot_id;
	int64_t boot_ms = env_real_boot_ms(p->run->env);
	enum err_code code = ERR_NONE;

	LIST_FOREACH (it, &p->told) {
		const struct run_push_row *row =
		    CONTAINER_OF(it, struct run_push_row, node);

		code = tell_row(p, j, row, err);
		if (code != ERR_NONE)
			break;
		if (row->job.code == ERR_NONE) {
			net_guard_ok(g, &p->terms, boot, boot_ms);
			s->last_ok_ms = journal_group_ms(j);
		} else if (row->job.blame ||
			   err_class(row->job.code) == ERR_CLASS_FATAL) {
			/* A breaker is for what mends itself, and counts
			 * requests: one may have had hundreds of rows. */
			if (err_class(row->job.code) != ERR_CLASS_FATAL &&
			    !row->job.echo)
				net_guard_error(g, &p->terms, boot, boot_ms);
			s->last_error_ms = journal_group_ms(j);
			(void)snprintf(s->last_error, sizeof(s->last_error),
			    "%.159s", row->job.err.text);
		}
	}
	return code;
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool
is_mine(const struct run_push *p, int64_t id)
{
	return bsearch(&id, p->mine, p->mine_count, sizeof(id), by_number) !=
	       NULL;
}

/*
 * Rows that are due, not ours already, and let through by the guard.  Of what
 * is due at most mine_count are ours, so that there is room for all.
 */
static enum err_code
take(
    struct run_push *p, struct journal *j, struct net_guard *g, struct err *err)
{
	size_t count = 0;

	if (p->room > 0 &&
	    journal_outbox_due(j, p->who.number, journal_group_ms(j), p->due,
		p->room + p->mine_count, &count, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < count && p->due_count < p->room; i++) {
		if (is_mine(p, p->due[i].id))
			continue;
		p->wait_ms = net_guard_ask(g, &p->terms, p->run->env->boot_id,
		    env_real_boot_ms(p->run->env), 1);
		if (p->wait_ms > 0)
			break;
		p->due[p->due_count++] = p->due[i];
	}
	return journal_outbox_next(
	    j, p->who.number, journal_group_ms(j), &p->next_ms, err);
}

static enum err_code
turn_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_push *p = CONTAINER_OF(tx, struct run_push, tx);
	struct journal_service service;
	struct net_guard guard;
	bool found = false;
	enum err_code code;

	p->due_count = 0;
	p->wait_ms = 0;
	p->next_ms = 0;
	if (journal_service_get(
		j, p->who.sink->service, &service, &found, err) != ERR_NONE)
		return err->code;
	guard_load(&guard, &service);
	if (!found)
		net_guard_init(&guard, &p->terms, p->run->env->boot_id,
		    env_real_boot_ms(p->run->env));
	code = tell_all(p, j, &guard, &service, err);
	if (code == ERR_NONE)
		code = take(p, j, &guard, err);
	/* A look at nothing leaves nothing. */
	if (code != ERR_NONE || (list_empty(&p->told) && p->due_count == 0))
		return code;
	guard_store(&guard, &service);
	return journal_service_put(j, &service, err);
}

static void
turn_done(struct journal_tx *tx)
{
	struct run_push *p = CONTAINER_OF(tx, struct run_push, tx);

	CRASH_POINT("push.turned");
	run_push_turned(p, tx->code, &tx->err);
}

void
run_push_turn(struct run_push *p)
{
	struct list *node;
	struct err err;

	CHECK(!p->turning);
	p->turning = true;
	while ((node = list_pop(&p->said)) != NULL)
		list_add_tail(&p->told, node);
	p->said_count = 0;
	p->mine_count = 0;
	LIST_FOREACH (it, &p->begun)
		p->mine[p->mine_count++] =
		    CONTAINER_OF(it, struct run_push_row, node)->facts.box.id;
	if (p->mine_count > 1)
		qsort(p->mine, p->mine_count, sizeof(*p->mine), by_number);
	p->tx.run = turn_run;
	p->tx.done = turn_done;
	/* Whoever has a call to end waits for room on the disk, others not. */
	p->tx.cls = p->run->o.mode == RUN_SYNC ? JOURNAL_CLAIM : JOURNAL_LIVE;
	CHECK(journal_submit(p->run->journal, &p->tx, &err) == ERR_NONE);
}
