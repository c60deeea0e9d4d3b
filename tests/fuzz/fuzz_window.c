#include "fuzz.h"
#include "rules/rules_window.h"

/*
 * Calling hours.  The input is hours, holidays, an instant and the rules of
 * one or two zones as POSIX writes them; the answer is compared with a look
 * at single instants, which needs no walking: open means open in every zone
 * there and then.
 */

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)
#define PROBES 48

struct world {
	struct rules_windows windows;
	struct rules_zone *zones[2];
	size_t zone_count;
	int64_t dates[4];
	struct rules_holidays holidays;
};

/* TZif without a transition: its footer's rule is all there is. */
static struct rules_zone *
zone_of(const char *rule, size_t len)
{
	static const char head[44 + 6 + 4 + 1] = "TZif2";
	uint8_t file[256];
	struct rules_zone *z = NULL;
	struct err err = {0};
	size_t n = 0;

	if (len > 100)
		len = 100;
	for (int block = 0; block < 2; block++) {
		memcpy(file + n, head, 44);
		file[n + 39] = 1; /* types */
		file[n + 43] = 4; /* letters of abbreviations */
		memset(file + n + 44, 0, 6);
		memcpy(file + n + 50, "UTC", 4);
		n += 54;
	}
	file[n++] = '\n';
	memcpy(file + n, rule, len);
	n += len;
	file[n++] = '\n';
	if (rules_zone_parse(file, n, "fuzz", &z, &err) != ERR_NONE)
		fuzz_refused(ERR_MALFORMED, &err);
	return z;
}

static void
read_day(struct fuzz_in *in, struct rules_day *day)
{
	day->count = fuzz_u8(in) % (RULES_SPANS_MAX + 1);
	for (size_t i = 0; i < day->count; i++) {
		int a = (int)(fuzz_u16(in) % 1440);
		int b = (int)(fuzz_u16(in) % 1440);

		day->spans[i].start = a < b ? a : b;
		day->spans[i].end = (a < b ? b : a) + 1;
	}
}

static bool
read_world(struct fuzz_in *in, struct world *w, int64_t *now_ms)
{
	/* From the year 1900 to 2200: where offsets change. */
	const int64_t span = INT64_C(9466848000000);

	*now_ms = (int64_t)((uint64_t)fuzz_i64(in) % (uint64_t)span) -
		  INT64_C(2208988800000);
	for (size_t d = 0; d < 7; d++)
		read_day(in, &w->windows.day[d]);
	read_day(in, &w->windows.holiday);
	w->windows.holidays_set = (fuzz_u8(in) & 1) != 0;
	w->holidays = (struct rules_holidays){w->dates, 4};
	for (size_t i = 0; i < 4; i++)
		w->dates[i] =
		    *now_ms / DAY_MS + (int64_t)(4 * i) + fuzz_u8(in) % 4;

	const char *rules = (const char *)in->at;
	const char *comma = memchr(rules, ';', in->left);
	size_t first = comma != NULL ? (size_t)(comma - rules) : in->left;

	w->zones[0] = zone_of(rules, first);
	w->zone_count = 1;
	if (comma == NULL)
		return w->zones[0] != NULL;
	w->zones[1] = zone_of(comma + 1, in->left - first - 1);
	w->zone_count = 2;
	return w->zones[0] != NULL && w->zones[1] != NULL;
}

static bool
open_in(const struct world *w, const struct rules_zone *z, int64_t at_ms)
{
	const struct rules_day *day;
	struct rules_local l;

	rules_zone_local(z, at_ms, &l);
	day = &w->windows.day[l.weekday];
	for (size_t i = 0; w->windows.holidays_set && i < 4; i++)
		if (w->dates[i] == l.date)
			day = &w->windows.holiday;
	for (size_t i = 0; i < day->count; i++)
		if (l.minute >= day->spans[i].start &&
		    l.minute < day->spans[i].end)
			return true;
	return false;
}

static bool
open_at(const struct world *w, int64_t at_ms)
{
	bool open = true;

	for (size_t i = 0; i < w->zone_count; i++)
		open = open && open_in(w, w->zones[i], at_ms);
	return open;
}

/* It stays as it is from now to the edge, as far as some instants can tell. */
static void
check_until(const struct world *w, int64_t now_ms, int64_t edge_ms, bool open)
{
	CHECK(edge_ms > now_ms);
	CHECK(open_at(w, edge_ms - 1) == open);
	for (int64_t i = 0; i < PROBES; i++)
		CHECK(open_at(w, now_ms + (edge_ms - now_ms) * i / PROBES) ==
		      open);
}

static void
check_answer(const struct world *w, int64_t now_ms)
{
	const struct rules_zone *const zones[2] = {w->zones[0], w->zones[1]};
	int64_t end_ms = now_ms + RULES_WINDOW_DAYS * DAY_MS;
	struct rules_opening o;

	rules_window_at(
	    &w->windows, zones, w->zone_count, &w->holidays, now_ms, &o);
	CHECK(o.open == open_at(w, now_ms));
	if (o.open) {
		CHECK(o.until_ms <= end_ms);
		check_until(w, now_ms, o.until_ms, true);
		CHECK(o.until_ms == end_ms || !open_at(w, o.until_ms));
	} else if (o.next_ms == -1) {
		check_until(w, now_ms, end_ms, false);
	} else {
		CHECK(o.next_ms <= end_ms);
		check_until(w, now_ms, o.next_ms, false);
		CHECK(open_at(w, o.next_ms));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_in in = {bytes, len};
	struct world w = {0};
	int64_t now_ms = 0;

	if (read_world(&in, &w, &now_ms))
		check_answer(&w, now_ms);
	rules_zone_free(&w.zones[0]);
	rules_zone_free(&w.zones[1]);
	return 0;
}
