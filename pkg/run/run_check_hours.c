#include <string.h>

#include "base/text.h"

#include "journal/journal_read.h"

#include "run/run_check_priv.h"
#include "run/run_priv.h"

/*
 * I12: no dial outside the callee's hours.  Two witnesses: the moment up to
 * which the arm allowed it, which stands in the journal, and the kind's hours
 * as they are now, where its file is older than the call and the callee is
 * still known.  A kind whose file is not found leaves I12 unseen: nobody can
 * say whether it is older.
 */

struct hours {
	const struct run_check_options *o;
	struct run_check *c;
	/* of the attempt that was read last */
	int64_t attempt;
	bool gone; /* it was pruned */
	struct journal_attempt a;
	struct journal_job job;
	struct journal_person person;
	bool has_person;
	const struct conf_kind *kind; /* NULL: hours cannot be compared */
	int64_t kind_ms;              /* its file's age */
};

static enum err_code
attempt_read(struct hours *h, int64_t attempt, struct err *err)
{
	struct journal *j = h->o->journal;
	struct env_stat st;
	struct err ignored;
	enum err_code code;

	if (h->attempt == attempt)
		return ERR_NONE;
	h->attempt = attempt;
	journal_person_free(&h->person);
	code = journal_read_attempt(j, attempt, &h->a, err);
	if (code == ERR_NONE)
		code = journal_read_job(
		    j, journal_attempt_job(attempt), &h->job, err);
	/* Pruned; or I8 and I9 say what is missing. */
	h->gone = code == ERR_NOT_FOUND;
	if (h->gone)
		return ERR_NONE;
	if (code != ERR_NONE)
		return code;
	code = journal_read_person(j, h->job.id, &h->person, err);
	h->has_person = code == ERR_NONE;
	h->kind = conf_kind_find(h->o->conf, h->job.kind);
	if (h->kind == NULL)
		return code == ERR_NOT_FOUND ? ERR_NONE : code;
	if (env_stat(h->o->env, h->kind->path, &st, &ignored) == ERR_NONE) {
		h->kind_ms = st.mtime_ms;
	} else {
		h->kind = NULL;
		run_check_not_seen(h->c, 12,
		    "the file of a kind cannot be found from here, so its "
		    "hours were not compared: run it where the journal's "
		    "dsrun runs");
	}
	return code == ERR_NOT_FOUND ? ERR_NONE : code;
}

static enum err_code
one(struct hours *h, const struct run_check_rang *call,
    const struct run_check_asked *asked, struct err *err)
{
	struct journal_check_item *item = &h->c->own[12];
	bool known = false;
	bool open = true;
	char at[TEXT_TIME_MAX], until[TEXT_TIME_MAX];

	if (attempt_read(h, call->attempt, err) != ERR_NONE)
		return err->code;
	if (h->gone)
		return ERR_NONE;
	item->checked++;
	if (h->a.dial_until_ms > 0 && asked->at_ms > h->a.dial_until_ms)
		run_check_bad(h->c, 12,
		    "call %s of job #%lld was asked for at %s, it was allowed "
		    "until %s",
		    call->id, (long long)h->job.id,
		    text_of_time(asked->at_ms, at),
		    text_of_time(h->a.dial_until_ms, until));
	if (h->kind == NULL || !h->has_person || h->kind_ms > asked->at_ms)
		return ERR_NONE;
	if (run_gate_open_at(h->o->atlas, h->kind, &h->person, asked->at_ms,
		&known, &open, err) != ERR_NONE)
		return err->code;
	if (known && !open)
		run_check_bad(h->c, 12,
		    "call %s of job #%lld was asked for at %s, when the hours "
		    "of %s are closed there",
		    call->id, (long long)h->job.id,
		    text_of_time(asked->at_ms, at), h->kind->name);
	return ERR_NONE;
}

enum err_code
run_check_hours(const struct run_check_options *o,
    const struct run_check_calls *calls, struct run_check *c, struct err *err)
{
	struct hours h = {.o = o, .c = c};
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < calls->count && code == ERR_NONE; i++) {
		const struct run_check_rang *call = &calls->call[i];

		if (call->attempt == 0)
			continue; /* nobody's: I2 says so */
		for (size_t n = 0; n < call->count && code == ERR_NONE; n++)
			code =
			    one(&h, call, &calls->asked[call->first + n], err);
	}
	journal_person_free(&h.person);
	return code;
}
