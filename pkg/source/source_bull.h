#ifndef DSRUN_SOURCE_BULL_H
#define DSRUN_SOURCE_BULL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "bull/bull.h"
#include "journal/journal.h"
#include "source/source.h"
#include "source/source_line.h"
#include "source/source_lookup.h"

/*
 * Jobs from a queue of Bull or BullMQ.
 *
 * A job's data is an object with the fields of a line of JSON (source_line.h),
 * phone and the rest; what else stands in it goes into "data".  Its identity
 * is the job's id, its timestamp and the number of its try: a retry that the
 * queue orders is another job here, a delivery repeated is the same one.  What
 * it says of itself at its first delivery stands.  Its kind is "kind" of the
 * data, else its name, when there is such a kind, else the default.
 *
 * What can never be called (no JSON, no phone, an unknown name or kind, too
 * large, repeated by a cron pattern, which nobody would arm again) is failed in
 * the queue, for good and with the reason, and counted as refused.
 *
 * The lock: exclusive keeps a job for lock_ms however long the queue is away,
 * for nobody else works on it (lock_ms of hours).  shared gives up what it has
 * not begun to call lock_margin_ms before the lock ends unless it could be
 * renewed, for another worker may have it then; a call that lasts longer than
 * the queue is away for may be made by that worker too.
 *
 * Under way is one call of the queue at a time, in this order: which library's
 * it is, what is ours from before (adopted through intake like what is taken
 * now), what goes back, what was refused, what must be renewed or reclaimed,
 * what only workers do (promote, stalled check), and jobs that are wanted.
 *
 * A Redis that may evict can throw away a lock.  exclusive: a warning, said
 * once a run.  shared: ERR_CONFIG, nothing is taken.
 *
 * A job that Redis lost while our lock on it had time left is called (exclusive
 * only): nobody else can have had it, and the journal has it.  One that
 * somebody removed (queue.obliterate() asks no lock) is over here, too, unless
 * it is being called; so is one that went back and was removed, or done by
 * another. Redis remembers its takes (bull_reclaim, bull_missing), so the two
 * are told apart.  Nothing from before is called until that was looked at, and
 * it is looked at again every minute.
 *
 * A job without a phone whose campaign is named gets its person from the
 * lookup (source_people.h) before intake; what its own data says of the
 * contact stands before that.  It is failed for good when there is no such
 * campaign, contact or phone, when its contact wants no calls, and when the
 * campaign is over or that step of it made.  While the store is away and the
 * journal knows nothing of it, it is put off in the queue by 60 s, no try
 * counted, with a line in the job's log; that is trouble too.  A job that was
 * taken in before is that job, whatever the store says now.
 *
 * While the queue is away this source has trouble, gives nothing, and tries
 * again every 2 s; nothing is lost by that, here or there.
 */

struct source_bull;

struct source_bull_options {
	struct env *env;
	struct journal *journal;
	struct bull *bull; /* borrowed */
	const char *name;  /* identity space: "bull:PREFIX:QUEUE"; kept */
	const char *const *kinds; /* as source_rules */
	const char *default_kind;
	/* Names of jobs, between commas, that mean default_kind; NULL: none
	 * but Bull's "__default__". */
	const char *names;
	bool shared;
	int64_t lock_ms;
	int64_t margin_ms;   /* shared */
	int64_t max_stalled; /* deaths of a worker with a job; 0 = 1 */
	int64_t again_ms;    /* while the queue is away; 0 = 2 s */
	/* Who is called by a job with a campaign and no phone; borrowed.
	 * NULL: such a job is refused. */
	const struct source_lookup *lookup;
};

struct source_bull *source_bull_new(const struct source_bull_options *options);
struct source *source_bull_port(struct source_bull *s);
/* What is under way is left as it is.  NULL-safe. */
void source_bull_free(struct source_bull **s);

/* "bull:PREFIX:QUEUE", at most SOURCE_NAME_MAX - 1 bytes, else its end is a
 * hash; mem_free. */
char *source_bull_name(const char *prefix, const char *queue);

#endif
