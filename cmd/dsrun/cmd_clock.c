#include "base/mem.h"

#include "deed.h"
#include "shown.h"
#include "wire.h"
#include "words/clock.h"

struct acceptance {
	struct journal_tx tx;
	struct deed deed;
};

static enum err_code
accept_tx(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct acceptance *a = CONTAINER_OF(tx, struct acceptance, tx);

	return journal_clock_accept(j, a->deed.by, a->deed.reason, err);
}

static void
show(struct ctx *ctx, struct journal *j, bool accepted)
{
	const char *why = "";
	bool trusted = journal_clock_trusted(j, &why) || accepted;
	int64_t now = env_now_ms(ctx->env);
	struct ctx_document d;
	char at[SHOWN_MAX];

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_bool(&d.w, "trusted", trusted);
		json_field_bool(&d.w, "accepted", accepted);
		json_field_str(&d.w, "why", why);
		json_field_time(&d.w, "now", now);
		ctx_json_end(ctx, &d);
	} else if (accepted) {
		ctx_say(ctx, "it is %s: accepted", shown_time(now, at));
	} else {
		ctx_print(ctx, "%s: it is %s (%s)\n",
		    trusted ? "trusted" : "not trusted", shown_time(now, at),
		    why);
		if (!trusted)
			ctx_say(ctx,
			    "nothing is dialled, expired or pruned; if the "
			    "time is right: dsrun clock accept --by NAME");
	}
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct acceptance a = {.tx = {.run = accept_tx, .cls = JOURNAL_CLAIM}};
	bool accept = cli_word(&ctx->args, 0) != NULL;
	struct journal *j = NULL;
	enum err_code code = deed_read(ctx, &a.deed, err);

	if (code == ERR_NONE && accept && !cli_given(&ctx->args, "by"))
		return err_set(err, ERR_USAGE, 0,
		    "--by is missing: the name of who looked at the clock; "
		    "for example: dsrun clock accept --by ana");
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE && accept)
		code = journal_now(j, &a.tx, err);
	if (code == ERR_NONE)
		show(ctx, j, accept);
	journal_close(&j);
	return code;
}

const struct command cmd_clock = {CLOCK_WORDS, .run = run};
