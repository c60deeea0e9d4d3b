#include <stdio.h>

#include "base/mem.h"

#include "deed.h"
#include "journal/journal_read.h"
#include "shown.h"
#include "wire.h"
#include "words/incarnation.h"

struct acceptance {
	struct journal_tx tx;
	struct deed deed;
};

static enum err_code
accept_tx(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct acceptance *a = CONTAINER_OF(tx, struct acceptance, tx);

	return journal_incarnation_accept(j, a->deed.by, a->deed.reason, err);
}

static void
show(struct ctx *ctx, struct journal *j, bool changed)
{
	bool fresh = journal_is_fresh(j);
	struct ctx_document d;
	char at[SHOWN_MAX];

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "journal", journal_id_hex(j));
		json_field_time(&d.w, "since", journal_opened_ms(j));
		json_field_bool(&d.w, "fresh", fresh);
		json_field_bool(&d.w, "accepted", changed);
		ctx_json_end(ctx, &d);
		return;
	}
	if (changed) {
		ctx_say(ctx, "accepted: calls are placed as before");
		return;
	}
	ctx_print(ctx, "journal %s, this incarnation began %s: %s\n",
	    journal_id_hex(j), shown_time(journal_opened_ms(j), at),
	    fresh ? "restored, not accepted yet" : "in order");
	if (fresh)
		ctx_say(ctx,
		    "every call is preceded by a lookup at its carrier, and "
		    "jobs whose carrier cannot be asked are parked; when you "
		    "have looked: dsrun incarnation accept --by NAME");
}

/* Whoever rang before the restore, and is not known here, may ring again: a
 * drain would have asked. */
static enum err_code
confirm(struct ctx *ctx, struct journal *j, struct err *err)
{
	struct journal_counts c;
	char what[120];

	if (journal_read_counts(j, &c, err) != ERR_NONE)
		return err->code;
	int64_t wait =
	    c.jobs[JOB_QUEUED] + c.jobs[JOB_READY] + c.jobs[JOB_HELD];

	if (wait == 0)
		return ERR_NONE;
	(void)snprintf(what, sizeof(what),
	    "Call the %lld jobs that wait without asking a carrier first",
	    (long long)wait);
	return ctx_confirm(ctx, what, err);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct acceptance a = {.tx = {.run = accept_tx, .cls = JOURNAL_CLAIM}};
	bool accept = cli_word(&ctx->args, 0) != NULL;
	bool changed = false;
	struct journal *j = NULL;
	enum err_code code = deed_read(ctx, &a.deed, err);

	if (code == ERR_NONE && accept && !cli_given(&ctx->args, "by"))
		return err_set(err, ERR_USAGE, 0,
		    "--by is missing: the name of who looked; for example: "
		    "dsrun incarnation accept --by ana");
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	/* Said twice it is still right. */
	if (code == ERR_NONE && accept && journal_is_fresh(j)) {
		code = confirm(ctx, j, err);
		if (code == ERR_NONE)
			code = journal_now(j, &a.tx, err);
		changed = code == ERR_NONE;
	}
	if (code == ERR_NONE)
		show(ctx, j, changed);
	journal_close(&j);
	return code;
}

const struct command cmd_incarnation = {INCARNATION_WORDS, .run = run};
