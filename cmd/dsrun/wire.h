#ifndef DSRUN_CMD_WIRE_H
#define DSRUN_CMD_WIRE_H

#include "ctx.h"
#include "journal/journal.h"
#include "run/run.h"
#include "run/run_check.h"

/*
 * The one place where ports meet their adapters: what the configuration names
 * is opened here, and everything else sees struct carrier, model and sink.
 */

/*
 * The journal of this box, for commands that look or decide.  Follows the
 * simulated network's clock when there is one.  Release with journal_close.
 */
enum err_code wire_journal(struct ctx *ctx, enum journal_mode mode,
    struct journal **out, struct err *err);

/* Follow the simulated network's clock when it is in use and there. */
enum err_code wire_clock(
    struct ctx *ctx, const struct conf *conf, struct err *err);

struct wire_sinks;
struct wire_queue;

/* Everything a run needs. */
struct wire {
	struct journal *journal;
	struct carrier sim;
	struct model scripted;
	struct sink *sink;
	struct wire_sinks *sinks; /* behind a network */
	struct wire_queue *queue; /* NULL = none */
	struct rules_atlas *atlas;
	struct run_carrier carriers[1];
	struct run_model models[1];
	struct run_options
	    options; /* filled in, but for what the command adds */
	bool has_sim, has_model;
};

/* Zeroed *w; wire_close in any case. */
enum err_code wire_open(
    struct ctx *ctx, enum journal_mode mode, struct wire *w, struct err *err);
/* Only what pushes results: no carrier is asked, so none is opened (the
 * simulated one reads a log as long as its calls are many). */
enum err_code wire_open_results(
    struct ctx *ctx, struct wire *w, struct err *err);
/* And the queue, and the sinks that a run of this mode pushes to. */
enum err_code wire_open_sinks(
    struct ctx *ctx, enum run_mode mode, struct wire *w, struct err *err);
/* Only the rules and the journal: for commands that ask the gates. */
enum err_code wire_open_rules(struct ctx *ctx, struct wire *w, struct err *err);
void wire_close(struct wire *w);

/*
 * The network's own log, for `check`.  It holds what it needs; release with
 * wire_network_free.
 */
enum err_code wire_network(
    struct ctx *ctx, struct run_check_network *out, struct err *err);
void wire_network_free(struct run_check_network *network);

/* attention_tell, as run_options has it; arg is the ctx. */
void wire_attention(void *arg, const char *what);

#endif
