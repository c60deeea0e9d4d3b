#include "restoring.h"

#include "journal/journal_copy.h"
#include "wire.h"

#ifndef DSRUN_BUILD_MS
#define DSRUN_BUILD_MS 0
#endif

static void
show(struct ctx *ctx, const struct conf *conf, const char *from)
{
	struct ctx_document d;

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "dir", conf->dir);
		json_field_str(&d.w, "from", from);
		json_field_bool(&d.w, "fresh", true);
		ctx_json_end(ctx, &d);
		return;
	}
	ctx_say(ctx, "%s is usable again, as a new incarnation", conf->dir);
	ctx_say(ctx, "until it is accepted, each call is preceded by a lookup "
		     "at its carrier, and jobs whose carrier cannot be asked "
		     "are parked");
	ctx_say(ctx, "when you are sure that no call was lost: dsrun "
		     "incarnation accept --by NAME");
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
	struct journal_restore_options o = {.env = ctx->env,
	    .dir = conf->dir,
	    .from = from,
	    .by = cli_text(&ctx->args, "by"),
	    .reason = reason != NULL ? reason : "",
	    .build_ms = DSRUN_BUILD_MS};

	code = journal_restore(&o, err);
	if (code == ERR_NONE) {
		show(ctx, conf, from);
		ctx_exit(ctx, EXIT_PERSON);
	}
	return code;
}
