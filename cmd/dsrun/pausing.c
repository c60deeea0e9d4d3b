#include "pausing.h"

#include "base/mem.h"

#include "deed.h"

struct pausing {
	struct journal_tx tx;
	struct deed deed;
	const char *campaign; /* NULL: all */
	bool on;
	bool changed;
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
	    deed_do(ctx, &p.tx, err) != ERR_NONE)
		return err->code;
	show(ctx, &p);
	return ERR_NONE;
}
