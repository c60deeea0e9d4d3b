#ifndef DSRUN_CMD_SHOWN_H
#define DSRUN_CMD_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How values are written for people.  Programs read --json, where times are
 * RFC 3339, ages milliseconds and numbers whole.  Each returns buf.
 */

#define SHOWN_MAX 48

/* "2027-01-05 17:00:08Z"; "-" for a time that is not there (0 or less). */
const char *shown_time(int64_t unix_ms, char buf[SHOWN_MAX]);

/* The two largest units: "3h 12m", "12s"; "0s" below a second. */
const char *shown_age(int64_t ms, char buf[SHOWN_MAX]);

/* "379 kB" (1 kB = 1,024 bytes). */
const char *shown_bytes(int64_t n, char buf[SHOWN_MAX]);

/* As the logs have it, "+15*******42", or full; "-" for 0 (erased). */
const char *shown_phone(int64_t number, bool full, char buf[SHOWN_MAX]);

/* A word that a shell takes as it is: quoted when it must be; mem_free. */
char *shown_word(const char *text);

#endif
