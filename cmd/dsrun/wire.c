#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "attention.h"
#include "carrier/carrier_sim.h"
#include "model/model_scripted.h"
#include "sink/sink_file.h"
#include "wire_queue.h"
#include "wire_sim_log.h"
#include "wire_sinks.h"

#ifndef DSRUN_BUILD_MS
#define DSRUN_BUILD_MS 0
#endif

static enum err_code
open_journal(struct ctx *ctx, const struct conf *conf, enum journal_mode mode,
    struct journal **out, struct err *err)
{
	struct journal_options o = {.env = ctx->env,
	    .dir = conf->dir,
	    .mode = mode,
	    .build_ms = DSRUN_BUILD_MS,
	    .checkpoint_bytes = conf->disk.checkpoint_bytes,
	    .ballast_bytes = conf->disk.ballast_bytes,
	    .queue_max = conf->limits.queue};
	enum err_code code = journal_open(&o, out, err);

	if (code == ERR_NONE)
		journal_set_sinks(*out, wire_sinks_mask(conf));
	return code;
}

/* Where the first file that was tried could not be opened because all of the
 * directory is another user's, that is the error. */
static enum err_code
blame_owner(struct ctx *ctx, const struct conf *conf, struct err *err)
{
	struct env_stat st;
	struct err ignored;

	if (err->sys != EACCES ||
	    env_stat(ctx->env, conf->dir, &st, &ignored) != ERR_NONE ||
	    st.uid == ctx->env->uid)
		return err->code;
	return err_set(err, ERR_CONFIG, 0,
	    "%s belongs to uid %u, this runs as uid %u: run dsrun as its owner",
	    conf->dir, st.uid, ctx->env->uid);
}

enum err_code
wire_clock(struct ctx *ctx, const struct conf *conf, struct err *err)
{
	char *sim = mem_printf("%s/sim", conf->dir);
	bool found = false;
	enum err_code code = ERR_NONE;

	if (strcmp(conf->carrier_use, "sim") == 0)
		code = carrier_sim_peek(ctx->env, sim, &found, err);
	/* Before the network is founded it is the moment of its founding. */
	if (code == ERR_NONE && !found && !conf->sim.start_now &&
	    strcmp(conf->carrier_use, "sim") == 0)
		env_follow(ctx->env, conf->sim.start_ms,
		    ctx->env->ops->boot_us(ctx->env), 1);
	mem_free(&sim);
	return code == ERR_IO ? blame_owner(ctx, conf, err) : code;
}

enum err_code
wire_journal(struct ctx *ctx, enum journal_mode mode, struct journal **out,
    struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code = ctx_conf(ctx, &conf, err);

	*out = NULL;
	if (code == ERR_NONE)
		code = wire_clock(ctx, conf, err);
	if (code == ERR_NONE)
		code = open_journal(ctx, conf, mode, out, err);
	return code == ERR_IO ? blame_owner(ctx, conf, err) : code;
}

static enum err_code
open_rules(
    struct ctx *ctx, const struct conf *conf, struct wire *w, struct err *err)
{
	char *areas = mem_printf("%s/nanp_zones.csv", conf->rules_dir);
	enum err_code code =
	    rules_atlas_open(ctx->env, getenv("TZDIR"), areas, &w->atlas, err);

	mem_free(&areas);
	return code;
}

static enum err_code
open_adapters(
    struct ctx *ctx, const struct conf *conf, struct wire *w, struct err *err)
{
	char *sim = mem_printf("%s/sim", conf->dir);
	enum err_code code = carrier_sim_open(
	    ctx->env, &conf->sim, sim, conf->speech_dir, &w->sim, err);

	w->has_sim = code == ERR_NONE;
	if (code == ERR_NONE) {
		code = model_scripted_new(
		    ctx->env, conf->speech_dir, &w->scripted, err);
		w->has_model = code == ERR_NONE;
	}
	mem_free(&sim);
	return code;
}

static void
open_file_sink(struct ctx *ctx, const struct conf *conf, struct wire *w)
{
	char *out = mem_printf("%s/out", conf->dir);

	w->sink = sink_file_new(ctx->env, out);
	mem_free(&out);
}

