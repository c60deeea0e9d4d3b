#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "show.h"
#include "shown.h"
#include "table.h"

/* A timeline for people: UTC, and beside it what the callee's clock said. */

static void
line(struct show *s, const char *label, const char *text)
{
	if (text != NULL && *text != '\0')
		ctx_print(s->ctx, "  %-11s %s\n", label, text);
}

/* "2027-01-05T17:00:08.123Z  Tue 12:00:08 America/New_York" */
static void
moment(struct show *s, const char *label, int64_t at_ms)
{
	static const char *const days[] = {
	    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	char utc[TEXT_TIME_MAX];
	char local[64 + RULES_ZONE_NAME_MAX] = "";
	char *text;

	if (at_ms <= 0)
		return;
	if (s->zone != NULL) {
		struct rules_local l;

		rules_zone_local(s->zone, at_ms, &l);
		(void)snprintf(local, sizeof(local), "  (%s %02d:%02d:%02d %s)",
		    days[l.weekday], l.minute / 60, l.minute % 60,
		    (int)(at_ms / 1000 % 60), rules_zone_name(s->zone));
	}
	text = mem_printf("%s%s", text_of_time(at_ms, utc), local);
	line(s, label, text);
	mem_free(&text);
}

static void
head(struct show *s)
{
	const struct journal_job *j = &s->job;
	const struct term *t = &s->ctx->term;
	enum term_paint paint = j->state == JOB_PARKED   ? TERM_YELLOW
				: j->state == JOB_FAILED ? TERM_RED
				: j->state == JOB_DONE   ? TERM_GREEN
							 : TERM_BOLD;

	(void)fputs(term_on(t, t->out, TERM_BOLD), t->out);
	ctx_print(s->ctx, "%s", j->ext);
	(void)fputs(term_off(t, t->out), t->out);
	ctx_print(s->ctx, "  (%s #%lld)  ", j->source, (long long)j->id);
	(void)fprintf(t->out, "%s%s%s", term_on(t, t->out, paint),
	    job_state_name(j->state), term_off(t, t->out));
	if (j->outcome != JOB_OUTCOME_NONE)
		ctx_print(s->ctx, " %s", job_outcome_name(j->outcome));
	ctx_print(s->ctx, "\n");
	line(s, "state", job_state_text(j->state));
	line(s, "why", job_reason_text(j->reason));
}

static void
person(struct show *s)
{
	char phone[SHOWN_MAX];

	if (s->erased) {
		line(s, "callee", "personal data was erased");
		return;
	}
	line(s, "phone", shown_phone(s->person.number, true, phone));
	line(s, "org", s->person.org_name);
	line(s, "contact", s->person.contact);
	if (s->person.data != NULL && strcmp(s->person.data, "{}") != 0)
		line(s, "data", s->person.data);
}

static void
result(struct show *s, const char *name, const struct show_result *r)
{
	char *text;

	if (r->id == 0)
		return;
	if (r->state == JOURNAL_OUTBOX_DONE)
		text = mem_printf(
		    "revision %lld is pushed", (long long)r->revision);
	else
		text = mem_printf("revision %lld %s (row %lld, %lld tries)%s%s",
		    (long long)r->revision,
		    r->state == JOURNAL_OUTBOX_DEAD ? "was given up"
						    : "waits to be pushed",
		    (long long)r->id, (long long)r->tries,
		    r->error[0] != '\0' ? ": " : "", r->error);
	line(s, name, text);
	mem_free(&text);
}

static void
outbox(struct show *s)
{
	result(s, "result", &s->results[JOURNAL_SINK_FILE]);
	for (enum journal_sink k = JOURNAL_SINK_FILE + 1; k < JOURNAL_SINK_END;
	     k++)
		result(s, journal_sink_name(k), &s->results[k]);
}

static void
body(struct show *s)
{
	const struct journal_job *j = &s->job;
	char *steps = mem_printf(
	    "%lld%s", (long long)j->step, j->final_step ? ", the last" : "");

	line(s, "kind", j->kind);
	line(s, "campaign", j->campaign);
	if (j->campaign[0] != '\0')
		line(s, "step", steps);
	person(s);
	if (j->state == JOB_QUEUED)
		moment(s, "not before", j->not_before_ms);
	moment(s, "expires", j->expires_ms);
	outbox(s);
	mem_free(&steps);
}

static void
artifacts(struct show *s, const struct show_attempt *a)
{
	char size[SHOWN_MAX];
	char age[SHOWN_MAX];

	for (int kind = 0; kind < (int)RUN_ARTIFACT_COUNT; kind++) {
		const struct journal_artifact *f = &a->artifact[kind];

		if (f->path[0] == '\0')
			continue;
		char *text = mem_printf("%s/recordings/%s  (%s%s%s)",
		    journal_dir(s->journal), f->path,
		    shown_bytes(f->bytes, size), f->ms > 0 ? ", " : "",
		    f->ms > 0 ? shown_age(f->ms, age) : "");

		line(s, show_artifact_name(kind), text);
		mem_free(&text);
	}
}

static void
attempt(struct show *s, const struct show_attempt *sa)
{
	const struct journal_attempt *a = &sa->a;
	char *text;

	ctx_print(s->ctx, "\nattempt %lld  %s%s%s\n",
	    (long long)journal_attempt_number(a->id),
	    job_attempt_state_name(a->state),
	    a->outcome != JOB_OUTCOME_NONE ? " " : "",
	    a->outcome != JOB_OUTCOME_NONE ? job_outcome_name(a->outcome) : "");
	line(s, "state", job_attempt_state_text(a->state));
	text = mem_printf("%s%s%s", sa->carrier,
	    a->carrier_call[0] != '\0' ? ", call " : "", a->carrier_call);
	line(s, "carrier", text);
	mem_free(&text);
	moment(s, "armed", a->armed_ms);
	moment(s, "placed", a->placed_ms);
	moment(s, "answered", a->answered_ms);
	moment(s, "ended", a->ended_ms);
	if (a->owner != 0) {
		text =
		    mem_printf("run %lld (dsrun status)", (long long)a->owner);
		line(s, "held by", text);
		mem_free(&text);
	}
	line(s, "detail", a->detail);
	line(s, "answered by", sa->finding.answered_by);
	line(s, "declined", sa->finding.decline);
	line(s, "meeting", sa->finding.meeting);
	artifacts(s, sa);
}

struct timeline {
	struct table *table;
	enum job_state job_state; /* after the event before */
};

static void
event(void *arg, const struct journal_event *e)
{
	struct timeline *t = arg;
	char at[TEXT_TIME_MAX];
	char what[48] = "job";
	bool both = e->of_attempt && e->job_state != t->job_state;

	if (e->of_attempt)
		(void)snprintf(what, sizeof(what), "attempt %lld",
		    (long long)journal_attempt_number(e->attempt));
	table_cellf(t->table, "%lld", (long long)e->n);
	table_cellf(t->table, "%lld", (long long)e->seq);
	table_cell(t->table, text_of_time(e->at_ms, at));
	table_cell(t->table, what);
	table_cell(t->table, e->name);
	table_cellf(t->table, "%s -> %s%s%s", e->was,
	    e->of_attempt && e->attempt_state >= 0
		? job_attempt_state_name((enum attempt_state)e->attempt_state)
		: job_state_name(e->job_state),
	    both ? ", job " : "", both ? job_state_name(e->job_state) : "");
	table_cell(t->table, e->detail != NULL ? e->detail : "");
	t->job_state = e->job_state;
}

static enum err_code
events(struct show *s, struct err *err)
{
	static const struct table_column columns[] = {
	    {.head = "N", .right = true}, {.head = "SEQ", .right = true},
	    {.head = "AT"}, {.head = "OF"}, {.head = "EVENT"},
	    {.head = "FROM -> TO"}, {.head = "DETAIL", .shrinks = true},
	    {.head = NULL}};
	struct timeline t = {
	    .table = table_new(columns), .job_state = JOB_NONE};
	enum err_code code =
	    journal_read_events(s->journal, s->job.id, event, &t, err);

	if (code == ERR_NONE) {
		ctx_print(s->ctx, "\n");
		table_print(t.table, &s->ctx->term);
	}
	table_free(&t.table);
	return code;
}

/* What a person may want to type next. */
static void
hints(struct show *s)
{
	char *word = shown_word(s->job.ext);

	if (s->job.state == JOB_PARKED)
		ctx_say(s->ctx, "a person must decide: dsrun parked");
	else if (s->job.state == JOB_QUEUED || s->job.state == JOB_READY)
		ctx_say(s->ctx, "why it is not called yet: dsrun why %s", word);
	mem_free(&word);
}

enum err_code
show_text(struct show *s, struct err *err)
{
	enum err_code code;

	head(s);
	body(s);
	for (size_t i = 0; i < s->attempt_count; i++)
		attempt(s, &s->attempts[i]);
	code = events(s, err);
	if (code == ERR_NONE && s->ctx->term.err_tty)
		hints(s);
	return code;
}
