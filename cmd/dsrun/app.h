#ifndef DSRUN_CMD_APP_H
#define DSRUN_CMD_APP_H

#include "cli.h"

/*
 * One run of the program: read the command line, give the command its ctx,
 * show what went wrong, return the exit code.
 */
int app_run(const struct command *const *commands, int argc, char **argv);

/* The options that every command takes; ended by a NULL name. */
extern const struct cli_option app_globals[];

#endif
