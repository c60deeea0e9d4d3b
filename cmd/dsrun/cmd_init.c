#include "ctx.h"
#include "wire.h"
#include "wire_source.h"
#include "words/init.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct journal *j = NULL;
	enum err_code code = wire_journal(ctx, JOURNAL_CREATE, &j, err);

	if (code == ERR_NONE)
		code = wire_source_make_spool(ctx, journal_dir(j), err);
	if (code != ERR_NONE) {
		journal_close(&j);
		return code;
	}
	if (ctx->json) {
		struct ctx_document d;

		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "dir", journal_dir(j));
		json_field_str(&d.w, "journal", journal_id_hex(j));
		ctx_json_end(ctx, &d);
	} else {
		ctx_say(ctx, "journal %s is ready in %s", journal_id_hex(j),
		    journal_dir(j));
		ctx_say(ctx, "next: dsrun enqueue FILE");
	}
	journal_close(&j);
	return ERR_NONE;
}

const struct command cmd_init = {INIT_WORDS, .run = run};
