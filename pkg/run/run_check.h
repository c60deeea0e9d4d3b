#ifndef DSRUN_RUN_CHECK_H
#define DSRUN_RUN_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "conf/conf.h"
#include "job/job_state.h"
#include "journal/journal_check.h"
#include "rules/rules_atlas.h"

/*
 * Was every promise kept?  What the journal proves of itself (journal_check.h)
 * and what only the network's own log can tell: I1, I2, I12, I14, I15.
 *
 * Two readings, so that a journal in use is not accused of what happened in
 * between: the log as it was before the snapshot must stand in the journal, and
 * what the journal says of a call must stand in the log as it is after it.
 * Reads only; on the loop's thread, while nothing is submitted.
 *
 * The files that calls left are hashed again, so it takes as long as it takes
 * to read them.
 *
 * What cannot be seen is JOURNAL_UNKNOWN with its `why`; a call that a named
 * person has spoken about is listed, not counted.
 */

/* One call of the network's log, in the words of any network. */
struct run_check_request {
	int64_t at_ms;
	int64_t event; /* the INTENT event that it named */
	const uint8_t *hash;
};
struct run_check_call {
	const char *id;
	const char *key;                          /* the attempt's, as text */
	const struct run_check_request *requests; /* at least 1, in order */
	size_t request_count;
	int64_t placed;           /* how often a phone rang for it */
	enum job_outcome outcome; /* NONE: not over */
};

struct run_check_network {
	/* Read the log anew and hand over every call; NULL: there is none. */
	enum err_code (*each)(void *impl,
	    void (*fn)(void *arg, const struct run_check_call *call), void *arg,
	    struct err *err);
	void *impl;
	const char *why; /* each NULL: why not */
};

struct run_check_options {
	struct env *env;
	const struct conf *conf;
	struct journal *journal;   /* NULL: backup */
	const char *backup;        /* a file; NULL: journal */
	struct rules_atlas *atlas; /* of journal, for I12 */
	const struct run_check_network *network;
	/* as in journal_check_options */
	bool deep;
	struct journal_schema **schema;
};

#define RUN_CHECK_INVARIANTS 15

struct run_check {
	bool ok; /* nothing is false */
	struct journal_check *journal;
	int64_t calls; /* in the network's log */
	/* A named person's word against a call: told, not counted. */
	char *listed[JOURNAL_CHECK_SHOWN];
	size_t listed_shown;
	int64_t listed_count;
	/* Recordings, transcripts and talk files against their hashes. */
	struct journal_check_item files;
	/* run_check.c's own, but for I1, I2, I12, I14 and I15 */
	struct journal_check_item own[RUN_CHECK_INVARIANTS + 1];
};

/*
 * An error means that the check could not be made.  ERR_DAMAGED also for a
 * network's log that cannot be read.  Release with run_check_free.
 */
enum err_code run_check(const struct run_check_options *options,
    struct run_check **out, struct err *err);
void run_check_free(struct run_check **c);

/* I1 to I15; belongs to c. */
const struct journal_check_item *run_check_at(
    const struct run_check *c, int invariant);

#endif
