#ifndef DSRUN_CMD_COMPLETION_H
#define DSRUN_CMD_COMPLETION_H

#include "base/buf.h"

#include "cli.h"

/*
 * Scripts that teach a shell the commands, options and fixed values of app;
 * appended to out.  They call nothing but the shell: completing a word never
 * starts dsrun.
 */
void completion_bash(const struct cli_app *app, struct buf *out);
void completion_zsh(const struct cli_app *app, struct buf *out);
void completion_fish(const struct cli_app *app, struct buf *out);

#endif
