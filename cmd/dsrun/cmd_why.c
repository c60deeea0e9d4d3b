#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_lease.h"
#include "journal/journal_read.h"
#include "shown.h"
#include "table.h"
#include "wire.h"
#include "words/why.h"

/*
 * Why is this job not being called now?  Where it stands, every gate with its
 * verdict, and what to do about the first that holds it up.
 */

struct why {
	struct ctx *ctx;
	struct wire wire;
	struct journal_job job;
	struct journal_attempt attempt; /* the newest; id 0 = none */
	struct journal_owner_row owner; /* of it; id 0 = none */
	struct journal_lease lease;     /* away: of its queue; job 0 = none */
	struct run_verdict verdict[RUN_VERDICTS_MAX];
	size_t count;
	const struct run_verdict *first; /* that is not ok; NULL = none */
	bool erased, clock_ok;
	const char *clock_why;
	int64_t running; /* runs that are alive and may claim */
	char says[320];  /* the answer, in a sentence */
	char next[640];  /* what to do; "" = nothing */
};

static void
owner_seen(void *arg, const struct journal_owner_row *o)
{
	struct why *w = arg;

	w->running += o->alive;
	if (w->attempt.owner != 0 && o->id == w->attempt.owner)
		w->owner = *o;
}

static bool
waits(const struct why *w)
{
	return w->job.state == JOB_QUEUED || w->job.state == JOB_READY;
}

static enum err_code
gather(struct why *w, const char *word, struct err *err)
{
	struct journal *j = w->wire.journal;
	int64_t id = 0;
	enum err_code code = journal_read_find(j, word, &id, err);

	if (code == ERR_NONE)
		code = journal_read_job(j, id, &w->job, err);
	if (code == ERR_NONE && w->job.attempts > 0) {
		code = journal_read_attempt(
		    j, id * 256 + w->job.attempts, &w->attempt, err);
		if (code == ERR_NOT_FOUND) /* pruned */
			code = ERR_NONE;
	}
	if (code == ERR_NONE)
		code = journal_read_owners(j, true, owner_seen, w, err);
	if (code != ERR_NONE || (!waits(w) && w->job.state != JOB_PARKED))
		return code;
	if (w->job.reason == JOB_REASON_AWAY) {
		bool found = false;

		code = journal_read_lease(j, id, &w->lease, &found, err);
		if (code != ERR_NONE)
			return code;
	}
	code = run_why(&w->wire.options, id, w->verdict, &w->count, err);
	if (code == ERR_NOT_FOUND) {
		w->erased = true;
		w->count = 0;
		code = ERR_NONE;
	}
	for (size_t i = 0; i < w->count && w->first == NULL; i++)
		if (strcmp(w->verdict[i].result, "ok") != 0)
			w->first = &w->verdict[i];
	w->clock_ok = journal_clock_trusted(j, &w->clock_why);
	return code;
}

/* --- the answer --- */

#define SAYS(w, ...) (void)snprintf((w)->says, sizeof((w)->says), __VA_ARGS__)
#define NEXT(w, ...) (void)snprintf((w)->next, sizeof((w)->next), __VA_ARGS__)

static void
answer_final(struct why *w, const char *name)
{
	SAYS(w, "it is over: %s%s%s%s%s", job_state_name(w->job.state),
	    w->job.outcome != JOB_OUTCOME_NONE ? ", " : "",
	    w->job.outcome != JOB_OUTCOME_NONE
		? job_outcome_name(w->job.outcome)
		: "",
	    w->job.reason != JOB_REASON_NONE ? ": " : "",
	    job_reason_text(w->job.reason));
	NEXT(w, "dsrun retry %s --by NAME calls it again", name);
}

