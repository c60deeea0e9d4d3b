#ifndef DSRUN_SINK_FILE_H
#define DSRUN_SINK_FILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "sink/sink.h"

/*
 * The embedded sink: results as files (interfaces.md section 4).
 *
 *   OUT/results.jsonl                         one line a job and revision;
 *                                             how it grows: sink_append.h
 *   OUT/CAMPAIGN or -/JOB, file-safe/N.wav    attempt N as heard
 *                                    N.json   its transcript
 *                                    N.txt    the same for people
 *
 * A file appears whole or not at all, and making it again gives the same
 * bytes.  The caller holds sink_append_lock on OUT.  Only files are used, so
 * all of this may run on the writer's thread.
 *
 * CAMPAIGN and JOB are names made safe for a file (text_file_safe).  JOB is
 * the source's id; while "file" is the only source, that is unique.
 */

/* What stands in OUT for one attempt.  Zeroed is valid: nothing. */
struct sink_file_made {
	char *recording; /* path of the .wav; NULL = none */
	uint8_t recording_sha256[SHA256_BYTES]; /* of the .wav */
	int64_t duration_ms;
	int64_t channels;
	int64_t sample_rate;
	char *transcript; /* path of the .json; NULL = none */
};

void sink_file_made_fini(struct sink_file_made *m); /* repeatable */

/*
 * Make the files of r->attempt from r->recording_path and r->transcript_path
 * ("" = none, and no file is made).  out_dir should be absolute: *made, and so
 * the result, has paths that begin with it.
 *
 * ERR_DAMAGED: a recording or transcript is not what the journal's hash says;
 * nothing is made of it, and it stays where it is for a person to look at.
 * ERR_NOT_FOUND: it is gone.  ERR_MALFORMED: a transcript that cannot be read.
 * ERR_SPACE, ERR_IO: do it again.  *made is released by fini, also then.
 */
enum err_code sink_file_export(struct env *env, const char *out_dir,
    const struct sink_result *r, struct sink_file_made *made, struct err *err);

#define SINK_FILE_MEETING_MAX (1 << 18) /* bytes of meeting_json */
/* Room for one line: the meeting, and what has limits of its own. */
#define SINK_FILE_LINE_MAX (1 << 20)

/*
 * Append the result as one line of JSON and a newline.  Field order and
 * meaning: interfaces.md section 4.  Times are RFC 3339 in UTC, null when
 * they never came; durationMs is from answered to ended, 0 when nobody
 * answered.  outcome is null where there is none (EXPIRED, CANCELLED).
 * ERR_MALFORMED: meeting_json is no JSON object; line is as it was.
 */
enum err_code sink_file_render(const struct sink_result *r,
    const struct sink_file_made *made, struct buf *line, struct err *err);

/*
 * All of it as a sink (sink.h) over out_dir, which is made by lock when it is
 * missing.  env is borrowed, out_dir copied.  Freed by its ops->free.
 */
struct sink *sink_file_new(struct env *env, const char *out_dir);

#endif