static void
fill_options(struct ctx *ctx, const struct conf *conf, struct wire *w)
{
	w->carriers[0] = (struct run_carrier){"sim", &w->sim};
	w->models[0] = (struct run_model){"scripted", &w->scripted};
	w->options = (struct run_options){.env = ctx->env,
	    .conf = conf,
	    .journal = w->journal,
	    .log = ctx_log(ctx),
	    .carriers = w->carriers,
	    .carrier_count = 1,
	    .models = w->models,
	    .model_count = 1,
	    .atlas = w->atlas,
	    .sink = w->sink,
	    /* For tests, as the crash points are: claim, then arm apart. */
	    .prepare = getenv("DSRUN_CLAIM_FIRST") != NULL,
	    .attention = wire_attention,
	    .arg = ctx};
}

enum err_code
wire_open(
    struct ctx *ctx, enum journal_mode mode, struct wire *w, struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code = wire_journal(ctx, mode, &w->journal, err);

	if (code == ERR_NONE)
		code = ctx_conf(ctx, &conf, err);
	if (code == ERR_NONE)
		code = open_rules(ctx, conf, w, err);
	if (code == ERR_NONE)
		code = open_adapters(ctx, conf, w, err);
	if (code == ERR_NONE) {
		open_file_sink(ctx, conf, w);
		fill_options(ctx, conf, w);
	}
	return code;
}

enum err_code
wire_open_results(struct ctx *ctx, struct wire *w, struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code =
	    wire_journal(ctx, JOURNAL_MUST_EXIST, &w->journal, err);

	if (code == ERR_NONE)
		code = ctx_conf(ctx, &conf, err);
	if (code == ERR_NONE) {
		open_file_sink(ctx, conf, w);
		fill_options(ctx, conf, w);
		w->options.carrier_count = 0;
		w->options.model_count = 0;
	}
	return code;
}

enum err_code
wire_open_rules(struct ctx *ctx, struct wire *w, struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code =
	    wire_journal(ctx, JOURNAL_MUST_EXIST, &w->journal, err);

	if (code == ERR_NONE)
		code = ctx_conf(ctx, &conf, err);
	if (code == ERR_NONE)
		code = open_rules(ctx, conf, w, err);
	if (code == ERR_NONE)
		fill_options(ctx, conf, w);
	return code;
}

enum err_code
wire_open_sinks(
    struct ctx *ctx, enum run_mode mode, struct wire *w, struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code = ctx_conf(ctx, &conf, err);

	if (code == ERR_NONE)
		code = wire_sinks_open(
		    ctx, conf, w->journal, mode, &w->sinks, err);
	if (code != ERR_NONE)
		return code;
	if (wire_queue_is_set(conf)) {
		code = wire_queue_open(ctx, conf, w->journal, &w->queue, err);
		if (code != ERR_NONE)
			return code;
		wire_sinks_add(
		    w->sinks, JOURNAL_SINK_BULL, wire_queue_sink(w->queue));
		w->options.queue = wire_queue_source(w->queue);
	}
	w->options.pushers =
	    wire_sinks_pushers(w->sinks, &w->options.pusher_count);
	w->options.url = wire_sinks_url;
	w->options.url_arg = w->sinks;
	return ERR_NONE;
}

void
wire_close(struct wire *w)
{
	wire_queue_close(&w->queue);
	wire_sinks_close(&w->sinks);
	if (w->has_sim)
		w->sim.ops->free(w->sim.impl);
	w->has_sim = false;
	if (w->has_model)
		w->scripted.ops->free(w->scripted.impl);
	w->has_model = false;
	if (w->sink != NULL)
		w->sink->ops->free(w->sink->impl);
	w->sink = NULL;
	rules_atlas_close(&w->atlas);
	journal_close(&w->journal);
}

/* --- the network's log -----------------------------------------------------
 */

enum err_code
wire_network(struct ctx *ctx, struct run_check_network *out, struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code = ctx_conf(ctx, &conf, err);

	*out = (struct run_check_network){
	    .why = "the carrier keeps no log that could be compared"};
	if (code != ERR_NONE || strcmp(conf->carrier_use, "sim") != 0)
		return code;
	char *path = mem_printf("%s/sim/calls.jsonl", conf->dir);

	code = wire_sim_log(ctx->env, path, out, err);
	mem_free(&path);
	return code;
}

void
wire_network_free(struct run_check_network *network)
{
	wire_sim_log_free(network);
}

void
wire_attention(void *arg, const char *what)
{
	attention_tell(arg, what);
}
