#include <string.h>

#include "base/crash.h"
#include "base/mem.h"

#include "source/source_bull_priv.h"

/*
 * Jobs that name a campaign and no phone: their people are looked up, many at
 * once, before intake sees them.  Until then they are ours in the queue and
 * nowhere else, so that a crash leaves what it leaves of every job that was
 * taken and not yet written down: the next run adopts it.
 */

#define PUT_OFF_MS 60000 /* real */

static struct bull_job
copy(const struct bull_job *from)
{
	struct bull_job j = *from;

	j.ref.id = mem_strdup(from->ref.id);
	j.ref.lease = mem_strdup(from->ref.lease);
	j.ref.stamp = mem_strdup(from->ref.stamp);
	j.name = mem_strdup(from->name);
	j.data = mem_strndup(from->data, from->data_len);
	j.doomed = mem_strdup(from->doomed);
	j.again_detail = mem_strdup(from->again_detail);
	j.opts = j.parent = j.dedup = "";
	j.opts_len = 0;
	return j;
}

static void
blank_free(struct source_bull_blank *b)
{
	const char *texts[] = {b->job.ref.id, b->job.ref.lease,
	    b->job.ref.stamp, b->job.name, b->job.data, b->job.doomed,
	    b->job.again_detail, b->campaign};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *text = (char *)(uintptr_t)texts[i];

		mem_free(&text);
	}
}

bool
source_bull_blank(struct source_bull *s, const struct bull_job *from)
{
	struct source_bull_blanks *l = &s->blanks;
	struct source_bull_blank b = {0};
	char *id;

	if (l->people == NULL)
		return false;
	b.campaign = source_bull_campaign(from, &b.step);
	if (b.campaign == NULL)
		return false;
	id = source_bull_identity(&from->ref);
	if (journal_read_is_known(
		s->o.journal, s->o.name, id, &b.known, &s->err) != ERR_NONE)
		s->fatal = true;
	mem_free(&id);
	b.job = copy(from);
	b.until_ms = s->locked_ms + s->o.lock_ms;
	l->jobs = mem_realloc(l->jobs, l->count + 1, sizeof(*l->jobs));
	l->jobs[l->count++] = b;
	return true;
}

/* --- what becomes of them ---------------------------------------------------
 */

static void
put_off(struct source_bull *s, const struct source_bull_blank *b,
    const struct source_person *p)
{
	struct source_bull_word *w = source_bull_answer(s, &b->job);

	w->due_ms = source_bull_real_ms(s) + PUT_OFF_MS;
	w->line = mem_printf(
	    "dsrun: put off by 60 s, for whom it calls is not known: %s",
	    p->err.text);
	s->blanks.put_off++;
}

/* Looking somebody up takes time, and in shared use the lock does not wait: too
 * close to its end the job goes back. */
static void
keep(struct source_bull *s, const struct source_bull_blank *b,
    struct source_job *j)
{
	if (s->o.shared && !b->known &&
	    b->until_ms < source_bull_real_ms(s) + s->o.margin_ms) {
		(void)source_bull_answer(s, &b->job);
		source_job_free(&j);
		return;
	}
	j->lease_until_ms = b->until_ms;
	source_bull_keep(s, j);
}

/* A producer may add a step twice before its campaign says that it was made,
 * or while it cannot. */
static enum err_code
once(struct source_bull *s, const struct source_bull_blank *b, struct err *err)
{
	char *but = source_bull_identity(&b->job.ref);
	bool made = false;

	but[strcspn(but, "#") + 1] = '\0'; /* any try of it */
	if (journal_read_is_made(s->o.journal, b->campaign, b->step, but, &made,
		err) != ERR_NONE) {
		s->err = *err;
		s->fatal = true;
	}
	for (size_t i = s->job_at; i < s->job_count && !made; i++)
		made = strcmp(s->jobs[i]->campaign, b->campaign) == 0 &&
		       s->jobs[i]->step == b->step &&
		       strncmp(s->jobs[i]->id, but, strlen(but)) != 0;
	mem_free(&but);
	if (s->fatal || !made)
		return ERR_NONE;
	return err_set(err, ERR_REJECTED, 0,
	    "step %lld of campaign %.100s was made, or is about to be, by "
	    "another job",
	    (long long)b->step, b->campaign);
}

static void
settle(struct source_bull *s, const struct source_bull_blank *b,
    const struct source_person *p)
{
	struct source_job *j = NULL;
	struct err err = p->err;
	enum err_code code = p->code;

	if (code == ERR_NONE)
		code = source_person_may(
		    p, b->campaign, b->step, b->job.ref.tries, &err);
	if (code == ERR_NONE)
		code = once(s, b, &err);
	if (code == ERR_NONE)
		code = source_bull_job(s, &b->job, p, &j, &err);
	if (code == ERR_NONE)
		keep(s, b, j);
	else if (err_class(code) == ERR_CLASS_FINAL)
		source_bull_refuse(s, &b->job, &err);
	else
		put_off(s, b, p);
}

/* The journal has it, and may be calling it: whatever the store says, and also
 * on a stop, intake must find it there. */
