#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "bull/bull_priv.h"

static void
begin(const struct bull *b, const struct bull_ref *ref, struct bull_args *a)
{
	bull_args_begin(b, a);
	bull_arg_text(a, ref->id);
	bull_arg_text(a, ref->lease);
	bull_arg_text(a, ref->stamp);
}

/* DONE, ALREADY when the word is one of those, else where it is. */
static void
read_end(struct bull_call *c, const struct net_redis_value *v, const char *word,
    const char *const *already)
{
	if (strcmp(word, "done") == 0) {
		c->answer = BULL_DONE;
		return;
	}
	for (; *already != NULL; already++)
		if (strcmp(word, *already) == 0) {
			c->answer = BULL_ALREADY;
			return;
		}
	bull_read_elsewhere(c, v, word);
	c->bull->gone += c->answer == BULL_GONE;
}

static void
read_completed(struct bull_call *c, const struct net_redis_value *v)
{
	static const char *const already[] = {"completed", NULL};
	const char *word = bull_item_text(v, 0);

	c->text = "";
	if (text_starts(word, "children"))
		c->answer = BULL_CHILDREN;
	else
		read_end(c, v, word, already);
}

static enum err_code
read_complete(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	const struct net_redis_value *rows = bull_item(v, 1);
	size_t n = rows != NULL ? rows->count : 0;

	(void)word;
	if (n != c->ended_count)
		return err_set(err, ERR_MALFORMED, 0,
		    "answered %zu of %zu jobs", n, c->ended_count);
	for (size_t i = 0; i < n; i++) {
		read_completed(c, bull_item(rows, i));
		c->ended[i] = (struct bull_ended){c->answer, c->text};
	}
	return ERR_NONE;
}

static const struct bull_verb complete = {"complete", read_complete};

void
bull_complete_all(
    struct bull *b, const struct bull_end *ends, size_t n, struct bull_call *c)
{
	struct bull_args a = {0};

	CHECK(n > 0 && n <= BULL_BATCH_MAX);
	c->ended = mem_zalloc(n, sizeof(*c->ended));
	c->ended_count = n;
	bull_args_begin(b, &a);
	bull_arg_text(&a, b->token);
	bull_arg_i64(&a, bull_metrics(b));
	for (size_t i = 0; i < n; i++) {
		bull_arg_text(&a, ends[i].ref->id);
		bull_arg_text(&a, ends[i].ref->lease);
		bull_arg_text(&a, ends[i].ref->stamp);
		bull_arg_bytes(&a, ends[i].result, ends[i].len);
	}
	bull_start(b, &complete, &a, c);
}

enum err_code
bull_complete(struct bull *b, const struct bull_ref *ref, const char *result,
    size_t len, struct bull_call *c, struct err *err)
{
	const struct bull_end end = {ref, result, len};
	enum err_code code = bull_check_json("result", result, len, err);

	if (code == ERR_NONE)
		bull_complete_all(b, &end, 1, c);
	return code;
}

static enum err_code
read_fail(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	static const enum bull_answer how[] = {
	    BULL_FAILED, BULL_RETRIED, BULL_DELAYED};
	const char *detail = bull_item_text(v, 1);

	(void)err;
	if (strcmp(word, "already") == 0 || strcmp(word, "backoff") == 0) {
		c->answer = word[0] == 'a' ? BULL_ALREADY : BULL_BACKOFF;
		c->text = detail;
		return ERR_NONE;
	}
	if (strcmp(word, "done") != 0) {
		bull_read_elsewhere(c, v, word);
		return ERR_NONE;
	}
	for (size_t i = 0; i < ARRAY_LEN(how); i++)
		if (strcmp(detail, bull_answer_name(how[i])) == 0)
			c->answer = how[i];
	c->due_ms = bull_item_i64(v, 2);
	return ERR_NONE;
}

static const struct bull_verb fail = {"fail", read_fail};

