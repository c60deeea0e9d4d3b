#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "source/source_bull_priv.h"

/* One idempotent function looks at what is to be done and begins the first of
 * it; everything that completes calls it again.  See source_bull.h. */

#define AGAIN_MS 2000 /* real: the queue is away */
#define TEND_MS 15000 /* real: promote, stalled check (theirs: 30 s) */
#define STALLED_MS 30000
#define LOOK_TENDS 4 /* are all still there? */
#define FULL_MS 20   /* real */
#define FULLS_MOST 100
#define PROMOTED_AT_ONCE 1000 /* bull_promote: there may be more */

void
source_bull_tell_ready(struct source_bull *s)
{
	if (s->port.ready != NULL)
		s->port.ready(s->port.ready_arg);
}

bool
source_bull_is_kept(const struct source_bull *s)
{
	const char *policy = bull_policy(s->o.bull);

	return *policy == '\0' || strcmp(policy, "noeviction") == 0;
}

/* --- jobs for intake -------------------------------------------------------
 */

/* What a take or a read brought. */
static void
keep_jobs(struct source_bull *s)
{
	for (size_t i = 0; i < s->call.job_count; i++) {
		struct source_job *j = NULL;
		struct err err = {0};

		if (source_bull_blank(s, &s->call.jobs[i]))
			continue;
		if (source_bull_job(s, &s->call.jobs[i], NULL, &j, &err) ==
		    ERR_NONE)
			source_bull_keep(s, j);
		else
			source_bull_refuse(s, &s->call.jobs[i], &err);
	}
}

static enum err_code
bull_next(void *impl, struct source_job **out, struct err *err)
{
	struct source_bull *s = impl;

	*out = NULL;
	if (s->job_at < s->job_count) {
		*out = s->jobs[s->job_at++];
		s->out++;
		return ERR_NONE;
	}
	s->job_at = 0;
	s->job_count = 0;
	if (!s->fatal)
		return ERR_NONE;
	*err = s->err;
	return err->code;
}

static enum err_code
bull_taken(
    void *impl, struct source_job **job, enum source_taken how, struct err *err)
{
	struct source_bull *s = impl;

	(void)err;
	CHECK(s->out > 0);
	s->out--;
	/* It may have been a person's to decide before. */
	s->parked = s->parked || how == SOURCE_KNOWN;
	s->over += how == SOURCE_OVER;
	s->tally.added += how == SOURCE_ADDED;
	s->tally.known += how != SOURCE_ADDED;
	if (how == SOURCE_PRUNED)
		source_bull_say(&s->words, 0, (*job)->lease, 0)->known = true;
	/* If it is ours there still, we shall get it as another delivery. */
	else if (how == SOURCE_LET_GO)
		(void)source_bull_say(&s->words, 0, (*job)->lease, 0);
	source_job_free(job);
	source_bull_poke(s);
	return ERR_NONE;
}

static void
ours_free(struct source_bull *s)
{
	for (size_t i = 0; i < s->ours_count; i++) {
		char *id = (char *)(uintptr_t)s->ours[i].id;
		char *lease = (char *)(uintptr_t)s->ours[i].lease;

		mem_free(&id);
		mem_free(&lease);
	}
	mem_free(&s->ours);
	s->ours_count = 0;
	s->ours_at = 0;
	s->ours_fresh = false;
}

/* The journal did not take it: it is ours still, and found as such. */
static void
bull_release(void *impl, struct source_job **job)
{
	struct source_bull *s = impl;

	CHECK(s->out > 0);
	s->out--;
	/* From the beginning, also in the midst of adopting. */
	s->adopted = false;
	ours_free(s);
	source_job_free(job);
}

/* --- calls ------------------------------------------------------------------
 */

/*
 * All that was to be said is read anew, from the journal and from what the
 * queue holds for us: a word said twice is harmless, but an old one may be
 * wrong by now, and a job to be reclaimed must never be handed back.
 */
static void
forget(struct source_bull *s)
{
	if (s->saying != NULL)
		source_bull_word_free(&s->saying);
	source_bull_words_drop(s, &s->words);
	source_bull_words_drop(s, &s->reclaim);
	s->adopted = false;
	ours_free(s);
	s->renew_after = 0;
	s->returning = true;
	s->parked = true;
}

