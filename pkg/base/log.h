#ifndef DSRUN_BASE_LOG_H
#define DSRUN_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * One line of JSON per decision: {"at","level","event","pid",fields...}.
 *
 * Packages below run return errors and log nothing above debug; the use case
 * logs once, when a decision is taken.  error = a person must look; warn =
 * dsrun handled it; info = one per state transition.
 *
 * Fields are typed, and the type decides what may be seen: a phone number
 * shows its last two digits, a name or free text its length.  There is no way
 * to log them in clear.
 */
enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};

enum log_kind {
	LOG_KIND_STR,
	LOG_KIND_INT,
	LOG_KIND_PHONE,
	LOG_KIND_PRIVATE
};

struct log_field {
	const char *name; /* NULL ends a list */
	enum log_kind kind;
	const char *text;
	int64_t number;
};

#define LOG_STR(name_, text_)                 \
	{                                     \
		name_, LOG_KIND_STR, text_, 0 \
	}
#define LOG_INT(name_, n_)                             \
	{                                              \
		name_, LOG_KIND_INT, "", (int64_t)(n_) \
	}
#define LOG_PHONE(name_, text_)                 \
	{                                       \
		name_, LOG_KIND_PHONE, text_, 0 \
	}
#define LOG_PRIVATE(name_, text_)                 \
	{                                         \
		name_, LOG_KIND_PRIVATE, text_, 0 \
	}

struct log;

struct log_options {
	const char *dir;             /* of the daily files; NULL: none */
	enum log_level level;        /* less than this is dropped */
	enum log_level stderr_level; /* from here on also on stderr, as text */
	int64_t rotate_bytes; /* a day's file begins a new one above this */
	int keep_days;        /* older files are removed at open */
	/* Lines below error of one turn of the loop are one write, at its end:
	 * a kill in between loses them.  Only on the loop's thread. */
	bool gather;
};

/*
 * Files are DIR/dsrun-YYYY-MM-DD.jsonl (then .1, .2 ... of that day), mode
 * 0600, one write(2) a line (or a turn), opened when first written to.  A log
 * that cannot be written says so once on stderr and never stops the program.
 * env is borrowed and must outlive the log.
 */
struct log *log_new(struct env *env, const struct log_options *options);
void log_free(struct log **log); /* NULL-safe */

/*
 * Log event with fields: LOG(log, LOG_LEVEL_INFO, "call.placed",
 * LOG_INT("job", 7)).  A NULL log drops everything.
 */
#define LOG(log_, level_, event_, ...)  \
	log_write(log_, level_, event_, \
	    (const struct log_field[]){ \
		__VA_ARGS__, {NULL, LOG_KIND_STR, NULL, 0}})
void log_write(struct log *log, enum log_level level, const char *event,
    const struct log_field *fields);

/* "debug", "info", "warn", "error"; ERR_MALFORMED for others. */
enum err_code log_level_parse(
    const char *text, enum log_level *out, struct err *err);

/* "+15*******00": what people may see of a number.  out of 24 bytes. */
const char *log_mask_phone(const char *phone, char out[24]);

#endif
