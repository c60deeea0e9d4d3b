#ifndef DSRUN_RULES_ZONE_H
#define DSRUN_RULES_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * Time zones, read from the system's tzdata by our own reader.
 *
 * libc knows one zone a process, and takes a name it does not know for UTC
 * without a word; a call placed by that mistake is outside the law's hours.
 * Here every zone is an object, and an unknown name is an error.
 *
 * Format: TZif of version 2 or later (RFC 8536): the block with 64-bit times,
 * then the footer, a POSIX TZ rule for the time after the last transition.  A
 * zone does not change once it is made: any thread may read it.
 */

#define RULES_ZONE_NAME_MAX 64
#define RULES_ZONE_DIR "/usr/share/zoneinfo"
#define RULES_ZONE_BYTES_MAX 262144

struct rules_zone;

struct rules_local {
	int year;
	int month;        /* 1 to 12 */
	int day;          /* 1 to 31 */
	int weekday;      /* 0 = Monday */
	int minute;       /* of the day, 0 to 1439 */
	int64_t date;     /* days since 1970-01-01 */
	int32_t offset_s; /* east of UTC */
};

/*
 * Make a zone of the bytes of a TZif file; name is for errors.  Release with
 * rules_zone_free.  ERR_MALFORMED also for version 1, which ends in 2037, and
 * for files with leap seconds ("right/"), which Unix time has not.
 */
enum err_code rules_zone_parse(const void *bytes, size_t len, const char *name,
    struct rules_zone **out, struct err *err);
void rules_zone_free(struct rules_zone **z);

/*
 * Read one from dir (NULL: RULES_ZONE_DIR).  ERR_NOT_FOUND for a name that is
 * none or is not there, never a path out of dir.
 */
enum err_code rules_zone_load(struct env *env, const char *dir,
    const char *name, struct rules_zone **out, struct err *err);

const char *rules_zone_name(const struct rules_zone *z);

/* The civil time there at that instant. */
void rules_zone_local(
    const struct rules_zone *z, int64_t unix_ms, struct rules_local *out);

/*
 * The next instant after unix_ms at which the offset may change; INT64_MAX =
 * never.  Up to there local time runs evenly.
 */
int64_t rules_zone_next_change_ms(const struct rules_zone *z, int64_t unix_ms);

#endif
