#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "rules/rules_phone.h"
#include "show.h"

static const char *
or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

static void
field_time(struct json_writer *w, const char *key, int64_t at_ms)
{
	json_field_time(w, key, at_ms > 0 ? at_ms : -1);
}

/* JSON that stands in the journal already; null when it is none. */
static void
field_raw(struct json_writer *w, const char *key, const char *text)
{
	struct err ignored;

	json_write_key(w, key);
	if (text == NULL ||
	    json_write_raw(w, text, strlen(text), &ignored) != ERR_NONE)
		json_write_null(w);
}

static void
field_outcome(struct json_writer *w, enum job_outcome outcome)
{
	json_field_str(w, "outcome",
	    outcome == JOB_OUTCOME_NONE ? NULL : job_outcome_name(outcome));
}

static void
field_hash(struct json_writer *w, const char *key, const uint8_t *hash)
{
	char hex[2 * SHA256_BYTES + 1];

	json_field_str(w, key, text_hex(hash, SHA256_BYTES, hex));
}

static void
write_person(struct json_writer *w, const struct show *s)
{
	const struct journal_person *p = &s->person;
	char phone[RULES_PHONE_MAX];

	json_field_bool(w, "erased", s->erased);
	json_field_str(
	    w, "phone", s->erased ? NULL : rules_phone_text(p->number, phone));
	json_field_str(w, "org", p->org_name);
	field_raw(w, "contact", p->contact);
	field_raw(w, "data", p->data);
}

static void
write_result(
    struct json_writer *w, const char *key, const struct show_result *r)
{
	static const char *const states[] = {"pending", "done", "dead"};

	json_write_key(w, key);
	if (r->id == 0) {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	json_field_i64(w, "row", r->id);
	json_field_i64(w, "revision", r->revision);
	json_field_str(w, "state", states[r->state]);
	json_field_i64(w, "tries", r->tries);
	json_field_str(w, "error", or_null(r->error));
	json_write_end(w);
}

/* result: its line in the file; sinks: what the other sinks were sent. */
static void
write_outbox(struct json_writer *w, const struct show *s)
{
	write_result(w, "result", &s->results[JOURNAL_SINK_FILE]);
	json_write_key(w, "sinks");
	json_write_object(w);
	for (enum journal_sink k = JOURNAL_SINK_FILE + 1; k < JOURNAL_SINK_END;
	     k++)
		if (s->results[k].id != 0)
			write_result(w, journal_sink_name(k), &s->results[k]);
	json_write_end(w);
}

static void
write_job(struct json_writer *w, const struct show *s)
{
	const struct journal_job *j = &s->job;

	json_write_key(w, "job");
	json_write_object(w);
	json_field_str(w, "id", j->ext);
	json_field_i64(w, "number", j->id);
	json_field_str(w, "source", j->source);
	json_field_str(w, "kind", j->kind);
	json_field_str(w, "campaignId", or_null(j->campaign));
	write_person(w, s);
	json_field_i64(w, "step", j->step);
	json_field_bool(w, "finalStep", j->final_step);
	json_field_i64(w, "priority", j->priority);
	json_field_str(w, "state", job_state_name(j->state));
	field_outcome(w, j->outcome);
	json_field_str(w, "reason", or_null(job_reason_word(j->reason)));
	json_field_i64(w, "attempts", j->attempts);
	json_field_i64(w, "tries", j->tries);
	json_field_i64(w, "revision", j->revision);
	field_time(w, "notBefore", j->not_before_ms);
	field_time(w, "expiresAt", j->expires_ms);
	write_outbox(w, s);
	json_write_end(w);
}

static void
write_artifacts(struct json_writer *w, const struct show_attempt *a)
{
	json_write_key(w, "artifacts");
	json_write_array(w);
	for (int kind = 0; kind < (int)RUN_ARTIFACT_COUNT; kind++) {
		const struct journal_artifact *f = &a->artifact[kind];

		if (f->path[0] == '\0')
			continue;
		char *path = mem_printf("recordings/%s", f->path);

		json_write_object(w);
		json_field_str(w, "kind", show_artifact_name(kind));
		json_field_str(w, "path", path);
		json_field_i64(w, "bytes", f->bytes);
		json_field_i64(w, "durationMs", f->ms);
		field_hash(w, "sha256", f->sha256);
		json_write_end(w);
		mem_free(&path);
	}
	json_write_end(w);
}

static void
write_attempt(struct json_writer *w, const struct show_attempt *sa)
{
	const struct journal_attempt *a = &sa->a;

	json_write_object(w);
	json_field_i64(w, "attempt", journal_attempt_number(a->id));
	json_field_str(w, "state", job_attempt_state_name(a->state));
	if (a->has_key)
		field_hash(w, "key", a->key);
	else
		json_field_null(w, "key");
	json_field_str(w, "carrier", or_null(sa->carrier));
	json_field_str(w, "carrierCallId", or_null(a->carrier_call));
	field_outcome(w, a->outcome);
	field_time(w, "armedAt", a->armed_ms);
	field_time(w, "dialUntil", a->dial_until_ms);
	field_time(w, "placedAt", a->placed_ms);
	field_time(w, "answeredAt", a->answered_ms);
	field_time(w, "endedAt", a->ended_ms);
	if (a->owner != 0)
		json_field_i64(w, "owner", a->owner);
	else
		json_field_null(w, "owner");
	json_field_i64(w, "lookups", a->lookups);
	json_field_i64(w, "resends", a->resends);
	json_field_str(w, "detail", or_null(a->detail));
	json_field_str(w, "answeredBy", or_null(sa->finding.answered_by));
	json_field_str(w, "declineReason", or_null(sa->finding.decline));
	field_raw(w, "meeting", sa->finding.meeting);
	write_artifacts(w, sa);
	json_write_end(w);
}

static void
write_event(void *arg, const struct journal_event *e)
{
	struct json_writer *w = arg;

	json_write_object(w);
	json_field_i64(w, "seq", e->seq);
	json_field_i64(w, "n", e->n);
	field_time(w, "at", e->at_ms);
	json_field_str(w, "of", e->of_attempt ? "attempt" : "job");
	json_field_str(w, "event", e->name);
	json_field_str(w, "from", e->was);
	json_field_str(w, "to",
	    e->of_attempt && e->attempt_state >= 0
		? job_attempt_state_name((enum attempt_state)e->attempt_state)
		: job_state_name(e->job_state));
	json_field_str(w, "jobState", job_state_name(e->job_state));
	if (e->attempt != 0)
		json_field_i64(
		    w, "attempt", journal_attempt_number(e->attempt));
	else
		json_field_null(w, "attempt");
	json_field_str(w, "detail", e->detail);
	field_hash(w, "hash", e->hash);
	json_write_end(w);
}

enum err_code
show_json(struct show *s, struct err *err)
{
	struct ctx_document d;
	enum err_code code;

	ctx_json_begin(s->ctx, &d);
	write_job(&d.w, s);
	json_write_key(&d.w, "attempts");
	json_write_array(&d.w);
	for (size_t i = 0; i < s->attempt_count; i++)
		write_attempt(&d.w, &s->attempts[i]);
	json_write_end(&d.w);
	json_write_key(&d.w, "events");
	json_write_array(&d.w);
	code =
	    journal_read_events(s->journal, s->job.id, write_event, &d.w, err);
	if (code != ERR_NONE) {
		buf_free(&d.text);
		return code;
	}
	json_write_end(&d.w);
	ctx_json_end(s->ctx, &d);
	return ERR_NONE;
}
