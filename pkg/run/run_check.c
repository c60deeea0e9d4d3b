#include "run/run_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "journal/journal_life.h"
#include "journal/journal_read.h"

#include "run/run_check_priv.h"

/* A word that the network must have said; asked of the later reading. */
struct claimed {
	int64_t attempt;
	uint8_t key[SHA256_BYTES];
	enum attempt_state state;
	enum job_outcome outcome;
};

struct done_job {
	int64_t id;
	enum job_outcome outcome;
};

struct checking {
	const struct run_check_options *o;
	struct run_check *c;
	struct run_check_calls calls;
	/* requests of an incarnation that was lost, when > 0: older than this
	 */
	int64_t lost_before_ms;
	struct done_job *done; /* DONE and not pruned, in the order of ids */
	size_t done_count, done_cap, done_at;
	struct claimed *claims;
	size_t claim_count, claim_cap;
	/* the job whose attempts are being shown */
	struct {
		int64_t id;
		int64_t rang;           /* calls of all its attempts */
		int64_t allowed;        /* its attempts that may have had one */
		enum job_outcome ended; /* of its newest that ENDED */
	} job;
};

#define LL(x) ((long long)(x))
#define ATTEMPT(id) LL(journal_attempt_number(id)), LL(journal_attempt_job(id))

