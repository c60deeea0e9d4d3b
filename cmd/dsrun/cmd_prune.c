#include "base/mem.h"

#include "ctx.h"
#include "journal/journal_prune.h"
#include "wire.h"
#include "words/prune.h"

/* The files go after the rows: a crash leaves files that the next prune
 * removes, never a row whose file is gone. */
static enum err_code
remove_files(struct ctx *ctx, struct journal *j, const struct journal_prune *p,
    struct err *err)
{
	for (size_t i = 0; i < p->file_count; i++) {
		char *path = mem_printf(
		    "%s/recordings/%s", journal_dir(j), p->files[i].path);
		enum err_code code = env_remove(ctx->env, path, err);

		mem_free(&path);
		if (code != ERR_NONE && code != ERR_NOT_FOUND)
			return code;
	}
	return journal_prune_files_gone(j, p, err);
}

static void
show(struct ctx *ctx, const struct journal_prune *p)
{
	struct ctx_document d;

	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_bool(&d.w, "dryRun", p->dry_run);
		json_field_i64(&d.w, "jobs", p->jobs);
		json_field_i64(&d.w, "files", (int64_t)p->file_count);
		json_field_str(&d.w, "archive", p->archive);
		ctx_json_end(ctx, &d);
		return;
	}
	ctx_say(ctx, "%lld jobs %s%s%s", (long long)p->jobs,
	    p->dry_run ? "would be pruned" : "pruned",
	    p->archive != NULL ? ", kept in " : "",
	    p->archive != NULL ? p->archive : "");
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct journal_prune p = {
	    .dry_run = cli_flag(&ctx->args, "dry-run", false)};
	struct journal *j = NULL;
	enum err_code code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);

	if (code != ERR_NONE)
		return code;
	p.before_ms =
	    env_now_ms(ctx->env) - cli_duration_ms(&ctx->args, "older-than", 0);
	code = journal_prune(j, &p, err);
	if (code == ERR_NONE && !p.dry_run)
		code = remove_files(ctx, j, &p, err);
	if (code == ERR_NONE)
		show(ctx, &p);
	journal_prune_fini(&p);
	journal_close(&j);
	return code;
}

const struct command cmd_prune = {PRUNE_WORDS, .run = run};
