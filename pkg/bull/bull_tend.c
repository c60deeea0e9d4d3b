#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "bull/bull_priv.h"

static enum err_code
read_promote(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	(void)word;
	(void)err;
	c->now_ms = bull_item_i64(v, 1);
	c->count = bull_item_i64(v, 2);
	c->due_ms = bull_item_i64(v, 3);
	return ERR_NONE;
}

static const struct bull_verb promote = {"promote", read_promote};

void
bull_promote(struct bull *b, struct bull_call *c)
{
	struct bull_args a = {0};

	bull_args_begin(b, &a);
	bull_arg_text(&a, b->token);
	bull_start(b, &promote, &a, c);
}

static const char **
read_ids(const struct net_redis_value *rows, size_t *count)
{
	const char **ids;

	*count = rows != NULL ? rows->count : 0;
	ids = mem_zalloc(*count, sizeof(*ids));
	for (size_t i = 0; i < *count; i++)
		ids[i] = bull_item_text(rows, i);
	return ids;
}

static enum err_code
read_stalled(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	(void)err;
	c->answer = strcmp(word, "checked") == 0 ? BULL_DONE : BULL_NOT_YET;
	c->ids = read_ids(bull_item(v, 1), &c->id_count);
	c->failed_ids = read_ids(bull_item(v, 2), &c->failed_count);
	return ERR_NONE;
}

static const struct bull_verb stalled = {"stalled", read_stalled};

void
bull_check_stalled(struct bull *b, int64_t max_stalled, int64_t interval_ms,
    struct bull_call *c)
{
	struct bull_args a = {0};

	CHECK(max_stalled >= 0 && interval_ms > 0);
	bull_args_begin(b, &a);
	bull_arg_i64(&a, max_stalled);
	bull_arg_i64(&a, interval_ms);
	bull_arg_text(&a, b->token);
	bull_start(b, &stalled, &a, c);
}

static enum err_code
read_look(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	(void)word;
	(void)err;
	c->now_ms = bull_item_i64(v, 1);
	c->due_ms = bull_item_i64(v, 3);
	c->wait_ms = bull_item_i64(v, 4);
	c->counts = (struct bull_counts){
	    .paused = bull_item_i64(v, 2) == 1,
	    .wait = bull_item_i64(v, 5),
	    .prioritized = bull_item_i64(v, 6),
	    .delayed = bull_item_i64(v, 7),
	    .active = bull_item_i64(v, 8),
	    .completed = bull_item_i64(v, 9),
	    .failed = bull_item_i64(v, 10),
	    .held = bull_item_i64(v, 11),
	    .waiting_children = bull_item_i64(v, 12),
	};
	return ERR_NONE;
}

static const struct bull_verb look = {"look", read_look};

void
bull_look(struct bull *b, struct bull_call *c)
{
	struct bull_args a = {0};

	bull_args_begin(b, &a);
	bull_start(b, &look, &a, c);
}
