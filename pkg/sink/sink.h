#ifndef DSRUN_SINK_H
#define DSRUN_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
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
	/* where others find the two, there already or not yet; "" = none */
	const char *recording_url;
	const char *transcript_url;
};

/* From answered to ended; 0 when nobody answered. */
int64_t sink_result_talked_ms(const struct sink_result *r);

#define SINK_APPEND_NAME_MAX 32

/* Where a batch of rows goes; the journal stores both. */
struct sink_append_place {
	char name[SINK_APPEND_NAME_MAX]; /* of the file: "results.jsonl" */
	int64_t offset;                  /* bytes from its beginning */
};

#define SINK_APPEND_FIRST ((struct sink_append_place){"results.jsonl", 0})

/*
 * How the file was found.  All but FITS are to be reported to a person, and
 * all but FITS and LONGER begin a new file.
 */
enum sink_append_found {
	SINK_APPEND_FITS,
	SINK_APPEND_SHORTER, /* cut, moved away or lost */
	SINK_APPEND_LONGER,  /* whole lines of others stand behind ours */
	SINK_APPEND_TORN,    /* what stands behind ours is no whole line */
	SINK_APPEND_FOREIGN, /* ours, or the batch's place, was written over */
	SINK_APPEND_FOUND_COUNT
};

/* "shorter" ...: for reports; stable. */
const char *sink_append_found_name(enum sink_append_found found);

/*
 * A sink that appends rows, each once also after a crash.  A file system
 * cannot do that alone; the journal helps:
 *
 *   1. lock, for all of the following (unlock at the end); what the journal
 *      knows (rows due, known, a batch under way) is read after that, or
 *      another process may have appended the same rows in between
 *   2. render each result; it makes the files that the row names
 *   3. plan says where the batch goes
 *   4. the journal writes down place and bytes, durably
 *   5. apply puts exactly these bytes there and fsyncs
 *   6. the journal notes them done: known is now offset + len
 *
 * After a crash between 4 and 6 whoever holds the lock next asks verify about
 * the batch that the journal knows.  FITS: go on with 5, the same bytes at the
 * same place.  Otherwise journal the place it gives, with the same bytes, and
 * go on with 5 there.
 *
 * Only files and locks are used, so all of it may run on the writer's thread,
 * one call at a time.  ERR_SPACE, ERR_IO: repeat the step.
 */
struct sink_ops {
	/* ERR_BUSY: another appends now. */
	enum err_code (*lock)(void *s, struct err *err);
	void (*unlock)(void *s);
	/* Append the row with its newline to line; an error adds nothing. */
	enum err_code (*render)(void *s, const struct sink_result *r,
	    struct buf *line, struct err *err);
	/* known: the file in use and how much of it the journal knows. */
	enum err_code (*plan)(void *s, const struct sink_append_place *known,
	    struct sink_append_place *next, enum sink_append_found *found,
	    struct err *err);
	enum err_code (*apply)(void *s, const struct sink_append_place *place,
	    const void *bytes, size_t len, struct err *err);
	enum err_code (*verify)(void *s, const struct sink_append_place *place,
	    const void *bytes, size_t len, struct sink_append_place *next,
	    enum sink_append_found *found, struct err *err);
	void (*free)(void *s);
};

/* A sink in use: borrowed by run/, freed by whoever wired it. */
struct sink {
	const struct sink_ops *ops;
	void *impl;
};

#endif
