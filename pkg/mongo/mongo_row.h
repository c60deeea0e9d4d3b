#ifndef DSRUN_MONGO_ROW_H
#define DSRUN_MONGO_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "mongo/mongo.h"

/*
 * One result as MongoDB has it, written so that any number of writers may
 * write it any number of times, in any order, and be killed in between: the
 * end is the same.
 *
 * Names.  The specification has two drafts; written are callHistory,
 * lastCompletedStep and lastCompletedDate with a CallRecord beside, and
 * mongo_read understands the other draft's names.  docs/mongo.md tells why.
 *
 * CallRecord, one a call: _id is an ObjectId made from carrier and call id, so
 * that Mongoose can populate it; callId is the carrier's own.  An upsert
 * guarded by `rev`: what has this revision or a newer one stays as it is.
 *
 * Campaign, one a contact and batch:
 *   callHistory        one entry a callId, with `rev`; a newer revision takes
 *                      the place of its entry (arrayFilters)
 *   status             only forward: pending, in_progress, failed, completed,
 *                      declined, booked; other words are somebody else's and
 *                      are left alone
 *   lastCompletedStep, lastCompletedDate    the greatest
 *   recordingUrl       that of the call with the latest lastCompletedDate
 * A missing campaign is made with all that the row says (and createdAt); once
 * the server proves that this very write made it, no more is written of it.
 *
 * A revision counts for one result.  A campaign has many, so it has no `rev`
 * of its own: all of the above are joins that need none.
 */

enum mongo_status {
	MONGO_PENDING, /* says nothing */
	MONGO_IN_PROGRESS,
	MONGO_FAILED,
	MONGO_COMPLETED,
	MONGO_DECLINED,
	MONGO_BOOKED,
	MONGO_STATUS_COUNT
};

const char *mongo_status_name(enum mongo_status s);

/* In: strings are never NULL ("" = none, and the field is not written). */
struct mongo_row {
	const char *campaign; /* 24 hex digits: an ObjectId, else a string */
	enum mongo_status status;
	int64_t step;
	int64_t completed_ms; /* when the step was completed; 0 = it was not */
	int64_t revision;     /* from 1 */
	int64_t now_ms;       /* createdAt and updatedAt */
	/* The call; carrier and call_id "" = none was placed. */
	const char *carrier;
	const char *call_id;
	int64_t call_ms; /* callTime; 0 = unknown */
	int64_t duration_ms;
	const char *outcome;
	const char *decline_reason;
	int64_t attempts;
	int64_t cost_micros;
	/* An object.  Keys that MongoDB refuses are written with '_' in place
	 * of '.' and of a '$' at the beginning. */
	const char *meeting_json;
	const char *recording_url;
	const char *transcript_url;

	/* Out. */
	enum err_code code;
	struct err err;
};

/*
 * Write rows: call records first, then campaigns, each in unordered bulks.
 * ERR_NONE for a row: all of it, or something newer, is there with the write
 * concern of the URI.  Rows do not depend on each other; only when the server
 * cannot be used do all that are not certain get the same code.
 *
 * After a kill, or an error of class RETRY, any part may be there: write the
 * same rows again.
 *
 * Replies are not trusted beyond what they prove: when a bulk's counts do not
 * account for each operation (a server that stops at the first error, or
 * numbers errors wrongly), its operations are done again one by one.  A
 * duplicate key is no proof either, since two writers may both have tried to
 * insert: the operation is done again as a plain update, and one that then
 * matches nothing is "there already, or newer" when its document is there.
 * When it is not, another document has the key of a unique index that somebody
 * made: ERR_EXISTS, with the server's words.
 */
void mongo_write(struct mongo *m, struct mongo_row *rows, size_t n);

#endif
