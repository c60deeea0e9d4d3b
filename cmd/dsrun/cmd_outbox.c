#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "deed.h"
#include "journal/journal_read.h"
#include "shown.h"
#include "table.h"
#include "wire.h"
#include "wire_sinks.h"
#include "words/outbox.h"

#define LIMIT_ELSE 50
#define BATCH 1000

static const char *const state_names[] = {"pending", "done", "dead"};

/* --- the list ------------------------------------------------------------ */

struct row {
	int64_t id, job, revision, attempt, tries, next_ms;
	enum journal_sink sink;
	enum journal_outbox_state state;
	char *ext, *error;
};

struct rows {
	struct row *rows;
	size_t count;
	const char *sink; /* only its rows; NULL: any */
	size_t max, seen; /* of each state */
};

static bool
is_of(const struct journal_outbox_row *r, const char *sink)
{
	return sink == NULL || text_eq(sink, journal_sink_name(r->row.sink));
}

static void
row_seen(void *arg, const struct journal_outbox_row *r)
{
	struct rows *all = arg;

	if (!is_of(r, all->sink) || all->seen++ >= all->max)
		return;
	if (all->count % 64 == 0)
		all->rows =
		    mem_realloc(all->rows, all->count + 64, sizeof(*all->rows));
	all->rows[all->count++] = (struct row){.id = r->row.id,
	    .job = r->row.job,
	    .revision = r->row.revision,
	    .attempt = r->row.attempt,
	    .tries = r->row.tries,
	    .next_ms = r->next_ms,
	    .sink = r->row.sink,
	    .state = r->state,
	    .ext = mem_strdup(r->job_ext),
	    .error = mem_strdup(r->error)};
}

static void
rows_free(struct rows *all)
{
	for (size_t i = 0; i < all->count; i++) {
		mem_free(&all->rows[i].ext);
		mem_free(&all->rows[i].error);
	}
	mem_free(&all->rows);
	all->count = 0;
}

/* A row whose sink the configuration no longer names waits for a person: no
 * run tries it, so no error of its own says why. */
static void
say_unset(struct rows *all, unsigned set)
{
	for (size_t i = 0; i < all->count; i++) {
		struct row *r = &all->rows[i];

		if (r->state != JOURNAL_OUTBOX_PENDING ||
		    (set & 1U << r->sink) != 0)
			continue;
		mem_free(&r->error);
		r->error = mem_printf(
		    "%s is not set in the configuration: nothing pushes it",
		    journal_sink_name(r->sink));
	}
}

/* What a person gave up: who, and why, which stands with the deed. */
static void
say_dropped(struct journal *j, struct rows *all, size_t shown)
{
	static const char begins[] = JOURNAL_DROPPED "(deed ";

	for (size_t i = 0; i < shown; i++) {
		struct row *r = &all->rows[i];
		char *by = NULL;
		char *reason = NULL;
		struct err ignored;

		if (r->error == NULL || !text_starts(r->error, begins))
			continue;
		if (journal_read_deed(j,
			strtoll(r->error + sizeof(begins) - 1, NULL, 10), &by,
			&reason, &ignored) == ERR_NONE) {
			mem_free(&r->error);
			r->error =
			    mem_printf(JOURNAL_DROPPED "by %s: %s", by, reason);
		}
		mem_free(&by);
		mem_free(&reason);
	}
}

