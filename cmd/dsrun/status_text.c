#include <string.h>

#include "base/mem.h"

#include "json/json.h"
#include "net/net_guard.h"
#include "shown.h"
#include "status.h"
#include "table.h"

/* What needs a person stands above everything else, and in colour. */

static void
alarm_line(struct status *s, enum term_paint paint, const char *label,
    const char *text, const char *advice)
{
	const struct term *t = &s->ctx->term;

	(void)fprintf(t->out, "%s%-8s%s ", term_on(t, t->out, paint), label,
	    term_off(t, t->out));
	ctx_print(s->ctx, "%s", text);
	if (advice != NULL)
		ctx_print(s->ctx, "; see: %s", advice);
	ctx_print(s->ctx, "\n");
}

static void
pauses(struct status *s)
{
	char at[SHOWN_MAX];

	for (size_t i = 0; i < s->pause_count; i++) {
		const struct status_pause *p = &s->pauses[i];
		char *text = mem_printf("%s%s by %s since %s: %s",
		    p->campaign != NULL ? "campaign " : "all calls",
		    p->campaign != NULL ? p->campaign : "", p->by,
		    shown_time(p->at_ms, at), p->reason);

		char *word = shown_word(p->campaign != NULL ? p->campaign : "");
		char *advice = mem_printf("dsrun resume%s%s --reason WHY",
		    p->campaign != NULL ? " --campaign " : "",
		    p->campaign != NULL ? word : "");

		alarm_line(s, TERM_YELLOW, "PAUSED", text, advice);
		mem_free(&advice);
		mem_free(&word);
		mem_free(&text);
	}
}

static void
alarms(struct status *s)
{
	const struct journal_counts *c = &s->counts;
	char *text;

	if (c->jobs[JOB_PARKED] > 0) {
		text = mem_printf("%lld job%s only a person can decide",
		    (long long)c->jobs[JOB_PARKED],
		    c->jobs[JOB_PARKED] == 1 ? "" : "s");
		alarm_line(s, TERM_YELLOW, "PARKED", text, "dsrun parked");
		mem_free(&text);
	}
	if (!s->clock_trusted) {
		text = mem_printf(
		    "not trusted, so nothing is dialled: %s", s->clock_why);
		alarm_line(s, TERM_RED, "CLOCK", text, "dsrun clock");
		mem_free(&text);
	}
	if (journal_is_fresh(s->journal))
		alarm_line(s, TERM_YELLOW, "RESTORED",
		    "this journal was put back or adopted; carriers are "
		    "asked before every call",
		    "dsrun incarnation");
	if (c->outbox_dead > 0) {
		text = mem_printf("%lld result%s given up",
		    (long long)c->outbox_dead, c->outbox_dead == 1 ? "" : "s");
		alarm_line(
		    s, TERM_RED, "DEAD", text, "dsrun outbox --state dead");
		mem_free(&text);
	}
	for (enum journal_sink k = JOURNAL_SINK_FILE; k < JOURNAL_SINK_END; k++)
		if ((s->unset & 1U << k) != 0) {
			text = mem_printf(
			    "results wait for %s, which is not set in the "
			    "configuration",
			    journal_sink_name(k));
			alarm_line(
			    s, TERM_YELLOW, "UNSET", text, "dsrun outbox");
			mem_free(&text);
		}
}

static void
jobs(struct status *s)
{
	int64_t sum = 0;

	ctx_print(s->ctx, "%-8s", "jobs");
	for (enum job_state state = 0; state < JOB_NONE; state++) {
		if (s->counts.jobs[state] > 0)
			ctx_print(s->ctx, " %s %lld", job_state_name(state),
			    (long long)s->counts.jobs[state]);
		sum += s->counts.jobs[state];
	}
	ctx_print(s->ctx, "%s\n", sum == 0 ? " none" : "");
}

