#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_read.h"
#include "rules/rules_phone.h"
#include "shown.h"
#include "wire.h"
#include "words/parked.h"

/*
 * What nobody but a person can know: each job with what is known of its call,
 * and the three answers as lines to copy.
 */

#define LIMIT_ELSE 50

struct parked {
	struct ctx *ctx;
	struct journal *journal;
	struct ctx_document doc;
	int64_t limit;
	int64_t shown;
	bool full, more;
	int64_t last;
	/* the job being shown */
	struct journal_attempt attempt;
	enum err_code code;
	struct err *err;
};

/* The attempt in question is the one PARKED, or else the newest. */
static void
attempt_seen(void *arg, const struct journal_attempt *a)
{
	struct parked *p = arg;

	if (p->attempt.state != ATTEMPT_PARKED || p->attempt.id == 0)
		p->attempt = *a;
}

/* How the commands name it: its id, or #N where that means another too. */
static char *
name_of(struct parked *p, const struct journal_job *job)
{
	int64_t found = 0;
	struct err ignored;
	char number[24];

	(void)snprintf(number, sizeof(number), "#%lld", (long long)job->id);
	return shown_word(journal_read_find(p->journal, job->ext, &found,
			      &ignored) == ERR_NONE &&
				  found == job->id
			      ? job->ext
			      : number);
}

static const struct {
	const char *as;
	const char *means;
} answers[] = {{"placed", "it rang: counts as a try"},
    {"absent", "it never rang: may be called again"},
    {"drop", "forget the job"}};

static char *
command_of(const char *name, const char *as)
{
	return mem_printf(
	    "dsrun resolve %s --as %s --by NAME --reason 'WHY'", name, as);
}

static void
field_time(struct json_writer *w, const char *key, int64_t at_ms)
{
	json_field_time(w, key, at_ms > 0 ? at_ms : -1);
}

static void
write_attempt(struct json_writer *w, const struct journal_attempt *a)
{
	json_write_key(w, "attempt");
	if (a->id == 0) {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	json_field_i64(w, "attempt", journal_attempt_number(a->id));
	json_field_str(w, "state", job_attempt_state_name(a->state));
	json_field_str(w, "carrierCallId",
	    a->carrier_call[0] != '\0' ? a->carrier_call : NULL);
	field_time(w, "armedAt", a->armed_ms);
	field_time(w, "placedAt", a->placed_ms);
	field_time(w, "answeredAt", a->answered_ms);
	field_time(w, "slotUntil", a->slot_until_ms);
	json_field_i64(w, "lookups", a->lookups);
	json_field_i64(w, "resends", a->resends);
	json_write_end(w);
}

static void
row_json(struct parked *p, const struct journal_listed *row)
{
	struct json_writer *w = &p->doc.w;
	char phone[RULES_PHONE_MAX];
	char *name = name_of(p, &row->job);

	json_write_object(w);
	json_field_str(w, "id", row->job.ext);
	json_field_i64(w, "number", row->job.id);
	json_field_str(w, "source", row->job.source);
	json_field_str(w, "campaignId",
	    row->job.campaign[0] != '\0' ? row->job.campaign : NULL);
	json_field_str(w, "phone",
	    row->number != 0 ? rules_phone_text(row->number, phone) : NULL);
	json_field_str(w, "reason", job_reason_word(row->job.reason));
	json_field_str(w, "reasonText", job_reason_text(row->job.reason));
	write_attempt(w, &p->attempt);
	json_write_key(w, "commands");
	json_write_object(w);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		char *line = command_of(name, answers[i].as);

		json_field_str(w, answers[i].as, line);
		mem_free(&line);
	}
	json_write_end(w);
	json_write_end(w);
	mem_free(&name);
}

