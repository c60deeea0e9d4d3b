#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "run/run_check.h"
#include "wire.h"
#include "words/check.h"

/* What each invariant says, in a line. */
static const char *const says[RUN_CHECK_INVARIANTS + 1] = {"",
    "at most one call at the carrier for an attempt",
    "every call was asked for by a durable intent",
    "at most one live attempt for a job",
    "at most one live attempt for a number and an organisation",
    "live attempts within the limits in force",
    "no way from unknown to a new attempt without evidence",
    "final states of attempts are written once",
    "event chains are gapless and verify", "states are what their events say",
    "every result has its row, every row its end",
    "only what may have rung counts as a try",
    "no dial outside the callee's hours",
    "after a crash everything ends in bounded time",
    "the journal agrees with the network",
    "one result for each end, with the network's outcome"};

/* The parts of the database part that are no invariant. */
static bool
is_base(const struct journal_check_item *item)
{
	return item->name[0] != 'I';
}

static const char *const base_says[] = {
    [JOURNAL_CHECK_DATABASE] = "pages and constraints",
    [JOURNAL_CHECK_SCHEMA] = "tables, triggers and steps are dsrun's",
    [JOURNAL_CHECK_HEAD] = "its head is where it ends",
    [JOURNAL_CHECK_TALLY] = "its counts by state are right",
    [JOURNAL_CHECK_OWNERS] = "what is live has an owner"};

/* "ok", or the first of what is wrong with the database itself. */
static const char *
database_text(const struct run_check *c)
{
	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++) {
		const struct journal_check_item *item = &c->journal->item[i];

		if (is_base(item) && item->shown > 0)
			return item->violation[0];
	}
	return "ok";
}

/* --- JSON --- */

static void
item_json(struct json_writer *w, const struct journal_check_item *item)
{
	json_write_key(w, item->name);
	json_write_object(w);
	json_write_key(w, "ok");
	if (item->ok == JOURNAL_UNKNOWN) {
		json_write_null(w);
		json_field_str(w, "why", item->why);
	} else {
		json_write_bool(w, item->ok == JOURNAL_TRUE);
		json_field_i64(w, "checked", item->checked);
		json_write_key(w, "violations");
		json_write_array(w);
		for (size_t i = 0; i < item->shown; i++)
			json_write_str(w, item->violation[i]);
		json_write_end(w);
		json_field_i64(w, "violationCount", item->violations);
	}
	json_write_end(w);
}

static void
show_json(struct ctx *ctx, const struct run_check *c)
{
	const struct journal_check *jc = c->journal;
	struct ctx_document d;

	ctx_json_begin(ctx, &d);
	json_field_bool(&d.w, "ok", c->ok);
	json_write_key(&d.w, "invariants");
	json_write_object(&d.w);
	for (int i = 1; i <= RUN_CHECK_INVARIANTS; i++)
		item_json(&d.w, run_check_at(c, i));
	json_write_end(&d.w);
	json_write_key(&d.w, "chain");
	json_write_object(&d.w);
	json_field_bool(
	    &d.w, "ok", jc->item[JOURNAL_CHECK_I8].ok == JOURNAL_TRUE);
	json_field_i64(&d.w, "events", jc->events);
	json_field_i64(&d.w, "seals", jc->seals);
	json_write_end(&d.w);
	json_field_str(&d.w, "database", database_text(c));
	json_write_key(&d.w, "parts");
	json_write_object(&d.w);
	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++)
		if (is_base(&jc->item[i]))
			item_json(&d.w, &jc->item[i]);
	item_json(&d.w, &c->files);
	json_write_end(&d.w);
	json_write_key(&d.w, "listed");
	json_write_array(&d.w);
	for (size_t i = 0; i < c->listed_shown; i++)
		json_write_str(&d.w, c->listed[i]);
	json_write_end(&d.w);
	json_field_i64(&d.w, "listedCount", c->listed_count);
	json_field_i64(&d.w, "jobs", jc->jobs);
	json_field_i64(&d.w, "pruned", jc->pruned);
	json_field_i64(&d.w, "attempts", jc->attempts);
	json_field_i64(&d.w, "calls", c->calls);
	json_field_i64(&d.w, "peakLive", jc->peak_live);
	ctx_json_end(ctx, &d);
}

/* --- text --- */

static void
item_text(
    struct ctx *ctx, const struct journal_check_item *item, const char *what)
{
	const struct term *t = &ctx->term;
	bool bad = item->ok == JOURNAL_FALSE;
	const char *word = bad                           ? "BROKEN"
			   : item->ok == JOURNAL_UNKNOWN ? "unseen"
							 : "ok";

