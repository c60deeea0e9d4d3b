#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "source/source_bull_priv.h"

/* Leases as the journal has them: what must be renewed, goes back, is put off
 * or given up. */

int64_t
source_bull_real_ms(const struct source_bull *s)
{
	return s->o.env->ops->wall_us(s->o.env) / 1000;
}

void
source_bull_leases_free(struct source_bull *s)
{
	for (size_t i = 0; i < s->lease_count; i++) {
		bull_ticket_fini(&s->tickets[i]);
		mem_free(&s->texts[i]);
	}
	s->lease_count = 0;
}

/* A moment of the journal's clock, which may be a simulated network's, on the
 * queue's, which is real. */
static int64_t
real_of(const struct source_bull *s, int64_t at_ms)
{
	int64_t speed = env_speed(s->o.env);

	return source_bull_real_ms(s) + (at_ms - env_now_ms(s->o.env)) / speed;
}

/* --- transactions ------------------------------------------------------------
 */

static enum err_code
write_notes(struct source_bull *s, struct journal *j, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < s->note_count && code == ERR_NONE; i++) {
		const struct source_bull_note *n = &s->notes[i];
		bool same = true;
		bool back = false;

		if (n->of != NULL)
			code = journal_lease_is(j, n->job, n->of, &same, err);
		if (code != ERR_NONE || !same)
			continue;
		if (n->what == SOURCE_BULL_RENEWED)
			code = journal_lease_renew(
			    j, n->job, n->ticket, n->until_ms, &back, err);
		else if (n->what == SOURCE_BULL_AWAY)
			code = journal_lease_away(j, n->job, err);
		else if (n->what == SOURCE_BULL_GONE)
			code = journal_lease_gone(j, n->job, err);
		else
			code = journal_lease_answered(j, n->job, err);
		s->wrote += back;
	}
	return code;
}

static enum err_code
write_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct source_bull *s = CONTAINER_OF(tx, struct source_bull, tx);
	int64_t speed = env_speed(s->o.env);

	s->wrote = 0;
	switch (s->write) {
	case SOURCE_BULL_NOTES:
		return write_notes(s, j, err);
	case SOURCE_BULL_GIVE_BACK:
		return journal_lease_return(
		    j, s->o.name, 0, SOURCE_BULL_BATCH, &s->wrote, err);
	case SOURCE_BULL_PUT_OFF:
		return journal_lease_return(j, s->o.name,
		    journal_group_ms(j) + s->o.lock_ms / 2 * speed,
		    SOURCE_BULL_BATCH, &s->wrote, err);
	case SOURCE_BULL_GIVE_UP:
	default:
		return journal_lease_give_up(j, s->o.name,
		    source_bull_real_ms(s) + s->o.margin_ms, SOURCE_BULL_BATCH,
		    &s->wrote, err);
	}
}

static void
wrote(struct source_bull *s)
{
	bool more = s->wrote == SOURCE_BULL_BATCH;

	switch (s->write) {
	case SOURCE_BULL_NOTES:
		for (size_t i = 0; i < s->note_count; i++) {
			s->gone += s->notes[i].what == SOURCE_BULL_GONE;
			source_bull_note_fini(&s->notes[i]);
		}
		s->note_count = 0;
		s->tally.known += s->wrote; /* may be called again */
		if (s->gone > 0 || s->wrote > 0)
			source_bull_tell_ready(s);
		break;
	case SOURCE_BULL_GIVE_BACK:
		s->gave_back = !more;
		s->returning = true;
		break;
	case SOURCE_BULL_PUT_OFF:
		s->put_off = more;
		s->returning = s->returning || s->wrote > 0;
		break;
	case SOURCE_BULL_GIVE_UP:
	default:
		s->give_up = more;
		break;
	}
}

