#ifndef DSRUN_TALK_TRANSCRIPT_H
#define DSRUN_TALK_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What was said in a call, on the recording's clock (milliseconds since
 * ANSWERED).  Made from the talk file alone, so it can be made again after a
 * crash; read back from its JSON by whoever shows it.  Pure.
 *
 *	{"schema":1,"call":"17-1","kind":"intro-call","answeredAtMs":...,
 *	 "durationMs":34120,"entries":[
 *	  {"role":"callee","startMs":500,"endMs":1700,"text":"Hello?"},
 *	  {"role":"agent","startMs":2000,"endMs":4100,"text":"Hello, this",
 *	   "interruptedAtMs":4100},
 *	  {"role":"dtmf","startMs":9000,"endMs":9000,"text":"2","by":"agent"},
 *	  {"role":"tool","startMs":21000,"endMs":21040,"text":"{...}"}]}
 *
 * An interrupted sentence ends where it was cut, with the words that were
 * heard; one that the crash cut has no end but the recording's.
 */

#define TALK_TRANSCRIPT_MAX (4 << 20) /* bytes of its JSON */
#define TALK_TRANSCRIPT_ENTRIES 20000

enum talk_role {
	TALK_ROLE_AGENT,
	TALK_ROLE_CALLEE,
	TALK_ROLE_TOOL,
	TALK_ROLE_DTMF,
	TALK_ROLE_COUNT
};

struct talk_entry {
	enum talk_role role;
	int64_t start_ms;
	int64_t end_ms;
	int64_t interrupted_at_ms; /* -1 = it was not */
	char *text;
	const char *by; /* of DTMF: "agent" or "callee"; else NULL */
	int64_t say_id; /* while being built */
};

/* Owned by the caller: talk_transcript_free. */
struct talk_transcript {
	char *call;
	char *kind;
	int64_t answered_ms;      /* Unix time */
	int64_t duration_ms;      /* of the recording, or of what is known */
	struct talk_entry *entry; /* by start_ms, then as they came */
	size_t count;
	size_t cap;
};

/*
 * From the bytes of a talk file (a torn last line is left out); duration_ms
 * of the recording, 0 when there is none.  Errors as talk_reader_open and
 * _next.
 */
enum err_code talk_transcript_build(const char *talk_file, size_t len,
    int64_t duration_ms, struct talk_transcript **out, struct err *err);

/* From its own JSON; ERR_MALFORMED names what is wrong. */
enum err_code talk_transcript_parse(const char *json, size_t len,
    struct talk_transcript **out, struct err *err);

void talk_transcript_free(struct talk_transcript **t); /* NULL-safe */

/* Append as JSON, with a newline at the end. */
void talk_transcript_json(const struct talk_transcript *t, struct buf *out);

/* Append as lines for people: "00:02.3  agent   Hello, ...". */
void talk_transcript_text(const struct talk_transcript *t, struct buf *out);

#endif