/* The summary is our own JSON, of whatever version wrote it. */
static void
drain(struct status *s)
{
	const struct json_limits limits = {4096, 4, 100};
	char at[SHOWN_MAX];
	struct json *d = NULL;
	struct err ignored;
	int64_t claimed = 0, finished = 0;

	if (s->drain.id == 0) {
		ctx_print(s->ctx, "%-8s none yet\n", "drain");
		return;
	}
	ctx_print(
	    s->ctx, "%-8s %s", "drain", shown_time(s->drain.started_ms, at));
	if (s->drain.summary == NULL) {
		ctx_print(s->ctx, ", has not ended\n");
		return;
	}
	if (json_parse(s->drain.summary, strlen(s->drain.summary), &limits, &d,
		&ignored) == ERR_NONE &&
	    json_i64(d, "claimed", 0, JSON_I64_MAX, &claimed, &ignored) ==
		ERR_NONE &&
	    json_i64(d, "finished", 0, JSON_I64_MAX, &finished, &ignored) ==
		ERR_NONE)
		ctx_print(s->ctx, ", %lld calls, %lld jobs finished",
		    (long long)claimed, (long long)finished);
	ctx_print(s->ctx, "\n");
	json_free(&d);
}

static void
workers(struct status *s)
{
	static const struct table_column columns[] = {
	    {.head = "ID", .right = true}, {.head = "NAME", .shrinks = true},
	    {.head = "COMMAND"}, {.head = "PID", .right = true},
	    {.head = "SINCE"}, {.head = "STATE", .shrinks = true},
	    {.head = NULL}};
	struct table *t = table_new(columns);
	char at[SHOWN_MAX];

	for (size_t i = 0; i < s->worker_count; i++) {
		const struct journal_owner_row *o = &s->workers[i];

		table_cellf(t, "%lld", (long long)o->id);
		table_cell(t, o->worker[0] != '\0' ? o->worker : NULL);
		table_cell(t, o->command);
		table_cellf(t, "%lld", (long long)o->pid);
		table_cell(t, shown_time(o->started_ms, at));
		if (o->alive)
			table_cell(t, o->state[0] != '\0' ? o->state : "alive");
		else
			table_paint(t, TERM_YELLOW,
			    "dead; the next run takes its calls over");
	}
	if (s->worker_count > 0)
		ctx_print(s->ctx, "\n");
	table_print(t, &s->ctx->term);
	table_free(&t);
}

static void
services(struct status *s)
{
	char ok[SHOWN_MAX];
	char bad[SHOWN_MAX];

	for (size_t i = 0; i < s->service_count; i++) {
		const struct journal_service *v = &s->services[i];
		const char *breaker =
		    net_breaker_name((enum net_breaker)v->breaker);

		ctx_print(s->ctx, "%-8s %s%s%s", v->name,
		    v->breaker == NET_BREAKER_CLOSED ? "" : "breaker ",
		    v->breaker == NET_BREAKER_CLOSED ? "" : breaker,
		    v->breaker == NET_BREAKER_CLOSED ? "" : ", ");
		ctx_print(s->ctx, "last answered %s",
		    v->last_ok_ms > 0 ? shown_time(v->last_ok_ms, ok)
				      : "never");
		if (v->last_error_ms > v->last_ok_ms)
			ctx_print(s->ctx, ", failed %s: %s",
			    shown_time(v->last_error_ms, bad), v->last_error);
		ctx_print(s->ctx, "\n");
	}
}

void
status_text(struct status *s)
{
	char a[SHOWN_MAX];
	char b[SHOWN_MAX];

	if (s->only == NULL) {
		pauses(s);
		alarms(s);
		jobs(s);
		ctx_print(s->ctx, "%-8s %lld of %lld\n", "live",
		    (long long)s->counts.live, (long long)s->limit);
		if (s->counts.oldest_queued_ms > 0)
			ctx_print(s->ctx,
			    "%-8s the oldest READY job since %s\n", "waits",
			    shown_age(s->counts.oldest_queued_ms, a));
		ctx_print(s->ctx, "%-8s %lld to push, %lld dead\n", "outbox",
		    (long long)s->counts.outbox_pending,
		    (long long)s->counts.outbox_dead);
		services(s);
		drain(s);
		if (s->clock_trusted)
			ctx_print(s->ctx, "%-8s trusted: %s\n", "clock",
			    s->clock_why);
		ctx_print(s->ctx, "%-8s %s (%s, log %s, SQLite %s)\n",
		    "journal", journal_dir(s->journal),
		    shown_bytes(s->db_bytes, a), shown_bytes(s->wal_bytes, b),
		    journal_sqlite_version());
	}
	workers(s);
}
