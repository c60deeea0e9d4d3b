#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"

#include "deciding.h"
#include "journal/journal_read.h"
#include "wire.h"
#include "words/resolve.h"

struct heap {
	struct deciding_jobs jobs;
	const char *cause; /* NULL: any */
};

static void
collect(void *arg, const struct journal_listed *row)
{
	struct heap *h = arg;

	if (h->cause != NULL &&
	    !text_eq(h->cause, job_reason_word(row->job.reason)))
		return;
	deciding_add(&h->jobs, row->job.id);
}

/* What is parked, once somebody has said that it is meant. */
static enum err_code
of_heap(struct ctx *ctx, struct journal *j, const char *as,
    struct deciding_jobs *out, struct err *err)
{
	const char *campaign = cli_text(&ctx->args, "campaign");
	struct journal_filter filter = {
	    .state = JOB_PARKED, .campaign = campaign};
	struct heap h = {.cause = cli_text(&ctx->args, "cause")};
	enum err_code code = journal_read_jobs(j, &filter, collect, &h, err);
	char what[240];

	*out = h.jobs;
	if (code != ERR_NONE)
		return code;
	if (out->count == 0) {
		ctx_say(ctx, "nothing of that is parked: see dsrun parked");
		return ERR_NONE;
	}
	(void)snprintf(what, sizeof(what),
	    "Resolve %zu parked job%s%s%.80s%s%.40s as %s%s", out->count,
	    out->count == 1 ? "" : "s", campaign != NULL ? " of campaign " : "",
	    campaign != NULL ? campaign : "", h.cause != NULL ? ", cause " : "",
	    h.cause != NULL ? h.cause : "", as,
	    text_eq(as, "absent") ? " (they may be called again)" : "");
	return ctx_confirm(ctx, what, err);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *as = cli_text(&ctx->args, "as");
	bool all = cli_flag(&ctx->args, "all", false);
	struct deciding_jobs jobs = {0};
	struct journal *j = NULL;
	struct deed deed;
	enum err_code code;

	if ((cli_word(&ctx->args, 0) != NULL) == all)
		return err_set(err, ERR_USAGE, 0,
		    "expected JOBs, or --all, and not both; see dsrun parked");
	if (!all && (cli_given(&ctx->args, "campaign") ||
			cli_given(&ctx->args, "cause")))
		return err_set(err, ERR_USAGE, 0,
		    "--campaign and --cause choose among --all");
	code = deed_read(ctx, &deed, err);
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE)
		code = all ? of_heap(ctx, j, as, &jobs, err)
			   : deciding_named(ctx, j, &jobs, err);
	if (code == ERR_NONE)
		code = deciding_run(ctx, j,
		    text_eq(as, "placed")   ? RUN_DECIDE_PLACED
		    : text_eq(as, "absent") ? RUN_DECIDE_ABSENT
					    : RUN_DECIDE_DROP,
		    &jobs, &deed, 0, err);
	mem_free(&jobs.ids);
	journal_close(&j);
	return code;
}

const struct command cmd_resolve = {RESOLVE_WORDS, .run = run};
