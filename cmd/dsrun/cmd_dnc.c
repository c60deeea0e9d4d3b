#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "deed.h"
#include "dnc_file.h"
#include "journal/journal_read.h"
#include "rules/rules_phone.h"
#include "shown.h"
#include "table.h"
#include "wire.h"
#include "words/dnc.h"

#define LIMIT_ELSE 1000
#define BATCH 1000
#define SAID_MAX 20

enum kind {
	KIND_DO_NOT_CALL = 1,
	KIND_OPT_OUT = 2
};

static const char *
kind_name(int kind)
{
	return kind == KIND_OPT_OUT ? "opt-out" : "do-not-call";
}

/* --- changes ------------------------------------------------------------- */

struct change {
	struct journal_tx tx;
	struct deed deed;
	const int64_t *numbers;
	size_t count;
	int64_t deed_id; /* 0: not written yet */
	/* out */
	int64_t changed;
	int64_t deed_new;
};

static enum err_code
add_tx(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct change *c = CONTAINER_OF(tx, struct change, tx);
	enum err_code code = ERR_NONE;

	c->changed = 0;
	c->deed_new = c->deed_id;
	if (c->deed_new == 0)
		code = journal_deed(j, "dnc add", c->deed.by, c->deed.reason,
		    &c->deed_new, err);
	for (size_t i = 0; i < c->count && code == ERR_NONE; i++) {
		bool added = false;

		code = journal_dnc_put_under(j, c->numbers[i], KIND_DO_NOT_CALL,
		    c->deed_new, &added, err);
		c->changed += added;
	}
	return code;
}

static enum err_code
remove_tx(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct change *c = CONTAINER_OF(tx, struct change, tx);
	enum err_code code = ERR_NONE;

	c->changed = 0;
	for (size_t i = 0; i < c->count && code == ERR_NONE; i++) {
		bool removed = false;

		code = journal_dnc_remove(j, c->numbers[i], c->deed.by,
		    c->deed.reason, &removed, err);
		c->changed += removed;
	}
	return code;
}

/* All numbers, some at a time: a long list must not hold the lock for long. */
static enum err_code
change_all(struct journal *j, struct change *c, const int64_t *numbers,
    size_t count, int64_t *changed, struct err *err)
{
	enum err_code code = ERR_NONE;

	*changed = 0;
	for (size_t i = 0; i < count && code == ERR_NONE; i += c->count) {
		c->numbers = numbers + i;
		c->count = count - i < BATCH ? count - i : BATCH;
		code = journal_now(j, &c->tx, err);
		if (code == ERR_NONE) {
			c->deed_id = c->deed_new;
			*changed += c->changed;
		}
	}
	return code;
}

static void
show_refused(struct ctx *ctx, const struct dnc_file *f)
{
	size_t n = f->refused_count < SAID_MAX ? f->refused_count : SAID_MAX;

	for (size_t i = 0; i < n; i++)
		ctx_say(ctx, "line %lld: %s", (long long)f->refused[i].line,
		    f->refused[i].why);
	if (f->refused_count > n)
		ctx_say(ctx, "and %zu more (--json lists them)",
		    f->refused_count - n);
}

static void
show_change(struct ctx *ctx, const char *action, size_t given, int64_t changed,
    const struct dnc_file *f)
{
	bool remove = strcmp(action, "remove") == 0;
	int64_t rest = (int64_t)given - changed;
	struct ctx_document d;

	if (!ctx->json) {
		if (remove)
			ctx_print(ctx, "removed %lld, not listed %lld\n",
			    (long long)changed, (long long)rest);
		else
			ctx_print(ctx, "added %lld, known %lld, refused %zu\n",
			    (long long)changed, (long long)rest,
			    f->refused_count);
		show_refused(ctx, f);
		return;
	}
	ctx_json_begin(ctx, &d);
	json_field_str(&d.w, "action", action);
	json_field_i64(&d.w, "added", remove ? 0 : changed);
	json_field_i64(&d.w, "known", remove ? 0 : rest);
	json_field_i64(&d.w, "removed", remove ? changed : 0);
	json_field_i64(&d.w, "notListed", remove ? rest : 0);
	json_write_key(&d.w, "refused");
	json_write_array(&d.w);
	for (size_t i = 0; i < f->refused_count; i++) {
		json_write_object(&d.w);
		json_field_i64(&d.w, "line", f->refused[i].line);
		json_field_str(&d.w, "error", f->refused[i].why);
		json_write_end(&d.w);
	}
	json_write_end(&d.w);
	ctx_json_end(ctx, &d);
}