static void
failed(struct source_bull *s)
{
	s->err = s->call.err;
	source_bull_leases_free(s);
	/* Whatever comes next is looked at anew: another server may answer. */
	s->detected = false;
	forget(s);
	/* It may let us in again: a password that is being changed. */
	if (err_class(s->err.code) == ERR_CLASS_FATAL && !s->call.shut_out) {
		s->fatal = true;
	} else {
		s->down = true;
		env_timer_start_real(s->o.env, &s->again,
		    s->o.again_ms > 0 ? s->o.again_ms : AGAIN_MS);
	}
	source_bull_tell_ready(s);
}

static void
call_done(struct bull_call *c)
{
	struct source_bull *s = CONTAINER_OF(c, struct source_bull, call);

	CRASH_POINT("source.bull.answered");
	s->calling = false;
	if (c->code == ERR_NONE)
		s->then(s);
	else
		failed(s);
	bull_call_fini(c);
	source_bull_poke(s);
}

struct bull_call *
source_bull_begin(struct source_bull *s, void (*then)(struct source_bull *s))
{
	CHECK(!s->calling);
	s->calling = true;
	s->then = then;
	s->began_ms = source_bull_real_ms(s);
	s->call = (struct bull_call){.done = call_done};
	return &s->call;
}

/* --- at the start ----------------------------------------------------------
 */

static void
detected(struct source_bull *s)
{
	s->detected = true;
	mem_free(&s->warning);
	if (source_bull_is_kept(s))
		return;
	s->warning =
	    mem_printf("queue %s: a full Redis throws away jobs or their locks "
		       "(maxmemory-policy %s): set maxmemory-policy noeviction",
		bull_name(s->o.bull), bull_policy(s->o.bull));
	if (!s->o.shared)
		return;
	/* Whose lock is thrown away is called by a Node worker, too. */
	(void)err_set(&s->err, ERR_CONFIG, 0,
	    "%s; with bull.mode shared nothing is taken until then",
	    s->warning);
	s->fatal = true;
	source_bull_tell_ready(s);
}

static void
owned(struct source_bull *s)
{
	struct source_bull_known known = {0};

	s->ours = mem_zalloc(s->call.lease_count + 1, sizeof(*s->ours));
	s->ours_count = 0;
	s->ours_at = 0;
	if (!source_bull_known(s, &known))
		return;
	for (size_t i = 0; i < s->call.lease_count; i++)
		if (!source_bull_is_known(&known, s->call.leases[i].lease))
			s->ours[s->ours_count++] = (struct bull_lease){
			    .id = mem_strdup(s->call.leases[i].id),
			    .lease = mem_strdup(s->call.leases[i].lease)};
	source_bull_known_free(&known);
}

static void
read_some(struct source_bull *s)
{
	keep_jobs(s);
	s->ours_fresh = false;
	s->ours_at += (size_t)s->call.count;
	if (s->ours != NULL &&
	    (s->ours_at >= s->ours_count || s->call.count == 0)) {
		ours_free(s);
		s->adopted = true;
		s->renew = true;
	}
	source_bull_tell_ready(s);
}

static void
ours_renewed(struct source_bull *s)
{
	s->ours_fresh = true;
	s->locked_ms = s->began_ms;
}

static void
adopt(struct source_bull *s)
{
	size_t n = s->ours_count - s->ours_at;

	if (s->ours == NULL) {
		bull_ours(s->o.bull, source_bull_begin(s, owned));
		return;
	}
	n = n < SOURCE_BULL_BATCH ? n : SOURCE_BULL_BATCH;
	/* A whole lock for them, as for what is taken; what has none any more
	 * is not read. */
	if (n > 0 && !s->ours_fresh) {
		bull_renew(s->o.bull, &s->ours[s->ours_at], n, s->o.lock_ms,
		    source_bull_begin(s, ours_renewed));
		return;
	}
	if (n > 0) {
		bull_read(s->o.bull, &s->ours[s->ours_at], n,
		    source_bull_begin(s, read_some));
		return;
	}
	ours_free(s);
	s->adopted = true;
	s->renew = true;
	source_bull_poke(s);
}

/* --- what only workers do, and jobs -----------------------------------------
 */

