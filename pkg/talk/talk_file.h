#ifndef DSRUN_TALK_FILE_H
#define DSRUN_TALK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include "talk/talk.h"

/*
 * A conversation as a file, for replay and for the transcript: JSON lines.
 *
 *	{"schema":1,"talk":"17-1","kind":"intro-call","script":"<sha256>",
 *	 "answeredAtMs":1767603600000,"values":{"contact.first_name":"Anna"}}
 *	{"at":0,"ev":"answered","fx":[{"do":"listen"},...]}
 *	{"at":2310,"ev":"caption","start":500,"end":1700,"text":"Hello?","fx":[]}
 *
 * One line an event, with the effects it had.  It holds what was said and the
 * contact's values that the script names, so it is erased with the recording.
 * A line is appended with its newline in one write; after a crash the last
 * one may be torn, which reading says and forgives.  Everything else that is
 * not as above is refused with its line: nobody edits these files.
 *
 * Pure: the caller reads and writes the bytes.
 */

#define TALK_FILE_MAX (4 << 20)  /* bytes of a file */
#define TALK_LINE_MAX (64 << 10) /* bytes of a line */
#define TALK_EVENT_TEXT_MAX 4096 /* bytes of an event's text */

struct talk_header {
	const char *talk; /* the name of the recording */
	const char *kind;
	uint8_t script[SHA256_BYTES]; /* talk_script_hash */
	int64_t answered_ms;          /* Unix time of at = 0 */
	const struct talk_values *values;
};

/* Append the header's line, or an event's, with its newline. */
void talk_file_put_header(const struct talk_header *h, struct buf *out);
void talk_file_put_event(const struct talk_event *event,
    const struct talk_effect *effects, size_t count, struct buf *out);

struct talk_reader;

/*
 * Read text (borrowed until close).  The header's texts and values live as
 * long as the reader.  ERR_NOT_FOUND: not one whole line is there.
 * ERR_MALFORMED: the header, or more than TALK_FILE_MAX.
 */
enum err_code talk_reader_open(
    const char *text, size_t len, struct talk_reader **out, struct err *err);
void talk_reader_close(struct talk_reader **r); /* NULL-safe */

const struct talk_header *talk_reader_header(const struct talk_reader *r);

struct talk_record {
	struct talk_event event;
	struct talk_effect effect[TALK_EFFECTS_MAX];
	size_t effects;
	const char *line; /* as it stands, without its newline */
	size_t line_len;
	int64_t number; /* of the line, from 1 (the header) */
};

/* The next event, valid until the next call; *more false at the end. */
enum err_code talk_reader_next(struct talk_reader *r, struct talk_record *out,
    bool *more, struct err *err);

/* Was the last line torn?  Its bytes begin at *offset. */
bool talk_reader_torn(const struct talk_reader *r, size_t *offset);

/*
 * Feed the events of a talk file through the machine again, with kind's
 * script and the values of the file.  *same is false when any effect differs;
 * *difference (mem_free) then names the event, what was recorded and what came
 * now, and whether the script is another one since.  *events counts them.
 * ERR_MALFORMED: the file, or kind's script.
 */
enum err_code talk_replay(const char *text, size_t len,
    const struct conf_kind *kind, bool *same, char **difference,
    int64_t *events, struct err *err);

#endif