	if (ctx->quiet && !bad)
		return;
	(void)fprintf(t->out, "%-9s %s%-6s%s  ", item->name,
	    term_on(t, t->out,
		bad                           ? TERM_RED
		: item->ok == JOURNAL_UNKNOWN ? TERM_YELLOW
					      : TERM_GREEN),
	    word, term_off(t, t->out));
	if (item->ok == JOURNAL_UNKNOWN)
		ctx_print(ctx, "%s: %s\n", what, item->why);
	else
		ctx_print(ctx, "%s (%lld looked at)\n", what,
		    (long long)item->checked);
	for (size_t i = 0; i < item->shown; i++)
		ctx_print(ctx, "          %s\n", item->violation[i]);
	if (item->violations > (int64_t)item->shown)
		ctx_print(ctx, "          and %lld more\n",
		    (long long)(item->violations - (int64_t)item->shown));
}

static void
show_text(struct ctx *ctx, const struct run_check *c)
{
	const struct journal_check *jc = c->journal;

	for (size_t i = 0; i < JOURNAL_CHECK_COUNT; i++)
		if (is_base(&jc->item[i]))
			item_text(ctx, &jc->item[i], base_says[i]);
	item_text(ctx, &c->files, "what calls left is as it was hashed");
	for (int i = 1; i <= RUN_CHECK_INVARIANTS; i++)
		item_text(ctx, run_check_at(c, i), says[i]);
	if (ctx->quiet)
		return;
	for (size_t i = 0; i < c->listed_shown; i++)
		ctx_print(ctx, "listed: %s\n", c->listed[i]);
	if (c->listed_count > (int64_t)c->listed_shown)
		ctx_print(ctx, "listed: and %lld more\n",
		    (long long)(c->listed_count - (int64_t)c->listed_shown));
	ctx_print(ctx,
	    "%s: %lld jobs (%lld pruned), %lld attempts, %lld events, %lld "
	    "calls in the network's log\n",
	    c->ok ? "ok" : "BROKEN", (long long)jc->jobs, (long long)jc->pruned,
	    (long long)jc->attempts, (long long)jc->events,
	    (long long)c->calls);
}

static void
show(struct ctx *ctx, const struct run_check *c)
{
	if (ctx->json)
		show_json(ctx, c);
	else
		show_text(ctx, c);
	if (!c->ok)
		ctx_exit(ctx, EXIT_DAMAGED);
}

/*
 * Of a journal that cannot be opened as one: what its file shows of the place
 * that is broken.  When that is nothing, the reason it was refused for is all
 * there is to say.
 */
static enum err_code
run_unopened(struct ctx *ctx, const struct conf *conf, const struct err *why,
    struct err *err)
{
	char *path = mem_printf("%s/journal.db", conf->dir);
	const struct run_check_network network = {
	    .why = "the journal cannot be opened"};
	struct run_check_options o = {.env = ctx->env,
	    .conf = conf,
	    .backup = path,
	    .network = &network,
	    .deep = true};
	struct run_check *c = NULL;
	bool shown = run_check(&o, &c, err) == ERR_NONE && c != NULL && !c->ok;

	if (shown)
		show(ctx, c);
	run_check_free(&c);
	mem_free(&path);
	*err = *why;
	/* One document, and its exit code is set. */
	return shown && ctx->json ? ERR_NONE : why->code;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct run_check_options o = {
	    .env = ctx->env, .backup = cli_word(&ctx->args, 0)};
	struct run_check_network network = {.each = NULL};
	struct run_check *c = NULL;
	struct wire w = {0};
	enum err_code code = ctx_conf(ctx, &o.conf, err);

	o.network = &network;
	if (code == ERR_NONE && o.backup == NULL) {
		code = wire_open_rules(ctx, &w, err);
		if (code == ERR_DAMAGED) {
			const struct err why = *err;

			wire_close(&w);
			return run_unopened(ctx, o.conf, &why, err);
		}
		o.journal = w.journal;
		o.atlas = w.atlas;
		o.deep = true;
	}
	if (code == ERR_NONE)
		code = wire_network(ctx, &network, err);
	if (code == ERR_NONE)
		code = run_check(&o, &c, err);
	if (code == ERR_NONE)
		show(ctx, c);
	run_check_free(&c);
	wire_network_free(&network);
	wire_close(&w);
	return code;
}

const struct command cmd_check = {CHECK_WORDS, .run = run};
