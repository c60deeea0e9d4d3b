#include "ctx.h"
#include "journal/journal_copy.h"
#include "wire.h"
#include "words/backup.h"

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *file = cli_word(&ctx->args, 0);
	struct journal *j = NULL;
	struct env_stat st = {0};
	struct ctx_document d;
	enum err_code code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);

	if (code == ERR_NONE)
		code = journal_backup(j, file, err);
	if (code == ERR_NONE)
		code = env_stat(ctx->env, file, &st, err);
	if (code == ERR_NONE && ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "file", file);
		json_field_i64(&d.w, "bytes", st.size_bytes);
		json_field_bool(&d.w, "verified", true);
		ctx_json_end(ctx, &d);
	} else if (code == ERR_NONE) {
		ctx_say(ctx, "%s: %lld bytes, verified", file,
		    (long long)st.size_bytes);
	}
	journal_close(&j);
	return code;
}

const struct command cmd_backup = {BACKUP_WORDS, .run = run};
