#include <stdio.h>

#include "base/mem.h"

#include "deciding.h"
#include "journal/journal_read.h"
#include "wire.h"
#include "words/cancel.h"

static void
collect(void *arg, const struct journal_listed *row)
{
	struct deciding_jobs *jobs = arg;

	if (!job_is_final(row->job.state))
		deciding_add(jobs, row->job.id);
}

/* What is not over of a campaign, once somebody has said that it is meant. */
static enum err_code
of_campaign(struct ctx *ctx, struct journal *j, const char *campaign,
    struct deciding_jobs *jobs, struct err *err)
{
	struct journal_filter filter = {.state = -1, .campaign = campaign};
	char what[160];

	if (journal_read_jobs(j, &filter, collect, jobs, err) != ERR_NONE)
		return err->code;
	if (jobs->count == 0) {
		ctx_say(
		    ctx, "campaign %s has no job that is not over", campaign);
		return ERR_NONE;
	}
	(void)snprintf(what, sizeof(what),
	    "Cancel %zu job%s of campaign %.100s", jobs->count,
	    jobs->count == 1 ? "" : "s", campaign);
	return ctx_confirm(ctx, what, err);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *campaign = cli_text(&ctx->args, "campaign");
	bool named = cli_word(&ctx->args, 0) != NULL;
	struct deciding_jobs jobs = {0};
	struct journal *j = NULL;
	struct deed deed;
	enum err_code code;

	if (named == (campaign != NULL))
		return err_set(err, ERR_USAGE, 0,
		    "expected JOBs, or --campaign C, and not both; for "
		    "example: dsrun cancel job-17");
	code = deed_read(ctx, &deed, err);
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE)
		code = named ? deciding_named(ctx, j, &jobs, err)
			     : of_campaign(ctx, j, campaign, &jobs, err);
	if (code == ERR_NONE)
		code = deciding_run(
		    ctx, j, RUN_DECIDE_CANCEL, &jobs, &deed, 0, err);
	mem_free(&jobs.ids);
	journal_close(&j);
	return code;
}

const struct command cmd_cancel = {CANCEL_WORDS, .run = run};