static int
by_id(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void
list_json(struct ctx *ctx, const struct rows *all, size_t shown)
{
	struct ctx_document d;

	ctx_json_begin(ctx, &d);
	json_write_key(&d.w, "outbox");
	json_write_array(&d.w);
	for (size_t i = 0; i < shown; i++) {
		const struct row *r = &all->rows[i];

		json_write_object(&d.w);
		json_field_i64(&d.w, "row", r->id);
		json_field_str(&d.w, "id", r->ext);
		json_field_i64(&d.w, "number", r->job);
		json_field_str(&d.w, "sink", journal_sink_name(r->sink));
		json_field_i64(&d.w, "revision", r->revision);
		json_field_str(&d.w, "state", state_names[r->state]);
		json_field_i64(&d.w, "tries", r->tries);
		json_field_time(
		    &d.w, "nextAt", r->next_ms > 0 ? r->next_ms : -1);
		json_field_str(&d.w, "error", r->error);
		json_write_end(&d.w);
	}
	json_write_end(&d.w);
	if (all->count > shown) {
		char *next =
		    mem_printf("%lld", (long long)all->rows[shown - 1].id);

		json_field_str(&d.w, "next", next);
		mem_free(&next);
	} else {
		json_field_null(&d.w, "next");
	}
	ctx_json_end(ctx, &d);
}

static void
list_text(struct ctx *ctx, const struct rows *all, size_t shown)
{
	static const struct table_column columns[] = {
	    {.head = "ROW", .right = true}, {.head = "JOB", .shrinks = true},
	    {.head = "REV", .right = true}, {.head = "SINK"}, {.head = "STATE"},
	    {.head = "TRIES", .right = true}, {.head = "NEXT"},
	    {.head = "ERROR", .shrinks = true}, {.head = NULL}};
	struct table *t = table_new(columns);
	char at[SHOWN_MAX];

	for (size_t i = 0; i < shown; i++) {
		const struct row *r = &all->rows[i];
		bool dead = r->state == JOURNAL_OUTBOX_DEAD;

		table_cellf(t, "%lld", (long long)r->id);
		table_cell(t, r->ext);
		table_cellf(t, "%lld", (long long)r->revision);
		table_cell(t, journal_sink_name(r->sink));
		table_paint(
		    t, dead ? TERM_RED : TERM_PLAIN, state_names[r->state]);
		table_cellf(t, "%lld", (long long)r->tries);
		table_cell(t, dead ? NULL : shown_time(r->next_ms, at));
		table_cell(t, r->error != NULL ? r->error : "");
	}
	table_print(t, &ctx->term);
	table_free(&t);
	if (shown == 0)
		ctx_say(ctx, "nothing waits to be pushed");
	else if (all->count > shown)
		ctx_say(ctx, "more: the same with --after %lld",
		    (long long)all->rows[shown - 1].id);
}

static enum err_code
list(struct ctx *ctx, struct journal *j, struct err *err)
{
	const char *state = cli_text(&ctx->args, "state");
	int64_t limit = cli_number(&ctx->args, "limit", LIMIT_ELSE);
	int64_t after = cli_number(&ctx->args, "after", 0);
	struct rows all = {
	    .sink = cli_text(&ctx->args, "sink"), .max = (size_t)limit + 1};
	const struct conf *conf = NULL;
	enum err_code code = ERR_NONE;
	static const enum journal_outbox_state both[] = {
	    JOURNAL_OUTBOX_PENDING, JOURNAL_OUTBOX_DEAD};

	for (size_t i = 0; i < ARRAY_LEN(both) && code == ERR_NONE; i++) {
		all.seen = 0;
		if (state == NULL || strcmp(state, state_names[both[i]]) == 0)
			code = journal_read_outbox(j, (int)both[i], after,
			    all.sink != NULL ? 0 : limit + 1, row_seen, &all,
			    err);
	}
	if (code == ERR_NONE)
		code = ctx_conf(ctx, &conf, err);
	if (code == ERR_NONE) {
		size_t shown =
		    all.count < (size_t)limit ? all.count : (size_t)limit;

		say_unset(&all, wire_sinks_mask(conf));
		if (all.count > 0)
			qsort(all.rows, all.count, sizeof(*all.rows), by_id);
		say_dropped(j, &all, shown);
		if (ctx->json)
			list_json(ctx, &all, shown);
		else
			list_text(ctx, &all, shown);
	}
	rows_free(&all);
	return code;
}

/* --- retry and drop ------------------------------------------------------ */

struct change {
	struct journal_tx tx;
	struct deed deed;
	bool drop;
	const int64_t *ids;
	size_t count;
	bool *changed; /* one for each of ids */
};

static enum err_code
change_tx(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct change *c = CONTAINER_OF(tx, struct change, tx);
	int64_t deed = 0;
	enum err_code code =
	    journal_deed(j, c->drop ? "outbox drop" : "outbox retry",
		c->deed.by, c->deed.reason, &deed, err);
	char *why = mem_printf(JOURNAL_DROPPED "(deed %lld)", (long long)deed);

	for (size_t i = 0; i < c->count && code == ERR_NONE; i++)
		code = c->drop ? journal_outbox_drop(
				     j, c->ids[i], why, &c->changed[i], err)
			       : journal_outbox_retry(
				     j, c->ids[i], &c->changed[i], err);
	mem_free(&why);
	return code;
}

struct ids {
	int64_t *ids;
	bool *changed;
	size_t count;
	const char *sink; /* only its rows; NULL: any */
};

static void
ids_add(struct ids *all, int64_t id)
{
	all->ids = mem_realloc(all->ids, all->count + 1, sizeof(*all->ids));
	all->changed =
	    mem_realloc(all->changed, all->count + 1, sizeof(*all->changed));
	all->changed[all->count] = false;
	all->ids[all->count++] = id;
}

/* "All the dead" does not mean those that a person has dropped. */
static void
id_seen(void *arg, const struct journal_outbox_row *r)
{
	struct ids *all = arg;

	if (is_of(r, all->sink) &&
	    (r->error == NULL || !text_starts(r->error, JOURNAL_DROPPED)))
		ids_add(all, r->row.id);
}

static enum err_code
named(struct ctx *ctx, struct ids *all, struct err *err)
{
	const char *word;

	for (size_t i = 1; (word = cli_word(&ctx->args, i)) != NULL; i++) {
		int64_t id = 0;

		if (text_i64(word, 1, INT64_MAX, &id, err) != ERR_NONE) {
			err->code = ERR_USAGE;
			return err_wrap(err, "ROW %.40s", word);
		}
		ids_add(all, id);
	}
	return ERR_NONE;
}

static void
write_ids(
    struct json_writer *w, const char *key, const struct ids *all, bool changed)
{
	json_write_key(w, key);
	json_write_array(w);
	for (size_t i = 0; i < all->count; i++)
		if (all->changed[i] == changed)
			json_write_i64(w, all->ids[i]);
	json_write_end(w);
}

/* A row that was named and could not be changed is an error, all the same the
 * others are done. */
static void
show_change(struct ctx *ctx, const struct ids *all, bool drop)
{
	struct ctx_document d;
	long long changed = 0;

	for (size_t i = 0; i < all->count; i++) {
		changed += all->changed[i];
		if (all->changed[i])
			continue;
		ctx_exit(ctx, EXIT_ERROR);
		ctx_say(ctx, "row %lld %s: see dsrun outbox",
		    (long long)all->ids[i],
		    drop ? "is neither pending nor a dead letter"
			 : "is neither dead nor put off");
	}
	if (ctx->json) {
		ctx_json_begin(ctx, &d);
		json_field_str(&d.w, "action", drop ? "drop" : "retry");
		write_ids(&d.w, "changed", all, true);
		write_ids(&d.w, "unchanged", all, false);
		ctx_json_end(ctx, &d);
	} else if (all->count == 0) {
		ctx_say(ctx, "there are no dead letters");
	} else {
		ctx_say(ctx,
		    drop ? "%lld given up"
			 : "%lld will be pushed again: dsrun sync",
		    changed);
	}
}

/* All that --state and --sink leave; to be dropped only when that is meant. */
static enum err_code
heap(struct ctx *ctx, struct journal *j, bool drop, struct ids *all,
    struct err *err)
{
	const char *state = cli_text(&ctx->args, "state");
	bool pending = state != NULL && strcmp(state, "pending") == 0;
	char what[160];

	all->sink = cli_text(&ctx->args, "sink");
	if (journal_read_outbox(j,
		drop && pending ? JOURNAL_OUTBOX_PENDING : JOURNAL_OUTBOX_DEAD,
		0, 0, id_seen, all, err) != ERR_NONE)
		return err->code;
	if (!drop || all->count == 0)
		return ERR_NONE;
	(void)snprintf(what, sizeof(what), "Give up %zu result%s%s%s that %s",
	    all->count, all->count == 1 ? "" : "s",
	    all->sink != NULL ? " for " : "",
	    all->sink != NULL ? all->sink : "",
	    pending ? "wait to be pushed" : "could not be pushed");
	return ctx_confirm(ctx, what, err);
}

static enum err_code
change(struct ctx *ctx, struct journal *j, bool drop, struct err *err)
{
	struct change c = {
	    .tx = {.run = change_tx, .cls = JOURNAL_CLAIM}, .drop = drop};
	struct ids all = {.count = 0};
	enum err_code code = deed_read(ctx, &c.deed, err);

	if (code == ERR_NONE)
		code = named(ctx, &all, err);
	if (code == ERR_NONE && all.count == 0)
		code = heap(ctx, j, drop, &all, err);
	for (size_t i = 0; i < all.count && code == ERR_NONE; i += c.count) {
		c.ids = all.ids + i;
		c.changed = all.changed + i;
		c.count = all.count - i < BATCH ? all.count - i : BATCH;
		code = journal_now(j, &c.tx, err);
	}
	if (code == ERR_NONE)
		show_change(ctx, &all, drop);
	mem_free(&all.ids);
	mem_free(&all.changed);
	return code;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const char *action = cli_word(&ctx->args, 0);
	bool drop = action != NULL && strcmp(action, "drop") == 0;
	bool lists = action == NULL || strcmp(action, "list") == 0;
	struct journal *j = NULL;
	enum err_code code;

	if (lists && cli_word(&ctx->args, 1) != NULL)
		return err_set(err, ERR_USAGE, 0,
		    "list takes no ROW; for example: dsrun outbox --state "
		    "dead");
	if (drop && (cli_word(&ctx->args, 1) != NULL) ==
			cli_flag(&ctx->args, "all", false))
		return err_set(err, ERR_USAGE, 0,
		    "expected ROWs, the numbers that dsrun outbox shows, or "
		    "--all, and not both");
	if (cli_word(&ctx->args, 1) != NULL && cli_given(&ctx->args, "sink"))
		return err_set(err, ERR_USAGE, 0,
		    "--sink chooses among all rows: name no ROW with it");
	if (drop && !cli_given(&ctx->args, "reason"))
		return err_set(err, ERR_USAGE, 0,
		    "--reason is missing: a result that is dropped reaches "
		    "nobody");
	code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);
	if (code == ERR_NONE)
		code = lists ? list(ctx, j, err) : change(ctx, j, drop, err);
	journal_close(&j);
	return code;
}

const struct command cmd_outbox = {OUTBOX_WORDS, .run = run};
