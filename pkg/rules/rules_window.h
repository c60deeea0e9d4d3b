#ifndef DSRUN_RULES_WINDOW_H
#define DSRUN_RULES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rules_zone.h"

/*
 * Calling hours: is it open now, until when, and when does it open next?
 *
 * Pure.  Hours are minutes of the local day, half open: with 08:00-21:00 the
 * last legal millisecond is 20:59:59.999.  With several zones it is open when
 * it is open in every one.  The answer is found by walking from edge to edge
 * (a span's begin or end, midnight, a change of the zone's offset), so that an
 * hour that is skipped is never open and an hour that comes twice is open
 * twice.
 */

#define RULES_SPANS_MAX 4
#define RULES_WINDOW_DAYS 14 /* how far ahead is looked */

/* Minutes after midnight, start < end <= 1440. */
struct rules_span {
	int start;
	int end;
};

struct rules_day {
	size_t count; /* 0 = none; one span 0 to 1440 = always */
	struct rules_span spans[RULES_SPANS_MAX];
};

struct rules_windows {
	struct rules_day day[7]; /* 0 = Monday */
	struct rules_day holiday;
	bool holidays_set; /* false: a holiday is as its weekday */
};

/* Days since 1970-01-01, ascending; lent. */
struct rules_holidays {
	const int64_t *date;
	size_t count;
};

struct rules_opening {
	bool open;
	int64_t until_ms; /* open: the first instant that is not; Unix */
	int64_t next_ms;  /* closed: the next opening; -1 = none in sight */
};

/*
 * holidays may be NULL.  At least one zone (CHECK): without one nobody may
 * dial, and that is not this module's to say.  until_ms and next_ms lie at most
 * RULES_WINDOW_DAYS ahead.
 */
void rules_window_at(const struct rules_windows *windows,
    const struct rules_zone *const *zones, size_t zone_count,
    const struct rules_holidays *holidays, int64_t now_ms,
    struct rules_opening *out);

#endif
