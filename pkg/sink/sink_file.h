#ifndef DSRUN_SINK_FILE_H
#define DSRUN_SINK_FILE_H

#include "base/env.h"
#include "base/err.h"

#include "sink/sink.h"
#include "sink/sink_json.h"

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
    const struct sink_result *r, struct sink_json_files *made, struct err *err);

/*
 * All of it as a sink (sink.h) over out_dir, which is made by lock when it is
 * missing.  env is borrowed, out_dir copied.  Freed by its ops->free.
 */
struct sink *sink_file_new(struct env *env, const char *out_dir);

#endif
