#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "deciding.h"
#include "journal/journal_read.h"
#include "run/run_replay.h"
#include "shown.h"
#include "wire.h"
#include "words/replay.h"

/*
 * An attempt once more: first its timeline, then its files against their
 * hashes and its conversation through today's script.  --redial asks for a new
 * attempt instead, which some later drain makes.
 */

struct replay {
	struct ctx *ctx;
	const char *named; /* as it was asked for */
	struct journal *journal;
	struct journal_job job;
	int64_t attempt; /* its id */
	struct ctx_document doc;
	int64_t began_ms; /* the attempt's first event; 0 = none yet */
	struct run_replay found;
};

static const char *const kinds[] = {"recording", "talk", "transcript"};
static const char *const states[] = {"none", "same", "different", "missing"};

static void
event_seen(void *arg, const struct journal_event *e)
{
	struct replay *r = arg;
	const char *state = job_attempt_state_name(
	    (enum attempt_state)(e->attempt_state < 0 ? 0 : e->attempt_state));
	char at[TEXT_TIME_MAX];

	if (e->attempt != r->attempt)
		return;
	if (r->began_ms == 0)
		r->began_ms = e->at_ms;
	if (!r->ctx->json) {
		ctx_print(r->ctx, "%s  +%8.3f s  %-14s %s -> %s%s%s\n",
		    text_of_time(e->at_ms, at),
		    (double)(e->at_ms - r->began_ms) / 1000.0, e->name, e->was,
		    state, e->detail != NULL ? "  " : "",
		    e->detail != NULL ? e->detail : "");
		return;
	}
	json_write_object(&r->doc.w);
	json_field_i64(&r->doc.w, "seq", e->seq);
	json_field_time(&r->doc.w, "at", e->at_ms);
	json_field_str(&r->doc.w, "event", e->name);
	json_field_str(&r->doc.w, "from", e->was);
	json_field_str(&r->doc.w, "to", state);
	json_field_str(&r->doc.w, "detail", e->detail);
	json_write_end(&r->doc.w);
}

static enum err_code
timeline(struct replay *r, struct err *err)
{
	enum err_code code;

	if (r->ctx->json) {
		ctx_json_begin(r->ctx, &r->doc);
		json_field_str(&r->doc.w, "id", r->job.ext);
		json_field_i64(&r->doc.w, "number", r->job.id);
		json_field_i64(
		    &r->doc.w, "attempt", journal_attempt_number(r->attempt));
		json_write_key(&r->doc.w, "timeline");
		json_write_array(&r->doc.w);
	} else {
		ctx_print(r->ctx, "%s (#%lld), attempt %lld\n", r->job.ext,
		    (long long)r->job.id,
		    (long long)journal_attempt_number(r->attempt));
	}
	code = journal_read_events(r->journal, r->job.id, event_seen, r, err);
	if (r->ctx->json)
		json_write_end(&r->doc.w);
	return code;
}

