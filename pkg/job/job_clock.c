#include "job/job_clock.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Marks come from files, clocks from anywhere: no sum here may overflow. */
static int64_t
minus(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? INT64_MIN : INT64_MAX;
	return d;
}

static bool
say(char why[JOB_CLOCK_WHY_MAX], bool trusted, const char *text)
{
	(void)snprintf(why, JOB_CLOCK_WHY_MAX, "%s", text);
	return trusted;
}

static bool
moved_alike(const struct job_clock_facts *f, char *why)
{
	int64_t boot = minus(f->boot_ms, f->mark.boot_ms);
	int64_t drift = minus(minus(f->now_ms, f->mark.wall_ms), boot);
	int64_t slack = JOB_CLOCK_SLACK_MS + boot / 1000;

	if (boot < 0)
		return say(why, false,
		    "BOOTTIME went back within one boot: the journal's last "
		    "moment is not of this machine");
	if (drift < -slack || drift > slack) {
		(void)snprintf(why, JOB_CLOCK_WHY_MAX,
		    "the wall clock jumped by %lld ms against BOOTTIME since "
		    "the journal last trusted it",
		    (long long)drift);
		return false;
	}
	return say(why, true,
	    "the wall clock moved with BOOTTIME since the journal last "
	    "trusted it");
}

static bool
after_another_boot(const struct job_clock_facts *f, char *why)
{
	int64_t away = minus(f->now_ms, f->mark.wall_ms);
	char mark[TEXT_TIME_MAX];
	bool trusted = away >= 0 && away <= JOB_CLOCK_AWAY_MAX_MS;

	(void)snprintf(why, JOB_CLOCK_WHY_MAX,
	    "since a restart the wall clock is %s %s, when the journal last "
	    "trusted it",
	    trusted    ? "within 7 days after"
	    : away < 0 ? "before"
		       : "more than 7 days after",
	    text_of_time(f->mark.wall_ms, mark));
	return trusted;
}

bool
job_clock_trusted(const struct job_clock_facts *f, char why[JOB_CLOCK_WHY_MAX])
{
	if (f->synced)
		return say(
		    why, true, "the kernel says the clock is synchronised");
	if (f->mark.known &&
	    memcmp(f->boot_id, f->mark.boot_id, JOB_CLOCK_ID_BYTES) == 0)
		return moved_alike(f, why);
	if (f->mark.known)
		return after_another_boot(f, why);
	if (f->now_ms > f->built_ms)
		return say(why, true,
		    "a new journal, and the wall clock is later than the "
		    "program's build");
	return say(why, false,
	    "a new journal, and the wall clock is earlier than the program's "
	    "build");
}