static void
answer_held(struct why *w)
{
	const char *state = job_attempt_state_name(w->attempt.state);

	if (w->owner.alive) {
		SAYS(w,
		    "it is being called: attempt %lld is %s, in dsrun %s, pid "
		    "%lld",
		    (long long)journal_attempt_number(w->attempt.id), state,
		    w->owner.command, (long long)w->owner.pid);
		return;
	}
	SAYS(w, "attempt %lld was left %s by dsrun %s, pid %lld, which is gone",
	    (long long)journal_attempt_number(w->attempt.id), state,
	    w->owner.command, (long long)w->owner.pid);
	NEXT(w, "dsrun drain takes it over and finds out what became of it");
}

static void
answer_parked(struct why *w, const char *name)
{
	SAYS(w, "a person must decide: %s", job_reason_text(w->job.reason));
	NEXT(w,
	    "dsrun parked shows what is known; dsrun resolve %s --as "
	    "placed|absent|drop --by NAME --reason TEXT",
	    name);
}

/* What a person can do about a gate; "" = wait. */
static const char *
advice(const char *gate)
{
	static const struct {
		const char *gate;
		const char *text;
	} known[] = {
	    {"pause", "dsrun resume"},
	    {"kind", "write the kind's file in jobs/, or cancel the job"},
	    {"carrier", "set that carrier up in dsrun.yaml"},
	    {"do-not-call", "dsrun dnc remove, if that is an error"},
	    {"number-free", "it waits for that job: see dsrun show on it"},
	    {"org-free", "it waits for that job: see dsrun show on it"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].gate, gate) == 0)
			return known[i].text;
	return "";
}

/* It waits for a word of its queue, at no time of its own. */
static void
answer_away(struct why *w, const char *name)
{
	if (w->lease.state == JOURNAL_LEASE_HELD && w->first != NULL) {
		SAYS(w, "%s: %s", w->first->gate, w->first->text);
		NEXT(w, "dsrun doctor --queue says whether the queue answers");
		return;
	}
	SAYS(w,
	    "its queue has it%s: it is called when it comes from there "
	    "again",
	    w->lease.state == JOURNAL_LEASE_RETURNING
		? " back, or has not heard so yet"
		: "");
	NEXT(w,
	    "dsrun doctor --queue; where that queue has lost it for good, "
	    "dsrun cancel %s and then dsrun retry %s --by NAME call it here",
	    name, name);
}

static void
answer_waiting(struct why *w, const char *name)
{
	char at[SHOWN_MAX];
	int64_t now = env_now_ms(w->ctx->env);

	if (w->erased) {
		SAYS(w, "its personal data was erased: there is no number to "
			"call");
		NEXT(w, "dsrun cancel %s", name);
	} else if (!w->clock_ok) {
		SAYS(w,
		    "nothing is dialled: the wall clock is not trusted "
		    "(%.150s)",
		    w->clock_why);
		NEXT(w, "dsrun clock accept --by NAME, if it is right");
	} else if (w->job.expires_ms > 0 && w->job.expires_ms <= now) {
		SAYS(w,
		    "its expiresAt, %s, has passed: the next run lets it "
		    "expire",
		    shown_time(w->job.expires_ms, at));
	} else if (w->lease.job != 0) {
		answer_away(w, name);
	} else if (w->job.state == JOB_QUEUED && w->job.not_before_ms > now) {
		SAYS(w, "not before %s: %s",
		    shown_time(w->job.not_before_ms, at),
		    job_reason_text(w->job.reason));
		if (w->job.reason == JOB_REASON_WINDOW && w->first == NULL)
			NEXT(w, "its hours were changed since: the next dsrun "
				"drain looks at it again, a worker when it is "
				"started anew");
	} else if (w->first != NULL) {
		bool later = w->first->not_before_ms > 0;

		SAYS(w, "%s: %s%s%s", w->first->gate, w->first->text,
		    later ? "; not before " : "",
		    later ? shown_time(w->first->not_before_ms, at) : "");
		NEXT(w, "%s", advice(w->first->gate));
	} else if (w->running > 0) {
		SAYS(w, "every rule lets it be called: its turn comes");
	} else {
		SAYS(w, "every rule lets it be called, but nothing runs");
		NEXT(w, "dsrun drain, or its cron line");
	}
}

