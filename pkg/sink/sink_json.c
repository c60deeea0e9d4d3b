#include "sink/sink_json.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"

void
sink_json_files_fini(struct sink_json_files *m)
{
	mem_free(&m->recording);
	mem_free(&m->transcript);
}

static void
field_text(struct json_writer *w, const char *key, const char *text)
{
	json_field_str(w, key, *text != '\0' ? text : NULL);
}

/* 0 = it never came. */
static void
field_time(struct json_writer *w, const char *key, int64_t at_ms)
{
	json_field_time(w, key, at_ms > 0 ? at_ms : -1);
}

void
sink_json_job(struct json_writer *w, const struct sink_result *r)
{
	json_write_key(w, "job");
	json_write_object(w);
	json_field_str(w, "id", r->id);
	json_field_str(w, "source", r->source);
	field_text(w, "campaignId", r->campaign);
	json_field_i64(w, "step", r->step);
	json_field_bool(w, "finalStep", r->final_step);
	json_field_str(w, "kind", r->kind);
	json_write_end(w);
}

static void
render_call(struct json_writer *w, const struct sink_result *r)
{
	json_write_key(w, "call");
	if (r->placed_ms == 0) {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	json_field_i64(w, "attempt", r->attempt);
	field_text(w, "carrier", r->carrier);
	field_text(w, "carrierCallId", r->call_id);
	field_text(w, "to", r->to);
	field_time(w, "placedAt", r->placed_ms);
	field_time(w, "answeredAt", r->answered_ms);
	field_time(w, "endedAt", r->ended_ms);
	json_field_i64(w, "durationMs", sink_result_talked_ms(r));
	field_text(w, "answeredBy", r->answered_by);
	field_text(w, "declineReason", r->decline_reason);
	json_write_end(w);
}

static void
render_recording(struct json_writer *w, const struct sink_result *r,
    const struct sink_json_files *files)
{
	char hex[2 * SHA256_BYTES + 1];

	json_write_key(w, "recording");
	if (files->recording == NULL && *r->recording_url == '\0') {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	if (files->recording != NULL) {
		json_field_str(w, "path", files->recording);
		json_field_str(w, "sha256",
		    text_hex(files->recording_sha256, SHA256_BYTES, hex));
		json_field_i64(w, "durationMs", files->duration_ms);
		json_field_i64(w, "channels", files->channels);
		json_field_i64(w, "sampleRate", files->sample_rate);
	}
	if (*r->recording_url != '\0')
		json_field_str(w, "url", r->recording_url);
	json_write_end(w);
}

static void
render_transcript(struct json_writer *w, const struct sink_result *r,
    const struct sink_json_files *files)
{
	json_write_key(w, "transcript");
	if (files->transcript == NULL && *r->transcript_url == '\0') {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	if (files->transcript != NULL)
		json_field_str(w, "path", files->transcript);
	if (*r->transcript_url != '\0')
		json_field_str(w, "url", r->transcript_url);
	json_write_end(w);
}

static enum err_code
render_meeting(
    struct json_writer *w, const struct sink_result *r, struct err *err)
{
	json_write_key(w, "meeting");
	if (*r->meeting_json == '\0') {
		json_write_null(w);
		return ERR_NONE;
	}
	if (*r->meeting_json != '{' ||
	    strlen(r->meeting_json) > SINK_JSON_MEETING_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "meeting: expected a JSON object of at most %d bytes",
		    SINK_JSON_MEETING_MAX);
	if (json_write_raw(w, r->meeting_json, strlen(r->meeting_json), err) !=
	    ERR_NONE)
		return err_wrap(err, "meeting");
	return ERR_NONE;
}

enum err_code
sink_json_render(const struct sink_result *r,
    const struct sink_json_files *files, struct buf *line, struct err *err)
{
	struct buf own = BUF_INIT(SINK_JSON_LINE_MAX);
	struct json_writer w = JSON_WRITER_INIT(&own);
	enum err_code code;

	json_write_object(&w);
	json_field_i64(&w, "schema", 1);
	sink_json_job(&w, r);
	json_field_str(&w, "state", job_state_name(r->state));
	json_field_str(&w, "outcome",
	    r->outcome == JOB_OUTCOME_NONE ? NULL
					   : job_outcome_name(r->outcome));
	json_field_i64(&w, "attempts", r->attempts);
	render_call(&w, r);
	render_recording(&w, r, files);
	render_transcript(&w, r, files);
	code = render_meeting(&w, r, err);
	if (code == ERR_NONE) {
		json_field_i64(&w, "costMicros", r->cost_micros);
		json_field_i64(&w, "revision", r->revision);
		json_write_end(&w);
		buf_putc(&own, '\n');
		buf_put(line, own.bytes, own.len);
	}
	buf_free(&own);
	return code;
}

const char *
sink_event_id(
    const char *origin, const struct sink_result *r, char out[SINK_EVENT_MAX])
{
	struct sha256 hash;
	uint8_t sum[SHA256_BYTES];

	sha256_init(&hash);
	sha256_field(&hash, origin, strlen(origin));
	sha256_field(&hash, r->source, strlen(r->source));
	sha256_field(&hash, r->id, strlen(r->id));
	sha256_i64(&hash, r->job);
	sha256_i64(&hash, r->revision);
	sha256_end(&hash, sum);
	memcpy(out, "evt_", 4);
	(void)text_hex(sum, 16, out + 4);
	return out;
}
