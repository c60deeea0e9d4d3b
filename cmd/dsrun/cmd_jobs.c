#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_lease.h"
#include "journal/journal_read.h"
#include "rules/rules_phone.h"
#include "shown.h"
#include "table.h"
#include "wire.h"
#include "words/jobs.h"

#define LIMIT_ELSE 50

struct listing {
	struct ctx *ctx;
	struct ctx_document doc;
	struct table *table;
	int64_t limit;
	int64_t shown;
	bool full;
	bool more;    /* there is a row behind the last one shown */
	int64_t last; /* its number */
	char next[JOURNAL_EXT_MAX]; /* its id */
};

static enum term_paint
paint_of(enum job_state state)
{
	return state == JOB_PARKED   ? TERM_YELLOW
	       : state == JOB_FAILED ? TERM_RED
	       : state == JOB_DONE   ? TERM_GREEN
				     : TERM_PLAIN;
}

static const char *
or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

static const char *
outcome_of(const struct journal_job *job)
{
	return job->outcome == JOB_OUTCOME_NONE
		   ? NULL
		   : job_outcome_name(job->outcome);
}

/* What waits for its queue waits for no time. */
static bool
has_time(const struct journal_job *job)
{
	return job->not_before_ms > 0 && job->not_before_ms < JOURNAL_AWAY_MS;
}

static void
row_json(struct json_writer *w, const struct journal_listed *row)
{
	const struct journal_job *job = &row->job;
	char phone[RULES_PHONE_MAX];

	json_write_object(w);
	json_field_str(w, "id", job->ext);
	json_field_i64(w, "number", job->id);
	json_field_str(w, "source", job->source);
	json_field_str(w, "kind", job->kind);
	json_field_str(w, "phone",
	    row->number != 0 ? rules_phone_text(row->number, phone) : NULL);
	json_field_str(w, "campaignId", or_null(job->campaign));
	json_field_str(w, "state", job_state_name(job->state));
	json_field_str(w, "outcome", outcome_of(job));
	json_field_i64(w, "attempts", job->attempts);
	json_field_time(
	    w, "notBefore", has_time(job) ? job->not_before_ms : -1);
	json_field_str(w, "reason", or_null(job_reason_word(job->reason)));
	json_write_end(w);
}

/* "outside the calling hours, until 2027-01-06 14:00:00Z"; mem_free. */
static char *
why_of(const struct journal_job *job)
{
	const char *text = job_reason_text(job->reason);
	char at[SHOWN_MAX];

	if (job->state != JOB_QUEUED || !has_time(job))
		return mem_strdup(text);
	return mem_printf("%s%suntil %s", text, *text != '\0' ? ", " : "",
	    shown_time(job->not_before_ms, at));
}

static void
row_text(struct listing *l, const struct journal_listed *row)
{
	const struct journal_job *job = &row->job;
	char buf[SHOWN_MAX];
	char *why = why_of(job);

	table_cell(l->table, job->ext);
	table_paint(l->table, paint_of(job->state), job_state_name(job->state));
	table_cell(l->table, outcome_of(job));
	table_cellf(l->table, "%lld", (long long)job->attempts);
	table_cell(l->table, shown_phone(row->number, l->full, buf));
	table_cell(l->table, or_null(job->campaign));
	table_cell(l->table, or_null(why));
	mem_free(&why);
}

static void
listed(void *arg, const struct journal_listed *row)
{
	struct listing *l = arg;

	if (l->shown == l->limit) {
		l->more = true;
		return;
	}
	l->shown++;
	l->last = row->job.id;
	(void)snprintf(l->next, sizeof(l->next), "%s", row->job.ext);
	if (l->ctx->json)
		row_json(&l->doc.w, row);
	else
		row_text(l, row);
}

/* What --after takes: the id, or the number where the id is ambiguous. */
static void
name_next(struct journal *j, struct listing *l)
{
	int64_t found = 0;
	struct err ignored;

	if (journal_read_find(j, l->next, &found, &ignored) != ERR_NONE ||
	    found != l->last)
		(void)snprintf(
		    l->next, sizeof(l->next), "#%lld", (long long)l->last);
}

static void
end_text(struct listing *l)
{
	table_print(l->table, &l->ctx->term);
	if (l->shown == 0) {
		ctx_say(l->ctx, "no such jobs");
	} else if (l->more) {
		char *word = shown_word(l->next);

		ctx_say(l->ctx, "more: the same with --after %s", word);
		mem_free(&word);
	}
}

static enum err_code
list(struct listing *l, struct journal *j, struct journal_filter *filter,
    struct err *err)
{
	enum err_code code;

	if (l->ctx->json) {
		ctx_json_begin(l->ctx, &l->doc);
		json_write_key(&l->doc.w, "jobs");
		json_write_array(&l->doc.w);
	}
	code = journal_read_jobs(j, filter, listed, l, err);
	if (code == ERR_NONE && l->more)
		name_next(j, l);
	if (code != ERR_NONE) {
		if (l->ctx->json)
			buf_free(&l->doc.text);
	} else if (l->ctx->json) {
		json_write_end(&l->doc.w);
		json_field_str(&l->doc.w, "next", l->more ? l->next : NULL);
		ctx_json_end(l->ctx, &l->doc);
	} else {
		end_text(l);
	}
	return code;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	static const struct table_column columns[] = {
	    {.head = "JOB", .shrinks = true}, {.head = "STATE"},
	    {.head = "OUTCOME"}, {.head = "TRIES", .right = true},
	    {.head = "PHONE"}, {.head = "CAMPAIGN", .shrinks = true},
	    {.head = "WHY", .shrinks = true}, {.head = NULL}};
	const char *state = cli_text(&ctx->args, "state");
	const char *after = cli_text(&ctx->args, "after");
	struct listing l = {.ctx = ctx,
	    .limit = cli_number(&ctx->args, "limit", LIMIT_ELSE),
	    .full = cli_flag(&ctx->args, "full", false)};
	struct journal_filter filter = {.state = -1,
	    .campaign = cli_text(&ctx->args, "campaign"),
	    .limit = l.limit + 1,
	    .newest_first = cli_flag(&ctx->args, "newest", false)};
	enum job_state parsed = JOB_NONE;
	struct journal *j = NULL;
	enum err_code code = ERR_NONE;

	if (state != NULL) {
		code = job_state_parse(state, &parsed, err);
		filter.state = (int)parsed;
	}
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE && after != NULL) {
		code = journal_read_find(j, after, &filter.after, err);
		if (code != ERR_NONE)
			(void)err_wrap(err, "--after");
	}
	l.table = table_new(columns);
	if (code == ERR_NONE)
		code = list(&l, j, &filter, err);
	table_free(&l.table);
	journal_close(&j);
	return code;
}

const struct command cmd_jobs = {JOBS_WORDS, .is_brake = true, .run = run};
