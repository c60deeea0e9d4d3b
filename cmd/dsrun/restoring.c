#include "restoring.h"

#include "journal/journal_copy.h"
#include "wire.h"

#ifndef DSRUN_BUILD_MS
#define DSRUN_BUILD_MS 0
#endif

/* What the backup does not know, and nobody must be called against. */
static void
show_stops(struct ctx *ctx, const struct journal_restored *r)
{
	if (r->numbers + r->pauses > 0)
		ctx_say(ctx,
		    "kept, though the backup does not have them: %lld numbers "
		    "of the do-not-call list, %lld pauses",
		    (long long)r->numbers, (long long)r->pauses);
	if (r->lost)
		ctx_say(ctx,
		    "the do-not-call list and the pauses of what was replaced "
		    "cannot be read: before anybody is called, enter again "
		    "(dsrun dnc, dsrun pause) what came after the backup");
}

static void
show(struct ctx *ctx, const struct conf *conf, const char *from,
    const struct journal_restored *r)
{
	struct ctx_document d;

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "dir", conf->dir);
		json_field_str(&d.w, "from", from);
		json_field_bool(&d.w, "fresh", true);
		json_field_i64(&d.w, "keptNumbers", r->numbers);
		json_field_i64(&d.w, "keptPauses", r->pauses);
		json_field_bool(&d.w, "stopsLost", r->lost);
		ctx_json_end(ctx, &d);
		return;
	}
	ctx_say(ctx, "%s is usable again, as a new incarnation", conf->dir);
	show_stops(ctx, r);
	ctx_say(ctx, "until it is accepted, each call is preceded by a lookup "
		     "at its carrier, and jobs whose carrier cannot be asked "
		     "are parked");
	ctx_say(ctx, "next: dsrun drain, and dsrun parked; when nothing is "
		     "left of what was there: dsrun incarnation accept --by "
		     "NAME");
}

enum err_code
restoring_run(
    struct ctx *ctx, const char *from, const char *question, struct err *err)
{
	const struct conf *conf = NULL;
	const char *reason = cli_text(&ctx->args, "reason");
	enum err_code code = ctx_conf(ctx, &conf, err);

	if (code != ERR_NONE)
		return code;
	if (question != NULL && ctx_confirm(ctx, question, err) != ERR_NONE)
		return err->code;
	code = wire_clock(ctx, conf, err);
	if (code != ERR_NONE)
		return code;
	struct journal_restored restored = {0};
	struct journal_restore_options o = {.env = ctx->env,
	    .dir = conf->dir,
	    .from = from,
	    .by = cli_text(&ctx->args, "by"),
	    .reason = reason != NULL ? reason : "",
	    .build_ms = DSRUN_BUILD_MS,
	    .restored = &restored};

	code = journal_restore(&o, err);
	if (code == ERR_NONE) {
		show(ctx, conf, from, &restored);
		ctx_exit(ctx, EXIT_PERSON);
	}
	return code;
}
