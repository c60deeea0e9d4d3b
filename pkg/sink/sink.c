#include "sink/sink.h"

#include "base/check.h"

int64_t
sink_result_talked_ms(const struct sink_result *r)
{
	return r->answered_ms > 0 && r->ended_ms > r->answered_ms
		   ? r->ended_ms - r->answered_ms
		   : 0;
}

const char *
sink_append_found_name(enum sink_append_found found)
{
	static const char *const names[SINK_APPEND_FOUND_COUNT] = {
	    [SINK_APPEND_FITS] = "fits",
	    [SINK_APPEND_SHORTER] = "shorter",
	    [SINK_APPEND_LONGER] = "longer",
	    [SINK_APPEND_TORN] = "torn",
	    [SINK_APPEND_FOREIGN] = "foreign",
	};

	CHECK(found < SINK_APPEND_FOUND_COUNT);
	return names[found];
}