/* --- the list ------------------------------------------------------------ */

struct listing {
	struct ctx *ctx;
	struct ctx_document doc;
	struct table *table;
	int64_t limit, shown, last;
	int64_t only; /* 0 = all */
	bool more;
};

static void
listed(void *arg, const struct journal_dnc_row *row)
{
	struct listing *l = arg;
	char phone[RULES_PHONE_MAX];
	char at[SHOWN_MAX];

	if (l->only != 0 && row->number != l->only)
		return;
	if (l->shown == l->limit) {
		l->more = true;
		return;
	}
	l->shown++;
	l->last = row->number;
	(void)rules_phone_text(row->number, phone);
	if (l->ctx->json) {
		json_write_object(&l->doc.w);
		json_field_str(&l->doc.w, "phone", phone);
		json_field_str(&l->doc.w, "kind", kind_name(row->kind));
		json_field_time(&l->doc.w, "since", row->at_ms);
		json_write_end(&l->doc.w);
		return;
	}
	table_cell(l->table, phone);
	table_cell(l->table, kind_name(row->kind));
	table_cell(l->table, shown_time(row->at_ms, at));
}

static enum err_code
list_rows(struct listing *l, struct journal *j, const struct dnc_file *asked,
    int64_t after, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (asked->count == 0)
		return journal_read_dnc(j, after, l->limit + 1, listed, l, err);
	for (size_t i = 0; i < asked->count && code == ERR_NONE; i++) {
		l->only = asked->numbers[i];
		code = journal_read_dnc(j, l->only - 1, 1, listed, l, err);
	}
	return code;
}

static enum err_code
list(struct ctx *ctx, struct journal *j, const struct dnc_file *asked,
    int64_t after, struct err *err)
{
	static const struct table_column columns[] = {{.head = "PHONE"},
	    {.head = "KIND"}, {.head = "SINCE"}, {.head = NULL}};
	struct listing l = {
	    .ctx = ctx, .limit = cli_number(&ctx->args, "limit", LIMIT_ELSE)};
	char next[RULES_PHONE_MAX] = "";
	enum err_code code;

	l.table = table_new(columns);
	if (ctx->json) {
		ctx_json_begin(ctx, &l.doc);
		json_write_key(&l.doc.w, "numbers");
		json_write_array(&l.doc.w);
	}
	code = list_rows(&l, j, asked, after, err);
	if (l.more)
		(void)rules_phone_text(l.last, next);
	if (code != ERR_NONE && ctx->json) {
		buf_free(&l.doc.text);
	} else if (code == ERR_NONE && ctx->json) {
		json_write_end(&l.doc.w);
		json_field_str(&l.doc.w, "next", l.more ? next : NULL);
		ctx_json_end(ctx, &l.doc);
	} else if (code == ERR_NONE) {
		table_print(l.table, &ctx->term);
		if (l.shown == 0)
			ctx_say(ctx, asked->count > 0 ? "not on the list"
						      : "the list is empty");
		else if (l.more)
			ctx_say(ctx, "more: dsrun dnc list --after %s", next);
	}
	table_free(&l.table);
	return code;
}

/* --- the command --------------------------------------------------------- */

static enum err_code
as_usage(struct err *err, size_t i)
{
	err->code = ERR_USAGE;
	return err_wrap(err, "NUMBER %zu", i);
}

/* Numbers of the command line: one bad one, and nothing is done. */
static enum err_code
read_words(struct ctx *ctx, struct dnc_file *f, struct err *err)
{
	const char *word;

	for (size_t i = 1; (word = cli_word(&ctx->args, i)) != NULL; i++) {
		int64_t number = 0;

		if (dnc_number(word, strlen(word),
			cli_text(&ctx->args, "prefix"), &number,
			err) != ERR_NONE)
			return as_usage(err, i);
		dnc_file_add(f, number);
	}
	return ERR_NONE;
}