static void
settle_known(struct source_bull *s, const struct source_bull_blank *b)
{
	char phone[] = "+12025550100";
	char nothing[] = "{}";
	struct source_person known = {
	    .phone = phone, .contact = nothing, .batch = nothing + 2};
	struct source_job *j = NULL;
	struct err err = {0};

	if (source_bull_job(s, &b->job, &known, &j, &err) == ERR_NONE)
		keep(s, b, j);
	else
		source_bull_refuse(s, &b->job, &err);
}

static void
notice(struct source_bull *s, bool *said, char *text)
{
	if (*said || s->blanks.notice != NULL) {
		mem_free(&text);
		return;
	}
	*said = true;
	s->blanks.notice = text;
}

/* What there is to say of a store that is away, once until it is there. */
static void
tell(struct source_bull *s, const struct source_people_ask *a)
{
	struct source_bull_blanks *l = &s->blanks;
	int64_t oldest_ms = -1;

	if (a->away.code == ERR_NONE) {
		l->said_away = l->said_old = false;
		return;
	}
	l->away = a->away;
	for (size_t i = 0; i < a->count; i++)
		if (a->people[i].age_ms > oldest_ms)
			oldest_ms = a->people[i].age_ms;
	if (l->put_off > 0)
		notice(s, &l->said_away,
		    mem_printf("jobs whose people are not known are put off "
			       "by 60 s: %s",
			a->away.text));
	if (oldest_ms >= 0)
		notice(s, &l->said_old,
		    mem_printf("people are called as they were known up to "
			       "%lld min ago: %s",
			(long long)(oldest_ms / 60000), a->away.text));
}

static void
forget(struct source_bull_blanks *l, size_t n)
{
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		blank_free(&l->jobs[i]);
	l->count -= n;
	memmove(l->jobs, l->jobs + n, l->count * sizeof(*l->jobs));
	if (l->count == 0)
		mem_free(&l->jobs);
}

static void
hand_back(struct source_bull *s)
{
	struct source_bull_blanks *l = &s->blanks;

	for (size_t i = 0; i < l->count; i++)
		if (l->jobs[i].known)
			settle_known(s, &l->jobs[i]);
		else
			(void)source_bull_answer(s, &l->jobs[i].job);
	forget(l, l->count);
}

static void
asked(struct source_people_ask *a)
{
	struct source_bull *s = CONTAINER_OF(a, struct source_bull, blanks.ask);
	struct source_bull_blanks *l = &s->blanks;

	CRASH_POINT("source.bull.looked_up");
	l->asked = 0;
	if (a->code != ERR_NONE) {
		s->err = a->err;
		s->fatal = true;
	} else if (!s->stopping) {
		if (a->away.code == ERR_NONE)
			l->put_off = 0;
		for (size_t i = 0; i < a->count; i++)
			if (l->jobs[i].known)
				settle_known(s, &l->jobs[i]);
			else
				settle(s, &l->jobs[i], &a->people[i]);
		tell(s, a);
	}
	if (a->code != ERR_NONE || !s->stopping)
		forget(l, a->count);
	source_people_ask_fini(a);
	source_bull_tell_ready(s);
	source_bull_poke(s);
}

void
source_bull_blanks_poke(struct source_bull *s)
{
	struct source_bull_blanks *l = &s->blanks;

	if (l->count == 0 || s->fatal)
		return;
	if (s->stopping) {
		if (l->asked > 0 && !source_people_cancel(l->people))
			return;
		l->asked = 0;
		hand_back(s);
		source_bull_tell_ready(s);
		return;
	}
	if (l->asked > 0)
		return;
	l->asked = l->count < SOURCE_PEOPLE_MAX ? l->count : SOURCE_PEOPLE_MAX;
	for (size_t i = 0; i < l->asked; i++)
		l->campaigns[i] = l->jobs[i].campaign;
	l->ask = (struct source_people_ask){
	    .campaigns = l->campaigns, .count = l->asked, .done = asked};
	source_people_start(l->people, &l->ask);
}

const char *
source_bull_notice(void *impl)
{
	struct source_bull *s = impl;

	mem_free(&s->blanks.noticed);
	if (s->blanks.notice == NULL && s->gone > 0) {
		s->blanks.notice = mem_printf("%lld jobs are not called: queue "
					      "%s no longer has them (gone)",
		    (long long)s->gone, bull_name(s->o.bull));
		s->gone = 0;
	} else if (s->blanks.notice == NULL && s->over > 0) {
		s->blanks.notice =
		    mem_printf("%lld jobs of queue %s came again "
			       "under a try that was called "
			       "before: their results are told "
			       "again, nobody is called",
			(long long)s->over, bull_name(s->o.bull));
		s->over = 0;
	}
	s->blanks.noticed = s->blanks.notice;
	s->blanks.notice = NULL;
	return s->blanks.noticed;
}

void
source_bull_blanks_free(struct source_bull *s)
{
	struct source_bull_blanks *l = &s->blanks;

	source_people_free(&l->people);
	forget(l, l->count);
	mem_free(&l->notice);
	mem_free(&l->noticed);
}