static void
write_done(struct journal_tx *tx)
{
	struct source_bull *s = CONTAINER_OF(tx, struct source_bull, tx);

	CRASH_POINT("source.bull.written");
	s->writing = false;
	if (tx->code == ERR_NONE) {
		wrote(s);
	} else {
		s->err = tx->err;
		s->fatal = err_class(tx->code) == ERR_CLASS_FATAL;
		s->down = !s->fatal;
		s->unwritten = true;
		env_timer_start_real(s->o.env, &s->again, 1000);
		source_bull_tell_ready(s);
	}
	source_bull_poke(s);
}

void
source_bull_write(struct source_bull *s, enum source_bull_write what)
{
	struct err err;

	CHECK(!s->writing);
	s->writing = true;
	s->write = what;
	s->tx = (struct journal_tx){
	    .run = write_run, .done = write_done, .cls = JOURNAL_LIVE};
	CHECK(journal_submit(s->o.journal, &s->tx, &err) == ERR_NONE);
}

static void
give_up_now(struct source_bull *s)
{
	do {
		s->write = SOURCE_BULL_GIVE_UP;
		s->tx = (struct journal_tx){.run = write_run};
		if (journal_now(s->o.journal, &s->tx, &s->err) != ERR_NONE) {
			s->fatal = true;
			return;
		}
	} while (s->wrote == SOURCE_BULL_BATCH);
}

/* --- reading them ------------------------------------------------------------
 */

static bool
fault(struct source_bull *s)
{
	s->fatal = true;
	source_bull_tell_ready(s);
	return true;
}