struct opted {
	int64_t number;
	int64_t count;
};

static void
opted_seen(void *arg, const struct journal_dnc_row *row)
{
	struct opted *o = arg;

	o->count += row->number == o->number && row->kind == KIND_OPT_OUT;
}

/* Who said it in a call of ours is not taken off the list by the way. */
static enum err_code
ask_opt_outs(struct ctx *ctx, struct journal *j, const struct dnc_file *f,
    struct err *err)
{
	struct opted o = {.count = 0};
	char what[120];

	for (size_t i = 0; i < f->count; i++) {
		o.number = f->numbers[i];
		if (journal_read_dnc(j, o.number - 1, 1, opted_seen, &o, err) !=
		    ERR_NONE)
			return err->code;
	}
	if (o.count == 0)
		return ERR_NONE;
	(void)snprintf(what, sizeof(what),
	    "%lld of them asked in a call not to be called again; take them "
	    "off the list all the same",
	    (long long)o.count);
	return ctx_confirm(ctx, what, err);
}

static enum err_code
change(struct ctx *ctx, struct journal *j, const char *action,
    const struct dnc_file *f, struct err *err)
{
	bool remove = strcmp(action, "remove") == 0;
	struct change c = {
	    .tx = {.run = remove ? remove_tx : add_tx, .cls = JOURNAL_CLAIM}};
	int64_t changed = 0;
	enum err_code code = deed_read(ctx, &c.deed, err);

	if (code == ERR_NONE && remove)
		code = ask_opt_outs(ctx, j, f, err);
	if (code == ERR_NONE)
		code = change_all(j, &c, f->numbers, f->count, &changed, err);
	if (code == ERR_NONE) {
		show_change(ctx, action, f->count, changed, f);
		if (f->refused_count > 0)
			ctx_exit(ctx, EXIT_PARTIAL);
	}
	return code;
}

/* What is missing, before anything is opened. */
static enum err_code
check_words(struct ctx *ctx, const char *action, struct err *err)
{
	bool import = strcmp(action, "import") == 0;

	if (strcmp(action, "list") == 0)
		return ERR_NONE;
	if (cli_word(&ctx->args, 1) == NULL)
		return err_set(err, ERR_USAGE, 0,
		    import ? "FILE is missing (- for standard input); for "
			     "example: dsrun dnc import list.txt"
			   : "NUMBER is missing; for example: dsrun dnc %s "
			     "+15125550100",
		    action);
	if (import && cli_word(&ctx->args, 2) != NULL)
		return err_set(err, ERR_USAGE, 0,
		    "one file at a time: \"%.80s\" is too many",
		    cli_word(&ctx->args, 2));
	if (strcmp(action, "remove") == 0 && !cli_given(&ctx->args, "reason"))
		return err_set(err, ERR_USAGE, 0,
		    "--reason is missing: why may these numbers be called "
		    "again?");
	return ERR_NONE;
}

static enum err_code
read_numbers(
    struct ctx *ctx, const char *action, struct dnc_file *f, struct err *err)
{
	if (strcmp(action, "import") != 0)
		return read_words(ctx, f, err);
	return dnc_file_read(ctx->env, cli_word(&ctx->args, 1),
	    cli_text(&ctx->args, "prefix"), f, err);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *action = cli_word(&ctx->args, 0);
	const char *after = cli_text(&ctx->args, "after");
	struct dnc_file f = {.count = 0};
	struct journal *j = NULL;
	int64_t from = 0;
	enum err_code code = check_words(ctx, action, err);

	if (code == ERR_NONE)
		code = read_numbers(ctx, action, &f, err);
	if (code == ERR_NONE && after != NULL &&
	    rules_phone_parse(after, &from, err) != ERR_NONE)
		code = err_wrap(err, "--after");
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE && strcmp(action, "list") == 0)
		code = list(ctx, j, &f, from, err);
	else if (code == ERR_NONE)
		code = change(ctx, j, action, &f, err);
	dnc_file_free(&f);
	journal_close(&j);
	return code;
}

const struct command cmd_dnc = {DNC_WORDS, .is_brake = true, .run = run};