static void item_bad(struct run_check *c, struct journal_check_item *item,
    const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

static void
item_bad(struct run_check *c, struct journal_check_item *item, const char *fmt,
    va_list ap)
{
	char text[ERR_TEXT_MAX];

	c->ok = false;
	item->ok = JOURNAL_FALSE;
	item->violations++;
	if (item->shown == JOURNAL_CHECK_SHOWN)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	item->violation[item->shown++] = mem_strdup(text);
}

void
run_check_bad(struct run_check *c, int invariant, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	item_bad(c, &c->own[invariant], fmt, ap);
	va_end(ap);
}

void
run_check_file_bad(struct run_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	item_bad(c, &c->files, fmt, ap);
	va_end(ap);
}

void
run_check_list(struct run_check *c, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	c->listed_count++;
	if (c->listed_shown == JOURNAL_CHECK_SHOWN)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->listed[c->listed_shown++] = mem_strdup(text);
}

/* A restored journal may have forgotten whole calls: a person knows. */
static bool
is_lost(struct checking *x, const struct run_check_rang *call,
    const struct run_check_asked *asked)
{
	if (asked->at_ms >= x->lost_before_ms)
		return false;
	run_check_list(x->c,
	    "I2: call %s was asked for by a life of this journal that was lost "
	    "when it was restored",
	    call->id);
	return true;
}

/* --- the network's calls against one attempt -------------------------------
 */

/*
 * I2: the request names the INTENT that stood in the journal before it: who
 * could name an event's hash had the event.  The network's time says nothing
 * of that, for its clock is another one.  False when the request belongs to a
 * life of this journal that was lost.
 */
static bool
request_check(struct checking *x, const struct journal_check_attempt *a,
    const struct run_check_rang *call, const struct run_check_asked *asked)
{
	const char *what = NULL;

	x->c->own[2].checked++;
	if (a->intent_seq == 0)
		what = "was never armed";
	else if (asked->event != a->intent_seq)
		what = "was armed by another event";
	else if (memcmp(asked->hash, a->intent_hash, SHA256_BYTES) != 0)
		what = "has another hash there";
	if (what == NULL)
		return true;
	if (is_lost(x, call, asked))
		return false;
	run_check_bad(x->c, 2,
	    "call %s was asked for by event %lld, but attempt %lld of job "
	    "#%lld %s",
	    call->id, LL(asked->event), ATTEMPT(a->id), what);
	return true;
}

/* States in which the journal says that no phone rang. */
static bool
held_silent(enum attempt_state s)
{
	return s == ATTEMPT_NEW || s == ATTEMPT_CLAIMED ||
	       s == ATTEMPT_REFUSED || s == ATTEMPT_ABSENT ||
	       s == ATTEMPT_CANCELLED || s == ATTEMPT_CONFLICT;
}

/*
 * I1 and I14 of an attempt for which rang phones rang.  lost: all of them by
 * the word of a life that was lost when somebody restored the journal.  One
 * that was never armed since was not asked about either: its job expired, say,
 * before it was its turn.
 */
static void
rang_check(struct checking *x, const struct journal_check_attempt *a,
    int64_t rang, bool lost)
{
	if (rang > 1)
		run_check_bad(x->c, 1,
		    "%lld phones rang for attempt %lld of job #%lld", LL(rang),
		    ATTEMPT(a->id));
	if (rang == 0)
		return;
	x->c->own[14].checked++;
	if (held_silent(a->state) && a->by_person) {
		run_check_list(x->c,
		    "I14: attempt %lld of job #%lld rang, a named person said "
		    "it did not",
		    ATTEMPT(a->id));
		return;
	}
	if (held_silent(a->state) && a->intent_seq == 0 && lost) {
		run_check_list(x->c,
		    "I14: attempt %lld of job #%lld rang in a life of this "
		    "journal that was lost when it was restored",
		    ATTEMPT(a->id));
		return;
	}
	if (held_silent(a->state))
		run_check_bad(x->c, 14,
		    "a phone rang for attempt %lld of job #%lld, which is held "
		    "as %s",
		    ATTEMPT(a->id), job_attempt_state_name(a->state));
	x->job.rang += rang;
}

/* On a backup, calls that were armed after it are not its business. */
static bool
is_later(const struct checking *x, const struct journal_check_attempt *a,
    const struct run_check_rang *call)
{
	int64_t newest =
	    x->c->journal != NULL ? x->c->journal->newest_seq : a->newest_seq;

	return x->o->journal == NULL &&
	       x->calls.asked[call->first].event > newest;
}

static void
calls_check(struct checking *x, const struct journal_check_attempt *a)
{
	size_t count = 0;
	int64_t rang = 0;
	bool lost = true;
	struct run_check_rang *call =
	    run_check_calls_find(&x->calls, a->key, &count);

	for (size_t i = 0; i < count; i++) {
		call[i].attempt = a->id;
		if (is_later(x, a, &call[i]))
			continue;
		rang += call[i].placed;
		for (size_t n = 0; n < call[i].count; n++)
			lost = !request_check(x, a, &call[i],
				   &x->calls.asked[call[i].first + n]) &&
			       lost;
	}
	x->c->own[1].checked += count > 0;
	rang_check(x, a, rang, lost);
}

/* --- what the journal says of calls ----------------------------------------
 */

/* An end that only the network can have told. */
static bool
was_heard(enum job_outcome o)
{
	return o >= JOB_OUTCOME_COMPLETED && o <= JOB_OUTCOME_HANGUP;
}

static bool
has_said(const struct run_check_calls *calls, const struct claimed *c)
{
	size_t count = 0;
	const struct run_check_rang *call =
	    run_check_calls_find(calls, c->key, &count);

	for (size_t i = 0; i < count; i++)
		if (c->state == ATTEMPT_REFUSED ||
		    (call[i].placed > 0 && (!was_heard(c->outcome) ||
					       call[i].outcome == c->outcome)))
			return true;
	return false;
}

static void
claim_add(struct checking *x, const struct claimed *c)
{
	if (x->claim_count == x->claim_cap) {
		x->claim_cap = x->claim_cap == 0 ? 64 : 2 * x->claim_cap;
		x->claims =
		    mem_realloc(x->claims, x->claim_cap, sizeof(*x->claims));
	}
	x->claims[x->claim_count++] = *c;
}

static void
claim_check(struct checking *x, const struct journal_check_attempt *a)
{
	struct claimed c = {
	    .attempt = a->id, .state = a->state, .outcome = a->outcome};

	if (a->state != ATTEMPT_ENDED &&
	    !(a->state == ATTEMPT_REFUSED && a->outcome == JOB_OUTCOME_REFUSED))
		return;
	if (a->outcome == JOB_OUTCOME_UNKNOWN && a->by_person)
		return; /* a named person's word is its evidence */
	memcpy(c.key, a->key, sizeof(c.key));
	if (!has_said(&x->calls, &c))
		claim_add(x, &c);
}

/* --- jobs ------------------------------------------------------------------
 */

static void
done_check(struct checking *x, const struct done_job *d, enum job_outcome ended)
{
	/* A person may end a parked job without any attempt. */
	if (d->outcome != ended && d->outcome != JOB_OUTCOME_UNKNOWN)
		run_check_bad(x->c, 15,
		    "job #%lld is DONE with outcome %s, its last call with %s",
		    LL(d->id), job_outcome_name(d->outcome),
		    job_outcome_name(ended));
}

/* DONE jobs up to id had no attempt that was shown. */
static void
done_skip(struct checking *x, int64_t id)
{
	while (x->done_at < x->done_count && x->done[x->done_at].id < id)
		done_check(x, &x->done[x->done_at++], JOB_OUTCOME_NONE);
}

static void
job_over(struct checking *x)
{
	if (x->job.id == 0)
		return;
	if (x->job.rang > x->job.allowed)
		run_check_bad(x->c, 14,
		    "%lld phones rang for job #%lld, it has %lld attempts that "
		    "may have done so",
		    LL(x->job.rang), LL(x->job.id), LL(x->job.allowed));
	done_skip(x, x->job.id);
	if (x->done_at < x->done_count && x->done[x->done_at].id == x->job.id)
		done_check(x, &x->done[x->done_at++], x->job.ended);
	memset(&x->job, 0, sizeof(x->job));
}

static void
on_job(void *arg, const struct journal_check_job *j)
{
	struct checking *x = arg;

	if (!job_is_final(j->state) || j->pruned)
		return;
	x->c->own[15].checked++;
	if (j->state != JOB_DONE)
		return;
	if (x->done_count == x->done_cap) {
		x->done_cap = x->done_cap == 0 ? 256 : 2 * x->done_cap;
		x->done = mem_realloc(x->done, x->done_cap, sizeof(*x->done));
	}
	x->done[x->done_count++] =
	    (struct done_job){.id = j->id, .outcome = j->outcome};
}

static void
on_attempt(void *arg, const struct journal_check_attempt *a)
{
	struct checking *x = arg;
	int64_t job = journal_attempt_job(a->id);

	if (job != x->job.id)
		job_over(x);
	x->job.id = job;
	if (a->state == ATTEMPT_ENDED)
		x->job.ended = a->outcome;
	if (a->intent_seq != 0 && !held_silent(a->state))
		x->job.allowed++;
	if (!a->has_key)
		return;
	calls_check(x, a);
	claim_check(x, a);
}

/* --- afterwards ------------------------------------------------------------
 */

/* A call that no attempt has: of a pruned job, or a broken promise. */
static enum err_code
orphan_check(
    struct checking *x, const struct run_check_rang *call, struct err *err)
{
	const struct run_check_asked *asked = &x->calls.asked[call->first];
	const struct journal_check *jc = x->c->journal;
	uint8_t hash[SHA256_BYTES] = {0};
	int64_t attempt = 0;
	bool gone = asked->event <= jc->newest_seq && jc->pruned > 0;

	if (x->o->journal == NULL && asked->event > jc->newest_seq)
		return ERR_NONE;
	if (gone && x->o->journal != NULL) {
		if (journal_read_event_attempt(x->o->journal, asked->event,
			&attempt, hash, err) != ERR_NONE)
			return err->code;
		gone = attempt == 0;
	}
	if (gone)
		return ERR_NONE; /* of an archive that was moved away */
	x->c->own[2].checked++;
	if (!is_lost(x, call, asked))
		run_check_bad(x->c, 2,
		    "call %s was asked for by event %lld, with a key that no "
		    "attempt has",
		    call->id, LL(asked->event));
	return ERR_NONE;
}

static enum err_code
orphans(struct checking *x, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < x->calls.count && code == ERR_NONE; i++)
		if (x->calls.call[i].attempt == 0)
			code = orphan_check(x, &x->calls.call[i], err);
	if (x->calls.strange > 0)
		run_check_bad(x->c, 2,
		    "%zu calls, %s among them, have a key that no dsrun makes",
		    x->calls.strange, x->calls.strange_id);
	return code;
}

