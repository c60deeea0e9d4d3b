#include <string.h>

#include "net/net_guard.h"
#include "status.h"

static void
write_jobs(struct json_writer *w, const struct status *s)
{
	json_write_key(w, "jobs");
	json_write_object(w);
	for (enum job_state state = 0; state < JOB_NONE; state++)
		json_field_i64(w, job_state_name(state), s->counts.jobs[state]);
	json_write_end(w);
}

static void
write_pauses(struct json_writer *w, const struct status *s)
{
	json_write_key(w, "paused");
	json_write_array(w);
	for (size_t i = 0; i < s->pause_count; i++) {
		const struct status_pause *p = &s->pauses[i];

		json_write_object(w);
		json_field_str(w, "campaignId", p->campaign);
		json_field_str(w, "by", p->by);
		json_field_str(w, "reason", p->reason);
		json_field_time(w, "since", p->at_ms);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_drain(struct json_writer *w, const struct status *s)
{
	struct err ignored;

	json_write_key(w, "lastDrain");
	if (s->drain.id == 0) {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	json_field_time(w, "startedAt", s->drain.started_ms);
	json_field_time(
	    w, "endedAt", s->drain.ended_ms > 0 ? s->drain.ended_ms : -1);
	json_write_key(w, "summary");
	if (s->drain.summary == NULL ||
	    json_write_raw(w, s->drain.summary, strlen(s->drain.summary),
		&ignored) != ERR_NONE)
		json_write_null(w);
	json_write_end(w);
}

static void
write_workers(struct json_writer *w, const struct status *s)
{
	json_write_key(w, "workers");
	json_write_array(w);
	for (size_t i = 0; i < s->worker_count; i++) {
		const struct journal_owner_row *o = &s->workers[i];

		json_write_object(w);
		json_field_i64(w, "id", o->id);
		json_field_str(
		    w, "name", o->worker[0] != '\0' ? o->worker : NULL);
		json_field_str(w, "command", o->command);
		json_field_i64(w, "pid", o->pid);
		json_field_bool(w, "alive", o->alive);
		json_field_str(
		    w, "state", o->state[0] != '\0' ? o->state : NULL);
		json_field_time(w, "startedAt", o->started_ms);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_services(struct json_writer *w, const struct status *s)
{
	json_write_key(w, "services");
	json_write_object(w);
	for (size_t i = 0; i < s->service_count; i++) {
		const struct journal_service *v = &s->services[i];

		json_write_key(w, v->name);
		json_write_object(w);
		json_field_str(w, "breaker",
		    net_breaker_name((enum net_breaker)v->breaker));
		json_field_i64(w, "failures", v->failures);
		json_field_time(
		    w, "lastOkAt", v->last_ok_ms > 0 ? v->last_ok_ms : -1);
		json_field_time(w, "lastErrorAt",
		    v->last_error_ms > 0 ? v->last_error_ms : -1);
		json_field_str(w, "lastError",
		    v->last_error[0] != '\0' ? v->last_error : NULL);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_journal(struct json_writer *w, const struct status *s)
{
	json_write_key(w, "journal");
	json_write_object(w);
	json_field_str(w, "id", journal_id_hex(s->journal));
	json_field_str(w, "dir", journal_dir(s->journal));
	json_field_bool(w, "fresh", journal_is_fresh(s->journal));
	json_field_i64(w, "bytes", s->db_bytes);
	json_field_i64(w, "walBytes", s->wal_bytes);
	json_field_str(w, "sqlite", journal_sqlite_version());
	json_write_end(w);
}

void
status_json(struct status *s)
{
	struct ctx_document d;

	ctx_json_begin(s->ctx, &d);
	write_jobs(&d.w, s);
	json_field_i64(&d.w, "live", s->counts.live);
	write_pauses(&d.w, s);
	json_field_bool(&d.w, "clockTrusted", s->clock_trusted);
	json_field_str(&d.w, "clockWhy", s->clock_why);
	json_write_key(&d.w, "outbox");
	json_write_object(&d.w);
	json_field_i64(&d.w, "pending", s->counts.outbox_pending);
	json_field_i64(&d.w, "dead", s->counts.outbox_dead);
	json_write_key(&d.w, "unset");
	json_write_array(&d.w);
	for (enum journal_sink k = JOURNAL_SINK_FILE; k < JOURNAL_SINK_END; k++)
		if ((s->unset & 1U << k) != 0)
			json_write_str(&d.w, journal_sink_name(k));
	json_write_end(&d.w);
	json_write_end(&d.w);
	json_field_i64(&d.w, "oldestQueuedMs", s->counts.oldest_queued_ms);
	write_drain(&d.w, s);
	write_services(&d.w, s);
	write_workers(&d.w, s);
	write_journal(&d.w, s);
	ctx_json_end(s->ctx, &d);
}
