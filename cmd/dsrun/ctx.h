#ifndef DSRUN_CMD_CTX_H
#define DSRUN_CMD_CTX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"

#include "cli.h"
#include "conf/conf.h"
#include "exit.h"
#include "json/json_write.h"
#include "progress.h"
#include "term.h"

/*
 * What every command is given: the command line, the world, the terminal,
 * and on demand the configuration and the log.
 *
 * A command returns ERR_NONE and ends with ctx->exit (ctx_exit), or returns
 * an error, which main shows on standard error and, with --json, as a document
 * on standard output; its code decides the exit status.
 */
struct ctx {
	struct cli_args args;
	struct term term;
	struct env *env;
	bool json;
	bool quiet;    /* only errors */
	bool verbose;  /* say more on standard error */
	bool yes;      /* do not ask */
	bool no_input; /* never ask: refuse instead */
	enum exit_status exit;
	/*
	 * When the same is tried again without anybody doing anything, for
	 * network trouble; "" when nothing will.
	 */
	char next_try[96];
	/* ctx.c's own */
	struct conf *conf;
	struct conf_problem *problems;
	size_t problem_count;
	struct conf_flag *flags;
	char **flag_keys; /* of --set */
	size_t flag_count;
	struct log *log;
	bool document_written;
	struct attention *attention; /* attention.c's; NULL: nobody told yet */
};

/* args were read already and now belong to ctx.  Opens the env. */
enum err_code ctx_init(
    struct ctx *ctx, const struct cli_args *args, struct err *err);
void ctx_fini(struct ctx *ctx);

/*
 * The configuration, read at the first call.  ERR_CONFIG after all problems
 * were printed.  ctx_conf_quiet leaves them in ctx->problems, and always gives
 * a struct.
 */
enum err_code ctx_conf(
    struct ctx *ctx, const struct conf **out, struct err *err);
enum err_code ctx_conf_quiet(
    struct ctx *ctx, const struct conf **out, struct err *err);

/*
 * The log in DIR/logs, opened at the first call; needs ctx_conf before.  On
 * standard error it shows errors, warnings unless --quiet, all with --verbose.
 */
struct log *ctx_log(struct ctx *ctx);

/* This too is how the run ends; the worst of all counts. */
void ctx_exit(struct ctx *ctx, enum exit_status status);

/* One line on standard error, unless --quiet.  Control bytes are cleaned. */
void ctx_say(struct ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Standard output, control bytes cleaned. */
void ctx_print(struct ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A document for --json: begin opens {"schema":1, the command adds members
 * and, as all that it opened is closed again, ctx_json_end prints it on a
 * line.  Nothing is on standard output before that.
 */
struct ctx_document {
	struct buf text;
	struct json_writer w;
};
void ctx_json_begin(struct ctx *ctx, struct ctx_document *d);
void ctx_json_end(struct ctx *ctx, struct ctx_document *d);

/*
 * Ask on the terminal.  ERR_NONE: yes, or --yes; ERR_CANCELLED: no;
 * ERR_USAGE when nobody can be asked.  what is a sentence without its mark:
 * "Call +1... again".
 */
enum err_code ctx_confirm(struct ctx *ctx, const char *what, struct err *err);

/* The error, as --json or for people; ctx->exit follows from it. */
void ctx_fail(struct ctx *ctx, const struct err *err);

#endif
