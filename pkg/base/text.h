#ifndef DSRUN_BASE_TEXT_H
#define DSRUN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Small readers and writers of text that several packages need. */

bool text_eq(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);

/* The whole text must be a decimal number between min and max. */
enum err_code text_i64(
    const char *text, int64_t min, int64_t max, int64_t *out, struct err *err);
enum err_code text_double(
    const char *text, double min, double max, double *out, struct err *err);

/*
 * A duration: a whole number and one of ms, s, m, h, d ("500ms", "2d"); "0"
 * needs no unit.  Result in milliseconds, at most 3,650 days.
 */
enum err_code text_duration_ms(const char *text, int64_t *out, struct err *err);

/* The shortest such text: 90000 -> "90s".  buf of at least 24 bytes. */
const char *text_of_duration(int64_t ms, char *buf, size_t size);

/*
 * A time of RFC 3339 ("2026-01-05T09:00:00Z", "...+01:00", fraction allowed)
 * as Unix milliseconds, and back, always in UTC with milliseconds.
 */
enum err_code text_rfc3339_ms(const char *text, int64_t *out, struct err *err);
#define TEXT_TIME_MAX 32
const char *text_of_time(int64_t unix_ms, char buf[TEXT_TIME_MAX]);

/* Civil date of a day number (0 = 1970-01-01) and back; proleptic Gregorian. */
int64_t text_days_of_date(int year, int month, int day);
void text_date_of_days(int64_t days, int *year, int *month, int *day);

/* Lower-case hex; out has room for 2 * len + 1. */
const char *text_hex(const void *bytes, size_t len, char *out);
/* The whole text must be hex of exactly len bytes. */
bool text_unhex(const char *text, void *bytes, size_t len);

/*
 * The member of words (ended by NULL) nearest to text, when it is near enough
 * to be meant (at most a third of its letters differ); else NULL.
 */
const char *text_nearest(const char *text, const char *const *words);

/*
 * A name for a file made of any bytes: letters, digits, '.', '_' and '-' stay,
 * others become %XX; what begins with '.' or is longer than 100 bytes is cut
 * and gets a hash, so that different names stay different.
 */
#define TEXT_FILE_MAX 136
const char *text_file_safe(const char *text, char out[TEXT_FILE_MAX]);

/* Valid UTF-8 without NUL? */
bool text_is_utf8(const char *bytes, size_t len);

#endif