static void
promoted(struct source_bull *s)
{
	s->tend = s->call.count >= PROMOTED_AT_ONCE;
	s->stalled = s->stalled || !s->tend;
}

static void
checked(struct source_bull *s)
{
	s->stalled = false;
}

static void
took(struct source_bull *s)
{
	s->locked_ms = s->began_ms;
	keep_jobs(s);
	/* BullMQ's global concurrency counts what is over here and not
	 * answered yet: ask again when it may be. */
	if (s->call.answer == BULL_FULL && s->fulls < FULLS_MOST &&
	    source_bull_owes_answers(s)) {
		s->fulls++;
		env_timer_start_real(s->o.env, &s->full, FULL_MS);
		return;
	}
	s->fulls = 0;
	/* All that came can only be refused: what waits behind it may be
	 * called. */
	if (s->call.answer == BULL_TAKEN && s->job_at >= s->job_count &&
	    s->blanks.count == 0)
		return;
	s->wanted = 0;
	source_bull_tell_ready(s);
}

static bool
has_room(const struct source_bull *s)
{
	return s->note_count < SOURCE_BULL_BATCH;
}

void
source_bull_poke(struct source_bull *s)
{
	/* No run yet, or none any more: it could not wait for the end. */
	if (s->port.ready == NULL)
		return;
	source_bull_blanks_poke(s);
	if (s->writing || s->fatal || s->unwritten)
		return;
	if (s->give_up) {
		/* Also while a call hangs: locks do not wait for it. */
		source_bull_write(s, SOURCE_BULL_GIVE_UP);
		return;
	}
	if (s->calling || env_timer_running(&s->again))
		return;
	s->down = false;
	if (s->note_count > 0 && (!has_room(s) || (list_empty(&s->words) &&
						      list_empty(&s->reclaim))))
		source_bull_write(s, SOURCE_BULL_NOTES);
	else if (!s->detected)
		bull_detect(s->o.bull, source_bull_begin(s, detected));
	else if (!s->adopted && s->blanks.count == 0)
		adopt(s);
	else if (!list_empty(&s->reclaim))
		source_bull_say_next(s, true);
	else if (!list_empty(&s->words))
		source_bull_say_next(s, false);
	else if (source_bull_upkeep(s))
		return;
	else if (s->tend)
		bull_promote(s->o.bull, source_bull_begin(s, promoted));
	else if (s->stalled)
		bull_check_stalled(s->o.bull,
		    s->o.max_stalled > 0 ? s->o.max_stalled : 1, STALLED_MS,
		    source_bull_begin(s, checked));
	else if (s->wanted > 0 && !s->stopping && s->job_at >= s->job_count &&
		 !env_timer_running(&s->full) && s->blanks.count == 0)
		bull_take(s->o.bull,
		    s->wanted < SOURCE_BULL_BATCH ? s->wanted
						  : SOURCE_BULL_BATCH,
		    s->o.lock_ms, source_bull_begin(s, took));
	else if (s->look && s->note_count == 0 && source_bull_look(s))
		return;
	else if (s->stopping && s->gave_back)
		source_bull_tell_ready(s);
}

/* --- the port ----------------------------------------------------------------
 */

static void
bull_want(void *impl, int64_t n)
{
	struct source_bull *s = impl;

	if (!s->seen) {
		s->seen = true;
		source_bull_see(s);
	}
	s->wanted = n;
	source_bull_poke(s);
}

static void
bull_give_back(void *impl)
{
	struct source_bull *s = impl;

	s->stopping = true;
	s->wanted = 0;
	s->look = false;
	source_bull_poke(s);
}

static bool
bull_resting(void *impl)
{
	const struct source_bull *s = impl;

	if (s->calling || s->writing || s->job_at < s->job_count ||
	    (s->blanks.count > 0 && !s->fatal))
		return false;
	if (s->fatal || s->down)
		return true;
	return s->detected && s->adopted && s->note_count == 0 &&
	       list_empty(&s->words) && list_empty(&s->reclaim) &&
	       s->wanted == 0 && !s->renew && !s->tend && !s->stalled &&
	       !s->put_off && !s->parked && !s->returning && !s->look &&
	       s->stopping == s->gave_back;
}

static bool
bull_sure(void *impl)
{
	const struct source_bull *s = impl;

	return s->sure || s->down || s->fatal;
}

