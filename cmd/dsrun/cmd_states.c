#include <stdio.h>

#include "base/buf.h"

#include "commands.h"
#include "ctx.h"
#include "job/job_dot.h"
#include "job/job_state.h"

static void
json_job(struct json_writer *w)
{
	size_t n;
	const struct job_row *rows = job_rows(&n);

	json_write_key(w, "states");
	json_write_array(w);
	for (enum job_state s = 0; s < JOB_STATE_COUNT; s++) {
		json_write_object(w);
		json_field_str(w, "name", job_state_name(s));
		json_field_str(w, "text", job_state_text(s));
		json_field_bool(w, "final", job_is_final(s));
		json_write_end(w);
	}
	json_write_end(w);
	json_write_key(w, "steps");
	json_write_array(w);
	for (size_t i = 0; i < n; i++) {
		json_write_object(w);
		json_field_i64(w, "step", (int64_t)i);
		json_field_str(w, "from", job_state_name(rows[i].was));
		json_field_str(w, "event", job_event_name(rows[i].event));
		json_field_str(w, "to", job_state_name(rows[i].next));
		json_write_end(w);
	}
	json_write_end(w);
}

/* The job's part in the same transaction, by name. */
static void
json_job_events(struct json_writer *w, unsigned events)
{
	json_write_key(w, "job");
	json_write_array(w);
	for (enum job_event e = 0; e < JOB_EVENT_COUNT; e++)
		if ((events & (1U << e)) != 0)
			json_write_str(w, job_event_name(e));
	json_write_end(w);
}

static void
json_attempt(struct json_writer *w)
{
	size_t n;
	const struct attempt_row *rows = job_attempt_rows(&n);

	json_write_key(w, "states");
	json_write_array(w);
	for (enum attempt_state s = 0; s < ATTEMPT_STATE_COUNT; s++) {
		json_write_object(w);
		json_field_str(w, "name", job_attempt_state_name(s));
		json_field_str(w, "text", job_attempt_state_text(s));
		json_field_bool(w, "live", job_attempt_is_live(s));
		json_field_bool(w, "final", job_attempt_is_final(s));
		json_write_end(w);
	}
	json_write_end(w);
	json_write_key(w, "steps");
	json_write_array(w);
	for (size_t i = 0; i < n; i++) {
		json_write_object(w);
		json_field_i64(w, "step", 1000 + (int64_t)i);
		json_field_str(w, "from", job_attempt_state_name(rows[i].was));
		json_field_str(
		    w, "event", job_attempt_event_name(rows[i].event));
		json_field_str(w, "to", job_attempt_state_name(rows[i].next));
		json_job_events(w, rows[i].job_events);
		json_write_end(w);
	}
	json_write_end(w);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct buf text = BUF_INIT(JOB_DOT_MAX);
	struct ctx_document d;

	if (ctx->json && cli_flag(&ctx->args, "dot", false))
		return err_set(
		    err, ERR_USAGE, 0, "--dot and --json: choose one");
	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_write_key(&d.w, "job");
		json_write_object(&d.w);
		json_job(&d.w);
		json_write_end(&d.w);
		json_write_key(&d.w, "attempt");
		json_write_object(&d.w);
		json_attempt(&d.w);
		json_write_end(&d.w);
		ctx_json_end(ctx, &d);
		return ERR_NONE;
	}
	if (cli_flag(&ctx->args, "dot", false))
		job_dot_graph(&text);
	else
		job_dot_table(&text);
	(void)fwrite(buf_text(&text), 1, text.len, ctx->term.out);
	buf_free(&text);
	return ERR_NONE;
}

static const struct cli_example examples[] = {
    {"dsrun states", "what a job and an attempt may do next"},
    {"dsrun states --dot | dot -Tsvg > states.svg", "as a drawing"},
    {NULL, NULL},
};

static const struct cli_option options[] = {
    {.name = "dot", .type = CLI_FLAG, .help = "as a graph for Graphviz"},
    {.name = NULL},
};

const struct command cmd_states = {
    .name = "states",
    .group = GROUP_LOOK,
    .summary = "print the states of jobs and attempts, and every step",
    .examples = examples,
    .details = "Printed from the very tables that the program runs on.  The "
	       "number of a step is the one that events in the journal name.",
    .options = options,
    .run = run,
};
