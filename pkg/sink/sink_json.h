#ifndef DSRUN_SINK_JSON_H
#define DSRUN_SINK_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"

#include "sink/sink.h"

/*
 * A result as JSON, the same for all sinks that write it as a document:
 * results.jsonl's line, a webhook's body (interfaces.md section 4).  Pure.
 */

/* What stands somewhere for one attempt.  Zeroed is valid: nothing. */
struct sink_json_files {
	char *recording;                        /* path; NULL = none */
	uint8_t recording_sha256[SHA256_BYTES]; /* of what stands there */
	int64_t duration_ms;
	int64_t channels;
	int64_t sample_rate;
	char *transcript; /* path of its JSON; NULL = none */
};

/* Releases both paths; repeatable. */
void sink_json_files_fini(struct sink_json_files *f);

#define SINK_JSON_MEETING_MAX (1 << 18) /* bytes of meeting_json */
/* Room for one line: the meeting, and what has limits of its own. */
#define SINK_JSON_LINE_MAX (1 << 20)

/*
 * Append the result as one line of JSON and a newline.  Field order and
 * meaning: interfaces.md section 4.  Times are RFC 3339 in UTC, null when
 * they never came; durationMs is from answered to ended, 0 when nobody
 * answered.  outcome is null where there is none (EXPIRED, CANCELLED).
 * recording and transcript have a path when they are in files, a url when the
 * result has one, and are null with neither.
 * ERR_MALFORMED: meeting_json is no JSON object; line is as it was.
 */
enum err_code sink_json_render(const struct sink_result *r,
    const struct sink_json_files *files, struct buf *line, struct err *err);

/* Its member "job" alone, for documents that are no whole result. */
struct json_writer;
void sink_json_job(struct json_writer *w, const struct sink_result *r);

/*
 * "evt_" and 32 letters of hex: the same for every try of one job's revision,
 * other for any other, so that a receiver can drop what it had already.
 * origin: the journal's id (jobs of two journals may have the same names).
 */
#define SINK_EVENT_MAX 40
const char *sink_event_id(
    const char *origin, const struct sink_result *r, char out[SINK_EVENT_MAX]);

#endif
