#include "deciding.h"

#include <string.h>

#include "base/mem.h"

#include "journal/journal_read.h"
#include "wire.h"

void
deciding_add(struct deciding_jobs *jobs, int64_t id)
{
	if ((jobs->count & (jobs->count + 1)) == 0)
		jobs->ids = mem_realloc(
		    jobs->ids, 2 * (jobs->count + 1), sizeof(*jobs->ids));
	jobs->ids[jobs->count++] = id;
}

enum err_code
deciding_named(struct ctx *ctx, struct journal *j, struct deciding_jobs *out,
    struct err *err)
{
	const char *word;

	out->count = 0;
	out->ids = mem_zalloc(ctx->args.word_count + 1, sizeof(*out->ids));
	while ((word = cli_word(&ctx->args, out->count)) != NULL) {
		if (journal_read_find(j, word, &out->ids[out->count], err) !=
		    ERR_NONE)
			return err->code;
		out->count++;
	}
	return ERR_NONE;
}

static void
show_json(struct ctx *ctx, const struct run_decision *rows, size_t count)
{
	struct ctx_document d;

	ctx_json_begin(ctx, &d);
	json_write_key(&d.w, "jobs");
	json_write_array(&d.w);
	for (size_t i = 0; i < count; i++) {
		const struct run_decision *r = &rows[i];
		bool refused = r->result == RUN_DECIDE_REFUSED;

		json_write_object(&d.w);
		json_field_str(&d.w, "id", r->ext);
		json_field_i64(&d.w, "number", r->job);
		json_field_str(
		    &d.w, "result", run_decide_result_name(r->result));
		json_field_str(
		    &d.w, "code", refused ? err_name(r->code) : NULL);
		json_field_str(&d.w, "state", job_state_name(r->state));
		json_field_str(&d.w, "outcome",
		    r->outcome == JOB_OUTCOME_NONE
			? NULL
			: job_outcome_name(r->outcome));
		json_field_str(&d.w, "text", r->text);
		json_write_end(&d.w);
	}
	json_write_end(&d.w);
	ctx_json_end(ctx, &d);
}

static void
show_text(struct ctx *ctx, const struct run_decision *rows, size_t count)
{
	size_t of[RUN_DECIDE_REFUSED + 1] = {0};

	for (size_t i = 0; i < count; i++) {
		const struct run_decision *r = &rows[i];

		of[r->result]++;
		/* Of many, only what a person must know. */
		if (r->result == RUN_DECIDE_REFUSED)
			(void)fprintf(ctx->term.err, "dsrun: ");
		if (count <= 20 || r->result == RUN_DECIDE_REFUSED ||
		    r->result == RUN_DECIDE_EVIDENCE)
			ctx_say(ctx, "%s: %s", r->ext, r->text);
	}
	if (count > 20)
		ctx_say(ctx, "%zu done, %zu told, %zu as before, %zu refused",
		    of[RUN_DECIDE_DONE] + of[RUN_DECIDE_EVIDENCE],
		    of[RUN_DECIDE_TOLD], of[RUN_DECIDE_ALREADY],
		    of[RUN_DECIDE_REFUSED]);
}

static enum err_code
show(struct ctx *ctx, const struct run_decision *rows, size_t count,
    struct err *err)
{
	if (count == 1 && rows[0].result == RUN_DECIDE_REFUSED)
		return err_set(
		    err, rows[0].code, 0, "%s: %s", rows[0].ext, rows[0].text);
	for (size_t i = 0; i < count; i++)
		if (rows[i].result == RUN_DECIDE_REFUSED)
			ctx_exit(ctx, exit_of_err(rows[i].code));
	if (ctx->json)
		show_json(ctx, rows, count);
	else
		show_text(ctx, rows, count);
	return ERR_NONE;
}

enum err_code
deciding_run(struct ctx *ctx, struct journal *j, enum run_decide_verb verb,
    const struct deciding_jobs *jobs, const struct deed *deed,
    int64_t expires_ms, struct err *err)
{
	struct run_decide_ask ask = {.env = ctx->env,
	    .journal = j,
	    .verb = verb,
	    .by = deed->by,
	    .reason = deed->reason,
	    .expires_ms = expires_ms};
	struct run_decision *rows = mem_zalloc(jobs->count + 1, sizeof(*rows));
	enum err_code code = ctx_conf(ctx, &ask.conf, err);

	for (size_t i = 0; i < jobs->count; i++)
		rows[i].job = jobs->ids[i];
	for (size_t at = 0; at < jobs->count && code == ERR_NONE;
	     at += RUN_DECIDE_MAX) {
		size_t left = jobs->count - at;

		code = run_decide(&ask, rows + at,
		    left < RUN_DECIDE_MAX ? left : RUN_DECIDE_MAX, err);
	}
	if (code == ERR_NONE)
		code = show(ctx, rows, jobs->count, err);
	mem_free(&rows);
	return code;
}

enum err_code
deciding_command(struct ctx *ctx, enum run_decide_verb verb, struct err *err)
{
	struct deciding_jobs jobs = {0};
	struct journal *j = NULL;
	struct deed deed;
	enum err_code code = deed_read(ctx, &deed, err);

	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE)
		code = deciding_named(ctx, j, &jobs, err);
	if (code == ERR_NONE)
		code = deciding_run(ctx, j, verb, &jobs, &deed,
		    verb == RUN_DECIDE_RETRY
			? cli_time_ms(&ctx->args, "expires-at", 0)
			: 0,
		    err);
	mem_free(&jobs.ids);
	journal_close(&j);
	return code;
}