/* Against the log as it is now, which has all that the snapshot can know. */
static enum err_code
claims(struct checking *x, struct err *err)
{
	struct run_check_calls now = {0};

	if (x->claim_count == 0)
		return ERR_NONE;
	if (run_check_calls_read(x->o->network, &now, err) != ERR_NONE)
		return err->code;
	for (size_t i = 0; i < x->claim_count; i++) {
		const struct claimed *c = &x->claims[i];

		if (!has_said(&now, c))
			run_check_bad(x->c, 15,
			    "attempt %lld of job #%lld is %s, outcome %s; the "
			    "network never said so",
			    ATTEMPT(c->attempt),
			    job_attempt_state_name(c->state),
			    job_outcome_name(c->outcome));
	}
	run_check_calls_free(&now);
	return ERR_NONE;
}

void
run_check_not_seen(struct run_check *c, int invariant, const char *why)
{
	if (c->own[invariant].ok != JOURNAL_TRUE)
		return;
	c->own[invariant].ok = JOURNAL_UNKNOWN;
	c->own[invariant].why = why;
}

static enum err_code
with_network(struct checking *x, struct err *err)
{
	const struct run_check_options *o = x->o;
	enum err_code code;

	job_over(x);
	done_skip(x, INT64_MAX);
	code =
	    x->c->journal->pruned == 0
		? ERR_NONE
		: run_check_archives(o->env, o->conf->dir, on_attempt, x, err);
	job_over(x);
	if (code == ERR_NONE)
		code = orphans(x, err);
	if (code == ERR_NONE)
		code = claims(x, err);
	if (code == ERR_NONE && o->journal != NULL)
		code = run_check_hours(o, &x->calls, x->c, err);
	if (o->journal == NULL)
		run_check_not_seen(x->c, 12,
		    "of a backup, hours are not compared: check the journal");
	return code;
}

