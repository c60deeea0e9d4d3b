#ifndef DSRUN_TESTS_SIM_STAGE_H
#define DSRUN_TESTS_SIM_STAGE_H

#include "carrier/carrier_sim_persona.h"
#include "conf/conf.h"
#include "journal/journal_check.h"
#include "rules/rules_atlas.h"
#include "sim_machine.h"

/*
 * What every simulated run begins with, made once: a disk with the
 * configuration, the people of the network, and a journal without jobs; the
 * configuration as read from it; the zones.
 *
 * The kinds of job: q asks for nothing and is called again soon; w may only be
 * called until SIM_WINDOW_END_S after the start, and on the next days; o is
 * called once; c has a cap of SIM_CAP dials a day, a gap of SIM_GAP_MS between
 * two, and one call at a time.
 */

#define SIM_DIR "/d"
#define SIM_DATA SIM_DIR "/data"
#define SIM_JOBS_FILE SIM_DIR "/jobs.jsonl"
#define SIM_BACKUP_FILE SIM_DIR "/backup.db"
#define SIM_WINDOW_END_S 60
#define SIM_CAP 2
#define SIM_GAP_MS 6000
#define SIM_DISK_BYTES (INT64_C(64) << 20)

struct sim_stage {
	struct sim_machine *machine; /* whose host owns what is below */
	struct sim_disk *empty;      /* configuration only */
	struct sim_disk *founded;    /* and a journal */
	struct conf *conf;
	struct rules_atlas *atlas;
	const char *kinds[16];
	struct carrier_sim_personas *people;
	struct journal_schema **schema; /* made by the first check */
};

/* Ends the program when it cannot be made. */
struct sim_stage *sim_stage_open(void);
/* Anew, with what was learned since; no run is under way. */
void sim_stage_make_images(struct sim_stage *s);
void sim_stage_close(struct sim_stage **s);

#endif
