#ifndef DSRUN_TESTS_SIM_IMAGE_H
#define DSRUN_TESTS_SIM_IMAGE_H

#include <stdbool.h>

#include "sim_disk.h"

/*
 * Two open connections to a journal, as SQLite has them in memory when it has
 * read the schema and prepared what every process needs, made once for each
 * slot of a process and copied to where they were when a process of that slot
 * opens the journal.
 *
 * To read the schema twice and to prepare the same statements was two fifths
 * of what a simulated run costs, always with the same result.  What is copied
 * has never seen the process's disk: it has no page in its cache and no -wal,
 * and asks for both with its first statement, as a new connection does.  A copy
 * is used only for a journal.db whose pages of the schema are those it was made
 * from, byte by byte, and SQLite compares the schema's number at every
 * statement.  The external calls are the same but for the reads of the header
 * and of those pages.
 *
 * So not every run uses them (sim_plan.h), and no fault loop does.
 */

/* Make them, once, from the journal at path of disk, which stays theirs; host
 * is a process that the gate leaves alone. */
void sim_image_make(
    struct sim_process *host, struct sim_disk *disk, const char *path);
/*
 * Between true and false: what processes with a copy ask their connections for
 * is remembered, and images that are made later have done it: the settings
 * before the first statement, and up to 64 statements of each.  What nobody
 * asks for is finalized before a connection is closed; one that is used for
 * something else than those that were learned from ends the copy's use.
 */
void sim_image_learn(bool begin);
void sim_image_free(void);
/* Whether processes get copies; off at first. */
void sim_image_use(bool use);

#endif