static void
known(struct parked *p)
{
	const struct journal_attempt *a = &p->attempt;
	char at[SHOWN_MAX];

	if (a->id == 0)
		return;
	ctx_print(
	    p->ctx, "  attempt %lld", (long long)journal_attempt_number(a->id));
	if (a->armed_ms > 0)
		ctx_print(p->ctx, ", sent %s", shown_time(a->armed_ms, at));
	if (a->placed_ms > 0)
		ctx_print(p->ctx, ", placed %s", shown_time(a->placed_ms, at));
	if (a->answered_ms > 0)
		ctx_print(
		    p->ctx, ", answered %s", shown_time(a->answered_ms, at));
	if (a->carrier_call[0] != '\0')
		ctx_print(p->ctx, ", the carrier's call %s", a->carrier_call);
	if (a->lookups + a->resends > 0)
		ctx_print(p->ctx, ", %lld lookups, %lld sent again",
		    (long long)a->lookups, (long long)a->resends);
	ctx_print(p->ctx, "\n");
}

static void
row_text(struct parked *p, const struct journal_listed *row)
{
	const struct term *t = &p->ctx->term;
	char phone[SHOWN_MAX];
	char *name = name_of(p, &row->job);

	if (p->shown > 1)
		ctx_print(p->ctx, "\n");
	(void)fputs(term_on(t, t->out, TERM_BOLD), t->out);
	ctx_print(p->ctx, "%s", row->job.ext);
	(void)fputs(term_off(t, t->out), t->out);
	ctx_print(p->ctx, "  %s%s%s  %s\n",
	    shown_phone(row->number, p->full, phone),
	    row->job.campaign[0] != '\0' ? "  " : "", row->job.campaign,
	    job_reason_text(row->job.reason));
	known(p);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		char *line = command_of(name, answers[i].as);

		ctx_print(p->ctx, "  %s  # %s\n", line, answers[i].means);
		mem_free(&line);
	}
	mem_free(&name);
}

static void
listed(void *arg, const struct journal_listed *row)
{
	struct parked *p = arg;

	if (p->code != ERR_NONE)
		return;
	if (p->shown == p->limit) {
		p->more = true;
		return;
	}
	p->shown++;
	p->last = row->job.id;
	p->attempt.id = 0;
	p->code = journal_read_attempts(
	    p->journal, row->job.id, attempt_seen, p, p->err);
	if (p->code != ERR_NONE)
		return;
	if (p->ctx->json)
		row_json(p, row);
	else
		row_text(p, row);
}

static enum err_code
list(struct parked *p, const struct journal_filter *filter, struct err *err)
{
	char next[24] = "";
	enum err_code code;

	if (p->ctx->json) {
		ctx_json_begin(p->ctx, &p->doc);
		json_write_key(&p->doc.w, "parked");
		json_write_array(&p->doc.w);
	}
	code = journal_read_jobs(p->journal, filter, listed, p, err);
	if (code == ERR_NONE)
		code = p->code;
	if (p->more)
		(void)snprintf(next, sizeof(next), "#%lld", (long long)p->last);
	if (code != ERR_NONE) {
		if (p->ctx->json)
			buf_free(&p->doc.text);
	} else if (p->ctx->json) {
		json_write_end(&p->doc.w);
		json_field_str(&p->doc.w, "next", p->more ? next : NULL);
		ctx_json_end(p->ctx, &p->doc);
	} else if (p->shown == 0) {
		ctx_say(p->ctx, "nothing is parked");
	} else if (p->more) {
		ctx_say(p->ctx, "more: dsrun parked --after '%s'", next);
	}
	return code;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *after = cli_text(&ctx->args, "after");
	struct parked p = {.ctx = ctx,
	    .limit = cli_number(&ctx->args, "limit", LIMIT_ELSE),
	    .full = cli_flag(&ctx->args, "full", false),
	    .err = err};
	struct journal_filter filter = {
	    .state = JOB_PARKED, .limit = p.limit + 1};
	enum err_code code =
	    wire_journal(ctx, JOURNAL_MUST_EXIST, &p.journal, err);

	if (code == ERR_NONE && after != NULL) {
		code = journal_read_find(p.journal, after, &filter.after, err);
		if (code != ERR_NONE)
			(void)err_wrap(err, "--after");
	}
	if (code == ERR_NONE)
		code = list(&p, &filter, err);
	journal_close(&p.journal);
	return code;
}

const struct command cmd_parked = {PARKED_WORDS, .is_brake = true, .run = run};
