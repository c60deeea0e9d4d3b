#include <string.h>

#include "base/crash.h"

#include "journal/journal_life.h"

#include "run/run_priv.h"

/*
 * Hours that were changed.
 *
 * A job that may not be called now waits for the moment at which its hours
 * were to open, and no run looks at it before.  When somebody has opened them
 * earlier since (the kind's file, the data of zones), its moment is a wrong
 * one.  Hours are the same for all jobs of a kind but for the zone, so the one
 * that waits for the soonest moment is asked about for all of them.
 *
 * Those of a queue are left alone: it may have them back.  Nothing is opened
 * here: they become READY, and the gates decide.
 */

#define KINDS_MAX 64
#define AT_ONCE 500

struct reopen {
	struct journal_tx tx;
	const struct run_options *o;
	int64_t moved; /* in this transaction */
};

/* Would its hours let it go before the moment that it waits for? */
static enum err_code
opens_sooner(struct reopen *r, struct journal *j, const struct journal_job *job,
    bool *sooner, struct err *err)
{
	struct journal_person person = {0};
	struct run_verdict verdicts[RUN_VERDICTS_MAX];
	struct run_gate gate = {.verdicts = verdicts};
	enum err_code code = journal_person_get(j, job->id, &person, err);

	*sooner = false;
	if (code == ERR_NONE)
		code = run_gate_ask(r->o, j, job, &person, NULL, &gate, err);
	for (size_t i = 0; i < gate.count && code == ERR_NONE; i++) {
		const struct run_verdict *v = &verdicts[i];

		if (strcmp(v->gate, "window") == 0)
			*sooner = strcmp(v->result, "ok") == 0 ||
				  (v->not_before_ms > 0 &&
				      v->not_before_ms < job->not_before_ms);
	}
	journal_person_free(&person);
	return code;
}

static enum err_code
move(struct reopen *r, struct journal *j, int64_t kind, struct err *err)
{
	int64_t ids[AT_ONCE];
	size_t count = 0;
	enum err_code code =
	    journal_shut_out(j, kind, ids, AT_ONCE, &count, err);

	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		struct journal_job job;
		struct journal_change change = {.job = &job,
		    .job_event = JOB_EV_LATER,
		    .detail = "hours changed"};

		code = journal_job_get(j, ids[i], &job, err);
		if (code != ERR_NONE)
			break;
		job.not_before_ms = journal_group_ms(j);
		job.reason = JOB_REASON_NONE;
		code = journal_step(j, &change, err);
		r->moved++;
	}
	CRASH_POINT("run.reopen.moved");
	return code;
}

static enum err_code
reopen_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct reopen *r = CONTAINER_OF(tx, struct reopen, tx);
	int64_t ids[KINDS_MAX];
	size_t count = 0;
	enum err_code code =
	    journal_shut_out(j, 0, ids, KINDS_MAX, &count, err);

	r->moved = 0;
	for (size_t i = 0; i < count && code == ERR_NONE; i++) {
		struct journal_job job;
		bool sooner = false;

		code = journal_job_get(j, ids[i], &job, err);
		if (code == ERR_NONE)
			code = opens_sooner(r, j, &job, &sooner, err);
		if (code == ERR_NONE && sooner)
			code = move(r, j, job.kind_id, err);
	}
	return code;
}

enum err_code
run_reopen(const struct run_options *options, int64_t *count, struct err *err)
{
	struct reopen r = {
	    .tx = {.run = reopen_run, .cls = JOURNAL_CLAIM}, .o = options};
	const char *why = NULL;
	enum err_code code = ERR_NONE;

	*count = 0;
	/* Nothing is read before by the reader: a broken page must meet the
	 * writer first, so that it ends all writing. */
	if (!journal_clock_trusted(options->journal, &why))
		return ERR_NONE;
	do {
		code = journal_now(options->journal, &r.tx, err);
		*count += r.moved;
	} while (code == ERR_NONE && r.moved > 0);
	return code;
}
