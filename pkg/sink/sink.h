#ifndef DSRUN_SINK_H
#define DSRUN_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "job/job_state.h"

/*
 * The port to where results go.  A sink gets final facts, renders them, and
 * pushes them so that doing it twice is the same as doing it once.
 */

/* Everything a result may say; strings are never NULL ("" = none). */
struct sink_result {
	int64_t job;    /* the journal's number */
	const char *id; /* the source's */
	const char *source;
	const char *campaign;
	const char *kind;
	int64_t step;
	bool final_step;
	enum job_state state;
	enum job_outcome outcome;
	const char *reason; /* of FAILED, EXPIRED, CANCELLED: a word */
	int64_t attempts;   /* that reached INTENT */
	int64_t revision;
	/* the attempt that decided; placed_ms 0 = no call was placed */
	int64_t attempt;
	const char *carrier;
	const char *call_id;
	const char *to;
	int64_t placed_ms, answered_ms, ended_ms; /* 0 = never */
	const char *answered_by;
	const char *decline_reason;
	const char *meeting_json; /* an object, or "" */
	int64_t cost_micros;
	/* files, absolute; "" = none */
	const char *recording_path; /* .ul2 */
	uint8_t recording_sha256[SHA256_BYTES];
	const char *transcript_path;
	uint8_t transcript_sha256[SHA256_BYTES];
};

#endif