static void
show_json(struct replay *r)
{
	struct json_writer *w = &r->doc.w;

	json_write_key(w, "files");
	json_write_array(w);
	for (size_t i = 0; i < RUN_ARTIFACT_COUNT; i++) {
		const struct run_replay_file *f = &r->found.file[i];

		if (f->state == RUN_REPLAY_NONE)
			continue;
		json_write_object(w);
		json_field_str(w, "kind", kinds[i]);
		json_field_str(w, "path", f->path);
		json_field_i64(w, "bytes", f->bytes);
		json_field_str(w, "state", states[f->state]);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_key(w, "same");
	if (r->found.replayed)
		json_write_bool(w, r->found.same);
	else
		json_write_null(w);
	json_field_str(w, "why", r->found.why_not);
	json_field_i64(w, "events", r->found.events);
	json_field_str(w, "difference", r->found.difference);
	json_field_bool(w, "ok", run_replay_ok(&r->found));
	ctx_json_end(r->ctx, &r->doc);
}

static void
show_text(struct replay *r)
{
	struct ctx *ctx = r->ctx;
	char size[SHOWN_MAX];

	for (size_t i = 0; i < RUN_ARTIFACT_COUNT; i++) {
		const struct run_replay_file *f = &r->found.file[i];

		if (f->state == RUN_REPLAY_NONE)
			continue;
		ctx_print(ctx, "%-10s  %s  (%s)  %s\n", kinds[i], f->path,
		    shown_bytes(f->bytes, size),
		    f->state == RUN_REPLAY_SAME    ? "as it was recorded"
		    : f->state == RUN_REPLAY_OTHER ? "NOT as it was recorded"
						   : "MISSING");
	}
	if (!r->found.replayed)
		ctx_print(ctx, "not replayed: %s\n", r->found.why_not);
	else if (r->found.same)
		ctx_print(ctx, "replayed: %lld events, the same effects\n",
		    (long long)r->found.events);
	else
		ctx_print(ctx, "replayed: DIFFERENT after %lld events: %s\n",
		    (long long)r->found.events, r->found.difference);
}

static enum err_code
replay(struct replay *r, struct err *err)
{
	const struct conf *conf = NULL;
	enum err_code code = ctx_conf(r->ctx, &conf, err);

	if (code == ERR_NONE)
		code = timeline(r, err);
	if (code == ERR_NONE)
		code = run_replay(
		    r->ctx->env, conf, r->journal, r->attempt, &r->found, err);
	if (code != ERR_NONE) {
		buf_free(&r->doc.text);
		run_replay_fini(&r->found);
		return code;
	}
	if (r->ctx->json)
		show_json(r);
	else
		show_text(r);
	if (!run_replay_ok(&r->found))
		ctx_exit(r->ctx, EXIT_ERROR);
	run_replay_fini(&r->found);
	return ERR_NONE;
}

/* One more call, if somebody says so by name and means it. */
static enum err_code
redial(struct replay *r, struct err *err)
{
	struct deciding_jobs jobs = {.ids = &r->job.id, .count = 1};
	struct journal_person person = {0};
	struct deed deed;
	char phone[SHOWN_MAX];
	char what[256];

	if (!cli_given(&r->ctx->args, "by"))
		return err_set(err, ERR_USAGE, 0,
		    "--redial needs --by NAME: who wants this call");
	if (deed_read(r->ctx, &deed, err) != ERR_NONE)
		return err->code;
	(void)journal_read_person(r->journal, r->job.id, &person, err);
	(void)snprintf(what, sizeof(what), "Call %s again for job %s",
	    shown_phone(person.number, true, phone), r->job.ext);
	journal_person_free(&person);
	if (!r->ctx->json && r->attempt != 0 && timeline(r, err) != ERR_NONE)
		return err->code;
	if (ctx_confirm(r->ctx, what, err) != ERR_NONE)
		return err->code;
	return deciding_run(r->ctx, r->journal, RUN_DECIDE_REDIAL, &jobs, &deed,
	    cli_time_ms(&r->ctx->args, "expires-at", 0), err);
}

static enum err_code
name(struct replay *r, struct err *err)
{
	const char *option = cli_text(&r->ctx->args, "job");
	const char *word = cli_word(&r->ctx->args, 0);

	r->named = option != NULL ? option : word;
	if (r->named == NULL)
		return err_set(err, ERR_USAGE, 0,
		    "JOB is missing (or --job JOB): an id that `dsrun jobs` "
		    "shows");
	if (option != NULL && word != NULL)
		return err_set(err, ERR_USAGE, 0,
		    "two jobs, %.60s and --job %.60s: say one", word, option);
	return ERR_NONE;
}

static enum err_code
find(struct replay *r, struct err *err)
{
	int64_t id = 0;
	int64_t number = cli_number(&r->ctx->args, "attempt", 0);

	if (journal_read_find(r->journal, r->named, &id, err) != ERR_NONE ||
	    journal_read_job(r->journal, id, &r->job, err) != ERR_NONE)
		return err->code;
	if (number > r->job.attempts)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "%s has no attempt %lld: it had %lld", r->job.ext,
		    (long long)number, (long long)r->job.attempts);
	if (number == 0)
		number = r->job.attempts;
	r->attempt = number == 0 ? 0 : id * 256 + number;
	if (r->attempt == 0 && !cli_flag(&r->ctx->args, "redial", false))
		return err_set(err, ERR_STATE, 0,
		    "%s was not called yet: see dsrun why", r->job.ext);
	return ERR_NONE;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct replay r = {.ctx = ctx};
	enum err_code code = name(&r, err);

	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &r.journal, err);
	if (code == ERR_NONE)
		code = find(&r, err);
	if (code == ERR_NONE)
		code = cli_flag(&ctx->args, "redial", false) ? redial(&r, err)
							     : replay(&r, err);
	journal_close(&r.journal);
	return code;
}

const struct command cmd_replay = {REPLAY_WORDS, .run = run};
