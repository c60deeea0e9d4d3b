#ifndef DSRUN_CMD_SHOW_H
#define DSRUN_CMD_SHOW_H

#include "ctx.h"
#include "journal/journal_read.h"
#include "rules/rules_atlas.h"
#include "run/run_talk.h"

/* What `show` knows of one job, read once and then printed either way. */

struct show_attempt {
	struct journal_attempt a;
	struct journal_finding finding;
	struct journal_artifact artifact[RUN_ARTIFACT_COUNT];
	char carrier[64]; /* it was armed for; "" = not armed */
};

struct show {
	struct ctx *ctx;
	struct journal *journal;
	struct journal_job job;
	struct journal_person person;
	bool erased; /* the personal data is gone */
	struct show_attempt *attempts;
	size_t attempt_count;
	/* The job's newest row in the outbox for each sink; id 0 = none. */
	struct show_result {
		int64_t id, revision, tries;
		enum journal_outbox_state state;
		char error[200];
	} results[JOURNAL_SINK_END];
	/* Where the callee is, when exactly one zone is known. */
	const struct rules_zone *zone;
};

/* "recording", "talk", "transcript". */
const char *show_artifact_name(int kind);

enum err_code show_json(struct show *s, struct err *err);
enum err_code show_text(struct show *s, struct err *err);

#endif
