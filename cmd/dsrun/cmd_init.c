#include "base/mem.h"

#include "ctx.h"
#include "source/source_spool.h"
#include "wire.h"
#include "words/init.h"

/* So that files can be moved into it before anything runs.  One that is in
 * use is there. */
static enum err_code
make_spool(struct ctx *ctx, struct journal *j, struct err *err)
{
	struct source_spool *spool = NULL;
	char *dir = mem_printf("%s/spool", journal_dir(j));
	enum err_code code = source_spool_open(ctx->env, dir, 0, &spool, err);

	source_spool_close(&spool);
	mem_free(&dir);
	return code == ERR_BUSY ? ERR_NONE : code;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct journal *j = NULL;
	enum err_code code = wire_journal(ctx, JOURNAL_CREATE, &j, err);

	if (code == ERR_NONE)
		code = make_spool(ctx, j, err);
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