static void
answer(struct why *w)
{
	char *name = shown_word(w->job.ext);

	if (job_is_final(w->job.state))
		answer_final(w, name);
	else if (w->job.state == JOB_HELD)
		answer_held(w);
	else if (w->job.state == JOB_PARKED)
		answer_parked(w, name);
	else
		answer_waiting(w, name);
	mem_free(&name);
}

/* --- showing it --- */

static int64_t
time_of(int64_t not_before_ms)
{
	return not_before_ms > 0 && not_before_ms < JOURNAL_AWAY_MS
		   ? not_before_ms
		   : -1;
}

static void
show_json(const struct why *w)
{
	const struct journal_job *job = &w->job;
	struct ctx_document d;

	ctx_json_begin(w->ctx, &d);
	json_field_str(&d.w, "id", job->ext);
	json_field_i64(&d.w, "number", job->id);
	json_field_str(&d.w, "state", job_state_name(job->state));
	json_field_str(&d.w, "outcome",
	    job->outcome != JOB_OUTCOME_NONE ? job_outcome_name(job->outcome)
					     : NULL);
	json_field_str(&d.w, "reason",
	    job->reason != JOB_REASON_NONE ? job_reason_word(job->reason)
					   : NULL);
	json_field_time(&d.w, "notBefore", time_of(job->not_before_ms));
	json_field_time(
	    &d.w, "expiresAt", job->expires_ms > 0 ? job->expires_ms : -1);
	json_write_key(&d.w, "gates");
	json_write_array(&d.w);
	for (size_t i = 0; i < w->count; i++) {
		const struct run_verdict *v = &w->verdict[i];

		json_write_object(&d.w);
		json_field_str(&d.w, "gate", v->gate);
		json_field_str(&d.w, "verdict", v->result);
		json_field_str(&d.w, "why", v->text);
		json_field_time(&d.w, "notBefore", time_of(v->not_before_ms));
		json_field_str(
		    &d.w, "data", v->data[0] != '\0' ? v->data : NULL);
		json_write_end(&d.w);
	}
	json_write_end(&d.w);
	json_field_str(&d.w, "answer", w->says);
	json_field_str(&d.w, "next", w->next[0] != '\0' ? w->next : NULL);
	ctx_json_end(w->ctx, &d);
}

static void
show_text(const struct why *w)
{
	static const struct table_column columns[] = {{.head = "RULE"},
	    {.head = "VERDICT"}, {.head = "WHY", .shrinks = true},
	    {.head = "DATA", .shrinks = true}, {.head = NULL}};
	struct table *t = table_new(columns);

	for (size_t i = 0; i < w->count; i++) {
		const struct run_verdict *v = &w->verdict[i];
		bool ok = strcmp(v->result, "ok") == 0;

		table_cell(t, v->gate);
		table_paint(t, ok ? TERM_GREEN : TERM_YELLOW, v->result);
		table_cell(t, v->text);
		table_cell(t, v->data[0] != '\0' ? v->data : NULL);
	}
	ctx_print(w->ctx, "%s (#%lld): %s\n", w->job.ext, (long long)w->job.id,
	    job_state_name(w->job.state));
	table_print(t, &w->ctx->term);
	ctx_print(w->ctx, "%s\n", w->says);
	if (w->next[0] != '\0')
		ctx_print(w->ctx, "next: %s\n", w->next);
	table_free(&t);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct why *w = mem_zalloc(1, sizeof(*w));
	enum err_code code;

	w->ctx = ctx;
	w->clock_ok = true;
	code = wire_open_rules(ctx, &w->wire, err);
	if (code == ERR_NONE)
		code = gather(w, cli_word(&ctx->args, 0), err);
	if (code == ERR_NONE) {
		answer(w);
		if (ctx->json)
			show_json(w);
		else
			show_text(w);
	}
	wire_close(&w->wire);
	mem_free(&w);
	return code;
}

const struct command cmd_why = {WHY_WORDS, .run = run};
