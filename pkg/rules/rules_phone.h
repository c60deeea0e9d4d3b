#ifndef DSRUN_RULES_PHONE_H
#define DSRUN_RULES_PHONE_H

#include <stdint.h>

#include "base/err.h"

/*
 * Telephone numbers: one written form (E.164, "+15125550100") and one number
 * for the journal (15125550100).  Pure; for everybody.
 *
 * Only the shape is checked: a plus, a digit from 1 to 9, six to fourteen more.
 * Which numbers a plan really has (area codes that exist, premium and toll-free
 * ones, Nxx rules) is data with a date, and is not looked at here.  Error texts
 * never repeat digits: they go into logs.
 */

#define RULES_PHONE_MAX 17       /* '+', 15 digits, NUL */
#define RULES_PHONE_INPUT_MAX 64 /* bytes; more is refused unread */

/*
 * Take away spaces, dots, dashes and brackets ( ) [ ], then check.
 * ERR_MALFORMED says what stands where.
 */
enum err_code rules_phone_normalise(
    const char *text, char out[RULES_PHONE_MAX], struct err *err);

/* rules_phone_normalise, as the journal's number. */
enum err_code rules_phone_parse(
    const char *text, int64_t *number, struct err *err);

/* Back to "+..."; number must come from rules_phone_parse (CHECK). */
const char *rules_phone_text(int64_t number, char out[RULES_PHONE_MAX]);

/* Could rules_phone_parse have given it?  For numbers out of a file. */
#define RULES_PHONE_LEAST INT64_C(1000000)
#define RULES_PHONE_MOST INT64_C(999999999999999)

#endif
