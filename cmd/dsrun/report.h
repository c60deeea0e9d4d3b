#ifndef DSRUN_CMD_REPORT_H
#define DSRUN_CMD_REPORT_H

#include "ctx.h"

/*
 * How errors are shown: on a terminal in colour by their kind (unknown command
 * red with the nearest name, missing argument yellow with an example, runtime
 * error red with its code, network trouble orange with the next try), off it
 * the same words in plain text, one line where one is enough.
 */

/* What the parser found. */
void report_usage(
    struct ctx *ctx, const struct cli_problem *problem, const struct err *err);

/* What a command returned. */
void report_error(struct ctx *ctx, const struct err *err);

/* All problems of the configuration, one line each, as FILE:LINE: KEY: text. */
void report_problems(struct ctx *ctx);

/* "error":{"code","message","exit"} and "problems":[...], as members. */
void report_error_json(
    struct json_writer *w, const struct err *err, enum exit_status status);
void report_problems_json(struct json_writer *w, const struct ctx *ctx);

#endif