static void
known_one(void *arg, const struct journal_lease *l)
{
	struct source_bull_known *k = arg;
	struct bull_ticket t;
	struct err err = {0};

	if (bull_ticket_read(l->ticket, &t, &err) == ERR_NONE) {
		k->leases =
		    mem_realloc(k->leases, k->count + 1, sizeof(*k->leases));
		k->leases[k->count++] = mem_strdup(t.ref.lease);
	}
	bull_ticket_fini(&t);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
source_bull_known(struct source_bull *s, struct source_bull_known *out)
{
	static const enum journal_lease_state states[] = {
	    JOURNAL_LEASE_HELD, JOURNAL_LEASE_RETURNING};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (journal_read_leases(s->o.journal, s->o.name, states[i], 0,
			-1, known_one, out, &s->err) != ERR_NONE) {
			source_bull_known_free(out);
			return !fault(s);
		}
	if (out->count > 0)
		qsort(out->leases, out->count, sizeof(*out->leases), by_text);
	return true;
}

bool
source_bull_is_known(const struct source_bull_known *k, const char *lease)
{
	return k->count > 0 && bsearch(&lease, k->leases, k->count,
				   sizeof(*k->leases), by_text) != NULL;
}

void
source_bull_known_free(struct source_bull_known *k)
{
	for (size_t i = 0; i < k->count; i++)
		mem_free(&k->leases[i]);
	mem_free(&k->leases);
	k->count = 0;
}

static void
goes_back(void *arg, const struct journal_lease *l)
{
	struct source_bull *s = arg;

	(void)source_bull_say(&s->words, l->job, l->ticket,
	    l->due_ms > 0 ? real_of(s, l->due_ms) : 0);
}

static void
is_parked(void *arg, const struct journal_lease *l)
{
	struct source_bull *s = arg;
	struct source_bull_word *w;

	if (l->job_state != JOB_PARKED)
		return;
	w = source_bull_say(&s->words, l->job, l->ticket, 0);
	w->parked = true;
	w->reason = mem_printf("dsrun: nobody can know whether the phone rang; "
			       "a person must decide: dsrun parked, dsrun "
			       "resolve #%lld",
	    (long long)l->job);
}

static void
gather(void *arg, const struct journal_lease *l)
{
	struct source_bull *s = arg;
	struct bull_ticket *t = &s->tickets[s->lease_count];
	struct err err = {0};

	s->page_last = l->job;
	s->lease_until[s->lease_count] = l->until_ms;
	if (bull_ticket_read(l->ticket, t, &err) != ERR_NONE) {
		bull_ticket_fini(t);
		return;
	}
	s->texts[s->lease_count] = mem_strdup(l->ticket);
	s->lease_jobs[s->lease_count] = l->job;
	s->leases[s->lease_count++] =
	    (struct bull_lease){.id = t->ref.id, .lease = t->ref.lease};
}

static void
to_reclaim(struct source_bull *s, size_t i)
{
	source_bull_say(&s->reclaim, s->lease_jobs[i], s->texts[i], 0)
	    ->until_ms = s->lease_until[i];
}

/* Is what the journal knows of a lock's end good enough?  It is looked at more
 * often than it must be renewed. */
static bool
is_written(const struct source_bull *s, size_t i)
{
	return !s->o.shared && s->lease_until[i] > source_bull_real_ms(s) +
						       s->o.lock_ms -
						       s->o.lock_ms / 4;
}

static void
renewed(struct source_bull *s)
{
	const struct bull_call *c = &s->call;

	for (size_t i = 0; i < s->lease_count; i++)
		if (i < c->held_count && c->held[i] && is_written(s, i))
			continue;
		else if (i < c->held_count && c->held[i])
			s->notes[s->note_count++] =
			    (struct source_bull_note){.job = s->lease_jobs[i],
				.what = SOURCE_BULL_RENEWED,
				.until_ms = s->began_ms + s->o.lock_ms};
		else
			to_reclaim(s, i);
	source_bull_leases_free(s);
}

static bool
renew_some(struct source_bull *s)
{
	source_bull_leases_free(s);
	if (s->renew_after == 0)
		s->round_ms = source_bull_real_ms(s);
	if (journal_read_leases(s->o.journal, s->o.name, JOURNAL_LEASE_HELD,
		s->renew_after, SOURCE_BULL_BATCH, gather, s,
		&s->err) != ERR_NONE)
		return fault(s);
	s->renew_after = s->page_last;
	if (s->lease_count == 0) {
		s->renew = false;
		s->renew_after = 0;
		s->sure_ms = s->round_ms;
		s->sure = true;
		source_bull_tell_ready(s);
		return false;
	}
	CHECK(s->note_count == 0);
	bull_renew(s->o.bull, s->leases, s->lease_count, s->o.lock_ms,
	    source_bull_begin(s, renewed));
	return true;
}

/* Those that the queue does not have are over here, too. */
static void
looked(struct source_bull *s)
{
	const struct bull_call *c = &s->call;
	/* Whose hash was thrown away was not removed by anybody. */
	bool sure = source_bull_is_kept(s);

	for (size_t i = 0; i < s->lease_count; i++)
		if (sure && i < c->held_count && c->held[i])
			s->notes[s->note_count++] =
			    (struct source_bull_note){.job = s->lease_jobs[i],
				.what = SOURCE_BULL_GONE,
				.of = mem_strdup(s->texts[i])};
	source_bull_leases_free(s);
}

static void
count_one(void *arg, const struct journal_lease *l)
{
	(void)l;
	++*(int *)arg;
}

void
source_bull_see(struct source_bull *s)
{
	int count = 0;

	if (journal_read_leases(s->o.journal, s->o.name, JOURNAL_LEASE_HELD, 0,
		1, count_one, &count, &s->err) == ERR_NONE &&
	    journal_read_away(s->o.journal, s->o.name, 0, 1, count_one, &count,
		&s->err) == ERR_NONE)
		s->sure = count == 0;
}

bool
source_bull_look(struct source_bull *s)
{
	struct bull_ref refs[SOURCE_BULL_BATCH];

	source_bull_leases_free(s);
	if (journal_read_away(s->o.journal, s->o.name, s->look_after,
		SOURCE_BULL_BATCH, gather, s, &s->err) != ERR_NONE)
		return fault(s);
	s->look_after = s->page_last;
	if (s->lease_count == 0) {
		s->look = false;
		s->look_after = 0;
		source_bull_tell_ready(s);
		return false;
	}
	CHECK(s->note_count == 0);
	for (size_t i = 0; i < s->lease_count; i++)
		refs[i] = s->tickets[i].ref;
	bull_missing(
	    s->o.bull, refs, s->lease_count, source_bull_begin(s, looked));
	return true;
}

static void
is_over(void *arg, const struct journal_lease *l)
{
	if (job_is_final(l->job_state))
		*(bool *)arg = true;
}

bool
source_bull_owes_answers(struct source_bull *s)
{
	bool owes = false;

	if (journal_read_leases(s->o.journal, s->o.name, JOURNAL_LEASE_HELD, 0,
		10000, is_over, &owes, &s->err) != ERR_NONE)
		return !fault(s);
	return owes;
}

/* Where one was removed others may be; a second apart, for each that is gone
 * is asked for by itself. */
static void
suspect(struct source_bull *s)
{
	int64_t now_ms = source_bull_real_ms(s);

	if (bull_gone(s->o.bull) == s->gone_seen ||
	    (now_ms >= s->gone_ms && now_ms - s->gone_ms < 1000))
		return;
	s->gone_seen = bull_gone(s->o.bull);
	s->gone_ms = now_ms;
	s->renew = true;
}

bool
source_bull_upkeep(struct source_bull *s)
{
	suspect(s);
	/* What intake has in hand must be in the journal, to go back too. */
	if (s->stopping && !s->gave_back && s->out == 0 &&
	    s->job_at >= s->job_count) {
		source_bull_write(s, SOURCE_BULL_GIVE_BACK);
		return true;
	}
	if (s->put_off) {
		source_bull_write(s, SOURCE_BULL_PUT_OFF);
		return true;
	}
	if (s->returning || s->parked) {
		if (journal_read_leases(s->o.journal, s->o.name,
			JOURNAL_LEASE_RETURNING, 0, 10000, goes_back, s,
			&s->err) != ERR_NONE)
			return fault(s);
		s->returning = false;
		if (s->parked && journal_read_leases(s->o.journal, s->o.name,
				     JOURNAL_LEASE_HELD, 0, 10000, is_parked, s,
				     &s->err) != ERR_NONE)
			return fault(s);
		s->parked = false;
		if (!list_empty(&s->words)) {
			source_bull_poke(s);
			return true;
		}
	}
	return s->renew && renew_some(s);
}

/* --- by the clock ------------------------------------------------------------
 */

static int64_t
doubt_ms(const struct source_bull *s)
{
	return s->o.margin_ms > 1000 ? s->o.margin_ms / 4 : 250;
}

/* Between two looks no lock may come much closer to its end than margin. */
static void
doubt_fired(struct env_timer *t)
{
	struct source_bull *s = CONTAINER_OF(t, struct source_bull, doubt);

	env_timer_start_real(s->o.env, t, doubt_ms(s));
	if (source_bull_real_ms(s) - s->sure_ms <
	    s->o.lock_ms - 2 * s->o.margin_ms)
		return;
	s->give_up = true;
	source_bull_poke(s);
}

static int64_t
renewal_ms(const struct source_bull *s)
{
	return s->o.lock_ms > 3000 ? s->o.lock_ms / 3 : 1000;
}

static void
renewal_fired(struct env_timer *t)
{
	struct source_bull *s = CONTAINER_OF(t, struct source_bull, renewal);

	env_timer_start_real(s->o.env, t, renewal_ms(s));
	s->renew = true;
	source_bull_poke(s);
}

void
source_bull_leases_begin(struct source_bull *s)
{
	s->renewal.fn = renewal_fired;
	s->doubt.fn = doubt_fired;
	env_timer_start_real(s->o.env, &s->renewal, renewal_ms(s));
	if (!s->o.shared)
		return;
	give_up_now(s);
	env_timer_start_real(s->o.env, &s->doubt, doubt_ms(s));
}

void
source_bull_leases_end(struct source_bull *s)
{
	env_timer_stop(s->o.env, &s->renewal);
	env_timer_stop(s->o.env, &s->doubt);
	source_bull_leases_free(s);
}
