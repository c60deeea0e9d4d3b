#ifndef DSRUN_JOB_CLOCK_H
#define DSRUN_JOB_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * May the wall clock be believed?
 *
 * Calling hours, expiry and pruning hang on it, and a box whose battery is
 * empty begins at 1970 or at its last shutdown.  While this says no, nothing is
 * armed, expired or pruned; calls that are live go on.
 *
 * Pure: journal/ keeps the mark, run/ reads the clocks.  The mark is the last
 * moment that the journal wrote down *while the clock was trusted* (an event,
 * or a person's `dsrun clock accept`).  It must not move on while the clock is
 * not trusted: a wrong clock runs as evenly as a right one, and would vouch for
 * itself at the second look.
 */

#define JOB_CLOCK_ID_BYTES 16
#define JOB_CLOCK_WHY_MAX 200

/* BOOTTIME and wall time may part by this much, and 0.1 % of the time between:
 * what NTP slews (500 ppm) and a suspended virtual machine explain. */
#define JOB_CLOCK_SLACK_MS 2000
/* How long a box may have been off before a person must look at its clock. */
#define JOB_CLOCK_AWAY_MAX_MS (INT64_C(7) * 86400000)

struct job_clock_mark {
	bool known; /* false: new journal, or never trusted yet */
	uint8_t boot_id[JOB_CLOCK_ID_BYTES];
	int64_t boot_ms; /* BOOTTIME, in that boot */
	int64_t wall_ms; /* Unix */
};

struct job_clock_facts {
	int64_t now_ms;  /* Unix, as the clock has it */
	int64_t boot_ms; /* BOOTTIME */
	uint8_t boot_id[JOB_CLOCK_ID_BYTES];
	bool synced; /* the kernel says synchronised */
	struct job_clock_mark mark;
	int64_t built_ms; /* Unix: when this program was built */
};

/*
 * In this order: synchronised by the kernel: yes.  A mark of this boot: yes
 * when both clocks moved alike since.  A mark of another boot: yes when the
 * wall clock lies 0 to 7 days after it.  No mark: yes when it is later than the
 * program's build.  why: one clause for status and refusals, either way.
 */
bool job_clock_trusted(
    const struct job_clock_facts *facts, char why[JOB_CLOCK_WHY_MAX]);

#endif
