#include "base/text.h"

#include "fuzz.h"
#include "rules/rules_zone.h"

/*
 * A TZif file that somebody else wrote: what is read is a zone whose clock is
 * within a day of UTC everywhere, runs evenly from change to change, and
 * always comes forward to the next one.
 */

#define CHANGES 40 /* looked at from each instant */

/* Far beyond any clock on both sides, and where things happen. */
static const int64_t instants_ms[] = {INT64_C(-9000000000000000),
    INT64_C(-62135596800000), INT64_C(-2147483648000), -1, 0, 1,
    INT64_C(1767603600000), INT64_C(2147483647000), INT64_C(4102444800000),
    INT64_C(253402300799999), INT64_C(9000000000000000)};

static void
check_local(const struct rules_zone *z, int64_t at_ms, int32_t *offset_s)
{
	struct rules_local l;
	int64_t ms;

	rules_zone_local(z, at_ms, &l);
	CHECK(l.offset_s >= -7 * 86400 && l.offset_s <= 7 * 86400);
	CHECK(l.minute >= 0 && l.minute < 1440);
	CHECK(l.month >= 1 && l.month <= 12 && l.day >= 1 && l.day <= 31);
	CHECK(text_days_of_date(l.year, l.month, l.day) == l.date);
	CHECK(l.weekday == (int)(((l.date + 3) % 7 + 7) % 7));
	ms = at_ms + l.offset_s * INT64_C(1000) -
	     (l.date * 1440 + l.minute) * INT64_C(60000);
	CHECK(ms >= 0 && ms < 60000);
	*offset_s = l.offset_s;
}

static void
check_from(const struct rules_zone *z, int64_t at_ms)
{
	int32_t offset_s = 0;

	check_local(z, at_ms, &offset_s);
	for (int i = 0; i < CHANGES; i++) {
		int64_t next_ms = rules_zone_next_change_ms(z, at_ms);
		int32_t same_s = 0;

		CHECK(next_ms > at_ms);
		if (next_ms > INT64_C(9100000000000000))
			return;
		check_local(z, at_ms + (next_ms - at_ms) / 2, &same_s);
		CHECK(same_s == offset_s);
		check_local(z, next_ms - 1, &same_s);
		CHECK(same_s == offset_s);
		check_local(z, next_ms, &offset_s);
		at_ms = next_ms;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rules_zone *z = NULL;
	struct err err = {0};
	enum err_code code = rules_zone_parse(bytes, len, "A/B", &z, &err);

	if (code != ERR_NONE) {
		CHECK(code == ERR_MALFORMED && z == NULL);
		fuzz_refused(code, &err);
		return 0;
	}
	CHECK(text_eq(rules_zone_name(z), "A/B"));
	for (size_t i = 0; i < sizeof(instants_ms) / sizeof(*instants_ms); i++)
		check_from(z, instants_ms[i]);
	rules_zone_free(&z);
	return 0;
}
