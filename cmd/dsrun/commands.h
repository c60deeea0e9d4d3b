#ifndef DSRUN_CMD_COMMANDS_H
#define DSRUN_CMD_COMMANDS_H

#include "cli.h"

/* One file each, cmd_NAME.c; main.c lists those that exist. */
extern const struct command cmd_adopt;
extern const struct command cmd_backup;
extern const struct command cmd_cancel;
extern const struct command cmd_check;
extern const struct command cmd_clock;
extern const struct command cmd_completion;
extern const struct command cmd_config;
extern const struct command cmd_dnc;
extern const struct command cmd_doctor;
extern const struct command cmd_drain;
extern const struct command cmd_enqueue;
extern const struct command cmd_help;
extern const struct command cmd_incarnation;
extern const struct command cmd_init;
extern const struct command cmd_jobs;
extern const struct command cmd_outbox;
extern const struct command cmd_parked;
extern const struct command cmd_pause;
extern const struct command cmd_prune;
extern const struct command cmd_replay;
extern const struct command cmd_resolve;
extern const struct command cmd_restore;
extern const struct command cmd_resume;
extern const struct command cmd_retry;
extern const struct command cmd_seed;
extern const struct command cmd_show;
extern const struct command cmd_sql;
extern const struct command cmd_states;
extern const struct command cmd_status;
extern const struct command cmd_stop;
extern const struct command cmd_sync;
extern const struct command cmd_version;
extern const struct command cmd_why;
extern const struct command cmd_worker;

/* The headings of the overview. */
#define GROUP_CALLS "Calls"
#define GROUP_LOOK "Looking"
#define GROUP_DECIDE "Deciding"
#define GROUP_KEEP "Keeping it safe"
#define GROUP_BOX "This box"

#endif
