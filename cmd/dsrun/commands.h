#ifndef DSRUN_CMD_COMMANDS_H
#define DSRUN_CMD_COMMANDS_H

#include "cli.h"

/* One file each, cmd_NAME.c; main.c lists those that exist. */
extern const struct command cmd_completion;
extern const struct command cmd_config;
extern const struct command cmd_doctor;
extern const struct command cmd_drain;
extern const struct command cmd_enqueue;
extern const struct command cmd_help;
extern const struct command cmd_init;
extern const struct command cmd_states;
extern const struct command cmd_version;

/* The headings of the overview. */
#define GROUP_CALLS "Calls"
#define GROUP_LOOK "Looking"
#define GROUP_DECIDE "Deciding"
#define GROUP_KEEP "Keeping it safe"
#define GROUP_BOX "This box"

#endif