/* Others' text may hold anything; what goes into JSON must be UTF-8. */
static char *
as_utf8(const char *text)
{
	char *copy = mem_strdup(text);

	if (!text_is_utf8(copy, strlen(copy)))
		for (char *p = copy; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
	return copy;
}

void
bull_fail(struct bull *b, const struct bull_ref *ref, const char *reason,
    const char *stack, bool final, int64_t backoff_ms, struct bull_call *c)
{
	struct bull_args a = {0};
	char *safe_reason = as_utf8(reason);
	char *safe_stack = as_utf8(stack);
	uint32_t random;
	char fraction[16] = "0.";

	/* Jitter: Redis gives scripts the same random numbers each time. */
	env_random(b->env, &random, sizeof(random));
	for (size_t i = 2; i < 11; i++, random /= 10)
		fraction[i] = (char)('0' + random % 10);
	begin(b, ref, &a);
	bull_arg_i64(&a, ref->tries);
	bull_arg_text(&a, b->token);
	bull_arg_text(&a, safe_reason);
	bull_arg_text(&a, safe_stack);
	bull_arg_text(&a, final ? "final" : "retry");
	bull_arg_text(&a, fraction);
	bull_arg_i64(&a, backoff_ms);
	bull_arg_i64(&a, bull_metrics(b));
	bull_start(b, &fail, &a, c);
	mem_free(&safe_reason);
	mem_free(&safe_stack);
}

static enum err_code
read_delay(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	static const char *const already[] = {"delayed", NULL};

	(void)err;
	c->due_ms = bull_item_i64(v, 1);
	read_end(c, v, word, already);
	return ERR_NONE;
}

static const struct bull_verb delay = {"delay", read_delay};

void
bull_delay(struct bull *b, const struct bull_ref *ref, int64_t due_ms,
    struct bull_call *c)
{
	struct bull_args a = {0};

	begin(b, ref, &a);
	bull_arg_i64(&a, due_ms);
	bull_arg_i64(&a, b->env->ops->wall_us(b->env) / 1000);
	bull_start(b, &delay, &a, c);
}

static enum err_code
read_hand_back(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	static const char *const already[] = {
	    "wait", "paused", "prioritized", NULL};

	(void)err;
	read_end(c, v, word, already);
	return ERR_NONE;
}

static const struct bull_verb hand_back = {"handback", read_hand_back};

void
bull_hand_back(struct bull *b, const struct bull_ref *ref, struct bull_call *c)
{
	struct bull_args a = {0};

	begin(b, ref, &a);
	bull_arg_text(&a, b->token);
	bull_start(b, &hand_back, &a, c);
}

static enum err_code
read_note(struct bull_call *c, const struct net_redis_value *v,
    const char *word, struct err *err)
{
	static const char *const already[] = {NULL};

	(void)err;
	read_end(c, v, word, already);
	return ERR_NONE;
}

static const struct bull_verb progress = {"progress", read_note};
static const struct bull_verb logging = {"log", read_note};

static void
note(struct bull *b, const struct bull_verb *verb, const struct bull_ref *ref,
    const char *text, size_t len, struct bull_call *c)
{
	struct bull_args a = {0};

	bull_args_begin(b, &a);
	bull_arg_text(&a, ref->id);
	bull_arg_text(&a, ref->stamp);
	bull_arg_bytes(&a, text, len);
	bull_start(b, verb, &a, c);
}

enum err_code
bull_progress(struct bull *b, const struct bull_ref *ref, const char *json,
    size_t len, struct bull_call *c, struct err *err)
{
	enum err_code code = bull_check_json("progress", json, len, err);

	if (code == ERR_NONE)
		note(b, &progress, ref, json, len, c);
	return code;
}

void
bull_log(struct bull *b, const struct bull_ref *ref, const char *line,
    struct bull_call *c)
{
	char *safe = as_utf8(line);

	note(b, &logging, ref, safe, strlen(safe), c);
	mem_free(&safe);
}
