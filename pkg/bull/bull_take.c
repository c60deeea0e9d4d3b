#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "bull/bull_priv.h"

static enum err_code
read_take(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	static const enum bull_answer answers[] = {
	    BULL_TAKEN, BULL_EMPTY, BULL_PAUSED, BULL_FULL, BULL_LIMITED};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (strcmp(word, bull_answer_name(answers[i])) == 0) {
			c->answer = answers[i];
			c->now_ms = bull_item_i64(v, 1);
			c->due_ms = bull_item_i64(v, 2);
			c->wait_ms = bull_item_i64(v, 3);
			c->ghosts = bull_item_i64(v, 4);
			bull_read_jobs(c, bull_item(v, 5));
			c->bull->told_drained = bull_item_i64(v, 6) == 1;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0, "answered %.40s", word);
}

static const struct bull_verb take = {"take", read_take};

void
bull_take(struct bull *b, int64_t n, int64_t lock_ms, struct bull_call *c)
{
	struct bull_args a = {0};

	CHECK(n > 0 && n <= BULL_BATCH_MAX && lock_ms > 0);
	bull_args_begin(b, &a);
	bull_arg_i64(&a, n);
	bull_arg_text(&a, b->token);
	bull_arg_i64(&a, lock_ms);
	bull_arg_i64(&a, (int64_t)b->field_max);
	bull_arg_i64(&a, (int64_t)b->answer_max);
	bull_arg_text(&a, b->worker);
	bull_arg_text(&a, b->told_drained ? "0" : "1");
	bull_arg_i64(&a, b->known_us);
	bull_arg_i64(&a, b->limit);
	bull_arg_i64(&a, b->limit_ms);
	bull_start(b, &take, &a, c);
}

static enum err_code
read_ours(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	const struct net_redis_value *rows = bull_item(v, 2);
	size_t n = rows != NULL ? rows->count : 0;

	(void)word;
	(void)err;
	c->now_ms = bull_item_i64(v, 1);
	c->leases = mem_zalloc(n, sizeof(*c->leases));
	for (size_t i = 0; i < n; i++) {
		const struct net_redis_value *row = bull_item(rows, i);

		bull_know(c->bull, bull_item_text(row, 1));
		c->leases[c->lease_count++] =
		    (struct bull_lease){bull_item_text(row, 0),
			bull_item_text(row, 1), bull_item_i64(row, 2)};
	}
	return ERR_NONE;
}

static const struct bull_verb ours = {"ours", read_ours};

void
bull_ours(struct bull *b, struct bull_call *c)
{
	struct bull_args a = {0};

	bull_args_begin(b, &a);
	bull_arg_text(&a, b->token);
	bull_start(b, &ours, &a, c);
}

static void
add_leases(struct bull *b, struct bull_args *a, const struct bull_lease *leases,
    size_t n)
{
	CHECK(n <= BULL_BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		bull_know(b, leases[i].lease);
		bull_arg_text(a, leases[i].id);
		bull_arg_text(a, leases[i].lease);
	}
}

static enum err_code
read_read(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	(void)word;
	(void)err;
	c->now_ms = bull_item_i64(v, 1);
	bull_read_jobs(c, bull_item(v, 2));
	c->count = bull_item_i64(v, 3);
	return ERR_NONE;
}

static const struct bull_verb reading = {"read", read_read};

void
bull_read(struct bull *b, const struct bull_lease *leases, size_t n,
    struct bull_call *c)
{
	struct bull_args a = {0};

	bull_args_begin(b, &a);
	bull_arg_text(&a, b->token);
	bull_arg_i64(&a, (int64_t)b->field_max);
	bull_arg_i64(&a, (int64_t)b->answer_max);
	add_leases(b, &a, leases, n);
	bull_start(b, &reading, &a, c);
}

static enum err_code
read_reclaim(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	(void)err;
	if (strcmp(word, "ours") == 0) {
		c->answer = BULL_DONE;
		c->text = bull_item_text(v, 1);
	} else if (strcmp(word, "moved") == 0) {
		c->answer = BULL_MOVED;
		c->text = bull_item_text(v, 1);
	} else {
		bull_read_elsewhere(c, v, word);
		if (c->answer == BULL_GONE)
			c->text = bull_item_text(v, 1);
	}
	return ERR_NONE;
}

static const struct bull_verb reclaim = {"reclaim", read_reclaim};

void
bull_reclaim(struct bull *b, const struct bull_ref *ref, int64_t lock_ms,
    struct bull_call *c)
{
	struct bull_args a = {0};

	CHECK(lock_ms > 0);
	bull_know(b, ref->lease);
	bull_args_begin(b, &a);
	bull_arg_text(&a, ref->id);
	bull_arg_text(&a, ref->lease);
	bull_arg_text(&a, ref->stamp);
	bull_arg_i64(&a, ref->tries);
	bull_arg_text(&a, b->token);
	bull_arg_i64(&a, lock_ms);
	bull_start(b, &reclaim, &a, c);
}

/* One mark for each that was asked about. */
static enum err_code
read_marks(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	const struct net_redis_value *rows = bull_item(v, 1);

	(void)word;
	(void)err;
	c->held_count = rows != NULL ? rows->count : 0;
	c->held = mem_zalloc(c->held_count, sizeof(*c->held));
	for (size_t i = 0; i < c->held_count; i++)
		c->held[i] = bull_item_i64(rows, i) == 1;
	return ERR_NONE;
}

static const struct bull_verb renew = {"renew", read_marks};

void
bull_renew(struct bull *b, const struct bull_lease *leases, size_t n,
    int64_t lock_ms, struct bull_call *c)
{
	struct bull_args a = {0};

	CHECK(lock_ms > 0);
	bull_args_begin(b, &a);
	bull_arg_i64(&a, lock_ms);
	add_leases(b, &a, leases, n);
	bull_start(b, &renew, &a, c);
}

static const struct bull_verb missing = {"missing", read_marks};

void
bull_missing(
    struct bull *b, const struct bull_ref *refs, size_t n, struct bull_call *c)
{
	struct bull_args a = {0};
	char(*tries)[24] = mem_zalloc(n + 1, sizeof(*tries));

	CHECK(n <= BULL_BATCH_MAX);
	bull_args_begin(b, &a);
	bull_arg_text(&a, b->token);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(
		    tries[i], sizeof(*tries), "%lld", (long long)refs[i].tries);
		bull_arg_text(&a, refs[i].id);
		bull_arg_text(&a, refs[i].lease);
		bull_arg_text(&a, refs[i].stamp);
		bull_arg_text(&a, tries[i]);
	}
	bull_start(b, &missing, &a, c);
	mem_free(&tries);
}
