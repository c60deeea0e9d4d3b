#ifndef DSRUN_RUN_INTAKE_H
#define DSRUN_RUN_INTAKE_H

#include "base/env.h"
#include "base/err.h"

#include "journal/journal.h"
#include "source/source.h"

/*
 * Jobs from a source into the journal: a batch at a time in one transaction,
 * and only when that is durable does the source hear what became of each.  A
 * crash in between gives the same jobs again, and they are known.
 */

#define RUN_INTAKE_BATCH 500 /* jobs of a transaction */

struct run_intake;

struct run_intake_options {
	struct env *env;
	struct journal *journal;
	struct source *source; /* borrowed */
	/* A batch of so many jobs goes into the journal; the one before is
	 * there.  Called from the loop; NULL: not told. */
	void (*writing)(void *arg, size_t jobs);
	/*
	 * The source has no more jobs now (code ERR_NONE), or failed.  Called
	 * from the loop; the intake may be freed from it, or poked later.
	 */
	void (*idle)(void *arg, enum err_code code, const struct err *err);
	void *arg;
};

/* A source's job as the journal takes it in; borrows from it. */
struct journal_new_job run_intake_job(const struct source_job *from);

struct run_intake *run_intake_new(const struct run_intake_options *options);
/* Ask the source for jobs; nothing when it is being asked already. */
void run_intake_poke(struct run_intake *in);
bool run_intake_busy(const struct run_intake *in);
/* Jobs that are being written. */
size_t run_intake_count(const struct run_intake *in);
void run_intake_free(struct run_intake **in); /* not while busy */

#endif
