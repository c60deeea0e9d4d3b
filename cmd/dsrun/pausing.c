#include "pausing.h"

#include "base/mem.h"

#include "deed.h"
#include "journal/journal_read.h"
#include "wire.h"

struct pausing {
	struct journal_tx tx;
	struct deed deed;
	const char *campaign; /* NULL: all */
	bool on;
	bool changed;
	bool unknown; /* no job is of that campaign: mistyped? */
};

static enum err_code
pausing_tx(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct pausing *p = CONTAINER_OF(tx, struct pausing, tx);

	return p->on ? journal_pause(j, p->campaign, p->deed.by, p->deed.reason,
			   &p->changed, err)
		     : journal_resume(j, p->campaign, p->deed.by,
			   p->deed.reason, &p->changed, err);
}

static void
job_seen(void *arg, const struct journal_listed *row)
{
	struct pausing *p = arg;

	(void)row;
	p->unknown = false;
}

static enum err_code
decide(struct ctx *ctx, struct pausing *p, struct err *err)
{
	struct journal_filter one = {
	    .state = -1, .campaign = p->campaign, .limit = 1};
	struct journal *j = NULL;
	enum err_code code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);

	if (code == ERR_NONE)
		code = journal_now(j, &p->tx, err);
	p->unknown = p->campaign != NULL;
	if (code == ERR_NONE && p->unknown)
		code = journal_read_jobs(j, &one, job_seen, p, err);
	journal_close(&j);
	return code;
}

static void
show(struct ctx *ctx, const struct pausing *p)
{
	const char *what = p->campaign != NULL ? "campaign " : "all calls";
	const char *name = p->campaign != NULL ? p->campaign : "";
	struct ctx_document d;

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "campaignId", p->campaign);
		json_field_bool(&d.w, "paused", p->on);
		json_field_bool(&d.w, "changed", p->changed);
		json_field_str(&d.w, "by", p->deed.by);
		json_field_str(&d.w, "reason", p->deed.reason);
		ctx_json_end(ctx, &d);
	} else if (p->on) {
		ctx_say(ctx, "%s%s: %s", what, name,
		    p->changed ? "paused; live calls go on, no new one begins"
			       : "paused already");
	} else {
		ctx_say(ctx, "%s%s: %s", what, name,
		    p->changed ? "resumed" : "not paused, nothing has changed");
	}
}

enum err_code
pausing_run(struct ctx *ctx, bool on, struct err *err)
{
	struct pausing p = {.tx = {.run = pausing_tx, .cls = JOURNAL_CLAIM},
	    .campaign = cli_text(&ctx->args, "campaign"),
	    .on = on};

	if (deed_read(ctx, &p.deed, err) != ERR_NONE ||
	    decide(ctx, &p, err) != ERR_NONE)
		return err->code;
	show(ctx, &p);
	if (p.unknown)
		ctx_say(ctx,
		    "no job here is of campaign %s so far: is it spelt as "
		    "`dsrun jobs` shows it?",
		    p.campaign);
	return ERR_NONE;
}
