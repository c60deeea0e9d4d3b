#include "rules/rules_window.h"

#include "base/check.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)
/* Far beyond any clock (the year 287396), far from overflow. */
#define TIME_MAX_MS (INT64_C(1) << 53)

static bool
is_holiday(const struct rules_holidays *h, int64_t date)
{
	for (size_t i = 0; h != NULL && i < h->count; i++)
		if (h->date[i] == date)
			return true;
	return false;
}

static const struct rules_day *
hours_of(const struct rules_windows *w, const struct rules_holidays *holidays,
    const struct rules_local *local)
{
	if (w->holidays_set && is_holiday(holidays, local->date))
		return &w->holiday;
	return &w->day[local->weekday];
}

static bool
is_open(const struct rules_day *hours, int minute)
{
	for (size_t i = 0; i < hours->count; i++)
		if (minute >= hours->spans[i].start &&
		    minute < hours->spans[i].end)
			return true;
	return false;
}

/* The next minute of this day at which a span begins or ends; else 1440. */
static int
next_edge(const struct rules_day *hours, int minute)
{
	int next = 1440;

	for (size_t i = 0; i < hours->count; i++) {
		int start = hours->spans[i].start;
		int end = hours->spans[i].end;

		if (start > minute && start < next)
			next = start;
		if (end > minute && end < next)
			next = end;
	}
	return next;
}

/* Open there now?  *edge_ms: until when that surely stays so. */
static bool
look(const struct rules_windows *w, const struct rules_zone *zone,
    const struct rules_holidays *holidays, int64_t at_ms, int64_t *edge_ms)
{
	int64_t change_ms = rules_zone_next_change_ms(zone, at_ms);
	const struct rules_day *hours;
	struct rules_local local;

	rules_zone_local(zone, at_ms, &local);
	hours = hours_of(w, holidays, &local);
	*edge_ms = local.date * DAY_MS +
		   next_edge(hours, local.minute) * MINUTE_MS -
		   local.offset_s * INT64_C(1000);
	if (change_ms < *edge_ms)
		*edge_ms = change_ms;
	return is_open(hours, local.minute);
}

static bool
look_everywhere(const struct rules_windows *w,
    const struct rules_zone *const *zones, size_t count,
    const struct rules_holidays *holidays, int64_t at_ms, int64_t *edge_ms)
{
	bool open = true;

	*edge_ms = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		int64_t edge;

		if (!look(w, zones[i], holidays, at_ms, &edge))
			open = false;
		if (edge < *edge_ms)
			*edge_ms = edge;
	}
	return open;
}

void
rules_window_at(const struct rules_windows *windows,
    const struct rules_zone *const *zones, size_t zone_count,
    const struct rules_holidays *holidays, int64_t now_ms,
    struct rules_opening *out)
{
	int64_t end_ms = now_ms + RULES_WINDOW_DAYS * DAY_MS;
	int64_t at_ms;

	CHECK(zone_count > 0);
	CHECK(now_ms > -TIME_MAX_MS && now_ms < TIME_MAX_MS);
	*out = (struct rules_opening){false, 0, -1};
	out->open = look_everywhere(
	    windows, zones, zone_count, holidays, now_ms, &at_ms);
	while (at_ms < end_ms) {
		int64_t edge_ms;

		if (look_everywhere(windows, zones, zone_count, holidays, at_ms,
			&edge_ms) != out->open)
			break;
		CHECK(edge_ms > at_ms);
		at_ms = edge_ms;
	}
	if (out->open)
		out->until_ms = at_ms < end_ms ? at_ms : end_ms;
	else if (at_ms < end_ms)
		out->next_ms = at_ms;
}
