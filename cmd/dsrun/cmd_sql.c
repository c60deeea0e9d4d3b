#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#include "report.h"
#include "sql_out.h"
#include "wire.h"
#include "words/sql.h"

static enum err_code
once(struct ctx *ctx, struct journal *j, const char *sql, bool write,
    struct err *err)
{
	struct sql_out out;
	struct journal_sql o;
	enum err_code code;

	sql_out_init(&out, ctx, write);
	o = sql_out_options(&out);
	code = journal_sql(j, sql, &o, err);
	sql_out_end(&out, code == ERR_NONE);
	return code;
}

static enum err_code
read_stdin(struct buf *sql, struct err *err)
{
	char part[16384];
	ssize_t n;

	while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0)
		if (buf_try_put(sql, part, (size_t)n, err) != ERR_NONE)
			return err_set(err, ERR_USAGE, 0,
			    "more than %zu bytes of SQL", sql->max);
	if (n < 0)
		return err_set(err, ERR_IO, 0, "cannot read standard input");
	if (strlen(buf_text(sql)) != sql->len)
		return err_set(err, ERR_USAGE, 0, "a NUL is no SQL");
	return ERR_NONE;
}

/* A mistake is shown, and the next line waits: as every SQL prompt does. */
static void
prompt(struct ctx *ctx, struct journal *j, bool write)
{
	struct buf sql = BUF_INIT(JOURNAL_SQL_MAX);
	char line[4096];
	struct err err;

	ctx_say(ctx, "statements end with ; and quit (or Ctrl-D) ends this");
	for (;;) {
		(void)fputs(sql.len == 0 ? "sql> " : "...> ", ctx->term.err);
		(void)fflush(ctx->term.err);
		if (fgets(line, sizeof(line), stdin) == NULL)
			break;
		if (sql.len == 0 && (strcmp(line, "quit\n") == 0 ||
					strcmp(line, "exit\n") == 0))
			break;
		err.code = ERR_NONE;
		if (buf_try_put(&sql, line, strlen(line), &err) == ERR_NONE &&
		    !journal_sql_complete(buf_text(&sql)))
			continue;
		if (err.code == ERR_NONE)
			(void)once(ctx, j, buf_text(&sql), write, &err);
		(void)fflush(ctx->term.out);
		if (err.code != ERR_NONE)
			report_error(ctx, &err);
		buf_clear(&sql);
		if (err.code != ERR_NONE &&
		    err_class(err.code) == ERR_CLASS_FATAL)
			break;
	}
	buf_free(&sql);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	bool write = cli_flag(&ctx->args, "write", false);
	const char *query = cli_word(&ctx->args, 0);
	bool asks = query == NULL && ctx->term.in_tty && ctx->term.err_tty &&
		    !ctx->json && !ctx->no_input;
	struct buf sql = BUF_INIT(JOURNAL_SQL_MAX);
	struct journal *j = NULL;
	enum err_code code = ERR_NONE;

	if (query == NULL && !asks && ctx->term.in_tty)
		code = err_set(err, ERR_USAGE, 0,
		    "QUERY is missing, and nobody may be asked; for example: "
		    "dsrun sql 'SELECT count(*) FROM job'");
	if (code == ERR_NONE && query == NULL && !asks)
		code = read_stdin(&sql, err);
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE && write)
		code = ctx_confirm(
		    ctx, "Change the journal past all its guards", err);
	if (code == ERR_NONE && asks)
		prompt(ctx, j, write);
	else if (code == ERR_NONE)
		code = once(
		    ctx, j, query != NULL ? query : buf_text(&sql), write, err);
	buf_free(&sql);
	journal_close(&j);
	return code;
}

const struct command cmd_sql = {SQL_WORDS, .run = run};