static void
without_network(struct run_check *c, const char *why)
{
	static const int mine[] = {1, 2, 12, 14, 15};

	for (size_t i = 0; i < ARRAY_LEN(mine); i++)
		run_check_not_seen(c, mine[i], why);
}

static enum err_code
snapshot(struct checking *x, struct err *err)
{
	bool network = x->o->network->each != NULL;
	struct journal_check_options jo = {.deep = x->o->deep,
	    .schema = x->o->schema,
	    .job = network ? on_job : NULL,
	    .attempt = network ? on_attempt : NULL,
	    .arg = x};

	if (x->o->journal == NULL)
		return journal_check_file(
		    x->o->env, x->o->backup, &jo, &x->c->journal, err);
	return journal_check(x->o->journal, &jo, &x->c->journal, err);
}

static struct run_check *
check_new(void)
{
	static const char *const names[] = {"", "I1", "I2", "I3", "I4", "I5",
	    "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "I15"};
	struct run_check *c = mem_zalloc(1, sizeof(*c));

	c->ok = true;
	for (size_t i = 1; i <= RUN_CHECK_INVARIANTS; i++) {
		c->own[i].name = names[i];
		c->own[i].ok = JOURNAL_TRUE;
	}
	c->files.name = "files";
	c->files.ok = JOURNAL_TRUE;
	return c;
}

enum err_code
run_check(
    const struct run_check_options *o, struct run_check **out, struct err *err)
{
	struct checking x = {.o = o, .c = check_new()};
	bool network = o->network->each != NULL;
	enum err_code code = ERR_NONE;

	*out = x.c;
	if (o->journal != NULL)
		code = journal_lost_before(o->journal, &x.lost_before_ms, err);
	if (code == ERR_NONE && network)
		code = run_check_calls_read(o->network, &x.calls, err);
	if (code == ERR_NONE)
		code = snapshot(&x, err);
	if (code == ERR_NONE && network && !x.c->journal->whole)
		/* What was not read would seem to be missing. */
		without_network(x.c, "the database cannot be read to its end");
	else if (code == ERR_NONE && network)
		code = with_network(&x, err);
	else if (code == ERR_NONE)
		without_network(x.c, o->network->why);
	if (code == ERR_NONE && o->journal != NULL && x.c->journal->whole) {
		code = run_check_files(o, x.c, err);
	} else {
		x.c->files.ok = JOURNAL_UNKNOWN;
		x.c->files.why = o->journal == NULL
				     ? "they are the journal's, not the file's"
				     : "the database cannot be read to its end";
	}
	if (code == ERR_NONE) {
		x.c->calls = (int64_t)(x.calls.count + x.calls.strange);
		x.c->ok = x.c->ok && x.c->journal->ok;
	}
	run_check_calls_free(&x.calls);
	mem_free(&x.done);
	mem_free(&x.claims);
	if (code != ERR_NONE)
		run_check_free(out);
	return code;
}

void
run_check_free(struct run_check **cp)
{
	struct run_check *c = *cp;

	if (c == NULL)
		return;
	for (size_t i = 0; i <= RUN_CHECK_INVARIANTS; i++)
		for (size_t n = 0; n < c->own[i].shown; n++)
			mem_free(&c->own[i].violation[n]);
	for (size_t n = 0; n < c->files.shown; n++)
		mem_free(&c->files.violation[n]);
	for (size_t n = 0; n < c->listed_shown; n++)
		mem_free(&c->listed[n]);
	journal_check_free(&c->journal);
	mem_free(cp);
}

const struct journal_check_item *
run_check_at(const struct run_check *c, int invariant)
{
	const struct journal_check_item *own = &c->own[invariant];

	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++)
		if (strcmp(c->journal->item[i].name, own->name) == 0)
			return &c->journal->item[i];
	return own;
}
