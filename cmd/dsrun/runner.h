#ifndef DSRUN_CMD_RUNNER_H
#define DSRUN_CMD_RUNNER_H

#include "ctx.h"
#include "run/run.h"

/* What drain, worker and sync share: a run, its signals, its progress and
 * its summary. */
struct runner_options {
	const char *command;
	const char *worker; /* or NULL */
	enum run_mode mode;
	int64_t max_jobs;
	int64_t soft_after_ms, hard_after_ms, wait_ms;
	bool exit_empty;
	bool summary; /* also off a terminal */
};

enum err_code runner_run(
    struct ctx *ctx, const struct runner_options *options, struct err *err);

/* What a drain would do now, job by job; changes nothing. */
enum err_code runner_dry(struct ctx *ctx, struct err *err);

#endif