static const char *
bull_warning(void *impl)
{
	return ((const struct source_bull *)impl)->warning;
}

static bool
bull_trouble(void *impl, struct err *err)
{
	const struct source_bull *s = impl;

	if (!s->down && s->blanks.put_off == 0)
		return false;
	*err = s->down ? s->err : s->blanks.away;
	if (!s->down)
		(void)err_wrap(err, "%lld jobs put off by 60 s",
		    (long long)s->blanks.put_off);
	if (strncmp(err->text, "queue ", 6) != 0)
		(void)err_wrap(err, "queue %s", bull_name(s->o.bull));
	return true;
}

static void
bull_tally(void *impl, struct source_tally *out)
{
	*out = ((struct source_bull *)impl)->tally;
}

static enum err_code
bull_finish(void *impl, const char **rejects, struct err *err)
{
	(void)impl;
	(void)err;
	*rejects = NULL;
	return ERR_NONE;
}

static int64_t
bull_owed(void *impl)
{
	(void)impl;
	return 0;
}

static void
bull_free(void *impl)
{
	struct source_bull *s = impl;

	source_bull_free(&s);
}

static const struct source_ops ops = {.next = bull_next,
    .taken = bull_taken,
    .release = bull_release,
    .owed = bull_owed,
    .finish = bull_finish,
    .tally = bull_tally,
    .free = bull_free,
    .want = bull_want,
    .give_back = bull_give_back,
    .resting = bull_resting,
    .warning = bull_warning,
    .notice = source_bull_notice,
    .sure = bull_sure,
    .trouble = bull_trouble};

/* --- life --------------------------------------------------------------------
 */

static void
again_fired(struct env_timer *t)
{
	struct source_bull *s = CONTAINER_OF(t, struct source_bull, again);

	s->unwritten = false;
	s->give_up = s->o.shared;
	source_bull_poke(s);
}

static void
full_fired(struct env_timer *t)
{
	source_bull_poke(CONTAINER_OF(t, struct source_bull, full));
}

static void
tending_fired(struct env_timer *t)
{
	struct source_bull *s = CONTAINER_OF(t, struct source_bull, tending);

	env_timer_start_real(s->o.env, t, TEND_MS);
	s->tend = true;
	s->put_off = true;
	s->parked = true;
	if (++s->tends % LOOK_TENDS == 0) {
		s->look = true;
		s->renew = true;
	}
	source_bull_poke(s);
}

struct source_bull *
source_bull_new(const struct source_bull_options *options)
{
	struct source_bull *s = mem_zalloc(1, sizeof(*s));

	s->o = *options;
	s->port = (struct source){.ops = &ops, .impl = s};
	list_init(&s->words);
	list_init(&s->reclaim);
	s->again.fn = again_fired;
	s->tending.fn = tending_fired;
	s->full.fn = full_fired;
	s->returning = true;
	s->tend = true;
	s->put_off = true;
	s->parked = true;
	s->look = true;
	if (s->o.lookup != NULL)
		s->blanks.people =
		    source_people_new(s->o.env, s->o.journal, s->o.lookup);
	env_timer_start_real(s->o.env, &s->tending, TEND_MS);
	source_bull_leases_begin(s);
	return s;
}

struct source *
source_bull_port(struct source_bull *s)
{
	return &s->port;
}

void
source_bull_free(struct source_bull **sp)
{
	struct source_bull *s = *sp;

	if (s == NULL)
		return;
	CHECK(!s->writing);
	source_bull_blanks_free(s);
	bull_cancel(&s->call);
	bull_call_fini(&s->call);
	env_timer_stop(s->o.env, &s->again);
	env_timer_stop(s->o.env, &s->tending);
	env_timer_stop(s->o.env, &s->full);
	while (s->job_at < s->job_count)
		source_job_free(&s->jobs[s->job_at++]);
	mem_free(&s->jobs);
	ours_free(s);
	source_bull_leases_end(s);
	if (s->saying != NULL)
		source_bull_word_free(&s->saying);
	mem_free(&s->warning);
	source_bull_words_drop(s, &s->words);
	source_bull_words_drop(s, &s->reclaim);
	for (size_t i = 0; i < s->note_count; i++)
		source_bull_note_fini(&s->notes[i]);
	mem_free(sp);
}
