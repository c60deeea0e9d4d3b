#ifndef DSRUN_RULES_POSIX_PRIV_H
#define DSRUN_RULES_POSIX_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The rule in a TZif file's footer: a POSIX TZ string ("EST5EDT,M3.2.0,
 * M11.1.0") with the extension of RFC 8536, hours from -167 to 167.
 */

/* When in a year one half begins. */
struct rules_posix_day {
	enum {
		RULES_POSIX_MONTH,  /* Mm.w.d */
		RULES_POSIX_JULIAN, /* Jn: 29 February is never counted */
		RULES_POSIX_YEARDAY /* n: from 0 */
	} kind;
	int month, week, weekday; /* weekday: 0 = Sunday, as written */
	int day;                  /* of Jn and n */
	int32_t time_s;           /* local, of the half that ends */
};

struct rules_posix {
	int32_t standard_s; /* east of UTC */
	int32_t daylight_s;
	bool has_daylight;
	struct rules_posix_day start; /* of daylight time */
	struct rules_posix_day end;
};

/* The whole text must be a rule; one with daylight time names both days. */
enum err_code rules_posix_parse(
    const char *text, size_t len, struct rules_posix *out, struct err *err);

/* The offset at that instant, in seconds east of UTC. */
int32_t rules_posix_offset(const struct rules_posix *p, int64_t unix_s);

/* The next change after that instant; INT64_MAX = never. */
int64_t rules_posix_next(const struct rules_posix *p, int64_t unix_s);

#endif
